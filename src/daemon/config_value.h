/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Values of the configuration. Each function reads a text into the variable that target points to, whose type its
 * comment names; or leaves that as it is and gives INVALID_ARGUMENT with a message that says what would be right.
 */

#include <glib.h>

/* One key of a group: its name, how its value is read, and where in the target's struct the variable lies. */
typedef struct {
    const char *name;
    gboolean (*read)(const char *value, gpointer target, GError **error);
    gsize offset;
} FleetConfigKey;

/* gint64, µs: a time span. */
gboolean fleet_config_read_span(const char *value, gpointer target, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* double: from 0 to 1. */
gboolean fleet_config_read_rate(const char *value, gpointer target, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* double: from 1 to 100. */
gboolean fleet_config_read_factor(const char *value, gpointer target, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* guint64: any whole number. */
gboolean fleet_config_read_seed(const char *value, gpointer target, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* guint: how many actions may run at the same time, from 1 to 1,000,000. */
gboolean fleet_config_read_running(const char *value, gpointer target, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* guint: how many attempts there are, from 1 to FLEET_ATTEMPTS_MAX. */
gboolean fleet_config_read_attempts(const char *value, gpointer target, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* guint: how many finished actions stay on the bus, from 0 to 100,000. */
gboolean fleet_config_read_finished(const char *value, gpointer target, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* guint: how much of something one user may have, from 1 to 1,000,000,000, or 0 for any number. */
gboolean fleet_config_read_quota(const char *value, gpointer target, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* gint64: how many rows stay in the database, from 0 to 1,000,000,000. */
gboolean fleet_config_read_rows(const char *value, gpointer target, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* int: a level of syslog, by its name. */
gboolean fleet_config_read_log_level(const char *value, gpointer target, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* FleetLogTarget. */
gboolean fleet_config_read_log_target(const char *value, gpointer target, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* FleetDeviceStatus: BUSY or UPDATING. */
gboolean fleet_config_read_device_status(const char *value, gpointer target, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* char *, which the caller frees, and which must be NULL or a name that was read before: of a driver of this build. */
gboolean fleet_config_read_driver(const char *value, gpointer target, GError **error) G_GNUC_WARN_UNUSED_RESULT;
