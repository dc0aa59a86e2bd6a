/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How long an action may take and how often it is tried. Each type of action has one by configuration; each call can
 * change it.
 */

#include <glib.h>

typedef struct {
    gint64 timeout;      /* of the whole run, from its first start, µs; 0 = none */
    gint64 step_timeout; /* of silence: without any report of the driver, µs; 0 = none */
    guint max_attempts;  /* at least 1 */
    gint64 retry_delay;  /* before the second attempt, µs */
    double retry_factor; /* each further delay is so many times the one before; at least 1.0 */
    gint64 retry_cap;    /* no delay is longer, µs */
    double retry_jitter; /* 0.0 to 1.0: the part of a delay that is drawn at random */
} FleetPolicy;

#define FLEET_ATTEMPTS_MAX 1000

/* One attempt, no timeouts; retries, where a call asks for them, after 10 s, doubled each time up to 10 min, with a
 * jitter of 0.1. */
extern const FleetPolicy fleet_policy_default;

/*
 * The delay before the next attempt after so many failed ones (from 1), in µs: exponential backoff with a cap, of which
 * the part jitter is drawn by random (0.0 to 1.0) so that actions that failed together do not come back together. See
 * M. Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
 */
gint64 fleet_policy_retry_delay(const FleetPolicy *policy, guint failed, double random);
