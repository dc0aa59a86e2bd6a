/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The driver "thin-edge" and a broker that is not always there, forgets, asks who is there, or has other clients.
 */

#include "thin_edge_test.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#define QUICK "KeepAlive=5s\n"

/* A broker that has been away for a moment: nobody may have noticed. */
static void crash_broker(ThinEdgeTest *test)
{
    fleet_test_mqtt_settle(test->mqtt); /* what is persistent is on disk by then */
    fleet_test_broker_kill(test->broker);
}

static void restart_broker(ThinEdgeTest *test)
{
    fleet_test_broker_start(test->broker);
    fleet_test_mqtt_reconnect(test->mqtt);
}

/* An action on the device "dev" whose command the broker has, and whose device has begun. */
static ThinEdgeAction *start_action(ThinEdgeTest *test)
{
    thin_edge_test_can(test, "dev", "restart", "{}");
    thin_edge_test_is_up(test, "dev", TRUE);
    thin_edge_test_register(test, "dev");
    ThinEdgeAction *action = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);
    thin_edge_action_wait_topic(action, "init");
    thin_edge_action_say(action, "executing");
    thin_edge_action_wait(action, "Phase", "'executing'");
    return action;
}

START_TEST(actions_wait_for_a_broker)
{
    const FleetTestBrokerSettings settings = {.persistence = TRUE};
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(&settings, "");

    thin_edge_test_can(test, "dev", "restart", "{}");
    fleet_test_broker_stop(test->broker);
    thin_edge_test_wait_log(test, "connection to the MQTT broker .* is lost");
    thin_edge_test_register(test, "dev");
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);
    ck_assert_str_eq(action->status, "PENDING");
    thin_edge_action_wait(action, "Phase", "'waiting-device'");

    /* One that waits can be cancelled; and is not heard of. */
    fleet_test_call_void(test->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "CancelDeviceAction",
            g_variant_new("(sa{sv})", action->id, NULL));
    g_free(thin_edge_action_wait_end(action, "cancelled"));
    g_autoptr(ThinEdgeAction) next = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);
    ck_assert_str_eq(next->status, "PENDING");
    restart_broker(test);
    thin_edge_test_wait_log(test, "(?s)(lets us in.*){2}");
    thin_edge_action_wait_topic(next, "init");
    thin_edge_action_say(next, "successful");
    g_free(thin_edge_action_wait_end(next, "success"));
    ck_assert_uint_eq(thin_edge_test_sent(test), 1);
}
END_TEST

static void set_silence(ThinEdgeTest *test, const char *span)
{
    g_autofree char *config = g_strdup_printf(
            "[ThinEdge]\nBroker=%s\n[Presence]\nOfflineAfter=%s\n", fleet_test_broker_address(test->broker), span);

    fleet_test_daemon_set_config(test->daemon, config);
}

/* "other", which is not a device of the broker's, was heard as long ago, and shows when "dev" would be missed. */
START_TEST(nobody_is_missed_at_a_start_without_a_broker)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "");

    set_silence(test, "1h");
    fleet_test_daemon_restart(test->daemon);
    thin_edge_test_register(test, "dev");
    thin_edge_test_is_up(test, "dev", TRUE);
    thin_edge_test_wait_device(test, "dev", "Presence", "'ONLINE'");
    fleet_test_call_void(test->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssssa{sv})", "other", "", "", "", NULL));
    fleet_test_call_void(test->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "Heartbeat",
            g_variant_new("(sa{sv})", "other", NULL));

    fleet_test_broker_stop(test->broker);
    set_silence(test, "500ms");
    fleet_test_daemon_restart(test->daemon);
    thin_edge_test_wait_device(test, "other", "Status", "'OFFLINE'");
    thin_edge_test_wait_device(test, "dev", "Presence", "'UNKNOWN'");
    thin_edge_test_wait_device(test, "dev", "Status", "'IDLE'");
    fleet_test_broker_start(test->broker);
}
END_TEST

/* fleetd is the first; a persistent broker knows the device when it comes. */
START_TEST(actions_start_once_the_broker_comes)
{
    const FleetTestBrokerSettings settings = {.persistence = TRUE};
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new_with_config(&settings, NULL);
    g_autofree char *config = g_strdup_printf("[ThinEdge]\nBroker=%s\n", fleet_test_broker_address(test->broker));

    thin_edge_test_can(test, "dev", "restart", "{}");
    crash_broker(test);
    fleet_test_daemon_set_config(test->daemon, config);
    fleet_test_daemon_start(test->daemon);
    thin_edge_test_register(test, "dev");
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);
    ck_assert_str_eq(action->status, "PENDING");
    g_autoptr(ThinEdgeAction) cannot =
            thin_edge_test_initiate(test, "dev", "FIRMWARE_UPDATE", "name", "a", "version", "1", "url", "u", NULL);
    restart_broker(test);
    thin_edge_action_wait_topic(action, "init");
    thin_edge_action_say(action, "successful");
    g_free(thin_edge_action_wait_end(action, "success"));
    g_autofree char *message = thin_edge_action_wait_end(cannot, "rejected");
    fleet_test_assert_contains(message, "does not say that it can do");
    ck_assert_uint_eq(thin_edge_test_sent(test), 1);
}
END_TEST

START_TEST(broker_that_remembers)
{
    const FleetTestBrokerSettings settings = {.persistence = TRUE};
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(&settings, "");
    g_autoptr(ThinEdgeAction) action = start_action(test);

    crash_broker(test);
    thin_edge_test_wait_device(test, "dev", "Presence", "'UNKNOWN'");
    thin_edge_action_wait(action, "Status", "'RUNNING'");
    thin_edge_action_wait(action, "Phase", "'executing'");
    restart_broker(test);
    thin_edge_test_wait_device(test, "dev", "Presence", "'ONLINE'");
    thin_edge_action_wait(action, "Phase", "'executing'");
    thin_edge_action_say(action, "successful");
    g_free(thin_edge_action_wait_end(action, "success"));
    thin_edge_action_wait_topic(action, "");
    ck_assert_uint_eq(thin_edge_test_sent(test), 1);
}
END_TEST

/* The device says how it has ended while fleetd cannot hear it. */
START_TEST(end_while_nobody_hears)
{
    const FleetTestBrokerSettings settings = {.persistence = TRUE};
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(&settings, QUICK);
    g_autoptr(ThinEdgeAction) action = start_action(test);

    fleet_test_daemon_signal(test->daemon, SIGSTOP);
    thin_edge_action_say(action, "successful");
    crash_broker(test);
    restart_broker(test);
    fleet_test_daemon_signal(test->daemon, SIGCONT);
    g_free(thin_edge_action_wait_end(action, "success"));
    thin_edge_action_wait_topic(action, "");
    ck_assert_uint_eq(thin_edge_test_sent(test), 1);
}
END_TEST

START_TEST(broker_that_forgets)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "[Actions]\nRecoveryTimeout=2s\n");
    g_autoptr(ThinEdgeAction) action = start_action(test);

    fleet_test_broker_kill(test->broker);
    thin_edge_test_wait_device(test, "dev", "Presence", "'UNKNOWN'");
    restart_broker(test);
    thin_edge_action_wait(action, "Phase", "'recovering'");
    thin_edge_test_wait_device(test, "dev", "Status", "'RECOVERING'");
    g_autofree char *message = thin_edge_action_wait_end(action, "lost");
    fleet_test_assert_contains(message, "no trace");
    thin_edge_test_wait_device(test, "dev", "Status", "'ERROR'");
    ck_assert_uint_eq(thin_edge_test_sent(test), 1);
}
END_TEST

/* The device goes on, and says so where the command was. */
START_TEST(device_that_does_not_forget)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "");
    g_autoptr(ThinEdgeAction) action = start_action(test);

    fleet_test_broker_kill(test->broker);
    restart_broker(test);
    thin_edge_action_wait(action, "Phase", "'recovering'");
    thin_edge_action_say(action, "executing");
    thin_edge_action_wait(action, "Phase", "'executing'");
    thin_edge_action_say(action, "successful");
    g_free(thin_edge_action_wait_end(action, "success"));
    ck_assert_uint_eq(thin_edge_test_sent(test), 1);
}
END_TEST

START_TEST(somebody_takes_a_command_away)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "");
    g_autoptr(ThinEdgeAction) action = start_action(test);

    thin_edge_action_publish(action, "");
    thin_edge_action_wait(action, "Phase", "'recovering'");
    g_autofree char *message = thin_edge_action_get(action, "Message");
    fleet_test_assert_contains(message, "taken the command away");
    thin_edge_action_say(action, "successful");
    g_free(thin_edge_action_wait_end(action, "success"));
}
END_TEST

/* The command is on its way when the broker stops; nobody knows whether it has come until the broker is back. */
START_TEST(command_to_a_broker_that_stands_still)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, QUICK);

    thin_edge_test_can(test, "dev", "restart", "{}");
    thin_edge_test_is_up(test, "dev", TRUE);
    thin_edge_test_register(test, "dev");
    thin_edge_test_wait_device(test, "dev", "Presence", "'ONLINE'");
    fleet_test_broker_pause(test->broker);
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);
    ck_assert_str_eq(action->status, "RUNNING");
    /* Twice the keep-alive, and it is known to be away. */
    thin_edge_test_wait_device(test, "dev", "Presence", "'UNKNOWN'");
    thin_edge_test_wait_log(test, "is lost: it does not answer any more");
    fleet_test_broker_resume(test->broker);
    thin_edge_test_wait_device(test, "dev", "Presence", "'ONLINE'");
    thin_edge_action_wait_topic(action, "init");
    thin_edge_action_say(action, "successful");
    g_free(thin_edge_action_wait_end(action, "success"));
    ck_assert_uint_eq(thin_edge_test_sent(test), 1);
}
END_TEST

/* Another client with the same name takes the place of fleetd again and again. */
START_TEST(place_that_is_taken)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "ClientId=me\n");
    g_autofree char *port = g_strdup_printf("%d", fleet_test_broker_port(test->broker));

    thin_edge_test_wait_log(test, "lets us in, as 'me'");
    g_free(fleet_test_run_ok(
            "mosquitto_pub", "-h", "127.0.0.1", "-p", port, "-V", "mqttv5", "-i", "me", "-t", "x", "-m", "y"));
    thin_edge_test_wait_log(test, "is lost: (another client has taken our place|it has closed the connection)");
    thin_edge_test_wait_log(test, "(?s)(lets us in.*){2}");
}
END_TEST

/* Each clears what is its own, and only that. */
START_TEST(two_on_one_broker)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "ClientId=me\n");
    static const char ours[] = "te/device/dev///cmd/restart/fleet-action_1_1-1";
    static const char others[] = "te/device/dev///cmd/restart/fleet-action_1_2-1";
    static const char nobodys[] = "te/device/dev///cmd/restart/fleet-action_1_3-1";
    static const char foreign[] = "te/device/dev///cmd/restart/c8y-mapper-1";

    thin_edge_test_is_up(test, "dev", TRUE);
    fleet_test_mqtt_publish(test->mqtt, ours, "{\"status\":\"successful\",\"fleetClient\":\"me\"}", TRUE);
    fleet_test_mqtt_publish(test->mqtt, others, "{\"status\":\"successful\",\"fleetClient\":\"you\"}", TRUE);
    fleet_test_mqtt_publish(test->mqtt, nobodys, "{\"status\":\"successful\"}", TRUE);
    fleet_test_mqtt_publish(test->mqtt, foreign, "{\"status\":\"successful\",\"fleetClient\":\"me\"}", TRUE);
    thin_edge_test_register(test, "dev");
    (void)fleet_test_mqtt_wait_status(test->mqtt, 0, ours, "");
    fleet_test_mqtt_settle(test->mqtt);
    g_autofree char *of_others = fleet_test_mqtt_statuses(test->mqtt, others);
    g_autofree char *of_nobody = fleet_test_mqtt_statuses(test->mqtt, nobodys);
    g_autofree char *of_foreign = fleet_test_mqtt_statuses(test->mqtt, foreign);
    ck_assert_str_eq(of_others, "successful");
    ck_assert_str_eq(of_nobody, "successful");
    ck_assert_str_eq(of_foreign, "successful");
}
END_TEST

START_TEST(unix_socket)
{
    const FleetTestBrokerSettings settings = {.unix_socket = TRUE};
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(&settings, "");
    g_autoptr(ThinEdgeAction) action = start_action(test);

    thin_edge_action_say(action, "successful");
    g_free(thin_edge_action_wait_end(action, "success"));
}
END_TEST

START_TEST(host_with_a_name)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new_with_config(NULL, NULL);
    g_autofree char *config =
            g_strdup_printf("[ThinEdge]\nBroker=localhost:%d\n", fleet_test_broker_port(test->broker));

    fleet_test_daemon_set_config(test->daemon, config);
    fleet_test_daemon_start(test->daemon);
    thin_edge_test_wait_log(test, "broker 'localhost:[0-9]+' lets us in");
}
END_TEST

START_TEST(host_that_nobody_knows)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new_with_config(NULL, "[ThinEdge]\nBroker=no-such-host.invalid\n");

    fleet_test_daemon_start(test->daemon);
    thin_edge_test_wait_log(
            test, "broker 'no-such-host.invalid' cannot be used: the host 'no-such-host.invalid' is not known");
}
END_TEST

/* Puts a script in the place of the program that tells addresses, for fleetd. */
static char *pretend_getent(ThinEdgeTest *test, const char *script)
{
    char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "getent", NULL);
    g_autofree char *text = g_strdup_printf("#!/bin/sh\n%s\n", script);
    g_autofree char *variable = g_strdup_printf("PATH=%s:/usr/bin:/bin", directory);

    fleet_test_write(path, text);
    ck_assert_int_eq(chmod(path, 0755), 0);
    fleet_test_daemon_add_env(test->daemon, variable);
    return directory;
}

/* Whoever tells no address holds up nobody, and is not waited for when it is not needed any more. */
START_TEST(addresses_that_do_not_come)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new_with_config(NULL, "[ThinEdge]\nBroker=broker.example\n");
    g_autofree char *directory =
            pretend_getent(test, "echo $$ > ${0%getent}new; mv ${0%getent}new ${0%getent}pid; exec sleep 1000");
    g_autofree char *pid_file = g_build_filename(directory, "pid", NULL);
    g_autofree char *config = g_strdup_printf("[ThinEdge]\nBroker=%s\n", fleet_test_broker_address(test->broker));

    fleet_test_daemon_start(test->daemon);
    thin_edge_test_register(test, "dev");
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);
    ck_assert_str_eq(action->status, "PENDING");
    while (!g_file_test(pid_file, G_FILE_TEST_EXISTS))
        fleet_test_round_trip(test->connection);
    g_autofree char *pid = fleet_test_read(pid_file);

    fleet_test_daemon_set_config(test->daemon, config);
    fleet_test_daemon_signal(test->daemon, SIGHUP);
    thin_edge_test_wait_log(test, "lets us in");
    while (kill((pid_t)atoi(pid), 0) == 0)
        fleet_test_round_trip(test->connection);
    ck_assert_int_eq(errno, ESRCH);
}
END_TEST

static const struct {
    const char *script, *part;
} tellers[] = {
        {"exit 1", "'getent' exited with status 1"},
        {"exit 2", "the host 'broker.example' is not known"},
        {"kill -9 $$", "'getent' was killed"},
        {"echo nonsense; echo 300.1.1.1 STREAM", "the host 'broker.example' is not known"},
        {"exec yes 127.0.0.1 STREAM", "cannot be used: "},
};

START_TEST(addresses_that_are_none)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new_with_config(NULL, "[ThinEdge]\nBroker=broker.example:1\n");

    g_free(pretend_getent(test, tellers[_i].script));
    fleet_test_daemon_start(test->daemon);
    thin_edge_test_wait_log(test, tellers[_i].part);
}
END_TEST

START_TEST(nobody_to_tell_addresses)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new_with_config(NULL, "[ThinEdge]\nBroker=broker.example\n");

    fleet_test_daemon_add_env(test->daemon, "PATH=/nonexistent");
    fleet_test_daemon_start(test->daemon);
    thin_edge_test_wait_log(test, "broker 'broker.example' cannot be used: .*getent");
}
END_TEST

/* A host has several addresses, and the broker is not at the first of them; with TLS neither. */
START_TEST(second_address)
{
    const FleetTestBrokerSettings settings = {.tls = _i == 1};
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new_with_config(&settings, NULL);
    g_autofree char *authority =
            _i == 1 ? g_strdup_printf("CAFile=%s\n",
                              fleet_test_certificates_authority(fleet_test_broker_certificates(test->broker)))
                    : g_strdup("");
    g_autofree char *config =
            g_strdup_printf("[ThinEdge]\nBroker=localhost:%d\n%s", fleet_test_broker_port(test->broker), authority);

    g_free(pretend_getent(
            test, "echo ::1 STREAM localhost; echo ::1 DGRAM; echo 127.0.0.1 STREAM; echo 127.0.0.1 RAW"));
    fleet_test_daemon_set_config(test->daemon, config);
    fleet_test_daemon_start(test->daemon);
    thin_edge_test_wait_log(test, "broker 'localhost:[0-9]+' lets us in");
    g_autofree char *written = fleet_test_daemon_stderr(test->daemon);
    ck_assert_ptr_null(strstr(written, "cannot be used"));
}
END_TEST

START_TEST(user_and_password)
{
    const FleetTestBrokerSettings settings = {.username = "fleet", .password = "open sesame"};
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new_with_config(&settings, NULL);
    g_autofree char *config = g_strdup_printf("[ThinEdge]\nBroker=%s\nUsername=fleet\nPasswordFile=%s\n",
            fleet_test_broker_address(test->broker), fleet_test_broker_password_file(test->broker));

    fleet_test_daemon_set_config(test->daemon, config);
    fleet_test_daemon_start(test->daemon);
    g_autoptr(ThinEdgeAction) action = start_action(test);
    thin_edge_action_say(action, "successful");
    g_free(thin_edge_action_wait_end(action, "success"));
    g_autofree char *written = fleet_test_daemon_stderr(test->daemon);
    ck_assert_ptr_null(strstr(written, "sesame"));
}
END_TEST

static guint count_lines(const char *text, const char *part)
{
    guint count = 0;

    for (const char *p = strstr(text, part); p != NULL; p = strstr(p + 1, part))
        count++;
    return count;
}

static guint count_refused(const FleetTestBroker *broker)
{
    g_autofree char *log = fleet_test_process_output(fleet_test_broker_process(broker), FLEET_TEST_STDERR);

    return count_lines(log, "disconnected, not authorised");
}

/* It is told once, and tried again and again, ever less often. */
START_TEST(wrong_password)
{
    const FleetTestBrokerSettings settings = {.username = "fleet", .password = "secret"};
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new_with_config(&settings, NULL);
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *file = g_build_filename(directory, "password", NULL);
    g_autofree char *config = g_strdup_printf(
            "[ThinEdge]\nBroker=%s\nUsername=fleet\nPasswordFile=%s\n", fleet_test_broker_address(test->broker), file);

    fleet_test_write(file, "guessed\n");
    fleet_test_daemon_set_config(test->daemon, config);
    fleet_test_daemon_start(test->daemon);
    thin_edge_test_wait_log(test, "cannot be used: .*(user name or the password|does not let us in)");
    if (!fleet_test_process_wait_output(fleet_test_broker_process(test->broker), FLEET_TEST_STDERR,
                "(?s)(not authorised.*){3}", FLEET_TEST_PATIENCE))
        fleet_test_fail("it is not tried again");
    ck_assert_uint_le(count_refused(test->broker), 5);
    g_autofree char *written = fleet_test_daemon_stderr(test->daemon);
    ck_assert_uint_eq(count_lines(written, "cannot be used"), 1);
    ck_assert_ptr_null(strstr(written, "guessed"));

    /* A reload takes up the right one at once. */
    fleet_test_write(file, "secret\n");
    fleet_test_daemon_signal(test->daemon, SIGHUP);
    thin_edge_test_wait_log(test, "lets us in");
}
END_TEST

/* The lines of a configuration that TLS takes. */
static char *tls_config(const ThinEdgeTest *test, gboolean with_certificate)
{
    const FleetTestCertificates *certificates = fleet_test_broker_certificates(test->broker);
    g_autofree char *own = g_strdup_printf("CertificateFile=%s\nKeyFile=%s\n",
            fleet_test_certificates_client(certificates), fleet_test_certificates_client_key(certificates));

    return g_strdup_printf("[ThinEdge]\nBroker=%s\nCAFile=%s\n%s", fleet_test_broker_address(test->broker),
            fleet_test_certificates_authority(certificates), with_certificate ? own : "");
}

START_TEST(tls_with_certificates)
{
    const FleetTestBrokerSettings settings = {.tls = TRUE, .client_certificates = TRUE, .persistence = TRUE};
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new_with_config(&settings, NULL);
    g_autofree char *config = tls_config(test, TRUE);

    fleet_test_daemon_set_config(test->daemon, config);
    fleet_test_daemon_start(test->daemon);
    g_autoptr(ThinEdgeAction) action = start_action(test);
    crash_broker(test);
    thin_edge_test_wait_device(test, "dev", "Presence", "'UNKNOWN'");
    restart_broker(test);
    thin_edge_test_wait_device(test, "dev", "Presence", "'ONLINE'");
    thin_edge_action_say(action, "successful");
    g_free(thin_edge_action_wait_end(action, "success"));
}
END_TEST

START_TEST(tls_without_a_certificate)
{
    const FleetTestBrokerSettings settings = {.tls = TRUE, .client_certificates = TRUE};
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new_with_config(&settings, NULL);
    g_autofree char *config = tls_config(test, FALSE);

    fleet_test_daemon_set_config(test->daemon, config);
    fleet_test_daemon_start(test->daemon);
    thin_edge_test_wait_log(test, "cannot be used: .*certificate");
}
END_TEST

/* Nobody is asked for the password of a key. */
START_TEST(tls_with_a_locked_key)
{
    const FleetTestBrokerSettings settings = {.tls = TRUE, .client_certificates = TRUE};
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new_with_config(&settings, NULL);
    const FleetTestCertificates *certificates = fleet_test_broker_certificates(test->broker);
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *key = g_build_filename(directory, "key", NULL);
    g_autofree char *config = g_strdup_printf("[ThinEdge]\nBroker=%s\nCAFile=%s\nCertificateFile=%s\nKeyFile=%s\n",
            fleet_test_broker_address(test->broker), fleet_test_certificates_authority(certificates),
            fleet_test_certificates_client(certificates), key);

    g_free(fleet_test_run_ok("openssl", "pkey", "-in", fleet_test_certificates_client_key(certificates), "-aes128",
            "-passout", "pass:secret", "-out", key));
    fleet_test_daemon_set_config(test->daemon, config);
    fleet_test_daemon_start(test->daemon);
    thin_edge_test_wait_log(test, "cannot be used: ");
    g_autofree char *written = fleet_test_daemon_stderr(test->daemon);
    ck_assert_ptr_null(strstr(written, "pass phrase"));
}
END_TEST

/* The broker's certificate is from somebody else. */
START_TEST(tls_with_a_stranger)
{
    const FleetTestBrokerSettings settings = {.tls = TRUE};
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new_with_config(&settings, NULL);
    g_autoptr(FleetTestCertificates) others = fleet_test_certificates_new();
    g_autofree char *config = g_strdup_printf("[ThinEdge]\nBroker=%s\nCAFile=%s\n",
            fleet_test_broker_address(test->broker), fleet_test_certificates_authority(others));

    fleet_test_daemon_set_config(test->daemon, config);
    fleet_test_daemon_start(test->daemon);
    thin_edge_test_wait_log(test, "cannot be used: .*certificate verify failed");
}
END_TEST

/* The certificate is not for where the broker is. */
START_TEST(tls_with_another_name)
{
    const FleetTestBrokerSettings settings = {.tls = TRUE};
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new_with_config(&settings, NULL);
    const FleetTestCertificates *certificates = fleet_test_broker_certificates(test->broker);
    int port = fleet_test_broker_port(test->broker);
    g_autofree char *lines = g_strdup_printf("listener %d 127.0.0.2\ncertfile %s\nkeyfile %s\n", port,
            fleet_test_certificates_server(certificates), fleet_test_certificates_server_key(certificates));
    g_autofree char *config = g_strdup_printf(
            "[ThinEdge]\nBroker=127.0.0.2:%d\nCAFile=%s\n", port, fleet_test_certificates_authority(certificates));

    fleet_test_broker_stop(test->broker);
    fleet_test_broker_set_lines(test->broker, lines);
    fleet_test_broker_start(test->broker);
    fleet_test_daemon_set_config(test->daemon, config);
    fleet_test_daemon_start(test->daemon);
    thin_edge_test_wait_log(test, "cannot be used: TLS has failed: .*(host name|verify failed)");
}
END_TEST

/* With TLS the name is what the certificate is for, and the addresses are those of the name. */
START_TEST(tls_with_a_name)
{
    const FleetTestBrokerSettings settings = {.tls = TRUE};
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new_with_config(&settings, NULL);
    g_autofree char *config =
            g_strdup_printf("[ThinEdge]\nBroker=localhost:%d\nCAFile=%s\n", fleet_test_broker_port(test->broker),
                    fleet_test_certificates_authority(fleet_test_broker_certificates(test->broker)));

    fleet_test_daemon_set_config(test->daemon, config);
    fleet_test_daemon_start(test->daemon);
    thin_edge_test_wait_log(test, "broker 'localhost:[0-9]+' lets us in");
}
END_TEST

/* No TLS where TLS is wanted, and the other way round. */
START_TEST(tls_on_one_side)
{
    const FleetTestBrokerSettings settings = {.tls = _i == 0};
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new_with_config(&settings, NULL);
    g_autoptr(FleetTestCertificates) certificates = fleet_test_certificates_new();
    g_autofree char *lines =
            _i == 0 ? g_strdup("") : g_strdup_printf("CAFile=%s\n", fleet_test_certificates_authority(certificates));
    g_autofree char *config =
            g_strdup_printf("[ThinEdge]\nBroker=%s\n%s", fleet_test_broker_address(test->broker), lines);

    fleet_test_daemon_set_config(test->daemon, config);
    fleet_test_daemon_start(test->daemon);
    thin_edge_test_wait_log(test, "cannot be used: ");
}
END_TEST

START_TEST(reload_connects_anew_only_if_it_has_to)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new(NULL, "");
    g_autoptr(FleetTestBroker) other = fleet_test_broker_new(&(const FleetTestBrokerSettings){0});
    g_autofree char *same =
            g_strdup_printf("[ThinEdge]\nBroker=%s\nAutoRegisterMax=7\n", fleet_test_broker_address(test->broker));
    g_autofree char *moved = g_strdup_printf("[ThinEdge]\nBroker=%s\n", fleet_test_broker_address(other));

    thin_edge_test_wait_log(test, "lets us in");
    fleet_test_daemon_set_config(test->daemon, same);
    fleet_test_daemon_signal(test->daemon, SIGHUP);
    thin_edge_test_wait_log(test, "configuration is reloaded");
    thin_edge_test_is_up(test, "dev", TRUE);
    thin_edge_test_register(test, "dev");
    thin_edge_test_wait_device(test, "dev", "Presence", "'ONLINE'");
    g_autofree char *written = fleet_test_daemon_stderr(test->daemon);
    ck_assert_uint_eq(count_lines(written, "lets us in"), 1);

    fleet_test_daemon_set_config(test->daemon, moved);
    fleet_test_daemon_signal(test->daemon, SIGHUP);
    thin_edge_test_wait_device(test, "dev", "Presence", "'UNKNOWN'");
    thin_edge_test_wait_log(test, "(?s)(lets us in.*){2}");

    fleet_test_daemon_set_config(test->daemon, "");
    fleet_test_daemon_signal(test->daemon, SIGHUP);
    thin_edge_test_wait_log(test, "(?s)(configuration is reloaded.*){3}");
    thin_edge_test_initiate_fails(test, "dev", "SYSTEM_REBOOT", THIN_EDGE_ERROR "Unsupported", "set Broker=", NULL);
}
END_TEST

/* What fleetd may not publish or read is told, and what would help. */
START_TEST(marks_that_are_not_allowed)
{
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new_with_config(NULL, NULL);
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *file = g_build_filename(directory, "acl", NULL);
    g_autofree char *lines = g_strdup_printf("acl_file %s\n", file);
    g_autofree char *config =
            g_strdup_printf("[ThinEdge]\nBroker=%s\nClientId=me\n", fleet_test_broker_address(test->broker));

    fleet_test_write(file, "topic readwrite te/#\n");
    fleet_test_broker_stop(test->broker);
    fleet_test_broker_set_lines(test->broker, lines);
    fleet_test_broker_start(test->broker);
    fleet_test_daemon_set_config(test->daemon, config);
    fleet_test_daemon_start(test->daemon);
    thin_edge_test_wait_log(test, "'fleetd/me/mark' do not pass it .*allow 'me' to read and write there");
}
END_TEST

/* The broker takes no commands of us: they fail, and are certain not to have been done. */
START_TEST(commands_that_are_not_allowed)
{
    const FleetTestBrokerSettings settings = {.username = "fleet", .password = "x"};
    g_autoptr(ThinEdgeTest) test = thin_edge_test_new_with_config(&settings, NULL);
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *file = g_build_filename(directory, "acl", NULL);
    g_autofree char *lines = g_strdup_printf("acl_file %s\nlistener 0 %s/sock\n", file, directory);
    g_autofree char *config = g_strdup_printf("[ThinEdge]\nBroker=%s\nUsername=fleet\nPasswordFile=%s\n",
            fleet_test_broker_address(test->broker), fleet_test_broker_password_file(test->broker));

    fleet_test_write(
            file, "user fleet\ntopic readwrite fleetd/#\ntopic read #\ntopic write te/device/dev///cmd/restart\n");
    fleet_test_broker_stop(test->broker);
    fleet_test_broker_set_lines(test->broker, lines);
    fleet_test_broker_start(test->broker);
    fleet_test_mqtt_reconnect(test->mqtt);
    thin_edge_test_can(test, "dev", "restart", "{}");
    fleet_test_daemon_set_config(test->daemon, config);
    fleet_test_daemon_start(test->daemon);
    thin_edge_test_register(test, "dev");
    g_autoptr(ThinEdgeAction) action = thin_edge_test_initiate(test, "dev", "SYSTEM_REBOOT", NULL);
    g_autofree char *message = thin_edge_action_wait_end(action, "failed");
    fleet_test_assert_contains(message, "the broker does not take the command: Not authorized");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("thin-edge-broker");
    TCase *tcase = fleet_test_case(suite, "broker");

    tcase_add_test(tcase, actions_wait_for_a_broker);
    tcase_add_test(tcase, nobody_is_missed_at_a_start_without_a_broker);
    tcase_add_test(tcase, actions_start_once_the_broker_comes);
    tcase_add_test(tcase, broker_that_remembers);
    tcase_add_test(tcase, end_while_nobody_hears);
    tcase_add_test(tcase, broker_that_forgets);
    tcase_add_test(tcase, device_that_does_not_forget);
    tcase_add_test(tcase, somebody_takes_a_command_away);
    tcase_add_test(tcase, command_to_a_broker_that_stands_still);
    tcase_add_test(tcase, place_that_is_taken);
    tcase_add_test(tcase, two_on_one_broker);
    tcase_add_test(tcase, unix_socket);
    tcase_add_test(tcase, host_with_a_name);
    tcase_add_test(tcase, host_that_nobody_knows);
    tcase_add_test(tcase, addresses_that_do_not_come);
    tcase_add_loop_test(tcase, addresses_that_are_none, 0, G_N_ELEMENTS(tellers));
    tcase_add_test(tcase, nobody_to_tell_addresses);
    tcase_add_loop_test(tcase, second_address, 0, 2);
    tcase_add_test(tcase, user_and_password);
    tcase_add_test(tcase, wrong_password);
    tcase_add_test(tcase, tls_with_certificates);
    tcase_add_test(tcase, tls_without_a_certificate);
    tcase_add_test(tcase, tls_with_a_locked_key);
    tcase_add_test(tcase, tls_with_a_stranger);
    tcase_add_test(tcase, tls_with_another_name);
    tcase_add_test(tcase, tls_with_a_name);
    tcase_add_loop_test(tcase, tls_on_one_side, 0, 2);
    tcase_add_test(tcase, reload_connects_anew_only_if_it_has_to);
    tcase_add_test(tcase, marks_that_are_not_allowed);
    tcase_add_test(tcase, commands_that_are_not_allowed);
    return fleet_test_main(suite);
}
