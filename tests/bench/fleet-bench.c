/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * usage: fleet-bench MEASURE ADDRESS socket|bus [NUMBER...]
 *
 * Measures one thing of a running fleetd, and prints what it found as "NAME VALUE" lines: seconds, or calls a second.
 * scripts/bench runs it, again and again, and makes a table of it.
 */

#include "actions.h"
#include "calls.h"
#include "lists.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 5

static void print(const char *name, double value)
{
    printf("%s %.9g\n", name, value);
}

/* One at a time: a call and Ping by turns, so that what disturbs the one disturbs the other. */
static double median_of(Bench *bench, BenchMakeFunc make, guint devices, guint64 first, guint n)
{
    g_autofree double *seconds = bench_one_by_one(bench, make, &devices, first, n);

    return bench_quantile(seconds, n, 0.5);
}

static void by_turns(Bench *bench, const char *name, BenchMakeFunc make, guint devices, guint n)
{
    double pings[ROUNDS], calls[ROUNDS];

    for (guint i = 0; i < ROUNDS; i++) {
        pings[i] = median_of(bench, bench_ping, devices, 0, n / ROUNDS);
        calls[i] = median_of(bench, make, devices, (guint64)i * (n / ROUNDS), n / ROUNDS);
    }
    print("Ping", bench_quantile(pings, ROUNDS, 0.5));
    print(name, bench_quantile(calls, ROUNDS, 0.5));
}

static void measure_get_alone(Bench *bench, const guint *numbers)
{
    by_turns(bench, "GetDeviceInfo", bench_get_device_info, numbers[0], numbers[1]);
}

static void measure_set_alone(Bench *bench, const guint *numbers)
{
    by_turns(bench, "SetDeviceStatus", bench_set_device_status, numbers[0], numbers[1]);
}

/* numbers: of the first device, of devices. */
static void measure_register_alone(Bench *bench, const guint *numbers)
{
    print("RegisterDevice", median_of(bench, bench_register_device, 0, numbers[0], numbers[1]));
}

/* Many in flight, and Ping, likewise. */
static void by_turns_in_flight(Bench *bench, const char *name, BenchMakeFunc make, guint devices, guint n)
{
    double pings[ROUNDS], calls[ROUNDS];

    n /= ROUNDS;
    for (guint i = 0; i < ROUNDS; i++) {
        pings[i] = n / bench_in_flight(bench, bench_ping, NULL, 0, n);
        calls[i] = n / bench_in_flight(bench, make, &devices, (guint64)i * n, n);
    }
    print("Ping", bench_quantile(pings, ROUNDS, 0.5));
    print(name, bench_quantile(calls, ROUNDS, 0.5));
}

static void measure_get_in_flight(Bench *bench, const guint *numbers)
{
    by_turns_in_flight(bench, "GetDeviceInfo", bench_get_device_info, numbers[0], numbers[1]);
}

static void measure_beat_alone(Bench *bench, const guint *numbers)
{
    by_turns(bench, "Heartbeat", bench_heartbeat, numbers[0], numbers[1]);
}

static void measure_beat_in_flight(Bench *bench, const guint *numbers)
{
    by_turns_in_flight(bench, "Heartbeat", bench_heartbeat, numbers[0], numbers[1]);
}

/* numbers: of the first device, of devices. */
static void measure_register(Bench *bench, const guint *numbers)
{
    print("RegisterDevice", numbers[1] / bench_in_flight(bench, bench_register_device, NULL, numbers[0], numbers[1]));
}

/* The same, but one call after the other, each with BENCH_BATCH devices; the time of all. */
static void measure_register_many(Bench *bench, const guint *numbers)
{
    guint calls = numbers[1] / BENCH_BATCH;
    double begun = bench_now();
    g_autofree double *seconds = bench_one_by_one(bench, bench_register_devices, NULL, numbers[0] / BENCH_BATCH, calls);

    print("RegisterDevices", bench_now() - begun);
}

/* numbers: of devices, of calls, which should be a multiple. */
static void measure_set_status(Bench *bench, const guint *numbers)
{
    guint devices = numbers[0];

    print("SetDeviceStatus", numbers[1] / bench_in_flight(bench, bench_set_device_status, &devices, 0, numbers[1]));
}

static void measure_actions(Bench *bench, const guint *numbers)
{
    print("actions", numbers[1] / bench_run_actions(bench, numbers[0], numbers[1]));
}

/* Starts actions that stay. */
static void measure_start_actions(Bench *bench, const guint *numbers)
{
    guint devices = numbers[0];

    print("InitiateDeviceAction",
            numbers[1] / bench_in_flight(bench, bench_initiate_device_action, &devices, 0, numbers[1]));
}

static void measure_lists(Bench *bench, const guint *numbers)
{
    double query[ROUNDS], list[ROUNDS];

    for (guint i = 0; i < ROUNDS; i++) {
        query[i] = bench_query_devices(bench, numbers[0]);
        list[i] = bench_list_devices(bench, numbers[0]);
    }
    print("QueryDevices", bench_quantile(query, ROUNDS, 0.5));
    print("ListDevices", bench_quantile(list, ROUNDS, 0.5));
}

static void measure_objects(Bench *bench, const guint *numbers)
{
    double query[ROUNDS], objects[ROUNDS];

    for (guint i = 0; i < ROUNDS; i++) {
        query[i] = bench_query_devices(bench, numbers[0]);
        objects[i] = bench_get_managed_objects(bench, numbers[0]);
    }
    print("QueryDevices", bench_quantile(query, ROUNDS, 0.5));
    print("GetManagedObjects", bench_quantile(objects, ROUNDS, 0.5));
}

static void measure_tail(Bench *bench, const guint *numbers)
{
    guint devices = numbers[0];
    g_autofree double *seconds = bench_one_by_one(bench, bench_get_device_info, &devices, 0, numbers[1]);

    print("p50", bench_quantile(seconds, numbers[1], 0.5));
    print("p99", bench_quantile(seconds, numbers[1], 0.99));
}

static int received(sd_bus_message *signal, void *user_data, sd_bus_error *error)
{
    (*(guint64 *)user_data)++;
    return 0;
}

static gboolean never(gpointer user_data)
{
    return FALSE;
}

/* A client that wants to hear of every device; until it is killed. */
static void measure_subscribe(Bench *bench, const guint *numbers)
{
    guint64 signals = 0;

    bench_subscribe(bench,
            "type='signal',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',"
            "path_namespace='/org/fleet/Manager'",
            received, &signals);
    puts("subscribed 1");
    fflush(stdout);
    bench_process_until(bench, never, NULL);
}

/* Changes devices at full rate until it is killed. */
static void measure_write(Bench *bench, const guint *numbers)
{
    guint devices = numbers[0];

    puts("writing 1");
    fflush(stdout);
    for (;;)
        (void)bench_in_flight(bench, bench_set_device_status, &devices, 0, 2 * devices);
}

static const struct {
    const char *name;
    guint numbers;
    void (*measure)(Bench *bench, const guint *numbers);
} measures[] = {
        {"get-alone", 2, measure_get_alone},                              /* devices, calls */
        {"set-alone", 2, measure_set_alone},                              /* devices, calls */
        {"register-alone", 2, measure_register_alone},                    /* first device, devices */
        {"get-in-flight", 2, measure_get_in_flight},                      /* devices, calls */
        {"beat-alone", 2, measure_beat_alone},                            /* devices, calls */
        {"beat-in-flight", 2, measure_beat_in_flight},                    /* devices, calls */
        {"register", 2, measure_register},                                /* first device, devices */
        {"register-many", 2, measure_register_many},                      /* first device, devices */
        {"set-status", 2, measure_set_status},                            /* devices, calls */
        {"actions", 2, measure_actions},                                  /* devices, actions */
        {"start-actions", 2, measure_start_actions},                      /* devices, actions */
        {"lists", 1, measure_lists},                                      /* devices */
        {"objects", 1, measure_objects},                                  /* devices */
        {"tail", 2, measure_tail},                                        /* devices, calls */
        {"subscribe", 0, measure_subscribe}, {"write", 1, measure_write}, /* devices */
};

int main(int argc, char **argv)
{
    guint numbers[2] = {0};

    for (guint i = 0; argc >= 4 && i < G_N_ELEMENTS(measures); i++) {
        if (!g_str_equal(argv[1], measures[i].name) || argc != 4 + (int)measures[i].numbers)
            continue;
        for (guint k = 0; k < measures[i].numbers; k++)
            numbers[k] = (guint)strtoul(argv[4 + k], NULL, 10);
        Bench bench = bench_connect(argv[2], g_str_equal(argv[3], "bus"));
        measures[i].measure(&bench, numbers);
        bench_close(&bench);
        return EXIT_SUCCESS;
    }
    fputs("usage: fleet-bench MEASURE ADDRESS socket|bus [NUMBER...]\n", stderr);
    return EXIT_FAILURE;
}
