/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every method of the contract, called by everybody there is, on both endpoints of a fleetd that is not root and has no
 * polkit to ask. */

#include "access/verbs.h"
#include "bus_test.h"

#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The users "daemon" and "bin", which Debian and its kin always have: a bus lets nobody in whom the system does not
 * know. */
#define DAEMON 1 /* uid and gid */
#define OTHER 2

static const struct {
    const char *name;
    uid_t uid;
    gid_t gid;
    gboolean may_all;
} users[] = {
        /* Who may do least comes first, so that there is something left to do it to. */
        {"nobody", 65534, 65534, FALSE},
        {"a member of the daemon's group", OTHER, DAEMON, FALSE},
        {"the daemon's user", DAEMON, DAEMON, TRUE},
        {"root", 0, 0, TRUE},
};

/* With the uid and both kinds of groups of that user. */
static GDBusConnection *connect_as(guint user, const char *address)
{
    const gid_t none = 0;

    if (setgroups(1, &users[user].gid) < 0 || setegid(users[user].gid) < 0 || seteuid(users[user].uid) < 0)
        fleet_test_fail("cannot become %s: %m", users[user].name);
    GDBusConnection *connection = fleet_test_connect(address);
    if (seteuid(0) < 0 || setegid(0) < 0 || setgroups(0, &none) < 0)
        fleet_test_fail("cannot become root again: %m");
    return connection;
}

/* A fleetd that another user runs. */
static FleetTestFleet *fleet_of_daemon_user(void)
{
    FleetTestFleet *fleet = g_new0(FleetTestFleet, 1);
    g_autofree char *home = fleet_test_directory_new();
    g_autofree char *wrapper = g_build_filename(home, "as-daemon", NULL);
    const char *other = g_getenv("FLEET_TEST_WRAPPER");
    g_autofree char *script =
            g_strdup_printf("#!/bin/sh\nexec setpriv --reuid=%d --regid=%d --clear-groups %s \"$@\"\n", DAEMON, DAEMON,
                    other != NULL ? other : "");

    fleet_test_write(wrapper, script);
    ck_assert_int_eq(chmod(wrapper, 0755), 0);
    g_setenv("FLEET_TEST_WRAPPER", wrapper, TRUE);
    fleet->bus = fleet_test_bus_new(NULL);
    fleet->daemon = fleet_test_daemon_new();
    g_autofree char *directory = g_path_get_dirname(fleet_test_daemon_config(fleet->daemon));
    g_autofree char *notify = g_build_filename(directory, "notify", NULL);
    ck_assert_int_eq(chown(directory, DAEMON, DAEMON), 0);
    ck_assert_int_eq(chown(notify, DAEMON, DAEMON), 0);
    fleet_test_daemon_set_config(fleet->daemon, FLEET_TEST_ENDLESS);
    fleet_test_daemon_start(fleet->daemon);
    g_autofree char *address = fleet_test_fleet_address(fleet);
    fleet->connection = fleet_test_connect(fleet_test_bus_address(fleet->bus));
    fleet->direct = fleet_test_connect(address);
    return fleet;
}

static const char *const interfaces[] = {FLEET_TEST_MANAGER, FLEET_TEST_DEVICE, FLEET_TEST_ACTION};

typedef struct {
    const char *device, *action; /* there are such */
    const char *paths[G_N_ELEMENTS(interfaces)];
} Things;

/* Arguments that name what there is, and are empty otherwise. */
static GVariant *arguments_for(const GDBusMethodInfo *method, const Things *things)
{
    g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_TUPLE);

    for (GDBusArgInfo **argument = method->in_args; argument != NULL && *argument != NULL; argument++) {
        const char *name = (*argument)->name, *signature = (*argument)->signature;

        if (g_str_equal(name, "id"))
            g_variant_builder_add(&builder, "s", things->device);
        else if (g_str_equal(name, "action_id"))
            g_variant_builder_add(&builder, "s", things->action);
        else if (g_str_equal(name, "type"))
            g_variant_builder_add(&builder, "s", "SYSTEM_REBOOT");
        else if (g_str_equal(signature, "s"))
            g_variant_builder_add(&builder, "s", "");
        else if (g_str_equal(signature, "u"))
            g_variant_builder_add(&builder, "u", 0u);
        else if (*signature == 'a')
            g_variant_builder_add_value(&builder, g_variant_new_array(G_VARIANT_TYPE(signature + 1), NULL, 0));
        else
            fleet_test_fail("%s has an argument '%s' of a type that is new here: %s", method->name, name, signature);
    }
    return g_variant_builder_end(&builder);
}

/* What must come of it: nothing but access is of interest. */
static void call_method(GDBusConnection *connection, guint user, const char *path, const char *interface,
        const GDBusMethodInfo *method, const Things *things)
{
    g_autofree char *name = NULL, *message = NULL;
    g_autoptr(GVariant) reply = fleet_test_call_any(
            connection, path, interface, method->name, arguments_for(method, things), &name, &message);
    g_autoptr(GError) error = NULL;
    FleetVerb verb;

    ck_assert_msg(fleet_verb_of(interface, method->name, &verb, &error), "%s.%s has no row", interface, method->name);
    gboolean may = users[user].may_all || verb == FLEET_VERB_READ;
    if (g_strcmp0(name, FLEET_TEST_DENIED) == 0 ? may : !may)
        fleet_test_fail("%s.%s by %s: %s %s", interface, method->name, users[user].name,
                name != NULL ? name : "is carried out", message != NULL ? message : "");
    if (!may) {
        g_autofree char *part = g_strdup_printf("user %u may not ", (guint)users[user].uid);
        fleet_test_assert_contains(message, part);
    }
}

static guint walk(GDBusConnection *connection, guint user, const Things *things)
{
    guint n = 0;

    for (guint i = 0; i < G_N_ELEMENTS(interfaces); i++) {
        g_autofree char *path = g_strdup_printf("%s/dbus/%s.xml", fleet_test_env("FLEET_SOURCE"), interfaces[i]);
        g_autofree char *xml = fleet_test_read(path);
        g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(xml, NULL);
        const GDBusInterfaceInfo *interface = g_dbus_node_info_lookup_interface(node, interfaces[i]);

        for (GDBusMethodInfo **method = interface->methods; *method != NULL; method++, n++)
            call_method(connection, user, things->paths[i], interfaces[i], *method, things);
    }
    return n;
}

START_TEST(every_method_by_everybody)
{
    FleetTestFleet *fleet = fleet_of_daemon_user();
    g_autofree char *socket = fleet_test_fleet_address(fleet);
    const char *address = _i == 0 ? fleet_test_bus_address(fleet->bus) : socket;

    for (guint user = 0; user < G_N_ELEMENTS(users); user++) {
        g_autofree char *device = g_strdup_printf("device-%u", user);
        g_autofree char *device_path = fleet_test_device_path(device);
        g_autofree char *action_path = NULL;
        g_autoptr(GDBusConnection) connection = connect_as(user, address);

        fleet_test_register(fleet->connection, device);
        g_autofree char *action = fleet_test_initiate(fleet->connection, device, "SYSTEM_REBOOT", &action_path);
        fleet_test_wait_for(fleet->connection, action_path, FLEET_TEST_ACTION, "Phase", "preparing");
        const Things things = {
                .device = device, .action = action, .paths = {FLEET_TEST_ROOT, device_path, action_path}};
        g_autoptr(GVariant) before = fleet_test_snapshot(fleet->connection);
        ck_assert_uint_ge(walk(connection, user, &things), 20);
        g_autoptr(GVariant) after = fleet_test_snapshot(fleet->connection);
        ck_assert_int_eq(g_variant_equal(before, after), !users[user].may_all);
    }
    fleet_test_fleet_free(fleet);
}
END_TEST

int main(void)
{
    if (geteuid() != 0) {
        puts("1..0 # SKIP only root can become another user");
        return 0;
    }

    Suite *suite = suite_create("bus: walk");

    tcase_add_loop_test(fleet_test_case(suite, "every method"), every_method_by_everybody, 0, 2);
    return fleet_test_main(suite);
}
