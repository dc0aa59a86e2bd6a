/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What waits: in which order it starts, what it waits for, and what becomes of it if it does not start. */

#include "core/queue.h"

#include "base/error.h"
#include "fixture.h"

/* Long enough for nobody to wait for it. */
#define FAR (3600 * FLEET_USEC_PER_SEC)

/* So long that what should come before it does. */
#define SOON ((gint64)(300 * fleet_test_slowness()) * FLEET_USEC_PER_MSEC)

static FleetActionRequest request_of(const char *id, FleetIfBusy if_busy)
{
    FleetActionRequest request = fleet_test_core_request(core, id);

    request.if_busy = if_busy;
    return request;
}

static FleetInitiated queue_as(const FleetActionRequest *request)
{
    FleetInitiated initiated = fleet_test_core_initiate_as(core, "queue", request);

    fleet_test_core_rest(core);
    return initiated;
}

static FleetInitiated queue(const char *id, gint priority)
{
    FleetActionRequest request = request_of(id, FLEET_IF_BUSY_QUEUE);

    request.priority = priority;
    return queue_as(&request);
}

static void assert_waits(FleetActionId id, const char *phase)
{
    const FleetAction *action = fleet_engine_lookup(core->engine, id);

    ck_assert_ptr_nonnull(action);
    ck_assert_int_eq(action->status, FLEET_ACTION_PENDING);
    ck_assert_str_eq(action->phase, phase);
    ck_assert_int_eq(action->started.realtime, 0);
    ck_assert_uint_eq(action->attempt, 0);
}

static void assert_ended(FleetActionId id, FleetActionStatus status, FleetResult result)
{
    const FleetAction *action = fleet_engine_lookup(core->engine, id);

    ck_assert_ptr_nonnull(action);
    ck_assert_int_eq(action->status, status);
    ck_assert_int_eq(action->result, result);
    ck_assert_str_eq(action->phase, "");
    ck_assert_int_gt(action->completed_at, 0);
}

/* The order in which drivers were asked to start, of the events so far: "3 1 2". Owned by the caller. */
static char *starts(void)
{
    g_auto(GStrv) lines = g_strsplit(core->events->str, "\n", -1);
    GString *order = g_string_new(NULL);

    for (char **line = lines; *line != NULL; line++)
        if (g_str_has_prefix(*line, "driver starts "))
            g_string_append_printf(
                    order, "%s%d", order->len > 0 ? " " : "", (int)g_ascii_strtoll(*line + 14, NULL, 10));
    return g_string_free(order, FALSE);
}

/* Ends whatever runs, again and again, until nothing does. */
static void run_all(guint last)
{
    for (guint rounds = 0; rounds < last; rounds++)
        for (gint64 i = 1; i <= last; i++) {
            g_autofree char *started = g_strdup_printf("driver starts %" G_GINT64_FORMAT "/1", i);
            g_autofree char *ended = g_strdup_printf("driver lets go %" G_GINT64_FORMAT "/1", i);

            if (fleet_test_core_count(core, started) == 1 && fleet_test_core_count(core, ended) == 0) {
                fleet_test_core_finish(core, i, 1, FLEET_OUTCOME_SUCCESS);
                fleet_test_core_rest(core);
            }
        }
}

/* The queue by itself. */

START_TEST(queue_is_by_priority_then_by_age)
{
    g_autoptr(FleetQueue) waiting = fleet_queue_new();
    static const struct {
        gint priority;
        gint64 sequence;
    } in[] = {{0, 5}, {0, 3}, {7, 9}, {-1, 1}, {7, 8}, {G_MAXINT, 10}, {G_MININT, 2}};
    static const gint64 out[] = {10, 8, 9, 3, 5, 1, 2};
    FleetQueueEntry entries[G_N_ELEMENTS(in)] = {0};
    guint n = 0;

    for (guint i = 0; i < G_N_ELEMENTS(in); i++) {
        entries[i] = (FleetQueueEntry){.device_id = "a", .priority = in[i].priority, .sequence = in[i].sequence};
        fleet_queue_add(waiting, &entries[i]);
        fleet_queue_add(waiting, &entries[i]); /* it waits already */
    }
    ck_assert_uint_eq(fleet_queue_count(waiting, "a"), G_N_ELEMENTS(in));
    for (FleetQueueEntry *entry = fleet_queue_first(waiting, "a"); entry != NULL; entry = fleet_queue_next(entry))
        ck_assert_int_eq(entry->sequence, out[n++]);
    ck_assert_uint_eq(n, G_N_ELEMENTS(out));

    for (guint i = 0; i < G_N_ELEMENTS(in); i++) {
        fleet_queue_remove(waiting, &entries[i]);
        fleet_queue_remove(waiting, &entries[i]);
        ck_assert_uint_eq(fleet_queue_count(waiting, "a"), G_N_ELEMENTS(in) - 1 - i);
    }
    ck_assert_ptr_null(fleet_queue_first(waiting, "a"));
}
END_TEST

START_TEST(each_device_has_a_queue_of_its_own)
{
    g_autoptr(FleetQueue) waiting = fleet_queue_new();
    FleetQueueEntry a = {.device_id = "a", .sequence = 1}, b = {.device_id = "b", .sequence = 2};

    ck_assert_uint_eq(fleet_queue_count(waiting, "a"), 0);
    ck_assert_ptr_null(fleet_queue_first(waiting, "a"));
    fleet_queue_add(waiting, &a);
    fleet_queue_add(waiting, &b);
    ck_assert_ptr_eq(fleet_queue_first(waiting, "a"), &a);
    ck_assert_ptr_eq(fleet_queue_first(waiting, "b"), &b);
    ck_assert_ptr_null(fleet_queue_next(&a));
    fleet_queue_remove(waiting, &a);
    ck_assert_ptr_null(fleet_queue_first(waiting, "a"));
    ck_assert_uint_eq(fleet_queue_count(waiting, "b"), 1);
    fleet_queue_add(waiting, &a);
    ck_assert_ptr_eq(fleet_queue_first(waiting, "a"), &a);
    fleet_queue_remove(waiting, &a);
    fleet_queue_remove(waiting, &b);
}
END_TEST

/* In the engine. */

START_TEST(waiting_action_starts_when_the_one_before_it_has_ended)
{
    fleet_fixture_add("a");
    queue("a", 0);
    fleet_test_core_assert_events(core, "action added 1 PENDING", "action changed 1 PENDING->RUNNING",
            "device changed a IDLE->UPDATING", "committed", "done queue", "driver starts 1/1");
    FleetInitiated second = queue("a", 0);
    ck_assert_int_eq(second.status, FLEET_ACTION_PENDING);
    fleet_test_core_assert_events(
            core, "action added 2 PENDING", "device changed a UPDATING->UPDATING", "committed", "done queue");
    assert_waits(second.id, "waiting-device");
    ck_assert_uint_eq(fleet_fixture_device("a")->queued, 1);
    ck_assert_uint_eq(fleet_engine_count_status(core->engine, FLEET_ACTION_PENDING), 1);

    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_SUCCESS);
    fleet_test_core_rest(core);
    fleet_test_core_assert_events(core, "action changed 1 RUNNING->COMPLETED", "driver lets go 1/1",
            "device changed a UPDATING->IDLE", "committed", "action changed 2 PENDING->RUNNING",
            "device changed a IDLE->UPDATING", "committed", "driver starts 2/1");
    ck_assert_uint_eq(fleet_fixture_device("a")->queued, 0);
    ck_assert_int_eq(fleet_fixture_device("a")->action.sequence, 2);
    ck_assert_str_eq(fleet_engine_lookup(core->engine, second.id)->phase, "");
}
END_TEST

START_TEST(failure_lets_the_next_one_start)
{
    fleet_fixture_add("a");
    queue("a", 0);
    queue("a", 0);
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_PERMANENT);
    fleet_test_core_wait(core, "driver starts 2/1");
    ck_assert_uint_eq(fleet_test_core_count(core, "device changed a ERROR->UPDATING"), 1);
}
END_TEST

START_TEST(order_is_by_priority_then_by_age)
{
    static const gint priorities[] = {0, 0, 5, -3, 5, 0};

    fleet_fixture_add("a");
    for (guint i = 0; i < G_N_ELEMENTS(priorities); i++)
        queue("a", priorities[i]);
    ck_assert_uint_eq(fleet_fixture_device("a")->queued, 5);
    run_all(G_N_ELEMENTS(priorities));
    g_autofree char *order = starts();
    ck_assert_str_eq(order, "1 3 5 2 6 4");
    ck_assert_uint_eq(fleet_fixture_device("a")->queued, 0);
    ck_assert_uint_eq(fleet_engine_count_status(core->engine, FLEET_ACTION_COMPLETED), 6);
}
END_TEST

START_TEST(order_outlives_a_restart)
{
    static const gint priorities[] = {0, 0, 5, -3, 5, 0};

    fleet_fixture_add("a");
    for (guint i = 0; i < G_N_ELEMENTS(priorities); i++)
        queue("a", priorities[i]);
    fleet_fixture_restart();
    fleet_test_core_assert_events(core, "driver finds 1/1");
    ck_assert_uint_eq(fleet_fixture_device("a")->queued, 5);
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_SUCCESS);
    fleet_test_core_rest(core);
    run_all(G_N_ELEMENTS(priorities));
    g_autofree char *order = starts();
    ck_assert_str_eq(order, "3 5 2 6 4");
}
END_TEST

/* What comes to a free device with IfBusy "queue" does not pass those that wait for room. */
START_TEST(newcomer_waits_behind_who_waits)
{
    core->settings.running_max = 1;
    fleet_test_core_configure(core);
    fleet_fixture_add("a");
    fleet_fixture_add("b");
    queue("a", 0);
    queue("b", 0);
    FleetInitiated later = queue("b", 0);
    ck_assert_int_eq(later.status, FLEET_ACTION_PENDING);
    run_all(3);
    g_autofree char *order = starts();
    ck_assert_str_eq(order, "1 2 3");
}
END_TEST

START_TEST(no_more_run_than_may)
{
    core->settings.running_max = 2;
    fleet_test_core_configure(core);
    for (guint i = 0; i < 5; i++) {
        g_autofree char *id = g_strdup_printf("%u", i);
        fleet_fixture_add(id);
        FleetActionRequest request = request_of(id, FLEET_IF_BUSY_FAIL);
        request.priority = (gint)i;
        FleetInitiated initiated = queue_as(&request);
        ck_assert_int_eq(initiated.status, i < 2 ? FLEET_ACTION_RUNNING : FLEET_ACTION_PENDING);
        if (i >= 2)
            assert_waits(initiated.id, "waiting-slot");
        ck_assert_int_eq(fleet_fixture_device(id)->status, i < 2 ? FLEET_DEVICE_UPDATING : FLEET_DEVICE_IDLE);
    }
    ck_assert_uint_eq(fleet_engine_count_status(core->engine, FLEET_ACTION_RUNNING), 2);
    fleet_test_core_forget(core);

    /* Of all devices' actions, the highest priority first. */
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_SUCCESS);
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 5/1"), 1);
    ck_assert_uint_eq(fleet_engine_count_status(core->engine, FLEET_ACTION_RUNNING), 2);

    core->settings.running_max = 3;
    fleet_test_core_configure(core);
    fleet_test_core_rest(core);
    g_autofree char *order = starts();
    ck_assert_str_eq(order, "5 4");
}
END_TEST

START_TEST(no_more_of_a_type_run_than_may)
{
    static const char *const ids[] = {"0", "1", "2"};

    fleet_action_types_find(core->types, "SOFTWARE_UPDATE")->running_max = 1;
    fleet_fixture_add("other");
    for (guint i = 0; i < G_N_ELEMENTS(ids); i++)
        fleet_fixture_add(ids[i]);
    for (guint i = 0; i < G_N_ELEMENTS(ids); i++)
        queue(ids[i], 0);
    FleetActionRequest request = request_of("other", FLEET_IF_BUSY_QUEUE);
    request.type = "SYSTEM_REBOOT";
    ck_assert_int_eq(queue_as(&request).status, FLEET_ACTION_RUNNING);
    ck_assert_uint_eq(fleet_engine_count_status(core->engine, FLEET_ACTION_RUNNING), 2);
    run_all(4);
    g_autofree char *order = starts();
    ck_assert_str_eq(order, "1 4 2 3");
}
END_TEST

START_TEST(zero_lets_nothing_run)
{
    core->settings.running_max = 0;
    fleet_test_core_configure(core);
    fleet_fixture_add("a");
    FleetInitiated initiated = queue("a", 0);
    assert_waits(initiated.id, "waiting-slot");
    core->settings.running_max = 1;
    fleet_test_core_configure(core);
    fleet_test_core_wait(core, "driver starts 1/1");
}
END_TEST

static const FleetDeviceStatus out_of_service[] = {FLEET_DEVICE_OFFLINE, FLEET_DEVICE_MAINTENANCE, FLEET_DEVICE_BUSY,
        FLEET_DEVICE_UPDATING, FLEET_DEVICE_RECOVERING};

START_TEST(device_out_of_service_keeps_its_queue)
{
    fleet_fixture_add("a");
    fleet_test_core_status(core, "out", "a", out_of_service[_i]);
    FleetInitiated first = queue("a", 0);
    FleetInitiated second = queue("a", 1);
    assert_waits(first.id, "waiting-device");
    assert_waits(second.id, "waiting-device");
    fleet_fixture_restart();
    assert_waits(first.id, "waiting-device");
    ck_assert_uint_eq(fleet_fixture_device("a")->queued, 2);
    ck_assert_int_eq(fleet_fixture_device("a")->status, out_of_service[_i]);

    fleet_test_core_status(core, "back", "a", FLEET_DEVICE_IDLE);
    fleet_test_core_wait(core, "driver starts 2/1");
    fleet_test_core_rest(core);
    assert_waits(first.id, "waiting-device");
    ck_assert_uint_eq(fleet_fixture_device("a")->queued, 1);
}
END_TEST

/* What was not started for the sake of a change that then failed is started after all. */
START_TEST(device_that_could_not_be_taken_out_goes_on)
{
    fleet_fixture_add("a");
    fleet_test_core_status(core, "out", "a", FLEET_DEVICE_OFFLINE);
    queue("a", 0);
    fleet_test_core_status(core, "back", "a", FLEET_DEVICE_IDLE);
    fleet_test_core_settle(core); /* the start is for the next turn */
    fleet_test_core_break_disk();
    fleet_test_core_status(core, "out again", "a", FLEET_DEVICE_OFFLINE);
    fleet_test_core_wait(core, "out again: StorageFailed");
    fleet_test_core_mend_disk();
    fleet_test_core_wait(core, "driver starts 1/1");
    fleet_test_core_rest(core);
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_UPDATING);
}
END_TEST

/* Taken out of service while something runs: what runs ends, what waits goes on waiting. */
START_TEST(device_taken_out_of_service_starts_nothing_more)
{
    fleet_fixture_add("a");
    queue("a", 0);
    FleetInitiated second = queue("a", 0);
    fleet_test_core_status(core, "out", "a", FLEET_DEVICE_MAINTENANCE);
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_SUCCESS);
    fleet_test_core_rest(core);
    assert_waits(second.id, "waiting-device");
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_MAINTENANCE);
    ck_assert_int_eq(fleet_fixture_device("a")->action.sequence, 0);
    fleet_test_core_status(core, "back", "a", FLEET_DEVICE_ERROR); /* free, too */
    fleet_test_core_wait(core, "driver starts 2/1");
}
END_TEST

START_TEST(not_before_is_kept)
{
    FleetActionRequest request = request_of("a", FLEET_IF_BUSY_FAIL);

    fleet_fixture_add("a");
    request.not_before = fleet_clock_realtime() + SOON;
    FleetInitiated initiated = queue_as(&request);
    ck_assert_int_eq(initiated.status, FLEET_ACTION_PENDING);
    assert_waits(initiated.id, "scheduled");
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_IDLE);
    fleet_test_core_wait(core, "driver starts 1/1");
    ck_assert_int_ge(fleet_engine_lookup(core->engine, initiated.id)->started.realtime, request.not_before);
}
END_TEST

/* Once its time has come it waits for its device like any other, and says so. */
START_TEST(who_was_scheduled_waits_for_its_device)
{
    FleetActionRequest request = request_of("a", FLEET_IF_BUSY_QUEUE);
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);

    fleet_fixture_add("a");
    queue("a", 0);
    request.not_before = fleet_clock_realtime() + SOON;
    FleetInitiated scheduled = queue_as(&request);
    assert_waits(scheduled.id, "scheduled");
    while (g_str_equal(fleet_fixture_action(scheduled.id)->phase, "scheduled") && fleet_test_remaining(deadline) > 0)
        g_main_context_iteration(NULL, TRUE);
    assert_waits(scheduled.id, "waiting-device");
    ck_assert_int_ge(fleet_clock_realtime(), request.not_before);
}
END_TEST

/* Who is scheduled keeps nobody else from starting, whatever its priority. */
START_TEST(others_start_before_who_is_scheduled)
{
    FleetActionRequest request = request_of("a", FLEET_IF_BUSY_QUEUE);

    fleet_fixture_add("a");
    request.not_before = fleet_clock_realtime() + FAR;
    request.priority = 9;
    FleetInitiated scheduled = queue_as(&request);
    ck_assert_uint_eq(fleet_fixture_device("a")->queued, 1);
    ck_assert_int_eq(queue("a", 0).status, FLEET_ACTION_PENDING); /* but at once */
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 2/1"), 1);
    assert_waits(scheduled.id, "scheduled");
    fleet_fixture_restart();
    assert_waits(scheduled.id, "scheduled");
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 1/1"), 0);
}
END_TEST

START_TEST(not_before_in_the_past_is_at_once)
{
    FleetActionRequest request = request_of("a", FLEET_IF_BUSY_FAIL);

    fleet_fixture_add("a");
    request.not_before = fleet_clock_realtime() - 1;
    ck_assert_int_eq(queue_as(&request).status, FLEET_ACTION_RUNNING);
}
END_TEST

START_TEST(start_deadline_ends_the_wait)
{
    FleetActionRequest request = request_of("a", FLEET_IF_BUSY_QUEUE);

    fleet_fixture_add("a");
    queue("a", 0);
    request.start_deadline = fleet_clock_realtime() + SOON;
    FleetInitiated late = queue_as(&request);
    assert_waits(late.id, "waiting-device");
    fleet_test_core_wait(core, "action changed 2 PENDING->FAILED");
    fleet_test_core_rest(core);
    assert_ended(late.id, FLEET_ACTION_FAILED, FLEET_RESULT_TIMED_OUT);
    const FleetAction *action = fleet_engine_lookup(core->engine, late.id);
    ck_assert_int_ge(action->completed_at, request.start_deadline);
    ck_assert_str_eq(action->message, "it did not start before its start deadline");
    ck_assert_str_eq(action->error_name, "org.freedesktop.DBus.Error.Timeout");
    ck_assert_int_eq(action->started.realtime, 0);
    ck_assert_uint_eq(fleet_fixture_device("a")->queued, 0);
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_UPDATING); /* that of the first, which goes on */
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 2/1"), 0);
}
END_TEST

/* It passes while fleetd does not run. */
START_TEST(start_deadline_is_kept_through_a_restart)
{
    FleetActionRequest request = request_of("a", FLEET_IF_BUSY_QUEUE);

    fleet_fixture_add("a");
    queue("a", 0);
    request.start_deadline = fleet_clock_realtime() + 30 * FLEET_USEC_PER_MSEC;
    FleetInitiated late = fleet_test_core_initiate_as(core, "queue", &request);
    fleet_test_core_settle(core);
    g_clear_pointer(&core, fleet_test_core_free);
    while (fleet_clock_realtime() < request.start_deadline)
        g_thread_yield();
    core = fleet_test_core_new(directory);
    fleet_test_core_take_over(core);
    fleet_engine_recover(core->engine);
    fleet_test_core_wait(core, "action changed 2 PENDING->FAILED");
    fleet_test_core_rest(core);
    assert_ended(late.id, FLEET_ACTION_FAILED, FLEET_RESULT_TIMED_OUT);
}
END_TEST

START_TEST(start_deadline_is_over_once_it_runs)
{
    FleetActionRequest request = request_of("a", FLEET_IF_BUSY_QUEUE);

    fleet_fixture_add("a");
    request.start_deadline = fleet_clock_realtime() + 50 * FLEET_USEC_PER_MSEC;
    FleetInitiated initiated = queue_as(&request);
    fleet_test_core_wait(core, "driver starts 1/1");
    while (fleet_clock_realtime() <= request.start_deadline)
        g_thread_yield();
    fleet_test_core_rest(core);
    ck_assert_int_eq(fleet_engine_lookup(core->engine, initiated.id)->status, FLEET_ACTION_RUNNING);
}
END_TEST

/* A deadline that has passed before the device could be free. */
START_TEST(start_deadline_in_the_past_ends_what_would_wait)
{
    FleetActionRequest request = request_of("a", FLEET_IF_BUSY_QUEUE);

    fleet_fixture_add("a");
    queue("a", 0);
    request.start_deadline = 1;
    FleetInitiated late = queue_as(&request);
    fleet_test_core_rest(core);
    assert_ended(late.id, FLEET_ACTION_FAILED, FLEET_RESULT_TIMED_OUT);
}
END_TEST

START_TEST(busy_device_refuses_by_default)
{
    FleetActionRequest request = request_of("a", FLEET_IF_BUSY_FAIL);

    fleet_fixture_add("a");
    ck_assert_int_eq(queue_as(&request).status, FLEET_ACTION_RUNNING);
    fleet_test_core_initiate_as(core, "second", &request);
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "second: DeviceBusy"), 1);
    ck_assert_uint_eq(fleet_engine_count(core->engine), 1);
    ck_assert_uint_eq(fleet_fixture_device("a")->queued, 0);
}
END_TEST

START_TEST(replacement_stops_what_runs_and_comes_first)
{
    fleet_fixture_add("a");
    FleetInitiated first = queue("a", 0);
    queue("a", 100);
    fleet_test_core_forget(core);
    FleetActionRequest request = request_of("a", FLEET_IF_BUSY_REPLACE);
    FleetInitiated third = queue_as(&request);
    ck_assert_int_eq(third.status, FLEET_ACTION_PENDING);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver stops 1/1"), 1);
    const FleetAction *action = fleet_engine_lookup(core->engine, first.id);
    ck_assert_int_eq(action->status, FLEET_ACTION_RUNNING);
    ck_assert_str_eq(action->phase, "cancelling");
    ck_assert_str_eq(action->message, "replaced by another action");
    assert_waits(third.id, "waiting-device");

    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_STOPPED);
    fleet_test_core_rest(core);
    assert_ended(first.id, FLEET_ACTION_CANCELLED, FLEET_RESULT_SUPERSEDED);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 3/1"), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 2/1"), 0);
    ck_assert_uint_eq(fleet_test_core_count(core, "device changed a UPDATING->IDLE"), 1); /* stopped in order */
}
END_TEST

/* It ends by itself before it can stop: that is what it is, and the new one starts all the same. */
START_TEST(what_ends_before_it_is_replaced_has_ended_so)
{
    fleet_fixture_add("a");
    FleetInitiated first = queue("a", 0);
    FleetActionRequest request = request_of("a", FLEET_IF_BUSY_REPLACE);
    queue_as(&request);
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_SUCCESS);
    fleet_test_core_wait(core, "driver starts 2/1");
    assert_ended(first.id, FLEET_ACTION_COMPLETED, FLEET_RESULT_SUCCESS);
}
END_TEST

/* Two that replace the same: the later one comes first, and the first goes on waiting. */
START_TEST(second_replacement_does_not_stop_it_twice)
{
    fleet_fixture_add("a");
    queue("a", 0);
    FleetActionRequest request = request_of("a", FLEET_IF_BUSY_REPLACE);
    fleet_test_core_initiate_as(core, "second", &request);
    fleet_test_core_initiate_as(core, "third", &request);
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver stops 1/1"), 1);
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_STOPPED);
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_engine_count_status(core->engine, FLEET_ACTION_RUNNING), 1);
    ck_assert_uint_eq(fleet_engine_count_status(core->engine, FLEET_ACTION_PENDING), 1);
}
END_TEST

START_TEST(what_cannot_stop_is_not_replaced)
{
    const FleetDriver *driver = fleet_test_core_driver(core);

    fleet_fixture_add("a");
    queue("a", 0);
    fleet_test_core_phase(core, 1, 1, "rebooting");
    driver->host->point_of_no_return((FleetAttemptId){1, 1}, driver->host_data);
    fleet_test_core_rest(core);
    FleetActionRequest request = request_of("a", FLEET_IF_BUSY_REPLACE);
    fleet_test_core_initiate_as(core, "replace", &request);
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "replace: NotCancelable"), 1);
    fleet_test_assert_matches(core->failure->message, "^action 'action_\\d+_1' cannot be stopped.*'rebooting'");
    ck_assert_uint_eq(fleet_test_core_count(core, "driver stops 1/1"), 0);
    ck_assert_uint_eq(fleet_engine_count(core->engine), 1);
}
END_TEST

START_TEST(replacement_of_what_waits_for_a_retry_starts_at_once)
{
    FleetActionRequest request = request_of("a", FLEET_IF_BUSY_REPLACE);

    fleet_fixture_add("a");
    request.policy.max_attempts = 2;
    request.policy.retry_delay = request.policy.retry_cap = FAR;
    FleetInitiated first = queue_as(&request);
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_TRANSIENT);
    fleet_test_core_rest(core);
    queue_as(&request);
    assert_ended(first.id, FLEET_ACTION_CANCELLED, FLEET_RESULT_SUPERSEDED);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 2/1"), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver stops 1/1"), 0);
}
END_TEST

/* There is nothing that it could take the place of: it waits for the device like all others. */
START_TEST(replacement_on_a_device_that_is_only_out_of_service_waits)
{
    FleetActionRequest request = request_of("a", FLEET_IF_BUSY_REPLACE);

    fleet_fixture_add("a");
    fleet_test_core_status(core, "out", "a", FLEET_DEVICE_OFFLINE);
    FleetInitiated initiated = queue_as(&request);
    assert_waits(initiated.id, "waiting-device");
    fleet_test_core_status(core, "back", "a", FLEET_DEVICE_IDLE);
    fleet_test_core_wait(core, "driver starts 1/1");
}
END_TEST

START_TEST(what_the_driver_refuses_when_its_turn_comes_is_rejected)
{
    fleet_fixture_add("a");
    queue("a", 0);
    FleetInitiated second = queue("a", 0);
    core->refuses = TRUE;
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_SUCCESS);
    fleet_test_core_wait(core, "action changed 2 PENDING->FAILED");
    fleet_test_core_rest(core);
    assert_ended(second.id, FLEET_ACTION_FAILED, FLEET_RESULT_REJECTED);
    const FleetAction *action = fleet_engine_lookup(core->engine, second.id);
    ck_assert_str_eq(action->message, "the driver does not do this");
    ck_assert_str_eq(action->error_name, "org.fleet.Error.Unsupported");
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_IDLE); /* nothing was done to it */
    ck_assert_uint_eq(fleet_fixture_device("a")->queued, 0);
}
END_TEST

START_TEST(what_the_driver_refuses_at_once_never_was)
{
    fleet_fixture_add("a");
    core->refuses = TRUE;
    fleet_test_core_initiate(core, "refused", "a");
    fleet_test_core_rest(core);
    fleet_test_core_assert_events(core, "refused: Unsupported");
    ck_assert_uint_eq(fleet_engine_count(core->engine), 0);
    ck_assert_int_eq(fleet_fixture_device("a")->action.sequence, 0);
}
END_TEST

START_TEST(device_for_which_something_waits_stays)
{
    fleet_fixture_add("a");
    fleet_test_core_status(core, "out", "a", FLEET_DEVICE_OFFLINE);
    FleetInitiated first = queue("a", 0);
    queue("a", 0);
    fleet_test_core_unregister(core, "unregister", "a");
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "unregister: DeviceBusy"), 1);
    ck_assert_str_eq(core->failure->message,
            "device 'a' has actions that wait for it: 2; unregister it once they are cancelled or have ended");
    fleet_test_core_cancel(core, "cancel", first.id, FALSE);
    fleet_test_core_unregister(core, "too early", "a");
    fleet_test_core_cancel(core, "cancel", (FleetActionId){first.id.msec, 2}, FALSE);
    fleet_test_core_unregister(core, "at last", "a");
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "too early: DeviceBusy"), 1);
}
END_TEST

static gboolean count_wanting(const FleetDevice *device, gpointer user_data)
{
    *(guint *)user_data += device->action.sequence != 0 || device->queued > 0;
    return TRUE;
}

/* Many devices, one limit, random priorities: everything comes through, never more at once than may, each once. */
START_TEST(many_that_wait_all_come_through)
{
    enum { DEVICES = 20, ACTIONS = 300, AT_ONCE = 7 };
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    guint finished = 0;

    core->settings.running_max = AT_ONCE;
    fleet_test_core_configure(core);
    for (guint i = 0; i < DEVICES; i++) {
        g_autofree char *id = g_strdup_printf("%u", i);
        fleet_test_core_register(core, "add", id);
    }
    for (guint i = 0; i < ACTIONS; i++) {
        g_autofree char *id = g_strdup_printf("%d", g_rand_int_range(rand, 0, DEVICES));
        FleetActionRequest request = request_of(id, FLEET_IF_BUSY_QUEUE);
        request.priority = g_rand_int_range(rand, -2, 3);
        fleet_test_core_initiate_as(core, "queue", &request);
    }
    fleet_test_core_rest(core);
    while (finished < ACTIONS) {
        guint wanting = 0;
        fleet_registry_visit(core->registry, "", TRUE, count_wanting, &wanting);
        ck_assert_uint_eq(fleet_engine_count_status(core->engine, FLEET_ACTION_RUNNING), MIN(AT_ONCE, wanting));
        for (gint64 i = 1; i <= ACTIONS; i++) {
            g_autofree char *started = g_strdup_printf("driver starts %" G_GINT64_FORMAT "/1", i);

            if (fleet_test_core_count(core, started) == 0)
                continue;
            ck_assert_uint_eq(fleet_test_core_count(core, started), 1);
            fleet_test_core_finish(core, i, 1, FLEET_OUTCOME_SUCCESS);
            finished++;
        }
        fleet_test_core_forget(core);
        fleet_test_core_rest(core);
    }
    ck_assert_uint_eq(fleet_engine_count_status(core->engine, FLEET_ACTION_COMPLETED), ACTIONS);
    ck_assert_uint_eq(fleet_registry_count_status(core->registry, FLEET_DEVICE_IDLE), DEVICES);
}
END_TEST

/* A start that cannot be stored is made again. */
START_TEST(start_outlives_a_failing_store)
{
    fleet_fixture_add("a");
    fleet_test_core_status(core, "out", "a", FLEET_DEVICE_OFFLINE);
    FleetInitiated first = queue("a", 0);
    fleet_test_core_status(core, "back", "a", FLEET_DEVICE_IDLE);
    fleet_test_core_settle(core);
    fleet_test_core_break_disk();
    fleet_test_core_wait(core, "storage failed");
    fleet_test_core_settle(core);
    fleet_test_core_mend_disk();
    ck_assert_int_eq(fleet_engine_lookup(core->engine, first.id)->status, FLEET_ACTION_PENDING);
    fleet_test_core_wait(core, "driver starts 1/1");
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 1/1"), 1);
    ck_assert_uint_eq(fleet_fixture_device("a")->queued, 0);
}
END_TEST

static void add_waiting(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, fleet_fixture_setup, fleet_fixture_teardown);
    tcase_add_test(tcase, waiting_action_starts_when_the_one_before_it_has_ended);
    tcase_add_test(tcase, failure_lets_the_next_one_start);
    tcase_add_test(tcase, order_is_by_priority_then_by_age);
    tcase_add_test(tcase, order_outlives_a_restart);
    tcase_add_test(tcase, newcomer_waits_behind_who_waits);
    tcase_add_test(tcase, no_more_run_than_may);
    tcase_add_test(tcase, no_more_of_a_type_run_than_may);
    tcase_add_test(tcase, zero_lets_nothing_run);
    tcase_add_loop_test(tcase, device_out_of_service_keeps_its_queue, 0, G_N_ELEMENTS(out_of_service));
    tcase_add_test(tcase, device_that_could_not_be_taken_out_goes_on);
    tcase_add_test(tcase, device_taken_out_of_service_starts_nothing_more);
    tcase_add_test(tcase, device_for_which_something_waits_stays);
    tcase_add_test(tcase, what_the_driver_refuses_when_its_turn_comes_is_rejected);
    tcase_add_test(tcase, what_the_driver_refuses_at_once_never_was);
    tcase_add_test(tcase, many_that_wait_all_come_through);
    tcase_add_test(tcase, start_outlives_a_failing_store);
}

int main(void)
{
    Suite *suite = suite_create("core: queue");
    TCase *alone = fleet_test_case(suite, "alone");
    TCase *times = fleet_test_case(suite, "times");
    TCase *busy = fleet_test_case(suite, "busy");

    tcase_add_test(alone, queue_is_by_priority_then_by_age);
    tcase_add_test(alone, each_device_has_a_queue_of_its_own);
    add_waiting(fleet_test_case(suite, "waiting"));

    tcase_add_checked_fixture(times, fleet_fixture_setup, fleet_fixture_teardown);
    tcase_add_test(times, not_before_is_kept);
    tcase_add_test(times, who_was_scheduled_waits_for_its_device);
    tcase_add_test(times, others_start_before_who_is_scheduled);
    tcase_add_test(times, not_before_in_the_past_is_at_once);
    tcase_add_test(times, start_deadline_ends_the_wait);
    tcase_add_test(times, start_deadline_is_kept_through_a_restart);
    tcase_add_test(times, start_deadline_is_over_once_it_runs);
    tcase_add_test(times, start_deadline_in_the_past_ends_what_would_wait);

    tcase_add_checked_fixture(busy, fleet_fixture_setup, fleet_fixture_teardown);
    tcase_add_test(busy, busy_device_refuses_by_default);
    tcase_add_test(busy, replacement_stops_what_runs_and_comes_first);
    tcase_add_test(busy, what_ends_before_it_is_replaced_has_ended_so);
    tcase_add_test(busy, second_replacement_does_not_stop_it_twice);
    tcase_add_test(busy, what_cannot_stop_is_not_replaced);
    tcase_add_test(busy, replacement_of_what_waits_for_a_retry_starts_at_once);
    tcase_add_test(busy, replacement_on_a_device_that_is_only_out_of_service_waits);
    return fleet_test_main(suite);
}
