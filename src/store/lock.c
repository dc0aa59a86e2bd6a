/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/lock.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct FleetLock {
    int fd;
    char *path;
    gboolean held_in_this_boot;
};

/* The process that is in the way, as the kernel knows it; else as the file has it, for a holder in another pid
 * namespace is 0 to the kernel. 0 if it is gone meanwhile. */
static pid_t find_holder(int fd)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char text[32] = "";

    if (fcntl(fd, F_GETLK, &range) == 0) {
        if (range.l_type == F_UNLCK)
            return 0;
        if (range.l_pid > 0)
            return range.l_pid;
    }
    if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
        return -1;
    return (pid_t)strtol(text, NULL, 10);
}

static gboolean lock_file(int fd, const char *directory, GError **error)
{
    const struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    pid_t holder = 0;

    /* A holder that is gone when we ask for it left the lock free. */
    while (holder == 0) {
        if (fcntl(fd, F_SETLK, &range) == 0)
            return TRUE;
        if (errno != EAGAIN && errno != EACCES) {
            g_set_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DIRECTORY,
                    "cannot lock '%s/lock' (%s); use a --state-directory on a file system that has locks", directory,
                    g_strerror(errno));
            return FALSE;
        }
        holder = find_holder(fd);
    }
    if (holder > 0)
        g_set_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_LOCKED,
                "state directory '%s' is in use by process %d; stop that instance or use another --state-directory",
                directory, (int)holder);
    else
        g_set_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_LOCKED,
                "state directory '%s' is in use by another process; stop that instance or use another "
                "--state-directory",
                directory);
    return FALSE;
}

/* The second line of the file is the boot. */
static gboolean was_written_in_this_boot(int fd)
{
    char text[64] = "";
    const char *boot;

    if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
        return FALSE;
    boot = strchr(text, '\n');
    return boot != NULL && fleet_clock_boot() != 0 && g_ascii_strtoull(boot + 1, NULL, 16) == fleet_clock_boot();
}

/* For people, for find_holder() and for the next start; the lock holds without it, so a full disk does not matter here.
 */
static void write_holder(const FleetLock *lock, gboolean with_boot)
{
    char text[64];
    int length = g_snprintf(text, sizeof(text), "%d\n", (int)getpid());

    if (with_boot)
        length += g_snprintf(
                text + length, sizeof(text) - (gsize)length, "%016" G_GINT64_MODIFIER "x\n", fleet_clock_boot());
    if (ftruncate(lock->fd, 0) < 0 || pwrite(lock->fd, text, (gsize)length, 0) != length)
        fleet_log_warning("cannot write the process id to '%s': %s", lock->path, g_strerror(errno));
}

FleetLock *fleet_lock_take(const char *directory, GError **error)
{
    g_autofree char *path = g_build_filename(directory, "lock", NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0) {
        g_set_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DIRECTORY,
                "cannot open '%s' (%s); make state directory '%s' writable or use another --state-directory", path,
                g_strerror(errno), directory);
        return NULL;
    }
    if (!lock_file(fd, directory, error)) {
        close(fd);
        return NULL;
    }

    FleetLock *lock = g_new0(FleetLock, 1);
    lock->fd = fd;
    lock->path = g_steal_pointer(&path);
    lock->held_in_this_boot = was_written_in_this_boot(fd);
    write_holder(lock, lock->held_in_this_boot);
    return lock;
}

gboolean fleet_lock_was_held_in_this_boot(const FleetLock *lock)
{
    return lock->held_in_this_boot;
}

void fleet_lock_note_boot(FleetLock *lock)
{
    if (!lock->held_in_this_boot)
        write_holder(lock, TRUE);
}

void fleet_lock_free(FleetLock *lock)
{
    close(lock->fd);
    g_free(lock->path);
    g_free(lock);
}
