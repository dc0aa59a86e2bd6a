/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A small file system of its own, a tmpfs in a mount namespace that ends with the check, with 200 files. For root, in
 * most places.
 */

#include <glib.h>

/* Whether this machine lets us mount; to be asked outside of a check. */
gboolean fleet_test_small_disk_possible(void);

/* Mounts one of so many KiB, in a namespace of this process and its children. Its root; owned by the caller. */
char *fleet_test_small_disk_new(guint kib) G_GNUC_WARN_UNUSED_RESULT;

/* Fills it up but for so many KiB; a filler that is there already is made smaller or larger. */
void fleet_test_small_disk_fill(const char *disk, guint left);

/* Makes files until no further one can be made; until it is filled in the other way. */
void fleet_test_small_disk_fill_inodes(const char *disk);

/* Makes it writable or not. FALSE if a file is open for writing in the way. */
gboolean fleet_test_small_disk_set_writable(const char *disk, gboolean writable) G_GNUC_WARN_UNUSED_RESULT;
