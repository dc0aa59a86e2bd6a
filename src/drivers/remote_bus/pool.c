/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/remote_bus/pool.h"

struct FleetRemotePool {
    const FleetRemotePoolFuncs *funcs;
    gpointer user_data;
    FleetRemoteSettings *settings;
    GHashTable *links; /* id of device -> FleetRemoteLink */
    GQueue waiting;    /* FleetRemoteLink, for a place */
    guint open;        /* places that are taken */
    gboolean serving;
};

static void free_link(gpointer link)
{
    fleet_remote_link_free(link);
}

FleetRemotePool *fleet_remote_pool_new(const FleetRemotePoolFuncs *funcs, gpointer user_data)
{
    FleetRemotePool *pool = g_new0(FleetRemotePool, 1);

    pool->funcs = funcs;
    pool->user_data = user_data;
    pool->settings = fleet_remote_settings_new();
    pool->links = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_link);
    return pool;
}

void fleet_remote_pool_free(FleetRemotePool *pool)
{
    g_queue_clear(&pool->waiting);
    g_hash_table_unref(pool->links);
    fleet_remote_settings_unref(pool->settings);
    g_free(pool);
}

FleetRemoteSettings *fleet_remote_pool_settings(const FleetRemotePool *pool)
{
    return pool->settings;
}

void fleet_remote_pool_tell_presence(FleetRemotePool *pool, const char *device_id, FleetPresence presence)
{
    pool->funcs->presence(device_id, presence, pool->user_data);
}

/* One that is only kept in case it is needed again makes room. */
static gboolean make_room(FleetRemotePool *pool)
{
    GHashTableIter iter;
    gpointer link;

    g_hash_table_iter_init(&iter, pool->links);
    while (g_hash_table_iter_next(&iter, NULL, &link))
        if (!fleet_remote_link_is_local(link) && fleet_remote_link_close_idle(link))
            return TRUE;
    return FALSE;
}

/* A place that is made free meanwhile is given away by the same loop. */
void fleet_remote_pool_serve(FleetRemotePool *pool)
{
    if (pool->serving)
        return;
    pool->serving = TRUE;
    while (pool->waiting.length > 0 && (pool->open < pool->settings->max_connections || make_room(pool))) {
        FleetRemoteLink *link = g_queue_pop_head(&pool->waiting);

        pool->open++;
        fleet_remote_link_open(link);
    }
    pool->serving = FALSE;
}

void fleet_remote_pool_configure(FleetRemotePool *pool, FleetRemoteSettings *settings)
{
    fleet_remote_settings_ref(settings);
    fleet_remote_settings_unref(pool->settings);
    pool->settings = settings;
    fleet_remote_pool_serve(pool);
}

void fleet_remote_pool_queue(FleetRemotePool *pool, FleetRemoteLink *link)
{
    if (fleet_remote_link_is_local(link)) {
        fleet_remote_link_open(link);
        return;
    }
    g_queue_push_tail(&pool->waiting, link);
    fleet_remote_pool_serve(pool);
}

void fleet_remote_pool_unqueue(FleetRemotePool *pool, FleetRemoteLink *link)
{
    g_queue_remove(&pool->waiting, link);
}

void fleet_remote_pool_closed(FleetRemotePool *pool, FleetRemoteLink *link)
{
    if (fleet_remote_link_is_local(link))
        return;
    g_assert(pool->open > 0);
    pool->open--;
    fleet_remote_pool_serve(pool);
}

FleetRemoteLink *fleet_remote_pool_link(FleetRemotePool *pool, const FleetDevice *device)
{
    FleetRemoteLink *link = g_hash_table_lookup(pool->links, device->id);

    if (link == NULL) {
        link = fleet_remote_link_new(pool, device);
        g_hash_table_insert(pool->links, g_strdup(device->id), link);
    } else {
        fleet_remote_link_set_device(link, device);
    }
    return link;
}

void fleet_remote_pool_adopt(FleetRemotePool *pool, const FleetDevice *device)
{
    FleetRemoteLink *link = g_hash_table_lookup(pool->links, device->id);

    if (link != NULL)
        fleet_remote_link_set_device(link, device);
}

void fleet_remote_pool_forget(FleetRemotePool *pool, const char *device_id)
{
    FleetRemoteLink *link = g_hash_table_lookup(pool->links, device_id);

    if (link == NULL || fleet_remote_link_is_used(link))
        return;
    fleet_remote_link_close(link);
    g_hash_table_remove(pool->links, device_id);
}
