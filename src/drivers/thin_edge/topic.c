/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/thin_edge/topic.h"

#include "base/error.h"
#include "base/quotable.h"

#include <string.h>

/* What follows a prefix, or NULL. */
static const char *after(const char *text, const char *prefix)
{
    gsize length = strlen(prefix);

    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

static void parse_command(const char *rest, FleetThinEdgeTopic *result)
{
    const char *slash = strchr(rest, '/');
    g_autofree char *name = slash != NULL ? g_strndup(rest, (gsize)(slash - rest)) : g_strdup(rest);

    if (*name == '\0' || (slash != NULL && (slash[1] == '\0' || strchr(slash + 1, '/') != NULL)))
        return;
    if (!fleet_thin_edge_operation_from_name(name, &result->operation))
        result->operation = FLEET_THIN_EDGE_OPERATIONS;
    result->kind = slash != NULL ? FLEET_THIN_EDGE_TOPIC_COMMAND : FLEET_THIN_EDGE_TOPIC_CAPABILITY;
    result->last = slash != NULL ? slash + 1 : "";
}

void fleet_thin_edge_topic_parse(const char *root, const char *topic, FleetThinEdgeTopic *result)
{
    const char *rest = after(topic, root);
    const char *address = rest != NULL ? after(rest, "/device/") : NULL;
    gsize length = address != NULL ? strcspn(address, "/") : 0;

    result->kind = FLEET_THIN_EDGE_TOPIC_OTHER;
    result->operation = FLEET_THIN_EDGE_OPERATIONS;
    result->last = "";
    result->address[0] = '\0';
    if (length == 0 || length > FLEET_THIN_EDGE_ADDRESS_MAX)
        return;
    memcpy(result->address, address, length);
    result->address[length] = '\0';
    rest = address + length;
    const char *command = after(rest, "///cmd/"), *service = after(rest, "/service/");
    if (g_str_equal(rest, "//")) {
        result->kind = FLEET_THIN_EDGE_TOPIC_REGISTRATION;
    } else if (command != NULL) {
        parse_command(command, result);
    } else if (service != NULL && g_str_has_suffix(rest, "/status/health")) {
        result->kind = FLEET_THIN_EDGE_TOPIC_HEALTH;
        result->last = service;
    }
    if (result->kind == FLEET_THIN_EDGE_TOPIC_OTHER)
        result->address[0] = '\0';
}

gboolean fleet_thin_edge_topic_is_health_of(const FleetThinEdgeTopic *topic, const char *service)
{
    const char *rest = topic->kind == FLEET_THIN_EDGE_TOPIC_HEALTH ? after(topic->last, service) : NULL;

    return rest != NULL && g_str_equal(rest, "/status/health");
}

/* What every topic must do without, or NULL. */
static const char *fault_of(const char *text)
{
    if (*text == '\0')
        return "is empty";
    if (!g_utf8_validate(text, -1, NULL))
        return "is not valid UTF-8";
    if (strpbrk(text, "+#") != NULL)
        return "has a '+' or '#'";
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
        if (g_unichar_iscntrl(g_utf8_get_char(p)))
            return "has a control character";
    return NULL;
}

gboolean fleet_thin_edge_address_check(const char *address, GError **error)
{
    const char *fault = fault_of(address);

    if (fault == NULL && strchr(address, '/') != NULL)
        fault = "has a '/'";
    if (fault == NULL && strlen(address) > FLEET_THIN_EDGE_ADDRESS_MAX)
        fault = "is too long";
    if (fault == NULL)
        return TRUE;
    g_autofree char *shown = fleet_quotable(address);
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
            "address '%s' %s; the driver 'thin-edge' takes a device's id in its topics, te/device/ID//, which is 1 to "
            "%d "
            "bytes without '/', '+' and '#'",
            shown, fault, FLEET_THIN_EDGE_ADDRESS_MAX);
    return FALSE;
}

gboolean fleet_thin_edge_levels_check(const char *levels, GError **error)
{
    const char *fault = fault_of(levels);

    if (fault == NULL && (*levels == '/' || g_str_has_suffix(levels, "/")))
        fault = "begins or ends with a '/'";
    if (fault == NULL && *levels == '$')
        fault = "begins with a '$'";
    if (fault == NULL && strlen(levels) > FLEET_THIN_EDGE_ADDRESS_MAX)
        fault = "is too long";
    if (fault == NULL)
        return TRUE;
    g_autofree char *shown = fleet_quotable(levels);
    g_set_error(
            error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "'%s' %s; use a part of a topic, like te", shown, fault);
    return FALSE;
}

char *fleet_thin_edge_topic_capability(const char *root, const char *address, FleetThinEdgeOperation operation)
{
    return g_strdup_printf("%s/device/%s///cmd/%s", root, address, fleet_thin_edge_operation_name(operation));
}

char *fleet_thin_edge_topic_command(
        const char *root, const char *address, FleetThinEdgeOperation operation, const char *action_id, guint attempt)
{
    return g_strdup_printf("%s/device/%s///cmd/%s/" FLEET_THIN_EDGE_COMMAND_PREFIX "%s-%u", root, address,
            fleet_thin_edge_operation_name(operation), action_id, attempt);
}

char *fleet_thin_edge_filter_commands(const char *root, const char *address)
{
    return g_strdup_printf("%s/device/%s///cmd/#", root, address);
}

char *fleet_thin_edge_filter_health(const char *root, const char *address, const char *service)
{
    return g_strdup_printf("%s/device/%s/service/%s/status/health", root, address, service);
}

char *fleet_thin_edge_filter_registrations(const char *root)
{
    return g_strdup_printf("%s/device/+//", root);
}
