/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The database file before SQLite opens it: whether it is one of ours is read from its header, since SQLite may write
 * to a file, or beside it, as soon as it looks at it.
 */

#include <glib.h>

/* In the header of each database of ours; file(1) and others can tell it by this. "Fltd". */
#define FLEET_DATABASE_APPLICATION_ID 0x466c7464

typedef struct {
    gboolean exists;
    gboolean has_log; /* a log lies beside it: its last writer was killed */
} FleetDatabaseFile;

/* Looks at the file without changing anything. FLEET_STORE_ERROR_DATABASE if it is not a database of ours, of a newer
 * schema, or truncated. */
gboolean fleet_database_file_check(const char *path, FleetDatabaseFile *file, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Errors that may show only once the database is open. FALSE, for convenience. */
gboolean fleet_database_file_refuse_foreign(const char *path, guint32 application_id, GError **error);
gboolean fleet_database_file_refuse_newer(const char *path, guint32 schema, GError **error);
gboolean fleet_database_file_refuse_corrupt(const char *path, const char *reason, GError **error);
