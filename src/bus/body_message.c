/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/body_message.h"

#include <errno.h>
#include <string.h>

/* Where reading has come to. */
typedef struct {
    const FleetBody *body;
    gsize offset;
    const char *signature;
    sd_bus_message *message;
} Reading;

static const guint8 *take(Reading *reading, gsize alignment, gsize n)
{
    gsize begin = (reading->offset + alignment - 1) & ~(alignment - 1);

    reading->offset = begin + n;
    g_assert(reading->offset <= reading->body->length);
    return reading->body->data + begin;
}

static guint32 take_uint32(Reading *reading)
{
    guint32 value;

    memcpy(&value, take(reading, sizeof(value), sizeof(value)), sizeof(value));
    return value;
}

static int copy_basic(Reading *reading, char type)
{
    guint64 wide;
    guint32 word;

    switch (type) {
    case 's':
    case 'o':
        word = take_uint32(reading);
        return sd_bus_message_append_basic(reading->message, type, take(reading, 1, (gsize)word + 1));
    case 'b':
    case 'u':
        word = take_uint32(reading);
        return sd_bus_message_append_basic(reading->message, type, &word);
    case 't':
    case 'd':
        memcpy(&wide, take(reading, sizeof(wide), sizeof(wide)), sizeof(wide));
        return sd_bus_message_append_basic(reading->message, type, &wide);
    default:
        return -EINVAL;
    }
}

static int copy_value(Reading *reading);

/* At "{KV}". */
static int copy_entry(Reading *reading, const char *contents)
{
    int r = sd_bus_message_open_container(reading->message, 'e', contents);

    (void)take(reading, 8, 0);
    reading->signature++;
    if (r >= 0)
        r = copy_value(reading);
    if (r >= 0)
        r = copy_value(reading);
    reading->signature++;
    return r < 0 ? r : sd_bus_message_close_container(reading->message);
}

/* Behind the 'a'. The element is one letter or a dictionary's entry of two. */
static int copy_array(Reading *reading)
{
    const char *element = reading->signature;
    gboolean is_dictionary = *element == '{';
    g_autofree char *contents = g_strndup(element, is_dictionary ? 4 : 1);
    g_autofree char *entry = is_dictionary ? g_strndup(element + 1, 2) : NULL;
    guint32 length = take_uint32(reading);
    int r = sd_bus_message_open_container(reading->message, 'a', contents);

    (void)take(reading, is_dictionary || *element == 't' || *element == 'd' ? 8 : 4, 0);
    for (gsize end = reading->offset + length; reading->offset < end && r >= 0;) {
        reading->signature = element;
        r = is_dictionary ? copy_entry(reading, entry) : copy_value(reading);
    }
    reading->signature = element + strlen(contents);
    return r < 0 ? r : sd_bus_message_close_container(reading->message);
}

static int copy_value(Reading *reading)
{
    char type = *reading->signature++;

    return type == 'a' ? copy_array(reading) : copy_basic(reading, type);
}

int fleet_body_copy_to_message(const FleetBody *body, const char *signature, sd_bus_message *message)
{
    Reading reading = {.body = body, .signature = signature, .message = message};
    int r = 0;

    while (*reading.signature != '\0' && r >= 0)
        r = copy_value(&reading);
    return r;
}
