/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/log_control.h"

#include "access/verbs.h"
#include "base/error.h"
#include "base/log.h"
#include "bus/endpoint.h"
#include "bus/errors.h"
#include "bus/reply.h"

#include <errno.h>

#define LOG_CONTROL_PATH "/org/freedesktop/LogControl1"
#define LOG_CONTROL_INTERFACE "org.freedesktop.LogControl1"

static int get_level(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
        void *user_data, sd_bus_error *error)
{
    return sd_bus_message_append_basic(reply, 's', fleet_log_level_to_string(fleet_log_level()));
}

static int get_target(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
        void *user_data, sd_bus_error *error)
{
    return sd_bus_message_append_basic(reply, 's', fleet_log_target_to_string(fleet_log_target()));
}

static int get_identifier(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    return sd_bus_message_append_basic(reply, 's', "fleetd");
}

/* sd-bus would ask the bus daemon who is calling, and all would wait for the answer. So intercept() takes the calls
 * that set, and what comes here all the same is refused. */
static int refuse(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *value,
        void *user_data, sd_bus_error *error)
{
    return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "property %s cannot be set in this way", property);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_WRITABLE_PROPERTY("LogLevel", "s", get_level, refuse, 0, 0),
        SD_BUS_WRITABLE_PROPERTY("LogTarget", "s", get_target, refuse, 0, 0),
        SD_BUS_PROPERTY("SyslogIdentifier", "s", get_identifier, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_VTABLE_END,
};

/* An empty value leaves it to the configuration again, as with the service manager's own. */
static gboolean set_level(const char *value, GError **error)
{
    int level;

    if (*value == '\0') {
        fleet_log_restore_level();
        return TRUE;
    }
    if (!fleet_log_level_from_string(value, &level, error))
        return FALSE;
    fleet_log_override_level(level);
    return TRUE;
}

static gboolean set_target(const char *value, GError **error)
{
    FleetLogTarget target;

    if (*value == '\0') {
        fleet_log_restore_target();
        return TRUE;
    }
    if (!fleet_log_target_from_string(value, &target, error))
        return FALSE;
    fleet_log_override_target(target);
    return TRUE;
}

/* As everything that configures the daemon, but polkit is not asked: its action is about a call of ours. */
static gboolean is_allowed(const FleetCaller *caller, GError **error)
{
    if (fleet_verb_is_free(FLEET_VERB_CONFIGURE, caller))
        return TRUE;
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_ACCESS_DENIED,
            "user %u may not change the log; ask as root or as the user that fleetd runs as", (guint)caller->uid);
    return FALSE;
}

static gboolean set_property(sd_bus_message *call, GError **error)
{
    const char *property, *value;
    int r = sd_bus_message_rewind(call, TRUE);

    if (r >= 0)
        r = sd_bus_message_read(call, "ssv", NULL, &property, "s", &value);
    if (r < 0) {
        g_propagate_error(error, fleet_errors_unreadable(r));
        return FALSE;
    }
    return g_str_equal(property, "LogLevel") ? set_level(value, error) : set_target(value, error);
}

/* A call that sets a property, until it is known who calls. */
typedef struct {
    FleetOutbox *outbox;  /* a reference */
    sd_bus_message *call; /* a reference */
} Setting;

static void free_setting(gpointer data)
{
    Setting *setting = data;

    fleet_outbox_unref(setting->outbox);
    sd_bus_message_unref(setting->call);
    g_free(setting);
}

/* Takes the setting. */
static void set(const FleetCaller *caller, const GError *unknown, gpointer user_data)
{
    Setting *setting = user_data;
    sd_bus_message *call = setting->call;
    g_autoptr(GError) error = NULL;

    if (unknown == NULL && is_allowed(caller, &error) && set_property(call, &error))
        fleet_log_about(LOG_NOTICE,
                FLEET_LOG_SUBJECT(.message = FLEET_MESSAGE_LOG_CHANGED, .sender_uid = &caller->uid,
                        .sender = sd_bus_message_get_sender(call)),
                "user %u has set the log to level %s, target %s", (guint)caller->uid,
                fleet_log_level_to_string(fleet_log_level()), fleet_log_target_to_string(fleet_log_target()));
    fleet_reply(setting->outbox, call, unknown != NULL ? unknown : error, "", NULL, NULL);
    free_setting(setting);
}

/* Whether a call sets one of the two properties. What is wrong otherwise is told by sd-bus. */
static gboolean is_set(sd_bus_message *call)
{
    const char *interface, *property;

    return sd_bus_message_is_method_call(call, "org.freedesktop.DBus.Properties", "Set") &&
           sd_bus_message_has_signature(call, "ssv") && sd_bus_message_read(call, "ss", &interface, &property) >= 0 &&
           g_str_equal(interface, LOG_CONTROL_INTERFACE) &&
           (g_str_equal(property, "LogLevel") || g_str_equal(property, "LogTarget"));
}

/* Sees every call on the object first. */
static int intercept(sd_bus_message *call, void *user_data, sd_bus_error *error)
{
    if (!is_set(call))
        return sd_bus_message_rewind(call, TRUE) < 0 ? -EBADMSG : 0;
    Setting *setting = g_new0(Setting, 1);
    setting->outbox = fleet_outbox_ref(fleet_endpoint_outbox(user_data));
    setting->call = sd_bus_message_ref(call);
    fleet_endpoint_resolve(user_data, call, set, free_setting, setting);
    return 1;
}

int fleet_log_control_publish(FleetEndpoint *endpoint)
{
    sd_bus *bus = fleet_endpoint_bus(endpoint);
    int r = sd_bus_add_object(bus, NULL, LOG_CONTROL_PATH, intercept, endpoint);

    return r < 0 ? r : sd_bus_add_object_vtable(bus, NULL, LOG_CONTROL_PATH, LOG_CONTROL_INTERFACE, vtable, NULL);
}
