/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fleet-command-keeper: runs one program for the driver "command" where no systemd does. It outlives fleetd, so that a
 * program goes on while fleetd is restarted, and it notes how the program has ended, which only a parent can know.
 *
 *     fleet-command-keeper KILL-TIMEOUT-USEC NOFILE-SOFT PROGRAM [ARGUMENT...]
 *
 * fleetd hands it these file descriptors (place.h has the files behind them):
 *
 *     0, 1, 2  of the program. 1 and 2 are named pipes, open for reading too, so that a program never writes to a pipe
 * that nobody reads. 3        the end: a named pipe that is never written to. It closes when the result is there. 4 the
 * control: a named pipe from which the keeper reads 's' (stop the program) and 'd' (you are dismissed). 5        the
 * directory in which "result.new" becomes "result".
 *
 * The program leads a session of its own. Processes that it leaves behind, daemons that it forked among them, are
 * children of the keeper by then (PR_SET_CHILD_SUBREAPER), and are stopped before the result is written: whoever reads
 * a result knows that nothing of the program is left.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FD_END = 3, FD_CONTROL = 4, FD_DIRECTORY = 5, FD_FIRST_OTHER = 6 };

#define RESULT_SIZE 64      /* bytes; as many as place.c has put into result.new */
#define KILL_AGAIN_MSEC 200 /* processes can appear while others are killed */
#define WRITE_AGAIN_SECONDS 5
#define READ_FIRST_MSEC 100
#define READ_LAST_MSEC 60000

typedef struct {
    int64_t kill_timeout; /* µs */
    pid_t program;        /* stays a zombie until the end, so that its number, and its group's, are not given away */
    bool ended;           /* the program has */
    int failure;          /* the errno with which it could not be started */
    siginfo_t info;       /* how it has ended */
    bool stopped;         /* it was told to stop before it ended */
    bool stopping;        /* what is left is being stopped */
    bool killing;         /* by SIGKILL */
    int64_t deadline;     /* for SIGKILL, µs of CLOCK_MONOTONIC */
} Keeper;

static int64_t now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* In the child, up to the exec. The parent reads the errno from the pipe if it fails, and its end if it does not. */
static _Noreturn void run_program(char **argv, rlim_t nofile, int report)
{
    struct rlimit limit;
    sigset_t none;

    setsid();
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = nofile < limit.rlim_max ? nofile : limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    signal(SIGHUP, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(argv[0], argv);

    int failure = errno;
    if (write(report, &failure, sizeof(failure)) != sizeof(failure))
        _exit(EXIT_FAILURE);
    _exit(EXIT_FAILURE);
}

static void start_program(Keeper *keeper, char **argv, rlim_t nofile)
{
    int report[2];

    if (pipe2(report, O_CLOEXEC) < 0 || (keeper->program = fork()) < 0) {
        keeper->failure = errno;
        keeper->ended = true;
        keeper->program = 0;
        return;
    }
    if (keeper->program == 0)
        run_program(argv, nofile, report[1]);

    int failure;
    close(report[1]);
    if (read(report[0], &failure, sizeof(failure)) == sizeof(failure))
        keeper->failure = failure;
    close(report[0]);
}

/* Calls the function for each child but the program, and says whether there was one. */
static bool for_each_other(const Keeper *keeper, void (*function)(pid_t child, int signal), int signal)
{
    char path[64];
    bool any = false;
    long child;

    snprintf(path, sizeof(path), "/proc/self/task/%ld/children", (long)getpid());
    FILE *children = fopen(path, "re");
    if (children == NULL)
        return false;
    while (fscanf(children, "%ld", &child) == 1)
        if (child != keeper->program) {
            function((pid_t)child, signal);
            any = true;
        }
    fclose(children);
    return any;
}

static void reap(pid_t child, int signal)
{
    (void)signal;
    waitpid(child, NULL, WNOHANG);
}

static void send(pid_t child, int signal)
{
    kill(child, signal);
}

/* The group while its number is certain to be the program's, and those that left it. */
static void signal_all(const Keeper *keeper, int signal)
{
    if (keeper->program > 0)
        kill(-keeper->program, signal);
    for_each_other(keeper, send, signal);
}

static void begin_stop(Keeper *keeper)
{
    if (keeper->stopping)
        return;
    keeper->stopping = true;
    keeper->stopped = !keeper->ended;
    keeper->deadline = now() + keeper->kill_timeout;
    signal_all(keeper, SIGTERM);
    /* One that is halted takes no SIGTERM. */
    signal_all(keeper, SIGCONT);
}

/* Takes note of who has ended. True when nobody is left. */
static bool look_around(Keeper *keeper)
{
    if (!keeper->ended) {
        keeper->info.si_pid = 0;
        keeper->ended = waitid(P_PID, (id_t)keeper->program, &keeper->info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
                        keeper->info.si_pid != 0;
    }
    for_each_other(keeper, reap, 0);
    if (!keeper->ended)
        return false;
    /* A second look, for whom the first one has reaped is gone now. Group members that have a living parent are not
     * children of ours; they become that when it ends. */
    return !for_each_other(keeper, reap, 0);
}

static int wait_msec(const Keeper *keeper)
{
    if (!keeper->stopping)
        return -1;
    if (keeper->killing)
        return KILL_AGAIN_MSEC;
    int64_t left = (keeper->deadline - now() + 999) / 1000;
    return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* Reads a command. 0 = none. */
static char read_control(void)
{
    char command = 0;

    if (read(FD_CONTROL, &command, 1) != 1)
        return 0;
    return command;
}

/* Until the program has ended and all that it left behind. */
static void supervise(Keeper *keeper, int signals)
{
    while (!look_around(keeper)) {
        struct pollfd fds[] = {{.fd = signals, .events = POLLIN}, {.fd = FD_CONTROL, .events = POLLIN}};
        struct signalfd_siginfo info;

        if (keeper->ended)
            begin_stop(keeper);
        if (keeper->stopping && !keeper->killing && now() >= keeper->deadline)
            keeper->killing = true;
        if (keeper->killing)
            signal_all(keeper, SIGKILL);
        poll(fds, 2, wait_msec(keeper));
        while (read(signals, &info, sizeof(info)) == sizeof(info))
            if (info.ssi_signo == SIGTERM)
                begin_stop(keeper);
        if (read_control() == 's')
            begin_stop(keeper);
    }
}

static bool write_result(const Keeper *keeper)
{
    char text[RESULT_SIZE + 1], padded[RESULT_SIZE];
    const char *kind = keeper->info.si_code == CLD_EXITED ? "exited" : "killed";
    int number = keeper->info.si_status;

    if (keeper->failure != 0) {
        kind = "not-started";
        number = keeper->failure;
    }
    int length = snprintf(text, sizeof(text), "%s %d %s -", kind, number, keeper->stopped ? "stopped" : "by-itself");
    memset(padded, ' ', sizeof(padded));
    memcpy(padded, text, (size_t)length);
    padded[RESULT_SIZE - 1] = '\n';

    /* The file has its size already, so that a full disk is no obstacle. */
    int fd = openat(FD_DIRECTORY, "result.new", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT; /* the directory was removed: nobody wants to know */
    bool written = pwrite(fd, padded, sizeof(padded), 0) == sizeof(padded);
    close(fd);
    return written && renameat(FD_DIRECTORY, "result.new", FD_DIRECTORY, "result") == 0;
}

/*
 * What fleetd has not read yet lives only as long as somebody holds the pipes. When it has been read nobody tells, so a
 * look is taken now and then; less and less often, for if it was not read at once, fleetd is away. Nobody will ever
 * read it when the directory is gone.
 */
static void wait_for_readers(void)
{
    int timeout = READ_FIRST_MSEC;

    for (;;) {
        struct pollfd fd = {.fd = FD_CONTROL, .events = POLLIN};
        struct stat directory;
        int out = 0, err = 0;

        if (ioctl(1, FIONREAD, &out) < 0 || ioctl(2, FIONREAD, &err) < 0 || out + err == 0)
            return;
        if (fstat(FD_DIRECTORY, &directory) < 0 || directory.st_nlink == 0)
            return;
        poll(&fd, 1, timeout);
        if (read_control() == 'd')
            return;
        timeout = timeout < READ_LAST_MSEC ? timeout * 2 : timeout;
    }
}

static int block_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    /* What a terminal sends is not meant for a keeper. */
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(int argc, char **argv)
{
    Keeper keeper = {0};

    if (argc < 4) {
        fprintf(stderr, "fleet-command-keeper is started by fleetd; see fleet-driver-command(7)\n");
        return EXIT_FAILURE;
    }
    keeper.kill_timeout = strtoll(argv[1], NULL, 10);
    rlim_t nofile = (rlim_t)strtoull(argv[2], NULL, 10);

    /* An orphan from the start: so fleetd has the same keeper before and after its own restart. */
    pid_t pid = fork();
    if (pid != 0)
        _exit(pid < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
    setsid();
    if (chdir("/") < 0)
        return EXIT_FAILURE;
    umask(022);
    close_range(FD_FIRST_OTHER, ~0U, 0);
    for (int fd = FD_END; fd < FD_FIRST_OTHER; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);

    int signals = block_signals();
    start_program(&keeper, argv + 3, nofile);
    supervise(&keeper, signals);
    while (!write_result(&keeper)) {
        struct pollfd fd = {.fd = FD_CONTROL, .events = POLLIN};

        if (poll(&fd, 1, WRITE_AGAIN_SECONDS * 1000) > 0 && read_control() == 'd')
            return EXIT_FAILURE;
    }
    close(FD_END);
    wait_for_readers();
    return EXIT_SUCCESS;
}
