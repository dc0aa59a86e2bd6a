/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The fixture of most checks of the engine: one core, over a directory of its own, whose driver does what the check
 * says (fleet_test_core_take_over()).
 */

#include "core_test.h"

/* There from _setup() to _teardown(). A restart makes another core. */
extern char *directory;
extern FleetTestCore *core;

/* For tcase_add_checked_fixture(). */
void fleet_fixture_setup(void);
void fleet_fixture_teardown(void);

/* fleetd ends; until _start() there is no core, and nobody has the database open. */
void fleet_fixture_stop(void);

/* The next start of fleetd, with the same settings: what ran is recovered, and what is due is done. */
void fleet_fixture_start(void);

/* One after the other. */
void fleet_fixture_restart(void);

/* Registers a device, and forgets the events. */
void fleet_fixture_add(const char *id);

/* The device, as everybody reads it; NULL if it is not there. The action likewise, or it fails the check. */
const FleetDevice *fleet_fixture_device(const char *id);
const FleetAction *fleet_fixture_action(FleetActionId id);

/* What a device is busy with, or it fails the check. */
const FleetAction *fleet_fixture_action_of(const char *id);

/* Fails unless the action has ended like that, and its device is busy with nothing. */
void fleet_fixture_assert_ended(FleetActionId id, FleetActionStatus status, FleetResult result, const char *message);
