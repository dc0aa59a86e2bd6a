/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the tests of MQTT rely on: a broker that comes back, keeps or forgets, and lets in whom it should.
 */

#include "lib/broker.h"
#include "lib/loop.h"
#include "lib/main.h"
#include "lib/mqtt.h"
#include "lib/run.h"

#include <string.h>
#include <unistd.h>

static const FleetTestBrokerSettings plain = {0};

static void expect_retained(FleetTestMqtt *mqtt, guint from, const char *topic, gboolean there)
{
    fleet_test_mqtt_settle(mqtt);
    for (guint i = from; i < fleet_test_mqtt_count(mqtt); i++) {
        const FleetTestMessage *message = fleet_test_mqtt_get(mqtt, i);

        if (strcmp(message->topic, topic) == 0 && message->retained) {
            ck_assert(there);
            return;
        }
    }
    ck_assert(!there);
}

START_TEST(client_gets_what_is_published)
{
    g_autoptr(FleetTestBroker) broker = fleet_test_broker_new(&plain);
    g_autoptr(FleetTestMqtt) mqtt = fleet_test_mqtt_new(broker, "a/#");

    fleet_test_mqtt_publish(mqtt, "a/b", "{\"status\":\"init\"}", FALSE);
    fleet_test_mqtt_publish(mqtt, "b/b", "not for us", FALSE);
    fleet_test_mqtt_publish_bytes(mqtt, "a/c", "\0x", 2, FALSE);
    guint first = fleet_test_mqtt_wait_status(mqtt, 0, "a/b", "init");
    guint second = fleet_test_mqtt_wait_status(mqtt, first, "a/c", NULL);
    ck_assert_uint_eq(first, 0);
    ck_assert_uint_eq(second, 1);
    ck_assert_uint_eq(fleet_test_mqtt_get(mqtt, second)->length, 2);
    ck_assert(!fleet_test_mqtt_get(mqtt, second)->retained);
}
END_TEST

START_TEST(statuses_are_listed)
{
    g_autoptr(FleetTestBroker) broker = fleet_test_broker_new(&plain);
    g_autoptr(FleetTestMqtt) mqtt = fleet_test_mqtt_new(broker, "#");

    fleet_test_mqtt_publish(mqtt, "a", "{\"status\":\"init\"}", TRUE);
    fleet_test_mqtt_publish(mqtt, "b", "{\"status\":\"other\"}", TRUE);
    fleet_test_mqtt_publish(mqtt, "a", "nothing", TRUE);
    fleet_test_mqtt_publish(mqtt, "a", "", TRUE);
    fleet_test_mqtt_settle(mqtt);
    g_autofree char *statuses = fleet_test_mqtt_statuses(mqtt, "a");
    ck_assert_str_eq(statuses, "init - .");
}
END_TEST

START_TEST(broker_comes_back_and_has_forgotten)
{
    g_autoptr(FleetTestBroker) broker = fleet_test_broker_new(&plain);
    g_autoptr(FleetTestMqtt) mqtt = fleet_test_mqtt_new(broker, "#");

    fleet_test_mqtt_publish(mqtt, "a", "kept?", TRUE);
    fleet_test_broker_kill(broker);
    ck_assert_ptr_null(fleet_test_broker_process(broker));
    fleet_test_broker_start(broker);
    guint from = fleet_test_mqtt_count(mqtt);
    fleet_test_mqtt_reconnect(mqtt);
    expect_retained(mqtt, from, "a", FALSE);
}
END_TEST

START_TEST(broker_comes_back_and_remembers)
{
    const FleetTestBrokerSettings settings = {.persistence = TRUE};
    g_autoptr(FleetTestBroker) broker = fleet_test_broker_new(&settings);
    g_autoptr(FleetTestMqtt) mqtt = fleet_test_mqtt_new(broker, "#");

    fleet_test_mqtt_publish(mqtt, "a", "kept", TRUE);
    /* It saves after it has answered; by the next answer it has. */
    fleet_test_mqtt_settle(mqtt);
    fleet_test_broker_kill(broker);
    fleet_test_broker_start(broker);
    guint from = fleet_test_mqtt_count(mqtt);
    fleet_test_mqtt_reconnect(mqtt);
    expect_retained(mqtt, from, "a", TRUE);
}
END_TEST

START_TEST(broker_stands_still)
{
    g_autoptr(FleetTestBroker) broker = fleet_test_broker_new(&plain);
    g_autoptr(FleetTestMqtt) mqtt = fleet_test_mqtt_new(broker, "#");

    fleet_test_broker_pause(broker);
    fleet_test_mqtt_queue(mqtt, "a", "1", FALSE);
    fleet_test_run_for(100);
    ck_assert_uint_eq(fleet_test_mqtt_count(mqtt), 0);
    fleet_test_broker_resume(broker);
    (void)fleet_test_mqtt_wait_status(mqtt, 0, "a", NULL);
}
END_TEST

START_TEST(broker_on_a_unix_socket)
{
    const FleetTestBrokerSettings settings = {.unix_socket = TRUE};
    g_autoptr(FleetTestBroker) broker = fleet_test_broker_new(&settings);
    g_autoptr(FleetTestMqtt) mqtt = fleet_test_mqtt_new(broker, "#");

    ck_assert_int_eq(access(fleet_test_broker_address(broker), R_OK), 0);
    fleet_test_mqtt_publish(mqtt, "a", "1", FALSE);
    (void)fleet_test_mqtt_wait_status(mqtt, 0, "a", NULL);
}
END_TEST

/* The exit status of mosquitto's own client, which is 0 if it is let in. */
static int try_to_publish(const FleetTestBroker *broker, const char *option, const char *value)
{
    g_autofree char *port = g_strdup_printf("%d", fleet_test_broker_port(broker));
    const char *argv[] = {"mosquitto_pub", "-p", port, "-h", "127.0.0.1", "-t", "a", "-m", "1", option, value, NULL};

    return fleet_test_run(argv, NULL, NULL, NULL);
}

START_TEST(broker_asks_for_a_password)
{
    const FleetTestBrokerSettings settings = {.username = "fleet", .password = "secret"};
    g_autoptr(FleetTestBroker) broker = fleet_test_broker_new(&settings);
    g_autoptr(FleetTestMqtt) mqtt = fleet_test_mqtt_new(broker, "#");

    fleet_test_mqtt_publish(mqtt, "a", "1", FALSE);
    ck_assert_int_ne(try_to_publish(broker, NULL, NULL), 0);
    ck_assert_int_ne(try_to_publish(broker, "-u", "fleet"), 0);
}
END_TEST

START_TEST(broker_speaks_tls)
{
    const FleetTestBrokerSettings settings = {.tls = TRUE, .client_certificates = TRUE};
    g_autoptr(FleetTestBroker) broker = fleet_test_broker_new(&settings);
    g_autoptr(FleetTestMqtt) mqtt = fleet_test_mqtt_new(broker, "#");
    const FleetTestCertificates *certificates = fleet_test_broker_certificates(broker);

    fleet_test_mqtt_publish(mqtt, "a", "1", FALSE);
    (void)fleet_test_mqtt_wait_status(mqtt, 0, "a", NULL);
    ck_assert_int_ne(try_to_publish(broker, NULL, NULL), 0);
    ck_assert_int_ne(try_to_publish(broker, "--cafile", fleet_test_certificates_authority(certificates)), 0);
}
END_TEST

START_TEST(broker_takes_further_lines)
{
    const FleetTestBrokerSettings settings = {.lines = "message_size_limit 10\n"};
    g_autoptr(FleetTestBroker) broker = fleet_test_broker_new(&settings);
    g_autoptr(FleetTestMqtt) mqtt = fleet_test_mqtt_new(broker, "#");

    fleet_test_mqtt_publish(mqtt, "a", "more than ten bytes", FALSE);
    fleet_test_mqtt_settle(mqtt);
    ck_assert_uint_eq(fleet_test_mqtt_count(mqtt), 0);
    fleet_test_broker_stop(broker);
    fleet_test_broker_set_lines(broker, "");
    fleet_test_broker_start(broker);
    fleet_test_mqtt_reconnect(mqtt);
    fleet_test_mqtt_publish(mqtt, "a", "more than ten bytes", FALSE);
    (void)fleet_test_mqtt_wait_status(mqtt, 0, "a", NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("harness-mqtt");
    TCase *tests = fleet_test_case(suite, "harness-mqtt");

    tcase_add_test(tests, client_gets_what_is_published);
    tcase_add_test(tests, statuses_are_listed);
    tcase_add_test(tests, broker_comes_back_and_has_forgotten);
    tcase_add_test(tests, broker_comes_back_and_remembers);
    tcase_add_test(tests, broker_stands_still);
    tcase_add_test(tests, broker_on_a_unix_socket);
    tcase_add_test(tests, broker_asks_for_a_password);
    tcase_add_test(tests, broker_speaks_tls);
    tcase_add_test(tests, broker_takes_further_lines);
    return fleet_test_main(suite);
}
