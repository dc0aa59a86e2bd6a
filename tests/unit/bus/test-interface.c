/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tables of properties: what differs, and what is told of it. */

#include "bus/interface.h"

#include "bus/action_interface.h"
#include "bus/device_interface.h"
#include "bus/manager_interface.h"
#include "bus_test.h"
#include "lib/main.h"

#include <errno.h>

/* The names in a mask, separated by spaces. Owned by the caller. */
static char *names(const FleetInterface *interface, guint32 mask)
{
    GString *text = g_string_new(NULL);

    ck_assert_uint_eq(mask >> interface->n, 0);
    for (guint i = 0; i < interface->n; i++)
        if ((mask & 1u << i) != 0)
            g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "", interface->properties[i].name);
    return g_string_free(text, FALSE);
}

#define assert_diff(interface, before, after, expected)                                                                \
    G_STMT_START                                                                                                       \
    {                                                                                                                  \
        g_autofree char *names_ = names((interface), fleet_interface_diff((interface), (before), (after)));            \
        ck_assert_str_eq(names_, (expected));                                                                          \
    }                                                                                                                  \
    G_STMT_END

static FleetDevice *new_device(void)
{
    return fleet_device_new("router-1", "Main Router", "router", "simulated");
}

static FleetAction *new_action(void)
{
    GRefString *device = g_ref_string_new("router-1");
    GRefString *type = g_ref_string_new_intern("SOFTWARE_UPDATE");
    GRefString *driver = g_ref_string_new_intern("simulated");
    static const char *const pairs[] = {"version", "2.1.0", "why", ""};
    g_autoptr(FleetParameters) parameters = fleet_parameters_new(pairs, 2, NULL);
    FleetAction *action = fleet_action_new((FleetActionId){1705312200000, 1}, device, type, driver, parameters);

    g_ref_string_release(device);
    g_ref_string_release(type);
    g_ref_string_release(driver);
    return action;
}

START_TEST(device_differs_in_what_changed)
{
    g_autoptr(FleetDevice) before = new_device();

    assert_diff(&fleet_device_interface, before, before, "");
    g_autoptr(FleetDevice) copy = fleet_device_copy(before);
    assert_diff(&fleet_device_interface, before, copy, "");
    fleet_device_set_name(copy, "Main Router");
    fleet_device_set_type(copy, "router");
    assert_diff(&fleet_device_interface, before, copy, "");

    copy->status = FLEET_DEVICE_OFFLINE;
    copy->updated_at++;
    assert_diff(&fleet_device_interface, before, copy, "Status UpdatedAt");
    fleet_device_set_name(copy, "Other");
    fleet_device_set_type(copy, "sensor");
    assert_diff(&fleet_device_interface, before, copy, "Name Type Status UpdatedAt");

    g_autoptr(FleetDevice) busy = fleet_device_copy(before);
    busy->action = (FleetActionId){1705312200000, 1};
    assert_diff(&fleet_device_interface, before, busy, "CurrentAction CurrentActionId");
    g_autoptr(FleetDevice) queued = fleet_device_copy(busy);
    queued->queued = 3;
    assert_diff(&fleet_device_interface, busy, queued, "QueuedActions");
    g_autoptr(FleetDevice) seen = fleet_device_copy(before);
    seen->last_seen_at = 1;
    assert_diff(&fleet_device_interface, before, seen, "");
}
END_TEST

START_TEST(action_differs_in_what_changed)
{
    g_autoptr(FleetAction) before = new_action();
    g_autoptr(FleetAction) running = fleet_action_copy(before);

    assert_diff(&fleet_action_interface, before, running, "");
    running->status = FLEET_ACTION_RUNNING;
    running->started.realtime = 1;
    running->attempt = 1;
    assert_diff(&fleet_action_interface, before, running, "Status StartedAt Attempt");

    g_autoptr(FleetAction) detail = fleet_action_copy(running);
    detail->progress = 0.5;
    detail->progress_known = TRUE;
    fleet_action_set_text(&detail->phase, "downloading");
    assert_diff(&fleet_action_interface, running, detail, "Phase Progress ProgressKnown");

    g_autoptr(FleetAction) past = fleet_action_copy(running);
    past->past_return = TRUE;
    assert_diff(&fleet_action_interface, running, past, "Cancelable");

    g_autoptr(FleetAction) failed = fleet_action_copy(detail);
    failed->status = FLEET_ACTION_FAILED;
    failed->result = FLEET_RESULT_FAILED;
    failed->completed_at = 2; /* and so it can no longer be cancelled */
    fleet_action_set_text(&failed->phase, "");
    fleet_action_set_text(&failed->message, "no");
    fleet_action_set_text(&failed->error_name, "org.example.Error");
    fleet_action_set_text(&failed->error_message, "no");
    g_autofree char *mask =
            names(&fleet_action_interface, fleet_interface_diff(&fleet_action_interface, detail, failed));
    g_auto(GStrv) changed = g_strsplit(mask, " ", -1);
    static const char *const expected[] = {
            "Status", "Result", "Phase", "Message", "CompletedAt", "Cancelable", "ErrorName", "ErrorMessage"};
    ck_assert_uint_eq(g_strv_length(changed), G_N_ELEMENTS(expected));
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++)
        ck_assert(g_strv_contains((const char *const *)changed, expected[i]));
}
END_TEST

START_TEST(manager_differs_in_what_changed)
{
    FleetManagerView before = {.storage_works = TRUE}, after = before;

    assert_diff(&fleet_manager_interface, &before, &after, "");
    after.devices = 1;
    after.devices_by_status[FLEET_DEVICE_ERROR] = 1;
    assert_diff(&fleet_manager_interface, &before, &after, "DeviceCount DevicesByStatus");
    before = after;
    after.running_actions = 2;
    assert_diff(&fleet_manager_interface, &before, &after, "RunningActions");
    after.pending_actions = 1;
    assert_diff(&fleet_manager_interface, &before, &after, "PendingActions RunningActions");
    before = after;
    after.storage_works = FALSE;
    assert_diff(&fleet_manager_interface, &before, &after, "StorageState");
    g_autofree char *types = names(&fleet_manager_interface, fleet_manager_action_types_bit);
    ck_assert_str_eq(types, "ActionTypes");
}
END_TEST

/* The keys of an a{sv}. Owned by the caller. */
static char *read_keys(GVariant *dictionary)
{
    GString *text = g_string_new(NULL);
    GVariantIter iter;
    const char *key;

    g_variant_iter_init(&iter, dictionary);
    while (g_variant_iter_next(&iter, "{&sv}", &key, NULL))
        g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "", key);
    return g_string_free(text, FALSE);
}

static const FleetInterface *const all[] = {&fleet_device_interface, &fleet_action_interface, &fleet_manager_interface};

/* One object for each of them, in the same order. */
static gconstpointer new_object(guint i)
{
    static const char *const types[] = {"SOFTWARE_UPDATE", NULL};
    static const FleetManagerView view = {.storage_works = TRUE, .action_types = types};

    return i == 0 ? (gconstpointer)new_device() : i == 1 ? (gconstpointer)new_action() : &view;
}

static void free_object(guint i, gconstpointer object)
{
    if (i == 0)
        fleet_device_unref(object);
    else if (i == 1)
        fleet_action_unref(object);
}

START_TEST(all_properties_are_appended_in_order)
{
    g_auto(FleetBody) body = FLEET_BODY_INIT;
    gconstpointer object = new_object((guint)_i);
    guint32 everything = (guint32)((1ull << all[_i]->n) - 1);

    fleet_interface_append_all(all[_i], &body, object);
    g_autoptr(GVariant) values = fleet_test_body_read(&body, "a{sv}");
    g_autoptr(GVariant) dictionary = g_variant_get_child_value(values, 0);
    g_autofree char *keys = read_keys(dictionary);
    g_autofree char *expected = names(all[_i], everything);
    ck_assert_str_eq(keys, expected);
    for (guint i = 0; i < all[_i]->n; i++) {
        const FleetProperty *property = &all[_i]->properties[i];
        g_autoptr(GVariant) value = g_variant_lookup_value(dictionary, property->name, NULL);
        ck_assert_str_eq(g_variant_get_type_string(value), property->signature);
    }
    free_object((guint)_i, object);
}
END_TEST

/* What sd-bus asks for, one property at a time, is the same as what we tell of all. */
START_TEST(each_property_is_got_alike)
{
    __attribute__((cleanup(sd_bus_close_unrefp))) sd_bus *bus = fleet_test_lonely_bus();
    g_auto(FleetBody) body = FLEET_BODY_INIT;
    gconstpointer object = new_object((guint)_i);

    for (guint i = 0; i < all[_i]->n; i++) {
        __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *message = fleet_test_message_new(bus);
        const FleetProperty *property = &all[_i]->properties[i];

        ck_assert_int_ge(fleet_interface_get(all[_i], property->name, message, object), 0);
        fleet_test_message_seal(message);
        ck_assert_str_eq(sd_bus_message_get_signature(message, TRUE), property->signature);
        fleet_body_reset(&body);
        property->append(&body, object);
        g_autoptr(GVariant) ours = fleet_test_body_read(&body, property->signature);
        g_autoptr(GVariant) theirs = fleet_test_message_read(message);
        g_autofree char *our_text = g_variant_print(ours, TRUE);
        g_autofree char *their_text = g_variant_print(theirs, TRUE);
        ck_assert_str_eq(our_text, their_text);
    }
    __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *message = fleet_test_message_new(bus);
    ck_assert_int_eq(fleet_interface_get(all[_i], "Colour", message, object), -ENOENT);
    free_object((guint)_i, object);
}
END_TEST

START_TEST(signal_carries_the_mask_alone)
{
    g_auto(FleetBody) body = FLEET_BODY_INIT;
    g_autoptr(FleetDevice) before = new_device();
    g_autoptr(FleetDevice) after = fleet_device_copy(before);
    g_autoptr(GVariant) dictionary = NULL;
    const char *interface;
    g_autofree const char **invalidated = NULL;

    after->status = FLEET_DEVICE_ERROR;
    after->updated_at = 5;
    fleet_interface_append_changed(
            &fleet_device_interface, &body, after, fleet_interface_diff(&fleet_device_interface, before, after));
    g_autoptr(GVariant) values = fleet_test_body_read(&body, "sa{sv}as");
    g_variant_get(values, "(&s@a{sv}^a&s)", &interface, &dictionary, &invalidated);
    ck_assert_str_eq(interface, "org.fleet.Device");
    g_autofree char *keys = read_keys(dictionary);
    ck_assert_str_eq(keys, "Status UpdatedAt");
    ck_assert_ptr_null(invalidated[0]);
}
END_TEST

START_TEST(object_has_its_interface)
{
    g_auto(FleetBody) body = FLEET_BODY_INIT;
    g_autoptr(FleetDevice) device = new_device();
    g_autoptr(GVariant) interfaces = NULL;
    const char *path;

    fleet_interface_append_object(&fleet_device_interface, &body, "/org/fleet/Manager/device/a", device);
    g_autoptr(GVariant) values = fleet_test_body_read(&body, "oa{sa{sv}}");
    g_variant_get(values, "(&o@a{sa{sv}})", &path, &interfaces);
    ck_assert_str_eq(path, "/org/fleet/Manager/device/a");
    ck_assert_uint_eq(g_variant_n_children(interfaces), 1);
    g_autoptr(GVariant) properties = g_variant_lookup_value(interfaces, "org.fleet.Device", NULL);
    ck_assert_uint_eq(g_variant_n_children(properties), fleet_device_interface.n);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: interface");
    TCase *diff = fleet_test_case(suite, "diff");
    TCase *append = fleet_test_case(suite, "append");

    tcase_add_test(diff, device_differs_in_what_changed);
    tcase_add_test(diff, action_differs_in_what_changed);
    tcase_add_test(diff, manager_differs_in_what_changed);
    tcase_add_loop_test(append, all_properties_are_appended_in_order, 0, G_N_ELEMENTS(all));
    tcase_add_loop_test(append, each_property_is_got_alike, 0, G_N_ELEMENTS(all));
    tcase_add_test(append, signal_carries_the_mask_alone);
    tcase_add_test(append, object_has_its_interface);
    return fleet_test_main(suite);
}
