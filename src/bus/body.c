/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/body.h"

#include <string.h>

#define FIRST_SIZE 512

void fleet_body_clear(FleetBody *body)
{
    g_free(body->data);
    *body = FLEET_BODY_INIT;
}

void fleet_body_reset(FleetBody *body)
{
    body->length = 0;
}

void fleet_body_drop(FleetBody *body, gsize n)
{
    body->length -= n;
    memmove(body->data, body->data + n, body->length);
}

static void make_room(FleetBody *body, gsize n)
{
    if (G_LIKELY(body->size - body->length >= n))
        return;
    body->size = MAX(MAX(2 * body->size, body->length + n), FIRST_SIZE);
    body->data = g_realloc(body->data, body->size);
}

/* Room for n bytes after the padding. Where they begin. */
static guint8 *extend(FleetBody *body, gsize alignment, gsize n)
{
    gsize begin = body->base + ((body->length - body->base + alignment - 1) & ~(alignment - 1));

    make_room(body, begin - body->length + n);
    while (body->length < begin)
        body->data[body->length++] = 0;
    body->length += n;
    return body->data + begin;
}

void fleet_body_align(FleetBody *body, gsize alignment)
{
    (void)extend(body, alignment, 0);
}

void fleet_body_append_uint32(FleetBody *body, guint32 value)
{
    memcpy(extend(body, sizeof(value), sizeof(value)), &value, sizeof(value));
}

void fleet_body_append_boolean(FleetBody *body, gboolean value)
{
    fleet_body_append_uint32(body, value ? 1 : 0);
}

void fleet_body_append_uint64(FleetBody *body, guint64 value)
{
    memcpy(extend(body, sizeof(value), sizeof(value)), &value, sizeof(value));
}

void fleet_body_append_double(FleetBody *body, double value)
{
    memcpy(extend(body, sizeof(value), sizeof(value)), &value, sizeof(value));
}

void fleet_body_append_string_n(FleetBody *body, const char *value, gsize n)
{
    guint32 length = (guint32)n;
    guint8 *place = extend(body, sizeof(length), sizeof(length) + n + 1);

    memcpy(place, &length, sizeof(length));
    memcpy(place + sizeof(length), value, n);
    place[sizeof(length) + n] = '\0';
}

void fleet_body_append_string(FleetBody *body, const char *value)
{
    fleet_body_append_string_n(body, value, strlen(value));
}

void fleet_body_append_signature(FleetBody *body, const char *value)
{
    gsize n = strlen(value);
    guint8 *place = extend(body, 1, n + 2);

    place[0] = (guint8)n;
    memcpy(place + 1, value, n + 1);
}

void fleet_body_append_raw(FleetBody *body, gconstpointer data, gsize n)
{
    if (n > 0)
        memcpy(extend(body, 1, n), data, n);
}

gsize fleet_body_open_array(FleetBody *body, gsize alignment)
{
    guint8 *place = extend(body, sizeof(guint32), sizeof(guint32));
    gsize array = (gsize)(place - body->data);

    /* The padding before the first element is not part of the array's length, and is there even if the array is empty.
     */
    fleet_body_align(body, alignment);
    return array;
}

void fleet_body_close_array(FleetBody *body, gsize array, gsize alignment)
{
    gsize first = body->base + ((array - body->base + sizeof(guint32) + alignment - 1) & ~(alignment - 1));
    guint32 length = (guint32)(body->length - first);

    memcpy(body->data + array, &length, sizeof(length));
}

void fleet_body_append_strv(FleetBody *body, const char *const *values)
{
    gsize array = fleet_body_open_array(body, sizeof(guint32));

    for (; *values != NULL; values++)
        fleet_body_append_string(body, *values);
    fleet_body_close_array(body, array, sizeof(guint32));
}
