/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The command line, read. Options may stand before, between and after the words; "--" ends them. Only of --address it
 * matters where it stands: behind "register" and "update" it is the device's, elsewhere the daemon's.
 */

#include <glib.h>

typedef enum {
    FLEET_TRANSPORT_SYSTEM,
    FLEET_TRANSPORT_USER,
    FLEET_TRANSPORT_ADDRESS,
    FLEET_TRANSPORT_HOST,
} FleetTransport;

typedef enum {
    FLEET_JSON_OFF,
    FLEET_JSON_SHORT,
    FLEET_JSON_PRETTY,
} FleetJsonMode;

/* The options that only some verbs take, as bits of FleetCliOptions.given. */
typedef enum {
    FLEET_OPTION_NAME = 1 << 0,
    FLEET_OPTION_TYPE = 1 << 1,
    FLEET_OPTION_STATUS = 1 << 2,
    FLEET_OPTION_PREFIX = 1 << 3,
    FLEET_OPTION_NAME_CONTAINS = 1 << 4,
    FLEET_OPTION_PARAMS = 1 << 5,
    FLEET_OPTION_INTERVAL = 1 << 6,
    FLEET_OPTION_DEVICE = 1 << 7,
    FLEET_OPTION_RESULT = 1 << 8,
    FLEET_OPTION_ACTIVE = 1 << 9,
    FLEET_OPTION_LIMIT = 1 << 10,
    FLEET_OPTION_DRIVER = 1 << 11,
    FLEET_OPTION_IF_BUSY = 1 << 12,
    FLEET_OPTION_PRIORITY = 1 << 13,
    FLEET_OPTION_NOT_BEFORE = 1 << 14,
    FLEET_OPTION_START_DEADLINE = 1 << 15,
    FLEET_OPTION_TIMEOUT = 1 << 16,
    FLEET_OPTION_STEP_TIMEOUT = 1 << 17,
    FLEET_OPTION_RETRY = 1 << 18,
    FLEET_OPTION_RETRY_DELAY = 1 << 19,
    FLEET_OPTION_REQUEST_ID = 1 << 20,
    FLEET_OPTION_WAIT = 1 << 21,
    FLEET_OPTION_FORCE = 1 << 22,
    FLEET_OPTION_SINCE = 1 << 23,
    FLEET_OPTION_UNTIL = 1 << 24,
    FLEET_OPTION_OWNER = 1 << 25,
    FLEET_OPTION_ADDRESS = 1 << 26,
    FLEET_OPTION_LAST_ = 1 << 27,
} FleetVerbOption;

typedef struct {
    FleetTransport transport;
    char *destination; /* the address or the host; NULL for the two buses */
    FleetJsonMode json;
    gboolean legend;
    gboolean pager;
    gboolean quiet;
    gboolean ask_password;
    gboolean help;
    gboolean version;

    guint given; /* FLEET_OPTION_... that stood on the command line */
    char *name;
    GPtrArray *types;    /* char *, as they were written */
    GPtrArray *statuses; /* char *, upper case */
    GPtrArray *results;  /* char *, lower case */
    char *prefix;
    char *name_contains;
    char *device;
    GPtrArray *params; /* char *, "key=value" */
    gint64 interval;   /* µs */
    guint limit;       /* rows; 0 = all */
    gint64 since;      /* µs since the epoch */
    gint64 until;      /* µs since the epoch */
    guint32 owner;     /* a uid */
    char *driver;
    char *device_address;

    /* How an action is to be started; each only where it was given. */
    char *if_busy; /* "fail", "queue" or "replace" */
    gint32 priority;
    gint64 not_before;     /* µs since the epoch */
    gint64 start_deadline; /* µs since the epoch */
    gint64 timeout;        /* µs; 0 = none */
    gint64 step_timeout;   /* µs; 0 = none */
    guint retry;           /* attempts after the first */
    gint64 retry_delay;    /* µs */
    char *request_id;

    GPtrArray *words; /* char *: the verb and its arguments */
} FleetCliOptions;

/* What holds where nothing is said: the system bus, text for people, every 2 s. */
FleetCliOptions *fleet_cli_options_new(void) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Reads a command line; argv[0] is skipped. Every text is checked to be UTF-8, which is all that D-Bus can carry. On
 * failure NULL and a FLEET_CLI_ERROR with code USAGE.
 */
FleetCliOptions *fleet_cli_options_parse(int argc, char **argv, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void fleet_cli_options_free(FleetCliOptions *options);

/* The name of the first of these options, with its dashes, static: for messages. */
const char *fleet_option_name(guint options);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetCliOptions, fleet_cli_options_free)
