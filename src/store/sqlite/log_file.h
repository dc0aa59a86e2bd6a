/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The log of changes before SQLite opens it. SQLite takes what it finds up to the first frame that is not whole,
 * because such a thing is what a crash may leave of a change that was not acknowledged. If a log was cut or damaged in
 * what was acknowledged, it drops that as well, without a word.
 */

#include <glib.h>

/*
 * Compares the log of a database with its index, the -shm file, which says how much of the log was committed: that must
 * be whole, or have been moved into the database. Both formats are those of https://www.sqlite.org/walformat.html. An
 * index that is missing or not whole says nothing. Only for an index that the kernel has had in memory ever since its
 * last use, for it is never synced: not after the machine was off. FLEET_STORE_ERROR_DATABASE. Changes nothing.
 */
gboolean fleet_log_file_check(const char *database, GError **error) G_GNUC_WARN_UNUSED_RESULT;
