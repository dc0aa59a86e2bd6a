/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/status.h"

#include "base/error.h"
#include "lib/main.h"

/* The vocabulary in the order in which databases number it: it may grow at its end, nothing else. */
static const char *const device_statuses[] = {
        "IDLE", "BUSY", "OFFLINE", "MAINTENANCE", "UPDATING", "RECOVERING", "ERROR"};
static const char *const action_statuses[] = {"PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"};
static const char *const results[] = {
        "", "success", "failed", "rejected", "timed-out", "cancelled", "lost", "superseded"};
static const char *const presences[] = {"UNKNOWN", "ONLINE", "OFFLINE"};

START_TEST(numbers_are_the_stores)
{
    ck_assert_int_eq(FLEET_DEVICE_IDLE, 0);
    ck_assert_int_eq(FLEET_DEVICE_BUSY, 1);
    ck_assert_int_eq(FLEET_DEVICE_OFFLINE, 2);
    ck_assert_int_eq(FLEET_DEVICE_MAINTENANCE, 3);
    ck_assert_int_eq(FLEET_DEVICE_UPDATING, 4);
    ck_assert_int_eq(FLEET_DEVICE_RECOVERING, 5);
    ck_assert_int_eq(FLEET_DEVICE_ERROR, 6);
    ck_assert_int_eq(FLEET_ACTION_PENDING, 0);
    ck_assert_int_eq(FLEET_ACTION_RUNNING, 1);
    ck_assert_int_eq(FLEET_ACTION_COMPLETED, 2);
    ck_assert_int_eq(FLEET_ACTION_FAILED, 3);
    ck_assert_int_eq(FLEET_ACTION_CANCELLED, 4);
    ck_assert_int_eq(FLEET_RESULT_NONE, 0);
    ck_assert_int_eq(FLEET_RESULT_SUCCESS, 1);
    ck_assert_int_eq(FLEET_RESULT_FAILED, 2);
    ck_assert_int_eq(FLEET_RESULT_REJECTED, 3);
    ck_assert_int_eq(FLEET_RESULT_TIMED_OUT, 4);
    ck_assert_int_eq(FLEET_RESULT_CANCELLED, 5);
    ck_assert_int_eq(FLEET_RESULT_LOST, 6);
    ck_assert_int_eq(FLEET_RESULT_SUPERSEDED, 7);
}
END_TEST

START_TEST(device_status_has_its_string)
{
    g_autoptr(GError) error = NULL;
    FleetDeviceStatus status = FLEET_DEVICE_STATUS_LAST_;

    ck_assert_str_eq(fleet_device_status_to_string((FleetDeviceStatus)_i), device_statuses[_i]);
    ck_assert(fleet_device_status_from_string(device_statuses[_i], &status, &error));
    ck_assert_int_eq(status, _i);
}
END_TEST

START_TEST(action_status_has_its_string)
{
    ck_assert_str_eq(fleet_action_status_to_string((FleetActionStatus)_i), action_statuses[_i]);
}
END_TEST

START_TEST(result_has_its_string)
{
    ck_assert_str_eq(fleet_result_to_string((FleetResult)_i), results[_i]);
}
END_TEST

START_TEST(presence_has_its_string)
{
    ck_assert_str_eq(fleet_presence_to_string((FleetPresence)_i), presences[_i]);
}
END_TEST

/* What a device has that nothing is known of; no database numbers the others. */
START_TEST(nothing_known_of_presence_is_zero)
{
    ck_assert_int_eq(FLEET_PRESENCE_UNKNOWN, 0);
    ck_assert_int_eq(FLEET_PRESENCE_LAST_, G_N_ELEMENTS(presences));
}
END_TEST

START_TEST(unknown_device_status_is_refused)
{
    static const char *const unknown[] = {"", "SLEEPY", "idle", "IDLE ", "PENDING"};
    g_autoptr(GError) error = NULL;
    FleetDeviceStatus status = FLEET_DEVICE_STATUS_LAST_;

    ck_assert(!fleet_device_status_from_string(unknown[_i], &status, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    g_autofree char *expected = g_strdup_printf("device status '%s' is unknown; use one of IDLE, BUSY, OFFLINE, "
                                                "MAINTENANCE, UPDATING, RECOVERING, ERROR",
            unknown[_i]);
    ck_assert_str_eq(error->message, expected);
    ck_assert_int_eq(status, FLEET_DEVICE_STATUS_LAST_);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("status");
    TCase *tcase = fleet_test_case(suite, "status");

    tcase_add_test(tcase, numbers_are_the_stores);
    tcase_add_loop_test(tcase, device_status_has_its_string, 0, (int)G_N_ELEMENTS(device_statuses));
    tcase_add_loop_test(tcase, action_status_has_its_string, 0, (int)G_N_ELEMENTS(action_statuses));
    tcase_add_loop_test(tcase, result_has_its_string, 0, (int)G_N_ELEMENTS(results));
    tcase_add_loop_test(tcase, presence_has_its_string, 0, (int)G_N_ELEMENTS(presences));
    tcase_add_test(tcase, nothing_known_of_presence_is_zero);
    tcase_add_loop_test(tcase, unknown_device_status_is_refused, 0, 5);
    return fleet_test_main(suite);
}
