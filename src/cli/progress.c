/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/progress.h"

#include "cli/actions.h"
#include "cli/text.h"

#define BAR_MIN 8  /* columns; below it says nothing */
#define BAR_MAX 40 /* columns; above it says no more */

static void append_bar(GString *line, guint cells, double fraction, gboolean utf8)
{
    guint full = (guint)(CLAMP(fraction, 0.0, 1.0) * cells);

    g_string_append_c(line, '[');
    for (guint i = 0; i < cells; i++)
        g_string_append(line, i < full ? (utf8 ? "█" : "#") : (utf8 ? "░" : "-"));
    g_string_append(line, "] ");
}

char *fleet_progress_render(const FleetProgress *progress, guint width, gboolean utf8)
{
    g_autoptr(GString) line = g_string_new(NULL);
    g_autofree char *percent = progress->known ? fleet_action_progress_text(TRUE, progress->fraction) : g_strdup("");
    g_autofree char *elapsed = fleet_text_elapsed(progress->elapsed);
    g_autofree char *status = fleet_text_clean(progress->status);
    g_autofree char *phase = fleet_text_clean(progress->phase);
    g_autofree char *details = g_strdup_printf("%4s  %s%s%s", percent, phase, *phase != '\0' ? "  " : "", elapsed);
    guint taken = fleet_text_width(status) + fleet_text_width(details);

    g_string_printf(line, "%s ", status);
    /* A space, two brackets and a space go with the bar; the last column stays free, or some terminals wrap. */
    if (width >= taken + BAR_MIN + 5)
        append_bar(line, MIN(width - taken - 5, BAR_MAX), progress->known ? progress->fraction : 0, utf8);
    g_string_append(line, details);
    return fleet_text_ellipsize(line->str, width > 0 ? width - 1 : 0, utf8 ? "…" : "...");
}
