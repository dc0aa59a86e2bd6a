/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The core that a check has for itself, with its directory. A checked fixture.
 */

#include "core_test.h"

extern char *directory;
extern FleetTestCore *core;

/* It has taken over what the store has, which is nothing. */
void fleet_test_core_setup(void);
void fleet_test_core_teardown(void);

/* Another one on the same directory: what was running goes on. */
void fleet_test_core_restart(void);
