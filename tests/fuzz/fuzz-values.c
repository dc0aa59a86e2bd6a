/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Values that people write: time spans, moments, enumerations; and text that comes onto their terminal.
 */

#include "base/enum.h"
#include "base/timespan.h"
#include "cli/text.h"
#include "cli/when.h"
#include "core/engine.h"
#include "fuzz.h"
#include "model/status.h"

#include <string.h>

#define NOW G_GINT64_CONSTANT(1700000000000000)
#define SPAN_END (G_GINT64_CONSTANT(1) << 61)

static void check_span(const char *text)
{
    g_autoptr(GError) error = NULL;
    gint64 span = -1, back = -1;
    gboolean is_span = fleet_timespan_parse(text, &span, &error);

    fleet_fuzz_check_error(is_span, &error);
    if (!is_span)
        return;
    g_assert_cmpint(span, >=, 0);
    g_assert_cmpint(span, <, SPAN_END);
    /* What is written for people leaves out the small end. */
    g_autofree char *written = fleet_timespan_format(span);
    g_assert_true(fleet_timespan_parse(written, &back, &error));
    g_assert_cmpint(back, <=, span);
    g_autofree char *again = fleet_timespan_format(back);
    g_assert_cmpstr(again, ==, written);
}

static void check_when(const char *text)
{
    g_autoptr(GError) error = NULL;
    gint64 when = -1;
    gboolean is_when = fleet_when_parse(text, NOW, &when, &error);

    fleet_fuzz_check_error(is_when, &error);
    if (is_when) {
        g_autofree char *shown = fleet_text_time(when);
        g_autofree char *clock = fleet_text_clock(when);
        g_assert_cmpint(when, >=, 0);
        g_assert_nonnull(shown);
        g_assert_nonnull(clock);
    }
}

static void check_enum(const FleetEnumTable *table, const char *text)
{
    g_autoptr(GError) error = NULL;
    guint value;
    gboolean is_known = fleet_enum_from_string(table, text, &value, &error);

    fleet_fuzz_check_error(is_known, &error);
    if (is_known)
        g_assert_cmpstr(fleet_enum_to_string(table, value), ==, text);
}

static void check_text(const char *text, guint width)
{
    g_autofree char *clean = fleet_text_clean(text);
    g_autofree char *cut = fleet_text_ellipsize(clean, width, "...");
    g_autoptr(GString) padded = g_string_new(NULL);

    g_assert_true(g_utf8_validate(clean, -1, NULL));
    for (const char *p = clean; *p != '\0'; p = g_utf8_next_char(p))
        g_assert_false(fleet_text_is_unsafe(g_utf8_get_char(p)));
    g_assert_true(g_utf8_validate(cut, -1, NULL));
    g_assert_cmpuint(fleet_text_width(cut), <=, width);
    fleet_text_append_padded(padded, cut, width);
    g_assert_cmpuint(fleet_text_width(padded->str), ==, width);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = fleet_fuzz_string(data, size);

    check_span(text);
    check_when(text);
    check_enum(&fleet_device_statuses, text);
    check_enum(&fleet_action_statuses, text);
    check_enum(&fleet_results, text);
    check_enum(&fleet_if_busy_table, text);
    check_text(text, (guint)(size % 40));
    return 0;
}
