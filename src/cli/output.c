/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/output.h"

#include "cli/colour.h"
#include "cli/exit.h"
#include "cli/json.h"
#include "cli/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80

static gboolean obeys_escapes(int fd)
{
    const char *term = g_getenv("TERM");

    return isatty(fd) && term != NULL && *term != '\0' && !g_str_equal(term, "dumb");
}

void fleet_output_init(FleetOutput *output, const FleetCliOptions *options)
{
    const char *no_color = g_getenv("NO_COLOR");
    gboolean colour = no_color == NULL || *no_color == '\0';

    *output = (FleetOutput){
            .file = stdout,
            .error_file = stderr,
            .terminal = obeys_escapes(STDOUT_FILENO),
            .colour = colour && obeys_escapes(STDOUT_FILENO),
            .error_colour = colour && obeys_escapes(STDERR_FILENO),
            .utf8 = g_get_charset(NULL),
            .quiet = options->quiet,
            .legend = options->legend,
            .json = options->json,
    };
}

guint fleet_output_width(const FleetOutput *output)
{
    const char *columns = g_getenv("COLUMNS");
    struct winsize size;
    guint64 width;

    if (!output->terminal && !isatty(fileno(output->file)))
        return 0;
    if (columns != NULL && g_ascii_string_to_unsigned(columns, 10, 1, G_MAXUINT16, &width, NULL))
        return (guint)width;
    if (ioctl(fileno(output->file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return WIDTH_DEFAULT;
}

const char *fleet_output_ellipsis(const FleetOutput *output)
{
    return output->utf8 ? "…" : "...";
}

/* One cleaned line; colour may be NULL. */
static void print_line(FILE *file, const char *colour, const char *prefix, const char *text)
{
    g_autofree char *clean = fleet_text_clean(text);

    fprintf(file, "%s%s%s%s\n", colour != NULL ? colour : "", prefix, clean, colour != NULL ? FLEET_COLOUR_RESET : "");
}

#define FORMATTED(text, format)                                                                                        \
    g_autofree char *text = NULL;                                                                                      \
    G_STMT_START                                                                                                       \
    {                                                                                                                  \
        va_list arguments;                                                                                             \
        va_start(arguments, format);                                                                                   \
        text = g_strdup_vprintf(format, arguments);                                                                    \
        va_end(arguments);                                                                                             \
    }                                                                                                                  \
    G_STMT_END

void fleet_output_line(FleetOutput *output, const char *format, ...)
{
    FORMATTED(text, format);
    print_line(output->file, NULL, "", text);
}

void fleet_output_text(FleetOutput *output, const char *text)
{
    fputs(text, output->file);
}

void fleet_output_success(FleetOutput *output, const char *format, ...)
{
    FORMATTED(text, format);
    if (output->quiet || output->json != FLEET_JSON_OFF)
        return;
    print_line(output->file, output->colour ? FLEET_COLOUR_GREEN : NULL, output->utf8 ? "✓ " : "ok: ", text);
}

void fleet_output_failure(FleetOutput *output, const char *format, ...)
{
    FORMATTED(text, format);
    print_line(output->file, output->colour ? FLEET_COLOUR_RED : NULL, output->utf8 ? "✗ " : "error: ", text);
}

void fleet_output_error(FleetOutput *output, const char *format, ...)
{
    FORMATTED(text, format);
    /* Whoever sees both in one place sees them in their order. */
    fflush(output->file);
    print_line(
            output->error_file, output->error_colour ? FLEET_COLOUR_RED : NULL, output->utf8 ? "✗ " : "error: ", text);
}

void fleet_output_note(FleetOutput *output, const char *format, ...)
{
    FORMATTED(text, format);
    fflush(output->file);
    print_line(output->error_file, NULL, "", text);
}

static void print_field(FleetOutput *output, const char *label, const char *value, const char *colour)
{
    g_autofree char *title = g_strconcat(label, ":", NULL);
    g_autofree char *clean = fleet_text_clean(*value != '\0' ? value : "-");

    if (output->colour && colour != NULL)
        fprintf(output->file, "  %-14s %s%s%s\n", title, colour, clean, FLEET_COLOUR_RESET);
    else
        fprintf(output->file, "  %-14s %s\n", title, clean);
}

void fleet_output_field(FleetOutput *output, const char *label, const char *value)
{
    print_field(output, label, value, NULL);
}

void fleet_output_status_field(FleetOutput *output, const char *label, const char *status)
{
    print_field(output, label, status, fleet_colour_of_status(status));
}

void fleet_output_json(FleetOutput *output, JsonNode *node)
{
    g_autofree char *text = fleet_json_to_text(node, output->json == FLEET_JSON_PRETTY);

    json_node_unref(node);
    fprintf(output->file, "%s\n", text);
}

gboolean fleet_output_flush(FleetOutput *output, GError **error)
{
    errno = 0;
    if (fflush(output->file) == 0 && !ferror(output->file))
        return TRUE;
    if (errno == EPIPE)
        fleet_output_set_closed(error);
    else
        g_set_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_FAILED, "cannot write the output: %s",
                errno != 0 ? g_strerror(errno) : "an earlier write failed");
    return FALSE;
}

void fleet_output_set_closed(GError **error)
{
    g_set_error_literal(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_FAILED, "");
}
