/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/remote_bus/greeting.h"

#include "base/clock.h"
#include "base/error.h"

#include <string.h>

#define UPTIME_MAX 1e9 /* s */

gboolean fleet_remote_greeting_is_boot_id(const char *text)
{
    if (strlen(text) != FLEET_REMOTE_BOOT_ID_SIZE - 1)
        return FALSE;
    for (guint i = 0; text[i] != '\0'; i++) {
        gboolean dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text[i] != '-' : strchr("0123456789abcdef", text[i]) == NULL)
            return FALSE;
    }
    return TRUE;
}

/* "24136.73 17157.11": the first is the uptime in seconds. */
static gboolean read_uptime(const char *line, gint64 *uptime)
{
    char *end;
    double seconds = g_ascii_strtod(line, &end);

    if (!g_ascii_isdigit(line[0]) || *end != ' ' || line[strspn(line, "0123456789. ")] != '\0' || seconds > UPTIME_MAX)
        return FALSE;
    *uptime = (gint64)(seconds * (double)FLEET_USEC_PER_SEC);
    return TRUE;
}

/* The line that begins there, without its end; NULL if it has none yet. *line is moved behind it. */
static char *take_line(const char **line, const char *end)
{
    const char *newline = memchr(*line, '\n', (gsize)(end - *line));

    if (newline == NULL)
        return NULL;
    gsize length = (gsize)(newline - *line);
    char *text = g_strndup(*line, length > 0 && (*line)[length - 1] == '\r' ? length - 1 : length);
    *line = newline + 1;
    return text;
}

FleetRemoteGreeting fleet_remote_greeting_read(const char *bytes, gsize length, FleetRemoteBoot *boot)
{
    const char *next = bytes, *end = bytes + length;
    gboolean has_id = FALSE;

    for (;;) {
        g_autofree char *line = take_line(&next, end);

        if (line == NULL)
            return length < FLEET_REMOTE_GREETING_MAX ? FLEET_REMOTE_GREETING_PART : FLEET_REMOTE_GREETING_WRONG;
        if (has_id)
            return read_uptime(line, &boot->uptime) && next == end ? FLEET_REMOTE_GREETING_WHOLE
                                                                   : FLEET_REMOTE_GREETING_WRONG;
        has_id = fleet_remote_greeting_is_boot_id(line);
        if (has_id)
            memcpy(boot->id, line, sizeof(boot->id));
    }
}

gboolean fleet_remote_greeting_local(FleetRemoteBoot *boot, GError **error)
{
    g_autofree char *id = NULL;

    if (!g_file_get_contents("/proc/sys/kernel/random/boot_id", &id, NULL, NULL) ||
            !fleet_remote_greeting_is_boot_id(g_strchomp(id))) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_UNSUPPORTED, "the id of this boot cannot be read");
        return FALSE;
    }
    memcpy(boot->id, id, sizeof(boot->id));
    boot->uptime = fleet_clock_boottime();
    return TRUE;
}
