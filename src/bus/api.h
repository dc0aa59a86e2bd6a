/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the published interfaces work on. One of it, shared by all connections; all that it points to is owned by
 * daemon/.
 */

#include "access/authority.h"
#include "bus/flow.h"
#include "core/engine.h"
#include "core/history.h"
#include "core/ledger.h"
#include "core/registry.h"
#include "core/timers.h"

/* Reads the configuration anew and puts it into force. FALSE with INVALID_ARGUMENT, "FILE:LINE: ...", leaves the old
 * one there. */
typedef gboolean (*FleetReloadFunc)(gpointer user_data, GError **error);

typedef struct {
    FleetRegistry *registry;
    FleetPresenceWatch *presence;
    FleetEngine *engine;
    FleetHistory *history;
    FleetLedger *ledger;
    FleetTimers *timers;
    FleetAuthority *authority;
    FleetReloadFunc reload;
    gpointer reload_data;
    FleetFlow *flow;
    gsize unread;        /* bytes that wait to be written to peers */
    gboolean stopping;   /* calls are refused with ShuttingDown */
    gint64 denied_since; /* the second in which calls are counted that access refuses, µs of CLOCK_BOOTTIME */
    guint denied;        /* so many in it */
} FleetApi;
