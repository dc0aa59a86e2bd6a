/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/intake.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A line of the greeting, bytes. libdbus allows 16 KiB, but says less than 100. */
#define LINE_MAX_BYTES 1024

/* The fixed part of a message's header ("Message Format" in the D-Bus specification). */
#define HEADER_BYTES 16

typedef enum {
    GREETING,
    BEGUN, /* BEGIN is in the pipe */
    MESSAGES,
} Phase;

struct FleetIntake {
    FleetRoom *room;
    FleetRoomClaim claim;
    FleetIntakeGrantedFunc granted;
    gpointer user_data;
    int socket; /* borrowed */
    int pipe;   /* the end to write to */
    Phase phase;
    guint8 *tail; /* read and not passed on yet; NULL = nothing */
    gsize tail_size;
    gsize passable;   /* bytes of the tail that may be passed on without another look */
    gboolean claimed; /* room for a large message of which nothing is passed on yet */
    gsize large;      /* bytes of a large message that are still to come after that */
    char hex_uid[24];
};

static void room_granted(FleetRoomClaim *claim)
{
    FleetIntake *intake = claim->data;

    intake->granted(intake->user_data);
}

FleetIntake *fleet_intake_new(
        FleetRoom *room, int socket, uid_t uid, FleetIntakeGrantedFunc granted, gpointer user_data, int *output)
{
    char decimal[12];
    int fds[2];

    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return NULL;
    FleetIntake *intake = g_new0(FleetIntake, 1);
    intake->room = room;
    intake->claim = (FleetRoomClaim){.uid = uid, .granted = room_granted, .data = intake};
    intake->granted = granted;
    intake->user_data = user_data;
    intake->socket = socket;
    intake->pipe = fds[1];
    g_snprintf(decimal, sizeof(decimal), "%u", (guint)uid);
    for (guint i = 0; decimal[i] != '\0'; i++)
        g_snprintf(intake->hex_uid + 2 * i, 3, "%02x", (guint)decimal[i]);
    *output = fds[0];
    return intake;
}

void fleet_intake_free(FleetIntake *intake)
{
    fleet_room_release(intake->room, &intake->claim);
    close(intake->pipe);
    g_free(intake->tail);
    g_free(intake);
}

static gboolean begins_with(const guint8 *line, gsize length, const char *word)
{
    return length >= strlen(word) && memcmp(line, word, strlen(word)) == 0;
}

/* Makes sd-bus refuse whoever is not who the kernel says, by spoiling what follows the command. */
static void check_line(const FleetIntake *intake, guint8 *line, gsize length)
{
    const gsize data = strlen("DATA "), mechanism = strlen("AUTH "), external = strlen("AUTH EXTERNAL ");
    const gsize uid = strlen(intake->hex_uid);
    gsize identity;

    if (begins_with(line, length, "DATA "))
        identity = data;
    else if (begins_with(line, length, "AUTH EXTERNAL "))
        identity = external;
    else {
        gboolean plain = length == external - 1 && begins_with(line, length, "AUTH EXTERNAL");
        if (begins_with(line, length, "AUTH ") && !plain)
            memset(line + mechanism, '-', length - mechanism);
        return;
    }
    if (length - identity != uid || g_ascii_strncasecmp((const char *)line + identity, intake->hex_uid, uid) != 0)
        memset(line + identity, '-', length - identity);
}

/* How much of the greeting may be passed on: whole lines, up to BEGIN. */
static gssize look_at_greeting(FleetIntake *intake, guint8 *bytes, gsize size)
{
    gsize passable = 0;

    while (intake->phase == GREETING) {
        /* A zero byte goes before the first line; one before any other makes a line that no server knows. */
        gsize start = passable + (passable < size && bytes[passable] == '\0' ? 1 : 0);
        const guint8 *end = memmem(bytes + start, size - start, "\r\n", 2);

        if (end == NULL)
            return size - passable > LINE_MAX_BYTES ? -EBADMSG : (gssize)passable;
        gsize length = (gsize)(end - bytes) - start;
        if (length > LINE_MAX_BYTES)
            return -EBADMSG;
        check_line(intake, bytes + start, length);
        if (length == strlen("BEGIN") && begins_with(bytes + start, length, "BEGIN"))
            intake->phase = BEGUN;
        passable = start + length + 2;
    }
    return (gssize)passable;
}

static guint32 read_uint32(const guint8 *bytes, gboolean big_endian)
{
    guint32 value;

    memcpy(&value, bytes, sizeof(value));
    return big_endian ? GUINT32_FROM_BE(value) : GUINT32_FROM_LE(value);
}

/* The size of the message that begins with this header; 0 if it is none. */
static guint64 message_size(const guint8 *header)
{
    if (header[0] != 'l' && header[0] != 'B')
        return 0;
    gboolean big_endian = header[0] == 'B';
    guint64 body = read_uint32(header + 4, big_endian), fields = read_uint32(header + 12, big_endian);

    return HEADER_BYTES + (fields + 7) / 8 * 8 + body;
}

/* Whether there is room for a large message. */
static gboolean has_claimed(FleetIntake *intake, gsize size)
{
    if (intake->claimed)
        return !intake->claim.waiting;
    intake->claimed = TRUE;
    return fleet_room_claim(intake->room, &intake->claim, size);
}

/* How much may be passed on, from the beginning of a message: whole ones, or a large one that has its room. */
static gssize look_at_messages(FleetIntake *intake, const guint8 *bytes, gsize size, int *messages)
{
    gsize passable = 0;

    while (size - passable >= HEADER_BYTES) {
        guint64 message = message_size(bytes + passable);

        if (message == 0)
            return -EBADMSG;
        if (message > FLEET_INTAKE_MESSAGE_MAX)
            return -EMSGSIZE;
        if (message > FLEET_INTAKE_WINDOW) {
            /* What comes before it goes first: its room may have to be waited for. */
            if (passable > 0 || !has_claimed(intake, message))
                break;
            intake->claimed = FALSE;
            intake->large = message - size;
            *messages = G_MAXINT;
            return (gssize)size;
        }
        if (message > size - passable)
            break;
        passable += message;
        ++*messages;
    }
    return (gssize)passable;
}

static gssize look_at(FleetIntake *intake, guint8 *bytes, gsize size, int *messages)
{
    if (intake->passable > 0 || intake->large > 0) {
        /* Parts of what has been looked at. */
        gsize large = MIN(intake->large, size - MIN(size, intake->passable));
        gsize passable = intake->passable + large;

        intake->large -= large;
        intake->passable = 0;
        *messages = G_MAXINT;
        return (gssize)passable;
    }
    if (intake->phase == MESSAGES)
        return fleet_intake_waits(intake) || fleet_intake_holds(intake)
                       ? 0
                       : look_at_messages(intake, bytes, size, messages);
    *messages = G_MAXINT;
    return look_at_greeting(intake, bytes, size);
}

static void keep(FleetIntake *intake, const guint8 *bytes, gsize size)
{
    intake->tail = size > 0 ? g_memdup2(bytes, size) : NULL;
    intake->tail_size = size;
}

/* Takes more from the socket, behind what is left of the last time. How much there is in all; *r is 0, or why there
 * will be no more. */
static gsize receive(FleetIntake *intake, guint8 *bytes, int *r)
{
    gsize size = intake->tail_size;

    *r = 0;
    if (size > 0)
        memcpy(bytes, intake->tail, size);
    g_clear_pointer(&intake->tail, g_free);
    intake->tail_size = 0;
    if (size == FLEET_INTAKE_WINDOW)
        return size;
    ssize_t n = recv(intake->socket, bytes + size, FLEET_INTAKE_WINDOW - size, MSG_DONTWAIT);
    if (n > 0)
        return size + (gsize)n;
    if (n == 0)
        *r = -ECONNRESET;
    else if (errno != EAGAIN && errno != EINTR)
        *r = -errno;
    return size;
}

int fleet_intake_feed(FleetIntake *intake)
{
    /* Only the main loop's thread is here, and it leaves nothing in it. */
    static guint8 bytes[FLEET_INTAKE_WINDOW];
    int messages = 0, r;
    gsize size = receive(intake, bytes, &r);

    if (size == 0)
        return r;
    gssize passable = look_at(intake, bytes, size, &messages);
    if (passable <= 0) {
        keep(intake, bytes, size);
        return passable < 0 ? (int)passable : r;
    }
    gssize passed = write(intake->pipe, bytes, (gsize)passable);
    if (passed < 0)
        return -errno;
    if (passed < passable) {
        /* The kernel gives large pipes to few: what is left goes next time. */
        intake->passable = (gsize)(passable - passed);
        messages = G_MAXINT;
    }
    keep(intake, bytes + passed, size - (gsize)passed);
    return messages;
}

gboolean fleet_intake_has_begun(const FleetIntake *intake)
{
    return intake->phase == BEGUN && intake->passable == 0;
}

void fleet_intake_open(FleetIntake *intake)
{
    intake->phase = MESSAGES;
}

gboolean fleet_intake_has_more(const FleetIntake *intake)
{
    return intake->passable > 0;
}

gboolean fleet_intake_is_midway(const FleetIntake *intake)
{
    return intake->large > 0 || (intake->tail_size > 0 && !fleet_intake_waits(intake));
}

gboolean fleet_intake_waits(const FleetIntake *intake)
{
    return intake->claim.waiting;
}

gboolean fleet_intake_holds(const FleetIntake *intake)
{
    return intake->claim.size > 0 && !intake->claimed && intake->large == 0 && intake->passable == 0;
}

void fleet_intake_release(FleetIntake *intake)
{
    fleet_room_release(intake->room, &intake->claim);
}
