/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/verbs.h"

#include "base/quotable.h"
#include "cli/actions.h"
#include "cli/devices.h"
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

static const FleetVerb verbs[] = {
        {.name = "list",
                .arguments = "",
                .summary = "List the devices (also without a verb)",
                .options = FLEET_OPTION_STATUS | FLEET_OPTION_TYPE | FLEET_OPTION_PREFIX | FLEET_OPTION_NAME_CONTAINS,
                .run = fleet_verb_list},
        {.name = "get-info",
                .arguments = "DEVICE",
                .summary = "Show all about a device",
                .min_arguments = 1,
                .max_arguments = 1,
                .run = fleet_verb_get_info},
        {.name = "register",
                .arguments = "DEVICE",
                .summary = "Add a device",
                .min_arguments = 1,
                .max_arguments = 1,
                .options = FLEET_OPTION_NAME | FLEET_OPTION_TYPE | FLEET_OPTION_STATUS,
                .run = fleet_verb_register},
        {.name = "update",
                .arguments = "DEVICE",
                .summary = "Change a device's name or type",
                .min_arguments = 1,
                .max_arguments = 1,
                .options = FLEET_OPTION_NAME | FLEET_OPTION_TYPE,
                .run = fleet_verb_update},
        {.name = "set-status",
                .arguments = "DEVICE STATUS",
                .summary = "Set a device's status",
                .min_arguments = 2,
                .max_arguments = 2,
                .run = fleet_verb_set_status},
        {.name = "unregister",
                .arguments = "DEVICE",
                .summary = "Remove a device",
                .min_arguments = 1,
                .max_arguments = 1,
                .run = fleet_verb_unregister},
        {.name = "initiate-action",
                .arguments = "DEVICE TYPE",
                .summary = "Start an action on a device",
                .min_arguments = 2,
                .max_arguments = 2,
                .options = FLEET_OPTION_PARAMS,
                .run = fleet_verb_initiate_action},
        {.name = "action-status",
                .arguments = "ACTION",
                .summary = "Show all about an action",
                .min_arguments = 1,
                .max_arguments = 1,
                .run = fleet_verb_action_status},
        {.name = "poll-action",
                .arguments = "ACTION",
                .summary = "Follow an action until it has ended",
                .min_arguments = 1,
                .max_arguments = 1,
                .options = FLEET_OPTION_INTERVAL,
                .run = fleet_verb_poll_action},
        {.name = "list-actions",
                .arguments = "",
                .summary = "List the actions, newest first",
                .options = FLEET_OPTION_DEVICE | FLEET_OPTION_STATUS | FLEET_OPTION_TYPE | FLEET_OPTION_RESULT |
                           FLEET_OPTION_ACTIVE | FLEET_OPTION_LIMIT,
                .run = fleet_verb_list_actions},
        {.name = "monitor", .arguments = "", .summary = "Print every change as it comes", .run = fleet_verb_monitor},
        {.name = "status", .arguments = "", .summary = "Show how the daemon is", .run = fleet_verb_status},
        {.name = "help", .arguments = "", .summary = "Show this help", .local = TRUE, .run = run_help},
};

const FleetVerb *fleet_verb_lookup(const char *name, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (g_str_equal(verbs[i].name, name))
            return &verbs[i];

    g_autofree char *shown = fleet_quotable(name);
    g_set_error(error, FLEET_CLI_ERROR, FLEET_EXIT_USAGE, "verb '%s' is unknown", shown);
    return NULL;
}

gboolean fleet_verb_check(const FleetVerb *verb, guint n_arguments, const FleetOptions *options, GError **error)
{
    guint foreign = options->given & ~verb->options;

    if (n_arguments < verb->min_arguments || n_arguments > verb->max_arguments) {
        g_set_error(error, FLEET_CLI_ERROR, FLEET_EXIT_USAGE, "too %s arguments: it is '%s%s%s'",
                n_arguments < verb->min_arguments ? "few" : "many", verb->name, *verb->arguments != '\0' ? " " : "",
                verb->arguments);
        return FALSE;
    }
    if (foreign != 0) {
        g_set_error(error, FLEET_CLI_ERROR, FLEET_EXIT_USAGE, "verb '%s' takes no option '%s'", verb->name,
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
        "Options of register, update, list and list-actions:\n"
        "      --name=NAME              The device's name\n"
        "      --type=TYPE              The device's type; in list-actions the action's\n"
        "      --status=STATUS          The status; in lists several, with commas between\n"
        "      --prefix=TEXT            In list: devices whose ID starts so\n"
        "      --name-contains=TEXT     In list: devices whose name has this in it\n"
        "  -d, --device=DEVICE          In list-actions: those of one device\n"
        "      --result=RESULT          In list-actions: those that ended so\n"
        "      --active                 In list-actions: those that have not ended\n"
        "  -n, --limit=N                In list-actions: the newest N\n"
        "\n"
        "Options of initiate-action and poll-action:\n"
        "      --params KEY=VALUE...    The action's parameters, up to the next option\n"
        "      --interval=SECONDS       How often to look, 2 by default\n"
        "\n"
        "Exit status: 0 done, 1 failed, 2 bad command line, 3 daemon not reached, 4 not found, 5 denied.\n"
        "See fleetctl(1) for more.\n";

char *fleet_verbs_help(void)
{
    GString *help = g_string_new(help_head);

    for (guint i = 0; i < G_N_ELEMENTS(verbs); i++) {
        g_autofree char *synopsis = g_strdup_printf("%s %s", verbs[i].name, verbs[i].arguments);
        g_string_append_printf(help, "  %-28s %s\n", synopsis, verbs[i].summary);
    }
    g_string_append(help, help_options);
    return g_string_free(help, FALSE);
}
