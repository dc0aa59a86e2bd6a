/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The verbs on one device.
 */

#include "cli/verbs.h"

gboolean fleet_cli_verb_register(FleetCli *cli, const char *const *args, GError **error);
gboolean fleet_cli_verb_update(FleetCli *cli, const char *const *args, GError **error);
gboolean fleet_cli_verb_unregister(FleetCli *cli, const char *const *args, GError **error);
gboolean fleet_cli_verb_set_status(FleetCli *cli, const char *const *args, GError **error);
gboolean fleet_cli_verb_get_info(FleetCli *cli, const char *const *args, GError **error);

/* Prints a device for people: info holds the properties of org.fleet.Device. */
void fleet_device_print(FleetOutput *output, JsonObject *info);
