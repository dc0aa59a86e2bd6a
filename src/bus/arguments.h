/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reading the arguments of calls that change something.
 */

#include "bus/call.h"

/* Reads strings into the pointers, up to NULL; they belong to the message. INVALID_ARGUMENT. */
gboolean fleet_arguments_strings(
        FleetCall *call, GError **error, const char **first, ...) G_GNUC_NULL_TERMINATED G_GNUC_WARN_UNUSED_RESULT;

/* The device or action that the call is about: the object's, or else the first argument. Is also noted for the audit.
 */
gboolean fleet_arguments_object(FleetCall *call, const char **id, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Reads the as that comes next: the devices of a call about many, as g_strfreev() frees them. INVALID_ARGUMENT,
 * LIMIT_EXCEEDED past FLEET_BATCH_MAX. */
char **fleet_arguments_ids(sd_bus_message *message, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Reads the a{ss} that comes next. INVALID_ARGUMENT, LIMIT_EXCEEDED. */
FleetParameters *fleet_arguments_parameters(sd_bus_message *message, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What the reply needs; freed with the call. */
void fleet_call_keep(FleetCall *call, gpointer state, GDestroyNotify free_state);
