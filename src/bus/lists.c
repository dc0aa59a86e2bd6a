/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/lists.h"

#include "base/error.h"
#include "bus/endpoint.h"
#include "bus/errors.h"
#include "bus/options.h"
#include "bus/paths.h"
#include "bus/reading.h"
#include "bus/reply.h"
#include "model/limits.h"

#include <string.h>

/* Devices looked at in one call. A filter that few devices match must not make one call walk a large fleet: the page
 * then comes back short, and its cursor goes on from there. */
#define LOOKED_AT_MAX 100000

/* What a cursor takes behind the rows, bytes: a string's length and end, and padding. */
#define CURSOR_ROOM (FLEET_DEVICE_ID_MAX + 8)

typedef struct {
    FleetOutbox *outbox;
    FleetBody *body; /* the results that are begun there */
    FleetDeviceFilter filter;
    guint rows_max, looked_at_max;
    guint rows, looked_at; /* so far */
    const FleetDevice *last;
    gboolean full; /* there may be more than the reply holds */
} Page;

static void clear_page(Page *page)
{
    fleet_device_filter_clear(&page->filter);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Page, clear_page)

static void append_row(FleetBody *body, const FleetDevice *device)
{
    char id[FLEET_ACTION_ID_BUFFER], path[FLEET_ACTION_PATH_BUFFER];

    fleet_body_align(body, 8);
    fleet_body_append_string(body, device->id);
    fleet_body_append_string(body, device->name);
    fleet_body_append_string(body, device->type);
    fleet_body_append_string(body, fleet_device_status_to_string(device->status));
    fleet_body_append_uint64(body, (guint64)device->registered_at);
    fleet_body_append_uint64(body, (guint64)device->updated_at);
    fleet_body_append_string(body, fleet_path_of_action(device->action, path));
    fleet_body_append_string(body, fleet_action_id_format(device->action, id));
}

static gboolean add_device(const FleetDevice *device, gpointer user_data)
{
    Page *page = user_data;

    /* Ids are in order, so past the prefix nothing more can match. */
    if (page->filter.id_prefix != NULL && !g_str_has_prefix(device->id, page->filter.id_prefix) &&
            strcmp(device->id, page->filter.id_prefix) > 0)
        return FALSE;
    if (page->rows >= page->rows_max || page->looked_at >= page->looked_at_max) {
        page->full = TRUE;
        return FALSE;
    }
    if (fleet_device_filter_matches(&page->filter, device)) {
        gsize before = page->body->length;

        append_row(page->body, device);
        if (fleet_outbox_room(page->outbox) < CURSOR_ROOM) {
            page->body->length = before;
            page->full = TRUE;
            return FALSE;
        }
        page->rows++;
    }
    page->looked_at++;
    page->last = device;
    return TRUE;
}

/* Makes the array of what comes after an id. */
static void fill_page(Page *page, const FleetRegistry *registry, const char *after)
{
    const char *prefix = page->filter.id_prefix;
    gsize array = fleet_body_open_array(page->body, 8);

    if (prefix != NULL && strcmp(after, prefix) < 0)
        fleet_registry_visit(registry, prefix, TRUE, add_device, page);
    else
        fleet_registry_visit(registry, after, FALSE, add_device, page);
    fleet_body_close_array(page->body, array, 8);
}

static void answer_all(FleetOutbox *outbox, sd_bus_message *message, const FleetRegistry *registry)
{
    g_auto(Page) page = {.outbox = outbox,
            .body = fleet_outbox_begin_return(outbox, message, "a(ssssttos)"),
            .rows_max = G_MAXUINT,
            .looked_at_max = G_MAXUINT};
    g_autoptr(GError) error = NULL;

    if (page.body == NULL)
        return;
    fill_page(&page, registry, "");
    if (!page.full) {
        fleet_outbox_end_return(outbox, message);
        return;
    }
    fleet_outbox_cancel_return(outbox);
    g_set_error(&error, FLEET_ERROR, FLEET_ERROR_LIMIT_EXCEEDED,
            "%u devices do not fit into one message; use QueryDevices, which lists them in pages",
            fleet_registry_count(registry));
    fleet_outbox_error(outbox, message, error);
}

int fleet_lists_all_devices(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    FleetOutbox *outbox = fleet_endpoint_outbox(user_data);
    const FleetApi *api = fleet_endpoint_api(user_data);
    g_autoptr(GError) error = NULL;

    if (fleet_reading_allowed(api, &error))
        answer_all(outbox, message, api->registry);
    else
        fleet_outbox_error(outbox, message, error);
    return 1;
}

/* Turns an array of names into bits. An empty array stands for any. */
static gboolean read_bits(const FleetEnumTable *table, char **names, guint32 *bits, GError **error)
{
    for (char **name = names; name != NULL && *name != NULL; name++) {
        guint value;

        if (!fleet_enum_from_string(table, *name, &value, error))
            return FALSE;
        *bits |= 1u << value;
    }
    return TRUE;
}

static char **empty_to_any(char **names)
{
    if (names != NULL && *names == NULL)
        g_clear_pointer(&names, g_strfreev);
    return names;
}

static gboolean read_page(sd_bus_message *message, const char **cursor, guint *limit, GError **error)
{
    guint32 wanted;
    int r = sd_bus_message_read(message, "su", cursor, &wanted);

    if (r < 0) {
        g_propagate_error(error, fleet_errors_unreadable(r));
        return FALSE;
    }
    *limit = wanted == 0 ? FLEET_PAGE_DEFAULT : MIN(wanted, FLEET_PAGE_MAX);
    return TRUE;
}

static gboolean read_device_filter(sd_bus_message *message, FleetDeviceFilter *filter, GError **error)
{
    g_auto(GStrv) statuses = NULL;
    const char *prefix = NULL, *name = NULL;
    const FleetOption options[] = {{"Status", "as", &statuses, NULL}, {"Type", "as", &filter->types, NULL},
            {"IdPrefix", "s", &prefix, NULL}, {"NameContains", "s", &name, NULL}};

    if (!fleet_options_read(message, "filter", options, G_N_ELEMENTS(options), error) ||
            !read_bits(&fleet_device_statuses, statuses, &filter->statuses, error))
        return FALSE;
    filter->types = empty_to_any(filter->types);
    filter->id_prefix = g_strdup(prefix);
    filter->name_contains = g_strdup(name);
    return TRUE;
}

int fleet_lists_devices(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    FleetOutbox *outbox = fleet_endpoint_outbox(user_data);
    const FleetApi *api = fleet_endpoint_api(user_data);
    g_auto(Page) page = {.outbox = outbox, .looked_at_max = LOOKED_AT_MAX};
    g_autoptr(GError) error = NULL;
    const char *cursor;

    if (!fleet_reading_allowed(api, &error) || !read_device_filter(message, &page.filter, &error) ||
            !read_page(message, &cursor, &page.rows_max, &error)) {
        fleet_outbox_error(outbox, message, error);
        return 1;
    }

    page.body = fleet_outbox_begin_return(outbox, message, "a(ssssttos)s");
    if (page.body == NULL)
        return 1;
    fill_page(&page, api->registry, cursor);
    fleet_body_append_string(page.body, page.full ? page.last->id : "");
    fleet_outbox_end_return(outbox, message);
    return 1;
}

typedef struct {
    const GPtrArray *actions;
    guint shown; /* how many of them; the store was asked for one more, to know whether there is more */
} ActionPage;

static void append_action(FleetBody *body, const FleetAction *action)
{
    char id[FLEET_ACTION_ID_BUFFER];

    fleet_body_align(body, 8);
    fleet_body_append_string(body, fleet_action_id_format(action->id, id));
    fleet_body_append_string(body, action->device_id);
    fleet_body_append_string(body, action->type);
    fleet_body_append_string(body, fleet_action_status_to_string(action->status));
    fleet_body_append_string(body, fleet_result_to_string(action->result));
    fleet_body_append_double(body, action->progress);
    fleet_body_append_uint64(body, (guint64)action->initiated_at);
    fleet_body_append_uint64(body, (guint64)action->started.realtime);
    fleet_body_append_uint64(body, (guint64)action->completed_at);
}

static void append_actions(FleetBody *body, gconstpointer user_data)
{
    const ActionPage *page = user_data;
    char cursor[24] = "";
    gsize array = fleet_body_open_array(body, 8);

    for (guint i = 0; i < page->shown; i++)
        append_action(body, g_ptr_array_index(page->actions, i));
    fleet_body_close_array(body, array, 8);
    if (page->shown < page->actions->len) {
        const FleetAction *last = g_ptr_array_index(page->actions, page->shown - 1);
        g_snprintf(cursor, sizeof(cursor), "%" G_GINT64_FORMAT, last->id.sequence);
    }
    fleet_body_append_string(body, cursor);
}

static void actions_listed(const GPtrArray *actions, const GError *error, gpointer user_data)
{
    FleetReading *reading = user_data;
    ActionPage page = {.actions = actions, .shown = actions != NULL ? MIN(actions->len, reading->limit) : 0};

    fleet_reading_answer(reading, error, "a(sssssdttt)s", append_actions, &page);
}

/* *impossible: no action can match, since Active and Status leave no status. */
static gboolean read_action_filter(
        sd_bus_message *message, FleetActionFilter *filter, gboolean *impossible, GError **error)
{
    const guint32 active_bits = 1u << FLEET_ACTION_PENDING | 1u << FLEET_ACTION_RUNNING;
    const guint32 all_bits = (1u << FLEET_ACTION_STATUS_LAST_) - 1;
    g_auto(GStrv) statuses = NULL, results = NULL;
    const char *device_id = NULL;
    guint32 owner = 0;
    gboolean active = FALSE, has_owner = FALSE, has_active = FALSE;
    const FleetOption options[] = {{"DeviceId", "s", &device_id, NULL}, {"Status", "as", &statuses, NULL},
            {"Type", "as", &filter->types, NULL}, {"Result", "as", &results, NULL},
            {"Since", "t", &filter->since, NULL}, {"Until", "t", &filter->until, NULL},
            {"OwnerUid", "u", &owner, &has_owner}, {"Active", "b", &active, &has_active}};

    if (!fleet_options_read(message, "filter", options, G_N_ELEMENTS(options), error) ||
            !read_bits(&fleet_action_statuses, statuses, &filter->statuses, error) ||
            !read_bits(&fleet_results, results, &filter->results, error))
        return FALSE;
    if (filter->since < 0 || filter->until < 0) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                "filters 'Since' and 'Until' are times in µs since the epoch, at most %" G_GINT64_FORMAT, G_MAXINT64);
        return FALSE;
    }
    filter->types = empty_to_any(filter->types);
    filter->device_id = g_strdup(device_id);
    filter->owner_uid = has_owner ? (gint64)owner : -1;
    if (has_active)
        filter->statuses =
                (filter->statuses != 0 ? filter->statuses : all_bits) & (active ? active_bits : ~active_bits);
    *impossible = has_active && filter->statuses == 0;
    return TRUE;
}

static gboolean read_action_cursor(const char *cursor, gint64 *before, GError **error)
{
    guint64 sequence = 0;

    if (*cursor != '\0' && !g_ascii_string_to_unsigned(cursor, 10, 1, G_MAXINT64, &sequence, NULL)) {
        g_autofree char *shown = fleet_quotable(cursor);
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                "cursor '%s' does not come from QueryActions; begin with an empty one", shown);
        return FALSE;
    }
    *before = (gint64)sequence;
    return TRUE;
}

static void query_actions(FleetReading *reading)
{
    g_auto(FleetActionFilter) filter = FLEET_ACTION_FILTER_INIT;
    g_autoptr(GError) error = NULL;
    gboolean impossible;
    const char *cursor;

    if (!read_action_filter(reading->message, &filter, &impossible, &error) ||
            !read_page(reading->message, &cursor, &reading->limit, &error) ||
            !read_action_cursor(cursor, &filter.before, &error)) {
        fleet_reading_answer(reading, error, "", NULL, NULL);
        return;
    }

    filter.limit = reading->limit + 1;
    if (impossible) {
        g_autoptr(GPtrArray) none = g_ptr_array_new();
        actions_listed(none, NULL, reading);
    } else
        fleet_history_list(reading->api->history, &filter, actions_listed, reading);
}

int fleet_lists_actions(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    return fleet_reading_begin(user_data, message, query_actions);
}
