/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/output.h"

#include "cli/exit.h"
#include "lib/main.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* Output into memory. */
typedef struct {
    FleetOutput output;
    char *text;
    char *errors;
    size_t size;
    size_t errors_size;
} Memory;

static void memory_open(Memory *memory)
{
    *memory = (Memory){0};
    memory->output.file = open_memstream(&memory->text, &memory->size);
    memory->output.error_file = open_memstream(&memory->errors, &memory->errors_size);
    memory->output.utf8 = memory->output.legend = TRUE;
}

static void assert_memory(Memory *memory, const char *text, const char *errors)
{
    ck_assert_int_eq(fclose(memory->output.file), 0);
    ck_assert_int_eq(fclose(memory->output.error_file), 0);
    ck_assert_str_eq(memory->text, text);
    ck_assert_str_eq(memory->errors, errors);
    free(memory->text);
    free(memory->errors);
}

static void print_all(FleetOutput *output)
{
    fleet_output_success(output, "Device '%s' updated", "r");
    fleet_output_failure(output, "Action failed: %s", "no");
    fleet_output_error(output, "cannot");
    fleet_output_note(output, "note");
    fleet_output_status_field(output, "Status", "ERROR");
}

START_TEST(marks)
{
    Memory memory;

    memory_open(&memory);
    print_all(&memory.output);
    assert_memory(&memory, "✓ Device 'r' updated\n✗ Action failed: no\n  Status:        ERROR\n", "✗ cannot\nnote\n");
}
END_TEST

START_TEST(marks_without_utf8)
{
    Memory memory;

    memory_open(&memory);
    memory.output.utf8 = FALSE;
    print_all(&memory.output);
    assert_memory(&memory, "ok: Device 'r' updated\nerror: Action failed: no\n  Status:        ERROR\n",
            "error: cannot\nnote\n");
    ck_assert_str_eq(fleet_output_ellipsis(&memory.output), "...");
}
END_TEST

START_TEST(colours)
{
    Memory memory;

    memory_open(&memory);
    memory.output.colour = memory.output.error_colour = TRUE;
    print_all(&memory.output);
    assert_memory(&memory,
            "\033[32m✓ Device 'r' updated\033[0m\n\033[31m✗ Action failed: no\033[0m\n"
            "  Status:        \033[31mERROR\033[0m\n",
            "\033[31m✗ cannot\033[0m\nnote\n");
}
END_TEST

START_TEST(success_is_silent_when_quiet_or_json)
{
    Memory quiet, json;

    memory_open(&quiet);
    quiet.output.quiet = TRUE;
    fleet_output_success(&quiet.output, "done");
    assert_memory(&quiet, "", "");
    memory_open(&json);
    json.output.json = FLEET_JSON_SHORT;
    fleet_output_success(&json.output, "done");
    assert_memory(&json, "", "");
}
END_TEST

START_TEST(lines_are_cleaned)
{
    Memory memory;

    memory_open(&memory);
    fleet_output_line(&memory.output, "%s", "a\033]0;title\a\nb");
    fleet_output_error(&memory.output, "%s", "bad\r\nthing");
    assert_memory(&memory, "a\\x1b]0;title\\x07\\x0ab\n", "✗ bad\\x0d\\x0athing\n");
}
END_TEST

START_TEST(nothing_is_cut_or_coloured_without_a_terminal)
{
    g_autoptr(FleetCliOptions) options = fleet_cli_options_new();
    FleetOutput output;
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

    ck_assert_int_ge(dup2(fd, STDOUT_FILENO), 0);
    setenv("COLUMNS", "20", 1);
    setenv("TERM", "xterm", 1);
    fleet_output_init(&output, options);
    ck_assert(!output.colour && !output.terminal);
    ck_assert_uint_eq(fleet_output_width(&output), 0);
    close(fd);
}
END_TEST

/* A pseudo terminal as stdout. */
static void use_terminal(void)
{
    int main_fd = posix_openpt(O_RDWR | O_NOCTTY);

    ck_assert_int_ge(main_fd, 0);
    ck_assert_int_eq(grantpt(main_fd), 0);
    ck_assert_int_eq(unlockpt(main_fd), 0);
    int fd = open(ptsname(main_fd), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_ge(dup2(fd, STDOUT_FILENO), 0);
    close(fd);
}

static FleetOutput output_with(const char *term, const char *no_color)
{
    g_autoptr(FleetCliOptions) options = fleet_cli_options_new();
    FleetOutput output;

    setenv("TERM", term, 1);
    if (no_color != NULL)
        setenv("NO_COLOR", no_color, 1);
    else
        unsetenv("NO_COLOR");
    fleet_output_init(&output, options);
    return output;
}

START_TEST(terminals_get_colour_unless_told_not_to)
{
    /* TAP goes where stdout was. */
    int saved = dup(STDOUT_FILENO);

    use_terminal();
    gboolean plain = output_with("xterm", NULL).colour;
    gboolean empty = output_with("xterm", "").colour;
    FleetOutput told = output_with("xterm", "1");
    FleetOutput dumb = output_with("dumb", NULL);
    ck_assert_int_ge(dup2(saved, STDOUT_FILENO), 0);

    ck_assert(plain && empty);
    ck_assert(!told.colour && told.terminal);
    ck_assert(!dumb.colour && !dumb.terminal);
}
END_TEST

START_TEST(columns_come_first)
{
    int saved = dup(STDOUT_FILENO);
    guint set, unset, wrong;

    use_terminal();
    FleetOutput output = output_with("xterm", NULL);
    setenv("COLUMNS", "47", 1);
    set = fleet_output_width(&output);
    setenv("COLUMNS", "many", 1);
    wrong = fleet_output_width(&output);
    unsetenv("COLUMNS");
    unset = fleet_output_width(&output);
    ck_assert_int_ge(dup2(saved, STDOUT_FILENO), 0);

    ck_assert_uint_eq(set, 47);
    /* The pseudo terminal says nothing of its size. */
    ck_assert_uint_eq(wrong, 80);
    ck_assert_uint_eq(unset, 80);
}
END_TEST

START_TEST(full_disk_is_reported)
{
    FleetOutput output = {.file = fopen("/dev/full", "w")};
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_nonnull(output.file);
    fleet_output_line(&output, "lost");
    ck_assert(!fleet_output_flush(&output, &error));
    fleet_test_assert_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_FAILED);
    fleet_test_assert_contains(error->message, "No space left");
    fclose(output.file);
}
END_TEST

START_TEST(missing_reader_is_silent)
{
    g_autoptr(GError) error = NULL;
    int fds[2];

    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    close(fds[0]);
    FleetOutput output = {.file = fdopen(fds[1], "w")};
    fleet_output_line(&output, "lost");
    ck_assert(!fleet_output_flush(&output, &error));
    fleet_test_assert_error(error, FLEET_CLI_ERROR, FLEET_CLI_EXIT_FAILED);
    ck_assert_str_eq(error->message, "");
    fclose(output.file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli-output");
    TCase *tcase = fleet_test_case(suite, "output");

    tcase_add_test(tcase, marks);
    tcase_add_test(tcase, marks_without_utf8);
    tcase_add_test(tcase, colours);
    tcase_add_test(tcase, success_is_silent_when_quiet_or_json);
    tcase_add_test(tcase, lines_are_cleaned);
    tcase_add_test(tcase, nothing_is_cut_or_coloured_without_a_terminal);
    tcase_add_test(tcase, terminals_get_colour_unless_told_not_to);
    tcase_add_test(tcase, columns_come_first);
    tcase_add_test(tcase, full_disk_is_reported);
    tcase_add_test(tcase, missing_reader_is_silent);
    return fleet_test_main(suite);
}
