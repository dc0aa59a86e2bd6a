/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The three ways to get all devices: the seconds until the replies have arrived. Then they are read through, to see
 * that all devices are in them, which takes a client's library longer than all else and is not counted.
 */

#include "connection.h"

double bench_query_devices(Bench *bench, guint devices);
double bench_list_devices(Bench *bench, guint devices);
double bench_get_managed_objects(Bench *bench, guint devices);
