/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/outbox.h"

#include "base/error.h"
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
    guint32 serial;  /* of the last message */
    gsize reply_max; /* bytes of a body */
    FleetBody bytes;
    gsize written; /* of these bytes */
};

FleetOutbox *fleet_outbox_new(sd_bus *bus, int fd, const char *sender, gsize reply_max)
{
    FleetOutbox *outbox = g_new0(FleetOutbox, 1);

    g_ref_count_init(&outbox->refs);
    outbox->bus = sd_bus_ref(bus);
    outbox->fd = fd;
    outbox->sender = sender;
    outbox->serial = SERIAL_LAST;
    outbox->reply_max = reply_max;
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

static gboolean is_awaited(const FleetOutbox *outbox, sd_bus_message *call)
{
    return is_open(outbox) && sd_bus_message_get_expect_reply(call) > 0;
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
    if (!is_awaited(outbox, call))
        return NULL;
    FleetFrame frame = begin_reply(outbox, call);
    frame.signature = *signature != '\0' ? signature : NULL;
    fleet_frame_begin(&outbox->bytes, &frame);
    return &outbox->bytes;
}

gsize fleet_outbox_room(const FleetOutbox *outbox)
{
    gsize length = fleet_frame_body_length(&outbox->bytes);

    return outbox->reply_max - MIN(length, outbox->reply_max);
}

void fleet_outbox_cancel_return(FleetOutbox *outbox)
{
    fleet_frame_cancel(&outbox->bytes);
}

void fleet_outbox_end_return(FleetOutbox *outbox, sd_bus_message *call)
{
    gsize length = fleet_frame_body_length(&outbox->bytes);

    if (length <= outbox->reply_max) {
        fleet_frame_end(&outbox->bytes);
        return;
    }
    /* A bus daemon would disconnect us for it. */
    g_autoptr(GError) error = g_error_new(FLEET_ERROR, FLEET_ERROR_LIMIT_EXCEEDED,
            "the reply would have %zu bytes, and %zu is the most on this connection; ask for less", length,
            outbox->reply_max);
    fleet_outbox_cancel_return(outbox);
    fleet_outbox_error(outbox, call, error);
}

void fleet_outbox_error(FleetOutbox *outbox, sd_bus_message *call, const GError *error)
{
    if (!is_awaited(outbox, call))
        return;
    g_autofree char *valid = g_utf8_make_valid(error->message, -1);
    FleetFrame frame = begin_reply(outbox, call);
    frame.error = error->domain == FLEET_ERROR ? fleet_error_name((FleetError)error->code) : SD_BUS_ERROR_FAILED;
    frame.signature = "s";
    fleet_frame_begin(&outbox->bytes, &frame);
    fleet_body_append_string(&outbox->bytes, valid);
    fleet_frame_end(&outbox->bytes);
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
