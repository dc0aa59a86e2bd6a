/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/json.h"

#include "cli/exit.h"
#include "cli/text.h"

#include <math.h>
#include <string.h>

/* Always NULL, so that whoever reads a value can return it. */
static gpointer malformed(int r, GError **error)
{
    g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_FAILED, "the daemon's answer cannot be understood: %s",
            r < 0 ? g_strerror(-r) : "a part is missing or of an unexpected type");
    return NULL;
}

/* A number, a boolean or a string as the integer kinds go; NULL for what is none of them. */
static JsonNode *basic_node(char type, const void *storage)
{
    union {
        guint8 y;
        int b;
        gint16 n;
        guint16 q;
        gint32 i;
        guint32 u;
        gint64 x;
        guint64 t;
        double d;
        const char *s;
    } const *value = storage;
    JsonNode *node = json_node_alloc();

    switch (type) {
    case SD_BUS_TYPE_BYTE:
        return json_node_init_int(node, value->y);
    case SD_BUS_TYPE_BOOLEAN:
        return json_node_init_boolean(node, value->b != 0);
    case SD_BUS_TYPE_INT16:
        return json_node_init_int(node, value->n);
    case SD_BUS_TYPE_UINT16:
        return json_node_init_int(node, value->q);
    case SD_BUS_TYPE_INT32:
        return json_node_init_int(node, value->i);
    case SD_BUS_TYPE_UINT32:
        return json_node_init_int(node, value->u);
    case SD_BUS_TYPE_INT64:
        return json_node_init_int(node, value->x);
    case SD_BUS_TYPE_UINT64:
        /* JSON integers are signed here; 2^63 µs are 292,000 years. */
        return json_node_init_int(node, (gint64)MIN(value->t, (guint64)G_MAXINT64));
    case SD_BUS_TYPE_DOUBLE:
        /* JSON has no word for what is not finite. */
        return isfinite(value->d) ? json_node_init_double(node, value->d) : json_node_init_null(node);
    case SD_BUS_TYPE_STRING:
    case SD_BUS_TYPE_OBJECT_PATH:
    case SD_BUS_TYPE_SIGNATURE:
        return json_node_init_string(node, value->s);
    default:
        json_node_unref(node);
        return NULL;
    }
}

static JsonNode *read_basic(sd_bus_message *message, char type, GError **error)
{
    guint64 storage[2] = {0};
    int r = sd_bus_message_read_basic(message, type, storage);
    JsonNode *node = r > 0 ? basic_node(type, storage) : NULL;

    if (node == NULL)
        malformed(r, error);
    return node;
}

static JsonNode *read_variant(sd_bus_message *message, const char *contents, GError **error)
{
    int r = sd_bus_message_enter_container(message, SD_BUS_TYPE_VARIANT, contents);
    g_autoptr(JsonNode) node = NULL;

    if (r <= 0)
        return malformed(r, error);
    node = fleet_json_read(message, error);
    if (node == NULL)
        return NULL;
    r = sd_bus_message_exit_container(message);
    if (r < 0)
        return malformed(r, error);
    return g_steal_pointer(&node);
}

/* The elements of an array or the members of a structure. */
static JsonNode *read_array(sd_bus_message *message, char type, const char *contents, GError **error)
{
    int r = sd_bus_message_enter_container(message, type, contents);
    g_autoptr(JsonArray) array = json_array_new();

    if (r <= 0)
        return malformed(r, error);
    while ((r = sd_bus_message_at_end(message, FALSE)) == 0) {
        JsonNode *element = fleet_json_read(message, error);
        if (element == NULL)
            return NULL;
        json_array_add_element(array, element);
    }
    if (r > 0)
        r = sd_bus_message_exit_container(message);
    if (r < 0)
        return malformed(r, error);
    return json_node_init_array(json_node_alloc(), array);
}

static gboolean read_entry(sd_bus_message *message, const char *contents, JsonObject *object, GError **error)
{
    int r = sd_bus_message_enter_container(message, SD_BUS_TYPE_DICT_ENTRY, contents);
    const char *key;

    if (r > 0)
        r = sd_bus_message_read_basic(message, SD_BUS_TYPE_STRING, &key);
    if (r > 0) {
        JsonNode *value = fleet_json_read(message, error);
        if (value == NULL)
            return FALSE;
        json_object_set_member(object, key, value);
        r = sd_bus_message_exit_container(message);
    }
    if (r <= 0)
        malformed(r, error);
    return r > 0;
}

static JsonNode *read_dictionary(sd_bus_message *message, const char *contents, GError **error)
{
    int r = sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, contents);
    g_autoptr(JsonObject) object = json_object_new();
    /* The entry's own contents: those of the array without the braces. */
    g_autofree char *entry = g_strndup(contents + 1, strlen(contents) - 2);

    if (r <= 0)
        return malformed(r, error);
    while ((r = sd_bus_message_at_end(message, FALSE)) == 0)
        if (!read_entry(message, entry, object, error))
            return NULL;
    if (r > 0)
        r = sd_bus_message_exit_container(message);
    if (r < 0)
        return malformed(r, error);
    return fleet_json_node(g_steal_pointer(&object));
}

JsonNode *fleet_json_read(sd_bus_message *message, GError **error)
{
    const char *contents;
    char type;
    int r = sd_bus_message_peek_type(message, &type, &contents);

    if (r <= 0)
        return malformed(r, error);
    if (type == SD_BUS_TYPE_VARIANT)
        return read_variant(message, contents, error);
    if (type == SD_BUS_TYPE_ARRAY && *contents == SD_BUS_TYPE_DICT_ENTRY_BEGIN)
        return read_dictionary(message, contents, error);
    if (type == SD_BUS_TYPE_ARRAY || type == SD_BUS_TYPE_STRUCT)
        return read_array(message, type, contents, error);
    return read_basic(message, type, error);
}

JsonObject *fleet_json_read_object(sd_bus_message *message, GError **error)
{
    g_autoptr(JsonNode) node = fleet_json_read(message, error);

    if (node == NULL)
        return NULL;
    if (!JSON_NODE_HOLDS_OBJECT(node))
        return malformed(0, error);
    return json_node_dup_object(node);
}

JsonObject *fleet_json_read_struct(sd_bus_message *message, const char *const *names, GError **error)
{
    g_autoptr(JsonObject) object = json_object_new();
    const char *contents;
    char type;
    int r = sd_bus_message_peek_type(message, &type, &contents);

    if (r > 0)
        r = type == SD_BUS_TYPE_STRUCT ? sd_bus_message_enter_container(message, type, contents) : 0;
    if (r <= 0)
        return malformed(r, error);
    for (guint i = 0; names[i] != NULL; i++) {
        JsonNode *member = fleet_json_read(message, error);
        if (member == NULL)
            return NULL;
        json_object_set_member(object, names[i], member);
    }
    r = sd_bus_message_exit_container(message);
    if (r < 0)
        return malformed(r, error);
    return g_steal_pointer(&object);
}

/* The member's node if it holds a value of that type. */
static JsonNode *value_of(JsonObject *object, const char *name, GType type)
{
    JsonNode *node = json_object_get_member(object, name);

    return node != NULL && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == type ? node : NULL;
}

const char *fleet_json_string(JsonObject *object, const char *name)
{
    JsonNode *node = value_of(object, name, G_TYPE_STRING);

    return node != NULL ? json_node_get_string(node) : "";
}

gint64 fleet_json_int(JsonObject *object, const char *name)
{
    JsonNode *node = value_of(object, name, G_TYPE_INT64);

    return node != NULL ? json_node_get_int(node) : 0;
}

double fleet_json_double(JsonObject *object, const char *name)
{
    JsonNode *node = value_of(object, name, G_TYPE_DOUBLE);

    return node != NULL ? json_node_get_double(node) : 0;
}

gboolean fleet_json_bool(JsonObject *object, const char *name)
{
    JsonNode *node = value_of(object, name, G_TYPE_BOOLEAN);

    return node != NULL && json_node_get_boolean(node);
}

JsonObject *fleet_json_object(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

JsonNode *fleet_json_node(JsonObject *object)
{
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);

    json_node_take_object(node, object);
    return node;
}

char *fleet_json_to_text(JsonNode *node, gboolean pretty)
{
    g_autofree char *text = json_to_string(node, pretty);
    GString *safe = g_string_sized_new(strlen(text));

    /* Such characters can only stand within strings, where the escape means the same; the line's ends of the pretty
     * form are the one exception. */
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (c != '\n' && fleet_text_is_unsafe(c))
            g_string_append_printf(safe, "\\u%04x", c);
        else
            g_string_append_unichar(safe, c);
    }
    return g_string_free(safe, FALSE);
}
