/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/frame.h"

#include <string.h>

enum { METHOD_RETURN = 2, ERROR = 3, SIGNAL = 4 };

enum {
    FIELD_PATH = 1,
    FIELD_INTERFACE = 2,
    FIELD_MEMBER = 3,
    FIELD_ERROR_NAME = 4,
    FIELD_REPLY_SERIAL = 5,
    FIELD_DESTINATION = 6,
    FIELD_SENDER = 7,
    FIELD_SIGNATURE = 8,
};

#define NO_REPLY_EXPECTED 0x1
#define PROTOCOL_VERSION 1

/* The fixed part of the header, before the array of fields. */
typedef struct {
    guint8 byte_order, type, flags, version;
    guint32 body_length, serial, fields_length;
} Fixed;
G_STATIC_ASSERT(sizeof(Fixed) == 16);

/* (yv): the code, and the variant's signature, which is one letter. */
static void begin_field(FleetBody *header, guint8 code, char type)
{
    const guint8 begin[] = {code, 1, (guint8)type, 0};

    fleet_body_align(header, 8);
    fleet_body_append_raw(header, begin, sizeof(begin));
}

static void append_text(FleetBody *header, guint8 code, char type, const char *value)
{
    if (value == NULL)
        return;
    begin_field(header, code, type);
    if (type == 'g')
        fleet_body_append_signature(header, value);
    else
        fleet_body_append_string(header, value);
}

static void append_fields(FleetBody *header, const FleetFrame *frame)
{
    append_text(header, FIELD_PATH, 'o', frame->path);
    append_text(header, FIELD_INTERFACE, 's', frame->interface);
    append_text(header, FIELD_MEMBER, 's', frame->member);
    append_text(header, FIELD_ERROR_NAME, 's', frame->error);
    if (frame->reply_serial != 0) {
        begin_field(header, FIELD_REPLY_SERIAL, 'u');
        fleet_body_append_uint32(header, frame->reply_serial);
    }
    append_text(header, FIELD_DESTINATION, 's', frame->destination);
    append_text(header, FIELD_SENDER, 's', frame->sender);
    append_text(header, FIELD_SIGNATURE, 'g', frame->signature);
}

static guint8 type_of(const FleetFrame *frame)
{
    if (frame->member != NULL)
        return SIGNAL;
    return frame->error != NULL ? ERROR : METHOD_RETURN;
}

void fleet_frame_begin(FleetBody *output, const FleetFrame *frame)
{
    Fixed fixed = {.byte_order = G_BYTE_ORDER == G_LITTLE_ENDIAN ? 'l' : 'B',
            .type = type_of(frame),
            .flags = NO_REPLY_EXPECTED,
            .version = PROTOCOL_VERSION,
            .serial = frame->serial};

    output->base = output->length;
    fleet_body_append_raw(output, &fixed, sizeof(fixed));
    append_fields(output, frame);
    fixed.fields_length = (guint32)(output->length - output->base - sizeof(fixed));
    memcpy(output->data + output->base, &fixed, sizeof(fixed));
    fleet_body_align(output, 8);
}

static Fixed read_fixed(const FleetBody *output)
{
    Fixed fixed;

    memcpy(&fixed, output->data + output->base, sizeof(fixed));
    return fixed;
}

gsize fleet_frame_body_length(const FleetBody *output)
{
    const Fixed fixed = read_fixed(output);

    return output->length - output->base - sizeof(fixed) - (fixed.fields_length + 7) / 8 * 8;
}

void fleet_frame_end(FleetBody *output)
{
    Fixed fixed = read_fixed(output);

    fixed.body_length = (guint32)fleet_frame_body_length(output);
    memcpy(output->data + output->base, &fixed, sizeof(fixed));
    output->base = 0;
}

void fleet_frame_cancel(FleetBody *output)
{
    output->length = output->base;
    output->base = 0;
}

void fleet_frame_append(FleetBody *output, const FleetFrame *frame, const FleetBody *body)
{
    fleet_frame_begin(output, frame);
    if (body != NULL)
        fleet_body_append_raw(output, body->data, body->length);
    fleet_frame_end(output);
}
