/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A table of text whose columns line up whatever the width of what stands in them.
 */

#include <glib.h>

typedef struct {
    const char *title;
    guint min_width; /* columns that it takes at the least, where there is room */
    gboolean keep;   /* cut only when cutting the others was not enough: what a user wants to copy */
    /* Which colour a cell gets, as an escape sequence; NULL = none. The member itself may be NULL. */
    const char *(*colour)(const char *cell);
} FleetTableColumn;

/* How a table is laid out. */
typedef struct {
    const char *heading;  /* the line above, without a line's end; NULL = no heading, rules and titles either */
    guint width;          /* columns that a line may take; 0 = any number */
    const char *ellipsis; /* where a text had to be cut */
    gboolean colour;
} FleetTableStyle;

typedef struct FleetTable FleetTable;

/* An empty table. The columns are not copied. */
FleetTable *fleet_table_new(const FleetTableColumn *columns, guint n) G_GNUC_WARN_UNUSED_RESULT;
void fleet_table_free(FleetTable *table);

/* Adds a row of as many cells as there are columns; they are copied and cleaned, an empty one is shown as "-". */
void fleet_table_add(FleetTable *table, const char *const *cells);

/* The whole text, each line ended. Owned by the caller. */
char *fleet_table_render(const FleetTable *table, const FleetTableStyle *style) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetTable, fleet_table_free)
