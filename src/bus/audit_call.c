/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/audit_call.h"

#include "base/error.h"
#include "base/quotable.h"
#include "bus/arguments.h"
#include "bus/errors.h"
#include "model/limits.h"

typedef struct {
    GPtrArray *records; /* of FleetAuditRecord */
    gint64 next;        /* 0: no more */
} Page;

static void free_page(gpointer data)
{
    Page *page = data;

    g_ptr_array_unref(page->records);
    g_free(page);
}

static void append_record(FleetBody *body, const FleetAuditRecord *record)
{
    fleet_body_align(body, 8);
    fleet_body_append_uint64(body, (guint64)record->at);
    fleet_body_append_uint32(body, record->uid);
    fleet_body_append_string(body, record->executable);
    fleet_body_append_string(body, record->sender);
    fleet_body_append_string(body, record->method);
    fleet_body_append_string(body, record->object);
    fleet_body_append_string(body, record->outcome);
}

static void reply_page(const FleetCall *call, FleetBody *body)
{
    const Page *page = call->state;
    g_autofree char *cursor = page->next != 0 ? g_strdup_printf("%" G_GINT64_FORMAT, page->next) : g_strdup("");
    gsize array = fleet_body_open_array(body, 8);

    for (guint i = 0; i < page->records->len; i++)
        append_record(body, g_ptr_array_index(page->records, i));
    fleet_body_close_array(body, array, 8);
    fleet_body_append_string(body, cursor);
}

static void listed(const GPtrArray *records, gint64 last, const GError *error, gpointer user_data)
{
    FleetCall *call = user_data;
    guint limit = GPOINTER_TO_UINT(call->state);

    call->state = NULL;
    if (error != NULL) {
        fleet_call_go_on(call, g_error_copy(error));
        return;
    }
    Page *page = g_new0(Page, 1);
    page->records = g_ptr_array_ref((GPtrArray *)records);
    page->next = records->len == limit ? last : 0;
    fleet_call_keep(call, page, free_page);
    fleet_call_set_reply(call, "a(tusssss)s", reply_page);
    fleet_call_go_on(call, NULL);
}

static gboolean read_page(FleetCall *call, gint64 *before, guint *limit, GError **error)
{
    const char *cursor;
    guint64 number = 0;
    int r = sd_bus_message_read(call->message, "su", &cursor, limit);

    if (r < 0) {
        g_propagate_error(error, fleet_errors_unreadable(r));
        return FALSE;
    }
    if (*cursor != '\0' && !g_ascii_string_to_unsigned(cursor, 10, 1, G_MAXINT64, &number, NULL)) {
        g_autofree char *shown = fleet_quotable(cursor);
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                "cursor '%s' does not come from QueryAudit; begin with an empty one", shown);
        return FALSE;
    }
    *before = (gint64)number;
    *limit = *limit == 0 ? FLEET_PAGE_DEFAULT : MIN(*limit, FLEET_PAGE_MAX);
    return TRUE;
}

static void query(FleetCall *call)
{
    GError *error = NULL;
    gint64 before;
    guint limit;

    call->silent = TRUE;
    if (!read_page(call, &before, &limit, &error)) {
        fleet_call_go_on(call, error);
        return;
    }
    call->state = GUINT_TO_POINTER(limit);
    fleet_history_list_audit(call->api->history, before, limit, listed, call);
}

const FleetCallKind fleet_calls_query_audit = {.start = query};
