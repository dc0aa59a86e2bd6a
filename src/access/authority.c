/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "access/authority.h"

#include "access/polkit.h"
#include "access/refusal.h"
#include "base/clock.h"
#include "base/error.h"

/* Questions with polkit at the same time, in which no person is asked; and of one inquiry, with polkit or waiting. */
#define QUIET_MAX 32
#define INQUIRY_MAX 16

/* Persons asked at the same time, and for one user: who does not answer keeps only own calls waiting. */
#define DIALOGS_MAX 8
#define DIALOGS_PER_USER_MAX 2

#define QUIET_USEC (10 * FLEET_USEC_PER_SEC)
#define DIALOG_USEC (120 * FLEET_USEC_PER_SEC)

/* How long an answer is remembered, and the connection to polkit is kept when there is no use for it. */
#define MEMORY_USEC (5 * FLEET_USEC_PER_SEC)

typedef struct Client Client;
typedef struct Flight Flight;

typedef enum {
    ENTRY_OPEN,
    ENTRY_ALLOWED,
    ENTRY_CHALLENGED, /* refused, unless a person authenticates */
    ENTRY_REFUSED,
} EntryState;

/* One call's questions. */
typedef struct {
    FleetAuthority *authority;
    Client *client;
    GStringChunk *texts;
    FleetQuestion *questions; /* their texts are in there */
    EntryState *states;
    GError **refusals;
    guint n;
    guint next;  /* those from here on have not been put */
    GQueue puts; /* of Put, that are not answered */
    gboolean may_ask_person;
    FleetAuthorityFunc answered;
    gpointer user_data;
    GList link; /* in client->inquiries */
} Inquiry;

/* One question that waits, for its turn or for its answer. */
typedef struct {
    Inquiry *inquiry;
    guint index;
    gboolean is_dialog;
    gboolean is_second; /* polkit went away when it was asked first */
    gint64 deadline;    /* µs of the monotonic clock */
    Flight *flight;     /* NULL while it waits for its turn */
    GList in_turn;      /* in client->turns[is_dialog], meanwhile */
    GList in_due;       /* in authority->due[is_dialog] */
    GList in_puts;      /* in inquiry->puts */
} Put;

/* A question that is with polkit. It takes up its place until polkit answers, whether anybody still wants to know or
 * not: so a polkit that hangs is not given more and more. */
struct Flight {
    FleetAuthority *authority;
    Put *put;       /* NULL: nobody wants to know */
    Client *client; /* whose dialog it is; NULL: nobody's, or that client has gone */
    guint64 dialog; /* its number; 0 = it is none */
    uid_t uid;      /* whose it is, even if that client has gone */
    GList link;     /* in authority->dialogs, if it is one */
};

/* A caller, while it has inquiries. */
struct Client {
    FleetCaller caller;
    GQueue inquiries;   /* of Inquiry */
    GQueue turns[2];    /* of Put: what waits for its turn; [1] are dialogs */
    GList in_rounds[2]; /* in authority->rounds[], while something does, and no dialog is open */
    gboolean is_in[2];
    Flight *dialog;          /* the open one */
    gint64 authenticated_at; /* when a person did last, µs of the monotonic clock */
};

struct FleetAuthority {
    FleetPolkit *polkit;
    FleetPermits *permits;
    GHashTable *clients; /* serial -> Client */
    GQueue rounds[2];    /* of Client: who is next */
    GQueue due[2];       /* of Put, by their deadlines: what is not answered */
    guint flights[2];    /* with polkit */
    GQueue dialogs;      /* of Flight: those that are dialogs */
    guint64 last_dialog;
    gboolean is_open; /* there may be a connection to polkit */
    gint64 used;      /* when something was asked or answered last, µs of the monotonic clock */
    GSource *timer;
};

static const guint flights_max[] = {QUIET_MAX, DIALOGS_MAX};

/* Clients. */

static Client *ensure_client(FleetAuthority *authority, const FleetCaller *caller)
{
    Client *client = g_hash_table_lookup(authority->clients, &caller->serial);

    if (client == NULL) {
        client = g_new0(Client, 1);
        client->caller = *caller;
        client->in_rounds[0].data = client->in_rounds[1].data = client;
        g_hash_table_insert(authority->clients, &client->caller.serial, client);
    }
    return client;
}

/* Lets a client take part in a round, or not, as it has something for it. */
static void update_round(FleetAuthority *authority, Client *client, gboolean is_dialog)
{
    gboolean should = client->turns[is_dialog].length > 0 && !(is_dialog && client->dialog != NULL);

    if (should && !client->is_in[is_dialog])
        g_queue_push_tail_link(&authority->rounds[is_dialog], &client->in_rounds[is_dialog]);
    else if (!should && client->is_in[is_dialog])
        g_queue_unlink(&authority->rounds[is_dialog], &client->in_rounds[is_dialog]);
    client->is_in[is_dialog] = should;
}

static void drop_client_if_idle(FleetAuthority *authority, Client *client)
{
    if (client->inquiries.length > 0)
        return;
    if (client->dialog != NULL)
        client->dialog->client = NULL;
    g_hash_table_remove(authority->clients, &client->caller.serial);
    g_free(client);
}

/* Questions. */

static void put_question(Inquiry *inquiry, guint index, gboolean is_dialog)
{
    FleetAuthority *authority = inquiry->authority;
    Put *put = g_new0(Put, 1);

    put->inquiry = inquiry;
    put->index = index;
    put->is_dialog = is_dialog;
    put->deadline = g_get_monotonic_time() + (is_dialog ? DIALOG_USEC : QUIET_USEC);
    put->in_turn.data = put->in_due.data = put->in_puts.data = put;
    g_queue_push_tail_link(&inquiry->client->turns[is_dialog], &put->in_turn);
    g_queue_push_tail_link(&authority->due[is_dialog], &put->in_due);
    g_queue_push_tail_link(&inquiry->puts, &put->in_puts);
    update_round(authority, inquiry->client, is_dialog);
}

/* Takes a question back, or lets go of one that is answered. */
static void drop_put(Put *put)
{
    Inquiry *inquiry = put->inquiry;
    FleetAuthority *authority = inquiry->authority;

    if (put->flight != NULL)
        put->flight->put = NULL;
    else {
        g_queue_unlink(&inquiry->client->turns[put->is_dialog], &put->in_turn);
        update_round(authority, inquiry->client, put->is_dialog);
    }
    g_queue_unlink(&authority->due[put->is_dialog], &put->in_due);
    g_queue_unlink(&inquiry->puts, &put->in_puts);
    g_free(put);
}

/* Nobody wants to know any more. */
static void take_back(Put *put)
{
    if (put->flight != NULL && put->is_dialog)
        fleet_polkit_cancel(put->inquiry->authority->polkit, put->flight->dialog);
    drop_put(put);
}

/* Inquiries. */

static void free_inquiry(Inquiry *inquiry)
{
    for (guint i = 0; i < inquiry->n; i++)
        g_clear_error(&inquiry->refusals[i]);
    g_free(inquiry->refusals);
    g_free(inquiry->states);
    g_free(inquiry->questions);
    g_string_chunk_free(inquiry->texts);
    g_free(inquiry);
}

/* The answer comes last: it may bring new inquiries, or be the end of the caller. */
static void finish(Inquiry *inquiry)
{
    while (inquiry->puts.head != NULL)
        take_back(inquiry->puts.head->data);
    g_queue_unlink(&inquiry->client->inquiries, &inquiry->link);
    inquiry->authority->used = g_get_monotonic_time();
    drop_client_if_idle(inquiry->authority, inquiry->client);
    inquiry->answered(inquiry->refusals, inquiry->n, inquiry->user_data);
    free_inquiry(inquiry);
}

static void set_refused(Inquiry *inquiry, guint index, EntryState state, FleetRefusalReason reason, const char *problem)
{
    g_clear_error(&inquiry->refusals[index]);
    inquiry->refusals[index] = fleet_refusal_new(&inquiry->client->caller, &inquiry->questions[index], reason, problem);
    inquiry->states[index] = state;
}

/* All that is not decided is refused, for that reason (see refusal.h). */
static void give_up(Inquiry *inquiry, const char *problem)
{
    for (guint i = 0; i < inquiry->n; i++)
        if (inquiry->states[i] == ENTRY_OPEN)
            set_refused(inquiry, i, ENTRY_REFUSED, FLEET_REFUSAL_NO_ANSWER, problem);
    finish(inquiry);
}

/* The first that a person could still allow; n if there is none. */
static guint find_challenged(const Inquiry *inquiry)
{
    guint i = 0;

    while (i < inquiry->n && inquiry->states[i] != ENTRY_CHALLENGED)
        i++;
    return i;
}

/* Puts what can be put now. Ends the inquiry when nothing is left to be asked. */
static void advance(Inquiry *inquiry)
{
    const FleetPermits *permits = inquiry->authority->permits;
    gint64 now = g_get_monotonic_time();

    for (; inquiry->next < inquiry->n && inquiry->puts.length < INQUIRY_MAX; inquiry->next++) {
        guint i = inquiry->next;

        if (inquiry->states[i] != ENTRY_OPEN)
            continue;
        if (fleet_permits_have(permits, inquiry->client->caller.serial, &inquiry->questions[i], now))
            inquiry->states[i] = ENTRY_ALLOWED;
        else
            put_question(inquiry, i, FALSE);
    }
    if (inquiry->puts.length > 0)
        return;

    guint challenged = inquiry->may_ask_person ? find_challenged(inquiry) : inquiry->n;
    if (challenged == inquiry->n) {
        finish(inquiry);
        return;
    }
    inquiry->may_ask_person = FALSE;
    put_question(inquiry, challenged, TRUE);
}

/* A person has authenticated, which may have allowed more than was asked. */
static void ask_again(Inquiry *inquiry)
{
    for (guint i = 0; i < inquiry->n; i++)
        if (inquiry->states[i] == ENTRY_CHALLENGED) {
            g_clear_error(&inquiry->refusals[i]);
            inquiry->states[i] = ENTRY_OPEN;
        }
    inquiry->next = 0;
    advance(inquiry);
}

static void settle_entry(Inquiry *inquiry, guint index, gboolean is_dialog, const FleetPolkitAnswer *answer)
{
    FleetAuthority *authority = inquiry->authority;

    switch (answer->verdict) {
    case FLEET_POLKIT_YES:
        g_clear_error(&inquiry->refusals[index]);
        inquiry->states[index] = ENTRY_ALLOWED;
        if (answer->is_kept && fleet_polkit_is_watched(authority->polkit))
            fleet_permits_add(authority->permits, inquiry->client->caller.serial, &inquiry->questions[index],
                    g_get_monotonic_time());
        break;
    case FLEET_POLKIT_NO:
        set_refused(inquiry, index, ENTRY_REFUSED, FLEET_REFUSAL_NO, NULL);
        break;
    case FLEET_POLKIT_CHALLENGE:
        if (is_dialog)
            set_refused(inquiry, index, ENTRY_REFUSED, FLEET_REFUSAL_FAILED, NULL);
        else
            set_refused(inquiry, index, ENTRY_CHALLENGED, FLEET_REFUSAL_CHALLENGE, NULL);
        break;
    case FLEET_POLKIT_DISMISSED:
        set_refused(inquiry, index, ENTRY_REFUSED, FLEET_REFUSAL_DISMISSED, NULL);
        break;
    case FLEET_POLKIT_FAILED:
        inquiry->states[index] = ENTRY_OPEN;
        break;
    default:
        g_assert_not_reached();
    }
}

/* A polkit that is restarted need not cost anybody a call. Comes first, for it has waited; its deadline is the same. */
static void put_again(Put *put)
{
    Client *client = put->inquiry->client;

    put->flight->put = NULL;
    put->flight = NULL;
    put->is_second = TRUE;
    g_queue_push_head_link(&client->turns[FALSE], &put->in_turn);
    update_round(put->inquiry->authority, client, FALSE);
}

/* A question is answered. Its inquiry may be gone afterwards. */
static void settle(Put *put, const FleetPolkitAnswer *answer)
{
    Inquiry *inquiry = put->inquiry;
    gboolean is_dialog = put->is_dialog;

    if (answer->is_lost && !is_dialog && !put->is_second) {
        put_again(put);
        return;
    }
    settle_entry(inquiry, put->index, is_dialog, answer);
    drop_put(put);
    if (answer->verdict == FLEET_POLKIT_FAILED)
        give_up(inquiry, answer->problem);
    else if (!is_dialog)
        advance(inquiry);
    else if (answer->verdict != FLEET_POLKIT_YES)
        finish(inquiry);
    else {
        inquiry->client->authenticated_at = g_get_monotonic_time();
        ask_again(inquiry);
    }
}

/* What is with polkit. */

/* Wakes at the first moment at which something is to be done; an earlier one is left as it is. */
static void set_timer(FleetAuthority *authority)
{
    gint64 next = G_MAXINT64, set = g_source_get_ready_time(authority->timer);

    for (guint kind = 0; kind < 2; kind++)
        if (authority->due[kind].head != NULL)
            next = MIN(next, ((const Put *)authority->due[kind].head->data)->deadline);
    if (authority->is_open && g_hash_table_size(authority->clients) == 0)
        next = MIN(next, authority->used + MEMORY_USEC);
    if (next != G_MAXINT64 && (set < 0 || next < set))
        g_source_set_ready_time(authority->timer, next);
}

static void pump(FleetAuthority *authority);

static void answer_came(const FleetPolkitAnswer *answer, gpointer user_data)
{
    g_autofree Flight *flight = user_data;
    FleetAuthority *authority = flight->authority;

    authority->flights[flight->dialog != 0]--;
    if (flight->dialog != 0)
        g_queue_unlink(&authority->dialogs, &flight->link);
    if (flight->client != NULL) {
        flight->client->dialog = NULL;
        update_round(authority, flight->client, TRUE);
    }
    if (flight->put != NULL)
        settle(flight->put, answer);
    pump(authority);
}

static void hand_over(FleetAuthority *authority, Put *put)
{
    Client *client = put->inquiry->client;
    const FleetQuestion *question = &put->inquiry->questions[put->index];
    const char *const details[] = {"device", question->device, "device-type", question->device_type, "action-type",
            question->action_type, NULL};
    const FleetPolkitQuestion asked = {.caller = &client->caller,
            .action = fleet_verb_action(question->verb),
            .details = details,
            .dialog = put->is_dialog ? ++authority->last_dialog : 0};
    Flight *flight = g_new0(Flight, 1);
    g_autoptr(GError) error = NULL;

    flight->authority = authority;
    flight->put = put;
    flight->dialog = asked.dialog;
    authority->is_open = TRUE;
    if (!fleet_polkit_ask(authority->polkit, &asked, answer_came, flight, &error)) {
        const FleetPolkitAnswer failed = {.verdict = FLEET_POLKIT_FAILED, .problem = error->message};
        g_free(flight);
        settle(put, &failed);
        return;
    }
    g_queue_unlink(&client->turns[put->is_dialog], &put->in_turn);
    put->flight = flight;
    authority->flights[put->is_dialog]++;
    if (put->is_dialog) {
        client->dialog = flight;
        flight->client = client;
        flight->uid = client->caller.uid;
        flight->link.data = flight;
        g_queue_push_tail_link(&authority->dialogs, &flight->link);
    }
    update_round(authority, client, put->is_dialog);
}

static gboolean has_enough_dialogs(const FleetAuthority *authority, uid_t uid)
{
    guint n = 0;

    for (const GList *link = authority->dialogs.head; link != NULL; link = link->next)
        n += ((const Flight *)link->data)->uid == uid;
    return n >= DIALOGS_PER_USER_MAX;
}

/* Whose turn it is; NULL if it is nobody's. */
static Client *next_client(const FleetAuthority *authority, int kind)
{
    if (authority->flights[kind] >= flights_max[kind])
        return NULL;
    for (const GList *link = authority->rounds[kind].head; link != NULL; link = link->next) {
        Client *client = link->data;

        if (kind == 0 || !has_enough_dialogs(authority, client->caller.uid))
            return client;
    }
    return NULL;
}

/* Gives polkit what it may be given. Dialogs first: instead of one, questions may be put again without. */
static void pump(FleetAuthority *authority)
{
    Client *client;

    for (int kind = 1; kind >= 0; kind--)
        while ((client = next_client(authority, kind)) != NULL) {
            Put *put = client->turns[kind].head->data;

            g_queue_unlink(&authority->rounds[kind], &client->in_rounds[kind]);
            g_queue_push_tail_link(&authority->rounds[kind], &client->in_rounds[kind]);
            if (kind == 1 && client->authenticated_at >= put->deadline - DIALOG_USEC) {
                Inquiry *inquiry = put->inquiry;
                drop_put(put);
                inquiry->may_ask_person = TRUE;
                ask_again(inquiry);
            } else
                hand_over(authority, put);
        }
    set_timer(authority);
}

static void time_out(Put *put)
{
    Inquiry *inquiry = put->inquiry;
    const char *problem = !put->is_dialog       ? "it has not answered within 10 s; see whether polkit.service hangs"
                          : put->flight != NULL ? "nobody has authenticated within 120 s"
                                                : "for 120 s too many others have been asked to authenticate";

    inquiry->states[put->index] = ENTRY_OPEN;
    give_up(inquiry, problem);
}

static gboolean on_time(gpointer user_data)
{
    FleetAuthority *authority = user_data;
    gint64 now = g_get_monotonic_time();

    g_source_set_ready_time(authority->timer, -1);
    for (guint kind = 0; kind < 2; kind++)
        while (authority->due[kind].head != NULL && ((Put *)authority->due[kind].head->data)->deadline <= now)
            time_out(authority->due[kind].head->data);
    if (authority->is_open && g_hash_table_size(authority->clients) == 0 && now >= authority->used + MEMORY_USEC) {
        authority->is_open = FALSE;
        fleet_polkit_close(authority->polkit);
    }
    pump(authority);
    return G_SOURCE_CONTINUE;
}

static void something_changed(gpointer user_data)
{
    fleet_permits_clear(((FleetAuthority *)user_data)->permits);
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
    return callback(user_data);
}

FleetAuthority *fleet_authority_new(void)
{
    static GSourceFuncs timer_funcs = {.dispatch = dispatch};
    FleetAuthority *authority = g_new0(FleetAuthority, 1);

    authority->polkit = fleet_polkit_new(something_changed, authority);
    authority->permits = fleet_permits_new(MEMORY_USEC);
    authority->clients = g_hash_table_new(g_int64_hash, g_int64_equal);
    authority->timer = g_source_new(&timer_funcs, sizeof(GSource));
    g_source_set_name(authority->timer, "fleet-authority");
    g_source_set_callback(authority->timer, on_time, authority, NULL);
    g_source_attach(authority->timer, g_main_context_get_thread_default());
    return authority;
}

void fleet_authority_free(FleetAuthority *authority)
{
    g_assert(g_hash_table_size(authority->clients) == 0);
    fleet_polkit_free(authority->polkit);
    fleet_permits_free(authority->permits);
    g_hash_table_unref(authority->clients);
    g_source_destroy(authority->timer);
    g_source_unref(authority->timer);
    g_free(authority);
}

static Inquiry *new_inquiry(
        FleetAuthority *authority, const FleetCaller *caller, const FleetQuestion *questions, guint n)
{
    Inquiry *inquiry = g_new0(Inquiry, 1);

    inquiry->authority = authority;
    inquiry->client = ensure_client(authority, caller);
    inquiry->texts = g_string_chunk_new(256);
    inquiry->questions = g_memdup2(questions, n * sizeof(*questions));
    inquiry->states = g_new0(EntryState, n);
    inquiry->refusals = g_new0(GError *, n);
    inquiry->n = n;
    for (guint i = 0; i < n; i++) {
        FleetQuestion *question = &inquiry->questions[i];
        question->device = g_string_chunk_insert(inquiry->texts, question->device);
        question->device_type = g_string_chunk_insert_const(inquiry->texts, question->device_type);
        question->action_type = g_string_chunk_insert_const(inquiry->texts, question->action_type);
    }
    inquiry->link.data = inquiry;
    g_queue_push_tail_link(&inquiry->client->inquiries, &inquiry->link);
    return inquiry;
}

void fleet_authority_ask(FleetAuthority *authority, const FleetCaller *caller, const FleetQuestion *questions, guint n,
        gboolean is_interactive, FleetAuthorityFunc answered, gpointer user_data)
{
    Inquiry *inquiry = new_inquiry(authority, caller, questions, n);

    inquiry->may_ask_person = is_interactive;
    inquiry->answered = answered;
    inquiry->user_data = user_data;
    authority->used = g_get_monotonic_time();
    if (caller->bus_name[0] == '\0' && caller->start_time == 0)
        give_up(inquiry, "it cannot be told which process calls; that has ended, or may not be looked at in /proc");
    else
        advance(inquiry);
    pump(authority);
}

void fleet_authority_forget(FleetAuthority *authority, const FleetCaller *caller)
{
    Client *client;

    while ((client = g_hash_table_lookup(authority->clients, &caller->serial)) != NULL)
        give_up(client->inquiries.head->data, "the caller has gone");
    fleet_permits_forget(authority->permits, caller->serial);
    pump(authority);
}

void fleet_authority_refuse_all(FleetAuthority *authority)
{
    GHashTableIter iter;
    gpointer client;

    for (;;) {
        g_hash_table_iter_init(&iter, authority->clients);
        if (!g_hash_table_iter_next(&iter, NULL, &client))
            break;
        give_up(((Client *)client)->inquiries.head->data, "fleetd is shutting down");
    }
}
