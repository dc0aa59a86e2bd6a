/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/sqlite/database_file.h"

#include "store/sqlite/migrations.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The header that SQLite documents at https://www.sqlite.org/fileformat.html: integers are big-endian. */
#define HEADER_SIZE 100
#define HEADER_MAGIC "SQLite format 3"
#define HEADER_PAGE_SIZE 16      /* two bytes; 1 stands for 65536 */
#define HEADER_CHANGES 24        /* counts changes ... */
#define HEADER_PAGES 28          /* ... pages of the file, which holds if ... */
#define HEADER_SCHEMA 60         /* PRAGMA user_version */
#define HEADER_APPLICATION_ID 68 /* PRAGMA application_id */
#define HEADER_PAGES_AS_OF 92    /* ... this counter equals the first */

static guint32 get_uint32(const guint8 *header, gsize offset)
{
    guint32 value;

    memcpy(&value, header + offset, sizeof(value));
    return GUINT32_FROM_BE(value);
}

gboolean fleet_database_file_refuse_foreign(const char *path, guint32 application_id, GError **error)
{
    g_set_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DATABASE,
            "database '%s' belongs to another program (application id 0x%08x): move it away or use another "
            "--state-directory; it was not touched",
            path, application_id);
    return FALSE;
}

gboolean fleet_database_file_refuse_newer(const char *path, guint32 schema, GError **error)
{
    g_set_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DATABASE,
            "database '%s' has schema %u, this fleetd knows up to %u; install a newer fleetd or restore a backup; it "
            "was not touched",
            path, schema, fleet_migrations_newest());
    return FALSE;
}

gboolean fleet_database_file_refuse_corrupt(const char *path, const char *reason, GError **error)
{
    g_set_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DATABASE,
            "database '%s' is corrupt (%s): restore a backup or move it away; it was not touched", path, reason);
    return FALSE;
}

/* The size of a file beside the database, 0 if it is not there. */
static gint64 get_companion_size(const char *path, const char *suffix)
{
    g_autofree char *companion = g_strconcat(path, suffix, NULL);
    struct stat st;

    return stat(companion, &st) == 0 ? (gint64)st.st_size : 0;
}

static gboolean check_header(const char *path, const guint8 *header, gint64 size, gboolean has_log, GError **error)
{
    if (size < HEADER_SIZE || memcmp(header, HEADER_MAGIC, sizeof(HEADER_MAGIC)) != 0)
        return fleet_database_file_refuse_corrupt(
                path, size == 0 ? "it is empty" : "it is not an SQLite database", error);
    if (get_uint32(header, HEADER_APPLICATION_ID) != FLEET_DATABASE_APPLICATION_ID)
        return fleet_database_file_refuse_foreign(path, get_uint32(header, HEADER_APPLICATION_ID), error);
    if (get_uint32(header, HEADER_SCHEMA) > fleet_migrations_newest())
        return fleet_database_file_refuse_newer(path, get_uint32(header, HEADER_SCHEMA), error);

    /* The log may hold the pages that the file lacks; then SQLite judges, which knows both. */
    gint64 page_size = header[HEADER_PAGE_SIZE] << 8 | header[HEADER_PAGE_SIZE + 1];
    gint64 expected = (page_size == 1 ? 65536 : page_size) * (gint64)get_uint32(header, HEADER_PAGES);
    if (!has_log && get_uint32(header, HEADER_CHANGES) == get_uint32(header, HEADER_PAGES_AS_OF) && size < expected) {
        g_autofree char *reason = g_strdup_printf(
                "it is cut short: %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " bytes are there", size, expected);
        return fleet_database_file_refuse_corrupt(path, reason, error);
    }
    return TRUE;
}

/* SQLite would apply what an older database left behind to the new one, which would destroy both. */
static gboolean check_missing(const char *path, GError **error)
{
    static const char *const suffixes[] = {"-wal", "-journal"};

    for (guint i = 0; i < G_N_ELEMENTS(suffixes); i++)
        if (get_companion_size(path, suffixes[i]) > 0) {
            g_set_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DATABASE,
                    "database '%s' is missing but its log '%s%s' is there: put the database back, or move the log away "
                    "as well",
                    path, path, suffixes[i]);
            return FALSE;
        }
    return TRUE;
}

/* The header, zeros where the file is shorter, and the size of the file. 0 or an errno. */
static int read_header(const char *path, guint8 header[static HEADER_SIZE], gint64 *size)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int result = 0;

    if (fd < 0)
        return errno;
    memset(header, 0, HEADER_SIZE);
    if (fstat(fd, &st) < 0)
        result = errno;
    else if (!S_ISREG(st.st_mode))
        result = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
    else if (pread(fd, header, HEADER_SIZE, 0) < 0)
        result = errno;
    else
        *size = st.st_size;
    close(fd);
    return result;
}

gboolean fleet_database_file_check(const char *path, FleetDatabaseFile *file, GError **error)
{
    guint8 header[HEADER_SIZE];
    gint64 size = 0;
    int failure = read_header(path, header, &size);

    file->exists = failure != ENOENT;
    file->has_log = get_companion_size(path, "-wal") > 0 || get_companion_size(path, "-journal") > 0;
    if (!file->exists)
        return check_missing(path, error);
    if (failure == 0)
        return check_header(path, header, size, file->has_log, error);
    g_set_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DATABASE,
            "database '%s' cannot be read (%s): make it a file that user %u may read and write", path,
            g_strerror(failure), geteuid());
    return FALSE;
}
