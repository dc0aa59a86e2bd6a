/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/registry.h"

#include "base/clock.h"
#include "base/error.h"
#include "core/ordered.h"
#include "drivers/drivers.h"
#include "model/transition.h"
#include "model/usage.h"

#include <string.h>
#include <unistd.h>

/* A slot exists as long as its device does, on disk or staged. */
typedef struct {
    GRefString *id;
    FleetDevice *committed; /* NULL: not on disk yet, or no longer */
    FleetDevice *staged;    /* as the next change will find it; NULL: gone by then */
    guint in_flight;        /* steps that are staged and not through */
} Slot;

struct FleetRegistry {
    GHashTable *slots;     /* a set of Slot, by id */
    GHashTable *places;    /* a set of Slot, by driver and address as staged, of drivers with one device at each */
    FleetOrdered *ordered; /* the slots with a committed device */
    guint by_status[FLEET_DEVICE_STATUS_LAST_];
    guint count;
    gint64 last_key;
    FleetUsage *usage; /* staged devices, by who has registered them */
    const FleetObservers *observers;
    GHashTable *type_drivers; /* weak: the configuration's; NULL = none */
    FleetDeviceWatcher watcher;
    gpointer watcher_data;
};

static void free_slot(gpointer data)
{
    Slot *slot = data;

    g_clear_pointer(&slot->committed, fleet_device_unref);
    g_clear_pointer(&slot->staged, fleet_device_unref);
    g_ref_string_release(slot->id);
    g_free(slot);
}

static guint hash_slot(gconstpointer slot)
{
    return g_str_hash(((const Slot *)slot)->id);
}

static gboolean same_slot(gconstpointer a, gconstpointer b)
{
    return g_str_equal(((const Slot *)a)->id, ((const Slot *)b)->id);
}

static const char *id_of_slot(gconstpointer slot)
{
    return ((const Slot *)slot)->id;
}

static guint hash_place(gconstpointer data)
{
    const FleetDevice *device = ((const Slot *)data)->staged;

    return g_direct_hash(device->driver) * 31 + g_str_hash(fleet_device_where(device));
}

static gboolean same_place(gconstpointer a, gconstpointer b)
{
    const FleetDevice *x = ((const Slot *)a)->staged, *y = ((const Slot *)b)->staged;

    return x->driver == y->driver && g_str_equal(fleet_device_where(x), fleet_device_where(y));
}

/* Has its driver one device at each address? */
static gboolean has_place(const FleetDevice *device)
{
    const FleetDriverClass *class = fleet_drivers_class(device->driver);

    return class != NULL && class->exclusive_address;
}

FleetRegistry *fleet_registry_new(gint64 last_key, const FleetObservers *observers)
{
    FleetRegistry *registry = g_new0(FleetRegistry, 1);

    registry->slots = g_hash_table_new_full(hash_slot, same_slot, free_slot, NULL);
    registry->places = g_hash_table_new(hash_place, same_place);
    registry->ordered = fleet_ordered_new(id_of_slot);
    registry->last_key = last_key;
    registry->usage = fleet_usage_new(FLEET_QUOTA_DEVICES, geteuid());
    registry->observers = observers;
    return registry;
}

void fleet_registry_free(FleetRegistry *registry)
{
    fleet_ordered_free(registry->ordered);
    g_hash_table_unref(registry->places);
    g_hash_table_unref(registry->slots);
    fleet_usage_free(registry->usage);
    g_free(registry);
}

static Slot *find(const FleetRegistry *registry, const char *id)
{
    const Slot probe = {.id = (GRefString *)id};

    return g_hash_table_lookup(registry->slots, &probe);
}

static Slot *add_slot(FleetRegistry *registry, const FleetDevice *device)
{
    Slot *slot = g_new0(Slot, 1);

    slot->id = g_ref_string_acquire(device->id);
    g_hash_table_add(registry->slots, slot);
    return slot;
}

/* Puts an image in the place of another; both places may be empty. What was seen meanwhile is not forgotten. */
static void replace(FleetDevice **place, const FleetDevice *image)
{
    FleetDevice *old = *place;

    if (old != NULL && image != NULL)
        fleet_device_see(image, fleet_device_last_seen(old));
    *place = image != NULL ? fleet_device_ref(image) : NULL;
    g_clear_pointer(&old, fleet_device_unref);
}

static void set_committed(FleetRegistry *registry, Slot *slot, const FleetDevice *image)
{
    if (slot->committed != NULL) {
        registry->by_status[slot->committed->status]--;
        registry->count--;
    }
    if (image != NULL) {
        registry->by_status[image->status]++;
        registry->count++;
    }
    if (slot->committed == NULL && image != NULL)
        fleet_ordered_insert(registry->ordered, slot);
    else if (slot->committed != NULL && image == NULL)
        fleet_ordered_remove(registry->ordered, slot);
    replace(&slot->committed, image);
}

static void leave_place(FleetRegistry *registry, Slot *slot)
{
    if (slot->staged != NULL && has_place(slot->staged) && g_hash_table_lookup(registry->places, slot) == slot)
        g_hash_table_remove(registry->places, slot);
}

static void take_place(FleetRegistry *registry, Slot *slot)
{
    if (slot->staged != NULL && has_place(slot->staged) && !g_hash_table_contains(registry->places, slot))
        g_hash_table_add(registry->places, slot);
}

/* A device is counted from its registration on, and while it is there its owner stays the same. */
static void set_staged(FleetRegistry *registry, Slot *slot, const FleetDevice *image)
{
    if (slot->staged == NULL && image != NULL)
        fleet_usage_add(registry->usage, image->owner_uid);
    else if (slot->staged != NULL && image == NULL)
        fleet_usage_remove(registry->usage, slot->staged->owner_uid);
    gboolean stays = slot->staged != NULL && image != NULL && slot->staged->address == image->address;
    if (!stays)
        leave_place(registry, slot);
    replace(&slot->staged, image);
    if (!stays)
        take_place(registry, slot);
}

void fleet_registry_load(FleetRegistry *registry, FleetDevice *device)
{
    Slot *slot = add_slot(registry, device);

    set_committed(registry, slot, device);
    set_staged(registry, slot, device);
    fleet_device_unref(device);
}

void fleet_registry_load_action(FleetRegistry *registry, const char *device_id, FleetActionId action)
{
    Slot *slot = find(registry, device_id);

    if (slot == NULL)
        return;
    g_autoptr(FleetDevice) device = fleet_device_copy(slot->committed);
    if (action.sequence != 0)
        device->action = action;
    else
        device->queued++;
    fleet_device_show_status(device);
    set_committed(registry, slot, device);
    set_staged(registry, slot, device);
}

static void set_not_found(const char *id, GError **error)
{
    g_autofree char *shown = fleet_quotable(id);

    g_set_error(error, FLEET_ERROR, FLEET_ERROR_DEVICE_NOT_FOUND, "device '%s' is not registered", shown);
}

const FleetDevice *fleet_registry_lookup(const FleetRegistry *registry, const char *id, GError **error)
{
    const Slot *slot = find(registry, id);

    if (slot == NULL || slot->committed == NULL) {
        set_not_found(id, error);
        return NULL;
    }
    return slot->committed;
}

const FleetDevice *fleet_registry_lookup_staged(const FleetRegistry *registry, const char *id, GError **error)
{
    const Slot *slot = find(registry, id);

    if (slot == NULL || slot->staged == NULL) {
        set_not_found(id, error);
        return NULL;
    }
    return slot->staged;
}

guint fleet_registry_count(const FleetRegistry *registry)
{
    return registry->count;
}

guint fleet_registry_count_status(const FleetRegistry *registry, FleetDeviceStatus status)
{
    return registry->by_status[status];
}

typedef struct {
    FleetDeviceVisitor visitor;
    gpointer user_data;
} Visit;

static gboolean visit_slot(gpointer slot, gpointer user_data)
{
    const Visit *visit = user_data;

    return visit->visitor(((const Slot *)slot)->committed, visit->user_data);
}

void fleet_registry_visit(const FleetRegistry *registry, const char *start, gboolean inclusive,
        FleetDeviceVisitor visitor, gpointer user_data)
{
    Visit visit = {.visitor = visitor, .user_data = user_data};

    fleet_ordered_visit(registry->ordered, start, inclusive, visit_slot, &visit);
}

static void drop_if_unused(FleetRegistry *registry, Slot *slot)
{
    if (slot->committed == NULL && slot->in_flight == 0)
        g_hash_table_remove(registry->slots, slot);
}

static void tell_watcher(const FleetRegistry *registry, const FleetDevice *before, const FleetDevice *after)
{
    if (registry->watcher != NULL)
        registry->watcher(before, after, registry->watcher_data);
}

static void apply(gpointer owner, gpointer data, FleetChangeKind kind, gconstpointer image)
{
    FleetRegistry *registry = owner;
    Slot *slot = data;
    g_autoptr(FleetDevice) before = slot->committed != NULL ? fleet_device_ref(slot->committed) : NULL;
    const FleetDevice *after = kind == FLEET_CHANGE_DELETE_DEVICE ? NULL : image;

    set_committed(registry, slot, after);
    slot->in_flight--;
    if (before == NULL && after != NULL)
        FLEET_OBSERVE(registry->observers, device_added, after);
    else if (before != NULL && after != NULL)
        FLEET_OBSERVE(registry->observers, device_changed, before, after);
    else if (before != NULL)
        FLEET_OBSERVE(registry->observers, device_removed, before);
    tell_watcher(registry, before, after);
    drop_if_unused(registry, slot);
}

static void roll_back(gpointer owner, gpointer data, gconstpointer before)
{
    FleetRegistry *registry = owner;
    Slot *slot = data;

    slot->in_flight--;
    set_staged(registry, slot, before);
    /* What was put off because of the change that has failed is due again. */
    if (slot->committed != NULL)
        tell_watcher(registry, slot->committed, slot->committed);
    drop_if_unused(registry, slot);
}

static const FleetStepClass step_class = {.apply = apply, .roll_back = roll_back};

/* Takes the image. */
static void stage(FleetRegistry *registry, FleetTransaction *transaction, Slot *slot, FleetChangeKind kind,
        FleetDevice *image, gboolean persist)
{
    const FleetStep step = {.class = &step_class,
            .owner = registry,
            .slot = slot,
            .kind = kind,
            .before = slot->staged,
            .image = image,
            .persist = persist};

    fleet_transaction_stage(transaction, &step);
    slot->in_flight++;
    set_staged(registry, slot, kind == FLEET_CHANGE_DELETE_DEVICE ? NULL : image);
}

static const char *driver_for(const FleetRegistry *registry, const FleetDeviceSpec *spec)
{
    const char *by_type = NULL;

    if (*spec->driver != '\0')
        return spec->driver;
    if (registry->type_drivers != NULL)
        by_type = g_hash_table_lookup(registry->type_drivers, spec->type);
    return by_type != NULL ? by_type : FLEET_DRIVER_DEFAULT;
}

void fleet_registry_set_type_drivers(FleetRegistry *registry, GHashTable *drivers)
{
    registry->type_drivers = drivers;
}

void fleet_registry_set_quotas(FleetRegistry *registry, const FleetQuotas *quotas)
{
    fleet_usage_configure(registry->usage, quotas);
}

/* Whether a device, as it is to be staged, can be at its address. */
static gboolean check_address(FleetRegistry *registry, const FleetDevice *device, GError **error)
{
    const FleetDriverClass *class = fleet_drivers_class(device->driver);
    const Slot probe = {.staged = (FleetDevice *)device};
    const Slot *other;

    if (!fleet_device_address_check(device->address, error))
        return FALSE;
    if (class != NULL && class->check_address != NULL && *device->address != '\0' &&
            !class->check_address(device->address, error))
        return FALSE;
    other = has_place(device) ? g_hash_table_lookup(registry->places, &probe) : NULL;
    if (other == NULL || g_str_equal(other->id, device->id))
        return TRUE;
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_DEVICE_EXISTS,
            "device '%s' is at the address '%s' of the driver '%s' already; unregister that one, or use another "
            "address",
            other->id, fleet_device_where(device), device->driver);
    return FALSE;
}

static FleetDevice *new_device(FleetRegistry *registry, const FleetDeviceSpec *spec, FleetDeviceStatus status)
{
    FleetDevice *device = fleet_device_new(
            spec->id, *spec->name != '\0' ? spec->name : spec->id, spec->type, driver_for(registry, spec));

    fleet_device_set_address(device, spec->address);
    device->status = device->own_status = status;
    device->owner_uid = spec->owner_uid;
    device->registered_at = device->updated_at = fleet_clock_realtime();
    return device;
}

gboolean fleet_registry_stage_register(
        FleetRegistry *registry, FleetTransaction *transaction, const FleetDeviceSpec *spec, GError **error)
{
    FleetDeviceStatus status = FLEET_DEVICE_IDLE;

    if (!fleet_device_id_check(spec->id, error) || !fleet_device_name_check(spec->name, error) ||
            !fleet_device_type_check(spec->type, error))
        return FALSE;
    if (*spec->status != '\0' && !fleet_device_status_from_string(spec->status, &status, error))
        return FALSE;

    Slot *slot = find(registry, spec->id);
    if (slot != NULL && slot->staged != NULL) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_DEVICE_EXISTS,
                "device '%s' is registered already; update that one, or choose another id", spec->id);
        return FALSE;
    }
    if (!fleet_usage_check(registry->usage, spec->owner_uid, error))
        return FALSE;

    g_autoptr(FleetDevice) device = new_device(registry, spec, status);
    if (!check_address(registry, device, error))
        return FALSE;
    device->key = ++registry->last_key;
    if (slot == NULL)
        slot = add_slot(registry, device);
    stage(registry, transaction, slot, FLEET_CHANGE_INSERT_DEVICE, g_steal_pointer(&device), TRUE);
    return TRUE;
}

/* The slot of a device that the next change will find. */
static Slot *find_staged(FleetRegistry *registry, const char *id, GError **error)
{
    Slot *slot = find(registry, id);

    if (slot == NULL || slot->staged == NULL) {
        set_not_found(id, error);
        return NULL;
    }
    return slot;
}

gboolean fleet_registry_stage_status(FleetRegistry *registry, FleetTransaction *transaction, const char *id,
        FleetDeviceStatus status, FleetStatusChange *change, GError **error)
{
    Slot *slot = find_staged(registry, id, error);

    if (slot == NULL || !fleet_device_check_set_status(slot->staged, status, error))
        return FALSE;
    const FleetDevice *before = slot->staged;
    g_autoptr(FleetDevice) device = fleet_device_copy(before);
    fleet_device_set_status(device, status);
    *change = (FleetStatusChange){.previous = before->status, .current = device->status};
    if (device->status != before->status)
        device->updated_at = fleet_clock_realtime();
    if (device->status != before->status || device->own_status != before->own_status ||
            device->presence != before->presence)
        stage(registry, transaction, slot, FLEET_CHANGE_UPDATE_DEVICE, g_steal_pointer(&device), TRUE);
    return TRUE;
}

static gboolean check_update(const FleetDeviceUpdate *update, GError **error)
{
    return (update->name == NULL || fleet_device_name_check(update->name, error)) &&
           (update->type == NULL || fleet_device_type_check(update->type, error));
}

/* What runs has been told where its device is. */
static gboolean check_move(const FleetDevice *device, GError **error)
{
    char action[FLEET_ACTION_ID_BUFFER];

    if (device->action.sequence == 0)
        return TRUE;
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_DEVICE_BUSY,
            "device '%s' cannot get another address while action '%s' runs; change it once that has ended", device->id,
            fleet_action_id_format(device->action, action));
    return FALSE;
}

gboolean fleet_registry_stage_update(FleetRegistry *registry, FleetTransaction *transaction, const char *id,
        const FleetDeviceUpdate *update, GError **error)
{
    if (!check_update(update, error))
        return FALSE;
    Slot *slot = find_staged(registry, id, error);
    if (slot == NULL)
        return FALSE;

    const FleetDevice *before = slot->staged;
    g_autoptr(FleetDevice) device = fleet_device_copy(before);
    if (update->name != NULL)
        fleet_device_set_name(device, *update->name != '\0' ? update->name : id);
    if (update->type != NULL)
        fleet_device_set_type(device, update->type);
    if (update->address != NULL)
        fleet_device_set_address(device, update->address);
    gboolean moves = !g_str_equal(device->address, before->address);
    if (moves && (!check_address(registry, device, error) || !check_move(before, error)))
        return FALSE;
    if (!moves && g_str_equal(device->name, before->name) && g_str_equal(device->type, before->type))
        return TRUE;
    device->updated_at = fleet_clock_realtime();
    stage(registry, transaction, slot, FLEET_CHANGE_UPDATE_DEVICE, g_steal_pointer(&device), TRUE);
    return TRUE;
}

gboolean fleet_registry_stage_unregister(
        FleetRegistry *registry, FleetTransaction *transaction, const char *id, GError **error)
{
    Slot *slot = find_staged(registry, id, error);

    if (slot == NULL)
        return FALSE;
    if (slot->staged->action.sequence != 0) {
        char action[FLEET_ACTION_ID_BUFFER];

        g_set_error(error, FLEET_ERROR, FLEET_ERROR_DEVICE_BUSY,
                "device '%s' is busy with action '%s'; unregister it once that has ended", id,
                fleet_action_id_format(slot->staged->action, action));
        return FALSE;
    }
    if (slot->staged->queued != 0) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_DEVICE_BUSY,
                "device '%s' has actions that wait for it: %u; unregister it once they are cancelled or have ended", id,
                slot->staged->queued);
        return FALSE;
    }
    stage(registry, transaction, slot, FLEET_CHANGE_DELETE_DEVICE, fleet_device_ref(slot->staged), TRUE);
    return TRUE;
}

void fleet_registry_stage_action(FleetRegistry *registry, FleetTransaction *transaction, const FleetDevice *device,
        FleetDeviceStatus status, FleetActionId action, guint queued)
{
    gboolean persist = device->own_status != status;

    if (!persist && device->action.sequence == action.sequence && device->queued == queued)
        return;

    FleetDevice *changed = fleet_device_copy(device);
    changed->own_status = status;
    changed->action = action;
    changed->queued = queued;
    fleet_device_show_status(changed);
    if (changed->status != device->status) {
        changed->updated_at = fleet_clock_realtime();
        persist = TRUE;
    }
    stage(registry, transaction, find(registry, device->id), FLEET_CHANGE_UPDATE_DEVICE, changed, persist);
}

void fleet_registry_stage_presence(
        FleetRegistry *registry, FleetTransaction *transaction, const FleetDevice *device, FleetPresence presence)
{
    gboolean persist = device->presence == FLEET_PRESENCE_OFFLINE || presence == FLEET_PRESENCE_OFFLINE;

    if (device->presence == presence)
        return;
    FleetDevice *changed = fleet_device_copy(device);
    changed->presence = presence;
    fleet_device_show_status(changed);
    if (changed->status != device->status)
        changed->updated_at = fleet_clock_realtime();
    stage(registry, transaction, find(registry, device->id), FLEET_CHANGE_UPDATE_DEVICE, changed, persist);
}

void fleet_registry_set_watcher(FleetRegistry *registry, FleetDeviceWatcher watcher, gpointer user_data)
{
    registry->watcher = watcher;
    registry->watcher_data = user_data;
}

void fleet_registry_see(FleetRegistry *registry, const char *id, gint64 now)
{
    Slot *slot = find(registry, id);

    if (slot == NULL)
        return;
    if (slot->committed != NULL)
        fleet_device_see(slot->committed, now);
    if (slot->staged != NULL)
        fleet_device_see(slot->staged, now);
}
