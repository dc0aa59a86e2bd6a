/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "core_test.h"

#include "base/error.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>

#define FINISHED_MAX 1000
#define FINISHED_AGE (3600 * FLEET_USEC_PER_SEC)
#define RUNNING_MAX 1000
#define TIMEOUT (3600 * FLEET_USEC_PER_SEC)

static void note(FleetTestCore *core, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void note(FleetTestCore *core, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    g_string_append_vprintf(core->events, format, ap);
    va_end(ap);
    g_string_append_c(core->events, '\n');
}

/* libcheck's own assertions write to a file, which a broken disk does not take. */
static void expect(gboolean holds, const char *else_what)
{
    if (!holds)
        fleet_test_fail("%s", else_what);
}

/* A staging function succeeds, or says why not. */
static void expect_staged(gboolean staged, const GError *error)
{
    expect(staged == (error == NULL), "an error where none is due, or none where one is");
}

/* The recording observer. */

static void tell(FleetTestCore *core, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void tell(FleetTestCore *core, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, format);
    text = g_strdup_vprintf(format, ap);
    va_end(ap);
    core->told = TRUE;
    note(core, "%s", text);
}

static void device_added(const FleetDevice *device, gpointer user_data)
{
    tell(user_data, "device added %s %s", device->id, fleet_device_status_to_string(device->status));
}

static void device_changed(const FleetDevice *before, const FleetDevice *after, gpointer user_data)
{
    expect(g_str_equal(before->id, after->id), "a device changes its id");
    if (before->presence != after->presence) {
        tell(user_data, "device %s %s->%s", after->id, fleet_presence_to_string(before->presence),
                fleet_presence_to_string(after->presence));
        if (before->status == after->status)
            return;
    }
    tell(user_data, "device changed %s %s->%s", after->id, fleet_device_status_to_string(before->status),
            fleet_device_status_to_string(after->status));
}

static void device_removed(const FleetDevice *device, gpointer user_data)
{
    tell(user_data, "device removed %s", device->id);
}

static void action_added(const FleetAction *action, gpointer user_data)
{
    tell(user_data, "action added %" G_GINT64_FORMAT " %s", action->id.sequence,
            fleet_action_status_to_string(action->status));
}

static void action_changed(const FleetAction *before, const FleetAction *after, gpointer user_data)
{
    FleetTestCore *core = user_data;

    expect(before->id.sequence == after->id.sequence, "an action changes its id");
    if (before->status == after->status)
        g_ptr_array_add(core->details, fleet_action_ref(after));
    else
        tell(core, "action changed %" G_GINT64_FORMAT " %s->%s", after->id.sequence,
                fleet_action_status_to_string(before->status), fleet_action_status_to_string(after->status));
}

static void action_removed(const FleetAction *action, gpointer user_data)
{
    note(user_data, "action removed %" G_GINT64_FORMAT, action->id.sequence);
}

static void committed(gpointer user_data)
{
    FleetTestCore *core = user_data;

    if (core->told)
        note(core, "committed");
    core->told = FALSE;
}

static void storage_changed(gboolean works, const char *reason, gpointer user_data)
{
    note(user_data, "storage %s", works ? "ok" : "failed");
}

static const FleetObserver recorder = {.device_added = device_added,
        .device_changed = device_changed,
        .device_removed = device_removed,
        .action_added = action_added,
        .action_changed = action_changed,
        .action_removed = action_removed,
        .committed = committed,
        .storage_changed = storage_changed};

static void load_device(FleetDevice *device, gpointer user_data)
{
    fleet_registry_load(((FleetTestCore *)user_data)->registry, device);
}

static void load_action(FleetAction *action, gpointer user_data)
{
    fleet_engine_load(((FleetTestCore *)user_data)->engine, action);
}

static void unref_action(gpointer action)
{
    fleet_action_unref(action);
}

FleetTestCore *fleet_test_core_new(const char *directory)
{
    FleetTestCore *core = g_new0(FleetTestCore, 1);
    g_autoptr(GError) error = NULL;

    signal(SIGXFSZ, SIG_IGN); /* as fleetd does */
    core->events = g_string_new(NULL);
    core->details = g_ptr_array_new_with_free_func(unref_action);
    core->link = (FleetObserverLink){.observer = &recorder, .user_data = core};
    core->types = fleet_action_types_new();
    core->parameters = fleet_parameters_new_empty();
    core->store = fleet_store_open(directory, NULL, &error);
    fleet_test_assert_no_error(error);
    core->timers = fleet_timers_new();
    core->ledger = fleet_ledger_new(core->store, &core->observers);
    core->registry = fleet_registry_new(fleet_store_last_device_key(core->store), &core->observers);
    core->presence = fleet_presence_watch_new(core->ledger, core->registry, core->timers);
    core->engine = fleet_engine_new(core->ledger, core->registry, core->timers, core->presence, &core->observers,
            fleet_store_last_action_sequence(core->store));
    core->history = fleet_history_new(core->store, core->engine);
    core->settings = (FleetEngineSettings){.types = core->types,
            .finished_max = FINISHED_MAX,
            .finished_age = FINISHED_AGE,
            .running_max = RUNNING_MAX,
            .cancel_timeout = TIMEOUT,
            .recovery_timeout = TIMEOUT};
    fleet_test_core_configure(core);
    fleet_test_core_simulate(core, 0, 1.0);
    if (!fleet_store_load(core->store, 0, FINISHED_MAX, load_device, load_action, core, &error))
        fleet_test_assert_no_error(error);
    core->observers.first = &core->link;
    fleet_ledger_start(core->ledger);
    return core;
}

void fleet_test_core_free(FleetTestCore *core)
{
    fleet_store_free(core->store);
    fleet_history_free(core->history);
    fleet_engine_free(core->engine);
    fleet_presence_watch_free(core->presence);
    fleet_registry_free(core->registry);
    fleet_ledger_free(core->ledger);
    fleet_timers_free(core->timers);
    fleet_action_types_free(core->types);
    fleet_parameters_unref(core->parameters);
    g_string_free(core->events, TRUE);
    g_ptr_array_unref(core->details);
    g_clear_error(&core->failure);
    g_free(core);
}

void fleet_test_core_simulate(FleetTestCore *core, gint64 duration, double success_rate)
{
    const FleetSimulation simulation = {
            .min_duration = duration, .max_duration = duration, .success_rate = success_rate};

    fleet_simulated_driver_configure(fleet_engine_driver(core->engine, "simulated"), &simulation);
}

/* The driver that the check has taken over; there is one at a time. */
static FleetTestCore *by_hand;

static GRefString *plan_by_hand(
        FleetDriver *driver, const FleetAction *action, const FleetDevice *device, GError **error)
{
    if (!by_hand->refuses)
        return g_ref_string_new("by hand");
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_UNSUPPORTED, "the driver does not do this");
    return NULL;
}

static void note_attempt(const char *what, const FleetAttempt *attempt)
{
    note(by_hand, "driver %s %" G_GINT64_FORMAT "/%u", what, attempt->id.sequence, attempt->id.number);
}

static void start_by_hand(FleetDriver *driver, FleetAttempt *attempt)
{
    note_attempt("starts", attempt);
}

static void reattach_by_hand(FleetDriver *driver, FleetAttempt *attempt)
{
    note_attempt("finds", attempt);
}

static void cancel_by_hand(FleetDriver *driver, FleetAttempt *attempt)
{
    note_attempt("stops", attempt);
}

static void release_by_hand(FleetDriver *driver, FleetAttempt *attempt)
{
    note_attempt("lets go", attempt);
}

FleetDriver *fleet_test_core_driver(const FleetTestCore *core)
{
    return fleet_engine_driver(core->engine, "simulated");
}

void fleet_test_core_take_over(FleetTestCore *core)
{
    static FleetDriverClass class;

    class = fleet_simulated_driver_class;
    class.plan = plan_by_hand;
    class.start = start_by_hand;
    class.reattach = reattach_by_hand;
    class.cancel = cancel_by_hand;
    class.release = release_by_hand;
    by_hand = core;
    fleet_test_core_driver(core)->class = &class;
}

void fleet_test_core_finish(FleetTestCore *core, gint64 sequence, guint attempt, FleetOutcome outcome)
{
    const FleetDriver *driver = fleet_test_core_driver(core);

    driver->host->finished(
            (FleetAttemptId){.sequence = sequence, .number = attempt}, outcome, "so it was", "", driver->host_data);
}

void fleet_test_core_phase(FleetTestCore *core, gint64 sequence, guint attempt, const char *phase)
{
    const FleetDriver *driver = fleet_test_core_driver(core);

    driver->host->phase((FleetAttemptId){.sequence = sequence, .number = attempt}, phase, driver->host_data);
}

void fleet_test_core_configure(FleetTestCore *core)
{
    fleet_engine_configure(core->engine, &core->settings);
}

void fleet_test_core_retain(FleetTestCore *core, guint finished_max, gint64 finished_age)
{
    core->settings.finished_max = finished_max;
    core->settings.finished_age = finished_age;
    fleet_test_core_configure(core);
}

/* Named changes. */

typedef struct {
    FleetTestCore *core;
    const char *name;
} Named;

static void done(const GError *error, gpointer user_data)
{
    g_autofree Named *named = user_data;
    FleetTestCore *core = named->core;

    if (error == NULL) {
        note(core, "done %s", named->name);
        return;
    }
    expect(error->domain == FLEET_ERROR, "an error is not of the API's domain");
    note(core, "%s: %s", named->name, strrchr(fleet_error_name((FleetError)error->code), '.') + 1);
    g_clear_error(&core->failure);
    core->failure = g_error_copy(error);
}

void fleet_test_core_end(FleetTestCore *core, const char *name, FleetTransaction *transaction, GError *error)
{
    Named *named = g_new0(Named, 1);

    named->core = core;
    named->name = name;
    if (error == NULL)
        fleet_transaction_submit(transaction, done, named);
    else
        fleet_transaction_refuse(transaction, error, done, named);
}

void fleet_test_core_register(FleetTestCore *core, const char *name, const char *id)
{
    const FleetDeviceSpec spec = {.id = id, .name = "", .type = "router", .status = "", .driver = "", .address = ""};
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);
    GError *error = NULL;

    gboolean staged = fleet_registry_stage_register(core->registry, transaction, &spec, &error);
    expect_staged(staged, error);
    fleet_test_core_end(core, name, transaction, error);
}

void fleet_test_core_status(FleetTestCore *core, const char *name, const char *id, FleetDeviceStatus status)
{
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);
    FleetStatusChange change;
    GError *error = NULL;

    gboolean staged = fleet_registry_stage_status(core->registry, transaction, id, status, &change, &error);
    expect_staged(staged, error);
    fleet_test_core_end(core, name, transaction, error);
}

void fleet_test_core_update(FleetTestCore *core, const char *name, const char *id, const char *new_name)
{
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);
    const FleetDeviceUpdate update = {.name = new_name};
    GError *error = NULL;

    gboolean staged = fleet_registry_stage_update(core->registry, transaction, id, &update, &error);
    expect_staged(staged, error);
    fleet_test_core_end(core, name, transaction, error);
}

void fleet_test_core_unregister(FleetTestCore *core, const char *name, const char *id)
{
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);
    GError *error = NULL;

    gboolean staged = fleet_registry_stage_unregister(core->registry, transaction, id, &error);
    expect_staged(staged, error);
    fleet_test_core_end(core, name, transaction, error);
}

FleetActionRequest fleet_test_core_request(const FleetTestCore *core, const char *id)
{
    return (FleetActionRequest){.device_id = id,
            .type = "SOFTWARE_UPDATE",
            .parameters = core->parameters,
            .owner_uid = 1000,
            .policy = fleet_policy_default,
            .request_id = ""};
}

FleetInitiated fleet_test_core_initiate_as(FleetTestCore *core, const char *name, const FleetActionRequest *request)
{
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);
    FleetInitiated initiated = {0};
    GError *error = NULL;

    gboolean staged = fleet_engine_stage_initiate(core->engine, transaction, request, &initiated, &error);
    expect_staged(staged, error);
    fleet_test_core_end(core, name, transaction, error);
    return initiated;
}

FleetActionId fleet_test_core_initiate(FleetTestCore *core, const char *name, const char *id)
{
    const FleetActionRequest request = fleet_test_core_request(core, id);

    return fleet_test_core_initiate_as(core, name, &request).id;
}

FleetActionStatus fleet_test_core_cancel(FleetTestCore *core, const char *name, FleetActionId id, gboolean force)
{
    FleetTransaction *transaction = fleet_transaction_new(core->ledger);
    FleetActionStatus status = FLEET_ACTION_STATUS_LAST_;
    GError *error = NULL;

    gboolean staged = fleet_engine_stage_cancel(core->engine, transaction, id, force, &status, &error);
    expect_staged(staged, error);
    fleet_test_core_end(core, name, transaction, error);
    return status;
}

/* Waiting. */

static gboolean expire(gpointer user_data)
{
    *(gboolean *)user_data = TRUE;
    return G_SOURCE_REMOVE;
}

static guint start_deadline(gboolean *expired)
{
    return g_timeout_add((guint)(FLEET_TEST_PATIENCE * fleet_test_slowness() * 1000), expire, expired);
}

void fleet_test_core_settle(FleetTestCore *core)
{
    gboolean expired = FALSE;
    guint deadline = start_deadline(&expired);

    while (fleet_ledger_is_busy(core->ledger) && !expired)
        g_main_context_iteration(NULL, TRUE);
    if (expired)
        fleet_test_fail("transactions do not come back; until then:\n%s", core->events->str);
    g_source_remove(deadline);
}

static void come(FleetTimer *timer)
{
    *(gboolean *)timer->data = TRUE;
}

void fleet_test_core_run_until(FleetTestCore *core, gint64 moment)
{
    gboolean passed = FALSE;
    FleetTimer timer = {.fire = come, .data = &passed};

    fleet_timers_set(core->timers, &timer, moment);
    while (!passed)
        g_main_context_iteration(NULL, TRUE);
}

void fleet_test_core_rest(FleetTestCore *core)
{
    gsize before;

    do {
        before = core->events->len;
        fleet_test_core_settle(core);
        /* Everything that is due by now is done before a timer that is set now. */
        fleet_test_core_run_until(core, fleet_clock_boottime());
    } while (core->events->len != before || fleet_ledger_is_busy(core->ledger));
}

void fleet_test_core_forget(FleetTestCore *core)
{
    g_string_truncate(core->events, 0);
}

void fleet_test_core_wait(FleetTestCore *core, const char *event)
{
    gboolean expired = FALSE;
    guint deadline = start_deadline(&expired);

    while (fleet_test_core_count(core, event) == 0 && !expired)
        g_main_context_iteration(NULL, TRUE);
    if (expired)
        fleet_test_fail("'%s' does not come; these did:\n%s", event, core->events->str);
    g_source_remove(deadline);
}

guint fleet_test_core_count(const FleetTestCore *core, const char *event)
{
    gsize length = strlen(event);
    guint count = 0;

    for (const char *line = core->events->str; *line != '\0'; line = strchr(line, '\n') + 1)
        count += strncmp(line, event, length) == 0 && line[length] == '\n';
    return count;
}

void fleet_test_core_assert_events_at(const char *file, int line, FleetTestCore *core, ...)
{
    g_autoptr(GString) expected = g_string_new(NULL);
    const char *event;
    va_list ap;

    va_start(ap, core);
    while ((event = va_arg(ap, const char *)) != NULL)
        g_string_append_printf(expected, "%s\n", event);
    va_end(ap);
    if (!g_string_equal(expected, core->events))
        fleet_test_fail_at(file, line, "expected these events:\n%sbut got:\n%s", expected->str, core->events->str);
    g_string_truncate(core->events, 0);
}

static gboolean print_device(const FleetDevice *device, gpointer user_data)
{
    GString *text = user_data;

    g_string_append_printf(
            text, "%s%s %s", text->len > 0 ? ", " : "", device->id, fleet_device_status_to_string(device->status));
    return TRUE;
}

char *fleet_test_core_devices(const FleetTestCore *core, const char *start, gboolean inclusive)
{
    GString *text = g_string_new(NULL);

    fleet_registry_visit(core->registry, start, inclusive, print_device, text);
    return g_string_free(text, FALSE);
}

static void limit_files(rlim_t size)
{
    const struct rlimit limit = {size, RLIM_INFINITY};

    expect(setrlimit(RLIMIT_FSIZE, &limit) == 0, "the size of files cannot be limited");
}

/* No whole page fits into the store's log. */
void fleet_test_core_break_disk(void)
{
    limit_files(4096);
}

void fleet_test_core_mend_disk(void)
{
    limit_files(RLIM_INFINITY);
}
