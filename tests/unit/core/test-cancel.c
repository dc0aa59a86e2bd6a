/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Cancelling: what waits, what runs, what cannot stop, what has ended; and a cancel against an end. */

#include "base/error.h"
#include "fixture.h"

#include <string.h>

/* Long enough for nobody to wait for it. */
#define FAR (3600 * FLEET_USEC_PER_SEC)

static FleetActionId start_as(const FleetActionRequest *request)
{
    FleetActionId id = fleet_test_core_initiate_as(core, "start", request).id;

    fleet_test_core_rest(core);
    fleet_test_core_forget(core);
    return id;
}

/* A device "a" whose action 1 runs, with its driver at work. */
static FleetActionId start(void)
{
    const FleetActionRequest request = fleet_test_core_request(core, "a");

    fleet_fixture_add("a");
    return start_as(&request);
}

static void finish(FleetOutcome outcome)
{
    fleet_test_core_finish(core, 1, 1, outcome);
    fleet_test_core_rest(core);
}

static void pass_the_point_of_no_return(void)
{
    const FleetDriver *driver = fleet_test_core_driver(core);

    fleet_test_core_phase(core, 1, 1, "rebooting");
    driver->host->point_of_no_return((FleetAttemptId){1, 1}, driver->host_data);
    fleet_test_core_rest(core);
    fleet_test_core_forget(core);
}

START_TEST(what_waits_is_cancelled_at_once)
{
    start();
    FleetActionRequest request = fleet_test_core_request(core, "a");
    request.if_busy = FLEET_IF_BUSY_QUEUE;
    FleetActionId id = start_as(&request);
    ck_assert_int_eq(fleet_test_core_cancel(core, "cancel", id, _i), FLEET_ACTION_CANCELLED);
    fleet_test_core_rest(core);
    fleet_test_core_assert_events(core, "action changed 2 PENDING->CANCELLED", "device changed a UPDATING->UPDATING",
            "committed", "done cancel");
    ck_assert_int_eq(fleet_fixture_action(id)->result, FLEET_RESULT_CANCELLED);
    ck_assert_str_eq(fleet_fixture_action(id)->message, "cancelled before it ran");
    ck_assert_int_eq(fleet_fixture_action(id)->started.realtime, 0);
    ck_assert_uint_eq(fleet_fixture_device("a")->queued, 0);
    ck_assert_int_eq(fleet_fixture_device("a")->action.sequence, 1);

    finish(FLEET_OUTCOME_SUCCESS);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 2/1"), 0);
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_IDLE);
}
END_TEST

START_TEST(what_is_scheduled_is_cancelled_at_once)
{
    FleetActionRequest request = fleet_test_core_request(core, "a");

    fleet_fixture_add("a");
    request.not_before = fleet_clock_realtime() + FAR;
    FleetActionId id = start_as(&request);
    ck_assert_int_eq(fleet_test_core_cancel(core, "cancel", id, FALSE), FLEET_ACTION_CANCELLED);
    fleet_test_core_rest(core);
    ck_assert_int_eq(fleet_fixture_action(id)->status, FLEET_ACTION_CANCELLED);
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_IDLE);
}
END_TEST

START_TEST(what_runs_ends_when_its_driver_has_stopped)
{
    FleetActionId id = start();

    ck_assert_int_eq(fleet_test_core_cancel(core, "cancel", id, FALSE), FLEET_ACTION_RUNNING);
    fleet_test_core_rest(core);
    fleet_test_core_assert_events(core, "done cancel", "driver stops 1/1");
    ck_assert_int_eq(fleet_fixture_action(id)->status, FLEET_ACTION_RUNNING);
    ck_assert_str_eq(fleet_fixture_action(id)->phase, "cancelling");
    ck_assert(fleet_action_is_cancelable(fleet_fixture_action(id)));

    /* It may still say what it does; that does not hide that it is to stop. */
    fleet_test_core_phase(core, 1, 1, "winding-down");
    fleet_test_core_rest(core);
    ck_assert_str_eq(fleet_fixture_action(id)->phase, "cancelling");
    finish(FLEET_OUTCOME_STOPPED);
    fleet_test_core_assert_events(core, "action changed 1 RUNNING->CANCELLED", "driver lets go 1/1",
            "device changed a UPDATING->IDLE", "committed");
    ck_assert_int_eq(fleet_fixture_action(id)->result, FLEET_RESULT_CANCELLED);
    ck_assert_str_eq(fleet_fixture_action(id)->message, "so it was");
    ck_assert_str_eq(fleet_fixture_action(id)->error_name, "");
    ck_assert_str_eq(fleet_fixture_action(id)->phase, "");
}
END_TEST

/* The driver's word counts, whatever was asked of it. */
static const struct {
    FleetOutcome outcome;
    FleetActionStatus status;
    FleetResult result;
} ends[] = {
        {FLEET_OUTCOME_SUCCESS, FLEET_ACTION_COMPLETED, FLEET_RESULT_SUCCESS},
        {FLEET_OUTCOME_PERMANENT, FLEET_ACTION_FAILED, FLEET_RESULT_FAILED},
        {FLEET_OUTCOME_UNCERTAIN, FLEET_ACTION_FAILED, FLEET_RESULT_LOST},
        {FLEET_OUTCOME_REJECTED, FLEET_ACTION_FAILED, FLEET_RESULT_REJECTED},
        {FLEET_OUTCOME_TRANSIENT, FLEET_ACTION_CANCELLED, FLEET_RESULT_CANCELLED},
        {FLEET_OUTCOME_STOPPED, FLEET_ACTION_CANCELLED, FLEET_RESULT_CANCELLED},
};

START_TEST(what_ends_by_itself_meanwhile_has_ended_so)
{
    FleetActionRequest request = fleet_test_core_request(core, "a");

    fleet_fixture_add("a");
    request.policy.max_attempts = 5; /* not even a transient failure is tried again */
    FleetActionId id = start_as(&request);
    fleet_test_core_cancel(core, "cancel", id, FALSE);
    fleet_test_core_rest(core);
    finish(ends[_i].outcome);
    ck_assert_int_eq(fleet_fixture_action(id)->status, ends[_i].status);
    ck_assert_int_eq(fleet_fixture_action(id)->result, ends[_i].result);
    ck_assert_uint_eq(fleet_fixture_action(id)->attempt, 1);
}
END_TEST

START_TEST(second_cancel_is_the_same_one)
{
    FleetActionId id = start();

    ck_assert_int_eq(fleet_test_core_cancel(core, "first", id, FALSE), FLEET_ACTION_RUNNING);
    ck_assert_int_eq(fleet_test_core_cancel(core, "second", id, FALSE), FLEET_ACTION_RUNNING);
    fleet_test_core_rest(core);
    ck_assert_int_eq(fleet_test_core_cancel(core, "third", id, FALSE), FLEET_ACTION_RUNNING);
    fleet_test_core_rest(core);
    fleet_test_core_assert_events(core, "done first", "done second", "driver stops 1/1", "done third");
}
END_TEST

START_TEST(what_has_ended_cannot_be_cancelled)
{
    FleetActionId id = start();

    finish(_i == 0 ? FLEET_OUTCOME_SUCCESS : FLEET_OUTCOME_PERMANENT);
    fleet_test_core_forget(core);
    fleet_test_core_cancel(core, "cancel", id, FALSE);
    fleet_test_core_assert_events(core, "cancel: AlreadyFinished");
    fleet_test_assert_matches(
            core->failure->message, _i == 0 ? "^action 'action_\\d+_1' has ended already: COMPLETED \\(success\\)$"
                                            : "^action 'action_\\d+_1' has ended already: FAILED \\(failed\\)$");
    fleet_test_core_cancel(core, "force", id, TRUE);
    fleet_test_core_assert_events(core, "force: AlreadyFinished");
    ck_assert_int_eq(fleet_fixture_device("a")->status, _i == 0 ? FLEET_DEVICE_IDLE : FLEET_DEVICE_ERROR);
}
END_TEST

START_TEST(what_was_cancelled_cannot_be_cancelled_again)
{
    FleetActionId id = start();

    fleet_test_core_cancel(core, "cancel", id, FALSE);
    fleet_test_core_rest(core);
    finish(FLEET_OUTCOME_STOPPED);
    fleet_test_core_cancel(core, "again", id, FALSE);
    ck_assert_uint_eq(fleet_test_core_count(core, "again: AlreadyFinished"), 1);
    fleet_test_assert_contains(core->failure->message, "CANCELLED (cancelled)");
}
END_TEST

START_TEST(unknown_action_cannot_be_cancelled)
{
    FleetActionId id = start();

    fleet_test_core_cancel(core, "sequence", (FleetActionId){id.msec, id.sequence + 1}, FALSE);
    fleet_test_core_cancel(core, "msec", (FleetActionId){id.msec + 1, id.sequence}, TRUE);
    fleet_test_core_assert_events(core, "sequence: ActionNotFound", "msec: ActionNotFound");
}
END_TEST

START_TEST(what_cannot_stop_is_not_cancelable)
{
    FleetActionId id = start();

    pass_the_point_of_no_return();
    ck_assert(!fleet_action_is_cancelable(fleet_fixture_action(id)));
    fleet_test_core_cancel(core, "cancel", id, FALSE);
    fleet_test_core_rest(core);
    fleet_test_core_assert_events(core, "cancel: NotCancelable");
    fleet_test_assert_contains(core->failure->message, "(phase 'rebooting'); wait for its end, or use Force");
    ck_assert_str_eq(fleet_fixture_action(id)->phase, "rebooting");
    finish(FLEET_OUTCOME_SUCCESS);
    ck_assert_int_eq(fleet_fixture_action(id)->status, FLEET_ACTION_COMPLETED);
}
END_TEST

/* The point of no return lies in the attempt: the next one can stop again. */
START_TEST(next_attempt_can_stop_again)
{
    FleetActionRequest request = fleet_test_core_request(core, "a");

    fleet_fixture_add("a");
    request.policy.max_attempts = 2;
    request.policy.retry_delay = request.policy.retry_cap = 0;
    FleetActionId id = start_as(&request);
    pass_the_point_of_no_return();
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_TRANSIENT);
    fleet_test_core_wait(core, "driver starts 1/2");
    ck_assert_int_eq(fleet_test_core_cancel(core, "cancel", id, FALSE), FLEET_ACTION_RUNNING);
    fleet_test_core_wait(core, "driver stops 1/2");
}
END_TEST

START_TEST(what_waits_for_a_retry_is_cancelled_at_once)
{
    FleetActionRequest request = fleet_test_core_request(core, "a");

    fleet_fixture_add("a");
    request.policy.max_attempts = 2;
    request.policy.retry_delay = request.policy.retry_cap = FAR;
    FleetActionId id = start_as(&request);
    finish(FLEET_OUTCOME_TRANSIENT);
    fleet_test_core_forget(core);
    ck_assert_int_eq(fleet_test_core_cancel(core, "cancel", id, _i), FLEET_ACTION_CANCELLED);
    fleet_test_core_rest(core);
    fleet_test_core_assert_events(
            core, "action changed 1 RUNNING->CANCELLED", "device changed a UPDATING->IDLE", "committed", "done cancel");
    ck_assert_str_eq(fleet_fixture_action(id)->message, "cancelled between two attempts");
    ck_assert_int_eq(fleet_fixture_action(id)->result, FLEET_RESULT_CANCELLED);
}
END_TEST

START_TEST(force_closes_what_runs)
{
    FleetActionId id = start();

    if (_i % 2 == 1) /* whether it can stop or not */
        pass_the_point_of_no_return();
    if (_i / 2 == 1) { /* whether it was asked to stop or not */
        fleet_test_core_cancel(core, "cancel", id, FALSE);
        fleet_test_core_rest(core);
        fleet_test_core_forget(core);
    }
    ck_assert_int_eq(fleet_test_core_cancel(core, "force", id, TRUE), FLEET_ACTION_CANCELLED);
    fleet_test_core_rest(core);
    fleet_test_core_assert_events(core, "action changed 1 RUNNING->CANCELLED", "driver lets go 1/1",
            "device changed a UPDATING->ERROR", "committed", "done force");
    ck_assert_int_eq(fleet_fixture_action(id)->result, FLEET_RESULT_CANCELLED);
    ck_assert_str_eq(fleet_fixture_action(id)->message, "closed by force");
    ck_assert_int_eq(fleet_fixture_device("a")->action.sequence, 0);

    /* What the driver says later is not applied. */
    fleet_test_core_phase(core, 1, 1, "verifying");
    finish(FLEET_OUTCOME_SUCCESS);
    fleet_test_core_assert_events(core, NULL);
    ck_assert_int_eq(fleet_fixture_action(id)->status, FLEET_ACTION_CANCELLED);
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_ERROR);
    fleet_fixture_restart();
    ck_assert_int_eq(fleet_fixture_action(id)->status, FLEET_ACTION_CANCELLED);
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_ERROR);
    fleet_test_core_assert_events(core, NULL);
}
END_TEST

START_TEST(force_leaves_an_error_whatever_the_operator_set)
{
    FleetActionId id = start();

    fleet_test_core_status(core, "operator", "a", _i == 0 ? FLEET_DEVICE_OFFLINE : FLEET_DEVICE_MAINTENANCE);
    fleet_test_core_cancel(core, "force", id, TRUE);
    fleet_test_core_rest(core);
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_ERROR);
}
END_TEST

/* Before the driver has even been told to start: it never is. */
START_TEST(cancel_overtakes_the_start)
{
    const FleetActionRequest request = fleet_test_core_request(core, "a");

    fleet_fixture_add("a");
    FleetActionId id = fleet_test_core_initiate_as(core, "start", &request).id;
    fleet_test_core_cancel(core, "force", id, TRUE);
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "done start"), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "done force"), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 1/1"), 0);
    ck_assert_int_eq(fleet_fixture_action(id)->status, FLEET_ACTION_CANCELLED);
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_ERROR);
}
END_TEST

START_TEST(driver_that_does_not_stop_in_time_goes_on)
{
    core->settings.cancel_timeout = 500 * FLEET_USEC_PER_MSEC; /* from the request on: a slow commit is part of it */
    fleet_test_core_configure(core);
    FleetActionId id = start();
    fleet_test_core_cancel(core, "cancel", id, FALSE);
    fleet_test_core_wait(core, "driver stops 1/1");
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);
    while (g_str_equal(fleet_fixture_action(id)->phase, "cancelling") && g_get_monotonic_time() < deadline)
        g_main_context_iteration(NULL, TRUE);
    fleet_test_core_rest(core);
    ck_assert_int_eq(fleet_fixture_action(id)->status, FLEET_ACTION_RUNNING);
    ck_assert_str_eq(fleet_fixture_action(id)->phase, "");
    ck_assert_str_eq(fleet_fixture_action(id)->message, "its driver has not stopped within 500ms, so it goes on");
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_UPDATING);

    /* It can be asked again, and this time it does. */
    fleet_test_core_forget(core);
    fleet_test_core_cancel(core, "again", id, FALSE);
    fleet_test_core_wait(core, "driver stops 1/1");
    finish(FLEET_OUTCOME_STOPPED);
    ck_assert_int_eq(fleet_fixture_action(id)->status, FLEET_ACTION_CANCELLED);
}
END_TEST

START_TEST(cancel_goes_on_after_a_restart)
{
    FleetActionId id = start();

    fleet_test_core_cancel(core, "cancel", id, FALSE);
    fleet_test_core_rest(core);
    fleet_fixture_restart();
    fleet_test_core_assert_events(core, "driver finds 1/1", "driver stops 1/1");
    ck_assert_str_eq(fleet_fixture_action(id)->phase, "cancelling");
    finish(FLEET_OUTCOME_STOPPED);
    ck_assert_int_eq(fleet_fixture_action(id)->status, FLEET_ACTION_CANCELLED);
    ck_assert_int_eq(fleet_fixture_action(id)->result, FLEET_RESULT_CANCELLED);
}
END_TEST

/* It has said so before it was asked. */
START_TEST(point_of_no_return_overtakes_the_cancel)
{
    FleetActionId id = start();
    const FleetDriver *driver = fleet_test_core_driver(core);

    fleet_test_core_cancel(core, "cancel", id, FALSE);
    driver->host->point_of_no_return((FleetAttemptId){1, 1}, driver->host_data);
    fleet_test_core_rest(core);
    fleet_test_core_assert_events(core, "done cancel");
    ck_assert_int_eq(fleet_fixture_action(id)->status, FLEET_ACTION_RUNNING);
    ck_assert_str_eq(fleet_fixture_action(id)->phase, "");
    ck_assert_str_eq(fleet_fixture_action(id)->message, "its driver is past the point of no return, so it goes on");
    finish(FLEET_OUTCOME_SUCCESS);
    ck_assert_int_eq(fleet_fixture_action(id)->result, FLEET_RESULT_SUCCESS);
}
END_TEST

/* The same for what shall make room for another. */
START_TEST(replacement_goes_on_after_a_restart)
{
    FleetActionId id = start();
    FleetActionRequest request = fleet_test_core_request(core, "a");

    request.if_busy = FLEET_IF_BUSY_REPLACE;
    start_as(&request);
    fleet_fixture_restart();
    finish(FLEET_OUTCOME_STOPPED);
    ck_assert_int_eq(fleet_fixture_action(id)->result, FLEET_RESULT_SUPERSEDED);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 2/1"), 1);
}
END_TEST

START_TEST(cancel_that_is_not_stored_never_was)
{
    FleetActionId id = start();

    fleet_test_core_break_disk();
    fleet_test_core_cancel(core, "cancel", id, _i);
    fleet_test_core_settle(core);
    fleet_test_core_mend_disk();
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "cancel: StorageFailed"), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver stops 1/1"), 0);
    ck_assert_int_eq(fleet_fixture_action(id)->status, FLEET_ACTION_RUNNING);
    ck_assert_str_eq(fleet_fixture_action(id)->phase, "");
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_UPDATING);
    finish(FLEET_OUTCOME_SUCCESS);
    ck_assert_int_eq(fleet_fixture_action(id)->status, FLEET_ACTION_COMPLETED);
}
END_TEST

/* A cancel against an end. */

/* The driver's word stood behind a close by force that could not be stored. */
START_TEST(end_counts_if_the_force_before_it_is_lost)
{
    FleetActionId id = start();

    fleet_test_core_break_disk();
    fleet_test_core_cancel(core, "force", id, TRUE);
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_SUCCESS);
    fleet_test_core_settle(core);
    fleet_test_core_mend_disk();
    fleet_test_core_wait(core, "device changed a UPDATING->IDLE");
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "force: StorageFailed"), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "action changed 1 RUNNING->COMPLETED"), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "action changed 1 RUNNING->CANCELLED"), 0);
    ck_assert_int_eq(fleet_fixture_action(id)->status, FLEET_ACTION_COMPLETED);
}
END_TEST

/* Once its end is known it has ended, even while that cannot be stored. */
START_TEST(end_that_waits_for_the_disk_is_an_end)
{
    FleetActionId id = start();

    fleet_test_core_break_disk();
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_SUCCESS);
    fleet_test_core_settle(core);
    fleet_test_core_mend_disk();
    fleet_test_core_forget(core);
    fleet_test_core_cancel(core, "cancel", id, FALSE);
    fleet_test_core_cancel(core, "force", id, TRUE);
    fleet_test_core_settle(core);
    fleet_test_core_assert_events(core, "cancel: AlreadyFinished", "force: AlreadyFinished");
    fleet_test_assert_contains(core->failure->message, "COMPLETED (success)");
    fleet_test_core_wait(core, "device changed a UPDATING->IDLE");
    ck_assert_int_eq(fleet_fixture_action(id)->status, FLEET_ACTION_COMPLETED);
}
END_TEST

#define RACES 2000

typedef struct {
    FleetActionId id;
    guint kind;     /* what comes first, and whether the cancel is by force */
    gboolean raced; /* already */
    char *done, *late;
} Race;

/* The end and the cancel of one action, in one turn of the loop. */
static void race(Race *racer, GRand *rand)
{
    static const FleetOutcome outcomes[] = {FLEET_OUTCOME_SUCCESS, FLEET_OUTCOME_PERMANENT, FLEET_OUTCOME_STOPPED};
    FleetOutcome outcome = outcomes[g_rand_int_range(rand, 0, G_N_ELEMENTS(outcomes))];
    gboolean force = racer->kind % 2 == 1, end_first = racer->kind / 2 == 1;

    if (end_first)
        fleet_test_core_finish(core, racer->id.sequence, 1, outcome);
    fleet_test_core_cancel(core, racer->done + strlen("done "), racer->id, force);
    if (!end_first)
        fleet_test_core_finish(core, racer->id.sequence, 1, outcome);
    racer->raced = TRUE;
}

/* Every event, and how often it came. */
static GHashTable *count_events(void)
{
    GHashTable *counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(GStrv) lines = g_strsplit(core->events->str, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        guint count = GPOINTER_TO_UINT(g_hash_table_lookup(counts, *line));
        g_hash_table_insert(counts, g_strdup(*line), GUINT_TO_POINTER(count + 1));
    }
    return counts;
}

static guint count_of(GHashTable *counts, const char *event)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(counts, event));
}

/* One end was told, and it is the one that memory has; the cancel was told what is so. */
static void assert_one_winner(const Race *racer, GHashTable *counts)
{
    const FleetAction *ended = fleet_fixture_action(racer->id);
    guint told = 0;

    for (guint status = FLEET_ACTION_COMPLETED; status < FLEET_ACTION_STATUS_LAST_; status++) {
        g_autofree char *event = g_strdup_printf("action changed %" G_GINT64_FORMAT " RUNNING->%s", racer->id.sequence,
                fleet_action_status_to_string((FleetActionStatus)status));
        guint count = count_of(counts, event);

        ck_assert_uint_eq(count, status == ended->status);
        told += count;
    }
    ck_assert_uint_eq(told, 1);
    g_autofree char *gone = g_strdup_printf("driver lets go %" G_GINT64_FORMAT "/1", racer->id.sequence);
    ck_assert_uint_eq(count_of(counts, gone), 1);

    gboolean end_first = racer->kind / 2 == 1, force = racer->kind % 2 == 1;
    ck_assert_uint_eq(count_of(counts, racer->late), end_first);
    ck_assert_uint_eq(count_of(counts, racer->done), !end_first);
    if (!end_first && force)
        ck_assert_str_eq(ended->message, "closed by force");
    else
        ck_assert_str_eq(ended->message, "so it was");
    ck_assert_int_eq(fleet_fixture_device(ended->device_id)->action.sequence, 0);
    if (!end_first && force)
        ck_assert_int_eq(fleet_fixture_device(ended->device_id)->status, FLEET_DEVICE_ERROR);
    else
        ck_assert_int_eq(fleet_fixture_device(ended->device_id)->status,
                ended->status == FLEET_ACTION_FAILED ? FLEET_DEVICE_ERROR : FLEET_DEVICE_IDLE);
}

static void start_racers(Race *racers)
{
    core->settings.running_max = RACES;
    core->settings.finished_max = RACES;
    fleet_test_core_configure(core);
    for (guint i = 0; i < RACES; i++) {
        g_autofree char *id = g_strdup_printf("%u", i);
        fleet_test_core_register(core, "add", id);
        racers[i].id = fleet_test_core_initiate(core, "start", id);
        racers[i].kind = i % 4;
        racers[i].done = g_strdup_printf("done cancel-%u", i);
        racers[i].late = g_strdup_printf("cancel-%u: AlreadyFinished", i);
    }
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_engine_count_status(core->engine, FLEET_ACTION_RUNNING), RACES);
    fleet_test_core_forget(core);
}

START_TEST(end_against_cancel_has_one_winner)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(3);
    g_autofree Race *racers = g_new0(Race, RACES);
    guint left = RACES;

    start_racers(racers);
    while (left > 0) { /* some in this turn, some in the next ones, while those before are on their way */
        Race *racer = &racers[g_rand_int_range(rand, 0, RACES)];
        if (!racer->raced) {
            race(racer, rand);
            left--;
        }
        if (g_rand_int_range(rand, 0, 8) == 0)
            g_main_context_iteration(NULL, FALSE);
    }
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_engine_count_status(core->engine, FLEET_ACTION_RUNNING), 0);
    g_autoptr(GHashTable) counts = count_events();
    for (guint i = 0; i < RACES; i++) {
        assert_one_winner(&racers[i], counts);
        g_free(racers[i].done);
        g_free(racers[i].late);
    }
}
END_TEST

/* The same with the driver that ships, which ends at once: the cancel comes at any moment of its short life. */
START_TEST(simulation_against_cancel_has_one_winner)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(4);
    gboolean force = _i == 1;

    g_clear_pointer(&core, fleet_test_core_free);
    core = fleet_test_core_new(directory);
    core->settings.running_max = core->settings.finished_max = RACES;
    fleet_test_core_configure(core);
    fleet_test_core_simulate(core, 300, 0.5); /* µs */
    for (guint i = 0; i < RACES; i++) {
        g_autofree char *id = g_strdup_printf("%u", i);
        fleet_test_core_register(core, "add", id);
    }
    fleet_test_core_rest(core);
    fleet_test_core_forget(core);
    FleetActionId *ids = g_new0(FleetActionId, RACES);
    guint cancelled = 0;
    for (guint i = 0; i < RACES; i++) {
        g_autofree char *id = g_strdup_printf("%u", i);
        ids[i] = fleet_test_core_initiate(core, "start", id);
        while (g_rand_int_range(rand, 0, 4) != 0)
            g_main_context_iteration(NULL, FALSE);
        for (; cancelled < i && g_rand_int_range(rand, 0, 16) != 0; cancelled++)
            fleet_test_core_cancel(core, "cancel", ids[cancelled], force);
    }
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);
    while (fleet_engine_count_status(core->engine, FLEET_ACTION_RUNNING) +
                            fleet_engine_count_status(core->engine, FLEET_ACTION_PENDING) >
                    0 &&
            g_get_monotonic_time() < deadline)
        g_main_context_iteration(NULL, TRUE);
    fleet_test_core_rest(core);

    g_autoptr(GHashTable) counts = count_events();
    ck_assert_uint_eq(count_of(counts, "start: StorageFailed"), 0);
    ck_assert_uint_eq(count_of(counts, "done cancel") + count_of(counts, "cancel: AlreadyFinished"), cancelled);
    for (guint i = 0; i < RACES; i++) {
        guint told = 0;
        for (guint status = FLEET_ACTION_COMPLETED; status < FLEET_ACTION_STATUS_LAST_; status++) {
            g_autofree char *event = g_strdup_printf("action changed %" G_GINT64_FORMAT " RUNNING->%s", ids[i].sequence,
                    fleet_action_status_to_string((FleetActionStatus)status));
            told += count_of(counts, event);
            ck_assert_uint_eq(count_of(counts, event), status == fleet_fixture_action(ids[i])->status);
        }
        ck_assert_uint_eq(told, 1);
        ck_assert_int_eq(fleet_fixture_device(fleet_fixture_action(ids[i])->device_id)->action.sequence, 0);
    }
    if (force) /* each cancel that was answered with CANCELLED is one, and no other */
        ck_assert_uint_eq(
                fleet_engine_count_status(core->engine, FLEET_ACTION_CANCELLED), count_of(counts, "done cancel"));
    else
        ck_assert_uint_le(
                fleet_engine_count_status(core->engine, FLEET_ACTION_CANCELLED), count_of(counts, "done cancel"));
    g_free(ids);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: cancel");
    TCase *tcase = fleet_test_case(suite, "cancel");
    TCase *force = fleet_test_case(suite, "force");
    TCase *restarts = fleet_test_case(suite, "restarts");
    TCase *races = fleet_test_case(suite, "races");

    tcase_add_checked_fixture(tcase, fleet_fixture_setup, fleet_fixture_teardown);
    tcase_add_loop_test(tcase, what_waits_is_cancelled_at_once, 0, 2);
    tcase_add_test(tcase, what_is_scheduled_is_cancelled_at_once);
    tcase_add_test(tcase, what_runs_ends_when_its_driver_has_stopped);
    tcase_add_loop_test(tcase, what_ends_by_itself_meanwhile_has_ended_so, 0, G_N_ELEMENTS(ends));
    tcase_add_test(tcase, second_cancel_is_the_same_one);
    tcase_add_loop_test(tcase, what_has_ended_cannot_be_cancelled, 0, 2);
    tcase_add_test(tcase, what_was_cancelled_cannot_be_cancelled_again);
    tcase_add_test(tcase, unknown_action_cannot_be_cancelled);
    tcase_add_test(tcase, what_cannot_stop_is_not_cancelable);
    tcase_add_test(tcase, next_attempt_can_stop_again);
    tcase_add_loop_test(tcase, what_waits_for_a_retry_is_cancelled_at_once, 0, 2);
    tcase_add_test(tcase, cancel_overtakes_the_start);
    tcase_add_test(tcase, point_of_no_return_overtakes_the_cancel);
    tcase_add_test(tcase, driver_that_does_not_stop_in_time_goes_on);
    tcase_add_loop_test(tcase, cancel_that_is_not_stored_never_was, 0, 2);

    tcase_add_checked_fixture(force, fleet_fixture_setup, fleet_fixture_teardown);
    tcase_add_loop_test(force, force_closes_what_runs, 0, 4);
    tcase_add_loop_test(force, force_leaves_an_error_whatever_the_operator_set, 0, 2);

    tcase_add_checked_fixture(restarts, fleet_fixture_setup, fleet_fixture_teardown);
    tcase_add_test(restarts, cancel_goes_on_after_a_restart);
    tcase_add_test(restarts, replacement_goes_on_after_a_restart);

    tcase_add_checked_fixture(races, fleet_fixture_setup, fleet_fixture_teardown);
    tcase_add_test(races, end_counts_if_the_force_before_it_is_lost);
    tcase_add_test(races, end_that_waits_for_the_disk_is_an_end);
    tcase_add_test(races, end_against_cancel_has_one_winner);
    tcase_add_loop_test(races, simulation_against_cancel_has_one_winner, 0, 2);
    return fleet_test_main(suite);
}
