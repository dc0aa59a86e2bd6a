/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How the driver "remote-bus" gets to other machines, and when it does not.
 */

#include "base/clock.h"
#include "drivers/remote_bus/greeting.h"
#include "remote_test.h"

#include <arpa/inet.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAITS "until test -e /run/go; do sleep 0.05; done"

static void check_fails(FleetRemoteTest *self, FleetOutcome outcome, const char *message)
{
    FleetTestAttempt *attempt = fleet_remote_test_run_script(self, "true");

    ck_assert_int_eq(attempt->outcome, outcome);
    fleet_test_assert_contains(attempt->message, message);
    ck_assert_str_eq(attempt->reports->str + strlen("phase connecting\n"),
            outcome == FLEET_OUTCOME_TRANSIENT ? "finished transient\n" : "finished permanent\n");
    ck_assert_uint_eq(self->test->seen, 0);
    ck_assert_int_eq(self->test->presence, FLEET_PRESENCE_UNKNOWN);
    fleet_test_attempt_release(self->test, attempt);
}

START_TEST(a_key_that_is_not_let_in)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();
    g_autofree char *message = g_strdup_printf("'127.0.0.1' does not let the user 'root' in with the key '%s'",
            fleet_test_machine_wrong_identity(self->machine));

    fleet_remote_test_set(self, "RemoteBus", "IdentityFile", fleet_test_machine_wrong_identity(self->machine));
    check_fails(self, FLEET_OUTCOME_PERMANENT, message);
}
END_TEST

START_TEST(a_key_that_is_missing)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    fleet_remote_test_set(self, "RemoteBus", "IdentityFile", "/nowhere/id");
    check_fails(self, FLEET_OUTCOME_PERMANENT,
            "'/nowhere/id', which it takes to reach '127.0.0.1', cannot be read: No such file or directory");
}
END_TEST

/* The machine has seen nothing of the user's key. */
static void assert_nobody_tried_to_log_in(FleetRemoteTest *self)
{
    g_autofree char *log = fleet_test_machine_errors(self->machine);

    fleet_test_assert_contains(log, "Server listening on");
    ck_assert_ptr_null(strstr(log, "Accepted publickey"));
    ck_assert_ptr_null(strstr(log, "Failed publickey"));
}

START_TEST(a_host_key_that_has_changed)
{
    FleetTestMachine *machine = fleet_test_machine_new();

    fleet_test_machine_change_key(machine);
    fleet_test_machine_boot(machine);
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new_for(machine);
    check_fails(self, FLEET_OUTCOME_PERMANENT, "'127.0.0.1' has another host key than the one in '");
    assert_nobody_tried_to_log_in(self);
}
END_TEST

/* It does not go on with a machine that another one has taken the place of. */
START_TEST(a_host_key_that_changes_meanwhile)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    fleet_remote_test_set(self, "RemoteBus", "ReturnTimeout", "3s");
    FleetTestAttempt *attempt = fleet_remote_test_start(self, 1, "SYSTEM_REBOOT");
    fleet_test_attempt_wait_report(attempt, "message the machine is going down");
    fleet_test_machine_change_key(self->machine);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_UNCERTAIN);
    fleet_test_assert_contains(attempt->reports->str, "has another host key than the one in '");
    ck_assert_uint_ge(fleet_test_machine_boots(self->machine), 2);
}
END_TEST

START_TEST(a_host_key_that_nobody_knows)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    fleet_test_write(fleet_test_machine_known_hosts(self->machine), "# none\n");
    check_fails(self, FLEET_OUTCOME_PERMANENT, "no host key of '127.0.0.1' that it shows is in '");
    assert_nobody_tried_to_log_in(self);
    g_autofree char *known_hosts = fleet_test_read(fleet_test_machine_known_hosts(self->machine));
    ck_assert_str_eq(known_hosts, "# none\n");
}
END_TEST

START_TEST(nobody_listens)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new_for(fleet_test_machine_new());

    check_fails(self, FLEET_OUTCOME_TRANSIENT, "'127.0.0.1' cannot be reached: ssh: connect to host 127.0.0.1 port ");
}
END_TEST

START_TEST(no_such_host)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new_for(fleet_test_machine_new());

    self->test->address = "no-such-host.invalid";
    check_fails(self, FLEET_OUTCOME_TRANSIENT, "'no-such-host.invalid' cannot be reached: ssh: Could not resolve");
}
END_TEST

/* The kernel takes the connection, and nobody ever says anything. */
START_TEST(nobody_answers)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new_for(fleet_test_machine_new());

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(listen(fd, 5), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    g_autofree char *where = g_strdup_printf("127.0.0.1:%u", ntohs(address.sin_port));
    self->test->address = where;
    fleet_remote_test_set(self, "RemoteBus", "ConnectTimeout", "300ms");
    check_fails(self, FLEET_OUTCOME_TRANSIENT, "'127.0.0.1' did not answer within 300ms");
    fleet_remote_test_wait_ssh(0);
    close(fd);
}
END_TEST

/* What sshd runs in place of what it is asked to. */
static FleetRemoteTest *new_with_command(const char *command)
{
    FleetTestMachine *machine = fleet_test_machine_new();
    g_autofree char *path = fleet_test_machine_path(machine, "authorized_keys");
    g_autofree char *keys = fleet_test_read(path);
    g_autofree char *forced = g_strdup_printf("command=\"%s\" %s", command, keys);

    fleet_test_machine_add_file(machine, "authorized_keys", forced);
    fleet_test_machine_boot(machine);
    return fleet_remote_test_new_for(machine);
}

START_TEST(a_machine_without_the_bridge)
{
    g_autoptr(FleetRemoteTest) self = new_with_command("exec /bin/sh -c 'exec systemd-no-such-bridge'");

    check_fails(self, FLEET_OUTCOME_PERMANENT, "'127.0.0.1' has no systemd-stdio-bridge: ");
}
END_TEST

START_TEST(a_machine_that_says_something_else)
{
    g_autoptr(FleetRemoteTest) self = new_with_command("while :; do echo hello world; done");

    check_fails(self, FLEET_OUTCOME_PERMANENT, "'127.0.0.1' does not say which boot it is in");
}
END_TEST

START_TEST(a_machine_whose_bus_does_not_speak)
{
    g_autoptr(FleetRemoteTest) self =
            new_with_command("cat /proc/sys/kernel/random/boot_id /proc/uptime; exec sleep 1000");

    fleet_remote_test_set(self, "RemoteBus", "ConnectTimeout", "1s");
    check_fails(self, FLEET_OUTCOME_TRANSIENT, "'127.0.0.1' did not answer within 1s");
}
END_TEST

START_TEST(a_machine_whose_bus_speaks_nonsense)
{
    g_autoptr(FleetRemoteTest) self = new_with_command("cat /proc/sys/kernel/random/boot_id /proc/uptime; read x; "
                                                       "printf 'nonsense\\r\\nmore\\r\\n'; exec sleep 1000");

    check_fails(self, FLEET_OUTCOME_TRANSIENT, "'127.0.0.1' was lost");
}
END_TEST

/* A key that may do nothing but this is enough for what needs no parameters. */
START_TEST(a_key_for_the_bus_only)
{
    g_autoptr(FleetRemoteTest) self = new_with_command(FLEET_REMOTE_GREETING_COMMAND);
    FleetTestAttempt *attempt = fleet_remote_test_run_script(self, "true");

    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    attempt = fleet_test_attempt_new(self->test, 2, 1, "SOFTWARE_UPDATE", (const char *const[]){"a", "b", NULL});
    fleet_test_attempt_start(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_TRANSIENT);
    fleet_test_assert_contains(attempt->message, "the parameters cannot be put on '127.0.0.1'");
}
END_TEST

START_TEST(a_shell_that_talks)
{
    g_autoptr(FleetRemoteTest) self =
            fleet_remote_test_new_with_setup("echo 'echo welcome; echo what a day' >/root/.bashrc\n");
    g_autofree char *said = fleet_test_machine_run(self->machine, "true");

    ck_assert_str_eq(said, "welcome\nwhat a day");
    fleet_remote_test_set_script(self, "test \"$FLEET_PARAM_A\" = b");
    FleetTestAttempt *attempt =
            fleet_test_attempt_new(self->test, 1, 1, "SOFTWARE_UPDATE", (const char *const[]){"a", "b", NULL});
    fleet_test_attempt_start(self->test, attempt);
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
}
END_TEST

START_TEST(a_connection_is_used_again)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();
    FleetTestAttempt *attempt = fleet_remote_test_run_script(self, "true");

    fleet_test_attempt_release(self->test, attempt);
    g_autoptr(GArray) before = fleet_remote_test_ssh_pids();
    attempt = fleet_remote_test_start(self, 2, "SOFTWARE_UPDATE");
    fleet_test_attempt_wait(attempt);
    g_autoptr(GArray) after = fleet_remote_test_ssh_pids();
    ck_assert_uint_eq(before->len, 1);
    ck_assert_uint_eq(after->len, 1);
    ck_assert_int_eq(g_array_index(before, pid_t, 0), g_array_index(after, pid_t, 0));
    ck_assert_uint_eq(self->test->seen, 2);
}
END_TEST

/* Nobody has noticed, for nobody has asked; what is asked now would be lost together with it. */
START_TEST(a_connection_that_was_lost_while_idle)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    fleet_remote_test_set(self, "RemoteBus", "KeepAlive", "200ms");
    FleetTestAttempt *attempt = fleet_remote_test_run_script(self, "echo x >>/run/runs");
    fleet_test_attempt_release(self->test, attempt);
    fleet_remote_test_wait_units(self, 0);
    fleet_remote_test_kill_ssh(SIGSTOP);
    attempt = fleet_remote_test_start(self, 2, "SOFTWARE_UPDATE");
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    ck_assert_str_eq(attempt->reports->str, "phase connecting\nphase starting\nfinished success\n");
    g_autofree char *runs = fleet_test_machine_run(self->machine, "cat /run/runs");
    ck_assert_str_eq(runs, "x\nx");
}
END_TEST

START_TEST(a_connection_that_is_idle_is_closed)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    fleet_remote_test_set(self, "RemoteBus", "IdleTimeout", "50ms");
    FleetTestAttempt *attempt = fleet_remote_test_run_script(self, "true");
    fleet_remote_test_wait_ssh(1); /* as long as the end is not on disk it is in use */
    fleet_test_attempt_release(self->test, attempt);
    fleet_remote_test_wait_ssh(0);
    ck_assert_int_eq(self->test->presence, FLEET_PRESENCE_ONLINE); /* that it was closed says nothing */
}
END_TEST

START_TEST(no_more_than_so_many_connections)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();
    FleetTestAttempt *attempts[3];

    fleet_remote_test_set(self, "RemoteBus", "MaxConnections", "2");
    fleet_remote_test_set_script(self, "echo x >>/run/up; " WAITS);
    for (gint64 i = 0; i < 3; i++) {
        g_autofree char *id = g_strdup_printf("router-%d", (int)i + 1);

        self->test->device_id = id;
        attempts[i] = fleet_remote_test_start(self, i + 1, "SOFTWARE_UPDATE");
    }
    self->test->device_id = "router-1";
    fleet_remote_test_wait_units(self, 2);
    ck_assert_str_eq(attempts[2]->reports->str, "phase connecting\n");
    fleet_remote_test_wait_ssh(2);

    /* The first that is free makes room, although it would stay for a while. */
    g_free(fleet_test_machine_run(self->machine, "touch /run/go"));
    fleet_test_attempt_wait(attempts[0]);
    ck_assert_str_eq(attempts[2]->reports->str, "phase connecting\n");
    fleet_test_attempt_release(self->test, attempts[0]);
    fleet_test_attempt_wait(attempts[2]);
    ck_assert_int_eq(attempts[2]->outcome, FLEET_OUTCOME_SUCCESS);
}
END_TEST

START_TEST(one_that_waits_for_its_turn_can_be_stopped)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    fleet_remote_test_set(self, "RemoteBus", "MaxConnections", "1");
    fleet_remote_test_set_script(self, WAITS);
    FleetTestAttempt *first = fleet_remote_test_start(self, 1, "SOFTWARE_UPDATE");
    self->test->device_id = "router-2";
    FleetTestAttempt *second = fleet_remote_test_start(self, 2, "SOFTWARE_UPDATE");
    self->test->device_id = "router-1";
    fleet_remote_test_wait_units(self, 1);
    fleet_test_attempt_cancel(self->test, second);
    ck_assert_int_eq(second->outcome, FLEET_OUTCOME_STOPPED);
    fleet_test_attempt_release(self->test, second);
    fleet_test_attempt_cancel(self->test, first);
    fleet_test_attempt_wait(first);
    fleet_test_attempt_release(self->test, first);

    /* Nobody has its place by mistake. */
    FleetTestAttempt *third = fleet_remote_test_start(self, 3, "SYSTEM_REBOOT");
    fleet_test_attempt_wait_report(third, "phase rebooting");
}
END_TEST

/* Who was not reached is left alone for a while, whoever asks. */
START_TEST(a_machine_that_was_not_reached_is_not_tried_at_once)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new_for(fleet_test_machine_new());

    fleet_remote_test_set(self, "RemoteBus", "ReconnectDelay", "1h");
    fleet_remote_test_set(self, "RemoteBus", "ReconnectCap", "1h");
    check_fails(self, FLEET_OUTCOME_TRANSIENT, "cannot be reached");
    FleetTestAttempt *attempt = fleet_remote_test_start(self, 2, "SOFTWARE_UPDATE");
    gint64 left = attempt->wake_at - fleet_clock_boottime();
    ck_assert_int_gt(left, 1700 * FLEET_USEC_PER_SEC);
    ck_assert_int_le(left, 3600 * FLEET_USEC_PER_SEC);
    fleet_remote_test_wait_ssh(0);
    fleet_test_attempt_cancel(self->test, attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_STOPPED);
}
END_TEST

START_TEST(what_is_said_of_a_device_counts_more)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();
    g_autofree char *port = g_strdup_printf("%u", fleet_test_machine_port(self->machine));

    fleet_remote_test_set(self, "RemoteBus", "IdentityFile", "/nowhere/general");
    fleet_remote_test_set(self, "RemoteBusType router", "IdentityFile", "/nowhere/type");
    fleet_remote_test_set(self, "RemoteBusType router", "Port", port);
    fleet_remote_test_set(self, "RemoteBus", "ReconnectDelay", "1ms");
    self->test->address = "root@127.0.0.1";
    check_fails(self, FLEET_OUTCOME_PERMANENT, "'/nowhere/type'");
    fleet_remote_test_set(self, "RemoteBusDevice router-1", "IdentityFile", fleet_test_machine_identity(self->machine));
    FleetTestAttempt *attempt = fleet_remote_test_run_script(self, "true");
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
}
END_TEST

START_TEST(a_device_that_moves)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();
    const char *address = self->test->address;

    fleet_remote_test_set(self, "RemoteBus", "MaxConnections", "1");
    self->test->address = "127.0.0.1:1";
    check_fails(self, FLEET_OUTCOME_TRANSIENT, "port 1: Connection refused");
    self->test->address = address;
    g_autoptr(FleetDevice) moved = fleet_device_new("router-1", "", "router", "remote-bus");
    fleet_device_set_address(moved, address);
    self->test->class->adopt(self->test->driver, moved);
    FleetTestAttempt *attempt = fleet_remote_test_run_script(self, "true");
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    fleet_test_attempt_release(self->test, attempt);
    fleet_remote_test_wait_ssh(1);
    self->test->class->forget(self->test->driver, moved);
    fleet_remote_test_wait_ssh(0);

    /* Its place is free. */
    self->test->device_id = "router-2";
    attempt = fleet_remote_test_run_script(self, "true");
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
}
END_TEST

/* What was begun on a machine is looked for there, and not where the device is by then. */
START_TEST(a_device_that_moves_meanwhile)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();
    g_autoptr(FleetDevice) moved = fleet_device_new("router-1", "", "router", "remote-bus");

    fleet_device_set_address(moved, "127.0.0.1:1");
    fleet_remote_test_set_script(self, WAITS);
    FleetTestAttempt *attempt = fleet_remote_test_start(self, 1, "SOFTWARE_UPDATE");
    fleet_remote_test_wait_units(self, 1);
    self->test->class->adopt(self->test->driver, moved);
    fleet_remote_test_kill_ssh(SIGKILL);
    fleet_remote_test_wait_seen(self, 2);
    g_free(fleet_test_machine_run(self->machine, "touch /run/go"));
    fleet_test_attempt_wait(attempt);
    ck_assert_int_eq(attempt->outcome, FLEET_OUTCOME_SUCCESS);
    fleet_test_attempt_release(self->test, attempt);

    self->test->address = "127.0.0.1:1";
    attempt = fleet_remote_test_start(self, 2, "SOFTWARE_UPDATE");
    fleet_test_attempt_wait(attempt);
    fleet_test_assert_contains(attempt->message, "port 1: Connection refused");
}
END_TEST

/* Nor is the next action done where one that was closed by force still runs. */
START_TEST(a_device_that_moves_after_one_was_closed_by_force)
{
    g_autoptr(FleetRemoteTest) self = fleet_remote_test_new();

    fleet_remote_test_set_script(self, WAITS);
    FleetTestAttempt *attempt = fleet_remote_test_start(self, 1, "SOFTWARE_UPDATE");
    fleet_remote_test_wait_units(self, 1);
    fleet_test_attempt_release(self->test, attempt);
    self->test->address = "127.0.0.1:1";
    attempt = fleet_remote_test_start(self, 2, "SOFTWARE_UPDATE");
    fleet_test_attempt_wait(attempt);
    fleet_test_assert_contains(attempt->message, "port 1: Connection refused");
}
END_TEST

int main(void)
{
    g_autofree char *obstacle = fleet_test_machine_obstacle();
    Suite *suite = suite_create("remote-connections");
    TCase *tcase = fleet_test_case(suite, "remote-connections");

    tcase_add_test(tcase, a_key_that_is_not_let_in);
    tcase_add_test(tcase, a_key_that_is_missing);
    tcase_add_test(tcase, a_host_key_that_has_changed);
    tcase_add_test(tcase, a_host_key_that_changes_meanwhile);
    tcase_add_test(tcase, a_host_key_that_nobody_knows);
    tcase_add_test(tcase, nobody_listens);
    tcase_add_test(tcase, no_such_host);
    tcase_add_test(tcase, nobody_answers);
    tcase_add_test(tcase, a_machine_without_the_bridge);
    tcase_add_test(tcase, a_machine_that_says_something_else);
    tcase_add_test(tcase, a_machine_whose_bus_does_not_speak);
    tcase_add_test(tcase, a_machine_whose_bus_speaks_nonsense);
    tcase_add_test(tcase, a_key_for_the_bus_only);
    tcase_add_test(tcase, a_shell_that_talks);
    tcase_add_test(tcase, a_connection_is_used_again);
    tcase_add_test(tcase, a_connection_that_was_lost_while_idle);
    tcase_add_test(tcase, a_connection_that_is_idle_is_closed);
    tcase_add_test(tcase, no_more_than_so_many_connections);
    tcase_add_test(tcase, one_that_waits_for_its_turn_can_be_stopped);
    tcase_add_test(tcase, a_machine_that_was_not_reached_is_not_tried_at_once);
    tcase_add_test(tcase, what_is_said_of_a_device_counts_more);
    tcase_add_test(tcase, a_device_that_moves);
    tcase_add_test(tcase, a_device_that_moves_meanwhile);
    tcase_add_test(tcase, a_device_that_moves_after_one_was_closed_by_force);
    return fleet_test_main_unless(obstacle, suite);
}
