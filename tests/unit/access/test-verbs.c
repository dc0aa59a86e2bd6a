/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "access/verbs.h"

#include "base/error.h"
#include "lib/main.h"

#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

static const char *const interfaces[] = {"org.fleet.Manager", "org.fleet.Device", "org.fleet.Action"};

/* Somebody who is neither root nor the user that runs this. */
static uid_t stranger(void)
{
    return geteuid() == 65534 ? 65533 : 65534;
}

/* The contract, as dbus/ has it. */
static GDBusNodeInfo *read_contract(const char *interface)
{
    g_autofree char *path = g_strdup_printf("%s/dbus/%s.xml", fleet_test_env("FLEET_SOURCE"), interface);
    g_autofree char *xml = fleet_test_read(path);
    g_autoptr(GError) error = NULL;
    GDBusNodeInfo *info = g_dbus_node_info_new_for_xml(xml, &error);

    fleet_test_assert_no_error(error);
    return info;
}

START_TEST(every_method_of_the_contract_has_a_verb)
{
    g_autoptr(GDBusNodeInfo) info = read_contract(interfaces[_i]);
    GDBusInterfaceInfo *interface = g_dbus_node_info_lookup_interface(info, interfaces[_i]);

    ck_assert_ptr_nonnull(interface);
    for (GDBusMethodInfo **method = interface->methods; method != NULL && *method != NULL; method++) {
        g_autoptr(GError) error = NULL;
        FleetVerb verb;

        ck_assert_msg(fleet_verb_of(interfaces[_i], (*method)->name, &verb, &error), "%s.%s has no row", interfaces[_i],
                (*method)->name);
        /* What only looks is named so; a method that changes something must not slip in among them. */
        gboolean reads = g_str_has_prefix((*method)->name, "Get") || g_str_has_prefix((*method)->name, "List") ||
                         g_str_has_prefix((*method)->name, "Query");
        ck_assert_msg((verb == FLEET_VERB_READ || verb == FLEET_VERB_READ_AUDIT) == reads, "%s.%s has the wrong verb",
                interfaces[_i], (*method)->name);
        gboolean runs = strstr((*method)->name, "Initiate") != NULL;
        ck_assert_msg(
                (verb == FLEET_VERB_RUN_ACTIONS) == runs, "%s.%s has the wrong verb", interfaces[_i], (*method)->name);
        gboolean cancels = strstr((*method)->name, "Cancel") != NULL;
        ck_assert_msg((verb == FLEET_VERB_CANCEL_ACTIONS) == cancels, "%s.%s has the wrong verb", interfaces[_i],
                (*method)->name);
        gboolean reports = g_str_has_prefix((*method)->name, "Heartbeat");
        ck_assert_msg((verb == FLEET_VERB_REPORT_PRESENCE) == reports, "%s.%s has the wrong verb", interfaces[_i],
                (*method)->name);
        gboolean configures = g_str_equal((*method)->name, "Reload");
        ck_assert_msg((verb == FLEET_VERB_CONFIGURE) == configures, "%s.%s has the wrong verb", interfaces[_i],
                (*method)->name);
        gboolean audits = strstr((*method)->name, "Audit") != NULL;
        ck_assert_msg(
                (verb == FLEET_VERB_READ_AUDIT) == audits, "%s.%s has the wrong verb", interfaces[_i], (*method)->name);
    }
}
END_TEST

/* Each method of each interface, asked for on the others, where it is not. */
START_TEST(nothing_else_is_open)
{
    g_autoptr(GDBusNodeInfo) info = read_contract(interfaces[_i]);
    GDBusInterfaceInfo *interface = g_dbus_node_info_lookup_interface(info, interfaces[_i]);

    for (GDBusMethodInfo **method = interface->methods; method != NULL && *method != NULL; method++)
        for (guint i = 0; i < G_N_ELEMENTS(interfaces); i++) {
            g_autoptr(GError) error = NULL;
            FleetVerb verb;

            if (i == (guint)_i)
                continue;
            ck_assert(!fleet_verb_of(interfaces[i], (*method)->name, &verb, &error));
            fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_ACCESS_DENIED);
        }
}
END_TEST

static const struct {
    const char *interface, *member;
} unknown[] = {
        {"org.fleet.Manager", "Destroy"},
        {"org.fleet.Manager", "registerDevice"},
        {"org.fleet.Manager", "RegisterDevice "},
        {"org.fleet.Manager", ""},
        {"", "RegisterDevice"},
        {"org.fleet.Device", "Get"},
        {"org.freedesktop.DBus.Properties", "Set"},
};

START_TEST(method_without_a_row_is_open_to_nobody)
{
    g_autoptr(GError) error = NULL;
    FleetVerb verb;

    ck_assert(!fleet_verb_of(unknown[_i].interface, unknown[_i].member, &verb, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_ACCESS_DENIED);
    g_autofree char *expected =
            g_strdup_printf("method %s.%s is open to nobody", unknown[_i].interface, unknown[_i].member);
    ck_assert_str_eq(error->message, expected);
}
END_TEST

START_TEST(root_and_the_own_user_may_do_everything)
{
    const FleetCaller callers[] = {{.uid = 0, .pid = 1}, {.uid = geteuid()}};

    for (guint i = 0; i < G_N_ELEMENTS(callers); i++)
        ck_assert(fleet_verb_is_free((FleetVerb)_i, &callers[i]));
}
END_TEST

START_TEST(others_may_only_look)
{
    const FleetCaller caller = {.uid = stranger(), .pid = 1};

    ck_assert_int_eq(fleet_verb_is_free((FleetVerb)_i, &caller), _i == FLEET_VERB_READ);
}
END_TEST

/* "Not known" in the kernel's language. */
START_TEST(user_that_is_not_known_is_nobody)
{
    const FleetCaller caller = {.uid = (uid_t)-1};

    ck_assert(!fleet_verb_is_free(FLEET_VERB_MANAGE_DEVICES, &caller));
}
END_TEST

/* The file that polkit reads, with its place-holder. */
static char *read_policy(void)
{
    g_autofree char *path = g_strconcat(fleet_test_env("FLEET_SOURCE"), "/data/polkit/org.fleet.policy.in", NULL);

    return fleet_test_read(path);
}

START_TEST(each_verb_but_looking_is_an_action_of_polkit)
{
    g_autofree char *policy = read_policy();
    const char *name = fleet_verb_action((FleetVerb)_i);

    if (_i == FLEET_VERB_READ) {
        ck_assert_ptr_null(name);
        return;
    }
    g_autofree char *element = g_strdup_printf("<action id=\"%s\">", name);
    fleet_test_assert_contains(policy, element);
    for (int other = _i + 1; other < FLEET_VERB_LAST_; other++)
        ck_assert_str_ne(fleet_verb_action((FleetVerb)other), name);
}
END_TEST

/* polkit takes the word of who is not root only about actions that it owns. */
START_TEST(each_action_of_polkit_is_a_verb_and_ours)
{
    g_autofree char *policy = read_policy();
    g_auto(GStrv) actions = g_strsplit(policy, "<action id=\"", -1);

    ck_assert_uint_eq(g_strv_length(actions) - 1, FLEET_VERB_LAST_ - 1);
    for (char **action = actions + 1; *action != NULL; action++)
        fleet_test_assert_contains(
                *action, "<annotate key=\"org.freedesktop.policykit.owner\">unix-user:@fleet_user@</annotate>");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("access: verbs");
    TCase *table = fleet_test_case(suite, "table");
    TCase *check = fleet_test_case(suite, "check");
    TCase *policy = fleet_test_case(suite, "policy");

    tcase_add_loop_test(table, every_method_of_the_contract_has_a_verb, 0, G_N_ELEMENTS(interfaces));
    tcase_add_loop_test(table, nothing_else_is_open, 0, G_N_ELEMENTS(interfaces));
    tcase_add_loop_test(table, method_without_a_row_is_open_to_nobody, 0, G_N_ELEMENTS(unknown));
    tcase_add_loop_test(check, root_and_the_own_user_may_do_everything, 0, FLEET_VERB_LAST_);
    tcase_add_loop_test(check, others_may_only_look, 0, FLEET_VERB_LAST_);
    tcase_add_test(check, user_that_is_not_known_is_nobody);
    tcase_add_loop_test(policy, each_verb_but_looking_is_an_action_of_polkit, 0, FLEET_VERB_LAST_);
    tcase_add_test(policy, each_action_of_polkit_is_a_verb_and_ours);
    return fleet_test_main(suite);
}
