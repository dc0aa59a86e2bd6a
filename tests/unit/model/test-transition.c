/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/transition.h"

#include "base/error.h"
#include "lib/main.h"

static FleetDevice *make(FleetDeviceStatus status, gint64 sequence)
{
    FleetDevice *device = fleet_device_new("router-1", "Main Router", "router", "simulated");

    device->status = device->own_status = status;
    device->action = (FleetActionId){.msec = 1705312200000, .sequence = sequence};
    return device;
}

/* The promise, written down a second time, on purpose: what action_moves.def has is compared with it. */
static const struct {
    FleetActionStatus from, to;
    FleetResult result;
} legal[] = {
        {FLEET_ACTION_PENDING, FLEET_ACTION_RUNNING, FLEET_RESULT_NONE},
        {FLEET_ACTION_PENDING, FLEET_ACTION_FAILED, FLEET_RESULT_TIMED_OUT},
        {FLEET_ACTION_PENDING, FLEET_ACTION_FAILED, FLEET_RESULT_REJECTED},
        {FLEET_ACTION_PENDING, FLEET_ACTION_CANCELLED, FLEET_RESULT_CANCELLED},
        {FLEET_ACTION_RUNNING, FLEET_ACTION_COMPLETED, FLEET_RESULT_SUCCESS},
        {FLEET_ACTION_RUNNING, FLEET_ACTION_FAILED, FLEET_RESULT_FAILED},
        {FLEET_ACTION_RUNNING, FLEET_ACTION_FAILED, FLEET_RESULT_REJECTED},
        {FLEET_ACTION_RUNNING, FLEET_ACTION_FAILED, FLEET_RESULT_TIMED_OUT},
        {FLEET_ACTION_RUNNING, FLEET_ACTION_FAILED, FLEET_RESULT_LOST},
        {FLEET_ACTION_RUNNING, FLEET_ACTION_CANCELLED, FLEET_RESULT_CANCELLED},
        {FLEET_ACTION_RUNNING, FLEET_ACTION_CANCELLED, FLEET_RESULT_SUPERSEDED},
};

static gboolean is_legal(FleetActionStatus from, FleetActionStatus to, FleetResult result)
{
    for (guint i = 0; i < G_N_ELEMENTS(legal); i++)
        if (legal[i].from == from && legal[i].to == to && legal[i].result == result)
            return TRUE;
    return FALSE;
}

#define TRIPLES (FLEET_ACTION_STATUS_LAST_ * FLEET_ACTION_STATUS_LAST_ * FLEET_RESULT_LAST_)

/* Every move and every result, the index being (from * statuses + to) * results + result. */
START_TEST(action_moves)
{
    FleetResult result = (FleetResult)(_i % FLEET_RESULT_LAST_);
    FleetActionStatus to = (FleetActionStatus)(_i / FLEET_RESULT_LAST_ % FLEET_ACTION_STATUS_LAST_);
    FleetActionStatus from = (FleetActionStatus)(_i / FLEET_RESULT_LAST_ / FLEET_ACTION_STATUS_LAST_);

    ck_assert_msg(fleet_action_may_move(from, to, result) == is_legal(from, to, result), "%s to %s with '%s'",
            fleet_action_status_to_string(from), fleet_action_status_to_string(to), fleet_result_to_string(result));
}
END_TEST

START_TEST(nothing_leaves_a_terminal_status)
{
    for (guint from = FLEET_ACTION_COMPLETED; from < FLEET_ACTION_STATUS_LAST_; from++)
        for (guint to = 0; to < FLEET_ACTION_STATUS_LAST_; to++)
            for (guint result = 0; result < FLEET_RESULT_LAST_; result++)
                ck_assert(!fleet_action_may_move((FleetActionStatus)from, (FleetActionStatus)to, (FleetResult)result));
}
END_TEST

/* What docs/actions.md is drawn from: the same moves, each once, and each with its reason. */
START_TEST(the_table_of_moves_has_them_all)
{
    guint results = 0;

    for (guint i = 0; i < fleet_action_moves_count; i++) {
        const FleetActionMove *move = &fleet_action_moves[i];

        ck_assert_str_ne(move->when, "");
        for (guint j = 0; j < i; j++)
            ck_assert(fleet_action_moves[j].from != move->from || fleet_action_moves[j].to != move->to);
        for (guint result = 0; result < FLEET_RESULT_LAST_; result++) {
            gboolean has = (move->results & 1u << result) != 0;

            ck_assert(has == is_legal(move->from, move->to, (FleetResult)result));
            results += has;
        }
    }
    ck_assert_uint_eq(results, G_N_ELEMENTS(legal));
}
END_TEST

START_TEST(a_device_without_action_is_free_by_its_status)
{
    FleetDeviceStatus status = (FleetDeviceStatus)_i;
    g_autoptr(FleetDevice) device = make(status, 0);
    g_autoptr(GError) error = NULL;
    gboolean is_free = status == FLEET_DEVICE_IDLE || status == FLEET_DEVICE_ERROR;

    ck_assert(fleet_device_check_free(device, &error) == is_free);
    if (is_free) {
        fleet_test_assert_no_error(error);
        return;
    }
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_DEVICE_BUSY);
    g_autofree char *expected = g_strdup_printf("device 'router-1' is %s; an action starts only on a device that is "
                                                "IDLE or ERROR, so set its status first",
            fleet_device_status_to_string(status));
    ck_assert_str_eq(error->message, expected);
}
END_TEST

/* To set a status of it is not the first thing to do. */
START_TEST(a_device_that_is_away_is_waited_for)
{
    g_autoptr(FleetDevice) device = make(FLEET_DEVICE_IDLE, 0);
    g_autoptr(GError) error = NULL;

    device->presence = FLEET_PRESENCE_OFFLINE;
    fleet_device_show_status(device);
    ck_assert(!fleet_device_check_free(device, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_DEVICE_BUSY);
    ck_assert_str_eq(error->message,
            "device 'router-1' is OFFLINE, for it is not heard; wait until it is back, or let the action be queued");
}
END_TEST

START_TEST(a_device_with_action_is_never_free)
{
    g_autoptr(FleetDevice) device = make((FleetDeviceStatus)_i, 3);
    g_autoptr(GError) error = NULL;

    ck_assert(!fleet_device_check_free(device, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_DEVICE_BUSY);
    ck_assert_str_eq(error->message, "device 'router-1' is busy with action 'action_1705312200000_3'; wait until it "
                                     "ends, or let the action be queued");
}
END_TEST

START_TEST(any_status_may_be_set_on_a_device_without_action)
{
    for (guint now = 0; now < FLEET_DEVICE_STATUS_LAST_; now++) {
        g_autoptr(FleetDevice) device = make((FleetDeviceStatus)now, 0);
        g_autoptr(GError) error = NULL;

        ck_assert(fleet_device_check_set_status(device, (FleetDeviceStatus)_i, &error));
        fleet_test_assert_no_error(error);
    }
}
END_TEST

START_TEST(four_statuses_may_be_set_while_an_action_runs)
{
    FleetDeviceStatus status = (FleetDeviceStatus)_i;
    gboolean good = status == FLEET_DEVICE_OFFLINE || status == FLEET_DEVICE_MAINTENANCE ||
                    status == FLEET_DEVICE_UPDATING || status == FLEET_DEVICE_BUSY;

    for (guint now = 0; now < FLEET_DEVICE_STATUS_LAST_; now++) {
        g_autoptr(FleetDevice) device = make((FleetDeviceStatus)now, 3);
        g_autoptr(GError) error = NULL;

        ck_assert(fleet_device_check_set_status(device, status, &error) == good);
        if (good)
            continue;
        fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_TRANSITION);
        g_autofree char *expected = g_strdup_printf(
                "device 'router-1' cannot become %s while action 'action_1705312200000_3' runs; wait until "
                "it ends, or use OFFLINE or MAINTENANCE, and UPDATING or BUSY to take those back",
                fleet_device_status_to_string(status));
        ck_assert_str_eq(error->message, expected);
    }
}
END_TEST

START_TEST(the_end_of_an_action_sets_the_status)
{
    FleetDeviceStatus now = (FleetDeviceStatus)_i;
    gboolean stays = now == FLEET_DEVICE_OFFLINE || now == FLEET_DEVICE_MAINTENANCE;

    ck_assert_int_eq(fleet_device_status_after(now, FLEET_ACTION_COMPLETED, FALSE), stays ? now : FLEET_DEVICE_IDLE);
    ck_assert_int_eq(fleet_device_status_after(now, FLEET_ACTION_FAILED, FALSE), stays ? now : FLEET_DEVICE_ERROR);
    ck_assert_int_eq(fleet_device_status_after(now, FLEET_ACTION_CANCELLED, FALSE), stays ? now : FLEET_DEVICE_IDLE);
}
END_TEST

START_TEST(an_end_by_force_leaves_an_error)
{
    FleetDeviceStatus now = (FleetDeviceStatus)_i;

    ck_assert_int_eq(fleet_device_status_after(now, FLEET_ACTION_CANCELLED, TRUE), FLEET_DEVICE_ERROR);
    ck_assert_int_eq(fleet_device_status_after(now, FLEET_ACTION_FAILED, TRUE), FLEET_DEVICE_ERROR);
}
END_TEST

/* A device that is away, and has that status when it is there. */
static FleetDevice *make_away(FleetDeviceStatus own, gint64 sequence)
{
    FleetDevice *device = make(own, sequence);

    device->presence = FLEET_PRESENCE_OFFLINE;
    fleet_device_show_status(device);
    return device;
}

START_TEST(the_status_that_is_set_on_a_device_that_is_there_is_shown)
{
    for (guint presence = 0; presence < FLEET_PRESENCE_LAST_; presence++) {
        if (presence == FLEET_PRESENCE_OFFLINE)
            continue;
        g_autoptr(FleetDevice) device = make(FLEET_DEVICE_IDLE, 0);

        device->presence = (FleetPresence)presence;
        fleet_device_set_status(device, (FleetDeviceStatus)_i);
        ck_assert_int_eq(device->status, _i);
        ck_assert_int_eq(device->own_status, _i);
        ck_assert_int_eq(device->presence, presence);
    }
}
END_TEST

/* Who sets a device that is silent to work says that it is there. */
START_TEST(the_word_of_an_operator_counts_more_than_silence)
{
    FleetDeviceStatus status = (FleetDeviceStatus)_i;
    gboolean stays_away = status == FLEET_DEVICE_OFFLINE || status == FLEET_DEVICE_MAINTENANCE;
    g_autoptr(FleetDevice) device = make_away(FLEET_DEVICE_IDLE, 0);

    ck_assert_int_eq(device->status, FLEET_DEVICE_OFFLINE);
    fleet_device_set_status(device, status);
    ck_assert_int_eq(device->status, status);
    ck_assert_int_eq(device->own_status, status);
    ck_assert_int_eq(device->presence, stays_away ? FLEET_PRESENCE_OFFLINE : FLEET_PRESENCE_UNKNOWN);
}
END_TEST

/* That MAINTENANCE is over says nothing about whether it is there. */
START_TEST(what_is_away_shows_again_after_maintenance)
{
    FleetDeviceStatus status = (FleetDeviceStatus)_i;
    g_autoptr(FleetDevice) device = make_away(FLEET_DEVICE_MAINTENANCE, 0);

    ck_assert_int_eq(device->status, FLEET_DEVICE_MAINTENANCE);
    fleet_device_set_status(device, status);
    ck_assert_int_eq(device->status, status == FLEET_DEVICE_MAINTENANCE ? status : FLEET_DEVICE_OFFLINE);
    ck_assert_int_eq(device->own_status, status);
    ck_assert_int_eq(device->presence, FLEET_PRESENCE_OFFLINE);
}
END_TEST

/* Of the two reasons for which it was OFFLINE one is left; the same word once more takes that away, too. */
START_TEST(an_operators_offline_is_taken_back_before_the_silence)
{
    g_autoptr(FleetDevice) device = make_away(FLEET_DEVICE_OFFLINE, 0);

    fleet_device_set_status(device, FLEET_DEVICE_IDLE);
    ck_assert_int_eq(device->status, FLEET_DEVICE_OFFLINE);
    ck_assert_int_eq(device->presence, FLEET_PRESENCE_OFFLINE);
    fleet_device_set_status(device, FLEET_DEVICE_IDLE);
    ck_assert_int_eq(device->status, FLEET_DEVICE_IDLE);
    ck_assert_int_eq(device->presence, FLEET_PRESENCE_UNKNOWN);
}
END_TEST

START_TEST(what_is_set_while_an_action_runs_says_nothing_of_presence)
{
    FleetDeviceStatus status = (FleetDeviceStatus)_i;
    g_autoptr(FleetDevice) device = make_away(FLEET_DEVICE_UPDATING, 3);

    ck_assert_int_eq(device->status, FLEET_DEVICE_UPDATING);
    fleet_device_set_status(device, status);
    ck_assert_int_eq(device->status, status);
    ck_assert_int_eq(device->presence, FLEET_PRESENCE_OFFLINE);
}
END_TEST

/* Every presence, status and either: (presence * statuses + own) * 2 + runs. What an action makes of it hides neither.
 */
START_TEST(nothing_starts_on_what_is_away_or_taken_out)
{
    gint64 sequence = _i % 2;
    FleetDeviceStatus own = (FleetDeviceStatus)(_i / 2 % FLEET_DEVICE_STATUS_LAST_);
    FleetPresence presence = (FleetPresence)(_i / 2 / FLEET_DEVICE_STATUS_LAST_);
    g_autoptr(FleetDevice) device = make(own, sequence);

    device->presence = presence;
    fleet_device_show_status(device);
    ck_assert(fleet_device_is_out_of_service(device) ==
              (presence == FLEET_PRESENCE_OFFLINE || own == FLEET_DEVICE_OFFLINE || own == FLEET_DEVICE_MAINTENANCE));
    if (fleet_device_is_out_of_service(device))
        ck_assert(!fleet_device_check_free(device, NULL));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transition");
    TCase *actions = fleet_test_case(suite, "actions");
    TCase *devices = fleet_test_case(suite, "devices");
    TCase *presence = fleet_test_case(suite, "presence");

    tcase_add_loop_test(actions, action_moves, 0, TRIPLES);
    tcase_add_test(actions, nothing_leaves_a_terminal_status);
    tcase_add_test(actions, the_table_of_moves_has_them_all);
    tcase_add_loop_test(devices, a_device_without_action_is_free_by_its_status, 0, FLEET_DEVICE_STATUS_LAST_);
    tcase_add_test(devices, a_device_that_is_away_is_waited_for);
    tcase_add_loop_test(devices, a_device_with_action_is_never_free, 0, FLEET_DEVICE_STATUS_LAST_);
    tcase_add_loop_test(devices, any_status_may_be_set_on_a_device_without_action, 0, FLEET_DEVICE_STATUS_LAST_);
    tcase_add_loop_test(devices, four_statuses_may_be_set_while_an_action_runs, 0, FLEET_DEVICE_STATUS_LAST_);
    tcase_add_loop_test(devices, the_end_of_an_action_sets_the_status, 0, FLEET_DEVICE_STATUS_LAST_);
    tcase_add_loop_test(devices, an_end_by_force_leaves_an_error, 0, FLEET_DEVICE_STATUS_LAST_);
    tcase_add_loop_test(
            presence, the_status_that_is_set_on_a_device_that_is_there_is_shown, 0, FLEET_DEVICE_STATUS_LAST_);
    tcase_add_loop_test(presence, the_word_of_an_operator_counts_more_than_silence, 0, FLEET_DEVICE_STATUS_LAST_);
    tcase_add_loop_test(presence, what_is_away_shows_again_after_maintenance, 0, FLEET_DEVICE_STATUS_LAST_);
    tcase_add_test(presence, an_operators_offline_is_taken_back_before_the_silence);
    tcase_add_loop_test(
            presence, what_is_set_while_an_action_runs_says_nothing_of_presence, 0, FLEET_DEVICE_STATUS_LAST_);
    tcase_add_loop_test(presence, nothing_starts_on_what_is_away_or_taken_out, 0,
            FLEET_PRESENCE_LAST_ * FLEET_DEVICE_STATUS_LAST_ * 2);
    return fleet_test_main(suite);
}
