/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/file.h"

#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define PIECE_SIZE ((gsize)1024 * 1024) /* bytes read and written at a time */

static gboolean write_all(int fd, const guint8 *data, gsize length, off_t offset)
{
    while (length > 0) {
        gssize n = pwrite(fd, data, length, offset);

        if (n < 0)
            return FALSE;
        data += n;
        length -= (gsize)n;
        offset += n;
    }
    return TRUE;
}

static gboolean copy_onto_itself(int fd)
{
    g_autofree guint8 *piece = g_malloc(PIECE_SIZE);
    off_t offset = 0;
    gssize n;

    while ((n = pread(fd, piece, PIECE_SIZE, offset)) > 0) {
        if (!write_all(fd, piece, (gsize)n, offset))
            return FALSE;
        offset += n;
    }
    return n == 0;
}

gboolean fleet_file_write_again(const char *path, GError **error)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    int saved_errno = fd < 0 || !copy_onto_itself(fd) || fsync(fd) < 0 ? errno : 0;

    if (fd >= 0)
        close(fd);
    if (saved_errno == 0 || saved_errno == ENOENT)
        return TRUE;
    g_set_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DATABASE,
            "'%s' cannot be written to disk (%s); check its disk", path, g_strerror(saved_errno));
    return FALSE;
}
