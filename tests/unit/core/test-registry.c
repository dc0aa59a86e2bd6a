/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"
#include "fixture.h"

#include <string.h>

#define MANY 2000

static void setup(void)
{
    directory = fleet_test_directory_new();
    core = fleet_test_core_new(directory);
}

static void add(const char *id)
{
    fleet_test_core_register(core, "add", id);
    fleet_test_core_settle(core);
    g_string_truncate(core->events, 0);
}

static gboolean stage_spec(const char *id, const char *name, const char *type, const char *status,
        FleetTransaction *transaction, GError **error)
{
    const FleetDeviceSpec spec = {.id = id, .name = name, .type = type, .status = status, .driver = "", .address = ""};

    return fleet_registry_stage_register(core->registry, transaction, &spec, error);
}

START_TEST(registration_takes_defaults)
{
    gint64 before = fleet_clock_realtime();

    add("router-1");
    const FleetDevice *device = fleet_registry_lookup(core->registry, "router-1", NULL);
    ck_assert_str_eq(device->name, "router-1");
    ck_assert_str_eq(device->type, "router");
    ck_assert_str_eq(device->driver, "simulated");
    ck_assert_int_eq(device->status, FLEET_DEVICE_IDLE);
    ck_assert_int_ge(device->registered_at, before);
    ck_assert_int_eq(device->updated_at, device->registered_at);
    ck_assert_int_eq(device->last_seen_at, 0);
    ck_assert_int_eq(device->action.sequence, 0);
    ck_assert_int_gt(device->key, 0);
}
END_TEST

/* Seen is detail: it shows at once, is told to nobody, and comes to the disk with the next change. */
START_TEST(device_that_shows_itself_was_seen)
{
    gint64 before = fleet_clock_realtime();

    add("a");
    const gint64 updated = fleet_registry_lookup(core->registry, "a", NULL)->updated_at;
    fleet_test_core_forget(core);
    fleet_registry_see(core->registry, "a", before);
    fleet_registry_see(core->registry, "nobody", before);
    ck_assert_int_ge(fleet_registry_lookup(core->registry, "a", NULL)->last_seen_at, before);
    ck_assert_int_eq(fleet_registry_lookup(core->registry, "a", NULL)->updated_at, updated);
    ck_assert_str_eq(core->events->str, "");
    ck_assert_uint_eq(fleet_registry_count_status(core->registry, FLEET_DEVICE_IDLE), 1);

    fleet_test_core_status(core, "status", "a", FLEET_DEVICE_OFFLINE);
    fleet_test_core_settle(core);
    g_clear_pointer(&core, fleet_test_core_free);
    core = fleet_test_core_new(directory);
    ck_assert_int_ge(fleet_registry_lookup(core->registry, "a", NULL)->last_seen_at, before);
}
END_TEST

/* It neither takes back nor shows what is not on disk yet. */
START_TEST(showing_itself_touches_no_change_on_its_way)
{
    add("a");
    add("b");
    fleet_test_core_forget(core);
    fleet_test_core_status(core, "out", "a", FLEET_DEVICE_OFFLINE);
    fleet_test_core_unregister(core, "gone", "b");
    fleet_registry_see(core->registry, "a", fleet_clock_realtime());
    fleet_registry_see(core->registry, "b", fleet_clock_realtime());
    ck_assert_int_eq(fleet_registry_lookup(core->registry, "a", NULL)->status, FLEET_DEVICE_IDLE);
    fleet_test_core_update(core, "name", "a", "Router A");
    fleet_test_core_register(core, "again", "b");
    fleet_test_core_settle(core);
    fleet_test_core_assert_events(core, "device changed a IDLE->OFFLINE", "committed", "done out", "device removed b",
            "committed", "done gone", "device changed a OFFLINE->OFFLINE", "committed", "done name",
            "device added b IDLE", "committed", "done again");
    ck_assert_str_eq(fleet_registry_lookup(core->registry, "a", NULL)->name, "Router A");
}
END_TEST

START_TEST(registration_takes_what_is_given)
{
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);

    ck_assert(stage_spec("r", "Main Router", "router", "MAINTENANCE", transaction, NULL));
    fleet_test_core_end(core, "r", transaction, NULL);
    fleet_test_core_settle(core);
    const FleetDevice *device = fleet_registry_lookup(core->registry, "r", NULL);
    ck_assert_str_eq(device->name, "Main Router");
    ck_assert_int_eq(device->status, FLEET_DEVICE_MAINTENANCE);
}
END_TEST

static const struct {
    const char *id, *name, *type, *status;
} wrong_specs[] = {
        {"", "", "", ""},
        {"..", "", "", ""},
        {"a\nb", "", "", ""},
        {"a", "a\tb", "", ""},
        {"a", "", "\x7f", ""},
        {"a", "", "", "SLEEPY"},
        {"a", "", "", "idle"},
};

START_TEST(wrong_registration_changes_nothing)
{
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);
    GError *error = NULL;

    ck_assert(!stage_spec(wrong_specs[_i].id, wrong_specs[_i].name, wrong_specs[_i].type, wrong_specs[_i].status,
            transaction, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    fleet_test_core_end(core, "wrong", transaction, error);
    fleet_test_core_assert_events(core, "wrong: InvalidArgument");
    ck_assert_ptr_null(fleet_registry_lookup_staged(core->registry, wrong_specs[_i].id, NULL));
}
END_TEST

START_TEST(second_registration_is_refused_with_the_remedy)
{
    add("a");
    fleet_test_core_register(core, "again", "a");
    fleet_test_core_assert_events(core, "again: DeviceExists");
    ck_assert_str_eq(core->failure->message, "device 'a' is registered already; update that one, or choose another id");
}
END_TEST

/* Nobody waits in between: what is staged is what the next one finds. */
START_TEST(one_id_comes_goes_and_comes_again_in_flight)
{
    fleet_test_core_register(core, "register", "a");
    fleet_test_core_unregister(core, "unregister", "a");
    fleet_test_core_status(core, "status", "a", FLEET_DEVICE_OFFLINE);
    fleet_test_core_register(core, "again", "a");
    fleet_test_core_update(core, "update", "a", "second life");
    gint64 key = fleet_registry_lookup_staged(core->registry, "a", NULL)->key;
    fleet_test_core_settle(core);
    fleet_test_core_assert_events(core, "device added a IDLE", "committed", "done register", "device removed a",
            "committed", "done unregister", "status: DeviceNotFound", "device added a IDLE", "committed", "done again",
            "device changed a IDLE->IDLE", "committed", "done update");
    const FleetDevice *device = fleet_registry_lookup(core->registry, "a", NULL);
    ck_assert_str_eq(device->name, "second life");
    ck_assert_int_eq(device->key, key);
}
END_TEST

START_TEST(registered_device_goes_and_comes_again_in_flight)
{
    add("a");
    gint64 key = fleet_registry_lookup(core->registry, "a", NULL)->key;
    fleet_test_core_unregister(core, "unregister", "a");
    fleet_test_core_register(core, "register", "a");
    ck_assert_ptr_nonnull(fleet_registry_lookup(core->registry, "a", NULL));
    fleet_test_core_unregister(core, "unregister again", "a");
    fleet_test_core_unregister(core, "once too often", "a");
    fleet_test_core_settle(core);
    fleet_test_core_assert_events(core, "device removed a", "committed", "done unregister", "device added a IDLE",
            "committed", "done register", "device removed a", "committed", "done unregister again",
            "once too often: DeviceNotFound");
    ck_assert_uint_eq(fleet_registry_count(core->registry), 0);

    add("a");
    ck_assert_int_gt(fleet_registry_lookup(core->registry, "a", NULL)->key, key);
}
END_TEST

/* The failure comes while the same id is registered, gone and registered again on its way. */
START_TEST(one_id_in_flight_is_rolled_back_whole)
{
    add("a");
    fleet_test_core_status(core, "status", "a", FLEET_DEVICE_OFFLINE);
    fleet_test_core_settle(core);
    g_string_truncate(core->events, 0);

    fleet_test_core_break_disk();
    fleet_test_core_unregister(core, "1", "a");
    fleet_test_core_register(core, "2", "a");
    fleet_test_core_unregister(core, "3", "a");
    fleet_test_core_register(core, "4", "b");
    fleet_test_core_unregister(core, "5", "b");
    fleet_test_core_settle(core);
    fleet_test_core_mend_disk();
    g_autofree char *devices = fleet_test_core_devices(core, "", TRUE);
    ck_assert_str_eq(devices, "a OFFLINE");
    ck_assert_int_eq(fleet_registry_lookup_staged(core->registry, "a", NULL)->status, FLEET_DEVICE_OFFLINE);
    g_string_truncate(core->events, 0);

    fleet_test_core_register(core, "b", "b");
    fleet_test_core_unregister(core, "a", "a");
    fleet_test_core_settle(core);
    fleet_test_core_assert_events(core, "storage ok", "device added b IDLE", "committed", "done b", "device removed a",
            "committed", "done a");
}
END_TEST

START_TEST(status_tells_the_previous_one)
{
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);
    FleetStatusChange change;

    add("a");
    gint64 updated = fleet_registry_lookup(core->registry, "a", NULL)->updated_at;
    ck_assert(fleet_registry_stage_status(core->registry, transaction, "a", FLEET_DEVICE_BUSY, &change, NULL));
    ck_assert_int_eq(change.previous, FLEET_DEVICE_IDLE);
    ck_assert_int_eq(change.current, FLEET_DEVICE_BUSY);
    ck_assert(fleet_registry_stage_status(core->registry, transaction, "a", FLEET_DEVICE_OFFLINE, &change, NULL));
    ck_assert_int_eq(change.previous, FLEET_DEVICE_BUSY);
    fleet_test_core_end(core, "both", transaction, NULL);
    fleet_test_core_settle(core);
    ck_assert_int_gt(fleet_registry_lookup(core->registry, "a", NULL)->updated_at, updated);
}
END_TEST

START_TEST(setting_what_is_set_stages_nothing)
{
    add("a");
    fleet_test_core_status(core, "same status", "a", FLEET_DEVICE_IDLE);
    fleet_test_core_update(core, "same name", "a", "a");
    fleet_test_core_update(core, "nothing", "a", NULL);
    fleet_test_core_update(core, "default", "a", "");
    fleet_test_core_settle(core);
    ck_assert_ptr_null(strstr(core->events->str, "IDLE->IDLE"));
    fleet_test_core_assert_events(core, "done same status", "done same name", "done nothing", "done default");
}
END_TEST

START_TEST(update_changes_name_and_type)
{
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);
    const FleetDeviceUpdate update = {.name = "Name", .type = "sensor"};

    add("a");
    ck_assert(fleet_registry_stage_update(core->registry, transaction, "a", &update, NULL));
    fleet_test_core_end(core, "both", transaction, NULL);
    fleet_test_core_settle(core);
    const FleetDevice *device = fleet_registry_lookup(core->registry, "a", NULL);
    ck_assert_str_eq(device->name, "Name");
    ck_assert_str_eq(device->type, "sensor");
    fleet_test_core_update(core, "default", "a", "");
    fleet_test_core_update(core, "wrong", "a", "a\nb");
    fleet_test_core_settle(core);
    ck_assert_str_eq(fleet_registry_lookup(core->registry, "a", NULL)->name, "a");
    ck_assert_uint_eq(fleet_test_core_count(core, "wrong: InvalidArgument"), 1);
}
END_TEST

START_TEST(missing_device_is_named)
{
    fleet_test_core_status(core, "status", "router-9", FLEET_DEVICE_IDLE);
    fleet_test_core_update(core, "update", "router-9", "x");
    fleet_test_core_unregister(core, "unregister", "router-9");
    fleet_test_core_assert_events(
            core, "status: DeviceNotFound", "update: DeviceNotFound", "unregister: DeviceNotFound");
    ck_assert_str_eq(core->failure->message, "device 'router-9' is not registered");
}
END_TEST

START_TEST(device_with_an_action_stays)
{
    add("a");
    fleet_test_core_simulate(core, FLEET_USEC_PER_SEC * 3600, 1.0);
    fleet_test_core_initiate(core, "initiate", "a");
    fleet_test_core_unregister(core, "in flight", "a");
    fleet_test_core_settle(core);
    fleet_test_core_unregister(core, "stored", "a");
    ck_assert_uint_eq(fleet_test_core_count(core, "in flight: DeviceBusy"), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "stored: DeviceBusy"), 1);
    fleet_test_assert_matches(core->failure->message,
            "^device 'a' is busy with action 'action_\\d+_1'; unregister it once that has ended$");
}
END_TEST

START_TEST(visits_in_order_of_bytes)
{
    static const char *const ids[] = {"b", "a/x", "\xc3\xa4", "B", "a", "a b", "10", "9"};

    for (guint i = 0; i < G_N_ELEMENTS(ids); i++)
        fleet_test_core_register(core, "add", ids[i]);
    fleet_test_core_settle(core);
    g_autofree char *all = fleet_test_core_devices(core, "", FALSE);
    ck_assert_str_eq(all, "10 IDLE, 9 IDLE, B IDLE, a IDLE, a b IDLE, a/x IDLE, b IDLE, \xc3\xa4 IDLE");
    g_autofree char *with = fleet_test_core_devices(core, "a/x", TRUE);
    ck_assert_str_eq(with, "a/x IDLE, b IDLE, \xc3\xa4 IDLE");
    g_autofree char *without = fleet_test_core_devices(core, "a/x", FALSE);
    ck_assert_str_eq(without, "b IDLE, \xc3\xa4 IDLE");
    g_autofree char *between = fleet_test_core_devices(core, "a/", TRUE);
    ck_assert_str_eq(between, "a/x IDLE, b IDLE, \xc3\xa4 IDLE");
    g_autofree char *past = fleet_test_core_devices(core, "\xff", TRUE);
    ck_assert_str_eq(past, "");
}
END_TEST

static gboolean stop_after_two(const FleetDevice *device, gpointer user_data)
{
    return ++*(guint *)user_data < 2;
}

START_TEST(visit_ends_when_the_visitor_has_enough)
{
    guint visited = 0;

    add("a");
    add("b");
    add("c");
    fleet_registry_visit(core->registry, "", TRUE, stop_after_two, &visited);
    ck_assert_uint_eq(visited, 2);
}
END_TEST

typedef struct {
    guint by_status[FLEET_DEVICE_STATUS_LAST_];
    guint count;
} Counted;

static gboolean count_device(const FleetDevice *device, gpointer user_data)
{
    Counted *counted = user_data;

    counted->by_status[device->status]++;
    counted->count++;
    return TRUE;
}

/* Whatever happens, and wherever it fails, the counters are what a count would give. */
START_TEST(counters_stay_true_through_random_changes)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(42);

    for (guint i = 0; i < MANY; i++) {
        g_autofree char *id = g_strdup_printf("%d", g_rand_int_range(rand, 0, 50));

        if (g_rand_int_range(rand, 0, 20) == 0)
            fleet_test_core_break_disk();
        switch (g_rand_int_range(rand, 0, 4)) {
        case 0:
        case 1:
            fleet_test_core_register(core, "register", id);
            break;
        case 2:
            fleet_test_core_unregister(core, "unregister", id);
            break;
        default:
            fleet_test_core_status(
                    core, "status", id, (FleetDeviceStatus)g_rand_int_range(rand, 0, FLEET_DEVICE_STATUS_LAST_));
        }
        if (g_rand_int_range(rand, 0, 5) != 0)
            continue;
        fleet_test_core_settle(core);
        fleet_test_core_mend_disk();

        Counted counted = {0};
        fleet_registry_visit(core->registry, "", TRUE, count_device, &counted);
        ck_assert_uint_eq(fleet_registry_count(core->registry), counted.count);
        for (guint status = 0; status < FLEET_DEVICE_STATUS_LAST_; status++)
            ck_assert_uint_eq(
                    fleet_registry_count_status(core->registry, (FleetDeviceStatus)status), counted.by_status[status]);
    }
    fleet_test_core_settle(core);
    fleet_test_core_mend_disk();
    ck_assert_uint_gt(fleet_test_core_count(core, "storage failed"), 0);
    ck_assert_uint_gt(fleet_test_core_count(core, "done unregister"), 0);

    /* And memory is what is stored. */
    g_autofree char *memory = fleet_test_core_devices(core, "", TRUE);
    g_clear_pointer(&core, fleet_test_core_free);
    core = fleet_test_core_new(directory);
    g_autofree char *stored = fleet_test_core_devices(core, "", TRUE);
    ck_assert_str_eq(memory, stored);
}
END_TEST

START_TEST(keys_are_not_taken_twice_after_a_restart)
{
    add("a");
    add("b");
    gint64 key = fleet_registry_lookup(core->registry, "b", NULL)->key;
    g_clear_pointer(&core, fleet_test_core_free);
    core = fleet_test_core_new(directory);
    add("c");
    ck_assert_int_gt(fleet_registry_lookup(core->registry, "c", NULL)->key, key);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: registry");
    TCase *tcase = fleet_test_case(suite, "registry");

    tcase_add_checked_fixture(tcase, setup, fleet_fixture_teardown);
    tcase_add_test(tcase, registration_takes_defaults);
    tcase_add_test(tcase, device_that_shows_itself_was_seen);
    tcase_add_test(tcase, showing_itself_touches_no_change_on_its_way);
    tcase_add_test(tcase, registration_takes_what_is_given);
    tcase_add_loop_test(tcase, wrong_registration_changes_nothing, 0, G_N_ELEMENTS(wrong_specs));
    tcase_add_test(tcase, second_registration_is_refused_with_the_remedy);
    tcase_add_test(tcase, one_id_comes_goes_and_comes_again_in_flight);
    tcase_add_test(tcase, registered_device_goes_and_comes_again_in_flight);
    tcase_add_test(tcase, one_id_in_flight_is_rolled_back_whole);
    tcase_add_test(tcase, status_tells_the_previous_one);
    tcase_add_test(tcase, setting_what_is_set_stages_nothing);
    tcase_add_test(tcase, update_changes_name_and_type);
    tcase_add_test(tcase, missing_device_is_named);
    tcase_add_test(tcase, device_with_an_action_stays);
    tcase_add_test(tcase, visits_in_order_of_bytes);
    tcase_add_test(tcase, visit_ends_when_the_visitor_has_enough);
    tcase_add_test(tcase, counters_stay_true_through_random_changes);
    tcase_add_test(tcase, keys_are_not_taken_twice_after_a_restart);
    return fleet_test_main(suite);
}
