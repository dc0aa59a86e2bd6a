/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Making sure that a file is on the disk as it reads.
 */

#include <glib.h>

/*
 * Writes what the file holds to where it is, and syncs that. After a sync that failed, the kernel keeps the pages that
 * it could not write and takes them for written; a sync alone would then say that all is well (see fsync(2), EIO).
 * Nobody else may write to the file meanwhile; who reads it notices nothing. A file that is not there is no error.
 * FLEET_STORE_ERROR_DATABASE.
 */
gboolean fleet_file_write_again(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
