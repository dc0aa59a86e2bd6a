/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the driver "thin-edge" is told: where the broker is, how to log in there, and what is where on it.
 */

#include <glib.h>

#define FLEET_THIN_EDGE_GROUP "ThinEdge"

typedef struct {
    char *broker;           /* as it was given; NULL = none */
    char *host;             /* a name, an address or a path; NULL = none */
    guint16 port;           /* 0 = host is the path of a Unix socket */
    char *client_id;        /* NULL = none was given, and nobody has identified it yet */
    char *username;         /* NULL = none, and so below */
    char *password_file;    /* NULL = none, and so below */
    char *password;         /* what it holds; never to be shown */
    char *ca_file;          /* TLS if it is there */
    char *certificate_file; /* of ours */
    char *key_file;
    char *root;           /* of all topics */
    char *health_service; /* whose health is that of its device */
    guint keep_alive;     /* s */
    gboolean auto_register;
    char *auto_register_type; /* of the devices that are registered so */
    guint auto_register_max;  /* so many devices the driver has at the most, before it registers no more */
    gint64 sweep_after;       /* µs after the start until commands that nobody has asked for are cleared; 10 s */
} FleetThinEdgeSettings;

/* All by default. A reference of the caller's. Once the driver has them, they must not be changed any more. */
FleetThinEdgeSettings *fleet_thin_edge_settings_new(void) G_GNUC_WARN_UNUSED_RESULT;
FleetThinEdgeSettings *fleet_thin_edge_settings_ref(FleetThinEdgeSettings *settings);
void fleet_thin_edge_settings_unref(FleetThinEdgeSettings *settings);

/* Sets what one key says. INVALID_ARGUMENT with what would be right, which never quotes a secret. */
gboolean fleet_thin_edge_settings_set(
        FleetThinEdgeSettings *settings, const char *key, const char *value, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Once all keys are set: do they fit together, and can the files be read? Fills in what follows from others.
 * INVALID_ARGUMENT if not. */
gboolean fleet_thin_edge_settings_complete(FleetThinEdgeSettings *settings, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Gives it a ClientId if it has none. The identity is what makes this fleetd another one than all others on the
 * machine, such as its state directory: the same one makes the same ClientId. */
void fleet_thin_edge_settings_identify(FleetThinEdgeSettings *settings, const char *identity);

/* Do both ask for the same connection? */
gboolean fleet_thin_edge_settings_connect_alike(const FleetThinEdgeSettings *a, const FleetThinEdgeSettings *b);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetThinEdgeSettings, fleet_thin_edge_settings_unref)
