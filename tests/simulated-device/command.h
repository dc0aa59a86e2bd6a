/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One command: what its requester wants, and how far the device is with it.
 */

#include <glib.h>
#include <json-glib/json-glib.h>

typedef enum {
    SIM_INIT, /* wanted, and not taken up yet */
    SIM_SCHEDULED,
    SIM_EXECUTING,
    SIM_SUCCESSFUL,
    SIM_FAILED,
    SIM_OTHER, /* a word that is none of these */
} SimStatus;

typedef struct {
    char *operation;
    char *id;
    JsonObject *payload; /* what was last published; NULL once nobody needs it any more */
    SimStatus status;
    char *reason;        /* of SIM_FAILED */
    guint step;          /* how many parts of the work are done */
    gboolean resumed;    /* it was executing when the program began */
    gboolean reached[2]; /* by phase (see plan.h): whether the broker has heard of it once */
    gboolean told;       /* the broker has this status */
    int number;          /* of the message with it that is under way; 0 = none */
} SimCommand;

SimCommand *sim_command_new(const char *operation, const char *id) G_GNUC_WARN_UNUSED_RESULT;
void sim_command_free(SimCommand *command);

/* The words for SIM_INIT to SIM_FAILED. */
const char *sim_status_to_string(SimStatus status);
SimStatus sim_status_from_string(const char *string);

gboolean sim_status_is_final(SimStatus status);

/* The payload of a command's topic as an object, owned by the caller, and the status that it holds; SIM_INIT if it
 * holds none. NULL with what is wrong with it, for people (static). */
JsonObject *sim_command_read(
        const char *text, gsize length, SimStatus *status, const char **wrong) G_GNUC_WARN_UNUSED_RESULT;

/* Takes that object as the one to answer with. */
void sim_command_set_payload(SimCommand *command, JsonObject *payload);

/* Moves it to a status, which nobody has been told of. The reason is of SIM_FAILED, else NULL. */
void sim_command_set_status(SimCommand *command, SimStatus status, const char *reason);

/* What is to be published of it: all that the requester has written, with the status, and with what belongs to that:
 * how far it is (0 to 1; 0 = not to be said), why it failed. Owned by the caller. */
char *sim_command_write(SimCommand *command, double progress) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimCommand, sim_command_free)
