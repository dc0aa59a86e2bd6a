/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"
#include "fixture.h"

static void setup(void)
{
    directory = fleet_test_directory_new();
    core = fleet_test_core_new(directory);
    for (guint i = 0; i < 3; i++) {
        g_autofree char *id = g_strdup_printf("device-%u", i);
        fleet_test_core_register(core, "register", id);
    }
    fleet_test_core_settle(core);
}

/* An answer; later ones replace it. */
typedef struct {
    gboolean come;
    FleetAction *action;
    GPtrArray *sequences; /* of a list, as pointers */
    double progress;      /* of its first action */
    GError *error;
} Answer;

static void clear_answer(Answer *answer)
{
    g_clear_pointer(&answer->action, fleet_action_unref);
    g_clear_pointer(&answer->sequences, g_ptr_array_unref);
    g_clear_error(&answer->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Answer, clear_answer)

static void found(const FleetAction *action, const GError *error, gpointer user_data)
{
    Answer *answer = user_data;

    ck_assert(!answer->come);
    ck_assert((action != NULL) != (error != NULL));
    answer->come = TRUE;
    answer->action = action != NULL ? fleet_action_ref(action) : NULL;
    answer->error = error != NULL ? g_error_copy(error) : NULL;
}

static void listed(const GPtrArray *actions, const GError *error, gpointer user_data)
{
    Answer *answer = user_data;

    ck_assert(!answer->come);
    fleet_test_assert_no_error(error);
    answer->come = TRUE;
    answer->sequences = g_ptr_array_new();
    for (guint i = 0; i < actions->len; i++) {
        const FleetAction *action = actions->pdata[i];

        g_ptr_array_add(answer->sequences, GINT_TO_POINTER((gint)action->id.sequence));
        if (i == 0)
            answer->progress = action->progress;
    }
}

static void wait_for(const Answer *answer)
{
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);

    while (!answer->come && g_get_monotonic_time() < deadline)
        g_main_context_iteration(NULL, TRUE);
    ck_assert(answer->come);
}

static FleetActionId run(const char *device)
{
    FleetActionId id = fleet_test_core_initiate(core, "initiate", device);
    g_autofree char *end = g_strdup_printf("action changed %" G_GINT64_FORMAT " RUNNING->COMPLETED", id.sequence);

    fleet_test_core_wait(core, end);
    fleet_test_core_settle(core);
    return id;
}

static const char *text_of(FleetActionId id)
{
    static char buffer[FLEET_ACTION_ID_BUFFER];

    return fleet_action_id_format(id, buffer);
}

START_TEST(action_in_memory_is_found_at_once)
{
    g_auto(Answer) answer = {0};
    FleetActionId id = run("device-0");

    fleet_history_find(core->history, text_of(id), found, &answer);
    ck_assert(answer.come);
    ck_assert_int_eq(answer.action->id.sequence, id.sequence);
    ck_assert(!fleet_history_is_busy(core->history));
}
END_TEST

START_TEST(action_past_its_retention_is_found_in_the_store)
{
    g_auto(Answer) answer = {0};

    fleet_test_core_retain(core, 0, 0);
    FleetActionId id = run("device-0");
    fleet_test_core_wait(core, "action removed 1");
    ck_assert_ptr_null(fleet_engine_lookup(core->engine, id));
    fleet_history_find(core->history, text_of(id), found, &answer);
    ck_assert(fleet_history_is_busy(core->history));
    ck_assert(!answer.come);
    wait_for(&answer);
    ck_assert(!fleet_history_is_busy(core->history));
    ck_assert_int_eq(answer.action->id.msec, id.msec);
    ck_assert_int_eq(answer.action->status, FLEET_ACTION_COMPLETED);
    ck_assert_str_eq(answer.action->device_id, "device-0");
    ck_assert_double_eq(answer.action->progress, 1.0);
}
END_TEST

static const char *const unknown[] = {"", "action_1_1", "action_1705312200000_99", "action_", "router-1", "action_1_-1",
        "action_01_1", "action_1_1 ", "../etc"};

START_TEST(unknown_action_is_named)
{
    g_auto(Answer) answer = {0};

    (void)run("device-0");
    fleet_history_find(core->history, unknown[_i], found, &answer);
    wait_for(&answer);
    fleet_test_assert_error(answer.error, FLEET_ERROR, FLEET_ERROR_ACTION_NOT_FOUND);
    g_autofree char *expected = g_strdup_printf("action '%s' is not known", unknown[_i]);
    ck_assert_str_eq(answer.error->message, expected);
}
END_TEST

START_TEST(list_is_newest_first_and_knows_the_newest_progress)
{
    g_auto(Answer) answer = {0};
    FleetActionFilter filter = FLEET_ACTION_FILTER_INIT;

    (void)run("device-0");
    (void)run("device-1");
    fleet_test_core_simulate(core, 2 * FLEET_USEC_PER_SEC, 1.0);
    FleetActionId id = fleet_test_core_initiate(core, "initiate", "device-2");
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);
    while ((fleet_engine_lookup(core->engine, id) == NULL || fleet_engine_lookup(core->engine, id)->progress == 0) &&
            g_get_monotonic_time() < deadline)
        g_main_context_iteration(NULL, TRUE);

    filter.limit = 10;
    fleet_history_list(core->history, &filter, listed, &answer);
    ck_assert(fleet_history_is_busy(core->history));
    wait_for(&answer);
    ck_assert_uint_eq(answer.sequences->len, 3);
    for (guint i = 0; i < 3; i++)
        ck_assert_int_eq(GPOINTER_TO_INT(answer.sequences->pdata[i]), 3 - (int)i);
    ck_assert_double_gt(answer.progress, 0);
}
END_TEST

START_TEST(list_is_filtered_and_paged)
{
    FleetActionFilter filter = FLEET_ACTION_FILTER_INIT;

    for (guint i = 0; i < 6; i++)
        (void)run(i % 2 == 0 ? "device-0" : "device-1");
    filter.device_id = g_strdup("device-0");
    filter.limit = 2;
    g_auto(Answer) first = {0};
    fleet_history_list(core->history, &filter, listed, &first);
    wait_for(&first);
    ck_assert_uint_eq(first.sequences->len, 2);
    ck_assert_int_eq(GPOINTER_TO_INT(first.sequences->pdata[0]), 5);
    ck_assert_int_eq(GPOINTER_TO_INT(first.sequences->pdata[1]), 3);

    filter.before = 3;
    g_auto(Answer) second = {0};
    fleet_history_list(core->history, &filter, listed, &second);
    fleet_action_filter_clear(&filter); /* it was copied */
    wait_for(&second);
    ck_assert_uint_eq(second.sequences->len, 1);
    ck_assert_int_eq(GPOINTER_TO_INT(second.sequences->pdata[0]), 1);
}
END_TEST

START_TEST(many_questions_are_each_answered_once)
{
    Answer answers[50] = {0};

    fleet_test_core_retain(core, 0, 0);
    FleetActionId id = run("device-0");
    fleet_test_core_wait(core, "action removed 1");
    for (guint i = 0; i < G_N_ELEMENTS(answers); i++)
        fleet_history_find(core->history, i % 2 == 0 ? text_of(id) : "action_1_1", found, &answers[i]);
    for (guint i = 0; i < G_N_ELEMENTS(answers); i++) {
        wait_for(&answers[i]);
        ck_assert((answers[i].action != NULL) == (i % 2 == 0));
        clear_answer(&answers[i]);
    }
    ck_assert(!fleet_history_is_busy(core->history));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: history");
    TCase *tcase = fleet_test_case(suite, "history");

    tcase_add_checked_fixture(tcase, setup, fleet_fixture_teardown);
    tcase_add_test(tcase, action_in_memory_is_found_at_once);
    tcase_add_test(tcase, action_past_its_retention_is_found_in_the_store);
    tcase_add_loop_test(tcase, unknown_action_is_named, 0, G_N_ELEMENTS(unknown));
    tcase_add_test(tcase, list_is_newest_first_and_knows_the_newest_progress);
    tcase_add_test(tcase, list_is_filtered_and_paged);
    tcase_add_test(tcase, many_questions_are_each_answered_once);
    return fleet_test_main(suite);
}
