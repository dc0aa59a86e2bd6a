/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/outbox.h"

#include "bus/frame.h"

#include <errno.h>
#include <sys/socket.h>

/* sd-bus numbers its messages from 1 on; ours are numbered where it does not come to. */
#define SERIAL_FIRST 0x40000000u
#define SERIAL_LAST 0x7fffffffu

/* Memory that an idle connection keeps, bytes. */
#define KEPT_MAX 65536

struct FleetOutbox {
    grefcount refs;
    sd_bus *bus; /* a reference; NULL once closed */
    int fd;
    const char *sender;
    guint32 serial; /* of the last message */
    FleetBody bytes;
    gsize written; /* of these bytes */
};

FleetOutbox *fleet_outbox_new(sd_bus *bus, int fd, const char *sender)
{
    FleetOutbox *outbox = g_new0(FleetOutbox, 1);

    g_ref_count_init(&outbox->refs);
    outbox->bus = sd_bus_ref(bus);
    outbox->fd = fd;
    outbox->sender = sender;
    outbox->serial = SERIAL_LAST;
    return outbox;
}

FleetOutbox *fleet_outbox_ref(FleetOutbox *outbox)
{
    g_ref_count_inc(&outbox->refs);
    return outbox;
}

void fleet_outbox_unref(FleetOutbox *outbox)
{
    if (!g_ref_count_dec(&outbox->refs))
        return;
    fleet_outbox_close(outbox);
    g_free(outbox);
}

void fleet_outbox_close(FleetOutbox *outbox)
{
    outbox->bus = sd_bus_unref(outbox->bus);
    outbox->fd = -1;
    outbox->written = 0;
    fleet_body_clear(&outbox->bytes);
}

/* Before the greeting is over nobody listens, and nothing may be written. */
static gboolean is_open(const FleetOutbox *outbox)
{
    return outbox->bus != NULL && sd_bus_is_ready(outbox->bus) > 0;
}

static guint32 next_serial(FleetOutbox *outbox)
{
    outbox->serial = outbox->serial == SERIAL_LAST ? SERIAL_FIRST : outbox->serial + 1;
    return outbox->serial;
}

static FleetFrame begin_reply(FleetOutbox *outbox, sd_bus_message *call)
{
    guint64 cookie = 0;

    (void)sd_bus_message_get_cookie(call, &cookie); /* a message that came in has one */
    return (FleetFrame){.serial = next_serial(outbox),
            .reply_serial = (guint32)cookie,
            .destination = sd_bus_message_get_sender(call),
            .sender = outbox->sender};
}

FleetBody *fleet_outbox_begin_return(FleetOutbox *outbox, sd_bus_message *call, const char *signature)
{
    if (!is_open(outbox))
        return NULL;
    FleetFrame frame = begin_reply(outbox, call);
    frame.signature = *signature != '\0' ? signature : NULL;
    fleet_frame_begin(&outbox->bytes, &frame);
    return &outbox->bytes;
}

void fleet_outbox_end_return(FleetOutbox *outbox)
{
    fleet_frame_end(&outbox->bytes);
}

void fleet_outbox_return(FleetOutbox *outbox, sd_bus_message *call, const char *signature, const FleetBody *body)
{
    FleetBody *results = fleet_outbox_begin_return(outbox, call, signature);

    if (results == NULL)
        return;
    if (body != NULL)
        fleet_body_append_raw(results, body->data, body->length);
    fleet_outbox_end_return(outbox);
}

void fleet_outbox_error(FleetOutbox *outbox, sd_bus_message *call, const char *name, const char *message)
{
    g_auto(FleetBody) body = FLEET_BODY_INIT;

    if (!is_open(outbox))
        return;
    FleetFrame frame = begin_reply(outbox, call);
    frame.error = name;
    frame.signature = "s";
    fleet_body_append_string(&body, message);
    fleet_frame_append(&outbox->bytes, &frame, &body);
}

void fleet_outbox_signal(FleetOutbox *outbox, const char *path, const char *interface, const char *member,
        const char *signature, const FleetBody *body)
{
    if (!is_open(outbox))
        return;
    const FleetFrame frame = {.serial = next_serial(outbox),
            .sender = outbox->sender,
            .path = path,
            .interface = interface,
            .member = member,
            .signature = signature};
    fleet_frame_append(&outbox->bytes, &frame, body);
}

static void forget_written(FleetOutbox *outbox)
{
    outbox->written = 0;
    if (outbox->bytes.size > KEPT_MAX)
        fleet_body_clear(&outbox->bytes);
    else
        fleet_body_reset(&outbox->bytes);
}

/* What is written leaves memory once it is more than what is not, so that no byte is moved more than once. */
static void compact(FleetOutbox *outbox)
{
    if (outbox->written <= outbox->bytes.length / 2)
        return;
    fleet_body_drop(&outbox->bytes, outbox->written);
    outbox->written = 0;
}

gboolean fleet_outbox_flush(FleetOutbox *outbox)
{
    guint64 queued;

    if (outbox->written == outbox->bytes.length)
        return TRUE;
    if (!is_open(outbox)) {
        /* sd-bus may have closed the file descriptor, which may be another's by now. */
        forget_written(outbox);
        return TRUE;
    }
    if (sd_bus_get_n_queued_write(outbox->bus, &queued) >= 0 && queued > 0)
        return FALSE;
    while (outbox->written < outbox->bytes.length) {
        ssize_t n = send(outbox->fd, outbox->bytes.data + outbox->written, outbox->bytes.length - outbox->written,
                MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n >= 0)
            outbox->written += (gsize)n;
        else if (errno == EAGAIN) {
            compact(outbox);
            return FALSE;
        } else if (errno != EINTR)
            break;
    }
    forget_written(outbox);
    return TRUE;
}

gsize fleet_outbox_waiting(const FleetOutbox *outbox)
{
    return outbox->bytes.length - outbox->written;
}
