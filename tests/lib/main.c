/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/main.h"

#include <fcntl.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MESSAGE_MAX 3500 /* bytes */
#define DIRECTORY_ENV "FLEET_TEST_DIRECTORY"

double fleet_test_slowness(void)
{
    const char *multiplier = g_getenv("CK_TIMEOUT_MULTIPLIER");
    double value = multiplier != NULL ? g_ascii_strtod(multiplier, NULL) : 1;

    return value > 1 ? value : 1;
}

gint64 fleet_test_deadline(double seconds)
{
    return g_get_monotonic_time() + (gint64)(seconds * fleet_test_slowness() * G_USEC_PER_SEC);
}

int fleet_test_remaining(gint64 deadline)
{
    gint64 left = deadline - g_get_monotonic_time();

    return left > 0 ? (int)((left + 999) / 1000) : 0;
}

TCase *fleet_test_case_with_timeout(Suite *suite, const char *name, double timeout)
{
    TCase *tcase = tcase_create(name);

    tcase_set_timeout(tcase, timeout); /* libcheck applies CK_TIMEOUT_MULTIPLIER itself */
    suite_add_tcase(suite, tcase);
    return tcase;
}

TCase *fleet_test_case(Suite *suite, const char *name)
{
    return fleet_test_case_with_timeout(suite, name, 60);
}

const char *fleet_test_directory(void)
{
    return fleet_test_env(DIRECTORY_ENV);
}

char *fleet_test_directory_new(void)
{
    char *path = g_build_filename(fleet_test_directory(), "XXXXXX", NULL);

    /* The bus's clients may be other users, so the way to its socket is open to all. */
    if (g_mkdtemp_full(path, 0755) == NULL)
        fleet_test_fail("cannot make the directory %s: %m", path);
    return path;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    return remove(path);
}

void fleet_test_remove(const char *path)
{
    (void)nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

void fleet_test_write(const char *path, const char *text)
{
    g_autoptr(GError) error = NULL;

    if (!g_file_set_contents(path, text, -1, &error))
        fleet_test_fail("%s", error->message);
}

char *fleet_test_read(const char *path)
{
    g_autoptr(GError) error = NULL;
    char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, &error))
        fleet_test_fail("%s", error->message);
    return text;
}

const char *fleet_test_env(const char *name)
{
    const char *value = g_getenv(name);

    if (value == NULL)
        fleet_test_fail("%s is not set; run the test through `meson test`", name);
    return value;
}

void fleet_test_expect_abort(void)
{
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
        fleet_test_fail("cannot divert stdout and stderr: %m");
    close(fd);
}

void fleet_test_fail_at(const char *file, int line, const char *format, ...)
{
    g_autofree char *text = NULL;
    g_autofree char *message = NULL;
    g_auto(GStrv) lines = NULL;
    va_list ap;

    va_start(ap, format);
    text = g_strdup_vprintf(format, ap);
    va_end(ap);
    /* To TAP, what follows the first line is a comment. */
    lines = g_strsplit(text, "\n", -1);
    message = g_strjoinv("\n# ", lines);
    /* libcheck ends the check's process without a word when there is more than it can take. */
    _ck_assert_failed(file, line, "Failed", "%.*s", MESSAGE_MAX, message);
}

void fleet_test_assert_error_at(const char *file, int line, const GError *error, GQuark domain, int code)
{
    if (error == NULL)
        fleet_test_fail_at(file, line, "no error where %s, %d was due", g_quark_to_string(domain), code);
    if (!g_error_matches(error, domain, code))
        fleet_test_fail_at(file, line, "%s, %d where %s, %d was due: %s", g_quark_to_string(error->domain), error->code,
                g_quark_to_string(domain), code, error->message);
}

void fleet_test_assert_no_error_at(const char *file, int line, const GError *error)
{
    if (error != NULL)
        fleet_test_fail_at(file, line, "%s, %d: %s", g_quark_to_string(error->domain), error->code, error->message);
}

void fleet_test_assert_contains_at(const char *file, int line, const char *text, const char *part)
{
    if (text == NULL || strstr(text, part) == NULL)
        fleet_test_fail_at(file, line, "no '%s' in: %s", part, text != NULL ? text : "(nothing)");
}

void fleet_test_assert_matches_at(const char *file, int line, const char *text, const char *pattern)
{
    if (text == NULL || !g_regex_match_simple(pattern, text, G_REGEX_MULTILINE, 0))
        fleet_test_fail_at(file, line, "nothing matches '%s' in: %s", pattern, text != NULL ? text : "(nothing)");
}

int fleet_test_main(Suite *suite)
{
    g_autofree char *directory = g_build_filename(g_get_tmp_dir(), "fleet-test-XXXXXX", NULL);
    SRunner *runner = srunner_create(suite);

    if (g_mkdtemp_full(directory, 0711) == NULL) {
        fprintf(stderr, "cannot make the directory %s: %m\n", directory);
        return EXIT_FAILURE;
    }
    g_setenv(DIRECTORY_ENV, directory, TRUE);

    srunner_set_tap(runner, "-");
    /* The summary for people would disturb the TAP, so it comes only when CK_VERBOSITY asks for it. */
    srunner_run_all(runner, g_getenv("CK_VERBOSITY") != NULL ? CK_ENV : CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    fleet_test_remove(directory);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int fleet_test_main_unless(const char *obstacle, Suite *suite)
{
    if (obstacle == NULL)
        return fleet_test_main(suite);
    printf("1..0 # SKIP %s\n", obstacle);
    srunner_free(srunner_create(suite));
    return EXIT_SUCCESS;
}
