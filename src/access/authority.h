/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Asks polkit whether callers may do what they want, and sees to it that there is an answer in time, whatever becomes
 * of polkit: no answer means no. Nothing here waits.
 *
 * Only so many questions are with polkit at the same time (a bus daemon allows 128 calls without their replies to a
 * connection); the others wait, and callers take turns. Each question has 10 s from when it was put. A question is put
 * without any person being asked; where polkit says that one would have to authenticate, and the caller's message
 * allows it, it is put again so that a person is, for 120 s, one at a time for each caller, two for each user, and once
 * for each inquiry. What polkit allows is remembered for 5 s, unless a person allowed it once only, or something
 * changes.
 */

#include "access/caller.h"
#include "access/permits.h"

#include <glib.h>

typedef struct FleetAuthority FleetAuthority;

FleetAuthority *fleet_authority_new(void) G_GNUC_WARN_UNUSED_RESULT;

/* Nothing may be asked any more: see _refuse_all(). */
void fleet_authority_free(FleetAuthority *authority);

/* The answer to n questions: refusals[i] is NULL where the caller may do what question i says, else ACCESS_DENIED with
 * a message that names the user, the verb, the action of polkit, and what can be done about it. They belong to the
 * authority, until the function returns. */
typedef void (*FleetAuthorityFunc)(GError *const *refusals, guint n, gpointer user_data);

/*
 * Asks about one or more things that a caller wants to do (n > 0; copied), and calls back once, at once or later. The
 * verbs must not be free to the caller: see fleet_verb_is_free(). is_interactive: a person may be asked to
 * authenticate.
 */
void fleet_authority_ask(FleetAuthority *authority, const FleetCaller *caller, const FleetQuestion *questions, guint n,
        gboolean is_interactive, FleetAuthorityFunc answered, gpointer user_data);

/* A caller has gone: what is asked for it is refused, its dialog is taken away, and what it may do is forgotten. */
void fleet_authority_forget(FleetAuthority *authority, const FleetCaller *caller);

/* Refuses all that is asked now, because the daemon ends. */
void fleet_authority_refuse_all(FleetAuthority *authority);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetAuthority, fleet_authority_free)
