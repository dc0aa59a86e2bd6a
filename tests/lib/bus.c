/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/bus.h"

#include "lib/main.h"
#include "lib/process.h"

#include <signal.h>

struct FleetTestBus {
    char *directory;
    char *config;
    char *address;
    FleetTestProcess *process; /* NULL while it is stopped */
};

FleetTestBus *fleet_test_bus_new(const char *policy)
{
    FleetTestBus *bus = g_new0(FleetTestBus, 1);

    bus->directory = fleet_test_directory_new();
    bus->config = g_build_filename(bus->directory, "bus.conf", NULL);
    bus->address = g_strdup_printf("unix:path=%s/socket", bus->directory);
    g_autofree char *text = g_strdup_printf("<busconfig>\n"
                                            "  <type>custom</type>\n"
                                            "  <listen>%s</listen>\n"
                                            "  <auth>EXTERNAL</auth>\n"
                                            "  <policy context='default'>\n"
                                            "    <allow user='*'/>\n"
                                            "    <allow own='*'/>\n"
                                            "    <allow send_destination='*'/>\n"
                                            "    <allow receive_sender='*'/>\n"
                                            "  </policy>\n"
                                            "  %s\n"
                                            "</busconfig>\n",
            bus->address, policy != NULL ? policy : "");
    fleet_test_write(bus->config, text);
    fleet_test_bus_start(bus);
    g_setenv("DBUS_SYSTEM_BUS_ADDRESS", bus->address, TRUE);
    return bus;
}

void fleet_test_bus_free(FleetTestBus *bus)
{
    fleet_test_bus_stop(bus);
    fleet_test_remove(bus->directory);
    g_free(bus->directory);
    g_free(bus->config);
    g_free(bus->address);
    g_free(bus);
}

const char *fleet_test_bus_address(const FleetTestBus *bus)
{
    return bus->address;
}

void fleet_test_bus_start(FleetTestBus *bus)
{
    g_autofree char *config = g_strconcat("--config-file=", bus->config, NULL);
    const char *argv[] = {"dbus-daemon", config, "--nofork", "--nopidfile", "--nosyslog", "--print-address=1", NULL};

    g_assert(bus->process == NULL);
    bus->process = fleet_test_process_start(argv, NULL);
    if (!fleet_test_process_wait_output(bus->process, FLEET_TEST_STDOUT, "^unix:.*\n", FLEET_TEST_PATIENCE)) {
        g_autofree char *written = fleet_test_process_output(bus->process, FLEET_TEST_STDERR);
        fleet_test_fail("dbus-daemon did not start: %s", written);
    }
}

static void end_by(FleetTestBus *bus, int number)
{
    if (bus->process == NULL)
        return;
    fleet_test_process_signal(bus->process, number);
    (void)fleet_test_process_wait(bus->process, FLEET_TEST_PATIENCE);
    g_clear_pointer(&bus->process, fleet_test_process_free);
}

void fleet_test_bus_stop(FleetTestBus *bus)
{
    end_by(bus, SIGTERM);
}

void fleet_test_bus_kill(FleetTestBus *bus)
{
    end_by(bus, SIGKILL);
}

void fleet_test_bus_freeze(FleetTestBus *bus)
{
    fleet_test_process_signal(bus->process, SIGSTOP);
}

void fleet_test_bus_thaw(FleetTestBus *bus)
{
    fleet_test_process_signal(bus->process, SIGCONT);
}
