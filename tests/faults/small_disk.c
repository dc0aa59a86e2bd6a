/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "small_disk.h"

#include "lib/fleet_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

static gboolean mount_at(const char *path, guint kib)
{
    g_autofree char *options = g_strdup_printf("size=%uk,nr_inodes=200,mode=0755", kib);

    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("fleet-test", path, "tmpfs", 0, options) == 0;
}

gboolean fleet_test_small_disk_possible(void)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0)
        _exit(mount_at("/tmp", 64) ? 0 : 1);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

char *fleet_test_small_disk_new(guint kib)
{
    char *path = fleet_test_directory_new();

    if (!mount_at(path, kib))
        fleet_test_fail("cannot mount a tmpfs: %m");
    return path;
}

void fleet_test_small_disk_fill(const char *disk, guint left)
{
    g_autofree char *path = g_build_filename(disk, "filler", NULL);
    struct statvfs room;
    int r = ENOSPC;

    /* Who else writes there may take the room away meanwhile. */
    g_autofree char *files = g_build_filename(disk, "files", NULL);
    fleet_test_remove(files);
    while (r == ENOSPC) {
        (void)unlink(path);
        ck_assert_int_eq(statvfs(disk, &room), 0);
        gint64 size = (gint64)room.f_bavail * (gint64)room.f_bsize - (gint64)left * 1024;
        if (size <= 0)
            return;
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        ck_assert_int_ge(fd, 0);
        r = posix_fallocate(fd, 0, size);
        close(fd);
    }
    if (r != 0)
        fleet_test_fail("cannot fill %s: %s", disk, g_strerror(r));
}

void fleet_test_small_disk_fill_inodes(const char *disk)
{
    g_autofree char *directory = g_build_filename(disk, "files", NULL);
    gboolean made = mkdir(directory, 0700) == 0;

    for (guint i = 0; made; i++) {
        g_autofree char *path = g_strdup_printf("%s/%u", directory, i);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        made = fd >= 0;
        if (made)
            close(fd);
    }
    ck_assert_int_eq(errno, ENOSPC);
}

gboolean fleet_test_small_disk_set_writable(const char *disk, gboolean writable)
{
    /* Of the mount, not of the file system: that waits until nobody has a file open for writing. */
    if (mount(NULL, disk, NULL, MS_REMOUNT | MS_BIND | (writable ? 0 : MS_RDONLY), NULL) == 0)
        return TRUE;
    return errno == EBUSY ? FALSE : (fleet_test_fail("cannot remount %s: %m", disk), FALSE);
}
