/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Items in the order of their names (bytewise), for going through many of them from any name on: pointers in sorted
 * blocks, and the blocks in a sorted row. It takes little more than a pointer an item; finding a place is O(log n), and
 * putting an item there moves no more than one block.
 */

#include <glib.h>

typedef struct FleetOrdered FleetOrdered;

/* The name of an item; must stay the same while that is in here. */
typedef const char *(*FleetOrderedNameFunc)(gconstpointer item);

FleetOrdered *fleet_ordered_new(FleetOrderedNameFunc name) G_GNUC_WARN_UNUSED_RESULT;
void fleet_ordered_free(FleetOrdered *ordered);

/* Adds an item, which stays its owner's. There must be none of that name. */
void fleet_ordered_insert(FleetOrdered *ordered, gpointer item);

/* Takes an item out, which must be in here. */
void fleet_ordered_remove(FleetOrdered *ordered, gconstpointer item);

/* Visits items in order until the visitor returns FALSE: from the first one whose name is not before start if
 * inclusive, else from the first one after it ("" is before all). Nothing may be added or removed meanwhile. */
typedef gboolean (*FleetOrderedVisitor)(gpointer item, gpointer user_data);
void fleet_ordered_visit(const FleetOrdered *ordered, const char *start, gboolean inclusive,
        FleetOrderedVisitor visitor, gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetOrdered, fleet_ordered_free)
