/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the store's two threads share. They lock with POSIX's mutexes, not GLib's, because ThreadSanitizer sees only
 * those.
 */

#include <glib.h>

/* Tells the main loop that there are results to take. Called from a thread, once per batch, with no lock held. */
typedef void (*FleetWakeFunc)(gpointer user_data);

/* Starts a thread that no signal is delivered to: they are the main thread's. A write beyond RLIMIT_FSIZE is then an
 * error like any other, instead of SIGXFSZ. */
GThread *fleet_thread_new(const char *name, GThreadFunc func, gpointer data) G_GNUC_WARN_UNUSED_RESULT;
