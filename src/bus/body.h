/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The body of a message, as it travels: values appended one after the other in the marshaling of the D-Bus
 * specification ("Marshaling (Wire Format)"), in the byte order of this machine. It costs a copy of the value and no
 * more; that the values make up the signature they are sent under is the caller's affair, and a test's.
 *
 * Strings must be valid UTF-8 without control over that here: what is in a FleetDevice or a FleetAction has been
 * checked.
 */

#include <glib.h>

typedef struct {
    guint8 *data; /* owned */
    gsize length; /* bytes */
    gsize size;   /* bytes that data has room for */
    gsize base;   /* where what is aligned begins; 0 but for a message behind others */
} FleetBody;

#define FLEET_BODY_INIT ((FleetBody){0})

void fleet_body_clear(FleetBody *body);

/* Takes all values out and keeps the memory. */
void fleet_body_reset(FleetBody *body);

/* Takes the first n bytes out. */
void fleet_body_drop(FleetBody *body, gsize n);

/* Zeros up to a multiple of so many bytes, a power of two, from the beginning. Structs and dictionary entries begin at
 * a multiple of 8. */
void fleet_body_align(FleetBody *body, gsize alignment);

void fleet_body_append_boolean(FleetBody *body, gboolean value);              /* b */
void fleet_body_append_uint32(FleetBody *body, guint32 value);                /* u */
void fleet_body_append_uint64(FleetBody *body, guint64 value);                /* t */
void fleet_body_append_double(FleetBody *body, double value);                 /* d */
void fleet_body_append_string(FleetBody *body, const char *value);            /* s, o */
void fleet_body_append_string_n(FleetBody *body, const char *value, gsize n); /* the same, of n bytes */
void fleet_body_append_signature(FleetBody *body, const char *value);         /* g; begins a variant, too */
void fleet_body_append_strv(FleetBody *body, const char *const *values);      /* as */

/* Bytes as they are, marshaled elsewhere at the same alignment. */
void fleet_body_append_raw(FleetBody *body, gconstpointer data, gsize n);

/* Begins an array whose elements are aligned to so many bytes; what is appended until _close_array() are its elements.
 */
gsize fleet_body_open_array(FleetBody *body, gsize alignment) G_GNUC_WARN_UNUSED_RESULT;

/* array: what _open_array() returned; alignment: what it was given. */
void fleet_body_close_array(FleetBody *body, gsize array, gsize alignment);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FleetBody, fleet_body_clear)
