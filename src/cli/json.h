/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the daemon answers, as JSON: property names are keys, numbers stay numbers, times stay µs. The verbs that print
 * for people read the same values from it.
 */

#include "cli/sdbus.h"

#include <glib.h>
#include <json-glib/json-glib.h>

/*
 * Reads the next complete value of a message. Dictionaries become objects, arrays and structures arrays, variants what
 * they hold. On a message that ends too early or is malformed NULL and FAILED. The node is owned by the caller.
 */
JsonNode *fleet_json_read(sd_bus_message *message, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same for a dictionary with string keys: FAILED if the next value is anything else. Owned by the caller. */
JsonObject *fleet_json_read_object(sd_bus_message *message, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Reads a structure, naming its members in order. names ends with NULL. Owned by the caller. */
JsonObject *fleet_json_read_struct(
        sd_bus_message *message, const char *const *names, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Members of an object that a daemon sent. Where one is missing or of another kind the answer is empty: "" (static or
 * owned by the object), 0, 0.0, FALSE, NULL. */
const char *fleet_json_string(JsonObject *object, const char *name);
gint64 fleet_json_int(JsonObject *object, const char *name);
double fleet_json_double(JsonObject *object, const char *name);
gboolean fleet_json_bool(JsonObject *object, const char *name);
JsonObject *fleet_json_object(JsonObject *object, const char *name);

/* A node that holds the object; takes the reference. */
JsonNode *fleet_json_node(JsonObject *object) G_GNUC_WARN_UNUSED_RESULT;

/* The text of a node, in one line or indented. What could command a terminal is written as \uNNNN. Owned by the caller.
 */
char *fleet_json_to_text(JsonNode *node, gboolean pretty) G_GNUC_WARN_UNUSED_RESULT;
