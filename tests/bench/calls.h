/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The calls that are measured, each a BenchMakeFunc: its number says which device it is about, modulo the number of
 * devices (user_data points to that guint) where it is about one that exists.
 */

#include "connection.h"

#define BENCH_MANAGER_PATH "/org/fleet/Manager"
#define BENCH_MANAGER "org.fleet.Manager"
#define BENCH_BATCH 1000

#define BENCH_ID_BUFFER 32

/* The id of a device: "device-0000042". */
void bench_device_id(guint64 number, char id[static BENCH_ID_BUFFER]);

sd_bus_message *bench_ping(const Bench *bench, guint64 number, gpointer user_data);
sd_bus_message *bench_get_device_info(const Bench *bench, guint64 number, gpointer user_data);

sd_bus_message *bench_heartbeat(const Bench *bench, guint64 number, gpointer user_data);

/* No user data: the number is the device's. */
sd_bus_message *bench_register_device(const Bench *bench, guint64 number, gpointer user_data);

/* Devices number * BENCH_BATCH and the following ones, BENCH_BATCH in all. */
sd_bus_message *bench_register_devices(const Bench *bench, guint64 number, gpointer user_data);

/* Turns between IDLE and MAINTENANCE each time that the devices have been gone through. */
sd_bus_message *bench_set_device_status(const Bench *bench, guint64 number, gpointer user_data);

sd_bus_message *bench_initiate_device_action(const Bench *bench, guint64 number, gpointer user_data);
