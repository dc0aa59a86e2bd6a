/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/paths.h"

#include <string.h>
#include <systemd/sd-bus.h>

/* As sd_bus_path_encode(3) does it, which takes ten times as long: letters and digits stay, but for a digit in front.
 */
char *fleet_path_of_device(const char *id)
{
    static const char prefix[] = FLEET_PATH_DEVICES "/", digits[] = "0123456789abcdef";
    char *path = g_malloc(sizeof(prefix) + 3 * strlen(id) + 1);
    char *end = path + strlen(prefix);

    memcpy(path, prefix, strlen(prefix));
    if (*id == '\0')
        *end++ = '_';
    for (const char *p = id; *p != '\0'; p++) {
        if (g_ascii_isalpha(*p) || (p > id && g_ascii_isdigit(*p)))
            *end++ = *p;
        else {
            *end++ = '_';
            *end++ = digits[(guchar)*p >> 4];
            *end++ = digits[*p & 0xf];
        }
    }
    *end = '\0';
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
