/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/when.h"

#include "base/clock.h"
#include "cli/exit.h"
#include "lib/main.h"

#include <stdlib.h>
#include <time.h>

#define NOW (G_GINT64_CONSTANT(1705314600) * FLEET_USEC_PER_SEC) /* 2024-01-15 10:30:00 UTC */

static void set_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

static void assert_when(const char *text, gint64 expected)
{
    g_autoptr(GError) error = NULL;
    gint64 usec = -1;

    if (!fleet_when_parse(text, NOW, &usec, &error))
        fleet_test_fail("'%s': %s", text, error->message);
    if (usec != expected)
        fleet_test_fail("'%s' is %" G_GINT64_FORMAT " rather than %" G_GINT64_FORMAT, text, usec, expected);
}

START_TEST(times_are_local)
{
    set_zone("UTC");
    assert_when("2024-01-15 10:30:00", NOW);
    assert_when("2024-01-15 10:30", NOW);
    assert_when("2024-01-15T10:30", NOW);
    assert_when("2024-01-15 10:30:59", NOW + 59 * FLEET_USEC_PER_SEC);
    assert_when("2024-01-15", NOW - (10 * 60 + 30) * 60 * FLEET_USEC_PER_SEC);
    /* POSIX writes how far to go for UTC: this is two hours east. */
    set_zone("EET-2");
    assert_when("2024-01-15 12:30", NOW);
}
END_TEST

START_TEST(spans_are_from_now)
{
    assert_when("+0", NOW);
    assert_when("+90", NOW + 90 * FLEET_USEC_PER_SEC);
    assert_when("+1h 30min", NOW + 90 * 60 * FLEET_USEC_PER_SEC);
    assert_when("-2d", NOW - 2 * 86400 * FLEET_USEC_PER_SEC);
}
END_TEST

static void assert_refused(const char *text, const char *part)
{
    g_autoptr(GError) error = NULL;
    gint64 usec;

    if (fleet_when_parse(text, NOW, &usec, &error))
        fleet_test_fail("'%s' is taken as %" G_GINT64_FORMAT, text, usec);
    fleet_test_assert_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE);
    fleet_test_assert_contains(error->message, part);
}

START_TEST(all_else_is_refused)
{
    static const char *const texts[] = {"", "tomorrow", "18:00", "2024-01-15 ", "2024-01-15T", "2024-01-15 10",
            "2024-01-15 10:", "2024-01-15 10:3", "2024-01-15 10:30:", "2024-01-15 10:30:00 ", "2024-01-15 10:30:00Z",
            "2024-1-15", "24-01-15", "2024-01-15-", "2024-01-15  10:30", " 2024-01-15", "2024-02-30", "2024-13-01",
            "2024-01-15 24:00", "2024-01-15 10:60", "2024/01/15", "1705314600"};

    set_zone("UTC");
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        assert_refused(texts[i], "write it like \"2026-11-25 18:00\"");
    assert_refused("+soon", "'soon' is not a time span");
    assert_refused("+", "time span");
    assert_refused("--5min", "time span");
    assert_refused("1969-12-31 23:59", "before the year 1970");
    assert_refused("-100000d", "before the year 1970");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli-when");
    TCase *tcase = fleet_test_case(suite, "when");

    tcase_add_test(tcase, times_are_local);
    tcase_add_test(tcase, spans_are_from_now);
    tcase_add_test(tcase, all_else_is_refused);
    return fleet_test_main(suite);
}
