/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "access/polkit.h"

#include "base/bus_source.h"
#include "base/error.h"
#include "base/log.h"
#include "base/quotable.h"

#include <systemd/sd-bus.h>

#define NAME "org.freedesktop.PolicyKit1"
#define OBJECT "/org/freedesktop/PolicyKit1/Authority"
#define INTERFACE "org.freedesktop.PolicyKit1.Authority"

#define ALLOW_USER_INTERACTION 1u

/* Rules, authorizations or sessions have changed; and polkit itself came or went, which may mean the same. */
static const char *const matches[] = {
        "type='signal',sender='" NAME "',path='" OBJECT "',interface='" INTERFACE "',member='Changed'",
        "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',"
        "member='NameOwnerChanged',arg0='" NAME "'",
};

typedef struct {
    FleetPolkit *polkit; /* weak */
    sd_bus_slot *slot;
    gboolean is_quiet; /* no person is asked */
    FleetPolkitAnswerFunc answered;
    gpointer user_data;
    GList link; /* in polkit->checks */
} Check;

struct FleetPolkit {
    sd_bus *bus; /* NULL while there is no connection */
    FleetBusSource *source;
    sd_bus_slot *slots[G_N_ELEMENTS(matches)];
    guint installed; /* of the matches */
    GQueue checks;   /* of Check: what is asked */
    FleetPolkitChangedFunc changed;
    gpointer user_data;
};

FleetPolkit *fleet_polkit_new(FleetPolkitChangedFunc changed, gpointer user_data)
{
    FleetPolkit *polkit = g_new0(FleetPolkit, 1);

    polkit->changed = changed;
    polkit->user_data = user_data;
    return polkit;
}

void fleet_polkit_free(FleetPolkit *polkit)
{
    fleet_polkit_close(polkit);
    g_free(polkit);
}

/* Ends a check; an answer may bring new ones. */
static void answer(Check *check, const FleetPolkitAnswer *answer)
{
    g_autofree Check *owned = check;

    g_queue_unlink(&check->polkit->checks, &check->link);
    sd_bus_slot_unref(check->slot);
    check->answered(answer, check->user_data);
}

static void drop_connection(FleetPolkit *polkit, const char *problem)
{
    const FleetPolkitAnswer failed = {.verdict = FLEET_POLKIT_FAILED, .problem = problem};
    guint left = polkit->checks.length;

    for (guint i = 0; i < G_N_ELEMENTS(matches); i++)
        g_clear_pointer(&polkit->slots[i], sd_bus_slot_unref);
    polkit->installed = 0;
    g_clear_pointer(&polkit->source, fleet_bus_source_free);
    sd_bus_close_unref(g_steal_pointer(&polkit->bus));
    polkit->changed(polkit->user_data);
    /* Whoever asks from within an answer asks on the next connection. */
    for (; left > 0 && polkit->checks.head != NULL; left--)
        answer(polkit->checks.head->data, &failed);
}

void fleet_polkit_close(FleetPolkit *polkit)
{
    if (polkit->bus != NULL)
        drop_connection(polkit, "the connection to polkit was closed");
}

static void closed(int r, gpointer user_data)
{
    FleetPolkit *polkit = user_data;
    g_autofree char *problem =
            g_strdup_printf("the connection to the system bus, and so to polkit, was lost: %s", g_strerror(-r));

    fleet_log_debug("%s", problem);
    drop_connection(polkit, problem);
}

static int something_changed(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    FleetPolkit *polkit = user_data;

    polkit->changed(polkit->user_data);
    return 0;
}

static int match_installed(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    FleetPolkit *polkit = user_data;

    if (!sd_bus_message_is_method_error(reply, NULL))
        polkit->installed++;
    return 0;
}

gboolean fleet_polkit_is_watched(const FleetPolkit *polkit)
{
    return polkit->installed == G_N_ELEMENTS(matches);
}

/* Only begins to: what is sent meanwhile waits in sd-bus until the connection stands. The matches are asked for before
 * anything else, so that what is answered later cannot change unnoticed. */
static gboolean ensure_open(FleetPolkit *polkit, GError **error)
{
    __attribute__((cleanup(sd_bus_unrefp))) sd_bus *bus = NULL;
    int r;

    if (polkit->bus != NULL)
        return TRUE;
    r = sd_bus_open_system_with_description(&bus, "fleetd-polkit");
    for (guint i = 0; i < G_N_ELEMENTS(matches) && r >= 0; i++)
        r = sd_bus_add_match_async(bus, &polkit->slots[i], matches[i], something_changed, match_installed, polkit);
    if (r < 0) {
        for (guint i = 0; i < G_N_ELEMENTS(matches); i++)
            g_clear_pointer(&polkit->slots[i], sd_bus_slot_unref);
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_ACCESS_DENIED,
                "polkit cannot be asked, for the system bus cannot be reached: %s", g_strerror(-r));
        return FALSE;
    }
    polkit->source = fleet_bus_source_new(bus, closed, polkit);
    polkit->bus = g_steal_pointer(&bus);
    return TRUE;
}

/* "(sa{sv})": whom the question is about. polkit asks the bus about a name itself. A process is told from an earlier
 * one with its number by its start time. */
static int append_subject(sd_bus_message *message, const FleetCaller *caller)
{
    if (caller->bus_name[0] != '\0')
        return sd_bus_message_append(message, "(sa{sv})", "system-bus-name", 1, "name", "s", caller->bus_name);
    return sd_bus_message_append(message, "(sa{sv})", "unix-process", 3, "pid", "u", (guint32)caller->pid, "start-time",
            "t", caller->start_time, "uid", "i", (gint32)caller->uid);
}

static void format_dialog(char text[32], guint64 dialog)
{
    if (dialog != 0)
        g_snprintf(text, 32, "fleetd-%" G_GUINT64_FORMAT, dialog);
    else
        text[0] = '\0';
}

static int append_question(sd_bus_message *message, const FleetPolkitQuestion *question)
{
    char dialog[32];
    int r = append_subject(message, question->caller);

    format_dialog(dialog, question->dialog);
    if (r >= 0)
        r = sd_bus_message_append_basic(message, 's', question->action);
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'a', "{ss}");
    for (const char *const *detail = question->details; *detail != NULL && r >= 0; detail += 2)
        r = sd_bus_message_append(message, "{ss}", detail[0], detail[1]);
    if (r >= 0)
        r = sd_bus_message_close_container(message);
    return r < 0 ? r
                 : sd_bus_message_append(message, "us", question->dialog != 0 ? ALLOW_USER_INTERACTION : 0u, dialog);
}

/* The a{ss} of an answer: is there an authorization that outlasts it, and has a person refused? */
static int read_details(sd_bus_message *reply, gboolean *is_kept, gboolean *is_dismissed)
{
    const char *key, *value;
    int r = sd_bus_message_enter_container(reply, 'a', "{ss}");

    while (r >= 0 && (r = sd_bus_message_read(reply, "{ss}", &key, &value)) > 0) {
        *is_kept = *is_kept || g_str_equal(key, "polkit.temporary_authorization_id");
        *is_dismissed = *is_dismissed || g_str_equal(key, "polkit.dismissed");
    }
    return r;
}

static int read_answer(sd_bus_message *reply, FleetPolkitAnswer *answer)
{
    gboolean is_authorized, is_challenge, is_kept = FALSE, is_dismissed = FALSE;
    int r = sd_bus_message_enter_container(reply, 'r', "bba{ss}");

    if (r >= 0)
        r = sd_bus_message_read(reply, "bb", &is_authorized, &is_challenge);
    if (r >= 0)
        r = read_details(reply, &is_kept, &is_dismissed);
    if (r < 0)
        return r;
    answer->verdict = is_authorized  ? FLEET_POLKIT_YES
                      : is_dismissed ? FLEET_POLKIT_DISMISSED
                      : is_challenge ? FLEET_POLKIT_CHALLENGE
                                     : FLEET_POLKIT_NO;
    answer->is_kept = is_kept;
    return 0;
}

static char *explain(sd_bus_message *reply, int r)
{
    const sd_bus_error *error = sd_bus_message_get_error(reply);

    if (error == NULL)
        return g_strdup_printf("polkit's answer cannot be read: %s", g_strerror(-r));
    if (sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
            sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
        return g_strdup("there is no polkit on this machine");
    if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY))
        return g_strdup("polkit went away before it answered");
    g_autofree char *message = fleet_quotable(error->message != NULL ? error->message : error->name);
    return g_strdup_printf("polkit does not decide: %s", message);
}

static int answer_arrived(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    Check *check = user_data;
    FleetPolkitAnswer result = {0};
    g_autofree char *problem = NULL;
    int r = sd_bus_message_is_method_error(reply, NULL) ? -EIO : read_answer(reply, &result);

    if (r < 0) {
        problem = explain(reply, r);
        result = (FleetPolkitAnswer){.verdict = FLEET_POLKIT_FAILED,
                .is_lost = sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NO_REPLY) > 0,
                .problem = problem};
    } else if (result.verdict == FLEET_POLKIT_YES)
        result.is_kept = result.is_kept || check->is_quiet;
    answer(check, &result);
    return 0;
}

gboolean fleet_polkit_ask(FleetPolkit *polkit, const FleetPolkitQuestion *question, FleetPolkitAnswerFunc answered,
        gpointer user_data, GError **error)
{
    __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *message = NULL;
    g_autofree Check *check = g_new0(Check, 1);

    if (!ensure_open(polkit, error))
        return FALSE;
    int r = sd_bus_message_new_method_call(polkit->bus, &message, NAME, OBJECT, INTERFACE, "CheckAuthorization");
    if (r >= 0)
        r = append_question(message, question);
    if (r >= 0)
        r = sd_bus_call_async(polkit->bus, &check->slot, message, answer_arrived, check, G_MAXUINT64);
    if (r < 0) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_ACCESS_DENIED, "polkit cannot be asked: %s", g_strerror(-r));
        return FALSE;
    }
    check->polkit = polkit;
    check->is_quiet = question->dialog == 0;
    check->answered = answered;
    check->user_data = user_data;
    check->link.data = check;
    g_queue_push_tail_link(&polkit->checks, &check->link);
    (void)g_steal_pointer(&check);
    return TRUE;
}

void fleet_polkit_cancel(FleetPolkit *polkit, guint64 dialog)
{
    char text[32];

    if (polkit->bus == NULL)
        return;
    format_dialog(text, dialog);
    int r = sd_bus_call_method_async(
            polkit->bus, NULL, NAME, OBJECT, INTERFACE, "CancelCheckAuthorization", NULL, NULL, "s", text);
    if (r < 0)
        fleet_log_debug("a dialog of polkit cannot be taken away: %s", g_strerror(-r));
}
