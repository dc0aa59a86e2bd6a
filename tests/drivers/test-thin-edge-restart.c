/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The driver "thin-edge" and a fleetd that is killed, whatever it was at: each action has one end, which is the right
 * one, and each command has reached its device once.
 */

#include "thin_edge_test.h"

#include <signal.h>

static void restart(ThinEdgeTest *test)
{
    fleet_test_daemon_kill(test->daemon);
    fleet_test_daemon_start(test->daemon);
}

static ThinEdgeTest *new_test(const char *lines)
{
    ThinEdgeTest *test = thin_edge_test_new(NULL, lines);

    thin_edge_test_can(test, "dev", "restart", "{}");
    thin_edge_test_is_up(test, "dev", TRUE);
    thin_edge_test_register(test, "dev");
    thin_edge_test_wait_device(test, "dev", "Presence", "'ONLINE'");
    return test;
}

static void finish(ThinEdgeAction *action)
{
    thin_edge_action_say(action, "successful");
    g_free(thin_edge_action_wait_end(action, "success"));
    thin_edge_action_wait_topic(action, "");
}

static const char *const phases[] = {"init", "scheduled", "executing", "halfway"};

/* At each phase the device goes on after the restart. */
START_TEST(killed_while_it_runs)
{
    g_autoptr(ThinEdgeTest) test = new_test("");
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);
    g_autofree char *quoted = g_strdup_printf("'%s'", phases[_i]);

    thin_edge_action_wait_topic(action, "init");
    if (_i > 0)
        thin_edge_action_say(action, phases[_i]);
    thin_edge_action_wait(action, "Phase", quoted);
    restart(test);
    thin_edge_action_wait(action, "Status", "'RUNNING'");
    thin_edge_action_wait(action, "Phase", quoted);
    thin_edge_action_say(action, "verifying");
    thin_edge_action_wait(action, "Phase", "'verifying'");
    finish(action);
    ck_assert_uint_eq(thin_edge_test_sent(test), 1);
}
END_TEST

/* The device says how it has ended, or how it is, while there is no fleetd. */
START_TEST(ended_meanwhile)
{
    g_autoptr(ThinEdgeTest) test = new_test("");
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);

    thin_edge_action_wait_topic(action, "init");
    thin_edge_action_wait(action, "Phase", "'init'");
    fleet_test_daemon_kill(test->daemon);
    if (_i == 0)
        thin_edge_action_say(action, "successful");
    else
        thin_edge_action_publish(action, "{\"status\":\"failed\",\"reason\":\"no power\"}");
    fleet_test_daemon_start(test->daemon);
    g_autofree char *message = thin_edge_action_wait_end(action, _i == 0 ? "success" : "failed");
    if (_i == 1)
        ck_assert_str_eq(message, "'no power'");
    thin_edge_action_wait_topic(action, "");
    ck_assert_uint_eq(thin_edge_test_sent(test), 1);
}
END_TEST

static gboolean is_retained(ThinEdgeTest *test, const char *topic)
{
    g_autoptr(FleetTestMqtt) fresh = fleet_test_mqtt_new(test->broker, topic);

    fleet_test_mqtt_settle(fresh);
    return fleet_test_mqtt_count(fresh) > 0;
}

/* What is on disk already, and was not taken away from the broker, is taken away by the next fleetd. */
START_TEST(recorded_and_not_cleared)
{
    g_autoptr(ThinEdgeTest) test = new_test("ClientId=me\n");
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);

    thin_edge_action_wait_topic(action, "init");
    finish(action);
    fleet_test_daemon_kill(test->daemon);
    guint from = fleet_test_mqtt_count(test->mqtt);
    thin_edge_action_publish(action, "{\"status\":\"successful\",\"fleetClient\":\"me\"}");
    ck_assert(is_retained(test, action->topic));
    fleet_test_daemon_start(test->daemon);
    (void)fleet_test_mqtt_wait_status(test->mqtt, from, action->topic, "");
    ck_assert(!is_retained(test, action->topic));
    fleet_test_signals_clear(test->signals);
    thin_edge_action_wait(action, "Result", "'success'");
    fleet_test_signals_settle(test->signals);
}
END_TEST

/* A broker that stands still confirms nothing: the command may be on its way, or have been. */
START_TEST(killed_before_it_was_confirmed)
{
    g_autoptr(ThinEdgeTest) test = new_test("");

    fleet_test_broker_pause(test->broker);
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);
    fleet_test_daemon_kill(test->daemon);
    fleet_test_broker_resume(test->broker);
    fleet_test_daemon_start(test->daemon);
    thin_edge_action_wait_topic(action, "init");
    finish(action);
    ck_assert_uint_eq(thin_edge_test_sent(test), 1);
}
END_TEST

/* The broker forgets while there is no fleetd. */
START_TEST(lost_meanwhile)
{
    g_autoptr(ThinEdgeTest) test = new_test("[Actions]\nRecoveryTimeout=2s\n");
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);

    thin_edge_action_wait_topic(action, "init");
    thin_edge_action_say(action, "executing");
    thin_edge_action_wait(action, "Phase", "'executing'");
    fleet_test_daemon_kill(test->daemon);
    fleet_test_broker_kill(test->broker);
    fleet_test_broker_start(test->broker);
    fleet_test_mqtt_reconnect(test->mqtt);
    fleet_test_daemon_start(test->daemon);
    thin_edge_action_wait(action, "Phase", "'recovering'");
    g_free(thin_edge_action_wait_end(action, "lost"));
    ck_assert_uint_eq(thin_edge_test_sent(test), 1);
}
END_TEST

/* As long as the broker is away nothing is lost, however long that takes. */
START_TEST(broker_comes_later)
{
    const FleetTestBrokerSettings settings = {.persistence = TRUE};
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(&settings, "[Actions]\nRecoveryTimeout=100ms\n");

    thin_edge_test_can(test, "dev", "restart", "{}");
    thin_edge_test_register(test, "dev");
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);
    thin_edge_action_wait_topic(action, "init");
    thin_edge_action_say(action, "executing");
    thin_edge_action_wait(action, "Phase", "'executing'");
    fleet_test_mqtt_settle(test->mqtt);
    fleet_test_daemon_kill(test->daemon);
    fleet_test_broker_kill(test->broker);
    fleet_test_daemon_start(test->daemon);
    thin_edge_test_wait_log(test, "cannot be used: Connection refused");
    thin_edge_action_wait(action, "Status", "'RUNNING'");
    thin_edge_action_wait(action, "Phase", "'executing'");
    fleet_test_broker_start(test->broker);
    fleet_test_mqtt_reconnect(test->mqtt);
    thin_edge_test_wait_log(test, "lets us in");
    finish(action);
    ck_assert_uint_eq(thin_edge_test_sent(test), 1);
}
END_TEST

/* A command bears the name of another client: it is not the one that was sent. */
START_TEST(anothers_command)
{
    g_autoptr(ThinEdgeTest) test = new_test("[Actions]\nRecoveryTimeout=1s\n");
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);

    thin_edge_action_wait_topic(action, "init");
    thin_edge_action_wait(action, "Phase", "'init'");
    fleet_test_daemon_kill(test->daemon);
    thin_edge_action_publish(action, "{\"status\":\"successful\",\"fleetClient\":\"somebody\"}");
    fleet_test_daemon_start(test->daemon);
    g_free(thin_edge_action_wait_end(action, "lost"));
}
END_TEST

static void assert_reached(ThinEdgeAction *action, const char *record)
{
    g_autofree char *result = thin_edge_action_get(action, "Result");
    const char *found = strstr(record, action->id);

    if (found != NULL && strstr(found + 1, action->id) != NULL)
        fleet_test_fail("%s has reached the device twice: %s", action->id, record);
    if (!g_str_equal(result, found != NULL ? "'success'" : "'lost'"))
        fleet_test_fail("%s has ended as %s, but this has reached the device: %s", action->id, result, record);
}

/* fleetd is killed at any moment of many actions, and the device keeps a record of what it was asked for. One that was
 * about to be sent may be lost, and then has not reached the device; that moment is short. */
START_TEST(killed_at_any_moment)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "[Actions]\nRecoveryTimeout=500ms\n");
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *record = g_build_filename(directory, "record", NULL);
    g_autofree char *option = g_strconcat("--record=", record, NULL);
    FleetTestProcess *device =
            fleet_test_simulated_device_start(test->broker, "dev", "--duration=60ms", "--boot-time=20ms", option, NULL);
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)thin_edge_action_free);

    thin_edge_test_register(test, "dev");
    for (guint i = 0; i < 20; i++) {
        ThinEdgeAction *action = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);

        g_ptr_array_add(all, action);
        fleet_test_run_for(i * i / 2);
        restart(test);
        /* Its end may be on disk, and fleetd killed before it was announced. */
        ck_assert_uint_le(thin_edge_action_wait_any_end(action), 1);
    }
    fleet_test_simulated_device_stop(device);
    g_autofree char *text = fleet_test_read(record);
    for (guint i = 0; i < all->len; i++)
        assert_reached(all->pdata[i], text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thin-edge-restart");
    TCase *tcase = fleet_test_case(suite, "restart");

    tcase_add_loop_test(tcase, killed_while_it_runs, 0, G_N_ELEMENTS(phases));
    tcase_add_loop_test(tcase, ended_meanwhile, 0, 2);
    tcase_add_test(tcase, recorded_and_not_cleared);
    tcase_add_test(tcase, killed_before_it_was_confirmed);
    tcase_add_test(tcase, lost_meanwhile);
    tcase_add_test(tcase, broker_comes_later);
    tcase_add_test(tcase, anothers_command);
    tcase_add_test(tcase, killed_at_any_moment);
    return fleet_test_main(suite);
}
