/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/simulated_device.h"

#include "lib/main.h"

#include <signal.h>
#include <stdarg.h>

static void add_security(const FleetTestBroker *broker, GPtrArray *argv)
{
    const FleetTestBrokerSettings *settings = fleet_test_broker_settings(broker);
    const FleetTestCertificates *certificates = fleet_test_broker_certificates(broker);

    if (settings->username != NULL) {
        g_ptr_array_add(argv, g_strconcat("--username=", settings->username, NULL));
        g_ptr_array_add(argv, g_strconcat("--password-file=", fleet_test_broker_password_file(broker), NULL));
    }
    if (certificates == NULL)
        return;
    g_ptr_array_add(argv, g_strconcat("--cafile=", fleet_test_certificates_authority(certificates), NULL));
    if (settings->client_certificates) {
        g_ptr_array_add(argv, g_strconcat("--cert=", fleet_test_certificates_client(certificates), NULL));
        g_ptr_array_add(argv, g_strconcat("--key=", fleet_test_certificates_client_key(certificates), NULL));
    }
}

static FleetTestProcess *launch(const FleetTestBroker *broker, const char *id, va_list arguments)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    const char *wrapper = g_getenv("FLEET_TEST_WRAPPER"), *argument;

    if (wrapper != NULL)
        g_ptr_array_add(argv, g_strdup(wrapper));
    g_ptr_array_add(argv, g_strdup(fleet_test_env("FLEET_SIMULATED_DEVICE")));
    g_ptr_array_add(argv, g_strconcat("--broker=", fleet_test_broker_address(broker), NULL));
    g_ptr_array_add(argv, g_strconcat("--id=", id, NULL));
    add_security(broker, argv);
    while ((argument = va_arg(arguments, const char *)) != NULL)
        g_ptr_array_add(argv, g_strdup(argument));
    g_ptr_array_add(argv, NULL);
    return fleet_test_process_start((const char *const *)argv->pdata, NULL);
}

FleetTestProcess *fleet_test_simulated_device_launch(const FleetTestBroker *broker, const char *id, ...)
{
    va_list arguments;

    va_start(arguments, id);
    FleetTestProcess *device = launch(broker, id, arguments);
    va_end(arguments);
    return device;
}

void fleet_test_simulated_device_wait(FleetTestProcess *device)
{
    if (!fleet_test_process_wait_output(device, FLEET_TEST_STDOUT, "up$", FLEET_TEST_PATIENCE)) {
        g_autofree char *written = fleet_test_process_output(device, FLEET_TEST_STDERR);
        fleet_test_fail("fleet-simulated-device did not come up: %s", written);
    }
}

FleetTestProcess *fleet_test_simulated_device_start(const FleetTestBroker *broker, const char *id, ...)
{
    va_list arguments;

    va_start(arguments, id);
    FleetTestProcess *device = launch(broker, id, arguments);
    va_end(arguments);
    fleet_test_simulated_device_wait(device);
    return device;
}

void fleet_test_simulated_device_stop(FleetTestProcess *device)
{
    fleet_test_process_signal(device, SIGTERM);
    int status = fleet_test_process_wait(device, FLEET_TEST_PATIENCE);
    if (status != 0) {
        g_autofree char *written = fleet_test_process_output(device, FLEET_TEST_STDERR);
        fleet_test_fail("fleet-simulated-device ended with %d: %s", status, written);
    }
    fleet_test_process_free(device);
}

void fleet_test_simulated_device_kill(FleetTestProcess *device)
{
    fleet_test_process_signal(device, SIGKILL);
    (void)fleet_test_process_wait(device, FLEET_TEST_PATIENCE);
    fleet_test_process_free(device);
}
