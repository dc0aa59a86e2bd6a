/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Structured log: entries with fields in the journal, or lines on stderr (see base/log_settings.h). Levels are
 * syslog's. Messages are one line, name the thing, and never hold parameters of an action (they may be secrets). Every
 * thread may log. What is not logged costs one load: its arguments are not evaluated, nothing is formatted or
 * allocated.
 */

#include "base/log_settings.h"

#include <glib.h>
#include <sys/types.h>

/* Events that can be searched for, by their MESSAGE_ID=. */
typedef enum {
    FLEET_MESSAGE_NONE,
#define FLEET_MESSAGE(name, id) FLEET_MESSAGE_##name,
#include "base/messages.def"
#undef FLEET_MESSAGE
} FleetMessage;

/*
 * What a message is about: fields of its entry in the journal, as fleetd(8) lists them. What is not known is left out.
 * Lines on stderr go without. Only strings that were checked, or that the journal may hold as they are.
 */
typedef struct {
    FleetMessage message;    /* MESSAGE_ID= */
    const char *device;      /* FLEET_DEVICE=, an id */
    const char *status;      /* FLEET_STATUS=, that the device has now */
    const char *action;      /* FLEET_ACTION=, an id */
    const char *action_type; /* FLEET_ACTION_TYPE= */
    const char *result;      /* FLEET_RESULT=, of the action */
    guint attempt;           /* FLEET_ATTEMPT=, from 1; 0 = none */
    const char *method;      /* FLEET_METHOD=, that was called */
    const char *sender;      /* FLEET_SENDER=, the caller's unique name */
    const uid_t *sender_uid; /* FLEET_SENDER_UID= */
    const char *error;       /* FLEET_ERROR=, the name of the error on D-Bus */
} FleetLogSubject;

/* A subject for the time of a call: fleet_log_about(LOG_INFO, FLEET_LOG_SUBJECT(.device = id), "..."). */
#define FLEET_LOG_SUBJECT(...) (&(const FleetLogSubject){__VA_ARGS__})

/* What the macros below expand to, when the message is to be logged; subject may be NULL. */
void fleet_log_full(int level, const char *file, int line, const char *function, const FleetLogSubject *subject,
        const char *format, ...) G_GNUC_PRINTF(6, 7);

/* Whether a routine message of this level is to be logged. It then counts. */
gboolean fleet_log_may_routine(int level);

#define fleet_log_about(level, ...)                                                                                    \
    G_STMT_START                                                                                                       \
    {                                                                                                                  \
        if (fleet_log_is_on(level))                                                                                    \
            fleet_log_full((level), __FILE__, __LINE__, G_STRFUNC, __VA_ARGS__);                                       \
    }                                                                                                                  \
    G_STMT_END

#define fleet_log(level, ...) fleet_log_about(level, NULL, __VA_ARGS__)

/*
 * What happens all the time in normal work, about a subject: once for each call or action. It goes to the journal at
 * that level, where it can be filtered and is kept; to stderr, whose reader may be slow or gone, only when debugging.
 * So many at once would cost more than the work that they tell of, and journald, which takes 10,000 in 30 s from a
 * service by default, would drop what matters with them. So only FLEET_LOG_ROUTINE_MAX in FLEET_LOG_ROUTINE_USEC are
 * logged, and one message says that others were left out; when debugging, all are.
 */
#define FLEET_LOG_ROUTINE_MAX 5000
#define FLEET_LOG_ROUTINE_USEC (30 * G_USEC_PER_SEC)
#define fleet_log_routine(level, ...)                                                                                  \
    G_STMT_START                                                                                                       \
    {                                                                                                                  \
        if (fleet_log_may_routine(level))                                                                              \
            fleet_log_full((level), __FILE__, __LINE__, G_STRFUNC, __VA_ARGS__);                                       \
    }                                                                                                                  \
    G_STMT_END

#define fleet_log_error(...) fleet_log(LOG_ERR, __VA_ARGS__)
#define fleet_log_warning(...) fleet_log(LOG_WARNING, __VA_ARGS__)
#define fleet_log_notice(...) fleet_log(LOG_NOTICE, __VA_ARGS__)
#define fleet_log_info(...) fleet_log(LOG_INFO, __VA_ARGS__)
#define fleet_log_debug(...) fleet_log(LOG_DEBUG, __VA_ARGS__)
