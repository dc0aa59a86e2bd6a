/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What comes in from a peer, before sd-bus sees it. sd-bus as a server would allocate whatever a message's header
 * announces, up to 128 MiB, for anybody, and does not tell how far it has come. So it does not read the socket: it
 * reads a pipe, into which only what may be read is put: the lines of the greeting up to BEGIN, then messages, small
 * ones only when they are there whole, large ones once there is room for them.
 *
 * The greeting itself is sd-bus's ("Authentication Protocol" in the D-Bus specification). Since it cannot see through
 * the pipe whose socket it is, it is told to believe everybody; only the mechanism EXTERNAL, and with it only the
 * identity that the kernel knows the peer by, is let through to it.
 */

#include "bus/room.h"

#include <glib.h>
#include <sys/types.h>

/* The largest message that a peer may send, bytes: enough for RegisterDevices of FLEET_BATCH_MAX devices with the
 * longest names. */
#define FLEET_INTAKE_MESSAGE_MAX ((gsize)16 * 1024 * 1024)

/* So much is read at once, bytes, and a peer that sends a part of a small message costs no more. */
#define FLEET_INTAKE_WINDOW ((gsize)64 * 1024)

typedef struct FleetIntake FleetIntake;

/* There is room for a large message that waited. */
typedef void (*FleetIntakeGrantedFunc)(gpointer user_data);

/* For a socket (borrowed) whose other end is that user. The end of the pipe to read from is handed over in *output.
 * NULL if there can be no pipe; errno says why. */
FleetIntake *fleet_intake_new(FleetRoom *room, int socket, uid_t uid, FleetIntakeGrantedFunc granted,
        gpointer user_data, int *output) G_GNUC_WARN_UNUSED_RESULT;
void fleet_intake_free(FleetIntake *intake);

/*
 * Takes what the peer has sent and puts into the pipe, which must be empty, what may be read. Returns how many whole
 * messages that was, or, during the greeting and for parts of a large message, G_MAXINT; 0 if there is nothing for now.
 * Negative errno: ECONNRESET, the peer has closed; EBADMSG, it does not speak D-Bus; EMSGSIZE, it announces a message
 * larger than FLEET_INTAKE_MESSAGE_MAX.
 */
int fleet_intake_feed(FleetIntake *intake);

/* The greeting has been read up to BEGIN, beyond which nothing goes before fleet_intake_open(). */
gboolean fleet_intake_has_begun(const FleetIntake *intake);

/* From here on the peer sends messages. */
void fleet_intake_open(FleetIntake *intake);

/* Whether the next feed has something even if the socket has not. */
gboolean fleet_intake_has_more(const FleetIntake *intake);

/* Whether a message has begun to come in and has not ended. */
gboolean fleet_intake_is_midway(const FleetIntake *intake);

/* Whether a large message waits for room: until it is granted nothing can be read. */
gboolean fleet_intake_waits(const FleetIntake *intake);

/* Whether a large message has come in and its room is still claimed. */
gboolean fleet_intake_holds(const FleetIntake *intake);

/* Gives back the room of a large message that is answered. */
void fleet_intake_release(FleetIntake *intake);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetIntake, fleet_intake_free)
