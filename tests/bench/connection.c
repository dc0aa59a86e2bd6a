/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NAME "org.fleet.Manager"
#define CALL_TIMEOUT_USEC (300 * G_USEC_PER_SEC)

void bench_check(int r, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "fleet-bench: %s: %s\n", what, g_strerror(-r));
    exit(EXIT_FAILURE);
}

double bench_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

Bench bench_connect(const char *address, gboolean is_bus)
{
    Bench bench = {.destination = is_bus ? NAME : NULL};

    bench_check(sd_bus_new(&bench.bus), "no connection");
    bench_check(sd_bus_set_address(bench.bus, address), address);
    bench_check(sd_bus_set_bus_client(bench.bus, is_bus), address);
    bench_check(sd_bus_start(bench.bus), address);
    return bench;
}

void bench_close(Bench *bench)
{
    bench->bus = sd_bus_flush_close_unref(bench->bus);
}

sd_bus_message *bench_new_call(const Bench *bench, const char *path, const char *interface, const char *member)
{
    sd_bus_message *call;

    bench_check(sd_bus_message_new_method_call(bench->bus, &call, bench->destination, path, interface, member), member);
    return call;
}

static void check_reply(sd_bus_message *reply)
{
    const sd_bus_error *error = sd_bus_message_get_error(reply);

    if (error == NULL)
        return;
    fprintf(stderr, "fleet-bench: %s: %s\n", error->name, error->message);
    exit(EXIT_FAILURE);
}

sd_bus_message *bench_call(Bench *bench, sd_bus_message *call)
{
    __attribute__((cleanup(sd_bus_error_free))) sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;
    int r = sd_bus_call(bench->bus, call, CALL_TIMEOUT_USEC, &error, &reply);

    bench_check(r, error.message != NULL ? error.message : "a call");
    return reply;
}

void bench_subscribe(Bench *bench, const char *rule, sd_bus_message_handler_t received, void *user_data)
{
    /* On a private socket sd-bus asks nobody, but fleetd wants to be asked. */
    if (bench->destination == NULL) {
        sd_bus_message *call = bench_new_call(bench, "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch");
        bench_check(sd_bus_message_append_basic(call, 's', rule), rule);
        sd_bus_message_unref(bench_call(bench, call));
        sd_bus_message_unref(call);
    }
    bench_check(sd_bus_add_match(bench->bus, NULL, rule, received, user_data), rule);
}

double *bench_one_by_one(Bench *bench, BenchMakeFunc make, gpointer user_data, guint64 first, guint n)
{
    double *seconds = g_new(double, n);

    for (guint i = 0; i < n; i++) {
        double begun = bench_now();
        sd_bus_message *call = make(bench, first + i, user_data);

        sd_bus_message_unref(bench_call(bench, call));
        sd_bus_message_unref(call);
        seconds[i] = bench_now() - begun;
    }
    return seconds;
}

static int replied(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    check_reply(reply);
    (*(guint *)user_data)++;
    return 1;
}

double bench_in_flight(Bench *bench, BenchMakeFunc make, gpointer user_data, guint64 first, guint n)
{
    guint sent = 0, done = 0;
    double begun = bench_now();

    while (done < n) {
        while (sent < n && sent - done < BENCH_IN_FLIGHT) {
            sd_bus_message *call = make(bench, first + sent, user_data);

            bench_check(sd_bus_call_async(bench->bus, NULL, call, replied, &done, CALL_TIMEOUT_USEC), "a call");
            sd_bus_message_unref(call);
            sent++;
        }
        int r = sd_bus_process(bench->bus, NULL);
        bench_check(r, "the connection");
        if (r == 0)
            bench_check(sd_bus_wait(bench->bus, CALL_TIMEOUT_USEC), "the connection");
    }
    return bench_now() - begun;
}

void bench_process_until(Bench *bench, gboolean (*condition)(gpointer user_data), gpointer user_data)
{
    while (!condition(user_data)) {
        int r = sd_bus_process(bench->bus, NULL);

        bench_check(r, "the connection");
        if (r == 0)
            bench_check(sd_bus_wait(bench->bus, UINT64_MAX), "the connection");
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

double bench_quantile(double *values, guint n, double part)
{
    qsort(values, n, sizeof(*values), compare);
    return values[MIN(n - 1, (guint)((double)n * part))];
}
