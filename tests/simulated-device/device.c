/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "device.h"

#include "base/quotable.h"
#include "log.h"
#include "operation.h"
#include "work.h"

#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

struct SimDevice {
    SimLoop *loop;             /* weak */
    const SimPlan *plan;       /* weak */
    const SimDeviceHost *host; /* static */
    gpointer data;             /* weak */
    char *id, *name;
    char *commands_filter, *health_filter;
    char *firmware; /* what it reports of it; NULL = nothing yet */
    SimWork *work;
    SimTimer back;
    gboolean away;       /* of its own will */
    gboolean restarting; /* and that is why */
    gboolean here;       /* there is a connection, and it is not away */
    int health;          /* the number under which that is under way; 0 = it is not */
    gboolean caught_up;  /* it has all that the broker had for it */
    gboolean known;      /* and the broker has all that it says of itself */
    gboolean ready;      /* and that was so once before */
};

static char *topic_of(const SimDevice *device, const char *rest)
{
    return g_strdup_printf("te/device/%s/%s", device->id, rest);
}

static char *service_topic(const SimDevice *device, const char *rest)
{
    return g_strdup_printf("te/device/%s/service/%s%s", device->id, device->plan->service, rest);
}

static int publish(SimDevice *device, const char *topic, const char *payload)
{
    return device->here ? device->host->publish(device, topic, payload, TRUE, device->data) : 0;
}

static char *object_to_text(JsonObject *object)
{
    g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);

    json_node_set_object(root, object);
    return json_to_string(root, FALSE);
}

static char *health_payload(const char *status)
{
    g_autoptr(JsonObject) object = json_object_new();

    json_object_set_string_member(object, "status", status);
    json_object_set_int_member(object, "pid", getpid());
    json_object_set_double_member(object, "time", (double)g_get_real_time() / G_USEC_PER_SEC);
    return object_to_text(object);
}

static int publish_health(SimDevice *device, const char *status)
{
    g_autofree char *topic = sim_device_health_topic(device);
    g_autofree char *payload = health_payload(status);

    return publish(device, topic, payload);
}

static int publish_command(const SimCommand *command, const char *payload, gpointer data)
{
    SimDevice *device = data;
    g_autofree char *rest = g_strdup_printf("//cmd/%s/%s", command->operation, command->id);
    g_autofree char *topic = topic_of(device, rest);

    return publish(device, topic, payload);
}

static void be_nowhere(SimDevice *device)
{
    device->here = device->caught_up = device->known = FALSE;
    device->health = 0;
    sim_work_disconnected(device->work);
}

static void leave(SimDevice *device, gboolean orderly, gint64 usec)
{
    device->away = TRUE;
    sim_loop_set_timer(device->loop, &device->back, usec);
    if (!device->here)
        return;
    if (orderly)
        (void)publish_health(device, "down");
    be_nowhere(device);
    device->host->leave(device, orderly, device->data);
}

static void come_back(gpointer data)
{
    SimDevice *device = data;

    device->away = FALSE;
    device->host->back(device, device->data);
}

static void reached_phase(SimStatus phase, gpointer data)
{
    SimDevice *device = data;
    gint64 usec = device->plan->away[SIM_PHASE(phase)];

    if (usec == 0)
        return;
    sim_log(device->id, "away");
    leave(device, FALSE, usec);
}

static void restart(gpointer data)
{
    SimDevice *device = data;

    device->restarting = TRUE;
    leave(device, TRUE, device->plan->boot_time);
}

static void publish_firmware(SimDevice *device)
{
    g_autofree char *topic = topic_of(device, "//twin/firmware");

    if (device->firmware != NULL)
        (void)publish(device, topic, device->firmware);
}

static void command_succeeded(const SimCommand *command, gpointer data)
{
    static const char *const reported[] = {"name", "version", NULL};
    SimDevice *device = data;

    if (strcmp(command->operation, "firmware_update") != 0)
        return;
    g_autoptr(JsonObject) firmware = json_object_new();
    for (guint i = 0; reported[i] != NULL; i++) {
        JsonNode *node = json_object_get_member(command->payload, reported[i]);

        if (node != NULL)
            json_object_set_member(firmware, reported[i], json_node_copy(node));
    }
    g_free(device->firmware);
    device->firmware = object_to_text(firmware);
    publish_firmware(device);
}

static const SimWorkHost work_host = {publish_command, reached_phase, restart, command_succeeded};

SimDevice *sim_device_new(SimLoop *loop, const SimPlan *plan, SimMemory *memory, const char *id, const char *name,
        const SimDeviceHost *host, gpointer data)
{
    SimDevice *device = g_new0(SimDevice, 1);

    device->loop = loop;
    device->plan = plan;
    device->host = host;
    device->data = data;
    device->id = g_strdup(id);
    device->name = g_strdup(name);
    device->commands_filter = topic_of(device, "//cmd/+/+");
    device->health_filter = service_topic(device, "/cmd/health/check");
    device->back = (SimTimer){.func = come_back, .data = device};
    device->work = sim_work_new(loop, plan, memory, id, &work_host, device);
    return device;
}

void sim_device_free(SimDevice *device)
{
    sim_loop_stop_timer(&device->back);
    sim_work_free(device->work);
    g_free(device->id);
    g_free(device->name);
    g_free(device->commands_filter);
    g_free(device->health_filter);
    g_free(device->firmware);
    g_free(device);
}

const char *sim_device_id(const SimDevice *device)
{
    return device->id;
}

const char *sim_device_commands_filter(const SimDevice *device)
{
    return device->commands_filter;
}

const char *sim_device_health_filter(const SimDevice *device)
{
    return device->health_filter;
}

char *sim_device_health_topic(const SimDevice *device)
{
    return service_topic(device, "/status/health");
}

char *sim_device_down_payload(void)
{
    return health_payload("down");
}

static void register_device(SimDevice *device)
{
    g_autoptr(JsonObject) object = json_object_new();
    g_autofree char *topic = topic_of(device, "/");

    json_object_set_string_member(object, "@type", "child-device");
    json_object_set_string_member(object, "@parent", "device/main//");
    json_object_set_string_member(object, "@id", device->id);
    json_object_set_string_member(object, "name", device->name);
    if (*device->plan->type != '\0')
        json_object_set_string_member(object, "type", device->plan->type);
    g_autofree char *payload = object_to_text(object);
    (void)publish(device, topic, payload);
}

static void register_service(SimDevice *device)
{
    g_autoptr(JsonObject) object = json_object_new();
    g_autofree char *topic = service_topic(device, "");
    g_autofree char *parent = g_strdup_printf("device/%s//", device->id);

    json_object_set_string_member(object, "@type", "service");
    json_object_set_string_member(object, "@parent", parent);
    json_object_set_string_member(object, "name", device->plan->service);
    json_object_set_string_member(object, "type", "service");
    g_autofree char *payload = object_to_text(object);
    (void)publish(device, topic, payload);
}

/* An empty payload withdraws what the device could do in an earlier life, and cannot any more. */
static void publish_capability(SimDevice *device, const char *name, const SimOperation *operation)
{
    g_autofree char *rest = g_strdup_printf("//cmd/%s", name);
    g_autofree char *topic = topic_of(device, rest);
    g_autofree char *payload = operation != NULL ? sim_operation_capability(operation) : g_strdup("");

    (void)publish(device, topic, payload);
}

static void publish_capabilities(SimDevice *device)
{
    const GPtrArray *operations = device->plan->operations;

    for (const char *const *name = sim_operation_known_names(); *name != NULL; name++) {
        if (sim_operations_find(operations, *name) == NULL)
            publish_capability(device, *name, NULL);
    }
    for (guint i = 0; i < operations->len; i++) {
        const SimOperation *operation = operations->pdata[i];

        publish_capability(device, operation->name, operation);
    }
}

/*
 * Health comes last of what it says: once that has arrived, all has. What the broker has for it comes before what it
 * says to itself after that: a health check.
 */
void sim_device_arrive(SimDevice *device)
{
    if (device->away)
        return;
    device->here = TRUE;
    register_device(device);
    register_service(device);
    publish_capabilities(device);
    publish_firmware(device);
    device->health = publish_health(device, "up");
    device->host->subscribe(device, device->commands_filter, device->health_filter, device->data);
    (void)device->host->publish(device, device->health_filter, "{}", FALSE, device->data);
}

void sim_device_lost(SimDevice *device)
{
    be_nowhere(device);
}

void sim_device_end(SimDevice *device)
{
    sim_loop_stop_timer(&device->back);
    sim_work_stop(device->work);
    (void)publish_health(device, "down");
    device->away = TRUE;
    device->here = FALSE;
}

static void complain(const SimDevice *device, const char *operation, const char *id, const char *what)
{
    g_autofree char *name = fleet_printable(operation);
    g_autofree char *number = fleet_printable(id);

    sim_log(device->id, "%s %s: ignored: %s", name, number, what);
}

static void take_command(
        SimDevice *device, const char *operation, const char *id, const char *payload, gsize length, gboolean retained)
{
    const char *wrong = NULL;
    SimStatus status;

    if (length == 0) {
        sim_work_cleared(device->work, operation, id);
        return;
    }
    g_autoptr(JsonObject) object = sim_command_read(payload, length, &status, &wrong);
    if (object == NULL) {
        complain(device, operation, id, wrong);
        return;
    }
    if (status == SIM_OTHER)
        complain(device, operation, id, "has a status that is not known");
    else if (sim_operations_find(device->plan->operations, operation) == NULL)
        complain(device, operation, id, "this device does no such thing");
    else
        sim_work_take(device->work, operation, id, object, status, retained);
}

static void check_whether_known(SimDevice *device)
{
    gboolean restarted = device->restarting;

    if (!device->here || device->known || device->health != 0 || !device->caught_up)
        return;
    device->known = TRUE;
    device->restarting = FALSE;
    sim_log(device->id, "up");
    if (!device->ready)
        device->host->ready(device, device->data);
    device->ready = TRUE;
    sim_work_connected(device->work);
    if (restarted)
        sim_work_restarted(device->work);
}

static void take_health_check(SimDevice *device)
{
    if (device->known)
        (void)publish_health(device, "up");
    device->caught_up = TRUE;
    check_whether_known(device);
}

/* Levels: te, device, ID, "", "", "cmd", OPERATION, COMMAND, or te, device, ID, "service", SERVICE, "cmd", "health",
 * "check". */
void sim_device_take(SimDevice *device, char **levels, const char *payload, gsize length, gboolean retained)
{
    if (!device->here)
        return;
    if (strcmp(levels[3], "service") == 0)
        take_health_check(device);
    else if (*levels[6] == '\0' || *levels[7] == '\0')
        complain(device, levels[6], levels[7], "a topic with an empty level");
    else
        take_command(device, levels[6], levels[7], payload, length, retained);
}

void sim_device_acknowledged(SimDevice *device, int number)
{
    if (sim_work_acknowledged(device->work, number))
        return;
    if (number == device->health)
        device->health = 0;
    check_whether_known(device);
}
