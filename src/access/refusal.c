/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "access/refusal.h"

#include "base/error.h"
#include "base/quotable.h"

static void append_object(GString *text, const FleetQuestion *question)
{
    g_autofree char *device = fleet_quotable(question->device);
    g_autofree char *device_type = fleet_quotable(question->device_type);
    g_autofree char *action_type = fleet_quotable(question->action_type);

    if (*device == '\0' && *action_type == '\0')
        return;
    g_string_append(text, " (");
    if (*action_type != '\0')
        g_string_append_printf(text, "%s%s", action_type, *device != '\0' ? " on " : "");
    if (*device != '\0')
        g_string_append_printf(text, "device '%s' of type '%s'", device, device_type);
    g_string_append_c(text, ')');
}

static void append_reason(GString *text, const char *action, FleetRefusalReason reason, const char *problem)
{
    static const char remedy[] = "an administrator can allow it with a rule, see polkit(8)";

    switch (reason) {
    case FLEET_REFUSAL_NO:
        g_string_append_printf(text, "polkit does not allow %s; %s", action, remedy);
        break;
    case FLEET_REFUSAL_CHALLENGE:
        g_string_append_printf(text,
                "for %s polkit wants someone to authenticate, and nobody could be asked; call with interactive "
                "authorization allowed, or %s",
                action, remedy);
        break;
    case FLEET_REFUSAL_FAILED:
        g_string_append_printf(text, "nobody has authenticated for %s; try again, or %s", action, remedy);
        break;
    case FLEET_REFUSAL_DISMISSED:
        g_string_append_printf(text, "the authentication for %s was dismissed; try again, or %s", action, remedy);
        break;
    case FLEET_REFUSAL_NO_ANSWER:
        g_string_append_printf(text,
                "polkit is to say whether %s is allowed, but %s; until it does, ask as root or as the user that fleetd "
                "runs as",
                action, problem);
        break;
    }
}

GError *fleet_refusal_new(
        const FleetCaller *caller, const FleetQuestion *question, FleetRefusalReason reason, const char *problem)
{
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_append_printf(text, "user %u may not %s", (guint)caller->uid, fleet_verb_description(question->verb));
    append_object(text, question);
    g_string_append(text, ": ");
    append_reason(text, fleet_verb_action(question->verb), reason, problem);
    return g_error_new_literal(FLEET_ERROR, FLEET_ERROR_ACCESS_DENIED, text->str);
}
