/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "generate.h"

#include <math.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define DEPTH_MAX 4      /* of types and of values inside each other */
#define ACTIONS_MAX 16   /* that are remembered */
#define API_INTERFACES 3 /* the first of all interfaces are ours, and have properties */
#define HUGE_TEXT 70000  /* bytes: more than any limit of the API, less than any of D-Bus */

#define ROOT "/org/fleet/Manager"

/* What an object on the bus has besides. */
static const char standard_xml[] =
        "<node><interface name='org.freedesktop.DBus.Properties'>"
        "<method name='Get'><arg name='interface' type='s'/><arg name='property' type='s'/></method>"
        "<method name='GetAll'><arg name='interface' type='s'/></method>"
        "<method name='Set'><arg name='interface' type='s'/><arg name='property' type='s'/>"
        "<arg name='value' type='v'/></method>"
        "</interface><interface name='org.freedesktop.DBus.ObjectManager'><method name='GetManagedObjects'/>"
        "</interface><interface name='org.freedesktop.DBus.Introspectable'><method name='Introspect'/>"
        "</interface><interface name='org.freedesktop.DBus.Peer'><method name='Ping'/><method name='GetMachineId'/>"
        "</interface></node>";

struct FleetFuzzApi {
    GPtrArray *nodes;      /* GDBusNodeInfo, which own the interfaces */
    GPtrArray *interfaces; /* GDBusInterfaceInfo that have methods */
    GPtrArray *actions;    /* of char *, ids that were given */
};

static void add_node(FleetFuzzApi *api, const char *xml)
{
    g_autoptr(GError) error = NULL;
    GDBusNodeInfo *node = g_dbus_node_info_new_for_xml(xml, &error);

    if (node == NULL)
        g_error("cannot parse an interface: %s", error->message);
    g_ptr_array_add(api->nodes, node);
    for (GDBusInterfaceInfo **interface = node->interfaces; *interface != NULL; interface++)
        if ((*interface)->methods != NULL && (*interface)->methods[0] != NULL)
            g_ptr_array_add(api->interfaces, *interface);
}

FleetFuzzApi *fleet_fuzz_api_new(const char *directory)
{
    static const char *const names[] = {"org.fleet.Manager", "org.fleet.Device", "org.fleet.Action"};
    FleetFuzzApi *api = g_new0(FleetFuzzApi, 1);

    api->nodes = g_ptr_array_new_with_free_func((GDestroyNotify)g_dbus_node_info_unref);
    api->interfaces = g_ptr_array_new();
    api->actions = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *path = g_strdup_printf("%s/%s.xml", directory, names[i]);
        g_autofree char *xml = NULL;
        if (!g_file_get_contents(path, &xml, NULL, &error))
            g_error("%s", error->message);
        add_node(api, xml);
    }
    add_node(api, standard_xml);
    return api;
}

void fleet_fuzz_api_free(FleetFuzzApi *api)
{
    g_ptr_array_unref(api->interfaces);
    g_ptr_array_unref(api->nodes);
    g_ptr_array_unref(api->actions);
    g_free(api);
}

GPtrArray *fleet_fuzz_api_methods(const FleetFuzzApi *api)
{
    GPtrArray *methods = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < api->interfaces->len; i++) {
        const GDBusInterfaceInfo *interface = g_ptr_array_index(api->interfaces, i);
        for (GDBusMethodInfo **method = interface->methods; *method != NULL; method++)
            g_ptr_array_add(methods, g_strdup_printf("%s.%s", interface->name, (*method)->name));
    }
    return methods;
}

void fleet_fuzz_api_note_action(FleetFuzzApi *api, const char *id)
{
    if (api->actions->len == ACTIONS_MAX)
        g_ptr_array_remove_index(api->actions, 0);
    g_ptr_array_add(api->actions, g_strdup(id));
}

void fleet_fuzz_api_forget(FleetFuzzApi *api)
{
    g_ptr_array_set_size(api->actions, 0);
}

/* Texts. */

#define PICK(input, words) ((words)[fleet_fuzz_below(input, G_N_ELEMENTS(words))])

static const char *device_id(FleetFuzzInput *input)
{
    static const char *const ids[] = {"router-1", "router-2", "a", "Ger\xc3\xa4t 7", "x/y", "nobody"};

    return PICK(input, ids);
}

static const char *action_id(const FleetFuzzApi *api, FleetFuzzInput *input)
{
    static const char *const others[] = {"action_1700000000000_1", "action_1_2", "action_0_0", "action_"};
    guint i = fleet_fuzz_below(input, ACTIONS_MAX + G_N_ELEMENTS(others));

    if (i < ACTIONS_MAX && api->actions->len > 0)
        return g_ptr_array_index(api->actions, i % api->actions->len);
    return others[i % G_N_ELEMENTS(others)];
}

static const char *device_status(FleetFuzzInput *input)
{
    static const char *const words[] = {
            "IDLE", "BUSY", "OFFLINE", "MAINTENANCE", "UPDATING", "RECOVERING", "ERROR", ""};

    return PICK(input, words);
}

static const char *action_type(FleetFuzzInput *input)
{
    static const char *const words[] = {
            "SOFTWARE_UPDATE", "FIRMWARE_UPDATE", "SYSTEM_REBOOT", "CONFIGURATION_CHANGE", "BACKUP"};

    return PICK(input, words);
}

/* Of the API's own, and of all objects'. */
static const char *property_name(const FleetFuzzApi *api, FleetFuzzInput *input)
{
    const GDBusInterfaceInfo *interface = g_ptr_array_index(api->interfaces, fleet_fuzz_below(input, API_INTERFACES));
    guint n = 0;

    while (interface->properties[n] != NULL)
        n++;
    return interface->properties[fleet_fuzz_below(input, n)]->name;
}

static const char *interface_name(const FleetFuzzApi *api, FleetFuzzInput *input)
{
    const GDBusInterfaceInfo *interface = g_ptr_array_index(api->interfaces, fleet_fuzz_below(input, API_INTERFACES));

    return interface->name;
}

/* Words that mean something somewhere. */
static const char *known_word(const FleetFuzzApi *api, FleetFuzzInput *input)
{
    static const char *const words[] = {"PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED", "success", "failed",
            "lost", "superseded", "fail", "queue", "replace", "router", "simulated", "request-1", "request-2"};

    switch (fleet_fuzz_below(input, 8)) {
    case 0:
        return device_status(input);
    case 1:
        return action_type(input);
    case 2:
        return property_name(api, input);
    case 3:
        return interface_name(api, input);
    default:
        return PICK(input, words);
    }
}

/* Any text that is UTF-8 and has no NUL: no other can be sent. */
static char *strange_text(FleetFuzzInput *input)
{
    guint length = fleet_fuzz_below(input, 32);
    GString *text = g_string_new(NULL);

    switch (fleet_fuzz_below(input, 5)) {
    case 0: /* bytes, mostly control characters */
        for (guint i = 0; i < length; i++)
            g_string_append_c(text, (char)(1 + fleet_fuzz_below(input, 0x7f)));
        break;
    case 1: /* characters */
        for (guint i = 0; i < length; i++) {
            gunichar c = (gunichar)fleet_fuzz_number(input, 3) % 0x110000;
            g_string_append_unichar(text, c != 0 && g_unichar_validate(c) ? c : 0xfffd);
        }
        break;
    case 2:
        g_string_set_size(text, (gsize)length * HUGE_TEXT / 32);
        memset(text->str, 'x', text->len);
        break;
    case 3: /* at and around the limits */
        g_string_set_size(text, (1u << (length % 11)) + fleet_fuzz_below(input, 3));
        memset(text->str, 'y', text->len);
        break;
    default:
        break;
    }
    return g_string_free(text, FALSE);
}

static char *any_text(const FleetFuzzApi *api, FleetFuzzInput *input)
{
    guint kind = fleet_fuzz_below(input, 8);

    if (kind < 2)
        return g_strdup(known_word(api, input));
    if (kind < 5)
        return g_strdup(device_id(input));
    return kind == 5 ? g_strdup(action_id(api, input)) : strange_text(input);
}

static char *object_path(const FleetFuzzApi *api, FleetFuzzInput *input, const char *interface)
{
    static const char *const others[] = {"/", "/org", "/org/fleet/Manager/device", "/org/fleet/Manager/action/x"};
    guint kind = fleet_fuzz_below(input, 16);
    char *path = NULL;

    /* Mostly an object that has the interface. */
    if (kind > 2)
        kind = g_str_equal(interface, "org.fleet.Device") ? 1 : g_str_equal(interface, "org.fleet.Action") ? 2 : kind;
    if (kind == 1 && sd_bus_path_encode(ROOT "/device", device_id(input), &path) >= 0)
        return path;
    if (kind == 2 && sd_bus_path_encode(ROOT "/action", action_id(api, input), &path) >= 0)
        return path;
    return g_strdup(kind == 0 ? PICK(input, others) : ROOT);
}

/* Values. */

static GVariant *value(const FleetFuzzApi *api, FleetFuzzInput *input, const GVariantType *type, guint depth);

/* One complete type, as a signature. */
static void append_type(FleetFuzzInput *input, GString *signature, guint depth)
{
    static const char basic[] = "sybnqiuxtdog";
    guint kind = depth < DEPTH_MAX ? fleet_fuzz_below(input, 8) : 0;

    if (kind < 4)
        g_string_append_c(signature, basic[fleet_fuzz_below(input, sizeof(basic) - 1)]);
    else if (kind == 4)
        g_string_append_c(signature, 'v');
    else if (kind == 5) {
        g_string_append_c(signature, 'a');
        append_type(input, signature, depth + 1);
    } else if (kind == 6) {
        g_string_append_printf(signature, "a{%c", basic[fleet_fuzz_below(input, sizeof(basic) - 1)]);
        append_type(input, signature, depth + 2);
        g_string_append_c(signature, '}');
    } else {
        g_string_append_c(signature, '(');
        for (guint i = fleet_fuzz_below(input, 3) + 1; i > 0; i--)
            append_type(input, signature, depth + 1);
        g_string_append_c(signature, ')');
    }
}

static guint64 number(FleetFuzzInput *input)
{
    static const guint64 edges[] = {0, 1, 2, G_MAXINT32, G_MAXUINT32, G_MAXINT64, G_MAXUINT64,
            G_GUINT64_CONSTANT(1) << 61, G_GUINT64_CONSTANT(1) << 62};
    guint bytes = fleet_fuzz_below(input, 9);

    return bytes == 0 ? PICK(input, edges) : fleet_fuzz_number(input, bytes);
}

static double real(FleetFuzzInput *input)
{
    static const double edges[] = {0, 0.5, 1, -1, 100, G_MAXDOUBLE, INFINITY, -INFINITY, NAN, 5e-324};
    guint64 bits;
    double result;

    if (fleet_fuzz_below(input, 2) == 0)
        return PICK(input, edges);
    bits = fleet_fuzz_number(input, 8);
    memcpy(&result, &bits, sizeof(result));
    return result;
}

static GVariant *basic_value(const FleetFuzzApi *api, FleetFuzzInput *input, char type)
{
    switch (type) {
    case 'y':
        return g_variant_new_byte(fleet_fuzz_byte(input));
    case 'b':
        return g_variant_new_boolean(fleet_fuzz_below(input, 2));
    case 'n':
        return g_variant_new_int16((gint16)number(input));
    case 'q':
        return g_variant_new_uint16((guint16)number(input));
    case 'i':
        return g_variant_new_int32((gint32)number(input));
    case 'u':
        return g_variant_new_uint32((guint32)number(input));
    case 'x':
        return g_variant_new_int64((gint64)number(input));
    case 't':
        return g_variant_new_uint64(number(input));
    case 'd':
        return g_variant_new_double(real(input));
    case 'o': {
        g_autofree char *path = object_path(api, input, "");
        return g_variant_new_object_path(path);
    }
    case 'g': {
        g_autoptr(GString) signature = g_string_new(NULL);
        append_type(input, signature, 0);
        return g_variant_new_signature(signature->str);
    }
    default:
        return g_variant_new_take_string(any_text(api, input));
    }
}

static GVariant *array_value(const FleetFuzzApi *api, FleetFuzzInput *input, const GVariantType *type, guint depth)
{
    static const guint lengths[] = {0, 1, 1, 2, 3, 5, 17, 70};
    GVariantBuilder builder;
    guint n = depth >= DEPTH_MAX ? 0 : PICK(input, lengths);

    g_variant_builder_init(&builder, type);
    for (guint i = 0; i < n; i++)
        g_variant_builder_add_value(&builder, value(api, input, g_variant_type_element(type), depth + 1));
    return g_variant_builder_end(&builder);
}

static GVariant *tuple_value(const FleetFuzzApi *api, FleetFuzzInput *input, const GVariantType *type, guint depth)
{
    GVariantBuilder builder;

    g_variant_builder_init(&builder, type);
    for (const GVariantType *item = g_variant_type_first(type); item != NULL; item = g_variant_type_next(item))
        g_variant_builder_add_value(&builder, value(api, input, item, depth + 1));
    return g_variant_builder_end(&builder);
}

static GVariant *value(const FleetFuzzApi *api, FleetFuzzInput *input, const GVariantType *type, guint depth)
{
    if (g_variant_type_is_variant(type)) {
        g_autoptr(GString) signature = g_string_new(NULL);
        append_type(input, signature, depth);
        return g_variant_new_variant(value(api, input, G_VARIANT_TYPE(signature->str), depth + 1));
    }
    if (g_variant_type_equal(type, G_VARIANT_TYPE_VARDICT) && fleet_fuzz_below(input, 8) != 7)
        return fleet_fuzz_options(api, input);
    if (g_variant_type_is_array(type))
        return array_value(api, input, type, depth);
    if (g_variant_type_is_tuple(type) || g_variant_type_is_dict_entry(type))
        return tuple_value(api, input, type, depth);
    return basic_value(api, input, *g_variant_type_peek_string(type));
}

GVariant *fleet_fuzz_value(const FleetFuzzApi *api, FleetFuzzInput *input, const GVariantType *type)
{
    return value(api, input, type, 0);
}

/* What the dictionaries know. Each begins and ends somewhere in this table. */
static const struct {
    const char *name, *type;
} known_options[] = {{"IfBusy", "s"}, {"Priority", "i"}, {"NotBefore", "t"}, {"StartDeadline", "t"}, {"Timeout", "t"},
        {"StepTimeout", "t"}, {"MaxAttempts", "u"}, {"RetryDelay", "t"}, {"RetryFactor", "d"}, {"RetryCap", "t"},
        {"RetryJitter", "d"}, {"RequestId", "s"}, {"Atomic", "b"}, {"Driver", "s"}, {"Address", "s"}, {"Name", "s"},
        {"Type", "s"}, {"Force", "b"}, {"Status", "as"}, {"Type", "as"}, {"IdPrefix", "s"}, {"NameContains", "s"},
        {"DeviceId", "s"}, {"Status", "as"}, {"Type", "as"}, {"Result", "as"}, {"Since", "t"}, {"Until", "t"},
        {"OwnerUid", "u"}, {"Active", "b"}, {"LoadState", "s"}, {"ActiveState", "s"}, {"ExecMainCode", "i"},
        {"ExecMainStatus", "i"}, {"ExecMainExitTimestampMonotonic", "t"}, {"Job", "(uo)"}, {"InvocationID", "ay"},
        {"Environment", "as"}};

typedef struct {
    const char *member, *argument; /* of the methods whose names begin so */
    guint first, n;
} Dictionary;

static const Dictionary dictionaries[] = {{"Initiate", "options", 0, 12}, {"RegisterDevices", "options", 12, 2},
        {"RegisterDevice", "options", 13, 2}, {"SetDevicesStatus", "options", 12, 1}, {"Cancel", "options", 17, 1},
        {"UpdateDevice", "changes", 14, 3}, {"QueryDevices", "filter", 18, 4}, {"QueryActions", "filter", 22, 8}};

static const Dictionary all_options = {NULL, NULL, 0, G_N_ELEMENTS(known_options)};
static const Dictionary no_options = {NULL, NULL, 0, 1};

static const Dictionary *find_dictionary(const char *member, const char *argument)
{
    for (guint i = 0; i < G_N_ELEMENTS(dictionaries); i++)
        if (g_str_has_prefix(member, dictionaries[i].member) && g_str_equal(argument, dictionaries[i].argument))
            return &dictionaries[i];
    return &no_options;
}

static GVariant *option_value(const FleetFuzzApi *api, FleetFuzzInput *input, const char *name, const char *type)
{
    if (g_str_equal(name, "IfBusy"))
        return g_variant_new_string(fleet_fuzz_below(input, 2) == 0 ? "queue" : "replace");
    if (g_str_equal(name, "Driver") && fleet_fuzz_below(input, 2) == 0)
        return g_variant_new_string("simulated");
    if (g_str_equal(name, "Status") && fleet_fuzz_below(input, 2) == 0)
        return g_variant_new_parsed("[%s]", device_status(input));
    /* A small number more often than number() has one. */
    if (g_str_equal(type, "t") && fleet_fuzz_below(input, 2) == 0)
        return g_variant_new_uint64(fleet_fuzz_number(input, 3));
    if (g_str_equal(type, "d") && fleet_fuzz_below(input, 2) == 0)
        return g_variant_new_double(fleet_fuzz_byte(input) / 255.0 * (g_str_equal(name, "RetryJitter") ? 1 : 99) +
                                    (g_str_equal(name, "RetryJitter") ? 0 : 1));
    return value(api, input, G_VARIANT_TYPE(type), 1);
}

static GVariant *options_value(const FleetFuzzApi *api, FleetFuzzInput *input, const Dictionary *dictionary)
{
    static const guint numbers[] = {0, 0, 0, 1, 1, 2, 3, 5};
    GVariantBuilder builder;

    g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
    for (guint n = PICK(input, numbers); n > 0; n--) {
        guint i = dictionary->first + fleet_fuzz_below(input, dictionary->n);
        guint fault = fleet_fuzz_below(input, 32);
        const char *type = fault == 30 ? "v" : known_options[i].type;
        g_autofree char *name = fault == 31 ? any_text(api, input) : g_strdup(known_options[i].name);
        g_variant_builder_add(&builder, "{sv}", name, option_value(api, input, name, type));
    }
    return g_variant_builder_end(&builder);
}

GVariant *fleet_fuzz_options(const FleetFuzzApi *api, FleetFuzzInput *input)
{
    return options_value(api, input, &all_options);
}

/* Calls. */

/* A text that an argument of that name may mean. */
static char *argument_text(
        const FleetFuzzApi *api, FleetFuzzInput *input, const GDBusMethodInfo *method, const char *name)
{
    if (g_str_equal(name, "id"))
        return g_strdup(device_id(input));
    if (g_str_equal(name, "action_id"))
        return g_strdup(action_id(api, input));
    if (g_str_equal(name, "status"))
        return g_strdup(device_status(input));
    if (g_str_equal(name, "type") && g_str_has_prefix(method->name, "Initiate"))
        return g_strdup(action_type(input));
    if (g_str_equal(name, "interface"))
        return g_strdup(interface_name(api, input));
    if (g_str_equal(name, "property"))
        return g_strdup(property_name(api, input));
    return g_strdup(g_str_equal(name, "cursor") ? "" : known_word(api, input));
}

static GVariant *argument(
        const FleetFuzzApi *api, FleetFuzzInput *input, const GDBusMethodInfo *method, const GDBusArgInfo *info)
{
    if (fleet_fuzz_below(input, 32) == 31)
        return value(api, input, G_VARIANT_TYPE(info->signature), 0);
    if (g_str_equal(info->signature, "s"))
        return g_variant_new_take_string(argument_text(api, input, method, info->name));
    if (g_str_equal(info->signature, "a{sv}"))
        return options_value(api, input, find_dictionary(method->name, info->name));
    /* Parameters: none at all, half of the time. */
    if (g_str_equal(info->signature, "a{ss}") && fleet_fuzz_below(input, 2) == 0)
        return g_variant_new("a{ss}", NULL);
    return value(api, input, G_VARIANT_TYPE(info->signature), 0);
}

static GVariant *wrong_arguments(const FleetFuzzApi *api, FleetFuzzInput *input)
{
    g_autoptr(GString) signature = g_string_new("(");

    for (guint n = fleet_fuzz_below(input, 5); n > 0; n--)
        append_type(input, signature, 0);
    g_string_append_c(signature, ')');
    return value(api, input, G_VARIANT_TYPE(signature->str), 0);
}

static GVariant *arguments(const FleetFuzzApi *api, FleetFuzzInput *input, const GDBusMethodInfo *method)
{
    GVariantBuilder builder;

    if (fleet_fuzz_below(input, 32) == 31)
        return wrong_arguments(api, input);
    g_variant_builder_init(&builder, G_VARIANT_TYPE_TUPLE);
    for (GDBusArgInfo **info = method->in_args; info != NULL && *info != NULL; info++)
        g_variant_builder_add_value(&builder, argument(api, input, method, *info));
    return g_variant_builder_end(&builder);
}

void fleet_fuzz_call_make(const FleetFuzzApi *api, FleetFuzzInput *input, FleetFuzzCall *call)
{
    /* Half of them are the manager's, which has most methods. */
    guint kind = fleet_fuzz_below(input, 2 * api->interfaces->len);
    const GDBusInterfaceInfo *interface =
            g_ptr_array_index(api->interfaces, kind < api->interfaces->len ? 0 : kind - api->interfaces->len);
    guint n = 0;

    while (interface->methods[n] != NULL)
        n++;
    const GDBusMethodInfo *method = interface->methods[fleet_fuzz_below(input, n)];
    call->interface = g_strdup(interface->name);
    call->member = g_strdup(method->name);
    call->path = object_path(api, input, interface->name);
    call->arguments = g_variant_ref_sink(arguments(api, input, method));
}

void fleet_fuzz_call_clear(FleetFuzzCall *call)
{
    g_clear_pointer(&call->interface, g_free);
    g_clear_pointer(&call->member, g_free);
    g_clear_pointer(&call->path, g_free);
    g_clear_pointer(&call->arguments, g_variant_unref);
}
