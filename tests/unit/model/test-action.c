/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/action.h"

#include "lib/main.h"

/* The value of a name, or NULL. */
static const char *value_of(const FleetParameters *parameters, const char *key)
{
    for (guint i = 0; i < fleet_parameters_count(parameters); i++)
        if (g_str_equal(fleet_parameters_key(parameters, i), key))
            return fleet_parameters_value(parameters, i);
    return NULL;
}

static FleetAction *make(void)
{
    static const char *const pairs[] = {"version", "2.1.0"};
    g_autoptr(GRefString) device_id = g_ref_string_new("router-1");
    g_autoptr(GRefString) type = g_ref_string_new_intern("SOFTWARE_UPDATE");
    g_autoptr(GRefString) driver = g_ref_string_new_intern("simulated");
    g_autoptr(GError) error = NULL;
    g_autoptr(FleetParameters) parameters = fleet_parameters_new(pairs, 1, &error);

    fleet_test_assert_no_error(error);
    return fleet_action_new((FleetActionId){.msec = 5, .sequence = 7}, device_id, type, driver, parameters);
}

START_TEST(new_action_is_pending)
{
    g_autoptr(FleetAction) action = make();

    ck_assert_int_eq(action->id.msec, 5);
    ck_assert_int_eq(action->id.sequence, 7);
    ck_assert_int_eq(action->status, FLEET_ACTION_PENDING);
    ck_assert_int_eq(action->result, FLEET_RESULT_NONE);
    ck_assert_str_eq(action->device_id, "router-1");
    ck_assert_str_eq(action->type, "SOFTWARE_UPDATE");
    ck_assert_str_eq(action->driver, "simulated");
    ck_assert_str_eq(value_of(action->parameters, "version"), "2.1.0");
    ck_assert_str_eq(action->phase, "");
    ck_assert_str_eq(action->message, "");
    ck_assert_str_eq(action->error_name, "");
    ck_assert_str_eq(action->error_message, "");
    ck_assert_str_eq(action->plan, "");
    ck_assert_int_eq(action->initiated_at, 0);
    ck_assert_int_eq(action->started.realtime, 0);
    ck_assert_int_eq(action->completed_at, 0);
    ck_assert(action->progress == 0);
    ck_assert(!action->progress_known);
    ck_assert_uint_eq(action->attempt, 0);
    ck_assert_uint_eq(action->policy.max_attempts, 1);
    ck_assert_str_eq(action->request_id, "");
    ck_assert_int_eq(action->priority, 0);
    ck_assert_int_eq(action->not_before, 0);
    ck_assert_int_eq(action->start_deadline, 0);
    ck_assert_int_eq(action->cancel_result, FLEET_RESULT_NONE);
    ck_assert(!action->past_return);
}
END_TEST

START_TEST(a_copy_has_a_life_of_its_own)
{
    FleetAction *action = make();

    fleet_action_set_text(&action->plan, "until 10");
    g_autoptr(FleetAction) copy = fleet_action_copy(action);
    copy->status = FLEET_ACTION_FAILED;
    fleet_action_set_text(&copy->phase, "verifying");
    fleet_action_set_text(&copy->message, "it did not work");
    fleet_action_set_text(&copy->error_name, "org.fleet.Error.Unsupported");
    fleet_action_set_text(&copy->error_message, "no");

    ck_assert_int_eq(action->status, FLEET_ACTION_PENDING);
    ck_assert_str_eq(action->phase, "");
    ck_assert_str_eq(action->message, "");
    ck_assert_str_eq(action->error_name, "");
    ck_assert_str_eq(action->error_message, "");
    fleet_action_unref(action);

    ck_assert_int_eq(copy->id.sequence, 7);
    ck_assert_str_eq(copy->device_id, "router-1");
    ck_assert_str_eq(copy->type, "SOFTWARE_UPDATE");
    ck_assert_str_eq(copy->driver, "simulated");
    ck_assert_str_eq(copy->plan, "until 10");
    ck_assert_str_eq(copy->phase, "verifying");
    ck_assert_str_eq(copy->message, "it did not work");
    ck_assert_str_eq(copy->error_name, "org.fleet.Error.Unsupported");
    ck_assert_str_eq(copy->error_message, "no");
    ck_assert_str_eq(value_of(copy->parameters, "version"), "2.1.0");
}
END_TEST

START_TEST(copies_share_their_parameters)
{
    g_autoptr(FleetAction) action = make();
    g_autoptr(FleetAction) copy = fleet_action_copy(action);

    ck_assert_ptr_eq(copy->parameters, action->parameters);
}
END_TEST

START_TEST(a_text_may_be_set_to_itself)
{
    g_autoptr(FleetAction) action = make();

    fleet_action_set_text(&action->message, "half way");
    fleet_action_set_text(&action->message, action->message);
    ck_assert_str_eq(action->message, "half way");
}
END_TEST

START_TEST(references_keep_it)
{
    FleetAction *action = make();

    ck_assert_ptr_eq(fleet_action_ref(action), action);
    fleet_action_unref(action);
    ck_assert_str_eq(action->device_id, "router-1");
    fleet_action_unref(action);
}
END_TEST

START_TEST(three_statuses_are_terminal)
{
    g_autoptr(FleetAction) action = make();

    action->status = (FleetActionStatus)_i;
    ck_assert(fleet_action_is_terminal(action) ==
              (_i == FLEET_ACTION_COMPLETED || _i == FLEET_ACTION_FAILED || _i == FLEET_ACTION_CANCELLED));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("action");
    TCase *tcase = fleet_test_case(suite, "action");

    tcase_add_test(tcase, new_action_is_pending);
    tcase_add_test(tcase, a_copy_has_a_life_of_its_own);
    tcase_add_test(tcase, copies_share_their_parameters);
    tcase_add_test(tcase, a_text_may_be_set_to_itself);
    tcase_add_test(tcase, references_keep_it);
    tcase_add_loop_test(tcase, three_statuses_are_terminal, 0, FLEET_ACTION_STATUS_LAST_);
    return fleet_test_main(suite);
}
