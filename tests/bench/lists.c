/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lists.h"

#include "calls.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGE 10000 /* the most that a page may have */

static void check_count(const char *what, guint found, guint expected)
{
    if (found == expected)
        return;
    fprintf(stderr, "fleet-bench: %s tells of %u devices instead of %u\n", what, found, expected);
    exit(EXIT_FAILURE);
}

/* Each value by itself: sd_bus_message_read() would look at its format again for each row, which takes longer than all
 * else together. */
static guint read_devices(sd_bus_message *reply)
{
    static const char types[] = "ssssttos";
    union {
        const char *string;
        guint64 number;
    } value;
    guint n = 0;
    int r;

    bench_check(sd_bus_message_enter_container(reply, 'a', "(ssssttos)"), "a list");
    while ((r = sd_bus_message_enter_container(reply, 'r', "ssssttos")) > 0) {
        for (const char *type = types; *type != '\0'; type++)
            bench_check(sd_bus_message_read_basic(reply, *type, &value), "a list");
        bench_check(sd_bus_message_exit_container(reply), "a list");
        n++;
    }
    bench_check(r, "a list");
    bench_check(sd_bus_message_exit_container(reply), "a list");
    return n;
}

double bench_query_devices(Bench *bench, guint devices)
{
    g_autofree char *cursor = g_strdup("");
    guint found = 0;
    double seconds = 0;

    do {
        sd_bus_message *call = bench_new_call(bench, BENCH_MANAGER_PATH, BENCH_MANAGER, "QueryDevices");
        const char *next;

        bench_check(sd_bus_message_append(call, "a{sv}su", 0, cursor, (guint32)PAGE), "QueryDevices");
        double begun = bench_now();
        sd_bus_message *reply = bench_call(bench, call);
        seconds += bench_now() - begun;
        found += read_devices(reply);
        bench_check(sd_bus_message_read_basic(reply, 's', &next), "QueryDevices");
        g_free(cursor);
        cursor = g_strdup(next);
        sd_bus_message_unref(call);
        sd_bus_message_unref(reply);
    } while (*cursor != '\0');
    check_count("QueryDevices", found, devices);
    return seconds;
}

double bench_list_devices(Bench *bench, guint devices)
{
    double begun = bench_now();
    sd_bus_message *call = bench_new_call(bench, BENCH_MANAGER_PATH, BENCH_MANAGER, "ListDevices");
    sd_bus_message *reply = bench_call(bench, call);
    double seconds = bench_now() - begun;
    guint found = read_devices(reply);

    sd_bus_message_unref(call);
    sd_bus_message_unref(reply);
    check_count("ListDevices", found, devices);
    return seconds;
}

double bench_get_managed_objects(Bench *bench, guint devices)
{
    double begun = bench_now();
    sd_bus_message *call =
            bench_new_call(bench, BENCH_MANAGER_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
    sd_bus_message *reply = bench_call(bench, call);
    double seconds = bench_now() - begun;
    guint found = 0;
    int r;

    bench_check(sd_bus_message_enter_container(reply, 'a', "{oa{sa{sv}}}"), "GetManagedObjects");
    while ((r = sd_bus_message_enter_container(reply, 'e', "oa{sa{sv}}")) > 0) {
        const char *path;

        bench_check(sd_bus_message_read_basic(reply, 'o', &path), "GetManagedObjects");
        bench_check(sd_bus_message_skip(reply, "a{sa{sv}}"), "GetManagedObjects");
        bench_check(sd_bus_message_exit_container(reply), "GetManagedObjects");
        found += g_str_has_prefix(path, BENCH_MANAGER_PATH "/device/");
    }
    bench_check(r, "GetManagedObjects");
    sd_bus_message_unref(call);
    sd_bus_message_unref(reply);
    check_count("GetManagedObjects", found, devices);
    return seconds;
}
