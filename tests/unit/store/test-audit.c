/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The audit: what is added comes back, newest first, and cannot be changed. */

#include "base/error.h"
#include "store_test.h"

#include <sqlite3.h>

typedef struct {
    gboolean done;
    GPtrArray *records;
    gint64 last;
    GError *error;
} Answer;

static void clear_answer(Answer *answer)
{
    g_clear_pointer(&answer->records, g_ptr_array_unref);
    g_clear_error(&answer->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Answer, clear_answer)

static void audit_found(GPtrArray *records, gint64 last, const GError *error, gpointer user_data)
{
    Answer *answer = user_data;

    answer->done = TRUE;
    answer->records = records != NULL ? g_ptr_array_ref(records) : NULL;
    answer->last = last;
    answer->error = error != NULL ? g_error_copy(error) : NULL;
}

/* A store with so many rows, each at the time of its number. */
static FleetTestStore *make_audit(const char *directory, guint n)
{
    FleetTestStore *test = fleet_test_store_new(directory);

    for (guint i = 1; i <= n; i++) {
        g_autoptr(FleetAuditRecord) record =
                fleet_audit_record_new(i, 1000, "/usr/bin/fleetctl", ":1.7", "SetDeviceStatus", "router-1", "ok");

        fleet_test_store_submit_audit(test, "", record);
    }
    fleet_test_store_settle(test);
    return test;
}

static void query(FleetTestStore *test, gint64 before, guint limit, Answer *answer)
{
    fleet_store_query_audit(test->store, before, limit, audit_found, answer);
    fleet_test_store_wait(&answer->done);
}

START_TEST(records_come_back_as_they_were)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetAuditRecord) record = fleet_audit_record_new(1700000000000001, G_MAXUINT32, "/opt/ü/a 'b' (deleted)",
            ":1.42", "CancelDeviceAction", "action_1_2", "org.fleet.Error.NotCancelable");
    g_autoptr(FleetAuditRecord) empty = fleet_audit_record_new(0, 0, "", "", "", "", "");
    g_auto(Answer) answer = {0};

    fleet_test_store_submit_audit(test, "one", record);
    fleet_test_store_submit_audit(test, "two", empty);
    fleet_test_store_settle(test);
    query(test, 0, 10, &answer);
    fleet_test_assert_no_error(answer.error);
    ck_assert_uint_eq(answer.records->len, 2);
    ck_assert_int_eq(answer.last, 1);

    const FleetAuditRecord *newest = answer.records->pdata[0], *oldest = answer.records->pdata[1];
    ck_assert_int_eq(newest->at, 0);
    ck_assert_str_eq(newest->executable, "");
    ck_assert_str_eq(newest->outcome, "");
    ck_assert_int_eq(oldest->at, record->at);
    ck_assert_uint_eq(oldest->uid, record->uid);
    ck_assert_str_eq(oldest->executable, record->executable);
    ck_assert_str_eq(oldest->sender, record->sender);
    ck_assert_str_eq(oldest->method, record->method);
    ck_assert_str_eq(oldest->object, record->object);
    ck_assert_str_eq(oldest->outcome, record->outcome);
}
END_TEST

START_TEST(pages_follow_each_other)
{
    static const struct {
        gint64 before;
        guint limit, n;
        gint64 first, last;
    } pages[] = {{0, 4, 4, 10, 7}, {7, 4, 4, 6, 3}, {3, 4, 2, 2, 1}, {1, 4, 0, 0, 0}, {0, 100, 10, 10, 1},
            {99, 1, 1, 10, 10}};
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = make_audit(directory, 10);
    g_auto(Answer) answer = {0};

    query(test, pages[_i].before, pages[_i].limit, &answer);
    fleet_test_assert_no_error(answer.error);
    ck_assert_uint_eq(answer.records->len, pages[_i].n);
    ck_assert_int_eq(answer.last, pages[_i].last);
    for (guint i = 0; i < answer.records->len; i++)
        ck_assert_int_eq(((const FleetAuditRecord *)answer.records->pdata[i])->at, pages[_i].first - i);
}
END_TEST

/* Not even by whoever has the database's file open. */
START_TEST(rows_cannot_be_changed)
{
    static const char *const changes[] = {"UPDATE audit SET outcome = 'ok'",
            "UPDATE audit SET number = 9 WHERE number = 1",
            "INSERT INTO audit VALUES (2, 0, 0, '', '', '', '', '') ON CONFLICT (number) DO UPDATE SET uid = 0"};
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autoptr(FleetTestStore) test = make_audit(directory, 3);
    g_autofree char *before = fleet_test_sql_read(path, "SELECT group_concat(number || uid || outcome) FROM audit");
    sqlite3 *shell = NULL;

    ck_assert_int_eq(sqlite3_open(path, &shell), SQLITE_OK);
    for (guint i = 0; i < G_N_ELEMENTS(changes); i++) {
        ck_assert_int_eq(sqlite3_exec(shell, changes[i], NULL, NULL, NULL), SQLITE_CONSTRAINT);
        ck_assert_str_eq(sqlite3_errmsg(shell), "the audit cannot be changed");
    }
    sqlite3_close(shell);
    g_autofree char *after = fleet_test_sql_read(path, "SELECT group_concat(number || uid || outcome) FROM audit");
    ck_assert_str_eq(after, before);
}
END_TEST

START_TEST(damaged_row_is_an_error)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autoptr(FleetTestStore) test = make_audit(directory, 1);
    g_auto(Answer) answer = {0};

    fleet_test_sql(path, "INSERT INTO audit VALUES (2, -5, 0, '', '', '', '', '')");
    query(test, 0, 10, &answer);
    ck_assert_ptr_null(answer.records);
    fleet_test_assert_error(answer.error, FLEET_ERROR, FLEET_ERROR_STORAGE_FAILED);
    fleet_test_assert_contains(answer.error->message, "audit row 2: at is -5");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store: audit");
    TCase *tcase = fleet_test_case(suite, "audit");

    tcase_add_test(tcase, records_come_back_as_they_were);
    tcase_add_loop_test(tcase, pages_follow_each_other, 0, 6);
    tcase_add_test(tcase, rows_cannot_be_changed);
    tcase_add_test(tcase, damaged_row_is_an_error);
    return fleet_test_main(suite);
}
