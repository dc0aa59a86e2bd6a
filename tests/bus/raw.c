/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "raw.h"

#include "bus_test.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct FleetTestRaw {
    int fd;
    GByteArray *received; /* and not taken yet */
};

FleetTestRaw *fleet_test_raw_new(const char *socket_path)
{
    FleetTestRaw *raw = g_new0(FleetTestRaw, 1);
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    raw->received = g_byte_array_new();
    raw->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (g_strlcpy(address.sun_path, socket_path, sizeof(address.sun_path)) >= sizeof(address.sun_path))
        fleet_test_fail("%s is too long for a socket", socket_path);
    if (raw->fd < 0 || connect(raw->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        fleet_test_fail("cannot connect to %s: %m", socket_path);
    return raw;
}

void fleet_test_raw_free(FleetTestRaw *raw)
{
    close(raw->fd);
    g_byte_array_unref(raw->received);
    g_free(raw);
}

void fleet_test_raw_send(FleetTestRaw *raw, const void *data, gsize size)
{
    const guint8 *bytes = data;

    while (size > 0) {
        ssize_t n = send(raw->fd, bytes, size, MSG_NOSIGNAL);
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return;
        if (n < 0)
            fleet_test_fail("cannot send: %m");
        bytes += n;
        size -= (gsize)n;
    }
}

gboolean fleet_test_raw_try_send(FleetTestRaw *raw, const void *data, gsize size, double seconds)
{
    struct pollfd writable = {.fd = raw->fd, .events = POLLOUT};

    if (poll(&writable, 1, fleet_test_remaining(fleet_test_deadline(seconds))) != 1)
        return FALSE;
    fleet_test_raw_send(raw, data, size);
    return TRUE;
}

void fleet_test_raw_end(FleetTestRaw *raw)
{
    if (shutdown(raw->fd, SHUT_WR) < 0 && errno != ENOTCONN)
        fleet_test_fail("cannot end the conversation: %m");
}

/* Waits until there are more bytes. FALSE if the other side has closed. */
static gboolean receive_some(FleetTestRaw *raw)
{
    struct pollfd wait = {.fd = raw->fd, .events = POLLIN};
    guint8 buffer[4096];

    if (poll(&wait, 1, fleet_test_remaining(fleet_test_deadline(FLEET_TEST_PATIENCE))) == 0)
        fleet_test_fail("the server neither answers nor closes the connection");
    ssize_t n = recv(raw->fd, buffer, sizeof(buffer), 0);
    if (n < 0 && errno != ECONNRESET)
        fleet_test_fail("cannot receive: %m");
    if (n <= 0)
        return FALSE;
    g_byte_array_append(raw->received, buffer, (guint)n);
    return TRUE;
}

void fleet_test_raw_authenticate(FleetTestRaw *raw)
{
    g_autofree char *uid = g_strdup_printf("%u", geteuid());
    g_autoptr(GString) line = g_string_new("AUTH EXTERNAL ");
    const guint8 *end;

    for (const char *p = uid; *p != '\0'; p++)
        g_string_append_printf(line, "%02x", (guint)*p);
    g_string_append(line, "\r\n");
    fleet_test_raw_send(raw, "\0", 1);
    fleet_test_raw_send(raw, line->str, line->len);
    while (raw->received->len == 0 || (end = memmem(raw->received->data, raw->received->len, "\r\n", 2)) == NULL)
        if (!receive_some(raw))
            fleet_test_fail("the server closes the connection where OK was due");
    if (memcmp(raw->received->data, "OK ", 3) != 0)
        fleet_test_fail("the server does not say OK");
    g_byte_array_remove_range(raw->received, 0, (guint)(end + 2 - raw->received->data));
}

void fleet_test_raw_begin(FleetTestRaw *raw)
{
    fleet_test_raw_authenticate(raw);
    fleet_test_raw_send(raw, "BEGIN\r\n", 7);
}

/* How many bytes the first message has that was received; 0 while that cannot be known. */
static gsize message_size(const FleetTestRaw *raw)
{
    g_autoptr(GError) error = NULL;

    if (raw->received->len < 16)
        return 0;
    gssize size = g_dbus_message_bytes_needed(raw->received->data, raw->received->len, &error);
    fleet_test_assert_no_error(error);
    return (gsize)size;
}

GDBusMessage *fleet_test_raw_receive(FleetTestRaw *raw)
{
    g_autoptr(GError) error = NULL;
    gsize size;

    while ((size = message_size(raw)) == 0 || raw->received->len < size)
        if (!receive_some(raw))
            return NULL;
    GDBusMessage *message =
            g_dbus_message_new_from_blob(raw->received->data, size, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
    fleet_test_assert_no_error(error);
    g_byte_array_remove_range(raw->received, 0, (guint)size);
    return message;
}

void fleet_test_raw_wait_closed(FleetTestRaw *raw)
{
    while (receive_some(raw))
        ;
}

char *fleet_test_raw_receive_all(FleetTestRaw *raw)
{
    fleet_test_raw_wait_closed(raw);
    return g_strndup((const char *)raw->received->data, raw->received->len);
}

GByteArray *fleet_test_raw_call(guint32 serial, const char *method, GVariant *arguments)
{
    g_autoptr(GDBusMessage) message =
            g_dbus_message_new_method_call(FLEET_TEST_NAME, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, method);
    g_autoptr(GError) error = NULL;
    gsize size;

    g_dbus_message_set_serial(message, serial);
    g_dbus_message_set_body(message, arguments);
    guint8 *blob = g_dbus_message_to_blob(message, &size, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
    fleet_test_assert_no_error(error);
    return g_byte_array_new_take(blob, size);
}

void fleet_test_raw_replace(GByteArray *bytes, const char *part, const char *by)
{
    gsize length = strlen(part);
    guint8 *place = memmem(bytes->data, bytes->len, part, length);

    if (place == NULL)
        fleet_test_fail("the message has no '%s'", part);
    memcpy(place, by, length);
}
