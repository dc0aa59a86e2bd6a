/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the driver "command" reads: the output of a program, in pieces of any length; the small files that the place of
 * an attempt holds; command lines.
 */

#include "drivers/command/place.h"
#include "drivers/program/words.h"
#include "fuzz.h"
#include "model/records.h"

#include <string.h>

/* What a program has said. */
typedef struct {
    guint phases;
} Heard;

static void check_text(const char *text)
{
    g_assert_true(g_utf8_validate(text, -1, NULL));
    g_assert_cmpuint(strlen(text), <=, 4 * FLEET_PROGRAM_LINE_MAX); /* a byte that is replaced takes up to four */
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
        g_assert_true(*p == '\t' || !g_unichar_iscntrl(g_utf8_get_char(p)));
}

static void heard_progress(double progress, gpointer user_data)
{
    g_assert_true(progress >= 0 && progress <= 1);
}

static void heard_phase(const char *phase, gpointer user_data)
{
    Heard *heard = user_data;

    check_text(phase);
    g_assert_cmpuint(++heard->phases, <=, FLEET_PROGRAM_PHASES_MAX);
}

static void heard_text(const char *text, gpointer user_data)
{
    check_text(text);
}

static void heard_point_of_no_return(gpointer user_data)
{
}

static const FleetProgramOutputFuncs funcs = {.progress = heard_progress,
        .phase = heard_phase,
        .status = heard_text,
        .point_of_no_return = heard_point_of_no_return,
        .log = heard_text};

/* Each byte of the head says where a piece ends, and which stream it is of. */
static void check_output(const guint8 *head, gsize pieces, const char *bytes, gsize size)
{
    Heard heard = {0};
    g_autoptr(FleetProgramOutput) output = fleet_program_output_new(&funcs, &heard);

    for (gsize i = 0; i < pieces && size > 0; i++) {
        gsize length = MIN((gsize)(head[i] >> 1) + 1, size);
        fleet_program_output_feed(output, (FleetProgramStream)(head[i] & 1), bytes, length);
        bytes += length;
        size -= length;
    }
    fleet_program_output_feed(output, FLEET_PROGRAM_STDOUT, bytes, size);
    fleet_program_output_finish(output);
    check_text(fleet_program_output_status(output));
    g_autofree char *tail = fleet_program_output_tail(output);
    g_assert_true(g_utf8_validate(tail, -1, NULL));
    g_assert_cmpuint(strlen(tail), <=, FLEET_OUTPUT_MAX);

    g_autoptr(FleetProgramOutput) restarted = fleet_program_output_new(&funcs, &heard);
    fleet_program_output_restore(restarted, tail);
    g_autofree char *again = fleet_program_output_tail(restarted);
    g_assert_cmpuint(strlen(again), <=, FLEET_OUTPUT_MAX);
}

static void check_result(const FleetProgramResult *result)
{
    g_autofree char *line = fleet_program_result_format(result);
    g_autofree char *said = fleet_program_result_describe(result);
    FleetProgramResult back = {0};

    g_assert_cmpuint(strlen(line), ==, FLEET_PROGRAM_RESULT_SIZE);
    g_assert_true(fleet_program_result_parse(line, &back));
    g_assert_cmpint(back.end, ==, result->end);
    g_assert_cmpint(back.number, ==, result->number);
    g_assert_cmpint(back.stopped, ==, result->stopped);
    g_assert_cmpint(back.cause, ==, result->cause);
    g_assert_cmpuint(fleet_program_result_outcome(result), <, FLEET_OUTCOME_LAST_);
    check_text(said);
}

static void check_words(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) words = fleet_program_split_words(text, &error);

    g_assert_true(words == NULL || words[0] != NULL);
    fleet_fuzz_check_error(words != NULL, &error);
}

/* An attempt's place whose files somebody has written over. */
static void check_place(const char *text)
{
    static const FleetAttemptId id = {.sequence = 1, .number = 1};
    static char *directory;
    static FleetCommandPlace *kept; /* holds the pipes open, as a keeper does */
    g_autoptr(GError) error = NULL;
    FleetProgramResult result;

    if (directory == NULL) {
        const FleetCommandPlaceInfo info = {.token = (char *)"token", .action_id = (char *)"", .device_id = (char *)""};
        directory = fleet_fuzz_directory_new();
        kept = fleet_command_place_create(directory, id, &info, &error);
        g_assert_no_error(error);
    }
    g_assert_true(fleet_command_place_write(kept, "attempt", text));
    g_assert_true(fleet_command_place_write(kept, "result", text));
    g_autoptr(FleetCommandPlace) place = fleet_command_place_open(directory, id, &error);
    fleet_fuzz_check_error(place != NULL, &error);
    if (place != NULL) {
        g_assert_nonnull(place->info.token);
        g_assert_cmpuint(place->info.backend, <, FLEET_COMMAND_BACKENDS);
    }
    if (fleet_command_place_read_result(kept, &result))
        check_result(&result);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = fleet_fuzz_string(data, size);
    gsize head = MIN(size, size > 0 ? data[0] % 16 : 0);

    check_output(data, head, (const char *)data + head, size - head);
    check_words(text);
    check_place(text);
    return 0;
}
