/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes on the private socket, before or after the handshake. Whatever they are, fleetd closes the connection once
 * they have ended, and goes on serving others.
 */

#include "fuzz.h"
#include "server.h"

#include <unistd.h>

static const char handshake[] = "\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n";

#define AFTER_HANDSHAKE 1 /* in the first byte */
#define IN_PIECES 2       /* likewise; the rest of it is about how long they are */

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GByteArray) received = g_byte_array_new();
    gboolean open = TRUE;

    if (size == 0)
        return 0;
    guint8 how = *data++;
    size--;
    fleet_fuzz_server_start();
    int fd = fleet_fuzz_server_connect();
    if ((how & AFTER_HANDSHAKE) != 0)
        (void)fleet_fuzz_server_exchange(
                fd, (const guint8 *)handshake, sizeof(handshake) - 1, size == 0, received, NULL, NULL);
    gsize piece = (how & IN_PIECES) != 0 ? (gsize)(how >> 2) + 1 : size;
    while (size > 0 && open) {
        gsize n = MIN(piece, size);
        open = fleet_fuzz_server_exchange(fd, data, n, n == size, received, NULL, NULL);
        data += n;
        size -= n;
    }
    close(fd);
    fleet_fuzz_server_was_changed();
    return 0;
}
