/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"
#include "fixture.h"
#include "lib/loop.h"

#include <sqlite3.h>
#include <string.h>

/* Long enough for nobody to wait for it. */
#define FAR (3600 * FLEET_USEC_PER_SEC)

#define MANY 500

static void setup(void)
{
    directory = fleet_test_directory_new();
    core = fleet_test_core_new(directory);
}

static void restart(void)
{
    g_clear_pointer(&core, fleet_test_core_free);
    core = fleet_test_core_new(directory);
}

static void add(const char *id)
{
    fleet_test_core_register(core, "add", id);
    fleet_test_core_settle(core);
    g_string_truncate(core->events, 0);
}

static FleetActionId start(const char *id)
{
    FleetActionId action = fleet_test_core_initiate(core, "initiate", id);

    fleet_test_core_settle(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "done initiate"), 1);
    g_string_truncate(core->events, 0);
    return action;
}

static const FleetDevice *device(const char *id)
{
    return fleet_registry_lookup(core->registry, id, NULL);
}

/* Runs SQL on the database, past the store, while nobody has it open. */
static void sql(const char *text)
{
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    sqlite3 *handle = NULL;

    ck_assert_int_eq(sqlite3_open(path, &handle), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(handle, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
}

START_TEST(action_goes_from_pending_to_its_end)
{
    gint64 before = fleet_clock_realtime();

    add("a");
    FleetActionId id = fleet_test_core_initiate(core, "initiate", "a");
    ck_assert_ptr_null(fleet_engine_lookup(core->engine, id));
    fleet_test_core_wait(core, "device changed a UPDATING->IDLE");
    fleet_test_core_settle(core);
    fleet_test_core_assert_events(core, "action added 1 PENDING", "action changed 1 PENDING->RUNNING",
            "device changed a IDLE->UPDATING", "committed", "done initiate", "action changed 1 RUNNING->COMPLETED",
            "device changed a UPDATING->IDLE", "committed");

    const FleetAction *action = fleet_engine_lookup(core->engine, id);
    ck_assert_int_eq(action->result, FLEET_RESULT_SUCCESS);
    ck_assert_str_eq(action->device_id, "a");
    ck_assert_str_eq(action->type, "SOFTWARE_UPDATE");
    ck_assert_str_eq(action->driver, "simulated");
    ck_assert_str_eq(action->message, "simulated success");
    ck_assert_str_eq(action->phase, "");
    ck_assert_str_eq(action->error_name, "");
    ck_assert_double_eq(action->progress, 1.0);
    ck_assert_uint_eq(action->attempt, 1);
    ck_assert_uint_eq(action->owner_uid, 1000);
    ck_assert_int_ge(action->initiated_at, before);
    ck_assert_int_ge(action->started.realtime, action->initiated_at);
    ck_assert_int_ge(action->completed_at, action->started.realtime);
    ck_assert_int_eq(action->id.msec, action->initiated_at / 1000);
    ck_assert_int_eq(device("a")->action.sequence, 0);
}
END_TEST

START_TEST(failed_action_leaves_its_device_in_error)
{
    fleet_test_core_simulate(core, 0, 0.0);
    add("a");
    FleetActionId id = fleet_test_core_initiate(core, "initiate", "a");
    fleet_test_core_wait(core, "device changed a UPDATING->ERROR");
    fleet_test_core_settle(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "action changed 1 RUNNING->FAILED"), 1);
    const FleetAction *action = fleet_engine_lookup(core->engine, id);
    ck_assert_int_eq(action->result, FLEET_RESULT_FAILED);
    ck_assert_str_eq(action->error_name, "org.freedesktop.DBus.Error.Failed");
    ck_assert_str_eq(action->error_message, "simulated failure while verifying");
    ck_assert_str_eq(action->message, action->error_message);

    /* A device in error is free for the next try. */
    fleet_test_core_simulate(core, 0, 1.0);
    fleet_test_core_initiate(core, "again", "a");
    fleet_test_core_wait(core, "action changed 2 RUNNING->COMPLETED");
    ck_assert_int_eq(device("a")->status, FLEET_DEVICE_IDLE);
}
END_TEST

START_TEST(type_says_what_the_device_is_meanwhile)
{
    static const struct {
        const char *type;
        FleetDeviceStatus status;
    } types[] = {{"SOFTWARE_UPDATE", FLEET_DEVICE_UPDATING}, {"FIRMWARE_UPDATE", FLEET_DEVICE_UPDATING},
            {"SYSTEM_REBOOT", FLEET_DEVICE_BUSY}, {"CONFIGURATION_CHANGE", FLEET_DEVICE_BUSY},
            {"OWN_UPDATE", FLEET_DEVICE_UPDATING}};

    fleet_test_core_simulate(core, FAR, 1.0);
    ck_assert(fleet_action_types_add(core->types, "OWN_UPDATE", FLEET_DEVICE_UPDATING, NULL));
    for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
        FleetActionRequest request = fleet_test_core_request(core, types[i].type);

        request.type = types[i].type;
        add(types[i].type);
        FleetActionId id = fleet_test_core_initiate_as(core, "initiate", &request).id;
        fleet_test_core_settle(core);
        ck_assert_int_eq(device(types[i].type)->status, types[i].status);
        ck_assert_int_eq(device(types[i].type)->action.sequence, id.sequence);
        ck_assert_int_eq(device(types[i].type)->action.msec, id.msec);
    }
    ck_assert_uint_eq(fleet_engine_count_status(core->engine, FLEET_ACTION_RUNNING), G_N_ELEMENTS(types));
}
END_TEST

START_TEST(what_cannot_start_changes_nothing)
{
    FleetActionRequest request = fleet_test_core_request(core, "a");

    request.type = "SELF_DESTRUCTION";
    add("a");
    fleet_test_core_initiate_as(core, "type", &request);
    fleet_test_core_initiate(core, "device", "b");
    fleet_test_core_status(core, "offline", "a", FLEET_DEVICE_OFFLINE);
    fleet_test_core_initiate(core, "status", "a");
    fleet_test_core_settle(core);
    fleet_test_core_assert_events(core, "type: InvalidArgument", "device: DeviceNotFound",
            "device changed a IDLE->OFFLINE", "committed", "done offline", "status: DeviceBusy");
    ck_assert_uint_eq(fleet_engine_count(core->engine), 0);
}
END_TEST

/* The first one is only on its way to the disk. */
START_TEST(second_action_on_a_busy_device_is_refused)
{
    fleet_test_core_simulate(core, FAR, 1.0);
    add("a");
    fleet_test_core_initiate(core, "first", "a");
    fleet_test_core_initiate(core, "second", "a");
    fleet_test_core_settle(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "done first"), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "second: DeviceBusy"), 1);
    fleet_test_assert_matches(core->failure->message, "^device 'a' is busy with action 'action_\\d+_1'");
    ck_assert_uint_eq(fleet_engine_count(core->engine), 1);
}
END_TEST

/* Device and action come to be in flight, one upon the other. */
START_TEST(action_on_a_device_that_is_on_its_way)
{
    fleet_test_core_register(core, "register", "a");
    fleet_test_core_initiate(core, "initiate", "a");
    fleet_test_core_wait(core, "device changed a UPDATING->IDLE");
    ck_assert_uint_eq(fleet_test_core_count(core, "done initiate"), 1);
}
END_TEST

START_TEST(operators_status_stays)
{
    static const FleetDeviceStatus statuses[] = {FLEET_DEVICE_OFFLINE, FLEET_DEVICE_MAINTENANCE};

    fleet_test_core_simulate(core, 50 * FLEET_USEC_PER_MSEC, _i % 2);
    add("a");
    fleet_test_core_initiate(core, "initiate", "a");
    fleet_test_core_status(core, "operator", "a", statuses[_i / 2]);
    fleet_test_core_wait(core, _i % 2 ? "action changed 1 RUNNING->COMPLETED" : "action changed 1 RUNNING->FAILED");
    fleet_test_core_settle(core);
    ck_assert_int_eq(device("a")->status, statuses[_i / 2]);
    ck_assert_int_eq(device("a")->action.sequence, 0);
}
END_TEST

START_TEST(operator_takes_the_status_back)
{
    fleet_test_core_simulate(core, 50 * FLEET_USEC_PER_MSEC, 1.0);
    add("a");
    fleet_test_core_initiate(core, "initiate", "a");
    fleet_test_core_status(core, "idle", "a", FLEET_DEVICE_IDLE);
    fleet_test_core_status(core, "offline", "a", FLEET_DEVICE_OFFLINE);
    fleet_test_core_status(core, "updating", "a", FLEET_DEVICE_UPDATING);
    fleet_test_core_wait(core, "device changed a UPDATING->IDLE");
    ck_assert_uint_eq(fleet_test_core_count(core, "idle: InvalidTransition"), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "done updating"), 1);
}
END_TEST

START_TEST(detail_goes_forward)
{
    double last = 0;

    fleet_test_core_simulate(core, 300 * FLEET_USEC_PER_MSEC, 1.0);
    add("a");
    fleet_test_core_initiate(core, "initiate", "a");
    fleet_test_core_wait(core, "action changed 1 RUNNING->COMPLETED");
    ck_assert_uint_gt(core->details->len, 0);
    for (guint i = 0; i < core->details->len; i++) {
        const FleetAction *detail = core->details->pdata[i];

        ck_assert_int_eq(detail->status, FLEET_ACTION_RUNNING);
        ck_assert_str_ne(detail->phase, "");
        ck_assert_double_ge(detail->progress, last);
        last = detail->progress;
    }
}
END_TEST

START_TEST(lookup_wants_the_whole_id)
{
    add("a");
    FleetActionId id = start("a");
    ck_assert_ptr_nonnull(fleet_engine_lookup(core->engine, id));
    ck_assert_ptr_null(fleet_engine_lookup(core->engine, (FleetActionId){id.msec + 1, id.sequence}));
    ck_assert_ptr_null(fleet_engine_lookup(core->engine, (FleetActionId){id.msec, id.sequence + 1}));
}
END_TEST

typedef struct {
    guint count;
    guint enough;
} Visit;

static gboolean visit_one(const FleetAction *action, gpointer user_data)
{
    Visit *visit = user_data;

    return ++visit->count < visit->enough;
}

START_TEST(visit_reaches_each_until_it_has_enough)
{
    Visit all = {.enough = G_MAXUINT}, one = {.enough = 1};

    fleet_test_core_simulate(core, FAR, 1.0);
    add("a");
    add("b");
    start("a");
    start("b");
    fleet_engine_visit(core->engine, visit_one, &all);
    fleet_engine_visit(core->engine, visit_one, &one);
    ck_assert_uint_eq(all.count, 2);
    ck_assert_uint_eq(one.count, 1);
}
END_TEST

START_TEST(only_the_newest_finished_stay)
{
    fleet_test_core_retain(core, 2, FAR);
    add("a");
    for (guint i = 1; i <= 4; i++) {
        g_autofree char *end = g_strdup_printf("action changed %u RUNNING->COMPLETED", i);

        fleet_test_core_initiate(core, "initiate", "a");
        fleet_test_core_wait(core, end);
    }
    fleet_test_core_settle(core);
    fleet_test_core_wait(core, "action removed 2");
    ck_assert_uint_eq(fleet_test_core_count(core, "action removed 1"), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "action removed 3"), 0);
    ck_assert_uint_eq(fleet_engine_count(core->engine), 2);

    fleet_test_core_retain(core, 0, FAR);
    ck_assert_uint_eq(fleet_test_core_count(core, "action removed 4"), 1);
    ck_assert_uint_eq(fleet_engine_count_status(core->engine, FLEET_ACTION_COMPLETED), 0);
}
END_TEST

START_TEST(finished_leave_after_their_time)
{
    fleet_test_core_retain(core, 10, 200 * FLEET_USEC_PER_MSEC);
    add("a");
    gint64 before = fleet_clock_boottime();
    FleetActionId id = start("a");
    fleet_test_core_wait(core, "action changed 1 RUNNING->COMPLETED");
    ck_assert_ptr_nonnull(fleet_engine_lookup(core->engine, id));
    fleet_test_core_wait(core, "action removed 1");
    ck_assert_int_ge(fleet_clock_boottime() - before, 200 * FLEET_USEC_PER_MSEC);
    ck_assert_ptr_null(fleet_engine_lookup(core->engine, id));
}
END_TEST

START_TEST(no_retention_at_all)
{
    fleet_test_core_retain(core, 0, 0);
    add("a");
    fleet_test_core_initiate(core, "initiate", "a");
    fleet_test_core_wait(core, "action removed 1");
    ck_assert_uint_eq(fleet_engine_count(core->engine), 0);
    ck_assert_int_eq(device("a")->status, FLEET_DEVICE_IDLE);
}
END_TEST

START_TEST(finished_are_found_again_after_a_restart_and_leave_in_their_time)
{
    add("a");
    FleetActionId id = start("a");
    fleet_test_core_wait(core, "action changed 1 RUNNING->COMPLETED");
    fleet_test_core_settle(core);
    gint64 completed = fleet_engine_lookup(core->engine, id)->completed_at;
    restart();
    ck_assert_int_eq(fleet_engine_lookup(core->engine, id)->completed_at, completed);
    ck_assert_int_eq(fleet_engine_lookup(core->engine, id)->status, FLEET_ACTION_COMPLETED);
    ck_assert_int_eq(device("a")->action.sequence, 0);
    fleet_engine_recover(core->engine);
    fleet_test_core_retain(core, 10, fleet_clock_realtime() - completed + 100 * FLEET_USEC_PER_MSEC);
    fleet_test_core_assert_events(core, NULL);
    fleet_test_core_wait(core, "action removed 1");
    ck_assert_int_ge(fleet_clock_realtime(), completed + 100 * FLEET_USEC_PER_MSEC);
}
END_TEST

START_TEST(running_action_goes_on_with_its_remaining_time)
{
    gint64 duration = 500 * FLEET_USEC_PER_MSEC;

    fleet_test_core_simulate(core, duration, 1.0);
    add("a");
    FleetActionId id = start("a");
    gint64 started = fleet_engine_lookup(core->engine, id)->started.boottime;
    restart();
    fleet_test_core_simulate(core, FAR, 0.0); /* the plan counts, not what is configured since */

    const FleetAction *action = fleet_engine_lookup(core->engine, id);
    ck_assert_int_eq(action->status, FLEET_ACTION_RUNNING);
    ck_assert_int_eq(action->started.boottime, started);
    ck_assert_int_eq(device("a")->action.sequence, id.sequence);
    ck_assert_int_eq(device("a")->status, FLEET_DEVICE_UPDATING);
    ck_assert_uint_eq(fleet_engine_count_status(core->engine, FLEET_ACTION_RUNNING), 1);

    fleet_engine_recover(core->engine);
    fleet_test_core_assert_events(core, NULL);
    fleet_test_core_wait(core, "device changed a UPDATING->IDLE");
    fleet_test_core_settle(core);
    fleet_test_core_assert_events(core, "device a UNKNOWN->ONLINE", "committed", "action changed 1 RUNNING->COMPLETED",
            "device changed a UPDATING->IDLE", "committed");
    action = fleet_engine_lookup(core->engine, id);
    ck_assert_uint_eq(action->attempt, 1);
    ck_assert_int_ge(fleet_clock_boottime(), started + duration);
}
END_TEST

START_TEST(action_whose_time_is_over_ends_on_recovery)
{
    fleet_test_core_simulate(core, 1, 1.0);
    add("a");
    fleet_test_core_initiate(core, "initiate", "a");
    fleet_engine_stop(core->engine);
    fleet_test_core_settle(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "done initiate"), 1);
    restart();
    ck_assert_uint_eq(fleet_engine_count_status(core->engine, FLEET_ACTION_RUNNING), 1);
    fleet_engine_recover(core->engine);
    fleet_test_core_wait(core, "device changed a UPDATING->IDLE");
    fleet_test_core_settle(core);
    fleet_test_core_assert_events(
            core, "action changed 1 RUNNING->COMPLETED", "device changed a UPDATING->IDLE", "committed");
}
END_TEST

START_TEST(ids_are_never_reused)
{
    gint64 last = 0;

    add("a");
    for (guint i = 0; i < 3; i++) {
        FleetActionId id = start("a");

        ck_assert_int_gt(id.sequence, last);
        last = id.sequence;
        restart();
        fleet_engine_recover(core->engine);
        while (device("a")->action.sequence != 0)
            g_main_context_iteration(NULL, TRUE);
        fleet_test_core_settle(core);
    }
    /* Even if history is cleared by hand. */
    g_clear_pointer(&core, fleet_test_core_free);
    sql("DELETE FROM actions");
    core = fleet_test_core_new(directory);
    ck_assert_int_gt(start("a").sequence, last);
}
END_TEST

START_TEST(outcome_outlives_a_failing_store)
{
    fleet_test_core_take_over(core);
    add("a");
    FleetActionId id = start("a");
    fleet_test_core_wait(core, "driver starts 1/1");
    g_string_truncate(core->events, 0);
    fleet_test_core_break_disk();
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_SUCCESS);
    fleet_test_core_wait(core, "storage failed");
    fleet_test_core_settle(core);
    fleet_test_core_mend_disk();
    gint64 failed_at = fleet_clock_realtime();

    /* Nothing is told that is not on disk. */
    fleet_test_core_assert_events(core, "storage failed");
    ck_assert_int_eq(fleet_engine_lookup(core->engine, id)->status, FLEET_ACTION_RUNNING);
    ck_assert_int_eq(device("a")->status, FLEET_DEVICE_UPDATING);
    ck_assert_int_eq(device("a")->action.sequence, id.sequence);
    fleet_test_core_initiate(core, "second", "a");
    fleet_test_core_assert_events(core, "second: DeviceBusy");

    fleet_test_core_wait(core, "device changed a UPDATING->IDLE");
    fleet_test_core_settle(core);
    fleet_test_core_assert_events(core, "storage ok", "action changed 1 RUNNING->COMPLETED", "driver lets go 1/1",
            "device changed a UPDATING->IDLE", "committed");
    ck_assert_int_le(fleet_engine_lookup(core->engine, id)->completed_at, failed_at);
}
END_TEST

/* What is in flight is taken back whole, wherever it is. */
START_TEST(start_that_is_not_stored_never_was)
{
    add("a");
    add("b");
    fleet_test_core_break_disk();
    fleet_test_core_initiate(core, "a", "a");
    fleet_test_core_initiate(core, "a again", "a");
    fleet_test_core_initiate(core, "b", "b");
    fleet_test_core_settle(core);
    fleet_test_core_mend_disk();
    fleet_test_core_assert_events(
            core, "storage failed", "a: StorageFailed", "a again: StorageFailed", "b: StorageFailed");
    ck_assert_uint_eq(fleet_engine_count(core->engine), 0);
    ck_assert_int_eq(device("a")->status, FLEET_DEVICE_IDLE);
    ck_assert_int_eq(device("a")->action.sequence, 0);

    FleetActionId id = fleet_test_core_initiate(core, "a", "a");
    fleet_test_core_wait(core, "device changed a UPDATING->IDLE");
    ck_assert_int_ge(id.sequence, 3);
    ck_assert_uint_eq(fleet_engine_count(core->engine), 1);
}
END_TEST

/* In one batch with a start that fails, the end of another action: it must come through later, once. */
START_TEST(end_that_fails_with_others_comes_once)
{
    fleet_test_core_take_over(core);
    add("a");
    add("b");
    start("a");
    start("b");
    fleet_test_core_rest(core);
    fleet_test_core_break_disk();
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_PERMANENT);
    fleet_test_core_finish(core, 2, 1, FLEET_OUTCOME_PERMANENT);
    fleet_test_core_status(core, "operator", "a", FLEET_DEVICE_OFFLINE);
    fleet_test_core_settle(core);
    fleet_test_core_mend_disk();
    ck_assert_uint_eq(fleet_test_core_count(core, "operator: StorageFailed"), 1);
    fleet_test_core_wait(core, "device changed a UPDATING->ERROR");
    fleet_test_core_wait(core, "device changed b UPDATING->ERROR");
    fleet_test_core_settle(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "action changed 1 RUNNING->FAILED"), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "action changed 2 RUNNING->FAILED"), 1);
    ck_assert_uint_eq(fleet_engine_count_status(core->engine, FLEET_ACTION_FAILED), 2);
}
END_TEST

/* A newer or a different build wrote it. */
START_TEST(action_of_an_unknown_driver_fails)
{
    fleet_test_core_simulate(core, FAR, 1.0);
    add("a");
    FleetActionId id = start("a");
    g_clear_pointer(&core, fleet_test_core_free);
    sql("UPDATE actions SET driver = 'telepathy', plan = 'think hard'");
    core = fleet_test_core_new(directory);
    ck_assert_str_eq(fleet_engine_lookup(core->engine, id)->driver, "telepathy");
    fleet_engine_recover(core->engine);
    fleet_test_core_wait(core, "device changed a UPDATING->ERROR");
    const FleetAction *action = fleet_engine_lookup(core->engine, id);
    ck_assert_int_eq(action->status, FLEET_ACTION_FAILED);
    ck_assert_str_eq(action->error_message, "the stored plan of the simulation cannot be read");
}
END_TEST

/* By hand, or by a version that had queues: the action is there, its device is not. */
START_TEST(running_action_without_its_device_ends_all_the_same)
{
    fleet_test_core_simulate(core, 0, 1.0);
    add("a");
    fleet_test_core_initiate(core, "initiate", "a");
    fleet_engine_stop(core->engine);
    fleet_test_core_settle(core);
    g_clear_pointer(&core, fleet_test_core_free);
    sql("DELETE FROM devices");
    core = fleet_test_core_new(directory);
    fleet_engine_recover(core->engine);
    fleet_test_core_wait(core, "action changed 1 RUNNING->COMPLETED");
    fleet_test_core_settle(core);
    fleet_test_core_assert_events(core, "action changed 1 RUNNING->COMPLETED", "committed");
}
END_TEST

START_TEST(stopped_engine_starts_and_ends_nothing)
{
    fleet_test_core_simulate(core, 20 * FLEET_USEC_PER_MSEC, 1.0);
    add("a");
    add("b");
    start("a");
    fleet_test_core_initiate(core, "initiate", "b");
    fleet_engine_stop(core->engine);
    fleet_test_run_for(150);
    fleet_test_core_assert_events(core, "action added 2 PENDING", "action changed 2 PENDING->RUNNING",
            "device changed b IDLE->UPDATING", "committed", "done initiate");

    restart();
    fleet_engine_recover(core->engine);
    fleet_test_core_wait(core, "device changed a UPDATING->IDLE");
    fleet_test_core_wait(core, "device changed b UPDATING->IDLE");
}
END_TEST

/* How many of the events tell the end of an action; fails if two tell that of the same. */
static guint count_ends(void)
{
    g_autoptr(GHashTable) ended = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(GStrv) lines = g_strsplit(core->events->str, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", -1);

        if (!g_str_has_prefix(*line, "action changed ") || !g_str_has_prefix(words[3], "RUNNING->"))
            continue;
        ck_assert_msg(g_hash_table_add(ended, g_strdup(words[2])), "action %s ends twice", words[2]);
    }
    return g_hash_table_size(ended);
}

/* Each of many ends once, and memory agrees with the disk afterwards. */
START_TEST(many_end_once_each)
{
    fleet_test_core_simulate(core, 20 * FLEET_USEC_PER_MSEC, 0.5);
    for (guint i = 0; i < MANY; i++) {
        g_autofree char *id = g_strdup_printf("device-%u", i);

        fleet_test_core_register(core, "register", id);
        fleet_test_core_initiate(core, "initiate", id);
    }
    fleet_test_core_settle(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "done initiate"), MANY);
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);
    while (fleet_engine_count_status(core->engine, FLEET_ACTION_RUNNING) > 0 && g_get_monotonic_time() < deadline)
        g_main_context_iteration(NULL, TRUE);
    fleet_test_core_settle(core);

    guint completed = fleet_engine_count_status(core->engine, FLEET_ACTION_COMPLETED);
    guint failed = fleet_engine_count_status(core->engine, FLEET_ACTION_FAILED);
    ck_assert_uint_eq(completed + failed, MANY);
    ck_assert_uint_gt(completed, MANY / 4);
    ck_assert_uint_gt(failed, MANY / 4);
    ck_assert_uint_eq(fleet_registry_count_status(core->registry, FLEET_DEVICE_IDLE), completed);
    ck_assert_uint_eq(fleet_registry_count_status(core->registry, FLEET_DEVICE_ERROR), failed);
    ck_assert_uint_eq(count_ends(), MANY);
    restart();
    ck_assert_uint_eq(fleet_engine_count_status(core->engine, FLEET_ACTION_COMPLETED), completed);
    ck_assert_uint_eq(fleet_registry_count_status(core->registry, FLEET_DEVICE_ERROR), failed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: engine");
    TCase *life = fleet_test_case(suite, "life");
    TCase *retention = fleet_test_case(suite, "retention");
    TCase *recovery = fleet_test_case(suite, "recovery");
    TCase *failure = fleet_test_case(suite, "failure");

    tcase_add_checked_fixture(life, setup, fleet_fixture_teardown);
    tcase_add_test(life, action_goes_from_pending_to_its_end);
    tcase_add_test(life, failed_action_leaves_its_device_in_error);
    tcase_add_test(life, type_says_what_the_device_is_meanwhile);
    tcase_add_test(life, what_cannot_start_changes_nothing);
    tcase_add_test(life, second_action_on_a_busy_device_is_refused);
    tcase_add_test(life, action_on_a_device_that_is_on_its_way);
    tcase_add_loop_test(life, operators_status_stays, 0, 4);
    tcase_add_test(life, operator_takes_the_status_back);
    tcase_add_test(life, detail_goes_forward);
    tcase_add_test(life, lookup_wants_the_whole_id);
    tcase_add_test(life, visit_reaches_each_until_it_has_enough);
    tcase_add_test(life, many_end_once_each);

    tcase_add_checked_fixture(retention, setup, fleet_fixture_teardown);
    tcase_add_test(retention, only_the_newest_finished_stay);
    tcase_add_test(retention, finished_leave_after_their_time);
    tcase_add_test(retention, no_retention_at_all);
    tcase_add_test(retention, finished_are_found_again_after_a_restart_and_leave_in_their_time);

    tcase_add_checked_fixture(recovery, setup, fleet_fixture_teardown);
    tcase_add_test(recovery, running_action_goes_on_with_its_remaining_time);
    tcase_add_test(recovery, action_whose_time_is_over_ends_on_recovery);
    tcase_add_test(recovery, ids_are_never_reused);
    tcase_add_test(recovery, action_of_an_unknown_driver_fails);
    tcase_add_test(recovery, running_action_without_its_device_ends_all_the_same);
    tcase_add_test(recovery, stopped_engine_starts_and_ends_nothing);

    tcase_add_checked_fixture(failure, setup, fleet_fixture_teardown);
    tcase_add_test(failure, outcome_outlives_a_failing_store);
    tcase_add_test(failure, start_that_is_not_stored_never_was);
    tcase_add_test(failure, end_that_fails_with_others_comes_once);
    return fleet_test_main(suite);
}
