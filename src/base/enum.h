/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Enumerations and their strings. A table lists the strings in the order of the enumeration's values, which start at 0.
 */

#include <glib.h>

typedef struct {
    const char *what;         /* what a value is called in messages: "status" */
    const char *const *names; /* the strings, NULL-terminated, static */
    guint n;                  /* their number */
} FleetEnumTable;

/* A table over a static, NULL-terminated array of names. */
#define FLEET_ENUM_TABLE(what_, names_)                                                                                \
    {                                                                                                                  \
        .what = (what_), .names = (names_), .n = G_N_ELEMENTS(names_) - 1                                              \
    }

/* The string of a value, static. A value outside the table is a programming error. */
const char *fleet_enum_to_string(const FleetEnumTable *table, guint value);

/* The value of a string, exact to the letter. On an unknown string FALSE and INVALID_ARGUMENT, which names all that
 * would have been right. */
gboolean fleet_enum_from_string(
        const FleetEnumTable *table, const char *string, guint *value, GError **error) G_GNUC_WARN_UNUSED_RESULT;
