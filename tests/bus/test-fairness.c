/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* While one client asks without end, another one is served: what its call takes, in the median, is no more than ten
 * times of what it takes when there is nobody else.
 *
 * With one exception. A bus daemon passes on all that it has of one connection before it looks at the next one, and
 * there is nothing that a service can do about it: calls that fleetd answers at once are all in the daemon, before and
 * behind it. There, the call may have to wait for those that are ahead of it, on its way and back, and for no more. */

#include "bus_test.h"

#include <poll.h>
#include <stdio.h>
#include <systemd/sd-bus.h>

#define SAMPLES 301
#define RATIO_MAX 10.0
#define AHEAD_MAX 1.5

/* Who is busy waits for a processor if others want it too, and then this measures them. So only what is measured while
 * the machine was quiet before and after is held against fleetd, after so many tries. */
#define TRIES 6
#define QUIET_IDLE 0.7
#define LOOK_MSEC 200

/* So much longer, each time that it is tried, is no doing of the machine's, however busy that is: it slows down both.
 */
#define STARVED_RATIO 100.0

/* What a call takes at least, for the ratio, µs: below it is the noise of the machine. */
#define IDLE_MIN 100

/* Calls of the greedy client that are not answered. A bus daemon allows 128 of one connection. */
#define WINDOW 120

typedef enum {
    READ,
    CHANGE,
    REGISTER,
} Kind;

static const char *const kinds[] = {
        [READ] = "GetDeviceInfo", [CHANGE] = "SetDeviceStatus", [REGISTER] = "RegisterDevice"};

typedef struct {
    const char *address;
    Kind kind;
    guint64 sent;
    guint in_flight;
    guint answered; /* atomic */
    gint stop;      /* atomic */
} Flood;

/* So many answers to the greedy client show that it is not idle itself. */
#define ENOUGH 500

static guint flood_progress(const Flood *flood)
{
    return g_atomic_int_get(&flood->answered);
}

static sd_bus *open_bus(const char *address)
{
    sd_bus *bus = NULL;

    g_assert(sd_bus_new(&bus) >= 0);
    g_assert(sd_bus_set_address(bus, address) >= 0);
    g_assert(sd_bus_set_bus_client(bus, 1) >= 0);
    g_assert(sd_bus_start(bus) >= 0);
    return bus;
}

static sd_bus_message *new_call(sd_bus *bus, Kind kind, const char *id, guint64 n)
{
    sd_bus_message *call = NULL;
    int r;

    g_assert(sd_bus_message_new_method_call(
                     bus, &call, FLEET_TEST_NAME, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, kinds[kind]) >= 0);
    if (kind == READ)
        r = sd_bus_message_append(call, "s", id);
    else if (kind == CHANGE)
        r = sd_bus_message_append(call, "ssa{sv}", id, n % 2 == 0 ? "ERROR" : "IDLE", 0);
    else {
        static guint registered;
        g_autofree char *new_id = g_strdup_printf("%s-%d", id, g_atomic_int_add(&registered, 1));
        r = sd_bus_message_append(call, "ssssa{sv}", new_id, "", "", "", 0);
    }
    g_assert(r >= 0);
    return call;
}

static int answered(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    Flood *flood = user_data;

    g_assert(!sd_bus_message_is_method_error(reply, NULL));
    flood->in_flight--;
    g_atomic_int_inc(&flood->answered);
    return 0;
}

static gpointer run_flood(gpointer data)
{
    Flood *flood = data;
    sd_bus *bus = open_bus(flood->address);
    int r = 1;

    while (g_atomic_int_get(&flood->stop) == 0) {
        while (flood->in_flight < WINDOW) {
            sd_bus_message *call = new_call(bus, flood->kind, "greedy", flood->sent++);

            g_assert(sd_bus_call_async(bus, NULL, call, answered, flood, 0) >= 0);
            sd_bus_message_unref(call);
            flood->in_flight++;
        }
        r = sd_bus_process(bus, NULL);
        g_assert(r >= 0);
        if (r == 0)
            g_assert(sd_bus_wait(bus, 100000) >= 0);
    }
    sd_bus_close(bus);
    sd_bus_unref(bus);
    return NULL;
}

static int compare_times(gconstpointer a, gconstpointer b)
{
    gint64 left = *(const gint64 *)a, right = *(const gint64 *)b;

    return (left > right) - (left < right);
}

/* The median of what a call takes, µs; if there is a flood, over some time of it. */
static gint64 measure(sd_bus *bus, Kind kind, const Flood *flood)
{
    g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(gint64));
    guint enough = flood != NULL ? flood_progress(flood) + ENOUGH : 0;
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);

    for (guint i = 0; i < SAMPLES || (flood != NULL && flood_progress(flood) < enough); i++) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *call = new_call(bus, kind, "modest", i);
        sd_bus_message *reply = NULL;
        gint64 begin = g_get_monotonic_time();
        int r = sd_bus_call(bus, call, 0, &error, &reply);
        gint64 time = g_get_monotonic_time() - begin;

        ck_assert_msg(r >= 0, "%s", error.message);
        ck_assert_msg(begin < deadline, "the flood has stopped");
        g_array_append_val(times, time);
        sd_bus_error_free(&error);
        sd_bus_message_unref(call);
        sd_bus_message_unref(reply);
    }
    g_array_sort(times, compare_times);
    return g_array_index(times, gint64, times->len / 2);
}

typedef struct {
    guint64 idle, all;
} Processors;

/* How long the processors have been idle, and how long there have been any, in clock ticks (proc(5)). */
static Processors read_processors(void)
{
    g_autofree char *stat = fleet_test_read("/proc/stat");
    g_auto(GStrv) fields = g_strsplit_set(stat, " \n", 12);
    Processors processors = {0};

    for (guint i = 2; i < 10; i++) /* "cpu", two blanks, user, nice, system, idle, iowait, ... */
        processors.all += g_ascii_strtoull(fields[i], NULL, 10);
    processors.idle = g_ascii_strtoull(fields[5], NULL, 10) + g_ascii_strtoull(fields[6], NULL, 10);
    return processors;
}

/* How idle the processors are while this looks, which it does for a fixed time. */
static gboolean is_quiet(void)
{
    Processors before = read_processors();

    (void)poll(NULL, 0, LOOK_MSEC);
    Processors after = read_processors();
    return (double)(after.idle - before.idle) >= QUIET_IDLE * (double)(after.all - before.all);
}

typedef struct {
    double alone; /* how many times longer it takes while somebody floods than alone */
    double ahead; /* than what is ahead of it takes, there and back */
} Ratios;

static Ratios measure_ratios(const char *address, const char *where, Kind greedy, Kind modest)
{
    Flood flood = {.address = address, .kind = greedy};
    sd_bus *bus = open_bus(address);
    gint64 idle = measure(bus, modest, NULL);
    GThread *thread = g_thread_new("flood", run_flood, &flood);

    (void)measure(bus, READ, &flood); /* until it has come */
    guint before = flood_progress(&flood);
    gint64 begin = g_get_monotonic_time();
    gint64 busy = measure(bus, modest, &flood);
    double each = (double)(g_get_monotonic_time() - begin) / (flood_progress(&flood) - before);
    g_atomic_int_set(&flood.stop, 1);
    g_thread_join(thread);
    sd_bus_close(bus);
    sd_bus_unref(bus);

    const Ratios ratios = {
            .alone = (double)busy / (double)MAX(idle, IDLE_MIN), .ahead = (double)busy / (2 * WINDOW * each)};
    printf("# %s: %s beside a flood of %s: %d us, alone %d us, ratio %.1f; of what is ahead: %.1f\n", where,
            kinds[modest], kinds[greedy], (int)busy, (int)idle, ratios.alone, ratios.ahead);
    fflush(stdout);
    return ratios;
}

static const struct {
    gboolean on_bus;
    Kind greedy, modest;
} cases[] = {
        {FALSE, READ, READ},
        {FALSE, READ, CHANGE},
        {FALSE, CHANGE, READ},
        {FALSE, CHANGE, CHANGE},
        {FALSE, REGISTER, READ},
        {FALSE, REGISTER, CHANGE},
        {TRUE, READ, READ},
        {TRUE, READ, CHANGE},
        {TRUE, CHANGE, READ},
        {TRUE, CHANGE, CHANGE},
        {TRUE, REGISTER, READ},
        {TRUE, REGISTER, CHANGE},
};

START_TEST(greedy_client_starves_nobody)
{
    g_autoptr(FleetTestFleet) fleet = fleet_test_fleet_new("[Quota]\nDevicesPerUser=0\n");
    g_autofree char *path = fleet_test_fleet_address(fleet);
    const char *address = cases[_i].on_bus ? fleet_test_bus_address(fleet->bus) : path;
    const char *where = cases[_i].on_bus ? "bus" : "private socket";

    fleet_test_register(fleet->connection, "greedy");
    fleet_test_register(fleet->connection, "modest");
    guint quiet = 0;
    gboolean fair = FALSE, starved = TRUE;
    for (guint i = 0; i < TRIES && !fair; i++) {
        gboolean was_quiet = is_quiet();
        const Ratios ratios = measure_ratios(address, where, cases[_i].greedy, cases[_i].modest);

        fair = ratios.alone <= RATIO_MAX || (cases[_i].on_bus && cases[_i].greedy == READ && ratios.ahead <= AHEAD_MAX);
        starved = starved && !fair && ratios.alone > STARVED_RATIO;
        quiet += !fair && was_quiet && is_quiet();
    }
    ck_assert_msg(!starved, "it is starved");
    ck_assert_msg(fair || quiet < 2, "it takes too long");
    if (!fair)
        printf("# %s: that is not held against fleetd, for the machine has other things to do\n", where);
    fflush(stdout);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: fairness");

    tcase_add_loop_test(fleet_test_case(suite, "fairness"), greedy_client_starves_nobody, 0, (int)G_N_ELEMENTS(cases));
    return fleet_test_main(suite);
}
