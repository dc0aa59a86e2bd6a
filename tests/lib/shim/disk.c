/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Preloaded into fleetd, this library writes down all that happens to the files of one directory, and fails the calls
 * that a rule names. See lib/disk.h. The program's own calls all come through here; nothing of it knows.
 */

/* The names of glibc as they are, one for each width of off_t. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE

#include "disk_trace.h"

#include "../disk_kinds.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define FDS_MAX 1024

/* What a descriptor leads to; file = 0: nothing of ours. */
typedef struct {
    uint32_t file; /* FleetTestDiskFile */
    uint64_t inode;
} Descriptor;

static Descriptor descriptors[FDS_MAX];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* the trace has the order in which things happened */
static const char *directory;
static DiskRule *rule;
static int trace = -1;

static int (*real_open)(const char *path, int flags, ...);
static int (*real_close)(int fd);
static ssize_t (*real_pread)(int fd, void *buffer, size_t size, off64_t offset);
static ssize_t (*real_pwrite)(int fd, const void *buffer, size_t size, off64_t offset);
static ssize_t (*real_write)(int fd, const void *buffer, size_t size);
static int (*real_ftruncate)(int fd, off64_t length);
static int (*real_fsync)(int fd);
static int (*real_fdatasync)(int fd);
static int (*real_unlink)(const char *path);
static int (*real_rename)(const char *from, const char *to);
static int (*real_renameat2)(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);

static void find(void *function, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (found == NULL)
        abort();
    memcpy(function, &found, sizeof(found));
}

/* A kill may have torn the last record of the process before. */
static void mend_trace(const char *path)
{
    int fd = real_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    off64_t end = 0, size = fd >= 0 ? lseek64(fd, 0, SEEK_END) : -1;
    DiskRecord entry;

    while (end < size && real_pread(fd, &entry, sizeof(entry), end) == sizeof(entry)) {
        off64_t next = end + (off64_t)sizeof(entry) + (entry.kind == DISK_WRITE ? entry.length : 0);

        if (next > size)
            break;
        end = next;
    }
    if (size < 0 || (end < size && real_ftruncate(fd, end) < 0))
        abort();
    real_close(fd);
}

__attribute__((constructor)) static void start(void)
{
    const char *rule_path = getenv(DISK_RULE_ENV), *trace_path = getenv(DISK_TRACE_ENV);

    find(&real_open, "open64");
    find(&real_close, "close");
    find(&real_pread, "pread64");
    find(&real_pwrite, "pwrite64");
    find(&real_write, "write");
    find(&real_ftruncate, "ftruncate64");
    find(&real_fsync, "fsync");
    find(&real_fdatasync, "fdatasync");
    find(&real_unlink, "unlink");
    find(&real_rename, "rename");
    find(&real_renameat2, "renameat2");
    directory = getenv(DISK_DIRECTORY_ENV);
    if (directory == NULL || rule_path == NULL || trace_path == NULL)
        abort();
    int fd = real_open(rule_path, O_RDWR | O_CLOEXEC);
    rule = fd >= 0 ? mmap(NULL, sizeof(*rule), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    mend_trace(trace_path);
    trace = real_open(trace_path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (rule == MAP_FAILED || trace < 0)
        abort();
    real_close(fd);
}

static int ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), n = strlen(end);

    return length >= n && strcmp(text + length - n, end) == 0;
}

/* 0 for what does not lie in the directory, else which of its files it is; *name is set to its name there. */
static uint32_t classify(const char *path, const char **name)
{
    size_t length = directory != NULL ? strlen(directory) : 0;

    if (length == 0 || strncmp(path, directory, length) != 0)
        return 0;
    *name = path + length;
    if (**name == '\0')
        return FLEET_TEST_DISK_DIRECTORY;
    if (**name != '/' || strchr(++*name, '/') != NULL)
        return 0;
    if (ends_with(*name, "-wal"))
        return FLEET_TEST_DISK_LOG;
    if (ends_with(*name, "-shm"))
        return FLEET_TEST_DISK_INDEX;
    if (strncmp(*name, "fleet.db", strlen("fleet.db")) == 0)
        return FLEET_TEST_DISK_DATABASE;
    return FLEET_TEST_DISK_OTHER;
}

static Descriptor *look_up(int fd)
{
    return fd >= 0 && fd < FDS_MAX && descriptors[fd].file != 0 ? &descriptors[fd] : NULL;
}

/* The mutex is held. */
static int fails(uint32_t call, uint32_t file)
{
    if ((rule->calls & call) == 0 || (rule->files & file) == 0 || rule->times == 0)
        return 0;
    if (rule->skip > 0) {
        rule->skip--;
        return 0;
    }
    if (rule->times > 0)
        rule->times--;
    rule->hits++;
    errno = rule->error;
    return 1;
}

static void record(DiskRecord entry, const char *name, const char *to, const void *data)
{
    int saved = errno;

    snprintf(entry.name, sizeof(entry.name), "%s", name);
    snprintf(entry.to, sizeof(entry.to), "%s", to);
    const struct iovec parts[] = {{&entry, sizeof(entry)}, {(void *)(uintptr_t)data, data != NULL ? entry.length : 0}};
    if (writev(trace, parts, 2) != (ssize_t)(parts[0].iov_len + parts[1].iov_len))
        abort();
    errno = saved;
}

static void remember(int fd, uint32_t file)
{
    struct stat64 st;

    if (fd >= FDS_MAX || fstat64(fd, &st) < 0)
        abort();
    descriptors[fd] = (Descriptor){.file = file, .inode = st.st_ino};
}

static int open_file(const char *path, int flags, mode_t mode)
{
    const char *name;
    uint32_t file = classify(path, &name);

    if (file == 0)
        return real_open(path, flags, mode);
    pthread_mutex_lock(&mutex);
    int fd = -1, missing = (flags & O_CREAT) != 0 && access(path, F_OK) < 0;
    if (!fails(FLEET_TEST_DISK_OPEN, file))
        fd = real_open(path, flags, mode);
    if (fd >= 0) {
        remember(fd, file);
        if (file != FLEET_TEST_DISK_DIRECTORY)
            record((DiskRecord){.kind = missing ? DISK_CREATE : DISK_OPEN, .inode = descriptors[fd].inode}, name, "",
                    NULL);
    }
    pthread_mutex_unlock(&mutex);
    return fd;
}

EXPORT int open64(const char *path, int flags, ...)
{
    va_list ap;
    mode_t mode = 0;

    va_start(ap, flags);
    if ((flags & (O_CREAT | O_TMPFILE)) != 0)
        mode = va_arg(ap, mode_t);
    va_end(ap);
    return open_file(path, flags, mode);
}

EXPORT int open(const char *path, int flags, ...)
{
    va_list ap;
    mode_t mode = 0;

    va_start(ap, flags);
    if ((flags & (O_CREAT | O_TMPFILE)) != 0)
        mode = va_arg(ap, mode_t);
    va_end(ap);
    return open_file(path, flags, mode);
}

/* Without the mutex: a child closes everything after its fork(), whoever held it then. */
EXPORT int close(int fd)
{
    if (fd >= 0 && fd < FDS_MAX)
        descriptors[fd].file = 0;
    return real_close(fd);
}

EXPORT ssize_t pread64(int fd, void *buffer, size_t size, off64_t offset)
{
    const Descriptor *descriptor = look_up(fd);

    if (descriptor != NULL) {
        pthread_mutex_lock(&mutex);
        int failed = fails(FLEET_TEST_DISK_READ, descriptor->file);
        pthread_mutex_unlock(&mutex);
        if (failed)
            return -1;
    }
    return real_pread(fd, buffer, size, offset);
}

EXPORT ssize_t pread(int fd, void *buffer, size_t size, off_t offset)
{
    return pread64(fd, buffer, size, offset);
}

static ssize_t write_at(int fd, const Descriptor *descriptor, const void *buffer, size_t size, off64_t offset)
{
    ssize_t written = -1;

    pthread_mutex_lock(&mutex);
    if (!fails(FLEET_TEST_DISK_WRITE, descriptor->file)) {
        if (descriptor->file != FLEET_TEST_DISK_INDEX)
            record((DiskRecord){.kind = DISK_WRITE,
                           .inode = descriptor->inode,
                           .offset = (uint64_t)offset,
                           .length = (uint32_t)size},
                    "", "", buffer);
        written = real_pwrite(fd, buffer, size, offset);
    }
    pthread_mutex_unlock(&mutex);
    return written;
}

EXPORT ssize_t pwrite64(int fd, const void *buffer, size_t size, off64_t offset)
{
    const Descriptor *descriptor = look_up(fd);

    return descriptor != NULL ? write_at(fd, descriptor, buffer, size, offset) : real_pwrite(fd, buffer, size, offset);
}

EXPORT ssize_t pwrite(int fd, const void *buffer, size_t size, off_t offset)
{
    return pwrite64(fd, buffer, size, offset);
}

EXPORT ssize_t write(int fd, const void *buffer, size_t size)
{
    const Descriptor *descriptor = look_up(fd);

    if (descriptor == NULL)
        return real_write(fd, buffer, size);
    off64_t offset = lseek64(fd, 0, SEEK_CUR);
    ssize_t written = write_at(fd, descriptor, buffer, size, offset);
    if (written > 0)
        lseek64(fd, offset + written, SEEK_SET);
    return written;
}

EXPORT int ftruncate64(int fd, off64_t length)
{
    const Descriptor *descriptor = look_up(fd);
    int r = -1;

    if (descriptor == NULL)
        return real_ftruncate(fd, length);
    pthread_mutex_lock(&mutex);
    if (!fails(FLEET_TEST_DISK_TRUNCATE, descriptor->file)) {
        if (descriptor->file != FLEET_TEST_DISK_INDEX)
            record((DiskRecord){.kind = DISK_TRUNCATE, .inode = descriptor->inode, .offset = (uint64_t)length}, "", "",
                    NULL);
        r = real_ftruncate(fd, length);
    }
    pthread_mutex_unlock(&mutex);
    return r;
}

EXPORT int ftruncate(int fd, off_t length)
{
    return ftruncate64(fd, length);
}

static int sync_file(int fd, int (*real)(int fd))
{
    const Descriptor *descriptor = look_up(fd);
    int names, r = -1;

    if (descriptor == NULL)
        return real(fd);
    names = descriptor->file == FLEET_TEST_DISK_DIRECTORY;
    pthread_mutex_lock(&mutex);
    if (!fails(FLEET_TEST_DISK_SYNC, descriptor->file))
        r = real(fd);
    if (r == 0)
        record((DiskRecord){.kind = names ? DISK_SYNC_NAMES : DISK_SYNC, .inode = descriptor->inode}, "", "", NULL);
    else if (!names)
        record((DiskRecord){.kind = DISK_SYNC_FAILED, .inode = descriptor->inode}, "", "", NULL);
    pthread_mutex_unlock(&mutex);
    return r;
}

EXPORT int fsync(int fd)
{
    return sync_file(fd, real_fsync);
}

EXPORT int fdatasync(int fd)
{
    return sync_file(fd, real_fdatasync);
}

EXPORT int unlink(const char *path)
{
    const char *name;
    uint32_t file = classify(path, &name);

    if (file == 0)
        return real_unlink(path);
    pthread_mutex_lock(&mutex);
    int r = real_unlink(path);
    if (r == 0)
        record((DiskRecord){.kind = DISK_UNLINK}, name, "", NULL);
    pthread_mutex_unlock(&mutex);
    return r;
}

EXPORT int rename(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* Only plain paths are ours. */
EXPORT int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    const char *name, *to_name;

    if (classify(from, &name) == 0 || classify(to, &to_name) == 0)
        return real_renameat2(from_fd, from, to_fd, to, flags);
    pthread_mutex_lock(&mutex);
    int r = real_renameat2(from_fd, from, to_fd, to, flags);
    if (r == 0)
        record((DiskRecord){.kind = DISK_RENAME}, name, to_name, NULL);
    pthread_mutex_unlock(&mutex);
    return r;
}
