/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/command/manager.h"

#include "base/bus_source.h"
#include "drivers/program/unit_call.h"

#include <string.h>
#include <unistd.h>

/* All services, as a bus cannot be asked for those of one prefix. */
#define CHANGES                                                                                                        \
    "type='signal',sender='" FLEET_SYSTEMD_NAME "',interface='org.freedesktop.DBus.Properties',"                       \
    "member='PropertiesChanged',path_namespace='" FLEET_SYSTEMD_PATH "/unit',"                                         \
    "arg0='org.freedesktop.systemd1.Service'"

struct FleetCommandManager {
    const FleetCommandManagerFuncs *funcs;
    gpointer user_data;
    sd_bus *bus; /* NULL = not connected */
    FleetBusSource *source;
    gboolean ready;
    guint failed; /* an idle source that reports a failure, or 0 */
    char *failure;
};

gboolean fleet_command_manager_exists(gboolean user)
{
    const char *directory = g_getenv("XDG_RUNTIME_DIR");

    if (!user)
        return access("/run/systemd/system", F_OK) == 0;
    if (directory == NULL)
        return FALSE;
    g_autofree char *path = g_build_filename(directory, "systemd", "private", NULL);
    return access(path, F_OK) == 0;
}

FleetCommandManager *fleet_command_manager_new(const FleetCommandManagerFuncs *funcs, gpointer user_data)
{
    FleetCommandManager *manager = g_new0(FleetCommandManager, 1);

    manager->funcs = funcs;
    manager->user_data = user_data;
    return manager;
}

void fleet_command_manager_disconnect(FleetCommandManager *manager)
{
    manager->ready = FALSE;
    g_clear_pointer(&manager->source, fleet_bus_source_free);
    g_clear_pointer(&manager->bus, sd_bus_close_unref);
}

void fleet_command_manager_free(FleetCommandManager *manager)
{
    fleet_command_manager_disconnect(manager);
    if (manager->failed != 0)
        g_source_remove(manager->failed);
    g_free(manager->failure);
    g_free(manager);
}

static gboolean report_failure(gpointer data)
{
    FleetCommandManager *manager = data;
    g_autofree char *failure = g_steal_pointer(&manager->failure);

    manager->failed = 0;
    fleet_command_manager_disconnect(manager);
    manager->funcs->lost(failure, manager->user_data);
    return G_SOURCE_REMOVE;
}

/* From the loop, for whoever called may be in the middle of something. */
static void fail(FleetCommandManager *manager, const char *message)
{
    manager->ready = FALSE;
    if (manager->failed != 0)
        return;
    manager->failure = g_strdup(message);
    manager->failed = g_idle_add(report_failure, manager);
}

static void fail_errno(FleetCommandManager *manager, int r)
{
    fail(manager, g_strerror(-r));
}

static void closed(int r, gpointer user_data)
{
    fail_errno(user_data, r);
}

static int changed(sd_bus_message *message, void *user_data, sd_bus_error *error)
{
    FleetCommandManager *manager = user_data;

    if (manager->ready)
        manager->funcs->changed(sd_bus_message_get_path(message), manager->user_data);
    return 0;
}

static int matched(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    if (sd_bus_message_is_method_error(reply, NULL))
        fail(user_data, sd_bus_message_get_error(reply)->message);
    return 1;
}

/* Without a subscriber systemd sends no signals. The answer also says that it is there. */
static int subscribed(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    FleetCommandManager *manager = user_data;

    if (sd_bus_message_is_method_error(reply, NULL)) {
        fail(manager, sd_bus_message_get_error(reply)->message);
    } else {
        manager->ready = TRUE;
        manager->funcs->ready(manager->user_data);
    }
    return 1;
}

void fleet_command_manager_connect(FleetCommandManager *manager, gboolean user)
{
    if (manager->bus != NULL || manager->failed != 0)
        return;
    int r = user ? sd_bus_open_user(&manager->bus) : sd_bus_open_system(&manager->bus);
    if (r < 0) {
        fail_errno(manager, r);
        return;
    }
    sd_bus_set_exit_on_disconnect(manager->bus, FALSE);
    manager->source = fleet_bus_source_new(manager->bus, closed, manager);
    r = sd_bus_add_match_async(manager->bus, NULL, CHANGES, changed, matched, manager);
    if (r >= 0)
        r = sd_bus_call_method_async(manager->bus, NULL, FLEET_SYSTEMD_NAME, FLEET_SYSTEMD_PATH, FLEET_SYSTEMD_MANAGER,
                "Subscribe", subscribed, manager, NULL);
    if (r < 0)
        fail_errno(manager, r);
}

sd_bus *fleet_command_manager_bus(const FleetCommandManager *manager)
{
    return manager->ready ? manager->bus : NULL;
}
