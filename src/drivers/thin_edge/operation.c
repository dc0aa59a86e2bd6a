/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/thin_edge/operation.h"

#include "base/error.h"
#include "base/quotable.h"
#include "drivers/thin_edge/json.h"
#include "drivers/thin_edge/message.h"

#include <string.h>

/* One parameter: its name, what it is called in the payload, and whether it must be there. What it is given as is never
 * quoted: messages are logged, and it may be a secret. */
typedef struct {
    const char *name, *key;
    gboolean required;
} Field;

static const Field module_fields[] = {
        {"name", "name", TRUE}, {"version", "version", FALSE}, {"url", "url", FALSE}, {"action", "action", FALSE},
        {"type", NULL, FALSE}, /* of the list that the module is in */
};
static const Field firmware_fields[] = {
        {"name", "name", TRUE},
        {"version", "version", TRUE},
        {"url", "remoteUrl", TRUE},
};
static const Field config_fields[] = {
        {"type", "type", TRUE},
        {"url", "remoteUrl", TRUE},
        {"path", "path", FALSE},
};

typedef struct {
    const char *name, *action_type;
    const Field *fields;
    guint n;
} Operation;

static const Operation operations[FLEET_THIN_EDGE_OPERATIONS] = {
        [FLEET_THIN_EDGE_SOFTWARE_UPDATE] = {"software_update", "SOFTWARE_UPDATE", module_fields,
                G_N_ELEMENTS(module_fields)},
        [FLEET_THIN_EDGE_FIRMWARE_UPDATE] = {"firmware_update", "FIRMWARE_UPDATE", firmware_fields,
                G_N_ELEMENTS(firmware_fields)},
        [FLEET_THIN_EDGE_RESTART] = {"restart", "SYSTEM_REBOOT", NULL, 0},
        [FLEET_THIN_EDGE_CONFIG_UPDATE] = {"config_update", "CONFIGURATION_CHANGE", config_fields,
                G_N_ELEMENTS(config_fields)},
};

/* Values of the fields of one module, or of one operation, in the order of the table; NULL = not given. */
typedef struct {
    char *values[G_N_ELEMENTS(module_fields)];
} Values;

G_STATIC_ASSERT(G_N_ELEMENTS(firmware_fields) <= G_N_ELEMENTS(module_fields));
G_STATIC_ASSERT(G_N_ELEMENTS(config_fields) <= G_N_ELEMENTS(module_fields));

#define MODULE_ACTION 3
#define MODULE_TYPE 4

static void values_clear(Values *values)
{
    for (guint i = 0; i < G_N_ELEMENTS(values->values); i++)
        g_clear_pointer(&values->values[i], g_free);
}

static void values_free(gpointer values)
{
    values_clear(values);
    g_free(values);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Values, values_clear)

const char *fleet_thin_edge_operation_name(FleetThinEdgeOperation operation)
{
    return operations[operation].name;
}

gboolean fleet_thin_edge_operation_from_name(const char *name, FleetThinEdgeOperation *operation)
{
    for (guint i = 0; i < G_N_ELEMENTS(operations); i++)
        if (g_str_equal(operations[i].name, name)) {
            *operation = i;
            return TRUE;
        }
    return FALSE;
}

gboolean fleet_thin_edge_operation_from_action(const char *action_type, FleetThinEdgeOperation *operation)
{
    for (guint i = 0; i < G_N_ELEMENTS(operations); i++)
        if (g_str_equal(operations[i].action_type, action_type)) {
            *operation = i;
            return TRUE;
        }
    return FALSE;
}

static gboolean fail_unknown(const Operation *operation, const char *what, const char *name, GError **error)
{
    g_autofree char *shown = fleet_quotable(name);
    g_autoptr(GString) known = g_string_new(NULL);

    for (guint i = 0; i < operation->n; i++)
        g_string_append_printf(known, "%s%s", i > 0 ? ", " : "", operation->fields[i].name);
    if (operation->n == 0)
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "parameter '%s' is unknown; %s takes none", shown,
                operation->action_type);
    else
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "%s '%s' is unknown; use one of %s%s", what,
                shown, known->str, operation->fields == module_fields && *what == 'p' ? ", or modules" : "");
    return FALSE;
}

/* Takes one value in. */
static gboolean set_value(const Operation *operation, Values *values, const char *what, const char *name,
        const char *value, GError **error)
{
    for (guint i = 0; i < operation->n; i++)
        if (g_str_equal(operation->fields[i].name, name)) {
            g_free(values->values[i]);
            values->values[i] = g_strdup(value);
            return TRUE;
        }
    return fail_unknown(operation, what, name, error);
}

static gboolean check_values(const Operation *operation, const Values *values, const char *what, GError **error)
{
    for (guint i = 0; i < operation->n; i++)
        if (operation->fields[i].required && (values->values[i] == NULL || *values->values[i] == '\0')) {
            g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "%s '%s' is missing; %s needs it", what,
                    operation->fields[i].name, operation->action_type);
            return FALSE;
        }
    if (operation->fields != module_fields || values->values[MODULE_ACTION] == NULL ||
            g_str_equal(values->values[MODULE_ACTION], "install") ||
            g_str_equal(values->values[MODULE_ACTION], "remove"))
        return TRUE;
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
            "%s 'action' is neither install nor remove; use one of these", what);
    return FALSE;
}

/* Reads the parameters. */
static gboolean read_values(
        const Operation *operation, const FleetParameters *parameters, Values *values, GError **error)
{
    for (guint i = 0; i < fleet_parameters_count(parameters); i++)
        if (!set_value(operation, values, "parameter", fleet_parameters_key(parameters, i),
                    fleet_parameters_value(parameters, i), error))
            return FALSE;
    return check_values(operation, values, "parameter", error);
}

/* "key":"value", for each field that is there. */
static void append_values(GString *json, const Operation *operation, const Values *values)
{
    for (guint i = 0; i < operation->n; i++) {
        if (values->values[i] == NULL || operation->fields[i].key == NULL)
            continue;
        if (json->str[json->len - 1] != '{')
            g_string_append_c(json, ',');
        fleet_thin_edge_json_append_string(json, operation->fields[i].key);
        g_string_append_c(json, ':');
        fleet_thin_edge_json_append_string(json, values->values[i]);
    }
}

/* Modules out of the parameter "modules". */

static gboolean read_module(FleetThinEdgeJson object, Values *values, GError **error)
{
    const Operation *operation = &operations[FLEET_THIN_EDGE_SOFTWARE_UPDATE];
    FleetThinEdgeJsonIter iter = {.rest = object};
    FleetThinEdgeJson key, value;

    if (fleet_thin_edge_json_kind(object) != FLEET_THIN_EDGE_JSON_OBJECT) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "not every module is an object");
        return FALSE;
    }
    while (fleet_thin_edge_json_next(&iter, &key, &value)) {
        g_autofree char *name = fleet_thin_edge_json_string(key);

        if (fleet_thin_edge_json_kind(value) != FLEET_THIN_EDGE_JSON_STRING) {
            g_autofree char *shown = fleet_quotable(name);
            g_set_error(
                    error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "member '%s' of a module is no string", shown);
            return FALSE;
        }
        g_autofree char *text = fleet_thin_edge_json_string(value);
        if (!set_value(operation, values, "member", name, text, error))
            return FALSE;
    }
    return check_values(operation, values, "member", error);
}

static gboolean fail_modules(GError **error, const GError *cause)
{
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
            "parameter 'modules' is wrong: %s; write [{\"name\":\"vim\",\"version\":\"9\"}]", cause->message);
    return FALSE;
}

static gboolean read_modules(const char *text, GPtrArray *modules, GError **error)
{
    g_autoptr(GError) local = NULL;
    FleetThinEdgeJson list, element;

    if (!fleet_thin_edge_json_parse(text, strlen(text), &list, &local))
        return fail_modules(error, local);
    FleetThinEdgeJsonIter iter = {.rest = list};
    if (fleet_thin_edge_json_kind(list) != FLEET_THIN_EDGE_JSON_ARRAY)
        g_set_error(&local, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "it is no array");
    while (local == NULL && fleet_thin_edge_json_next(&iter, NULL, &element)) {
        Values *values = g_new0(Values, 1);

        g_ptr_array_add(modules, values);
        if (modules->len > FLEET_THIN_EDGE_MODULES_MAX)
            g_set_error(&local, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "more than %d modules are too many",
                    FLEET_THIN_EDGE_MODULES_MAX);
        else
            (void)read_module(element, values, &local);
    }
    if (local == NULL && modules->len == 0)
        g_set_error(&local, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "no module is in there");
    return local == NULL || fail_modules(error, local);
}

/* The one module that the parameters are, or those of "modules", which then is the only one. */
static gboolean read_all_modules(const FleetParameters *parameters, GPtrArray *modules, GError **error)
{
    const Operation *operation = &operations[FLEET_THIN_EDGE_SOFTWARE_UPDATE];
    const char *list = NULL;

    for (guint i = 0; i < fleet_parameters_count(parameters); i++)
        if (g_str_equal(fleet_parameters_key(parameters, i), "modules"))
            list = fleet_parameters_value(parameters, i);
    if (list != NULL && fleet_parameters_count(parameters) > 1) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT,
                "parameter 'modules' has company; give either that alone, or name, version, url, action and type");
        return FALSE;
    }
    if (list != NULL)
        return read_modules(list, modules, error);
    Values *values = g_new0(Values, 1);
    g_ptr_array_add(modules, values);
    return read_values(operation, parameters, values, error);
}

static const char *type_of(const Values *module)
{
    return module->values[MODULE_TYPE] != NULL ? module->values[MODULE_TYPE] : "";
}

/* Modules of one type are in one list, in the order in which they came. */
static void append_modules(GString *json, GPtrArray *modules, const char *type)
{
    g_string_append(json, "{\"type\":");
    fleet_thin_edge_json_append_string(json, type);
    g_string_append(json, ",\"modules\":[");
    for (guint i = 0; i < modules->len; i++) {
        Values *module = g_ptr_array_index(modules, i);

        if (!g_str_equal(type_of(module), type))
            continue;
        if (module->values[MODULE_ACTION] == NULL)
            module->values[MODULE_ACTION] = g_strdup("install");
        if (json->str[json->len - 1] == '}')
            g_string_append_c(json, ',');
        g_string_append_c(json, '{');
        append_values(json, &operations[FLEET_THIN_EDGE_SOFTWARE_UPDATE], module);
        g_string_append_c(json, '}');
    }
    g_string_append(json, "]}");
}

static gboolean append_update_list(GString *json, const FleetParameters *parameters, GPtrArray *types, GError **error)
{
    g_autoptr(GPtrArray) modules = g_ptr_array_new_with_free_func(values_free);

    if (!read_all_modules(parameters, modules, error))
        return FALSE;
    g_string_append(json, ",\"updateList\":[");
    for (guint i = 0; i < modules->len; i++) {
        const char *type = type_of(g_ptr_array_index(modules, i));

        if (g_ptr_array_find_with_equal_func(types, type, g_str_equal, NULL))
            continue;
        if (types->len > 0)
            g_string_append_c(json, ',');
        append_modules(json, modules, type);
        g_ptr_array_add(types, g_strdup(type));
    }
    g_string_append_c(json, ']');
    return TRUE;
}

char *fleet_thin_edge_operation_payload(FleetThinEdgeOperation operation, const FleetParameters *parameters,
        const char *client, GPtrArray *types, GError **error)
{
    g_autoptr(GString) json = g_string_new("{\"status\":\"init\",\"" FLEET_THIN_EDGE_CLIENT_KEY "\":");
    g_auto(Values) values = {{NULL}};

    fleet_thin_edge_json_append_string(json, client);
    if (operation == FLEET_THIN_EDGE_SOFTWARE_UPDATE) {
        if (!append_update_list(json, parameters, types, error))
            return NULL;
    } else {
        if (!read_values(&operations[operation], parameters, &values, error))
            return NULL;
        append_values(json, &operations[operation], &values);
    }
    if (operation == FLEET_THIN_EDGE_CONFIG_UPDATE)
        g_ptr_array_add(types, g_strdup(values.values[0]));
    g_string_append_c(json, '}');
    return g_string_free(g_steal_pointer(&json), FALSE);
}
