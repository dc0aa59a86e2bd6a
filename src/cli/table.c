/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/table.h"

#include "cli/colour.h"
#include "cli/text.h"

#include <string.h>

#define RULE_WIDTH 80 /* columns of a rule at the least */
#define CUT_WIDTH 8   /* columns down to which cells are cut before those of a column marked "keep" */

struct FleetTable {
    const FleetTableColumn *columns;
    guint n;
    guint *natural;   /* columns of the widest cell or the title */
    GPtrArray *cells; /* char *, row by row */
};

FleetTable *fleet_table_new(const FleetTableColumn *columns, guint n)
{
    FleetTable *table = g_new0(FleetTable, 1);

    table->columns = columns;
    table->n = n;
    table->cells = g_ptr_array_new_with_free_func(g_free);
    table->natural = g_new(guint, n);
    for (guint i = 0; i < n; i++)
        table->natural[i] = fleet_text_width(columns[i].title);
    return table;
}

void fleet_table_free(FleetTable *table)
{
    g_ptr_array_unref(table->cells);
    g_free(table->natural);
    g_free(table);
}

void fleet_table_add(FleetTable *table, const char *const *cells)
{
    for (guint i = 0; i < table->n; i++) {
        char *cell = *cells[i] == '\0' ? g_strdup("-") : fleet_text_clean(cells[i]);

        table->natural[i] = MAX(table->natural[i], fleet_text_width(cell));
        g_ptr_array_add(table->cells, cell);
    }
}

static guint total_width(const guint *widths, guint n)
{
    guint total = n - 1;

    for (guint i = 0; i < n; i++)
        total += widths[i];
    return total;
}

/* How far a column may be narrowed in one of the three rounds: its padding first, then cells that can be read up
 * without loss elsewhere, then all. */
static guint floor_width(const FleetTable *table, guint column, guint round)
{
    guint natural = table->natural[column];

    if (round == 0 || (round == 1 && table->columns[column].keep))
        return natural;
    return round == 1 ? MIN(natural, CUT_WIDTH) : 1;
}

/* Takes one column's width from whoever has the most above its floor. FALSE when nobody has any. */
static gboolean narrow(const FleetTable *table, guint *widths, guint round)
{
    guint best = 0, most = 0;

    for (guint i = 0; i < table->n; i++) {
        guint floor = floor_width(table, i, round);
        guint spare = widths[i] > floor ? widths[i] - floor : 0;
        if (spare >= most && spare > 0) {
            most = spare;
            best = i;
        }
    }
    if (most > 0)
        widths[best]--;
    return most > 0;
}

static void fit(const FleetTable *table, guint *widths, guint width)
{
    for (guint i = 0; i < table->n; i++)
        widths[i] = MAX(table->natural[i], table->columns[i].min_width);
    if (width == 0)
        return;
    for (guint round = 0; round < 3; round++)
        while (total_width(widths, table->n) > width && narrow(table, widths, round))
            ;
}

static void append_cell(
        GString *text, const char *cell, guint width, gboolean last, const char *colour, const FleetTableStyle *style)
{
    g_autofree char *cut = fleet_text_ellipsize(cell, width, style->ellipsis);

    if (colour != NULL)
        g_string_append(text, colour);
    fleet_text_append_padded(text, cut, last ? 0 : width);
    if (colour != NULL)
        g_string_append(text, FLEET_COLOUR_RESET);
    if (!last)
        g_string_append_c(text, ' ');
}

static void append_row(GString *text, const FleetTable *table, const char *const *cells, const guint *widths,
        const FleetTableStyle *style)
{
    for (guint i = 0; i < table->n; i++) {
        const char *colour = NULL;

        /* Without cells this is the line of titles, which has no colour. */
        if (style->colour && cells != NULL && table->columns[i].colour != NULL)
            colour = table->columns[i].colour(cells[i]);
        append_cell(
                text, cells != NULL ? cells[i] : table->columns[i].title, widths[i], i == table->n - 1, colour, style);
    }
    g_string_append_c(text, '\n');
}

static void append_rule(GString *text, guint width)
{
    for (guint i = 0; i < width; i++)
        g_string_append_c(text, '-');
    g_string_append_c(text, '\n');
}

static void append_legend(GString *text, const FleetTable *table, const guint *widths, const FleetTableStyle *style)
{
    guint rule = MAX(total_width(widths, table->n), RULE_WIDTH);
    g_autofree char *heading = NULL;

    if (style->width > 0)
        rule = MIN(rule, style->width);
    heading = fleet_text_ellipsize(style->heading, style->width > 0 ? style->width : G_MAXUINT, style->ellipsis);
    g_string_append_printf(text, "%s\n", heading);
    append_rule(text, rule);
    append_row(text, table, NULL, widths, style);
    append_rule(text, rule);
}

char *fleet_table_render(const FleetTable *table, const FleetTableStyle *style)
{
    GString *text = g_string_new(NULL);
    g_autofree guint *widths = g_new(guint, table->n);

    fit(table, widths, style->width);
    if (style->heading != NULL)
        append_legend(text, table, widths, style);
    for (guint row = 0; row < table->cells->len; row += table->n)
        append_row(text, table, (const char *const *)&table->cells->pdata[row], widths, style);
    return g_string_free(text, FALSE);
}
