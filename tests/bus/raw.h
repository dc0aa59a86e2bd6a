/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A D-Bus client that writes its bytes itself, so that it can write what no library would.
 */

#include <gio/gio.h>

typedef struct FleetTestRaw FleetTestRaw;

/* Connects to a socket, and says nothing yet. Owned by the caller. */
FleetTestRaw *fleet_test_raw_new(const char *socket_path) G_GNUC_WARN_UNUSED_RESULT;
void fleet_test_raw_free(FleetTestRaw *raw);

/* Authenticates as the check's own user (EXTERNAL), up to the server's OK. BEGIN is still to be sent. */
void fleet_test_raw_authenticate(FleetTestRaw *raw);

/* The same, and BEGIN. Afterwards messages can be sent. */
void fleet_test_raw_begin(FleetTestRaw *raw);

/* Writes bytes as they are. Not an error if the other side has closed. */
void fleet_test_raw_send(FleetTestRaw *raw, const void *data, gsize size);

/* Writes bytes if the other side takes some within that many seconds. FALSE if it does not; then nothing was written.
 * What it begins to take is written whole. */
gboolean fleet_test_raw_try_send(FleetTestRaw *raw, const void *data, gsize size, double seconds);

/* Says that nothing more will come; what the other side sends can still be read. */
void fleet_test_raw_end(FleetTestRaw *raw);

/* Waits for the next message. NULL if the other side closes the connection instead. Owned by the caller. */
GDBusMessage *fleet_test_raw_receive(FleetTestRaw *raw) G_GNUC_WARN_UNUSED_RESULT;

/* Waits until the other side closes the connection; messages that come before are ignored. */
void fleet_test_raw_wait_closed(FleetTestRaw *raw);

/* The same; what came before, as text. Owned by the caller. */
char *fleet_test_raw_receive_all(FleetTestRaw *raw) G_GNUC_WARN_UNUSED_RESULT;

/* The bytes of a call of a method of org.fleet.Manager, with serial 1 or more. Arguments (floating) are taken. Owned by
 * the caller. */
GByteArray *fleet_test_raw_call(guint32 serial, const char *method, GVariant *arguments) G_GNUC_WARN_UNUSED_RESULT;

/* Overwrites a part of the bytes that must be there, once, with others of the same length. */
void fleet_test_raw_replace(GByteArray *bytes, const char *part, const char *by);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetTestRaw, fleet_test_raw_free)
