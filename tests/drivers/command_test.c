/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "command_test.h"

#include "base/clock.h"
#include "drivers/command/manager.h"
#include "lib/run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

static void configure(FleetCommandTest *self, const char *const *argv)
{
    g_clear_pointer(&self->settings, fleet_command_settings_unref);
    self->settings = fleet_command_settings_new();
    self->settings->directory = g_strdup(self->directory);
    if (argv != NULL) {
        FleetProgram *program = fleet_programs_add(self->settings->programs, "Command router X", NULL);

        program->argv = g_strdupv((char **)argv);
        program->kill_timeout = self->kill_timeout;
    }
    fleet_command_driver_configure(self->test->driver, self->settings);
}

FleetCommandTest *fleet_command_test_new(void)
{
    FleetCommandTest *self = g_new0(FleetCommandTest, 1);

    if (fleet_test_env("FLEET_COMMAND_KEEPER")[0] != '/')
        fleet_test_fail("FLEET_COMMAND_KEEPER is not a path");
    /* What an earlier check has left: all use the same numbers. */
    if (fleet_command_test_has_units()) {
        g_free(fleet_test_run_ok("systemctl", "stop", "fleet-action-*.service"));
        g_free(fleet_test_run_ok("systemctl", "reset-failed", "fleet-action-*.service"));
    }
    self->test = fleet_test_driver_new(&fleet_command_driver_class);
    self->files = fleet_test_directory_new();
    self->directory = g_build_filename(self->files, "actions", NULL);
    self->kill_timeout = 20 * FLEET_USEC_PER_SEC;
    configure(self, NULL);
    return self;
}

void fleet_command_test_free(FleetCommandTest *self)
{
    fleet_test_driver_free(self->test);
    fleet_command_settings_unref(self->settings);
    g_free(self->directory);
    g_free(self->files);
    g_free(self);
}

void fleet_command_test_set_program(FleetCommandTest *self, const char *const *argv)
{
    configure(self, argv);
}

FleetTestAttempt *fleet_command_test_start(FleetCommandTest *self, gint64 sequence, const char *script)
{
    FleetTestAttempt *attempt =
            fleet_test_attempt_new(self->test, sequence, 1, "X", (const char *const[]){"files", self->files, NULL});
    g_autofree char *text = g_strconcat("FILES=$FLEET_PARAM_FILES; ", script, NULL);

    configure(self, (const char *const[]){"/bin/sh", "-c", text, NULL});
    fleet_test_attempt_start(self->test, attempt);
    return attempt;
}

FleetTestAttempt *fleet_command_test_run(FleetCommandTest *self, const char *script)
{
    FleetTestAttempt *attempt = fleet_command_test_start(self, 1, script);

    fleet_test_attempt_wait(attempt);
    return attempt;
}

void fleet_command_test_restart(FleetCommandTest *self)
{
    fleet_test_driver_restart(self->test);
    fleet_command_driver_configure(self->test->driver, self->settings);
}

char *fleet_command_test_path(const FleetCommandTest *self, const char *name)
{
    return g_build_filename(self->files, name, NULL);
}

char *fleet_command_test_wait_text(const FleetCommandTest *self, const char *name)
{
    g_autofree char *path = fleet_command_test_path(self, name);

    fleet_test_wait_file(path, TRUE);
    return g_strchomp(fleet_test_read(path));
}

void fleet_command_test_assert_gone(const FleetCommandTest *self, const char *name)
{
    g_autofree char *path = fleet_command_test_path(self, name);
    g_autofree char *text = fleet_test_read(path);
    pid_t pid = (pid_t)atoi(text);

    ck_assert_int_gt(pid, 1);
    if (kill(pid, 0) == 0 || errno != ESRCH) {
        g_autofree char *status = g_strdup_printf("/proc/%d/stat", pid);
        g_autofree char *state = NULL;

        /* One that waits for its parent to take notice is gone, too. */
        if (g_file_get_contents(status, &state, NULL, NULL) && g_strrstr(state, ") Z ") == NULL)
            fleet_test_fail("process %d is still there: %s", pid, state);
    }
}

gboolean fleet_command_test_has_units(void)
{
    return fleet_command_manager_exists(FALSE);
}
