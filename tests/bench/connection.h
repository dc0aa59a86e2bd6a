/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A client of fleetd that costs as little as sd-bus can, so that what is measured is the daemon: one call at a time, or
 * many in flight. Whatever fails ends the program with a message, for a figure from a run with errors is none.
 */

#include <glib.h>
#include <systemd/sd-bus.h>

#define BENCH_IN_FLIGHT 64

typedef struct {
    sd_bus *bus;
    const char *destination; /* NULL on a private socket */
} Bench;

/* Connects to a private socket ("unix:path=...") or, if is_bus, to a message bus. */
Bench bench_connect(const char *address, gboolean is_bus);
void bench_close(Bench *bench);

/* A call of a method of an interface on a path, with no arguments yet. Owned by the caller. */
sd_bus_message *bench_new_call(const Bench *bench, const char *path, const char *interface, const char *member);

/* Adds a match; the function sees every signal that it lets through. */
void bench_subscribe(Bench *bench, const char *rule, sd_bus_message_handler_t received, void *user_data);

/* Makes the call of that number. Owned by the caller. */
typedef sd_bus_message *(*BenchMakeFunc)(const Bench *bench, guint64 number, gpointer user_data);

/* Makes one call and waits for its reply, which the caller owns. */
sd_bus_message *bench_call(Bench *bench, sd_bus_message *call);

/* Makes calls first, first + 1, ..., n of them, one at a time; how long each took, in seconds. Owned by the caller. */
double *bench_one_by_one(Bench *bench, BenchMakeFunc make, gpointer user_data, guint64 first, guint n);

/* Makes n calls with BENCH_IN_FLIGHT of them on their way at any time. Seconds until the last reply. */
double bench_in_flight(Bench *bench, BenchMakeFunc make, gpointer user_data, guint64 first, guint n);

/* Lets the connection work until the condition holds. */
void bench_process_until(Bench *bench, gboolean (*condition)(gpointer user_data), gpointer user_data);

/* Seconds of a clock that only goes forward. */
double bench_now(void);

/* The value that a part of the sorted values does not exceed: 0.5 is the median. Sorts them. */
double bench_quantile(double *values, guint n, double part);

/* Ends the program if r is negative. */
void bench_check(int r, const char *what);
