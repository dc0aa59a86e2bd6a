/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "operation.h"

#include <string.h>

#define SOFTWARE_UPDATE "software_update"
#define FIRMWARE_UPDATE "firmware_update"
#define CONFIG_UPDATE "config_update"
#define RESTART "restart"

static const char *const known[] = {SOFTWARE_UPDATE, FIRMWARE_UPDATE, RESTART, CONFIG_UPDATE, NULL};

const char *const *sim_operation_known_names(void)
{
    return known;
}

static void free_operation(gpointer data)
{
    SimOperation *operation = data;

    g_free(operation->name);
    g_strfreev(operation->types);
    g_free(operation);
}

/* One level of a topic, of the characters that names of operations are made of. */
static gboolean is_name(const char *text)
{
    return *text != '\0' && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(text);
}

static SimOperation *parse_operation(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 2);
    g_auto(GStrv) types = parts[0] != NULL && parts[1] != NULL ? g_strsplit(parts[1], "+", -1) : NULL;

    if (parts[0] == NULL || !is_name(parts[0]) ||
            (types != NULL && (types[0] == NULL || g_strv_contains((const char *const *)types, ""))))
        return NULL;
    SimOperation *operation = g_new0(SimOperation, 1);
    operation->name = g_strdup(parts[0]);
    operation->types = g_steal_pointer(&types);
    return operation;
}

GPtrArray *sim_operations_parse(const char *text, GError **error)
{
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    g_autoptr(GPtrArray) operations = g_ptr_array_new_with_free_func(free_operation);

    for (guint i = 0; words[i] != NULL; i++) {
        SimOperation *operation = parse_operation(words[i]);

        if (operation == NULL) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "'%s' is no operation; use NAME or NAME:TYPE+TYPE, like " SIM_OPERATIONS, words[i]);
            return NULL;
        }
        g_ptr_array_add(operations, operation);
    }
    return g_steal_pointer(&operations);
}

const SimOperation *sim_operations_find(const GPtrArray *operations, const char *name)
{
    for (guint i = 0; i < operations->len; i++) {
        const SimOperation *operation = operations->pdata[i];

        if (strcmp(operation->name, name) == 0)
            return operation;
    }
    return NULL;
}

char *sim_operation_capability(const SimOperation *operation)
{
    g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);
    g_autoptr(JsonObject) object = json_object_new();

    if (operation->types != NULL) {
        JsonArray *types = json_array_new();

        for (char **type = operation->types; *type != NULL; type++)
            json_array_add_string_element(types, *type);
        json_object_set_array_member(object, "types", types);
    }
    json_node_set_object(root, object);
    return json_to_string(root, FALSE);
}

gboolean sim_operation_restarts(const char *name)
{
    return strcmp(name, FIRMWARE_UPDATE) == 0 || sim_operation_is_restart(name);
}

gboolean sim_operation_is_restart(const char *name)
{
    return strcmp(name, RESTART) == 0;
}

static const char *string_member(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node != NULL && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node) : NULL;
}

static JsonArray *array_member(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

static JsonObject *object_element(JsonArray *array, guint i)
{
    JsonNode *node = json_array_get_element(array, i);

    return JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

static char *check_strings(JsonObject *payload, const char *const *names)
{
    for (; *names != NULL; names++) {
        const char *value = string_member(payload, *names);

        if (value == NULL || *value == '\0')
            return g_strdup_printf("the command has no string '%s'", *names);
    }
    return NULL;
}

/* The empty one is the device's own choice. */
static char *check_type(const SimOperation *operation, const char *type)
{
    if (type == NULL)
        return g_strdup("the command has no string 'type'");
    if (*type != '\0' && operation->types != NULL && !g_strv_contains((const char *const *)operation->types, type))
        return g_strdup_printf("this device has nothing of type '%s'", type);
    return NULL;
}

static char *check_module(JsonObject *module)
{
    const char *action = module != NULL ? string_member(module, "action") : NULL;

    if (module == NULL || string_member(module, "name") == NULL)
        return g_strdup("a module has no string 'name'");
    if (g_strcmp0(action, "install") != 0 && g_strcmp0(action, "remove") != 0)
        return g_strdup("a module's 'action' is neither 'install' nor 'remove'");
    return NULL;
}

static char *check_modules(const SimOperation *operation, JsonObject *entry)
{
    JsonArray *modules = entry != NULL ? array_member(entry, "modules") : NULL;
    char *objection = NULL;

    if (modules == NULL || json_array_get_length(modules) == 0)
        return g_strdup("an entry of 'updateList' has no 'modules'");
    objection = check_type(operation, string_member(entry, "type"));
    for (guint i = 0; objection == NULL && i < json_array_get_length(modules); i++)
        objection = check_module(object_element(modules, i));
    return objection;
}

static char *check_update_list(const SimOperation *operation, JsonObject *payload)
{
    JsonArray *list = array_member(payload, "updateList");
    char *objection = NULL;

    if (list == NULL || json_array_get_length(list) == 0)
        return g_strdup("the command has no 'updateList'");
    for (guint i = 0; objection == NULL && i < json_array_get_length(list); i++)
        objection = check_modules(operation, object_element(list, i));
    return objection;
}

char *sim_operation_objection(const SimOperation *operation, JsonObject *payload)
{
    static const char *const of_firmware[] = {"name", "version", "remoteUrl", NULL};
    static const char *const of_configuration[] = {"remoteUrl", NULL};

    if (strcmp(operation->name, SOFTWARE_UPDATE) == 0)
        return check_update_list(operation, payload);
    if (strcmp(operation->name, FIRMWARE_UPDATE) == 0)
        return check_strings(payload, of_firmware);
    if (strcmp(operation->name, CONFIG_UPDATE) != 0)
        return NULL;
    char *objection = check_type(operation, string_member(payload, "type"));
    return objection != NULL ? objection : check_strings(payload, of_configuration);
}

static JsonObject *failed_module(JsonObject *module, const char *reason)
{
    JsonObject *failed = json_object_new();
    g_autoptr(GList) names = json_object_get_members(module);

    for (GList *name = names; name != NULL; name = name->next)
        json_object_set_member(failed, name->data, json_object_dup_member(module, name->data));
    json_object_set_string_member(failed, "reason", reason);
    return failed;
}

/* The same entry, of which each module says why it has failed. */
static JsonObject *failed_entry(JsonObject *entry, const char *reason)
{
    JsonObject *failed = json_object_new();
    JsonArray *modules = array_member(entry, "modules"), *failed_modules = json_array_new();

    for (guint i = 0; modules != NULL && i < json_array_get_length(modules); i++) {
        JsonObject *module = object_element(modules, i);

        if (module != NULL)
            json_array_add_object_element(failed_modules, failed_module(module, reason));
    }
    if (string_member(entry, "type") != NULL)
        json_object_set_string_member(failed, "type", string_member(entry, "type"));
    json_object_set_array_member(failed, "modules", failed_modules);
    return failed;
}

void sim_operation_add_failures(const char *name, JsonObject *payload, const char *reason)
{
    JsonArray *list = array_member(payload, "updateList");

    if (strcmp(name, SOFTWARE_UPDATE) != 0 || list == NULL)
        return;
    JsonArray *failures = json_array_new();
    for (guint i = 0; i < json_array_get_length(list); i++) {
        JsonObject *entry = object_element(list, i);

        if (entry != NULL)
            json_array_add_object_element(failures, failed_entry(entry, reason));
    }
    json_object_set_array_member(payload, "failures", failures);
}
