/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Cancelling, from the outside: by the Manager's method and by the action's own, on both endpoints. */

#include "bus_test.h"

#include <unistd.h>

#define DEVICE FLEET_TEST_ROOT "/device/r"

/* Long enough to be met on its way, and soon past the point of no return of a FIRMWARE_UPDATE. */
#define BRIEF "[Simulation]\nMinDuration=4s\nMaxDuration=4s\nSuccessRate=1\n"

/* Cancels by the Manager's method or, on the other endpoint, by the action's. The status that is answered; owned by the
 * caller. */
static char *cancel(const FleetTestFleet *fleet, gboolean by_object, const char *id, const char *options)
{
    g_autofree char *path = fleet_test_action_path(id);
    g_autofree char *by_id = g_strdup_printf("('%s', %s)", id, options);
    g_autofree char *alone = g_strdup_printf("(%s,)", options);
    g_autoptr(GVariant) reply =
            by_object ? fleet_test_call(
                                fleet->direct, path, FLEET_TEST_ACTION, "Cancel", g_variant_new_parsed(alone), "(s)")
                      : fleet_test_manager(fleet->connection, "CancelDeviceAction", g_variant_new_parsed(by_id), "(s)");
    char *status;

    g_variant_get(reply, "(s)", &status);
    return status;
}

static void cancel_fails(
        const FleetTestFleet *fleet, const char *id, const char *options, const char *error, const char *part)
{
    g_autofree char *text = g_strdup_printf("('%s', %s)", id, options);

    fleet_test_manager_fails(fleet->connection, "CancelDeviceAction", g_variant_new_parsed(text), error, part);
}

static void assert_cancelled(const FleetTestFleet *fleet, const char *id, const char *message)
{
    g_autoptr(GVariant) info = fleet_test_action_info(fleet->connection, id);
    g_autofree char *quoted = g_strdup_printf("'%s'", message);

    fleet_test_assert_entry(info, "Status", "'CANCELLED'");
    fleet_test_assert_entry(info, "Result", "'cancelled'");
    fleet_test_assert_entry(info, "Message", quoted);
    fleet_test_assert_entry(info, "Phase", "''");
    fleet_test_assert_entry(info, "Cancelable", "false");
    fleet_test_assert_entry(info, "ErrorName", "''");
}

START_TEST(running_action_is_cancelled)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);
    g_autofree char *path = NULL;

    fleet_test_register(fleet->connection, "r");
    g_autofree char *id = fleet_test_initiate(fleet->connection, "r", "SOFTWARE_UPDATE", &path);
    g_autoptr(FleetTestSignals) signals = fleet_test_signals_new(fleet->connection, FLEET_TEST_PROPERTIES, NULL, path);
    g_autofree char *status = cancel(fleet, _i, id, "@a{sv} {}");
    ck_assert_str_eq(status, "RUNNING");
    fleet_test_wait_for(fleet->connection, path, FLEET_TEST_ACTION, "Status", "CANCELLED");
    assert_cancelled(fleet, id, "the simulation was stopped");
    fleet_test_assert_prints(fleet_test_get(fleet->connection, DEVICE, FLEET_TEST_DEVICE, "Status"), "'IDLE'");
    fleet_test_assert_prints(fleet_test_get(fleet->connection, DEVICE, FLEET_TEST_DEVICE, "CurrentAction"), "'/'");

    /* It is told once. */
    fleet_test_signals_settle(signals);
    guint told = fleet_test_signals_wait_property(signals, 0, path, "Status", "'CANCELLED'");
    for (guint i = told + 1; i < fleet_test_signals_count(signals); i++) {
        g_autofree char *text = g_variant_print(fleet_test_signals_get(signals, i)->arguments, FALSE);
        ck_assert_ptr_null(g_strrstr(text, "'Status'"));
    }
    cancel_fails(fleet, id, "@a{sv} {}", FLEET_TEST_ERROR "AlreadyFinished", "CANCELLED (cancelled)");
}
END_TEST

START_TEST(waiting_action_is_cancelled_at_once)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);

    fleet_test_register(fleet->connection, "r");
    g_autofree char *running = fleet_test_initiate(fleet->connection, "r", "SOFTWARE_UPDATE", NULL);
    g_autoptr(GVariant) reply = fleet_test_manager(fleet->connection, "InitiateDeviceAction",
            g_variant_new_parsed("('r', 'SYSTEM_REBOOT', @a{ss} {}, {'IfBusy': <'queue'>})"), "(sos)");
    const char *id;
    g_variant_get(reply, "(&sos)", &id, NULL, NULL);
    g_autofree char *status = cancel(fleet, _i, id, "@a{sv} {}");
    ck_assert_str_eq(status, "CANCELLED");
    assert_cancelled(fleet, id, "cancelled before it ran");
    fleet_test_assert_prints(fleet_test_get(fleet->connection, DEVICE, FLEET_TEST_DEVICE, "QueuedActions"), "0");
    fleet_test_assert_prints(fleet_test_get(fleet->connection, DEVICE, FLEET_TEST_DEVICE, "Status"), "'UPDATING'");
}
END_TEST

START_TEST(action_between_attempts_is_cancelled_at_once)
{
    g_autoptr(FleetTestFleet) fleet =
            fleet_test_fleet_new("[Simulation]\nMinDuration=0\nMaxDuration=0\nSuccessRate=0\nTransientRate=1\n");

    fleet_test_register(fleet->connection, "r");
    g_autoptr(GVariant) reply = fleet_test_manager(fleet->connection, "InitiateDeviceAction",
            g_variant_new_parsed("('r', 'SYSTEM_REBOOT', @a{ss} {}, {'MaxAttempts': <uint32 2>})"), "(sos)");
    const char *id, *path;
    g_variant_get(reply, "(&s&os)", &id, &path, NULL);
    fleet_test_wait_for(fleet->connection, path, FLEET_TEST_ACTION, "Phase", "waiting-retry");
    g_autofree char *status = cancel(fleet, _i, id, "@a{sv} {}");
    ck_assert_str_eq(status, "CANCELLED");
    assert_cancelled(fleet, id, "cancelled between two attempts");
    fleet_test_assert_prints(fleet_test_get(fleet->connection, DEVICE, FLEET_TEST_DEVICE, "Status"), "'IDLE'");
}
END_TEST

START_TEST(action_past_the_point_of_no_return_is_closed_by_force_alone)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(BRIEF);
    g_autofree char *path = NULL;

    fleet_test_register(fleet->connection, "r");
    g_autofree char *id = fleet_test_initiate(fleet->connection, "r", "FIRMWARE_UPDATE", &path);
    fleet_test_assert_prints(fleet_test_get(fleet->connection, path, FLEET_TEST_ACTION, "Cancelable"), "true");
    fleet_test_wait_for(fleet->connection, path, FLEET_TEST_ACTION, "Phase", "rebooting");
    cancel_fails(fleet, id, "{'Force': <false>}", FLEET_TEST_ERROR "NotCancelable", "'rebooting'");
    fleet_test_call_fails(fleet->direct, path, FLEET_TEST_ACTION, "Cancel", g_variant_new("(a{sv})", NULL),
            FLEET_TEST_ERROR "NotCancelable", "use Force");
    fleet_test_assert_prints(fleet_test_get(fleet->connection, path, FLEET_TEST_ACTION, "Cancelable"), "false");
    g_autofree char *status = cancel(fleet, _i, id, "{'Force': <true>}");
    ck_assert_str_eq(status, "CANCELLED");
    assert_cancelled(fleet, id, "closed by force");
    fleet_test_assert_prints(fleet_test_get(fleet->connection, DEVICE, FLEET_TEST_DEVICE, "Status"), "'ERROR'");
}
END_TEST

/* In memory, and in history alone, where it has no object any more. */
START_TEST(ended_action_cannot_be_cancelled)
{
    g_autoptr(FleetTestFleet) fleet =
            fleet_test_fleet_new(_i == 0 ? FLEET_TEST_FAILING : FLEET_TEST_FAILING "[Retention]\nFinishedActions=0\n");
    g_autofree char *path = NULL;

    fleet_test_register(fleet->connection, "r");
    g_autofree char *id = fleet_test_initiate(fleet->connection, "r", "SOFTWARE_UPDATE", &path);
    fleet_test_wait_for(fleet->connection, DEVICE, FLEET_TEST_DEVICE, "Status", "ERROR");
    fleet_test_round_trip(fleet->connection);
    g_autofree char *part = g_strdup_printf("action '%s' has ended already: FAILED (failed)", id);
    cancel_fails(fleet, id, "@a{sv} {}", FLEET_TEST_ERROR "AlreadyFinished", part);
    cancel_fails(fleet, id, "{'Force': <true>}", FLEET_TEST_ERROR "AlreadyFinished", part);
    if (_i == 0)
        fleet_test_call_fails(fleet->direct, path, FLEET_TEST_ACTION, "Cancel", g_variant_new("(a{sv})", NULL),
                FLEET_TEST_ERROR "AlreadyFinished", part);
    else
        fleet_test_call_fails(fleet->direct, path, FLEET_TEST_ACTION, "Cancel", g_variant_new("(a{sv})", NULL),
                "org.freedesktop.DBus.Error.UnknownObject", NULL);
    g_autoptr(GVariant) info = fleet_test_action_info(fleet->connection, id);
    fleet_test_assert_entry(info, "Status", "'FAILED'");
}
END_TEST

/* Twenty at once: each is told what is so. */
START_TEST(cancels_at_once_agree)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);
    FleetTestPending *calls[20];
    g_autofree char *path = NULL;
    guint done = 0;

    fleet_test_register(fleet->connection, "r");
    g_autofree char *id = fleet_test_initiate(fleet->connection, "r", "SOFTWARE_UPDATE", &path);
    for (guint i = 0; i < G_N_ELEMENTS(calls); i++) {
        g_autofree char *text = g_strdup_printf("('%s', {'Force': <%s>})", id, i % 3 == 0 ? "true" : "false");
        calls[i] = fleet_test_send(i % 2 == 0 ? fleet->connection : fleet->direct, FLEET_TEST_ROOT, FLEET_TEST_MANAGER,
                "CancelDeviceAction", g_variant_new_parsed(text));
    }
    for (guint i = 0; i < G_N_ELEMENTS(calls); i++) {
        g_autofree char *outcome = fleet_test_outcome(calls[i]);
        if (*outcome == '\0')
            done++;
        else
            ck_assert_str_eq(outcome, FLEET_TEST_ERROR "AlreadyFinished");
    }
    ck_assert_uint_ge(done, 1);
    fleet_test_wait_for(fleet->connection, path, FLEET_TEST_ACTION, "Status", "CANCELLED");
}
END_TEST

/* Who may cancel may cancel what others have started only by a right of its own; root has both. */
START_TEST(others_may_not_cancel)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);
    g_autofree char *path = NULL, *err = NULL;

    if (geteuid() != 0) /* only root can become another user */
        return;
    fleet_test_register(fleet->connection, "r");
    g_autofree char *id = fleet_test_initiate(fleet->connection, "r", "SOFTWARE_UPDATE", &path);
    const char *const argv[] = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "gdbus", "call",
            "--system", "--dest", FLEET_TEST_NAME, "--object-path", _i == 0 ? FLEET_TEST_ROOT : path, "--method",
            _i == 0 ? FLEET_TEST_MANAGER ".CancelDeviceAction" : FLEET_TEST_ACTION ".Cancel", _i == 0 ? id : "{}",
            _i == 0 ? "{}" : NULL, NULL};
    ck_assert_int_eq(fleet_test_run(argv, NULL, NULL, &err), 1);
    fleet_test_assert_contains(err, FLEET_TEST_DENIED ": user 65534 may not cancel actions");
    fleet_test_assert_prints(fleet_test_get(fleet->connection, path, FLEET_TEST_ACTION, "Status"), "'RUNNING'");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: cancel");
    TCase *tcase = fleet_test_case(suite, "cancel");

    tcase_add_loop_test(tcase, running_action_is_cancelled, 0, 2);
    tcase_add_loop_test(tcase, waiting_action_is_cancelled_at_once, 0, 2);
    tcase_add_loop_test(tcase, action_between_attempts_is_cancelled_at_once, 0, 2);
    tcase_add_loop_test(tcase, action_past_the_point_of_no_return_is_closed_by_force_alone, 0, 2);
    tcase_add_loop_test(tcase, ended_action_cannot_be_cancelled, 0, 2);
    tcase_add_test(tcase, cancels_at_once_agree);
    tcase_add_loop_test(tcase, others_may_not_cancel, 0, 2);
    return fleet_test_main(suite);
}
