/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/ordered.h"

#include <string.h>

#define BLOCK_MAX 512 /* items */

/* Never empty. */
typedef struct {
    guint n;
    gpointer items[BLOCK_MAX];
} Block;

struct FleetOrdered {
    FleetOrderedNameFunc name;
    GPtrArray *blocks; /* of Block */
};

FleetOrdered *fleet_ordered_new(FleetOrderedNameFunc name)
{
    FleetOrdered *ordered = g_new0(FleetOrdered, 1);

    ordered->name = name;
    ordered->blocks = g_ptr_array_new_with_free_func(g_free);
    return ordered;
}

void fleet_ordered_free(FleetOrdered *ordered)
{
    g_ptr_array_unref(ordered->blocks);
    g_free(ordered);
}

static Block *block_at(const FleetOrdered *ordered, guint index)
{
    return g_ptr_array_index(ordered->blocks, index);
}

/* Whether an item lies before the place that is looked for. */
static gboolean is_before(const FleetOrdered *ordered, gconstpointer item, const char *name, gboolean inclusive)
{
    int order = strcmp(ordered->name(item), name);

    return order < 0 || (order == 0 && !inclusive);
}

/* The first block with an item that is not before the place; the number of blocks if there is none. */
static guint find_block(const FleetOrdered *ordered, const char *name, gboolean inclusive)
{
    guint low = 0, high = ordered->blocks->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;
        const Block *block = block_at(ordered, middle);

        if (is_before(ordered, block->items[block->n - 1], name, inclusive))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The same for the items of a block. */
static guint find_item(const FleetOrdered *ordered, const Block *block, const char *name, gboolean inclusive)
{
    guint low = 0, high = block->n;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (is_before(ordered, block->items[middle], name, inclusive))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Makes room in a full block by moving the items from an index on into a new one behind it. */
static void split(FleetOrdered *ordered, guint index, guint from)
{
    Block *full = block_at(ordered, index), *next = g_new(Block, 1);

    next->n = full->n - from;
    memcpy(next->items, full->items + from, next->n * sizeof(gpointer));
    full->n = from;
    g_ptr_array_insert(ordered->blocks, (gint)index + 1, next);
}

/* Ends with a block that has room at *place. What comes in order, as when all is loaded, leaves full blocks behind. */
static Block *make_room(FleetOrdered *ordered, guint index, guint *place)
{
    Block *block = block_at(ordered, index);

    if (block->n < BLOCK_MAX)
        return block;
    if (*place == BLOCK_MAX) {
        Block *next = g_new(Block, 1);

        next->n = 0;
        g_ptr_array_insert(ordered->blocks, (gint)index + 1, next);
        *place = 0;
        return next;
    }
    split(ordered, index, BLOCK_MAX / 2);
    if (*place <= BLOCK_MAX / 2)
        return block;
    *place -= BLOCK_MAX / 2;
    return block_at(ordered, index + 1);
}

void fleet_ordered_insert(FleetOrdered *ordered, gpointer item)
{
    const char *name = ordered->name(item);
    guint index = find_block(ordered, name, TRUE);

    if (ordered->blocks->len == 0)
        g_ptr_array_add(ordered->blocks, g_new0(Block, 1));
    index = MIN(index, ordered->blocks->len - 1);
    guint place = find_item(ordered, block_at(ordered, index), name, TRUE);
    Block *block = make_room(ordered, index, &place);
    memmove(block->items + place + 1, block->items + place, (block->n - place) * sizeof(gpointer));
    block->items[place] = item;
    block->n++;
}

/* Two neighbours that have become small are made one, with room to spare. */
static void join(FleetOrdered *ordered, guint index)
{
    if (index + 1 >= ordered->blocks->len)
        return;
    Block *block = block_at(ordered, index), *next = block_at(ordered, index + 1);
    if (block->n + next->n > BLOCK_MAX / 2)
        return;
    memcpy(block->items + block->n, next->items, next->n * sizeof(gpointer));
    block->n += next->n;
    g_ptr_array_remove_index(ordered->blocks, index + 1);
}

void fleet_ordered_remove(FleetOrdered *ordered, gconstpointer item)
{
    const char *name = ordered->name(item);
    guint index = find_block(ordered, name, TRUE);

    g_assert(index < ordered->blocks->len);
    Block *block = block_at(ordered, index);
    guint place = find_item(ordered, block, name, TRUE);
    g_assert(block->items[place] == item);
    block->n--;
    memmove(block->items + place, block->items + place + 1, (block->n - place) * sizeof(gpointer));
    if (block->n == 0) {
        g_ptr_array_remove_index(ordered->blocks, index);
        return;
    }
    join(ordered, index);
    if (index > 0)
        join(ordered, index - 1);
}

void fleet_ordered_visit(const FleetOrdered *ordered, const char *start, gboolean inclusive,
        FleetOrderedVisitor visitor, gpointer user_data)
{
    guint index = find_block(ordered, start, inclusive);
    guint place = index < ordered->blocks->len ? find_item(ordered, block_at(ordered, index), start, inclusive) : 0;

    for (; index < ordered->blocks->len; index++, place = 0) {
        const Block *block = block_at(ordered, index);

        for (; place < block->n; place++)
            if (!visitor(block->items[place], user_data))
                return;
    }
}
