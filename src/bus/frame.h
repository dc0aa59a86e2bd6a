/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whole messages, appended to what is to be written: the header of the D-Bus specification ("Header Fields"), then a
 * body. A message begins wherever the one before it ended.
 */

#include "bus/body.h"

/* What the header tells; NULL or 0 is left out. */
typedef struct {
    guint32 serial;       /* not 0 */
    guint32 reply_serial; /* of the call that is answered */
    const char *destination;
    const char *sender;
    const char *path; /* of a signal, as are the two that follow */
    const char *interface;
    const char *member;
    const char *error;     /* the name of an error that is answered */
    const char *signature; /* of the body; NULL = there is none */
} FleetFrame;

/* Begins a signal if there is a member, an error if there is an error's name, else a method's return. Nothing is asked
 * of the receiver. What is appended to the output until _end() is its body. */
void fleet_frame_begin(FleetBody *output, const FleetFrame *frame);
void fleet_frame_end(FleetBody *output);

/* How many bytes the body has that has begun. */
gsize fleet_frame_body_length(const FleetBody *output);

/* Takes the message that has begun back. */
void fleet_frame_cancel(FleetBody *output);

/* The same at once, with a body that was made elsewhere; it may be NULL. */
void fleet_frame_append(FleetBody *output, const FleetFrame *frame, const FleetBody *body);
