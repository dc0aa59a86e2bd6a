/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Drivers and their devices: who is told of which, what waits for a driver that is not ready, and what one has met. */

#include "fixture.h"

#include <string.h>

/* What a driver that looks after devices was told, one line each: "adopt a at b", "forget a". */
static GString *told;
static gboolean ready;

static void adopt(FleetDriver *driver, const FleetDevice *device)
{
    g_string_append_printf(told, "adopt %s at %s\n", device->id, fleet_device_where(device));
}

static void forget(FleetDriver *driver, const FleetDevice *device)
{
    g_string_append_printf(told, "forget %s\n", device->id);
}

static gboolean is_ready(FleetDriver *driver, const FleetDevice *device)
{
    return ready;
}

static void stored(FleetDriver *driver, FleetAttempt *attempt)
{
    g_string_append_printf(
            told, "stored %s%s\n", attempt->action->phase, attempt->action->past_return ? ", past return" : "");
}

/* On top of what fleet_test_core_take_over() does. */
static void look_after_devices(void)
{
    static FleetDriverClass class;
    FleetDriver *driver = fleet_test_core_driver(core);

    class = *driver->class;
    class.adopt = adopt;
    class.forget = forget;
    class.is_ready = is_ready;
    class.stored = stored;
    driver->class = &class;
}

static void setup(void)
{
    fleet_fixture_setup();
    told = g_string_new(NULL);
    ready = FALSE;
    look_after_devices();
    fleet_engine_recover(core->engine);
}

static void teardown(void)
{
    fleet_fixture_teardown();
    g_string_free(told, TRUE);
}

static void assert_told(const char *expected)
{
    ck_assert_str_eq(told->str, expected);
    g_string_truncate(told, 0);
}

static void update(const char *id, const FleetDeviceUpdate *update)
{
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);
    GError *error = NULL;

    if (!fleet_registry_stage_update(core->registry, transaction, id, update, &error))
        g_assert(error != NULL);
    fleet_test_core_end(core, "update", transaction, error);
    fleet_test_core_rest(core);
}

static void become_ready(const char *device_id)
{
    FleetDriver *driver = fleet_test_core_driver(core);

    ready = TRUE;
    driver->host->ready_changed(driver, device_id, driver->host_data);
    fleet_test_core_rest(core);
}

static void announce(const char *id, const char *type, const char *address)
{
    FleetDriver *driver = fleet_test_core_driver(core);
    const FleetAnnouncement announcement = {.id = id, .name = "Announced", .type = type, .address = address};

    driver->host->announced(driver, &announcement, driver->host_data);
}

START_TEST(driver_is_told_of_its_devices)
{
    fleet_fixture_add("a");
    assert_told("adopt a at a\n");
    update("a", &(FleetDeviceUpdate){.address = "there"});
    assert_told("adopt a at there\n");
    update("a", &(FleetDeviceUpdate){.type = "sensor"});
    assert_told("adopt a at there\n");
    update("a", &(FleetDeviceUpdate){.name = "Another"});
    fleet_test_core_status(core, "status", "a", FLEET_DEVICE_ERROR);
    fleet_test_core_rest(core);
    assert_told("");
    fleet_test_core_unregister(core, "gone", "a");
    fleet_test_core_rest(core);
    assert_told("forget a\n");
}
END_TEST

START_TEST(driver_is_told_of_them_at_the_start)
{
    fleet_fixture_add("b");
    fleet_fixture_add("a");
    update("b", &(FleetDeviceUpdate){.address = "there"});
    g_string_truncate(told, 0);
    fleet_fixture_stop();
    core = fleet_test_core_new(directory);
    fleet_test_core_take_over(core);
    look_after_devices();
    assert_told("");
    fleet_engine_recover(core->engine);
    assert_told("adopt a at a\nadopt b at there\n");
}
END_TEST

START_TEST(registration_that_fails_is_not_told)
{
    fleet_test_core_break_disk();
    fleet_test_core_register(core, "add", "a");
    fleet_test_core_wait(core, "add: StorageFailed");
    fleet_test_core_mend_disk();
    assert_told("");
}
END_TEST

START_TEST(action_waits_for_its_driver)
{
    fleet_fixture_add("a");
    FleetActionId id = fleet_test_core_initiate(core, "start", "a");
    fleet_test_core_rest(core);
    ck_assert_int_eq(fleet_fixture_action(id)->status, FLEET_ACTION_PENDING);
    ck_assert_str_eq(fleet_fixture_action(id)->phase, "waiting-device");
    ck_assert_int_eq(fleet_fixture_device("a")->status, FLEET_DEVICE_IDLE);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 1/1"), 0);
    become_ready("a");
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 1/1"), 1);
}
END_TEST

START_TEST(all_devices_can_become_ready_together)
{
    fleet_fixture_add("a");
    fleet_fixture_add("b");
    fleet_test_core_initiate(core, "start", "a");
    fleet_test_core_initiate(core, "start", "b");
    fleet_test_core_rest(core);
    become_ready(NULL);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 1/1"), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 2/1"), 1);
}
END_TEST

START_TEST(waiting_for_a_driver_outlives_a_restart)
{
    fleet_fixture_add("a");
    fleet_test_core_initiate(core, "start", "a");
    fleet_test_core_rest(core);
    fleet_fixture_stop();
    core = fleet_test_core_new(directory);
    fleet_test_core_take_over(core);
    look_after_devices();
    fleet_engine_recover(core->engine);
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 1/1"), 0);
    become_ready(NULL);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 1/1"), 1);
}
END_TEST

START_TEST(retry_waits_for_its_driver)
{
    fleet_fixture_add("a");
    ready = TRUE;
    FleetActionRequest request = fleet_test_core_request(core, "a");
    request.policy.max_attempts = 2;
    request.policy.retry_delay = 1;
    (void)fleet_test_core_initiate_as(core, "start", &request);
    fleet_test_core_wait(core, "driver starts 1/1");
    ready = FALSE;
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_TRANSIENT);
    fleet_test_core_wait(core, "driver lets go 1/1");
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 1/2"), 0);
    become_ready(NULL);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 1/2"), 1);
}
END_TEST

START_TEST(announced_device_is_registered)
{
    announce("a", "router", "there");
    announce("b", "", "");
    announce("a", "sensor", "elsewhere");
    fleet_test_core_rest(core);
    fleet_test_core_assert_events(core, "device added a IDLE", "device added b IDLE", "committed");
    ck_assert_str_eq(fleet_fixture_device("a")->name, "Announced");
    ck_assert_str_eq(fleet_fixture_device("a")->type, "router");
    ck_assert_str_eq(fleet_fixture_device("a")->address, "there");
    ck_assert_str_eq(fleet_fixture_device("a")->driver, "simulated");
    ck_assert_int_eq(fleet_fixture_device("a")->owner_uid, 0);
    assert_told("adopt a at there\nadopt b at b\n");

    announce("a", "sensor", "elsewhere");
    fleet_test_core_rest(core);
    fleet_test_core_assert_events(core, NULL);
    ck_assert_str_eq(fleet_fixture_device("a")->type, "router");
}
END_TEST

START_TEST(announcement_that_is_wrong_registers_nothing)
{
    announce("a\nb", "router", "");
    announce("a", "router", "a\tb");
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_registry_count(core->registry), 0);
    fleet_test_core_assert_events(core, NULL);
}
END_TEST

START_TEST(announcement_that_cannot_be_stored_is_stored_later)
{
    fleet_test_core_break_disk();
    announce("a", "router", "there");
    fleet_test_core_wait(core, "storage failed");
    fleet_test_core_mend_disk();
    fleet_test_core_wait(core, "device added a IDLE");
    ck_assert_str_eq(fleet_fixture_device("a")->address, "there");
    ck_assert_uint_eq(fleet_test_core_count(core, "device added a IDLE"), 1);
}
END_TEST

/* More than one turn of the loop takes; and what is left at the end is not registered. */
START_TEST(many_are_announced_together)
{
    const guint n = 1000;

    for (guint i = 0; i < n; i++) {
        g_autofree char *id = g_strdup_printf("device-%u", i);
        announce(id, "", "");
    }
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_registry_count(core->registry), n);
    announce("late", "", "");
    fleet_engine_stop(core->engine);
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_registry_count(core->registry), n);
}
END_TEST

START_TEST(address_is_fixed_while_an_action_runs)
{
    fleet_fixture_add("a");
    ready = TRUE;
    fleet_test_core_initiate(core, "start", "a");
    fleet_test_core_wait(core, "driver starts 1/1");
    update("a", &(FleetDeviceUpdate){.address = "there"});
    ck_assert_uint_eq(fleet_test_core_count(core, "update: DeviceBusy"), 1);
    ck_assert_str_eq(fleet_fixture_device("a")->address, "");
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_SUCCESS);
    fleet_test_core_rest(core);
    update("a", &(FleetDeviceUpdate){.address = "there"});
    ck_assert_str_eq(fleet_fixture_device("a")->address, "there");
}
END_TEST

/* An attempt that runs on "a". */
static void run_attempt(void)
{
    fleet_fixture_add("a");
    ready = TRUE;
    fleet_test_core_initiate(core, "start", "a");
    fleet_test_core_wait(core, "driver starts 1/1");
    fleet_test_core_rest(core);
    g_string_truncate(told, 0);
}

START_TEST(driver_is_told_what_is_stored)
{
    const FleetDriver *driver = fleet_test_core_driver(core);
    const FleetAttemptId id = {1, 1};

    run_attempt();
    driver->host->phase(id, "preparing", driver->host_data);
    assert_told("");
    fleet_test_core_rest(core);
    assert_told("stored preparing\n");
    driver->host->point_of_no_return(id, driver->host_data);
    fleet_test_core_rest(core);
    assert_told("stored preparing, past return\n");
    driver->host->progress(id, 0.5, driver->host_data);
    driver->host->phase(id, "installing", driver->host_data);
    driver->host->finished(id, FLEET_OUTCOME_SUCCESS, "", "", driver->host_data);
    fleet_test_core_rest(core);
    assert_told("");
}
END_TEST

START_TEST(driver_is_told_what_is_not_stored)
{
    const FleetDriver *driver = fleet_test_core_driver(core);

    run_attempt();
    fleet_test_core_break_disk();
    driver->host->phase((FleetAttemptId){1, 1}, "preparing", driver->host_data);
    fleet_test_core_wait(core, "storage failed");
    fleet_test_core_mend_disk();
    assert_told("");
    while (told->len == 0)
        g_main_context_iteration(NULL, TRUE);
    assert_told("stored \n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: adopt");
    TCase *adopt = fleet_test_case(suite, "adopt");

    tcase_add_checked_fixture(adopt, setup, teardown);
    tcase_add_test(adopt, driver_is_told_of_its_devices);
    tcase_add_test(adopt, driver_is_told_of_them_at_the_start);
    tcase_add_test(adopt, registration_that_fails_is_not_told);
    tcase_add_test(adopt, action_waits_for_its_driver);
    tcase_add_test(adopt, all_devices_can_become_ready_together);
    tcase_add_test(adopt, waiting_for_a_driver_outlives_a_restart);
    tcase_add_test(adopt, retry_waits_for_its_driver);
    tcase_add_test(adopt, announced_device_is_registered);
    tcase_add_test(adopt, announcement_that_is_wrong_registers_nothing);
    tcase_add_test(adopt, announcement_that_cannot_be_stored_is_stored_later);
    tcase_add_test(adopt, many_are_announced_together);
    tcase_add_test(adopt, address_is_fixed_while_an_action_runs);
    tcase_add_test(adopt, driver_is_told_what_is_stored);
    tcase_add_test(adopt, driver_is_told_what_is_not_stored);
    return fleet_test_main(suite);
}
