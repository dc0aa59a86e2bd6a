/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a device has to do: it takes up each command once, works on one at a time in the order in which they came, and
 * tells the broker how it stands. It begins nothing without a connection, and no phase of a command before the broker
 * has the one before; but what is being worked on is carried through.
 */

#include "command.h"
#include "loop.h"
#include "memory.h"
#include "plan.h"

#include <glib.h>

typedef struct SimWork SimWork;

/* What it asks of its device. */
typedef struct {
    /* Publish that for the command. The number under which it will be acknowledged; 0 if there is no connection. */
    int (*publish)(const SimCommand *command, const char *payload, gpointer data);

    /* The broker knows that a command has come to that phase, for the first time. */
    void (*reached)(SimStatus phase, gpointer data);

    /* To be done with a command, go down and come up again, and then call sim_work_restarted(). */
    void (*restart)(gpointer data);

    /* A command has succeeded; nobody has been told. */
    void (*succeeded)(const SimCommand *command, gpointer data);
} SimWorkHost;

/* Has what the memory has of that device. All but the identifier is weak. Owned by the caller. */
SimWork *sim_work_new(SimLoop *loop, const SimPlan *plan, SimMemory *memory, const char *device,
        const SimWorkHost *host, gpointer data) G_GNUC_WARN_UNUSED_RESULT;
void sim_work_free(SimWork *work);

/* Stops all timers, for good. */
void sim_work_stop(SimWork *work);

/* A command's topic has that payload (which is kept) and status: retained if it had before there was a connection. */
void sim_work_take(
        SimWork *work, const char *operation, const char *id, JsonObject *payload, SimStatus status, gboolean retained);

/* The requester has cleared a command's topic. */
void sim_work_cleared(SimWork *work, const char *operation, const char *id);

/* The broker has what was published under that number. FALSE if that was nothing of these. */
gboolean sim_work_acknowledged(SimWork *work, int number);

/* There is a connection, and what the broker had of the device's commands has come; or there is none any more. */
void sim_work_connected(SimWork *work);
void sim_work_disconnected(SimWork *work);

/* The device has been down and is up again. */
void sim_work_restarted(SimWork *work);
