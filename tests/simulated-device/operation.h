/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the devices can do: software_update, firmware_update, restart and config_update, of whose commands it is known
 * what they must hold, and any others, which just take their time.
 */

#include <glib.h>
#include <json-glib/json-glib.h>

typedef struct {
    char *name;
    char **types; /* of software or configuration; NULL = it has none */
} SimOperation;

/* What is offered unless said otherwise. */
#define SIM_OPERATIONS "software_update:apt,firmware_update,restart,config_update:settings"

/* Reads a list like SIM_OPERATIONS, in which several types are separated by "+". A GPtrArray of SimOperation, owned by
 * the caller; NULL with an error of G_OPTION_ERROR. */
GPtrArray *sim_operations_parse(const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The one of that name, owned by the list, or NULL. */
const SimOperation *sim_operations_find(const GPtrArray *operations, const char *name);

/* The names of the four that are known, NULL-terminated. Static. */
const char *const *sim_operation_known_names(void);

/* The payload of its capability. Owned by the caller. */
char *sim_operation_capability(const SimOperation *operation) G_GNUC_WARN_UNUSED_RESULT;

/* Whether a device that does this goes down and comes up again. */
gboolean sim_operation_restarts(const char *name);

/* Whether that is all that it does. */
gboolean sim_operation_is_restart(const char *name);

/* What is wrong with the payload of such a command, for its reason; NULL if nothing is. Owned by the caller. */
char *sim_operation_objection(const SimOperation *operation, JsonObject *payload) G_GNUC_WARN_UNUSED_RESULT;

/* Says in the payload of a failed command, beside its reason, which parts of it have failed, if it has parts. */
void sim_operation_add_failures(const char *name, JsonObject *payload, const char *reason);
