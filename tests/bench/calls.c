/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "calls.h"

#include <inttypes.h>

static sd_bus_message *manager_call(const Bench *bench, const char *member)
{
    return bench_new_call(bench, BENCH_MANAGER_PATH, BENCH_MANAGER, member);
}

void bench_device_id(guint64 number, char id[static BENCH_ID_BUFFER])
{
    g_snprintf(id, BENCH_ID_BUFFER, "device-%07" PRIu64, number);
}

static void device_name(guint64 number, char name[static BENCH_ID_BUFFER])
{
    g_snprintf(name, BENCH_ID_BUFFER, "Device number %" PRIu64, number);
}

sd_bus_message *bench_ping(const Bench *bench, guint64 number, gpointer user_data)
{
    return bench_new_call(bench, BENCH_MANAGER_PATH, "org.freedesktop.DBus.Peer", "Ping");
}

sd_bus_message *bench_get_device_info(const Bench *bench, guint64 number, gpointer user_data)
{
    sd_bus_message *call = manager_call(bench, "GetDeviceInfo");
    char id[BENCH_ID_BUFFER];

    bench_device_id(number % *(guint *)user_data, id);
    bench_check(sd_bus_message_append_basic(call, 's', id), "GetDeviceInfo");
    return call;
}

sd_bus_message *bench_heartbeat(const Bench *bench, guint64 number, gpointer user_data)
{
    sd_bus_message *call = manager_call(bench, "Heartbeat");
    char id[BENCH_ID_BUFFER];

    bench_device_id(number % *(guint *)user_data, id);
    bench_check(sd_bus_message_append(call, "sa{sv}", id, 0), "Heartbeat");
    return call;
}

sd_bus_message *bench_register_device(const Bench *bench, guint64 number, gpointer user_data)
{
    sd_bus_message *call = manager_call(bench, "RegisterDevice");
    char id[BENCH_ID_BUFFER], name[BENCH_ID_BUFFER];

    bench_device_id(number, id);
    device_name(number, name);
    bench_check(sd_bus_message_append(call, "ssssa{sv}", id, name, "router", "", 0), "RegisterDevice");
    return call;
}

sd_bus_message *bench_register_devices(const Bench *bench, guint64 number, gpointer user_data)
{
    sd_bus_message *call = manager_call(bench, "RegisterDevices");

    bench_check(sd_bus_message_open_container(call, 'a', "(ssss)"), "RegisterDevices");
    for (guint64 i = number * BENCH_BATCH; i < (number + 1) * BENCH_BATCH; i++) {
        char id[BENCH_ID_BUFFER], name[BENCH_ID_BUFFER];

        bench_device_id(i, id);
        device_name(i, name);
        bench_check(sd_bus_message_append(call, "(ssss)", id, name, "router", ""), "RegisterDevices");
    }
    bench_check(sd_bus_message_close_container(call), "RegisterDevices");
    bench_check(sd_bus_message_append(call, "a{sv}", 1, "Atomic", "b", TRUE), "RegisterDevices");
    return call;
}

sd_bus_message *bench_set_device_status(const Bench *bench, guint64 number, gpointer user_data)
{
    guint devices = *(guint *)user_data;
    sd_bus_message *call = manager_call(bench, "SetDeviceStatus");
    char id[BENCH_ID_BUFFER];

    bench_device_id(number % devices, id);
    bench_check(sd_bus_message_append(call, "ssa{sv}", id, number / devices % 2 == 0 ? "MAINTENANCE" : "IDLE", 0),
            "SetDeviceStatus");
    return call;
}

sd_bus_message *bench_initiate_device_action(const Bench *bench, guint64 number, gpointer user_data)
{
    sd_bus_message *call = manager_call(bench, "InitiateDeviceAction");
    char id[BENCH_ID_BUFFER];

    bench_device_id(number % *(guint *)user_data, id);
    bench_check(sd_bus_message_append(call, "ssa{ss}a{sv}", id, "SOFTWARE_UPDATE", 1, "version", "2.0", 0),
            "InitiateDeviceAction");
    return call;
}
