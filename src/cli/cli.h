/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * fleetctl as a whole.
 */

/* Runs one command line and returns the exit status (exit.h). */
int fleet_cli_main(int argc, char **argv);
