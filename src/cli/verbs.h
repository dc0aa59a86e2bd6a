/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The table of verbs, and what a verb is given to work with.
 */

#include "cli/client.h"
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/output.h"

#include <glib.h>

typedef struct {
    const FleetCliOptions *options;
    FleetOutput output;
    FleetClient *client; /* NULL for verbs that talk to nobody */
    FleetCliExit status; /* what a verb that did its work wants to exit with; DONE unless it says otherwise */
} FleetCli;

typedef struct {
    const char *name;
    const char *arguments; /* as the help shows them */
    const char *summary;
    guint min_arguments;
    guint max_arguments;
    guint options;  /* FLEET_OPTION_... that it takes */
    gboolean local; /* needs no daemon */
    /* Does the work. args holds its arguments and then NULL. On failure FALSE and a FLEET_CLI_ERROR. */
    gboolean (*run)(FleetCli *cli, const char *const *args, GError **error);
} FleetCliVerb;

/* The verb of that name, static. USAGE if there is none. */
const FleetCliVerb *fleet_cli_verb_lookup(const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Does the command line fit the verb? USAGE if not. */
gboolean fleet_cli_verb_check(const FleetCliVerb *verb, guint n_arguments, const FleetCliOptions *options,
        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The whole help. Owned by the caller. */
char *fleet_verbs_help(void) G_GNUC_WARN_UNUSED_RESULT;
