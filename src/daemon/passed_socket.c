/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/passed_socket.h"

#include "base/error.h"

#include <stdlib.h>
#include <systemd/sd-daemon.h>

#define NAME "private"

gboolean fleet_passed_socket_take(int *fd, GError **error)
{
    char **names = NULL;
    int n = sd_listen_fds_with_names(TRUE, &names);

    *fd = -1;
    if (n < 0)
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                "what sockets the service manager passes cannot be read: %s", g_strerror(-n));
    else if (n > 1)
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                "the service manager passes %d sockets; fleetd takes one, use one ListenStream= only", n);
    else if (n == 1 && !g_str_equal(names[0], NAME))
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                "the service manager passes a socket by the name '%s'; fleetd knows '" NAME
                "', use FileDescriptorName=" NAME,
                names[0]);
    else if (n == 1)
        *fd = SD_LISTEN_FDS_START;
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
    return n <= 0 ? n == 0 : *fd >= 0;
}

gboolean fleet_passed_socket_exists(void)
{
    return sd_listen_fds(FALSE) > 0;
}
