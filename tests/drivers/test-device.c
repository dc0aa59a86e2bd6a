/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fleet-simulated-device: what a device says of itself, how it gets to a broker, and its command line.
 */

#include "device_test.h"
#include "lib/run.h"

#include <json-glib/json-glib.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEALTH "te/device/rtr/service/tedge-agent/status/health"
#define SHARED_HEALTH "te/device/rtr-%u/service/tedge-agent/status/health"

/* What a topic holds for who subscribes now: the retained message, or NULL. */
static const FleetTestMessage *retained(FleetTestMqtt *late, const char *topic)
{
    fleet_test_mqtt_settle(late);
    for (guint i = 0; i < fleet_test_mqtt_count(late); i++) {
        const FleetTestMessage *message = fleet_test_mqtt_get(late, i);

        if (strcmp(message->topic, topic) == 0 && message->retained)
            return message;
    }
    return NULL;
}

START_TEST(device_says_who_it_is)
{
    FleetTestProcess *device = fleet_test_simulated_device_start(broker, "rtr", "--name=Main Router", "--type=router",
            "--operations=software_update:apt+deb,restart,log_upload", NULL);
    g_autoptr(FleetTestMqtt) late = fleet_test_mqtt_new(broker, "te/#");

    device_test_assert_json(retained(late, "te/device/rtr//"),
            "{'@type':'child-device','@parent':'device/main//','@id':'rtr','name':'Main Router','type':'router'}");
    device_test_assert_json(retained(late, "te/device/rtr/service/tedge-agent"),
            "{'@type':'service','@parent':'device/rtr//','name':'tedge-agent','type':'service'}");
    device_test_assert_json(retained(late, "te/device/rtr///cmd/software_update"), "{'types':['apt','deb']}");
    device_test_assert_json(retained(late, "te/device/rtr///cmd/restart"), "{}");
    device_test_assert_json(retained(late, "te/device/rtr///cmd/log_upload"), "{}");
    ck_assert_ptr_null(retained(late, "te/device/rtr///cmd/firmware_update"));
    g_autofree char *status = fleet_test_message_string(retained(late, HEALTH), "status");
    ck_assert_str_eq(status, "up");
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(health_has_pid_and_time)
{
    FleetTestProcess *device = fleet_test_simulated_device_start(broker, "rtr", NULL);
    guint i = fleet_test_mqtt_wait_status(mqtt, 0, HEALTH, "up");
    g_autoptr(JsonNode) root = json_from_string(fleet_test_mqtt_get(mqtt, i)->payload, NULL);
    JsonObject *health = json_node_get_object(root);
    double age = (double)g_get_real_time() / G_USEC_PER_SEC - json_object_get_double_member(health, "time");

    /* Under a wrapper it is another process that has it. */
    if (g_getenv("FLEET_TEST_WRAPPER") == NULL)
        ck_assert_int_eq(json_object_get_int_member(health, "pid"), fleet_test_process_pid(device));
    ck_assert(age >= 0 && age < 60);
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(what_it_cannot_do_any_more_is_withdrawn)
{
    fleet_test_simulated_device_stop(fleet_test_simulated_device_start(broker, "rtr", NULL));
    fleet_test_simulated_device_stop(fleet_test_simulated_device_start(broker, "rtr", "--operations=restart", NULL));
    g_autoptr(FleetTestMqtt) late = fleet_test_mqtt_new(broker, "te/device/rtr///cmd/#");

    ck_assert_ptr_nonnull(retained(late, "te/device/rtr///cmd/restart"));
    ck_assert_uint_eq(fleet_test_mqtt_count(late), 1);
}
END_TEST

START_TEST(device_may_be_one_that_can_do_nothing)
{
    fleet_test_simulated_device_stop(fleet_test_simulated_device_start(broker, "rtr", "--operations=", NULL));
    g_autoptr(FleetTestMqtt) late = fleet_test_mqtt_new(broker, "te/device/rtr///cmd/#");

    fleet_test_mqtt_settle(late);
    ck_assert_uint_eq(fleet_test_mqtt_count(late), 0);
}
END_TEST

START_TEST(end_says_that_it_is_down)
{
    fleet_test_simulated_device_stop(fleet_test_simulated_device_start(broker, "rtr", NULL));
    (void)fleet_test_mqtt_wait_status(mqtt, 0, HEALTH, "down");
    fleet_test_mqtt_settle(mqtt);
    /* By the device, and not by the will as well. */
    device_test_assert_statuses(HEALTH, "up down");
}
END_TEST

START_TEST(sudden_death_says_that_it_is_down)
{
    fleet_test_simulated_device_kill(fleet_test_simulated_device_start(broker, "rtr", NULL));
    (void)fleet_test_mqtt_wait_status(mqtt, 0, HEALTH, "down");
    g_autoptr(FleetTestMqtt) late = fleet_test_mqtt_new(broker, "te/#");
    g_autofree char *status = fleet_test_message_string(retained(late, HEALTH), "status");

    ck_assert_str_eq(status, "down");
}
END_TEST

START_TEST(service_has_the_name_that_is_given)
{
    FleetTestProcess *device = fleet_test_simulated_device_start(broker, "rtr", "--service=agent", NULL);

    (void)fleet_test_mqtt_wait_status(mqtt, 0, "te/device/rtr/service/agent/status/health", "up");
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(health_check_is_answered)
{
    FleetTestProcess *device = fleet_test_simulated_device_start(broker, "rtr", NULL);
    guint first = fleet_test_mqtt_wait_status(mqtt, 0, HEALTH, "up");

    fleet_test_mqtt_publish(mqtt, "te/device/rtr/service/tedge-agent/cmd/health/check", "{}", FALSE);
    (void)fleet_test_mqtt_wait_status(mqtt, first + 1, HEALTH, "up");
    fleet_test_simulated_device_stop(device);
}
END_TEST

/* The topic of the i-th device; the pattern has one %u. */
static char *topic_of(const char *pattern, guint i)
{
    g_autofree char *number = g_strdup_printf("%u", i);
    g_auto(GStrv) parts = g_strsplit(pattern, "%u", 2);

    return g_strjoinv(number, parts);
}

START_TEST(several_devices_are_devices_of_their_own)
{
    FleetTestProcess *devices =
            fleet_test_simulated_device_start(broker, "rtr", "--count=3", "--name=Router", "--duration=0", NULL);

    for (guint i = 1; i <= 3; i++) {
        g_autofree char *topic = topic_of("te/device/rtr-%u//", i);
        g_autofree char *expected = g_strdup_printf(
                "{'@type':'child-device','@parent':'device/main//','@id':'rtr-%u','name':'Router %u'}", i, i);
        guint place = fleet_test_mqtt_wait_status(mqtt, 0, topic, NULL);

        device_test_assert_json(fleet_test_mqtt_get(mqtt, place), expected);
    }
    ck_assert_uint_eq(device_test_connections("fleet-simulated-device:rtr-[123]"), 3);
    device_test_request("te/device/rtr-2///cmd/log_upload/1", "{}");
    device_test_request("te/device/rtr-2///cmd/config_update/1", "{'type':'settings','remoteUrl':'x'}");
    (void)fleet_test_mqtt_wait_status(mqtt, 0, "te/device/rtr-2///cmd/config_update/1", "successful");
    fleet_test_simulated_device_kill(devices);
    for (guint i = 1; i <= 3; i++) {
        g_autofree char *topic = topic_of(SHARED_HEALTH, i);

        (void)fleet_test_mqtt_wait_status(mqtt, 0, topic, "down");
    }
}
END_TEST

START_TEST(more_devices_than_connect_at_once_come_up)
{
    FleetTestProcess *devices = fleet_test_simulated_device_start(broker, "rtr", "--count=120", NULL);

    ck_assert_uint_eq(device_test_connections("fleet-simulated-device:.*"), 120);
    fleet_test_simulated_device_stop(devices);
}
END_TEST

static const struct {
    const char *option, *topic, *payload;
} going_away[] = {
        {"--boot-time=50ms", "te/device/rtr-%u///cmd/restart/1", "{}"},
        {"--offline-at=executing:50ms", "te/device/rtr-%u///cmd/config_update/1",
                "{'type':'settings','remoteUrl':'x'}"},
};

START_TEST(several_devices_share_a_connection_and_go_away_alone)
{
    FleetTestProcess *devices = fleet_test_simulated_device_start(
            broker, "rtr", "--count=5", "--per-connection=2", "--duration=0", going_away[_i].option, NULL);

    for (guint i = 1; i <= 3; i++) {
        g_autofree char *topic = topic_of(going_away[_i].topic, i);

        device_test_request(topic, going_away[_i].payload);
    }
    for (guint i = 1; i <= 3; i++) {
        g_autofree char *topic = topic_of(going_away[_i].topic, i), *health = topic_of(SHARED_HEALTH, i);

        (void)fleet_test_mqtt_wait_status(mqtt, 0, topic, "successful");
        device_test_assert_statuses(topic, "- scheduled executing successful");
        device_test_assert_statuses(health, "up down up");
    }
    guint from = fleet_test_mqtt_count(mqtt);
    fleet_test_simulated_device_stop(devices);
    for (guint i = 1; i <= 5; i++) {
        g_autofree char *health = topic_of(SHARED_HEALTH, i);

        (void)fleet_test_mqtt_wait_status(mqtt, from, health, "down");
        device_test_assert_statuses(health, i <= 3 ? "up down up down" : "up down");
    }
    /* Two have one each, the fifth has its own; and these have stayed. */
    ck_assert_uint_eq(device_test_connections("fleet-simulated-device:.*"), 3);
}
END_TEST

START_TEST(broker_that_asks_for_certificates_and_password_lets_it_in)
{
    const FleetTestBrokerSettings settings = {
            .tls = TRUE, .client_certificates = TRUE, .username = "fleet", .password = "secret"};
    g_autoptr(FleetTestBroker) safe = fleet_test_broker_new(&settings);
    g_autoptr(FleetTestMqtt) client = fleet_test_mqtt_new(safe, "te/#");
    FleetTestProcess *device = fleet_test_simulated_device_start(safe, "rtr", "--duration=0", NULL);

    fleet_test_mqtt_publish(client, "te/device/rtr///cmd/restart/1", "{}", TRUE);
    (void)fleet_test_mqtt_wait_status(client, 0, "te/device/rtr///cmd/restart/1", "successful");
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(unix_socket_does_as_well)
{
    const FleetTestBrokerSettings settings = {.unix_socket = TRUE};
    g_autoptr(FleetTestBroker) local = fleet_test_broker_new(&settings);

    fleet_test_simulated_device_stop(fleet_test_simulated_device_start(local, "rtr", NULL));
}
END_TEST

static void expect_stderr(FleetTestProcess *device, const char *pattern)
{
    if (!fleet_test_process_wait_output(device, FLEET_TEST_STDERR, pattern, FLEET_TEST_PATIENCE)) {
        g_autofree char *written = fleet_test_process_output(device, FLEET_TEST_STDERR);
        fleet_test_fail("it did not say '%s', but: %s", pattern, written);
    }
}

START_TEST(wrong_password_is_no_way_in)
{
    const FleetTestBrokerSettings settings = {.username = "fleet", .password = "secret"};
    g_autoptr(FleetTestBroker) safe = fleet_test_broker_new(&settings);
    g_autofree char *path = device_test_path("password");
    g_autofree char *option = device_test_option("password-file", "password");

    fleet_test_write(path, "guess\n");
    FleetTestProcess *device = fleet_test_simulated_device_launch(safe, "rtr", option, NULL);
    expect_stderr(device, "^rtr: no connection: .*not authorised");
    g_autofree char *out = fleet_test_process_output(device, FLEET_TEST_STDOUT);
    ck_assert_str_eq(out, "");
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(certificate_of_another_authority_is_no_broker)
{
    const FleetTestBrokerSettings settings = {.tls = TRUE};
    g_autoptr(FleetTestBroker) safe = fleet_test_broker_new(&settings);
    g_autoptr(FleetTestCertificates) others = fleet_test_certificates_new();
    g_autofree char *option = g_strconcat("--cafile=", fleet_test_certificates_authority(others), NULL);
    FleetTestProcess *device = fleet_test_simulated_device_launch(safe, "rtr", option, NULL);

    expect_stderr(device, "^rtr: no connection: ");
    g_autofree char *out = fleet_test_process_output(device, FLEET_TEST_STDOUT);
    ck_assert_str_eq(out, "");
    fleet_test_simulated_device_stop(device);
}
END_TEST

/* A socket that listens on a port of its own, and takes one connection more. */
static int listen_for_one(struct sockaddr_in *address)
{
    socklen_t size = sizeof(*address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(fd, (struct sockaddr *)address, sizeof(*address)), 0);
    ck_assert_int_eq(listen(fd, 0), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)address, &size), 0);
    return fd;
}

/* Does somebody on this machine wait to be connected to that port? */
static gboolean somebody_waits_for(int port)
{
    g_autofree char *pattern = g_strdup_printf("(?m)^ *\\d+: \\S+ 0100007F:%04X 02 ", port);
    g_autofree char *connections = fleet_test_read("/proc/net/tcp");

    return g_regex_match_simple(pattern, connections, 0, 0);
}

static int accept_soon(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    if (poll(&wait, 1, fleet_test_remaining(fleet_test_deadline(FLEET_TEST_PATIENCE))) != 1)
        fleet_test_fail("nobody connects");
    return accept4(fd, NULL, NULL, SOCK_CLOEXEC);
}

/* As with any broker that is not on the same machine. That it goes on shows by the first byte of a TLS. */
START_TEST(broker_that_is_not_reached_at_once_is_waited_for)
{
    g_autoptr(FleetTestCertificates) certificates = fleet_test_certificates_new();
    g_autofree char *option = g_strconcat("--cafile=", fleet_test_certificates_authority(certificates), NULL);
    struct sockaddr_in address;
    int listener = listen_for_one(&address), other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_autofree char *at = g_strdup_printf("--broker=127.0.0.1:%d", ntohs(address.sin_port));
    char first = 0;

    ck_assert_int_eq(connect(other, (struct sockaddr *)&address, sizeof(address)), 0);
    FleetTestProcess *device = fleet_test_simulated_device_launch(broker, "rtr", at, option, NULL);
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);
    while (!somebody_waits_for(ntohs(address.sin_port)))
        ck_assert_int_gt(fleet_test_remaining(deadline), 0);
    close(accept_soon(listener));
    close(other);
    int fd = accept_soon(listener);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    ck_assert_int_eq(poll(&wait, 1, fleet_test_remaining(fleet_test_deadline(FLEET_TEST_PATIENCE))), 1);
    ck_assert_int_eq(read(fd, &first, 1), 1);
    ck_assert_int_eq(first, 22);
    fleet_test_simulated_device_stop(device);
    close(fd);
    close(listener);
}
END_TEST

START_TEST(broker_that_comes_later_is_waited_for)
{
    fleet_test_broker_stop(broker);
    FleetTestProcess *device = fleet_test_simulated_device_launch(broker, "rtr", NULL);
    expect_stderr(device, "^rtr: no connection: Connection refused");
    fleet_test_broker_start(broker);
    fleet_test_simulated_device_wait(device);
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(end_does_not_wait_for_a_broker_that_is_away)
{
    fleet_test_broker_stop(broker);
    FleetTestProcess *device = fleet_test_simulated_device_launch(broker, "rtr", NULL);

    expect_stderr(device, "^rtr: no connection: ");
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(broker_that_has_forgotten_it_is_told_again)
{
    FleetTestProcess *device = fleet_test_simulated_device_start(broker, "rtr", NULL);

    fleet_test_broker_kill(broker);
    fleet_test_broker_start(broker);
    guint from = fleet_test_mqtt_count(mqtt);
    fleet_test_mqtt_reconnect(mqtt);
    (void)fleet_test_mqtt_wait_status(mqtt, from, "te/device/rtr//", NULL);
    (void)fleet_test_mqtt_wait_status(mqtt, from, "te/device/rtr///cmd/restart", NULL);
    (void)fleet_test_mqtt_wait_status(mqtt, from, HEALTH, "up");
    fleet_test_simulated_device_stop(device);
}
END_TEST

static const struct {
    const char *option, *second, *said;
} wrong[] = {
        {"--nonsense", NULL, "--nonsense"},
        {"argument", NULL, "'argument' is not understood"},
        {"--broker=", NULL, "'' is no broker"},
        {"--broker=host:", NULL, "'host:' is no broker"},
        {"--broker=host:0", NULL, "is no broker"},
        {"--broker=host:65536", NULL, "is no broker"},
        {"--broker=[::1", NULL, "is no broker"},
        {"--broker=[::1]x", NULL, "is no broker"},
        {"--broker=:1883", NULL, "is no broker"},
        {"--id=", NULL, "'' does not do for --id"},
        {"--id=a/b", NULL, "'a/b' does not do for --id"},
        {"--id=a+", NULL, "does not do for --id"},
        {"--id=#", NULL, "does not do for --id"},
        {"--service=a/b", NULL, "'a/b' does not do for --service"},
        {"--count=0", NULL, "--count is from 1"},
        {"--count=1000001", NULL, "--count is from 1"},
        {"--per-connection=0", NULL, "--per-connection is 1 at least"},
        {"--operations=restart,", NULL, "'' is no operation"},
        {"--operations=Restart", NULL, "'Restart' is no operation"},
        {"--operations=software_update:", NULL, "is no operation"},
        {"--operations=software_update:a++b", NULL, "is no operation"},
        {"--duration=fast", NULL, "--duration: "},
        {"--boot-time=-1", NULL, "--boot-time: "},
        {"--progress=-1", NULL, "--progress is from 0"},
        {"--fail-rate=1.5", NULL, "--fail-rate is from 0 to 1"},
        {"--offline-at=executing", NULL, "'executing' is not scheduled:SPAN or executing:SPAN"},
        {"--offline-at=successful:1s", NULL, "is not scheduled:SPAN"},
        {"--offline-at=scheduled:soon", NULL, "--offline-at: "},
        {"--password-file=/dev/null", NULL, "--password-file needs --username"},
        {"--password-file=/nonexistent", "--username=x", "/nonexistent"},
        {"--cert=x", "--key=y", "--cert is for TLS"},
        {"--cafile=x", "--cert=y", "--cert and --key go together"},
        {"--cafile=x", "--key=y", "--cert and --key go together"},
};

START_TEST(wrong_command_line_is_refused)
{
    const char *argv[] = {fleet_test_env("FLEET_SIMULATED_DEVICE"), wrong[_i].option, wrong[_i].second, NULL};
    g_autofree char *err = NULL;

    ck_assert_int_eq(fleet_test_run(argv, NULL, NULL, &err), 2);
    fleet_test_assert_contains(err, wrong[_i].said);
    fleet_test_assert_contains(err, "see fleet-simulated-device --help");
}
END_TEST

START_TEST(more_connections_than_files_are_refused)
{
    g_autofree char *command =
            g_strdup_printf("ulimit -n 100; exec %s --count=100", fleet_test_env("FLEET_SIMULATED_DEVICE"));

    fleet_test_run_fails(1, "--per-connection", "sh", "-c", command);
}
END_TEST

START_TEST(state_that_cannot_be_written_is_refused)
{
    fleet_test_run_fails(
            1, "/nonexistent/state", fleet_test_env("FLEET_SIMULATED_DEVICE"), "--state=/nonexistent/state");
    fleet_test_run_fails(
            1, "/nonexistent/record", fleet_test_env("FLEET_SIMULATED_DEVICE"), "--record=/nonexistent/record");
}
END_TEST

START_TEST(help_and_version_are_shown)
{
    g_autofree char *help = fleet_test_run_ok(fleet_test_env("FLEET_SIMULATED_DEVICE"), "--help");
    g_autofree char *version = fleet_test_run_ok(fleet_test_env("FLEET_SIMULATED_DEVICE"), "--version");

    fleet_test_assert_contains(help, "--offline-at");
    fleet_test_assert_matches(version, "^fleet-simulated-device \\d+\\.\\d+\\.\\d+$");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("device");
    TCase *tests = fleet_test_case(suite, "device"), *usage = fleet_test_case(suite, "usage");

    tcase_add_checked_fixture(tests, device_test_setup, device_test_teardown);
    tcase_add_test(tests, device_says_who_it_is);
    tcase_add_test(tests, health_has_pid_and_time);
    tcase_add_test(tests, what_it_cannot_do_any_more_is_withdrawn);
    tcase_add_test(tests, device_may_be_one_that_can_do_nothing);
    tcase_add_test(tests, end_says_that_it_is_down);
    tcase_add_test(tests, sudden_death_says_that_it_is_down);
    tcase_add_test(tests, service_has_the_name_that_is_given);
    tcase_add_test(tests, health_check_is_answered);
    tcase_add_test(tests, several_devices_are_devices_of_their_own);
    tcase_add_test(tests, more_devices_than_connect_at_once_come_up);
    tcase_add_loop_test(tests, several_devices_share_a_connection_and_go_away_alone, 0, G_N_ELEMENTS(going_away));
    tcase_add_test(tests, broker_that_asks_for_certificates_and_password_lets_it_in);
    tcase_add_test(tests, unix_socket_does_as_well);
    tcase_add_test(tests, wrong_password_is_no_way_in);
    tcase_add_test(tests, certificate_of_another_authority_is_no_broker);
    tcase_add_test(tests, broker_that_is_not_reached_at_once_is_waited_for);
    tcase_add_test(tests, broker_that_comes_later_is_waited_for);
    tcase_add_test(tests, end_does_not_wait_for_a_broker_that_is_away);
    tcase_add_test(tests, broker_that_has_forgotten_it_is_told_again);
    tcase_add_loop_test(usage, wrong_command_line_is_refused, 0, G_N_ELEMENTS(wrong));
    tcase_add_test(usage, more_connections_than_files_are_refused);
    tcase_add_test(usage, state_that_cannot_be_written_is_refused);
    tcase_add_test(usage, help_and_version_are_shown);
    return fleet_test_main(suite);
}
