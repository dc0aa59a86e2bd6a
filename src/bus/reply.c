/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/reply.h"

#include "base/error.h"
#include "base/log.h"

#include <errno.h>

void fleet_reply_send(sd_bus_message *message)
{
    int r = sd_bus_send(NULL, message, NULL);

    if (r < 0 && r != -ENOTCONN && r != -ECONNRESET && r != -EPIPE)
        fleet_log_warning("cannot send a message: %s", g_strerror(-r));
    sd_bus_message_unref(message);
}

static int new_error(sd_bus_message *call, const GError *error, sd_bus_message **reply)
{
    const char *name = error->domain == FLEET_ERROR ? fleet_error_name((FleetError)error->code) : SD_BUS_ERROR_FAILED;

    return sd_bus_message_new_method_errorf(call, reply, name, "%s", error->message);
}

static int new_return(sd_bus_message *call, FleetReplyFunc append, gpointer user_data, sd_bus_message **reply)
{
    int r = sd_bus_message_new_method_return(call, reply);

    return r < 0 || append == NULL ? r : append(*reply, user_data);
}

void fleet_reply(sd_bus_message *call, const GError *error, FleetReplyFunc append, gpointer user_data)
{
    sd_bus_message *reply = NULL;

    if (!sd_bus_message_get_expect_reply(call))
        return;
    int r = error != NULL ? new_error(call, error, &reply) : new_return(call, append, user_data, &reply);
    if (r < 0) {
        fleet_log_error("cannot make the reply to %s: %s", sd_bus_message_get_member(call), g_strerror(-r));
        sd_bus_message_unref(reply);
        r = sd_bus_message_new_method_errnof(call, &reply, r, "the reply cannot be made: %m");
    }
    if (r >= 0)
        fleet_reply_send(reply);
}
