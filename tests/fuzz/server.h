/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * fleetd itself, in a thread of the target, with its private socket and an empty state directory.
 */

#include <glib.h>

/* Starts it if it does not run. An input finds an empty fleet, but for what is left of those before it since
 * fleet_fuzz_server_renew(). */
void fleet_fuzz_server_start(void);

/* Something has been changed. Once that was so often the server starts anew, on another state directory. */
void fleet_fuzz_server_was_changed(void);

/* A connection to its private socket. Owned by the caller. */
int fleet_fuzz_server_connect(void) G_GNUC_WARN_UNUSED_RESULT;

/* Whether enough was received. */
typedef gboolean (*FleetFuzzEnoughFunc)(GByteArray *received, gpointer user_data);

/* Writes bytes, and appends what comes back meanwhile. finish: says that nothing more will come, and reads on until the
 * other side closes. Else reads on until enough() says so, if that is not NULL. FALSE if the other side has closed. A
 * server that does neither is a finding. */
gboolean fleet_fuzz_server_exchange(int fd, const guint8 *bytes, gsize size, gboolean finish, GByteArray *received,
        FleetFuzzEnoughFunc enough, gpointer user_data);
