/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/remote_bus/address.h"

#include "base/error.h"
#include "base/quotable.h"

#include <arpa/inet.h>
#include <string.h>

#define LOCAL "local"
#define USER_MAX 64  /* bytes */
#define HOST_MAX 253 /* bytes, of a name */
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static gboolean is_word(const char *text, gsize max)
{
    gsize length = strlen(text);

    return length > 0 && length <= max && text[0] != '-' && text[0] != '.' &&
           strspn(text, LETTERS DIGITS "_.-") == length;
}

gboolean fleet_remote_address_is_user(const char *name)
{
    return is_word(name, USER_MAX);
}

/* An address of IPv6, perhaps with the zone that a link-local one needs: "fe80::1%eth0". */
static gboolean is_ipv6(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, "%", 2);
    struct in6_addr ignored;

    return parts[0] != NULL && inet_pton(AF_INET6, parts[0], &ignored) == 1 &&
           (parts[1] == NULL || is_word(parts[1], 16));
}

static gboolean read_port(const char *text, guint *port)
{
    guint64 number;

    if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT16, &number, NULL))
        return FALSE;
    *port = (guint)number;
    return TRUE;
}

/* What follows the user. */
static gboolean read_host(const char *text, FleetRemoteAddress *address)
{
    const char *end = text[0] == '[' ? strchr(text, ']') : text + strcspn(text, ":");

    if (end == NULL)
        return FALSE;
    address->host =
            text[0] == '[' ? g_strndup(text + 1, (gsize)(end - text - 1)) : g_strndup(text, (gsize)(end - text));
    if (text[0] == '[' ? !is_ipv6(address->host) : !is_word(address->host, HOST_MAX))
        return FALSE;
    if (*end == ']')
        end++;
    return *end == '\0' || (*end == ':' && read_port(end + 1, &address->port));
}

static gboolean parse(const char *text, FleetRemoteAddress *address)
{
    const char *at = strchr(text, '@');

    if (g_str_equal(text, LOCAL)) {
        address->local = TRUE;
        return TRUE;
    }
    if (at != NULL) {
        address->user = g_strndup(text, (gsize)(at - text));
        if (!fleet_remote_address_is_user(address->user))
            return FALSE;
        text = at + 1;
    }
    return read_host(text, address);
}

gboolean fleet_remote_address_parse(const char *text, FleetRemoteAddress *address, GError **error)
{
    *address = (FleetRemoteAddress){0};
    if (parse(text, address))
        return TRUE;
    fleet_remote_address_clear(address);
    g_autofree char *shown = fleet_quotable(text);
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
            "'%s' is not the address of a machine; use [user@]host[:port], with an address of IPv6 in brackets, or "
            "'" LOCAL "' for the machine that fleetd runs on",
            shown);
    return FALSE;
}

void fleet_remote_address_clear(FleetRemoteAddress *address)
{
    g_free(address->user);
    g_free(address->host);
    *address = (FleetRemoteAddress){0};
}
