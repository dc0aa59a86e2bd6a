/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/table.h"

#include "cli/colour.h"
#include "cli/text.h"
#include "lib/main.h"

#include <string.h>

static const FleetTableColumn columns[] = {
        {.title = "Id", .min_width = 12, .keep = TRUE},
        {.title = "Name", .min_width = 10},
        {.title = "Status", .keep = TRUE, .colour = fleet_colour_of_status},
};

static FleetTable *table_with(const char *id, const char *name, const char *status)
{
    FleetTable *table = fleet_table_new(columns, G_N_ELEMENTS(columns));
    const char *const cells[] = {id, name, status};

    fleet_table_add(table, cells);
    return table;
}

static void assert_row(const FleetTable *table, guint width, const char *expected)
{
    FleetTableStyle style = {.width = width, .ellipsis = "…"};
    g_autofree char *text = fleet_table_render(table, &style);

    ck_assert_str_eq(text, expected);
}

START_TEST(cells_are_padded)
{
    g_autoptr(FleetTable) table = table_with("a", "b", "c");

    assert_row(table, 0, "a            b          c\n");
}
END_TEST

START_TEST(wide_cells_widen_their_column)
{
    g_autoptr(FleetTable) table = table_with("a", "日本語日本語", "IDLE");
    const char *const cells[] = {"a-very-long-identifier", "n", "BUSY"};

    fleet_table_add(table, cells);
    assert_row(table, 0,
            "a                      日本語日本語 IDLE\n"
            "a-very-long-identifier n            BUSY\n");
}
END_TEST

START_TEST(padding_goes_first)
{
    g_autoptr(FleetTable) table = table_with("abc", "def", "IDLE");

    /* 3 + 1 + 4 + 1 + 6 columns are enough, since the titles must fit as well. */
    assert_row(table, 15, "abc def  IDLE\n");
}
END_TEST

START_TEST(names_are_cut_before_identifiers)
{
    g_autoptr(FleetTable) table = table_with("an-identifier", "a name that goes on and on", "MAINTENANCE");

    assert_row(table, 40, "an-identifier a name that g… MAINTENANCE\n");
    assert_row(table, 34, "an-identifier a name … MAINTENANCE\n");
}
END_TEST

START_TEST(at_last_everything_is_cut)
{
    g_autoptr(FleetTable) table = table_with("an-identifier", "a name that goes on and on", "MAINTENANCE");

    for (guint width = 5; width < 80; width++) {
        FleetTableStyle style = {.width = width, .ellipsis = "…", .heading = "A heading of some length (1 total):"};
        g_autofree char *text = fleet_table_render(table, &style);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        ck_assert_uint_eq(g_strv_length(lines), 6);
        for (guint i = 0; lines[i] != NULL; i++)
            ck_assert_uint_le(fleet_text_width(lines[i]), width);
    }
}
END_TEST

START_TEST(legend_has_two_rules)
{
    g_autoptr(FleetTable) table = table_with("a", "b", "c");
    FleetTableStyle style = {.heading = "Things (1 total):", .ellipsis = "…"};
    g_autofree char *text = fleet_table_render(table, &style);
    g_autofree char *rule = g_strnfill(80, '-');
    g_autofree char *expected = g_strdup_printf("Things (1 total):\n%s\n"
                                                "Id           Name       Status\n%s\n"
                                                "a            b          c\n",
            rule, rule);

    ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(rules_are_as_wide_as_the_table)
{
    g_autofree char *name = g_strnfill(100, 'n');
    g_autofree char *rule = g_strnfill(12 + 1 + 100 + 1 + 6, '-');
    g_autoptr(FleetTable) table = table_with("a", name, "c");
    FleetTableStyle style = {.heading = "Things:", .ellipsis = "…"};
    g_autofree char *text = fleet_table_render(table, &style);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    ck_assert_str_eq(lines[1], rule);
    ck_assert_str_eq(lines[3], rule);
}
END_TEST

START_TEST(cells_cannot_break_the_table)
{
    g_autoptr(FleetTable) table = table_with("a\nb", "", "\033[2J");

    assert_row(table, 0, "a\\x0ab       -          \\x1b[2J\n");
}
END_TEST

START_TEST(colour_does_not_count_as_width)
{
    g_autoptr(FleetTable) table = table_with("a", "b", "ERROR");
    FleetTableStyle style = {.colour = TRUE, .ellipsis = "…"};
    g_autofree char *text = fleet_table_render(table, &style);

    ck_assert_str_eq(text, "a            b          \033[31mERROR\033[0m\n");
}
END_TEST

START_TEST(empty_table_has_its_legend)
{
    g_autoptr(FleetTable) table = fleet_table_new(columns, G_N_ELEMENTS(columns));
    FleetTableStyle style = {.heading = "Things (0 total):", .ellipsis = "…"};
    g_autofree char *text = fleet_table_render(table, &style);

    fleet_test_assert_matches(text, "^Things \\(0 total\\):\n-{80}\nId           Name       Status\n-{80}\n$");
    assert_row(table, 0, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli-table");
    TCase *tcase = fleet_test_case(suite, "table");

    tcase_add_test(tcase, cells_are_padded);
    tcase_add_test(tcase, wide_cells_widen_their_column);
    tcase_add_test(tcase, padding_goes_first);
    tcase_add_test(tcase, names_are_cut_before_identifiers);
    tcase_add_test(tcase, at_last_everything_is_cut);
    tcase_add_test(tcase, legend_has_two_rules);
    tcase_add_test(tcase, rules_are_as_wide_as_the_table);
    tcase_add_test(tcase, cells_cannot_break_the_table);
    tcase_add_test(tcase, colour_does_not_count_as_width);
    tcase_add_test(tcase, empty_table_has_its_legend);
    return fleet_test_main(suite);
}
