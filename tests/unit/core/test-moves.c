/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The engine makes no move that is not in the table: to try one is a programming error, and fleetd ends there rather
 * than tell it. */

#include "core/run.h"
#include "fixture.h"
#include "model/transition.h"

#include <signal.h>

/* A run whose action has that status. */
static FleetRun *bring_to(FleetActionStatus status)
{
    FleetActionRequest request = fleet_test_core_request(core, "a");

    request.if_busy = FLEET_IF_BUSY_QUEUE;
    fleet_test_core_register(core, "add", "a");
    if (status == FLEET_ACTION_PENDING)
        fleet_test_core_status(core, "out", "a", FLEET_DEVICE_OFFLINE);
    FleetActionId id = fleet_test_core_initiate_as(core, "start", &request).id;
    fleet_test_core_rest(core);
    if (status == FLEET_ACTION_CANCELLED)
        fleet_test_core_cancel(core, "cancel", id, TRUE);
    else if (fleet_test_core_count(core, "driver starts 1/1") == 1 && status != FLEET_ACTION_RUNNING)
        fleet_test_core_finish(
                core, 1, 1, status == FLEET_ACTION_COMPLETED ? FLEET_OUTCOME_SUCCESS : FLEET_OUTCOME_PERMANENT);
    fleet_test_core_rest(core);
    FleetRun *run = g_hash_table_lookup(core->engine->runs, &id.sequence);
    ck_assert_int_eq(run->committed->status, status);
    return run;
}

static void stage(FleetRun *run, FleetActionStatus to, FleetResult result)
{
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);
    FleetAction *image = fleet_run_next_image(run);

    image->status = to;
    image->result = result;
    fleet_run_stage(run, transaction, image);
    fleet_test_core_end(core, "move", transaction, NULL);
}

/* Every move that is legal, by its place in the table; the first of its results. */
START_TEST(legal_move_is_made)
{
    const FleetActionMove *move = &fleet_action_moves[_i];
    FleetRun *run = bring_to(move->from);
    FleetResult result = (FleetResult)g_bit_nth_lsf(move->results, -1);
    g_autofree char *told = g_strdup_printf("action changed 1 %s->%s", fleet_action_status_to_string(move->from),
            fleet_action_status_to_string(move->to));

    fleet_test_core_forget(core);
    stage(run, move->to, result);
    fleet_test_core_settle(core);
    ck_assert_uint_eq(fleet_test_core_count(core, told), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "done move"), 1);
}
END_TEST

/* Another phase or attempt is no move. */
START_TEST(staying_is_allowed_until_the_end)
{
    FleetRun *run = bring_to((FleetActionStatus)_i);

    stage(run, (FleetActionStatus)_i, FLEET_RESULT_NONE);
    fleet_test_core_settle(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "done move"), 1);
}
END_TEST

/* Every pair of statuses, the index being from * their number + to, with a result that makes the move illegal. */
START_TEST(illegal_move_is_not_made)
{
    FleetActionStatus from = (FleetActionStatus)(_i / FLEET_ACTION_STATUS_LAST_);
    FleetActionStatus to = (FleetActionStatus)(_i % FLEET_ACTION_STATUS_LAST_);
    FleetRun *run = bring_to(from);
    FleetResult result = FLEET_RESULT_LAST_;

    for (guint i = 0; i < FLEET_RESULT_LAST_; i++)
        if (!fleet_action_may_move(from, to, (FleetResult)i))
            result = (FleetResult)i;
    ck_assert_int_ne(result, FLEET_RESULT_LAST_);
    fleet_test_expect_abort();
    stage(run, to, result);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: moves");
    TCase *tcase = fleet_test_case(suite, "moves");

    tcase_add_checked_fixture(tcase, fleet_fixture_setup, fleet_fixture_teardown);
    tcase_add_loop_test(tcase, legal_move_is_made, 0, (int)fleet_action_moves_count);
    tcase_add_loop_test(tcase, staying_is_allowed_until_the_end, FLEET_ACTION_PENDING, FLEET_ACTION_RUNNING + 1);
    for (int from = 0; from < FLEET_ACTION_STATUS_LAST_; from++)
        for (int to = 0; to < FLEET_ACTION_STATUS_LAST_; to++) {
            int i = from * FLEET_ACTION_STATUS_LAST_ + to;

            if (from != to || from >= FLEET_ACTION_COMPLETED)
                tcase_add_loop_test_raise_signal(tcase, illegal_move_is_not_made, SIGABRT, i, i + 1);
        }
    return fleet_test_main(suite);
}
