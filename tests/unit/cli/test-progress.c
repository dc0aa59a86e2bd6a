/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/progress.h"

#include "base/clock.h"
#include "cli/text.h"
#include "lib/main.h"

#include <string.h>

static const FleetProgress half = {
        .status = "RUNNING",
        .phase = "installing",
        .fraction = 0.5,
        .known = TRUE,
        .elapsed = 12 * FLEET_USEC_PER_SEC,
};

static void assert_line(const FleetProgress *progress, guint width, gboolean utf8, const char *expected)
{
    g_autofree char *line = fleet_progress_render(progress, width, utf8);

    ck_assert_str_eq(line, expected);
}

START_TEST(bar_grows_with_the_width)
{
    assert_line(&half, 42, FALSE, "RUNNING [####----]  50%  installing  0:12");
    assert_line(&half, 44, FALSE, "RUNNING [#####-----]  50%  installing  0:12");
    assert_line(&half, 44, TRUE, "RUNNING [█████░░░░░]  50%  installing  0:12");
}
END_TEST

START_TEST(bar_ends_growing)
{
    g_autofree char *wide = fleet_progress_render(&half, 500, FALSE);

    ck_assert_uint_eq(strlen(wide), 40 + strlen("RUNNING []  50%  installing  0:12"));
}
END_TEST

START_TEST(small_terminals_get_no_bar)
{
    assert_line(&half, 40, FALSE, "RUNNING  50%  installing  0:12");
    assert_line(&half, 20, TRUE, "RUNNING  50%  inst…");
    assert_line(&half, 1, TRUE, "");
}
END_TEST

START_TEST(line_always_fits)
{
    for (guint width = 0; width < 200; width++) {
        g_autofree char *line = fleet_progress_render(&half, width, TRUE);
        ck_assert_uint_le(fleet_text_width(line), width > 0 ? width - 1 : 0);
    }
}
END_TEST

START_TEST(waiting_says_what_for)
{
    static const char *const phases[] = {"waiting-device", "waiting-slot", "waiting-retry"};

    for (guint i = 0; i < G_N_ELEMENTS(phases); i++) {
        FleetProgress waiting = {
                .status = "PENDING", .phase = phases[i], .known = TRUE, .elapsed = 7 * FLEET_USEC_PER_SEC};
        g_autofree char *line = fleet_progress_render(&waiting, 80, FALSE);
        g_autofree char *end = g_strdup_printf("   0%%  %s  0:07", phases[i]);

        ck_assert(g_str_has_prefix(line, "PENDING [--------"));
        ck_assert(g_str_has_suffix(line, end));
    }
}
END_TEST

START_TEST(unknown_progress_shows_no_number)
{
    FleetProgress progress = half;

    progress.known = FALSE;
    progress.phase = "";
    assert_line(&progress, 30, FALSE, "RUNNING [--------]       0:12");
}
END_TEST

START_TEST(fractions_are_clamped)
{
    FleetProgress progress = half;

    progress.fraction = 7;
    assert_line(&progress, 42, FALSE, "RUNNING [########] 100%  installing  0:12");
    progress.fraction = -1;
    assert_line(&progress, 42, FALSE, "RUNNING [--------]   0%  installing  0:12");
}
END_TEST

START_TEST(phases_cannot_command_the_terminal)
{
    FleetProgress progress = half;
    g_autofree char *line = NULL;

    progress.phase = "\033[2J";
    line = fleet_progress_render(&progress, 80, FALSE);
    fleet_test_assert_contains(line, "\\x1b[2J");
    ck_assert_ptr_null(strchr(line, '\033'));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli-progress");
    TCase *tcase = fleet_test_case(suite, "progress");

    tcase_add_test(tcase, bar_grows_with_the_width);
    tcase_add_test(tcase, bar_ends_growing);
    tcase_add_test(tcase, small_terminals_get_no_bar);
    tcase_add_test(tcase, line_always_fits);
    tcase_add_test(tcase, waiting_says_what_for);
    tcase_add_test(tcase, unknown_progress_shows_no_number);
    tcase_add_test(tcase, fractions_are_clamped);
    tcase_add_test(tcase, phases_cannot_command_the_terminal);
    return fleet_test_main(suite);
}
