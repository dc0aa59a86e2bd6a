/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A file of the configuration. What is taken is within its bounds, and what it says of units can be told to systemd.
 */

#include "daemon/config.h"
#include "drivers/program/property.h"
#include "fuzz.h"
#include "message.h"
#include "model/policy.h"

#include <sys/mman.h>
#include <unistd.h>

static void check_program(const FleetProgram *program)
{
    __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *message = fleet_fuzz_message_new(NULL);

    g_assert_nonnull(program->argv);
    g_assert_nonnull(program->argv[0]);
    g_assert_cmpint(program->kill_timeout, >=, 0);
    g_assert_cmpint(sd_bus_message_open_container(message, 'a', "(sv)"), >=, 0);
    g_assert_cmpuint(program->properties->len % 2, ==, 0);
    for (guint i = 0; i < program->properties->len; i += 2)
        g_assert_cmpint(fleet_program_property_append(message, g_ptr_array_index(program->properties, i),
                                g_ptr_array_index(program->properties, i + 1)),
                >=, 0);
    g_assert_cmpint(sd_bus_message_close_container(message), >=, 0);
}

static void check_config(FleetConfig *config)
{
    g_assert_cmpuint(config->running_max, >=, 1);
    g_assert_cmpint(config->min_duration, >=, 0);
    g_assert_cmpint(config->min_duration, <=, config->max_duration);
    g_assert_true(config->success_rate >= 0 && config->success_rate <= 1);
    g_assert_true(config->transient_rate >= 0 && config->transient_rate <= 1);
    for (const char *const *name = fleet_action_types_names(config->action_types); *name != NULL; name++) {
        const FleetActionType *type = fleet_action_types_find(config->action_types, *name);
        g_assert_cmpuint(type->policy.max_attempts, >=, 1);
        g_assert_cmpuint(type->policy.max_attempts, <=, FLEET_ATTEMPTS_MAX);
        g_assert_true(type->policy.retry_factor >= 1 && type->policy.retry_factor <= 100);
    }
    for (guint i = 0; i < config->command->programs->list->len; i++)
        check_program(g_ptr_array_index(config->command->programs->list, i));
    for (guint i = 0; i < config->remote_bus->programs->list->len; i++)
        check_program(g_ptr_array_index(config->remote_bus->programs->list, i));
    g_assert_cmpuint(config->remote_bus->max_connections, >=, 1);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    int fd = memfd_create("fleetd.conf", MFD_CLOEXEC);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, data, size), ==, (gssize)size);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autoptr(FleetConfig) config = fleet_config_load(path, TRUE, &error);
    fleet_fuzz_check_error(config != NULL, &error);
    if (config != NULL)
        check_config(config);
    close(fd);
    return 0;
}
