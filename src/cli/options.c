/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/options.h"

#include "base/clock.h"
#include "base/quotable.h"
#include "base/timespan.h"
#include "cli/exit.h"
#include "cli/when.h"
#include "model/policy.h"

#include <getopt.h>
#include <pwd.h>
#include <string.h>

#define INTERVAL_DEFAULT (2 * FLEET_USEC_PER_SEC)
#define INTERVAL_MIN (100 * FLEET_USEC_PER_MSEC)

/* getopt's codes. The options of single verbs have no letters; theirs start where characters end. */
enum {
    CODE_WORD = 1,
    CODE_SYSTEM = 256,
    CODE_USER,
    CODE_ADDRESS,
    CODE_JSON,
    CODE_NO_LEGEND,
    CODE_NO_PAGER,
    CODE_NO_ASK_PASSWORD,
    CODE_VERSION,
    CODE_NAME,
    CODE_TYPE,
    CODE_STATUS,
    CODE_PREFIX,
    CODE_NAME_CONTAINS,
    CODE_PARAMS,
    CODE_INTERVAL,
    CODE_RESULT,
    CODE_ACTIVE,
    CODE_SINCE,
    CODE_UNTIL,
    CODE_OWNER,
    CODE_DRIVER,
    CODE_IF_BUSY,
    CODE_PRIORITY,
    CODE_NOT_BEFORE,
    CODE_START_DEADLINE,
    CODE_TIMEOUT,
    CODE_STEP_TIMEOUT,
    CODE_RETRY,
    CODE_RETRY_DELAY,
    CODE_REQUEST_ID,
    CODE_WAIT,
    CODE_FORCE,
};

/* '-': words are handed out in their order, whatever POSIXLY_CORRECT says. ':': a missing argument is told apart. */
static const char short_options[] = "-:hqH:d:n:";

static const struct option long_options[] = {
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, CODE_VERSION},
        {"system", no_argument, NULL, CODE_SYSTEM},
        {"user", no_argument, NULL, CODE_USER},
        {"address", required_argument, NULL, CODE_ADDRESS},
        {"host", required_argument, NULL, 'H'},
        {"json", required_argument, NULL, CODE_JSON},
        {"quiet", no_argument, NULL, 'q'},
        {"no-legend", no_argument, NULL, CODE_NO_LEGEND},
        {"no-pager", no_argument, NULL, CODE_NO_PAGER},
        {"no-ask-password", no_argument, NULL, CODE_NO_ASK_PASSWORD},
        {"name", required_argument, NULL, CODE_NAME},
        {"type", required_argument, NULL, CODE_TYPE},
        {"status", required_argument, NULL, CODE_STATUS},
        {"prefix", required_argument, NULL, CODE_PREFIX},
        {"name-contains", required_argument, NULL, CODE_NAME_CONTAINS},
        {"params", required_argument, NULL, CODE_PARAMS},
        {"interval", required_argument, NULL, CODE_INTERVAL},
        {"device", required_argument, NULL, 'd'},
        {"result", required_argument, NULL, CODE_RESULT},
        {"active", no_argument, NULL, CODE_ACTIVE},
        {"limit", required_argument, NULL, 'n'},
        {"since", required_argument, NULL, CODE_SINCE},
        {"until", required_argument, NULL, CODE_UNTIL},
        {"owner", required_argument, NULL, CODE_OWNER},
        {"driver", required_argument, NULL, CODE_DRIVER},
        {"if-busy", required_argument, NULL, CODE_IF_BUSY},
        {"priority", required_argument, NULL, CODE_PRIORITY},
        {"not-before", required_argument, NULL, CODE_NOT_BEFORE},
        {"start-deadline", required_argument, NULL, CODE_START_DEADLINE},
        {"timeout", required_argument, NULL, CODE_TIMEOUT},
        {"step-timeout", required_argument, NULL, CODE_STEP_TIMEOUT},
        {"retry", required_argument, NULL, CODE_RETRY},
        {"retry-delay", required_argument, NULL, CODE_RETRY_DELAY},
        {"request-id", required_argument, NULL, CODE_REQUEST_ID},
        {"wait", no_argument, NULL, CODE_WAIT},
        {"force", no_argument, NULL, CODE_FORCE},
        {NULL, 0, NULL, 0},
};

FleetCliOptions *fleet_cli_options_new(void)
{
    FleetCliOptions *options = g_new0(FleetCliOptions, 1);

    options->legend = options->pager = options->ask_password = TRUE;
    options->interval = INTERVAL_DEFAULT;
    options->types = g_ptr_array_new_with_free_func(g_free);
    options->statuses = g_ptr_array_new_with_free_func(g_free);
    options->results = g_ptr_array_new_with_free_func(g_free);
    options->params = g_ptr_array_new_with_free_func(g_free);
    options->words = g_ptr_array_new_with_free_func(g_free);
    return options;
}

void fleet_cli_options_free(FleetCliOptions *options)
{
    g_free(options->destination);
    g_free(options->name);
    g_free(options->prefix);
    g_free(options->name_contains);
    g_free(options->device);
    g_free(options->driver);
    g_free(options->device_address);
    g_free(options->if_busy);
    g_free(options->request_id);
    g_ptr_array_unref(options->types);
    g_ptr_array_unref(options->statuses);
    g_ptr_array_unref(options->results);
    g_ptr_array_unref(options->params);
    g_ptr_array_unref(options->words);
    g_free(options);
}

const char *fleet_option_name(guint options)
{
    static const char *const names[] = {"--name", "--type", "--status", "--prefix", "--name-contains", "--params",
            "--interval", "--device", "--result", "--active", "--limit", "--driver", "--if-busy", "--priority",
            "--not-before", "--start-deadline", "--timeout", "--step-timeout", "--retry", "--retry-delay",
            "--request-id", "--wait", "--force", "--since", "--until", "--owner", "--address"};
    int bit = g_bit_nth_lsf(options, -1);

    g_assert(bit >= 0 && (guint)bit < G_N_ELEMENTS(names));
    return names[bit];
}

/* "a,b" is two values; what each of them means is the daemon's business. */
static void add_list(GPtrArray *list, const char *argument, char *(*change_case)(const char *, gssize))
{
    g_auto(GStrv) values = g_strsplit(argument, ",", -1);

    for (guint i = 0; values[i] != NULL; i++)
        g_ptr_array_add(list, change_case(values[i], -1));
}

static void set_string(char **string, const char *value)
{
    g_free(*string);
    *string = g_strdup(value);
}

static void set_destination(FleetCliOptions *options, FleetTransport transport, const char *destination)
{
    options->transport = transport;
    set_string(&options->destination, destination);
}

static gboolean set_json(FleetCliOptions *options, const char *mode, GError **error)
{
    static const char *const modes[] = {"off", "short", "pretty"};

    for (guint i = 0; i < G_N_ELEMENTS(modes); i++)
        if (g_str_equal(mode, modes[i])) {
            options->json = (FleetJsonMode)i;
            return TRUE;
        }
    g_autofree char *shown = fleet_quotable(mode);
    g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE, "--json=%s is unknown; use short, pretty or off", shown);
    return FALSE;
}

static gboolean set_if_busy(FleetCliOptions *options, const char *mode, GError **error)
{
    static const char *const modes[] = {"fail", "queue", "replace", NULL};

    if (!g_strv_contains(modes, mode)) {
        g_autofree char *shown = fleet_quotable(mode);
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE, "--if-busy=%s is unknown; use fail, queue or replace",
                shown);
        return FALSE;
    }
    set_string(&options->if_busy, mode);
    return TRUE;
}

/* A span, or why it is none, with the option in front. */
static gboolean set_span(gint64 *usec, FleetVerbOption option, const char *span, GError **error)
{
    g_autoptr(GError) reason = NULL;

    if (!fleet_timespan_parse(span, usec, &reason)) {
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE, "%s: %s", fleet_option_name((guint)option),
                reason->message);
        return FALSE;
    }
    return TRUE;
}

static gboolean set_when(gint64 *usec, FleetVerbOption option, const char *text, GError **error)
{
    if (fleet_when_parse(text, fleet_clock_realtime(), usec, error))
        return TRUE;
    g_prefix_error(error, "%s: ", fleet_option_name((guint)option));
    return FALSE;
}

static gboolean set_interval(FleetCliOptions *options, const char *span, GError **error)
{
    if (!set_span(&options->interval, FLEET_OPTION_INTERVAL, span, error))
        return FALSE;
    if (options->interval < INTERVAL_MIN) {
        g_set_error(
                error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE, "--interval=%s is too short; use 100ms or more", span);
        return FALSE;
    }
    return TRUE;
}

static gboolean set_limit(FleetCliOptions *options, const char *number, GError **error)
{
    guint64 limit;

    if (!g_ascii_string_to_unsigned(number, 10, 1, G_MAXUINT, &limit, NULL)) {
        g_autofree char *shown = fleet_quotable(number);
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE, "--limit=%s is not a number of rows; use 1 or more",
                shown);
        return FALSE;
    }
    options->limit = (guint)limit;
    return TRUE;
}

static gboolean set_priority(FleetCliOptions *options, const char *number, GError **error)
{
    gint64 priority;

    if (!g_ascii_string_to_signed(number, 10, G_MININT32, G_MAXINT32, &priority, NULL)) {
        g_autofree char *shown = fleet_quotable(number);
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE,
                "--priority=%s is not a whole number; 0 is usual, higher ones go first", shown);
        return FALSE;
    }
    options->priority = (gint32)priority;
    return TRUE;
}

static gboolean set_retry(FleetCliOptions *options, const char *number, GError **error)
{
    guint64 retry;

    if (!g_ascii_string_to_unsigned(number, 10, 0, FLEET_ATTEMPTS_MAX - 1, &retry, NULL)) {
        g_autofree char *shown = fleet_quotable(number);
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE,
                "--retry=%s is not a number of further attempts; use 0 to %d", shown, FLEET_ATTEMPTS_MAX - 1);
        return FALSE;
    }
    options->retry = (guint)retry;
    return TRUE;
}

static gboolean set_owner(FleetCliOptions *options, const char *owner, GError **error)
{
    const struct passwd *user;
    guint64 uid;

    /* The largest uid is no uid: the kernel means "none" by it. */
    if (g_ascii_string_to_unsigned(owner, 10, 0, G_MAXUINT32 - 1, &uid, NULL)) {
        options->owner = (guint32)uid;
        return TRUE;
    }
    user = getpwnam(owner);
    if (user == NULL) {
        g_autofree char *shown = fleet_quotable(owner);
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE,
                "--owner=%s is no user of this system; use a name or a number", shown);
        return FALSE;
    }
    options->owner = user->pw_uid;
    return TRUE;
}

static gboolean add_param(FleetCliOptions *options, const char *param, GError **error)
{
    if (strchr(param, '=') == NULL || *param == '=') {
        g_autofree char *shown = fleet_quotable(param);
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE, "parameter '%s' is not of the form KEY=VALUE", shown);
        return FALSE;
    }
    g_ptr_array_add(options->params, g_strdup(param));
    return TRUE;
}

/* --params takes every following word that has a '=', up to the next option. */
static gboolean add_params(FleetCliOptions *options, int argc, char **argv, GError **error)
{
    if (!add_param(options, optarg, error))
        return FALSE;
    for (; optind < argc && *argv[optind] != '-' && strchr(argv[optind], '=') != NULL; optind++)
        if (!add_param(options, argv[optind], error))
            return FALSE;
    return TRUE;
}

/* Says what getopt found wrong with the option that it stopped at. */
static gboolean refuse(int code, const char *argument, GError **error)
{
    g_autofree char *shown = fleet_quotable(argument);

    if (code == ':')
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE, "option '%s' needs a value", shown);
    else if (optopt >= CODE_SYSTEM || optopt == 'h' || optopt == 'q')
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE, "option '%s' takes no value", shown);
    else if (g_ascii_isgraph((char)optopt))
        /* A letter within a word of several: the word itself may be the next one's by now. */
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE, "option '-%c' is unknown", (char)optopt);
    else
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE, "option '%s' is unknown or ambiguous", shown);
    return FALSE;
}

/* Whose address it is is said by the verb in front of it, if there is one. */
static void take_address(FleetCliOptions *options)
{
    static const char *const verbs[] = {"register", "update", NULL};

    if (options->words->len == 0 || !g_strv_contains(verbs, options->words->pdata[0])) {
        set_destination(options, FLEET_TRANSPORT_ADDRESS, optarg);
        return;
    }
    options->given |= FLEET_OPTION_ADDRESS;
    set_string(&options->device_address, optarg);
}

/* The options that every verb takes. FALSE, without an error, if it is none of them. */
static gboolean take_common(FleetCliOptions *options, int code, GError **error)
{
    switch (code) {
    case CODE_WORD:
        g_ptr_array_add(options->words, g_strdup(optarg));
        return TRUE;
    case 'h':
        options->help = TRUE;
        return TRUE;
    case 'q':
        options->quiet = TRUE;
        return TRUE;
    case CODE_VERSION:
        options->version = TRUE;
        return TRUE;
    case CODE_SYSTEM:
        set_destination(options, FLEET_TRANSPORT_SYSTEM, NULL);
        return TRUE;
    case CODE_USER:
        set_destination(options, FLEET_TRANSPORT_USER, NULL);
        return TRUE;
    case CODE_ADDRESS:
        take_address(options);
        return TRUE;
    case 'H':
        set_destination(options, FLEET_TRANSPORT_HOST, optarg);
        return TRUE;
    case CODE_JSON:
        return set_json(options, optarg, error);
    case CODE_NO_LEGEND:
        options->legend = FALSE;
        return TRUE;
    case CODE_NO_PAGER:
        options->pager = FALSE;
        return TRUE;
    case CODE_NO_ASK_PASSWORD:
        options->ask_password = FALSE;
        return TRUE;
    default:
        return FALSE;
    }
}

/* The options that say how an action is to be started. */
static gboolean take_start(FleetCliOptions *options, int code, char **argv, GError **error)
{
    switch (code) {
    case CODE_IF_BUSY:
        options->given |= FLEET_OPTION_IF_BUSY;
        return set_if_busy(options, optarg, error);
    case CODE_PRIORITY:
        options->given |= FLEET_OPTION_PRIORITY;
        return set_priority(options, optarg, error);
    case CODE_NOT_BEFORE:
        options->given |= FLEET_OPTION_NOT_BEFORE;
        return set_when(&options->not_before, FLEET_OPTION_NOT_BEFORE, optarg, error);
    case CODE_START_DEADLINE:
        options->given |= FLEET_OPTION_START_DEADLINE;
        return set_when(&options->start_deadline, FLEET_OPTION_START_DEADLINE, optarg, error);
    case CODE_TIMEOUT:
        options->given |= FLEET_OPTION_TIMEOUT;
        return set_span(&options->timeout, FLEET_OPTION_TIMEOUT, optarg, error);
    case CODE_STEP_TIMEOUT:
        options->given |= FLEET_OPTION_STEP_TIMEOUT;
        return set_span(&options->step_timeout, FLEET_OPTION_STEP_TIMEOUT, optarg, error);
    case CODE_RETRY:
        options->given |= FLEET_OPTION_RETRY;
        return set_retry(options, optarg, error);
    case CODE_RETRY_DELAY:
        options->given |= FLEET_OPTION_RETRY_DELAY;
        return set_span(&options->retry_delay, FLEET_OPTION_RETRY_DELAY, optarg, error);
    case CODE_REQUEST_ID:
        options->given |= FLEET_OPTION_REQUEST_ID;
        set_string(&options->request_id, optarg);
        return TRUE;
    case CODE_WAIT:
        options->given |= FLEET_OPTION_WAIT;
        return TRUE;
    default:
        return refuse(code, argv[optind - 1], error);
    }
}

/* The other options that single verbs take on actions. */
static gboolean take_actions(FleetCliOptions *options, int code, int argc, char **argv, GError **error)
{
    switch (code) {
    case CODE_RESULT:
        options->given |= FLEET_OPTION_RESULT;
        add_list(options->results, optarg, g_ascii_strdown);
        return TRUE;
    case 'd':
        options->given |= FLEET_OPTION_DEVICE;
        set_string(&options->device, optarg);
        return TRUE;
    case CODE_ACTIVE:
        options->given |= FLEET_OPTION_ACTIVE;
        return TRUE;
    case CODE_SINCE:
        options->given |= FLEET_OPTION_SINCE;
        return set_when(&options->since, FLEET_OPTION_SINCE, optarg, error);
    case CODE_UNTIL:
        options->given |= FLEET_OPTION_UNTIL;
        return set_when(&options->until, FLEET_OPTION_UNTIL, optarg, error);
    case CODE_OWNER:
        options->given |= FLEET_OPTION_OWNER;
        return set_owner(options, optarg, error);
    case CODE_PARAMS:
        options->given |= FLEET_OPTION_PARAMS;
        return add_params(options, argc, argv, error);
    case CODE_INTERVAL:
        options->given |= FLEET_OPTION_INTERVAL;
        return set_interval(options, optarg, error);
    case 'n':
        options->given |= FLEET_OPTION_LIMIT;
        return set_limit(options, optarg, error);
    case CODE_FORCE:
        options->given |= FLEET_OPTION_FORCE;
        return TRUE;
    default:
        return take_start(options, code, argv, error);
    }
}

/* The options that single verbs take. */
static gboolean take_verbs(FleetCliOptions *options, int code, int argc, char **argv, GError **error)
{
    switch (code) {
    case CODE_NAME:
        options->given |= FLEET_OPTION_NAME;
        set_string(&options->name, optarg);
        return TRUE;
    case CODE_TYPE:
        options->given |= FLEET_OPTION_TYPE;
        g_ptr_array_add(options->types, g_strdup(optarg));
        return TRUE;
    case CODE_STATUS:
        options->given |= FLEET_OPTION_STATUS;
        add_list(options->statuses, optarg, g_ascii_strup);
        return TRUE;
    case CODE_PREFIX:
        options->given |= FLEET_OPTION_PREFIX;
        set_string(&options->prefix, optarg);
        return TRUE;
    case CODE_NAME_CONTAINS:
        options->given |= FLEET_OPTION_NAME_CONTAINS;
        set_string(&options->name_contains, optarg);
        return TRUE;
    case CODE_DRIVER:
        options->given |= FLEET_OPTION_DRIVER;
        set_string(&options->driver, optarg);
        return TRUE;
    default:
        return take_actions(options, code, argc, argv, error);
    }
}

static gboolean take_all(FleetCliOptions *options, int argc, char **argv, GError **error)
{
    int code;

    /* 0 rather than 1: glibc then starts afresh, whatever it has read before. */
    optind = 0;
    opterr = 0;
    while ((code = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
        g_autoptr(GError) reason = NULL;

        if (take_common(options, code, &reason))
            continue;
        if (reason != NULL || !take_verbs(options, code, argc, argv, &reason)) {
            g_propagate_error(error, g_steal_pointer(&reason));
            return FALSE;
        }
    }
    for (; optind < argc; optind++)
        g_ptr_array_add(options->words, g_strdup(argv[optind]));
    return TRUE;
}

FleetCliOptions *fleet_cli_options_parse(int argc, char **argv, GError **error)
{
    g_autoptr(FleetCliOptions) options = fleet_cli_options_new();

    for (int i = 1; i < argc; i++)
        if (!g_utf8_validate(argv[i], -1, NULL)) {
            g_autofree char *shown = fleet_quotable(argv[i]);
            g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE, "'%s' is not valid UTF-8", shown);
            return NULL;
        }
    if (!take_all(options, argc, argv, error))
        return NULL;
    return g_steal_pointer(&options);
}
