/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/paths.h"

#include <stdlib.h>
#include <systemd/sd-bus.h>

/* sd-bus allocates with malloc(), as GLib does since 2.46, so that g_free() fits. */
char *fleet_path_of_device(const char *id)
{
    char *path = NULL;

    if (sd_bus_path_encode(FLEET_PATH_DEVICES, id, &path) < 0)
        g_error("out of memory");
    return path;
}

/* sd-bus takes a wrong escape to the letter, and a '/' too: such a path is another way to write one that is right, and
 * an object has one path only. */
char *fleet_path_to_device(const char *path)
{
    g_autofree char *id = NULL;

    if (sd_bus_path_decode(path, FLEET_PATH_DEVICES, &id) <= 0)
        return NULL;
    g_autofree char *proper = fleet_path_of_device(id);
    return g_str_equal(path, proper) ? g_steal_pointer(&id) : NULL;
}

/* An action's id consists of lower-case letters, digits and '_'; only the last is escaped, as "_5f". */
const char *fleet_path_of_action(FleetActionId id, char buffer[static FLEET_ACTION_PATH_BUFFER])
{
    if (id.sequence == 0)
        return "/";
    g_snprintf(buffer, FLEET_ACTION_PATH_BUFFER,
            FLEET_PATH_ACTIONS "/action_5f%" G_GINT64_FORMAT "_5f%" G_GINT64_FORMAT, id.msec, id.sequence);
    return buffer;
}

gboolean fleet_path_to_action(const char *path, FleetActionId *id)
{
    g_autofree char *text = NULL;
    char proper[FLEET_ACTION_PATH_BUFFER];

    return sd_bus_path_decode(path, FLEET_PATH_ACTIONS, &text) > 0 && fleet_action_id_parse(text, id) &&
           g_str_equal(path, fleet_path_of_action(*id, proper));
}
