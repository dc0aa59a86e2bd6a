/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The group [ThinEdge]: what is read of it, what is refused, and that a build without MQTT has none.
 */

#include "base/error.h"
#include "build_config.h"
#include "daemon/config.h"
#include "lib/main.h"

static char *make_file(const char *text)
{
    g_autofree char *directory = fleet_test_directory_new();
    char *path = g_build_filename(directory, "fleetd.conf", NULL);

    fleet_test_write(path, text);
    return path;
}

/* The message is the file's path with this behind it. */
static void assert_refused(const char *text, const char *rest)
{
    g_autofree char *path = make_file(text);
    g_autofree char *expected = g_strconcat(path, rest, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(FleetConfig) config = fleet_config_load(path, TRUE, &error);

    ck_assert_ptr_null(config);
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    ck_assert_str_eq(error->message, expected);
}

START_TEST(group_is_read)
{
    g_autofree char *path = make_file("[ThinEdge]\nBroker=[::1]:2\nUsername=me\nTopicRoot=a/b\nKeepAlive=5s\n"
                                      "AutoRegister=yes\n");
    g_autoptr(GError) error = NULL;
    g_autoptr(FleetConfig) config = fleet_config_load(path, TRUE, &error);

    fleet_test_assert_no_error(error);
    ck_assert_str_eq(config->thin_edge->host, "::1");
    ck_assert_uint_eq(config->thin_edge->port, 2);
    ck_assert_str_eq(config->thin_edge->username, "me");
    ck_assert_str_eq(config->thin_edge->root, "a/b");
    ck_assert_uint_eq(config->thin_edge->keep_alive, 5);
    ck_assert(config->thin_edge->auto_register);
}
END_TEST

START_TEST(faults_have_a_place)
{
    assert_refused("[ThinEdge]\nBroker=a b\n",
            ":2: key 'Broker' in [ThinEdge] has a bad value: 'a b' is no broker; use "
            "HOST, HOST:PORT, [ADDRESS]:PORT, or the absolute path of a socket");
    assert_refused("[ThinEdge]\nPassword=x\n",
            ":2: key 'Password' in [ThinEdge] has a bad value: key 'Password' is unknown; use one of Broker, ClientId, "
            "Username, PasswordFile, CAFile, CertificateFile, KeyFile, KeepAlive, TopicRoot, HealthService, "
            "AutoRegister, AutoRegisterType, AutoRegisterMax");
    assert_refused("\n[ThinEdge]\nBroker=a\nPasswordFile=/nonexistent\n",
            ":2: PasswordFile= without Username= is of no use; name the user, too");
    assert_refused("[ThinEdge]\nUsername=me\nPasswordFile=/nonexistent\n",
            ":1: PasswordFile='/nonexistent' cannot be read: No such file or directory");
}
END_TEST

START_TEST(group_is_refused)
{
    assert_refused("[ThinEdge]\nBroker=a\n",
            ":1: group [ThinEdge] is of no use: this fleetd was built without MQTT; leave "
            "it out, or install one that has it");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config-thin-edge");
    TCase *tcase = fleet_test_case(suite, "thin-edge");

    if (FLEET_HAVE_MQTT) {
        tcase_add_test(tcase, group_is_read);
        tcase_add_test(tcase, faults_have_a_place);
    } else {
        tcase_add_test(tcase, group_is_refused);
    }
    return fleet_test_main(suite);
}
