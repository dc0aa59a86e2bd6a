/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fleet-simulated-device: what it does with commands.
 */

#include "device_test.h"
#include "lib/run.h"

#include <json-glib/json-glib.h>

#define COMMAND(operation, id) "te/device/rtr///cmd/" operation "/" id

static FleetTestProcess *start(const char *first, const char *second)
{
    /* The time in which a test waits for nothing. */
    return fleet_test_simulated_device_start(broker, "rtr", "--duration=20ms", "--boot-time=20ms", first, second, NULL);
}

/* What a command of each operation may hold, and something that is none of the device's business. */
static const struct {
    const char *topic, *members;
} operations[] = {
        {COMMAND("software_update", "fleet-7-1"),
                "'updateList':[{'type':'apt','modules':[{'name':'vim','version':'9','url':'http://x/"
                "vim','action':'install'},"
                "{'name':'nano','action':'remove'}]}],'fleet':{'action':7,'list':[1,2.5,null,true]}"},
        {COMMAND("software_update", "fleet-7-2"),
                "'updateList':[{'type':'','modules':[{'name':'vim','action':'install'}]}]"},
        {COMMAND("firmware_update", "fleet-8-1"),
                "'name':'os','version':'2','remoteUrl':'http://x/os','logPath':'/var/log/x'"},
        {COMMAND("restart", "fleet-9-1"), "'why':'\\u00fcnicode \\n \\\\'"},
        {COMMAND("config_update", "fleet-10-1"),
                "'type':'settings','remoteUrl':'http://x/toml','path':'/etc/x.toml','nothing':null"},
        {COMMAND("log_upload", "fleet-11-1"), "'number':9007199254740993"},
};

START_TEST(command_goes_through_its_phases_and_keeps_what_it_holds)
{
    const char *topic = operations[_i].topic;
    FleetTestProcess *device =
            start("--operations=software_update:apt,firmware_update,restart,config_update:settings,log_upload", NULL);
    const char *phases[] = {"init", "scheduled", "executing", "successful"};
    g_autofree char *payload = g_strdup_printf("{'status':'init',%s}", operations[_i].members);

    device_test_request(topic, payload);
    for (guint i = 0, place = 0; i < G_N_ELEMENTS(phases); i++) {
        g_autofree char *expected = g_strdup_printf("{'status':'%s',%s}", phases[i], operations[_i].members);

        place = fleet_test_mqtt_wait_status(mqtt, place, topic, phases[i]);
        device_test_assert_json(fleet_test_mqtt_get(mqtt, place), expected);
    }
    device_test_assert_statuses(topic, "init scheduled executing successful");
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(each_phase_is_retained)
{
    FleetTestProcess *device = fleet_test_simulated_device_start(broker, "rtr", "--duration=1h", NULL);

    device_test_request(COMMAND("log_upload", "0"), "{}");
    device_test_request(COMMAND("restart", "1"), "{}");
    (void)fleet_test_mqtt_wait_status(mqtt, 0, COMMAND("restart", "1"), "executing");
    g_autoptr(FleetTestMqtt) late = fleet_test_mqtt_new(broker, COMMAND("restart", "1"));
    guint place = fleet_test_mqtt_wait_status(late, 0, COMMAND("restart", "1"), "executing");
    ck_assert(fleet_test_mqtt_get(late, place)->retained);
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(missing_status_means_init)
{
    FleetTestProcess *device = start(NULL, NULL);

    device_test_request(COMMAND("restart", "1"), "{'who':'me'}");
    guint place = fleet_test_mqtt_wait_status(mqtt, 0, COMMAND("restart", "1"), "successful");
    device_test_assert_json(fleet_test_mqtt_get(mqtt, place), "{'who':'me','status':'successful'}");
    device_test_assert_statuses(COMMAND("restart", "1"), "- scheduled executing successful");
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(command_that_was_there_before_the_device_is_carried_out)
{
    device_test_request(COMMAND("restart", "1"), "{'status':'init'}");
    FleetTestProcess *device = start(NULL, NULL);

    (void)fleet_test_mqtt_wait_status(mqtt, 0, COMMAND("restart", "1"), "successful");
    device_test_assert_statuses(COMMAND("restart", "1"), "init scheduled executing successful");
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(failure_has_its_reason)
{
    FleetTestProcess *device = start("--fail=no space left", NULL);

    device_test_request(COMMAND("firmware_update", "1"), "{'name':'os','version':'2','remoteUrl':'http://x'}");
    guint place = fleet_test_mqtt_wait_status(mqtt, 0, COMMAND("firmware_update", "1"), "failed");
    device_test_assert_json(fleet_test_mqtt_get(mqtt, place),
            "{'status':'failed','reason':'no space left','name':'os','version':'2','remoteUrl':'http://x'}");
    device_test_assert_statuses(COMMAND("firmware_update", "1"), "- scheduled executing failed");
    /* And it has not restarted. */
    device_test_assert_statuses("te/device/rtr/service/tedge-agent/status/health", "up");
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(failure_of_software_says_what_has_failed)
{
    FleetTestProcess *device = start("--fail=broken", NULL);

    device_test_request(COMMAND("software_update", "1"),
            "{'updateList':[{'type':'apt','modules':[{'name':'vim','version':'9','action':'install'}]}]}");
    guint place = fleet_test_mqtt_wait_status(mqtt, 0, COMMAND("software_update", "1"), "failed");
    device_test_assert_json(fleet_test_mqtt_get(mqtt, place),
            "{'status':'failed','reason':'broken',"
            "'updateList':[{'type':'apt','modules':[{'name':'vim','version':'9','action':'install'}]}],"
            "'failures':[{'type':'apt','modules':[{'name':'vim','version':'9','action':'install','reason':'broken'}]}]"
            "}");
    fleet_test_simulated_device_stop(device);
}
END_TEST

#define LOTS 24

/* Has the device carry out LOTS commands; a letter for how each has ended. Owned by the caller. */
static char *draw_lots(const char *rate, const char *seed)
{
    FleetTestProcess *device = fleet_test_simulated_device_start(broker, "rtr", "--duration=0", rate, seed, NULL);
    guint from = fleet_test_mqtt_count(mqtt);
    GString *ends = g_string_new(NULL);

    for (guint i = 0; i < LOTS; i++) {
        g_autofree char *topic = g_strdup_printf(COMMAND("config_update", "%u"), i);

        device_test_request(topic, "{'status':'init','type':'settings','remoteUrl':'x'}");
    }
    for (guint i = 0; i < LOTS; i++) {
        g_autofree char *topic = g_strdup_printf(COMMAND("config_update", "%u"), i);
        guint place = from;
        g_autofree char *status = NULL;

        while (g_strcmp0(status, "successful") != 0 && g_strcmp0(status, "failed") != 0) {
            place = fleet_test_mqtt_wait_status(mqtt, place, topic, NULL);
            g_free(status);
            status = fleet_test_message_string(fleet_test_mqtt_get(mqtt, place++), "status");
        }
        g_string_append_c(ends, *status);
    }
    fleet_test_simulated_device_stop(device);
    /* Or the next one would know by them how they have ended. */
    for (guint i = 0; i < LOTS; i++) {
        g_autofree char *topic = g_strdup_printf(COMMAND("config_update", "%u"), i);

        fleet_test_mqtt_publish(mqtt, topic, "", TRUE);
    }
    return g_string_free(ends, FALSE);
}

START_TEST(part_of_the_commands_fails_and_the_same_ones_each_time)
{
    g_autofree char *first = draw_lots("--fail-rate=0.5", "--seed=1"),
                    *again = draw_lots("--fail-rate=0.5", "--seed=1");
    g_autofree char *other = draw_lots("--fail-rate=0.5", "--seed=2");

    ck_assert_ptr_nonnull(strchr(first, 'f'));
    ck_assert_ptr_nonnull(strchr(first, 's'));
    ck_assert_str_eq(first, again);
    ck_assert_str_ne(first, other);
}
END_TEST

START_TEST(rates_of_none_and_all_are_that)
{
    g_autofree char *none = draw_lots("--fail-rate=0", "--fail=never");
    g_autofree char *all = draw_lots("--fail-rate=1", NULL);
    g_autofree char *successes = g_strnfill(LOTS, 's'), *failures = g_strnfill(LOTS, 'f');

    ck_assert_str_eq(none, successes);
    ck_assert_str_eq(all, failures);
}
END_TEST

START_TEST(progress_is_told_while_it_works)
{
    const char *topic = COMMAND("config_update", "1");
    FleetTestProcess *device = start("--progress=3", NULL);

    device_test_request(topic, "{'type':'settings','remoteUrl':'x'}");
    guint last = fleet_test_mqtt_wait_status(mqtt, 0, topic, "successful"), place = 0;
    device_test_assert_json(
            fleet_test_mqtt_get(mqtt, last), "{'status':'successful','type':'settings','remoteUrl':'x'}");
    device_test_assert_statuses(topic, "- scheduled executing executing executing executing successful");
    for (guint i = 0; i <= 3; i++, place++) {
        place = fleet_test_mqtt_wait_status(mqtt, place, topic, "executing");
        g_autoptr(JsonNode) root = json_from_string(fleet_test_mqtt_get(mqtt, place)->payload, NULL);
        JsonObject *object = json_node_get_object(root);

        ck_assert_int_eq(json_object_has_member(object, "progress"), i > 0);
        if (i > 0)
            ck_assert_double_eq(json_object_get_double_member(object, "progress"), i / 4.0);
    }
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(firmware_is_reported)
{
    FleetTestProcess *device = start(NULL, NULL);

    device_test_request(COMMAND("firmware_update", "1"), "{'name':'os','version':'2','remoteUrl':'http://x'}");
    guint place = fleet_test_mqtt_wait_status(mqtt, 0, "te/device/rtr///twin/firmware", NULL);
    device_test_assert_json(fleet_test_mqtt_get(mqtt, place), "{'name':'os','version':'2'}");
    /* Before its requester knows that it is done. */
    (void)fleet_test_mqtt_wait_status(mqtt, place, COMMAND("firmware_update", "1"), "successful");
    fleet_test_simulated_device_stop(device);
}
END_TEST

static const struct {
    const char *topic, *payload, *reason;
} lacking[] = {
        {COMMAND("software_update", "1"), "{}", "the command has no 'updateList'"},
        {COMMAND("software_update", "1"), "{'updateList':[]}", "the command has no 'updateList'"},
        {COMMAND("software_update", "1"), "{'updateList':{}}", "the command has no 'updateList'"},
        {COMMAND("software_update", "1"), "{'updateList':[1]}", "an entry of 'updateList' has no 'modules'"},
        {COMMAND("software_update", "1"), "{'updateList':[{'type':'apt','modules':[]}]}",
                "an entry of 'updateList' has no 'modules'"},
        {COMMAND("software_update", "1"), "{'updateList':[{'modules':[{'name':'a','action':'install'}]}]}",
                "the command has no string 'type'"},
        {COMMAND("software_update", "1"), "{'updateList':[{'type':'rpm','modules':[{'name':'a','action':'install'}]}]}",
                "this device has nothing of type 'rpm'"},
        {COMMAND("software_update", "1"), "{'updateList':[{'type':'apt','modules':[{'action':'install'}]}]}",
                "a module has no string 'name'"},
        {COMMAND("software_update", "1"), "{'updateList':[{'type':'apt','modules':[{'name':'a','action':'try'}]}]}",
                "a module's 'action' is neither 'install' nor 'remove'"},
        {COMMAND("firmware_update", "1"), "{'version':'2','remoteUrl':'x'}", "the command has no string 'name'"},
        {COMMAND("firmware_update", "1"), "{'name':'os','version':2,'remoteUrl':'x'}",
                "the command has no string 'version'"},
        {COMMAND("firmware_update", "1"), "{'name':'os','version':'2','remoteUrl':''}",
                "the command has no string 'remoteUrl'"},
        {COMMAND("config_update", "1"), "{'remoteUrl':'x'}", "the command has no string 'type'"},
        {COMMAND("config_update", "1"), "{'type':'other','remoteUrl':'x'}", "this device has nothing of type 'other'"},
        {COMMAND("config_update", "1"), "{'type':'settings'}", "the command has no string 'remoteUrl'"},
};

START_TEST(command_that_lacks_something_fails_at_once)
{
    const char *topic = lacking[_i].topic;
    g_autofree char *record = device_test_option("record", "record");
    FleetTestProcess *device = start(record, NULL);

    device_test_request(topic, lacking[_i].payload);
    guint place = fleet_test_mqtt_wait_status(mqtt, 0, topic, "failed");
    g_autofree char *reason = fleet_test_message_string(fleet_test_mqtt_get(mqtt, place), "reason");
    ck_assert_str_eq(reason, lacking[_i].reason);
    device_test_assert_statuses(topic, "- failed");
    fleet_test_simulated_device_stop(device);
    device_test_assert_record("record", "");
}
END_TEST

/* A NULL payload stands for one that is so deep that a parser would fall. */
static const struct {
    const char *topic, *payload, *said;
} malformed[] = {
        {COMMAND("restart", "bad"), "{'status':", "restart bad: ignored: is not JSON"},
        {COMMAND("restart", "bad"), "restart", "restart bad: ignored: is not JSON"},
        {COMMAND("restart", "bad"), "{'a':'\xff'}", "restart bad: ignored: is not JSON"},
        {COMMAND("restart", "bad"), " ", "restart bad: ignored: is not a JSON object"},
        {COMMAND("restart", "bad"), "[]", "restart bad: ignored: is not a JSON object"},
        {COMMAND("restart", "bad"), "null", "restart bad: ignored: is not a JSON object"},
        {COMMAND("restart", "bad"), "'init'", "restart bad: ignored: is not a JSON object"},
        {COMMAND("restart", "bad"), "{'status':1}", "restart bad: ignored: has a status that is not a string"},
        {COMMAND("restart", "bad"), "{'status':{}}", "restart bad: ignored: has a status that is not a string"},
        {COMMAND("restart", "bad"), "{'status':'INIT'}", "restart bad: ignored: has a status that is not known"},
        {COMMAND("restart", "bad"), "{'status':''}", "restart bad: ignored: has a status that is not known"},
        {COMMAND("restart", "bad"), NULL, "restart bad: ignored: has too many brackets"},
        {COMMAND("log_upload", "bad"), "{}", "log_upload bad: ignored: this device does no such thing"},
        {COMMAND("restart", ""), "{}", "restart : ignored: a topic with an empty level"},
        {COMMAND("", "bad"), "{}", " bad: ignored: a topic with an empty level"},
};

static guint messages_on(const char *topic)
{
    guint n = 0;

    for (guint i = 0; i < fleet_test_mqtt_count(mqtt); i++)
        n += strcmp(fleet_test_mqtt_get(mqtt, i)->topic, topic) == 0;
    return n;
}

START_TEST(what_is_malformed_is_ignored_and_told)
{
    g_autofree char *deep = g_strnfill(200000, '[');
    g_autofree char *pattern = g_strdup_printf("^rtr: %s$", malformed[_i].said);
    FleetTestProcess *device = start(NULL, NULL);

    device_test_request(malformed[_i].topic, malformed[_i].payload != NULL ? malformed[_i].payload : deep);
    if (!fleet_test_process_wait_output(device, FLEET_TEST_STDERR, pattern, FLEET_TEST_PATIENCE)) {
        g_autofree char *written = fleet_test_process_output(device, FLEET_TEST_STDERR);
        fleet_test_fail("it did not say '%s', but: %s", pattern, written);
    }
    /* Nor has it taken harm. */
    device_test_request(COMMAND("restart", "good"), "{}");
    (void)fleet_test_mqtt_wait_status(mqtt, 0, COMMAND("restart", "good"), "successful");
    ck_assert_uint_eq(messages_on(malformed[_i].topic), 1);
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(one_command_at_a_time_in_the_order_in_which_they_came)
{
    g_autofree char *record = device_test_option("record", "record");
    FleetTestProcess *device = start(record, NULL);

    device_test_request(COMMAND("config_update", "b"), "{'type':'settings','remoteUrl':'x'}");
    device_test_request(COMMAND("restart", "c"), "{}");
    device_test_request(COMMAND("config_update", "a"), "{'type':'settings','remoteUrl':'x'}");
    guint first = fleet_test_mqtt_wait_status(mqtt, 0, COMMAND("config_update", "b"), "successful");
    guint second = fleet_test_mqtt_wait_status(mqtt, 0, COMMAND("restart", "c"), "executing");
    ck_assert_uint_lt(first, second);
    second = fleet_test_mqtt_wait_status(mqtt, second, COMMAND("restart", "c"), "successful");
    guint third = fleet_test_mqtt_wait_status(mqtt, 0, COMMAND("config_update", "a"), "executing");
    ck_assert_uint_lt(second, third);
    /* What waits has been taken up nevertheless. */
    ck_assert_uint_lt(fleet_test_mqtt_wait_status(mqtt, 0, COMMAND("config_update", "a"), "scheduled"), second);
    fleet_test_simulated_device_stop(device);
    device_test_assert_record("record", "rtr config_update b\nrtr restart c\nrtr config_update a\n");
}
END_TEST

START_TEST(clearing_does_not_stop_the_work)
{
    const char *topic = COMMAND("config_update", "1");
    /* So long that it is cleared before it is done, however busy the machine is. */
    FleetTestProcess *device = fleet_test_simulated_device_start(broker, "rtr", "--duration=1s", NULL);

    device_test_request(topic, "{'type':'settings','remoteUrl':'x','mine':1}");
    (void)fleet_test_mqtt_wait_status(mqtt, 0, topic, "executing");
    fleet_test_mqtt_publish(mqtt, topic, "", TRUE);
    ck_assert(fleet_test_process_wait_output(device, FLEET_TEST_STDERR,
            "^rtr: config_update 1: cleared by its requester; the work goes on$", FLEET_TEST_PATIENCE));
    guint place = fleet_test_mqtt_wait_status(mqtt, 0, topic, "successful");
    device_test_assert_json(
            fleet_test_mqtt_get(mqtt, place), "{'status':'successful','type':'settings','remoteUrl':'x','mine':1}");
    device_test_assert_statuses(topic, "- scheduled executing . successful");
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(cleared_command_is_not_begun_again)
{
    const char *topic = COMMAND("restart", "1");
    g_autofree char *record = device_test_option("record", "record");
    FleetTestProcess *device = start(record, NULL);

    device_test_request(topic, "{'n':1}");
    (void)fleet_test_mqtt_wait_status(mqtt, 0, topic, "successful");
    fleet_test_mqtt_publish(mqtt, topic, "", TRUE);
    device_test_request(topic, "{'n':2}");
    guint from = fleet_test_mqtt_wait_status(mqtt, 0, topic, "");
    guint place = fleet_test_mqtt_wait_status(mqtt, from, topic, "successful");
    device_test_assert_json(fleet_test_mqtt_get(mqtt, place), "{'n':2,'status':'successful'}");
    device_test_assert_statuses(topic, "- scheduled executing successful . - successful");
    fleet_test_simulated_device_stop(device);
    device_test_assert_record("record", "rtr restart 1\n");
}
END_TEST

START_TEST(word_of_another_on_a_command_is_no_request)
{
    FleetTestProcess *device = start(NULL, NULL);

    device_test_request(COMMAND("restart", "1"), "{'status':'executing'}");
    device_test_request(COMMAND("restart", "2"), "{'status':'scheduled'}");
    device_test_request(COMMAND("restart", "3"), "{}");
    (void)fleet_test_mqtt_wait_status(mqtt, 0, COMMAND("restart", "3"), "successful");
    ck_assert_uint_eq(messages_on(COMMAND("restart", "1")), 1);
    ck_assert_uint_eq(messages_on(COMMAND("restart", "2")), 1);
    fleet_test_simulated_device_stop(device);
}
END_TEST

START_TEST(repeated_request_is_answered_with_how_it_stands)
{
    const char *topic = COMMAND("config_update", "1");
    g_autofree char *record = device_test_option("record", "record");
    FleetTestProcess *device = fleet_test_simulated_device_start(broker, "rtr", "--duration=1h", record, NULL);

    device_test_request(topic, "{'status':'init','type':'settings','remoteUrl':'x'}");
    guint first = fleet_test_mqtt_wait_status(mqtt, 0, topic, "executing");
    device_test_request(topic, "{'status':'init','type':'settings','remoteUrl':'x'}");
    (void)fleet_test_mqtt_wait_status(mqtt, first + 1, topic, "executing");
    fleet_test_simulated_device_stop(device);
    device_test_assert_record("record", "rtr config_update 1\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("device-commands");
    TCase *tests = fleet_test_case(suite, "device-commands");

    tcase_add_checked_fixture(tests, device_test_setup, device_test_teardown);
    tcase_add_loop_test(tests, command_goes_through_its_phases_and_keeps_what_it_holds, 0, G_N_ELEMENTS(operations));
    tcase_add_test(tests, each_phase_is_retained);
    tcase_add_test(tests, missing_status_means_init);
    tcase_add_test(tests, command_that_was_there_before_the_device_is_carried_out);
    tcase_add_test(tests, failure_has_its_reason);
    tcase_add_test(tests, failure_of_software_says_what_has_failed);
    tcase_add_test(tests, part_of_the_commands_fails_and_the_same_ones_each_time);
    tcase_add_test(tests, rates_of_none_and_all_are_that);
    tcase_add_test(tests, progress_is_told_while_it_works);
    tcase_add_test(tests, firmware_is_reported);
    tcase_add_loop_test(tests, command_that_lacks_something_fails_at_once, 0, G_N_ELEMENTS(lacking));
    tcase_add_loop_test(tests, what_is_malformed_is_ignored_and_told, 0, G_N_ELEMENTS(malformed));
    tcase_add_test(tests, one_command_at_a_time_in_the_order_in_which_they_came);
    tcase_add_test(tests, clearing_does_not_stop_the_work);
    tcase_add_test(tests, cleared_command_is_not_begun_again);
    tcase_add_test(tests, word_of_another_on_a_command_is_no_request);
    tcase_add_test(tests, repeated_request_is_answered_with_how_it_stands);
    return fleet_test_main(suite);
}
