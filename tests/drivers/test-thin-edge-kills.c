/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fleetd, the broker, and the device, each killed at each phase of each type of action, and all of them together.
 * Whoever goes away comes back; the action ends once and well, the device has begun to work on it once, and nothing of
 * it stays on the broker.
 */

#include "lib/fleet_test.h"
#include "lib/mqtt.h"
#include "lib/simulated_device.h"

#include <string.h>

#define DEVICE "router1"

typedef struct {
    const char *type, *operation, *parameters;
} Work;

static const Work works[] = {
        {"SOFTWARE_UPDATE", "software_update", "{'name': 'app', 'version': '2'}"},
        {"FIRMWARE_UPDATE", "firmware_update", "{'name': 'os', 'version': '2', 'url': 'http://there/os'}"},
        {"SYSTEM_REBOOT", "restart", "@a{ss} {}"},
        {"CONFIGURATION_CHANGE", "config_update", "{'type': 'settings', 'url': 'http://there/conf'}"},
};

/* "": the end is on disk, and the command has just been cleared. */
static const char *const phases[] = {"init", "scheduled", "executing", "successful", ""};

static FleetTestBus *bus;
static FleetTestDaemon *fleetd;
static FleetTestBroker *broker;
static FleetTestProcess *device;
static FleetTestMqtt *mqtt;
static GDBusConnection *connection;
static FleetTestSignals *signals;
static char *state, *record;

static void start_device(void)
{
    g_autofree char *state_option = g_strconcat("--state=", state, NULL);
    g_autofree char *record_option = g_strconcat("--record=", record, NULL);

    device = fleet_test_simulated_device_start(
            broker, DEVICE, "--duration=150ms", "--boot-time=50ms", state_option, record_option, NULL);
}

static void setup(void)
{
    const FleetTestBrokerSettings settings = {.persistence = TRUE};
    g_autofree char *directory = fleet_test_directory_new();

    state = g_build_filename(directory, "state", NULL);
    record = g_build_filename(directory, "record", NULL);
    broker = fleet_test_broker_new(&settings);
    bus = fleet_test_bus_new(NULL);
    fleetd = fleet_test_daemon_new();
    g_autofree char *config = g_strdup_printf("[ThinEdge]\nBroker=%s\n[Actions]\nRecoveryTimeout=%us\n",
            fleet_test_broker_address(broker), (guint)(10 * fleet_test_slowness()));
    fleet_test_daemon_set_config(fleetd, config);
    fleet_test_daemon_start(fleetd);
    connection = fleet_test_connect(fleet_test_bus_address(bus));
    signals = fleet_test_signals_new(connection, NULL, NULL, NULL);
    mqtt = fleet_test_mqtt_new(broker, "te/device/" DEVICE "///cmd/+/+");
    start_device();
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new_parsed("('" DEVICE "', '', '', '', {'Driver': <'thin-edge'>})"));
}

static void teardown(void)
{
    g_clear_pointer(&device, fleet_test_simulated_device_stop);
    g_clear_pointer(&mqtt, fleet_test_mqtt_free);
    g_clear_pointer(&signals, fleet_test_signals_free);
    g_clear_object(&connection);
    g_clear_pointer(&fleetd, fleet_test_daemon_free);
    g_clear_pointer(&bus, fleet_test_bus_free);
    g_clear_pointer(&broker, fleet_test_broker_free);
    g_clear_pointer(&state, g_free);
    g_clear_pointer(&record, g_free);
}

/* Those who are killed. */

static void kill_fleetd(void)
{
    fleet_test_daemon_kill(fleetd);
    fleet_test_daemon_start(fleetd);
}

static void kill_broker(void)
{
    fleet_test_broker_kill(broker);
    fleet_test_broker_start(broker);
    fleet_test_mqtt_reconnect(mqtt);
}

static void kill_device(void)
{
    fleet_test_simulated_device_kill(g_steal_pointer(&device));
    start_device();
}

static void kill_all(void)
{
    fleet_test_simulated_device_kill(g_steal_pointer(&device));
    fleet_test_daemon_kill(fleetd);
    kill_broker();
    fleet_test_daemon_start(fleetd);
    start_device();
}

static void (*const kills[])(void) = {kill_fleetd, kill_broker, kill_device, kill_all};

/* Initiates the work. The action's object path. */
static char *initiate(const Work *work)
{
    g_autofree char *arguments =
            g_strdup_printf("('" DEVICE "', '%s', %s, {'IfBusy': <'queue'>})", work->type, work->parameters);
    g_autoptr(GVariant) reply = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            g_variant_new_parsed(arguments), "(sos)");
    char *path;

    g_variant_get_child(reply, 1, "o", &path);
    return path;
}

static char *topic_of(const Work *work, const char *path)
{
    g_autoptr(GVariant) id = fleet_test_get(connection, path, FLEET_TEST_ACTION, "Id");

    return g_strdup_printf("te/device/" DEVICE "///cmd/%s/fleet-%s-1", work->operation, g_variant_get_string(id, NULL));
}

static gboolean has_status(const FleetTestSignal *signal, const char *path, const char *wanted)
{
    g_autoptr(GVariant) properties = NULL;
    g_autoptr(GVariant) status = NULL;

    if (!g_str_equal(signal->path, path) || !g_str_equal(signal->member, "PropertiesChanged"))
        return FALSE;
    properties = g_variant_get_child_value(signal->arguments, 1);
    status = g_variant_lookup_value(properties, "Status", G_VARIANT_TYPE_STRING);
    return status != NULL && g_str_equal(g_variant_get_string(status, NULL), wanted);
}

static guint count_ends(const char *path)
{
    static const char *const ends[] = {"COMPLETED", "FAILED", "CANCELLED"};
    guint count = 0;

    for (guint i = 0; i < fleet_test_signals_count(signals); i++)
        for (guint k = 0; k < G_N_ELEMENTS(ends); k++)
            count += has_status(fleet_test_signals_get(signals, i), path, ends[k]);
    return count;
}

static void assert_text(const char *path, const char *property, const char *expected)
{
    g_autoptr(GVariant) value = fleet_test_get(connection, path, FLEET_TEST_ACTION, property);

    ck_assert_str_eq(g_variant_get_string(value, NULL), expected);
}

/* How often the device has begun with the command. */
static guint count_works(const char *topic)
{
    g_autofree char *text = NULL;
    g_autofree char *command = g_path_get_basename(topic);
    guint count = 0;

    if (!g_file_get_contents(record, &text, NULL, NULL))
        return 0; /* with none so far */
    for (const char *place = strstr(text, command); place != NULL; place = strstr(place + 1, command))
        count++;
    return count;
}

/* Nothing is left on the broker: who asks now is told nothing of it. A broker that was killed may have to be told again
 * that it is cleared. */
static void wait_cleared(const char *topic)
{
    g_autoptr(FleetTestMqtt) later = fleet_test_mqtt_new(broker, topic);

    fleet_test_mqtt_settle(later);
    if (fleet_test_mqtt_count(later) > 0)
        (void)fleet_test_mqtt_wait_status(later, 0, topic, "");
}

/* A fleetd that is killed may have stored the end and not told it; whoever it is, there is one end. */
static void wait_end(const char *path)
{
    g_autoptr(GVariant) status = fleet_test_get(connection, path, FLEET_TEST_ACTION, "Status");

    if (g_str_equal(g_variant_get_string(status, NULL), "RUNNING"))
        fleet_test_signals_wait_property(signals, 0, path, "CompletedAt", NULL);
    fleet_test_signals_settle(signals);
    ck_assert_uint_le(count_ends(path), 1);
}

/* If the broker is killed it may not have stored yet what it has passed on; and if fleetd, which would know better, and
 * the device, which had not begun, are so together with it, there is no trace of the command left anywhere. */
static void assert_end(const char *path, const char *topic, gboolean all_were_killed)
{
    guint begun = count_works(topic);

    if (begun == 0 && all_were_killed) {
        assert_text(path, "Status", "FAILED");
        assert_text(path, "Result", "lost");
    } else {
        assert_text(path, "Status", "COMPLETED");
        assert_text(path, "Result", "success");
        ck_assert_uint_eq(begun, 1);
    }
}

static void run(const Work *work, const char *phase, void (*kill)(void))
{
    g_autofree char *path = initiate(work);
    g_autofree char *topic = topic_of(work, path);

    (void)fleet_test_mqtt_wait_status(mqtt, 0, topic, phase);
    kill();
    wait_end(path);
    wait_cleared(topic);
    assert_end(path, topic, kill == kill_all);
    fleet_test_signals_clear(signals);
}

/* One check for each who is killed and each type, with all phases one after the other. */
START_TEST(action_ends_once_and_well)
{
    const Work *work = &works[(guint)_i % G_N_ELEMENTS(works)];

    for (guint i = 0; i < G_N_ELEMENTS(phases); i++)
        run(work, phases[i], kills[(guint)_i / G_N_ELEMENTS(works)]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("drivers: thin-edge, kills");
    TCase *tcase = fleet_test_case(suite, "kills");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, action_ends_once_and_well, 0, G_N_ELEMENTS(works) * G_N_ELEMENTS(kills));
    return fleet_test_main(suite);
}
