/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core/presence.h"

#include "base/clock.h"
#include "base/log.h"

/* What is done in one turn of the loop. */
#define STEPS_PER_TURN 512

/* A look at who is silent that comes later than this does not count: fleetd did not run, so it heard nobody either. */
#define LATE_USEC FLEET_USEC_PER_SEC

/* How long to wait before what could not be stored is stored again. */
#define STORE_AGAIN_USEC (2 * FLEET_USEC_PER_SEC)

typedef enum {
    UNSURE,  /* nobody waits for it: it was not heard yet, or the way to it is down */
    PRESENT, /* it was heard, and would be missed */
    AWAY,    /* it was missed, or is known to be away */
    BACK,    /* it was missed and is heard again, but not for long enough yet */
} Situation;

/* The devices of one type. */
typedef struct {
    FleetPresenceWatch *watch;
    GRefString *type;
    FleetTolerance tolerance;
    guint entries;
    GQueue present; /* of Entry, longest silent first */
    GQueue back;    /* of Entry, longest back first */
    FleetTimer timer;
} Kind;

/* A device that was heard, or was told of, since the start or before. */
typedef struct {
    GRefString *id;
    gint64 key; /* the store's: tells two registrations of the same id apart */
    Kind *kind;
    Situation situation;
    FleetPresence presence; /* what it is to be; its image follows */
    gint64 heard;           /* µs of CLOCK_BOOTTIME */
    gint64 back_since;      /* µs of CLOCK_BOOTTIME, while it is BACK */
    GList link;             /* in the queue of its kind, while it is PRESENT or BACK */
    GList change;           /* in watch->changes, if .data is set */
    GList unsaved;          /* in watch->unsaved, if .data is set */
} Entry;

struct FleetPresenceWatch {
    FleetLedger *ledger;
    FleetRegistry *registry;
    FleetTimers *timers;
    GHashTable *by_type; /* weak: the configuration's; NULL = none */
    FleetTolerance other;
    GHashTable *entries; /* device id -> Entry */
    GHashTable *kinds;   /* type -> Kind */
    GQueue changes;      /* of Entry, whose presence is to be staged */
    GQueue unsaved;      /* of Entry, which were heard since LastSeen was written */
    FleetTimer change, save;
    gboolean started, stopped;
    gboolean early; /* a device was heard, and that was staged, before its registration was on disk */
};

static gint64 due_of_silence(const Entry *entry)
{
    gint64 after = entry->kind->tolerance.offline_after;

    return after != 0 ? entry->heard + after : G_MAXINT64;
}

static gint64 due_of_return(const Entry *entry)
{
    return entry->back_since + entry->kind->tolerance.online_after;
}

/* A timer that is too early finds out when it is due. One that is too late would be a fault. */
static void arm(Kind *kind, gint64 due)
{
    if (due != G_MAXINT64 && !kind->watch->stopped && (!fleet_timer_is_set(&kind->timer) || kind->timer.deadline > due))
        fleet_timers_set(kind->watch->timers, &kind->timer, due);
}

/* Puts an entry at the end of a queue, if it is in none. */
static void push(GQueue *queue, GList *link, Entry *entry)
{
    if (link->data != NULL)
        return;
    link->data = entry;
    g_queue_push_tail_link(queue, link);
}

/* Takes an entry out of a queue, if it is in it. */
static void pull(GQueue *queue, GList *link)
{
    if (link->data == NULL)
        return;
    g_queue_unlink(queue, link);
    link->data = NULL;
}

static GQueue *queue_of(const Entry *entry)
{
    return entry->situation == BACK ? &entry->kind->back : &entry->kind->present;
}

/* Moves an entry to where its situation belongs, behind all that have been there for longer. */
static void place(Entry *entry, Situation situation)
{
    pull(queue_of(entry), &entry->link);
    entry->situation = situation;
    if (situation != PRESENT && situation != BACK)
        return;
    push(queue_of(entry), &entry->link, entry);
    arm(entry->kind, situation == PRESENT ? due_of_silence(entry) : due_of_return(entry));
}

/* What its image shall say from the next turn on. */
static void want(FleetPresenceWatch *watch, Entry *entry, FleetPresence presence)
{
    if (entry->presence == presence)
        return;
    entry->presence = presence;
    push(&watch->changes, &entry->change, entry);
    if (!watch->stopped && !fleet_timer_is_set(&watch->change))
        fleet_timers_set(watch->timers, &watch->change, 0);
}

static void miss(Entry *entry)
{
    place(entry, AWAY);
    want(entry->kind->watch, entry, FLEET_PRESENCE_OFFLINE);
}

static void welcome(Entry *entry)
{
    place(entry, PRESENT);
    want(entry->kind->watch, entry, FLEET_PRESENCE_ONLINE);
}

/* After a suspend, or when it was stopped, what was sent meanwhile has to be read first. */
static gboolean was_deaf(Kind *kind, gint64 now)
{
    gint64 late = now - kind->timer.deadline;

    if (kind->timer.deadline == 0 || late < LATE_USEC)
        return FALSE;
    arm(kind, now + MIN(late, MAX(kind->tolerance.offline_after, kind->tolerance.online_after)));
    return TRUE;
}

/* Those that have been silent for too long, and those that have been back for long enough; some in a turn. The others
 * are due now: that their turn comes after that of so many does not mean that fleetd was deaf. */
static void look_after(FleetTimer *timer)
{
    Kind *kind = timer->data;
    gint64 now = fleet_clock_boottime();
    guint left = STEPS_PER_TURN;
    Entry *entry;

    if (was_deaf(kind, now))
        return;
    for (; (entry = g_queue_peek_head(&kind->present)) != NULL && left > 0 && due_of_silence(entry) <= now; left--)
        miss(entry);
    if (entry != NULL)
        arm(kind, MAX(due_of_silence(entry), now));
    for (; (entry = g_queue_peek_head(&kind->back)) != NULL && left > 0 && due_of_return(entry) <= now; left--)
        if (due_of_silence(entry) <= now)
            place(entry, AWAY); /* it was heard for a moment only */
        else
            welcome(entry);
    if (entry != NULL)
        arm(kind, MAX(due_of_return(entry), now));
}

/* The kinds. */

static FleetTolerance tolerance_of(const FleetPresenceWatch *watch, const char *type)
{
    const FleetTolerance *own = watch->by_type != NULL ? g_hash_table_lookup(watch->by_type, type) : NULL;

    return own != NULL ? *own : watch->other;
}

static Kind *kind_of(FleetPresenceWatch *watch, GRefString *type)
{
    Kind *kind = g_hash_table_lookup(watch->kinds, type);

    if (kind != NULL)
        return kind;
    kind = g_new0(Kind, 1);
    kind->watch = watch;
    kind->type = g_ref_string_acquire(type);
    kind->timer = (FleetTimer){.fire = look_after, .data = kind};
    kind->tolerance = tolerance_of(watch, type);
    g_hash_table_insert(watch->kinds, kind->type, kind);
    return kind;
}

static void free_kind(gpointer data)
{
    Kind *kind = data;

    fleet_timers_clear(kind->watch->timers, &kind->timer);
    g_ref_string_release(kind->type);
    g_free(kind);
}

static void enter_kind(Entry *entry, Kind *kind)
{
    entry->kind = kind;
    kind->entries++;
}

/* Takes an entry out of its kind, and of its queue. */
static void leave_kind(Entry *entry)
{
    Kind *kind = entry->kind;

    pull(queue_of(entry), &entry->link);
    if (--kind->entries == 0)
        g_hash_table_remove(kind->watch->kinds, kind->type);
}

/* The entries. */

static void free_entry(gpointer data)
{
    Entry *entry = data;
    FleetPresenceWatch *watch = entry->kind->watch;

    leave_kind(entry);
    pull(&watch->changes, &entry->change);
    pull(&watch->unsaved, &entry->unsaved);
    g_ref_string_release(entry->id);
    g_free(entry);
}

static Entry *add_entry(FleetPresenceWatch *watch, const FleetDevice *device)
{
    Entry *entry = g_new0(Entry, 1);

    entry->id = g_ref_string_acquire(device->id);
    entry->key = device->key;
    entry->presence = device->presence;
    entry->situation = device->presence == FLEET_PRESENCE_OFFLINE ? AWAY : UNSURE;
    enter_kind(entry, kind_of(watch, device->type));
    g_hash_table_insert(watch->entries, entry->id, entry);
    return entry;
}

static gboolean is_about(const Entry *entry, const FleetDevice *device)
{
    return device != NULL && device->key == entry->key;
}

/* Is it about a device whose registration has failed after it was heard? */
static gboolean is_of_nobody(const FleetPresenceWatch *watch, const Entry *entry)
{
    return !is_about(entry, fleet_registry_lookup_staged(watch->registry, entry->id, NULL)) &&
           !is_about(entry, fleet_registry_lookup(watch->registry, entry->id, NULL));
}

static Entry *find_entry(FleetPresenceWatch *watch, const FleetDevice *device)
{
    Entry *entry = g_hash_table_lookup(watch->entries, device->id);

    if (entry != NULL && is_about(entry, device))
        return entry;
    if (entry != NULL)
        g_hash_table_remove(watch->entries, entry->id);
    return add_entry(watch, device);
}

/* What becomes of the images. */

/* What was not stored was taken back in memory, too, and want_again() has seen to it; but for the devices that were not
 * there before. */
static void changes_stored(const GError *error, gpointer user_data)
{
    FleetPresenceWatch *watch = user_data;
    GHashTableIter iter;
    gpointer entry;

    if (error == NULL || watch->stopped || !watch->early)
        return;
    watch->early = FALSE; /* all that has failed is rolled back before any of it is told */
    g_hash_table_iter_init(&iter, watch->entries);
    while (g_hash_table_iter_next(&iter, NULL, &entry))
        if (is_of_nobody(watch, entry))
            g_hash_table_iter_remove(&iter);
}

/* A change of its device was taken back, perhaps that of its presence. */
static void want_again(FleetPresenceWatch *watch, Entry *entry)
{
    const FleetDevice *device = fleet_registry_lookup_staged(watch->registry, entry->id, NULL);

    if (watch->stopped || !is_about(entry, device) || device->presence == entry->presence)
        return;
    push(&watch->changes, &entry->change, entry);
    if (!fleet_timer_is_set(&watch->change))
        fleet_timers_set(watch->timers, &watch->change, fleet_clock_boottime() + STORE_AGAIN_USEC);
}

static void stage_change(FleetPresenceWatch *watch, FleetTransaction *transaction, Entry *entry)
{
    const FleetDevice *device = fleet_registry_lookup_staged(watch->registry, entry->id, NULL);

    pull(&watch->changes, &entry->change);
    if (is_about(entry, device)) {
        watch->early |= !is_about(entry, fleet_registry_lookup(watch->registry, entry->id, NULL));
        fleet_registry_stage_presence(watch->registry, transaction, device, entry->presence);
    } else if (is_of_nobody(watch, entry))
        g_hash_table_remove(watch->entries, entry->id);
}

static void stage_changes(FleetTimer *timer)
{
    FleetPresenceWatch *watch = timer->data;
    FleetTransaction *transaction = fleet_transaction_new(watch->ledger);

    for (guint i = 0; i < STEPS_PER_TURN && !g_queue_is_empty(&watch->changes); i++)
        stage_change(watch, transaction, watch->changes.head->data);
    fleet_transaction_submit(transaction, changes_stored, watch);
    if (!g_queue_is_empty(&watch->changes)) /* a moment that was over would be of this turn */
        fleet_timers_set(watch->timers, timer, fleet_clock_boottime());
}

/* When they were seen. */

static void save_later(FleetPresenceWatch *watch, Entry *entry)
{
    push(&watch->unsaved, &entry->unsaved, entry);
    if (!watch->stopped && !fleet_timer_is_set(&watch->save))
        fleet_timers_set(watch->timers, &watch->save, fleet_clock_boottime() + FLEET_PRESENCE_WRITE_USEC);
}

/* That the disk refuses is told by the ledger; which rows it was about does not matter then. */
static void saved(const GError *error, gpointer user_data)
{
    FleetPresenceWatch *watch = user_data;
    GHashTableIter iter;
    gpointer value;

    if (error == NULL || watch->stopped || watch->unsaved.length == g_hash_table_size(watch->entries))
        return;
    g_hash_table_iter_init(&iter, watch->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        save_later(watch, value);
}

static void save_some(FleetTimer *timer)
{
    FleetPresenceWatch *watch = timer->data;
    FleetTransaction *transaction = fleet_transaction_new(watch->ledger);

    for (guint i = 0; i < STEPS_PER_TURN && !g_queue_is_empty(&watch->unsaved); i++) {
        Entry *entry = watch->unsaved.head->data;
        const FleetDevice *device = fleet_registry_lookup_staged(watch->registry, entry->id, NULL);

        pull(&watch->unsaved, &entry->unsaved);
        if (device != NULL)
            fleet_transaction_add_sight(transaction, device);
    }
    fleet_transaction_submit(transaction, saved, watch);
    if (!g_queue_is_empty(&watch->unsaved) && !watch->stopped)
        fleet_timers_set(watch->timers, timer, fleet_clock_boottime());
}

FleetPresenceWatch *fleet_presence_watch_new(FleetLedger *ledger, FleetRegistry *registry, FleetTimers *timers)
{
    FleetPresenceWatch *watch = g_new0(FleetPresenceWatch, 1);

    watch->ledger = ledger;
    watch->registry = registry;
    watch->timers = timers;
    watch->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_entry);
    watch->kinds = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_kind);
    watch->change = (FleetTimer){.fire = stage_changes, .data = watch};
    watch->save = (FleetTimer){.fire = save_some, .data = watch};
    return watch;
}

void fleet_presence_watch_free(FleetPresenceWatch *watch)
{
    g_hash_table_unref(watch->entries);
    g_hash_table_unref(watch->kinds);
    fleet_timers_clear(watch->timers, &watch->change);
    fleet_timers_clear(watch->timers, &watch->save);
    g_free(watch);
}

/* It was heard before the start, and would be missed if it were not heard any more. */
static gboolean is_expected(const FleetPresenceWatch *watch, const FleetDevice *device)
{
    return fleet_device_last_seen(device) != 0 && device->presence != FLEET_PRESENCE_OFFLINE &&
           !g_hash_table_contains(watch->entries, device->id) && tolerance_of(watch, device->type).offline_after != 0;
}

static gboolean wait_for(const FleetDevice *device, gpointer user_data)
{
    FleetPresenceWatch *watch = user_data;

    if (!is_expected(watch, device))
        return TRUE;
    Entry *entry = add_entry(watch, device);
    entry->heard = fleet_clock_boottime();
    place(entry, PRESENT);
    return TRUE;
}

void fleet_presence_watch_start(FleetPresenceWatch *watch)
{
    watch->started = TRUE;
    fleet_registry_visit(watch->registry, "", FALSE, wait_for, watch);
}

void fleet_presence_watch_configure(FleetPresenceWatch *watch, GHashTable *by_type, const FleetTolerance *other)
{
    GHashTableIter iter;
    gpointer value;

    watch->by_type = by_type;
    watch->other = *other;
    g_hash_table_iter_init(&iter, watch->kinds);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Kind *kind = value;

        kind->tolerance = tolerance_of(watch, kind->type);
        arm(kind, 0);
    }
    if (watch->started)
        fleet_presence_watch_start(watch);
}

static Entry *hear(FleetPresenceWatch *watch, const FleetDevice *device)
{
    Entry *entry = find_entry(watch, device);
    gint64 now = fleet_clock_boottime();
    gboolean was_silent = due_of_silence(entry) <= now;

    fleet_registry_see(watch->registry, device->id, fleet_clock_realtime());
    entry->heard = now;
    save_later(watch, entry);
    if (entry->situation == UNSURE || entry->situation == PRESENT ||
            (entry->situation == AWAY && entry->kind->tolerance.online_after == 0))
        welcome(entry);
    else if (entry->situation == AWAY || was_silent) {
        entry->back_since = now;
        place(entry, BACK);
    }
    return entry;
}

/* What it changes belongs to the call, so that it is told before that is answered. Of a device that is not on disk yet
 * it follows. */
gboolean fleet_presence_watch_beat(
        FleetPresenceWatch *watch, FleetTransaction *transaction, const char *id, GError **error)
{
    const FleetDevice *device = fleet_registry_lookup_staged(watch->registry, id, error);

    if (device == NULL)
        return FALSE;
    Entry *entry = hear(watch, device);
    if (entry->change.data != NULL && fleet_registry_lookup(watch->registry, id, NULL) != NULL)
        stage_change(watch, transaction, entry);
    if (g_queue_is_empty(&watch->changes))
        fleet_timers_clear(watch->timers, &watch->change);
    return TRUE;
}

static void lose_track(FleetPresenceWatch *watch, const FleetDevice *device)
{
    Entry *entry = g_hash_table_lookup(watch->entries, device->id);

    if (entry == NULL && fleet_device_last_seen(device) == 0)
        return;
    if (entry == NULL)
        (void)add_entry(watch, device); /* so that nobody waits for it, whatever is configured later */
    else if (entry->situation == BACK)
        place(entry, AWAY);
    else if (entry->situation == PRESENT) {
        place(entry, UNSURE);
        want(watch, entry, FLEET_PRESENCE_UNKNOWN);
    }
}

void fleet_presence_watch_report(FleetPresenceWatch *watch, const char *id, FleetPresence presence)
{
    const FleetDevice *device = fleet_registry_lookup(watch->registry, id, NULL);

    if (device == NULL || watch->stopped)
        return;
    if (presence == FLEET_PRESENCE_ONLINE)
        (void)hear(watch, device);
    else if (presence == FLEET_PRESENCE_OFFLINE)
        miss(find_entry(watch, device));
    else
        lose_track(watch, device);
}

/* Another type may have another tolerance; the silence begins anew. */
static void change_kind(FleetPresenceWatch *watch, Entry *entry, const FleetDevice *device)
{
    Situation situation = entry->situation;
    Kind *kind = kind_of(watch, device->type);

    kind->entries++; /* it must not go while the other one is left */
    leave_kind(entry);
    kind->entries--;
    enter_kind(entry, kind);
    entry->heard = entry->back_since = fleet_clock_boottime();
    place(entry, situation);
}

/* A device and one that was to be registered in its place were heard as one, and that it was to go is taken back. It is
 * missed as one that was heard before the start is. */
static void remember(FleetPresenceWatch *watch, Entry *entry, const FleetDevice *device)
{
    if (!is_of_nobody(watch, entry))
        return;
    g_hash_table_remove(watch->entries, entry->id);
    if (device->presence == FLEET_PRESENCE_ONLINE)
        wait_for(device, watch);
}

/* An operator has said that it is there after all; it may have been heard in the meantime. Where nothing was heard
 * since the start, his word must be remembered, too. */
static void believe(FleetPresenceWatch *watch, Entry *entry, const FleetDevice *device)
{
    if (entry == NULL) {
        add_entry(watch, device);
        return;
    }
    if (entry->presence != FLEET_PRESENCE_OFFLINE)
        return;
    entry->presence = FLEET_PRESENCE_UNKNOWN;
    place(entry, UNSURE);
}

static void follow(FleetPresenceWatch *watch, Entry *entry, const FleetDevice *before, const FleetDevice *after)
{
    if (entry != NULL && entry->kind->type != after->type)
        change_kind(watch, entry, after);
    if (before->presence == FLEET_PRESENCE_OFFLINE && after->presence == FLEET_PRESENCE_UNKNOWN)
        believe(watch, entry, after);
}

void fleet_presence_watch_device_changed(FleetPresenceWatch *watch, const FleetDevice *before, const FleetDevice *after)
{
    if (before == NULL)
        return;
    Entry *entry = g_hash_table_lookup(watch->entries, before->id);
    if (entry != NULL && !is_about(entry, before)) {
        if (before == after)
            remember(watch, entry, after);
        return; /* else the entry is about the one that comes next */
    }
    if (before != after && after != NULL)
        follow(watch, entry, before, after);
    else if (entry != NULL && after == NULL)
        g_hash_table_remove(watch->entries, entry->id);
    else if (entry != NULL)
        want_again(watch, entry);
}

void fleet_presence_watch_stop(FleetPresenceWatch *watch)
{
    GHashTableIter iter;
    gpointer value;

    watch->stopped = TRUE;
    g_hash_table_iter_init(&iter, watch->kinds);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        fleet_timers_clear(watch->timers, &((Kind *)value)->timer);
    fleet_timers_clear(watch->timers, &watch->change);
    fleet_timers_clear(watch->timers, &watch->save);
    while (!g_queue_is_empty(&watch->unsaved))
        save_some(&watch->save);
}
