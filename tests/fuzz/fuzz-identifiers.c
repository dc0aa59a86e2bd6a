/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What names devices and actions, and the object paths that stand for them.
 */

#include "bus/paths.h"
#include "fuzz.h"
#include "model/limits.h"

#include <string.h>
#include <systemd/sd-bus.h>

static void check_device(const char *text)
{
    g_autoptr(GError) error = NULL;
    gboolean is_id = fleet_device_id_check(text, &error);

    fleet_fuzz_check_error(is_id, &error);
    fleet_fuzz_check_error(fleet_device_name_check(text, &error), &error);
    fleet_fuzz_check_error(fleet_device_type_check(text, &error), &error);
    fleet_fuzz_check_error(fleet_device_address_check(text, &error), &error);
    if (!is_id)
        return;
    g_assert_cmpuint(strlen(text), <=, FLEET_DEVICE_ID_MAX);
    g_assert_true(g_utf8_validate(text, -1, NULL));
    g_autofree char *path = fleet_path_of_device(text);
    g_assert_cmpint(sd_bus_object_path_is_valid(path), >, 0);
    g_autofree char *back = fleet_path_to_device(path);
    g_assert_cmpstr(back, ==, text);
}

static void check_action(const char *text)
{
    char formatted[FLEET_ACTION_ID_BUFFER], path[FLEET_ACTION_PATH_BUFFER];
    FleetActionId id, back;

    if (!fleet_action_id_parse(text, &id))
        return;
    g_assert_cmpstr(fleet_action_id_format(id, formatted), ==, text);
    g_assert_cmpint(sd_bus_object_path_is_valid(fleet_path_of_action(id, path)), >, 0);
    g_assert_true(fleet_path_to_action(path, &back));
    g_assert_cmpint(back.sequence, ==, id.sequence);
    g_assert_cmpint(back.msec, ==, id.msec);
}

/* Of the paths that stand for something there is one each. */
static void check_path(const char *text)
{
    g_autofree char *device = fleet_path_to_device(text);
    char buffer[FLEET_ACTION_PATH_BUFFER];
    FleetActionId id;

    if (device != NULL) {
        g_autofree char *path = fleet_path_of_device(device);
        g_assert_cmpstr(path, ==, text);
    }
    if (fleet_path_to_action(text, &id))
        g_assert_cmpstr(fleet_path_of_action(id, buffer), ==, text);
}

static void check_quotable(const char *text)
{
    g_autofree char *shown = fleet_quotable(text);

    g_assert_true(g_utf8_validate(shown, -1, NULL));
    for (const char *p = shown; *p != '\0'; p = g_utf8_next_char(p))
        g_assert_false(g_unichar_iscntrl(g_utf8_get_char(p)));
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = fleet_fuzz_string(data, size);

    check_device(text);
    check_action(text);
    check_quotable(text);
    if (sd_bus_object_path_is_valid(text) > 0)
        check_path(text);
    return 0;
}
