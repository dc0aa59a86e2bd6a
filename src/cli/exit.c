/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/exit.h"

#include "base/error.h"

G_DEFINE_QUARK(fleet_cli_error_quark, fleet_cli_error)

static FleetCliExit exit_from_code(FleetError code)
{
    /* Only four of the codes have a status of their own; whatever else the daemon refuses is a plain failure. */
    if (code == FLEET_ERROR_DEVICE_NOT_FOUND || code == FLEET_ERROR_ACTION_NOT_FOUND)
        return FLEET_CLI_EXIT_NOT_FOUND;
    if (code == FLEET_ERROR_ACCESS_DENIED)
        return FLEET_CLI_EXIT_DENIED;
    if (code == FLEET_ERROR_SHUTTING_DOWN)
        return FLEET_CLI_EXIT_UNREACHABLE;
    return FLEET_CLI_EXIT_FAILED;
}

FleetCliExit fleet_cli_exit_from_error_name(const char *name)
{
    static const char *const denied[] = {"org.freedesktop.DBus.Error.AccessDenied",
            "org.freedesktop.DBus.Error.AuthFailed", "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
            NULL};
    static const char *const unreachable[] = {"org.freedesktop.DBus.Error.ServiceUnknown",
            "org.freedesktop.DBus.Error.NameHasNoOwner", "org.freedesktop.DBus.Error.NoReply",
            "org.freedesktop.DBus.Error.NoServer", "org.freedesktop.DBus.Error.NoNetwork",
            "org.freedesktop.DBus.Error.Disconnected", "org.freedesktop.DBus.Error.Timeout",
            "org.freedesktop.DBus.Error.TimedOut", "System.Error.ENOTCONN", "System.Error.ECONNRESET",
            "System.Error.ECONNREFUSED", "System.Error.EPIPE", "System.Error.ESHUTDOWN", "System.Error.ETIMEDOUT",
            NULL};
    FleetError code;

    if (name == NULL)
        return FLEET_CLI_EXIT_FAILED;
    if (fleet_error_from_name(name, &code))
        return exit_from_code(code);
    if (g_strv_contains(denied, name))
        return FLEET_CLI_EXIT_DENIED;
    /* The bus could not start the daemon for us: "Spawn.ChildExited", "Spawn.ExecFailed", ... */
    if (g_strv_contains(unreachable, name) || g_str_has_prefix(name, "org.freedesktop.DBus.Error.Spawn."))
        return FLEET_CLI_EXIT_UNREACHABLE;
    return FLEET_CLI_EXIT_FAILED;
}

FleetCliExit fleet_cli_exit_from_error(const GError *error)
{
    return error->domain == FLEET_CLI_ERROR ? (FleetCliExit)error->code : FLEET_CLI_EXIT_FAILED;
}
