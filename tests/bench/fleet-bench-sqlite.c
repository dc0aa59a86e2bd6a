/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * usage: fleet-bench-sqlite insert|commit|select|fill DATABASE NUMBER
 *
 * What SQLite itself takes for the rows of fleetd's devices in fleetd's mode, without a daemon around it; in seconds:
 *
 *   insert  NUMBER devices into a new database, 1,000 in a transaction: all of it
 *   commit  a new database's one device changed NUMBER times, each change a transaction: the median of one
 *   select  all columns of the NUMBER devices of a database that fleetd has made: all of it
 *
 * And it makes a long past, which fleetd itself would need hours for:
 *
 *   fill    a database that fleetd has made and left, with at least one action that has ended, so that it has NUMBER
 */

#include <glib.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH 1000

static sqlite3 *database;

static void check(int code, int expected)
{
    if (code == expected)
        return;
    fprintf(stderr, "fleet-bench-sqlite: %s\n", sqlite3_errmsg(database));
    exit(EXIT_FAILURE);
}

static void execute(const char *sql)
{
    check(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *statement;

    check(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    return statement;
}

static void step(sqlite3_stmt *statement)
{
    check(sqlite3_step(statement), SQLITE_DONE);
    check(sqlite3_reset(statement), SQLITE_OK);
}

static void make_tables(void)
{
    execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16000;"
            "CREATE TABLE devices (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, "
            "type TEXT NOT NULL, driver TEXT NOT NULL, status INTEGER NOT NULL, registered_at INTEGER NOT NULL, "
            "updated_at INTEGER NOT NULL, last_seen_at INTEGER NOT NULL, owner INTEGER NOT NULL) STRICT");
}

static void insert_device(sqlite3_stmt *insert, guint number)
{
    char id[32], name[32];

    g_snprintf(id, sizeof(id), "device-%07u", number);
    g_snprintf(name, sizeof(name), "Device number %u", number);
    check(sqlite3_bind_int64(insert, 1, number + 1), SQLITE_OK);
    check(sqlite3_bind_text(insert, 2, id, -1, SQLITE_STATIC), SQLITE_OK);
    check(sqlite3_bind_text(insert, 3, name, -1, SQLITE_STATIC), SQLITE_OK);
    check(sqlite3_bind_int64(insert, 4, g_get_real_time()), SQLITE_OK);
    step(insert);
}

static double insert(guint n)
{
    make_tables();
    sqlite3_stmt *row = prepare("INSERT INTO devices VALUES (?1, ?2, ?3, 'router', 'simulated', 0, ?4, ?4, 0, 0)");
    gint64 begun = g_get_monotonic_time();

    for (guint i = 0; i < n; i++) {
        if (i % BATCH == 0)
            execute("BEGIN IMMEDIATE");
        insert_device(row, i);
        if (i % BATCH == BATCH - 1 || i == n - 1)
            execute("COMMIT");
    }
    double seconds = (double)(g_get_monotonic_time() - begun) / G_USEC_PER_SEC;
    sqlite3_finalize(row);
    return seconds;
}

static int compare(const void *a, const void *b)
{
    gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

    return x < y ? -1 : x > y;
}

static double commit(guint n)
{
    g_autofree gint64 *times = g_new(gint64, n);

    (void)insert(1);
    sqlite3_stmt *begin = prepare("BEGIN IMMEDIATE"), *end = prepare("COMMIT");
    sqlite3_stmt *update = prepare("UPDATE devices SET status = ?1, updated_at = ?2 WHERE key = 1");
    for (guint i = 0; i < n; i++) {
        gint64 begun = g_get_monotonic_time();

        step(begin);
        check(sqlite3_bind_int64(update, 1, i % 2), SQLITE_OK);
        check(sqlite3_bind_int64(update, 2, begun), SQLITE_OK);
        step(update);
        step(end);
        times[i] = g_get_monotonic_time() - begun;
    }
    qsort(times, n, sizeof(*times), compare);
    sqlite3_finalize(begin);
    sqlite3_finalize(update);
    sqlite3_finalize(end);
    return (double)times[n / 2] / G_USEC_PER_SEC;
}

static double read_devices(guint n)
{
    sqlite3_stmt *select = prepare("SELECT * FROM devices");
    gint64 begun = g_get_monotonic_time();
    guint found = 0;
    int code;

    while ((code = sqlite3_step(select)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(select); i++)
            (void)(sqlite3_column_type(select, i) == SQLITE_TEXT ? sqlite3_column_bytes(select, i)
                                                                 : (int)sqlite3_column_int64(select, i));
        found++;
    }
    check(code, SQLITE_DONE);
    double seconds = (double)(g_get_monotonic_time() - begun) / G_USEC_PER_SEC;
    sqlite3_finalize(select);
    if (found != n) {
        fprintf(stderr, "fleet-bench-sqlite: %u devices are in the database instead of %u\n", found, n);
        exit(EXIT_FAILURE);
    }
    return seconds;
}

/* All columns of the actions but the first, which is the sequence. */
static char *read_columns(void)
{
    sqlite3_stmt *select = prepare("SELECT group_concat(name, ', ') FROM pragma_table_info('actions') "
                                   "WHERE name <> 'sequence'");

    check(sqlite3_step(select), SQLITE_ROW);
    char *columns = g_strdup((const char *)sqlite3_column_text(select, 0));
    sqlite3_finalize(select);
    return columns;
}

/* What is there is copied until there is enough, with new sequences. */
static double fill(guint n)
{
    g_autofree char *columns = read_columns();
    g_autofree char *sql = g_strdup_printf(
            "INSERT INTO actions (sequence, %s) SELECT sequence + (SELECT max(sequence) FROM actions), %s FROM actions "
            "WHERE status >= 2 LIMIT max(?1 - (SELECT count(*) FROM actions), 0)",
            columns, columns);
    sqlite3_stmt *copy = prepare(sql);
    gint64 begun = g_get_monotonic_time();

    execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -500000");
    do {
        check(sqlite3_bind_int64(copy, 1, n), SQLITE_OK);
        step(copy);
    } while (sqlite3_changes(database) > 0);
    sqlite3_finalize(copy);
    execute("PRAGMA journal_mode = WAL");
    return (double)(g_get_monotonic_time() - begun) / G_USEC_PER_SEC;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        double (*measure)(guint n);
    } measures[] = {{"insert", insert}, {"commit", commit}, {"select", read_devices}, {"fill", fill}};

    for (guint i = 0; argc == 4 && i < G_N_ELEMENTS(measures); i++) {
        if (!g_str_equal(argv[1], measures[i].name))
            continue;
        check(sqlite3_open(argv[2], &database), SQLITE_OK);
        printf("%s %.9g\n", argv[1], measures[i].measure((guint)strtoul(argv[3], NULL, 10)));
        check(sqlite3_close(database), SQLITE_OK);
        return EXIT_SUCCESS;
    }
    fputs("usage: fleet-bench-sqlite insert|commit|select|fill DATABASE NUMBER\n", stderr);
    return EXIT_FAILURE;
}
