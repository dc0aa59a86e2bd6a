/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a fuzz target is: one function that is given bytes. libFuzzer (https://llvm.org/docs/LibFuzzer.html) makes them
 * up, in scripts/fuzz; replay.c takes them from files, in scripts/test. The target must come back, and must do the same
 * whenever it is given the same; a finding is a crash, a sanitizer's report, or an assertion here that does not hold.
 */

#include <glib.h>

/* Returns 0. */
int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

/* A new empty directory, mode 0700, below TMPDIR, which is removed when the program ends in order. Owned by the caller.
 */
char *fleet_fuzz_directory_new(void) G_GNUC_WARN_UNUSED_RESULT;

/* The whole input as a string: up to its first NUL. Owned by the caller. */
char *fleet_fuzz_string(const guint8 *data, gsize size) G_GNUC_WARN_UNUSED_RESULT;

/* An error is there exactly if the function said FALSE, has a message in one line of UTF-8, and is freed. */
void fleet_fuzz_check_error(gboolean succeeded, GError **error);
