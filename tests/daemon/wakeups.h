/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whether fleetd sleeps while there is nothing to do.
 */

#include "lib/fleet_test.h"

/* Waits until fleetd has come to rest, and then fails the check if any of its threads wakes up within so many seconds,
 * or if it ends. */
void fleet_test_assert_asleep(FleetTestDaemon *daemon, double seconds);
