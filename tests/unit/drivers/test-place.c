/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"
#include "drivers/command/place.h"
#include "lib/main.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static const FleetAttemptId id = {.sequence = 12, .number = 3};
static const FleetCommandPlaceInfo info = {.backend = FLEET_COMMAND_UNIT,
        .token = (char *)"abc",
        .action_id = (char *)"action_1_12",
        .device_id = (char *)"a = b"};

static char *new_directory(void)
{
    g_autofree char *parent = fleet_test_directory_new();

    return g_build_filename(parent, "actions", NULL);
}

static FleetCommandPlace *create(const char *directory)
{
    g_autoptr(GError) error = NULL;
    FleetCommandPlace *place = fleet_command_place_create(directory, id, &info, &error);

    fleet_test_assert_no_error(error);
    return place;
}

START_TEST(it_is_found_again)
{
    g_autofree char *directory = new_directory();
    g_autoptr(FleetCommandPlace) place = create(directory);
    g_autoptr(FleetCommandPlace) again = fleet_command_place_open(directory, id, NULL);
    g_autoptr(GArray) ids = fleet_command_place_list(directory);

    ck_assert_ptr_nonnull(again);
    ck_assert_int_eq(again->info.backend, FLEET_COMMAND_UNIT);
    ck_assert_str_eq(again->info.token, "abc");
    ck_assert_str_eq(again->info.action_id, "action_1_12");
    ck_assert_str_eq(again->info.device_id, "a = b");
    ck_assert_uint_eq(ids->len, 1);
    ck_assert_int_eq(g_array_index(ids, FleetAttemptId, 0).sequence, 12);
    ck_assert_uint_eq(g_array_index(ids, FleetAttemptId, 0).number, 3);
}
END_TEST

START_TEST(it_is_removed)
{
    g_autofree char *directory = new_directory();
    g_autoptr(FleetCommandPlace) place = create(directory);
    g_autoptr(GError) error = NULL;

    fleet_command_place_remove(place);
    ck_assert(!g_file_test(place->path, G_FILE_TEST_EXISTS));
    ck_assert_ptr_null(fleet_command_place_open(directory, id, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_ACTION_NOT_FOUND);
}
END_TEST

START_TEST(one_that_was_not_finished_is_none)
{
    g_autofree char *directory = new_directory();
    g_autoptr(FleetCommandPlace) place = create(directory);

    unlinkat(place->directory, "attempt", 0);
    ck_assert_ptr_null(fleet_command_place_open(directory, id, NULL));
    fleet_command_place_discard(directory, id);
    ck_assert(!g_file_test(place->path, G_FILE_TEST_EXISTS));
}
END_TEST

START_TEST(there_is_one_for_each_attempt)
{
    g_autofree char *directory = new_directory();
    g_autoptr(FleetCommandPlace) place = create(directory);
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(fleet_command_place_create(directory, id, &info, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_LIMIT_EXCEEDED);
    fleet_test_assert_contains(error->message, place->path);
}
END_TEST

START_TEST(a_program_never_writes_to_nobody)
{
    g_autofree char *directory = new_directory();
    g_autoptr(FleetCommandPlace) place = create(directory);
    int program = fleet_command_place_open_stream(place, FLEET_PROGRAM_STDOUT);
    char buffer[8];

    /* fleetd goes away, and a new one comes. */
    g_clear_pointer(&place, fleet_command_place_free);
    ck_assert_int_eq(write(program, "hello", 5), 5);
    place = fleet_command_place_open(directory, id, NULL);
    ck_assert_int_eq(read(place->streams[FLEET_PROGRAM_STDOUT], buffer, sizeof(buffer)), 5);
    ck_assert_int_lt(read(place->streams[FLEET_PROGRAM_STDOUT], buffer, sizeof(buffer)), 0);
    ck_assert_int_eq(errno, EAGAIN);
    close(program);
    ck_assert_int_eq(read(place->streams[FLEET_PROGRAM_STDOUT], buffer, sizeof(buffer)), 0);
}
END_TEST

START_TEST(a_keeper_shows_by_its_end_of_the_pipe)
{
    g_autofree char *directory = new_directory();
    g_autoptr(FleetCommandPlace) place = create(directory);

    ck_assert(!fleet_command_place_is_kept(place));
    int keeper = fleet_command_place_open_file(place, "end", O_WRONLY);
    ck_assert(fleet_command_place_is_kept(place));
    close(keeper);
    ck_assert(!fleet_command_place_is_kept(place));
}
END_TEST

START_TEST(a_keeper_is_told)
{
    g_autofree char *directory = new_directory();
    g_autoptr(FleetCommandPlace) place = create(directory);
    char byte;

    /* Nobody is there to hear it; nothing happens. */
    fleet_command_place_control(place, 's');
    int keeper = fleet_command_place_open_file(place, "control", O_RDWR | O_NONBLOCK);
    ck_assert_int_lt(read(keeper, &byte, 1), 0);
    fleet_command_place_control(place, 'd');
    ck_assert_int_eq(read(keeper, &byte, 1), 1);
    ck_assert_int_eq(byte, 'd');
    close(keeper);
}
END_TEST

START_TEST(results_are_kept)
{
    g_autofree char *directory = new_directory();
    g_autoptr(FleetCommandPlace) place = create(directory);
    FleetProgramResult result = {.end = FLEET_PROGRAM_EXITED, .number = 3}, read;

    ck_assert(!fleet_command_place_read_result(place, &read));
    fleet_command_place_write_result(place, &result);
    ck_assert(fleet_command_place_read_result(place, &read));
    ck_assert_int_eq(read.number, 3);
    ck_assert(read.unit);
    g_autofree char *room = g_build_filename(place->path, "result.new", NULL);
    ck_assert(!g_file_test(room, G_FILE_TEST_EXISTS));
}
END_TEST

START_TEST(small_files)
{
    g_autofree char *directory = new_directory();
    g_autoptr(FleetCommandPlace) place = create(directory);

    ck_assert_ptr_null(fleet_command_place_read(place, "tail"));
    ck_assert(fleet_command_place_write(place, "tail", "some\ntext"));
    g_autofree char *text = fleet_command_place_read(place, "tail");
    ck_assert_str_eq(text, "some\ntext");
}
END_TEST

START_TEST(other_directories_are_not_listed)
{
    g_autofree char *directory = fleet_test_directory_new();
    static const char *const names[] = {"1", "1-", "-1", "1-1x", "x1-1", "lost+found"};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(directory, names[i], NULL);
        ck_assert_int_eq(g_mkdir_with_parents(path, 0700), 0);
    }
    g_autoptr(GArray) ids = fleet_command_place_list(directory);
    ck_assert_uint_eq(ids->len, 0);
    g_autoptr(GArray) none = fleet_command_place_list("/nowhere");
    ck_assert_uint_eq(none->len, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("place");
    TCase *tcase = fleet_test_case(suite, "place");

    tcase_add_test(tcase, it_is_found_again);
    tcase_add_test(tcase, it_is_removed);
    tcase_add_test(tcase, one_that_was_not_finished_is_none);
    tcase_add_test(tcase, there_is_one_for_each_attempt);
    tcase_add_test(tcase, a_program_never_writes_to_nobody);
    tcase_add_test(tcase, a_keeper_shows_by_its_end_of_the_pipe);
    tcase_add_test(tcase, a_keeper_is_told);
    tcase_add_test(tcase, results_are_kept);
    tcase_add_test(tcase, small_files);
    tcase_add_test(tcase, other_directories_are_not_listed);
    return fleet_test_main(suite);
}
