/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Puts a configuration into force, at the start and at each reload.
 */

#include "core/engine.h"
#include "core/registry.h"
#include "daemon/config.h"
#include "daemon/options.h"

/* Sets the level and the target of the log: the command line's, else the configuration's, else, or where there is none
 * yet (NULL), the default. */
void fleet_settings_configure_log(const FleetConfig *config, const FleetOptions *options);

/* Hands the configuration to all that work by it, which keep what they need of it: config must outlive them, or its
 * replacement be put into force first. */
void fleet_settings_apply(
        const FleetConfig *config, const FleetOptions *options, FleetEngine *engine, FleetRegistry *registry);
