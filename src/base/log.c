/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The call sites bring their own file, line and function (fleet_log), not those of this file. */
#define SD_JOURNAL_SUPPRESS_LOCATION

#include "base/log.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#define FIELDS_MAX 24

/* An entry of the journal while it is put together. */
typedef struct {
    struct iovec fields[FIELDS_MAX];
    guint n;
} Entry;

/* Takes "NAME=value". */
static void add(Entry *entry, char *field)
{
    g_assert(entry->n < FIELDS_MAX);
    entry->fields[entry->n++] = (struct iovec){.iov_base = field, .iov_len = strlen(field)};
}

static void add_string(Entry *entry, const char *name, const char *value)
{
    if (value != NULL)
        add(entry, g_strconcat(name, value, NULL));
}

static void add_subject(Entry *entry, const FleetLogSubject *subject)
{
    static const char *const ids[] = {
            NULL,
#define FLEET_MESSAGE(name, id) "MESSAGE_ID=" id,
#include "base/messages.def"
#undef FLEET_MESSAGE
    };

    if (subject->message != FLEET_MESSAGE_NONE)
        add(entry, g_strdup(ids[subject->message]));
    add_string(entry, "FLEET_DEVICE=", subject->device);
    add_string(entry, "FLEET_STATUS=", subject->status);
    add_string(entry, "FLEET_ACTION=", subject->action);
    add_string(entry, "FLEET_ACTION_TYPE=", subject->action_type);
    add_string(entry, "FLEET_RESULT=", subject->result);
    if (subject->attempt > 0)
        add(entry, g_strdup_printf("FLEET_ATTEMPT=%u", subject->attempt));
    add_string(entry, "FLEET_METHOD=", subject->method);
    add_string(entry, "FLEET_SENDER=", subject->sender);
    if (subject->sender_uid != NULL)
        add(entry, g_strdup_printf("FLEET_SENDER_UID=%u", (guint)*subject->sender_uid));
    add_string(entry, "FLEET_ERROR=", subject->error);
}

static gboolean send_entry(Entry *entry)
{
    int r = sd_journal_sendv(entry->fields, (int)entry->n);

    for (guint i = 0; i < entry->n; i++)
        g_free(entry->fields[i].iov_base);
    return r >= 0;
}

static void print(int level, const char *text)
{
    if (fleet_log_target() == FLEET_LOG_CONSOLE_PREFIXED)
        fprintf(stderr, "<%d>%s\n", level, text);
    else
        fprintf(stderr, "fleetd: %s\n", text);
}

void fleet_log_full(int level, const char *file, int line, const char *function, const FleetLogSubject *subject,
        const char *format, ...)
{
    g_autofree char *text = NULL;
    Entry entry = {.n = 0};
    va_list ap;

    va_start(ap, format);
    text = g_strdup_vprintf(format, ap); /* first of all, for it may have %m */
    va_end(ap);

    if (!fleet_log_to_journal()) {
        print(level, text);
        return;
    }
    add_string(&entry, "MESSAGE=", text);
    add(&entry, g_strdup_printf("PRIORITY=%d", level));
    add_string(&entry, "SYSLOG_IDENTIFIER=", "fleetd");
    add_string(&entry, "CODE_FILE=", file);
    add(&entry, g_strdup_printf("CODE_LINE=%d", line));
    add_string(&entry, "CODE_FUNC=", function);
    if (subject != NULL)
        add_subject(&entry, subject);
    if (!send_entry(&entry))
        print(level, text);
}

gboolean fleet_log_may_routine(int level)
{
    static GMutex mutex;
    static gint64 since; /* µs of CLOCK_BOOTTIME */
    static guint64 n;
    guint64 left_out = 0, number;

    if (!fleet_log_is_on(fleet_log_to_journal() ? level : LOG_DEBUG))
        return FALSE;
    if (fleet_log_level() == LOG_DEBUG)
        return TRUE;

    gint64 now = fleet_clock_boottime();
    g_mutex_lock(&mutex);
    if (now - since >= FLEET_LOG_ROUTINE_USEC) {
        left_out = n > FLEET_LOG_ROUTINE_MAX ? n - FLEET_LOG_ROUTINE_MAX : 0;
        since = now;
        n = 0;
    }
    number = ++n;
    g_mutex_unlock(&mutex);

    if (left_out > 0)
        fleet_log_about(LOG_NOTICE, FLEET_LOG_SUBJECT(.message = FLEET_MESSAGE_ROUTINE_LEFT_OUT),
                "%" G_GUINT64_FORMAT " routine messages were left out", left_out);
    if (number == FLEET_LOG_ROUTINE_MAX + 1)
        fleet_log_about(LOG_NOTICE, FLEET_LOG_SUBJECT(.message = FLEET_MESSAGE_ROUTINE_LEFT_OUT),
                "more than %d routine messages in %d s; further ones are left out", FLEET_LOG_ROUTINE_MAX,
                (int)(FLEET_LOG_ROUTINE_USEC / G_USEC_PER_SEC));
    return number <= FLEET_LOG_ROUTINE_MAX;
}
