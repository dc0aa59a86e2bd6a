/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/changes.h"

#include "base/clock.h"
#include "bus/action_interface.h"
#include "bus/device_interface.h"
#include "bus/manager_interface.h"
#include "bus/paths.h"

#define DETAIL_INTERVAL (FLEET_USEC_PER_SEC / 4)
#define COUNTERS_INTERVAL (FLEET_USEC_PER_SEC / 2)

/* An action whose detail changes: kept from its first change to its end. */
typedef struct {
    FleetChanges *changes;
    gint64 sequence;
    FleetAction *announced; /* what the last signal told, while newer detail is held back; else NULL */
    gint64 last;            /* of the last signal with detail, µs of CLOCK_BOOTTIME */
    FleetTimer timer;
} Detail;

struct FleetChanges {
    FleetApi *api;
    GPtrArray *endpoints;    /* weak */
    GHashTable *details;     /* &detail->sequence -> Detail */
    FleetManagerView view;   /* the counters as they were announced last */
    gint64 counters_last;    /* when, µs of CLOCK_BOOTTIME; 0 = never */
    gboolean counters_dirty; /* the transaction that is being told changes some */
    FleetTimer counters;
};

/* What a signal tells, the same on every connection. */
typedef struct {
    const char *path;
    const char *interface;
    const char *member;
    const char *signature;
} Signal;

static gboolean is_heard(const FleetChanges *changes)
{
    for (guint i = 0; i < changes->endpoints->len; i++)
        if (fleet_endpoint_wants_signals(g_ptr_array_index(changes->endpoints, i)))
            return TRUE;
    return FALSE;
}

static void send_signal(const FleetChanges *changes, const Signal *signal, const FleetBody *body)
{
    for (guint i = 0; i < changes->endpoints->len; i++) {
        FleetEndpoint *endpoint = g_ptr_array_index(changes->endpoints, i);

        if (fleet_endpoint_wants_signals(endpoint))
            fleet_endpoint_send_signal(
                    endpoint, signal->path, signal->interface, signal->member, signal->signature, body);
    }
}

static void announce_added(
        FleetChanges *changes, const FleetInterface *interface, const char *path, gconstpointer object)
{
    static const Signal signal = {
            FLEET_PATH_MANAGER, "org.freedesktop.DBus.ObjectManager", "InterfacesAdded", "oa{sa{sv}}"};
    g_auto(FleetBody) body = FLEET_BODY_INIT;

    fleet_interface_append_object(interface, &body, path, object);
    send_signal(changes, &signal, &body);
}

static void announce_removed(FleetChanges *changes, const FleetInterface *interface, const char *path)
{
    static const Signal signal = {FLEET_PATH_MANAGER, "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved", "oas"};
    const char *const names[] = {interface->name, NULL};
    g_auto(FleetBody) body = FLEET_BODY_INIT;

    fleet_body_append_string(&body, path);
    fleet_body_append_strv(&body, names);
    send_signal(changes, &signal, &body);
}

static void announce_changed(
        FleetChanges *changes, const FleetInterface *interface, const char *path, gconstpointer object, guint32 mask)
{
    const Signal signal = {path, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as"};
    g_auto(FleetBody) body = FLEET_BODY_INIT;

    if (mask == 0)
        return;
    fleet_interface_append_changed(interface, &body, object, mask);
    send_signal(changes, &signal, &body);
}

/* The counters. */

static void announce_counters(FleetChanges *changes)
{
    const FleetManagerView view = fleet_manager_view(changes->api);
    guint32 mask = fleet_interface_diff(&fleet_manager_interface, &changes->view, &view);

    if (mask == 0)
        return;
    announce_changed(changes, &fleet_manager_interface, FLEET_PATH_MANAGER, &view, mask);
    changes->view = view;
    changes->counters_last = fleet_clock_boottime();
}

static void counters_due(FleetTimer *timer)
{
    announce_counters(timer->data);
}

/* A transaction can change several counters, and some twice: they are told once it is through. */
static void committed(gpointer user_data)
{
    FleetChanges *changes = user_data;
    gint64 due = changes->counters_last + COUNTERS_INTERVAL;

    if (!changes->counters_dirty || fleet_timer_is_set(&changes->counters))
        return;
    changes->counters_dirty = FALSE;
    if (changes->counters_last == 0 || due <= fleet_clock_boottime())
        announce_counters(changes);
    else
        fleet_timers_set(changes->api->timers, &changes->counters, due);
}

/* Devices. */

static void device_added(const FleetDevice *device, gpointer user_data)
{
    FleetChanges *changes = user_data;

    changes->counters_dirty = TRUE;
    if (!is_heard(changes))
        return;
    g_autofree char *path = fleet_path_of_device(device->id);
    announce_added(changes, &fleet_device_interface, path, device);
}

static void device_changed(const FleetDevice *before, const FleetDevice *after, gpointer user_data)
{
    FleetChanges *changes = user_data;

    if (before->status != after->status)
        changes->counters_dirty = TRUE;
    if (!is_heard(changes))
        return;
    g_autofree char *path = fleet_path_of_device(after->id);
    announce_changed(changes, &fleet_device_interface, path, after,
            fleet_interface_diff(&fleet_device_interface, before, after));
}

static void device_removed(const FleetDevice *device, gpointer user_data)
{
    FleetChanges *changes = user_data;

    changes->counters_dirty = TRUE;
    if (!is_heard(changes))
        return;
    g_autofree char *path = fleet_path_of_device(device->id);
    announce_removed(changes, &fleet_device_interface, path);
}

/* Actions. */

static void free_detail(gpointer data)
{
    Detail *detail = data;

    fleet_timers_clear(detail->changes->api->timers, &detail->timer);
    g_clear_pointer(&detail->announced, fleet_action_unref);
    g_free(detail);
}

static void announce_action(FleetChanges *changes, const FleetAction *before, const FleetAction *after)
{
    char path[FLEET_ACTION_PATH_BUFFER];

    if (is_heard(changes))
        announce_changed(changes, &fleet_action_interface, fleet_path_of_action(after->id, path), after,
                fleet_interface_diff(&fleet_action_interface, before, after));
}

static void detail_due(FleetTimer *timer)
{
    Detail *detail = timer->data;
    FleetChanges *changes = detail->changes;
    g_autoptr(FleetAction) before = g_steal_pointer(&detail->announced);
    const FleetAction *now = fleet_engine_lookup(changes->api->engine, before->id);

    detail->last = fleet_clock_boottime();
    announce_action(changes, before, now);
}

static Detail *find_detail(FleetChanges *changes, const FleetAction *action)
{
    Detail *detail = g_hash_table_lookup(changes->details, &action->id.sequence);

    if (detail != NULL)
        return detail;
    detail = g_new0(Detail, 1);
    detail->changes = changes;
    detail->sequence = action->id.sequence;
    detail->timer = (FleetTimer){.fire = detail_due, .data = detail};
    g_hash_table_insert(changes->details, &detail->sequence, detail);
    return detail;
}

static void detail_changed(FleetChanges *changes, const FleetAction *before, const FleetAction *after)
{
    Detail *detail = find_detail(changes, after);
    gint64 now = fleet_clock_boottime();

    if (detail->announced != NULL)
        return;
    if (detail->last == 0 || now >= detail->last + DETAIL_INTERVAL) {
        detail->last = now;
        announce_action(changes, before, after);
        return;
    }
    detail->announced = fleet_action_ref(before);
    fleet_timers_set(changes->api->timers, &detail->timer, detail->last + DETAIL_INTERVAL);
}

/* Takes with it what was held back. */
static void status_changed(FleetChanges *changes, const FleetAction *before, const FleetAction *after)
{
    Detail *detail = g_hash_table_lookup(changes->details, &after->id.sequence);
    const FleetAction *announced = detail != NULL && detail->announced != NULL ? detail->announced : before;

    announce_action(changes, announced, after);
    g_hash_table_remove(changes->details, &after->id.sequence);
    changes->counters_dirty = TRUE;
}

static void action_added(const FleetAction *action, gpointer user_data)
{
    FleetChanges *changes = user_data;
    char path[FLEET_ACTION_PATH_BUFFER];

    changes->counters_dirty = TRUE;
    if (is_heard(changes))
        announce_added(changes, &fleet_action_interface, fleet_path_of_action(action->id, path), action);
}

static void action_changed(const FleetAction *before, const FleetAction *after, gpointer user_data)
{
    if (before->status != after->status)
        status_changed(user_data, before, after);
    else
        detail_changed(user_data, before, after);
}

static void action_removed(const FleetAction *action, gpointer user_data)
{
    FleetChanges *changes = user_data;
    char path[FLEET_ACTION_PATH_BUFFER];

    if (is_heard(changes))
        announce_removed(changes, &fleet_action_interface, fleet_path_of_action(action->id, path));
}

static void storage_changed(gboolean works, const char *reason, gpointer user_data)
{
    announce_counters(user_data);
}

const FleetObserver fleet_changes_observer = {
        .device_added = device_added,
        .device_changed = device_changed,
        .device_removed = device_removed,
        .action_added = action_added,
        .action_changed = action_changed,
        .action_removed = action_removed,
        .committed = committed,
        .storage_changed = storage_changed,
};

FleetChanges *fleet_changes_new(FleetApi *api)
{
    FleetChanges *changes = g_new0(FleetChanges, 1);

    changes->api = api;
    changes->endpoints = g_ptr_array_new();
    changes->details = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, free_detail);
    changes->view = fleet_manager_view(api);
    changes->counters = (FleetTimer){.fire = counters_due, .data = changes};
    return changes;
}

void fleet_changes_free(FleetChanges *changes)
{
    fleet_timers_clear(changes->api->timers, &changes->counters);
    g_hash_table_unref(changes->details);
    g_ptr_array_unref(changes->endpoints);
    g_free(changes);
}

void fleet_changes_add_endpoint(FleetChanges *changes, FleetEndpoint *endpoint)
{
    g_ptr_array_add(changes->endpoints, endpoint);
}

void fleet_changes_remove_endpoint(FleetChanges *changes, FleetEndpoint *endpoint)
{
    g_ptr_array_remove_fast(changes->endpoints, endpoint);
}

void fleet_changes_announce_action_types(FleetChanges *changes)
{
    const FleetManagerView view = fleet_manager_view(changes->api);

    announce_changed(changes, &fleet_manager_interface, FLEET_PATH_MANAGER, &view, fleet_manager_action_types_bit);
}
