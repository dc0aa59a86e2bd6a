/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * org.freedesktop.LogControl1 on /org/freedesktop/LogControl1, as systemd defines it in org.freedesktop.LogControl1(5):
 * for `systemctl service-log-level` and `service-log-target`, which find the daemon by its bus name. So it is published
 * on a message bus only.
 */

typedef struct FleetEndpoint FleetEndpoint;

/* Negative errno on failure. */
int fleet_log_control_publish(FleetEndpoint *endpoint);
