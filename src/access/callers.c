/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "access/callers.h"

#include "base/error.h"
#include "base/log.h"

#include <string.h>

typedef struct {
    FleetCallerFunc resolved;
    GDestroyNotify dropped;
    gpointer user_data;
} Question;

typedef struct {
    FleetCallers *callers; /* weak */
    char *name;
    FleetCaller caller;
    gboolean known;
    GArray *questions; /* of Question, while it is not known; else NULL */
    sd_bus_slot *call; /* the question to the bus daemon, while it is asked */
} Entry;

struct FleetCallers {
    sd_bus *bus;
    gboolean is_system;
    FleetCallerGoneFunc gone;
    gpointer user_data;
    GHashTable *entries; /* name -> Entry */
    sd_bus_slot *match;  /* on names that go away; only while there are entries, so that an idle daemon is not woken */
};

static void free_entry(gpointer data)
{
    Entry *entry = data;

    sd_bus_slot_unref(entry->call);
    if (entry->known)
        entry->callers->gone(&entry->caller, entry->callers->user_data);
    if (entry->questions != NULL) {
        for (guint i = 0; i < entry->questions->len; i++) {
            Question *question = &g_array_index(entry->questions, Question, i);
            question->dropped(question->user_data);
        }
        g_array_unref(entry->questions);
    }
    g_free(entry->name);
    g_free(entry);
}

FleetCallers *fleet_callers_new(sd_bus *bus, gboolean is_system, FleetCallerGoneFunc gone, gpointer user_data)
{
    FleetCallers *callers = g_new0(FleetCallers, 1);

    callers->bus = bus;
    callers->is_system = is_system;
    callers->gone = gone;
    callers->user_data = user_data;
    callers->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_entry);
    return callers;
}

void fleet_callers_free(FleetCallers *callers)
{
    sd_bus_slot_unref(callers->match);
    g_hash_table_unref(callers->entries);
    g_free(callers);
}

static void forget(FleetCallers *callers, const char *name)
{
    g_hash_table_remove(callers->entries, name);
    if (g_hash_table_size(callers->entries) == 0)
        callers->match = sd_bus_slot_unref(callers->match);
}

static int name_vanished(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    const char *name;
    int r = sd_bus_message_read_basic(message, 's', &name);

    if (r < 0)
        return r;
    forget(user_data, name);
    return 0;
}

/* Empties the entry's questions before it answers them, for an answer may bring new ones. */
static void answer(Entry *entry, const GError *error)
{
    g_autoptr(GArray) questions = g_steal_pointer(&entry->questions);
    const FleetCaller caller = entry->caller;

    for (guint i = 0; i < questions->len; i++) {
        Question *question = &g_array_index(questions, Question, i);
        question->resolved(error == NULL ? &caller : NULL, error, question->user_data);
    }
}

/* Reads the a{sv} of GetConnectionCredentials (D-Bus specification, "Message Bus Messages"). */
static int read_credentials(sd_bus_message *reply, FleetCaller *caller, gboolean *has_uid)
{
    int r = sd_bus_message_enter_container(reply, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
        const char *key;
        guint32 value;

        r = sd_bus_message_read_basic(reply, 's', &key);
        if (r < 0)
            return r;
        if (g_str_equal(key, "UnixUserID") || g_str_equal(key, "ProcessID")) {
            r = sd_bus_message_read(reply, "v", "u", &value);
            if (*key == 'U') {
                caller->uid = value;
                *has_uid = TRUE;
            } else
                caller->pid = (pid_t)value;
        } else
            r = sd_bus_message_skip(reply, "v");
        if (r >= 0)
            r = sd_bus_message_exit_container(reply);
    }
    return r;
}

/* What the bus daemon does not say. polkit knows the names on the system bus, and looks there itself; a name that does
 * not fit is none of a bus daemon's. */
static void complete(const Entry *entry, FleetCaller *caller)
{
    caller->serial = fleet_caller_new_serial();
    fleet_caller_find_process(caller, -1);
    if (entry->callers->is_system && strlen(entry->name) < sizeof(caller->bus_name))
        g_strlcpy(caller->bus_name, entry->name, sizeof(caller->bus_name));
}

static int credentials_arrived(sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    Entry *entry = user_data;
    g_autoptr(GError) error = NULL;
    gboolean has_uid = FALSE;

    entry->call = sd_bus_slot_unref(entry->call);
    if (!sd_bus_message_is_method_error(reply, NULL) && read_credentials(reply, &entry->caller, &has_uid) >= 0 &&
            has_uid) {
        entry->known = TRUE;
        complete(entry, &entry->caller);
        answer(entry, NULL);
        return 0;
    }

    const sd_bus_error *reason = sd_bus_message_get_error(reply);
    g_set_error(&error, FLEET_ERROR, FLEET_ERROR_ACCESS_DENIED, "the bus does not say which user '%s' belongs to%s%s",
            entry->name, reason != NULL ? ": " : "", reason != NULL ? reason->message : "");
    fleet_log_debug("%s", error->message);
    answer(entry, error);
    forget(entry->callers, entry->name);
    return 0;
}

/* The match is asked for before the credentials, on the same connection: a name that the bus knew when it answered
 * cannot go away unnoticed. */
static int ask(FleetCallers *callers, Entry *entry)
{
    int r = 0;

    if (callers->match == NULL)
        r = sd_bus_add_match_async(callers->bus, &callers->match,
                "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg2=''",
                name_vanished, NULL, callers);
    if (r < 0)
        return r;
    return sd_bus_call_method_async(callers->bus, &entry->call, "org.freedesktop.DBus", "/org/freedesktop/DBus",
            "org.freedesktop.DBus", "GetConnectionCredentials", credentials_arrived, entry, "s", entry->name);
}

void fleet_callers_resolve(
        FleetCallers *callers, const char *sender, FleetCallerFunc resolved, GDestroyNotify dropped, gpointer user_data)
{
    Question question = {.resolved = resolved, .dropped = dropped, .user_data = user_data};
    Entry *entry = g_hash_table_lookup(callers->entries, sender);

    if (entry != NULL && entry->known) {
        resolved(&entry->caller, NULL, user_data);
        return;
    }
    if (entry != NULL) {
        g_array_append_val(entry->questions, question);
        return;
    }

    entry = g_new0(Entry, 1);
    entry->callers = callers;
    entry->name = g_strdup(sender);
    entry->questions = g_array_new(FALSE, FALSE, sizeof(Question));
    g_array_append_val(entry->questions, question);
    g_hash_table_insert(callers->entries, entry->name, entry);

    int r = ask(callers, entry);
    if (r < 0) {
        g_autoptr(GError) error = g_error_new(FLEET_ERROR, FLEET_ERROR_ACCESS_DENIED,
                "the bus cannot be asked which user '%s' belongs to: %s", sender, g_strerror(-r));
        answer(entry, error);
        forget(callers, sender);
    }
}
