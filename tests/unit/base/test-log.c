/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/log.h"

#include "base/error.h"
#include "lib/main.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
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

static const char *const targets[] = {"auto", "console", "console-prefixed", "journal", "null"};

START_TEST(target_is_read)
{
    g_autoptr(GError) error = NULL;
    FleetLogTarget target = FLEET_LOG_AUTO;

    ck_assert(fleet_log_target_from_string(targets[_i], &target, &error));
    fleet_test_assert_no_error(error);
    ck_assert_int_eq(target, _i);
    ck_assert_str_eq(fleet_log_target_to_string(target), targets[_i]);
}
END_TEST

START_TEST(other_target_is_refused)
{
    static const char *const others[] = {"", "syslog", "kmsg", "Journal", "journal ", "a\nb"};
    g_autoptr(GError) error = NULL;
    FleetLogTarget target = FLEET_LOG_NULL;

    ck_assert(!fleet_log_target_from_string(others[_i], &target, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    fleet_test_assert_contains(error->message, "is unknown; use one of auto, console, console-prefixed, journal, null");
    ck_assert_int_eq(target, FLEET_LOG_NULL);
}
END_TEST

START_TEST(what_is_overridden_outlasts_what_is_configured)
{
    fleet_log_configure(LOG_WARNING, FLEET_LOG_CONSOLE);
    fleet_log_override_level(LOG_DEBUG);
    fleet_log_override_target(FLEET_LOG_NULL);
    ck_assert(!fleet_log_is_on(LOG_EMERG));
    fleet_log_configure(LOG_NOTICE, FLEET_LOG_CONSOLE_PREFIXED);
    ck_assert_int_eq(fleet_log_level(), LOG_DEBUG);
    ck_assert_int_eq(fleet_log_target(), FLEET_LOG_NULL);

    fleet_log_restore_target();
    ck_assert_int_eq(fleet_log_target(), FLEET_LOG_CONSOLE_PREFIXED);
    ck_assert(fleet_log_is_on(LOG_DEBUG));
    fleet_log_restore_level();
    ck_assert_int_eq(fleet_log_level(), LOG_NOTICE);
    ck_assert(fleet_log_is_on(LOG_NOTICE));
    ck_assert(!fleet_log_is_on(LOG_INFO));
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

    fleet_log_configure(order[_i], FLEET_LOG_CONSOLE);
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

    fleet_log_configure(LOG_ERR, FLEET_LOG_CONSOLE);
    fleet_log_info("%d", count_evaluation());
    ck_assert_uint_eq(evaluated, 0);
    fleet_log_error("%d", count_evaluation());
    ck_assert_uint_eq(evaluated, 1);
}
END_TEST

START_TEST(prefixed_lines_carry_their_level)
{
    g_autofree char *path = divert_stderr();

    fleet_log_configure(LOG_INFO, FLEET_LOG_CONSOLE_PREFIXED);
    fleet_log_error("an error");
    fleet_log_about(LOG_INFO, FLEET_LOG_SUBJECT(.device = "a"), "an info");
    fleet_log_configure(LOG_DEBUG, FLEET_LOG_NULL);
    fleet_log_error("into nothing");
    fflush(stderr);
    g_autofree char *written = fleet_test_read(path);
    ck_assert_str_eq(written, "<3>an error\n<6>an info\n");
}
END_TEST

/* The journal and the clock: these take the places of access(), sd_journal_sendv() and fleet_clock_boottime() in this
 * program (meson.build). */

static gint64 slept; /* µs by which the clock is ahead */
static gboolean there_is_a_journal;
static int journal_result;
static GPtrArray *entries; /* of char **, the fields of each that was sent */

gint64 __real_fleet_clock_boottime(void);
gint64 __wrap_fleet_clock_boottime(void);
int __wrap_access(const char *path, int mode);
int __wrap_sd_journal_sendv(const struct iovec *fields, int n);

gint64 __wrap_fleet_clock_boottime(void)
{
    return __real_fleet_clock_boottime() + slept;
}

int __wrap_access(const char *path, int mode)
{
    ck_assert_str_eq(path, "/run/systemd/journal/socket");
    return there_is_a_journal ? 0 : -1;
}

int __wrap_sd_journal_sendv(const struct iovec *fields, int n)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

    for (int i = 0; i < n; i++) {
        g_autofree char *field = g_strndup(fields[i].iov_base, fields[i].iov_len);
        g_strv_builder_add(builder, field);
    }
    g_ptr_array_add(entries, g_strv_builder_end(builder));
    return journal_result;
}

static void free_strv(gpointer strv)
{
    g_strfreev(strv);
}

static void setup_journal(void)
{
    there_is_a_journal = TRUE;
    entries = g_ptr_array_new_with_free_func(free_strv);
    fleet_log_configure(LOG_INFO, FLEET_LOG_JOURNAL);
}

static void teardown_journal(void)
{
    g_ptr_array_unref(entries);
}

/* The value of a field in the newest entry; NULL: it has none. */
static const char *field(const char *name)
{
    char **fields = g_ptr_array_index(entries, entries->len - 1);

    for (; *fields != NULL; fields++)
        if (g_str_has_prefix(*fields, name) && (*fields)[strlen(name)] == '=')
            return *fields + strlen(name) + 1;
    return NULL;
}

static const FleetLogSubject whole = {.message = FLEET_MESSAGE_ACTION_ENDED,
        .device = "router-1",
        .status = "IDLE",
        .action = "action_1_1",
        .action_type = "SYSTEM_REBOOT",
        .result = "success",
        .attempt = 2,
        .method = "Cancel",
        .sender = ":1.5",
        .sender_uid = &(const uid_t){0},
        .error = "org.fleet.Error.DeviceBusy"};

START_TEST(entry_has_all_that_is_known)
{
    fleet_log_about(LOG_NOTICE, &whole, "the %s", "end");
    g_autofree char *line = g_strdup_printf("%d", __LINE__ - 1);

    ck_assert_uint_eq(entries->len, 1);
    ck_assert_uint_eq(g_strv_length(g_ptr_array_index(entries, 0)), 17);
    ck_assert_str_eq(field("MESSAGE"), "the end");
    ck_assert_str_eq(field("PRIORITY"), "5");
    ck_assert_str_eq(field("SYSLOG_IDENTIFIER"), "fleetd");
    fleet_test_assert_matches(field("CODE_FILE"), "test-log\\.c$");
    ck_assert_str_eq(field("CODE_LINE"), line);
    fleet_test_assert_contains(field("CODE_FUNC"), "entry_has_all_that_is_known");
    fleet_test_assert_matches(field("MESSAGE_ID"), "^[0-9a-f]{32}$");
    ck_assert_str_eq(field("FLEET_DEVICE"), "router-1");
    ck_assert_str_eq(field("FLEET_STATUS"), "IDLE");
    ck_assert_str_eq(field("FLEET_ACTION"), "action_1_1");
    ck_assert_str_eq(field("FLEET_ACTION_TYPE"), "SYSTEM_REBOOT");
    ck_assert_str_eq(field("FLEET_RESULT"), "success");
    ck_assert_str_eq(field("FLEET_ATTEMPT"), "2");
    ck_assert_str_eq(field("FLEET_METHOD"), "Cancel");
    ck_assert_str_eq(field("FLEET_SENDER"), ":1.5");
    ck_assert_str_eq(field("FLEET_SENDER_UID"), "0");
    ck_assert_str_eq(field("FLEET_ERROR"), "org.fleet.Error.DeviceBusy");
}
END_TEST

START_TEST(entry_has_nothing_that_is_not_known)
{
    fleet_log_warning("alone");
    ck_assert_uint_eq(g_strv_length(g_ptr_array_index(entries, 0)), 6);
    fleet_log_about(LOG_WARNING, FLEET_LOG_SUBJECT(.device = "a"), "about a device");
    ck_assert_uint_eq(g_strv_length(g_ptr_array_index(entries, 1)), 7);
    ck_assert_str_eq(field("FLEET_DEVICE"), "a");
}
END_TEST

START_TEST(fields_are_documented)
{
    g_autofree char *path = g_build_filename(fleet_test_env("FLEET_SOURCE"), "docs", "man", "fleetd.8.scd", NULL);
    g_autofree char *manual = fleet_test_read(path);

    fleet_log_about(LOG_NOTICE, &whole, "the end");
    for (char **entry = g_ptr_array_index(entries, 0); *entry != NULL; entry++) {
        g_autofree char *item = g_strdup_printf("*%.*s=*", (int)strcspn(*entry, "="), *entry);
        ck_assert_msg(strstr(manual, item) != NULL, "%s is not in fleetd(8)", item);
    }
}
END_TEST

START_TEST(silent_entry_is_not_made)
{
    fleet_log_about(LOG_DEBUG, FLEET_LOG_SUBJECT(.attempt = (guint)count_evaluation()), "%d", count_evaluation());
    fleet_log_routine(LOG_DEBUG, FLEET_LOG_SUBJECT(.attempt = (guint)count_evaluation()), "%d", count_evaluation());
    ck_assert_uint_eq(evaluated, 0);
    ck_assert_uint_eq(entries->len, 0);
}
END_TEST

START_TEST(what_the_journal_does_not_take_goes_to_stderr)
{
    g_autofree char *path = divert_stderr();

    journal_result = -ENOBUFS;
    fleet_log_error("an error");
    there_is_a_journal = FALSE;
    fleet_log_configure(LOG_INFO, FLEET_LOG_JOURNAL);
    ck_assert(!fleet_log_to_journal());
    fleet_log_error("another");
    fflush(stderr);
    g_autofree char *written = fleet_test_read(path);
    ck_assert_str_eq(written, "fleetd: an error\nfleetd: another\n");
    ck_assert_uint_eq(entries->len, 1);
}
END_TEST

static void log_routine(guint n)
{
    for (guint i = 0; i < n; i++)
        fleet_log_routine(LOG_INFO, FLEET_LOG_SUBJECT(.device = "a"), "routine %u", i);
}

START_TEST(too_much_routine_is_left_out)
{
    log_routine(FLEET_LOG_ROUTINE_MAX);
    ck_assert_uint_eq(entries->len, FLEET_LOG_ROUTINE_MAX);
    log_routine(1000);
    ck_assert_uint_eq(entries->len, FLEET_LOG_ROUTINE_MAX + 1);
    fleet_test_assert_contains(field("MESSAGE"), "further ones are left out");
    ck_assert_str_eq(field("PRIORITY"), "5");

    fleet_log_warning("what matters is not");
    ck_assert_uint_eq(entries->len, FLEET_LOG_ROUTINE_MAX + 2);
    fleet_log_override_level(LOG_DEBUG);
    log_routine(10);
    ck_assert_uint_eq(entries->len, FLEET_LOG_ROUTINE_MAX + 12);
}
END_TEST

/* The next message after that time says how many they were, and then as many as before come out again. */
START_TEST(what_was_left_out_is_counted)
{
    log_routine(FLEET_LOG_ROUTINE_MAX + 7);
    g_ptr_array_set_size(entries, 0);
    slept = FLEET_LOG_ROUTINE_USEC;
    log_routine(1);
    ck_assert_uint_eq(entries->len, 2);
    ck_assert_str_eq(field("MESSAGE"), "routine 0");
    g_ptr_array_set_size(entries, 1);
    ck_assert_str_eq(field("MESSAGE"), "7 routine messages were left out");
    ck_assert_str_eq(field("PRIORITY"), "5");

    g_ptr_array_set_size(entries, 0);
    log_routine(FLEET_LOG_ROUTINE_MAX - 1);
    ck_assert_uint_eq(entries->len, FLEET_LOG_ROUTINE_MAX - 1);

    /* Nothing was left out since. */
    slept = 2 * FLEET_LOG_ROUTINE_USEC;
    log_routine(1);
    ck_assert_uint_eq(entries->len, FLEET_LOG_ROUTINE_MAX);
}
END_TEST

START_TEST(routine_goes_to_stderr_for_debugging_only)
{
    g_autofree char *path = divert_stderr();

    fleet_log_configure(LOG_INFO, FLEET_LOG_CONSOLE);
    log_routine(1);
    fleet_log_configure(LOG_DEBUG, FLEET_LOG_CONSOLE);
    log_routine(2);
    fflush(stderr);
    g_autofree char *written = fleet_test_read(path);
    ck_assert_str_eq(written, "fleetd: routine 0\nfleetd: routine 1\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *level = fleet_test_case(suite, "level");
    TCase *target = fleet_test_case(suite, "target");
    TCase *output = fleet_test_case(suite, "output");
    TCase *journal = fleet_test_case(suite, "journal");

    tcase_add_loop_test(level, level_is_read, 0, (int)G_N_ELEMENTS(levels));
    tcase_add_loop_test(level, other_level_is_refused, 0, 11);
    tcase_add_test(level, level_is_info_at_first);
    tcase_add_loop_test(output, lines_up_to_the_level_come_out, 0, 5);
    tcase_add_test(output, arguments_of_a_silent_line_are_not_evaluated);
    tcase_add_test(output, prefixed_lines_carry_their_level);
    tcase_add_loop_test(target, target_is_read, 0, (int)G_N_ELEMENTS(targets));
    tcase_add_loop_test(target, other_target_is_refused, 0, 6);
    tcase_add_test(target, what_is_overridden_outlasts_what_is_configured);
    tcase_add_checked_fixture(journal, setup_journal, teardown_journal);
    tcase_add_test(journal, entry_has_all_that_is_known);
    tcase_add_test(journal, entry_has_nothing_that_is_not_known);
    tcase_add_test(journal, fields_are_documented);
    tcase_add_test(journal, silent_entry_is_not_made);
    tcase_add_test(journal, what_the_journal_does_not_take_goes_to_stderr);
    tcase_add_test(journal, too_much_routine_is_left_out);
    tcase_add_test(journal, what_was_left_out_is_counted);
    tcase_add_test(journal, routine_goes_to_stderr_for_debugging_only);
    return fleet_test_main(suite);
}
