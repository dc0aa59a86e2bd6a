/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What core calls outward: everything that changed, on the main loop, in commit order, each after it is on disk and
 * before the call that caused it is answered. Images belong to core; reference what you keep. An observer must not
 * stage changes.
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
    void (*action_removed)(const FleetAction *action, gpointer user_data); /* its retention is over */
    void (*committed)(
            gpointer user_data); /* all changes of one transaction have been told; its call is answered next */
    void (*storage_changed)(gboolean works, const char *reason, gpointer user_data); /* reason: NULL if it works */
} FleetObserver;

/* A chain of observers, told in order; functions that are NULL are passed over. An observer is linked in by its owner.
 */
typedef struct FleetObserverLink FleetObserverLink;
struct FleetObserverLink {
    const FleetObserver *observer;
    gpointer user_data;
    const FleetObserverLink *next;
};

/* What core holds: where the chain begins. NULL: nobody looks yet. */
typedef struct {
    const FleetObserverLink *first;
} FleetObservers;

#define FLEET_OBSERVE(observers, what, ...)                                                                            \
    G_STMT_START                                                                                                       \
    {                                                                                                                  \
        for (const FleetObserverLink *link_ = (observers)->first; link_ != NULL; link_ = link_->next)                  \
            if (link_->observer->what != NULL)                                                                         \
                link_->observer->what(__VA_ARGS__ __VA_OPT__(, ) link_->user_data);                                    \
    }                                                                                                                  \
    G_STMT_END
