/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The programs of data/drivers, with an ssh in their PATH that runs everything here. No machine is harmed.
 */

#include "lib/main.h"
#include "lib/run.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
    char *directory;
    char *source;
    char *destination;
    GPtrArray *env;
    char *out;
} Example;

static void example_free(Example *self)
{
    g_free(self->directory);
    g_free(self->source);
    g_free(self->destination);
    g_ptr_array_unref(self->env);
    g_free(self->out);
    g_free(self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Example, example_free)

static char *in(const Example *self, const char *name)
{
    return g_build_filename(self->directory, name, NULL);
}

static void write_in(const Example *self, const char *name, const char *text)
{
    g_autofree char *path = in(self, name);

    fleet_test_write(path, text);
}

static void write_program(const Example *self, const char *name, const char *text)
{
    g_autofree char *path = in(self, name);

    fleet_test_write(path, text);
    ck_assert_int_eq(chmod(path, 0755), 0);
}

static void set(Example *self, const char *name, const char *value)
{
    g_ptr_array_add(self->env, g_strdup_printf("%s=%s", name, value));
}

/* The last argument, or all from the host on, is the command; the host's name decides what comes of it. */
static const char ssh[] = "#!/bin/sh\n"
                          "echo \"$@\" >> \"$DIRECTORY/ssh.log\"\n"
                          "while [ $# -gt 0 ]; do\n"
                          "    case $1 in\n"
                          "    -o) shift 2 ;;\n"
                          "    --) shift ;;\n"
                          "    -l) shift 2 ;;\n"
                          "    *) break ;;\n"
                          "    esac\n"
                          "done\n"
                          "shift\n"
                          "[ ! -e \"$DIRECTORY/unreachable\" ] || exit 255\n"
                          "case $* in\n"
                          "*boot_id)\n"
                          "    cat \"$DIRECTORY/boot_id\"\n"
                          "    [ ! -e \"$DIRECTORY/next\" ] || mv \"$DIRECTORY/next\" \"$DIRECTORY/boot_id\" ;;\n"
                          "'systemctl reboot') exec \"$DIRECTORY/reboot\" ;;\n"
                          "*) exec sh -c \"$*\" ;;\n"
                          "esac\n";

static Example *new_example(void)
{
    Example *self = g_new0(Example, 1);

    self->directory = fleet_test_directory_new();
    self->source = in(self, "source");
    self->destination = in(self, "destination");
    self->env = g_ptr_array_new_with_free_func(g_free);
    ck_assert_int_eq(g_mkdir_with_parents(self->source, 0755), 0);
    write_program(self, "ssh", ssh);
    write_in(self, "ssh.log", "");
    g_autofree char *path = g_strdup_printf("%s:%s", self->directory, g_getenv("PATH"));
    set(self, "PATH", path);
    set(self, "DIRECTORY", self->directory);
    return self;
}

/* Its exit status. */
static int run(Example *self, const char *name)
{
    g_autofree char *program = g_build_filename(fleet_test_env("FLEET_SOURCE"), "data", "drivers", name, NULL);
    g_autofree char *err = NULL;

    if (self->env->len == 0 || g_ptr_array_index(self->env, self->env->len - 1) != NULL)
        g_ptr_array_add(self->env, NULL);
    g_clear_pointer(&self->out, g_free);
    return fleet_test_run(
            (const char *const[]){program, NULL}, (const char *const *)self->env->pdata, &self->out, &err);
}

static int run_rsync(Example *self)
{
    return run(self, "fleet-driver-rsync-update");
}

static int run_reboot(Example *self)
{
    return run(self, "fleet-driver-check-reboot");
}

static void set_paths(Example *self, const char *host)
{
    set(self, "FLEET_PARAM_SOURCE", self->source);
    set(self, "FLEET_PARAM_DESTINATION", self->destination);
    if (host != NULL)
        set(self, "FLEET_PARAM_HOST", host);
}

START_TEST(a_directory_is_copied_here)
{
    static const char *const hosts[] = {NULL, "", "localhost"};

    for (guint i = 0; i < G_N_ELEMENTS(hosts); i++) {
        g_autoptr(Example) self = new_example();
        g_autofree char *log = in(self, "ssh.log");

        write_in(self, "source/one", "1");
        write_in(self, "source/with 'blank", "2");
        set_paths(self, hosts[i]);
        ck_assert_msg(run_rsync(self) == 0, "%s", self->out);
        fleet_test_assert_contains(self->out, "PHASE preparing\n");
        fleet_test_assert_contains(self->out, "PHASE downloading\n");
        fleet_test_assert_contains(self->out, "PROGRESS 0.80\n");
        fleet_test_assert_contains(self->out, "PHASE verifying\n");
        ck_assert(g_str_has_suffix(self->out, "is up to date\n"));
        g_autofree char *copy = in(self, "destination/with 'blank");
        g_autofree char *text = fleet_test_read(copy);
        ck_assert_str_eq(text, "2");
        g_autofree char *ssh_log = fleet_test_read(log);
        ck_assert_str_eq(ssh_log, "");
    }
}
END_TEST

START_TEST(a_directory_is_copied_over_ssh)
{
    g_autoptr(Example) self = new_example();

    write_in(self, "source/one", "1");
    set_paths(self, "root@192.0.2.7");
    ck_assert_msg(run_rsync(self) == 0, "%s", self->out);
    g_autofree char *copy = in(self, "destination/one");
    g_autofree char *text = fleet_test_read(copy);
    ck_assert_str_eq(text, "1");
    g_autofree char *log = in(self, "ssh.log");
    g_autofree char *ssh_log = fleet_test_read(log);
    fleet_test_assert_contains(ssh_log, "BatchMode=yes");
    fleet_test_assert_contains(ssh_log, "192.0.2.7");
}
END_TEST

START_TEST(a_file_is_copied)
{
    g_autoptr(Example) self = new_example();
    g_autofree char *file = in(self, "source/image");
    g_autofree char *target = in(self, "image");

    write_in(self, "source/image", "bits");
    set(self, "FLEET_PARAM_SOURCE", file);
    set(self, "FLEET_PARAM_DESTINATION", target);
    ck_assert_msg(run_rsync(self) == 0, "%s", self->out);
    g_autofree char *text = fleet_test_read(target);
    ck_assert_str_eq(text, "bits");
}
END_TEST

START_TEST(progress_grows)
{
    g_autoptr(Example) self = new_example();
    g_autofree char *big = g_strnfill(8 * 1024 * 1024, 'x');
    g_auto(GStrv) lines = NULL;
    double last = 0;
    guint n = 0;

    for (guint i = 0; i < 4; i++) {
        g_autofree char *name = g_strdup_printf("source/%u", i);
        write_in(self, name, big);
    }
    set_paths(self, NULL);
    ck_assert_int_eq(run_rsync(self), 0);
    lines = g_strsplit(self->out, "\n", -1);
    for (guint i = 0; lines[i] != NULL; i++)
        if (g_str_has_prefix(lines[i], "PROGRESS ")) {
            double value = g_ascii_strtod(lines[i] + strlen("PROGRESS "), NULL);

            ck_assert_msg(value >= last && value <= 1, "%s after %f", lines[i], last);
            last = value;
            n++;
        }
    ck_assert_uint_ge(n, 4);
}
END_TEST

START_TEST(a_network_that_fails_is_transient)
{
    g_autoptr(Example) self = new_example();

    write_in(self, "unreachable", "");
    set_paths(self, "router");
    ck_assert_int_eq(run_rsync(self), 75);
    fleet_test_assert_contains(self->out, "STATUS the transfer was interrupted");
}
END_TEST

START_TEST(a_destination_that_cannot_be_is_not)
{
    g_autoptr(Example) self = new_example();

    write_in(self, "source/one", "1");
    write_in(self, "destination", "a file");
    set_paths(self, NULL);
    ck_assert_int_eq(run_rsync(self), 1);
    fleet_test_assert_contains(self->out, "STATUS the transfer failed (rsync's exit status is");
}
END_TEST

START_TEST(parameters_of_the_update_are_checked)
{
    static const struct {
        const char *source;
        const char *destination;
        const char *host;
        int status;
        const char *part;
    } cases[] = {{"", "/x", "h", 64, "'source' is missing"}, {"x", "/x", "h", 64, "'source' must be an absolute path"},
            {"/etc", "", "h", 64, "'destination' is missing"},
            {"/etc", "--rsh=x", "h", 64, "absolute path, not '--rsh=x'"},
            {"/etc", "/x", "-oProxyCommand=x", 64, "must be [USER@]HOST"},
            {"/etc", "/x", "a b", 64, "must be [USER@]HOST"}, {"/etc", "/x", "a:b", 64, "must be [USER@]HOST"},
            {"/etc", "/x", "a;reboot", 64, "must be [USER@]HOST"},
            {"/no/where", "/x", "h", 1, "the source '/no/where' does not exist"}};

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Example) self = new_example();

        set(self, "FLEET_PARAM_SOURCE", cases[i].source);
        set(self, "FLEET_PARAM_DESTINATION", cases[i].destination);
        set(self, "FLEET_PARAM_HOST", cases[i].host);
        ck_assert_int_eq(run_rsync(self), cases[i].status);
        fleet_test_assert_contains(self->out, cases[i].part);
    }
}
END_TEST

/* A machine with a boot id, and a script for what a restart does to it. */
static Example *new_machine(const char *reboot)
{
    g_autoptr(Example) self = new_example();
    g_autofree char *script = g_strdup_printf("#!/bin/sh\ncd \"$DIRECTORY\" || exit\n%s\n", reboot);

    write_in(self, "boot_id", "11111111-1111-1111-1111-111111111111\n");
    write_program(self, "reboot", script);
    set(self, "FLEET_PARAM_HOST", "root@router");
    set(self, "FLEET_PARAM_INTERVAL", "0");
    return g_steal_pointer(&self);
}

#define COMES_BACK                                                                                                     \
    "touch unreachable; (sleep 0.5; echo 22222222-2222-2222-2222-222222222222 > boot_id; rm unreachable)"              \
    " >/dev/null 2>&1 &"

START_TEST(a_machine_that_comes_back)
{
    g_autoptr(Example) self = new_machine(COMES_BACK " exit 255");

    ck_assert_msg(run_reboot(self) == 0, "%s", self->out);
    fleet_test_assert_contains(self->out, "PHASE rebooting\nPOINT-OF-NO-RETURN\nSTATUS restarting root@router\n");
    fleet_test_assert_contains(self->out, "STATUS root@router is down\n");
    ck_assert(g_str_has_suffix(self->out, "PHASE verifying\nPROGRESS 1\nSTATUS root@router runs again\n"));
}
END_TEST

START_TEST(a_machine_that_does_not_come_back)
{
    g_autoptr(Example) self = new_machine("touch unreachable");

    set(self, "FLEET_PARAM_TIMEOUT", "1");
    ck_assert_int_eq(run_reboot(self), 1);
    fleet_test_assert_contains(self->out, "STATUS root@router did not come back within 1 s");
}
END_TEST

START_TEST(a_machine_that_does_not_restart)
{
    g_autoptr(Example) self = new_machine("exit 0");

    set(self, "FLEET_PARAM_TIMEOUT", "1");
    ck_assert_int_eq(run_reboot(self), 1);
    fleet_test_assert_contains(self->out, "STATUS root@router did not restart within 1 s");
}
END_TEST

START_TEST(a_machine_that_refuses)
{
    g_autoptr(Example) self = new_machine("exit 4");

    ck_assert_int_eq(run_reboot(self), 1);
    fleet_test_assert_contains(self->out, "STATUS root@router refused to restart (exit status 4)");
}
END_TEST

START_TEST(a_machine_that_is_not_there)
{
    g_autoptr(Example) self = new_machine("exit 0");

    write_in(self, "unreachable", "");
    ck_assert_int_eq(run_reboot(self), 75);
    ck_assert_ptr_null(strstr(self->out, "POINT-OF-NO-RETURN"));
}
END_TEST

START_TEST(one_that_somebody_else_restarts)
{
    g_autoptr(Example) self = new_machine("exit 4");

    /* After the first look. */
    write_in(self, "next", "22222222-2222-2222-2222-222222222222\n");
    set(self, "FLEET_PARAM_REBOOT", "no");
    ck_assert_msg(run_reboot(self) == 0, "%s", self->out);
    ck_assert_ptr_null(strstr(self->out, "POINT-OF-NO-RETURN"));
}
END_TEST

START_TEST(parameters_of_the_restart_are_checked)
{
    static const char *const cases[][3] = {{"FLEET_PARAM_HOST", "", "'host' is missing"},
            {"FLEET_PARAM_HOST", "-oProxyCommand=x", "must be [USER@]HOST"},
            {"FLEET_PARAM_HOST", "a b", "must be [USER@]HOST"}, {"FLEET_PARAM_TIMEOUT", "soon", "must be seconds"},
            {"FLEET_PARAM_TIMEOUT", "99999999", "must be seconds"}, {"FLEET_PARAM_INTERVAL", "-1", "must be seconds"},
            {"FLEET_PARAM_REBOOT", "perhaps", "yes or no"}};

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Example) self = new_machine("exit 0");

        set(self, cases[i][0], cases[i][1]);
        ck_assert_int_eq(run_reboot(self), 64);
        fleet_test_assert_contains(self->out, cases[i][2]);
    }
}
END_TEST

int main(void)
{
    g_autofree char *rsync = g_find_program_in_path("rsync");
    Suite *suite = suite_create("examples");
    TCase *update = fleet_test_case(suite, "rsync-update");
    TCase *reboot = fleet_test_case(suite, "check-reboot");

    if (rsync != NULL) {
        tcase_add_test(update, a_directory_is_copied_here);
        tcase_add_test(update, a_directory_is_copied_over_ssh);
        tcase_add_test(update, a_file_is_copied);
        tcase_add_test(update, progress_grows);
        tcase_add_test(update, a_network_that_fails_is_transient);
        tcase_add_test(update, a_destination_that_cannot_be_is_not);
        tcase_add_test(update, parameters_of_the_update_are_checked);
    } else {
        puts("# rsync is not installed: the tests of fleet-driver-rsync-update are left out");
    }
    tcase_add_test(reboot, a_machine_that_comes_back);
    tcase_add_test(reboot, a_machine_that_does_not_come_back);
    tcase_add_test(reboot, a_machine_that_does_not_restart);
    tcase_add_test(reboot, a_machine_that_refuses);
    tcase_add_test(reboot, a_machine_that_is_not_there);
    tcase_add_test(reboot, one_that_somebody_else_restarts);
    tcase_add_test(reboot, parameters_of_the_restart_are_checked);
    return fleet_test_main(suite);
}
