/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The private socket is made by a service manager, here systemd-socket-activate(1), which starts fleetd at the first
 * connection. */

#include "lib/fleet_test.h"

#include <gio/gunixsocketaddress.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define EXIT_SOCKET 9

static char *directory;
static char *path; /* of the socket */
static char *address;
static FleetTestProcess *process;

static void setup(void)
{
    directory = fleet_test_directory_new();
    path = g_build_filename(directory, "fleetd.sock", NULL);
    address = g_strconcat("unix:path=", path, NULL);
}

static void teardown(void)
{
    g_clear_pointer(&process, fleet_test_process_free);
    fleet_test_remove(directory);
    g_free(directory);
    g_free(path);
    g_free(address);
}

static void add(GPtrArray *argv, const char *first, ...)
{
    va_list ap;

    va_start(ap, first);
    for (const char *word = first; word != NULL; word = va_arg(ap, const char *))
        g_ptr_array_add(argv, g_strdup(word));
    va_end(ap);
}

/* systemd-socket-activate closes what it does not know, and so the pipe by which the harness sees that it lives. A
 * shell holds that, and passes on signals one way and the exit status the other. */
#define SHELL                                                                                                          \
    "setpriv --pdeathsig KILL \"$@\" & child=$!; trap 'kill $child' TERM; wait $child; status=$?; "                    \
    "while kill -0 $child 2>/dev/null; do wait $child; status=$?; done; exit $status"

/* Has the sockets made that the options name, and fleetd started with them, without a bus and with one more argument
 * (NULL = none), at the first connection. */
static void listen_with(const char *const *options, const char *argument)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) env = g_listenv();
    g_autofree char *state = g_strdup_printf("--state-directory=%s/state", directory);
    const char *wrapper = g_getenv("FLEET_TEST_WRAPPER");

    add(argv, "sh", "-c", SHELL, "sh", "systemd-socket-activate", NULL);
    /* It passes on nothing by itself. */
    for (guint i = 0; env[i] != NULL; i++)
        add(argv, "-E", env[i], NULL);
    for (; *options != NULL; options++)
        add(argv, *options, NULL);
    if (wrapper != NULL)
        add(argv, wrapper, NULL);
    add(argv, fleet_test_env("FLEETD"), "--no-bus", state, "--log-level=notice", NULL);
    if (argument != NULL)
        add(argv, argument, NULL);
    g_ptr_array_add(argv, NULL);
    process = fleet_test_process_start((const char *const *)argv->pdata, NULL);
    ck_assert(fleet_test_process_wait_output(process, FLEET_TEST_STDERR, "Listening on", FLEET_TEST_PATIENCE));
}

static void listen_as(const char *name, const char *argument)
{
    g_autofree char *listen = g_strconcat("--listen=", path, NULL);
    g_autofree char *fdname = g_strconcat("--fdname=", name, NULL);

    listen_with((const char *const[]){listen, fdname, NULL}, argument);
}

static void wake(int type)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    g_strlcpy(to.sun_path, path, sizeof(to.sun_path));
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
    if (type == SOCK_DGRAM)
        ck_assert_int_eq(send(fd, "", 1, 0), 1);
    close(fd);
}

static void gives_up(const char *part)
{
    int status = fleet_test_process_wait(process, FLEET_TEST_PATIENCE);
    g_autofree char *written = fleet_test_process_output(process, FLEET_TEST_STDERR);

    ck_assert_msg(status == EXIT_SOCKET, "exit status %d: %s", status, written);
    fleet_test_assert_contains(written, part);
    g_autofree char *state = g_build_filename(directory, "state", NULL);
    ck_assert_msg(!g_file_test(state, G_FILE_TEST_EXISTS) || strstr(part, "stream") != NULL, "it did more than that");
}

START_TEST(first_connection_is_served)
{
    listen_as("private", NULL);
    g_autoptr(GDBusConnection) first = fleet_test_connect(address);
    g_autoptr(GDBusConnection) second = fleet_test_connect(address);

    fleet_test_call_void(first, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssssa{sv})", "a", "", "", "", NULL));
    g_autoptr(GVariant) count = fleet_test_get(second, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "DeviceCount");
    ck_assert_uint_eq(g_variant_get_uint32(count), 1);

    /* It is not fleetd's to remove. */
    fleet_test_process_signal(process, SIGTERM);
    ck_assert_int_eq(fleet_test_process_wait(process, FLEET_TEST_PATIENCE), 0);
    ck_assert(g_file_test(path, G_FILE_TEST_EXISTS));
}
END_TEST

START_TEST(it_takes_the_place_of_its_own)
{
    g_autofree char *own = g_build_filename(directory, "own.sock", NULL);
    g_autofree char *argument = g_strconcat("--socket=", own, NULL);

    listen_as("private", argument);
    g_autoptr(GDBusConnection) connection = fleet_test_connect(address);
    fleet_test_round_trip(connection);
    ck_assert(!g_file_test(own, G_FILE_TEST_EXISTS));
    g_autofree char *written = fleet_test_process_output(process, FLEET_TEST_STDERR);
    fleet_test_assert_contains(written, "own.sock' is not made, for the service manager passes one");
}
END_TEST

/* As a service manager does, which keeps the socket. Owned by the caller. */
static int make_socket(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(at.sun_path, path, sizeof(at.sun_path));
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    return fd;
}

static void start_with(int fd)
{
    static const char *const env[] = {"LISTEN_FDS=1", "LISTEN_FDNAMES=private", NULL};
    g_autofree char *state = g_strdup_printf("--state-directory=%s/state", directory);
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    const char *wrapper = g_getenv("FLEET_TEST_WRAPPER");

    add(argv, "sh", "-c", "LISTEN_PID=$$ exec \"$@\"", "sh", NULL);
    if (wrapper != NULL)
        add(argv, wrapper, NULL);
    add(argv, fleet_test_env("FLEETD"), "--no-bus", state, "--log-level=warning", NULL);
    g_ptr_array_add(argv, NULL);
    process = fleet_test_process_start_with_fd((const char *const *)argv->pdata, env, fd);
}

/* Ends it in good order, or as a crash does. */
static void end_by(int signal)
{
    fleet_test_process_signal(process, signal);
    int status = fleet_test_process_wait(process, FLEET_TEST_PATIENCE);
    if (signal == SIGTERM)
        ck_assert_int_eq(status, 0);
    g_clear_pointer(&process, fleet_test_process_free);
}

static const int ends[] = {SIGTERM, SIGKILL};

/* Whoever connects while there is no fleetd is served by the next one. */
START_TEST(who_comes_during_a_restart_waits)
{
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_autoptr(GSocketAddress) to = g_unix_socket_address_new(path);
    g_autoptr(GError) error = NULL;
    int fd = make_socket();

    start_with(fd);
    g_autoptr(GDBusConnection) before = fleet_test_connect(address);
    fleet_test_call_void(before, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "RegisterDevice",
            g_variant_new("(ssssa{sv})", "a", "", "", "", NULL));
    end_by(ends[_i]);

    g_autoptr(GSocketConnection) stream = g_socket_client_connect(client, G_SOCKET_CONNECTABLE(to), NULL, &error);
    fleet_test_assert_no_error(error);
    start_with(fd);
    g_autoptr(GDBusConnection) meanwhile = g_dbus_connection_new_sync(G_IO_STREAM(stream), NULL,
            G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL, NULL,
            &error);
    fleet_test_assert_no_error(error);
    g_autoptr(GVariant) count = fleet_test_get(meanwhile, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "DeviceCount");
    ck_assert_uint_eq(g_variant_get_uint32(count), 1);
    end_by(SIGTERM);
    close(fd);
}
END_TEST

START_TEST(another_name_is_refused)
{
    listen_as("public", NULL);
    wake(SOCK_STREAM);
    gives_up("by the name 'public'; fleetd knows 'private', use FileDescriptorName=private");
}
END_TEST

START_TEST(several_are_refused)
{
    g_autofree char *listen = g_strconcat("--listen=", path, NULL);
    g_autofree char *other = g_strconcat("--listen=", path, ".other", NULL);

    listen_with((const char *const[]){listen, other, "--fdname=private:private", NULL}, NULL);
    wake(SOCK_STREAM);
    gives_up("passes 2 sockets; fleetd takes one");
}
END_TEST

START_TEST(another_kind_is_refused)
{
    static const struct {
        const char *option;
        int type;
    } kinds[] = {{"--datagram", SOCK_DGRAM}, {"--seqpacket", SOCK_SEQPACKET}};
    g_autofree char *listen = g_strconcat("--listen=", path, NULL);

    listen_with((const char *const[]){kinds[_i].option, listen, "--fdname=private", NULL}, NULL);
    wake(kinds[_i].type);
    gives_up("'file descriptor 3' is not a listening Unix stream socket");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon: activation");
    TCase *tcase = fleet_test_case(suite, "activation");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, first_connection_is_served);
    tcase_add_test(tcase, it_takes_the_place_of_its_own);
    tcase_add_loop_test(tcase, who_comes_during_a_restart_waits, 0, (int)G_N_ELEMENTS(ends));
    tcase_add_test(tcase, another_name_is_refused);
    tcase_add_test(tcase, several_are_refused);
    tcase_add_loop_test(tcase, another_kind_is_refused, 0, 2);
    return fleet_test_main(suite);
}
