/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the verbs that list have in common: rows are fetched page by page, however many there are, and printed as one
 * table or one array.
 */

#include "cli/table.h"
#include "cli/verbs.h"

/* What lists differ in. */
typedef struct {
    const char *method;
    const char *const *members; /* of a row, in the order of its structure; ends with NULL */
    /* Adds the entries of the call's filter; NULL where the method takes none. */
    int (*append_filter)(sd_bus_message *call, const FleetCliOptions *options);
    FleetTable *(*table_new)(void);
    void (*add_row)(FleetTable *table, JsonObject *row);
    /* The line above so many rows, of which there may be more. Owned by the caller. */
    char *(*heading)(guint n, gboolean more);
} FleetListing;

/* Calls a method of the form [a{sv} filter,] s cursor, u limit -> a(...), s next_cursor as often as it takes, and
 * prints the rows: as many as the options want. */
gboolean fleet_listing_show(FleetCli *cli, const FleetListing *listing, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Prints the rows of a reply that has them all in one array. */
gboolean fleet_listing_show_reply(
        FleetCli *cli, const FleetListing *listing, sd_bus_message *reply, GError **error) G_GNUC_WARN_UNUSED_RESULT;
