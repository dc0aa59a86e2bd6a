/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/transition.h"

#include "base/error.h"
#include "lib/main.h"

static FleetDevice *make(FleetDeviceStatus status, gint64 sequence)
{
    FleetDevice *device = fleet_device_new("router-1", "Main Router", "router", "simulated");

    device->status = status;
    device->action = (FleetActionId){.msec = 1705312200000, .sequence = sequence};
    return device;
}

/* Every pair of statuses, the index being from * their number + to. */
START_TEST(action_moves)
{
    FleetActionStatus from = (FleetActionStatus)(_i / FLEET_ACTION_STATUS_LAST_);
    FleetActionStatus to = (FleetActionStatus)(_i % FLEET_ACTION_STATUS_LAST_);
    gboolean legal = (from == FLEET_ACTION_PENDING && to == FLEET_ACTION_RUNNING) ||
                     (from == FLEET_ACTION_RUNNING && to == FLEET_ACTION_COMPLETED) ||
                     (from == FLEET_ACTION_RUNNING && to == FLEET_ACTION_FAILED);

    ck_assert_msg(fleet_action_may_move(from, to) == legal, "%s to %s", fleet_action_status_to_string(from),
            fleet_action_status_to_string(to));
}
END_TEST

START_TEST(nothing_leaves_a_terminal_status)
{
    for (guint from = FLEET_ACTION_COMPLETED; from < FLEET_ACTION_STATUS_LAST_; from++)
        for (guint to = 0; to < FLEET_ACTION_STATUS_LAST_; to++)
            ck_assert(!fleet_action_may_move((FleetActionStatus)from, (FleetActionStatus)to));
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

START_TEST(a_device_with_action_is_never_free)
{
    g_autoptr(FleetDevice) device = make((FleetDeviceStatus)_i, 3);
    g_autoptr(GError) error = NULL;

    ck_assert(!fleet_device_check_free(device, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_DEVICE_BUSY);
    ck_assert_str_eq(
            error->message, "device 'router-1' is busy with action 'action_1705312200000_3'; wait until it ends");
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
                "it ends, or use OFFLINE or MAINTENANCE",
                fleet_device_status_to_string(status));
        ck_assert_str_eq(error->message, expected);
    }
}
END_TEST

START_TEST(the_end_of_an_action_sets_the_status)
{
    FleetDeviceStatus now = (FleetDeviceStatus)_i;
    gboolean stays = now == FLEET_DEVICE_OFFLINE || now == FLEET_DEVICE_MAINTENANCE;

    ck_assert_int_eq(fleet_device_status_after(now, FLEET_ACTION_COMPLETED), stays ? now : FLEET_DEVICE_IDLE);
    ck_assert_int_eq(fleet_device_status_after(now, FLEET_ACTION_FAILED), stays ? now : FLEET_DEVICE_ERROR);
    ck_assert_int_eq(fleet_device_status_after(now, FLEET_ACTION_CANCELLED), stays ? now : FLEET_DEVICE_ERROR);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transition");
    TCase *actions = fleet_test_case(suite, "actions");
    TCase *devices = fleet_test_case(suite, "devices");

    tcase_add_loop_test(actions, action_moves, 0, FLEET_ACTION_STATUS_LAST_ * FLEET_ACTION_STATUS_LAST_);
    tcase_add_test(actions, nothing_leaves_a_terminal_status);
    tcase_add_loop_test(devices, a_device_without_action_is_free_by_its_status, 0, FLEET_DEVICE_STATUS_LAST_);
    tcase_add_loop_test(devices, a_device_with_action_is_never_free, 0, FLEET_DEVICE_STATUS_LAST_);
    tcase_add_loop_test(devices, any_status_may_be_set_on_a_device_without_action, 0, FLEET_DEVICE_STATUS_LAST_);
    tcase_add_loop_test(devices, four_statuses_may_be_set_while_an_action_runs, 0, FLEET_DEVICE_STATUS_LAST_);
    tcase_add_loop_test(devices, the_end_of_an_action_sets_the_status, 0, FLEET_DEVICE_STATUS_LAST_);
    return fleet_test_main(suite);
}
