/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What waits when fleetd ends, in whatever way, waits on when it is back: in its order, and for its own time, which the
 * restart neither shortens nor lengthens.
 */

#include "fixture.h"

#include <stdarg.h>

#define SLACK (0.4 * G_USEC_PER_SEC) /* by which a moment may be late */

/* A time of the check, stretched where all is slow, in µs. */
static gint64 span(gint msec)
{
    return (gint64)(msec * 1000 * fleet_test_slowness());
}

static void start(const char *config)
{
    g_autofree char *text = g_strconcat(config, "[Log]\nLevel=warning\n", NULL);

    fleet_test_daemon_set_config(fleetd, text);
    fleet_test_daemon_start(fleetd);
}

/* Both ways of ending, by the loop's index; what follows is the same. */
static void end(int way)
{
    if (way == 0)
        fleet_test_daemon_kill(fleetd);
    else
        ck_assert_int_eq(fleet_test_daemon_stop(fleetd), 0);
}

static void end_and_start(int way)
{
    end(way);
    fleet_test_daemon_start(fleetd);
}

/* Until that moment of the wall clock is over. */
static void wait_until(gint64 moment)
{
    fleet_test_run_for((guint)(MAX(moment - g_get_real_time(), 0) / 1000 + 1));
}

static void add(const char *id, const char *type, const char *status)
{
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssssa{sv})", id, "", type, status, NULL));
}

static void set_status(const char *id, const char *status)
{
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "SetDeviceStatus",
            g_variant_new("(ssa{sv})", id, status, NULL));
}

typedef struct {
    char *id, *path, *status;
} Action;

static void action_clear(Action *action)
{
    g_free(action->id);
    g_free(action->path);
    g_free(action->status);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Action, action_clear)

/* With options, as g_variant_parse() reads them: "{'Priority': <1>}". */
static Action initiate(const char *device, const char *format, ...) G_GNUC_PRINTF(2, 3);
static Action initiate(const char *device, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    g_autofree char *text = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_autoptr(GVariant) options = g_variant_parse(G_VARIANT_TYPE("a{sv}"), text, NULL, NULL, NULL);
    Action action;

    ck_assert_ptr_nonnull(options);
    g_autoptr(GVariant) reply = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            g_variant_new("(ssa{ss}@a{sv})", device, "SOFTWARE_UPDATE", NULL, options), "(sos)");
    g_variant_get(reply, "(sos)", &action.id, &action.path, &action.status);
    return action;
}

static char *get(const char *path, const char *property)
{
    g_autoptr(GVariant) value = fleet_test_get(connection, path, FLEET_TEST_ACTION, property);

    return g_variant_print(value, FALSE);
}

static void assert_is(const char *path, const char *property, const char *expected)
{
    g_autofree char *value = get(path, property);

    ck_assert_str_eq(value, expected);
}

static gint64 get_time(const char *path, const char *property)
{
    g_autoptr(GVariant) value = fleet_test_get(connection, path, FLEET_TEST_ACTION, property);

    return (gint64)g_variant_get_uint64(value);
}

/* Neither sooner than it was due, nor much later. */
#define assert_moment(at, due)                                                                                         \
    do {                                                                                                               \
        ck_assert_int_ge((at), (due));                                                                                 \
        ck_assert_int_le((at), (due) + (gint64)(SLACK * fleet_test_slowness()));                                       \
    } while (0)

/* When the action got into that phase for the first time, and when it left it, by its history. */
static void find_phase(const char *id, const char *phase, gint64 *from, gint64 *to)
{
    g_autoptr(GVariant) reply = fleet_test_call(
            connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "GetActionHistory", g_variant_new("(s)", id), "(a(tsss))");
    g_autoptr(GVariantIter) moves = NULL;
    const char *name;
    guint64 at;

    *from = *to = 0;
    g_variant_get(reply, "(a(tsss))", &moves);
    while (*to == 0 && g_variant_iter_next(moves, "(t&s&s&s)", &at, NULL, &name, NULL)) {
        if (*from == 0 && g_str_equal(name, phase))
            *from = (gint64)at;
        else if (*from != 0)
            *to = (gint64)at;
    }
    if (*to == 0)
        fleet_test_fail("%s was never %s, or is so still", id, phase);
}

/* How many signals tell that something has that property's value. */
static guint count_signals(const char *path, const char *property, const char *value)
{
    guint count = 0;

    for (guint i = 0; i < fleet_test_signals_count(signals); i++) {
        const FleetTestSignal *signal = fleet_test_signals_get(signals, i);

        if (!g_str_equal(signal->path, path) || !g_str_equal(signal->member, "PropertiesChanged"))
            continue;
        g_autoptr(GVariant) changed = g_variant_get_child_value(signal->arguments, 1);
        g_autoptr(GVariant) found = g_variant_lookup_value(changed, property, NULL);
        if (found == NULL)
            continue;
        g_autofree char *text = g_variant_print(found, FALSE);
        count += g_str_equal(text, value);
    }
    return count;
}

/* The queue. */

START_TEST(the_queue_keeps_its_order)
{
    static const gint priorities[] = {0, -5, 7, 0, 7};
    static const guint order[] = {2, 4, 0, 3, 1};
    Action actions[G_N_ELEMENTS(priorities)];
    gint64 before = 0;

    start("[Simulation]\nMinDuration=0\nMaxDuration=0\nSuccessRate=1\n");
    add("a", "", "MAINTENANCE");
    for (guint i = 0; i < G_N_ELEMENTS(actions); i++) {
        actions[i] = initiate("a", "{'IfBusy': <'queue'>, 'Priority': <%d>}", priorities[i]);
        ck_assert_str_eq(actions[i].status, "PENDING");
    }
    end_and_start(_i);
    for (guint i = 0; i < G_N_ELEMENTS(actions); i++) {
        assert_is(actions[i].path, "Status", "'PENDING'");
        assert_is(actions[i].path, "Phase", "'waiting-device'");
    }
    g_autoptr(GVariant) queued =
            fleet_test_get(connection, FLEET_TEST_ROOT "/device/a", FLEET_TEST_DEVICE, "QueuedActions");
    ck_assert_uint_eq(g_variant_get_uint32(queued), G_N_ELEMENTS(actions));

    set_status("a", "IDLE");
    for (guint i = 0; i < G_N_ELEMENTS(order); i++) {
        const Action *action = &actions[order[i]];

        fleet_test_signals_wait_property(signals, 0, action->path, "Status", "'COMPLETED'");
        ck_assert_int_ge(get_time(action->path, "StartedAt"), before);
        before = get_time(action->path, "CompletedAt");
    }
    fleet_test_signals_settle(signals);
    for (guint i = 0; i < G_N_ELEMENTS(actions); i++) {
        ck_assert_uint_eq(count_signals(actions[i].path, "Status", "'COMPLETED'"), 1);
        action_clear(&actions[i]);
    }
}
END_TEST

/* What ran goes on, and what waits for it starts when it ends, not before. */
START_TEST(the_next_one_waits_for_what_goes_on)
{
    g_autofree char *config = g_strdup_printf("[Simulation]\nMinDuration=%" G_GINT64_FORMAT
                                              "us\nMaxDuration=%" G_GINT64_FORMAT "us\nSuccessRate=1\n",
            span(800), span(800));

    start(config);
    add("a", "", "");
    g_auto(Action) first = initiate("a", "{}");
    g_auto(Action) second = initiate("a", "{'IfBusy': <'queue'>}");
    ck_assert_str_eq(first.status, "RUNNING");
    end_and_start(_i);
    assert_is(first.path, "Status", "'RUNNING'");
    assert_is(second.path, "Status", "'PENDING'");
    fleet_test_signals_wait_property(signals, 0, second.path, "Status", "'COMPLETED'");
    assert_is(first.path, "Status", "'COMPLETED'");
    assert_moment(get_time(first.path, "CompletedAt"), get_time(first.path, "StartedAt") + span(800));
    ck_assert_int_ge(get_time(second.path, "StartedAt"), get_time(first.path, "CompletedAt"));
}
END_TEST

/* Times on the wall clock. */

START_TEST(a_scheduled_start_comes_at_its_time)
{
    start("[Simulation]\nMinDuration=0\nMaxDuration=0\nSuccessRate=1\n");
    add("a", "", "");
    gint64 due = g_get_real_time() + span(1200);
    g_auto(Action) action = initiate("a", "{'NotBefore': <uint64 %" G_GINT64_FORMAT ">}", due);
    ck_assert_str_eq(action.status, "PENDING");
    end_and_start(_i);
    assert_is(action.path, "Status", "'PENDING'");
    assert_is(action.path, "Phase", "'scheduled'");
    fleet_test_signals_wait_property(signals, 0, action.path, "Status", "'COMPLETED'");
    assert_moment(get_time(action.path, "StartedAt"), due);
}
END_TEST

START_TEST(a_scheduled_start_that_was_missed_comes_at_once)
{
    start("[Simulation]\nMinDuration=0\nMaxDuration=0\nSuccessRate=1\n");
    add("a", "", "");
    gint64 due = g_get_real_time() + span(300);
    g_auto(Action) action = initiate("a", "{'NotBefore': <uint64 %" G_GINT64_FORMAT ">}", due);
    end(_i);
    wait_until(due);
    fleet_test_daemon_start(fleetd);
    gint64 started = g_get_real_time();
    fleet_test_signals_wait_property(signals, 0, action.path, "Status", "'COMPLETED'");
    ck_assert_int_ge(get_time(action.path, "StartedAt"), due);
    ck_assert_int_le(get_time(action.path, "StartedAt"), started + (gint64)(SLACK * fleet_test_slowness()));
}
END_TEST

START_TEST(a_start_deadline_comes_at_its_time)
{
    start("");
    add("a", "", "MAINTENANCE");
    gint64 due = g_get_real_time() + span(1200);
    g_auto(Action) action = initiate("a", "{'IfBusy': <'queue'>, 'StartDeadline': <uint64 %" G_GINT64_FORMAT ">}", due);
    end_and_start(_i);
    assert_is(action.path, "Status", "'PENDING'");
    fleet_test_signals_wait_property(signals, 0, action.path, "Status", "'FAILED'");
    assert_is(action.path, "Result", "'timed-out'");
    assert_moment(get_time(action.path, "CompletedAt"), due);
}
END_TEST

START_TEST(a_start_deadline_that_passed_meanwhile_counts)
{
    start("");
    add("a", "", "MAINTENANCE");
    gint64 due = g_get_real_time() + span(300);
    g_auto(Action) action = initiate("a", "{'IfBusy': <'queue'>, 'StartDeadline': <uint64 %" G_GINT64_FORMAT ">}", due);
    end(_i);
    wait_until(due);
    fleet_test_daemon_start(fleetd);
    fleet_test_signals_wait_property(signals, 0, action.path, "Status", "'FAILED'");
    assert_is(action.path, "Result", "'timed-out'");
    assert_is(action.path, "StartedAt", "0");
    fleet_test_signals_settle(signals);
    ck_assert_uint_eq(count_signals(action.path, "Status", "'FAILED'"), 1);
}
END_TEST

/* Times on the clock that never jumps. */

START_TEST(a_retry_waits_for_the_rest_of_its_delay)
{
    gint64 from, to;

    start("[Simulation]\nMinDuration=0\nMaxDuration=0\nSuccessRate=0\nTransientRate=1\n");
    add("a", "", "");
    g_auto(Action) action = initiate("a",
            "{'MaxAttempts': <uint32 2>, 'RetryDelay': <uint64 %" G_GINT64_FORMAT ">, 'RetryJitter': <0.0>}",
            span(1200));
    fleet_test_signals_wait_property(signals, 0, action.path, "Phase", "'waiting-retry'");
    end_and_start(_i);
    assert_is(action.path, "Status", "'RUNNING'");
    assert_is(action.path, "Phase", "'waiting-retry'");
    assert_is(action.path, "Attempt", "1");
    fleet_test_signals_wait_property(signals, 0, action.path, "Status", "'FAILED'");
    assert_is(action.path, "Attempt", "2");
    find_phase(action.id, "waiting-retry", &from, &to);
    assert_moment(to - from, span(1200));
}
END_TEST

START_TEST(a_retry_that_was_missed_comes_at_once)
{
    gint64 from, to;

    start("[Simulation]\nMinDuration=0\nMaxDuration=0\nSuccessRate=0\nTransientRate=1\n");
    add("a", "", "");
    g_auto(Action) action = initiate("a",
            "{'MaxAttempts': <uint32 2>, 'RetryDelay': <uint64 %" G_GINT64_FORMAT ">, 'RetryJitter': <0.0>}",
            span(300));
    fleet_test_signals_wait_property(signals, 0, action.path, "Phase", "'waiting-retry'");
    end(_i);
    wait_until(g_get_real_time() + span(400));
    fleet_test_daemon_start(fleetd);
    fleet_test_signals_wait_property(signals, 0, action.path, "Status", "'FAILED'");
    assert_is(action.path, "Attempt", "2");
    find_phase(action.id, "waiting-retry", &from, &to);
    ck_assert_int_ge(to - from, span(300));
}
END_TEST

START_TEST(a_timeout_runs_on)
{
    start("[Simulation]\nMinDuration=1h\nMaxDuration=1h\n");
    add("a", "", "");
    g_auto(Action) action = initiate("a", "{'Timeout': <uint64 %" G_GINT64_FORMAT ">}", span(1200));
    end_and_start(_i);
    assert_is(action.path, "Status", "'RUNNING'");
    fleet_test_signals_wait_property(signals, 0, action.path, "Status", "'FAILED'");
    assert_is(action.path, "Result", "'timed-out'");
    assert_moment(get_time(action.path, "CompletedAt"), get_time(action.path, "StartedAt") + span(1200));
}
END_TEST

/* Cancels. */

/* A program that takes its time to stop: until a file is there. Starts fleetd; the file's path, owned by the caller. */
static char *start_with_program(gint64 cancel_timeout)
{
    g_autofree char *directory = fleet_test_directory_new();
    g_autofree char *script = g_build_filename(directory, "program", NULL);
    char *go = g_build_filename(directory, "go", NULL);
    g_autofree char *text =
            g_strdup_printf("trap 'echo PHASE asked; until [ -e %s ]; do sleep 0.02; done; exit 1' TERM\n"
                            "echo PHASE up\nwhile :; do sleep 0.02; done\n",
                    go);
    g_autofree char *config = g_strdup_printf("[Actions]\nCancelTimeout=%" G_GINT64_FORMAT "us\n"
                                              "[DeviceType slow]\nDriver=command\n"
                                              "[Command SOFTWARE_UPDATE]\nKillTimeout=1h\nExec=/bin/sh %s\n",
            cancel_timeout, script);

    fleet_test_write(script, text);
    start(config);
    add("a", "slow", "");
    return go;
}

static Action initiate_and_cancel(void)
{
    Action action = initiate("a", "{}");

    fleet_test_signals_wait_property(signals, 0, action.path, "Phase", "'up'");
    g_autoptr(GVariant) reply = fleet_test_call(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "CancelDeviceAction",
            g_variant_new("(sa{sv})", action.id, NULL), "(s)");
    const char *status;
    g_variant_get(reply, "(&s)", &status);
    ck_assert_str_eq(status, "RUNNING");
    return action;
}

START_TEST(a_requested_cancel_is_not_forgotten)
{
    g_autofree char *go = start_with_program((gint64)3600 * G_USEC_PER_SEC);
    g_auto(Action) action = initiate_and_cancel();

    end_and_start(_i);
    assert_is(action.path, "Status", "'RUNNING'");
    assert_is(action.path, "Phase", "'cancelling'");
    fleet_test_write(go, "");
    fleet_test_signals_wait_property(signals, 0, action.path, "Status", "'CANCELLED'");
    assert_is(action.path, "Result", "'cancelled'");
    fleet_test_signals_settle(signals);
    ck_assert_uint_eq(count_signals(action.path, "Status", "'CANCELLED'"), 1);
    g_autoptr(GVariant) status = fleet_test_get(connection, FLEET_TEST_ROOT "/device/a", FLEET_TEST_DEVICE, "Status");
    ck_assert_str_eq(g_variant_get_string(status, NULL), "IDLE");
}
END_TEST

/* For the driver is asked anew. */
START_TEST(the_time_to_stop_begins_anew)
{
    gint64 from, to;
    g_autofree char *go = start_with_program(span(1500));
    g_auto(Action) action = initiate_and_cancel();

    end(_i);
    gint64 before = g_get_real_time();
    fleet_test_daemon_start(fleetd);
    gint64 after = g_get_real_time();
    assert_is(action.path, "Phase", "'cancelling'");
    fleet_test_signals_wait_property(signals, 0, action.path, "Phase", "''");
    find_phase(action.id, "cancelling", &from, &to);
    ck_assert_int_ge(to, before + span(1500));
    ck_assert_int_le(to, after + span(1500) + (gint64)(SLACK * fleet_test_slowness()));
    assert_is(action.path, "Status", "'RUNNING'");

    g_autofree char *message = get(action.path, "Message");
    fleet_test_assert_contains(message, "has not stopped within");
    /* The program stops all the same, only later. */
    fleet_test_write(go, "");
    fleet_test_signals_wait_property(signals, 0, action.path, "Status", "'CANCELLED'");
}
END_TEST

START_TEST(what_was_closed_by_force_stays_closed)
{
    start("[Simulation]\nMinDuration=1h\nMaxDuration=1h\n");
    add("a", "", "");
    g_auto(Action) action = initiate("a", "{}");
    GVariantDict force = G_VARIANT_DICT_INIT(NULL);
    g_variant_dict_insert(&force, "Force", "b", TRUE);
    fleet_test_call_void(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "CancelDeviceAction",
            g_variant_new("(s@a{sv})", action.id, g_variant_dict_end(&force)));
    gint64 ended = get_time(action.path, "CompletedAt");
    end_and_start(_i);
    assert_is(action.path, "Status", "'CANCELLED'");
    ck_assert_int_eq(get_time(action.path, "CompletedAt"), ended);
    g_autoptr(GVariant) status = fleet_test_get(connection, FLEET_TEST_ROOT "/device/a", FLEET_TEST_DEVICE, "Status");
    ck_assert_str_eq(g_variant_get_string(status, NULL), "ERROR");
}
END_TEST

/* Requests. */

static void assert_same_request(const Action *before, const char *status)
{
    g_auto(Action) again = initiate("a", "{'RequestId': <'one'>, 'Priority': <3>}");

    ck_assert_str_eq(again.id, before->id);
    ck_assert_str_eq(again.status, status);
    fleet_test_call_fails(connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "InitiateDeviceAction",
            g_variant_new("(ssa{ss}@a{sv})", "a", "SOFTWARE_UPDATE", NULL,
                    g_variant_new_parsed("@a{sv} {'RequestId': <'one'>, 'Priority': <4>}")),
            "org.fleet.Error.RequestIdReused", before->id);
}

/* While its action runs, when that has ended, and when it is only in history. */
START_TEST(a_request_is_known_again)
{
    g_autofree char *config = g_strdup_printf("[Simulation]\nMinDuration=%" G_GINT64_FORMAT
                                              "us\nMaxDuration=%" G_GINT64_FORMAT "us\nSuccessRate=1\n",
            span(600), span(600));
    g_autofree char *forgetful = g_strconcat(config, "[Retention]\nFinishedActions=0\n", NULL);

    start(config);
    add("a", "", "");
    g_auto(Action) action = initiate("a", "{'RequestId': <'one'>, 'Priority': <3>}");
    end_and_start(_i);
    assert_same_request(&action, "RUNNING");
    fleet_test_signals_wait_property(signals, 0, action.path, "Status", "'COMPLETED'");
    end_and_start(_i);
    assert_same_request(&action, "COMPLETED");
    end(_i);
    start(forgetful);
    assert_same_request(&action, "COMPLETED");
    add("b", "", "");
    g_auto(Action) other = initiate("b", "{'RequestId': <'one'>, 'Priority': <3>}");
    ck_assert_str_ne(other.id, action.id);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon: the queue and a restart");
    TCase *tcase = fleet_test_case(suite, "queue");

    tcase_add_checked_fixture(tcase, fleet_test_fixture_setup, fleet_test_fixture_teardown);
    tcase_add_loop_test(tcase, the_queue_keeps_its_order, 0, 2);
    tcase_add_loop_test(tcase, the_next_one_waits_for_what_goes_on, 0, 2);
    tcase_add_loop_test(tcase, a_scheduled_start_comes_at_its_time, 0, 2);
    tcase_add_loop_test(tcase, a_scheduled_start_that_was_missed_comes_at_once, 0, 2);
    tcase_add_loop_test(tcase, a_start_deadline_comes_at_its_time, 0, 2);
    tcase_add_loop_test(tcase, a_start_deadline_that_passed_meanwhile_counts, 0, 2);
    tcase_add_loop_test(tcase, a_retry_waits_for_the_rest_of_its_delay, 0, 2);
    tcase_add_loop_test(tcase, a_retry_that_was_missed_comes_at_once, 0, 2);
    tcase_add_loop_test(tcase, a_timeout_runs_on, 0, 2);
    tcase_add_loop_test(tcase, a_requested_cancel_is_not_forgotten, 0, 2);
    tcase_add_loop_test(tcase, the_time_to_stop_begins_anew, 0, 2);
    tcase_add_loop_test(tcase, what_was_closed_by_force_stays_closed, 0, 2);
    tcase_add_loop_test(tcase, a_request_is_known_again, 0, 2);
    return fleet_test_main(suite);
}
