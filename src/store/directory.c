/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/directory.h"

#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

gboolean fleet_directory_sync(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int saved_errno = fd < 0 || fsync(fd) < 0 ? errno : 0;

    if (fd >= 0)
        close(fd);
    if (saved_errno == 0)
        return TRUE;
    g_set_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DIRECTORY,
            "cannot write directory '%s' to disk (%s); check its file system", path, g_strerror(saved_errno));
    return FALSE;
}

static gboolean make(const char *path, mode_t mode, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(path);
    gboolean made = mkdir(path, mode) == 0;

    if (!made && errno == ENOENT && !g_str_equal(parent, path)) {
        if (!make(parent, 0755, error))
            return FALSE;
        made = mkdir(path, mode) == 0;
    }
    if (made)
        return fleet_directory_sync(parent, error);
    if (errno == EEXIST)
        return TRUE;
    g_set_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DIRECTORY,
            "cannot make directory '%s' (%s); make it by hand or use another --state-directory", path,
            g_strerror(errno));
    return FALSE;
}

gboolean fleet_directory_make(const char *path, GError **error)
{
    struct stat st;

    if (!make(path, 0750, error))
        return FALSE;
    if (stat(path, &st) == 0) {
        if (!S_ISDIR(st.st_mode))
            errno = ENOTDIR;
        else if (faccessat(AT_FDCWD, path, R_OK | W_OK | X_OK, AT_EACCESS) == 0)
            return TRUE;
    }
    g_set_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DIRECTORY,
            "state directory '%s' cannot be used (%s); make it a directory that user %u may write, or use another "
            "--state-directory",
            path, g_strerror(errno), geteuid());
    return FALSE;
}
