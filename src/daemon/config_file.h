/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One file of the configuration: groups of keys as GKeyFile reads them, and the lines that they came from.
 */

#include <glib.h>

typedef struct {
    const char *path; /* the caller's */
    char *text;
    GKeyFile *keys;
} FleetConfigFile;

#define FLEET_CONFIG_FILE_INIT                                                                                         \
    {                                                                                                                  \
        0                                                                                                              \
    }

/*
 * Reads a file. A missing one is an error only if it is required, and has no groups otherwise. INVALID_ARGUMENT if it
 * cannot be read or is no such file.
 */
gboolean fleet_config_file_read(
        FleetConfigFile *file, const char *path, gboolean required, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees what the file holds and empties it. */
void fleet_config_file_clear(FleetConfigFile *file);

/* Its groups; the keys of one. Owned by the caller. */
char **fleet_config_file_groups(const FleetConfigFile *file);
char **fleet_config_file_keys(const FleetConfigFile *file, const char *group);

/* The value of a key as it stands in the file: no value needs GKeyFile's escapes. NULL if there is no such key. Owned
 * by the caller. */
char *fleet_config_file_value(const FleetConfigFile *file, const char *group, const char *key);

/* "FILE:LINE" of a key, or of its group's header for key NULL. Owned by the caller. */
char *fleet_config_file_origin(const FleetConfigFile *file, const char *group, const char *key);

/* Sets INVALID_ARGUMENT with the origin before the message. FALSE, for the caller to return. */
gboolean fleet_config_file_fail(const FleetConfigFile *file, const char *group, const char *key, GError **error,
        const char *format, ...) G_GNUC_PRINTF(5, 6);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FleetConfigFile, fleet_config_file_clear)
