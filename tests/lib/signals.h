/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Collects the signals of org.fleet.Manager in the order in which they come. They arrive while the check waits here,
 * which runs the main context.
 */

#include <gio/gio.h>

typedef struct {
    char *path;
    char *interface;
    char *member;
    GVariant *arguments;
} FleetTestSignal;

typedef struct FleetTestSignals FleetTestSignals;

/* Starts to collect; from the return on, nothing is missed. NULL = any interface, any member, any path. Holds a
 * reference to the connection. Owned by the caller. */
FleetTestSignals *fleet_test_signals_new(GDBusConnection *connection, const char *interface, const char *member,
        const char *path) G_GNUC_WARN_UNUSED_RESULT;
void fleet_test_signals_free(FleetTestSignals *signals);

/* What came so far. The signal is owned by the collection, until it is cleared. */
guint fleet_test_signals_count(const FleetTestSignals *signals);
const FleetTestSignal *fleet_test_signals_get(const FleetTestSignals *signals, guint i);

/* Forgets what came so far. */
void fleet_test_signals_clear(FleetTestSignals *signals);

/* Is this the one that is waited for? */
typedef gboolean (*FleetTestSignalFunc)(const FleetTestSignal *signal, gpointer user_data);

/*
 * Waits, for FLEET_TEST_PATIENCE, until a signal satisfies the function, looking from the one with that index on. Its
 * index; the check fails, with all that came, if there is none.
 */
#define fleet_test_signals_wait(signals, from, wanted, user_data)                                                      \
    fleet_test_signals_wait_at(__FILE__, __LINE__, (signals), (from), (wanted), (user_data))
guint fleet_test_signals_wait_at(const char *file, int line, FleetTestSignals *signals, guint from,
        FleetTestSignalFunc wanted, gpointer user_data);

/* The same for a PropertiesChanged of that object (NULL = any) in which that property has that value, as
 * g_variant_print() writes it without types ("'IDLE'"; NULL = any). */
#define fleet_test_signals_wait_property(signals, from, path, property, value)                                         \
    fleet_test_signals_wait_property_at(__FILE__, __LINE__, (signals), (from), (path), (property), (value))
guint fleet_test_signals_wait_property_at(const char *file, int line, FleetTestSignals *signals, guint from,
        const char *path, const char *property, const char *value);

/* Takes in all that was sent before now, by a round trip: what is not there then was not sent. */
void fleet_test_signals_settle(FleetTestSignals *signals);

/* All of them, one a line, for a message. Owned by the caller. */
char *fleet_test_signals_print(const FleetTestSignals *signals);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetTestSignals, fleet_test_signals_free)
