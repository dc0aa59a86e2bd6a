/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * fleet-simulated-device, as it was built, at a broker of the check's.
 */

#include "lib/broker.h"
#include "lib/process.h"

#include <glib.h>

/* Starts it with that identifier and further arguments, up to NULL, and with what the broker asks for; waits until its
 * devices are up. To be ended by fleet_test_simulated_device_stop(), or by a signal and fleet_test_process_free(). */
FleetTestProcess *fleet_test_simulated_device_start(
        const FleetTestBroker *broker, const char *id, ...) G_GNUC_NULL_TERMINATED G_GNUC_WARN_UNUSED_RESULT;

/* The same, and waits for nothing. */
FleetTestProcess *fleet_test_simulated_device_launch(
        const FleetTestBroker *broker, const char *id, ...) G_GNUC_NULL_TERMINATED G_GNUC_WARN_UNUSED_RESULT;

/* Waits until all its devices are up. */
void fleet_test_simulated_device_wait(FleetTestProcess *device);

/* Ends it with SIGTERM, which must succeed, and frees it. */
void fleet_test_simulated_device_stop(FleetTestProcess *device);

/* Ends it as a loss of power does, and frees it. */
void fleet_test_simulated_device_kill(FleetTestProcess *device);
