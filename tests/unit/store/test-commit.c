/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is committed, in which order it is told, and that it is there afterwards. */

#include "base/slice.h"
#include "store_test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(devices_come_back_as_they_were)
{
    static const char *const ids[] = {"A", "a b/c", "Ünïcödé-路由器", "%_'\"--;\\"};
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func((GDestroyNotify)fleet_device_unref);

    for (guint i = 0; i < G_N_ELEMENTS(ids); i++) {
        FleetDevice *device = fleet_test_device(10 - i, ids[i]);

        fleet_device_set_name(device, i == 0 ? "" : "Łódź 'quoted' \"twice\" ; DROP TABLE devices");
        fleet_device_set_type(device, i == 0 ? "" : "typ-ü");
        fleet_device_set_address(device, i == 0 ? "" : "'адрес' //; --");
        device->own_status = i == 0 ? FLEET_DEVICE_IDLE : FLEET_DEVICE_ERROR;
        device->presence = i == 1 ? FLEET_PRESENCE_OFFLINE : FLEET_PRESENCE_UNKNOWN;
        device->status = i == 1 ? FLEET_DEVICE_OFFLINE : device->own_status;
        device->last_seen_at = i == 0 ? 0 : G_MAXINT64;
        fleet_test_store_submit_device(test, ids[i], FLEET_CHANGE_INSERT_DEVICE, device);
        g_ptr_array_add(devices, device);
    }
    fleet_test_store_settle(test);
    fleet_test_store_free(g_steal_pointer(&test));

    /* Listed in the order of the ids' bytes. */
    static const guint order[] = {3, 0, 1, 2};
    g_auto(FleetTestLoaded) loaded = fleet_test_store_load(directory);
    ck_assert_uint_eq(loaded.devices->len, G_N_ELEMENTS(ids));
    for (guint i = 0; i < G_N_ELEMENTS(ids); i++)
        fleet_test_assert_same_device(loaded.devices->pdata[i], devices->pdata[order[i]]);
}
END_TEST

START_TEST(device_is_updated_and_deleted)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetDevice) gone = fleet_test_device(1, "gone");
    g_autoptr(FleetDevice) before = fleet_test_device(2, "stays");
    g_autoptr(FleetDevice) other = fleet_test_device(3, "untouched");
    g_autoptr(FleetDevice) after = fleet_device_copy(before);
    const FleetChange inserts[] = {{FLEET_CHANGE_INSERT_DEVICE, {.device = gone}},
            {FLEET_CHANGE_INSERT_DEVICE, {.device = before}}, {FLEET_CHANGE_INSERT_DEVICE, {.device = other}}};

    fleet_device_set_name(after, "another name");
    fleet_device_set_type(after, "another type");
    fleet_device_set_address(after, "another address");
    after->status = after->own_status = FLEET_DEVICE_OFFLINE;
    after->updated_at++;
    after->last_seen_at += 2;
    fleet_test_store_submit(test, "insert", inserts, G_N_ELEMENTS(inserts));
    fleet_test_store_submit_device(test, "update", FLEET_CHANGE_UPDATE_DEVICE, after);
    fleet_test_store_submit_device(test, "delete", FLEET_CHANGE_DELETE_DEVICE, gone);
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "committed insert", "committed update", "committed delete");
    fleet_test_store_free(g_steal_pointer(&test));

    g_auto(FleetTestLoaded) loaded = fleet_test_store_load(directory);
    ck_assert_uint_eq(loaded.devices->len, 2);
    fleet_test_assert_same_device(loaded.devices->pdata[0], after);
    fleet_test_assert_same_device(loaded.devices->pdata[1], other);
}
END_TEST

/* The row has the device's own status, and that it was away: what it shows follows from both. */
START_TEST(device_that_is_away_keeps_its_own_status)
{
    const FleetDeviceStatus own = (FleetDeviceStatus)_i;
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetDevice) there = fleet_test_device(1, "it");
    g_autoptr(FleetDevice) away = fleet_device_copy(there);

    away->own_status = own;
    away->presence = FLEET_PRESENCE_OFFLINE;
    away->status = own == FLEET_DEVICE_MAINTENANCE ? own : FLEET_DEVICE_OFFLINE;
    fleet_test_store_submit_device(test, "insert", FLEET_CHANGE_INSERT_DEVICE, there);
    fleet_test_store_submit_device(test, "leaves", FLEET_CHANGE_UPDATE_DEVICE, away);
    fleet_test_store_settle(test);
    g_autofree char *row = fleet_test_sql_read(path, "SELECT status || ' ' || away FROM devices");
    g_autofree char *expected = g_strdup_printf("%d 1", _i);
    ck_assert_str_eq(row, expected);
    fleet_test_store_free(g_steal_pointer(&test));

    g_auto(FleetTestLoaded) loaded = fleet_test_store_load(directory);
    ck_assert_uint_eq(loaded.devices->len, 1);
    fleet_test_assert_same_device(loaded.devices->pdata[0], away);
}
END_TEST

/* That one is there is known anew after a start. */
START_TEST(device_that_is_there_is_not_known_to_be_after_a_start)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetDevice) away = fleet_test_device(1, "it");
    g_autoptr(FleetDevice) back = fleet_device_copy(away);

    away->presence = FLEET_PRESENCE_OFFLINE;
    back->presence = FLEET_PRESENCE_ONLINE;
    fleet_test_store_submit_device(test, "away", FLEET_CHANGE_INSERT_DEVICE, away);
    fleet_test_store_submit_device(test, "back", FLEET_CHANGE_UPDATE_DEVICE, back);
    fleet_test_store_settle(test);
    fleet_test_store_free(g_steal_pointer(&test));

    g_auto(FleetTestLoaded) loaded = fleet_test_store_load(directory);
    const FleetDevice *device = loaded.devices->pdata[0];
    ck_assert_int_eq(device->presence, FLEET_PRESENCE_UNKNOWN);
    ck_assert_int_eq(device->status, FLEET_DEVICE_MAINTENANCE);
}
END_TEST

START_TEST(seeing_a_device_writes_nothing_else)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetDevice) stored = fleet_test_device(1, "it");
    g_autoptr(FleetDevice) other = fleet_test_device(2, "other");
    g_autoptr(FleetDevice) seen = fleet_device_copy(stored);

    fleet_device_set_name(seen, "a name that is not stored");
    fleet_device_set_type(seen, "no type");
    fleet_device_set_address(seen, "nowhere");
    seen->own_status = seen->status = FLEET_DEVICE_ERROR;
    seen->presence = FLEET_PRESENCE_OFFLINE;
    seen->updated_at += 5;
    fleet_test_store_submit_device(test, "insert", FLEET_CHANGE_INSERT_DEVICE, stored);
    fleet_test_store_submit_device(test, "insert other", FLEET_CHANGE_INSERT_DEVICE, other);
    fleet_device_see(seen, stored->last_seen_at + 7);
    fleet_test_store_submit_device(test, "see", FLEET_CHANGE_SEE_DEVICE, seen);
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "committed insert", "committed insert other", "committed see");
    fleet_test_store_free(g_steal_pointer(&test));

    g_auto(FleetTestLoaded) loaded = fleet_test_store_load(directory);
    stored->last_seen_at += 7;
    fleet_test_assert_same_device(loaded.devices->pdata[0], stored);
    fleet_test_assert_same_device(loaded.devices->pdata[1], other);
}
END_TEST

static void set_all(FleetAction *action)
{
    action->status = FLEET_ACTION_FAILED;
    action->result = FLEET_RESULT_TIMED_OUT;
    fleet_action_set_text(&action->phase, "überprüfen");
    fleet_action_set_text(&action->message, "line one\nline two\ttab");
    fleet_action_set_text(&action->error_name, "org.example.Error.Odd");
    fleet_action_set_text(&action->error_message, "it's \"broken\"; 100%");
    fleet_action_set_text(&action->plan, "{\"seed\": 7}");
    action->started = (FleetInstant){1700000009000001, 123456789, G_MAXUINT64 - 1};
    action->completed_at = 1700000019000002;
    action->progress = 0.1;
    action->progress_known = TRUE;
    action->attempt = 3;
    action->moved_at = 1700000019000003;
    action->attempt_started = (FleetInstant){1700000012000001, 126456789, 1};
    action->retry_at = (FleetInstant){1700000015000001, 129456789, 2};
    action->cancel_requested = (FleetInstant){1700000016000001, 130456789, G_MAXUINT64};
    action->cancel_result = FLEET_RESULT_SUPERSEDED;
    action->past_return = TRUE;
}

/* What never changes after the action was initiated. */
static void set_request(FleetAction *action)
{
    action->owner_uid = G_MAXUINT32 - 1;
    action->priority = G_MININT;
    action->not_before = 1700000001000004;
    action->start_deadline = G_MAXINT64;
    action->policy = (FleetPolicy){.timeout = 60000001,
            .step_timeout = 5000002,
            .max_attempts = G_MAXUINT,
            .retry_delay = 1,
            .retry_factor = 1.75,
            .retry_cap = G_MAXINT64,
            .retry_jitter = 1.0};
    fleet_action_set_text(&action->request_id, "заявка '7'");
    action->request_digest = G_MAXUINT64 - 6;
}

START_TEST(actions_come_back_as_they_were)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetAction) fresh = fleet_test_action(1, "Ünïcödé-路由器");
    g_autoptr(FleetAction) full = fleet_test_action(G_MAXINT64 - 1, "router-1");

    g_clear_pointer(&fresh->parameters, fleet_parameters_unref);
    fresh->parameters = fleet_parameters_new_empty();
    g_clear_pointer(&full->parameters, fleet_parameters_unref);
    full->parameters = fleet_test_parameters("empty", "", "ключ", "значение", "lines", "a\nb\x01", "z", "=;,'\"", NULL);
    set_all(full);
    set_request(full);
    fleet_test_store_submit_action(test, "fresh", FLEET_CHANGE_INSERT_ACTION, fresh);
    fleet_test_store_submit_action(test, "full", FLEET_CHANGE_INSERT_ACTION, full);
    fleet_test_store_settle(test);
    fleet_test_store_free(g_steal_pointer(&test));

    g_auto(FleetTestLoaded) loaded = fleet_test_store_load(directory);
    ck_assert_uint_eq(loaded.actions->len, 2);
    fleet_test_assert_same_action(loaded.actions->pdata[0], fresh);
    fleet_test_assert_same_action(loaded.actions->pdata[1], full);
}
END_TEST

START_TEST(action_is_updated)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetAction) before = fleet_test_action(1, "router-1");
    g_autoptr(FleetAction) other = fleet_test_action(2, "router-2");
    g_autoptr(FleetAction) after = fleet_action_copy(before);
    const FleetChange changes[] = {{FLEET_CHANGE_INSERT_ACTION, {.action = before}},
            {FLEET_CHANGE_INSERT_ACTION, {.action = other}}, {FLEET_CHANGE_UPDATE_ACTION, {.action = after}}};

    set_all(after);
    fleet_test_store_submit(test, "all", changes, G_N_ELEMENTS(changes));
    fleet_test_store_settle(test);
    fleet_test_store_free(g_steal_pointer(&test));

    g_auto(FleetTestLoaded) loaded = fleet_test_store_load(directory);
    ck_assert_uint_eq(loaded.actions->len, 2);
    fleet_test_assert_same_action(loaded.actions->pdata[0], after);
    fleet_test_assert_same_action(loaded.actions->pdata[1], other);
}
END_TEST

/* The largest of everything at once. */
START_TEST(limits_are_kept)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autofree char *id = g_strnfill(255, 'x');
    g_autofree char *name = g_strnfill(1024, 'y');
    g_autofree char *value = g_strnfill(64 * 1024 - 1, 'z');
    g_autoptr(FleetDevice) device = fleet_test_device(G_MAXINT64, id);
    g_autoptr(FleetAction) action = fleet_test_action(1, id);
    const FleetChange changes[] = {
            {FLEET_CHANGE_INSERT_DEVICE, {.device = device}}, {FLEET_CHANGE_INSERT_ACTION, {.action = action}}};

    fleet_device_set_name(device, name);
    g_clear_pointer(&action->parameters, fleet_parameters_unref);
    action->parameters = fleet_test_parameters("k", value, NULL);
    fleet_test_store_submit(test, "both", changes, G_N_ELEMENTS(changes));
    fleet_test_store_settle(test);
    fleet_test_store_free(g_steal_pointer(&test));

    g_auto(FleetTestLoaded) loaded = fleet_test_store_load(directory);
    fleet_test_assert_same_device(loaded.devices->pdata[0], device);
    fleet_test_assert_same_action(loaded.actions->pdata[0], action);
}
END_TEST

#define MANY 1000

/* One turn of the main loop submits a thousand; one sync each would write some three pages each to the log. */
START_TEST(many_are_told_in_order_and_share_their_syncs)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *log = g_build_filename(directory, "fleet.db-wal", NULL);
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) expected = g_string_new(NULL);

    for (guint i = 0; i < MANY; i++) {
        char *name = g_strdup_printf("%04u", i);
        g_autoptr(FleetDevice) device = fleet_test_device(i + 1, name);

        g_ptr_array_add(names, name);
        g_string_append_printf(expected, "committed %s\n", name);
        fleet_test_store_submit_device(test, name, FLEET_CHANGE_INSERT_DEVICE, device);
    }
    ck_assert_uint_eq(fleet_store_in_flight(test->store), MANY);
    fleet_test_store_settle(test);
    ck_assert_str_eq(test->events->str, expected->str);
    ck_assert_int_gt(fleet_test_size(log), 0);
    ck_assert_int_lt(fleet_test_size(log), MANY * 4096);
    fleet_test_store_free(g_steal_pointer(&test));

    g_auto(FleetTestLoaded) loaded = fleet_test_store_load(directory);
    ck_assert_uint_eq(loaded.devices->len, MANY);
}
END_TEST

static guint told, told_most; /* since the others had their turn; the most at a time */

static void count_told(FleetTestStore *test, const char *event)
{
    told++;
    told_most = MAX(told_most, told);
}

static gboolean have_a_turn(gpointer user_data)
{
    told = 0;
    return G_SOURCE_CONTINUE;
}

/* However many there are to be told, the rest of the main loop goes on. */
START_TEST(many_are_told_a_slice_at_a_time)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetDevice) device = fleet_test_device(1, "a");
    guint others = g_idle_add_full(G_PRIORITY_DEFAULT, have_a_turn, NULL, NULL);

    test->hook = count_told;
    fleet_test_store_submit_device(test, "", FLEET_CHANGE_INSERT_DEVICE, device);
    for (guint i = 1; i < MANY; i++)
        fleet_test_store_submit_device(test, "", FLEET_CHANGE_UPDATE_DEVICE, device);
    fleet_test_store_settle(test);
    g_source_remove(others);
    ck_assert_uint_gt(told_most, 0);
    ck_assert_uint_le(told_most, FLEET_SLICE_STEPS);
}
END_TEST

static void assert_counted(FleetTestStore *test, const char *event)
{
    ck_assert(g_str_has_suffix(event, fleet_store_in_flight(test->store) == 1 ? "first" : "second"));
}

START_TEST(in_flight_counts_what_is_not_told_yet)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);

    test->hook = assert_counted;
    ck_assert_uint_eq(fleet_store_in_flight(test->store), 0);
    fleet_test_store_submit(test, "first", NULL, 0);
    fleet_test_store_submit(test, "second", NULL, 0);
    ck_assert_uint_eq(fleet_store_in_flight(test->store), 2);
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "committed first", "committed second");
}
END_TEST

/* An empty transaction is told after all before it, and writes nothing. */
START_TEST(empty_transaction_is_a_barrier)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *log = g_build_filename(directory, "fleet.db-wal", NULL);
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetDevice) device = fleet_test_device(1, "router-1");
    gint64 size;

    fleet_test_store_submit_device(test, "device", FLEET_CHANGE_INSERT_DEVICE, device);
    fleet_test_store_submit(test, "barrier", NULL, 0);
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "committed device", "committed barrier");
    size = fleet_test_size(log);
    fleet_test_store_submit(test, "alone", NULL, 0);
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "committed alone");
    ck_assert_int_eq(fleet_test_size(log), size);
}
END_TEST

static void submit_next(FleetTestStore *test, const char *event)
{
    g_autoptr(FleetDevice) device = fleet_test_device(2, "router-2");

    if (g_str_equal(event, "committed first"))
        fleet_test_store_submit_device(test, "second", FLEET_CHANGE_INSERT_DEVICE, device);
}

START_TEST(owner_may_submit_from_committed)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    g_autoptr(FleetDevice) device = fleet_test_device(1, "router-1");

    test->hook = submit_next;
    fleet_test_store_submit_device(test, "first", FLEET_CHANGE_INSERT_DEVICE, device);
    fleet_test_store_settle(test);
    fleet_test_store_assert_events(test, "committed first", "committed second");
}
END_TEST

/* The images are the transaction's until it is told; their owner may let go of them at once. */
START_TEST(images_outlive_their_owner)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);

    for (gint64 i = 1; i <= 100; i++) {
        g_autofree char *id = g_strdup_printf("router-%03d", (int)i);
        g_autoptr(FleetDevice) device = fleet_test_device(i, id);
        g_autoptr(FleetAction) action = fleet_test_action(i, id);
        const FleetChange changes[] = {
                {FLEET_CHANGE_INSERT_DEVICE, {.device = device}}, {FLEET_CHANGE_INSERT_ACTION, {.action = action}}};

        fleet_test_store_submit(test, "pair", changes, G_N_ELEMENTS(changes));
    }
    fleet_test_store_settle(test);
    fleet_test_store_free(g_steal_pointer(&test));

    g_auto(FleetTestLoaded) loaded = fleet_test_store_load(directory);
    ck_assert_uint_eq(loaded.devices->len, 100);
    ck_assert_uint_eq(loaded.actions->len, 100);
}
END_TEST

/* Results come where the store was started, not on the default context. */
START_TEST(callbacks_come_on_the_context_of_the_start)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(GMainContext) context = g_main_context_new();
    g_autoptr(FleetTestStore) test = NULL;
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);

    g_main_context_push_thread_default(context);
    test = fleet_test_store_new(directory);
    g_main_context_pop_thread_default(context);
    fleet_test_store_submit(test, "it", NULL, 0);
    while (fleet_store_in_flight(test->store) > 0 && g_get_monotonic_time() < deadline)
        g_main_context_iteration(context, TRUE);
    fleet_test_store_assert_events(test, "committed it");
}
END_TEST

START_TEST(free_writes_what_was_submitted_and_calls_nobody)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *log = g_build_filename(directory, "fleet.db-wal", NULL);
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);

    for (guint i = 0; i < 10; i++) {
        g_autofree char *id = g_strdup_printf("router-%u", i);
        g_autoptr(FleetDevice) device = fleet_test_device(i + 1, id);

        fleet_test_store_submit_device(test, "it", FLEET_CHANGE_INSERT_DEVICE, device);
    }
    g_clear_pointer(&test->store, fleet_store_free);
    ck_assert_str_eq(test->events->str, "");
    ck_assert(!g_file_test(log, G_FILE_TEST_EXISTS)); /* moved into the database */

    g_auto(FleetTestLoaded) loaded = fleet_test_store_load(directory);
    ck_assert_uint_eq(loaded.devices->len, 10);
}
END_TEST

static void kill_self(FleetTestStore *test, const char *event)
{
    if (g_str_equal(event, "committed last"))
        raise(SIGKILL);
}

START_TEST(committed_survives_sigkill)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autoptr(FleetDevice) first = fleet_test_device(1, "first");
    g_autoptr(FleetDevice) last = fleet_test_device(2, "last");
    int status;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        FleetTestStore *test = fleet_test_store_new(directory);

        test->hook = kill_self;
        fleet_test_store_submit_device(test, "first", FLEET_CHANGE_INSERT_DEVICE, first);
        fleet_test_store_submit_device(test, "last", FLEET_CHANGE_INSERT_DEVICE, last);
        fleet_test_store_settle(test);
        _exit(1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

    g_autofree char *ids = fleet_test_store_ids(directory);
    ck_assert_str_eq(ids, "first,last");
}
END_TEST

#define HEAVY 250

/* Ten thousand pages in all; the log is emptied again and again, so it holds less than that. */
START_TEST(log_does_not_grow_without_end)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *log = g_build_filename(directory, "fleet.db-wal", NULL);
    g_autofree char *name = g_strnfill(1024, 'n');
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    gint64 key = 0, largest = 0;

    for (guint i = 0; i < HEAVY; i++) {
        g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func((GDestroyNotify)fleet_device_unref);
        FleetChange changes[100];

        for (guint j = 0; j < G_N_ELEMENTS(changes); j++) {
            g_autofree char *id = g_strdup_printf("router-%d", (int)++key);
            FleetDevice *device = fleet_test_device(key, id);

            fleet_device_set_name(device, name);
            changes[j] = (FleetChange){FLEET_CHANGE_INSERT_DEVICE, {.device = device}};
            g_ptr_array_add(devices, device);
        }
        fleet_test_store_submit(test, "it", changes, G_N_ELEMENTS(changes));
        fleet_test_store_settle(test);
        largest = MAX(largest, fleet_test_size(log));
    }
    ck_assert_int_gt(largest, 10 * 1000 * 1000); /* not at each commit either */
    ck_assert_int_lt(largest, 25 * 1000 * 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store: commit");
    TCase *tcase = fleet_test_case(suite, "commit");

    tcase_add_test(tcase, devices_come_back_as_they_were);
    tcase_add_test(tcase, device_is_updated_and_deleted);
    tcase_add_loop_test(tcase, device_that_is_away_keeps_its_own_status, 0, FLEET_DEVICE_STATUS_LAST_);
    tcase_add_test(tcase, device_that_is_there_is_not_known_to_be_after_a_start);
    tcase_add_test(tcase, seeing_a_device_writes_nothing_else);
    tcase_add_test(tcase, actions_come_back_as_they_were);
    tcase_add_test(tcase, action_is_updated);
    tcase_add_test(tcase, limits_are_kept);
    tcase_add_test(tcase, many_are_told_in_order_and_share_their_syncs);
    tcase_add_test(tcase, many_are_told_a_slice_at_a_time);
    tcase_add_test(tcase, in_flight_counts_what_is_not_told_yet);
    tcase_add_test(tcase, empty_transaction_is_a_barrier);
    tcase_add_test(tcase, owner_may_submit_from_committed);
    tcase_add_test(tcase, images_outlive_their_owner);
    tcase_add_test(tcase, callbacks_come_on_the_context_of_the_start);
    tcase_add_test(tcase, free_writes_what_was_submitted_and_calls_nobody);
    tcase_add_test(tcase, committed_survives_sigkill);
    tcase_add_test(tcase, log_does_not_grow_without_end);
    return fleet_test_main(suite);
}
