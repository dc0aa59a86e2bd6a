/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/thin_edge/thin_edge.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/quotable.h"
#include "base/slice.h"
#include "drivers/thin_edge/message.h"
#include "drivers/thin_edge/private.h"
#include "drivers/thin_edge/topic.h"
#include "model/identifier.h"

#include <string.h>

void fleet_thin_edge_complain(FleetThinEdge *self, const char *topic, const char *fault)
{
    g_autofree char *shown = fleet_quotable(topic);
    guint64 left_out = 0;

    if (!fleet_thin_edge_limit_take(&self->complaints, &left_out))
        return;
    if (left_out > 0)
        fleet_log_warning("%" G_GUINT64_FORMAT " messages of MQTT devices were wrong, too", left_out);
    fleet_log_warning("an MQTT message about '%s' is passed over: %s", shown, fault);
}

/* Presence. */

static void tell_presence(FleetThinEdge *self, FleetThinEdgeDevice *device, FleetPresence presence)
{
    device->presence = (guint8)presence;
    self->driver.host->presence(device->id, presence, self->driver.host_data);
}

/* While there is no broker nobody can say of any device whether it is there. */
static gboolean tell_some_unknown(gpointer data)
{
    FleetThinEdge *self = data;
    FleetSlice slice = fleet_slice_begin();

    do {
        FleetThinEdgeDevice *device = self->out_of_sight != NULL ? self->out_of_sight->data : NULL;

        if (device == NULL || fleet_thin_edge_client(self) != NULL) {
            self->out_of_sight = NULL;
            self->telling = 0;
            return G_SOURCE_REMOVE;
        }
        self->out_of_sight = self->out_of_sight->next;
        if (device->presence != FLEET_PRESENCE_UNKNOWN)
            tell_presence(self, device, FLEET_PRESENCE_UNKNOWN);
    } while (fleet_slice_goes_on(&slice));
    return G_SOURCE_CONTINUE;
}

static void take_health(
        FleetThinEdge *self, FleetThinEdgeDevice *device, const char *topic, const char *payload, gsize length)
{
    g_autoptr(GError) error = NULL;
    FleetPresence presence;

    if (!fleet_thin_edge_health_parse(payload, length, &presence, &error)) {
        fleet_thin_edge_complain(self, topic, error->message);
        return;
    }
    device->heard |= FLEET_THIN_EDGE_HEALTH;
    if (presence != FLEET_PRESENCE_UNKNOWN || device->presence != FLEET_PRESENCE_UNKNOWN)
        tell_presence(self, device, presence);
}

/* Capabilities. Most devices have the same ones, so their texts are shared. */

static void set_capability(FleetThinEdgeDevice *device, FleetThinEdgeOperation operation, const char *types)
{
    GRefString *text = types != NULL ? g_ref_string_new_intern(types) : NULL;

    g_clear_pointer(&device->capabilities[operation], g_ref_string_release);
    device->capabilities[operation] = text;
}

static void take_capability(FleetThinEdge *self, FleetThinEdgeDevice *device, FleetThinEdgeOperation operation,
        const char *topic, const char *payload, gsize length)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *types = length > 0 ? fleet_thin_edge_capability_parse(payload, length, &error) : NULL;

    if (error != NULL) {
        fleet_thin_edge_complain(self, topic, error->message);
        return;
    }
    device->heard |= (guint8)(1U << operation);
    set_capability(device, operation, types);
}

/* Devices. */

static void free_device(gpointer data)
{
    FleetThinEdgeDevice *device = data;

    for (guint i = 0; i < FLEET_THIN_EDGE_OPERATIONS; i++)
        set_capability(device, i, NULL);
    g_slist_free(device->commands); /* which fleetd's end has freed, where there still are any */
    g_ref_string_release(device->id);
    g_ref_string_release(device->address);
    g_free(device);
}

static void take_out(FleetThinEdge *self, FleetThinEdgeDevice *device)
{
    fleet_thin_edge_sync_leave(self->sync, device);
    g_hash_table_remove(self->places, device->address);
}

static void forget(FleetDriver *driver, const FleetDevice *image)
{
    FleetThinEdge *self = (FleetThinEdge *)driver;
    FleetThinEdgeDevice *device = g_hash_table_lookup(self->devices, image->id);

    if (device == NULL)
        return;
    take_out(self, device);
    fleet_thin_edge_commands_forget(device);
    if (self->out_of_sight == &device->link)
        self->out_of_sight = device->link.next;
    g_queue_unlink(&self->all, &device->link);
    g_hash_table_remove(self->devices, device->id);
}

/* A device without an address is where its id says, and not every id can be a level of a topic. */
static void adopt(FleetDriver *driver, const FleetDevice *image)
{
    FleetThinEdge *self = (FleetThinEdge *)driver;
    FleetThinEdgeDevice *device = g_hash_table_lookup(self->devices, image->id);
    const char *where = fleet_device_where(image);

    if (device != NULL && g_str_equal(device->address, where))
        return;
    if (!fleet_thin_edge_address_check(where, NULL)) {
        forget(driver, image);
        return;
    }
    if (device == NULL) {
        device = g_new0(FleetThinEdgeDevice, 1);
        device->id = g_ref_string_acquire(image->id);
        device->link.data = device->waiting.data = device;
        g_hash_table_insert(self->devices, device->id, device);
        g_queue_push_tail_link(&self->all, &device->link);
    } else {
        take_out(self, device);
        g_ref_string_release(device->address);
        for (guint i = 0; i < FLEET_THIN_EDGE_OPERATIONS; i++)
            set_capability(device, i, NULL);
        device->epoch = 0;
    }
    device->address = *image->address != '\0' ? g_ref_string_acquire(image->address) : g_ref_string_acquire(image->id);
    g_hash_table_replace(self->places, device->address, device);
    g_hash_table_remove(self->announced, device->address);
    fleet_thin_edge_sync_fetch(self->sync, device);
    /* It may have been heard before the start, and nobody can hear it now. */
    if (fleet_thin_edge_client(self) == NULL)
        tell_presence(self, device, FLEET_PRESENCE_UNKNOWN);
}

void fleet_thin_edge_device_fetched(FleetThinEdge *self, FleetThinEdgeDevice *device)
{
    gboolean is_new = device->epoch != self->epoch;

    for (guint i = 0; i < FLEET_THIN_EDGE_OPERATIONS; i++)
        if ((device->heard & 1U << i) == 0)
            set_capability(device, i, NULL);
    if ((device->heard & FLEET_THIN_EDGE_HEALTH) == 0 && device->presence != FLEET_PRESENCE_UNKNOWN)
        tell_presence(self, device, FLEET_PRESENCE_UNKNOWN);
    device->epoch = self->epoch;
    fleet_thin_edge_commands_fetched(self->commands, device);
    if (is_new)
        self->driver.host->ready_changed(&self->driver, device->id, self->driver.host_data);
}

/* One that nobody has registered. */
static void announce(FleetThinEdge *self, const char *address, const char *topic, const char *payload, gsize length)
{
    const FleetThinEdgeSettings *settings = self->settings;
    g_autofree char *name = NULL;
    g_autoptr(GError) error = NULL;

    if (length == 0 || !settings->auto_register || g_hash_table_contains(self->announced, address))
        return;
    if (!fleet_thin_edge_registration_parse(payload, length, &name, &error) ||
            !fleet_thin_edge_address_check(address, &error) || !fleet_device_id_check(address, &error)) {
        fleet_thin_edge_complain(self, topic, error->message);
        return;
    }
    if (g_hash_table_size(self->devices) + g_hash_table_size(self->announced) >= settings->auto_register_max) {
        fleet_thin_edge_complain(self, topic, "there are as many devices as AutoRegisterMax= allows");
        return;
    }
    const FleetAnnouncement announcement = {.id = address,
            .name = name != NULL && fleet_device_name_check(name, NULL) ? name : "",
            .type = settings->auto_register_type,
            .address = ""};
    g_hash_table_add(self->announced, g_strdup(address));
    self->driver.host->announced(&self->driver, &announcement, self->driver.host_data);
}

/* The connection. */

static void up(gpointer user_data)
{
    FleetThinEdge *self = user_data;

    self->epoch++;
    g_hash_table_remove_all(self->announced);
    fleet_thin_edge_sync_begin(self->sync);
}

static void down(gpointer user_data)
{
    FleetThinEdge *self = user_data;

    fleet_thin_edge_sync_end(self->sync);
    fleet_thin_edge_commands_lost(self->commands);
    self->out_of_sight = self->all.head;
    if (self->telling == 0)
        self->telling = g_idle_add_full(G_PRIORITY_DEFAULT, tell_some_unknown, self, NULL);
}

static void take_device_message(
        FleetThinEdge *self, const FleetThinEdgeTopic *topic, const char *text, const char *payload, gsize length)
{
    FleetThinEdgeDevice *device = g_hash_table_lookup(self->places, topic->address);

    if (device == NULL && topic->kind == FLEET_THIN_EDGE_TOPIC_REGISTRATION)
        announce(self, topic->address, text, payload, length);
    else if (device != NULL && topic->kind == FLEET_THIN_EDGE_TOPIC_CAPABILITY &&
             topic->operation != FLEET_THIN_EDGE_OPERATIONS)
        take_capability(self, device, topic->operation, text, payload, length);
    else if (device != NULL && fleet_thin_edge_topic_is_health_of(topic, self->settings->health_service))
        take_health(self, device, text, payload, length);
}

/* A topic that nobody has subscribed to is one whose device has just gone. */
static void message(const char *topic, const char *payload, gsize length, gpointer user_data)
{
    FleetThinEdge *self = user_data;
    FleetThinEdgeTopic parsed;

    if (fleet_thin_edge_sync_message(self->sync, topic, payload, length))
        return;
    if (length > FLEET_THIN_EDGE_PAYLOAD_MAX) {
        fleet_thin_edge_complain(self, topic, "it is too large");
        return;
    }
    const char *name = strrchr(topic, '/');
    fleet_thin_edge_topic_parse(self->settings->root, topic, &parsed);
    if (parsed.kind == FLEET_THIN_EDGE_TOPIC_COMMAND || (parsed.kind == FLEET_THIN_EDGE_TOPIC_OTHER && name != NULL))
        fleet_thin_edge_commands_message(self->commands, topic, name + 1, payload, length);
    else
        take_device_message(self, &parsed, topic, payload, length);
}

static void subscribed(guint id, const char *const *refusals, guint n, gpointer user_data)
{
    fleet_thin_edge_sync_subscribed(((FleetThinEdge *)user_data)->sync, id, refusals, n);
}

static void published(guint64 id, const char *refusal, gpointer user_data)
{
    FleetThinEdge *self = user_data;

    if (!fleet_thin_edge_sync_published(self->sync, id, refusal))
        fleet_thin_edge_commands_published(self->commands, id, refusal);
}

static const FleetThinEdgeConnectionFuncs connection_funcs = {
        .up = up,
        .down = down,
        .message = message,
        .subscribed = subscribed,
        .published = published,
};

/* The driver. */

static FleetDriver *create(const FleetDriverHost *host, gpointer host_data)
{
    FleetThinEdge *self = g_new0(FleetThinEdge, 1);

    self->driver = (FleetDriver){.class = &fleet_thin_edge_driver_class, .host = host, .host_data = host_data};
    self->devices = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_device);
    self->places = g_hash_table_new(g_str_hash, g_str_equal);
    self->announced = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    self->complaints = (FleetThinEdgeLimit)FLEET_THIN_EDGE_LIMIT_INIT(10, 10 * FLEET_USEC_PER_SEC);
    self->connection = fleet_thin_edge_connection_new(&connection_funcs, self);
    self->sync = fleet_thin_edge_sync_new(self);
    self->commands = fleet_thin_edge_commands_new(self);
    return &self->driver;
}

static void destroy(FleetDriver *driver)
{
    FleetThinEdge *self = (FleetThinEdge *)driver;

    g_clear_handle_id(&self->sweep, g_source_remove);
    g_clear_handle_id(&self->telling, g_source_remove);
    fleet_thin_edge_connection_free(self->connection);
    fleet_thin_edge_sync_free(self->sync);
    fleet_thin_edge_commands_free(self->commands);
    g_hash_table_unref(self->places);
    g_hash_table_unref(self->devices);
    g_hash_table_unref(self->announced);
    g_clear_pointer(&self->settings, fleet_thin_edge_settings_unref);
    g_free(self);
}

static gboolean sweep(gpointer data)
{
    FleetThinEdge *self = data;

    self->sweep = 0;
    self->is_swept = TRUE;
    fleet_thin_edge_commands_sweep(self->commands);
    return G_SOURCE_REMOVE;
}

/* Attempts are handed over at once after the start, with a higher priority than the sweep has. So even if fleetd has
 * stood still for all that time, none comes after it. */
void fleet_thin_edge_driver_configure(FleetDriver *driver, FleetThinEdgeSettings *settings)
{
    FleetThinEdge *self = (FleetThinEdge *)driver;
    g_autoptr(FleetThinEdgeSettings) old = self->settings;

    g_assert(driver->class == &fleet_thin_edge_driver_class);
    self->settings = fleet_thin_edge_settings_ref(settings);
    if (old == NULL)
        self->sweep = g_timeout_add_full(
                G_PRIORITY_LOW, (guint)(settings->sweep_after / FLEET_USEC_PER_MSEC), sweep, self, NULL);
    if (old != NULL && fleet_thin_edge_settings_connect_alike(old, settings))
        return;
    fleet_thin_edge_connection_start(self->connection, settings);
    if (old != NULL)
        driver->host->ready_changed(driver, NULL, driver->host_data);
}

/* Where there is no broker by configuration, or no topic, an action shall be refused rather than wait for ever. */
static gboolean is_ready(FleetDriver *driver, const FleetDevice *image)
{
    const FleetThinEdge *self = (const FleetThinEdge *)driver;
    const FleetThinEdgeDevice *device = g_hash_table_lookup(self->devices, image->id);

    if (self->settings == NULL || self->settings->host == NULL ||
            !fleet_thin_edge_address_check(fleet_device_where(image), NULL))
        return TRUE;
    return device != NULL && fleet_thin_edge_is_fetched(self, device);
}

static GRefString *plan(FleetDriver *driver, const FleetAction *action, const FleetDevice *device, GError **error)
{
    return fleet_thin_edge_plan((FleetThinEdge *)driver, action, device, error);
}

static void start(FleetDriver *driver, FleetAttempt *attempt)
{
    fleet_thin_edge_commands_start((FleetThinEdge *)driver, attempt);
}

static void reattach(FleetDriver *driver, FleetAttempt *attempt)
{
    fleet_thin_edge_commands_reattach((FleetThinEdge *)driver, attempt);
}

static void cancel(FleetDriver *driver, FleetAttempt *attempt)
{
    fleet_thin_edge_commands_cancel((FleetThinEdge *)driver, attempt);
}

static void wake(FleetDriver *driver, FleetAttempt *attempt)
{
    fleet_thin_edge_commands_wake((FleetThinEdge *)driver, attempt);
}

static void stored(FleetDriver *driver, FleetAttempt *attempt)
{
    fleet_thin_edge_commands_stored((FleetThinEdge *)driver, attempt);
}

static void release(FleetDriver *driver, FleetAttempt *attempt)
{
    fleet_thin_edge_commands_release((FleetThinEdge *)driver, attempt);
}

const FleetDriverClass fleet_thin_edge_driver_class = {
        .name = "thin-edge",
        .create = create,
        .destroy = destroy,
        .check_address = fleet_thin_edge_address_check,
        .exclusive_address = TRUE,
        .adopt = adopt,
        .forget = forget,
        .is_ready = is_ready,
        .plan = plan,
        .start = start,
        .reattach = reattach,
        .cancel = cancel,
        .wake = wake,
        .stored = stored,
        .release = release,
};
