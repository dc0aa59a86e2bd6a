/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "polkit.h"

#include "lib/fleet_test.h"

#define NAME "org.freedesktop.PolicyKit1"
#define OBJECT "/org/freedesktop/PolicyKit1/Authority"
#define INTERFACE "org.freedesktop.PolicyKit1.Authority"

static const char xml[] = "<node><interface name='" INTERFACE "'>"
                          "<method name='CheckAuthorization'>"
                          "<arg name='subject' type='(sa{sv})' direction='in'/>"
                          "<arg name='action_id' type='s' direction='in'/>"
                          "<arg name='details' type='a{ss}' direction='in'/>"
                          "<arg name='flags' type='u' direction='in'/>"
                          "<arg name='cancellation_id' type='s' direction='in'/>"
                          "<arg name='result' type='(bba{ss})' direction='out'/>"
                          "</method>"
                          "<method name='CancelCheckAuthorization'>"
                          "<arg name='cancellation_id' type='s' direction='in'/>"
                          "</method>"
                          "<signal name='Changed'/>"
                          "</interface></node>";

typedef struct {
    char *text;
    GVariant *subject;
    char *type; /* the device's */
    char *dialog;
    GDBusMethodInvocation *open; /* NULL: it is answered */
} Question;

struct FleetTestPolkit {
    char *address;
    GMutex mutex; /* of all below */
    GCond changed;
    FleetTestPolkitMode mode;
    GPtrArray *questions; /* of Question */
    guint cancelled;
    gboolean is_kept;
    gboolean holds_dialogs;
    char *asker;

    GThread *thread;
    GMainContext *context;
    GMainLoop *loop;
    GDBusConnection *connection;
    gboolean is_there;
};

static void free_question(gpointer data)
{
    Question *question = data;

    g_free(question->text);
    g_variant_unref(question->subject);
    g_free(question->type);
    g_free(question->dialog);
    g_clear_object(&question->open);
    g_free(question);
}

static void reply(Question *question, gboolean is_authorized, gboolean is_challenge, const char *detail)
{
    GVariantBuilder details = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a{ss}"));

    if (detail != NULL)
        g_variant_builder_add(&details, "{ss}", detail, "1");
    g_dbus_method_invocation_return_value(
            g_steal_pointer(&question->open), g_variant_new("((bba{ss}))", is_authorized, is_challenge, &details));
}

/* With the mutex. */
static void answer(FleetTestPolkit *polkit, Question *question)
{
    gboolean is_dialog = *question->dialog != '\0';

    if (is_dialog && polkit->holds_dialogs)
        return;
    switch (polkit->mode) {
    case FLEET_TEST_POLKIT_YES:
    case FLEET_TEST_POLKIT_NO:
        reply(question, polkit->mode == FLEET_TEST_POLKIT_YES, FALSE, NULL);
        break;
    case FLEET_TEST_POLKIT_CHALLENGE:
        reply(question, is_dialog, !is_dialog, NULL);
        break;
    case FLEET_TEST_POLKIT_KEEP:
        polkit->is_kept = polkit->is_kept || is_dialog;
        reply(question, polkit->is_kept, !polkit->is_kept,
                polkit->is_kept ? "polkit.temporary_authorization_id" : NULL);
        break;
    case FLEET_TEST_POLKIT_DISMISS:
        reply(question, FALSE, !is_dialog, is_dialog ? "polkit.dismissed" : NULL);
        break;
    case FLEET_TEST_POLKIT_FAIL:
        g_dbus_method_invocation_return_dbus_error(
                g_steal_pointer(&question->open), NAME ".Error.Failed", "Action is not registered");
        break;
    case FLEET_TEST_POLKIT_BY_TYPE:
        reply(question, g_str_equal(question->type, "sensor"), FALSE, NULL);
        break;
    case FLEET_TEST_POLKIT_SILENT:
        break;
    }
}

static void note_question(FleetTestPolkit *polkit, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    Question *question = g_new0(Question, 1);
    g_autoptr(GVariant) details = g_variant_get_child_value(arguments, 2);
    const char *action, *device = "?", *action_type = "?";
    guint32 flags;

    question->open = g_object_ref(invocation);
    question->subject = g_variant_get_child_value(arguments, 0);
    g_variant_get_child(arguments, 1, "&s", &action);
    g_variant_get_child(arguments, 3, "u", &flags);
    g_variant_get_child(arguments, 4, "s", &question->dialog);
    (void)g_variant_lookup(details, "device", "&s", &device);
    (void)g_variant_lookup(details, "action-type", "&s", &action_type);
    if (!g_variant_lookup(details, "device-type", "s", &question->type))
        question->type = g_strdup("?");
    question->text = g_strdup_printf("%s device=%s device-type=%s action-type=%s%s", action, device, question->type,
            action_type, flags == 1 && *question->dialog != '\0' ? " dialog" : "");
    g_mutex_lock(&polkit->mutex);
    g_ptr_array_add(polkit->questions, question);
    g_free(polkit->asker);
    polkit->asker = g_strdup(g_dbus_method_invocation_get_sender(invocation));
    answer(polkit, question);
    g_cond_broadcast(&polkit->changed);
    g_mutex_unlock(&polkit->mutex);
}

/* polkit ends the dialog's question with an error. */
static void note_cancel(FleetTestPolkit *polkit, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    const char *dialog;

    g_variant_get(arguments, "(&s)", &dialog);
    g_mutex_lock(&polkit->mutex);
    for (guint i = 0; i < polkit->questions->len; i++) {
        Question *question = g_ptr_array_index(polkit->questions, i);

        if (question->open == NULL || !g_str_equal(question->dialog, dialog))
            continue;
        polkit->cancelled++;
        g_dbus_method_invocation_return_dbus_error(
                g_steal_pointer(&question->open), NAME ".Error.Cancelled", "It was cancelled");
    }
    g_cond_broadcast(&polkit->changed);
    g_mutex_unlock(&polkit->mutex);
    g_dbus_method_invocation_return_value(invocation, NULL);
}

static void called(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
        const char *method, GVariant *arguments, GDBusMethodInvocation *invocation, gpointer user_data)
{
    if (g_str_equal(method, "CheckAuthorization")) {
        note_question(user_data, arguments, invocation);
        g_object_unref(invocation);
    } else
        note_cancel(user_data, arguments, invocation);
}

static gpointer run(gpointer user_data)
{
    static const GDBusInterfaceVTable vtable = {.method_call = called};
    FleetTestPolkit *polkit = user_data;
    g_autoptr(GDBusNodeInfo) info = g_dbus_node_info_new_for_xml(xml, NULL);

    g_main_context_push_thread_default(polkit->context);
    polkit->connection = fleet_test_connect(polkit->address);
    g_autoptr(GVariant) owned = NULL;
    if (g_dbus_connection_register_object(
                polkit->connection, OBJECT, info->interfaces[0], &vtable, polkit, NULL, NULL) > 0)
        owned = g_dbus_connection_call_sync(polkit->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                "org.freedesktop.DBus", "RequestName", g_variant_new("(su)", NAME, 0u), NULL, G_DBUS_CALL_FLAGS_NONE,
                -1, NULL, NULL);
    g_mutex_lock(&polkit->mutex);
    polkit->is_there = TRUE;
    g_cond_broadcast(&polkit->changed);
    g_mutex_unlock(&polkit->mutex);
    g_main_loop_run(polkit->loop);
    (void)g_dbus_connection_close_sync(polkit->connection, NULL, NULL);
    g_object_unref(polkit->connection);
    g_main_context_pop_thread_default(polkit->context);
    return NULL;
}

FleetTestPolkit *fleet_test_polkit_new(const char *address, FleetTestPolkitMode mode)
{
    FleetTestPolkit *polkit = g_new0(FleetTestPolkit, 1);

    polkit->address = g_strdup(address);
    polkit->mode = mode;
    polkit->questions = g_ptr_array_new_with_free_func(free_question);
    polkit->context = g_main_context_new();
    polkit->loop = g_main_loop_new(polkit->context, FALSE);
    polkit->thread = g_thread_new("polkit", run, polkit);
    g_mutex_lock(&polkit->mutex);
    while (!polkit->is_there)
        g_cond_wait(&polkit->changed, &polkit->mutex);
    g_mutex_unlock(&polkit->mutex);
    return polkit;
}

void fleet_test_polkit_free(FleetTestPolkit *polkit)
{
    g_main_loop_quit(polkit->loop);
    g_thread_join(polkit->thread);
    g_ptr_array_unref(polkit->questions);
    g_main_loop_unref(polkit->loop);
    g_main_context_unref(polkit->context);
    g_free(polkit->asker);
    g_free(polkit->address);
    g_free(polkit);
}

/* With the mutex. */
static void answer_open(FleetTestPolkit *polkit)
{
    for (guint i = 0; i < polkit->questions->len; i++) {
        Question *question = g_ptr_array_index(polkit->questions, i);
        if (question->open != NULL)
            answer(polkit, question);
    }
}

void fleet_test_polkit_set_mode(FleetTestPolkit *polkit, FleetTestPolkitMode mode)
{
    g_mutex_lock(&polkit->mutex);
    polkit->mode = mode;
    answer_open(polkit);
    g_mutex_unlock(&polkit->mutex);
}

void fleet_test_polkit_hold_dialogs(FleetTestPolkit *polkit, gboolean hold)
{
    g_mutex_lock(&polkit->mutex);
    polkit->holds_dialogs = hold;
    answer_open(polkit);
    g_mutex_unlock(&polkit->mutex);
}

void fleet_test_polkit_changed(FleetTestPolkit *polkit)
{
    g_autoptr(GError) error = NULL;

    (void)g_dbus_connection_emit_signal(polkit->connection, NULL, OBJECT, INTERFACE, "Changed", NULL, &error);
    fleet_test_assert_no_error(error);
}

void fleet_test_polkit_wait(FleetTestPolkit *polkit, guint n)
{
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);
    gboolean in_time = TRUE;

    g_mutex_lock(&polkit->mutex);
    while (polkit->questions->len < n && in_time)
        in_time = g_cond_wait_until(&polkit->changed, &polkit->mutex, deadline);
    guint asked = polkit->questions->len;
    g_mutex_unlock(&polkit->mutex);
    if (asked < n)
        fleet_test_fail("polkit was asked %u questions where %u were due", asked, n);
}

guint fleet_test_polkit_asked(FleetTestPolkit *polkit)
{
    g_mutex_lock(&polkit->mutex);
    guint n = polkit->questions->len;
    g_mutex_unlock(&polkit->mutex);
    return n;
}

guint fleet_test_polkit_open(FleetTestPolkit *polkit)
{
    guint n = 0;

    g_mutex_lock(&polkit->mutex);
    for (guint i = 0; i < polkit->questions->len; i++)
        n += ((Question *)g_ptr_array_index(polkit->questions, i))->open != NULL;
    g_mutex_unlock(&polkit->mutex);
    return n;
}

void fleet_test_polkit_wait_cancelled(FleetTestPolkit *polkit, guint n)
{
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);
    gboolean in_time = TRUE;

    g_mutex_lock(&polkit->mutex);
    while (polkit->cancelled < n && in_time)
        in_time = g_cond_wait_until(&polkit->changed, &polkit->mutex, deadline);
    guint cancelled = polkit->cancelled;
    g_mutex_unlock(&polkit->mutex);
    if (cancelled < n)
        fleet_test_fail("%u dialogs were taken away where %u were due", cancelled, n);
}

static const Question *question_at(FleetTestPolkit *polkit, guint index)
{
    if (index >= polkit->questions->len)
        fleet_test_fail("polkit was asked %u questions only", polkit->questions->len);
    return g_ptr_array_index(polkit->questions, index);
}

char *fleet_test_polkit_question(FleetTestPolkit *polkit, guint index)
{
    g_mutex_lock(&polkit->mutex);
    char *text = g_strdup(question_at(polkit, index)->text);
    g_mutex_unlock(&polkit->mutex);
    return text;
}

GVariant *fleet_test_polkit_subject(FleetTestPolkit *polkit, guint index)
{
    g_mutex_lock(&polkit->mutex);
    GVariant *subject = g_variant_ref(question_at(polkit, index)->subject);
    g_mutex_unlock(&polkit->mutex);
    return subject;
}

char *fleet_test_polkit_asker(FleetTestPolkit *polkit)
{
    g_mutex_lock(&polkit->mutex);
    char *asker = g_strdup(polkit->asker);
    g_mutex_unlock(&polkit->mutex);
    return asker;
}
