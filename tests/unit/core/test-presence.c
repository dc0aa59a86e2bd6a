/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which devices are there: beats and silences, what they do to the status, and what of it is stored. */

#include "base/error.h"
#include "fixture.h"

/* A silence that a check can wait for, and one that never comes. */
#define SHORT ((gint64)(60 * fleet_test_slowness()) * FLEET_USEC_PER_MSEC)
#define NEVER 0

static void tolerate(gint64 offline_after, gint64 online_after)
{
    const FleetTolerance tolerance = {.offline_after = offline_after, .online_after = online_after};

    fleet_presence_watch_configure(core->presence, NULL, &tolerance);
}

static void setup(void)
{
    fleet_fixture_setup();
    fleet_presence_watch_start(core->presence);
}

static void restart(void)
{
    fleet_presence_watch_stop(core->presence);
    fleet_test_core_settle(core);
    fleet_fixture_restart();
}

static void ignored(const GError *error, gpointer user_data)
{
}

static void send_beat(const char *id)
{
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);
    g_autoptr(GError) error = NULL;

    if (!fleet_presence_watch_beat(core->presence, transaction, id, &error))
        fleet_test_fail("%s", error->message);
    fleet_transaction_submit(transaction, ignored, NULL);
}

static void beat(const char *id)
{
    send_beat(id);
    fleet_test_core_rest(core);
}

static void report(const char *id, FleetPresence presence)
{
    const FleetDriver *driver = fleet_test_core_driver(core);

    driver->host->presence(id, presence, driver->host_data);
    fleet_test_core_rest(core);
}

static void set_status(const char *id, FleetDeviceStatus status)
{
    fleet_test_core_status(core, "status", id, status);
    fleet_test_core_rest(core);
}

static void assert_device(const char *id, FleetDeviceStatus status, FleetPresence presence)
{
    const FleetDevice *device = fleet_fixture_device(id);

    ck_assert_int_eq(device->status, status);
    ck_assert_int_eq(device->presence, presence);
}

/* A device "a" that was heard and then was silent for too long. */
static void lose(void)
{
    fleet_fixture_add("a");
    tolerate(SHORT, 0);
    beat("a");
    fleet_test_core_wait(core, "device changed a IDLE->OFFLINE");
    fleet_test_core_forget(core);
}

START_TEST(device_is_unknown_until_it_is_heard)
{
    gint64 before = fleet_clock_realtime();

    fleet_fixture_add("a");
    assert_device("a", FLEET_DEVICE_IDLE, FLEET_PRESENCE_UNKNOWN);
    beat("a");
    fleet_test_core_assert_events(core, "device a UNKNOWN->ONLINE", "committed");
    assert_device("a", FLEET_DEVICE_IDLE, FLEET_PRESENCE_ONLINE);
    ck_assert_int_ge(fleet_device_last_seen(fleet_fixture_device("a")), before);
    beat("a");
    fleet_test_core_assert_events(core, NULL);
}
END_TEST

START_TEST(what_a_beat_changes_is_told_before_its_answer)
{
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);

    fleet_fixture_add("a");
    ck_assert(fleet_presence_watch_beat(core->presence, transaction, "a", NULL));
    fleet_test_core_end(core, "beat", transaction, NULL);
    fleet_test_core_rest(core);
    fleet_test_core_assert_events(core, "device a UNKNOWN->ONLINE", "committed", "done beat");
}
END_TEST

START_TEST(beat_that_cannot_be_stored_counts_all_the_same)
{
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);

    lose();
    tolerate(NEVER, 0);
    fleet_test_core_break_disk();
    ck_assert(fleet_presence_watch_beat(core->presence, transaction, "a", NULL));
    fleet_test_core_end(core, "beat", transaction, NULL);
    fleet_test_core_wait(core, "beat: StorageFailed");
    fleet_test_core_mend_disk();
    assert_device("a", FLEET_DEVICE_OFFLINE, FLEET_PRESENCE_OFFLINE);
    fleet_test_core_wait(core, "device changed a OFFLINE->IDLE");
}
END_TEST

START_TEST(beat_of_nobody_is_an_error)
{
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);
    g_autoptr(GError) error = NULL;

    ck_assert(!fleet_presence_watch_beat(core->presence, transaction, "nobody", &error));
    fleet_transaction_abandon(transaction);
    ck_assert(g_error_matches(error, FLEET_ERROR, FLEET_ERROR_DEVICE_NOT_FOUND));
    report("nobody", FLEET_PRESENCE_OFFLINE);
    fleet_test_core_assert_events(core, NULL);
}
END_TEST

START_TEST(silent_device_is_offline_until_it_is_heard)
{
    fleet_fixture_add("a");
    set_status("a", FLEET_DEVICE_ERROR);
    tolerate(SHORT, 0);
    beat("a");
    fleet_test_core_forget(core);
    fleet_test_core_wait(core, "device changed a ERROR->OFFLINE");
    assert_device("a", FLEET_DEVICE_OFFLINE, FLEET_PRESENCE_OFFLINE);
    fleet_test_core_rest(core);
    fleet_test_core_assert_events(core, "device a ONLINE->OFFLINE", "device changed a ERROR->OFFLINE", "committed");
    beat("a");
    fleet_test_core_assert_events(core, "device a OFFLINE->ONLINE", "device changed a OFFLINE->ERROR", "committed");
}
END_TEST

/* Both beat at first, in the other order; the one that goes on is not missed. */
START_TEST(one_that_is_heard_is_not_missed)
{
    fleet_fixture_add("a");
    fleet_fixture_add("b");
    tolerate(SHORT, 0);
    beat("a");
    beat("b");
    while (fleet_test_core_count(core, "device changed b IDLE->OFFLINE") == 0) {
        beat("a");
        g_main_context_iteration(NULL, FALSE);
    }
    assert_device("a", FLEET_DEVICE_IDLE, FLEET_PRESENCE_ONLINE);
    fleet_test_core_wait(core, "device changed a IDLE->OFFLINE");
}
END_TEST

START_TEST(device_that_was_never_heard_is_not_missed)
{
    fleet_fixture_add("b");
    lose();
    assert_device("b", FLEET_DEVICE_IDLE, FLEET_PRESENCE_UNKNOWN);
}
END_TEST

START_TEST(types_have_tolerances_of_their_own)
{
    g_autoptr(GHashTable) by_type = g_hash_table_new(g_str_hash, g_str_equal);
    FleetTolerance strict = {.offline_after = SHORT};
    const FleetDeviceUpdate update = {.type = "strict"};
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);

    g_hash_table_insert(by_type, (gpointer) "strict", &strict);
    fleet_fixture_add("a");
    fleet_fixture_add("b");
    fleet_presence_watch_configure(core->presence, by_type, &(FleetTolerance){0});
    beat("a");
    beat("b");
    ck_assert(fleet_registry_stage_update(core->registry, transaction, "b", &update, NULL));
    fleet_test_core_end(core, "type", transaction, NULL);
    fleet_test_core_wait(core, "device changed b IDLE->OFFLINE");
    assert_device("a", FLEET_DEVICE_IDLE, FLEET_PRESENCE_ONLINE);
}
END_TEST

START_TEST(tolerance_that_becomes_shorter_counts_at_once)
{
    fleet_fixture_add("a");
    tolerate(NEVER, 0);
    beat("a");
    tolerate(1, 0);
    fleet_test_core_wait(core, "device changed a IDLE->OFFLINE");
}
END_TEST

START_TEST(who_comes_back_must_stay_for_a_while)
{
    lose();
    tolerate(SHORT, SHORT / 2);
    beat("a");
    fleet_test_core_assert_events(core, NULL);
    while (fleet_test_core_count(core, "device changed a OFFLINE->IDLE") == 0) {
        beat("a");
        g_main_context_iteration(NULL, FALSE);
    }
    assert_device("a", FLEET_DEVICE_IDLE, FLEET_PRESENCE_ONLINE);
}
END_TEST

/* "b" is heard once when "a" is, and with the same tolerance "a" would be back long before it is missed. */
START_TEST(who_comes_back_for_a_moment_stays_offline)
{
    fleet_fixture_add("b");
    lose();
    tolerate(SHORT, 3 * SHORT);
    beat("a");
    beat("b");
    fleet_test_core_wait(core, "device changed b IDLE->OFFLINE");
    tolerate(SHORT, 0);
    beat("b");
    fleet_test_core_wait(core, "device changed b IDLE->OFFLINE");
    ck_assert_uint_eq(fleet_test_core_count(core, "device changed a OFFLINE->IDLE"), 0);
    assert_device("a", FLEET_DEVICE_OFFLINE, FLEET_PRESENCE_OFFLINE);
    beat("a");
    assert_device("a", FLEET_DEVICE_IDLE, FLEET_PRESENCE_ONLINE);
}
END_TEST

START_TEST(maintenance_hides_absence)
{
    fleet_fixture_add("a");
    set_status("a", FLEET_DEVICE_MAINTENANCE);
    tolerate(SHORT, 0);
    beat("a");
    fleet_test_core_wait(core, "device a ONLINE->OFFLINE");
    assert_device("a", FLEET_DEVICE_MAINTENANCE, FLEET_PRESENCE_OFFLINE);

    /* What is away shows once it is over, and what an operator has set meanwhile once it is back. */
    set_status("a", FLEET_DEVICE_ERROR);
    assert_device("a", FLEET_DEVICE_OFFLINE, FLEET_PRESENCE_OFFLINE);
    beat("a");
    assert_device("a", FLEET_DEVICE_ERROR, FLEET_PRESENCE_ONLINE);
}
END_TEST

START_TEST(what_an_operator_sets_while_it_is_away_stays)
{
    lose();
    set_status("a", FLEET_DEVICE_MAINTENANCE);
    assert_device("a", FLEET_DEVICE_MAINTENANCE, FLEET_PRESENCE_OFFLINE);
    beat("a");
    assert_device("a", FLEET_DEVICE_MAINTENANCE, FLEET_PRESENCE_ONLINE);
}
END_TEST

START_TEST(operator_can_take_it_out_of_service_while_it_is_away)
{
    lose();
    set_status("a", FLEET_DEVICE_OFFLINE);
    beat("a");
    assert_device("a", FLEET_DEVICE_OFFLINE, FLEET_PRESENCE_ONLINE);
}
END_TEST

START_TEST(operator_can_say_that_it_is_there)
{
    lose();
    set_status("a", FLEET_DEVICE_IDLE);
    assert_device("a", FLEET_DEVICE_IDLE, FLEET_PRESENCE_UNKNOWN);
    beat("a");
    fleet_test_core_wait(core, "device changed a IDLE->OFFLINE");
}
END_TEST

START_TEST(action_that_runs_hides_absence)
{
    FleetActionId id;

    fleet_fixture_add("a");
    tolerate(SHORT, 0);
    beat("a");
    id = fleet_test_core_initiate(core, "start", "a");
    fleet_test_core_wait(core, "device a ONLINE->OFFLINE");
    assert_device("a", FLEET_DEVICE_UPDATING, FLEET_PRESENCE_OFFLINE);
    fleet_test_core_finish(core, id.sequence, 1, FLEET_OUTCOME_SUCCESS);
    fleet_test_core_rest(core);
    assert_device("a", FLEET_DEVICE_OFFLINE, FLEET_PRESENCE_OFFLINE);
    beat("a");
    assert_device("a", FLEET_DEVICE_IDLE, FLEET_PRESENCE_ONLINE);
}
END_TEST

START_TEST(queue_waits_for_its_return)
{
    FleetActionRequest request;

    lose();
    request = fleet_test_core_request(core, "a");
    request.if_busy = FLEET_IF_BUSY_QUEUE;
    FleetInitiated initiated = fleet_test_core_initiate_as(core, "start", &request);
    fleet_test_core_rest(core);
    ck_assert_int_eq(initiated.status, FLEET_ACTION_PENDING);
    ck_assert_str_eq(fleet_fixture_action(initiated.id)->phase, "waiting-device");
    assert_device("a", FLEET_DEVICE_OFFLINE, FLEET_PRESENCE_OFFLINE);
    beat("a");
    fleet_test_core_wait(core, "driver starts 1/1");
    assert_device("a", FLEET_DEVICE_UPDATING, FLEET_PRESENCE_ONLINE);
}
END_TEST

START_TEST(retry_waits_for_its_return)
{
    FleetActionRequest request;

    fleet_fixture_add("a");
    request = fleet_test_core_request(core, "a");
    request.policy.max_attempts = 2;
    request.policy.retry_delay = 1;
    (void)fleet_test_core_initiate_as(core, "start", &request);
    fleet_test_core_wait(core, "driver starts 1/1");
    report("a", FLEET_PRESENCE_OFFLINE);
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_TRANSIENT);
    fleet_test_core_wait(core, "driver lets go 1/1");
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "driver starts 1/2"), 0);
    beat("a");
    fleet_test_core_wait(core, "driver starts 1/2");
}
END_TEST

START_TEST(driver_knows_that_a_device_is_away)
{
    fleet_fixture_add("a");
    tolerate(NEVER, 0);
    report("a", FLEET_PRESENCE_OFFLINE);
    fleet_test_core_assert_events(core, "device a UNKNOWN->OFFLINE", "device changed a IDLE->OFFLINE", "committed");
    report("a", FLEET_PRESENCE_ONLINE);
    fleet_test_core_assert_events(core, "device a OFFLINE->ONLINE", "device changed a OFFLINE->IDLE", "committed");
}
END_TEST

START_TEST(nobody_is_missed_while_the_way_is_down)
{
    fleet_fixture_add("b");
    fleet_fixture_add("a");
    tolerate(SHORT, 0);
    beat("a");
    beat("b");
    report("a", FLEET_PRESENCE_UNKNOWN);
    assert_device("a", FLEET_DEVICE_IDLE, FLEET_PRESENCE_UNKNOWN);
    fleet_test_core_wait(core, "device changed b IDLE->OFFLINE");
    report("b", FLEET_PRESENCE_UNKNOWN);
    assert_device("a", FLEET_DEVICE_IDLE, FLEET_PRESENCE_UNKNOWN);
    assert_device("b", FLEET_DEVICE_OFFLINE, FLEET_PRESENCE_OFFLINE);
    beat("a");
    fleet_test_core_wait(core, "device changed a IDLE->OFFLINE");
}
END_TEST

/* It was heard before the start, when no silence was too long; and it is only now that one is. */
START_TEST(nobody_is_missed_while_the_way_is_down_from_the_start)
{
    fleet_fixture_add("a");
    fleet_fixture_add("b");
    beat("a");
    beat("b");
    restart();
    fleet_presence_watch_start(core->presence);
    report("a", FLEET_PRESENCE_UNKNOWN);
    tolerate(SHORT, 0);
    fleet_test_core_wait(core, "device changed b IDLE->OFFLINE");
    assert_device("a", FLEET_DEVICE_IDLE, FLEET_PRESENCE_UNKNOWN);
}
END_TEST

START_TEST(absence_outlives_a_restart)
{
    fleet_fixture_add("a");
    set_status("a", FLEET_DEVICE_ERROR);
    report("a", FLEET_PRESENCE_OFFLINE);
    fleet_fixture_restart();
    assert_device("a", FLEET_DEVICE_OFFLINE, FLEET_PRESENCE_OFFLINE);
    beat("a");
    assert_device("a", FLEET_DEVICE_ERROR, FLEET_PRESENCE_ONLINE);
    fleet_fixture_restart();
    assert_device("a", FLEET_DEVICE_ERROR, FLEET_PRESENCE_UNKNOWN);
}
END_TEST

START_TEST(who_was_heard_before_a_restart_is_missed_after_it)
{
    fleet_fixture_add("a");
    beat("a");
    restart();
    assert_device("a", FLEET_DEVICE_IDLE, FLEET_PRESENCE_UNKNOWN);
    ck_assert_int_ne(fleet_device_last_seen(fleet_fixture_device("a")), 0);
    tolerate(SHORT, 0);
    fleet_presence_watch_start(core->presence);
    fleet_test_core_wait(core, "device changed a IDLE->OFFLINE");
}
END_TEST

/* It is off the disk's ways until then. */
START_TEST(last_seen_is_written_at_the_end)
{
    fleet_fixture_add("a");
    fleet_fixture_add("b");
    beat("a");
    fleet_fixture_restart();
    ck_assert_int_eq(fleet_device_last_seen(fleet_fixture_device("a")), 0);
    beat("a");
    beat("b");
    fleet_test_core_unregister(core, "gone", "b");
    restart();
    ck_assert_int_ne(fleet_device_last_seen(fleet_fixture_device("a")), 0);
    ck_assert_ptr_null(fleet_fixture_device("b"));
}
END_TEST

START_TEST(change_on_its_way_forgets_no_beat)
{
    gint64 before = fleet_clock_realtime();

    fleet_fixture_add("a");
    fleet_test_core_status(core, "status", "a", FLEET_DEVICE_ERROR);
    send_beat("a");
    fleet_test_core_rest(core);
    ck_assert_int_ge(fleet_device_last_seen(fleet_fixture_device("a")), before);
    assert_device("a", FLEET_DEVICE_ERROR, FLEET_PRESENCE_ONLINE);
}
END_TEST

START_TEST(device_is_heard_while_its_registration_is_on_its_way)
{
    fleet_test_core_register(core, "add", "a");
    send_beat("a");
    fleet_test_core_rest(core);
    assert_device("a", FLEET_DEVICE_IDLE, FLEET_PRESENCE_ONLINE);
}
END_TEST

/* One that was not registered after all is not remembered as what it was heard to be. */
START_TEST(registration_that_fails_takes_its_beats_with_it)
{
    fleet_test_core_break_disk();
    fleet_test_core_register(core, "add", "a");
    send_beat("a");
    fleet_test_core_wait(core, "storage failed");
    fleet_test_core_mend_disk();
    fleet_test_core_rest(core);

    fleet_fixture_add("a");
    assert_device("a", FLEET_DEVICE_IDLE, FLEET_PRESENCE_UNKNOWN);
    beat("a");
    assert_device("a", FLEET_DEVICE_IDLE, FLEET_PRESENCE_ONLINE);
}
END_TEST

START_TEST(who_registers_again_begins_anew)
{
    lose();
    fleet_test_core_unregister(core, "gone", "a");
    fleet_test_core_rest(core);
    fleet_fixture_add("a");
    assert_device("a", FLEET_DEVICE_IDLE, FLEET_PRESENCE_UNKNOWN);
    beat("a");
    fleet_test_core_wait(core, "device changed a IDLE->OFFLINE");
}
END_TEST

START_TEST(absence_that_cannot_be_stored_is_stored_later)
{
    fleet_fixture_add("a");
    fleet_test_core_break_disk();
    report("a", FLEET_PRESENCE_OFFLINE);
    fleet_test_core_wait(core, "storage failed");
    fleet_test_core_mend_disk();
    assert_device("a", FLEET_DEVICE_IDLE, FLEET_PRESENCE_UNKNOWN);
    fleet_test_core_wait(core, "device changed a IDLE->OFFLINE");
    fleet_fixture_restart();
    assert_device("a", FLEET_DEVICE_OFFLINE, FLEET_PRESENCE_OFFLINE);
}
END_TEST

/* More than one turn of the loop takes. */
START_TEST(many_fall_silent_together)
{
    const guint n = 3000;

    tolerate(SHORT, 0);
    for (guint i = 0; i < n; i++) {
        g_autofree char *id = g_strdup_printf("device-%u", i);

        fleet_test_core_register(core, "add", id);
        send_beat(id);
    }
    fleet_test_core_wait(core, "device changed device-2999 IDLE->OFFLINE");
    ck_assert_uint_eq(fleet_registry_count_status(core->registry, FLEET_DEVICE_OFFLINE), n);
}
END_TEST

static gboolean wake_up(gpointer user_data)
{
    *(gboolean *)user_data = TRUE;
    return G_SOURCE_REMOVE;
}

/* The loop that all of core runs on stands still meanwhile, as it does in a suspend. */
static void suspend(gint64 usec)
{
    g_autoptr(GMainContext) outside = g_main_context_new();
    g_autoptr(GSource) alarm = g_timeout_source_new((guint)(usec / FLEET_USEC_PER_MSEC));
    gboolean is_over = FALSE;

    g_source_set_callback(alarm, wake_up, &is_over, NULL);
    g_source_attach(alarm, outside);
    while (!is_over)
        g_main_context_iteration(outside, TRUE);
}

/* It takes many turns. If each of them waited once more, as the first one has to, they would not be done in time. */
START_TEST(many_are_missed_after_a_suspend)
{
    const gint64 tolerance = 2 * FLEET_USEC_PER_SEC;
    const guint n = 512 * (guint)FLEET_TEST_PATIENCE;

    tolerate(tolerance, 0);
    for (guint i = 0; i < n; i++) {
        g_autofree char *id = g_strdup_printf("device-%u", i);

        fleet_test_core_register(core, "add", id);
    }
    fleet_test_core_rest(core);
    for (guint i = 0; i < n; i++) {
        g_autofree char *id = g_strdup_printf("device-%u", i);

        send_beat(id);
    }
    fleet_test_core_rest(core);
    fleet_test_core_forget(core);
    suspend(2 * tolerance);
    while (fleet_test_core_count(core, "device changed device-0 IDLE->OFFLINE") == 0)
        g_main_context_iteration(NULL, TRUE);
    g_autofree char *last = g_strdup_printf("device changed device-%u IDLE->OFFLINE", n - 1);
    fleet_test_core_wait(core, last);
    ck_assert_uint_eq(fleet_registry_count_status(core->registry, FLEET_DEVICE_OFFLINE), n);
}
END_TEST

static gboolean count_staged(const FleetDevice *device, gpointer user_data)
{
    guint *n = user_data;

    *n += fleet_registry_lookup_staged(core->registry, device->id, NULL)->presence == FLEET_PRESENCE_OFFLINE;
    return TRUE;
}

/* Calls that come meanwhile have their turn. */
START_TEST(many_that_leave_do_not_keep_the_loop)
{
    const FleetDriver *driver = fleet_test_core_driver(core);
    const guint n = 3000;
    guint staged = 0;

    for (guint i = 0; i < n; i++) {
        g_autofree char *id = g_strdup_printf("device-%u", i);

        fleet_test_core_register(core, "add", id);
    }
    fleet_test_core_rest(core);
    for (guint i = 0; i < n; i++) {
        g_autofree char *id = g_strdup_printf("device-%u", i);

        driver->host->presence(id, FLEET_PRESENCE_OFFLINE, driver->host_data);
    }
    while (staged == 0) {
        g_main_context_iteration(NULL, TRUE);
        fleet_registry_visit(core->registry, "", FALSE, count_staged, &staged);
    }
    ck_assert_uint_lt(staged, n / 2);
    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_registry_count_status(core->registry, FLEET_DEVICE_OFFLINE), n);
}
END_TEST

/* All three are on their way at once. */
START_TEST(who_is_heard_while_it_registers_again_is_missed)
{
    fleet_fixture_add("a");
    tolerate(SHORT, 0);
    beat("a");
    fleet_test_core_unregister(core, "gone", "a");
    fleet_test_core_register(core, "add", "a");
    send_beat("a");
    fleet_test_core_rest(core);
    assert_device("a", FLEET_DEVICE_IDLE, FLEET_PRESENCE_ONLINE);
    fleet_test_core_wait(core, "device changed a IDLE->OFFLINE");
}
END_TEST

/* The same, but nothing of it gets to the disk. */
START_TEST(who_is_heard_while_it_does_not_register_again_is_missed)
{
    fleet_fixture_add("a");
    tolerate(SHORT, 0);
    beat("a");
    fleet_test_core_break_disk();
    fleet_test_core_unregister(core, "gone", "a");
    fleet_test_core_register(core, "add", "a");
    send_beat("a");
    fleet_test_core_wait(core, "storage failed");
    fleet_test_core_mend_disk();
    fleet_test_core_wait(core, "device changed a IDLE->OFFLINE");
}
END_TEST

/* Its absence is from before a restart, so nothing was heard of it since. */
START_TEST(what_an_operator_says_outlives_a_reload)
{
    lose();
    restart();
    fleet_presence_watch_start(core->presence);
    set_status("a", FLEET_DEVICE_IDLE);
    assert_device("a", FLEET_DEVICE_IDLE, FLEET_PRESENCE_UNKNOWN);
    tolerate(SHORT, 0);
    fleet_test_core_run_until(core, fleet_clock_boottime() + 2 * SHORT);
    assert_device("a", FLEET_DEVICE_IDLE, FLEET_PRESENCE_UNKNOWN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: presence");
    TCase *presence = fleet_test_case(suite, "presence");

    tcase_add_checked_fixture(presence, setup, fleet_fixture_teardown);
    tcase_add_test(presence, device_is_unknown_until_it_is_heard);
    tcase_add_test(presence, what_a_beat_changes_is_told_before_its_answer);
    tcase_add_test(presence, beat_that_cannot_be_stored_counts_all_the_same);
    tcase_add_test(presence, beat_of_nobody_is_an_error);
    tcase_add_test(presence, silent_device_is_offline_until_it_is_heard);
    tcase_add_test(presence, one_that_is_heard_is_not_missed);
    tcase_add_test(presence, device_that_was_never_heard_is_not_missed);
    tcase_add_test(presence, types_have_tolerances_of_their_own);
    tcase_add_test(presence, tolerance_that_becomes_shorter_counts_at_once);
    tcase_add_test(presence, who_comes_back_must_stay_for_a_while);
    tcase_add_test(presence, who_comes_back_for_a_moment_stays_offline);
    tcase_add_test(presence, maintenance_hides_absence);
    tcase_add_test(presence, what_an_operator_sets_while_it_is_away_stays);
    tcase_add_test(presence, operator_can_take_it_out_of_service_while_it_is_away);
    tcase_add_test(presence, operator_can_say_that_it_is_there);
    tcase_add_test(presence, action_that_runs_hides_absence);
    tcase_add_test(presence, queue_waits_for_its_return);
    tcase_add_test(presence, retry_waits_for_its_return);
    tcase_add_test(presence, driver_knows_that_a_device_is_away);
    tcase_add_test(presence, nobody_is_missed_while_the_way_is_down);
    tcase_add_test(presence, nobody_is_missed_while_the_way_is_down_from_the_start);
    tcase_add_test(presence, absence_outlives_a_restart);
    tcase_add_test(presence, who_was_heard_before_a_restart_is_missed_after_it);
    tcase_add_test(presence, last_seen_is_written_at_the_end);
    tcase_add_test(presence, change_on_its_way_forgets_no_beat);
    tcase_add_test(presence, device_is_heard_while_its_registration_is_on_its_way);
    tcase_add_test(presence, registration_that_fails_takes_its_beats_with_it);
    tcase_add_test(presence, who_registers_again_begins_anew);
    tcase_add_test(presence, absence_that_cannot_be_stored_is_stored_later);
    tcase_add_test(presence, many_fall_silent_together);
    tcase_add_test(presence, many_are_missed_after_a_suspend);
    tcase_add_test(presence, many_that_leave_do_not_keep_the_loop);
    tcase_add_test(presence, who_is_heard_while_it_registers_again_is_missed);
    tcase_add_test(presence, who_is_heard_while_it_does_not_register_again_is_missed);
    tcase_add_test(presence, what_an_operator_says_outlives_a_reload);
    return fleet_test_main(suite);
}
