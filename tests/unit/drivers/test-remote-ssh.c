/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What ssh is told, and what is made of what it says.
 */

#include "base/clock.h"
#include "drivers/remote_bus/failure.h"
#include "drivers/remote_bus/ssh.h"
#include "lib/loop.h"
#include "lib/main.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static const FleetRemoteAddress host = {.host = (char *)"router.example.net"};

static void fill(FleetRemoteAccess *access)
{
    *access = (FleetRemoteAccess){.user = g_strdup("operator"),
            .port = 2222,
            .identity_file = g_strdup("/keys/id"),
            .known_hosts_file = g_strdup("/keys/known"),
            .connect_timeout = 1500 * FLEET_USEC_PER_MSEC,
            .keep_alive = 300 * FLEET_USEC_PER_MSEC};
}

static char *words_of(const FleetRemoteAccess *access)
{
    g_auto(GStrv) words = fleet_remote_ssh_words("/usr/bin/ssh", &host, access, "echo 'a b'; id");

    return g_strjoinv("\n", words);
}

START_TEST(nothing_is_left_to_chance)
{
    static const char *const options[] = {"BatchMode=yes", "StrictHostKeyChecking=yes",
            "UserKnownHostsFile=/keys/known", "GlobalKnownHostsFile=/dev/null", "UpdateHostKeys=no",
            "IdentitiesOnly=yes", "IdentityFile=/keys/id", "IdentityAgent=none", "PreferredAuthentications=publickey",
            "PasswordAuthentication=no", "ControlMaster=no", "ControlPath=none", "ClearAllForwardings=yes",
            "ForwardAgent=no", "PermitLocalCommand=no", "ConnectionAttempts=1", "ConnectTimeout=2",
            "ServerAliveInterval=1", "ServerAliveCountMax=3"};
    g_auto(FleetRemoteAccess) access = {0};

    fill(&access);
    g_autofree char *words = words_of(&access);
    ck_assert(g_str_has_prefix(words, "/usr/bin/ssh\n-F\n/dev/null\n-o\n"));
    for (guint i = 0; i < G_N_ELEMENTS(options); i++) {
        g_autofree char *option = g_strdup_printf("\n-o\n%s\n", options[i]);
        fleet_test_assert_contains(words, option);
    }
    ck_assert(g_str_has_suffix(words, "\n-p\n2222\n-l\noperator\n--\nrouter.example.net\necho 'a b'; id"));
}
END_TEST

START_TEST(a_configuration_of_ssh)
{
    g_auto(FleetRemoteAccess) access = {0};

    fill(&access);
    access.config_file = g_strdup("/keys/config");
    g_autofree char *words = words_of(&access);
    ck_assert(g_str_has_prefix(words, "/usr/bin/ssh\n-F\n/keys/config\n-o\n"));
}
END_TEST

#define EXIT(status) ((status) << 8)

START_TEST(failures)
{
    static const struct {
        int status;
        const char *errors;
        FleetOutcome outcome;
        const char *message;
    } cases[] = {
            {EXIT(255), "ssh: connect to host router port 22: Connection refused\r\n", FLEET_OUTCOME_TRANSIENT,
                    "'router.example.net' cannot be reached: ssh: connect to host router port 22: Connection refused"},
            {EXIT(255), "", FLEET_OUTCOME_TRANSIENT,
                    "'router.example.net' cannot be reached: the connection has ended"},
            {EXIT(255),
                    "@@@@@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n@@@@@@@@\nHost key verification "
                    "failed.\n",
                    FLEET_OUTCOME_PERMANENT,
                    "'router.example.net' has another host key than the one in '/keys/known': either it was set up "
                    "anew, or something else answers in its place. Nothing is sent to it before a person has looked"},
            {EXIT(255),
                    "No ED25519 host key is known for router and you have requested strict checking.\r\nHost key "
                    "verification failed.\r\n",
                    FLEET_OUTCOME_PERMANENT,
                    "no host key of 'router.example.net' that it shows is in '/keys/known'; add it there"},
            {EXIT(255), "operator@router: Permission denied (publickey).\n", FLEET_OUTCOME_PERMANENT,
                    "'router.example.net' does not let the user 'operator' in with the key '/keys/id'"},
            {EXIT(255), "banner\n\x1b[31mlast\x01 words\n@@@\n\n", FLEET_OUTCOME_TRANSIENT,
                    "'router.example.net' cannot be reached: \\x1b[31mlast\\x01 words"},
            {EXIT(127), "sh: 1: systemd-stdio-bridge: not found\n", FLEET_OUTCOME_PERMANENT,
                    "'router.example.net' has no systemd-stdio-bridge: sh: 1: systemd-stdio-bridge: not found"},
            {EXIT(1), "Failed to connect to bus\n", FLEET_OUTCOME_TRANSIENT,
                    "'router.example.net' does not give access to its bus: Failed to connect to bus"},
            {EXIT(0), "", FLEET_OUTCOME_TRANSIENT, "the connection to the bus of 'router.example.net' has ended"},
            {SIGKILL, "", FLEET_OUTCOME_TRANSIENT,
                    "the connection to 'router.example.net' was lost: ssh was killed by signal 9"},
            /* What the machine's own command says is not ssh's word. */
            {EXIT(1), "REMOTE HOST IDENTIFICATION HAS CHANGED\nPermission denied (publickey).\n",
                    FLEET_OUTCOME_TRANSIENT,
                    "'router.example.net' does not give access to its bus: Permission denied (publickey)."},
    };
    g_auto(FleetRemoteAccess) access = {0};

    fill(&access);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(FleetRemoteFailure) failure = {0};

        fleet_remote_failure_read(&host, &access, cases[i].status, cases[i].errors, &failure);
        ck_assert_str_eq(failure.message, cases[i].message);
        ck_assert_int_eq(failure.outcome, cases[i].outcome);
    }
}
END_TEST

typedef struct {
    gboolean ended;
    int status;
    char *errors;
} End;

static void ended(int status, const char *errors, gpointer user_data)
{
    End *end = user_data;

    end->ended = TRUE;
    end->status = status;
    end->errors = g_strdup(errors);
}

static gboolean has_ended(gpointer end)
{
    return ((const End *)end)->ended;
}

static FleetRemoteSsh *start(const char *script, End *end, int *fd)
{
    char *words[] = {(char *)"/bin/sh", (char *)"-c", (char *)script, NULL};
    g_autoptr(GError) error = NULL;
    FleetRemoteSsh *ssh = fleet_remote_ssh_start(words, ended, end, fd, &error);

    fleet_test_assert_no_error(error);
    return ssh;
}

/* Any other program, in place of ssh. */
START_TEST(what_it_says_last)
{
    End end = {0};
    int fd;
    FleetRemoteSsh *ssh =
            start("read line; echo \"$line\" >&2; yes | head -c 100000 >&2; echo over >&2; exit 3", &end, &fd);

    ck_assert_int_eq(write(fd, "hello\n", 6), 6);
    ck_assert(fleet_test_run_until(has_ended, &end));
    ck_assert_int_eq(end.status, EXIT(3));
    ck_assert(g_str_has_suffix(end.errors, "y\nover\n"));
    ck_assert_uint_le(strlen(end.errors), 8192);
    fleet_remote_ssh_free(ssh);
    g_free(end.errors);
    close(fd);
}
END_TEST

/* Nobody is told of one that was given up, and it is gone. */
START_TEST(one_that_is_given_up)
{
    End end = {0};
    char byte;
    int fd;
    FleetRemoteSsh *ssh = start("trap '' TERM HUP; kill -STOP $$; sleep 1000", &end, &fd);

    fleet_remote_ssh_free(ssh);
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);
    while (read(fd, &byte, 1) != 0)
        ck_assert_int_gt(fleet_test_remaining(deadline), 0);
    ck_assert(!end.ended);
    close(fd);
}
END_TEST

START_TEST(one_that_is_not_there)
{
    char *words[] = {(char *)"/nowhere/ssh", NULL};
    g_autoptr(GError) error = NULL;
    int fd;

    ck_assert_ptr_null(fleet_remote_ssh_start(words, ended, NULL, &fd, &error));
    ck_assert_str_eq(error->message, "'/nowhere/ssh' cannot be started: No such file or directory");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("remote-ssh");
    TCase *tcase = fleet_test_case(suite, "remote-ssh");

    tcase_add_test(tcase, nothing_is_left_to_chance);
    tcase_add_test(tcase, a_configuration_of_ssh);
    tcase_add_test(tcase, failures);
    tcase_add_test(tcase, what_it_says_last);
    tcase_add_test(tcase, one_that_is_given_up);
    tcase_add_test(tcase, one_that_is_not_there);
    return fleet_test_main(suite);
}
