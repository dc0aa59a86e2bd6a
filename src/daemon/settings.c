/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/settings.h"

#include "base/log_settings.h"
#include "build_config.h"
#include "drivers/command/command.h"
#include "drivers/remote_bus/remote_bus.h"
#include "drivers/simulated.h"
#if FLEET_HAVE_MQTT
#include "drivers/thin_edge/thin_edge.h"
#endif

void fleet_settings_configure_log(const FleetConfig *config, const FleetOptions *options)
{
    int level = config != NULL ? config->log_level : LOG_INFO;
    FleetLogTarget target = config != NULL ? config->log_target : FLEET_LOG_AUTO;

    fleet_log_configure(options->log_level_given ? options->log_level : level,
            options->log_target_given ? options->log_target : target);
}

static void apply_to_drivers(const FleetConfig *config, const FleetOptions *options, FleetEngine *engine)
{
    const FleetSimulation simulation = {.min_duration = config->min_duration,
            .max_duration = config->max_duration,
            .success_rate = config->success_rate,
            .transient_rate = config->transient_rate,
            .seeded = config->seed_set,
            .seed = config->seed};

    fleet_simulated_driver_configure(fleet_engine_driver(engine, fleet_simulated_driver_class.name), &simulation);
    config->command->directory = g_build_filename(options->state_directory, "actions", NULL);
    config->command->user_manager = options->bus == FLEET_BUS_USER;
    fleet_command_driver_configure(fleet_engine_driver(engine, fleet_command_driver_class.name), config->command);
    config->remote_bus->directory = g_build_filename(options->state_directory, "remote-bus", NULL);
    fleet_remote_bus_driver_configure(
            fleet_engine_driver(engine, fleet_remote_bus_driver_class.name), config->remote_bus);
#if FLEET_HAVE_MQTT
    fleet_thin_edge_settings_identify(config->thin_edge, options->state_directory);
    fleet_thin_edge_driver_configure(fleet_engine_driver(engine, fleet_thin_edge_driver_class.name), config->thin_edge);
#endif
}

void fleet_settings_apply(
        const FleetConfig *config, const FleetOptions *options, FleetEngine *engine, FleetRegistry *registry)
{
    const FleetEngineSettings settings = {.types = config->action_types,
            .finished_max = config->finished_actions,
            .finished_age = config->finished_age,
            .running_max = config->running_max,
            .cancel_timeout = config->cancel_timeout,
            .recovery_timeout = config->recovery_timeout,
            .quotas = config->quotas};

    fleet_settings_configure_log(config, options);
    fleet_engine_configure(engine, &settings);
    fleet_registry_set_type_drivers(registry, config->type_drivers);
    fleet_registry_set_quotas(registry, &config->quotas);
    apply_to_drivers(config, options, engine);
}
