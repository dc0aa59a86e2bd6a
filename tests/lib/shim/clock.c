/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Preloaded into fleetd, this library shifts its wall clock by what a file says, and takes the writing of that file for
 * the setting of the clock. See lib/clock.h.
 */

#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define SECOND ((int64_t)1000000) /* in µs */

static const char *path;
static const volatile int64_t *shift; /* µs */
static int watch = -1;                /* stands for the timer that waits for the clock to be set */

static int (*real_clock_gettime)(clockid_t clock, struct timespec *now);
static int (*real_timerfd_create)(int clock, int flags);
static int (*real_timerfd_settime)(int fd, int flags, const struct itimerspec *new_value, struct itimerspec *old_value);
static ssize_t (*real_read)(int fd, void *buffer, size_t size);

static void find(void *function, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (found == NULL)
        abort();
    memcpy(function, &found, sizeof(found));
}

__attribute__((constructor)) static void start(void)
{
    find(&real_clock_gettime, "clock_gettime");
    find(&real_timerfd_create, "timerfd_create");
    find(&real_timerfd_settime, "timerfd_settime");
    find(&real_read, "read");
    path = getenv("FLEET_TEST_CLOCK");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *map = fd >= 0 ? mmap(NULL, sizeof(*shift), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (map == MAP_FAILED)
        abort();
    close(fd);
    shift = map;
}

EXPORT int clock_gettime(clockid_t clock, struct timespec *now)
{
    /* Before the constructor, by those of other libraries. */
    if (real_clock_gettime == NULL)
        find(&real_clock_gettime, "clock_gettime");
    int r = real_clock_gettime(clock, now);
    if (r == 0 && shift != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t usec = now->tv_sec * SECOND + now->tv_nsec / 1000 + *shift;

        now->tv_sec = usec / SECOND;
        now->tv_nsec = usec % SECOND * 1000 + now->tv_nsec % 1000;
    }
    return r;
}

EXPORT int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec ts;

    if (clock_gettime(CLOCK_REALTIME, &ts) < 0)
        return -1;
    *now = (struct timeval){.tv_sec = ts.tv_sec, .tv_usec = ts.tv_nsec / 1000};
    return 0;
}

EXPORT time_t time(time_t *place)
{
    struct timespec ts;

    if (clock_gettime(CLOCK_REALTIME, &ts) < 0)
        return (time_t)-1;
    if (place != NULL)
        *place = ts.tv_sec;
    return ts.tv_sec;
}

/* fleetd has one timer on the wall clock, which only waits for that to be set. */
EXPORT int timerfd_create(int clock, int flags)
{
    if (clock != CLOCK_REALTIME)
        return real_timerfd_create(clock, flags);
    if (watch >= 0)
        abort();
    watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch < 0 || inotify_add_watch(watch, path, IN_MODIFY) < 0)
        abort();
    return watch;
}

EXPORT int timerfd_settime(int fd, int flags, const struct itimerspec *new_value, struct itimerspec *old_value)
{
    if (fd < 0 || fd != watch)
        return real_timerfd_settime(fd, flags, new_value, old_value);
    if ((flags & TFD_TIMER_CANCEL_ON_SET) == 0)
        abort();
    return 0;
}

EXPORT ssize_t read(int fd, void *buffer, size_t size)
{
    char events[4096];

    if (fd < 0 || fd != watch)
        return real_read(fd, buffer, size);
    if (real_read(fd, events, sizeof(events)) < 0)
        return -1;
    errno = ECANCELED;
    return -1;
}
