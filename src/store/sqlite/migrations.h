/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The schema and its history. Each step takes a database from one schema to the next, in one transaction; PRAGMA
 * user_version says which schema a database has. A step that was released is never altered.
 */

#include "store/sqlite/database.h"

/* The schema that this program writes. */
guint fleet_migrations_newest(void) G_GNUC_CONST;

/* Brings a database that has an older schema, or none yet, to the newest. On an error it stays at the last step that
 * went through. */
gboolean fleet_migrations_run(FleetDatabase *database, guint schema, GError **error) G_GNUC_WARN_UNUSED_RESULT;
