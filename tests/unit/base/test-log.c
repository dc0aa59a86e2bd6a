/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/log.h"

#include "base/error.h"
#include "lib/main.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    int level;
} levels[] = {{"emerg", LOG_EMERG}, {"alert", LOG_ALERT}, {"crit", LOG_CRIT}, {"err", LOG_ERR}, {"error", LOG_ERR},
        {"warning", LOG_WARNING}, {"notice", LOG_NOTICE}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}, {"0", LOG_EMERG},
        {"3", LOG_ERR}, {"7", LOG_DEBUG}};

START_TEST(level_is_read)
{
    g_autoptr(GError) error = NULL;
    int level = -1;

    ck_assert(fleet_log_level_from_string(levels[_i].name, &level, &error));
    fleet_test_assert_no_error(error);
    ck_assert_int_eq(level, levels[_i].level);
}
END_TEST

START_TEST(other_level_is_refused)
{
    static const char *const others[] = {"", "8", "-1", "00", "07", "7 ", "Info", "INFO", "warn", "verbose", "a\nb"};
    g_autoptr(GError) error = NULL;
    int level = -1;

    ck_assert(!fleet_log_level_from_string(others[_i], &level, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    fleet_test_assert_contains(
            error->message, "is unknown; use one of emerg, alert, crit, err, warning, notice, info, debug");
    ck_assert_ptr_null(strchr(error->message, '\n'));
    ck_assert_int_eq(level, -1);
}
END_TEST

START_TEST(level_is_info_at_first)
{
    ck_assert_int_eq(fleet_log_level(), LOG_INFO);
}
END_TEST

/* Sends stderr, which is this check's own, to a file. */
static char *divert_stderr(void)
{
    g_autofree char *directory = fleet_test_directory_new();
    char *path = g_build_filename(directory, "stderr", NULL);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    fflush(stderr);
    ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
    close(fd);
    return path;
}

START_TEST(lines_up_to_the_level_come_out)
{
    static const int order[] = {LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG};
    static const char *const lines[] = {"an error 1", "a warning 2", "a notice 3", "an info 4", "a debug 5"};
    g_autofree char *path = divert_stderr();
    g_autoptr(GString) expected = g_string_new(NULL);

    fleet_log_set_level(order[_i]);
    ck_assert_int_eq(fleet_log_level(), order[_i]);
    fleet_log_error("an error %d", 1);
    fleet_log_warning("a warning %d", 2);
    fleet_log_notice("a notice %d", 3);
    fleet_log_info("an info %d", 4);
    fleet_log_debug("a debug %d", 5);
    fflush(stderr);

    for (int i = 0; i <= _i; i++)
        g_string_append_printf(expected, "fleetd: %s\n", lines[i]);
    g_autofree char *written = fleet_test_read(path);
    ck_assert_str_eq(written, expected->str);
}
END_TEST

static guint evaluated;

static int count_evaluation(void)
{
    return (int)++evaluated;
}

START_TEST(arguments_of_a_silent_line_are_not_evaluated)
{
    g_autofree char *path = divert_stderr();

    fleet_log_set_level(LOG_ERR);
    fleet_log_info("%d", count_evaluation());
    ck_assert_uint_eq(evaluated, 0);
    fleet_log_error("%d", count_evaluation());
    ck_assert_uint_eq(evaluated, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *level = fleet_test_case(suite, "level");
    TCase *output = fleet_test_case(suite, "output");

    tcase_add_loop_test(level, level_is_read, 0, (int)G_N_ELEMENTS(levels));
    tcase_add_loop_test(level, other_level_is_refused, 0, 11);
    tcase_add_test(level, level_is_info_at_first);
    tcase_add_loop_test(output, lines_up_to_the_level_come_out, 0, 5);
    tcase_add_test(output, arguments_of_a_silent_line_are_not_evaluated);
    return fleet_test_main(suite);
}
