/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/signals.h"

#include "lib/client.h"
#include "lib/main.h"

struct FleetTestSignals {
    GDBusConnection *connection;
    guint subscription;
    GPtrArray *signals; /* of FleetTestSignal */
};

static void signal_free(gpointer data)
{
    FleetTestSignal *signal = data;

    g_free(signal->path);
    g_free(signal->interface);
    g_free(signal->member);
    g_variant_unref(signal->arguments);
    g_free(signal);
}

static void collect(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
        const char *member, GVariant *arguments, gpointer user_data)
{
    FleetTestSignals *signals = user_data;
    FleetTestSignal *signal = g_new0(FleetTestSignal, 1);

    signal->path = g_strdup(path);
    signal->interface = g_strdup(interface);
    signal->member = g_strdup(member);
    signal->arguments = g_variant_ref(arguments);
    g_ptr_array_add(signals->signals, signal);
}

FleetTestSignals *fleet_test_signals_new(
        GDBusConnection *connection, const char *interface, const char *member, const char *path)
{
    FleetTestSignals *signals = g_new0(FleetTestSignals, 1);

    signals->connection = g_object_ref(connection);
    signals->signals = g_ptr_array_new_with_free_func(signal_free);
    signals->subscription = g_dbus_connection_signal_subscribe(connection, FLEET_TEST_NAME, interface, member, path,
            NULL, G_DBUS_SIGNAL_FLAGS_NONE, collect, signals, NULL);
    /* The match was sent, not answered: once this call is, it is in force, and GDBus knows who owns the name, if
     * anybody. */
    g_variant_unref(g_dbus_connection_call_sync(connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
            "org.freedesktop.DBus", "GetId", NULL, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL));
    return signals;
}

void fleet_test_signals_free(FleetTestSignals *signals)
{
    g_dbus_connection_signal_unsubscribe(signals->connection, signals->subscription);
    g_object_unref(signals->connection);
    g_ptr_array_unref(signals->signals);
    g_free(signals);
}

guint fleet_test_signals_count(const FleetTestSignals *signals)
{
    return signals->signals->len;
}

const FleetTestSignal *fleet_test_signals_get(const FleetTestSignals *signals, guint i)
{
    g_assert(i < signals->signals->len);
    return signals->signals->pdata[i];
}

void fleet_test_signals_clear(FleetTestSignals *signals)
{
    g_ptr_array_set_size(signals->signals, 0);
}

char *fleet_test_signals_print(const FleetTestSignals *signals)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < signals->signals->len; i++) {
        const FleetTestSignal *signal = signals->signals->pdata[i];
        g_autofree char *arguments = g_variant_print(signal->arguments, FALSE);

        g_string_append_printf(text, "\n  %s %s.%s%s", signal->path, signal->interface, signal->member, arguments);
    }
    return g_string_free(text, FALSE);
}

static gboolean time_is_up(gpointer user_data)
{
    *(gboolean *)user_data = TRUE;
    return G_SOURCE_REMOVE;
}

guint fleet_test_signals_wait_at(const char *file, int line, FleetTestSignals *signals, guint from,
        FleetTestSignalFunc wanted, gpointer user_data)
{
    gboolean late = FALSE;
    g_autoptr(GSource) timeout = g_timeout_source_new((guint)(FLEET_TEST_PATIENCE * fleet_test_slowness() * 1000));

    g_source_set_callback(timeout, time_is_up, &late, NULL);
    g_source_attach(timeout, NULL);
    for (guint i = from; !late;) {
        for (; i < signals->signals->len; i++)
            if (wanted(signals->signals->pdata[i], user_data)) {
                g_source_destroy(timeout);
                return i;
            }
        g_main_context_iteration(NULL, TRUE);
    }
    g_autofree char *all = fleet_test_signals_print(signals);
    fleet_test_fail_at(file, line, "the signal did not come; these did:%s", all);
}

typedef struct {
    const char *path, *property, *value;
} PropertyWanted;

static gboolean has_property(const FleetTestSignal *signal, gpointer user_data)
{
    const PropertyWanted *wanted = user_data;

    if (!g_str_equal(signal->member, "PropertiesChanged") || !g_str_equal(signal->interface, FLEET_TEST_PROPERTIES) ||
            (wanted->path != NULL && !g_str_equal(signal->path, wanted->path)))
        return FALSE;
    g_autoptr(GVariant) changed = g_variant_get_child_value(signal->arguments, 1);
    g_autoptr(GVariant) value = g_variant_lookup_value(changed, wanted->property, NULL);
    if (value == NULL || wanted->value == NULL)
        return value != NULL;
    g_autofree char *text = g_variant_print(value, FALSE);
    return g_str_equal(text, wanted->value);
}

guint fleet_test_signals_wait_property_at(const char *file, int line, FleetTestSignals *signals, guint from,
        const char *path, const char *property, const char *value)
{
    PropertyWanted wanted = {.path = path, .property = property, .value = value};

    return fleet_test_signals_wait_at(file, line, signals, from, has_property, &wanted);
}

void fleet_test_signals_settle(FleetTestSignals *signals)
{
    fleet_test_round_trip(signals->connection);
    /* The reply came after the signals, and they are queued on the main context by now. */
    while (g_main_context_iteration(NULL, FALSE))
        ;
}
