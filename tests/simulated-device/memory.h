/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What outlives the program: how far its devices are with their commands (the state, from which it goes on), and what
 * they have begun to work on (the record, for others to read). Both are optional files of lines, which are only ever
 * added to while the program runs. They survive its death, not that of the machine. A file that cannot be written ends
 * the program, for what it does would be forgotten.
 */

#include "command.h"

#include <glib.h>

typedef struct SimMemory SimMemory;

/* Reads the state, if there is any, and writes it anew without what is out of date. NULL = no such file. NULL with an
 * error (G_FILE_ERROR) if that fails. Owned by the caller. */
SimMemory *sim_memory_open(const char *state, const char *record, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void sim_memory_free(SimMemory *memory);

/* The commands that a device had when the program ended last, each once, in the order in which they came. NULL = none.
 * Owned by the caller. */
GPtrArray *sim_memory_take(SimMemory *memory, const char *device) G_GNUC_WARN_UNUSED_RESULT;

/* Keeps the status of a command. */
void sim_memory_keep(SimMemory *memory, const char *device, const SimCommand *command);

/* Puts down that a device begins to work on a command: DEVICE OPERATION COMMAND. */
void sim_memory_record(SimMemory *memory, const char *device, const SimCommand *command);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimMemory, sim_memory_free)
