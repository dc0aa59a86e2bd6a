/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/device.h"

#include "lib/main.h"

START_TEST(new_device_holds_its_texts)
{
    char id[] = "router-1", name[] = "Main Router", type[] = "router", driver[] = "simulated";
    g_autoptr(FleetDevice) device = fleet_device_new(id, name, type, driver);

    id[0] = name[0] = type[0] = driver[0] = '!';
    ck_assert_str_eq(device->id, "router-1");
    ck_assert_str_eq(device->name, "Main Router");
    ck_assert_str_eq(device->type, "router");
    ck_assert_str_eq(device->driver, "simulated");
    ck_assert_str_eq(device->address, "");
    ck_assert_int_eq(device->status, FLEET_DEVICE_IDLE);
    ck_assert_int_eq(device->own_status, FLEET_DEVICE_IDLE);
    ck_assert_int_eq(device->presence, FLEET_PRESENCE_UNKNOWN);
    ck_assert_int_eq(device->key, 0);
    ck_assert_int_eq(device->registered_at, 0);
    ck_assert_int_eq(device->updated_at, 0);
    ck_assert_int_eq(device->last_seen_at, 0);
    ck_assert_int_eq(device->action.sequence, 0);
}
END_TEST

START_TEST(types_and_drivers_are_shared)
{
    g_autoptr(FleetDevice) one = fleet_device_new("1", "", "router", "simulated");
    g_autoptr(FleetDevice) two = fleet_device_new("2", "", "router", "simulated");

    ck_assert_ptr_eq(one->type, two->type);
    ck_assert_ptr_eq(one->driver, two->driver);
}
END_TEST

START_TEST(a_copy_has_a_life_of_its_own)
{
    FleetDevice *device = fleet_device_new("router-1", "Main Router", "router", "simulated");

    device->key = 7;
    device->status = FLEET_DEVICE_BUSY;
    device->own_status = FLEET_DEVICE_UPDATING;
    device->presence = FLEET_PRESENCE_ONLINE;
    fleet_device_set_address(device, "floor 1");
    device->registered_at = 1;
    device->updated_at = 2;
    device->last_seen_at = 3;
    device->action = (FleetActionId){.msec = 4, .sequence = 5};
    g_autoptr(FleetDevice) copy = fleet_device_copy(device);
    fleet_device_set_name(copy, "Other");
    fleet_device_set_type(copy, "switch");
    ck_assert_ptr_eq(copy->address, device->address);
    fleet_device_set_address(copy, "floor 2");
    copy->status = FLEET_DEVICE_ERROR;
    fleet_device_see(copy, 4);

    ck_assert_str_eq(device->name, "Main Router");
    ck_assert_str_eq(device->type, "router");
    ck_assert_str_eq(device->address, "floor 1");
    ck_assert_int_eq(device->status, FLEET_DEVICE_BUSY);
    ck_assert_int_eq(fleet_device_last_seen(device), 3);
    fleet_device_unref(device);

    ck_assert_str_eq(copy->id, "router-1");
    ck_assert_str_eq(copy->name, "Other");
    ck_assert_str_eq(copy->type, "switch");
    ck_assert_str_eq(copy->driver, "simulated");
    ck_assert_str_eq(copy->address, "floor 2");
    ck_assert_int_eq(copy->status, FLEET_DEVICE_ERROR);
    ck_assert_int_eq(copy->own_status, FLEET_DEVICE_UPDATING);
    ck_assert_int_eq(copy->presence, FLEET_PRESENCE_ONLINE);
    ck_assert_int_eq(copy->key, 7);
    ck_assert_int_eq(copy->registered_at, 1);
    ck_assert_int_eq(copy->updated_at, 2);
    ck_assert_int_eq(fleet_device_last_seen(copy), 4);
    ck_assert_int_eq(copy->action.msec, 4);
    ck_assert_int_eq(copy->action.sequence, 5);
}
END_TEST

START_TEST(a_name_may_be_set_to_itself)
{
    g_autoptr(FleetDevice) device = fleet_device_new("1", "name", "type", "simulated");

    fleet_device_set_name(device, device->name);
    fleet_device_set_type(device, device->type);
    fleet_device_set_address(device, "address");
    fleet_device_set_address(device, device->address);
    ck_assert_str_eq(device->name, "name");
    ck_assert_str_eq(device->type, "type");
    ck_assert_str_eq(device->address, "address");
}
END_TEST

START_TEST(a_device_without_address_is_where_its_id_says)
{
    g_autoptr(FleetDevice) device = fleet_device_new("router-1", "", "", "simulated");
    g_autoptr(FleetDevice) other = fleet_device_new("router-2", "", "", "simulated");

    ck_assert_str_eq(fleet_device_where(device), "router-1");
    ck_assert_ptr_eq(device->address, other->address);
    fleet_device_set_address(device, "floor 1");
    ck_assert_str_eq(fleet_device_where(device), "floor 1");
    fleet_device_set_address(device, "");
    ck_assert_str_eq(fleet_device_where(device), "router-1");
    ck_assert_ptr_eq(device->address, other->address);
}
END_TEST

/* The wall clock may have been set back since. */
START_TEST(what_was_seen_later_is_not_forgotten)
{
    g_autoptr(FleetDevice) device = fleet_device_new("router-1", "", "", "simulated");

    ck_assert_int_eq(fleet_device_last_seen(device), 0);
    fleet_device_see(device, 1700000000000001);
    ck_assert_int_eq(fleet_device_last_seen(device), 1700000000000001);
    fleet_device_see(device, 1700000000000000);
    ck_assert_int_eq(fleet_device_last_seen(device), 1700000000000001);
    fleet_device_see(device, 1700000000000002);
    ck_assert_int_eq(fleet_device_last_seen(device), 1700000000000002);
}
END_TEST

/* Every presence with every status of its own, with and without an action: (presence * statuses + own) * 2 + runs. */
START_TEST(what_is_away_shows_offline_unless_it_is_maintained_or_worked_on)
{
    gboolean runs = _i % 2 == 1;
    FleetDeviceStatus own = (FleetDeviceStatus)(_i / 2 % FLEET_DEVICE_STATUS_LAST_);
    FleetPresence presence = (FleetPresence)(_i / 2 / FLEET_DEVICE_STATUS_LAST_);
    gboolean shows = presence == FLEET_PRESENCE_OFFLINE && own != FLEET_DEVICE_MAINTENANCE && !runs;
    g_autoptr(FleetDevice) device = fleet_device_new("router-1", "", "", "simulated");

    device->presence = presence;
    device->own_status = own;
    device->status = FLEET_DEVICE_STATUS_LAST_;
    device->action.sequence = runs ? 7 : 0;
    fleet_device_show_status(device);
    ck_assert_int_eq(device->status, shows ? FLEET_DEVICE_OFFLINE : own);
    ck_assert_int_eq(device->own_status, own);
    ck_assert(fleet_device_is_hidden(device) == (shows && own != FLEET_DEVICE_OFFLINE));
}
END_TEST

START_TEST(a_copy_of_a_shared_image_is_not_shared)
{
    FleetDevice *device = fleet_device_new("1", "name", "type", "simulated");

    ck_assert_ptr_eq(fleet_device_ref(device), device);
    FleetDevice *copy = fleet_device_copy(device);
    fleet_device_unref(copy); /* the only reference to it: the sanitizers see if it stays */
    fleet_device_unref(device);
    ck_assert_str_eq(device->name, "name");
    fleet_device_unref(device);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("device");
    TCase *tcase = fleet_test_case(suite, "device");

    tcase_add_test(tcase, new_device_holds_its_texts);
    tcase_add_test(tcase, types_and_drivers_are_shared);
    tcase_add_test(tcase, a_copy_has_a_life_of_its_own);
    tcase_add_test(tcase, a_name_may_be_set_to_itself);
    tcase_add_test(tcase, a_device_without_address_is_where_its_id_says);
    tcase_add_test(tcase, what_was_seen_later_is_not_forgotten);
    tcase_add_loop_test(tcase, what_is_away_shows_offline_unless_it_is_maintained_or_worked_on, 0,
            FLEET_PRESENCE_LAST_ * FLEET_DEVICE_STATUS_LAST_ * 2);
    tcase_add_test(tcase, a_copy_of_a_shared_image_is_not_shared);
    return fleet_test_main(suite);
}
