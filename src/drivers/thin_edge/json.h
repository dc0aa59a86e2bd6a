/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * JSON from anybody who may publish: looked through once, strictly and without recursion, and then read in place.
 * Values are pieces of a text that outlives them.
 */

#include <glib.h>

#define FLEET_THIN_EDGE_JSON_DEPTH 32 /* arrays and objects within each other */

typedef enum {
    FLEET_THIN_EDGE_JSON_NULL,
    FLEET_THIN_EDGE_JSON_FALSE,
    FLEET_THIN_EDGE_JSON_TRUE,
    FLEET_THIN_EDGE_JSON_NUMBER,
    FLEET_THIN_EDGE_JSON_STRING,
    FLEET_THIN_EDGE_JSON_ARRAY,
    FLEET_THIN_EDGE_JSON_OBJECT,
} FleetThinEdgeJsonKind;

typedef struct {
    const char *text; /* its first character */
    gsize length;     /* bytes, without blanks around it */
} FleetThinEdgeJson;

/* The one value that a text is: RFC 8259, in UTF-8, not deeper than FLEET_THIN_EDGE_JSON_DEPTH, and without \u0000.
 * INVALID_ARGUMENT, with what is wrong and where, if it is not. */
gboolean fleet_thin_edge_json_parse(
        const char *text, gsize length, FleetThinEdgeJson *value, GError **error) G_GNUC_WARN_UNUSED_RESULT;

FleetThinEdgeJsonKind fleet_thin_edge_json_kind(FleetThinEdgeJson value);

/* The members of an object, the elements of an array, one after the other. To begin with {.rest = the value}; key may
 * be NULL. FALSE once there is no further one. */
typedef struct {
    FleetThinEdgeJson rest;
} FleetThinEdgeJsonIter;
gboolean fleet_thin_edge_json_next(
        FleetThinEdgeJsonIter *iter, FleetThinEdgeJson *key, FleetThinEdgeJson *value) G_GNUC_WARN_UNUSED_RESULT;

/* Is a string, such as a member's key, that one? */
gboolean fleet_thin_edge_json_equals(FleetThinEdgeJson string, const char *text);

/* The text of a string. Owned by the caller. */
char *fleet_thin_edge_json_string(FleetThinEdgeJson string) G_GNUC_WARN_UNUSED_RESULT;

/* The value of a number; not finite if it is too large. */
double fleet_thin_edge_json_number(FleetThinEdgeJson number);

/* Appends a string in quotes, escaped. text is UTF-8. */
void fleet_thin_edge_json_append_string(GString *json, const char *text);
