/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The driver "thin-edge" and a wire to the broker that breaks while a command is on it: the command reaches its device
 * once, or is lost and has not.
 */

#include "proxy.h"
#include "thin_edge_test.h"

typedef struct {
    ThinEdgeTest *test;
    Proxy *proxy;
} Wire;

/* fleetd beyond the wire, and the device "dev", which is known by now. */
static Wire *wire_new(const FleetTestBrokerSettings *settings)
{
    Wire *wire = g_new0(Wire, 1);

    wire->test = thin_edge_test_new_with_config(settings, NULL);
    wire->proxy = proxy_new(wire->test->broker);
    g_autofree char *config = g_strdup_printf(
            "[ThinEdge]\nBroker=127.0.0.1:%d\n[Actions]\nRecoveryTimeout=2s\n", proxy_port(wire->proxy));
    fleet_test_daemon_set_config(wire->test->daemon, config);
    fleet_test_daemon_start(wire->test->daemon);
    thin_edge_test_can(wire->test, "dev", "restart", "{}");
    thin_edge_test_is_up(wire->test, "dev", TRUE);
    thin_edge_test_register(wire->test, "dev");
    thin_edge_test_wait_device(wire->test, "dev", "Presence", "'ONLINE'");
    return wire;
}

static void wire_free(Wire *wire)
{
    thin_edge_test_free(wire->test);
    proxy_free(wire->proxy);
    g_free(wire);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Wire, wire_free)

static void finish(ThinEdgeAction *action)
{
    thin_edge_action_wait_topic(action, "init");
    thin_edge_action_say(action, "successful");
    g_free(thin_edge_action_wait_end(action, "success"));
    thin_edge_action_wait_topic(action, "");
}

/* The broker has never got it, and remembers all before: so it is sent again. */
START_TEST(command_that_did_not_arrive)
{
    g_autoptr(Wire) wire = wire_new(NULL);

    proxy_break_at(wire->proxy, "\"status\":\"init\"", PROXY_SWALLOW);
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(wire->test, "dev", "SYSTEM_REBOOT", NULL);
    proxy_wait_broken(wire->proxy);
    ck_assert_uint_eq(thin_edge_test_sent(wire->test), 0);
    finish(action);
    ck_assert_uint_eq(thin_edge_test_sent(wire->test), 1);
    thin_edge_action_assert_topic(action, "init successful .");
}
END_TEST

/* The broker has got it, and its answer is what was lost: it is not sent again. */
START_TEST(command_that_was_not_confirmed)
{
    g_autoptr(Wire) wire = wire_new(NULL);

    proxy_break_at(wire->proxy, "\"status\":\"init\"", PROXY_PASS);
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(wire->test, "dev", "SYSTEM_REBOOT", NULL);
    proxy_wait_broken(wire->proxy);
    thin_edge_test_wait_device(wire->test, "dev", "Presence", "'UNKNOWN'");
    thin_edge_test_wait_device(wire->test, "dev", "Presence", "'ONLINE'");
    finish(action);
    ck_assert_uint_eq(thin_edge_test_sent(wire->test), 1);
}
END_TEST

/* It may have arrived, for the broker has forgotten everything: it is not sent again, whichever of the two it was. */
START_TEST(command_that_may_have_arrived)
{
    g_autoptr(Wire) wire = wire_new(NULL);

    proxy_break_at(wire->proxy, "\"status\":\"init\"", _i == 0 ? PROXY_SWALLOW : PROXY_PASS);
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(wire->test, "dev", "SYSTEM_REBOOT", NULL);
    proxy_wait_broken(wire->proxy);
    proxy_set_open(wire->proxy, FALSE);
    guint sent = thin_edge_test_sent(wire->test);
    ck_assert_uint_eq(sent, _i);
    fleet_test_broker_kill(wire->test->broker);
    fleet_test_broker_start(wire->test->broker);
    fleet_test_mqtt_reconnect(wire->test->mqtt);
    proxy_set_open(wire->proxy, TRUE);
    thin_edge_action_wait(action, "Phase", "'recovering'");
    g_free(thin_edge_action_wait_end(action, "lost"));
    ck_assert_uint_eq(thin_edge_test_sent(wire->test), sent);
}
END_TEST

/* The same with a broker that remembers: it has the mark, and not the command. */
START_TEST(broker_that_remembers)
{
    const FleetTestBrokerSettings settings = {.persistence = TRUE};
    g_autoptr(Wire) wire = wire_new(&settings);

    proxy_break_at(wire->proxy, "\"status\":\"init\"", PROXY_SWALLOW);
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(wire->test, "dev", "SYSTEM_REBOOT", NULL);
    proxy_wait_broken(wire->proxy);
    proxy_set_open(wire->proxy, FALSE);
    fleet_test_mqtt_settle(wire->test->mqtt);
    fleet_test_broker_kill(wire->test->broker);
    fleet_test_broker_start(wire->test->broker);
    fleet_test_mqtt_reconnect(wire->test->mqtt);
    proxy_set_open(wire->proxy, TRUE);
    finish(action);
    ck_assert_uint_eq(thin_edge_test_sent(wire->test), 1);
}
END_TEST

/* An action can be cancelled as long as its command is not sent, and the wire is what it waits for. */
START_TEST(command_that_waits_for_the_wire)
{
    g_autoptr(Wire) wire = wire_new(NULL);

    /* The mark that precedes its command is the next one. */
    proxy_break_at(wire->proxy, "/mark", PROXY_SWALLOW);
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(wire->test, "dev", "SYSTEM_REBOOT", NULL);
    ck_assert_str_eq(action->status, "RUNNING");
    proxy_set_open(wire->proxy, FALSE);
    proxy_wait_broken(wire->proxy);
    thin_edge_action_wait(action, "Cancelable", "true");
    fleet_test_call_void(wire->test->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "CancelDeviceAction",
            g_variant_new("(sa{sv})", action->id, NULL));
    g_autofree char *message = thin_edge_action_wait_end(action, "cancelled");
    fleet_test_assert_contains(message, "before it was sent");
    proxy_set_open(wire->proxy, TRUE);
    thin_edge_test_wait_device(wire->test, "dev", "Presence", "'ONLINE'");
    ck_assert_uint_eq(thin_edge_test_sent(wire->test), 0);
}
END_TEST

/* What was to be cleared and was not is cleared when the wire is there again. */
START_TEST(clearing_that_did_not_arrive)
{
    g_autoptr(Wire) wire = wire_new(NULL);
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(wire->test, "dev", "SYSTEM_REBOOT", NULL);

    thin_edge_action_wait_topic(action, "init");
    thin_edge_action_wait(action, "Phase", "'init'");
    proxy_break_at(wire->proxy, action->topic, PROXY_SWALLOW);
    thin_edge_action_say(action, "successful");
    g_free(thin_edge_action_wait_end(action, "success"));
    proxy_wait_broken(wire->proxy);
    thin_edge_action_wait_topic(action, "");
    thin_edge_action_assert_topic(action, "init successful .");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thin-edge-wire");
    TCase *tcase = fleet_test_case(suite, "wire");

    tcase_add_test(tcase, command_that_did_not_arrive);
    tcase_add_test(tcase, command_that_was_not_confirmed);
    tcase_add_loop_test(tcase, command_that_may_have_arrived, 0, 2);
    tcase_add_test(tcase, broker_that_remembers);
    tcase_add_test(tcase, command_that_waits_for_the_wire);
    tcase_add_test(tcase, clearing_that_did_not_arrive);
    return fleet_test_main(suite);
}
