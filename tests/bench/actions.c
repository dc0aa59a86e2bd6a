/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "actions.h"

#include "calls.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    guint initiated, ended;
} Progress;

static void count_end(const char *status, Progress *progress)
{
    if (g_str_equal(status, "FAILED") || g_str_equal(status, "CANCELLED")) {
        fprintf(stderr, "fleet-bench: an action is %s; the simulation must always succeed here\n", status);
        exit(EXIT_FAILURE);
    }
    if (g_str_equal(status, "COMPLETED"))
        progress->ended++;
}

/* Looks for Status in the a{sv} of a PropertiesChanged. */
static int properties_changed(sd_bus_message *signal, void *user_data, sd_bus_error *error)
{
    const char *key, *status;
    int r;

    bench_check(sd_bus_message_skip(signal, "s"), "PropertiesChanged");
    bench_check(sd_bus_message_enter_container(signal, 'a', "{sv}"), "PropertiesChanged");
    while ((r = sd_bus_message_enter_container(signal, 'e', "sv")) > 0) {
        bench_check(sd_bus_message_read_basic(signal, 's', &key), "PropertiesChanged");
        if (g_str_equal(key, "Status")) {
            bench_check(sd_bus_message_read(signal, "v", "s", &status), "PropertiesChanged");
            count_end(status, user_data);
        } else
            bench_check(sd_bus_message_skip(signal, "v"), "PropertiesChanged");
        bench_check(sd_bus_message_exit_container(signal), "PropertiesChanged");
    }
    bench_check(r, "PropertiesChanged");
    return 0;
}

static int initiated(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    const sd_bus_error *failure = sd_bus_message_get_error(reply);

    if (failure != NULL) {
        fprintf(stderr, "fleet-bench: %s: %s\n", failure->name, failure->message);
        exit(EXIT_FAILURE);
    }
    return 1;
}

double bench_run_actions(Bench *bench, guint devices, guint n)
{
    Progress progress = {0};

    bench_subscribe(bench,
            "type='signal',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',"
            "path_namespace='/org/fleet/Manager/action'",
            properties_changed, &progress);

    double begun = bench_now();
    while (progress.ended < n) {
        while (progress.initiated < n && progress.initiated - progress.ended < BENCH_IN_FLIGHT) {
            sd_bus_message *call = bench_initiate_device_action(bench, progress.initiated++, &devices);

            bench_check(sd_bus_call_async(bench->bus, NULL, call, initiated, NULL, UINT64_MAX), "a call");
            sd_bus_message_unref(call);
        }
        int r = sd_bus_process(bench->bus, NULL);
        bench_check(r, "the connection");
        if (r == 0)
            bench_check(sd_bus_wait(bench->bus, UINT64_MAX), "the connection");
    }
    return bench_now() - begun;
}
