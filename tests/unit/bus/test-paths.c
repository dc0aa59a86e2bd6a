/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/paths.h"

#include "lib/main.h"

#include <string.h>
#include <systemd/sd-bus.h>

#define MANY 20000

/* What sd-bus makes of an action's id. */
static char *encode(FleetActionId id)
{
    char text[FLEET_ACTION_ID_BUFFER];
    char *path = NULL;

    ck_assert_int_ge(sd_bus_path_encode(FLEET_PATH_ACTIONS, fleet_action_id_format(id, text), &path), 0);
    return path;
}

static void assert_action_path(FleetActionId id)
{
    char buffer[FLEET_ACTION_PATH_BUFFER];
    g_autofree char *expected = encode(id);
    FleetActionId back;

    ck_assert_str_eq(fleet_path_of_action(id, buffer), expected);
    ck_assert(fleet_path_to_action(expected, &back));
    ck_assert_int_eq(back.msec, id.msec);
    ck_assert_int_eq(back.sequence, id.sequence);
}

START_TEST(action_paths_are_those_of_sd_bus)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(20240115);

    assert_action_path((FleetActionId){0, 1});
    assert_action_path((FleetActionId){1, G_MAXINT64});
    assert_action_path((FleetActionId){G_MAXINT64, G_MAXINT64});
    for (guint i = 0; i < MANY; i++) {
        guint64 msec = (guint64)g_rand_int(rand) << 32 | g_rand_int(rand);
        guint64 sequence = (guint64)g_rand_int(rand) << 32 | g_rand_int(rand);

        /* Of all lengths. */
        assert_action_path((FleetActionId){(gint64)(msec >> g_rand_int_range(rand, 1, 64)),
                (gint64)(sequence >> g_rand_int_range(rand, 1, 63)) | 1});
    }
}
END_TEST

START_TEST(no_action_has_the_root_path)
{
    char buffer[FLEET_ACTION_PATH_BUFFER];

    ck_assert_str_eq(fleet_path_of_action((FleetActionId){0}, buffer), "/");
    ck_assert_str_eq(fleet_path_of_action((FleetActionId){.msec = 5}, buffer), "/");
}
END_TEST

static const char *const not_actions[] = {
        "/",
        "/org/fleet/Manager",
        "/org/fleet/Manager/action",
        "/org/fleet/Manager/action/",
        "/org/fleet/Manager/action/_",
        "/org/fleet/Manager/action/action_5f1",
        "/org/fleet/Manager/action/action_5f1_5f0",
        "/org/fleet/Manager/action/action_5f01_5f1",
        "/org/fleet/Manager/action/action_5f1_5f1/x",
        "/org/fleet/Manager/action/x/action_5f1_5f1",
        "/org/fleet/Manager/device/action_5f1_5f1",
        "/org/fleet/Manager/actions/action_5f1_5f1",
        "/org/fleet/Manager/action/action_1_1",
        "/org/fleet/Manager/action/action_5F1_5f1",
        "/org/fleet/Manager/action/_61ction_5f1_5f1",
};

START_TEST(what_is_no_action_path_is_none)
{
    FleetActionId id;

    ck_assert(!fleet_path_to_action(not_actions[_i], &id));
}
END_TEST

static const struct {
    const char *id, *path;
} devices[] = {
        {"router1", FLEET_PATH_DEVICES "/router1"},
        {"router-1", FLEET_PATH_DEVICES "/router_2d1"},
        {"1", FLEET_PATH_DEVICES "/_31"},
        {"a_b", FLEET_PATH_DEVICES "/a_5fb"},
        {"a/b", FLEET_PATH_DEVICES "/a_2fb"},
        {"\xc3\xa4", FLEET_PATH_DEVICES "/_c3_a4"},
};

START_TEST(device_paths_are_those_of_sd_bus)
{
    g_autofree char *path = fleet_path_of_device(devices[_i].id);
    g_autofree char *id = fleet_path_to_device(path);

    ck_assert_str_eq(path, devices[_i].path);
    ck_assert_str_eq(id, devices[_i].id);
}
END_TEST

START_TEST(random_device_paths_are_those_of_sd_bus)
{
    static const char *const names[] = {
            "", "a", "1", "1a", "a1", "router-1", "_", "..", "Łódź", "a b/c", "\x7f~", "Z9"};
    g_autoptr(GRand) rand = g_rand_new_with_seed(20240116);

    for (guint i = 0; i < G_N_ELEMENTS(names) + MANY; i++) {
        char id[9] = "";
        g_autofree char *expected = NULL;

        for (guint k = 0; i >= G_N_ELEMENTS(names) && k < i % sizeof(id); k++)
            id[k] = (char)g_rand_int_range(rand, 1, 256);
        const char *name = i < G_N_ELEMENTS(names) ? names[i] : id;
        ck_assert_int_ge(sd_bus_path_encode(FLEET_PATH_DEVICES, name, &expected), 0);
        g_autofree char *path = fleet_path_of_device(name);
        ck_assert_str_eq(path, expected);
    }
}
END_TEST

/* Any bytes of an id, of any length that the model allows: a valid path, and the same id from it. */
START_TEST(device_paths_lead_back)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(20240115);

    for (guint i = 0; i < MANY; i++) {
        char id[256];
        int length = g_rand_int_range(rand, 1, sizeof(id));

        for (int j = 0; j < length; j++)
            id[j] = (char)g_rand_int_range(rand, 1, 256);
        id[length] = '\0';
        g_autofree char *path = fleet_path_of_device(id);
        g_autofree char *back = fleet_path_to_device(path);
        ck_assert_int_gt(sd_bus_object_path_is_valid(path), 0);
        ck_assert_str_eq(back, id);
    }
}
END_TEST

static const char *const not_devices[] = {"/", FLEET_PATH_MANAGER, FLEET_PATH_DEVICES, FLEET_PATH_DEVICES "/a/b",
        FLEET_PATH_DEVICES "/_61", FLEET_PATH_DEVICES "/a_b", FLEET_PATH_DEVICES "/a_2Fb", FLEET_PATH_ACTIONS "/a",
        "/org/fleet/Manager/devices/a"};

START_TEST(what_is_no_device_path_is_none)
{
    ck_assert_ptr_null(fleet_path_to_device(not_devices[_i]));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: paths");
    TCase *tcase = fleet_test_case(suite, "paths");

    tcase_add_test(tcase, action_paths_are_those_of_sd_bus);
    tcase_add_test(tcase, no_action_has_the_root_path);
    tcase_add_loop_test(tcase, what_is_no_action_path_is_none, 0, G_N_ELEMENTS(not_actions));
    tcase_add_loop_test(tcase, device_paths_are_those_of_sd_bus, 0, G_N_ELEMENTS(devices));
    tcase_add_test(tcase, random_device_paths_are_those_of_sd_bus);
    tcase_add_test(tcase, device_paths_lead_back);
    tcase_add_loop_test(tcase, what_is_no_device_path_is_none, 0, G_N_ELEMENTS(not_devices));
    return fleet_test_main(suite);
}
