/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/timespan.h"

#include "base/clock.h"
#include "base/error.h"
#include "lib/main.h"

#include <string.h>

#define SEC FLEET_USEC_PER_SEC

static const struct {
    const char *string;
    gint64 usec;
} spans[] = {
        {"0", 0},
        {"0s", 0},
        {"90", 90 * SEC},
        {"10s", 10 * SEC},
        {"10 s", 10 * SEC},
        {" \t10s ", 10 * SEC},
        {"1us", 1},
        {"1usec", 1},
        {"1µs", 1},
        {"250ms", 250000},
        {"250msec", 250000},
        {"3sec", 3 * SEC},
        {"1second", SEC},
        {"2 seconds", 2 * SEC},
        {"1m", 60 * SEC},
        {"5min", 300 * SEC},
        {"1minute", 60 * SEC},
        {"2minutes", 120 * SEC},
        {"1h", 3600 * SEC},
        {"1hr", 3600 * SEC},
        {"1hour", 3600 * SEC},
        {"2hours", 7200 * SEC},
        {"1d", 86400 * SEC},
        {"1day", 86400 * SEC},
        {"2days", 172800 * SEC},
        {"1w", 604800 * SEC},
        {"1week", 604800 * SEC},
        {"2weeks", 1209600 * SEC},
        {"1.5h", 5400 * SEC},
        {"0.25ms", 250},
        {"5.s", 5 * SEC},
        {"5min 30s", 330 * SEC},
        {"5min30s", 330 * SEC},
        {"1h 2min 3s 4ms 5us", 3723004005},
        {"30s 5min", 330 * SEC},
        {"1s 1s", 2 * SEC},
        {"007s", 7 * SEC},
        {"0.4us", 0},
        {"0.5us", 1},
        {"9007199254740992us", 9007199254740992} /* the last of those that a double holds exactly */,
};

START_TEST(span_is_read)
{
    g_autoptr(GError) error = NULL;
    gint64 usec = -1;

    ck_assert_msg(fleet_timespan_parse(spans[_i].string, &usec, &error), "'%s' is refused", spans[_i].string);
    fleet_test_assert_no_error(error);
    ck_assert_msg(usec == spans[_i].usec, "'%s' is %" G_GINT64_FORMAT, spans[_i].string, usec);
}
END_TEST

static const char *const others[] = {
        "",
        " ",
        "s",
        "-1s",
        "+1s",
        ".5s",
        ".",
        "1..5s",
        "1.2.3s",
        "1e3s",
        "1e3",
        "0x10",
        "inf",
        "infinity",
        "nan",
        "ten",
        "10 parsecs",
        "10S",
        "10Min",
        "10s,",
        "5min -30s",
        "5min x",
        "1s\n",
        "9223372036855s",
        "2305843009213693952us", /* 2^61 */
        "99999999999999999999999999999w",
        "\xff",
        "1\xc2",
};

START_TEST(other_text_is_refused)
{
    g_autoptr(GError) error = NULL;
    gint64 usec = -1;

    ck_assert_msg(!fleet_timespan_parse(others[_i], &usec, &error), "'%s' is taken", others[_i]);
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    fleet_test_assert_contains(error->message, "is not a time span; write it like \"10s\", \"5min 30s\" or \"250ms\"");
    ck_assert(g_utf8_validate(error->message, -1, NULL));
    ck_assert_ptr_null(strchr(error->message, '\n'));
    ck_assert_int_eq(usec, -1);
}
END_TEST

START_TEST(a_number_beyond_all_doubles_is_refused)
{
    g_autofree char *digits = g_strnfill(400, '9');
    g_autoptr(GError) error = NULL;
    gint64 usec;

    ck_assert(!fleet_timespan_parse(digits, &usec, &error));
    ck_assert_uint_lt(strlen(error->message), 300);
}
END_TEST

static const struct {
    gint64 usec;
    const char *shown;
} shown[] = {
        {0, "0"},
        {1, "1us"},
        {999, "999us"},
        {1000, "1ms"},
        {1001, "1ms 1us"},
        {250000, "250ms"},
        {SEC, "1s"},
        {SEC + 1000, "1s 1ms"},
        {SEC + 1, "1s"},
        {65 * SEC, "1min 5s"},
        {60 * SEC, "1min"},
        {3600 * SEC, "1h"},
        {3600 * SEC + 5 * SEC, "1h"},
        {3660 * SEC + 5 * SEC, "1h 1min"},
        {90000 * SEC, "1d 1h"},
        {G_MAXINT64, "106751991d 4h"},
};

START_TEST(span_is_written)
{
    g_autofree char *text = fleet_timespan_format(shown[_i].usec);

    ck_assert_str_eq(text, shown[_i].shown);
}
END_TEST

START_TEST(what_is_written_can_be_read)
{
    static const gint64 exact[] = {0, 1, 1500, 250000, 10 * SEC, 65 * SEC, 3660 * SEC, 90000 * SEC};
    g_autofree char *text = fleet_timespan_format(exact[_i]);
    g_autoptr(GError) error = NULL;
    gint64 usec;

    ck_assert(fleet_timespan_parse(text, &usec, &error));
    ck_assert_int_eq(usec, exact[_i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("timespan");
    TCase *parse = fleet_test_case(suite, "parse");
    TCase *format = fleet_test_case(suite, "format");

    tcase_add_loop_test(parse, span_is_read, 0, (int)G_N_ELEMENTS(spans));
    tcase_add_loop_test(parse, other_text_is_refused, 0, (int)G_N_ELEMENTS(others));
    tcase_add_test(parse, a_number_beyond_all_doubles_is_refused);
    tcase_add_loop_test(format, span_is_written, 0, (int)G_N_ELEMENTS(shown));
    tcase_add_loop_test(format, what_is_written_can_be_read, 0, 8);
    return fleet_test_main(suite);
}
