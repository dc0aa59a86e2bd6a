/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bytes on the private socket that no library sends. A message whose contents are wrong gets an error; one whose header
 * is wrong is passed over, as sd-bus does it; where not even its length can be known, the connection ends. Nothing
 * changes, and others are served on. */

#include "bus_test.h"
#include "raw.h"

#include <string.h>
#include <unistd.h>

#define INVALID FLEET_TEST_ERROR "InvalidArgument"
#define SIGNATURE "org.freedesktop.DBus.Error.InvalidArgs"

/* Where the fixed parts of a header are (D-Bus specification, "Message Format"). */
enum { ENDIAN = 0, TYPE = 1, FLAGS = 2, VERSION = 3, BODY_LENGTH = 4, SERIAL = 8, FIELDS_LENGTH = 12 };

static void set_word(GByteArray *bytes, gsize place, guint32 value)
{
    memcpy(bytes->data + place, &value, sizeof(value));
}

static gsize place_of(const GByteArray *bytes, const char *text)
{
    const guint8 *found = memmem(bytes->data, bytes->len, text, strlen(text));

    ck_assert_ptr_nonnull(found);
    return (gsize)(found - bytes->data);
}

static void utf8_bytes(GByteArray *bytes)
{
    fleet_test_raw_replace(bytes, "AAAA", "\xff\xfe\x80\xbf");
}

static void utf8_overlong(GByteArray *bytes)
{
    fleet_test_raw_replace(bytes, "AAAA", "\xc0\xaf\xc0\xaf");
}

static void utf8_surrogate(GByteArray *bytes)
{
    fleet_test_raw_replace(bytes, "AAAA", "A\xed\xa0\x80");
}

static void utf8_beyond(GByteArray *bytes)
{
    fleet_test_raw_replace(bytes, "AAAA", "\xf4\x90\x80\x80");
}

static void utf8_cut(GByteArray *bytes)
{
    fleet_test_raw_replace(bytes, "AAAA", "AAA\xc3");
}

static void utf8_in_name(GByteArray *bytes)
{
    fleet_test_raw_replace(bytes, "BBBB", "\xff\xff\xff\xff");
}

static void utf8_in_type(GByteArray *bytes)
{
    fleet_test_raw_replace(bytes, "CCCC", "\xff\xff\xff\xff");
}

static void utf8_in_status(GByteArray *bytes)
{
    fleet_test_raw_replace(bytes, "IDLE", "\xff\xff\xff\xff");
}

static void zero_within(GByteArray *bytes)
{
    bytes->data[place_of(bytes, "AAAA") + 2] = 0;
}

static void zero_missing(GByteArray *bytes)
{
    bytes->data[place_of(bytes, "AAAA") + 4] = 'x';
}

static void string_too_long(GByteArray *bytes)
{
    set_word(bytes, place_of(bytes, "AAAA") - 4, 0xfffffff0);
}

static void string_a_bit_too_long(GByteArray *bytes)
{
    set_word(bytes, place_of(bytes, "AAAA") - 4, 5);
}

/* The length of the options is the last word but the padding. */
static void array_too_long(GByteArray *bytes)
{
    set_word(bytes, bytes->len - 8, 0x00ffffff);
}

static void array_huge(GByteArray *bytes)
{
    set_word(bytes, bytes->len - 8, 0xffffffff);
}

static void signature_other(GByteArray *bytes)
{
    fleet_test_raw_replace(bytes, "ssssa{sv}", "sssssssss");
}

static void signature_shorter(GByteArray *bytes)
{
    fleet_test_raw_replace(bytes, "ssssa{sv}", "ssssa{ss}");
}

static void signature_wrong(GByteArray *bytes)
{
    fleet_test_raw_replace(bytes, "ssssa{sv}", "ssssa{sv)");
}

static void signature_of_no_type(GByteArray *bytes)
{
    fleet_test_raw_replace(bytes, "ssssa{sv}", "ssssa{s!}");
}

static void member_wrong(GByteArray *bytes)
{
    fleet_test_raw_replace(bytes, "RegisterDevice", "1egisterDevice");
}

static void interface_wrong(GByteArray *bytes)
{
    gsize first = place_of(bytes, "org.fleet.Manager");

    /* The destination has the same text; whichever comes first, both are names. */
    memcpy(bytes->data + first, "org..leet.Manager", strlen("org..leet.Manager"));
}

static void path_wrong(GByteArray *bytes)
{
    fleet_test_raw_replace(bytes, "/org/fleet/Manager", "/org//leet/Manager");
}

static void endian_unknown(GByteArray *bytes)
{
    bytes->data[ENDIAN] = 'X';
}

static void endian_other(GByteArray *bytes)
{
    bytes->data[ENDIAN] = bytes->data[ENDIAN] == 'l' ? 'B' : 'l';
}

static void type_zero(GByteArray *bytes)
{
    bytes->data[TYPE] = 0;
}

static void version_unknown(GByteArray *bytes)
{
    bytes->data[VERSION] = 9;
}

static void serial_zero(GByteArray *bytes)
{
    set_word(bytes, SERIAL, 0);
}

static void body_huge(GByteArray *bytes)
{
    set_word(bytes, BODY_LENGTH, 0x7fffffff);
}

static void fields_huge(GByteArray *bytes)
{
    set_word(bytes, FIELDS_LENGTH, 0x7fffffff);
}

static void all_zeros(GByteArray *bytes)
{
    memset(bytes->data, 0, bytes->len);
}

static void all_letters(GByteArray *bytes)
{
    memset(bytes->data, 'a', bytes->len);
}

#define PASSED_OVER "passed over"
#define CLOSED "closed"

/* What is wrong with a call of RegisterDevice, and what comes of it: the name of an error, or one of the above. */
static const struct {
    void (*spoil)(GByteArray *bytes);
    const char *outcome;
} spoilt[] = {
        {utf8_bytes, INVALID},
        {utf8_overlong, INVALID},
        {utf8_surrogate, INVALID},
        {utf8_beyond, INVALID},
        {utf8_cut, INVALID},
        {utf8_in_name, INVALID},
        {utf8_in_type, INVALID},
        {utf8_in_status, INVALID},
        {zero_within, INVALID},
        {zero_missing, INVALID},
        {string_too_long, INVALID},
        {string_a_bit_too_long, INVALID},
        {array_too_long, INVALID},
        {array_huge, INVALID},
        {signature_other, SIGNATURE},
        {signature_shorter, SIGNATURE},
        {signature_wrong, PASSED_OVER},
        {signature_of_no_type, PASSED_OVER},
        {member_wrong, "org.freedesktop.DBus.Error.UnknownMethod"},
        {interface_wrong, PASSED_OVER},
        {path_wrong, PASSED_OVER},
        {endian_unknown, CLOSED},
        {endian_other, CLOSED},
        {type_zero, PASSED_OVER},
        {version_unknown, PASSED_OVER},
        {serial_zero, PASSED_OVER},
        {body_huge, CLOSED},
        {fields_huge, CLOSED},
        {all_zeros, CLOSED},
        {all_letters, CLOSED},
};

static GByteArray *registration(const char *id)
{
    return fleet_test_raw_call(7, "RegisterDevice", g_variant_new("(ssssa{sv})", id, "BBBB", "CCCC", "IDLE", NULL));
}

static void send_array(FleetTestRaw *raw, const GByteArray *bytes)
{
    fleet_test_raw_send(raw, bytes->data, bytes->len);
}

static FleetTestRaw *connect_raw(const FleetTestFleet *fleet)
{
    return fleet_test_raw_new(fleet_test_daemon_socket(fleet->daemon));
}

static void assert_unchanged(const FleetTestFleet *fleet, GVariant *before)
{
    g_autoptr(GVariant) on_bus = fleet_test_snapshot(fleet->connection);
    g_autoptr(GVariant) on_socket = fleet_test_snapshot(fleet->direct);

    ck_assert(g_variant_equal(before, on_bus));
    ck_assert(g_variant_equal(before, on_socket));
}

static FleetTestFleet *new_fleet(void)
{
    FleetTestFleet *fleet = fleet_test_fleet_new("");

    fleet_test_register(fleet->connection, "r");
    return fleet;
}

START_TEST(spoilt_message_is_refused)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet();
    g_autoptr(GVariant) before = fleet_test_snapshot(fleet->connection);
    g_autoptr(FleetTestRaw) raw = connect_raw(fleet);
    g_autoptr(GByteArray) bytes = registration("AAAA");
    /* It changes nothing, but is answered in its turn, as what is refused is: in the order of the audit. */
    g_autoptr(GByteArray) next =
            fleet_test_raw_call(8, "SetDeviceStatus", g_variant_new("(ssa{sv})", "r", "IDLE", NULL));

    fleet_test_raw_begin(raw);
    spoilt[_i].spoil(bytes);
    send_array(raw, bytes);
    send_array(raw, next);
    g_autoptr(GDBusMessage) reply = fleet_test_raw_receive(raw);
    if (reply == NULL)
        ck_assert_str_eq(CLOSED, spoilt[_i].outcome);
    else if (g_dbus_message_get_reply_serial(reply) == 8)
        ck_assert_str_eq(PASSED_OVER, spoilt[_i].outcome);
    else {
        ck_assert_uint_eq(g_dbus_message_get_reply_serial(reply), 7);
        ck_assert_str_eq(g_dbus_message_get_error_name(reply), spoilt[_i].outcome);
    }
    assert_unchanged(fleet, before);
}
END_TEST

/* An error does not end the connection: what comes after it is answered. */
START_TEST(connection_outlives_bad_contents)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet();
    g_autoptr(FleetTestRaw) raw = connect_raw(fleet);
    g_autoptr(GByteArray) bad = registration("AAAA");
    g_autoptr(GByteArray) good = registration("AAAA");

    fleet_test_raw_begin(raw);
    utf8_bytes(bad);
    send_array(raw, bad);
    send_array(raw, good);
    g_autoptr(GDBusMessage) refused = fleet_test_raw_receive(raw);
    g_autoptr(GDBusMessage) done = fleet_test_raw_receive(raw);
    ck_assert_int_eq(g_dbus_message_get_message_type(refused), G_DBUS_MESSAGE_TYPE_ERROR);
    ck_assert_int_eq(g_dbus_message_get_message_type(done), G_DBUS_MESSAGE_TYPE_METHOD_RETURN);
    g_autoptr(GVariant) info = fleet_test_device_info(fleet->connection, "AAAA");
    fleet_test_assert_entry(info, "Name", "'BBBB'");
}
END_TEST

/* Strings of other methods and places. */
static const struct {
    const char *method, *arguments;
} places[] = {
        {"SetDeviceStatus", "('AAAA', 'IDLE', @a{sv} {})"},
        {"SetDeviceStatus", "('r', 'AAAA', @a{sv} {})"},
        {"SetDeviceStatus", "('r', 'OFFLINE', {'AAAA': <1>})"},
        {"GetDeviceInfo", "('AAAA',)"},
        {"GetDeviceActionStatus", "('AAAA',)"},
        {"InitiateDeviceAction", "('r', 'AAAA', @a{ss} {}, @a{sv} {})"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', {'AAAA': ''}, @a{sv} {})"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', {'x': 'AAAA'}, @a{sv} {})"},
        {"QueryDevices", "({'IdPrefix': <'AAAA'>}, '', uint32 0)"},
        {"QueryDevices", "({'Type': <['AAAA']>}, '', uint32 0)"},
        {"QueryDevices", "(@a{sv} {}, 'AAAA', uint32 0)"},
        {"QueryActions", "(@a{sv} {}, 'AAAA', uint32 0)"},
        {"UpdateDevice", "('r', {'Name': <'AAAA'>}, @a{sv} {})"},
        {"UnregisterDevice", "('AAAA', @a{sv} {})"},
        {"RegisterDevices", "([('n', '', '', ''), ('AAAA', '', '', '')], @a{sv} {})"},
        {"SetDevicesStatus", "(['r', 'AAAA'], 'OFFLINE', @a{sv} {})"},
        {"RegisterDevice", "('n', '', '', '', {'Driver': <'AAAA'>})"},
        {"RegisterDevice", "('n', '', '', '', {'Address': <'AAAA'>})"},
        {"UpdateDevice", "('r', {'Address': <'AAAA'>}, @a{sv} {})"},
        {"Heartbeat", "('AAAA', @a{sv} {})"},
        {"Heartbeat", "('r', {'AAAA': <1>})"},
        {"Heartbeats", "(['r', 'AAAA'],)"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'IfBusy': <'AAAA'>})"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'RequestId': <'AAAA'>})"},
        {"InitiateDeviceActions", "(['r', 'AAAA'], 'SYSTEM_REBOOT', @a{ss} {}, @a{sv} {})"},
        {"CancelDeviceAction", "('AAAA', @a{sv} {})"},
        {"CancelDeviceAction", "('r', {'AAAA': <true>})"},
        {"GetActionHistory", "('AAAA',)"},
        {"QueryAudit", "('AAAA', uint32 0)"},
};

START_TEST(invalid_utf8_is_refused_anywhere)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet();
    g_autoptr(GVariant) before = fleet_test_snapshot(fleet->connection);
    g_autoptr(FleetTestRaw) raw = connect_raw(fleet);

    fleet_test_raw_begin(raw);
    for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autoptr(GByteArray) bytes =
                fleet_test_raw_call(i + 1, places[i].method, g_variant_new_parsed(places[i].arguments));

        utf8_bytes(bytes);
        send_array(raw, bytes);
        g_autoptr(GDBusMessage) reply = fleet_test_raw_receive(raw);
        ck_assert_msg(reply != NULL, "%s%s ends the connection", places[i].method, places[i].arguments);
        ck_assert_uint_eq(g_dbus_message_get_reply_serial(reply), i + 1);
        ck_assert_msg(g_strcmp0(g_dbus_message_get_error_name(reply), INVALID) == 0, "%s%s: %s", places[i].method,
                places[i].arguments, g_dbus_message_get_error_name(reply));
        assert_unchanged(fleet, before);
    }
}
END_TEST

/* All that a client says up to the end of its first call. */
static GByteArray *conversation(const char *id)
{
    g_autofree char *uid = g_strdup_printf("%u", geteuid());
    g_autoptr(GByteArray) call = registration(id);
    GByteArray *all = g_byte_array_new();

    g_byte_array_append(all, (const guint8 *)"\0AUTH EXTERNAL ", 15);
    for (const char *p = uid; *p != '\0'; p++) {
        char digits[3];
        g_snprintf(digits, sizeof(digits), "%02x", (guint)*p);
        g_byte_array_append(all, (const guint8 *)digits, 2);
    }
    g_byte_array_append(all, (const guint8 *)"\r\nBEGIN\r\n", 9);
    g_byte_array_append(all, call->data, call->len);
    return all;
}

START_TEST(client_that_goes_away_midway_changes_nothing)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet();
    g_autoptr(GVariant) before = fleet_test_snapshot(fleet->connection);
    g_autoptr(GByteArray) all = conversation("half");

    for (guint length = 0; length < all->len; length += length + 5 < all->len ? 5 : 1) {
        g_autoptr(FleetTestRaw) raw = connect_raw(fleet);
        fleet_test_raw_send(raw, all->data, length);
    }
    assert_unchanged(fleet, before);
}
END_TEST

/* Those who have begun a message and do not go on cost others nothing. */
START_TEST(unfinished_messages_keep_nobody_waiting)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet();
    g_autoptr(GByteArray) call = registration("half");
    FleetTestRaw *raws[50];

    for (guint i = 0; i < G_N_ELEMENTS(raws); i++) {
        raws[i] = connect_raw(fleet);
        fleet_test_raw_begin(raws[i]);
        fleet_test_raw_send(raws[i], call->data, call->len - 1);
    }
    fleet_test_register(fleet->direct, "other");
    fleet_test_register(fleet->connection, "another");
    /* The first to finish gets its device; the others come too late. */
    for (guint i = 0; i < G_N_ELEMENTS(raws); i++) {
        fleet_test_raw_send(raws[i], call->data + call->len - 1, 1);
        g_autoptr(GDBusMessage) reply = fleet_test_raw_receive(raws[i]);
        ck_assert_ptr_nonnull(reply);
        ck_assert_str_eq(
                i == 0 ? "" : g_dbus_message_get_error_name(reply), i == 0 ? "" : FLEET_TEST_ERROR "DeviceExists");
        fleet_test_raw_free(raws[i]);
    }
}
END_TEST

/* Greetings that must not lead to a conversation. "%" stands for a zero byte. */
static const char *const greetings[] = {
        "GET / HTTP/1.1\r\n\r\n",
        "AUTH EXTERNAL 30\r\nBEGIN\r\n",
        "%BEGIN\r\n",
        "%AUTH\r\n",
        "%AUTH EXTERNAL 34303030303030\r\n",
        "%AUTH EXTERNAL zz\r\n",
        "%AUTH ANONYMOUS\r\n",
        "%AUTH DBUS_COOKIE_SHA1 30\r\n",
        "%\r\n",
        "%%%%%%%%\r\n",
        "%NONSENSE\r\n",
};

START_TEST(nobody_comes_in_by_a_wrong_greeting)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet();
    g_autoptr(GVariant) before = fleet_test_snapshot(fleet->connection);
    g_autoptr(GByteArray) call = registration("AAAA");

    for (guint i = 0; i < G_N_ELEMENTS(greetings); i++) {
        g_autoptr(FleetTestRaw) raw = connect_raw(fleet);
        g_autofree char *text = g_strdup(greetings[i]);
        gsize length = strlen(text);

        for (char *p = text; p < text + length; p++)
            if (*p == '%')
                *p = '\0';
        fleet_test_raw_send(raw, text, length);
        fleet_test_raw_send(raw, "BEGIN\r\n", 7);
        send_array(raw, call);
        fleet_test_raw_end(raw);
        fleet_test_raw_wait_closed(raw);
        assert_unchanged(fleet, before);
    }
}
END_TEST

START_TEST(endless_greeting_is_ended)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet();
    g_autoptr(FleetTestRaw) raw = connect_raw(fleet);
    g_autofree char *line = g_strnfill(1024 * 1024, 'A');

    fleet_test_raw_send(raw, "\0", 1);
    fleet_test_raw_send(raw, line, strlen(line));
    fleet_test_raw_wait_closed(raw);
    fleet_test_round_trip(fleet->direct);
}
END_TEST

/* Any bit may be wrong; this call only reads, so nothing can change. */
START_TEST(flipped_bits_do_no_harm)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet();
    g_autoptr(GVariant) before = fleet_test_snapshot(fleet->connection);
    g_autoptr(GByteArray) call = fleet_test_raw_call(3, "GetDeviceInfo", g_variant_new("(s)", "r"));

    for (guint bit = 0; bit < call->len * 8; bit += 3) {
        g_autoptr(FleetTestRaw) raw = connect_raw(fleet);
        g_autoptr(GByteArray) bytes = g_byte_array_new();

        g_byte_array_append(bytes, call->data, call->len);
        bytes->data[bit / 8] ^= (guint8)(1 << bit % 8);
        fleet_test_raw_begin(raw);
        send_array(raw, bytes);
        fleet_test_raw_end(raw);
        fleet_test_raw_wait_closed(raw);
    }
    assert_unchanged(fleet, before);
}
END_TEST

/* Who wants no reply gets none, and is served all the same. */
START_TEST(call_without_reply_is_carried_out)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet();
    g_autoptr(FleetTestRaw) raw = connect_raw(fleet);
    g_autoptr(GByteArray) quiet = registration("AAAA");
    g_autoptr(GByteArray) again = registration("AAAA");

    fleet_test_raw_begin(raw);
    quiet->data[FLAGS] |= G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED;
    set_word(quiet, SERIAL, 6);
    send_array(raw, quiet);
    send_array(raw, again);
    g_autoptr(GDBusMessage) reply = fleet_test_raw_receive(raw);
    ck_assert_ptr_nonnull(reply);
    ck_assert_uint_eq(g_dbus_message_get_reply_serial(reply), 7);
    ck_assert_str_eq(g_dbus_message_get_error_name(reply), FLEET_TEST_ERROR "DeviceExists");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: raw input");
    TCase *messages = fleet_test_case(suite, "messages");
    TCase *connections = fleet_test_case(suite, "connections");

    tcase_add_loop_test(messages, spoilt_message_is_refused, 0, G_N_ELEMENTS(spoilt));
    tcase_add_test(messages, connection_outlives_bad_contents);
    tcase_add_test(messages, invalid_utf8_is_refused_anywhere);
    tcase_add_test(messages, flipped_bits_do_no_harm);
    tcase_add_test(messages, call_without_reply_is_carried_out);
    tcase_add_test(connections, client_that_goes_away_midway_changes_nothing);
    tcase_add_test(connections, unfinished_messages_keep_nobody_waiting);
    tcase_add_test(connections, nobody_comes_in_by_a_wrong_greeting);
    tcase_add_test(connections, endless_greeting_is_ended);
    return fleet_test_main(suite);
}
