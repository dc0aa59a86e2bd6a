/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/broker.h"

#include "lib/main.h"
#include "lib/run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Below the ports that the kernel gives to those who connect: one of ours stays free while the broker is away. */
#define PORT_MIN 20000
#define PORT_END 32000
#define PORT_TRIES 100

struct FleetTestBroker {
    FleetTestBrokerSettings settings;
    char *username, *password, *lines; /* of the settings */
    char *directory, *config, *password_file, *address, *host;
    int port;
    FleetTestCertificates *certificates;
    FleetTestProcess *process; /* NULL while it is away */
};

static gboolean is_free(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((guint16)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    gboolean bound = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return bound;
}

static int find_port(void)
{
    for (guint i = 0; i < PORT_TRIES; i++) {
        int port = g_random_int_range(PORT_MIN, PORT_END);

        if (is_free(port))
            return port;
    }
    fleet_test_fail("no port is free");
}

static void add_security(const FleetTestBroker *broker, GString *text)
{
    const FleetTestBrokerSettings *settings = &broker->settings;

    if (settings->username == NULL)
        g_string_append(text, "allow_anonymous true\n");
    else
        g_string_append_printf(text, "allow_anonymous false\npassword_file %s/passwords\n", broker->directory);
    if (settings->tls)
        g_string_append_printf(text, "cafile %s\ncertfile %s\nkeyfile %s\n",
                fleet_test_certificates_authority(broker->certificates),
                fleet_test_certificates_server(broker->certificates),
                fleet_test_certificates_server_key(broker->certificates));
    if (settings->client_certificates)
        g_string_append(text, "require_certificate true\n");
}

static void write_config(const FleetTestBroker *broker)
{
    g_autoptr(GString) text =
            g_string_new("log_dest stderr\nlog_type all\nconnection_messages true\nset_tcp_nodelay true\n");

    /* As root it would become another user, who may not write here. */
    if (geteuid() == 0)
        g_string_append(text, "user root\n");
    if (broker->settings.persistence)
        g_string_append_printf(text,
                "persistence true\npersistence_location %s/\nautosave_on_changes true\nautosave_interval 1\n",
                broker->directory);
    g_string_append_printf(text, "listener %d %s\n", broker->port, broker->host);
    add_security(broker, text);
    g_string_append(text, broker->lines);
    fleet_test_write(broker->config, text->str);
}

static void write_passwords(FleetTestBroker *broker)
{
    g_autofree char *passwords = g_build_filename(broker->directory, "passwords", NULL);

    broker->password_file = g_build_filename(broker->directory, "password", NULL);
    fleet_test_write(broker->password_file, broker->password);
    g_free(fleet_test_run_ok("mosquitto_passwd", "-b", "-c", passwords, broker->username, broker->password));
}

/* Each connection is an open file for it. */
static void allow_many_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

FleetTestBroker *fleet_test_broker_new(const FleetTestBrokerSettings *settings)
{
    FleetTestBroker *broker = g_new0(FleetTestBroker, 1);

    broker->username = g_strdup(settings->username);
    broker->password = g_strdup(settings->password);
    broker->lines = g_strdup(settings->lines != NULL ? settings->lines : "");
    broker->settings = *settings;
    broker->settings.username = broker->username;
    broker->settings.password = broker->password;
    broker->settings.lines = broker->lines;
    broker->directory = fleet_test_directory_new();
    broker->config = g_build_filename(broker->directory, "mosquitto.conf", NULL);
    broker->port = settings->unix_socket ? 0 : find_port();
    broker->host = settings->unix_socket ? g_build_filename(broker->directory, "socket", NULL) : g_strdup("127.0.0.1");
    broker->address =
            settings->unix_socket ? g_strdup(broker->host) : g_strdup_printf("%s:%d", broker->host, broker->port);
    if (settings->username != NULL)
        write_passwords(broker);
    if (settings->tls)
        broker->certificates = fleet_test_certificates_new();
    allow_many_files();
    fleet_test_broker_start(broker);
    return broker;
}

void fleet_test_broker_free(FleetTestBroker *broker)
{
    fleet_test_broker_stop(broker);
    fleet_test_remove(broker->directory);
    g_clear_pointer(&broker->certificates, fleet_test_certificates_free);
    g_free(broker->username);
    g_free(broker->password);
    g_free(broker->lines);
    g_free(broker->directory);
    g_free(broker->config);
    g_free(broker->password_file);
    g_free(broker->address);
    g_free(broker->host);
    g_free(broker);
}

const char *fleet_test_broker_address(const FleetTestBroker *broker)
{
    return broker->address;
}

const char *fleet_test_broker_host(const FleetTestBroker *broker)
{
    return broker->host;
}

int fleet_test_broker_port(const FleetTestBroker *broker)
{
    return broker->port;
}

const FleetTestBrokerSettings *fleet_test_broker_settings(const FleetTestBroker *broker)
{
    return &broker->settings;
}

const char *fleet_test_broker_password_file(const FleetTestBroker *broker)
{
    return broker->password_file;
}

const FleetTestCertificates *fleet_test_broker_certificates(const FleetTestBroker *broker)
{
    return broker->certificates;
}

void fleet_test_broker_start(FleetTestBroker *broker)
{
    const char *argv[] = {fleet_test_env("MOSQUITTO"), "-c", broker->config, NULL};

    g_assert(broker->process == NULL);
    write_config(broker);
    broker->process = fleet_test_process_start(argv, NULL);
    if (!fleet_test_process_wait_output(
                broker->process, FLEET_TEST_STDERR, "mosquitto version .* running$", FLEET_TEST_PATIENCE)) {
        g_autofree char *written = fleet_test_process_output(broker->process, FLEET_TEST_STDERR);
        fleet_test_fail("mosquitto did not start: %s", written);
    }
}

static void end_by(FleetTestBroker *broker, int number)
{
    if (broker->process == NULL)
        return;
    fleet_test_process_signal(broker->process, number);
    /* One that stands still has to go on for its end, unless it is sudden: then it does nothing more. */
    if (number != SIGKILL)
        fleet_test_process_signal(broker->process, SIGCONT);
    (void)fleet_test_process_wait(broker->process, FLEET_TEST_PATIENCE);
    g_clear_pointer(&broker->process, fleet_test_process_free);
}

void fleet_test_broker_stop(FleetTestBroker *broker)
{
    end_by(broker, SIGTERM);
}

void fleet_test_broker_kill(FleetTestBroker *broker)
{
    end_by(broker, SIGKILL);
}

void fleet_test_broker_pause(FleetTestBroker *broker)
{
    fleet_test_process_signal(broker->process, SIGSTOP);
}

void fleet_test_broker_resume(FleetTestBroker *broker)
{
    fleet_test_process_signal(broker->process, SIGCONT);
}

void fleet_test_broker_set_lines(FleetTestBroker *broker, const char *lines)
{
    g_free(broker->lines);
    broker->lines = g_strdup(lines);
    broker->settings.lines = broker->lines;
}

FleetTestProcess *fleet_test_broker_process(const FleetTestBroker *broker)
{
    return broker->process;
}
