/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The table of the attempts at actions.
 */

#include "model/records.h"
#include "store/sqlite/database.h"

/* Changes, each of one row, inside a transaction. An update inserts what is not there, unless the action is not there
 * either: then retention has deleted both. */
gboolean fleet_attempt_rows_insert(
        FleetDatabase *database, const FleetAttemptRecord *attempt, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean fleet_attempt_rows_update(
        FleetDatabase *database, const FleetAttemptRecord *attempt, GError **error) G_GNUC_WARN_UNUSED_RESULT;
