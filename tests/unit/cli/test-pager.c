/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/pager.h"

#include "lib/main.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static void set(const char *name, const char *value)
{
    if (value != NULL)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

static void assert_command(const char *systemd_pager, const char *pager, const char *expected)
{
    set("SYSTEMD_PAGER", systemd_pager);
    set("PAGER", pager);
    g_auto(GStrv) argv = fleet_pager_command();
    g_autofree char *joined = argv != NULL ? g_strjoinv("|", argv) : g_strdup("none");
    ck_assert_str_eq(joined, expected);
}

START_TEST(variables_in_their_order)
{
    assert_command("less -S", "more", "less|-S");
    assert_command(NULL, "more -d", "more|-d");
    assert_command("sh -c 'cat -n'", NULL, "sh|-c|cat -n");
}
END_TEST

START_TEST(no_pager)
{
    assert_command("", "less", "none");
    assert_command("cat", "less", "none");
    assert_command(NULL, "", "none");
    assert_command("'unbalanced", "less", "none");
}
END_TEST

START_TEST(less_is_the_default)
{
    g_autofree char *less = g_find_program_in_path("less");

    assert_command(NULL, NULL, less != NULL ? "less" : "more");
}
END_TEST

START_TEST(text_reaches_the_pager)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "seen", NULL);
    g_autofree char *command = g_strdup_printf("sh -c 'cat > %s; echo \"$LESS $LESSSECURE\" >> %s'", path, path);
    /* More than a pipe holds. */
    g_autofree char *text = g_strnfill(300000, 'x');

    set("SYSTEMD_PAGER", command);
    unsetenv("SYSTEMD_LESS");
    ck_assert(fleet_pager_show(text));
    g_autofree char *seen = fleet_test_read(path);
    ck_assert_uint_eq(strlen(seen), 300000 + strlen("FRSXMK 1\n"));
    ck_assert(g_str_has_suffix(seen, "xFRSXMK 1\n"));
}
END_TEST

START_TEST(reader_may_leave_early)
{
    g_autofree char *text = g_strnfill(300000, 'x');

    signal(SIGPIPE, SIG_IGN);
    set("SYSTEMD_PAGER", "true");
    ck_assert(fleet_pager_show(text));
}
END_TEST

START_TEST(missing_pager_is_no_pager)
{
    set("SYSTEMD_PAGER", "/nonexistent/pager");
    ck_assert(!fleet_pager_show("text"));
    set("SYSTEMD_PAGER", "");
    ck_assert(!fleet_pager_show("text"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli-pager");
    TCase *tcase = fleet_test_case(suite, "pager");

    tcase_add_test(tcase, variables_in_their_order);
    tcase_add_test(tcase, no_pager);
    tcase_add_test(tcase, less_is_the_default);
    tcase_add_test(tcase, text_reaches_the_pager);
    tcase_add_test(tcase, reader_may_leave_early);
    tcase_add_test(tcase, missing_pager_is_no_pager);
    return fleet_test_main(suite);
}
