/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What every C test starts from. A test program builds one suite and hands it to fleet_test_main():
 *
 *     int main(void)
 *     {
 *         Suite *suite = suite_create("clock");
 *
 *         tcase_add_test(fleet_test_case(suite, "realtime"), realtime_never_goes_back);
 *         return fleet_test_main(suite);
 *     }
 *
 * Each check runs in a process of its own (CK_FORK=no turns that off, for a debugger), so it may leak, change the
 * environment, and crash without harm to the others. Results go to stdout as TAP. The harness fails the running check;
 * its functions that may fail are macros where the place of the call matters.
 *
 * Nothing sleeps: whoever waits, waits for an event, with fleet_test_deadline() as the limit.
 */

#include <check.h>
#include <glib.h>

/* Runs the suite and frees it. To be returned from main(): 0 when all checks passed. Removes what the checks left in
 * fleet_test_directory(), whatever became of them. */
int fleet_test_main(Suite *suite) G_GNUC_WARN_UNUSED_RESULT;

/* The same, but where there is an obstacle (not NULL; for people) nothing is run, and the whole is skipped. */
int fleet_test_main_unless(const char *obstacle, Suite *suite) G_GNUC_WARN_UNUSED_RESULT;

/* A new test case of the suite with a timeout of 60 s a check, times CK_TIMEOUT_MULTIPLIER. Owned by the suite. */
TCase *fleet_test_case(Suite *suite, const char *name);

/* The same, for checks that need longer. The timeout is in seconds. */
TCase *fleet_test_case_with_timeout(Suite *suite, const char *name, double timeout);

/* How much slower than usual this run is (CK_TIMEOUT_MULTIPLIER, 1 by default): valgrind and sanitizers set it. */
double fleet_test_slowness(void);

/* The moment, on g_get_monotonic_time(), at which a wait of that many seconds ends, slowness taken into account. */
gint64 fleet_test_deadline(double seconds);

/* Milliseconds until then, rounded up, as poll() wants them; 0 when it has passed. */
int fleet_test_remaining(gint64 deadline);

/* Seconds that the harness waits for what should come at once. */
#define FLEET_TEST_PATIENCE 20.0

/* The directory of this test program, below the system's temporary one; anybody may traverse it. Static. */
const char *fleet_test_directory(void);

/* A new empty directory in there, mode 0755. Owned by the caller; removed with the whole when the program ends. */
char *fleet_test_directory_new(void) G_GNUC_WARN_UNUSED_RESULT;

/* Removes a directory and all that is in it; not an error if it is missing. Never follows symbolic links. */
void fleet_test_remove(const char *path);

/* Writes a file whole, or fails the check. */
void fleet_test_write(const char *path, const char *text);

/* Reads a file whole, or fails the check. Owned by the caller. */
char *fleet_test_read(const char *path) G_GNUC_WARN_UNUSED_RESULT;

/* An environment variable that meson sets for every test (fleet_test_env in tests/meson.build), or fails the check. */
const char *fleet_test_env(const char *name);

/* To be called by a check that ends in an abort (tcase_add_test_raise_signal(..., SIGABRT)): GLib announces the failed
 * assertion on stdout, where it would end the TAP. From here on, stdout and stderr lead nowhere. */
void fleet_test_expect_abort(void);

/* Fails the running check, as from the given place. */
void fleet_test_fail_at(const char *file, int line, const char *format, ...) G_GNUC_NORETURN G_GNUC_PRINTF(3, 4);

#define fleet_test_fail(...) fleet_test_fail_at(__FILE__, __LINE__, __VA_ARGS__)

/* Fails unless the error is of that domain and code. Says which one it was. */
#define fleet_test_assert_error(error, domain, code)                                                                   \
    fleet_test_assert_error_at(__FILE__, __LINE__, (error), (domain), (int)(code))
void fleet_test_assert_error_at(const char *file, int line, const GError *error, GQuark domain, int code);

/* Fails if there is an error, and says which. */
#define fleet_test_assert_no_error(error) fleet_test_assert_no_error_at(__FILE__, __LINE__, (error))
void fleet_test_assert_no_error_at(const char *file, int line, const GError *error);

/* Fails unless the text contains that part. Says what it was instead. */
#define fleet_test_assert_contains(text, part) fleet_test_assert_contains_at(__FILE__, __LINE__, (text), (part))
void fleet_test_assert_contains_at(const char *file, int line, const char *text, const char *part);

/* Fails unless the text matches the pattern (GRegex, multi-line, '.' does not match a line's end). */
#define fleet_test_assert_matches(text, pattern) fleet_test_assert_matches_at(__FILE__, __LINE__, (text), (pattern))
void fleet_test_assert_matches_at(const char *file, int line, const char *text, const char *pattern);
