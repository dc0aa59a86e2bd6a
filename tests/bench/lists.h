/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The three ways to read all devices. Each reads every string and number of its replies, as a client would, and ends
 * the program if they do not hold as many devices as they should. Seconds.
 */

#include "connection.h"

double bench_query_devices(Bench *bench, guint devices);
double bench_list_devices(Bench *bench, guint devices);
double bench_get_managed_objects(Bench *bench, guint devices);
