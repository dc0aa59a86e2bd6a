/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/loop.h"

#include "lib/main.h"

static gboolean set_flag(gpointer flag)
{
    *(gboolean *)flag = TRUE;
    return G_SOURCE_CONTINUE;
}

gboolean fleet_test_is_set(gpointer flag)
{
    return *(const gboolean *)flag;
}

static gboolean run_until(gboolean (*holds)(gpointer user_data), gpointer user_data, guint msec)
{
    gboolean over = FALSE;
    guint timeout = g_timeout_add(msec, set_flag, &over);

    while (!holds(user_data) && !over)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timeout);
    return holds(user_data);
}

gboolean fleet_test_run_until(gboolean (*holds)(gpointer user_data), gpointer user_data)
{
    return run_until(holds, user_data, (guint)(FLEET_TEST_PATIENCE * fleet_test_slowness() * 1000));
}

static gboolean never(gpointer user_data)
{
    return FALSE;
}

void fleet_test_run_for(guint msec)
{
    (void)run_until(never, NULL, msec);
}
