/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/thin_edge/json.h"

#include "base/error.h"

#include <string.h>

#define BLANKS " \t\n\r"
#define DIGITS "0123456789"

/* Where a text has been looked through up to. */
typedef struct {
    const char *p, *end;
    const char *fault; /* NULL as long as there is none */
} Scan;

static gboolean fail(Scan *scan, const char *fault)
{
    scan->fault = fault;
    return FALSE;
}

static gboolean is_in(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static void skip(Scan *scan, const char *set)
{
    while (scan->p < scan->end && is_in(*scan->p, set))
        scan->p++;
}

static char peek(const Scan *scan)
{
    if (scan->p >= scan->end)
        return '\0';
    return *scan->p;
}

static gboolean skip_word(Scan *scan, const char *word)
{
    gsize length = strlen(word);

    if ((gsize)(scan->end - scan->p) < length || memcmp(scan->p, word, length) != 0)
        return fail(scan, "what is no value stands there");
    scan->p += length;
    return TRUE;
}

static gboolean skip_digits(Scan *scan)
{
    const char *begin = scan->p;

    skip(scan, DIGITS);
    return scan->p > begin || fail(scan, "a digit is missing");
}

static gboolean skip_number(Scan *scan)
{
    if (peek(scan) == '-')
        scan->p++;
    if (peek(scan) == '0')
        scan->p++;
    else if (!skip_digits(scan))
        return FALSE;
    if (peek(scan) == '.') {
        scan->p++;
        if (!skip_digits(scan))
            return FALSE;
    }
    if (peek(scan) == 'e' || peek(scan) == 'E') {
        scan->p++;
        if (peek(scan) == '+' || peek(scan) == '-')
            scan->p++;
        return skip_digits(scan);
    }
    return TRUE;
}

/* The four digits after \u; G_MAXUINT if they are not there. */
static guint read_unit(const char *p, const char *end)
{
    guint unit = 0;

    if (end - p < 4)
        return G_MAXUINT;
    for (guint i = 0; i < 4; i++) {
        int digit = g_ascii_xdigit_value(p[i]);

        if (digit < 0)
            return G_MAXUINT;
        unit = unit * 16 + (guint)digit;
    }
    return unit;
}

/* The character of an escape, whose backslash p is past; moves p past it. 0 if it is none. */
static gunichar read_escape(const char **p, const char *end)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *letter;
    guint first, second;

    if (*p == end)
        return 0;
    char c = *(*p)++;
    if (c != 'u')
        return is_in(c, letters) && (letter = strchr(letters, c)) != NULL ? (gunichar)meanings[letter - letters] : 0;
    first = read_unit(*p, end);
    if (first == G_MAXUINT)
        return 0;
    *p += 4;
    if (first < 0xd800 || first > 0xdfff)
        return first;
    if (first > 0xdbff || end - *p < 2 || (*p)[0] != '\\' || (*p)[1] != 'u')
        return 0;
    second = read_unit(*p + 2, end);
    if (second < 0xdc00 || second > 0xdfff)
        return 0;
    *p += 6;
    return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

static gboolean skip_string(Scan *scan)
{
    for (scan->p++; scan->p < scan->end;) {
        guchar c = (guchar)*scan->p++;

        if (c == '"')
            return TRUE;
        if (c < ' ')
            return fail(scan, "a string has a control character");
        if (c == '\\' && read_escape(&scan->p, scan->end) == 0)
            return fail(scan, "a string has a bad escape");
    }
    return fail(scan, "a string has no end");
}

/* A value that holds no others. */
static gboolean skip_scalar(Scan *scan)
{
    switch (peek(scan)) {
    case '"':
        return skip_string(scan);
    case 't':
        return skip_word(scan, "true");
    case 'f':
        return skip_word(scan, "false");
    case 'n':
        return skip_word(scan, "null");
    default:
        return skip_number(scan);
    }
}

static gboolean skip_key(Scan *scan)
{
    skip(scan, BLANKS);
    if (peek(scan) != '"')
        return fail(scan, "a key is missing");
    if (!skip_string(scan))
        return FALSE;
    skip(scan, BLANKS);
    if (peek(scan) != ':')
        return fail(scan, "a colon is missing");
    scan->p++;
    skip(scan, BLANKS);
    return TRUE;
}

/* What is open around the place that is looked at: '}' or ']' for each. */
typedef struct {
    char closers[FLEET_THIN_EDGE_JSON_DEPTH];
    guint depth;
} Nest;

/* Goes into an array or object. Sets *is_empty, and is out of it again, if nothing is in there. */
static gboolean enter(Scan *scan, Nest *nest, gboolean *is_empty)
{
    char closer = *scan->p == '{' ? '}' : ']';

    if (nest->depth == FLEET_THIN_EDGE_JSON_DEPTH)
        return fail(scan, "it is too deep");
    scan->p++;
    skip(scan, BLANKS);
    *is_empty = peek(scan) == closer;
    if (*is_empty) {
        scan->p++;
        return TRUE;
    }
    nest->closers[nest->depth++] = closer;
    return closer == ']' || skip_key(scan);
}

/* After a value: out of all that ends here, up to where the next value begins. Leaves the nest empty at the end. */
static gboolean leave(Scan *scan, Nest *nest)
{
    while (nest->depth > 0) {
        char closer = nest->closers[nest->depth - 1];

        skip(scan, BLANKS);
        if (peek(scan) == ',') {
            scan->p++;
            skip(scan, BLANKS);
            return closer == ']' || skip_key(scan);
        }
        if (peek(scan) != closer)
            return fail(scan, "a comma or a closing bracket is missing");
        scan->p++;
        nest->depth--;
    }
    return TRUE;
}

static gboolean skip_value(Scan *scan)
{
    Nest nest = {.depth = 0};

    do {
        gboolean is_whole = TRUE;

        if (peek(scan) == '{' || peek(scan) == '[') {
            if (!enter(scan, &nest, &is_whole))
                return FALSE;
        } else if (!skip_scalar(scan)) {
            return FALSE;
        }
        if (!is_whole)
            continue;
        if (!leave(scan, &nest))
            return FALSE;
    } while (nest.depth > 0);
    return TRUE;
}

gboolean fleet_thin_edge_json_parse(const char *text, gsize length, FleetThinEdgeJson *value, GError **error)
{
    Scan scan = {.p = text, .end = text + length};

    if (!g_utf8_validate_len(text, length, &scan.p))
        (void)fail(&scan, "it is not UTF-8");
    else
        scan.p = text;
    if (scan.fault == NULL) {
        skip(&scan, BLANKS);
        value->text = scan.p;
        if (skip_value(&scan)) {
            value->length = (gsize)(scan.p - value->text);
            skip(&scan, BLANKS);
            if (scan.p < scan.end)
                (void)fail(&scan, "something stands behind its end");
        }
    }
    if (scan.fault == NULL)
        return TRUE;
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "it is no JSON: at byte %zu, %s",
            (gsize)(scan.p - text), scan.fault);
    return FALSE;
}

FleetThinEdgeJsonKind fleet_thin_edge_json_kind(FleetThinEdgeJson value)
{
    switch (*value.text) {
    case '{':
        return FLEET_THIN_EDGE_JSON_OBJECT;
    case '[':
        return FLEET_THIN_EDGE_JSON_ARRAY;
    case '"':
        return FLEET_THIN_EDGE_JSON_STRING;
    case 't':
        return FLEET_THIN_EDGE_JSON_TRUE;
    case 'f':
        return FLEET_THIN_EDGE_JSON_FALSE;
    case 'n':
        return FLEET_THIN_EDGE_JSON_NULL;
    default:
        return FLEET_THIN_EDGE_JSON_NUMBER;
    }
}

/* Nothing can be wrong any more with what was parsed. */
static FleetThinEdgeJson take(Scan *scan, gboolean (*skip_it)(Scan *scan))
{
    FleetThinEdgeJson value = {.text = scan->p};

    skip(scan, BLANKS);
    value.text = scan->p;
    if (!skip_it(scan))
        g_assert_not_reached();
    value.length = (gsize)(scan->p - value.text);
    return value;
}

gboolean fleet_thin_edge_json_next(FleetThinEdgeJsonIter *iter, FleetThinEdgeJson *key, FleetThinEdgeJson *value)
{
    Scan scan = {.p = iter->rest.text, .end = iter->rest.text + iter->rest.length};
    char closer = scan.end[-1];

    g_assert(closer == '}' || closer == ']');
    scan.p++; /* the bracket that it begins with, or the comma behind the last value */
    skip(&scan, BLANKS);
    if (scan.p >= scan.end || *scan.p == closer)
        return FALSE;
    if (closer == '}') {
        FleetThinEdgeJson found = take(&scan, skip_string);

        if (key != NULL)
            *key = found;
        skip(&scan, BLANKS ":");
    }
    *value = take(&scan, skip_value);
    skip(&scan, BLANKS);
    iter->rest = (FleetThinEdgeJson){.text = scan.p, .length = (gsize)(scan.end - scan.p)};
    return TRUE;
}

char *fleet_thin_edge_json_string(FleetThinEdgeJson string)
{
    const char *p = string.text + 1, *end = string.text + string.length - 1;
    GString *text = g_string_sized_new(string.length);

    g_assert(*string.text == '"');
    while (p < end) {
        if (*p == '\\') {
            p++;
            g_string_append_unichar(text, read_escape(&p, end));
        } else {
            g_string_append_c(text, *p++);
        }
    }
    return g_string_free(text, FALSE);
}

gboolean fleet_thin_edge_json_equals(FleetThinEdgeJson string, const char *text)
{
    gsize length = strlen(text);

    if (*string.text != '"')
        return FALSE;
    if (memchr(string.text, '\\', string.length) == NULL)
        return string.length == length + 2 && memcmp(string.text + 1, text, length) == 0;
    g_autofree char *decoded = fleet_thin_edge_json_string(string);
    return g_str_equal(decoded, text);
}

double fleet_thin_edge_json_number(FleetThinEdgeJson number)
{
    g_autofree char *text = g_strndup(number.text, number.length);

    return g_ascii_strtod(text, NULL);
}

void fleet_thin_edge_json_append_string(GString *json, const char *text)
{
    g_string_append_c(json, '"');
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_c(json, '\\');
        if ((guchar)*p < ' ' || *p == 0x7f)
            g_string_append_printf(json, "\\u%04x", (guint)(guchar)*p);
        else
            g_string_append_c(json, *p);
    }
    g_string_append_c(json, '"');
}
