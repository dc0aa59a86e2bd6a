/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "build_config.h"
#include "daemon/config.h"

#include "base/clock.h"
#include "base/error.h"
#include "lib/main.h"

#include <glib/gstdio.h>
#include <syslog.h>

/* All that there may be. */
#define GROUPS                                                                                                         \
    "[Actions], [Retention], [Quota], [Presence], [Simulation], [Log], [ActionType NAME], [DeviceType NAME], "         \
    "[Command ACTION-TYPE], [RemoteBus], [RemoteBus ACTION-TYPE], [RemoteBusType TYPE], [RemoteBusDevice ID], "        \
    "[ThinEdge]"
#define DRIVERS "simulated, command, remote-bus" MQTT_DRIVERS
#if FLEET_HAVE_MQTT
#define MQTT_DRIVERS ", thin-edge"
#else
#define MQTT_DRIVERS ""
#endif

/* A configuration file that has drop-ins beside it. */
static char *make_file(const char *text)
{
    g_autofree char *directory = fleet_test_directory_new();
    char *path = g_build_filename(directory, "fleetd.conf", NULL);

    if (text != NULL)
        fleet_test_write(path, text);
    return path;
}

static void add_drop_in(const char *path, const char *name, const char *text)
{
    g_autofree char *directory = g_strdup_printf("%s.d", path);
    g_autofree char *file = g_build_filename(directory, name, NULL);

    ck_assert_int_eq(g_mkdir_with_parents(directory, 0755), 0);
    fleet_test_write(file, text);
}

static FleetConfig *load(const char *path)
{
    g_autoptr(GError) error = NULL;
    FleetConfig *config = fleet_config_load(path, TRUE, &error);

    fleet_test_assert_no_error(error);
    ck_assert_ptr_nonnull(config);
    return config;
}

/* Loading fails, and the message is the file's path with this behind it. */
static void assert_refused(const char *path, const char *rest)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(FleetConfig) config = fleet_config_load(path, TRUE, &error);
    g_autofree char *expected = g_strconcat(path, rest, NULL);

    ck_assert_ptr_null(config);
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    ck_assert_str_eq(error->message, expected);
}

static void assert_default_policy(const FleetActionType *type)
{
    const FleetPolicy *policy = &type->policy;

    ck_assert_uint_eq(type->running_max, FLEET_RUNNING_UNLIMITED);
    ck_assert_int_eq(policy->timeout, 0);
    ck_assert_int_eq(policy->step_timeout, 0);
    ck_assert_uint_eq(policy->max_attempts, 1);
    ck_assert_int_eq(policy->retry_delay, 10 * FLEET_USEC_PER_SEC);
    ck_assert_double_eq(policy->retry_factor, 2);
    ck_assert_int_eq(policy->retry_cap, 600 * FLEET_USEC_PER_SEC);
    ck_assert_double_eq(policy->retry_jitter, 0.1);
}

static void assert_defaults(const FleetConfig *config)
{
    ck_assert_uint_eq(config->running_max, 1000);
    ck_assert_int_eq(config->cancel_timeout, 60 * FLEET_USEC_PER_SEC);
    ck_assert_int_eq(config->recovery_timeout, 300 * FLEET_USEC_PER_SEC);
    ck_assert_int_eq(config->history_actions, 1000000);
    ck_assert_int_eq(config->history_age, 365 * 86400 * FLEET_USEC_PER_SEC);
    ck_assert_int_eq(config->audit_entries, 1000000);
    ck_assert_int_eq(config->audit_age, 365 * 86400 * FLEET_USEC_PER_SEC);
    ck_assert_double_eq(config->transient_rate, 0);
    assert_default_policy(fleet_action_types_find(config->action_types, "SOFTWARE_UPDATE"));
    ck_assert_int_eq(config->min_duration, 10 * FLEET_USEC_PER_SEC);
    ck_assert_int_eq(config->max_duration, 30 * FLEET_USEC_PER_SEC);
    ck_assert_double_eq(config->success_rate, 0.9);
    ck_assert(!config->seed_set);
    ck_assert_uint_eq(config->finished_actions, 1000);
    ck_assert_int_eq(config->finished_age, 3600 * FLEET_USEC_PER_SEC);
    ck_assert_int_eq(config->log_level, LOG_INFO);
    ck_assert_uint_eq(config->quotas.limits[FLEET_QUOTA_CALLS], 1024);
    ck_assert_uint_eq(config->quotas.limits[FLEET_QUOTA_CONNECTIONS], 64);
    ck_assert_uint_eq(config->quotas.limits[FLEET_QUOTA_PENDING_ACTIONS], 10000);
    ck_assert_uint_eq(config->quotas.limits[FLEET_QUOTA_DEVICES], 100000);
    ck_assert_int_eq(config->log_target, FLEET_LOG_AUTO);
    ck_assert_int_eq(config->tolerance.offline_after, 0);
    ck_assert_int_eq(config->tolerance.online_after, 0);
    ck_assert_ptr_null(config->thin_edge->broker);
    ck_assert_uint_eq(config->thin_edge->keep_alive, 60);
    ck_assert_str_eq(config->thin_edge->root, "te");
    ck_assert_str_eq(config->thin_edge->health_service, "tedge-agent");
    ck_assert(!config->thin_edge->auto_register);
    ck_assert_str_eq(config->thin_edge->auto_register_type, "thin-edge");
    ck_assert_uint_eq(config->thin_edge->auto_register_max, 10000);
}

START_TEST(missing_default_file_gives_defaults)
{
    g_autofree char *path = make_file(NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(FleetConfig) config = fleet_config_load(path, FALSE, &error);

    fleet_test_assert_no_error(error);
    assert_defaults(config);
    ck_assert_uint_eq(g_strv_length((char **)fleet_action_types_names(config->action_types)), 4);
    ck_assert_uint_eq(g_hash_table_size(config->tolerances), 0);
}
END_TEST

START_TEST(missing_required_file_is_refused)
{
    g_autofree char *path = make_file(NULL);
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(fleet_config_load(path, TRUE, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    fleet_test_assert_contains(error->message, path);
    fleet_test_assert_contains(error->message, "No such file");
}
END_TEST

START_TEST(unreadable_file_is_refused_even_by_default)
{
    g_autofree char *path = make_file(NULL);
    g_autoptr(GError) error = NULL;

    ck_assert_int_eq(g_mkdir(path, 0755), 0); /* a directory is there, but cannot be read as a file by anyone */
    ck_assert_ptr_null(fleet_config_load(path, FALSE, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    fleet_test_assert_contains(error->message, path);
}
END_TEST

START_TEST(unreadable_drop_in_directory_is_refused)
{
    g_autofree char *path = make_file("");
    g_autofree char *drop_ins = g_strdup_printf("%s.d", path);
    g_autoptr(GError) error = NULL;

    fleet_test_write(drop_ins, "a file where a directory should be");
    ck_assert_ptr_null(fleet_config_load(path, TRUE, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    fleet_test_assert_contains(error->message, drop_ins);
}
END_TEST

START_TEST(every_key_is_read)
{
    g_autofree char *path = make_file("[Actions]\nRunningMax=7\nCancelTimeout=90s\nRecoveryTimeout=1h\n"
                                      "[Simulation]\nMinDuration=1min 5s\nMaxDuration = 2h \nSuccessRate=0.25\n"
                                      "TransientRate=0.5\nSeed=18446744073709551615\n"
                                      "[Retention]\nFinishedActions=100000\nFinishedActionsAge=250ms\n"
                                      "HistoryActions=5\nHistoryAge=7d\nAuditEntries=6\nAuditAge=8d\n"
                                      "[Quota]\nCallsPerUser=11\nConnectionsPerUser=12\n"
                                      "PendingActionsPerUser=13\nDevicesPerUser=14\n"
                                      "[Presence]\nHeartbeatInterval=20s\nOfflineAfter=50s\nOnlineAfter=5s\n"
                                      "[Log]\nLevel=debug\nTarget=console-prefixed\n"
                                      "[ActionType CALIBRATION]\nDeviceStatus=UPDATING\n"
                                      "[ActionType SOFTWARE_UPDATE]\nDeviceStatus=BUSY\n");
    g_autoptr(FleetConfig) config = load(path);
    const FleetActionType *type;

    ck_assert_uint_eq(config->running_max, 7);
    ck_assert_int_eq(config->cancel_timeout, 90 * FLEET_USEC_PER_SEC);
    ck_assert_int_eq(config->recovery_timeout, 3600 * FLEET_USEC_PER_SEC);
    ck_assert_int_eq(config->history_actions, 5);
    ck_assert_int_eq(config->history_age, 7 * 86400 * FLEET_USEC_PER_SEC);
    ck_assert_int_eq(config->audit_entries, 6);
    ck_assert_int_eq(config->audit_age, 8 * 86400 * FLEET_USEC_PER_SEC);
    ck_assert_double_eq(config->transient_rate, 0.5);
    ck_assert_int_eq(config->min_duration, 65 * FLEET_USEC_PER_SEC);
    ck_assert_int_eq(config->max_duration, 7200 * FLEET_USEC_PER_SEC);
    ck_assert_double_eq(config->success_rate, 0.25);
    ck_assert(config->seed_set);
    ck_assert(config->seed == G_MAXUINT64);
    ck_assert_uint_eq(config->finished_actions, 100000);
    ck_assert_int_eq(config->finished_age, 250000);
    ck_assert_int_eq(config->log_level, LOG_DEBUG);
    ck_assert_uint_eq(config->quotas.limits[FLEET_QUOTA_CALLS], 11);
    ck_assert_uint_eq(config->quotas.limits[FLEET_QUOTA_CONNECTIONS], 12);
    ck_assert_uint_eq(config->quotas.limits[FLEET_QUOTA_PENDING_ACTIONS], 13);
    ck_assert_uint_eq(config->quotas.limits[FLEET_QUOTA_DEVICES], 14);
    ck_assert_int_eq(config->log_target, FLEET_LOG_CONSOLE_PREFIXED);
    ck_assert_int_eq(config->tolerance.offline_after, 50 * FLEET_USEC_PER_SEC);
    ck_assert_int_eq(config->tolerance.online_after, 5 * FLEET_USEC_PER_SEC);

    type = fleet_action_types_lookup(config->action_types, "CALIBRATION", NULL);
    ck_assert_ptr_nonnull(type);
    ck_assert_int_eq(type->device_status, FLEET_DEVICE_UPDATING);
    type = fleet_action_types_lookup(config->action_types, "SOFTWARE_UPDATE", NULL);
    ck_assert_ptr_nonnull(type);
    ck_assert_int_eq(type->device_status, FLEET_DEVICE_BUSY);
}
END_TEST

START_TEST(every_key_of_an_action_type_is_read)
{
    g_autofree char *path = make_file("[ActionType CALIBRATION]\nDeviceStatus=UPDATING\nRunningMax=3\nTimeout=1h\n"
                                      "StepTimeout=1min\nMaxAttempts=4\nRetryDelay=5s\nRetryFactor=1.5\n"
                                      "RetryCap=2min\nRetryJitter=0.75\n");
    g_autoptr(FleetConfig) config = load(path);
    const FleetActionType *type = fleet_action_types_find(config->action_types, "CALIBRATION");

    ck_assert_ptr_nonnull(type);
    ck_assert_int_eq(type->device_status, FLEET_DEVICE_UPDATING);
    ck_assert_uint_eq(type->running_max, 3);
    ck_assert_int_eq(type->policy.timeout, 3600 * FLEET_USEC_PER_SEC);
    ck_assert_int_eq(type->policy.step_timeout, 60 * FLEET_USEC_PER_SEC);
    ck_assert_uint_eq(type->policy.max_attempts, 4);
    ck_assert_int_eq(type->policy.retry_delay, 5 * FLEET_USEC_PER_SEC);
    ck_assert_double_eq(type->policy.retry_factor, 1.5);
    ck_assert_int_eq(type->policy.retry_cap, 120 * FLEET_USEC_PER_SEC);
    ck_assert_double_eq(type->policy.retry_jitter, 0.75);
    assert_default_policy(fleet_action_types_find(config->action_types, "SOFTWARE_UPDATE"));
}
END_TEST

START_TEST(known_action_type_needs_no_device_status)
{
    g_autofree char *path = make_file("[ActionType FIRMWARE_UPDATE]\nTimeout=1h\n[ActionType SYSTEM_REBOOT]\n");
    const FleetActionType *type;

    add_drop_in(path, "a.conf", "[ActionType CALIBRATION]\nDeviceStatus=UPDATING\nMaxAttempts=2\n");
    add_drop_in(path, "b.conf", "[ActionType CALIBRATION]\nMaxAttempts=3\n");
    g_autoptr(FleetConfig) config = load(path);

    type = fleet_action_types_find(config->action_types, "FIRMWARE_UPDATE");
    ck_assert_int_eq(type->device_status, FLEET_DEVICE_UPDATING);
    ck_assert_int_eq(type->policy.timeout, 3600 * FLEET_USEC_PER_SEC);
    type = fleet_action_types_find(config->action_types, "SYSTEM_REBOOT");
    ck_assert_int_eq(type->device_status, FLEET_DEVICE_BUSY);
    type = fleet_action_types_find(config->action_types, "CALIBRATION");
    ck_assert_int_eq(type->device_status, FLEET_DEVICE_UPDATING);
    ck_assert_uint_eq(type->policy.max_attempts, 3);
}
END_TEST

START_TEST(types_of_device_have_drivers)
{
    g_autofree char *path = make_file("[DeviceType router]\nDriver=command\n[DeviceType edge box]\nDriver=command\n");

    add_drop_in(path, "a.conf", "[DeviceType router]\nDriver=simulated\n");
    g_autoptr(FleetConfig) config = load(path);

    ck_assert_uint_eq(g_hash_table_size(config->type_drivers), 2);
    ck_assert_str_eq(g_hash_table_lookup(config->type_drivers, "router"), "simulated");
    ck_assert_str_eq(g_hash_table_lookup(config->type_drivers, "edge box"), "command");
}
END_TEST

static const struct {
    const char *main, *drop_in;
    gint64 offline_after, online_after; /* s; of devices of the type 'router' */
    gint64 others_offline_after;        /* s; of those of no type */
} tolerances[] = {
        /* Three beats, where nothing else is said. */
        {"[Presence]\nHeartbeatInterval=10s\n", "", 30, 0, 30},
        {"[Presence]\nHeartbeatInterval=10s\nOfflineAfter=11s\n", "", 11, 0, 11},
        {"[Presence]\nOfflineAfter=1min\nOnlineAfter=2s\n", "", 60, 2, 60},
        {"[DeviceType router]\nHeartbeatInterval=5s\n", "", 15, 0, 0},
        {"[DeviceType router]\nOfflineAfter=7s\nOnlineAfter=1s\n", "", 7, 1, 0},
        {"[DeviceType switch]\nOfflineAfter=7s\n", "", 0, 0, 0},
        /* What a type does not say holds for it as for all. */
        {"[Presence]\nHeartbeatInterval=10s\nOnlineAfter=3s\n[DeviceType router]\nDriver=command\n", "", 30, 3, 30},
        {"[Presence]\nHeartbeatInterval=10s\nOnlineAfter=3s\n[DeviceType router]\nOfflineAfter=1h\n", "", 3600, 3, 30},
        {"[DeviceType router]\nOfflineAfter=1h\n[Presence]\nOfflineAfter=50s\nOnlineAfter=3s\n", "", 3600, 3, 50},
        {"[Presence]\nOfflineAfter=1h\nOnlineAfter=3s\n[DeviceType router]\nOnlineAfter=0\n", "", 3600, 0, 3600},
        /* Its own interval says more than a silence that holds for all. */
        {"[Presence]\nHeartbeatInterval=10s\nOfflineAfter=25s\n[DeviceType router]\nHeartbeatInterval=1min\n", "", 180,
                0, 25},
        /* Not at all. */
        {"[Presence]\nHeartbeatInterval=10s\nOfflineAfter=0\n", "", 0, 0, 0},
        {"[Presence]\nHeartbeatInterval=10s\n[DeviceType router]\nOfflineAfter=0\n", "", 0, 0, 30},
        {"[Presence]\nHeartbeatInterval=10s\n[DeviceType router]\nHeartbeatInterval=0\n", "", 0, 0, 30},
        {"[Presence]\nHeartbeatInterval=0\nOfflineAfter=1us\n", "", 0, 0, 0},
        /* Over all files, each key by itself. */
        {"[DeviceType router]\nHeartbeatInterval=5s\nOnlineAfter=2s\n", "[DeviceType router]\nOfflineAfter=6s\n", 6, 2,
                0},
        {"[DeviceType router]\nOfflineAfter=6s\n", "[DeviceType router]\nDriver=command\n", 6, 0, 0},
        {"[Presence]\nHeartbeatInterval=5s\n",
                "[Presence]\nHeartbeatInterval=6s\n[DeviceType router]\nDriver=command\n", 18, 0, 18},
};

START_TEST(types_of_device_may_be_silent_for_so_long)
{
    g_autofree char *path = make_file(tolerances[_i].main);

    add_drop_in(path, "a.conf", tolerances[_i].drop_in);
    g_autoptr(FleetConfig) config = load(path);
    const FleetTolerance *own = g_hash_table_lookup(config->tolerances, "router");
    const FleetTolerance *router = own != NULL ? own : &config->tolerance;

    ck_assert_int_eq(router->offline_after / FLEET_USEC_PER_SEC, tolerances[_i].offline_after);
    ck_assert_int_eq(router->online_after / FLEET_USEC_PER_SEC, tolerances[_i].online_after);
    ck_assert_int_eq(config->tolerance.offline_after / FLEET_USEC_PER_SEC, tolerances[_i].others_offline_after);
}
END_TEST

/* The longest span that can be written, three times, is still a time. */
START_TEST(no_silence_is_too_long_for_a_clock)
{
    g_autofree char *path = make_file("[Presence]\nHeartbeatInterval=2305843009213693696us\n");
    g_autoptr(FleetConfig) config = load(path);

    ck_assert_int_eq(config->tolerance.offline_after, 3 * G_GINT64_CONSTANT(2305843009213693696));
    ck_assert_int_gt(G_MAXINT64 - fleet_clock_boottime(), config->tolerance.offline_after);
}
END_TEST

/* The files say it together: the one of a type may contradict what the main file says of all. */
START_TEST(silences_are_compared_over_all_files)
{
    g_autofree char *path = make_file("[Presence]\nHeartbeatInterval=10s\n");

    add_drop_in(path, "a.conf", "\n[DeviceType router]\nOfflineAfter=10s\n");
    assert_refused(path,
            ".d/a.conf:3: OfflineAfter=10s in [DeviceType router] is not longer than HeartbeatInterval=10s; "
            "raise OfflineAfter");
    add_drop_in(path, "b.conf", "[DeviceType router]\nHeartbeatInterval=9s\n");
    g_autoptr(FleetConfig) config = load(path);
    const FleetTolerance *router = g_hash_table_lookup(config->tolerances, "router");
    ck_assert_int_eq(router->offline_after, 10 * FLEET_USEC_PER_SEC);

    add_drop_in(path, "c.conf", "# a fault of all is told, too\n[Presence]\nOfflineAfter=1s\n");
    assert_refused(path, ".d/c.conf:3: OfflineAfter=1s in [Presence] is not longer than HeartbeatInterval=10s; raise "
                         "OfflineAfter");
}
END_TEST

START_TEST(commands_are_read)
{
    g_autofree char *path = make_file("[Command SOFTWARE_UPDATE]\nExec=/usr/bin/update --any\n"
                                      "[Command edge box SYSTEM_REBOOT]\nExec=reboot-check\nKillTimeout=5s\n");
    const FleetProgram *program;

    add_drop_in(path, "a.conf", "[Command SOFTWARE_UPDATE]\nKillTimeout=1min\nUser=nobody\n");
    g_autoptr(FleetConfig) config = load(path);

    ck_assert_uint_eq(config->command->programs->list->len, 2);
    program = fleet_programs_lookup(config->command->programs, "router", "SOFTWARE_UPDATE");
    ck_assert_ptr_nonnull(program);
    ck_assert_str_eq(program->argv[0], "/usr/bin/update");
    ck_assert_str_eq(program->argv[1], "--any");
    ck_assert_int_eq(program->kill_timeout, 60 * FLEET_USEC_PER_SEC);
    ck_assert_uint_eq(program->properties->len, 2);
    ck_assert_str_eq(g_ptr_array_index(program->properties, 1), "nobody");
    program = fleet_programs_lookup(config->command->programs, "edge box", "SYSTEM_REBOOT");
    ck_assert_ptr_nonnull(program);
    ck_assert_int_eq(program->kill_timeout, 5 * FLEET_USEC_PER_SEC);
    ck_assert_ptr_null(fleet_programs_lookup(config->command->programs, "router", "SYSTEM_REBOOT"));
}
END_TEST

/* The type of action may be one that a later file adds. */
START_TEST(commands_are_checked_over_all_files)
{
    g_autofree char *path = make_file("[Command CALIBRATION]\nExec=/usr/bin/calibrate\n");

    assert_refused(path, ":1: action type 'CALIBRATION' is unknown; use one of SOFTWARE_UPDATE, FIRMWARE_UPDATE, "
                         "SYSTEM_REBOOT, CONFIGURATION_CHANGE");
    add_drop_in(path, "a.conf", "[ActionType CALIBRATION]\nDeviceStatus=BUSY\n");
    g_autoptr(FleetConfig) config = load(path);
    ck_assert_uint_eq(config->command->programs->list->len, 1);

    add_drop_in(path, "b.conf", "\n[Command router CALIBRATION]\nKillTimeout=5s\n");
    assert_refused(path, ".d/b.conf:2: [Command router CALIBRATION] lacks the key 'Exec'; name the program there");
}
END_TEST

START_TEST(bounds_are_allowed)
{
    g_autofree char *path = make_file("[Simulation]\nMinDuration=0\nMaxDuration=0\nSuccessRate=0\nSeed=0\n"
                                      "TransientRate=1\n"
                                      "[Actions]\nRunningMax=1000000\nCancelTimeout=0\nRecoveryTimeout=0\n"
                                      "[ActionType SYSTEM_REBOOT]\nRunningMax=1\nMaxAttempts=1000\nRetryFactor=100\n"
                                      "RetryJitter=1\nRetryDelay=0\nRetryCap=0\n"
                                      "[Retention]\nFinishedActions=0\nFinishedActionsAge=0\nHistoryActions=0\n"
                                      "HistoryAge=0\nAuditEntries=1000000000\nAuditAge=0\n"
                                      "[Quota]\nConnectionsPerUser=0\nDevicesPerUser=1000000000\n");
    g_autoptr(FleetConfig) config = load(path);

    ck_assert_int_eq(config->max_duration, 0);
    ck_assert_double_eq(config->success_rate, 0);
    ck_assert(config->seed_set);
    ck_assert_uint_eq(config->finished_actions, 0);
    ck_assert_int_eq(config->finished_age, 0);
    ck_assert_uint_eq(config->running_max, 1000000);
    ck_assert_int_eq(config->history_actions, 0);
    ck_assert_int_eq(config->audit_entries, 1000000000);
    ck_assert_uint_eq(config->quotas.limits[FLEET_QUOTA_CONNECTIONS], 0);
    ck_assert_uint_eq(config->quotas.limits[FLEET_QUOTA_DEVICES], 1000000000);
    ck_assert_uint_eq(fleet_action_types_find(config->action_types, "SYSTEM_REBOOT")->policy.max_attempts, 1000);
    ck_assert_double_eq(fleet_action_types_find(config->action_types, "SYSTEM_REBOOT")->policy.retry_factor, 100);

    fleet_test_write(path, "[Simulation]\r\nSuccessRate=1.0\r\n");
    g_autoptr(FleetConfig) other = load(path);
    ck_assert_double_eq(other->success_rate, 1);
}
END_TEST

START_TEST(later_files_win)
{
    g_autofree char *path = make_file("[Simulation]\nMinDuration=1s\nMaxDuration=2s\nSuccessRate=0.5\n");

    add_drop_in(path, "20-b.conf", "[Simulation]\nSuccessRate=0.7\n");
    add_drop_in(path, "10-a.conf", "[Simulation]\nSuccessRate=0.6\nSeed=1\n");
    add_drop_in(path, "30-c.conf.bak", "[Simulation]\nSuccessRate=0.8\n");
    add_drop_in(path, ".40-hidden.conf", "[Simulation]\nSuccessRate=0.8\n");
    g_autoptr(FleetConfig) config = load(path);

    ck_assert_double_eq(config->success_rate, 0.7);
    ck_assert_int_eq(config->min_duration, 1 * FLEET_USEC_PER_SEC);
    ck_assert(config->seed_set);
}
END_TEST

START_TEST(drop_ins_need_no_main_file)
{
    g_autofree char *path = make_file(NULL);
    g_autoptr(GError) error = NULL;

    add_drop_in(path, "a.conf", "[Log]\nLevel=warning\n");
    g_autoptr(FleetConfig) config = fleet_config_load(path, FALSE, &error);
    fleet_test_assert_no_error(error);
    ck_assert_int_eq(config->log_level, LOG_WARNING);
}
END_TEST

START_TEST(durations_are_compared_over_all_files)
{
    g_autofree char *path = make_file("# longer than the default maximum, which a drop-in raises\n"
                                      "[Simulation]\nMinDuration=1min\n");

    assert_refused(path, ":3: MinDuration=1min in [Simulation] is longer than MaxDuration=30s (the default); raise "
                         "MaxDuration or lower MinDuration");
    add_drop_in(path, "a.conf", "[Simulation]\nMaxDuration=2min\n");
    g_autoptr(FleetConfig) config = load(path);
    ck_assert_int_eq(config->max_duration, 120 * FLEET_USEC_PER_SEC);

    add_drop_in(path, "b.conf", "\n[Simulation]\nMaxDuration=3s\n");
    g_autofree char *rest = g_strdup_printf(
            ":3: MinDuration=1min in [Simulation] is longer than MaxDuration=3s (%s.d/b.conf:3); raise MaxDuration or "
            "lower MinDuration",
            path);
    assert_refused(path, rest);
}
END_TEST

START_TEST(default_minimum_above_maximum_names_the_maximum)
{
    g_autofree char *path = make_file("[Simulation]\nMaxDuration=3s\n");

    assert_refused(path, ":2: MaxDuration=3s in [Simulation] is shorter than MinDuration=10s (the default); raise "
                         "MaxDuration or lower MinDuration");
}
END_TEST

START_TEST(fault_in_a_drop_in_names_it)
{
    g_autofree char *path = make_file("");
    g_autoptr(GError) error = NULL;

    add_drop_in(path, "a.conf", "[Log]\n\nLevl=info\n");
    ck_assert_ptr_null(fleet_config_load(path, TRUE, &error));
    g_autofree char *expected =
            g_strdup_printf("%s.d/a.conf:3: key 'Levl' in [Log] is unknown; use one of Level, Target", path);
    ck_assert_str_eq(error->message, expected);
}
END_TEST

static const struct {
    const char *text;
    const char *message;
} faults[] = {
        {"[Simulation]\n# c\nMinimum=1s\n",
                ":3: key 'Minimum' in [Simulation] is unknown; use one of MinDuration, MaxDuration, SuccessRate, "
                "TransientRate, Seed"},
        {"[Log]\nLevel=info\n[Simulaton]\nSeed=1\n", ":3: group [Simulaton] is unknown; use one of " GROUPS},
        {"[Empty]\n", ":1: group [Empty] is unknown; use one of " GROUPS},
        {"[ActionType]\nDeviceStatus=BUSY\n", ":1: group [ActionType] is unknown; use one of " GROUPS},
        {"[Log]\nLevel=info\nLevel[de]=debug\n", ":3: key 'Level[de]' in [Log] is unknown; use one of Level, Target"},
        {"[Simulation]\n\n  MinDuration  =  10x\n", ":3: key 'MinDuration' in [Simulation] has a bad value: '10x' is "
                                                    "not a time span; write it like \"10s\", "
                                                    "\"5min 30s\" or \"250ms\""},
        {"[Simulation]\nMaxDuration=-1s\n", ":2: key 'MaxDuration' in [Simulation] has a bad value: '-1s' is not a "
                                            "time span; write it like \"10s\", "
                                            "\"5min 30s\" or \"250ms\""},
        {"[Retention]\nFinishedActionsAge=\n", ":2: key 'FinishedActionsAge' in [Retention] has a bad value: '' is not "
                                               "a time span; write it like \"10s\", "
                                               "\"5min 30s\" or \"250ms\""},
        {"[Simulation]\nSuccessRate=1.01\n",
                ":2: key 'SuccessRate' in [Simulation] has a bad value: '1.01' is not a rate; "
                "use a number from 0 to 1, like 0.9"},
        {"[Simulation]\nSuccessRate=nan\n",
                ":2: key 'SuccessRate' in [Simulation] has a bad value: 'nan' is not a rate; "
                "use a number from 0 to 1, like 0.9"},
        {"[Simulation]\nSuccessRate=-0.5\n",
                ":2: key 'SuccessRate' in [Simulation] has a bad value: '-0.5' is not a rate; "
                "use a number from 0 to 1, like 0.9"},
        {"[Simulation]\nSuccessRate=90%\n",
                ":2: key 'SuccessRate' in [Simulation] has a bad value: '90%' is not a rate; "
                "use a number from 0 to 1, like 0.9"},
        {"[Simulation]\nSuccessRate=.\n", ":2: key 'SuccessRate' in [Simulation] has a bad value: '.' is not a rate; "
                                          "use a number from 0 to 1, like 0.9"},
        {"[Simulation]\nSuccessRate=\n", ":2: key 'SuccessRate' in [Simulation] has a bad value: '' is not a rate; "
                                         "use a number from 0 to 1, like 0.9"},
        {"[Simulation]\nSeed=\n",
                ":2: key 'Seed' in [Simulation] has a bad value: '' is not right; use a whole number from "
                "0 to 18446744073709551615"},
        {"[Simulation]\nSeed=18446744073709551616\n", ":2: key 'Seed' in [Simulation] has a bad value: "
                                                      "'18446744073709551616' is not right; use a whole number "
                                                      "from 0 to 18446744073709551615"},
        {"[Retention]\nFinishedActions=100001\n", ":2: key 'FinishedActions' in [Retention] has a bad value: '100001' "
                                                  "is not right; use a whole number from 0 "
                                                  "to 100000"},
        {"[Retention]\nFinishedActions=-1\n", ":2: key 'FinishedActions' in [Retention] has a bad value: '-1' is not "
                                              "right; use a whole number from 0 to "
                                              "100000"},
        {"[Log]\nLevel=info\n[Log]\nLevel=loud\n", ":4: key 'Level' in [Log] has a bad value: log level 'loud' is "
                                                   "unknown; use one of emerg, alert, crit, err, "
                                                   "warning, notice, info, debug"},
        {"[Actions]\nRuningMax=1\n",
                ":2: key 'RuningMax' in [Actions] is unknown; use one of RunningMax, CancelTimeout, RecoveryTimeout"},
        {"[Actions]\nRunningMax=0\n", ":2: key 'RunningMax' in [Actions] has a bad value: '0' is not right; use a "
                                      "whole number from 1 to 1000000"},
        {"[Actions]\nRunningMax=1000001\n", ":2: key 'RunningMax' in [Actions] has a bad value: '1000001' is not "
                                            "right; use a whole number from 1 to 1000000"},
        {"[Actions]\nCancelTimeout=soon\n", ":2: key 'CancelTimeout' in [Actions] has a bad value: 'soon' is not a "
                                            "time span; write it like \"10s\", \"5min 30s\" or \"250ms\""},
        {"[Actions]\nRecoveryTimeout=-5min\n", ":2: key 'RecoveryTimeout' in [Actions] has a bad value: '-5min' is not "
                                               "a time span; write it like \"10s\", \"5min 30s\" or \"250ms\""},
        {"[Retention]\nHistory=1\n", ":2: key 'History' in [Retention] is unknown; use one of FinishedActions, "
                                     "FinishedActionsAge, HistoryActions, HistoryAge, AuditEntries, AuditAge"},
        {"[Retention]\nHistoryActions=1000000001\n",
                ":2: key 'HistoryActions' in [Retention] has a bad value: '1000000001' is not right; use a whole "
                "number from 0 to 1000000000"},
        {"[Retention]\nHistoryAge=1y\n", ":2: key 'HistoryAge' in [Retention] has a bad value: '1y' is not a time "
                                         "span; write it like \"10s\", \"5min 30s\" or \"250ms\""},
        {"[Retention]\nAuditEntries=many\n", ":2: key 'AuditEntries' in [Retention] has a bad value: 'many' is not "
                                             "right; use a whole number from 0 to 1000000000"},
        {"[Retention]\nAuditAge=\n", ":2: key 'AuditAge' in [Retention] has a bad value: '' is not a time span; write "
                                     "it like \"10s\", \"5min 30s\" or \"250ms\""},
        {"[Simulation]\nTransientRate=1.5\n", ":2: key 'TransientRate' in [Simulation] has a bad value: '1.5' is not a "
                                              "rate; use a number from 0 to 1, like 0.9"},
        {"[ActionType A]\nDeviceStatus=IDLE\n", ":2: key 'DeviceStatus' in [ActionType A] has a bad value: device "
                                                "status 'IDLE' is unknown; use one of BUSY, UPDATING"},
        {"[ActionType a]\nDeviceStatus=BUSY\n", ":1: [ActionType a] is wrong: 'a' cannot name an action type; use an "
                                                "upper-case letter, then letters, digits and '_', at most 64"},
        {"[ActionType A]\n", ":1: group [ActionType A] lacks the key 'DeviceStatus'; use DeviceStatus=BUSY or "
                             "DeviceStatus=UPDATING"},
        {"[ActionType A]\nTimeout=1s\n", ":1: group [ActionType A] lacks the key 'DeviceStatus'; use DeviceStatus=BUSY "
                                         "or DeviceStatus=UPDATING"},
        {"[ActionType A]\nDeviceStatus=BUSY\nStatus=BUSY\n",
                ":3: key 'Status' in [ActionType A] is unknown; use one of DeviceStatus, RunningMax, Timeout, "
                "StepTimeout, MaxAttempts, RetryDelay, RetryFactor, RetryCap, RetryJitter"},
        {"[ActionType SYSTEM_REBOOT]\nRunningMax=0\n", ":2: key 'RunningMax' in [ActionType SYSTEM_REBOOT] has a bad "
                                                       "value: '0' is not right; use a whole number from 1 to 1000000"},
        {"[ActionType SYSTEM_REBOOT]\nTimeout=never\n",
                ":2: key 'Timeout' in [ActionType SYSTEM_REBOOT] has a bad value: 'never' is not a time span; write it "
                "like \"10s\", \"5min 30s\" or \"250ms\""},
        {"[ActionType SYSTEM_REBOOT]\nStepTimeout=1parsec\n",
                ":2: key 'StepTimeout' in [ActionType SYSTEM_REBOOT] has a bad value: '1parsec' is not a time span; "
                "write it like \"10s\", \"5min 30s\" or \"250ms\""},
        {"[ActionType SYSTEM_REBOOT]\nMaxAttempts=0\n", ":2: key 'MaxAttempts' in [ActionType SYSTEM_REBOOT] has a bad "
                                                        "value: '0' is not right; use a whole number from 1 to 1000"},
        {"[ActionType SYSTEM_REBOOT]\nMaxAttempts=1001\n",
                ":2: key 'MaxAttempts' in [ActionType SYSTEM_REBOOT] has a bad value: '1001' is not right; use a whole "
                "number from 1 to 1000"},
        {"[ActionType SYSTEM_REBOOT]\nRetryDelay=x\n",
                ":2: key 'RetryDelay' in [ActionType SYSTEM_REBOOT] has a bad value: 'x' is not a time span; write it "
                "like \"10s\", \"5min 30s\" or \"250ms\""},
        {"[ActionType SYSTEM_REBOOT]\nRetryFactor=0.9\n",
                ":2: key 'RetryFactor' in [ActionType SYSTEM_REBOOT] has a bad value: '0.9' is not a factor; use a "
                "number from 1 to 100, like 1.5"},
        {"[ActionType SYSTEM_REBOOT]\nRetryFactor=100.1\n",
                ":2: key 'RetryFactor' in [ActionType SYSTEM_REBOOT] has a bad value: '100.1' is not a factor; use a "
                "number from 1 to 100, like 1.5"},
        {"[ActionType SYSTEM_REBOOT]\nRetryFactor=inf\n",
                ":2: key 'RetryFactor' in [ActionType SYSTEM_REBOOT] has a bad value: 'inf' is not a factor; use a "
                "number from 1 to 100, like 1.5"},
        {"[ActionType SYSTEM_REBOOT]\nRetryCap=1e9\n",
                ":2: key 'RetryCap' in [ActionType SYSTEM_REBOOT] has a bad value: '1e9' is not a time span; write it "
                "like \"10s\", \"5min 30s\" or \"250ms\""},
        {"[ActionType SYSTEM_REBOOT]\nRetryJitter=2\n", ":2: key 'RetryJitter' in [ActionType SYSTEM_REBOOT] has a bad "
                                                        "value: '2' is not a rate; use a number from 0 to 1, like 0.9"},
        {"[Quota]\nDevicesPerUser=-1\n", ":2: key 'DevicesPerUser' in [Quota] has a bad value: '-1' is not right; "
                                         "use a whole number from 0 to 1000000000"},
        {"[Quota]\nCallsPerUser=1000000001\n", ":2: key 'CallsPerUser' in [Quota] has a bad value: '1000000001' is "
                                               "not right; use a whole number from 0 to 1000000000"},
        {"[Quota]\nConnections=1\n", ":2: key 'Connections' in [Quota] is unknown; use one of CallsPerUser, "
                                     "ConnectionsPerUser, PendingActionsPerUser, DevicesPerUser"},
        {"[DeviceType]\nDriver=command\n", ":1: group [DeviceType] is unknown; use one of " GROUPS},
        {"[DeviceType router]\n", ":1: group [DeviceType router] has no key; use one of Driver, HeartbeatInterval, "
                                  "OfflineAfter, OnlineAfter"},
        {"[DeviceType router]\nDriver=magic\n", ":2: key 'Driver' in [DeviceType router] has a bad value: driver "
                                                "'magic' is unknown; use one of " DRIVERS},
        {"[DeviceType router]\nDrivers=simulated\n",
                ":2: key 'Drivers' in [DeviceType router] is unknown; use one of Driver, HeartbeatInterval, "
                "OfflineAfter, OnlineAfter"},
        {"[DeviceType router]\nHeartbeatInterval=often\n",
                ":2: key 'HeartbeatInterval' in [DeviceType router] has a bad value: 'often' is not a time span; write "
                "it like \"10s\", \"5min 30s\" or \"250ms\""},
        {"[DeviceType router]\nDriver=simulated\nOnlineAfter=-1s\n",
                ":3: key 'OnlineAfter' in [DeviceType router] has a bad value: '-1s' is not a time span; write it like "
                "\"10s\", \"5min 30s\" or \"250ms\""},
        {"[DeviceType router]\nHeartbeatInterval=10s\nOfflineAfter=9s\n",
                ":3: OfflineAfter=9s in [DeviceType router] is not longer than HeartbeatInterval=10s; raise "
                "OfflineAfter"},
        {"[Presence]\nDriver=simulated\n", ":2: key 'Driver' in [Presence] is unknown; use one of HeartbeatInterval, "
                                           "OfflineAfter, OnlineAfter"},
        {"[Presence]\nOfflineAfter=never\n",
                ":2: key 'OfflineAfter' in [Presence] has a bad value: 'never' is not a time span; write it like "
                "\"10s\", \"5min 30s\" or \"250ms\""},
        {"[Presence]\nOfflineAfter=1min\nHeartbeatInterval=1min\n",
                ":2: OfflineAfter=1min in [Presence] is not longer than HeartbeatInterval=1min; raise OfflineAfter"},
        {"[Presence x]\nOfflineAfter=1min\n", ":1: group [Presence x] is unknown; use one of " GROUPS},
        {"[Command]\nExec=/bin/true\n", ":1: group [Command] is unknown; use one of " GROUPS},
        {"[Command router]\nExec=/bin/true\n",
                ":1: [Command router] names no type of action; write [Command SOFTWARE_UPDATE] for devices of any "
                "type, or [Command router SOFTWARE_UPDATE] for those of the type 'router'"},
        {"[Command SYSTEM_REBOOT]\nKillTimeout=1s\n",
                ":1: [Command SYSTEM_REBOOT] lacks the key 'Exec'; name the program there"},
        {"[Command SYSTEM_REBOOT]\nExec=./reboot\n",
                ":2: key 'Exec' in [Command SYSTEM_REBOOT] has a bad value: './reboot' is not a program; use an "
                "absolute path, or a name that is found in PATH"},
        {"[Command SYSTEM_REBOOT]\nKillTimeout=x\n",
                ":2: key 'KillTimeout' in [Command SYSTEM_REBOOT] has a bad value: 'x' is not a time span; write it "
                "like \"10s\", \"5min 30s\" or \"250ms\""},
};

START_TEST(faults_name_file_and_line)
{
    g_autofree char *path = make_file(faults[_i].text);

    assert_refused(path, faults[_i].message);
}
END_TEST

START_TEST(what_is_quoted_cannot_break_the_line)
{
    g_autofree char *path = make_file("[Command a\rb SYSTEM_REBOOT]\nExec=x\nUser=\033[31m\n[Command \001]\n");
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(fleet_config_load(path, TRUE, &error));
    for (const char *p = error->message; *p != '\0'; p++)
        if (g_ascii_iscntrl(*p))
            ck_abort_msg("a control character is in '%s'", error->message);
}
END_TEST

/* What is forgotten on the way shows under AddressSanitizer and valgrind. */
START_TEST(the_last_of_a_key_counts)
{
    g_autofree char *path = make_file("[DeviceType router]\nDriver=command\nDriver=simulated\n"
                                      "[Command SYSTEM_REBOOT]\nExec=a\nExec=b\nUser=c\nUser=d\n");
    g_autoptr(FleetConfig) config = load(path);
    const FleetProgram *program = fleet_programs_lookup(config->command->programs, "router", "SYSTEM_REBOOT");

    ck_assert_str_eq(g_hash_table_lookup(config->type_drivers, "router"), "simulated");
    ck_assert_str_eq(program->argv[0], "b");
    ck_assert_uint_eq(program->properties->len, 2);
    ck_assert_str_eq(g_ptr_array_index(program->properties, 1), "d");
}
END_TEST

static const struct {
    const char *text;
    const char *line;
} not_key_files[] = {
        {"Level=info\n", ":1: "},
        {"# c\n\n[Log]\nLevel\n", ":4: "},
        {"[Log]\nLevel=info\n[Simulation\nSeed=1\n", ":3: "},
        {"[Log]\n=info", ":2: "},
        {"[Log]\nLevel=\xff\n", ":2: "},
};

START_TEST(what_is_no_key_file_is_refused_with_its_line)
{
    g_autofree char *path = make_file(NULL);
    g_autoptr(GError) error = NULL;

    ck_assert(g_file_set_contents(path, not_key_files[_i].text, -1, NULL));
    ck_assert_ptr_null(fleet_config_load(path, TRUE, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    g_autofree char *start = g_strconcat(path, not_key_files[_i].line, NULL);
    fleet_test_assert_contains(error->message, start);
}
END_TEST

START_TEST(nul_byte_is_refused)
{
    static const char text[] = "[Log]\nLevel=info\0\n";
    g_autofree char *path = make_file(NULL);

    ck_assert(g_file_set_contents(path, text, sizeof text - 1, NULL));
    assert_refused(path, ":2: this is not UTF-8 text; write the file in UTF-8");
}
END_TEST

/* The file that is installed shows each key with its default, so that nobody has to look further. */
START_TEST(shipped_file_shows_the_defaults)
{
    g_autofree char *shipped = g_build_filename(fleet_test_env("FLEET_SOURCE"), "data", "fleetd.conf", NULL);
    g_autofree char *text = fleet_test_read(shipped);
    g_autoptr(GRegex) comment = g_regex_new("^#(?=\\[|[A-Za-z]+=)", G_REGEX_MULTILINE, 0, NULL);
    char *thin_edge = strstr(text, "#[ThinEdge]"); /* is the last one */

    ck_assert_ptr_nonnull(thin_edge);
    if (!FLEET_HAVE_MQTT)
        *thin_edge = '\0';
    g_autofree char *effective = g_regex_replace_literal(comment, text, -1, 0, "", 0, NULL);
    g_autofree char *path = make_file(effective);

    g_autoptr(FleetConfig) as_shipped = load(shipped);
    assert_defaults(as_shipped);
    ck_assert_uint_eq(g_hash_table_size(as_shipped->type_drivers), 0);

    g_autoptr(FleetConfig) all_set = load(path);
    assert_defaults(all_set);
    assert_default_policy(fleet_action_types_find(all_set->action_types, "CALIBRATION"));
    ck_assert_str_eq(g_hash_table_lookup(all_set->type_drivers, "router"), "command");
    ck_assert_ptr_nonnull(fleet_programs_lookup(all_set->command->programs, "router", "CALIBRATION"));
    static const char *const keys[] = {"RunningMax", "CancelTimeout", "RecoveryTimeout", "FinishedActions",
            "FinishedActionsAge", "HistoryActions", "HistoryAge", "AuditEntries", "AuditAge", "CallsPerUser",
            "ConnectionsPerUser", "PendingActionsPerUser", "DevicesPerUser", "MinDuration", "MaxDuration",
            "SuccessRate", "TransientRate", "HeartbeatInterval", "OnlineAfter", "Level", "Target", "Timeout",
            "StepTimeout", "MaxAttempts", "RetryDelay", "RetryFactor", "RetryCap", "RetryJitter", "KillTimeout"};
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autofree char *line = g_strdup_printf("\n%s=", keys[i]);
        fleet_test_assert_contains(effective, line);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *values = fleet_test_case(suite, "values");
    TCase *files = fleet_test_case(suite, "files");
    TCase *refused = fleet_test_case(suite, "faults");

    tcase_add_test(values, every_key_is_read);
    tcase_add_test(values, every_key_of_an_action_type_is_read);
    tcase_add_test(values, known_action_type_needs_no_device_status);
    tcase_add_test(values, types_of_device_have_drivers);
    tcase_add_loop_test(values, types_of_device_may_be_silent_for_so_long, 0, G_N_ELEMENTS(tolerances));
    tcase_add_test(values, no_silence_is_too_long_for_a_clock);
    tcase_add_test(values, silences_are_compared_over_all_files);
    tcase_add_test(values, commands_are_read);
    tcase_add_test(values, commands_are_checked_over_all_files);
    tcase_add_test(values, bounds_are_allowed);
    tcase_add_test(values, durations_are_compared_over_all_files);
    tcase_add_test(values, default_minimum_above_maximum_names_the_maximum);
    tcase_add_test(values, shipped_file_shows_the_defaults);
    tcase_add_test(files, missing_default_file_gives_defaults);
    tcase_add_test(files, missing_required_file_is_refused);
    tcase_add_test(files, unreadable_file_is_refused_even_by_default);
    tcase_add_test(files, unreadable_drop_in_directory_is_refused);
    tcase_add_test(files, later_files_win);
    tcase_add_test(files, drop_ins_need_no_main_file);
    tcase_add_test(files, fault_in_a_drop_in_names_it);
    tcase_add_loop_test(refused, faults_name_file_and_line, 0, G_N_ELEMENTS(faults));
    tcase_add_loop_test(refused, what_is_no_key_file_is_refused_with_its_line, 0, G_N_ELEMENTS(not_key_files));
    tcase_add_test(refused, nul_byte_is_refused);
    tcase_add_test(refused, what_is_quoted_cannot_break_the_line);
    tcase_add_test(refused, the_last_of_a_key_counts);
    return fleet_test_main(suite);
}
