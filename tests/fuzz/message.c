/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "message.h"

#include <string.h>
#include <sys/socket.h>

#define CHECKED(call)                                                                                                  \
    G_STMT_START                                                                                                       \
    {                                                                                                                  \
        int r_ = (call);                                                                                               \
        if (r_ < 0)                                                                                                    \
            g_error("%s: %s", #call, g_strerror(-r_));                                                                 \
    }                                                                                                                  \
    G_STMT_END

/* A connection needs a socket before it makes messages. Nobody reads the other end. */
static sd_bus *lonely_bus(void)
{
    static sd_bus *bus;
    int fds[2];

    if (bus != NULL)
        return bus;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
        g_error("socketpair: %m");
    CHECKED(sd_bus_new(&bus));
    CHECKED(sd_bus_set_fd(bus, fds[0], fds[0]));
    CHECKED(sd_bus_start(bus));
    return bus;
}

static void append(sd_bus_message *message, GVariant *value);

static void append_children(sd_bus_message *message, GVariant *value)
{
    for (gsize i = 0; i < g_variant_n_children(value); i++) {
        g_autoptr(GVariant) child = g_variant_get_child_value(value, i);
        append(message, child);
    }
}

static void append_container(sd_bus_message *message, GVariant *value)
{
    const char *type = g_variant_get_type_string(value);
    g_autofree char *contents = NULL;
    char container = *type;

    if (container == 'v') {
        g_autoptr(GVariant) child = g_variant_get_variant(value);
        contents = g_strdup(g_variant_get_type_string(child));
    } else if (container == 'a')
        contents = g_strdup(type + 1);
    else {
        /* (...) and {...} */
        contents = g_strndup(type + 1, strlen(type) - 2);
        container = container == '(' ? 'r' : 'e';
    }
    CHECKED(sd_bus_message_open_container(message, container, contents));
    append_children(message, value);
    CHECKED(sd_bus_message_close_container(message));
}

static void append(sd_bus_message *message, GVariant *value)
{
    const char type = *g_variant_get_type_string(value);

    if (g_variant_is_container(value))
        append_container(message, value);
    else if (strchr("sog", type) != NULL) {
        /* sd-bus takes no noncharacters (U+FFFE and the like), which GLib does. */
        if (sd_bus_message_append_basic(message, type, g_variant_get_string(value, NULL)) < 0)
            CHECKED(sd_bus_message_append_basic(message, type, type == 'o' ? "/" : ""));
    } else if (type == 'b') {
        int flag = g_variant_get_boolean(value);
        CHECKED(sd_bus_message_append_basic(message, type, &flag));
    } else
        CHECKED(sd_bus_message_append_basic(message, type, g_variant_get_data(value)));
}

sd_bus_message *fleet_fuzz_message_new(GVariant *tuple)
{
    sd_bus_message *message = NULL;

    CHECKED(sd_bus_message_new_method_call(
            lonely_bus(), &message, "org.fleet.Manager", "/org/fleet/Manager", "org.fleet.Manager", "Test"));
    if (tuple == NULL)
        return message;
    append_children(message, tuple);
    CHECKED(sd_bus_message_seal(message, 1, 0));
    CHECKED(sd_bus_message_rewind(message, 1));
    return message;
}
