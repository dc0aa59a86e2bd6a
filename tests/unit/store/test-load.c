/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is read at the start: how much of it, and what is said of rows that cannot be right. */

#include "store_test.h"

static FleetAction *new_action(gint64 sequence, FleetActionStatus status, gint64 completed_at)
{
    FleetAction *action = fleet_test_action(sequence, "router-1");

    action->status = status;
    action->completed_at = completed_at;
    if (fleet_action_is_terminal(action))
        action->result = FLEET_RESULT_SUCCESS;
    return action;
}

/* Actions 1 to 6: two that are not terminal, four that ended in another order than they began. */
static char *make_history(void)
{
    char *directory = fleet_test_directory_new();
    g_autoptr(FleetTestStore) test = fleet_test_store_new(directory);
    const struct {
        FleetActionStatus status;
        gint64 completed_at;
    } actions[] = {{FLEET_ACTION_COMPLETED, 400}, {FLEET_ACTION_RUNNING, 0}, {FLEET_ACTION_FAILED, 300},
            {FLEET_ACTION_CANCELLED, 200}, {FLEET_ACTION_COMPLETED, 100}, {FLEET_ACTION_PENDING, 0}};

    for (guint i = 0; i < G_N_ELEMENTS(actions); i++) {
        g_autoptr(FleetAction) action = new_action(i + 1, actions[i].status, actions[i].completed_at);

        fleet_test_store_submit_action(test, "", FLEET_CHANGE_INSERT_ACTION, action);
    }
    fleet_test_store_settle(test);
    return directory;
}

static void unref_device(FleetDevice *device, gpointer user_data)
{
    fleet_device_unref(device);
}

static void append_sequence(FleetAction *action, gpointer user_data)
{
    g_string_append_printf(user_data, "%d ", (int)action->id.sequence);
    fleet_action_unref(action);
}

static const struct {
    gint64 since;
    guint max;
    const char *sequences;
} selections[] = {
        {0, G_MAXUINT, "1 2 3 4 5 6 "},
        {0, 0, "2 6 "},
        {0, 1, "1 2 6 "},
        {0, 2, "1 2 3 6 "},
        {300, G_MAXUINT, "1 2 3 6 "},
        {301, G_MAXUINT, "1 2 6 "},
        {401, G_MAXUINT, "2 6 "},
        {200, 2, "1 2 3 6 "},
};

START_TEST(newest_finished_actions_are_loaded)
{
    g_autofree char *directory = make_history();
    g_autoptr(FleetStore) store = fleet_store_open(directory, NULL, NULL);
    g_autoptr(GString) sequences = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    ck_assert(fleet_store_load(
            store, selections[_i].since, selections[_i].max, unref_device, append_sequence, sequences, &error));
    fleet_test_assert_no_error(error);
    ck_assert_str_eq(sequences->str, selections[_i].sequences);
}
END_TEST

static const struct {
    const char *sql;
    const char *part;
} damages[] = {
        {"UPDATE devices SET status = 99 WHERE key = 2", "device row 2: status is 99, which is out of range"},
        {"UPDATE devices SET status = -1 WHERE key = 2", "device row 2: status is -1"},
        {"UPDATE devices SET id = '.' WHERE key = 2", "device row 2: id device id '.' is reserved"},
        {"UPDATE devices SET id = '' WHERE key = 2", "device row 2: id"},
        {"UPDATE devices SET id = CAST(x'ff41' AS TEXT) WHERE key = 2", "device row 2: id is not valid UTF-8"},
        {"UPDATE devices SET id = CAST(x'410042' AS TEXT) WHERE key = 2", "device row 2: id is not valid UTF-8"},
        {"UPDATE devices SET name = CAST(x'c3' AS TEXT) WHERE key = 2", "device row 2: name is not valid UTF-8"},
        {"UPDATE devices SET name = printf('%.*c', 1025, 'x') WHERE key = 2", "device row 2: name"},
        {"UPDATE devices SET owner_uid = -1 WHERE key = 2", "device row 2: owner_uid is -1, which is out of range"},
        {"UPDATE devices SET type = char(10) WHERE key = 2", "device row 2: type"},
        {"UPDATE devices SET last_seen_at = -1 WHERE key = 2", "device row 2: last_seen_at is -1"},
        {"UPDATE devices SET address = CAST(x'80' AS TEXT) WHERE key = 2", "device row 2: address is not valid UTF-8"},
        {"UPDATE devices SET address = char(9) WHERE key = 2",
                "device row 2: address device address '\\x09' has a control"},
        {"UPDATE devices SET address = printf('%.*c', 1025, 'x') WHERE key = 2", "device row 2: address"},
        {"UPDATE devices SET away = 2 WHERE key = 2", "device row 2: away is 2, which is out of range"},
        {"UPDATE devices SET away = -1 WHERE key = 2", "device row 2: away is -1"},
        {"UPDATE devices SET key = -2 WHERE key = 2", "device row -2: key is -2"},
        {"UPDATE devices SET registered_at = -1 WHERE key = 2", "device row 2: registered_at is -1"},
        {"UPDATE actions SET status = 5 WHERE sequence = 2", "action row 2: status is 5"},
        {"UPDATE actions SET status = -1 WHERE sequence = 2", "action row 2: status is -1"},
        {"UPDATE actions SET result = 8 WHERE sequence = 2", "action row 2: result is 8"},
        {"UPDATE actions SET type = CAST(x'80' AS TEXT) WHERE sequence = 2", "action row 2: type is not valid UTF-8"},
        {"UPDATE actions SET message = CAST(x'80' AS TEXT) WHERE sequence = 2", "action row 2: message is not valid"},
        {"UPDATE actions SET progress = 1.5 WHERE sequence = 2", "action row 2: progress is not from 0 to 1"},
        {"UPDATE actions SET progress_known = 2 WHERE sequence = 2", "action row 2: progress_known is 2"},
        {"UPDATE actions SET attempt = -1 WHERE sequence = 2", "action row 2: attempt is -1"},
        {"UPDATE actions SET owner_uid = 4294967296 WHERE sequence = 2", "action row 2: owner_uid is 4294967296"},
        {"UPDATE actions SET initiated_at = -1 WHERE sequence = 2", "action row 2: initiated_at is -1"},
        {"UPDATE actions SET priority = 2147483648 WHERE sequence = 2", "action row 2: priority is 2147483648"},
        {"UPDATE actions SET not_before = -1 WHERE sequence = 2", "action row 2: not_before is -1"},
        {"UPDATE actions SET start_deadline = -1 WHERE sequence = 2", "action row 2: start_deadline is -1"},
        {"UPDATE actions SET timeout = -1 WHERE sequence = 2", "action row 2: timeout is -1"},
        {"UPDATE actions SET step_timeout = -1 WHERE sequence = 2", "action row 2: step_timeout is -1"},
        {"UPDATE actions SET max_attempts = 0 WHERE sequence = 2", "action row 2: max_attempts is 0"},
        {"UPDATE actions SET retry_delay = -1 WHERE sequence = 2", "action row 2: retry_delay is -1"},
        {"UPDATE actions SET retry_factor = 0.5 WHERE sequence = 2", "action row 2: retry_factor is not from 1 to"},
        {"UPDATE actions SET retry_factor = 9e999 WHERE sequence = 2", "action row 2: retry_factor is not from 1 to"},
        {"UPDATE actions SET retry_cap = -1 WHERE sequence = 2", "action row 2: retry_cap is -1"},
        {"UPDATE actions SET retry_jitter = 1.1 WHERE sequence = 2", "action row 2: retry_jitter is not from 0 to 1"},
        {"UPDATE actions SET request_id = CAST(x'80' AS TEXT) WHERE sequence = 2", "action row 2: request_id is not"},
        {"UPDATE actions SET moved_at = -1 WHERE sequence = 2", "action row 2: moved_at is -1"},
        {"UPDATE actions SET attempt_started_realtime = -1 WHERE sequence = 2", "row 2: attempt_started_realtime is"},
        {"UPDATE actions SET retry_at_boottime = -1 WHERE sequence = 2", "action row 2: retry_at_boottime is -1"},
        {"UPDATE actions SET cancel_requested_realtime = -1 WHERE sequence = 2", "cancel_requested_realtime is -1"},
        {"UPDATE actions SET cancel_result = 8 WHERE sequence = 2", "action row 2: cancel_result is 8"},
        {"UPDATE actions SET past_return = 2 WHERE sequence = 2", "action row 2: past_return is 2"},
        {"UPDATE actions SET parameters = x'41' WHERE sequence = 2", "action row 2: parameters are not pairs"},
        {"UPDATE actions SET parameters = x'4100' WHERE sequence = 2", "action row 2: parameters are not pairs"},
        {"UPDATE actions SET parameters = x'4100420041004200' WHERE sequence = 2", "parameter 'A' is given twice"},
        {"UPDATE actions SET parameters = x'ff004200' WHERE sequence = 2", "is not valid UTF-8"},
        {"UPDATE actions SET parameters = zeroblob(130) WHERE sequence = 2", "action row 2: parameters are not pairs"},
};

START_TEST(damaged_row_is_named)
{
    g_autofree char *directory = make_history();
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autoptr(FleetStore) store = NULL;
    g_autoptr(GString) sequences = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    fleet_test_sql(path, "INSERT INTO devices VALUES (1, 'a', '', '', 'simulated', 0, 0, 0, 0, 0, '', 0), "
                         "(2, 'b', '', '', 'simulated', 0, 0, 0, 0, 0, '', 0)");
    fleet_test_sql(path, damages[_i].sql);
    store = fleet_store_open(directory, NULL, &error);
    fleet_test_assert_no_error(error);
    ck_assert(!fleet_store_load(store, 0, G_MAXUINT, unref_device, append_sequence, sequences, &error));
    fleet_test_assert_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DATABASE);
    fleet_test_assert_contains(error->message, path);
    fleet_test_assert_contains(error->message, damages[_i].part);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store: load");
    TCase *tcase = fleet_test_case(suite, "load");

    tcase_add_loop_test(tcase, newest_finished_actions_are_loaded, 0, G_N_ELEMENTS(selections));
    tcase_add_loop_test(tcase, damaged_row_is_named, 0, G_N_ELEMENTS(damages));
    return fleet_test_main(suite);
}
