/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which actions a list is asked for, newest first. All conditions must hold; an empty filter takes every action.
 */

#include "model/status.h"

#include <glib.h>

typedef struct {
    char *device_id;  /* exactly; NULL = any */
    guint32 statuses; /* bit 1 << FleetActionStatus; 0 = any */
    guint32 results;  /* bit 1 << FleetResult; 0 = any */
    char **types;     /* any of these, exactly; NULL = any */
    gint64 since;     /* initiated at this time or later, µs since the epoch; 0 = any */
    gint64 until;     /* initiated before this time, µs since the epoch; 0 = any */
    gint64 owner_uid; /* -1 = any */
    gint64 before;    /* paging: only sequences below this one; 0 = from the newest */
    guint limit;      /* rows at the most, > 0 */
} FleetActionFilter;

/* An empty filter. */
#define FLEET_ACTION_FILTER_INIT                                                                                       \
    {                                                                                                                  \
        .owner_uid = -1, .limit = 1                                                                                    \
    }

/* Frees what the filter holds and empties it. */
void fleet_action_filter_clear(FleetActionFilter *filter);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FleetActionFilter, fleet_action_filter_clear)
