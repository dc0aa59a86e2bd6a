/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A request with an id is carried out once, wherever its action is by now. */

#include "base/error.h"
#include "fixture.h"

static void setup(void)
{
    fleet_fixture_setup();
    fleet_fixture_add("a");
    fleet_fixture_add("b");
}

static FleetActionRequest request_of(const char *device_id, const char *request_id, guint64 digest)
{
    FleetActionRequest request = fleet_test_core_request(core, device_id);

    request.request_id = request_id;
    request.request_digest = digest;
    return request;
}

static FleetActionId start(const char *device_id, const char *request_id, guint64 digest)
{
    const FleetActionRequest request = request_of(device_id, request_id, digest);
    FleetActionId id = fleet_test_core_initiate_as(core, "start", &request).id;

    fleet_test_core_rest(core);
    ck_assert_uint_eq(fleet_test_core_count(core, "done start"), 1);
    fleet_test_core_forget(core);
    return id;
}

/* An answer to a question for a request. */
typedef struct {
    gboolean come;
    gboolean known;
    FleetInitiated initiated;
    GError *error;
} Answer;

static void clear_answer(Answer *answer)
{
    g_clear_error(&answer->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Answer, clear_answer)

static void found(const FleetInitiated *initiated, const GError *error, gpointer user_data)
{
    Answer *answer = user_data;

    ck_assert(!answer->come);
    ck_assert(initiated == NULL || error == NULL);
    answer->come = TRUE;
    answer->known = initiated != NULL;
    if (initiated != NULL)
        answer->initiated = *initiated;
    answer->error = error != NULL ? g_error_copy(error) : NULL;
}

static void wait_for(const Answer *answer)
{
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);

    while (!answer->come && g_get_monotonic_time() < deadline)
        g_main_context_iteration(NULL, TRUE);
    ck_assert(answer->come);
}

static void assert_known(const char *device_id, const char *request_id, guint64 digest, FleetInitiated due)
{
    const FleetActionRequest request = request_of(device_id, request_id, digest);
    g_auto(Answer) answer = {0};

    fleet_history_find_request(core->history, &request, found, &answer);
    wait_for(&answer);
    fleet_test_assert_no_error(answer.error);
    ck_assert(answer.known);
    ck_assert_int_eq(answer.initiated.id.sequence, due.id.sequence);
    ck_assert_int_eq(answer.initiated.id.msec, due.id.msec);
    ck_assert_int_eq(answer.initiated.status, due.status);
}

static void assert_unknown(const char *device_id, const char *request_id)
{
    const FleetActionRequest request = request_of(device_id, request_id, 1);
    g_auto(Answer) answer = {0};

    fleet_history_find_request(core->history, &request, found, &answer);
    wait_for(&answer);
    fleet_test_assert_no_error(answer.error);
    ck_assert(!answer.known);
}

static void assert_reused(const char *device_id, const char *request_id, guint64 digest)
{
    const FleetActionRequest request = request_of(device_id, request_id, digest);
    g_auto(Answer) answer = {0};

    fleet_history_find_request(core->history, &request, found, &answer);
    wait_for(&answer);
    fleet_test_assert_error(answer.error, FLEET_ERROR, FLEET_ERROR_REQUEST_ID_REUSED);
    fleet_test_assert_matches(answer.error->message,
            "^request id 'one' was used on device 'a' for another action, 'action_\\d+_1'; use a new id");
}

/* Where the action of a request may be. */
enum { RUNNING, FINISHED, RESTARTED, RESTARTED_FINISHED, EVICTED, EVICTED_RESTARTED, PLACES };

static FleetInitiated put(gint place)
{
    FleetInitiated initiated = {.id = start("a", "one", 1), .status = FLEET_ACTION_RUNNING};

    if (place == FINISHED || place >= RESTARTED_FINISHED) {
        fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_SUCCESS);
        fleet_test_core_rest(core);
        initiated.status = FLEET_ACTION_COMPLETED;
    }
    if (place == RESTARTED || place == RESTARTED_FINISHED || place == EVICTED_RESTARTED) {
        fleet_fixture_restart();
        fleet_test_core_forget(core);
    }
    if (place >= EVICTED) {
        fleet_test_core_retain(core, 0, 0);
        fleet_test_core_rest(core);
        ck_assert_ptr_null(fleet_engine_lookup(core->engine, initiated.id));
    }
    return initiated;
}

START_TEST(same_request_is_the_same_action)
{
    FleetInitiated initiated = put(_i);

    assert_known("a", "one", 1, initiated);
    ck_assert(!fleet_history_is_busy(core->history));
}
END_TEST

START_TEST(other_request_of_that_id_is_refused)
{
    (void)put(_i);
    assert_reused("a", "one", 2);
}
END_TEST

START_TEST(other_ids_and_devices_are_other_requests)
{
    (void)put(_i);
    assert_unknown("a", "two");
    assert_unknown("a", "ONE");
    assert_unknown("b", "one");
    (void)start("b", "one", 7);
}
END_TEST

/* It is only on its way to the disk. */
START_TEST(request_in_flight_is_known)
{
    const FleetActionRequest request = request_of("a", "one", 1);
    FleetInitiated initiated = fleet_test_core_initiate_as(core, "start", &request);
    g_auto(Answer) answer = {0};

    fleet_history_find_request(core->history, &request, found, &answer);
    ck_assert(answer.come);
    ck_assert_int_eq(answer.initiated.id.sequence, initiated.id.sequence);
    fleet_test_core_rest(core);
}
END_TEST

START_TEST(request_that_is_not_stored_never_was)
{
    const FleetActionRequest request = request_of("a", "one", 1);

    fleet_test_core_break_disk();
    fleet_test_core_initiate_as(core, "lost", &request);
    fleet_test_core_settle(core);
    fleet_test_core_mend_disk();
    ck_assert_uint_eq(fleet_test_core_count(core, "lost: StorageFailed"), 1);
    assert_unknown("a", "one");
    (void)start("a", "one", 1);
}
END_TEST

START_TEST(request_that_is_refused_never_was)
{
    const FleetActionRequest request = request_of("a", "one", 1);

    core->refuses = TRUE;
    fleet_test_core_initiate_as(core, "refused", &request);
    fleet_test_core_rest(core);
    fleet_test_core_assert_events(core, "refused: Unsupported");
    assert_unknown("a", "one");
    core->refuses = FALSE;
    (void)start("a", "one", 1);
}
END_TEST

/* The store is asked twice before it answers; meanwhile one is carried out. */
START_TEST(request_made_while_the_store_is_asked_is_known)
{
    const FleetActionRequest request = request_of("a", "one", 1);
    g_auto(Answer) first = {0}, second = {0};

    fleet_history_find_request(core->history, &request, found, &first);
    fleet_history_find_request(core->history, &request, found, &second);
    ck_assert(!first.come && !second.come);
    FleetInitiated initiated = fleet_test_core_initiate_as(core, "start", &request);
    wait_for(&first);
    wait_for(&second);
    ck_assert(first.known && second.known);
    ck_assert_int_eq(first.initiated.id.sequence, initiated.id.sequence);
    ck_assert_int_eq(second.initiated.id.sequence, initiated.id.sequence);
    fleet_test_core_rest(core);
}
END_TEST

/* It begins, ends, and would leave memory while the store, which has not seen it, is asked. */
START_TEST(request_does_not_fall_between_store_and_memory)
{
    const FleetActionRequest request = request_of("a", "one", 1);
    g_auto(Answer) answer = {0};

    fleet_test_core_retain(core, 0, 0);
    fleet_engine_hold_finished(core->engine);
    FleetActionId id = start("a", "one", 1);
    fleet_test_core_finish(core, 1, 1, FLEET_OUTCOME_SUCCESS);
    fleet_test_core_rest(core);
    ck_assert_ptr_nonnull(fleet_engine_lookup(core->engine, id));
    fleet_history_find_request(core->history, &request, found, &answer);
    ck_assert(answer.come && answer.known);
    ck_assert_int_eq(answer.initiated.status, FLEET_ACTION_COMPLETED);
    fleet_engine_release_finished(core->engine);
    fleet_test_core_rest(core);
    ck_assert_ptr_null(fleet_engine_lookup(core->engine, id));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: requests");
    TCase *tcase = fleet_test_case(suite, "requests");

    tcase_add_checked_fixture(tcase, setup, fleet_fixture_teardown);
    tcase_add_loop_test(tcase, same_request_is_the_same_action, 0, PLACES);
    tcase_add_loop_test(tcase, other_request_of_that_id_is_refused, 0, PLACES);
    tcase_add_loop_test(tcase, other_ids_and_devices_are_other_requests, 0, PLACES);
    tcase_add_test(tcase, request_in_flight_is_known);
    tcase_add_test(tcase, request_that_is_not_stored_never_was);
    tcase_add_test(tcase, request_that_is_refused_never_was);
    tcase_add_test(tcase, request_made_while_the_store_is_asked_is_known);
    tcase_add_test(tcase, request_does_not_fall_between_store_and_memory);
    return fleet_test_main(suite);
}
