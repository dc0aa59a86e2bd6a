/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus_test.h"

#include "lib/main.h"

#include <string.h>
#include <sys/socket.h>

/* A connection needs a socket before it makes messages. The other end is kept open by the process. */
sd_bus *fleet_test_lonely_bus(void)
{
    int fds[2];
    sd_bus *bus = NULL;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    ck_assert_int_ge(sd_bus_new(&bus), 0);
    ck_assert_int_ge(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
    ck_assert_int_ge(sd_bus_start(bus), 0);
    return bus;
}

sd_bus_message *fleet_test_message_new(sd_bus *bus)
{
    sd_bus_message *message = NULL;

    ck_assert_int_ge(sd_bus_message_new_method_call(
                             bus, &message, "org.fleet.Manager", "/org/fleet/Manager", "org.fleet.Manager", "Test"),
            0);
    return message;
}

void fleet_test_message_seal(sd_bus_message *message)
{
    ck_assert_int_ge(sd_bus_message_seal(message, 1, 0), 0);
    ck_assert_int_ge(sd_bus_message_rewind(message, 1), 0);
}

static GVariant *read_value(sd_bus_message *message);

static GVariant *read_container(sd_bus_message *message, char type, const char *contents)
{
    g_autofree char *signature = type == 'a'   ? g_strconcat("a", contents, NULL)
                                 : type == 'e' ? g_strconcat("{", contents, "}", NULL)
                                               : g_strdup("v");
    GVariantBuilder builder;

    g_variant_builder_init(&builder, G_VARIANT_TYPE(signature));
    ck_assert_int_gt(sd_bus_message_enter_container(message, type, contents), 0);
    while (!sd_bus_message_at_end(message, FALSE))
        g_variant_builder_add_value(&builder, read_value(message));
    ck_assert_int_ge(sd_bus_message_exit_container(message), 0);
    return g_variant_builder_end(&builder);
}

static GVariant *read_value(sd_bus_message *message)
{
    const char *contents;
    char type;
    union {
        const char *string;
        guint32 word;
        guint64 wide;
        double real;
    } value;

    ck_assert_int_gt(sd_bus_message_peek_type(message, &type, &contents), 0);
    if (strchr("aev", type) != NULL)
        return read_container(message, type, contents);
    ck_assert_int_gt(sd_bus_message_read_basic(message, type, &value), 0);
    switch (type) {
    case 's':
        return g_variant_new_string(value.string);
    case 'o':
        return g_variant_new_object_path(value.string);
    case 'b':
        return g_variant_new_boolean(value.word != 0);
    case 'u':
        return g_variant_new_uint32(value.word);
    case 't':
        return g_variant_new_uint64(value.wide);
    case 'd':
        return g_variant_new_double(value.real);
    default:
        ck_abort_msg("type '%c' is new here", type);
    }
}

GVariant *fleet_test_message_read(sd_bus_message *message)
{
    GVariantBuilder builder;

    g_variant_builder_init(&builder, G_VARIANT_TYPE_TUPLE);
    while (!sd_bus_message_at_end(message, TRUE))
        g_variant_builder_add_value(&builder, read_value(message));
    return g_variant_ref_sink(g_variant_builder_end(&builder));
}

GDBusMessage *fleet_test_frame_read(const FleetBody *output, gsize *offset)
{
    g_autoptr(GError) error = NULL;
    gssize needed = g_dbus_message_bytes_needed(output->data + *offset, output->length - *offset, &error);

    fleet_test_assert_no_error(error);
    ck_assert_uint_le(*offset + (gsize)needed, output->length);
    /* GDBus aligns to the memory that it is given. */
    g_autofree guint8 *copy = g_memdup2(output->data + *offset, (gsize)needed);
    GDBusMessage *message = g_dbus_message_new_from_blob(copy, (gsize)needed, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
    fleet_test_assert_no_error(error);
    *offset += (gsize)needed;
    return message;
}

GVariant *fleet_test_body_read(const FleetBody *body, const char *signature)
{
    g_auto(FleetBody) output = FLEET_BODY_INIT;
    const FleetFrame frame = {.serial = 1, .reply_serial = 2, .signature = signature};
    gsize offset = 0;

    fleet_frame_append(&output, &frame, body);
    g_autoptr(GDBusMessage) message = fleet_test_frame_read(&output, &offset);
    ck_assert_uint_eq(offset, output.length);
    ck_assert_str_eq(g_dbus_message_get_signature(message), signature);
    return g_variant_ref(g_dbus_message_get_body(message));
}
