/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers_test.h"

#include "lib/main.h"

#include <string.h>

static const char *const outcomes[] = {"success", "transient", "permanent", "uncertain", "rejected", "stopped"};

static FleetTestAttempt *find(FleetTestDriver *test, FleetAttemptId id)
{
    FleetTestAttempt *attempt = g_hash_table_lookup(test->attempts, &id.sequence);

    if (attempt == NULL || attempt->attempt.id.number != id.number)
        fleet_test_fail("a report of an attempt that does not exist");
    return attempt;
}

static void progress(FleetAttemptId id, double value, gpointer host_data)
{
    g_string_append_printf(find(host_data, id)->reports, "progress %.2f\n", value);
}

/* What is on its way to the disk. */
typedef struct {
    FleetTestDriver *test;
    FleetAttemptId id;
    char *phase; /* NULL = it is the point of no return */
} Stored;

static gboolean stored(gpointer data)
{
    g_autofree Stored *change = data;
    g_autofree char *word = change->phase;
    FleetTestAttempt *attempt = g_hash_table_lookup(change->test->attempts, &change->id.sequence);

    if (attempt == NULL || attempt->attempt.id.number != change->id.number)
        return G_SOURCE_REMOVE;
    if (word != NULL && !change->test->disk_full)
        fleet_action_set_text(&attempt->action->phase, word);
    else if (!change->test->disk_full)
        attempt->action->past_return = TRUE;
    if (change->test->lives && attempt->finished == 0 && change->test->class->stored != NULL)
        change->test->class->stored(change->test->driver, &attempt->attempt);
    return G_SOURCE_REMOVE;
}

static void store(FleetTestDriver *test, FleetAttemptId id, const char *word)
{
    Stored *change = g_new0(Stored, 1);

    change->test = test;
    change->id = id;
    change->phase = g_strdup(word);
    if (test->lives)
        g_timeout_add(2, stored, change);
    else
        (void)stored(change);
}

static void phase(FleetAttemptId id, const char *word, gpointer host_data)
{
    g_string_append_printf(find(host_data, id)->reports, "phase %s\n", word);
    store(host_data, id, word);
}

static void message(FleetAttemptId id, const char *text, gpointer host_data)
{
    g_string_append_printf(find(host_data, id)->reports, "message %s\n", text);
}

static void point_of_no_return(FleetAttemptId id, gpointer host_data)
{
    g_string_append(find(host_data, id)->reports, "point-of-no-return\n");
    store(host_data, id, NULL);
}

static void finished(FleetAttemptId id, FleetOutcome outcome, const char *text, const char *output, gpointer host_data)
{
    FleetTestAttempt *attempt = find(host_data, id);

    attempt->finished++;
    attempt->outcome = outcome;
    g_free(attempt->message);
    attempt->message = g_strdup(text);
    g_free(attempt->output);
    attempt->output = g_strdup(output);
    g_string_append_printf(attempt->reports, "finished %s\n", outcomes[outcome]);
}

static void presence(const char *device_id, FleetPresence state, gpointer host_data)
{
    FleetTestDriver *test = host_data;

    test->seen += state == FLEET_PRESENCE_ONLINE;
    test->presence = state;
}

static void unknown(FleetAttemptId id, const char *text, gpointer host_data)
{
    FleetTestAttempt *attempt = find(host_data, id);

    g_free(attempt->message);
    attempt->message = g_strdup(text);
    g_string_append(attempt->reports, "unknown\n");
}

typedef struct {
    FleetTestDriver *test;
    FleetAttemptId id;
    gint64 when;
} Wake;

/* An earlier wish that was replaced is of no effect. */
static gboolean woken(gpointer data)
{
    g_autofree Wake *wake = data;
    FleetTestAttempt *attempt = g_hash_table_lookup(wake->test->attempts, &wake->id.sequence);

    if (attempt == NULL || attempt->attempt.id.number != wake->id.number || attempt->wake_at != wake->when)
        return G_SOURCE_REMOVE;
    attempt->wake_at = 0;
    if (attempt->finished == 0)
        wake->test->class->wake(wake->test->driver, &attempt->attempt);
    return G_SOURCE_REMOVE;
}

static void wake_at(FleetAttemptId id, gint64 when, gpointer host_data)
{
    FleetTestDriver *test = host_data;
    gint64 left = MAX(when - fleet_clock_boottime(), 0);

    find(test, id)->wake_at = when;
    if (!test->lives)
        return;
    Wake *wake = g_new0(Wake, 1);
    *wake = (Wake){.test = test, .id = id, .when = when};
    g_timeout_add((guint)((left + FLEET_USEC_PER_MSEC - 1) / FLEET_USEC_PER_MSEC), woken, wake);
}

static const FleetDriverHost host = {
        .progress = progress,
        .phase = phase,
        .message = message,
        .point_of_no_return = point_of_no_return,
        .finished = finished,
        .presence = presence,
        .unknown = unknown,
        .wake_at = wake_at,
};

static void free_attempt(gpointer data)
{
    FleetTestAttempt *attempt = data;

    g_string_free(attempt->reports, TRUE);
    fleet_action_unref(attempt->action);
    fleet_device_unref(attempt->attempt.device);
    g_free(attempt->message);
    g_free(attempt->output);
    g_free(attempt);
}

FleetTestDriver *fleet_test_driver_new(const FleetDriverClass *class)
{
    FleetTestDriver *test = g_new0(FleetTestDriver, 1);

    test->class = class;
    test->device_id = "router-1";
    test->driver = class->create(&host, test);
    test->attempts = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, free_attempt);
    return test;
}

static void release_all(FleetTestDriver *test)
{
    GHashTableIter iter;
    gpointer attempt;

    g_hash_table_iter_init(&iter, test->attempts);
    while (g_hash_table_iter_next(&iter, NULL, &attempt))
        test->class->release(test->driver, &((FleetTestAttempt *)attempt)->attempt);
}

void fleet_test_driver_free(FleetTestDriver *test)
{
    release_all(test);
    test->class->destroy(test->driver);
    g_hash_table_unref(test->attempts);
    g_free(test);
}

void fleet_test_driver_restart(FleetTestDriver *test)
{
    release_all(test);
    test->class->destroy(test->driver);
    test->driver = test->class->create(&host, test);
}

FleetTestAttempt *fleet_test_attempt_new(
        FleetTestDriver *test, gint64 sequence, guint number, const char *type, const char *const *parameters)
{
    FleetTestAttempt *attempt = g_new0(FleetTestAttempt, 1);
    g_autoptr(GError) error = NULL;
    g_autoptr(FleetDevice) device = fleet_device_new(test->device_id, "Router One", "router", test->class->name);
    g_autoptr(FleetParameters) values =
            parameters != NULL ? fleet_parameters_new(parameters, g_strv_length((char **)parameters) / 2, &error)
                               : fleet_parameters_new_empty();
    g_autoptr(GRefString) interned = g_ref_string_new_intern(type);
    g_autoptr(GRefString) driver = g_ref_string_new_intern(test->class->name);

    fleet_test_assert_no_error(error);
    attempt->action = fleet_action_new(
            (FleetActionId){.msec = 1700000000000, .sequence = sequence}, device->id, interned, driver, values);
    attempt->action->status = FLEET_ACTION_RUNNING;
    attempt->action->attempt = number;
    attempt->action->attempt_started = fleet_clock_now();
    if (test->address != NULL)
        fleet_device_set_address(device, test->address);
    attempt->attempt = (FleetAttempt){.id = {.sequence = sequence, .number = number},
            .action = attempt->action,
            .device = g_steal_pointer(&device),
            .started = fleet_clock_boottime()};
    attempt->reports = g_string_new(NULL);
    g_hash_table_replace(test->attempts, &attempt->attempt.id.sequence, attempt);
    return attempt;
}

gboolean fleet_test_attempt_plan(FleetTestDriver *test, FleetTestAttempt *attempt, GError **error)
{
    GRefString *plan = test->class->plan(test->driver, attempt->action, attempt->attempt.device, error);

    if (plan == NULL)
        return FALSE;
    g_ref_string_release(attempt->action->plan);
    attempt->action->plan = plan;
    return TRUE;
}

void fleet_test_attempt_start(FleetTestDriver *test, FleetTestAttempt *attempt)
{
    g_autoptr(GError) error = NULL;

    if (!fleet_test_attempt_plan(test, attempt, &error))
        fleet_test_fail("no plan: %s", error->message);
    test->class->start(test->driver, &attempt->attempt);
}

void fleet_test_attempt_reattach(FleetTestDriver *test, FleetTestAttempt *attempt)
{
    test->class->reattach(test->driver, &attempt->attempt);
}

void fleet_test_attempt_cancel(FleetTestDriver *test, FleetTestAttempt *attempt)
{
    test->class->cancel(test->driver, &attempt->attempt);
}

void fleet_test_attempt_release(FleetTestDriver *test, FleetTestAttempt *attempt)
{
    attempt->action->status = FLEET_ACTION_COMPLETED;
    test->class->release(test->driver, &attempt->attempt);
}

typedef gboolean (*Condition)(gconstpointer what, const char *line);

static gboolean passed(gpointer data)
{
    *(gboolean *)data = TRUE;
    return G_SOURCE_REMOVE;
}

/* The condition is looked at after each turn of the loop; a tick now and then is for what no source tells of. */
static gboolean wait_for(Condition condition, gconstpointer what, const char *line)
{
    gint64 deadline = fleet_test_deadline(FLEET_TEST_PATIENCE);

    while (!condition(what, line)) {
        gboolean tick = FALSE;
        guint source = g_timeout_add(20, passed, &tick);

        g_main_context_iteration(NULL, TRUE);
        if (!tick)
            g_source_remove(source);
        if (fleet_test_remaining(deadline) == 0)
            return FALSE;
    }
    return TRUE;
}

static gboolean has_finished(gconstpointer what, const char *line)
{
    return ((const FleetTestAttempt *)what)->finished > 0;
}

static gboolean has_report(gconstpointer what, const char *line)
{
    const FleetTestAttempt *attempt = what;
    g_autofree char *all = g_strconcat("\n", attempt->reports->str, NULL);
    g_autofree char *wanted = g_strconcat("\n", line, "\n", NULL);

    return strstr(all, wanted) != NULL;
}

void fleet_test_attempt_wait(FleetTestAttempt *attempt)
{
    if (!wait_for(has_finished, attempt, NULL))
        fleet_test_fail("it does not finish; reports:\n%s", attempt->reports->str);
}

void fleet_test_attempt_wait_report(FleetTestAttempt *attempt, const char *line)
{
    if (!wait_for(has_report, attempt, line))
        fleet_test_fail("'%s' is not reported; reports:\n%s", line, attempt->reports->str);
}

static gboolean is_there(gconstpointer what, const char *line)
{
    return g_file_test(what, G_FILE_TEST_EXISTS);
}

static gboolean is_gone(gconstpointer what, const char *line)
{
    return !is_there(what, line);
}

void fleet_test_wait_file(const char *path, gboolean there)
{
    if (!wait_for(there ? is_there : is_gone, path, NULL))
        fleet_test_fail("'%s' is %s", path, there ? "not there" : "still there");
}
