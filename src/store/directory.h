/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The state directory. What is made here is on disk when the call returns: a database in a directory whose name is lost
 * with the power is lost as well.
 */

#include <glib.h>

/* Makes the directory (0750) and what is missing above it (0755), and checks that files can be made in it.
 * FLEET_STORE_ERROR_DIRECTORY. */
gboolean fleet_directory_make(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Puts the names in a directory on disk. FLEET_STORE_ERROR_DIRECTORY. */
gboolean fleet_directory_sync(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
