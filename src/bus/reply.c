/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/reply.h"

#include "base/error.h"

void fleet_reply(FleetOutbox *outbox, sd_bus_message *call, const GError *error, const char *signature,
        FleetReplyFunc append, gconstpointer user_data)
{
    if (!sd_bus_message_get_expect_reply(call))
        return;
    if (error != NULL) {
        fleet_outbox_error(outbox, call,
                error->domain == FLEET_ERROR ? fleet_error_name((FleetError)error->code) : SD_BUS_ERROR_FAILED,
                error->message);
        return;
    }
    FleetBody *results = fleet_outbox_begin_return(outbox, call, signature);
    if (results == NULL)
        return;
    if (append != NULL)
        append(results, user_data);
    fleet_outbox_end_return(outbox);
}
