/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/machine.h"

#include "lib/main.h"
#include "lib/process.h"
#include "lib/run.h"

#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SSHD "/usr/sbin/sshd"
#define SSH "/usr/bin/ssh"

struct FleetTestMachine {
    char *directory;
    char *files;
    char *destdir;
    char *identity;
    char *wrong_identity;
    char *known_hosts;
    char *address;
    guint port;
    FleetTestProcess *box; /* NULL = not booted */
};

static char *box_program(void)
{
    return g_build_filename(fleet_test_env("FLEET_SOURCE"), "tests", "lib", "box", NULL);
}

char *fleet_test_machine_obstacle(void)
{
    g_autofree char *box = box_program();
    char *reason = NULL;
    int status;

    if (access(SSHD, X_OK) < 0)
        return g_strdup("there is no " SSHD);
    if (access(SSH, X_OK) < 0)
        return g_strdup("there is no " SSH);
    /* Outside of a check, where the harness has no directory yet. */
    if (!g_spawn_sync(NULL, (char *[]){box, (char *)"check", NULL}, NULL, G_SPAWN_DEFAULT, NULL, NULL, &reason, NULL,
                &status, NULL))
        return g_strdup("box cannot be run");
    if (g_spawn_check_wait_status(status, NULL))
        g_clear_pointer(&reason, g_free);
    return reason != NULL ? g_strchomp(reason) : NULL;
}

static void make_key(const char *path)
{
    unlink(path);
    g_free(fleet_test_run_ok("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path));
}

/* The kernel gives one that is free now. */
static guint find_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 ||
            getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        fleet_test_fail("no port: %m");
    close(fd);
    return ntohs(address.sin_port);
}

static char *public_key(const char *path)
{
    g_autofree char *file = g_strconcat(path, ".pub", NULL);
    g_autofree char *text = fleet_test_read(file);
    g_auto(GStrv) words = g_strsplit(text, " ", 3);

    return g_strdup_printf("%s %s", words[0], words[1]);
}

static void write_known_hosts(FleetTestMachine *machine)
{
    g_autofree char *path = fleet_test_machine_path(machine, "host_key");
    g_autofree char *key = public_key(path);
    g_autofree char *line = g_strdup_printf("[127.0.0.1]:%u %s\n", machine->port, key);

    fleet_test_write(machine->known_hosts, line);
}

static void write_files(FleetTestMachine *machine)
{
    g_autofree char *key = public_key(machine->identity);
    g_autofree char *line = g_strconcat(key, "\n", NULL);
    g_autofree char *config = g_strdup_printf("Port %u\nListenAddress 127.0.0.1\nHostKey /box/files/host_key\n"
                                              "AuthorizedKeysFile /box/files/authorized_keys\nStrictModes no\n"
                                              "UsePAM no\nPidFile none\nPermitRootLogin prohibit-password\n"
                                              "PasswordAuthentication no\nMaxStartups 100\nLogLevel VERBOSE\n",
            machine->port);

    fleet_test_machine_add_file(machine, "authorized_keys", line);
    fleet_test_machine_add_file(machine, "sshd_config", config);
    fleet_test_machine_add_file(machine, "setup", "");
    fleet_test_machine_add_file(machine, "start",
            "set -e\nmkdir -p /run/sshd\n. /box/files/setup\nexec " SSHD " -D -e -f /box/files/sshd_config\n");
}

FleetTestMachine *fleet_test_machine_new(void)
{
    FleetTestMachine *machine = g_new0(FleetTestMachine, 1);

    machine->directory = fleet_test_directory_new();
    machine->files = g_build_filename(machine->directory, "files", NULL);
    machine->destdir = g_build_filename(machine->directory, "destdir", NULL);
    machine->identity = g_build_filename(machine->directory, "id", NULL);
    machine->wrong_identity = g_build_filename(machine->directory, "wrong_id", NULL);
    machine->known_hosts = g_build_filename(machine->directory, "known_hosts", NULL);
    machine->port = find_port();
    machine->address = g_strdup_printf("127.0.0.1:%u", machine->port);
    if (g_mkdir(machine->files, 0755) < 0 || g_mkdir(machine->destdir, 0755) < 0)
        fleet_test_fail("'%s': %m", machine->directory);
    make_key(machine->identity);
    make_key(machine->wrong_identity);
    g_autofree char *host_key = fleet_test_machine_path(machine, "host_key");
    make_key(host_key);
    write_known_hosts(machine);
    write_files(machine);
    return machine;
}

void fleet_test_machine_free(FleetTestMachine *machine)
{
    fleet_test_machine_kill(machine);
    g_free(machine->directory);
    g_free(machine->files);
    g_free(machine->destdir);
    g_free(machine->identity);
    g_free(machine->wrong_identity);
    g_free(machine->known_hosts);
    g_free(machine->address);
    g_free(machine);
}

char *fleet_test_machine_path(const FleetTestMachine *machine, const char *name)
{
    return g_build_filename(machine->files, name, NULL);
}

void fleet_test_machine_add_file(FleetTestMachine *machine, const char *name, const char *text)
{
    g_autofree char *path = fleet_test_machine_path(machine, name);

    fleet_test_write(path, text);
}

void fleet_test_machine_boot(FleetTestMachine *machine)
{
    g_autofree char *box = box_program();
    g_autofree char *place = g_strconcat("TMPDIR=", machine->directory, NULL);

    machine->box = fleet_test_process_start((const char *const[]){box, "run", "--machine", machine->destdir,
                                                    machine->files, "/bin/sh", "./start", NULL},
            (const char *const[]){place, "BOX_SECONDS=900", NULL});
    fleet_test_machine_wait_boots(machine, 1);
}

/* SIGTERM, so that box takes away what the container leaves behind. */
void fleet_test_machine_kill(FleetTestMachine *machine)
{
    if (machine->box == NULL)
        return;
    fleet_test_process_signal(machine->box, SIGTERM);
    if (fleet_test_process_wait(machine->box, FLEET_TEST_PATIENCE) < 0)
        fleet_test_fail("the machine does not end");
    g_clear_pointer(&machine->box, fleet_test_process_free);
}

void fleet_test_machine_wait_boots(FleetTestMachine *machine, guint boots)
{
    g_autofree char *pattern = g_strdup_printf("(?s)(Server listening on.*){%u}", boots);

    if (fleet_test_process_wait_output(machine->box, FLEET_TEST_STDERR, pattern, FLEET_TEST_PATIENCE))
        return;
    g_autofree char *errors = fleet_test_process_output(machine->box, FLEET_TEST_STDERR);
    fleet_test_fail("the machine does not boot: %s", errors);
}

char *fleet_test_machine_errors(FleetTestMachine *machine)
{
    return fleet_test_process_output(machine->box, FLEET_TEST_STDERR);
}

guint fleet_test_machine_boots(FleetTestMachine *machine)
{
    g_autofree char *errors = fleet_test_process_output(machine->box, FLEET_TEST_STDERR);
    guint boots = 0;

    for (const char *p = errors; (p = strstr(p, "Server listening on")) != NULL; p++)
        boots++;
    return boots;
}

const char *fleet_test_machine_address(const FleetTestMachine *machine)
{
    return machine->address;
}

guint fleet_test_machine_port(const FleetTestMachine *machine)
{
    return machine->port;
}

const char *fleet_test_machine_identity(const FleetTestMachine *machine)
{
    return machine->identity;
}

const char *fleet_test_machine_wrong_identity(const FleetTestMachine *machine)
{
    return machine->wrong_identity;
}

const char *fleet_test_machine_known_hosts(const FleetTestMachine *machine)
{
    return machine->known_hosts;
}

void fleet_test_machine_change_key(FleetTestMachine *machine)
{
    g_autofree char *path = fleet_test_machine_path(machine, "host_key");

    make_key(path);
}

static int run(const FleetTestMachine *machine, const char *command, char **out, char **err)
{
    g_autofree char *port = g_strdup_printf("%u", machine->port);

    return fleet_test_run(
            (const char *const[]){SSH, "-F", "/dev/null", "-i", machine->identity, "-o", "IdentitiesOnly=yes", "-o",
                    "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o",
                    "BatchMode=yes", "-p", port, "root@127.0.0.1", command, NULL},
            NULL, out, err);
}

char *fleet_test_machine_run(FleetTestMachine *machine, const char *command)
{
    char *out = NULL;
    g_autofree char *err = NULL;
    int status = run(machine, command, &out, &err);

    if (status != 0)
        fleet_test_fail("'%s' on the machine ended with %d: %s%s", command, status, out, err);
    return g_strchomp(out);
}

gboolean fleet_test_machine_try(FleetTestMachine *machine, const char *command)
{
    return run(machine, command, NULL, NULL) == 0;
}

void fleet_test_machine_wait(FleetTestMachine *machine, const char *command)
{
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);

    while (run(machine, command, NULL, NULL) != 0)
        if (fleet_test_remaining(deadline) == 0)
            fleet_test_fail("'%s' on the machine does not succeed", command);
}
