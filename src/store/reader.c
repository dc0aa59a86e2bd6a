/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/reader.h"

#include "base/error.h"
#include "base/log.h"
#include "base/slice.h"
#include "store/sqlite/action_rows.h"
#include "store/sqlite/audit_rows.h"
#include "store/sqlite/transition_rows.h"

#include <pthread.h>

typedef enum {
    FIND_ACTION,
    FIND_REQUEST,
    QUERY_ACTIONS,
    FIND_TRANSITIONS,
    QUERY_AUDIT,
} QuestionKind;

typedef struct {
    /* the question: what its kind needs */
    QuestionKind kind;
    FleetActionId id;
    char *device_id, *request_id;
    FleetActionFilter filter;
    gint64 before;
    guint limit;
    union {
        FleetStoreActionFoundFunc action_found; /* of the first two kinds */
        FleetStoreActionsFoundFunc actions_found;
        FleetStoreTransitionsFoundFunc transitions_found;
        FleetStoreAuditFoundFunc audit_found;
    };
    gpointer user_data;

    /* the answer: likewise */
    FleetAction *action;
    GPtrArray *rows; /* actions, or audit records */
    GArray *transitions;
    gint64 last;
    GError *error;
} Question;

struct FleetReader {
    char *directory;
    FleetDatabase *database; /* the thread's; NULL before the first question */
    GThread *thread;         /* NULL before the start */
    FleetWakeFunc wake;
    gpointer user_data;
    gint closing; /* atomic */

    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t cond;
    GQueue open;     /* of Question */
    GQueue answered; /* of Question */
};

static void free_question(Question *question)
{
    fleet_action_filter_clear(&question->filter);
    g_free(question->device_id);
    g_free(question->request_id);
    g_clear_pointer(&question->action, fleet_action_unref);
    g_clear_pointer(&question->rows, g_ptr_array_unref);
    g_clear_pointer(&question->transitions, g_array_unref);
    g_clear_error(&question->error);
    g_free(question);
}

/* The room above knows one error for all that can go wrong here. */
static void set_storage_failed(GError **error, const GError *cause)
{
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_STORAGE_FAILED, "history cannot be read: %s", cause->message);
}

static gboolean look_up(FleetDatabase *database, Question *question, GError **error)
{
    switch (question->kind) {
    case FIND_ACTION:
        return fleet_action_rows_find(database, question->id, &question->action, error);
    case FIND_REQUEST:
        return fleet_action_rows_find_request(
                database, question->device_id, question->request_id, &question->action, error);
    case QUERY_ACTIONS:
        question->rows = fleet_action_rows_query(database, &question->filter, error);
        return question->rows != NULL;
    case FIND_TRANSITIONS:
        question->transitions = fleet_transition_rows_find(database, question->id, error);
        return question->transitions != NULL;
    case QUERY_AUDIT:
        question->rows = fleet_audit_rows_query(database, question->before, question->limit, &question->last, error);
        return question->rows != NULL;
    default:
        g_assert_not_reached();
    }
}

static void answer(FleetReader *reader, Question *question)
{
    g_autoptr(GError) cause = NULL;

    if (reader->database == NULL)
        reader->database = fleet_database_open_reader(reader->directory, &reader->closing, &cause);
    if (reader->database == NULL || !look_up(reader->database, question, &cause))
        set_storage_failed(&question->error, cause);
}

static gpointer run(gpointer data)
{
    FleetReader *reader = data;

    pthread_mutex_lock(&reader->mutex);
    while (!g_atomic_int_get(&reader->closing)) {
        Question *question = g_queue_pop_head(&reader->open);

        if (question == NULL) {
            pthread_cond_wait(&reader->cond, &reader->mutex);
            continue;
        }
        pthread_mutex_unlock(&reader->mutex);
        answer(reader, question);
        pthread_mutex_lock(&reader->mutex);
        g_queue_push_tail(&reader->answered, question);
        pthread_mutex_unlock(&reader->mutex);

        reader->wake(reader->user_data);
        pthread_mutex_lock(&reader->mutex);
    }
    pthread_mutex_unlock(&reader->mutex);
    return NULL;
}

FleetReader *fleet_reader_new(const char *directory, FleetWakeFunc wake, gpointer user_data)
{
    FleetReader *reader = g_new0(FleetReader, 1);

    reader->directory = g_strdup(directory);
    reader->wake = wake;
    reader->user_data = user_data;
    pthread_mutex_init(&reader->mutex, NULL);
    pthread_cond_init(&reader->cond, NULL);
    g_queue_init(&reader->open);
    g_queue_init(&reader->answered);
    return reader;
}

void fleet_reader_start(FleetReader *reader)
{
    reader->thread = fleet_thread_new("fleet-reader", run, reader);
}

void fleet_reader_free(FleetReader *reader)
{
    pthread_mutex_lock(&reader->mutex);
    g_atomic_int_set(&reader->closing, 1);
    pthread_cond_signal(&reader->cond);
    pthread_mutex_unlock(&reader->mutex);
    if (reader->thread != NULL)
        g_thread_join(reader->thread);

    g_queue_clear_full(&reader->open, (GDestroyNotify)free_question);
    g_queue_clear_full(&reader->answered, (GDestroyNotify)free_question);
    g_clear_pointer(&reader->database, fleet_database_close);
    pthread_cond_destroy(&reader->cond);
    pthread_mutex_destroy(&reader->mutex);
    g_free(reader->directory);
    g_free(reader);
}

static Question *new_question(QuestionKind kind, gpointer user_data)
{
    Question *question = g_new0(Question, 1);

    question->kind = kind;
    question->user_data = user_data;
    return question;
}

static void ask(FleetReader *reader, Question *question)
{
    pthread_mutex_lock(&reader->mutex);
    g_queue_push_tail(&reader->open, question);
    pthread_cond_signal(&reader->cond);
    pthread_mutex_unlock(&reader->mutex);
}

void fleet_reader_find_action(
        FleetReader *reader, FleetActionId id, FleetStoreActionFoundFunc found, gpointer user_data)
{
    Question *question = new_question(FIND_ACTION, user_data);

    question->id = id;
    question->action_found = found;
    ask(reader, question);
}

void fleet_reader_find_request(FleetReader *reader, const char *device_id, const char *request_id,
        FleetStoreActionFoundFunc found, gpointer user_data)
{
    Question *question = new_question(FIND_REQUEST, user_data);

    question->device_id = g_strdup(device_id);
    question->request_id = g_strdup(request_id);
    question->action_found = found;
    ask(reader, question);
}

void fleet_reader_query_actions(
        FleetReader *reader, const FleetActionFilter *filter, FleetStoreActionsFoundFunc found, gpointer user_data)
{
    Question *question = new_question(QUERY_ACTIONS, user_data);

    question->filter = *filter;
    question->filter.device_id = g_strdup(filter->device_id);
    question->filter.types = g_strdupv(filter->types);
    question->actions_found = found;
    ask(reader, question);
}

void fleet_reader_find_transitions(
        FleetReader *reader, FleetActionId id, FleetStoreTransitionsFoundFunc found, gpointer user_data)
{
    Question *question = new_question(FIND_TRANSITIONS, user_data);

    question->id = id;
    question->transitions_found = found;
    ask(reader, question);
}

void fleet_reader_query_audit(
        FleetReader *reader, gint64 before, guint limit, FleetStoreAuditFoundFunc found, gpointer user_data)
{
    Question *question = new_question(QUERY_AUDIT, user_data);

    question->before = before;
    question->limit = limit;
    question->audit_found = found;
    ask(reader, question);
}

static void deliver(Question *question)
{
    switch (question->kind) {
    case FIND_ACTION:
    case FIND_REQUEST:
        question->action_found(g_steal_pointer(&question->action), question->error, question->user_data);
        break;
    case QUERY_ACTIONS:
        question->actions_found(question->rows, question->error, question->user_data);
        break;
    case FIND_TRANSITIONS:
        question->transitions_found(question->transitions, question->error, question->user_data);
        break;
    case QUERY_AUDIT:
        question->audit_found(question->rows, question->last, question->error, question->user_data);
        break;
    default:
        g_assert_not_reached();
    }
}

gboolean fleet_reader_deliver(FleetReader *reader)
{
    FleetSlice slice = fleet_slice_begin();
    Question *question;

    do {
        pthread_mutex_lock(&reader->mutex);
        question = g_queue_pop_head(&reader->answered);
        pthread_mutex_unlock(&reader->mutex);
        if (question == NULL)
            return TRUE;
        deliver(question);
        free_question(question);
    } while (fleet_slice_goes_on(&slice));
    return FALSE;
}
