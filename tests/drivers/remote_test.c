/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "remote_test.h"

#include "lib/loop.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

FleetRemoteTest *fleet_remote_test_new_for(FleetTestMachine *machine)
{
    FleetRemoteTest *self = g_new0(FleetRemoteTest, 1);

    self->test = fleet_test_driver_new(&fleet_remote_bus_driver_class);
    self->test->lives = TRUE;
    self->machine = machine;
    self->directory = fleet_test_directory_new();
    self->test->address = fleet_test_machine_address(machine);
    fleet_remote_test_configure(self);
    return self;
}

FleetRemoteTest *fleet_remote_test_new_with_setup(const char *setup)
{
    FleetTestMachine *machine = fleet_test_machine_new();

    fleet_test_machine_add_file(machine, "setup", setup);
    fleet_test_machine_boot(machine);
    return fleet_remote_test_new_for(machine);
}

FleetRemoteTest *fleet_remote_test_new(void)
{
    return fleet_remote_test_new_with_setup("");
}

void fleet_remote_test_free(FleetRemoteTest *self)
{
    fleet_test_driver_free(self->test);
    fleet_remote_settings_unref(self->settings);
    fleet_test_machine_free(self->machine);
    g_free(self->directory);
    g_free(self);
}

void fleet_remote_test_configure(FleetRemoteTest *self)
{
    g_clear_pointer(&self->settings, fleet_remote_settings_unref);
    self->settings = fleet_remote_settings_new();
    self->settings->directory = g_build_filename(self->directory, "remote-bus", NULL);
    fleet_remote_test_set(self, "RemoteBus", "IdentityFile", fleet_test_machine_identity(self->machine));
    fleet_remote_test_set(self, "RemoteBus", "KnownHostsFile", fleet_test_machine_known_hosts(self->machine));
    fleet_remote_test_set(self, "RemoteBus", "ReconnectDelay", "50ms");
    fleet_remote_test_set(self, "RemoteBus", "ReconnectCap", "200ms");
    fleet_remote_test_set(self, "RemoteBus", "ConnectTimeout", "10s");
}

void fleet_remote_test_set(FleetRemoteTest *self, const char *group, const char *key, const char *value)
{
    g_autoptr(GError) error = NULL;

    if (!fleet_remote_settings_set(self->settings, group, key, value, &error))
        fleet_test_fail("%s", error->message);
    fleet_remote_bus_driver_configure(self->test->driver, self->settings);
}

FleetProgram *fleet_remote_test_set_script(FleetRemoteTest *self, const char *script)
{
    g_autoptr(GError) error = NULL;
    FleetProgram *program = fleet_remote_settings_add_program(self->settings, "RemoteBus SOFTWARE_UPDATE", &error);

    fleet_test_assert_no_error(error);
    g_strfreev(program->argv);
    program->argv = g_strdupv((char *[]){(char *)"/bin/sh", (char *)"-c", (char *)script, NULL});
    fleet_remote_bus_driver_configure(self->test->driver, self->settings);
    return program;
}

FleetTestAttempt *fleet_remote_test_start(FleetRemoteTest *self, gint64 sequence, const char *type)
{
    FleetTestAttempt *attempt = fleet_test_attempt_new(self->test, sequence, 1, type, NULL);

    fleet_test_attempt_start(self->test, attempt);
    return attempt;
}

FleetTestAttempt *fleet_remote_test_run_script(FleetRemoteTest *self, const char *script)
{
    fleet_remote_test_set_script(self, script);
    FleetTestAttempt *attempt = fleet_remote_test_start(self, 1, "SOFTWARE_UPDATE");
    fleet_test_attempt_wait(attempt);
    return attempt;
}

void fleet_remote_test_restart(FleetRemoteTest *self)
{
    fleet_test_driver_restart(self->test);
    fleet_remote_bus_driver_configure(self->test->driver, self->settings);
}

/* Of a process, from its line in /proc/PID/stat, which has the name in parentheses. */
static gboolean is_child_ssh(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid);
    g_autofree char *stat = NULL;
    g_autofree char *expected = g_strdup_printf(" %d ", getpid());

    if (!g_file_get_contents(path, &stat, NULL, NULL) || strstr(stat, "(ssh) ") == NULL)
        return FALSE;
    const char *state = strstr(stat, "(ssh) ") + strlen("(ssh) ");
    return *state != 'Z' && g_str_has_prefix(state + 1, expected);
}

GArray *fleet_remote_test_ssh_pids(void)
{
    GArray *pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
    g_autoptr(GDir) dir = g_dir_open("/proc", 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir)) != NULL) {
        pid_t pid = (pid_t)atoi(name);

        if (pid > 0 && is_child_ssh(pid))
            g_array_append_val(pids, pid);
    }
    return pids;
}

void fleet_remote_test_kill_ssh(int signal)
{
    g_autoptr(GArray) pids = fleet_remote_test_ssh_pids();

    ck_assert_uint_gt(pids->len, 0);
    for (guint i = 0; i < pids->len; i++)
        ck_assert_int_eq(kill(g_array_index(pids, pid_t, i), signal), 0);
}

static gboolean has_ssh(gpointer data)
{
    g_autoptr(GArray) pids = fleet_remote_test_ssh_pids();

    return pids->len == *(const guint *)data;
}

void fleet_remote_test_wait_ssh(guint n)
{
    if (!fleet_test_run_until(has_ssh, &n)) {
        g_autoptr(GArray) pids = fleet_remote_test_ssh_pids();
        fleet_test_fail("%u ssh run where %u are due", pids->len, n);
    }
}

void fleet_remote_test_wait_for(FleetRemoteTest *self, const char *command)
{
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);

    while (!fleet_test_machine_try(self->machine, command)) {
        while (g_main_context_iteration(NULL, FALSE))
            ;
        if (fleet_test_remaining(deadline) == 0)
            fleet_test_fail("'%s' on the machine does not succeed", command);
    }
}

typedef struct {
    const FleetTestDriver *test;
    guint n;
} Seen;

static gboolean was_seen(gpointer data)
{
    const Seen *seen = data;

    return seen->test->seen >= seen->n;
}

void fleet_remote_test_wait_seen(FleetRemoteTest *self, guint n)
{
    Seen seen = {.test = self->test, .n = n};

    if (!fleet_test_run_until(was_seen, &seen))
        fleet_test_fail("the machine was reached %u times where %u are due", self->test->seen, n);
}

void fleet_remote_test_wait_units(FleetRemoteTest *self, guint n)
{
    g_autofree char *command = g_strdup_printf(
            "test $(systemctl list-units --all --plain --no-legend 'fleet-action-*' | wc -l) -eq %u", n);

    fleet_remote_test_wait_for(self, command);
}

void fleet_remote_test_wait_file(FleetRemoteTest *self, const char *path)
{
    g_autofree char *command = g_strconcat("test -s ", path, NULL);

    fleet_remote_test_wait_for(self, command);
}

void fleet_remote_test_assert_nothing_is_left(FleetRemoteTest *self)
{
    fleet_remote_test_wait_for(self,
            "test -z \"$(systemctl list-units --all --plain --no-legend 'fleet-action-*'; ls /run | "
            "grep fleet-action-)\"");
}
