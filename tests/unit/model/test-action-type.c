/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/action_type.h"

#include "base/error.h"
#include "lib/main.h"

#include <string.h>

static const struct {
    const char *name;
    FleetDeviceStatus status;
} built_in[] = {
        {"SOFTWARE_UPDATE", FLEET_DEVICE_UPDATING},
        {"FIRMWARE_UPDATE", FLEET_DEVICE_UPDATING},
        {"SYSTEM_REBOOT", FLEET_DEVICE_BUSY},
        {"CONFIGURATION_CHANGE", FLEET_DEVICE_BUSY},
};

START_TEST(built_in_types_are_there)
{
    g_autoptr(FleetActionTypes) types = fleet_action_types_new();
    g_autoptr(GError) error = NULL;
    const char *const *names = fleet_action_types_names(types);

    ck_assert_uint_eq(g_strv_length((char **)names), G_N_ELEMENTS(built_in));
    for (gsize i = 0; i < G_N_ELEMENTS(built_in); i++) {
        const FleetActionType *type = fleet_action_types_lookup(types, built_in[i].name, &error);

        fleet_test_assert_no_error(error);
        ck_assert_str_eq(names[i], built_in[i].name);
        ck_assert_str_eq(type->name, built_in[i].name);
        ck_assert_int_eq(type->device_status, built_in[i].status);
    }
}
END_TEST

START_TEST(unknown_type_is_refused)
{
    static const char *const unknown[] = {"", "software_update", "SOFTWARE_UPDATE ", "SOFTWARE", "DANCE"};
    g_autoptr(FleetActionTypes) types = fleet_action_types_new();
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(fleet_action_types_lookup(types, unknown[_i], &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    g_autofree char *expected = g_strdup_printf("action type '%s' is unknown; use one of SOFTWARE_UPDATE, "
                                                "FIRMWARE_UPDATE, SYSTEM_REBOOT, CONFIGURATION_CHANGE",
            unknown[_i]);
    ck_assert_str_eq(error->message, expected);
}
END_TEST

START_TEST(unknown_type_is_cut_and_escaped)
{
    g_autoptr(FleetActionTypes) types = fleet_action_types_new();
    g_autofree char *tail = g_strnfill(5000, 'A');
    g_autofree char *name = g_strconcat("A\n", tail, NULL);
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(fleet_action_types_lookup(types, name, &error));
    ck_assert_ptr_null(strchr(error->message, '\n'));
    ck_assert_uint_lt(strlen(error->message), 512);
}
END_TEST

static void add(FleetActionTypes *types, const char *name, FleetDeviceStatus status)
{
    g_autoptr(GError) error = NULL;

    ck_assert_msg(fleet_action_types_add(types, name, status, &error), "'%s' is refused", name);
    fleet_test_assert_no_error(error);
    const FleetActionType *type = fleet_action_types_lookup(types, name, &error);
    fleet_test_assert_no_error(error);
    ck_assert_int_eq(type->device_status, status);
}

START_TEST(types_are_added)
{
    g_autoptr(FleetActionTypes) types = fleet_action_types_new();
    g_autofree char *longest = g_strnfill(64, 'X');
    g_autoptr(GError) error = NULL;

    add(types, "CALIBRATION", FLEET_DEVICE_BUSY);
    add(types, "A", FLEET_DEVICE_UPDATING);
    add(types, "A_1__", FLEET_DEVICE_BUSY);
    add(types, longest, FLEET_DEVICE_BUSY);

    const char *const *names = fleet_action_types_names(types);
    ck_assert_uint_eq(g_strv_length((char **)names), 8);
    ck_assert_str_eq(names[4], "CALIBRATION");
    ck_assert_str_eq(names[7], longest);
    ck_assert_ptr_null(fleet_action_types_lookup(types, "B", &error));
    fleet_test_assert_contains(error->message, "CONFIGURATION_CHANGE, CALIBRATION, A, A_1__, ");
}
END_TEST

START_TEST(a_type_may_be_changed)
{
    g_autoptr(FleetActionTypes) types = fleet_action_types_new();

    add(types, "SYSTEM_REBOOT", FLEET_DEVICE_UPDATING);
    add(types, "SYSTEM_REBOOT", FLEET_DEVICE_BUSY);
    ck_assert_uint_eq(g_strv_length((char **)fleet_action_types_names(types)), 4);
}
END_TEST

START_TEST(odd_names_are_refused)
{
    g_autofree char *longer = g_strnfill(65, 'X');
    const char *const odd[] = {"", "a", "1A", "_A", "Ab", "A B", "A-B", "A.B", "Ä", "A\n", "A\xff", longer};
    g_autoptr(FleetActionTypes) types = fleet_action_types_new();
    g_autoptr(GError) error = NULL;

    ck_assert(!fleet_action_types_add(types, odd[_i], FLEET_DEVICE_BUSY, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    fleet_test_assert_contains(error->message, "cannot name an action type; use an upper-case letter");
    ck_assert(g_utf8_validate(error->message, -1, NULL));
    ck_assert_ptr_null(strchr(error->message, '\n'));
    ck_assert_uint_eq(g_strv_length((char **)fleet_action_types_names(types)), 4);
}
END_TEST

START_TEST(only_updating_and_busy_go_with_an_action)
{
    FleetDeviceStatus status = (FleetDeviceStatus)_i;
    g_autoptr(FleetActionTypes) types = fleet_action_types_new();
    g_autoptr(GError) error = NULL;
    gboolean good = status == FLEET_DEVICE_UPDATING || status == FLEET_DEVICE_BUSY;

    ck_assert(fleet_action_types_add(types, "CALIBRATION", status, &error) == good);
    if (good)
        return;
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    g_autofree char *expected =
            g_strdup_printf("a device cannot be %s while an action of type 'CALIBRATION' runs; use UPDATING or BUSY",
                    fleet_device_status_to_string(status));
    ck_assert_str_eq(error->message, expected);
    ck_assert_uint_eq(g_strv_length((char **)fleet_action_types_names(types)), 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("action type");
    TCase *tcase = fleet_test_case(suite, "action type");

    tcase_add_test(tcase, built_in_types_are_there);
    tcase_add_loop_test(tcase, unknown_type_is_refused, 0, 5);
    tcase_add_test(tcase, unknown_type_is_cut_and_escaped);
    tcase_add_test(tcase, types_are_added);
    tcase_add_test(tcase, a_type_may_be_changed);
    tcase_add_loop_test(tcase, odd_names_are_refused, 0, 12);
    tcase_add_loop_test(tcase, only_updating_and_busy_go_with_an_action, 0, FLEET_DEVICE_STATUS_LAST_);
    return fleet_test_main(suite);
}
