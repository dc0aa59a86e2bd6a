/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/program/output.h"

#include "model/records.h"

#include <string.h>

#define STATUS_MAX 1024 /* bytes */
#define PHASE_MAX 64    /* bytes */

typedef struct {
    char bytes[FLEET_PROGRAM_LINE_MAX];
    gsize length;
    gboolean cut; /* what is in it goes on a line of which a piece was taken already */
} Line;

struct FleetProgramOutput {
    const FleetProgramOutputFuncs *funcs;
    gpointer user_data;
    Line lines[FLEET_PROGRAM_STREAMS];
    GString *tail;
    char *status;
    char *phase;
    guint phases;
    double progress;     /* not reported yet; negative = none */
    gboolean new_status; /* not reported yet */
    gboolean same_phase; /* it was said again, which is a sign of life; not reported yet */
};

FleetProgramOutput *fleet_program_output_new(const FleetProgramOutputFuncs *funcs, gpointer user_data)
{
    FleetProgramOutput *output = g_new0(FleetProgramOutput, 1);

    output->funcs = funcs;
    output->user_data = user_data;
    output->tail = g_string_new(NULL);
    output->status = g_strdup("");
    output->phase = g_strdup("");
    output->progress = -1;
    return output;
}

void fleet_program_output_free(FleetProgramOutput *output)
{
    g_string_free(output->tail, TRUE);
    g_free(output->status);
    g_free(output->phase);
    g_free(output);
}

static gboolean is_shown(gunichar c)
{
    return c == '\t' || !g_unichar_iscntrl(c);
}

/* A copy that can be shown anywhere: bytes that are no UTF-8, and control characters but the tabulator, become U+FFFD.
 */
static char *clean(const char *bytes, gsize length)
{
    g_autofree char *valid = g_utf8_make_valid(bytes, (gssize)length);
    gboolean dirty = FALSE;

    for (const char *p = valid; *p != '\0' && !dirty; p = g_utf8_next_char(p))
        dirty = !is_shown(g_utf8_get_char(p));
    if (!dirty)
        return g_steal_pointer(&valid);

    g_autoptr(GString) text = g_string_new(NULL);
    for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        g_string_append_unichar(text, is_shown(c) ? c : 0xfffd);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* Where a text may be cut so that at most max bytes of its end are left and no character is torn. */
static gsize cut_front(const char *text, gsize length, gsize max)
{
    gsize from = length > max ? length - max : 0;

    while (((guchar)text[from] & 0xc0) == 0x80)
        from++;
    return from;
}

static void take_log(FleetProgramOutput *output, const char *bytes, gsize length)
{
    g_autofree char *line = clean(bytes, length);

    g_string_append(output->tail, line);
    g_string_append_c(output->tail, '\n');
    /* Twice the size, so that the front is not moved at each line. */
    if (output->tail->len > 4 * FLEET_OUTPUT_MAX)
        g_string_erase(output->tail, 0, (gssize)cut_front(output->tail->str, output->tail->len, FLEET_OUTPUT_MAX));
    output->funcs->log(line, output->user_data);
}

static gboolean take_progress(FleetProgramOutput *output, const char *value)
{
    char *end;
    double progress = g_ascii_strtod(value, &end);

    /* Only digits and a point: strtod alone would take "nan" and hexadecimal. */
    if (*value == '\0' || *end != '\0' || value[strspn(value, "0123456789.")] != '\0' || progress > 1)
        return FALSE;
    output->progress = progress;
    return TRUE;
}

static gboolean take_phase(FleetProgramOutput *output, const char *phase)
{
    if (!g_ascii_islower(phase[0]) || strlen(phase) > PHASE_MAX ||
            phase[strspn(phase, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0')
        return FALSE;
    output->same_phase = g_str_equal(phase, output->phase);
    if (output->same_phase)
        return TRUE;
    if (output->phases == FLEET_PROGRAM_PHASES_MAX)
        return FALSE;
    output->phases++;
    g_free(output->phase);
    output->phase = g_strdup(phase);
    output->funcs->phase(phase, output->user_data);
    return TRUE;
}

static gboolean take_status(FleetProgramOutput *output, const char *value)
{
    g_autofree char *status = clean(value, MIN(strlen(value), STATUS_MAX));

    output->new_status = TRUE;
    g_free(output->status);
    output->status = g_steal_pointer(&status);
    return TRUE;
}

/* FALSE if it is no line of the protocol. */
static gboolean take_protocol(FleetProgramOutput *output, const char *bytes, gsize length)
{
    /* Most lines are log; they end here. */
    if (length == 0 || strchr("PS", bytes[0]) == NULL || memchr(bytes, '\0', length) != NULL)
        return FALSE;

    g_autofree char *line = g_strndup(bytes, length);
    if (g_str_has_prefix(line, "PROGRESS "))
        return take_progress(output, line + strlen("PROGRESS "));
    if (g_str_has_prefix(line, "PHASE "))
        return take_phase(output, line + strlen("PHASE "));
    if (g_str_has_prefix(line, "STATUS "))
        return take_status(output, line + strlen("STATUS "));
    if (!g_str_equal(line, "POINT-OF-NO-RETURN"))
        return FALSE;
    output->funcs->point_of_no_return(output->user_data);
    return TRUE;
}

static void take_line(
        FleetProgramOutput *output, FleetProgramStream stream, const char *bytes, gsize length, gboolean whole)
{
    if (length > 0 && bytes[length - 1] == '\r')
        length--;
    if (whole && stream == FLEET_PROGRAM_STDOUT && take_protocol(output, bytes, length))
        return;
    take_log(output, bytes, length);
}

static void report(FleetProgramOutput *output)
{
    if (output->progress >= 0)
        output->funcs->progress(output->progress, output->user_data);
    output->progress = -1;
    if (output->new_status)
        output->funcs->status(output->status, output->user_data);
    output->new_status = FALSE;
    if (output->same_phase)
        output->funcs->phase(output->phase, output->user_data);
    output->same_phase = FALSE;
}

/* As much as fits of a line that is longer is one piece; its rest is a line by itself, but never protocol. */
static void add_to_line(FleetProgramOutput *output, FleetProgramStream stream, const char *bytes, gsize length)
{
    Line *line = &output->lines[stream];

    while (length > 0) {
        gsize n = MIN(length, sizeof(line->bytes) - line->length);

        memcpy(line->bytes + line->length, bytes, n);
        line->length += n;
        bytes += n;
        length -= n;
        if (length > 0) {
            take_line(output, stream, line->bytes, line->length, FALSE);
            line->length = 0;
            line->cut = TRUE;
        }
    }
}

static void end_line(FleetProgramOutput *output, FleetProgramStream stream)
{
    Line *line = &output->lines[stream];

    take_line(output, stream, line->bytes, line->length, !line->cut);
    line->length = 0;
    line->cut = FALSE;
}

void fleet_program_output_feed(FleetProgramOutput *output, FleetProgramStream stream, const char *bytes, gsize length)
{
    while (length > 0) {
        const char *end = memchr(bytes, '\n', length);
        gsize n = end != NULL ? (gsize)(end - bytes) : length;

        add_to_line(output, stream, bytes, n);
        if (end == NULL)
            break;
        end_line(output, stream);
        bytes += n + 1;
        length -= n + 1;
    }
    report(output);
}

void fleet_program_output_finish(FleetProgramOutput *output)
{
    for (guint stream = 0; stream < FLEET_PROGRAM_STREAMS; stream++)
        if (output->lines[stream].length > 0)
            end_line(output, stream);
    report(output);
}

const char *fleet_program_output_status(const FleetProgramOutput *output)
{
    return output->status;
}

char *fleet_program_output_tail(const FleetProgramOutput *output)
{
    const char *tail = output->tail->str;
    gsize from = cut_front(tail, output->tail->len, FLEET_OUTPUT_MAX);
    const char *line = from > 0 ? strchr(tail + from, '\n') : NULL;

    if (line != NULL && line[1] != '\0')
        return g_strdup(line + 1);
    return g_strdup(tail + from);
}

void fleet_program_output_restore(FleetProgramOutput *output, const char *tail)
{
    g_autofree char *valid = g_utf8_make_valid(tail, -1);

    g_string_prepend(output->tail, valid);
}
