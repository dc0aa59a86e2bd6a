/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "options.h"

#include "base/timespan.h"
#include "build_config.h"
#include "operation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_USAGE 2
#define DEVICES_MAX 1000000
#define STEPS_MAX 1000

/* As they were typed. */
typedef struct {
    char *broker, *username, *password_file, *cafile, *cert, *key;
    char *id, *name, *type, *service, *operations;
    char *duration, *boot_time, *fail;
    char **offline_at;
    char *state, *record;
    int count, per_connection, steps, seed;
    double fail_rate;
    gboolean version;
} Raw;

static void clear_raw(Raw *raw)
{
    char *const strings[] = {raw->broker, raw->username, raw->password_file, raw->cafile, raw->cert, raw->key, raw->id,
            raw->name, raw->type, raw->service, raw->operations, raw->duration, raw->boot_time, raw->fail, raw->state,
            raw->record};

    for (guint i = 0; i < G_N_ELEMENTS(strings); i++)
        g_free(strings[i]);
    g_strfreev(raw->offline_at);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Raw, clear_raw)

void sim_options_free(SimOptions *options)
{
    sim_broker_clear(&options->broker);
    sim_plan_clear(&options->plan);
    g_free(options->id);
    g_free(options->name);
    g_free(options->state);
    g_free(options->record);
    g_free(options);
}

static gboolean G_GNUC_PRINTF(2, 3) wrong(GError **error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, text);
    return FALSE;
}

static gboolean parse(int argc, char **argv, Raw *raw, GError **error)
{
    const GOptionEntry entries[] = {
            {"broker", 0, 0, G_OPTION_ARG_STRING, &raw->broker, "Where the broker is (localhost)", "HOST[:PORT]"},
            {"username", 0, 0, G_OPTION_ARG_STRING, &raw->username, "Who one is for the broker", "NAME"},
            {"password-file", 0, 0, G_OPTION_ARG_FILENAME, &raw->password_file, "Read the password there", "FILE"},
            {"cafile", 0, 0, G_OPTION_ARG_FILENAME, &raw->cafile, "Use TLS, and trust these authorities", "FILE"},
            {"cert", 0, 0, G_OPTION_ARG_FILENAME, &raw->cert, "Show this certificate", "FILE"},
            {"key", 0, 0, G_OPTION_ARG_FILENAME, &raw->key, "And this is its key", "FILE"},
            {"id", 0, 0, G_OPTION_ARG_STRING, &raw->id, "Who the device is (simulated)", "ID"},
            {"name", 0, 0, G_OPTION_ARG_STRING, &raw->name, "What it is called (the same)", "NAME"},
            {"type", 0, 0, G_OPTION_ARG_STRING, &raw->type, "Of what kind it is", "TYPE"},
            {"service", 0, 0, G_OPTION_ARG_STRING, &raw->service, "Whose health it reports (tedge-agent)", "NAME"},
            {"count", 0, 0, G_OPTION_ARG_INT, &raw->count, "Be so many devices, ID-1 to ID-N", "N"},
            {"per-connection", 0, 0, G_OPTION_ARG_INT, &raw->per_connection, "So many share a connection (1)", "N"},
            {"operations", 0, 0, G_OPTION_ARG_STRING, &raw->operations, "What it can do", "NAME[:TYPE+TYPE],..."},
            {"duration", 0, 0, G_OPTION_ARG_STRING, &raw->duration, "How long each work takes (3s)", "SPAN"},
            {"boot-time", 0, 0, G_OPTION_ARG_STRING, &raw->boot_time, "How long a restart takes (1s)", "SPAN"},
            {"progress", 0, 0, G_OPTION_ARG_INT, &raw->steps, "Tell N times how far it is", "N"},
            {"fail", 0, 0, G_OPTION_ARG_STRING, &raw->fail, "Fail for that reason", "REASON"},
            {"fail-rate", 0, 0, G_OPTION_ARG_DOUBLE, &raw->fail_rate, "Fail in that part of cases, 0 to 1", "RATE"},
            {"seed", 0, 0, G_OPTION_ARG_INT, &raw->seed, "Fail in others of them", "NUMBER"},
            {"offline-at", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->offline_at,
                    "Go away once a command is 'scheduled' or 'executing', for so long", "PHASE:SPAN"},
            {"state", 0, 0, G_OPTION_ARG_FILENAME, &raw->state, "Remember there what it has done", "FILE"},
            {"record", 0, 0, G_OPTION_ARG_FILENAME, &raw->record, "Add a line there for each work begun", "FILE"},
            {"version", 0, 0, G_OPTION_ARG_NONE, &raw->version, "Show the version", NULL},
            G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new("- be a device that thin-edge.io's MQTT API drives");

    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_description(context, "See fleet-simulated-device(1).");
    if (!g_option_context_parse(context, &argc, &argv, error))
        return FALSE;
    return argc <= 1 || wrong(error, "argument '%s' is not understood", argv[1]);
}

/* A level of a topic of its own. */
static gboolean check_level(const char *option, const char *text, GError **error)
{
    if (*text == '\0' || strpbrk(text, "/+#") != NULL)
        return wrong(
                error, "'%s' does not do for --%s: it must not be empty, or contain '/', '+' or '#'", text, option);
    return TRUE;
}

static gboolean read_span(const char *option, const char *text, gint64 *usec, GError **error)
{
    if (text == NULL)
        return TRUE;
    if (fleet_timespan_parse(text, usec, error))
        return TRUE;
    g_prefix_error(error, "--%s: ", option);
    return FALSE;
}

static gboolean read_offline(char **texts, SimPlan *plan, GError **error)
{
    for (; texts != NULL && *texts != NULL; texts++) {
        const char *colon = strchr(*texts, ':');
        g_autofree char *phase = colon != NULL ? g_strndup(*texts, (gsize)(colon - *texts)) : NULL;
        SimStatus status = phase != NULL ? sim_status_from_string(phase) : SIM_OTHER;

        if (status != SIM_SCHEDULED && status != SIM_EXECUTING)
            return wrong(error, "--offline-at: '%s' is not scheduled:SPAN or executing:SPAN", *texts);
        if (!read_span("offline-at", colon + 1, &plan->away[SIM_PHASE(status)], error))
            return FALSE;
    }
    return TRUE;
}

/* The first line of the file. */
static gboolean read_password(const char *path, char **password, GError **error)
{
    if (path == NULL)
        return TRUE;
    if (!g_file_get_contents(path, password, NULL, error))
        return FALSE;
    (*password)[strcspn(*password, "\r\n")] = '\0';
    return TRUE;
}

static gboolean check_broker(Raw *raw, SimBroker *broker, GError **error)
{
    if (!sim_broker_parse(broker, raw->broker != NULL ? raw->broker : "localhost", error))
        return FALSE;
    if (raw->cafile == NULL && raw->cert != NULL)
        return wrong(error, "--cert is for TLS, which begins with --cafile");
    if ((raw->cert == NULL) != (raw->key == NULL))
        return wrong(error, "--cert and --key go together");
    if (raw->password_file != NULL && raw->username == NULL)
        return wrong(error, "--password-file needs --username");
    if (!read_password(raw->password_file, &broker->password, error))
        return FALSE;
    broker->username = g_steal_pointer(&raw->username);
    broker->cafile = g_steal_pointer(&raw->cafile);
    broker->cert = g_steal_pointer(&raw->cert);
    broker->key = g_steal_pointer(&raw->key);
    if (broker->port == 0 && *broker->host != '/')
        broker->port = broker->cafile != NULL ? SIM_BROKER_TLS_PORT : SIM_BROKER_PORT;
    return TRUE;
}

static char *given(char **raw, const char *otherwise)
{
    return *raw != NULL ? g_steal_pointer(raw) : g_strdup(otherwise);
}

static gboolean check_plan(Raw *raw, SimPlan *plan, GError **error)
{
    if (raw->fail_rate > 1)
        return wrong(error, "--fail-rate is from 0 to 1");
    if (raw->steps < 0 || raw->steps > STEPS_MAX)
        return wrong(error, "--progress is from 0 to %d", STEPS_MAX);
    plan->service = given(&raw->service, "tedge-agent");
    plan->type = given(&raw->type, "");
    plan->duration = 3 * G_USEC_PER_SEC;
    plan->boot_time = G_USEC_PER_SEC;
    plan->steps = (guint)raw->steps;
    plan->fail_reason = g_steal_pointer(&raw->fail);
    plan->fail_rate = raw->fail_rate;
    plan->seed = (guint)raw->seed;
    plan->operations = sim_operations_parse(raw->operations != NULL ? raw->operations : SIM_OPERATIONS, error);
    return plan->operations != NULL && check_level("service", plan->service, error) &&
           read_span("duration", raw->duration, &plan->duration, error) &&
           read_span("boot-time", raw->boot_time, &plan->boot_time, error) &&
           read_offline(raw->offline_at, plan, error);
}

static gboolean check(Raw *raw, SimOptions *options, GError **error)
{
    if (raw->count < 1 || raw->count > DEVICES_MAX)
        return wrong(error, "--count is from 1 to %d", DEVICES_MAX);
    if (raw->per_connection < 1)
        return wrong(error, "--per-connection is 1 at least");
    options->count = (guint)raw->count;
    options->per_connection = (guint)raw->per_connection;
    options->id = given(&raw->id, "simulated");
    options->name = given(&raw->name, options->id);
    options->state = g_steal_pointer(&raw->state);
    options->record = g_steal_pointer(&raw->record);
    return check_level("id", options->id, error) && check_broker(raw, &options->broker, error) &&
           check_plan(raw, &options->plan, error);
}

SimOptions *sim_options_parse(int argc, char **argv, int *status)
{
    g_autoptr(SimOptions) options = g_new0(SimOptions, 1);
    g_auto(Raw) raw = {.count = 1, .per_connection = 1, .fail_rate = -1};
    g_autoptr(GError) error = NULL;

    if (!parse(argc, argv, &raw, &error) || (!raw.version && !check(&raw, options, &error))) {
        fprintf(stderr, "fleet-simulated-device: %s; see fleet-simulated-device --help\n", error->message);
        *status = EXIT_USAGE;
        return NULL;
    }
    if (raw.version) {
        puts("fleet-simulated-device " FLEET_VERSION);
        *status = EXIT_SUCCESS;
        return NULL;
    }
    return g_steal_pointer(&options);
}
