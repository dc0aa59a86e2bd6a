/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One connection to the database, for one thread at a time. Errors are FLEET_STORE_ERROR_DATABASE unless said
 * otherwise, each message one line that names the file and the remedy.
 */

#include "store/store.h"

#include <glib.h>

/* As sqlite3.h has them, so that the rooms above need not include it. */
typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;

typedef struct FleetDatabase FleetDatabase;

/* Opens DIRECTORY/fleet.db to write, makes it where there is none and brings its schema up to date. What cannot be read
 * is left as it is. Progress, which may be NULL, is as for fleet_database_watch(). Also FLEET_STORE_ERROR_DIRECTORY. */
FleetDatabase *fleet_database_open(
        const char *directory, const FleetStoreProgress *progress, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Has progress told of each longer work of the connection from now on; NULL = no more. It must last so long. */
void fleet_database_watch(FleetDatabase *database, const FleetStoreProgress *progress);

/* Opens it a second time, to read. Statements end with an error soon after *cancelled (atomic) becomes nonzero. */
FleetDatabase *fleet_database_open_reader(
        const char *directory, const gint *cancelled, GError **error) G_GNUC_WARN_UNUSED_RESULT;

void fleet_database_close(FleetDatabase *database);

/* One transaction after the other. A failed commit and a failed change leave the transaction open: roll back at once.
 */
gboolean fleet_database_begin(FleetDatabase *database, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean fleet_database_commit(FleetDatabase *database, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void fleet_database_roll_back(FleetDatabase *database);

/* Moves what the log has gathered into the database, if that is due or a commit has failed. To be called between
 * transactions, when nobody waits for an answer. A failure loses nothing, is logged, and tried again later. */
void fleet_database_checkpoint(FleetDatabase *database);

/* For the files beside this one. */

sqlite3 *fleet_database_handle(FleetDatabase *database);

/* Runs SQL that gives no rows. */
gboolean fleet_database_execute(FleetDatabase *database, const char *sql, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The statement of a text, compiled once and kept: the text must be one static string. NULL on error. Reset it when
 * done. */
sqlite3_stmt *fleet_database_statement(
        FleetDatabase *database, const char *sql, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* sqlite3_prepare_v3() and sqlite3_step(), with what fleet_database_set_error() wants to know should they fail. */
int fleet_database_prepare(FleetDatabase *database, const char *sql, guint flags, sqlite3_stmt **statement);
int fleet_database_step(FleetDatabase *database, sqlite3_stmt *statement);

/* Runs a statement that changes exactly one row, and resets it. bound is the result of binding its parameters; what and
 * key name the row should it not be there. */
gboolean fleet_database_change_row(FleetDatabase *database, sqlite3_stmt *statement, int bound, const char *what,
        gint64 key, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same for a statement that may change any number of rows; *n is how many it did. */
gboolean fleet_database_change_rows(FleetDatabase *database, sqlite3_stmt *statement, int bound, guint *n,
        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Runs a query to its end, calling the function at each row, and resets it. FALSE from the function, with an error,
 * ends it at once. */
typedef gboolean (*FleetDatabaseRowFunc)(
        FleetDatabase *database, sqlite3_stmt *statement, gpointer user_data, GError **error);
gboolean fleet_database_read_rows(FleetDatabase *database, sqlite3_stmt *statement, int bound,
        FleetDatabaseRowFunc read_row, gpointer user_data, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The one integer that a query gives, 0 if it gives no row or NULL. */
gboolean fleet_database_read_integer(
        FleetDatabase *database, const char *sql, gint64 *value, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Sets the error that the connection had last. */
void fleet_database_set_error(FleetDatabase *database, GError **error);

/* Sets an error about what was found in the database. */
void fleet_database_set_error_damaged(FleetDatabase *database, GError **error, const char *format, ...)
        G_GNUC_PRINTF(3, 4);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetDatabase, fleet_database_close)
