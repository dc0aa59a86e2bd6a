/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"
#include "fixture.h"

static void setup(void)
{
    directory = fleet_test_directory_new();
    core = fleet_test_core_new(directory);
}

START_TEST(what_is_staged_shows_only_once_it_is_on_disk)
{
    g_autoptr(GError) error = NULL;

    fleet_test_core_register(core, "a", "a");
    ck_assert(fleet_ledger_is_busy(core->ledger));
    ck_assert_uint_eq(fleet_registry_count(core->registry), 0);
    ck_assert_ptr_null(fleet_registry_lookup(core->registry, "a", &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_DEVICE_NOT_FOUND);
    ck_assert_ptr_nonnull(fleet_registry_lookup_staged(core->registry, "a", NULL));

    fleet_test_core_settle(core);
    ck_assert_str_eq(fleet_registry_lookup(core->registry, "a", NULL)->id, "a");
    fleet_test_core_assert_events(core, "device added a IDLE", "committed", "done a");
}
END_TEST

START_TEST(changes_in_flight_see_each_other_and_are_told_in_order)
{
    fleet_test_core_register(core, "register", "a");
    fleet_test_core_status(core, "offline", "a", FLEET_DEVICE_OFFLINE);
    fleet_test_core_status(core, "maintenance", "a", FLEET_DEVICE_MAINTENANCE);
    fleet_test_core_settle(core);
    fleet_test_core_assert_events(core, "device added a IDLE", "committed", "done register",
            "device changed a IDLE->OFFLINE", "committed", "done offline", "device changed a OFFLINE->MAINTENANCE",
            "committed", "done maintenance");
}
END_TEST

START_TEST(nothing_to_do_is_done_at_once_when_nothing_is_in_flight)
{
    fleet_test_core_end(core, "empty", fleet_transaction_new(core->ledger), NULL);
    fleet_test_core_assert_events(core, "done empty");
}
END_TEST

/* Setting what is only staged yet: "already so" may be said only once it is on disk. */
START_TEST(nothing_to_do_waits_for_what_is_in_flight)
{
    fleet_test_core_register(core, "register", "a");
    fleet_test_core_status(core, "same", "a", FLEET_DEVICE_IDLE);
    fleet_test_core_assert_events(core, NULL);
    fleet_test_core_settle(core);
    fleet_test_core_assert_events(core, "device added a IDLE", "committed", "done register", "done same");
}
END_TEST

START_TEST(refusal_is_told_at_once_when_it_rests_on_what_is_stored)
{
    fleet_test_core_unregister(core, "unregister", "a");
    fleet_test_core_assert_events(core, "unregister: DeviceNotFound");
}
END_TEST

START_TEST(refusal_waits_for_what_it_rests_on)
{
    fleet_test_core_register(core, "first", "a");
    fleet_test_core_register(core, "second", "a");
    fleet_test_core_assert_events(core, NULL);
    fleet_test_core_settle(core);
    fleet_test_core_assert_events(core, "device added a IDLE", "committed", "done first", "second: DeviceExists");
}
END_TEST

/* The device that "exists already" never came to be. */
START_TEST(refusal_becomes_the_failure_of_what_it_rests_on)
{
    fleet_test_core_break_disk();
    fleet_test_core_register(core, "first", "a");
    fleet_test_core_register(core, "second", "a");
    fleet_test_core_settle(core);
    fleet_test_core_mend_disk();
    fleet_test_core_assert_events(core, "storage failed", "first: StorageFailed", "second: StorageFailed");
    ck_assert(!fleet_ledger_storage_works(core->ledger));

    fleet_test_core_register(core, "third", "a");
    fleet_test_core_settle(core);
    ck_assert(fleet_ledger_storage_works(core->ledger));
    fleet_test_core_assert_events(core, "storage ok", "device added a IDLE", "committed", "done third");
}
END_TEST

START_TEST(failure_takes_back_all_that_was_in_flight)
{
    fleet_test_core_register(core, "a", "a");
    fleet_test_core_register(core, "b", "b");
    fleet_test_core_settle(core);
    g_string_truncate(core->events, 0);

    fleet_test_core_break_disk();
    fleet_test_core_status(core, "offline", "a", FLEET_DEVICE_OFFLINE);
    fleet_test_core_status(core, "error", "a", FLEET_DEVICE_ERROR);
    fleet_test_core_unregister(core, "unregister", "b");
    fleet_test_core_register(core, "again", "b");
    fleet_test_core_register(core, "c", "c");
    fleet_test_core_settle(core);
    fleet_test_core_mend_disk();
    fleet_test_core_assert_events(core, "storage failed", "offline: StorageFailed", "error: StorageFailed",
            "unregister: StorageFailed", "again: StorageFailed", "c: StorageFailed");

    g_autofree char *devices = fleet_test_core_devices(core, "", TRUE);
    ck_assert_str_eq(devices, "a IDLE, b IDLE");
    ck_assert_ptr_null(fleet_registry_lookup_staged(core->registry, "c", NULL));
    ck_assert(fleet_registry_lookup_staged(core->registry, "a", NULL) ==
              fleet_registry_lookup(core->registry, "a", NULL));
    ck_assert(fleet_registry_lookup_staged(core->registry, "b", NULL) ==
              fleet_registry_lookup(core->registry, "b", NULL));
}
END_TEST

START_TEST(unstaged_changes_leave_no_trace)
{
    const FleetDeviceSpec spec = {.id = "b", .name = "", .type = "", .status = "", .driver = "", .address = ""};
    FleetStatusChange change;

    fleet_test_core_register(core, "a", "a");
    fleet_test_core_settle(core);
    g_string_truncate(core->events, 0);

    FleetTransaction *transaction = fleet_transaction_new(core->ledger);
    ck_assert(fleet_registry_stage_status(core->registry, transaction, "a", FLEET_DEVICE_OFFLINE, &change, NULL));
    ck_assert(fleet_registry_stage_register(core->registry, transaction, &spec, NULL));
    ck_assert(fleet_registry_stage_status(core->registry, transaction, "b", FLEET_DEVICE_ERROR, &change, NULL));
    fleet_transaction_unstage(transaction, FLEET_MARK_BEGIN);
    ck_assert_int_eq(fleet_registry_lookup_staged(core->registry, "a", NULL)->status, FLEET_DEVICE_IDLE);
    ck_assert_ptr_null(fleet_registry_lookup_staged(core->registry, "b", NULL));

    /* It goes on, empty, and can be filled anew. */
    ck_assert(fleet_registry_stage_status(core->registry, transaction, "a", FLEET_DEVICE_ERROR, &change, NULL));
    ck_assert_int_eq(change.previous, FLEET_DEVICE_IDLE);
    fleet_test_core_end(core, "rest", transaction, NULL);
    fleet_test_core_settle(core);
    fleet_test_core_assert_events(core, "device changed a IDLE->ERROR", "committed", "done rest");
}
END_TEST

START_TEST(transaction_of_many_steps_is_told_as_one)
{
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);
    FleetStatusChange change;

    for (guint i = 0; i < 3; i++) {
        g_autofree char *id = g_strdup_printf("device-%u", i);
        const FleetDeviceSpec spec = {
                .id = id, .name = "", .type = "", .status = "OFFLINE", .driver = "", .address = ""};

        ck_assert(fleet_registry_stage_register(core->registry, transaction, &spec, NULL));
    }
    ck_assert(fleet_registry_stage_status(core->registry, transaction, "device-1", FLEET_DEVICE_IDLE, &change, NULL));
    fleet_test_core_end(core, "all", transaction, NULL);
    fleet_test_core_settle(core);
    fleet_test_core_assert_events(core, "device added device-0 OFFLINE", "device added device-1 OFFLINE",
            "device added device-2 OFFLINE", "device changed device-1 OFFLINE->IDLE", "committed", "done all");
}
END_TEST

/* What was told is what the next start finds. */
START_TEST(what_is_done_is_there_after_a_restart)
{
    fleet_test_core_register(core, "a", "a");
    fleet_test_core_status(core, "offline", "a", FLEET_DEVICE_OFFLINE);
    fleet_test_core_register(core, "b", "b");
    fleet_test_core_unregister(core, "unregister", "b");
    fleet_test_core_settle(core);
    g_clear_pointer(&core, fleet_test_core_free);

    core = fleet_test_core_new(directory);
    fleet_test_core_assert_events(core, NULL);
    g_autofree char *devices = fleet_test_core_devices(core, "", TRUE);
    ck_assert_str_eq(devices, "a OFFLINE");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: ledger");
    TCase *tcase = fleet_test_case(suite, "ledger");

    tcase_add_checked_fixture(tcase, setup, fleet_fixture_teardown);
    tcase_add_test(tcase, what_is_staged_shows_only_once_it_is_on_disk);
    tcase_add_test(tcase, changes_in_flight_see_each_other_and_are_told_in_order);
    tcase_add_test(tcase, nothing_to_do_is_done_at_once_when_nothing_is_in_flight);
    tcase_add_test(tcase, nothing_to_do_waits_for_what_is_in_flight);
    tcase_add_test(tcase, refusal_is_told_at_once_when_it_rests_on_what_is_stored);
    tcase_add_test(tcase, refusal_waits_for_what_it_rests_on);
    tcase_add_test(tcase, refusal_becomes_the_failure_of_what_it_rests_on);
    tcase_add_test(tcase, failure_takes_back_all_that_was_in_flight);
    tcase_add_test(tcase, unstaged_changes_leave_no_trace);
    tcase_add_test(tcase, transaction_of_many_steps_is_told_as_one);
    tcase_add_test(tcase, what_is_done_is_there_after_a_restart);
    return fleet_test_main(suite);
}
