/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store_test.h"

#include <glib/gstdio.h>
#include <sqlite3.h>
#include <stdarg.h>

typedef struct {
    FleetTestStore *test;
    const char *name;
} Owner;

static void note(FleetTestStore *test, const char *what, const char *name)
{
    g_autofree char *event = g_strdup_printf("%s %s", what, name);

    g_string_append_printf(test->events, "%s\n", event);
    if (test->hook != NULL)
        test->hook(test, event);
}

static void committed(gpointer transaction)
{
    Owner *owner = transaction;

    note(owner->test, "committed", owner->name);
}

static void roll_back(gpointer transaction)
{
    Owner *owner = transaction;

    note(owner->test, "rolled back", owner->name);
}

static void failed(gpointer transaction, const GError *error)
{
    Owner *owner = transaction;

    g_clear_error(&owner->test->failure);
    owner->test->failure = g_error_copy(error);
    note(owner->test, "failed", owner->name);
}

static void state_changed(FleetStorageState state, const char *reason, gpointer user_data)
{
    FleetTestStore *test = user_data;

    g_free(test->reason);
    test->reason = g_strdup(reason);
    note(test, "state", state == FLEET_STORAGE_OK ? "ok" : "failed");
}

FleetTestStore *fleet_test_store_new(const char *directory)
{
    static const FleetStoreCallbacks callbacks = {committed, roll_back, failed};
    FleetTestStore *test = g_new0(FleetTestStore, 1);
    g_autoptr(GError) error = NULL;

    test->owners = g_ptr_array_new_with_free_func(g_free);
    test->events = g_string_new(NULL);
    test->store = fleet_store_open(directory, NULL, &error);
    fleet_test_assert_no_error(error);
    ck_assert_ptr_nonnull(test->store);
    fleet_store_start(test->store, &callbacks, state_changed, test);
    return test;
}

void fleet_test_store_free(FleetTestStore *test)
{
    g_clear_pointer(&test->store, fleet_store_free);
    g_ptr_array_unref(test->owners);
    g_string_free(test->events, TRUE);
    g_clear_error(&test->failure);
    g_free(test->reason);
    g_free(test);
}

void fleet_test_store_submit(FleetTestStore *test, const char *name, const FleetChange *changes, guint n)
{
    Owner *owner = g_new0(Owner, 1);

    owner->test = test;
    owner->name = name;
    g_ptr_array_add(test->owners, owner);
    fleet_store_submit(test->store, changes, n, owner);
}

void fleet_test_store_submit_device(
        FleetTestStore *test, const char *name, FleetChangeKind kind, const FleetDevice *device)
{
    fleet_test_store_submit(test, name, &(FleetChange){.kind = kind, .device = device}, 1);
}

void fleet_test_store_submit_action(
        FleetTestStore *test, const char *name, FleetChangeKind kind, const FleetAction *action)
{
    fleet_test_store_submit(test, name, &(FleetChange){.kind = kind, .action = action}, 1);
}

void fleet_test_store_submit_attempt(
        FleetTestStore *test, const char *name, FleetChangeKind kind, const FleetAttemptRecord *attempt)
{
    fleet_test_store_submit(test, name, &(FleetChange){.kind = kind, .attempt = attempt}, 1);
}

void fleet_test_store_submit_audit(FleetTestStore *test, const char *name, const FleetAuditRecord *record)
{
    fleet_test_store_submit(test, name, &(FleetChange){.kind = FLEET_CHANGE_INSERT_AUDIT, .audit = record}, 1);
}

static gboolean expire(gpointer user_data)
{
    *(gboolean *)user_data = TRUE;
    return G_SOURCE_REMOVE;
}

static guint start_deadline(gboolean *expired)
{
    return g_timeout_add((guint)(FLEET_TEST_PATIENCE * fleet_test_slowness() * 1000), expire, expired);
}

void fleet_test_store_settle(FleetTestStore *test)
{
    gboolean expired = FALSE;
    guint deadline = start_deadline(&expired);

    while (fleet_store_in_flight(test->store) > 0 && !expired)
        g_main_context_iteration(NULL, TRUE);
    if (expired)
        fleet_test_fail("%u transactions did not come back", fleet_store_in_flight(test->store));
    g_source_remove(deadline);
}

void fleet_test_store_wait(const gboolean *flag)
{
    gboolean expired = FALSE;
    guint deadline = start_deadline(&expired);

    while (!*flag && !expired)
        g_main_context_iteration(NULL, TRUE);
    if (expired)
        fleet_test_fail("what was waited for did not come");
    g_source_remove(deadline);
}

void fleet_test_store_assert_events_at(const char *file, int line, FleetTestStore *test, ...)
{
    g_autoptr(GString) expected = g_string_new(NULL);
    const char *event;
    va_list ap;

    va_start(ap, test);
    while ((event = va_arg(ap, const char *)) != NULL)
        g_string_append_printf(expected, "%s\n", event);
    va_end(ap);
    if (!g_string_equal(expected, test->events))
        fleet_test_fail_at(file, line, "expected these events:\n%sbut got:\n%s", expected->str, test->events->str);
    g_string_truncate(test->events, 0);
}

FleetDevice *fleet_test_device(gint64 key, const char *id)
{
    FleetDevice *device = fleet_device_new(id, "a name", "router", "simulated");

    device->key = key;
    device->status = device->own_status = FLEET_DEVICE_MAINTENANCE;
    device->registered_at = 1700000000000001 + key % 1000;
    device->updated_at = 1700000000000002 + key % 1000;
    device->last_seen_at = 1700000000000003 + key % 1000;
    device->owner_uid = 1004;
    fleet_device_set_address(device, "an address");
    return device;
}

FleetAction *fleet_test_action(gint64 sequence, const char *device_id)
{
    GRefString *device = g_ref_string_new(device_id);
    GRefString *type = g_ref_string_new_intern("SOFTWARE_UPDATE");
    GRefString *driver = g_ref_string_new_intern("simulated");
    g_autoptr(FleetParameters) parameters = fleet_test_parameters("url", "https://example.com/1", NULL);
    gint64 initiated_at = 1700000000123456 + sequence % 1000 * 1000000;
    FleetAction *action =
            fleet_action_new((FleetActionId){initiated_at / 1000, sequence}, device, type, driver, parameters);

    action->initiated_at = initiated_at;
    action->moved_at = initiated_at;
    g_ref_string_release(device);
    g_ref_string_release(type);
    g_ref_string_release(driver);
    return action;
}

FleetParameters *fleet_test_parameters(const char *key, ...)
{
    g_autoptr(GPtrArray) pairs = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    FleetParameters *parameters;
    va_list ap;

    va_start(ap, key);
    for (const char *text = key; text != NULL; text = va_arg(ap, const char *))
        g_ptr_array_add(pairs, (gpointer)text);
    va_end(ap);
    parameters = fleet_parameters_new((const char *const *)pairs->pdata, pairs->len / 2, &error);
    fleet_test_assert_no_error(error);
    return parameters;
}

void fleet_test_assert_same_device(const FleetDevice *device, const FleetDevice *expected)
{
    ck_assert_int_eq(device->key, expected->key);
    ck_assert_str_eq(device->id, expected->id);
    ck_assert_str_eq(device->name, expected->name);
    ck_assert_str_eq(device->type, expected->type);
    ck_assert_str_eq(device->driver, expected->driver);
    ck_assert_str_eq(device->address, expected->address);
    ck_assert_uint_eq(device->status, expected->status);
    ck_assert_uint_eq(device->own_status, expected->own_status);
    ck_assert_uint_eq(device->presence, expected->presence);
    ck_assert_int_eq(device->registered_at, expected->registered_at);
    ck_assert_int_eq(device->updated_at, expected->updated_at);
    ck_assert_int_eq(device->last_seen_at, expected->last_seen_at);
    ck_assert_uint_eq(device->owner_uid, expected->owner_uid);
    ck_assert_int_eq(device->action.sequence, 0);
}

static void assert_same_parameters(const FleetParameters *parameters, const FleetParameters *expected)
{
    ck_assert_uint_eq(fleet_parameters_count(parameters), fleet_parameters_count(expected));
    for (guint i = 0; i < fleet_parameters_count(parameters); i++) {
        ck_assert_str_eq(fleet_parameters_key(parameters, i), fleet_parameters_key(expected, i));
        ck_assert_str_eq(fleet_parameters_value(parameters, i), fleet_parameters_value(expected, i));
    }
}

static void assert_same_instant(const FleetInstant *instant, const FleetInstant *expected)
{
    ck_assert_int_eq(instant->realtime, expected->realtime);
    ck_assert_int_eq(instant->boottime, expected->boottime);
    ck_assert_uint_eq(instant->boot, expected->boot);
}

static void assert_same_policy(const FleetPolicy *policy, const FleetPolicy *expected)
{
    ck_assert_int_eq(policy->timeout, expected->timeout);
    ck_assert_int_eq(policy->step_timeout, expected->step_timeout);
    ck_assert_uint_eq(policy->max_attempts, expected->max_attempts);
    ck_assert_int_eq(policy->retry_delay, expected->retry_delay);
    ck_assert_double_eq(policy->retry_factor, expected->retry_factor);
    ck_assert_int_eq(policy->retry_cap, expected->retry_cap);
    ck_assert_double_eq(policy->retry_jitter, expected->retry_jitter);
}

void fleet_test_assert_same_action(const FleetAction *action, const FleetAction *expected)
{
    ck_assert_int_eq(action->id.sequence, expected->id.sequence);
    ck_assert_int_eq(action->id.msec, expected->id.msec);
    ck_assert_uint_eq(action->status, expected->status);
    ck_assert_uint_eq(action->result, expected->result);
    ck_assert_str_eq(action->device_id, expected->device_id);
    ck_assert_str_eq(action->type, expected->type);
    ck_assert_str_eq(action->driver, expected->driver);
    assert_same_parameters(action->parameters, expected->parameters);
    ck_assert_str_eq(action->phase, expected->phase);
    ck_assert_str_eq(action->message, expected->message);
    ck_assert_str_eq(action->error_name, expected->error_name);
    ck_assert_str_eq(action->error_message, expected->error_message);
    ck_assert_str_eq(action->plan, expected->plan);
    ck_assert_int_eq(action->initiated_at, expected->initiated_at);
    assert_same_instant(&action->started, &expected->started);
    ck_assert_int_eq(action->completed_at, expected->completed_at);
    ck_assert_double_eq(action->progress, expected->progress);
    ck_assert_int_eq(action->progress_known, expected->progress_known);
    ck_assert_uint_eq(action->attempt, expected->attempt);
    ck_assert_uint_eq(action->owner_uid, expected->owner_uid);
    ck_assert_int_eq(action->priority, expected->priority);
    ck_assert_int_eq(action->not_before, expected->not_before);
    ck_assert_int_eq(action->start_deadline, expected->start_deadline);
    assert_same_policy(&action->policy, &expected->policy);
    ck_assert_str_eq(action->request_id, expected->request_id);
    ck_assert_uint_eq(action->request_digest, expected->request_digest);
    ck_assert_int_eq(action->moved_at, expected->moved_at);
    assert_same_instant(&action->attempt_started, &expected->attempt_started);
    assert_same_instant(&action->retry_at, &expected->retry_at);
    assert_same_instant(&action->cancel_requested, &expected->cancel_requested);
    ck_assert_uint_eq(action->cancel_result, expected->cancel_result);
    ck_assert_int_eq(action->past_return, expected->past_return);
}

static void add_device(FleetDevice *device, gpointer user_data)
{
    g_ptr_array_add(((FleetTestLoaded *)user_data)->devices, device);
}

static void add_action(FleetAction *action, gpointer user_data)
{
    g_ptr_array_add(((FleetTestLoaded *)user_data)->actions, action);
}

FleetTestLoaded fleet_test_store_load(const char *directory)
{
    FleetTestLoaded loaded = {g_ptr_array_new_with_free_func((GDestroyNotify)fleet_device_unref),
            g_ptr_array_new_with_free_func((GDestroyNotify)fleet_action_unref)};
    g_autoptr(GError) error = NULL;
    g_autoptr(FleetStore) store = fleet_store_open(directory, NULL, &error);

    fleet_test_assert_no_error(error);
    if (!fleet_store_load(store, 0, G_MAXUINT, add_device, add_action, &loaded, &error))
        fleet_test_assert_no_error(error);
    return loaded;
}

void fleet_test_loaded_clear(FleetTestLoaded *loaded)
{
    g_clear_pointer(&loaded->devices, g_ptr_array_unref);
    g_clear_pointer(&loaded->actions, g_ptr_array_unref);
}

char *fleet_test_store_ids(const char *directory)
{
    g_auto(FleetTestLoaded) loaded = fleet_test_store_load(directory);
    GString *ids = g_string_new(NULL);

    for (guint i = 0; i < loaded.devices->len; i++)
        g_string_append_printf(ids, "%s%s", i > 0 ? "," : "", ((const FleetDevice *)loaded.devices->pdata[i])->id);
    return g_string_free(ids, FALSE);
}

GError *fleet_test_store_refused(const char *directory, FleetStoreError code)
{
    GError *error = NULL;
    FleetStore *store = fleet_store_open(directory, NULL, &error);

    ck_assert_ptr_null(store);
    fleet_test_assert_error(error, FLEET_STORE_ERROR, code);
    ck_assert_ptr_null(strchr(error->message, '\n'));
    return error;
}

typedef struct {
    gboolean done;
    GArray *transitions;
    GError *error;
} Moves;

static void moves_found(GArray *transitions, const GError *error, gpointer user_data)
{
    Moves *moves = user_data;

    moves->done = TRUE;
    moves->transitions = transitions != NULL ? g_array_ref(transitions) : NULL;
    moves->error = error != NULL ? g_error_copy(error) : NULL;
}

char *fleet_test_store_moves(FleetTestStore *test, FleetActionId id)
{
    GString *lines = g_string_new(NULL);
    Moves moves = {0};

    fleet_store_find_transitions(test->store, id, moves_found, &moves);
    fleet_test_store_wait(&moves.done);
    fleet_test_assert_no_error(moves.error);
    for (guint i = 0; i < moves.transitions->len; i++) {
        const FleetTransition *move = &g_array_index(moves.transitions, FleetTransition, i);

        g_string_append_printf(lines, "%" G_GINT64_FORMAT " %s %s: %s\n", move->at,
                fleet_action_status_to_string(move->status), move->phase, move->message);
    }
    g_array_unref(moves.transitions);
    return g_string_free(lines, FALSE);
}

static sqlite3 *connect(const char *path)
{
    sqlite3 *handle = NULL;

    if (sqlite3_open(path, &handle) != SQLITE_OK)
        fleet_test_fail("cannot open %s: %s", path, sqlite3_errmsg(handle));
    sqlite3_busy_timeout(handle, (int)(FLEET_TEST_PATIENCE * 1000));
    return handle;
}

static sqlite3 *run_sql(const char *path, const char *sql)
{
    sqlite3 *handle = connect(path);

    if (sqlite3_exec(handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        fleet_test_fail("%s: %s", sql, sqlite3_errmsg(handle));
    return handle;
}

void fleet_test_sql(const char *path, const char *sql)
{
    sqlite3_close(run_sql(path, sql));
}

void fleet_test_sql_keep(const char *path, const char *sql)
{
    run_sql(path, sql);
}

char *fleet_test_sql_read(const char *path, const char *sql)
{
    sqlite3 *handle = connect(path);
    sqlite3_stmt *statement = NULL;
    char *text;

    if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) != SQLITE_OK || sqlite3_step(statement) != SQLITE_ROW)
        fleet_test_fail("%s: %s", sql, sqlite3_errmsg(handle));
    text = g_strdup((const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    return text;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

char *fleet_test_snapshot(const char *directory)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    const char *name;

    ck_assert_ptr_nonnull(dir);
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(directory, name, NULL);
        g_autofree char *content = NULL;
        g_autofree char *sum = NULL;
        gsize length = 0;

        if (g_str_equal(name, "lock"))
            continue;
        if (g_file_get_contents(path, &content, &length, NULL))
            sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)content, length);
        g_ptr_array_add(lines, g_strdup_printf("%s %" G_GSIZE_FORMAT " %s", name, length, sum != NULL ? sum : "-"));
    }
    g_ptr_array_sort(lines, compare_names);
    g_ptr_array_add(lines, NULL);
    return g_strjoinv("\n", (char **)lines->pdata);
}

void fleet_test_copy(const char *from, const char *to)
{
    g_autofree char *content = NULL;
    g_autoptr(GError) error = NULL;
    gsize length;

    if (!g_file_get_contents(from, &content, &length, &error) ||
            !g_file_set_contents(to, content, (gssize)length, &error))
        fleet_test_fail("cannot copy %s: %s", from, error->message);
}

gint64 fleet_test_size(const char *path)
{
    GStatBuf st;

    return g_stat(path, &st) == 0 ? (gint64)st.st_size : 0;
}
