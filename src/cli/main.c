/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/cli.h"

int main(int argc, char **argv)
{
    return fleet_cli_main(argc, argv);
}
