/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the driver "command" runs in the torture: attempt DIRECTORY. Leaves a record of its start in the directory, or,
 * if there is one already, a second one that says so; then works for a moment, and ends in one of the ways in which
 * programs end.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define EXIT_TRANSIENT 75

static void leave_record(const char *directory)
{
    const char *action = getenv("FLEET_ACTION_ID"), *attempt = getenv("FLEET_ATTEMPT");
    char path[4096];
    int fd;

    if (action == NULL || attempt == NULL)
        abort();
    snprintf(path, sizeof(path), "%s/%s-%s", directory, action, attempt);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST) {
        snprintf(path, sizeof(path), "%s/%s-%s.again", directory, action, attempt);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    }
    if (fd < 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    close(fd);
}

int main(int argc, char **argv)
{
    unsigned char random[3];

    if (argc != 2 || getrandom(random, sizeof(random), 0) != sizeof(random))
        return EXIT_FAILURE;
    leave_record(argv[1]);
    if (random[0] < 16)
        signal(SIGTERM, SIG_IGN);
    setlinebuf(stdout);
    puts("PHASE working\nPROGRESS 0.5");
    poll(NULL, 0, random[1] / 4);
    if (random[0] > 240) {
        puts("POINT-OF-NO-RETURN");
        poll(NULL, 0, random[1] / 4);
    }
    puts("PROGRESS 1\nSTATUS almost done");
    return random[2] < 128 ? EXIT_SUCCESS : random[2] < 224 ? EXIT_TRANSIENT : EXIT_FAILURE;
}
