/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How a caller is told no: who may not do what, why, and what can be done about it.
 */

#include "access/caller.h"
#include "access/permits.h"

#include <glib.h>

typedef enum {
    FLEET_REFUSAL_NO,        /* polkit says so */
    FLEET_REFUSAL_CHALLENGE, /* someone would have to authenticate, and nobody was asked */
    FLEET_REFUSAL_FAILED,    /* someone was asked, in vain */
    FLEET_REFUSAL_DISMISSED, /* someone was asked, and would not */
    FLEET_REFUSAL_NO_ANSWER, /* of polkit's */
} FleetRefusalReason;

/* An ACCESS_DENIED. problem: why there is no answer, in words that go on after "but"; else NULL. Owned by the caller.
 */
GError *fleet_refusal_new(const FleetCaller *caller, const FleetQuestion *question, FleetRefusalReason reason,
        const char *problem) G_GNUC_WARN_UNUSED_RESULT;
