/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Actions from their call to their announced end.
 */

#include "connection.h"

/* Initiates n actions, device after device, with BENCH_IN_FLIGHT of them not ended at any time. Seconds until the last
 * one's end was announced. All must be COMPLETED. */
double bench_run_actions(Bench *bench, guint devices, guint n);
