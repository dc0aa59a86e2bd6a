/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whether an action can be done on a device, and what its command is: the operation, the topic and the payload.
 */

#include "drivers/thin_edge/private.h"

#include "base/error.h"
#include "base/quotable.h"
#include "drivers/thin_edge/message.h"
#include "drivers/thin_edge/topic.h"

static gboolean check_capability(FleetThinEdge *self, const FleetThinEdgeDevice *device,
        FleetThinEdgeOperation operation, GPtrArray *types, GError **error)
{
    const char *capability = device->capabilities[operation];
    const char *name = fleet_thin_edge_operation_name(operation);

    if (device->refusal != NULL) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_UNSUPPORTED,
                "the broker does not tell us about device '%s': %s; allow '%s' to read its topics", device->id,
                device->refusal, self->settings->client_id);
        return FALSE;
    }
    if (capability == NULL) {
        g_autofree char *topic = fleet_thin_edge_topic_capability(self->settings->root, device->address, operation);
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_UNSUPPORTED,
                "device '%s' does not say that it can do '%s'; it would on '%s'", device->id, name, topic);
        return FALSE;
    }
    for (guint i = 0; i < types->len; i++) {
        const char *type = types->pdata[i];

        if (*type == '\0' || fleet_thin_edge_capability_has(capability, type))
            continue;
        g_autofree char *known = fleet_quotable(capability);
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_UNSUPPORTED,
                "device '%s' can do '%s' for the types %s, and not for the one that is asked for", device->id, name,
                known);
        return FALSE;
    }
    return TRUE;
}

static gboolean check_broker(const FleetThinEdge *self, GError **error)
{
    if (self->settings != NULL && self->settings->host != NULL)
        return TRUE;
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_UNSUPPORTED,
            "the driver 'thin-edge' has no broker; set Broker= in the group [" FLEET_THIN_EDGE_GROUP
            "] of the configuration");
    return FALSE;
}

char *fleet_thin_edge_plan_payload(const FleetAction *action, const char *client, FleetThinEdgeOperation *operation,
        GPtrArray *types, GError **error)
{
    if (fleet_thin_edge_operation_from_action(action->type, operation))
        return fleet_thin_edge_operation_payload(*operation, action->parameters, client, types, error);
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_UNSUPPORTED,
            "the driver 'thin-edge' does not do %s; it does SOFTWARE_UPDATE, FIRMWARE_UPDATE, SYSTEM_REBOOT and "
            "CONFIGURATION_CHANGE",
            action->type);
    return NULL;
}

/* A plan is the topic and the client, a line each. What is missing now may have come late, so it is looked for again.
 */
GRefString *fleet_thin_edge_plan(
        FleetThinEdge *self, const FleetAction *action, const FleetDevice *device, GError **error)
{
    g_autoptr(GPtrArray) types = g_ptr_array_new_with_free_func(g_free);
    FleetThinEdgeDevice *ours = g_hash_table_lookup(self->devices, device->id);
    FleetThinEdgeOperation operation;
    char id[FLEET_ACTION_ID_BUFFER];

    if (!check_broker(self, error))
        return NULL;
    const char *client = self->settings->client_id;
    g_autofree char *payload = fleet_thin_edge_plan_payload(action, client, &operation, types, error);
    if (payload == NULL)
        return NULL;
    if (ours == NULL) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_UNSUPPORTED,
                "device '%s' has an id that no topic can have; give it an address", device->id);
        return NULL;
    }
    if (!check_capability(self, ours, operation, types, error)) {
        fleet_thin_edge_sync_fetch(self->sync, ours);
        return NULL;
    }
    g_autofree char *topic = fleet_thin_edge_topic_command(
            self->settings->root, ours->address, operation, fleet_action_id_format(action->id, id), action->attempt);
    g_autofree char *text = g_strdup_printf("%s\n%s", topic, client);
    return g_ref_string_new(text);
}
