/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/store.h"

#include "base/error.h"
#include "base/slice.h"
#include "store/directory.h"
#include "store/lock.h"
#include "store/reader.h"
#include "store/sqlite/action_rows.h"
#include "store/sqlite/device_rows.h"
#include "store/sqlite/log_file.h"
#include "store/submission.h"
#include "store/writer.h"

G_DEFINE_QUARK(fleet_store_error_quark, fleet_store_error)

/* Where the threads' results come in on the main loop. There is no file descriptor of its own: the threads set a flag
 * and wake the context. */
typedef struct {
    GSource source;
    FleetStore *store;
} ResultSource;

struct FleetStore {
    FleetLock *lock;
    FleetDatabase *database; /* the writer's, borrowed; ours alone until the start */
    FleetWriter *writer;
    FleetReader *reader;
    gint64 last_device_key;
    gint64 last_action_sequence;

    const FleetStoreCallbacks *callbacks;
    FleetStorageStateFunc state_changed;
    gpointer user_data;
    FleetStorageState state;
    guint in_flight;
    FleetSubmissionList committed; /* and their owners not told yet, in order */
    gboolean unflushed;            /* something was submitted in this turn of the main loop */

    GMainContext *context; /* NULL before the start */
    GSource *source;
    gint has_results; /* atomic */
};

static void wake_main_loop(gpointer user_data)
{
    FleetStore *store = user_data;

    g_atomic_int_set(&store->has_results, 1);
    g_main_context_wakeup(store->context);
}

static void set_state(FleetStore *store, FleetStorageState state, const char *reason)
{
    if (store->state == state)
        return;
    store->state = state;
    store->state_changed(state, reason, store->user_data);
}

/* A slice of them: after a large batch, or many, others would wait for long. Whether all are through. */
static gboolean deliver_committed(FleetStore *store)
{
    FleetSlice slice = fleet_slice_begin();
    FleetSubmission *submission;

    while ((submission = fleet_submission_list_pop(&store->committed)) != NULL) {
        if (submission->n > 0) /* an empty one has not touched the disk */
            set_state(store, FLEET_STORAGE_OK, "");
        store->in_flight--;
        store->callbacks->committed(submission->owner);
        fleet_submission_free(submission);
        if (!fleet_slice_goes_on(&slice))
            break;
    }
    return store->committed.head == NULL;
}

static void roll_back(FleetStore *store, const FleetSubmissionList *failed)
{
    g_autoptr(GPtrArray) owners = g_ptr_array_sized_new(failed->n);

    for (FleetSubmission *submission = failed->head; submission != NULL; submission = submission->next)
        g_ptr_array_add(owners, submission->owner);
    for (guint i = owners->len; i > 0; i--)
        store->callbacks->roll_back(owners->pdata[i - 1]);
}

static void deliver_failed(FleetStore *store)
{
    FleetSubmissionList failed = {0};
    FleetSubmission *submission;
    g_autoptr(GError) reason = NULL;
    g_autoptr(GError) error = NULL;

    fleet_writer_take_failed(store->writer, &failed, &reason);
    roll_back(store, &failed);
    set_state(store, FLEET_STORAGE_FAILED, reason->message);
    fleet_writer_resume(store->writer);

    g_set_error(&error, FLEET_ERROR, FLEET_ERROR_STORAGE_FAILED, "the change was not stored: %s", reason->message);
    while ((submission = fleet_submission_list_pop(&failed)) != NULL) {
        store->in_flight--;
        store->callbacks->failed(submission->owner, error);
        fleet_submission_free(submission);
    }
}

static gboolean has_results(GSource *source)
{
    return g_atomic_int_get(&((ResultSource *)source)->store->has_results) != 0;
}

/* Runs before the main loop sleeps: the end of its turn, for what was submitted in it. */
static gboolean prepare(GSource *source, int *timeout)
{
    FleetStore *store = ((ResultSource *)source)->store;

    *timeout = -1;
    if (store->unflushed) {
        store->unflushed = FALSE;
        fleet_writer_flush(store->writer);
    }
    return has_results(source);
}

/* A failure is dealt with once all that was committed before it is through: what was staged upon that is rolled back to
 * it. The writer waits until then. */
static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
    FleetStore *store = ((ResultSource *)source)->store;
    gboolean has_failed;

    g_atomic_int_set(&store->has_results, 0);
    has_failed = fleet_writer_take_committed(store->writer, &store->committed);
    if (!deliver_committed(store))
        g_atomic_int_set(&store->has_results, 1);
    else if (has_failed)
        deliver_failed(store);
    if (!fleet_reader_deliver(store->reader))
        g_atomic_int_set(&store->has_results, 1);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.prepare = prepare, .check = has_results, .dispatch = dispatch};

FleetStore *fleet_store_open(const char *directory, const FleetStoreProgress *progress, GError **error)
{
    g_autoptr(FleetLock) lock = NULL;
    g_autoptr(FleetDatabase) database = NULL;
    g_autofree char *path = NULL;
    gint64 last_device_key, last_action_sequence;

    if (!fleet_directory_make(directory, error))
        return NULL;
    lock = fleet_lock_take(directory, error);
    if (lock == NULL)
        return NULL;
    path = g_build_filename(directory, "fleet.db", NULL);
    if (fleet_lock_was_held_in_this_boot(lock) && !fleet_log_file_check(path, error))
        return NULL;
    database = fleet_database_open(directory, progress, error);
    if (database == NULL || !fleet_device_rows_last_key(database, &last_device_key, error) ||
            !fleet_action_rows_last_sequence(database, &last_action_sequence, error))
        return NULL;
    fleet_lock_note_boot(lock);

    FleetStore *store = g_new0(FleetStore, 1);
    store->lock = g_steal_pointer(&lock);
    store->last_device_key = last_device_key;
    store->last_action_sequence = last_action_sequence;
    store->database = database;
    store->writer = fleet_writer_new(g_steal_pointer(&database), wake_main_loop, store);
    store->reader = fleet_reader_new(directory, wake_main_loop, store);
    return store;
}

void fleet_store_free(FleetStore *store)
{
    /* The writer's connection closes last: that moves the log into the database. */
    fleet_reader_free(store->reader);
    fleet_writer_free(store->writer);
    fleet_submission_list_clear(&store->committed);
    if (store->source != NULL) {
        g_source_destroy(store->source);
        g_source_unref(store->source);
        g_main_context_unref(store->context);
    }
    fleet_lock_free(store->lock);
    g_free(store);
}

gboolean fleet_store_load(FleetStore *store, gint64 finished_since, guint finished_max, FleetStoreDeviceFunc device,
        FleetStoreActionFunc action, gpointer user_data, GError **error)
{
    g_assert(store->context == NULL);
    return fleet_device_rows_load(store->database, device, user_data, error) &&
           fleet_action_rows_load(store->database, finished_since, finished_max, action, user_data, error);
}

gint64 fleet_store_last_device_key(const FleetStore *store)
{
    return store->last_device_key;
}

gint64 fleet_store_last_action_sequence(const FleetStore *store)
{
    return store->last_action_sequence;
}

void fleet_store_start(
        FleetStore *store, const FleetStoreCallbacks *callbacks, FleetStorageStateFunc state, gpointer user_data)
{
    g_assert(store->context == NULL);
    store->callbacks = callbacks;
    store->state_changed = state;
    store->user_data = user_data;
    store->context = g_main_context_ref_thread_default();
    store->source = g_source_new(&source_funcs, sizeof(ResultSource));
    ((ResultSource *)store->source)->store = store;
    g_source_set_static_name(store->source, "fleet-store");
    g_source_attach(store->source, store->context);
    fleet_database_watch(store->database, NULL);
    fleet_writer_start(store->writer);
    fleet_reader_start(store->reader);
}

void fleet_store_submit(FleetStore *store, const FleetChange *changes, guint n, gpointer transaction)
{
    store->in_flight++;
    store->unflushed = TRUE;
    fleet_writer_submit(store->writer, fleet_submission_new(changes, n, transaction));
}

guint fleet_store_in_flight(const FleetStore *store)
{
    return store->in_flight;
}

gint64 fleet_store_busy_for(FleetStore *store)
{
    return fleet_writer_busy_for(store->writer);
}

void fleet_store_find_action(FleetStore *store, FleetActionId id, FleetStoreActionFoundFunc found, gpointer user_data)
{
    fleet_reader_find_action(store->reader, id, found, user_data);
}

void fleet_store_query_actions(
        FleetStore *store, const FleetActionFilter *filter, FleetStoreActionsFoundFunc found, gpointer user_data)
{
    fleet_reader_query_actions(store->reader, filter, found, user_data);
}

void fleet_store_find_request(FleetStore *store, const char *device_id, const char *request_id,
        FleetStoreActionFoundFunc found, gpointer user_data)
{
    fleet_reader_find_request(store->reader, device_id, request_id, found, user_data);
}

void fleet_store_find_transitions(
        FleetStore *store, FleetActionId id, FleetStoreTransitionsFoundFunc found, gpointer user_data)
{
    fleet_reader_find_transitions(store->reader, id, found, user_data);
}

void fleet_store_query_audit(
        FleetStore *store, gint64 before, guint limit, FleetStoreAuditFoundFunc found, gpointer user_data)
{
    fleet_reader_query_audit(store->reader, before, limit, found, user_data);
}

void fleet_store_prune(FleetStore *store, const FleetRetention *retention, gint64 now)
{
    fleet_writer_prune(store->writer, retention, now);
}
