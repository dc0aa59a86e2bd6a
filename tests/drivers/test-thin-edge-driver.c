/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The driver "thin-edge" by itself, at a real broker: what takes longer in fleetd than a check may, and what must not
 * be left to chance.
 */

#include "base/clock.h"
#include "drivers/thin_edge/thin_edge.h"
#include "lib/broker.h"
#include "lib/loop.h"
#include "lib/main.h"
#include "lib/mqtt.h"
#include "lib/run.h"

#include <string.h>

/* The driver, and in place of the engine what it reports: a line each. */
typedef struct {
    FleetTestBroker *broker;
    FleetTestMqtt *mqtt;
    FleetDriver *driver;
    GString *reports;
    FleetDevice *device;
    FleetAction *action;
    FleetAttempt attempt;
    gint64 wake_at;
    const char *awaited;
} Test;

static void progress(FleetAttemptId id, double value, gpointer data)
{
    g_string_append_printf(((Test *)data)->reports, "progress %.2f\n", value);
}

static void phase(FleetAttemptId id, const char *word, gpointer data)
{
    g_string_append_printf(((Test *)data)->reports, "phase %s\n", word);
}

static void message(FleetAttemptId id, const char *text, gpointer data)
{
    g_string_append_printf(((Test *)data)->reports, "message %s\n", text);
}

/* Goes to the disk at once. */
static void point_of_no_return(FleetAttemptId id, gpointer data)
{
    Test *test = data;

    g_string_append(test->reports, "point-of-no-return\n");
    test->action->past_return = TRUE;
}

static void finished(FleetAttemptId id, FleetOutcome outcome, const char *text, const char *output, gpointer data)
{
    g_string_append_printf(((Test *)data)->reports, "finished %d %s\n", outcome, text);
}

static void presence(const char *device_id, FleetPresence what, gpointer data)
{
    g_string_append_printf(((Test *)data)->reports, "%s %s\n", device_id, fleet_presence_to_string(what));
}

static void ready_changed(FleetDriver *driver, const char *device_id, gpointer data)
{
    g_string_append_printf(((Test *)data)->reports, "%s ready\n", device_id != NULL ? device_id : "all");
}

static void announced(FleetDriver *driver, const FleetAnnouncement *announcement, gpointer data)
{
    g_string_append_printf(((Test *)data)->reports, "announced %s\n", announcement->id);
}

static void unknown(FleetAttemptId id, const char *text, gpointer data)
{
    g_string_append_printf(((Test *)data)->reports, "unknown %s\n", text);
}

static void wake_at(FleetAttemptId id, gint64 when, gpointer data)
{
    ((Test *)data)->wake_at = when;
}

static const FleetDriverHost host = {
        .progress = progress,
        .phase = phase,
        .message = message,
        .point_of_no_return = point_of_no_return,
        .finished = finished,
        .presence = presence,
        .ready_changed = ready_changed,
        .announced = announced,
        .unknown = unknown,
        .wake_at = wake_at,
};

static const FleetDriverClass *const class = &fleet_thin_edge_driver_class;

static gboolean has_report(gpointer data)
{
    const Test *test = data;

    return strstr(test->reports->str, test->awaited) != NULL;
}

/* Waits until that has been reported, and forgets all reports. */
static void wait_report(Test *test, const char *text)
{
    test->awaited = text;
    if (!fleet_test_run_until(has_report, test))
        fleet_test_fail("'%s' is not reported, but: %s", text, test->reports->str);
    g_string_truncate(test->reports, 0);
}

static Test *test_new(const FleetTestBrokerSettings *broker_settings)
{
    Test *test = g_new0(Test, 1);
    g_autoptr(FleetThinEdgeSettings) settings = fleet_thin_edge_settings_new();
    g_autoptr(FleetParameters) parameters = fleet_parameters_new_empty();
    g_autoptr(GRefString) type = g_ref_string_new_intern("SYSTEM_REBOOT");
    g_autoptr(GRefString) driver = g_ref_string_new_intern("thin-edge");
    g_autoptr(GError) error = NULL;

    test->broker = fleet_test_broker_new(broker_settings);
    test->mqtt = fleet_test_mqtt_new(test->broker, "te/device/dev///cmd/restart/+");
    test->reports = g_string_new(NULL);
    test->device = fleet_device_new("dev", "Device", "", "thin-edge");
    test->action = fleet_action_new(
            (FleetActionId){.msec = 1700000000000, .sequence = 1}, test->device->id, type, driver, parameters);
    test->action->status = FLEET_ACTION_RUNNING;
    test->action->attempt = 1;
    test->attempt = (FleetAttempt){.id = {.sequence = 1, .number = 1}, .action = test->action, .device = test->device};
    fleet_test_mqtt_publish(test->mqtt, "te/device/dev///cmd/restart", "{}", TRUE);
    ck_assert(fleet_thin_edge_settings_set(settings, "Broker", fleet_test_broker_address(test->broker), &error));
    ck_assert(fleet_thin_edge_settings_complete(settings, &error));
    fleet_thin_edge_settings_identify(settings, "test");
    test->driver = class->create(&host, test);
    fleet_thin_edge_driver_configure(test->driver, settings);
    class->adopt(test->driver, test->device);
    return test;
}

static void test_free(Test *test)
{
    class->release(test->driver, &test->attempt);
    class->destroy(test->driver);
    fleet_action_unref(test->action);
    fleet_device_unref(test->device);
    g_string_free(test->reports, TRUE);
    fleet_test_mqtt_free(test->mqtt);
    fleet_test_broker_free(test->broker);
    g_free(test);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Test, test_free)

static char *topic_of(const Test *test)
{
    g_auto(GStrv) lines = g_strsplit(test->action->plan, "\n", 2);

    return g_strdup(lines[0]);
}

static void start(Test *test)
{
    g_autoptr(GError) error = NULL;

    ck_assert(!class->is_ready(test->driver, test->device));
    wait_report(test, "dev ready\n");
    ck_assert(class->is_ready(test->driver, test->device));
    GRefString *plan = class->plan(test->driver, test->action, test->device, &error);
    fleet_test_assert_no_error(error);
    g_ref_string_release(test->action->plan);
    test->action->plan = plan;
    class->start(test->driver, &test->attempt);
    wait_report(test, "point-of-no-return\n");
    class->stored(test->driver, &test->attempt);
    g_autofree char *topic = topic_of(test);
    (void)fleet_test_mqtt_wait_status(test->mqtt, 0, topic, "init");
    wait_report(test, "phase init\n");
}

/* Publishes, by a process of its own, while this one hears nothing. */
static void publish_unheard(const Test *test, const char *topic, const char *payload, guint times)
{
    g_autofree char *port = g_strdup_printf("%d", fleet_test_broker_port(test->broker));
    g_autofree char *repeat = g_strdup_printf("%u", times);

    g_free(fleet_test_run_ok("mosquitto_pub", "-h", "127.0.0.1", "-p", port, "-q", "1", "-r", "-t", topic, "-m",
            payload, "--repeat", repeat));
}

/* The broker drops what a client does not read; what it has dropped is still retained. */
START_TEST(what_was_dropped_is_looked_for)
{
    g_autoptr(Test) test = test_new(&(const FleetTestBrokerSettings){0});
    g_autofree char *large = g_strnfill(10000, 'x');
    g_autofree char *noise = g_strdup_printf("{\"noise\":\"%s\"}", large);

    start(test);
    g_autofree char *topic = topic_of(test);
    ck_assert_int_gt(test->wake_at, fleet_clock_boottime());
    publish_unheard(test, "te/device/dev///cmd/other", noise, 3000);
    publish_unheard(test, topic, "{\"status\":\"successful\"}", 1);
    if (!fleet_test_process_wait_output(fleet_test_broker_process(test->broker), FLEET_TEST_STDERR,
                "Outgoing messages are being dropped for client fleetd-", FLEET_TEST_PATIENCE))
        fleet_test_fail("nothing was dropped");
    fleet_test_mqtt_settle(test->mqtt);
    ck_assert_ptr_null(strstr(test->reports->str, "finished"));

    class->wake(test->driver, &test->attempt);
    wait_report(test, "finished 0 ");
}
END_TEST

/* It is to be looked at again after that time, from a moment ago. */
static void assert_patience(const Test *test, gint64 seconds)
{
    gint64 left = test->wake_at - fleet_clock_boottime();

    ck_assert_int_le(left, seconds * FLEET_USEC_PER_SEC);
    ck_assert_int_gt(left, (seconds - (gint64)FLEET_TEST_PATIENCE) * FLEET_USEC_PER_SEC);
}

/* What nothing is heard of is looked at ever less often, but at least once an hour; and as often as at first when it is
 * heard of again. */
START_TEST(what_is_silent_is_looked_at_ever_less_often)
{
    g_autoptr(Test) test = test_new(&(const FleetTestBrokerSettings){0});

    start(test);
    g_autofree char *topic = topic_of(test);
    for (gint64 seconds = 30; seconds < 3600; seconds *= 2) {
        assert_patience(test, seconds);
        class->wake(test->driver, &test->attempt);
    }
    assert_patience(test, 3600);
    class->wake(test->driver, &test->attempt);
    assert_patience(test, 3600);
    fleet_test_mqtt_publish(test->mqtt, topic, "{\"status\":\"executing\"}", TRUE);
    wait_report(test, "phase executing\n");
    assert_patience(test, 30);
}
END_TEST

/* Nothing has changed, so nothing is reported; and it is looked at again later. */
START_TEST(what_is_as_it_was_is_no_news)
{
    g_autoptr(Test) test = test_new(&(const FleetTestBrokerSettings){0});

    start(test);
    g_autofree char *topic = topic_of(test);
    fleet_test_mqtt_publish(test->mqtt, topic, "{\"status\":\"executing\"}", TRUE);
    wait_report(test, "phase executing\n");
    test->wake_at = 0;
    class->wake(test->driver, &test->attempt);
    ck_assert_int_gt(test->wake_at, fleet_clock_boottime());
    fleet_test_mqtt_publish(test->mqtt, topic, "{\"status\":\"executing\"}", TRUE);
    fleet_test_mqtt_publish(test->mqtt, "te/device/dev/service/tedge-agent/status/health", "{\"status\":\"up\"}", TRUE);
    test->awaited = "dev ONLINE\n";
    ck_assert(fleet_test_run_until(has_report, test));
    ck_assert_ptr_null(strstr(test->reports->str, "phase"));
    ck_assert_ptr_null(strstr(test->reports->str, "unknown"));
}
END_TEST

/* One that is gone when it is looked at again is unknown; and found if it comes back. */
START_TEST(what_has_gone_is_unknown)
{
    g_autoptr(Test) test = test_new(&(const FleetTestBrokerSettings){0});

    start(test);
    g_autofree char *topic = topic_of(test);
    publish_unheard(test, topic, "{\"status\":\"executing\"}", 1);
    wait_report(test, "phase executing\n");
    fleet_test_mqtt_publish(test->mqtt, topic, "", TRUE);
    wait_report(test, "unknown somebody has taken the command away");
    class->wake(test->driver, &test->attempt);
    fleet_test_mqtt_publish(test->mqtt, topic, "{\"status\":\"executing\"}", TRUE);
    wait_report(test, "phase executing\n");
}
END_TEST

/* What could not be stored is not sent; it is said again when the disk works. */
START_TEST(what_is_not_stored_is_not_sent)
{
    g_autoptr(Test) test = test_new(&(const FleetTestBrokerSettings){0});
    g_autoptr(GError) error = NULL;

    wait_report(test, "dev ready\n");
    GRefString *plan = class->plan(test->driver, test->action, test->device, &error);
    fleet_test_assert_no_error(error);
    g_ref_string_release(test->action->plan);
    test->action->plan = plan;
    class->start(test->driver, &test->attempt);
    wait_report(test, "point-of-no-return\n");
    test->action->past_return = FALSE; /* it could not be */
    class->stored(test->driver, &test->attempt);
    wait_report(test, "point-of-no-return\n");
    class->stored(test->driver, &test->attempt);
    wait_report(test, "phase init\n");
}
END_TEST

/* A device may move while its action runs; the action is where it was. */
START_TEST(device_that_moves)
{
    g_autoptr(Test) test = test_new(&(const FleetTestBrokerSettings){0});

    start(test);
    g_autofree char *topic = topic_of(test);
    g_autoptr(FleetDevice) moved = fleet_device_copy(test->device);
    fleet_device_set_address(moved, "elsewhere");
    fleet_test_mqtt_publish(test->mqtt, "te/device/elsewhere/service/tedge-agent/status/health", "1", TRUE);
    class->adopt(test->driver, moved);
    wait_report(test, "dev ready\n");
    fleet_test_mqtt_publish(test->mqtt, topic, "{\"status\":\"successful\"}", TRUE);
    wait_report(test, "finished 0 ");
    class->forget(test->driver, moved);
    ck_assert(!class->is_ready(test->driver, moved));
}
END_TEST

/* Devices come and go while they are being fetched. */
START_TEST(devices_that_come_and_go)
{
    g_autoptr(Test) test = test_new(&(const FleetTestBrokerSettings){0});
    g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func((GDestroyNotify)fleet_device_unref);

    for (guint i = 0; i < 500; i++) {
        g_autofree char *id = g_strdup_printf("d-%u", i);
        g_ptr_array_add(devices, fleet_device_new(id, id, "", "thin-edge"));
        class->adopt(test->driver, devices->pdata[i]);
    }
    wait_report(test, "d-3 ready\n");
    for (guint i = 0; i < 499; i++)
        class->forget(test->driver, devices->pdata[i]);
    wait_report(test, "d-499 ready\n");
    for (guint i = 0; i < 499; i++)
        class->adopt(test->driver, devices->pdata[i]);
    wait_report(test, "d-498 ready\n");
    for (guint i = 0; i < 500; i++)
        class->forget(test->driver, devices->pdata[i]);
}
END_TEST

/* More is retained about some than a slice may have: it is fetched in smaller ones. */
START_TEST(much_that_is_retained)
{
    const FleetTestBrokerSettings settings = {.lines = "max_queued_messages 1000\n"};
    g_autoptr(Test) test = test_new(&settings);
    g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func((GDestroyNotify)fleet_device_unref);
    g_autoptr(GError) error = NULL;

    wait_report(test, "dev ready\n");
    for (guint i = 0; i < 64; i++) {
        g_autofree char *id = g_strdup_printf("d-%u", i);

        for (guint k = 0; k < 100; k++) {
            g_autofree char *topic = g_strdup_printf("te/device/%s///cmd/other/%u", id, k);
            fleet_test_mqtt_queue(test->mqtt, topic, "{}", TRUE);
        }
        g_autofree char *topic = g_strdup_printf("te/device/%s///cmd/restart", id);
        fleet_test_mqtt_queue(test->mqtt, topic, "{}", TRUE);
        g_ptr_array_add(devices, fleet_device_new(id, id, "", "thin-edge"));
    }
    fleet_test_mqtt_flush(test->mqtt);
    for (guint i = 0; i < devices->len; i++)
        class->adopt(test->driver, devices->pdata[i]);
    wait_report(test, "d-63 ready\n");
    for (guint i = 0; i < devices->len; i++) {
        ck_assert(class->is_ready(test->driver, devices->pdata[i]));
        g_autoptr(GRefString) plan = class->plan(test->driver, test->action, devices->pdata[i], &error);
        fleet_test_assert_no_error(error);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thin-edge-driver");
    TCase *tcase = fleet_test_case(suite, "driver");

    tcase_add_test(tcase, what_was_dropped_is_looked_for);
    tcase_add_test(tcase, what_is_silent_is_looked_at_ever_less_often);
    tcase_add_test(tcase, what_is_as_it_was_is_no_news);
    tcase_add_test(tcase, what_has_gone_is_unknown);
    tcase_add_test(tcase, what_is_not_stored_is_not_sent);
    tcase_add_test(tcase, device_that_moves);
    tcase_add_test(tcase, devices_that_come_and_go);
    tcase_add_test(tcase, much_that_is_retained);
    return fleet_test_main(suite);
}
