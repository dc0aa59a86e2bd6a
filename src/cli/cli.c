/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/cli.h"

#include "build_config.h"
#include "cli/verbs.h"

#include <locale.h>
#include <signal.h>

/* The words of a command line, ended with NULL; "list" where there are none. Owned by the caller, the words are not. */
static char **words_of(const FleetCliOptions *options)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    if (options->words->len == 0)
        g_ptr_array_add(words, (gpointer) "list");
    for (guint i = 0; i < options->words->len; i++)
        g_ptr_array_add(words, options->words->pdata[i]);
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_steal(words, NULL);
}

static gboolean run_verb(FleetCli *cli, const char *const *words, GError **error)
{
    const FleetCliVerb *verb = fleet_cli_verb_lookup(words[0], error);
    g_autoptr(FleetClient) client = NULL;

    if (verb == NULL || !fleet_cli_verb_check(verb, g_strv_length((char **)words) - 1, cli->options, error))
        return FALSE;
    if (!verb->local) {
        client = fleet_client_open(cli->options, error);
        if (client == NULL)
            return FALSE;
    }
    cli->client = client;
    gboolean done = verb->run(cli, words + 1, error);
    cli->client = NULL;
    return done;
}

static gboolean run(FleetCli *cli, GError **error)
{
    g_autofree char **words = words_of(cli->options);

    if (cli->options->version) {
        fleet_output_line(&cli->output, "fleetctl %s", FLEET_VERSION);
        return TRUE;
    }
    if (cli->options->help) {
        g_autofree char *help = fleet_verbs_help();
        fleet_output_text(&cli->output, help);
        return TRUE;
    }
    return run_verb(cli, (const char *const *)words, error);
}

/* Prints why it failed, unless nobody reads us any more, and gives the status. */
static FleetCliExit explain(FleetOutput *output, const GError *error)
{
    FleetCliExit status = fleet_cli_exit_from_error(error);

    if (status == FLEET_CLI_EXIT_USAGE)
        fleet_output_error(output, "%s; see 'fleetctl --help'", error->message);
    else if (*error->message != '\0')
        fleet_output_error(output, "%s", error->message);
    return status;
}

static FleetCliExit run_options(const FleetCliOptions *options)
{
    FleetCli cli = {.options = options, .status = FLEET_CLI_EXIT_DONE};
    g_autoptr(GError) error = NULL;

    fleet_output_init(&cli.output, options);
    if (!run(&cli, &error))
        cli.status = explain(&cli.output, error);
    g_clear_error(&error);
    if (!fleet_output_flush(&cli.output, &error)) {
        FleetCliExit status = explain(&cli.output, error);
        if (cli.status == FLEET_CLI_EXIT_DONE)
            cli.status = status;
    }
    return cli.status;
}

int fleet_cli_main(int argc, char **argv)
{
    g_autoptr(FleetCliOptions) options = NULL;
    g_autoptr(GError) error = NULL;

    /* Characters only: numbers and messages stay as scripts expect them. */
    setlocale(LC_CTYPE, "");
    /* A reader that leaves is noticed where we write. */
    signal(SIGPIPE, SIG_IGN);

    options = fleet_cli_options_parse(argc, argv, &error);
    if (options == NULL) {
        g_autoptr(FleetCliOptions) none = fleet_cli_options_new();
        FleetOutput output;
        fleet_output_init(&output, none);
        return explain(&output, error);
    }
    return run_options(options);
}
