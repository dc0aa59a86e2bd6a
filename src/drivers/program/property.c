/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/program/property.h"

#include "base/error.h"
#include "base/quotable.h"
#include "base/timespan.h"

#include <string.h>

typedef enum {
    KIND_STRING,
    KIND_PATH,
    KIND_WORDS,
    KIND_PATHS,
    KIND_BOOLEAN,
    KIND_BYTES,   /* 512M, or infinity */
    KIND_COUNT,   /* a number, or infinity */
    KIND_WEIGHT,  /* 1 to 10000 */
    KIND_NICE,    /* -20 to 19 */
    KIND_OOM,     /* -1000 to 1000 */
    KIND_PERCENT, /* 50%; travels as µs of each second */
    KIND_TIME,    /* 1h, or infinity */
    KIND_MODE,    /* octal */
} Kind;

typedef struct {
    const char *name;
    Kind kind;
    const char *bus_name; /* NULL = the same */
} Property;

static const Property properties[] = {
        {"User", KIND_STRING, NULL},
        {"Group", KIND_STRING, NULL},
        {"SupplementaryGroups", KIND_WORDS, NULL},
        {"WorkingDirectory", KIND_PATH, NULL},
        {"UMask", KIND_MODE, NULL},
        {"Nice", KIND_NICE, NULL},
        {"OOMScoreAdjust", KIND_OOM, NULL},
        {"CPUQuota", KIND_PERCENT, "CPUQuotaPerSecUSec"},
        {"CPUWeight", KIND_WEIGHT, NULL},
        {"IOWeight", KIND_WEIGHT, NULL},
        {"MemoryHigh", KIND_BYTES, NULL},
        {"MemoryMax", KIND_BYTES, NULL},
        {"MemorySwapMax", KIND_BYTES, NULL},
        {"TasksMax", KIND_COUNT, NULL},
        {"RuntimeMaxSec", KIND_TIME, "RuntimeMaxUSec"},
        {"LimitNOFILE", KIND_COUNT, NULL},
        {"LimitCORE", KIND_BYTES, NULL},
        {"NoNewPrivileges", KIND_BOOLEAN, NULL},
        {"PrivateTmp", KIND_BOOLEAN, NULL},
        {"PrivateDevices", KIND_BOOLEAN, NULL},
        {"PrivateNetwork", KIND_BOOLEAN, NULL},
        {"ProtectSystem", KIND_STRING, NULL},
        {"ProtectHome", KIND_STRING, NULL},
        {"ReadOnlyPaths", KIND_PATHS, NULL},
        {"ReadWritePaths", KIND_PATHS, NULL},
        {"InaccessiblePaths", KIND_PATHS, NULL},
};

static const Property *find(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(properties); i++)
        if (g_str_equal(properties[i].name, name))
            return &properties[i];
    return NULL;
}

gboolean fleet_program_property_is_known(const char *name)
{
    return find(name) != NULL;
}

char *fleet_program_property_names(void)
{
    g_autoptr(GString) names = g_string_new(NULL);

    for (guint i = 0; i < G_N_ELEMENTS(properties); i++)
        g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", properties[i].name);
    return g_string_free(g_steal_pointer(&names), FALSE);
}

/* Digits only, times unit, and no more than fits. */
static gboolean read_number(const char *value, gsize digits, guint64 unit, guint64 *number)
{
    g_autofree char *text = g_strndup(value, digits);
    guint64 read;

    if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64 - 1, &read, NULL) || read > (G_MAXUINT64 - 1) / unit)
        return FALSE;
    *number = read * unit;
    return TRUE;
}

static gboolean read_bytes(const char *value, guint64 *number)
{
    static const char units[] = "KMGT";
    gsize digits = strspn(value, "0123456789");
    guint64 unit = 1;

    if (value[digits] != '\0') {
        const char *found = strchr(units, value[digits]);

        if (found == NULL || value[digits + 1] != '\0')
            return FALSE;
        for (const char *p = units; p <= found; p++)
            unit *= 1024;
    }
    return read_number(value, digits, unit, number);
}

static gboolean read_percent(const char *value, guint64 *number)
{
    gsize digits = strspn(value, "0123456789");

    return g_str_equal(value + digits, "%") && read_number(value, digits, 10000, number) && *number > 0;
}

static gboolean read_time(const char *value, guint64 *number)
{
    gint64 usec;

    if (!fleet_timespan_parse(value, &usec, NULL) || usec == 0)
        return FALSE;
    *number = (guint64)usec;
    return TRUE;
}

static gboolean read_boolean(const char *value, guint64 *number)
{
    static const char *const yes[] = {"yes", "true", "on", "1", NULL};
    static const char *const no[] = {"no", "false", "off", "0", NULL};

    *number = g_strv_contains(yes, value);
    return *number != 0 || g_strv_contains(no, value);
}

static gboolean read_signed(const char *value, gint64 min, gint64 max, guint64 *number)
{
    gint64 read;

    if (!g_ascii_string_to_signed(value, 10, min, max, &read, NULL))
        return FALSE;
    *number = (guint64)read;
    return TRUE;
}

static gboolean read_infinity(const char *value, guint64 *number)
{
    *number = G_MAXUINT64;
    return g_str_equal(value, "infinity");
}

/* The value of a property that travels as a number. */
static gboolean read_value(Kind kind, const char *value, guint64 *number)
{
    switch (kind) {
    case KIND_BOOLEAN:
        return read_boolean(value, number);
    case KIND_BYTES:
        return read_infinity(value, number) || read_bytes(value, number);
    case KIND_COUNT:
        return read_infinity(value, number) || read_number(value, strlen(value), 1, number);
    case KIND_WEIGHT:
        return g_ascii_string_to_unsigned(value, 10, 1, 10000, number, NULL);
    case KIND_NICE:
        return read_signed(value, -20, 19, number);
    case KIND_OOM:
        return read_signed(value, -1000, 1000, number);
    case KIND_PERCENT:
        return read_percent(value, number);
    case KIND_TIME:
        return read_infinity(value, number) || read_time(value, number);
    case KIND_MODE:
        return g_ascii_string_to_unsigned(value, 8, 0, 0777, number, NULL);
    case KIND_STRING:
    case KIND_PATH:
    case KIND_WORDS:
    case KIND_PATHS:
    default:
        g_assert_not_reached();
    }
}

static char **read_words(const char *value)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    char **all = g_strsplit_set(value, " \t", -1);

    for (guint i = 0; all[i] != NULL; i++)
        if (*all[i] != '\0')
            g_ptr_array_add(words, all[i]);
        else
            g_free(all[i]);
    g_free(all);
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

static gboolean check_texts(Kind kind, const char *value)
{
    g_auto(GStrv) words = read_words(value);

    for (guint i = 0; words[i] != NULL; i++)
        if (kind == KIND_PATHS && words[i][0] != '/')
            return FALSE;
    return words[0] != NULL;
}

static const char *describe(Kind kind)
{
    switch (kind) {
    case KIND_STRING:
        return "a word";
    case KIND_PATH:
        return "an absolute path";
    case KIND_WORDS:
        return "words";
    case KIND_PATHS:
        return "absolute paths with blanks in between";
    case KIND_BOOLEAN:
        return "yes or no";
    case KIND_BYTES:
        return "bytes like 512M, or infinity";
    case KIND_COUNT:
        return "a whole number, or infinity";
    case KIND_WEIGHT:
        return "a whole number from 1 to 10000";
    case KIND_NICE:
        return "a whole number from -20 to 19";
    case KIND_OOM:
        return "a whole number from -1000 to 1000";
    case KIND_PERCENT:
        return "a percentage like 50%";
    case KIND_TIME:
        return "a time span like 1h, or infinity";
    case KIND_MODE:
        return "an octal number like 0027";
    default:
        g_assert_not_reached();
    }
}

static gboolean is_right(Kind kind, const char *value)
{
    guint64 number;

    switch (kind) {
    case KIND_STRING:
        return *value != '\0' && strpbrk(value, " \t") == NULL;
    case KIND_PATH:
        return value[0] == '/';
    case KIND_WORDS:
    case KIND_PATHS:
        return check_texts(kind, value);
    case KIND_BOOLEAN:
    case KIND_BYTES:
    case KIND_COUNT:
    case KIND_WEIGHT:
    case KIND_NICE:
    case KIND_OOM:
    case KIND_PERCENT:
    case KIND_TIME:
    case KIND_MODE:
    default:
        return read_value(kind, value, &number);
    }
}

gboolean fleet_program_property_check(const char *name, const char *value, GError **error)
{
    const Property *property = find(name);
    g_autofree char *shown = fleet_quotable(property != NULL ? value : name);

    if (property == NULL) {
        g_autofree char *names = fleet_program_property_names();

        g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "property '%s' cannot be set; use one of %s",
                shown, names);
        return FALSE;
    }
    if (is_right(property->kind, value))
        return TRUE;
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "'%s' is not right for %s; use %s", shown, name,
            describe(property->kind));
    return FALSE;
}

static int append_words(sd_bus_message *message, const char *name, const char *value)
{
    g_auto(GStrv) words = read_words(value);

    int r = sd_bus_message_open_container(message, 'r', "sv");
    if (r >= 0)
        r = sd_bus_message_append(message, "s", name);
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'v', "as");
    if (r >= 0)
        r = sd_bus_message_append_strv(message, words);
    if (r >= 0)
        r = sd_bus_message_close_container(message);
    return r >= 0 ? sd_bus_message_close_container(message) : r;
}

int fleet_program_property_append(sd_bus_message *message, const char *name, const char *value)
{
    const Property *property = find(name);

    g_assert(property != NULL);
    const char *bus_name = property->bus_name != NULL ? property->bus_name : name;
    guint64 number;

    if (property->kind == KIND_STRING || property->kind == KIND_PATH)
        return sd_bus_message_append(message, "(sv)", bus_name, "s", value);
    if (property->kind == KIND_WORDS || property->kind == KIND_PATHS)
        return append_words(message, bus_name, value);
    if (!read_value(property->kind, value, &number))
        return -EINVAL;
    if (property->kind == KIND_BOOLEAN)
        return sd_bus_message_append(message, "(sv)", bus_name, "b", (int)number);
    if (property->kind == KIND_NICE || property->kind == KIND_OOM)
        return sd_bus_message_append(message, "(sv)", bus_name, "i", (gint32)number);
    if (property->kind == KIND_MODE)
        return sd_bus_message_append(message, "(sv)", bus_name, "u", (guint32)number);
    return sd_bus_message_append(message, "(sv)", bus_name, "t", number);
}
