/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which bundle RAUC shall install: the parameter "url", or "path", a file of the machine's own.
 */

#include "model/parameters.h"

/* What RAUC is given; owned by the parameters. NULL, with UNSUPPORTED, if there is none, or not exactly one, or if it
 * is no such thing. */
const char *fleet_remote_bundle_source(const FleetParameters *parameters, GError **error) G_GNUC_WARN_UNUSED_RESULT;
