/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/remote_bus/bundle.h"

#include "base/error.h"

#include <string.h>

static const char *fail(GError **error, const char *what)
{
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_UNSUPPORTED, "without a program for it, FIRMWARE_UPDATE is RAUC's: %s",
            what);
    return NULL;
}

static const char *lookup(const FleetParameters *parameters, const char *key)
{
    for (guint i = 0; i < fleet_parameters_count(parameters); i++)
        if (g_str_equal(fleet_parameters_key(parameters, i), key))
            return fleet_parameters_value(parameters, i);
    return NULL;
}

/* What a value is it does not say, for it may hold a password. */
const char *fleet_remote_bundle_source(const FleetParameters *parameters, GError **error)
{
    const char *url = lookup(parameters, "url");
    const char *path = lookup(parameters, "path");

    if ((url == NULL) == (path == NULL))
        return fail(error, "give the bundle as the parameter 'url', or as 'path' if it is on the machine");
    if (path != NULL && path[0] != '/')
        return fail(error, "the parameter 'path' is not an absolute path");
    if (url != NULL && (!g_ascii_isalpha(url[0]) || strstr(url, "://") == NULL))
        return fail(error, "the parameter 'url' is not a URL");
    return url != NULL ? url : path;
}
