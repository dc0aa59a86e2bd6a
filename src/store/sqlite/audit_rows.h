/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The table of the audit. Rows are added at its end and deleted at its beginning, never changed.
 */

#include "model/records.h"
#include "store/sqlite/database.h"

/* Adds a row, inside a transaction. */
gboolean fleet_audit_rows_insert(
        FleetDatabase *database, const FleetAuditRecord *record, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The rows whose number is below before (0 = from the newest), newest first, and the number of the last of them (0 =
 * none). NULL on error. */
GPtrArray *fleet_audit_rows_query(
        FleetDatabase *database, gint64 before, guint limit, gint64 *last, GError **error) G_GNUC_WARN_UNUSED_RESULT;
