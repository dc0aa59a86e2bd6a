/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How much each user may have: exact while calls are in flight, whatever fails, and after a restart. */

#include "base/error.h"
#include "fixture.h"

#include <unistd.h>

#define DEVICES 3 /* the quotas */
#define PENDING 2

#define FAR (3600 * FLEET_USEC_PER_SEC)

static uid_t user, other; /* neither root nor who runs this */

static void set_quotas(guint devices, guint pending)
{
    core->settings.quotas.limits[FLEET_QUOTA_DEVICES] = devices;
    core->settings.quotas.limits[FLEET_QUOTA_PENDING_ACTIONS] = pending;
    fleet_registry_set_quotas(core->registry, &core->settings.quotas);
    fleet_test_core_configure(core);
}

static void setup(void)
{
    user = geteuid() + 1000;
    other = user + 1;
    fleet_fixture_setup();
    set_quotas(DEVICES, PENDING);
}

static void restart(void)
{
    fleet_fixture_restart();
    set_quotas(DEVICES, PENDING);
}

/* Devices. */

static gboolean stage(FleetTransaction *transaction, const char *id, uid_t uid, GError **error)
{
    const FleetDeviceSpec spec = {
            .id = id, .name = "", .type = "", .status = "", .driver = "", .address = "", .owner_uid = uid};

    return fleet_registry_stage_register(core->registry, transaction, &spec, error);
}

/* Its name is its id. */
static void add(const char *id, uid_t uid)
{
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);
    GError *error = NULL;

    if (stage(transaction, id, uid, &error))
        g_assert_no_error(error);
    fleet_test_core_end(core, id, transaction, error);
}

/* How many more the user could register now, up to 99; takes it back. */
static guint devices_left(uid_t uid)
{
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);
    g_autoptr(GError) error = NULL;
    guint n = 0;

    for (; n < 99; n++) {
        g_autofree char *id = g_strdup_printf("probe-%u", n);

        if (!stage(transaction, id, uid, &error))
            break;
    }
    if (n < 99)
        fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_QUOTA_EXCEEDED);
    fleet_transaction_unstage(transaction, FLEET_MARK_BEGIN);
    fleet_transaction_abandon(transaction);
    return n;
}

START_TEST(devices_in_flight_count)
{
    add("1", user);
    add("2", user);
    add("3", user);
    add("4", user);
    add("5", other);
    ck_assert_uint_eq(devices_left(user), 0);
    ck_assert_uint_eq(devices_left(other), DEVICES - 1);
    fleet_test_core_settle(core);
    fleet_test_core_assert_events(core, "device added 1 IDLE", "committed", "done 1", "device added 2 IDLE",
            "committed", "done 2", "device added 3 IDLE", "committed", "done 3", "4: QuotaExceeded",
            "device added 5 IDLE", "committed", "done 5");
    g_autofree char *message =
            g_strdup_printf("user %u has reached the quota DevicesPerUser=: 3 of 3 devices are registered; unregister "
                            "some, or have it raised in fleetd.conf",
                    (guint)user);
    ck_assert_str_eq(core->failure->message, message);
    ck_assert_uint_eq(fleet_registry_lookup(core->registry, "3", NULL)->owner_uid, user);
    ck_assert_uint_eq(devices_left(user), 0);
    ck_assert_uint_eq(devices_left(other), DEVICES - 1);
}
END_TEST

START_TEST(root_and_the_daemon_register_without_end)
{
    ck_assert_uint_eq(devices_left(0), 99);
    ck_assert_uint_eq(devices_left(geteuid()), 99);
    ck_assert_uint_eq(devices_left(user), DEVICES);
    set_quotas(0, 0);
    ck_assert_uint_eq(devices_left(user), 99);
}
END_TEST

/* Whoever unregisters it; and an id that is registered anew counts for its new owner. */
START_TEST(device_counts_until_it_is_unregistered)
{
    add("1", user);
    add("2", user);
    fleet_test_core_settle(core);
    fleet_test_core_status(core, "status", "1", FLEET_DEVICE_MAINTENANCE);
    fleet_test_core_update(core, "update", "1", "another name");
    ck_assert_uint_eq(devices_left(user), 1);
    fleet_test_core_unregister(core, "unregister", "1");
    ck_assert_uint_eq(devices_left(user), 2);
    add("1", other);
    ck_assert_uint_eq(devices_left(user), 2);
    ck_assert_uint_eq(devices_left(other), DEVICES - 1);
    fleet_test_core_settle(core);
    ck_assert_uint_eq(devices_left(user), 2);
    ck_assert_uint_eq(devices_left(other), DEVICES - 1);
    ck_assert_uint_eq(fleet_registry_lookup(core->registry, "1", NULL)->owner_uid, other);
}
END_TEST

/* A refusal that rests on what could not be stored is not told; and all is as it was. */
START_TEST(failed_registrations_do_not_count)
{
    add("1", user);
    fleet_test_core_settle(core);
    fleet_test_core_forget(core);
    fleet_test_core_break_disk();
    add("2", user);
    add("3", user);
    add("4", user);
    fleet_test_core_settle(core);
    fleet_test_core_mend_disk();
    ck_assert_uint_eq(fleet_test_core_count(core, "4: StorageFailed"), 1);
    ck_assert_uint_eq(devices_left(user), DEVICES - 1);
    add("2", user);
    add("3", user);
    add("4", user);
    fleet_test_core_settle(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "done 3"), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "4: QuotaExceeded"), 1);
    ck_assert_uint_eq(devices_left(user), 0);
}
END_TEST

/* What was free for a moment is not: an id goes, comes as another's, and all of it fails. */
START_TEST(failed_unregistrations_count)
{
    add("1", user);
    add("2", user);
    add("3", user);
    fleet_test_core_settle(core);
    fleet_test_core_forget(core);
    fleet_test_core_break_disk();
    fleet_test_core_unregister(core, "unregister", "1");
    add("1", other);
    add("4", user);
    fleet_test_core_settle(core);
    fleet_test_core_mend_disk();
    ck_assert_uint_eq(fleet_test_core_count(core, "4: StorageFailed"), 1);
    ck_assert_uint_eq(devices_left(user), 0);
    ck_assert_uint_eq(devices_left(other), DEVICES);
    ck_assert_uint_eq(fleet_registry_lookup_staged(core->registry, "1", NULL)->owner_uid, user);
}
END_TEST

START_TEST(devices_are_counted_anew_at_the_start)
{
    add("1", user);
    add("2", user);
    add("3", user);
    add("4", other);
    fleet_test_core_settle(core);
    fleet_test_core_unregister(core, "unregister", "3");
    fleet_test_core_status(core, "status", "1", FLEET_DEVICE_MAINTENANCE); /* an update keeps the owner */
    fleet_test_core_settle(core);
    restart();
    ck_assert_uint_eq(fleet_registry_lookup(core->registry, "1", NULL)->owner_uid, user);
    ck_assert_uint_eq(fleet_registry_lookup(core->registry, "4", NULL)->owner_uid, other);
    ck_assert_uint_eq(devices_left(user), 1);
    ck_assert_uint_eq(devices_left(other), DEVICES - 1);
}
END_TEST

START_TEST(quota_of_devices_can_be_lowered_and_raised)
{
    add("1", user);
    add("2", user);
    add("3", user);
    fleet_test_core_settle(core);
    set_quotas(1, PENDING);
    ck_assert_uint_eq(devices_left(user), 0);
    ck_assert_uint_eq(fleet_registry_count(core->registry), 3);
    ck_assert_uint_eq(devices_left(other), 1);
    set_quotas(DEVICES + 4, PENDING);
    ck_assert_uint_eq(devices_left(user), 4);
}
END_TEST

/* Actions. */

static FleetActionRequest request_of(const char *id, uid_t uid, FleetIfBusy if_busy)
{
    FleetActionRequest request = fleet_test_core_request(core, id);

    request.owner_uid = uid;
    request.if_busy = if_busy;
    return request;
}

static FleetActionId initiate(const char *name, const char *id, uid_t uid, FleetIfBusy if_busy)
{
    const FleetActionRequest request = request_of(id, uid, if_busy);
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);
    FleetInitiated initiated = {0};
    GError *error = NULL;

    if (fleet_engine_stage_initiate(core->engine, transaction, &request, &initiated, &error))
        g_assert_no_error(error);
    fleet_test_core_end(core, name, transaction, error);
    return initiated.id;
}

/* How many more actions of the user could wait for that busy device, up to 99; takes it back. */
static guint actions_left(const char *id, uid_t uid)
{
    const FleetActionRequest request = request_of(id, uid, FLEET_IF_BUSY_QUEUE);
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);
    FleetInitiated initiated;
    g_autoptr(GError) error = NULL;
    guint n = 0;

    while (n < 99 && fleet_engine_stage_initiate(core->engine, transaction, &request, &initiated, &error)) {
        ck_assert_int_eq(initiated.status, FLEET_ACTION_PENDING);
        n++;
    }
    if (n < 99)
        fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_QUOTA_EXCEEDED);
    fleet_transaction_unstage(transaction, FLEET_MARK_BEGIN);
    fleet_transaction_abandon(transaction);
    return n;
}

/* A device with an action that runs, the first of all. */
static FleetActionId make_busy(const char *id)
{
    add(id, 0);
    FleetActionId action = initiate("busy", id, user, FLEET_IF_BUSY_FAIL);

    fleet_test_core_rest(core);
    ck_assert_int_eq(fleet_engine_lookup(core->engine, action)->status, FLEET_ACTION_RUNNING);
    fleet_test_core_forget(core);
    return action;
}

START_TEST(pending_actions_in_flight_count)
{
    make_busy("a");
    initiate("1", "a", user, FLEET_IF_BUSY_QUEUE);
    initiate("2", "a", user, FLEET_IF_BUSY_QUEUE);
    initiate("3", "a", user, FLEET_IF_BUSY_QUEUE);
    initiate("4", "a", other, FLEET_IF_BUSY_QUEUE);
    ck_assert_uint_eq(actions_left("a", user), 0);
    ck_assert_uint_eq(actions_left("a", other), PENDING - 1);
    fleet_test_core_settle(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "done 2"), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "3: QuotaExceeded"), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "done 4"), 1);
    g_autofree char *message = g_strdup_printf(
            "user %u has reached the quota PendingActionsPerUser=: 2 of 2 actions are pending; wait until some have "
            "started, cancel some, or have it raised in fleetd.conf",
            (guint)user);
    ck_assert_str_eq(core->failure->message, message);
    ck_assert_uint_eq(fleet_registry_lookup(core->registry, "a", NULL)->queued, 3);
    ck_assert_uint_eq(actions_left("a", user), 0);
}
END_TEST

START_TEST(root_and_the_daemon_queue_without_end)
{
    make_busy("a");
    ck_assert_uint_eq(actions_left("a", 0), 99);
    ck_assert_uint_eq(actions_left("a", geteuid()), 99);
    ck_assert_uint_eq(actions_left("a", user), PENDING);
    set_quotas(0, 0);
    ck_assert_uint_eq(actions_left("a", user), 99);
}
END_TEST

START_TEST(action_that_starts_at_once_needs_no_room)
{
    make_busy("a");
    add("b", user);
    initiate("1", "a", user, FLEET_IF_BUSY_QUEUE);
    initiate("2", "a", user, FLEET_IF_BUSY_QUEUE);
    FleetActionId at_once = initiate("3", "b", user, FLEET_IF_BUSY_QUEUE);

    fleet_test_core_rest(core);
    ck_assert_int_eq(fleet_engine_lookup(core->engine, at_once)->status, FLEET_ACTION_RUNNING);
    ck_assert_uint_eq(actions_left("a", user), 0);
}
END_TEST

START_TEST(scheduled_action_counts)
{
    add("a", user);
    FleetActionRequest request = request_of("a", user, FLEET_IF_BUSY_FAIL);
    request.not_before = fleet_clock_realtime() + FAR;
    for (guint i = 0; i < PENDING + 1; i++)
        fleet_test_core_initiate_as(core, "later", &request);
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "done later"), PENDING);
    ck_assert_uint_eq(fleet_test_core_count(core, "later: QuotaExceeded"), 1);
    make_busy("b");
    ck_assert_uint_eq(actions_left("b", user), 0);
}
END_TEST

START_TEST(action_counts_until_it_starts_or_ends)
{
    FleetActionId running = make_busy("a");
    FleetActionId first = initiate("1", "a", user, FLEET_IF_BUSY_QUEUE);
    FleetActionId second = initiate("2", "a", user, FLEET_IF_BUSY_QUEUE);

    fleet_test_core_settle(core);
    ck_assert_uint_eq(actions_left("a", user), 0);
    ck_assert_int_eq(fleet_test_core_cancel(core, "cancel", second, FALSE), FLEET_ACTION_CANCELLED);
    ck_assert_uint_eq(actions_left("a", user), 1);
    fleet_test_core_settle(core);
    ck_assert_uint_eq(actions_left("a", user), 1);
    fleet_test_core_finish(core, running.sequence, 1, FLEET_OUTCOME_SUCCESS);
    fleet_test_core_rest(core);
    ck_assert_int_eq(fleet_engine_lookup(core->engine, first)->status, FLEET_ACTION_RUNNING);
    ck_assert_uint_eq(actions_left("a", user), PENDING);
    fleet_test_core_finish(core, first.sequence, 1, FLEET_OUTCOME_PERMANENT);
    fleet_test_core_rest(core);
    make_busy("b");
    ck_assert_uint_eq(actions_left("b", user), PENDING);
}
END_TEST

/* Nothing is stopped for an action that may not wait in its place. */
START_TEST(replacement_beyond_the_quota_stops_nothing)
{
    FleetActionId running = make_busy("a");

    initiate("1", "a", user, FLEET_IF_BUSY_QUEUE);
    initiate("2", "a", user, FLEET_IF_BUSY_QUEUE);
    initiate("3", "a", user, FLEET_IF_BUSY_REPLACE);
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "3: QuotaExceeded"), 1);
    ck_assert_int_eq(fleet_engine_lookup(core->engine, running)->cancel_requested.realtime, 0);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver stops 1/1"), 0);
    initiate("4", "a", other, FLEET_IF_BUSY_REPLACE);
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver stops 1/1"), 1);
    ck_assert_uint_eq(actions_left("a", other), PENDING - 1);
}
END_TEST

/* A driver that refuses: what was PENDING for a moment within the transaction is taken back. */
START_TEST(action_that_is_refused_does_not_count)
{
    add("a", user);
    fleet_test_core_rest(core);
    core->refuses = TRUE;
    initiate("refused", "a", user, FLEET_IF_BUSY_FAIL);
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "refused: Unsupported"), 1);
    core->refuses = FALSE;
    make_busy("b");
    ck_assert_uint_eq(actions_left("b", user), PENDING);
}
END_TEST

START_TEST(failed_actions_do_not_count_and_failed_cancels_do)
{
    make_busy("a");
    FleetActionId first = initiate("1", "a", user, FLEET_IF_BUSY_QUEUE);

    fleet_test_core_settle(core);
    fleet_test_core_forget(core);
    fleet_test_core_break_disk();
    initiate("2", "a", user, FLEET_IF_BUSY_QUEUE);
    initiate("3", "a", user, FLEET_IF_BUSY_QUEUE);
    FleetActionStatus status = fleet_test_core_cancel(core, "cancel", first, FALSE);
    initiate("4", "a", user, FLEET_IF_BUSY_QUEUE);
    fleet_test_core_settle(core);
    fleet_test_core_mend_disk();
    ck_assert_int_eq(status, FLEET_ACTION_CANCELLED);
    ck_assert_uint_eq(fleet_test_core_count(core, "2: StorageFailed"), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "3: StorageFailed"), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "cancel: StorageFailed"), 1);
    ck_assert_uint_eq(fleet_test_core_count(core, "4: StorageFailed"), 1);
    ck_assert_uint_eq(actions_left("a", user), PENDING - 1);
    ck_assert_uint_eq(fleet_registry_lookup(core->registry, "a", NULL)->queued, 1);
}
END_TEST

START_TEST(actions_are_counted_anew_at_the_start)
{
    make_busy("a");
    FleetActionId first = initiate("1", "a", user, FLEET_IF_BUSY_QUEUE);

    initiate("2", "a", other, FLEET_IF_BUSY_QUEUE);
    initiate("3", "a", other, FLEET_IF_BUSY_QUEUE);
    fleet_test_core_settle(core);
    restart();
    ck_assert_uint_eq(actions_left("a", user), PENDING - 1);
    ck_assert_uint_eq(actions_left("a", other), 0);
    ck_assert_int_eq(fleet_test_core_cancel(core, "cancel", first, FALSE), FLEET_ACTION_CANCELLED);
    fleet_test_core_settle(core);
    ck_assert_uint_eq(actions_left("a", user), PENDING);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: quotas");
    TCase *devices = fleet_test_case(suite, "devices");
    TCase *actions = fleet_test_case(suite, "actions");

    tcase_add_checked_fixture(devices, setup, fleet_fixture_teardown);
    tcase_add_test(devices, devices_in_flight_count);
    tcase_add_test(devices, root_and_the_daemon_register_without_end);
    tcase_add_test(devices, device_counts_until_it_is_unregistered);
    tcase_add_test(devices, failed_registrations_do_not_count);
    tcase_add_test(devices, failed_unregistrations_count);
    tcase_add_test(devices, devices_are_counted_anew_at_the_start);
    tcase_add_test(devices, quota_of_devices_can_be_lowered_and_raised);
    tcase_add_checked_fixture(actions, setup, fleet_fixture_teardown);
    tcase_add_test(actions, pending_actions_in_flight_count);
    tcase_add_test(actions, root_and_the_daemon_queue_without_end);
    tcase_add_test(actions, action_that_starts_at_once_needs_no_room);
    tcase_add_test(actions, scheduled_action_counts);
    tcase_add_test(actions, action_counts_until_it_starts_or_ends);
    tcase_add_test(actions, replacement_beyond_the_quota_stops_nothing);
    tcase_add_test(actions, action_that_is_refused_does_not_count);
    tcase_add_test(actions, failed_actions_do_not_count_and_failed_cancels_do);
    tcase_add_test(actions, actions_are_counted_anew_at_the_start);
    return fleet_test_main(suite);
}
