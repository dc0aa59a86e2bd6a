/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/options.h"

#include "build_config.h"
#include "daemon/passed_socket.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    gboolean system, user, no_bus, version;
    char *socket, *state_directory, *config, *log_level, *log_target;
} Raw;

static void clear_raw(Raw *raw)
{
    g_free(raw->socket);
    g_free(raw->state_directory);
    g_free(raw->config);
    g_free(raw->log_level);
    g_free(raw->log_target);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Raw, clear_raw)

void fleet_options_free(FleetOptions *options)
{
    g_free(options->socket);
    g_free(options->state_directory);
    g_free(options->config);
    g_free(options);
}

static gboolean parse(int argc, char **argv, Raw *raw, GError **error)
{
    const GOptionEntry entries[] = {
            {"system", 0, 0, G_OPTION_ARG_NONE, &raw->system, "Publish on the system bus (the default)", NULL},
            {"user", 0, 0, G_OPTION_ARG_NONE, &raw->user, "Publish on the session bus", NULL},
            {"no-bus", 0, 0, G_OPTION_ARG_NONE, &raw->no_bus, "Publish on the private socket only", NULL},
            {"socket", 0, 0, G_OPTION_ARG_FILENAME, &raw->socket, "Listen on a private socket too", "PATH"},
            {"state-directory", 0, 0, G_OPTION_ARG_FILENAME, &raw->state_directory, "Keep the database here", "DIR"},
            {"config", 0, 0, G_OPTION_ARG_FILENAME, &raw->config, "Read this configuration file", "FILE"},
            {"log-level", 0, 0, G_OPTION_ARG_STRING, &raw->log_level, "Log this level and what is worse", "LEVEL"},
            {"log-target", 0, 0, G_OPTION_ARG_STRING, &raw->log_target, "Log there: auto, console, journal, ...",
                    "TARGET"},
            {"version", 0, 0, G_OPTION_ARG_NONE, &raw->version, "Show the version", NULL},
            G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new("- look after a fleet of devices");

    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_description(
            context, "See fleetd(8) for the exit statuses, fleetd.conf(5) for the configuration.");
    if (!g_option_context_parse(context, &argc, &argv, error))
        return FALSE;
    if (argc > 1) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "argument '%s' is not understood", argv[1]);
        return FALSE;
    }
    return TRUE;
}

static gboolean check(const Raw *raw, FleetOptions *options, GError **error)
{
    if (raw->system + raw->user + raw->no_bus > 1) {
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--system, --user and --no-bus exclude each other; use one");
        return FALSE;
    }
    if (raw->no_bus && raw->socket == NULL && !fleet_passed_socket_exists()) {
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--no-bus leaves no way to reach the daemon; add --socket=PATH");
        return FALSE;
    }
    if ((raw->socket != NULL && *raw->socket == '\0') ||
            (raw->state_directory != NULL && *raw->state_directory == '\0') ||
            (raw->config != NULL && *raw->config == '\0')) {
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "a path must not be empty");
        return FALSE;
    }
    return (raw->log_level == NULL || fleet_log_level_from_string(raw->log_level, &options->log_level, error)) &&
           (raw->log_target == NULL || fleet_log_target_from_string(raw->log_target, &options->log_target, error));
}

static char *default_state_directory(FleetBusChoice bus)
{
    const char *from_systemd = g_getenv("STATE_DIRECTORY");

    if (from_systemd != NULL && *from_systemd != '\0')
        return g_strndup(from_systemd, strcspn(from_systemd, ":"));
    if (bus == FLEET_BUS_USER)
        return g_build_filename(g_get_user_state_dir(), "fleet", NULL);
    return g_strdup(FLEET_STATE_DIRECTORY);
}

static char *default_config(FleetBusChoice bus)
{
    if (bus == FLEET_BUS_USER)
        return g_build_filename(g_get_user_config_dir(), "fleet", "fleetd.conf", NULL);
    return g_strdup(FLEET_CONFIG_FILE);
}

FleetOptions *fleet_options_parse(int argc, char **argv, FleetExitStatus *status)
{
    g_autoptr(FleetOptions) options = g_new0(FleetOptions, 1);
    g_auto(Raw) raw = {0};
    g_autoptr(GError) error = NULL;

    if (!parse(argc, argv, &raw, &error) || !check(&raw, options, &error)) {
        fprintf(stderr, "fleetd: %s; see fleetd --help\n", error->message);
        *status = FLEET_EXIT_USAGE;
        return NULL;
    }
    if (raw.version) {
        puts("fleetd " FLEET_VERSION);
        *status = FLEET_EXIT_SUCCESS;
        return NULL;
    }

    options->bus = raw.user ? FLEET_BUS_USER : raw.no_bus ? FLEET_BUS_NONE : FLEET_BUS_SYSTEM;
    options->log_level_given = raw.log_level != NULL;
    options->log_target_given = raw.log_target != NULL;
    options->config_given = raw.config != NULL;
    options->socket = g_steal_pointer(&raw.socket);
    options->config = raw.config != NULL ? g_steal_pointer(&raw.config) : default_config(options->bus);
    g_autofree char *directory =
            raw.state_directory != NULL ? g_steal_pointer(&raw.state_directory) : default_state_directory(options->bus);
    options->state_directory = g_canonicalize_filename(directory, NULL);
    return g_steal_pointer(&options);
}
