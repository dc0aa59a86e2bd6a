/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The private socket where the service manager has made it and passes it (sd_listen_fds(3)).
 */

#include <glib.h>

/* Takes what was passed: *fd is the socket, the caller's, or -1 if there is none. Programs that are started later do
 * not get it. INVALID_ARGUMENT if it is more than one, or has another name than "private". */
gboolean fleet_passed_socket_take(int *fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether there is one to be taken. */
gboolean fleet_passed_socket_exists(void);
