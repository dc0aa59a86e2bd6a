/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/verbs.h"

#include "base/quotable.h"
#include "cli/actions.h"
#include "cli/cancel.h"
#include "cli/devices.h"
#include "cli/heartbeat.h"
#include "cli/history.h"
#include "cli/initiate.h"
#include "cli/lists.h"
#include "cli/manager.h"
#include "cli/monitor.h"
#include "cli/poll.h"

static gboolean run_help(FleetCli *cli, const char *const *args, GError **error)
{
    g_autofree char *help = fleet_verbs_help();

    fleet_output_text(&cli->output, help);
    return TRUE;
}

/* How an action is to be started; a request id is one action's. */
#define START_OPTIONS                                                                                                  \
    (FLEET_OPTION_PARAMS | FLEET_OPTION_IF_BUSY | FLEET_OPTION_PRIORITY | FLEET_OPTION_NOT_BEFORE |                    \
            FLEET_OPTION_START_DEADLINE | FLEET_OPTION_TIMEOUT | FLEET_OPTION_STEP_TIMEOUT | FLEET_OPTION_RETRY |      \
            FLEET_OPTION_RETRY_DELAY)
#define WAIT_OPTIONS (FLEET_OPTION_WAIT | FLEET_OPTION_INTERVAL)

static const FleetCliVerb verbs[] = {
        {.name = "list",
                .arguments = "",
                .summary = "List the devices (also without a verb)",
                .options = FLEET_OPTION_STATUS | FLEET_OPTION_TYPE | FLEET_OPTION_PREFIX | FLEET_OPTION_NAME_CONTAINS,
                .run = fleet_cli_verb_list},
        {.name = "get-info",
                .arguments = "DEVICE",
                .summary = "Show all about a device",
                .min_arguments = 1,
                .max_arguments = 1,
                .run = fleet_cli_verb_get_info},
        {.name = "register",
                .arguments = "DEVICE",
                .summary = "Add a device",
                .min_arguments = 1,
                .max_arguments = 1,
                .options = FLEET_OPTION_NAME | FLEET_OPTION_TYPE | FLEET_OPTION_STATUS | FLEET_OPTION_DRIVER |
                           FLEET_OPTION_ADDRESS,
                .run = fleet_cli_verb_register},
        {.name = "update",
                .arguments = "DEVICE",
                .summary = "Change a device's name, type or address",
                .min_arguments = 1,
                .max_arguments = 1,
                .options = FLEET_OPTION_NAME | FLEET_OPTION_TYPE | FLEET_OPTION_ADDRESS,
                .run = fleet_cli_verb_update},
        {.name = "set-status",
                .arguments = "DEVICE STATUS",
                .summary = "Set a device's status",
                .min_arguments = 2,
                .max_arguments = 2,
                .run = fleet_cli_verb_set_status},
        {.name = "heartbeat",
                .arguments = "DEVICE...",
                .summary = "Say that devices are there",
                .min_arguments = 1,
                .max_arguments = G_MAXUINT,
                .run = fleet_cli_verb_heartbeat},
        {.name = "unregister",
                .arguments = "DEVICE",
                .summary = "Remove a device",
                .min_arguments = 1,
                .max_arguments = 1,
                .run = fleet_cli_verb_unregister},
        {.name = "initiate-action",
                .arguments = "DEVICE TYPE",
                .summary = "Start an action on a device",
                .min_arguments = 2,
                .max_arguments = 2,
                .options = START_OPTIONS | FLEET_OPTION_REQUEST_ID | WAIT_OPTIONS,
                .run = fleet_cli_verb_initiate_action},
        {.name = "initiate-actions",
                .arguments = "TYPE DEVICE...",
                .summary = "Start the same action on several devices",
                .min_arguments = 2,
                .max_arguments = G_MAXUINT,
                .options = START_OPTIONS,
                .run = fleet_cli_verb_initiate_actions},
        {.name = "cancel-action",
                .arguments = "ACTION",
                .summary = "Stop an action, or take it out of the queue",
                .min_arguments = 1,
                .max_arguments = 1,
                .options = FLEET_OPTION_FORCE | WAIT_OPTIONS,
                .run = fleet_cli_verb_cancel_action},
        {.name = "action-status",
                .arguments = "ACTION",
                .summary = "Show all about an action",
                .min_arguments = 1,
                .max_arguments = 1,
                .run = fleet_cli_verb_action_status},
        {.name = "poll-action",
                .arguments = "ACTION",
                .summary = "Follow an action until it has ended",
                .min_arguments = 1,
                .max_arguments = 1,
                .options = FLEET_OPTION_INTERVAL,
                .run = fleet_cli_verb_poll_action},
        {.name = "list-actions",
                .arguments = "",
                .summary = "List the actions, newest first",
                .options = FLEET_OPTION_DEVICE | FLEET_OPTION_STATUS | FLEET_OPTION_TYPE | FLEET_OPTION_RESULT |
                           FLEET_OPTION_ACTIVE | FLEET_OPTION_LIMIT | FLEET_OPTION_SINCE | FLEET_OPTION_UNTIL |
                           FLEET_OPTION_OWNER,
                .run = fleet_cli_verb_list_actions},
        {.name = "history",
                .arguments = "ACTION",
                .summary = "Show all that happened to an action",
                .min_arguments = 1,
                .max_arguments = 1,
                .run = fleet_cli_verb_history},
        {.name = "audit",
                .arguments = "",
                .summary = "List the calls that changed something, newest first",
                .options = FLEET_OPTION_LIMIT,
                .run = fleet_cli_verb_audit},
        {.name = "monitor",
                .arguments = "",
                .summary = "Print every change as it comes",
                .run = fleet_cli_verb_monitor},
        {.name = "status", .arguments = "", .summary = "Show how the daemon is", .run = fleet_cli_verb_status},
        {.name = "reload",
                .arguments = "",
                .summary = "Have the configuration read anew",
                .run = fleet_cli_verb_reload},
        {.name = "help", .arguments = "", .summary = "Show this help", .local = TRUE, .run = run_help},
};

const FleetCliVerb *fleet_cli_verb_lookup(const char *name, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (g_str_equal(verbs[i].name, name))
            return &verbs[i];

    g_autofree char *shown = fleet_quotable(name);
    g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE, "verb '%s' is unknown", shown);
    return NULL;
}

gboolean fleet_cli_verb_check(
        const FleetCliVerb *verb, guint n_arguments, const FleetCliOptions *options, GError **error)
{
    guint foreign = options->given & ~verb->options;

    if (n_arguments < verb->min_arguments || n_arguments > verb->max_arguments) {
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE, "too %s arguments: it is '%s%s%s'",
                n_arguments < verb->min_arguments ? "few" : "many", verb->name, *verb->arguments != '\0' ? " " : "",
                verb->arguments);
        return FALSE;
    }
    if (foreign != 0) {
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_USAGE, "verb '%s' takes no option '%s'", verb->name,
                fleet_option_name(foreign));
        return FALSE;
    }
    return TRUE;
}

static const char help_head[] = "Usage: fleetctl [OPTION...] [VERB [ARGUMENT...]]\n"
                                "\n"
                                "Control the fleet of devices that fleetd keeps.\n"
                                "\n"
                                "Verbs:\n";

static const char help_options[] =
        "\n"
        "Options:\n"
        "  -h, --help                   Show this help\n"
        "      --version                Show the version\n"
        "      --system                 Talk to the daemon on the system bus (the default)\n"
        "      --user                   Talk to the daemon on the session bus\n"
        "      --address=ADDRESS        Talk through the D-Bus address, as unix:path=/run/fleet/fleetd.sock\n"
        "  -H, --host=[USER@]HOST       Talk to the daemon on another host, through ssh\n"
        "      --json=short|pretty|off  Print JSON\n"
        "  -q, --quiet                  Print results only, no messages of success\n"
        "      --no-legend              Print no headings\n"
        "      --no-pager               Do not start a pager\n"
        "      --no-ask-password        Do not ask for a password where one would be needed\n"
        "\n"
        "Options of register, update and the lists:\n"
        "      --name=NAME              The device's name\n"
        "      --type=TYPE              The device's type; in list-actions the action's\n"
        "      --status=STATUS          The status; in lists several, with commas between\n"
        "      --driver=NAME            In register: what carries out the device's actions\n"
        "      --address=ADDRESS        Behind register or update: where that finds the device\n"
        "      --prefix=TEXT            In list: devices whose ID starts so\n"
        "      --name-contains=TEXT     In list: devices whose name has this in it\n"
        "  -d, --device=DEVICE          In list-actions: those of one device\n"
        "      --result=RESULT          In list-actions: those that ended so\n"
        "      --active                 In list-actions: those that have not ended\n"
        "      --since=TIME             In list-actions: those initiated then or later\n"
        "      --until=TIME             In list-actions: those initiated before\n"
        "      --owner=USER             In list-actions: those that this user initiated\n"
        "  -n, --limit=N                In list-actions and audit: the newest N\n"
        "\n"
        "Options of initiate-action and initiate-actions:\n"
        "      --params KEY=VALUE...    The action's parameters, up to the next option\n"
        "      --if-busy=fail|queue|replace\n"
        "                               Where the device has an action: refuse, wait, or cancel that one\n"
        "      --priority=N             In the queue higher ones go first, 0 by default\n"
        "      --not-before=TIME        Start it then or later\n"
        "      --start-deadline=TIME    Give up if it has not started by then\n"
        "      --timeout=SPAN           Stop it if it runs longer\n"
        "      --step-timeout=SPAN      Stop it if nothing is heard of it for so long\n"
        "      --retry=N                Try so many more times if an attempt fails in passing\n"
        "      --retry-delay=SPAN       Wait so long before the second attempt\n"
        "      --request-id=ID          In initiate-action: asked again with it, it is the same action\n"
        "\n"
        "Options of initiate-action, cancel-action and poll-action:\n"
        "      --wait                   Follow the action to its end, as poll-action does\n"
        "      --interval=SECONDS       How often to look, 2 by default\n"
        "      --force                  In cancel-action: close it even if it cannot be stopped\n"
        "\n"
        "A TIME is \"2026-11-25 18:00\", \"2026-11-25\", \"+2h\" or \"-2h\"; a SPAN is \"90\", \"5min\" or \"1h "
        "30min\".\n"
        "\n"
        "Exit status: 0 done, 1 failed, 2 bad command line, 3 daemon not reached, 4 not found, 5 denied.\n"
        "See fleetctl(1) for more.\n";

char *fleet_verbs_help(void)
{
    GString *help = g_string_new(help_head);

    for (guint i = 0; i < G_N_ELEMENTS(verbs); i++) {
        g_autofree char *synopsis = g_strdup_printf("%s %s", verbs[i].name, verbs[i].arguments);
        g_string_append_printf(help, "  %-31s %s\n", synopsis, verbs[i].summary);
    }
    g_string_append(help, help_options);
    return g_string_free(help, FALSE);
}
