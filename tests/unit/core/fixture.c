/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fixture.h"

char *directory;
FleetTestCore *core;

/* Those of the core that was stopped. */
static FleetEngineSettings settings;

void fleet_fixture_setup(void)
{
    directory = fleet_test_directory_new();
    core = fleet_test_core_new(directory);
    fleet_test_core_take_over(core);
}

void fleet_fixture_teardown(void)
{
    g_clear_pointer(&core, fleet_test_core_free);
    g_clear_pointer(&directory, g_free);
}

void fleet_fixture_stop(void)
{
    settings = core->settings;
    g_clear_pointer(&core, fleet_test_core_free);
}

void fleet_fixture_start(void)
{
    core = fleet_test_core_new(directory);
    settings.types = core->types;
    core->settings = settings;
    fleet_test_core_configure(core);
    fleet_test_core_take_over(core);
    fleet_engine_recover(core->engine);
    fleet_test_core_rest(core);
}

void fleet_fixture_restart(void)
{
    fleet_fixture_stop();
    fleet_fixture_start();
}

void fleet_fixture_add(const char *id)
{
    fleet_test_core_register(core, "add", id);
    fleet_test_core_rest(core);
    fleet_test_core_forget(core);
}

const FleetDevice *fleet_fixture_device(const char *id)
{
    return fleet_registry_lookup(core->registry, id, NULL);
}

const FleetAction *fleet_fixture_action(FleetActionId id)
{
    const FleetAction *action = fleet_engine_lookup(core->engine, id);

    ck_assert_ptr_nonnull(action);
    return action;
}

const FleetAction *fleet_fixture_action_of(const char *id)
{
    const FleetDevice *device = fleet_fixture_device(id);

    ck_assert_ptr_nonnull(device);
    return fleet_fixture_action(device->action);
}

void fleet_fixture_assert_ended(FleetActionId id, FleetActionStatus status, FleetResult result, const char *message)
{
    const FleetAction *action = fleet_fixture_action(id);

    ck_assert_int_eq(action->status, status);
    ck_assert_int_eq(action->result, result);
    ck_assert_str_eq(action->message, message);
    ck_assert_str_eq(action->phase, "");
    ck_assert_str_eq(action->error_message, status == FLEET_ACTION_FAILED ? message : "");
    ck_assert_int_eq(fleet_fixture_device(action->device_id)->action.sequence, 0);
}
