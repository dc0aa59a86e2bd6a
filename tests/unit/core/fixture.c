/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fixture.h"

#include "lib/main.h"

char *directory;
FleetTestCore *core;

void fleet_test_core_setup(void)
{
    directory = fleet_test_directory_new();
    core = fleet_test_core_new(directory);
    fleet_test_core_take_over(core);
}

void fleet_test_core_teardown(void)
{
    g_clear_pointer(&core, fleet_test_core_free);
    g_clear_pointer(&directory, g_free);
}

void fleet_test_core_restart(void)
{
    g_clear_pointer(&core, fleet_test_core_free);
    core = fleet_test_core_new(directory);
    fleet_test_core_take_over(core);
    fleet_engine_recover(core->engine);
    fleet_test_core_rest(core);
}
