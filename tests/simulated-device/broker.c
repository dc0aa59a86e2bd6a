/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "broker.h"

#include <string.h>

static gboolean parse_port(const char *text, int *port)
{
    guint64 number;

    if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT16, &number, NULL))
        return FALSE;
    *port = (int)number;
    return TRUE;
}

gboolean sim_broker_parse(SimBroker *broker, const char *text, GError **error)
{
    const char *host = text, *end = text + strlen(text), *port = NULL;

    broker->port = 0;
    if (*text == '/') {
        broker->host = g_strdup(text);
        return TRUE;
    }
    if (*text == '[') {
        const char *bracket = strchr(text, ']');

        host = text + 1;
        end = bracket != NULL ? bracket : host;
        port = bracket != NULL && bracket[1] != '\0' ? bracket + 1 : NULL;
    } else if (strchr(text, ':') == strrchr(text, ':') && strchr(text, ':') != NULL) {
        port = end = strchr(text, ':');
    }
    if (end == host || (port != NULL && (*port != ':' || !parse_port(port + 1, &broker->port)))) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "'%s' is no broker; use HOST, HOST:PORT, [ADDRESS]:PORT or the path of a socket", text);
        return FALSE;
    }
    broker->host = g_strndup(host, (gsize)(end - host));
    return TRUE;
}

void sim_broker_clear(SimBroker *broker)
{
    g_free(broker->host);
    g_free(broker->username);
    g_free(broker->password);
    g_free(broker->cafile);
    g_free(broker->cert);
    g_free(broker->key);
    memset(broker, 0, sizeof(*broker));
}
