/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What polkit says: org.freedesktop.PolicyKit1.Authority, asked on a connection of its own to the system bus. The
 * connection is opened when the first question is asked, without waiting for it, and again after it was lost.
 * The protocol is that of polkit's reference manual, "The D-Bus Interface".
 */

#include "access/caller.h"

#include <glib.h>

typedef struct FleetPolkit FleetPolkit;

typedef enum {
    FLEET_POLKIT_YES,
    FLEET_POLKIT_NO,
    FLEET_POLKIT_CHALLENGE, /* a person would have to authenticate first */
    FLEET_POLKIT_DISMISSED, /* a person was asked to, and would not */
    FLEET_POLKIT_FAILED,    /* there is no answer, which means no */
} FleetPolkitVerdict;

typedef struct {
    FleetPolkitVerdict verdict;
    gboolean is_kept;    /* YES, and polkit itself would say so again without asking a person */
    gboolean is_lost;    /* FAILED, because polkit went away: there may be another by now */
    const char *problem; /* FAILED: why, in words; else NULL */
} FleetPolkitAnswer;

/* What is asked. All texts are borrowed. */
typedef struct {
    const FleetCaller *caller;
    const char *action;
    const char *const *details; /* name, value, name, value, ..., NULL */
    guint64 dialog;             /* a person may be asked, and this number cancels that; 0 = nobody is */
} FleetPolkitQuestion;

/* What polkit said before may not be true any more. */
typedef void (*FleetPolkitChangedFunc)(gpointer user_data);

FleetPolkit *fleet_polkit_new(FleetPolkitChangedFunc changed, gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;

/* Closes the connection; see below. */
void fleet_polkit_free(FleetPolkit *polkit);

/* Asks, and calls back once, never from within: with what polkit says, or with FAILED when the connection ends. There
 * is no deadline. FALSE and ACCESS_DENIED, and no call back, if there is nobody to ask. */
typedef void (*FleetPolkitAnswerFunc)(const FleetPolkitAnswer *answer, gpointer user_data);
gboolean fleet_polkit_ask(FleetPolkit *polkit, const FleetPolkitQuestion *question, FleetPolkitAnswerFunc answered,
        gpointer user_data, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Takes the dialog away. Its question is still answered. */
void fleet_polkit_cancel(FleetPolkit *polkit, guint64 dialog);

/* Whether changed() will be called when something changes: only then may an answer be remembered. */
gboolean fleet_polkit_is_watched(const FleetPolkit *polkit);

/* Closes the connection if there is one; what is asked is answered with FAILED. The next question opens another. */
void fleet_polkit_close(FleetPolkit *polkit);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetPolkit, fleet_polkit_free)
