/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Messages of sd-bus that hold any value, without anybody to send them to.
 */

#include <glib.h>
#include <systemd/sd-bus.h>

/* A message that holds the children of a tuple, sealed and ready to be read; or for NULL, one that is to be filled.
 * Owned by the caller. */
sd_bus_message *fleet_fuzz_message_new(GVariant *tuple) G_GNUC_WARN_UNUSED_RESULT;
