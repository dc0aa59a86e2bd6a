/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/sqlite/database.h"

#include "base/log.h"
#include "store/directory.h"
#include "store/file.h"
#include "store/sqlite/database_file.h"
#include "store/sqlite/migrations.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define STATEMENTS_MAX 32
#define BUSY_TIMEOUT_MSEC 2000 /* for another program that writes, such as SQLite's shell */

/* Pages in the log after which a checkpoint is due. Large enough that pages which change often are copied once for many
 * transactions, small enough for the log to stay at some 20 MB. */
#define CHECKPOINT_PAGES 4000

/* Steps of SQLite's virtual machine between two looks at who waits: a millisecond or two. */
#define PROGRESS_STEPS 100000

typedef struct {
    const char *sql; /* static, compared by address */
    sqlite3_stmt *statement;
} CachedStatement;

struct FleetDatabase {
    sqlite3 *handle;
    char *path;
    CachedStatement statements[STATEMENTS_MAX];
    guint n_statements;
    int log_pages;     /* after the last commit */
    int checkpoint_at; /* pages in the log */
    gboolean checkpoint_failed;
    gboolean log_inherited; /* from a process that was killed, and not on the disk for sure */
    int system_errno;       /* of the last call of SQLite that failed, as far as it left one; or 0 */
};

sqlite3 *fleet_database_handle(FleetDatabase *database)
{
    return database->handle;
}

/* SQLite takes a disk that cannot read for a corrupt file (SQLITE_IOERR_CORRUPTFS), and keeps no errno then. A backup
 * would be restored for nothing. */
static int get_code(FleetDatabase *database)
{
    int code = sqlite3_extended_errcode(database->handle);

    return (code & 0xff) == SQLITE_CORRUPT && database->system_errno == EIO ? SQLITE_IOERR_READ : code;
}

static gboolean is_corrupt(FleetDatabase *database)
{
    int code = get_code(database) & 0xff;

    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

/* What is to be done about an error; *reason replaces SQLite's wording where that tells less. */
static const char *find_remedy(int code, const char **reason)
{
    switch (code & 0xff) {
    case SQLITE_FULL:
        *reason = "disk is full";
        return "free space on its file system";
    case SQLITE_IOERR:
        *reason = "disk I/O error";
        return "check its disk";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return "make it and its directory readable and writable for fleetd";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        *reason = "another program writes to it";
        return "end that program";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return "it is corrupt, restore a backup or move it away";
    case SQLITE_NOMEM:
        return "free memory";
    default:
        return "restore a backup if others changed the database, else report this as a bug";
    }
}

void fleet_database_set_error(FleetDatabase *database, GError **error)
{
    int code = get_code(database);
    /* SQLite does not keep the one of a failed COMMIT. */
    int system_errno = sqlite3_system_errno(database->handle);
    const char *reason = sqlite3_errmsg(database->handle);
    const char *remedy = find_remedy(code, &reason);
    gboolean from_system = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;

    if (system_errno == 0)
        system_errno = database->system_errno;
    /* Whatever SQLite was about: files beside the database, too, take room. */
    if (from_system && (system_errno == ENOSPC || system_errno == EDQUOT)) {
        remedy = find_remedy(SQLITE_FULL, &reason);
        from_system = FALSE;
    } else if (from_system && system_errno == EROFS)
        remedy = "mount its file system to be written, or use another --state-directory";
    if (from_system && system_errno != 0)
        g_set_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DATABASE, "database '%s': %s (%s); %s", database->path,
                reason, g_strerror(system_errno), remedy);
    else
        g_set_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DATABASE, "database '%s': %s; %s", database->path,
                reason, remedy);
}

void fleet_database_set_error_damaged(FleetDatabase *database, GError **error, const char *format, ...)
{
    g_autofree char *what = NULL;
    va_list ap;

    va_start(ap, format);
    what = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_set_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DATABASE,
            "database '%s' is damaged: %s; restore a backup or repair the row", database->path, what);
}

/* Keeps the errno of a call of SQLite that was just made; it was 0 before. The call's result code. */
static int note_errno(FleetDatabase *database, int code)
{
    database->system_errno = code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE ? 0 : errno;
    return code;
}

int fleet_database_prepare(FleetDatabase *database, const char *sql, guint flags, sqlite3_stmt **statement)
{
    errno = 0;
    return note_errno(database, sqlite3_prepare_v3(database->handle, sql, -1, flags, statement, NULL));
}

int fleet_database_step(FleetDatabase *database, sqlite3_stmt *statement)
{
    errno = 0;
    return note_errno(database, sqlite3_step(statement));
}

static gboolean check(FleetDatabase *database, int code, GError **error)
{
    if (code == SQLITE_OK)
        return TRUE;
    fleet_database_set_error(database, error);
    return FALSE;
}

gboolean fleet_database_execute(FleetDatabase *database, const char *sql, GError **error)
{
    errno = 0;
    return check(database, note_errno(database, sqlite3_exec(database->handle, sql, NULL, NULL, NULL)), error);
}

sqlite3_stmt *fleet_database_statement(FleetDatabase *database, const char *sql, GError **error)
{
    CachedStatement *cached;

    for (guint i = 0; i < database->n_statements; i++)
        if (database->statements[i].sql == sql)
            return database->statements[i].statement;

    g_assert(database->n_statements < STATEMENTS_MAX);
    cached = &database->statements[database->n_statements];
    if (!check(database, fleet_database_prepare(database, sql, SQLITE_PREPARE_PERSISTENT, &cached->statement), error))
        return NULL;
    cached->sql = sql;
    database->n_statements++;
    return cached->statement;
}

static gboolean run(FleetDatabase *database, const char *sql, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, sql, error);
    int code;

    if (statement == NULL)
        return FALSE;
    code = fleet_database_step(database, statement);
    if (code != SQLITE_DONE)
        fleet_database_set_error(database, error);
    sqlite3_reset(statement);
    return code == SQLITE_DONE;
}

gboolean fleet_database_change_rows(
        FleetDatabase *database, sqlite3_stmt *statement, int bound, guint *n, GError **error)
{
    int code = bound == SQLITE_OK ? fleet_database_step(database, statement) : bound;

    if (code != SQLITE_DONE)
        fleet_database_set_error(database, error);
    sqlite3_reset(statement);
    *n = code == SQLITE_DONE ? (guint)sqlite3_changes(database->handle) : 0;
    return code == SQLITE_DONE;
}

gboolean fleet_database_change_row(
        FleetDatabase *database, sqlite3_stmt *statement, int bound, const char *what, gint64 key, GError **error)
{
    guint n;

    if (!fleet_database_change_rows(database, statement, bound, &n, error))
        return FALSE;
    if (n == 1)
        return TRUE;
    fleet_database_set_error_damaged(database, error, "%s %" G_GINT64_FORMAT " is missing", what, key);
    return FALSE;
}

gboolean fleet_database_read_rows(FleetDatabase *database, sqlite3_stmt *statement, int bound,
        FleetDatabaseRowFunc read_row, gpointer user_data, GError **error)
{
    gboolean going = TRUE;
    int code = bound;

    while (going && (code == SQLITE_OK || code == SQLITE_ROW)) {
        code = fleet_database_step(database, statement);
        if (code == SQLITE_ROW)
            going = read_row(database, statement, user_data, error);
    }
    if (going && code != SQLITE_DONE)
        fleet_database_set_error(database, error);
    sqlite3_reset(statement);
    return going && code == SQLITE_DONE;
}

gboolean fleet_database_read_integer(FleetDatabase *database, const char *sql, gint64 *value, GError **error)
{
    sqlite3_stmt *statement = NULL;
    int code;

    *value = 0;
    if (!check(database, fleet_database_prepare(database, sql, 0, &statement), error))
        return FALSE;
    code = fleet_database_step(database, statement);
    if (code == SQLITE_ROW)
        *value = sqlite3_column_int64(statement, 0);
    else if (code != SQLITE_DONE)
        fleet_database_set_error(database, error);
    sqlite3_finalize(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE;
}

static gboolean take_over_log(FleetDatabase *database, GError **error)
{
    g_autofree char *path = g_strconcat(database->path, "-wal", NULL);

    if (!fleet_file_write_again(path, error))
        return FALSE;
    database->log_inherited = FALSE;
    return TRUE;
}

gboolean fleet_database_begin(FleetDatabase *database, GError **error)
{
    if (!run(database, "BEGIN IMMEDIATE", error))
        return FALSE;
    /* Nobody else writes to the log now. */
    if (!database->log_inherited || take_over_log(database, error))
        return TRUE;
    fleet_database_roll_back(database);
    return FALSE;
}

gboolean fleet_database_commit(FleetDatabase *database, GError **error)
{
    return run(database, "COMMIT", error);
}

void fleet_database_roll_back(FleetDatabase *database)
{
    g_autoptr(GError) error = NULL;

    /* If the disk is full, emptying the log makes room in it. */
    database->checkpoint_at = 0;

    /* After some errors SQLite has rolled back by itself. */
    if (!sqlite3_get_autocommit(database->handle) && !fleet_database_execute(database, "ROLLBACK", &error))
        fleet_log_error("cannot roll back: %s", error->message);
}

static int on_log_grown(void *user_data, sqlite3 *handle, const char *schema, int pages)
{
    FleetDatabase *database = user_data;

    if (pages < database->log_pages) /* it was started anew */
        database->checkpoint_at = CHECKPOINT_PAGES;
    database->log_pages = pages;
    return SQLITE_OK;
}

void fleet_database_checkpoint(FleetDatabase *database)
{
    int code;

    if (database->log_pages < database->checkpoint_at)
        return;

    /* Readers may keep the log from being started anew; trying at each commit would then cost a sync each time. */
    database->checkpoint_at = database->log_pages + CHECKPOINT_PAGES;
    errno = 0;
    code = note_errno(
            database, sqlite3_wal_checkpoint_v2(database->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL));
    if (code == SQLITE_OK || code == SQLITE_BUSY) {
        database->checkpoint_failed = FALSE;
        return;
    }
    if (!database->checkpoint_failed) {
        g_autoptr(GError) error = NULL;

        fleet_database_set_error(database, &error);
        fleet_log_warning("cannot empty the log of changes, it grows until that works: %s", error->message);
    }
    database->checkpoint_failed = TRUE;
}

static FleetDatabase *connect(const char *path, int mode, GError **error)
{
    g_autoptr(FleetDatabase) database = g_new0(FleetDatabase, 1);

    database->path = g_strdup(path);
    database->checkpoint_at = CHECKPOINT_PAGES;
    if (!check(database, sqlite3_open_v2(path, &database->handle, mode | SQLITE_OPEN_NOMUTEX, NULL), error))
        return NULL;
    sqlite3_extended_result_codes(database->handle, 1);
    sqlite3_busy_timeout(database->handle, BUSY_TIMEOUT_MSEC);
    sqlite3_db_config(database->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(database->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return g_steal_pointer(&database);
}

/* Settings of the connection, none of which is written to the file. */
static gboolean configure(FleetDatabase *database, GError **error)
{
    return fleet_database_execute(database,
            "PRAGMA synchronous = FULL;"
            "PRAGMA journal_size_limit = 33554432;" /* bytes that a log may keep on disk once it is empty */
            "PRAGMA cell_size_check = ON;"          /* damage shall show early */
            "PRAGMA temp_store = MEMORY;",
            error);
}

static gboolean use_log(FleetDatabase *database, GError **error)
{
    sqlite3_stmt *statement = NULL;
    gboolean used = FALSE;
    int code = fleet_database_prepare(database, "PRAGMA journal_mode = WAL", 0, &statement);

    if (code == SQLITE_OK)
        code = fleet_database_step(database, statement);
    if (code == SQLITE_ROW)
        used = g_strcmp0((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
    if (code != SQLITE_ROW)
        fleet_database_set_error(database, error);
    else if (!used)
        g_set_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DATABASE,
                "database '%s' cannot have a write-ahead log there; use a --state-directory on a local file system",
                database->path);
    sqlite3_finalize(statement);
    return used;
}

static gboolean fill(const char *path, GError **error)
{
    g_autoptr(FleetDatabase) database = connect(path, SQLITE_OPEN_READWRITE, error);
    g_autofree char *set_application = g_strdup_printf("PRAGMA application_id = %d", FLEET_DATABASE_APPLICATION_ID);

    return database != NULL && configure(database, error) && fleet_database_execute(database, set_application, error) &&
           fleet_migrations_run(database, 0, error) && use_log(database, error);
}

/* Never replaces a file; where the file system cannot promise that, the lock does. */
static gboolean publish(const char *unfinished, const char *path)
{
    return renameat2(AT_FDCWD, unfinished, AT_FDCWD, path, RENAME_NOREPLACE) == 0 ||
           (errno == EINVAL && rename(unfinished, path) == 0);
}

/* The database gets its name once it is whole, so that a crash on the way there leaves nothing that looks like one. */
static gboolean create(const char *directory, const char *path, GError **error)
{
    static const char *const leftovers[] = {"", "-journal", "-wal", "-shm"};
    g_autofree char *unfinished = g_strconcat(path, ".new", NULL);
    g_autoptr(GError) cause = NULL;
    int fd;

    for (guint i = 0; i < G_N_ELEMENTS(leftovers); i++) {
        g_autofree char *leftover = g_strconcat(unfinished, leftovers[i], NULL);

        if (g_unlink(leftover) == 0)
            fleet_log_info("removed '%s', which an interrupted start left behind", leftover);
    }
    fd = open(unfinished, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && !fill(unfinished, &cause)) {
        g_unlink(unfinished);
        g_set_error_literal(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DIRECTORY, cause->message);
        return FALSE;
    }
    if (fd >= 0 && publish(unfinished, path))
        return fleet_directory_sync(directory, error);
    g_set_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DIRECTORY,
            "cannot make database '%s' (%s); make state directory '%s' writable or use another --state-directory", path,
            g_strerror(errno), directory);
    return FALSE;
}

/* Reads what the header says once the log is applied to it, and the schema: both must be ours before anything is
 * written. */
static gboolean identify(FleetDatabase *database, guint *schema, GError **error)
{
    g_autoptr(GError) local = NULL;
    gint64 application_id, version, tables;

    if (!fleet_database_read_integer(database, "PRAGMA application_id", &application_id, &local) ||
            !fleet_database_read_integer(database, "PRAGMA user_version", &version, &local) ||
            !fleet_database_read_integer(database, "SELECT count(*) FROM sqlite_schema", &tables, &local)) {
        if (is_corrupt(database))
            return fleet_database_file_refuse_corrupt(database->path, sqlite3_errmsg(database->handle), error);
        g_propagate_error(error, g_steal_pointer(&local));
        return FALSE;
    }
    if (application_id != FLEET_DATABASE_APPLICATION_ID)
        return fleet_database_file_refuse_foreign(database->path, (guint32)application_id, error);
    if (version <= 0)
        return fleet_database_file_refuse_corrupt(database->path, "it has no schema", error);
    if (version > fleet_migrations_newest())
        return fleet_database_file_refuse_newer(database->path, (guint32)version, error);
    *schema = (guint)version;
    return TRUE;
}

/* SQLite opens a file that it may only read as such, without an error. */
static gboolean check_writable(FleetDatabase *database, GError **error)
{
    if (sqlite3_db_readonly(database->handle, "main") == 0)
        return TRUE;
    g_set_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DATABASE,
            "database '%s' is read-only; make it a file that user %u may write", database->path, geteuid());
    return FALSE;
}

static int tell_progress(void *user_data)
{
    const FleetStoreProgress *progress = user_data;

    progress->working(progress->user_data);
    return 0;
}

void fleet_database_watch(FleetDatabase *database, const FleetStoreProgress *progress)
{
    sqlite3_progress_handler(
            database->handle, PROGRESS_STEPS, progress != NULL ? tell_progress : NULL, (gpointer)progress);
}

static gboolean migrate(FleetDatabase *database, guint schema, const FleetStoreProgress *progress, GError **error)
{
    guint newest = fleet_migrations_newest();

    if (schema == newest)
        return TRUE;
    if (progress != NULL)
        progress->migrating(schema, newest, progress->user_data);
    if (!fleet_migrations_run(database, schema, error))
        return FALSE;
    fleet_log_about(LOG_NOTICE, FLEET_LOG_SUBJECT(.message = FLEET_MESSAGE_DATABASE_MIGRATED),
            "brought database '%s' from schema %u to %u", database->path, schema, newest);
    return TRUE;
}

/*
 * If a sync failed before the last process was killed, what we read of its log may be in the kernel's memory and not on
 * the disk, and no later sync brings it there (fsync(2)). Nothing may build upon it before it is: not the database, to
 * which it will be moved, nor what is appended. If it cannot be made sure of now, all can be read, and that is tried
 * again before anything is written.
 */
static void inherit_log(FleetDatabase *database)
{
    g_autoptr(GError) error = NULL;

    database->log_inherited = TRUE;
    if (fleet_database_begin(database, &error))
        fleet_database_roll_back(database);
    else
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): it does not see that FALSE comes with an error */
        fleet_log_warning("nothing can be stored: %s", error->message);
}

FleetDatabase *fleet_database_open(const char *directory, const FleetStoreProgress *progress, GError **error)
{
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autoptr(FleetDatabase) database = NULL;
    FleetDatabaseFile file;
    guint schema = 0;

    if (!fleet_database_file_check(path, &file, error))
        return NULL;
    if (!file.exists) {
        if (!create(directory, path, error))
            return NULL;
        fleet_log_info("made database '%s'", path);
    }
    database = connect(path, SQLITE_OPEN_READWRITE, error);
    if (database == NULL || !check_writable(database, error))
        return NULL;

    /* Closing would move the log into a database that we are about to refuse. */
    sqlite3_db_config(database->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, (int)file.has_log, NULL);
    if (!identify(database, &schema, error))
        return NULL;
    sqlite3_db_config(database->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);

    fleet_database_watch(database, progress);
    if (!configure(database, error) || !use_log(database, error))
        return NULL;
    if (file.has_log)
        inherit_log(database);
    if (!migrate(database, schema, progress, error))
        return NULL;
    sqlite3_wal_hook(database->handle, on_log_grown, database);
    return g_steal_pointer(&database);
}

static int is_cancelled(void *user_data)
{
    return g_atomic_int_get((const gint *)user_data) != 0;
}

FleetDatabase *fleet_database_open_reader(const char *directory, const gint *cancelled, GError **error)
{
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autoptr(FleetDatabase) database = connect(path, SQLITE_OPEN_READONLY, error);

    if (database == NULL ||
            !fleet_database_execute(database, "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY", error))
        return NULL;
    sqlite3_progress_handler(database->handle, 10000, is_cancelled, (gpointer)cancelled);
    return g_steal_pointer(&database);
}

void fleet_database_close(FleetDatabase *database)
{
    for (guint i = 0; i < database->n_statements; i++)
        sqlite3_finalize(database->statements[i].statement);
    if (sqlite3_close(database->handle) != SQLITE_OK)
        fleet_log_error("cannot close database '%s': %s", database->path, sqlite3_errmsg(database->handle));
    g_free(database->path);
    g_free(database);
}
