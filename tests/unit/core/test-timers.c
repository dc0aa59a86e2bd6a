/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/timers.h"

#include "base/clock.h"
#include "lib/loop.h"
#include "lib/main.h"

#include <signal.h>

#define MANY 10000

/* Long enough for nobody to wait for it. */
#define FAR (3600 * FLEET_USEC_PER_SEC)

typedef struct {
    FleetTimers *timers;
    GArray *fired; /* of guint: which, in order */
} Fixture;

typedef struct {
    FleetTimer timer; /* first */
    Fixture *fixture;
    guint number;
    gint64 wanted; /* the deadline that was set */
} Entry;

static Fixture fixture;

static void setup(void)
{
    fixture.timers = fleet_timers_new();
    fixture.fired = g_array_new(FALSE, FALSE, sizeof(guint));
}

static void teardown(void)
{
    g_array_unref(fixture.fired);
    fleet_timers_free(fixture.timers);
}

static void record(FleetTimer *timer)
{
    Entry *entry = timer->data;

    ck_assert(!fleet_timer_is_set(timer));
    ck_assert_int_ge(fleet_clock_boottime(), entry->wanted);
    g_array_append_val(entry->fixture->fired, entry->number);
}

static Entry *new_entry(guint number, void (*fire)(FleetTimer *timer))
{
    Entry *entry = g_new0(Entry, 1);

    entry->timer = (FleetTimer){.fire = fire, .data = entry};
    entry->fixture = &fixture;
    entry->number = number;
    return entry;
}

static void set(Entry *entry, gint64 deadline)
{
    entry->wanted = deadline;
    fleet_timers_set(fixture.timers, &entry->timer, deadline);
}

/* Runs the main loop until so many have fired. */
static void run(guint n)
{
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);

    while (fixture.fired->len < n) {
        g_main_context_iteration(NULL, TRUE);
        if (g_get_monotonic_time() > deadline)
            fleet_test_fail("only %u of %u timers fired", fixture.fired->len, n);
    }
}

static guint fired(guint i)
{
    return g_array_index(fixture.fired, guint, i);
}

START_TEST(they_fire_in_the_order_of_their_deadlines)
{
    static const gint64 offsets[] = {5000, 1000, 4000, 2000, 3000};
    static const guint order[] = {1, 3, 4, 2, 0};
    Entry *entries[G_N_ELEMENTS(offsets)];
    gint64 now = fleet_clock_boottime();

    for (guint i = 0; i < G_N_ELEMENTS(offsets); i++) {
        entries[i] = new_entry(i, record);
        set(entries[i], now + offsets[i]);
        ck_assert(fleet_timer_is_set(&entries[i]->timer));
    }
    run(G_N_ELEMENTS(offsets));
    for (guint i = 0; i < G_N_ELEMENTS(offsets); i++) {
        ck_assert_uint_eq(fired(i), order[i]);
        g_free(entries[i]);
    }
}
END_TEST

/* Each is set, some are moved and some taken back, and the rest fire in order, each once and none early. */
START_TEST(ten_thousand_in_order)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(20240115);
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(g_free);
    gint64 now = fleet_clock_boottime(), last = 0;
    guint left = MANY;

    for (guint i = 0; i < MANY; i++) {
        g_ptr_array_add(entries, new_entry(i, record));
        set(entries->pdata[i], now + g_rand_int_range(rand, -50000, 50000));
    }
    for (guint i = 0; i < MANY; i += 3)
        set(entries->pdata[i], now + g_rand_int_range(rand, -50000, 50000));
    for (guint i = 0; i < MANY; i += 7) {
        fleet_timers_clear(fixture.timers, &((Entry *)entries->pdata[i])->timer);
        left--;
    }

    run(left);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    ck_assert_uint_eq(fixture.fired->len, left);
    for (guint i = 0; i < left; i++) {
        const Entry *entry = entries->pdata[fired(i)];

        ck_assert_uint_ne(entry->number % 7, 0);
        ck_assert_int_ge(entry->wanted, last);
        last = entry->wanted;
    }
}
END_TEST

START_TEST(a_deadline_in_the_past_fires_on_the_next_turn)
{
    g_autofree Entry *entry = new_entry(0, record);

    set(entry, -FAR);
    ck_assert_uint_eq(fixture.fired->len, 0);
    run(1);
}
END_TEST

START_TEST(the_latest_setting_counts)
{
    g_autofree Entry *sooner = new_entry(0, record);
    g_autofree Entry *later = new_entry(1, record);
    gint64 now = fleet_clock_boottime();

    set(sooner, now + FAR);
    set(later, now + 1000);
    set(later, now + 20000);
    set(sooner, now + 10000);
    run(2);
    ck_assert_uint_eq(fired(0), 0);
    ck_assert_uint_eq(fired(1), 1);
}
END_TEST

START_TEST(what_is_cleared_does_not_fire)
{
    g_autofree Entry *cleared = new_entry(0, record);
    g_autofree Entry *other = new_entry(1, record);

    set(cleared, 1);
    set(other, fleet_clock_boottime() + 1000);
    fleet_timers_clear(fixture.timers, &cleared->timer);
    ck_assert(!fleet_timer_is_set(&cleared->timer));
    fleet_timers_clear(fixture.timers, &cleared->timer);
    run(1);
    ck_assert_uint_eq(fired(0), 1);
}
END_TEST

static void fire_again(FleetTimer *timer)
{
    Entry *entry = timer->data;

    record(timer);
    if (fixture.fired->len < 5)
        set(entry, fleet_clock_boottime() + 500);
}

START_TEST(it_may_set_itself_again)
{
    g_autofree Entry *entry = new_entry(0, fire_again);

    set(entry, 0);
    run(5);
    ck_assert(!fleet_timer_is_set(&entry->timer));
}
END_TEST

static Entry *victim;

static void fire_clearing(FleetTimer *timer)
{
    record(timer);
    fleet_timers_clear(fixture.timers, &victim->timer);
}

/* Both are due in the same turn. */
START_TEST(it_may_clear_another_that_is_due)
{
    g_autofree Entry *entry = new_entry(0, fire_clearing);
    g_autofree Entry *last = new_entry(2, record);

    victim = new_entry(1, record);
    set(entry, 1);
    set(victim, 2);
    set(last, 3);
    run(2);
    ck_assert_uint_eq(fired(0), 0);
    ck_assert_uint_eq(fired(1), 2);
    g_clear_pointer(&victim, g_free);
}
END_TEST

static void fire_never(FleetTimer *timer)
{
    Entry *entry = timer->data;

    record(timer);
    set(entry, 0);
}

static gboolean count_turn(gpointer user_data)
{
    ++*(guint *)user_data;
    return G_SOURCE_CONTINUE;
}

/* One that is always due again must leave the loop its turns. */
START_TEST(a_herd_does_not_stop_the_loop)
{
    g_autofree Entry *entry = new_entry(0, fire_never);
    guint turns = 0, source = g_timeout_add(0, count_turn, &turns);

    set(entry, 0);
    run(5000);
    ck_assert_uint_ge(turns, 5);
    fleet_timers_clear(fixture.timers, &entry->timer);
    g_source_remove(source);
}
END_TEST

static int polls;

static int count_poll(GPollFD *fds, guint n, int timeout)
{
    polls++;
    return g_poll(fds, n, timeout);
}

/* Timers far away, and one that was taken back: the loop sleeps until something else wakes it. */
START_TEST(nothing_wakes_before_the_first_is_due)
{
    Entry *entries[100];
    g_autofree Entry *cleared = new_entry(1000, record);

    for (guint i = 0; i < G_N_ELEMENTS(entries); i++) {
        entries[i] = new_entry(i, record);
        set(entries[i], fleet_clock_boottime() + FAR + i);
    }
    set(cleared, fleet_clock_boottime() + 20000);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    fleet_timers_clear(fixture.timers, &cleared->timer);

    g_main_context_set_poll_func(NULL, count_poll);
    fleet_test_run_for(200);
    g_main_context_set_poll_func(NULL, NULL);
    /* One sleep, and one more should the clock of the timeout be coarse. */
    ck_assert_int_le(polls, 2);
    ck_assert_uint_eq(fixture.fired->len, 0);
    for (guint i = 0; i < G_N_ELEMENTS(entries); i++) {
        fleet_timers_clear(fixture.timers, &entries[i]->timer);
        g_free(entries[i]);
    }
}
END_TEST

START_TEST(timers_must_be_cleared_before_the_end)
{
    Entry *entry = new_entry(0, record);

    fleet_test_expect_abort();
    set(entry, fleet_clock_boottime() + FAR);
    fleet_timers_free(fixture.timers);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: timers");
    TCase *tcase = fleet_test_case(suite, "timers");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, they_fire_in_the_order_of_their_deadlines);
    tcase_add_test(tcase, ten_thousand_in_order);
    tcase_add_test(tcase, a_deadline_in_the_past_fires_on_the_next_turn);
    tcase_add_test(tcase, the_latest_setting_counts);
    tcase_add_test(tcase, what_is_cleared_does_not_fire);
    tcase_add_test(tcase, it_may_set_itself_again);
    tcase_add_test(tcase, it_may_clear_another_that_is_due);
    tcase_add_test(tcase, a_herd_does_not_stop_the_loop);
    tcase_add_test(tcase, nothing_wakes_before_the_first_is_due);
    tcase_add_test_raise_signal(tcase, timers_must_be_cleared_before_the_end, SIGABRT);
    return fleet_test_main(suite);
}
