/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "access/permits.h"

#include <string.h>

/* A batch of FLEET_BATCH_MAX devices fits; a permit takes some 300 bytes. */
#define PERMITS_MAX 16384

typedef struct {
    guint64 serial;
    GQueue permits; /* of Permit */
} Owner;

typedef struct {
    FleetQuestion question; /* its texts are owned */
    guint64 serial;
    Owner *owner;
    gint64 expires;
    GList in_ages;  /* in permits->ages */
    GList in_owner; /* in owner->permits */
} Permit;

struct FleetPermits {
    gint64 span;
    GHashTable *permits; /* set of Permit, by serial and question */
    GHashTable *owners;  /* serial -> Owner, of those that have a permit */
    GQueue ages;         /* of Permit, the oldest first */
};

static guint hash(gconstpointer data)
{
    const Permit *permit = data;
    const FleetQuestion *question = &permit->question;

    return (guint)permit->serial * 2654435761u ^ (guint)question->verb ^ g_str_hash(question->device) * 31 ^
           g_str_hash(question->device_type) * 17 ^ g_str_hash(question->action_type);
}

static gboolean equal(gconstpointer a, gconstpointer b)
{
    const Permit *one = a, *other = b;

    return one->serial == other->serial && one->question.verb == other->question.verb &&
           g_str_equal(one->question.device, other->question.device) &&
           g_str_equal(one->question.device_type, other->question.device_type) &&
           g_str_equal(one->question.action_type, other->question.action_type);
}

FleetPermits *fleet_permits_new(gint64 span)
{
    FleetPermits *permits = g_new0(FleetPermits, 1);

    permits->span = span;
    permits->permits = g_hash_table_new(hash, equal);
    permits->owners = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    return permits;
}

static void drop(FleetPermits *permits, Permit *permit)
{
    Owner *owner = permit->owner;

    g_hash_table_remove(permits->permits, permit);
    g_queue_unlink(&permits->ages, &permit->in_ages);
    g_queue_unlink(&owner->permits, &permit->in_owner);
    if (owner->permits.length == 0)
        g_hash_table_remove(permits->owners, &owner->serial);
    g_free((char *)permit->question.device);
    g_free((char *)permit->question.device_type);
    g_free((char *)permit->question.action_type);
    g_free(permit);
}

void fleet_permits_clear(FleetPermits *permits)
{
    while (permits->ages.head != NULL)
        drop(permits, permits->ages.head->data);
}

void fleet_permits_free(FleetPermits *permits)
{
    fleet_permits_clear(permits);
    g_hash_table_unref(permits->permits);
    g_hash_table_unref(permits->owners);
    g_free(permits);
}

static Permit *find(const FleetPermits *permits, guint64 serial, const FleetQuestion *question)
{
    const Permit probe = {.serial = serial, .question = *question};

    return g_hash_table_lookup(permits->permits, &probe);
}

static Owner *ensure_owner(FleetPermits *permits, guint64 serial)
{
    Owner *owner = g_hash_table_lookup(permits->owners, &serial);

    if (owner == NULL) {
        owner = g_new0(Owner, 1);
        owner->serial = serial;
        g_hash_table_insert(permits->owners, &owner->serial, owner);
    }
    return owner;
}

static void drop_old(FleetPermits *permits, gint64 now)
{
    while (permits->ages.head != NULL && ((const Permit *)permits->ages.head->data)->expires <= now)
        drop(permits, permits->ages.head->data);
}

void fleet_permits_add(FleetPermits *permits, guint64 serial, const FleetQuestion *question, gint64 now)
{
    Permit *permit;

    drop_old(permits, now);
    permit = find(permits, serial, question);
    if (permit != NULL)
        drop(permits, permit);
    else if (permits->ages.length >= PERMITS_MAX)
        drop(permits, permits->ages.head->data);

    permit = g_new0(Permit, 1);
    permit->question = (FleetQuestion){.verb = question->verb,
            .device = g_strdup(question->device),
            .device_type = g_strdup(question->device_type),
            .action_type = g_strdup(question->action_type)};
    permit->serial = serial;
    permit->expires = now + permits->span;
    permit->owner = ensure_owner(permits, serial);
    permit->in_ages.data = permit->in_owner.data = permit;
    g_hash_table_add(permits->permits, permit);
    g_queue_push_tail_link(&permits->ages, &permit->in_ages);
    g_queue_push_tail_link(&permit->owner->permits, &permit->in_owner);
}

gboolean fleet_permits_have(const FleetPermits *permits, guint64 serial, const FleetQuestion *question, gint64 now)
{
    const Permit *permit = find(permits, serial, question);

    return permit != NULL && permit->expires > now;
}

void fleet_permits_forget(FleetPermits *permits, guint64 serial)
{
    Owner *owner = g_hash_table_lookup(permits->owners, &serial);

    for (guint left = owner != NULL ? owner->permits.length : 0; left > 0; left--)
        drop(permits, owner->permits.head->data);
}
