/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A pager between a long list and the terminal, as systemctl has it: SYSTEMD_PAGER, else PAGER, else less or more. An
 * empty one or "cat" is none.
 */

#include <glib.h>

/* The pager's command line; NULL for none, and where a variable holds no command line. Owned by the caller. */
char **fleet_pager_command(void) G_GNUC_WARN_UNUSED_RESULT;

/* Shows the text and waits until the reader has left. FALSE if there is no pager, or it cannot be started: then the
 * text is still to be printed. */
gboolean fleet_pager_show(const char *text) G_GNUC_WARN_UNUSED_RESULT;
