/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/daemon.h"

#include <locale.h>
#include <signal.h>

int main(int argc, char **argv)
{
    FleetExitStatus status;

    setlocale(LC_ALL, "");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a full quota is an error of the write, not the end */

    g_autoptr(FleetOptions) options = fleet_options_parse(argc, argv, &status);
    if (options == NULL)
        return status;
    g_autoptr(FleetDaemon) daemon = fleet_daemon_new(options);
    return fleet_daemon_run(daemon);
}
