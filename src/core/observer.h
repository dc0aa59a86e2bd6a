/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What core calls outward: everything that changed, on the main loop, in commit order, each after it is on disk and before the
 * call that caused it is answered. Images belong to core; reference what you keep. An observer must not stage changes.
 */

#include "model/action.h"
#include "model/device.h"

#include <glib.h>

typedef struct {
    void (*device_added)(const FleetDevice *device, gpointer user_data);
    void (*device_changed)(const FleetDevice *before, const FleetDevice *after, gpointer user_data);
    void (*device_removed)(const FleetDevice *device, gpointer user_data);
    void (*action_added)(const FleetAction *action, gpointer user_data);
    void (*action_changed)(const FleetAction *before, const FleetAction *after, gpointer user_data);
    void (*action_removed)(const FleetAction *action, gpointer user_data);         /* its retention is over */
    void (*storage_changed)(gboolean works, const char *reason, gpointer user_data); /* reason: NULL if it works */
} FleetObserver;

/* The one place that observers attach to. */
typedef struct {
    const FleetObserver *observer; /* NULL: nobody looks yet */
    gpointer user_data;
} FleetObserverSlot;

#define FLEET_OBSERVE(slot, what, ...)                                                                                 \
    G_STMT_START                                                                                                       \
    {                                                                                                                  \
        if ((slot)->observer != NULL)                                                                                  \
            (slot)->observer->what(__VA_ARGS__, (slot)->user_data);                                                    \
    }                                                                                                                  \
    G_STMT_END
