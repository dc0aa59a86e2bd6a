/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How much is logged, and where to. What the command line and the configuration say is configured; what somebody sets
 * while the daemon runs (org.freedesktop.LogControl1) overrides it until that is taken back, so that a reload of the
 * configuration does not undo it. To be set by the main thread; every thread may ask.
 */

#include <glib.h>
#include <syslog.h>

typedef enum {
    FLEET_LOG_AUTO,             /* the journal where stderr leads there, else the console */
    FLEET_LOG_CONSOLE,          /* lines on stderr */
    FLEET_LOG_CONSOLE_PREFIXED, /* the same, each with its level in front, "<6>", see sd-daemon(3) */
    FLEET_LOG_JOURNAL,          /* the journal; the console where there is none */
    FLEET_LOG_NULL,             /* nowhere */
} FleetLogTarget;

/* Sets what is configured; LOG_INFO and FLEET_LOG_AUTO until then. */
void fleet_log_configure(int level, FleetLogTarget target);

/* Override what is configured, or leave it to that again. */
void fleet_log_override_level(int level);
void fleet_log_override_target(FleetLogTarget target);
void fleet_log_restore_level(void);
void fleet_log_restore_target(void);

/* What is in force. */
int fleet_log_level(void);
FleetLogTarget fleet_log_target(void);

/* Whether something of this level is logged at all. One load: to be asked before anything is done for a message. */
gboolean fleet_log_is_on(int level);

/* Whether messages go to the journal. */
gboolean fleet_log_to_journal(void);

/* "debug", "info", "notice", "warning", "err" (or "error"), "crit", "alert", "emerg", or a digit. INVALID_ARGUMENT
 * names them. */
gboolean fleet_log_level_from_string(const char *string, int *level, GError **error) G_GNUC_WARN_UNUSED_RESULT;
const char *fleet_log_level_to_string(int level);

/* "auto", "console", "console-prefixed", "journal", "null". INVALID_ARGUMENT names them. */
gboolean fleet_log_target_from_string(
        const char *string, FleetLogTarget *target, GError **error) G_GNUC_WARN_UNUSED_RESULT;
const char *fleet_log_target_to_string(FleetLogTarget target);
