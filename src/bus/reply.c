/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/reply.h"

void fleet_reply(FleetOutbox *outbox, sd_bus_message *call, const GError *error, const char *signature,
        FleetReplyFunc append, gconstpointer user_data)
{
    if (error != NULL) {
        fleet_outbox_error(outbox, call, error);
        return;
    }
    FleetBody *results = fleet_outbox_begin_return(outbox, call, signature);
    if (results == NULL)
        return;
    if (append != NULL)
        append(results, user_data);
    fleet_outbox_end_return(outbox, call);
}
