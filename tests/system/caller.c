/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * usage: fleet-test-caller ADDRESS
 *
 * One connection that stays: each line "ID TYPE" of stdin is a device to register; each line of stdout is "ok" or the
 * name of the error.
 */

#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>

static sd_bus *connect_to(const char *address)
{
    sd_bus *bus = NULL;
    int r = sd_bus_new(&bus);

    if (r >= 0)
        r = sd_bus_set_address(bus, address);
    if (r >= 0)
        r = sd_bus_set_bus_client(bus, 1);
    if (r >= 0)
        r = sd_bus_start(bus);
    return r >= 0 ? bus : NULL;
}

int main(int argc, char **argv)
{
    sd_bus *bus = argc == 2 ? connect_to(argv[1]) : NULL;
    char id[64], type[64];

    if (bus == NULL)
        return EXIT_FAILURE;
    while (scanf("%63s %63s", id, type) == 2) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int r = sd_bus_call_method(bus, "org.fleet.Manager", "/org/fleet/Manager", "org.fleet.Manager",
                "RegisterDevice", &error, NULL, "ssssa{sv}", id, "", type, "", 0);

        puts(r >= 0 ? "ok" : error.name);
        fflush(stdout);
        sd_bus_error_free(&error);
    }
    sd_bus_flush_close_unref(bus);
    return EXIT_SUCCESS;
}
