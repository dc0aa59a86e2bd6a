/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/daemon.h"

#include "base/clock.h"
#include "base/log.h"
#include "build_config.h"
#include "bus/api.h"
#include "bus/changes.h"
#include "bus/listener.h"
#include "core/clock_watch.h"
#include "daemon/bus_link.h"
#include "daemon/config.h"
#include "daemon/journal.h"
#include "daemon/passed_socket.h"
#include "daemon/pruner.h"
#include "daemon/service.h"
#include "daemon/settings.h"
#include "daemon/startup.h"
#include "daemon/watchdog.h"

#include <glib-unix.h>
#include <signal.h>
#include <unistd.h>

/* An end within 5 s is promised: so long for the disk, and so long for clients that are slow to read. */
#define STORE_USEC (4000 * FLEET_USEC_PER_MSEC)
#define FLUSH_USEC (500 * FLEET_USEC_PER_MSEC)

struct FleetDaemon {
    const FleetOptions *options;
    GMainLoop *loop;
    FleetExitStatus status;
    guint signals[3]; /* sources, as in signal_numbers */

    FleetConfig *config;
    FleetStore *store;
    FleetTimers *timers;
    FleetPruner *pruner;
    FleetClockWatch *clock;
    int passed_socket; /* -1: none, or the listener has it */
    FleetWatchdog *watchdog;
    FleetStartup startup;
    FleetObservers observers;
    FleetObserverLink changes_link, journal_link, service_link;
    FleetLedger *ledger;
    FleetRegistry *registry;
    FleetPresenceWatch *presence;
    FleetEngine *engine;
    FleetHistory *history;

    FleetAuthority *authority;
    FleetApi api;
    FleetChanges *changes;
    FleetListener *listener; /* NULL: no private socket */
    FleetBusLink *bus;       /* NULL: no bus */
};

/* Those that fleetd is asked to do something by: to end, and the last to reload. */
static const int signal_numbers[] = {SIGTERM, SIGINT, SIGHUP};

static void mask_signal(int how, int number)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, number);
    if (pthread_sigmask(how, &set, NULL) != 0)
        g_assert_not_reached();
}

FleetDaemon *fleet_daemon_new(const FleetOptions *options)
{
    FleetDaemon *daemon = g_new0(FleetDaemon, 1);

    daemon->options = options;
    daemon->passed_socket = -1;
    daemon->loop = g_main_loop_new(NULL, FALSE);
    return daemon;
}

/* In the opposite order of its making. With their sources the handlers of the signals go, and a further SIGTERM would
 * end at once what is just about to end in order. */
void fleet_daemon_free(FleetDaemon *daemon)
{
    for (guint i = 0; i < G_N_ELEMENTS(daemon->signals); i++) {
        mask_signal(SIG_BLOCK, signal_numbers[i]);
        g_clear_handle_id(&daemon->signals[i], g_source_remove);
    }
    g_clear_pointer(&daemon->listener, fleet_listener_free);
    g_clear_pointer(&daemon->bus, fleet_bus_link_free);
    g_clear_pointer(&daemon->authority, fleet_authority_free);
    g_clear_pointer(&daemon->watchdog, fleet_watchdog_free);
    g_clear_pointer(&daemon->pruner, fleet_pruner_free);
    g_clear_pointer(&daemon->store, fleet_store_free);
    g_clear_pointer(&daemon->changes, fleet_changes_free);
    g_clear_pointer(&daemon->api.flow, fleet_flow_free);
    g_clear_pointer(&daemon->history, fleet_history_free);
    g_clear_pointer(&daemon->engine, fleet_engine_free);
    g_clear_pointer(&daemon->presence, fleet_presence_watch_free);
    g_clear_pointer(&daemon->registry, fleet_registry_free);
    g_clear_pointer(&daemon->ledger, fleet_ledger_free);
    g_clear_pointer(&daemon->clock, fleet_clock_watch_free);
    g_clear_pointer(&daemon->timers, fleet_timers_free);
    g_clear_pointer(&daemon->config, fleet_config_free);
    fleet_startup_clear(&daemon->startup);
    if (daemon->passed_socket >= 0)
        close(daemon->passed_socket);
    g_main_loop_unref(daemon->loop);
    g_free(daemon);
}

/* Logs why and says with which status to end. */
static FleetExitStatus fail(FleetExitStatus status, const GError *error)
{
    fleet_log_about(LOG_ERR, FLEET_LOG_SUBJECT(.message = FLEET_MESSAGE_START_FAILED), "%s", error->message);
    return status;
}

static FleetServiceState service_state(const FleetDaemon *daemon)
{
    return (FleetServiceState){.devices = fleet_registry_count(daemon->registry),
            .storage_works = fleet_ledger_storage_works(daemon->ledger),
            .bus_works = daemon->bus == NULL || fleet_bus_link_works(daemon->bus)};
}

/* Nothing else is told once it stops. */
static void tell_status(const FleetDaemon *daemon)
{
    const FleetServiceState state = service_state(daemon);

    if (!daemon->api.stopping)
        fleet_service_status(&state);
}

static void tell_ready(const FleetDaemon *daemon)
{
    const FleetServiceState state = service_state(daemon);

    fleet_service_ready(&state);
}

static void tell_alive(gpointer user_data)
{
    const FleetServiceState state = service_state(user_data);

    fleet_service_alive(&state);
}

/* The configuration. */

static void apply_config(FleetDaemon *daemon)
{
    fleet_settings_apply(daemon->config, daemon->options, daemon->engine, daemon->registry);
    fleet_presence_watch_configure(daemon->presence, daemon->config->tolerances, &daemon->config->tolerance);
    fleet_flow_configure(daemon->api.flow, &daemon->config->quotas);
    if (daemon->listener != NULL)
        fleet_listener_configure(daemon->listener, &daemon->config->quotas);
}

static FleetConfig *load_config(const FleetDaemon *daemon, GError **error)
{
    return fleet_config_load(daemon->options->config, daemon->options->config_given, error);
}

/* A configuration that cannot be used changes nothing. */
static gboolean reload(gpointer user_data, GError **error)
{
    FleetDaemon *daemon = user_data;
    g_autoptr(FleetConfig) old = NULL;
    g_autoptr(GError) local = NULL;

    fleet_service_reloading();
    FleetConfig *config = load_config(daemon, &local);
    if (config == NULL) {
        fleet_log_about(LOG_ERR, FLEET_LOG_SUBJECT(.message = FLEET_MESSAGE_CONFIGURATION_REFUSED),
                "the configuration is not reloaded, the old one stays: %s", local->message);
        g_propagate_error(error, g_steal_pointer(&local));
    } else {
        old = daemon->config;
        daemon->config = config;
        apply_config(daemon);
        fleet_pruner_configure(daemon->pruner, config);
        if (!g_strv_equal(fleet_action_types_names(old->action_types), fleet_action_types_names(config->action_types)))
            fleet_changes_announce_action_types(daemon->changes);
        fleet_log_about(LOG_NOTICE, FLEET_LOG_SUBJECT(.message = FLEET_MESSAGE_CONFIGURATION_RELOADED),
                "the configuration is reloaded");
    }
    tell_ready(daemon);
    return config != NULL;
}

/* Nobody is told of an error but the log. As with a call, what stops does not reload any more. */
static gboolean reload_on_signal(gpointer user_data)
{
    const FleetDaemon *daemon = user_data;

    if (!daemon->api.stopping)
        (void)reload(user_data, NULL);
    return G_SOURCE_CONTINUE;
}

/* The store, and what memory holds of it. */

static FleetExitStatus status_of_store_error(const GError *error)
{
    if (g_error_matches(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DIRECTORY))
        return FLEET_EXIT_STATE_DIRECTORY;
    if (g_error_matches(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_LOCKED))
        return FLEET_EXIT_LOCKED;
    return FLEET_EXIT_DATABASE;
}

static void load_device(FleetDevice *device, gpointer user_data)
{
    FleetDaemon *daemon = user_data;

    fleet_registry_load(daemon->registry, device);
    fleet_startup_count_device(&daemon->startup);
}

static void load_action(FleetAction *action, gpointer user_data)
{
    fleet_engine_load(((FleetDaemon *)user_data)->engine, action);
}

static gboolean load(FleetDaemon *daemon, GError **error)
{
    const FleetConfig *config = daemon->config;

    fleet_startup_begin(&daemon->startup);
    daemon->store = fleet_store_open(daemon->options->state_directory, &daemon->startup.progress, error);
    if (daemon->store == NULL)
        return FALSE;
    daemon->timers = fleet_timers_new();
    daemon->ledger = fleet_ledger_new(daemon->store, &daemon->observers);
    daemon->registry = fleet_registry_new(fleet_store_last_device_key(daemon->store), &daemon->observers);
    daemon->presence = fleet_presence_watch_new(daemon->ledger, daemon->registry, daemon->timers);
    daemon->engine = fleet_engine_new(daemon->ledger, daemon->registry, daemon->timers, daemon->presence,
            &daemon->observers, fleet_store_last_action_sequence(daemon->store));
    daemon->history = fleet_history_new(daemon->store, daemon->engine);
    fleet_startup_load(&daemon->startup);
    return fleet_store_load(daemon->store, fleet_clock_realtime() - config->finished_age, config->finished_actions,
            load_device, load_action, daemon, error);
}

static void storage_changed(gboolean works, const char *reason, gpointer user_data)
{
    tell_status(user_data);
}

static void clock_was_set(gpointer user_data)
{
    fleet_engine_clock_was_set(((FleetDaemon *)user_data)->engine);
}

static void start(FleetDaemon *daemon)
{
    static const FleetObserver service_observer = {.storage_changed = storage_changed};

    daemon->authority = fleet_authority_new();
    daemon->api = (FleetApi){.registry = daemon->registry,
            .presence = daemon->presence,
            .engine = daemon->engine,
            .history = daemon->history,
            .ledger = daemon->ledger,
            .timers = daemon->timers,
            .authority = daemon->authority,
            .reload = reload,
            .reload_data = daemon,
            .flow = fleet_flow_new()};
    apply_config(daemon);
    daemon->changes = fleet_changes_new(&daemon->api);
    daemon->service_link = (FleetObserverLink){.observer = &service_observer, .user_data = daemon};
    daemon->journal_link = (FleetObserverLink){
            .observer = &fleet_journal_observer, .user_data = daemon->ledger, .next = &daemon->service_link};
    daemon->changes_link = (FleetObserverLink){
            .observer = &fleet_changes_observer, .user_data = daemon->changes, .next = &daemon->journal_link};
    daemon->observers.first = &daemon->changes_link;
    fleet_ledger_start(daemon->ledger);
    daemon->clock = fleet_clock_watch_new(clock_was_set, daemon);
    daemon->pruner = fleet_pruner_new(daemon->timers, daemon->store, daemon->config);
}

/* The connections. */

/* The bus of a session goes with the session, so fleetd does too; the machine's comes back. */
static void bus_changed(gboolean works, gpointer user_data)
{
    FleetDaemon *daemon = user_data;

    tell_status(daemon);
    if (works || daemon->options->bus != FLEET_BUS_USER)
        return;
    daemon->status = FLEET_EXIT_BUS;
    g_main_loop_quit(daemon->loop);
}

/* Before anything else is done: a socket that does not fit is a fault of the unit. */
static gboolean take_socket(FleetDaemon *daemon, GError **error)
{
    if (!fleet_passed_socket_take(&daemon->passed_socket, error))
        return FALSE;
    if (daemon->passed_socket >= 0 && daemon->options->socket != NULL)
        fleet_log_notice("the socket '%s' is not made, for the service manager passes one", daemon->options->socket);
    return TRUE;
}

/* A socket that is passed takes the place of one of our own. */
static gboolean listen_privately(FleetDaemon *daemon, GError **error)
{
    const char *path = daemon->options->socket;

    if (daemon->passed_socket >= 0)
        daemon->listener =
                fleet_listener_new_from_fd(&daemon->api, daemon->changes, g_steal_fd(&daemon->passed_socket), error);
    else if (path != NULL)
        daemon->listener = fleet_listener_new(&daemon->api, daemon->changes, path, error);
    else
        return TRUE;
    return daemon->listener != NULL;
}

static FleetExitStatus publish(FleetDaemon *daemon)
{
    g_autoptr(GError) error = NULL;

    if (!listen_privately(daemon, &error))
        return fail(FLEET_EXIT_SOCKET, error);
    if (daemon->listener != NULL)
        fleet_listener_configure(daemon->listener, &daemon->config->quotas);
    if (daemon->options->bus == FLEET_BUS_NONE)
        return FLEET_EXIT_SUCCESS;
    daemon->bus = fleet_bus_link_new(
            &daemon->api, daemon->changes, daemon->options->bus == FLEET_BUS_USER, bus_changed, daemon);
    FleetExitStatus status = fleet_bus_link_start(daemon->bus, &error);
    return status == FLEET_EXIT_SUCCESS ? status : fail(status, error);
}

/* The end. */

static gboolean end(gpointer user_data)
{
    FleetDaemon *daemon = user_data;

    g_main_loop_quit(daemon->loop);
    return G_SOURCE_CONTINUE;
}

static gboolean is_stored(const FleetDaemon *daemon)
{
    return fleet_flow_is_idle(daemon->api.flow) && !fleet_ledger_is_busy(daemon->ledger) &&
           !fleet_history_is_busy(daemon->history);
}

static gboolean is_flushed(const FleetDaemon *daemon)
{
    return (daemon->bus == NULL || fleet_bus_link_is_flushed(daemon->bus)) &&
           (daemon->listener == NULL || fleet_listener_is_flushed(daemon->listener));
}

static void set_flag(FleetTimer *timer)
{
    *(gboolean *)timer->data = TRUE;
}

/* Lets the loop turn until the condition holds. FALSE if it does not within the time. */
static gboolean wait_until(FleetDaemon *daemon, gboolean (*condition)(const FleetDaemon *daemon), gint64 usec)
{
    gboolean late = FALSE;
    FleetTimer deadline = {.fire = set_flag, .data = &late};

    fleet_timers_set(daemon->timers, &deadline, fleet_clock_boottime() + usec);
    while (!condition(daemon) && !late)
        g_main_context_iteration(NULL, TRUE);
    fleet_timers_clear(daemon->timers, &deadline);
    return !late;
}

/* Everything accepted comes to the disk, and everything on disk is acknowledged. */
static void stop(FleetDaemon *daemon)
{
    fleet_service_stopping();
    fleet_log_about(LOG_INFO, FLEET_LOG_SUBJECT(.message = FLEET_MESSAGE_STOPPING), "fleetd stops");
    daemon->api.stopping = TRUE;
    g_clear_pointer(&daemon->watchdog, fleet_watchdog_free); /* what follows has times of its own */
    fleet_authority_refuse_all(daemon->authority);
    fleet_engine_stop(daemon->engine);
    fleet_presence_watch_stop(daemon->presence);
    if (daemon->bus != NULL)
        fleet_bus_link_stop_trying(daemon->bus);
    if (!wait_until(daemon, is_stored, STORE_USEC)) {
        /* The store's thread hangs in a system call, so nothing can be ended in order. */
        fleet_log_about(LOG_ERR, FLEET_LOG_SUBJECT(.message = FLEET_MESSAGE_CHANGES_LOST),
                "the disk does not answer; what was not acknowledged yet is given up");
        _exit(FLEET_EXIT_FAILURE);
    }
    if (!wait_until(daemon, is_flushed, FLUSH_USEC))
        fleet_log_warning("a client does not read the replies to its calls; they are dropped");
}

/* From here on a signal ends things in order. */
static void handle_signals(FleetDaemon *daemon)
{
    static const GSourceFunc functions[] = {end, end, reload_on_signal};

    for (guint i = 0; i < G_N_ELEMENTS(functions); i++)
        daemon->signals[i] = g_unix_signal_add(signal_numbers[i], functions[i], daemon);
    mask_signal(SIG_UNBLOCK, SIGHUP);
}

FleetExitStatus fleet_daemon_run(FleetDaemon *daemon)
{
    g_autoptr(GError) error = NULL;

    /* SIGTERM ends a start at once, as it ends any process: nothing has been promised to anybody yet. SIGHUP has to
     * wait for the start to be over. */
    mask_signal(SIG_BLOCK, SIGHUP);
    fleet_settings_configure_log(NULL, daemon->options);
    daemon->config = load_config(daemon, &error);
    if (daemon->config == NULL)
        return fail(FLEET_EXIT_CONFIGURATION, error);
    fleet_settings_configure_log(daemon->config, daemon->options);
    if (!take_socket(daemon, &error))
        return fail(FLEET_EXIT_SOCKET, error);
    if (!load(daemon, &error))
        return fail(status_of_store_error(error), error);

    handle_signals(daemon);
    start(daemon);
    daemon->status = publish(daemon);
    if (daemon->status != FLEET_EXIT_SUCCESS)
        return daemon->status;

    fleet_presence_watch_start(daemon->presence);
    fleet_engine_recover(daemon->engine);
    fleet_log_about(LOG_INFO, FLEET_LOG_SUBJECT(.message = FLEET_MESSAGE_STARTED), "fleetd %s looks after %u devices",
            FLEET_VERSION, fleet_registry_count(daemon->registry));
    tell_ready(daemon);
    daemon->watchdog =
            fleet_watchdog_new(daemon->timers, daemon->store, fleet_service_watchdog_interval(), tell_alive, daemon);
    g_main_loop_run(daemon->loop);
    stop(daemon);
    return daemon->status;
}
