/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The check's own main loop, in which its connections and sources are.
 */

#include <glib.h>

/* Lets it turn for so many ms: where time itself is what is tested, or a random moment. Who waits for something does
 * not wait by this. */
void fleet_test_run_for(guint msec);

/* Lets it turn until that holds, or for FLEET_TEST_PATIENCE. Whether it holds. */
gboolean fleet_test_run_until(gboolean (*holds)(gpointer user_data), gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;

/* Such a condition: that a gboolean is set. */
gboolean fleet_test_is_set(gpointer flag);
