/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/run.h"

#include "lib/main.h"
#include "lib/process.h"

int fleet_test_run(const char *const *argv, const char *const *env, char **out, char **err)
{
    g_autoptr(FleetTestProcess) process = fleet_test_process_start(argv, env);
    int status = fleet_test_process_wait(process, FLEET_TEST_PATIENCE);

    if (status < 0) {
        g_autofree char *command = g_strjoinv(" ", (char **)argv);
        g_autofree char *written = fleet_test_process_output(process, FLEET_TEST_STDERR);
        fleet_test_fail("'%s' has not ended; its stderr: %s", command, written);
    }
    if (out != NULL)
        *out = fleet_test_process_output(process, FLEET_TEST_STDOUT);
    if (err != NULL)
        *err = fleet_test_process_output(process, FLEET_TEST_STDERR);
    return status;
}

static GPtrArray *collect(const char *program, va_list ap)
{
    GPtrArray *argv = g_ptr_array_new();

    for (const char *argument = program; argument != NULL; argument = va_arg(ap, const char *))
        g_ptr_array_add(argv, (char *)argument);
    g_ptr_array_add(argv, NULL);
    return argv;
}

char *fleet_test_run_ok_at(const char *file, int line, const char *program, ...)
{
    g_autoptr(GPtrArray) argv = NULL;
    g_autofree char *err = NULL;
    char *out;
    va_list ap;

    va_start(ap, program);
    argv = collect(program, ap);
    va_end(ap);
    int status = fleet_test_run((const char *const *)argv->pdata, NULL, &out, &err);
    if (status != 0) {
        g_autofree char *command = g_strjoinv(" ", (char **)argv->pdata);
        fleet_test_fail_at(file, line, "'%s' exits with %d: %s%s", command, status, err, out);
    }
    return out;
}

void fleet_test_run_fails_at(const char *file, int line, int status, const char *part, const char *program, ...)
{
    g_autoptr(GPtrArray) argv = NULL;
    g_autofree char *out = NULL;
    g_autofree char *err = NULL;
    va_list ap;

    va_start(ap, program);
    argv = collect(program, ap);
    va_end(ap);
    int actual = fleet_test_run((const char *const *)argv->pdata, NULL, &out, &err);
    if (actual != status || strstr(err, part) == NULL) {
        g_autofree char *command = g_strjoinv(" ", (char **)argv->pdata);
        fleet_test_fail_at(file, line, "'%s' exits with %d where %d was due, and '%s' on stderr: %s%s", command, actual,
                status, part, err, out);
    }
}
