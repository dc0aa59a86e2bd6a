/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/program/output.h"
#include "lib/main.h"
#include "model/records.h"

#include <string.h>

/* What was reported, a line each. */
static GString *reports;
static guint64 logged;

static void progress(double value, gpointer user_data)
{
    g_string_append_printf(reports, "progress %.2f\n", value);
}

static void phase(const char *word, gpointer user_data)
{
    g_string_append_printf(reports, "phase %s\n", word);
}

static void status(const char *text, gpointer user_data)
{
    g_string_append_printf(reports, "status %s\n", text);
}

static void point_of_no_return(gpointer user_data)
{
    g_string_append(reports, "point-of-no-return\n");
}

static void take_log(const char *line, gpointer user_data)
{
    logged++;
    ck_assert(g_utf8_validate(line, -1, NULL));
    if (reports->len < 100000)
        g_string_append_printf(reports, "log %s\n", line);
}

static const FleetProgramOutputFuncs funcs = {
        .progress = progress,
        .phase = phase,
        .status = status,
        .point_of_no_return = point_of_no_return,
        .log = take_log,
};

static FleetProgramOutput *new_output(void)
{
    if (reports == NULL)
        reports = g_string_new(NULL);
    return fleet_program_output_new(&funcs, NULL);
}

static void feed(FleetProgramOutput *output, const char *text)
{
    fleet_program_output_feed(output, FLEET_PROGRAM_STDOUT, text, strlen(text));
}

static void expect(const char *expected)
{
    ck_assert_str_eq(reports->str, expected);
    g_string_truncate(reports, 0);
}

START_TEST(the_protocol)
{
    g_autoptr(FleetProgramOutput) output = new_output();

    feed(output, "PROGRESS 0.42\n");
    expect("progress 0.42\n");
    feed(output, "PHASE installing\nSTATUS copying files\nPOINT-OF-NO-RETURN\n");
    expect("phase installing\npoint-of-no-return\nstatus copying files\n");
    feed(output, "PROGRESS 1\r\nPROGRESS 0\n");
    expect("progress 0.00\n");
    ck_assert_str_eq(fleet_program_output_status(output), "copying files");
}
END_TEST

START_TEST(anything_else_is_log)
{
    static const char *const lines[] = {"PROGRESS", "PROGRESS ", "PROGRESS 42", "PROGRESS 1.5", "PROGRESS -1",
            "PROGRESS nan", "PROGRESS 0x1", "PROGRESS 0.5 x", " PROGRESS 0.5", "progress 0.5", "PHASE Installing",
            "PHASE two words", "PHASE ", "POINT-OF-NO-RETURN now", "STATUS", "hello"};

    for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(FleetProgramOutput) output = new_output();
        g_autofree char *line = g_strconcat(lines[i], "\n", NULL);
        g_autofree char *expected = g_strdup_printf("log %s\n", lines[i]);

        feed(output, line);
        expect(expected);
    }
}
END_TEST

START_TEST(stderr_is_log)
{
    g_autoptr(FleetProgramOutput) output = new_output();

    fleet_program_output_feed(output, FLEET_PROGRAM_STDERR, "PROGRESS 0.5\n", 13);
    expect("log PROGRESS 0.5\n");
}
END_TEST

START_TEST(lines_may_come_in_pieces)
{
    g_autoptr(FleetProgramOutput) output = new_output();

    feed(output, "PRO");
    fleet_program_output_feed(output, FLEET_PROGRAM_STDERR, "other", 5);
    feed(output, "GRESS 0.");
    feed(output, "25");
    expect("");
    feed(output, "\nPHASE a");
    expect("progress 0.25\n");
    fleet_program_output_finish(output);
    expect("phase a\nlog other\n");
}
END_TEST

START_TEST(the_last_of_many_counts)
{
    g_autoptr(FleetProgramOutput) output = new_output();

    feed(output, "PROGRESS 0.1\nSTATUS a\nPROGRESS 0.2\nSTATUS b\nPROGRESS 0.3\n");
    expect("progress 0.30\nstatus b\n");
    feed(output, "PHASE a\nPHASE b\nPHASE a\n");
    expect("phase a\nphase b\nphase a\n");
}
END_TEST

START_TEST(what_is_said_again_is_a_sign_of_life)
{
    g_autoptr(FleetProgramOutput) output = new_output();

    feed(output, "PHASE a\nSTATUS b\nPROGRESS 0.5\n");
    g_string_truncate(reports, 0);
    feed(output, "PHASE a\nPHASE a\n");
    expect("phase a\n");
    feed(output, "STATUS b\nSTATUS b\n");
    expect("status b\n");
    feed(output, "PROGRESS 0.5\nPROGRESS 0.5\n");
    expect("progress 0.50\n");
}
END_TEST

START_TEST(phases_have_an_end)
{
    g_autoptr(FleetProgramOutput) output = new_output();

    for (guint i = 0; i < FLEET_PROGRAM_PHASES_MAX; i++)
        feed(output, i % 2 == 0 ? "PHASE a\n" : "PHASE b\n");
    g_string_truncate(reports, 0);
    feed(output, "PHASE c\n");
    expect("log PHASE c\n");
}
END_TEST

START_TEST(long_lines_are_cut_and_are_no_protocol)
{
    g_autoptr(FleetProgramOutput) output = new_output();
    g_autoptr(GString) line = g_string_new("STATUS ");

    while (line->len < FLEET_PROGRAM_LINE_MAX)
        g_string_append_c(line, 'x');
    g_string_append(line, "PROGRESS 0.5\nPROGRESS 0.75\n");
    feed(output, line->str);
    ck_assert_uint_eq(logged, 2);
    ck_assert(g_str_has_prefix(reports->str, "log STATUS xxx"));
    ck_assert(g_str_has_suffix(reports->str, "x\nlog PROGRESS 0.5\nprogress 0.75\n"));
}
END_TEST

START_TEST(a_line_that_just_fits_is_protocol)
{
    g_autoptr(FleetProgramOutput) output = new_output();
    g_autoptr(GString) line = g_string_new("STATUS ");

    while (line->len < FLEET_PROGRAM_LINE_MAX)
        g_string_append_c(line, 'x');
    g_string_append_c(line, '\n');
    feed(output, line->str);
    ck_assert_uint_eq(logged, 0);
    ck_assert_uint_eq(strlen(fleet_program_output_status(output)), 1024);
}
END_TEST

START_TEST(what_is_no_text_is_made_text)
{
    g_autoptr(FleetProgramOutput) output = new_output();
    static const char bytes[] = "a\0b\xff"
                                "c\x1b[31m\td\nPHASE \0x\nSTATUS \xc3\x28\n\xc2\x9b"
                                "2J\n"; /* U+009B, which commands a terminal as ESC [ does */

    fleet_program_output_feed(output, FLEET_PROGRAM_STDOUT, bytes, sizeof(bytes) - 1);
    expect("log a\xef\xbf\xbd"
           "b\xef\xbf\xbd"
           "c\xef\xbf\xbd[31m\td\nlog PHASE \xef\xbf\xbdx\nlog \xef\xbf\xbd"
           "2J\nstatus \xef\xbf\xbd(\n");
}
END_TEST

START_TEST(the_tail_is_the_end_of_the_log)
{
    g_autoptr(FleetProgramOutput) output = new_output();

    fleet_program_output_restore(output, "before\n");
    feed(output, "one\nPROGRESS 0.5\ntwo\nthree");
    fleet_program_output_finish(output);
    g_autofree char *whole = fleet_program_output_tail(output);
    ck_assert_str_eq(whole, "before\none\ntwo\nthree\n");

    for (guint i = 0; i < 5000; i++) {
        g_autofree char *line = g_strdup_printf("ünë %u\n", i);
        feed(output, line);
    }
    g_autofree char *tail = fleet_program_output_tail(output);
    ck_assert_uint_le(strlen(tail), FLEET_OUTPUT_MAX);
    ck_assert_uint_ge(strlen(tail), FLEET_OUTPUT_MAX - 20);
    ck_assert(g_utf8_validate(tail, -1, NULL));
    ck_assert(g_str_has_prefix(tail, "ünë "));
    ck_assert(g_str_has_suffix(tail, "ünë 4999\n"));
}
END_TEST

START_TEST(one_line_longer_than_the_tail_is_cut_between_characters)
{
    g_autoptr(FleetProgramOutput) output = new_output();
    g_autoptr(GString) line = g_string_new("x");

    while (line->len < FLEET_OUTPUT_MAX)
        g_string_append(line, "ü");
    fleet_program_output_restore(output, line->str);
    g_autofree char *tail = fleet_program_output_tail(output);
    ck_assert(g_utf8_validate(tail, -1, NULL));
    ck_assert(g_str_has_suffix(tail, "ü"));
    ck_assert_uint_le(strlen(tail), FLEET_OUTPUT_MAX);
}
END_TEST

START_TEST(a_flood_takes_no_memory)
{
    g_autoptr(FleetProgramOutput) output = new_output();
    g_autofree char *block = g_malloc(65536);

    memset(block, 'y', 65536);
    for (guint i = 0; i < 65536; i += 64)
        block[i] = '\n';
    for (guint i = 0; i < 16 * 50; i++)
        fleet_program_output_feed(output, i % 2 == 0 ? FLEET_PROGRAM_STDOUT : FLEET_PROGRAM_STDERR, block, 65536);
    g_autofree char *tail = fleet_program_output_tail(output);
    ck_assert_uint_le(strlen(tail), FLEET_OUTPUT_MAX);
    ck_assert_uint_gt(logged, 800000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("output");
    TCase *tcase = fleet_test_case(suite, "output");

    tcase_add_test(tcase, the_protocol);
    tcase_add_test(tcase, anything_else_is_log);
    tcase_add_test(tcase, stderr_is_log);
    tcase_add_test(tcase, lines_may_come_in_pieces);
    tcase_add_test(tcase, the_last_of_many_counts);
    tcase_add_test(tcase, what_is_said_again_is_a_sign_of_life);
    tcase_add_test(tcase, phases_have_an_end);
    tcase_add_test(tcase, long_lines_are_cut_and_are_no_protocol);
    tcase_add_test(tcase, a_line_that_just_fits_is_protocol);
    tcase_add_test(tcase, what_is_no_text_is_made_text);
    tcase_add_test(tcase, the_tail_is_the_end_of_the_log);
    tcase_add_test(tcase, one_line_longer_than_the_tail_is_cut_between_characters);
    tcase_add_test(tcase, a_flood_takes_no_memory);
    return fleet_test_main(suite);
}
