/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever is wrong with a call is answered with the documented error, whose message names the thing; and nothing of it
 * is done. What no library would send is in test-raw-input.c. */

#include "bus_test.h"

#include <string.h>

#define INVALID FLEET_TEST_ERROR "InvalidArgument"
#define NOT_FOUND FLEET_TEST_ERROR "DeviceNotFound"
#define EXISTS FLEET_TEST_ERROR "DeviceExists"
#define BUSY FLEET_TEST_ERROR "DeviceBusy"
#define NO_ACTION FLEET_TEST_ERROR "ActionNotFound"
#define TRANSITION FLEET_TEST_ERROR "InvalidTransition"
#define LIMIT FLEET_TEST_ERROR "LimitExceeded"
#define SIGNATURE "org.freedesktop.DBus.Error.InvalidArgs"
#define UNKNOWN "org.freedesktop.DBus.Error.Unknown"

typedef struct {
    const char *member;    /* after the interface, but for a method of org.fleet.Manager; see split_member() */
    const char *arguments; /* GVariant text; see expand() for its placeholders */
    const char *error;
    const char *part; /* of the message */
} Case;

/* "r" is an IDLE device, "busy" one with an action. */
static const Case cases[] = {
        {"RegisterDevice", "('', '', '', '', @a{sv} {})", INVALID, "device id '' has 0 bytes; use 1 to 255"},
        {"RegisterDevice", "('@X256@', '', '', '', @a{sv} {})", INVALID, "has 256 bytes; use 1 to 255"},
        {"RegisterDevice", "('.', '', '', '', @a{sv} {})", INVALID, "device id '.' is reserved"},
        {"RegisterDevice", "('..', '', '', '', @a{sv} {})", INVALID, "device id '..' is reserved"},
        {"RegisterDevice", "('a\\nb', '', '', '', @a{sv} {})", INVALID, "device id 'a\\x0ab' has a control character"},
        {"RegisterDevice", "('\\u0001', '', '', '', @a{sv} {})", INVALID, "has a control character"},
        {"RegisterDevice", "('a\\u007f', '', '', '', @a{sv} {})", INVALID, "has a control character"},
        {"RegisterDevice", "('a\\u0085', '', '', '', @a{sv} {})", INVALID, "has a control character"},
        {"RegisterDevice", "('n', '@X1025@', '', '', @a{sv} {})", INVALID, "has 1025 bytes; use 0 to 1024"},
        {"RegisterDevice", "('n', 'a\\tb', '', '', @a{sv} {})", INVALID, "device name 'a\\x09b' has a control"},
        {"RegisterDevice", "('n', '', '@X65@', '', @a{sv} {})", INVALID, "has 65 bytes; use 0 to 64"},
        {"RegisterDevice", "('n', '', 'a\\nb', '', @a{sv} {})", INVALID, "device type 'a\\x0ab' has a control"},
        {"RegisterDevice", "('n', '', '', 'SLEEPY', @a{sv} {})", INVALID,
                "status 'SLEEPY' is unknown; use one of IDLE, BUSY, OFFLINE"},
        {"RegisterDevice", "('n', '', '', 'idle', @a{sv} {})", INVALID, "status 'idle' is unknown"},
        {"RegisterDevice", "('n', '', '', ' IDLE', @a{sv} {})", INVALID, "status ' IDLE' is unknown"},
        {"RegisterDevice", "('r', '', '', '', @a{sv} {})", EXISTS, "device 'r' is registered already"},
        {"RegisterDevice", "('n', '', '', '', {'Colour': <'red'>})", INVALID,
                "option 'Colour' is unknown; use one of Driver, Address"},
        {"RegisterDevice", "('n', '', '', '', {'Address': <7>})", INVALID,
                "option 'Address' has the type 'i'; it must be 's'"},
        {"RegisterDevice", "('n', '', '', '', {'Address': <'@X1025@'>})", INVALID, "has 1025 bytes; use 0 to 1024"},
        {"RegisterDevice", "('n', '', '', '', {'Address': <'a\\tb'>})", INVALID,
                "device address 'a\\x09b' has a control character"},
        {"RegisterDevice", "('n', '', '', '', {'': <1>})", INVALID, "option '' is unknown"},
        {"RegisterDevice", "('n', '', '', '', {'Atomic': <true>})", INVALID, "option 'Atomic' is unknown"},
        {"RegisterDevice", "('n',)", SIGNATURE, NULL},
        {"RegisterDevice", "(1, '', '', '', @a{sv} {})", SIGNATURE, NULL},
        {"RegisterDevice", "('n', '', '', '', @a{ss} {})", SIGNATURE, NULL},
        {"RegisterDevice", "('n', '', '', '', @a{sv} {}, 'more')", SIGNATURE, NULL},
        {"RegisterDevice", "()", SIGNATURE, NULL},
        {"SetDeviceStatus", "('nobody', 'IDLE', @a{sv} {})", NOT_FOUND, "device 'nobody' is not registered"},
        {"SetDeviceStatus", "('', 'IDLE', @a{sv} {})", NOT_FOUND, "device '' is not registered"},
        {"SetDeviceStatus", "('r', 'SLEEPY', @a{sv} {})", INVALID, "status 'SLEEPY' is unknown"},
        {"SetDeviceStatus", "('r', 'offline', @a{sv} {})", INVALID, "status 'offline' is unknown"},
        {"SetDeviceStatus", "('r', '', @a{sv} {})", INVALID, "status '' is unknown"},
        {"SetDeviceStatus", "('r', 'OFFLINE', {'Force': <true>})", INVALID, "option 'Force' is unknown"},
        {"SetDeviceStatus", "('busy', 'IDLE', @a{sv} {})", TRANSITION, "device 'busy' cannot become IDLE"},
        {"SetDeviceStatus", "('r', 'OFFLINE')", SIGNATURE, NULL},
        {"GetDeviceInfo", "('nobody',)", NOT_FOUND, "device 'nobody' is not registered"},
        {"GetDeviceInfo", "('',)", NOT_FOUND, "device '' is not registered"},
        {"GetDeviceInfo", "('@X300@',)", NOT_FOUND, "is not registered"},
        {"GetDeviceInfo", "(uint32 7,)", SIGNATURE, NULL},
        {"InitiateDeviceAction", "('nobody', 'SYSTEM_REBOOT', @a{ss} {}, @a{sv} {})", NOT_FOUND, "'nobody'"},
        {"InitiateDeviceAction", "('r', 'DANCE', @a{ss} {}, @a{sv} {})", INVALID,
                "action type 'DANCE' is unknown; use one of SOFTWARE_UPDATE, FIRMWARE_UPDATE"},
        {"InitiateDeviceAction", "('r', 'system_reboot', @a{ss} {}, @a{sv} {})", INVALID, "type 'system_reboot'"},
        {"InitiateDeviceAction", "('r', '', @a{ss} {}, @a{sv} {})", INVALID, "action type '' is unknown"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', {@P65@}, @a{sv} {})", LIMIT,
                "65 parameters are too many; at most 64"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', {'a': '@X65536@'}, @a{sv} {})", LIMIT,
                "parameters of 65537 bytes are too large"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', {'': 'x'}, @a{sv} {})", INVALID, "parameter name '' is empty"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', {'a\\nb': 'x'}, @a{sv} {})", INVALID,
                "parameter name 'a\\x0ab' has a control character"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', {'a': '1', 'b': '2', 'a': '1'}, @a{sv} {})", INVALID,
                "parameter 'a' is given twice"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'Colour': <'red'>})", INVALID,
                "option 'Colour' is unknown; use one of IfBusy, Priority"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'Timeout': <5>})", INVALID,
                "option 'Timeout' has the type 'i'; it must be 't'"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'Timeout': <uint64 5>, 'Timeout': <uint64 5>})",
                INVALID, "option 'Timeout' is given twice"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'Timeout': <uint64 18446744073709551615>})",
                INVALID, "option 'Timeout' must be a number of µs below 2^61"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'NotBefore': <uint64 2305843009213693952>})",
                INVALID, "option 'NotBefore' must be"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'StartDeadline': <uint64 2305843009213693952>})",
                INVALID, "option 'StartDeadline' must be"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'StepTimeout': <uint64 2305843009213693952>})",
                INVALID, "option 'StepTimeout' must be"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'RetryDelay': <uint64 2305843009213693952>})",
                INVALID, "option 'RetryDelay' must be"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'RetryCap': <uint64 2305843009213693952>})",
                INVALID, "option 'RetryCap' must be"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'IfBusy': <'wait'>})", INVALID,
                "IfBusy 'wait' is unknown; use one of fail, queue, replace"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'IfBusy': <true>})", INVALID,
                "option 'IfBusy' has the type 'b'"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'Priority': <uint32 1>})", INVALID,
                "option 'Priority' has the type 'u'; it must be 'i'"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'MaxAttempts': <uint32 0>})", INVALID,
                "option 'MaxAttempts' must be from 1 to 1000"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'MaxAttempts': <uint32 1001>})", INVALID,
                "option 'MaxAttempts' must be from 1 to 1000"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'RetryFactor': <0.99>})", INVALID,
                "option 'RetryFactor' must be from 1.0 to 100.0"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'RetryFactor': <nan>})", INVALID,
                "option 'RetryFactor' must be from 1.0 to 100.0"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'RetryFactor': <inf>})", INVALID,
                "option 'RetryFactor' must be from 1.0 to 100.0"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'RetryJitter': <1.1>})", INVALID,
                "option 'RetryJitter' must be from 0.0 to 1.0"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'RetryJitter': <-0.1>})", INVALID,
                "option 'RetryJitter' must be from 0.0 to 1.0"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'RequestId': <'@X129@'>})", INVALID,
                "option 'RequestId' must be at most 128 bytes"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{ss} {}, {'RequestId': <uint32 7>})", INVALID,
                "option 'RequestId' has the type 'u'"},
        {"InitiateDeviceAction", "('nobody', 'SYSTEM_REBOOT', @a{ss} {}, {'RequestId': <'r-1'>})", NOT_FOUND,
                "device 'nobody' is not registered"},
        {"InitiateDeviceAction", "('busy', 'SYSTEM_REBOOT', @a{ss} {}, {'RequestId': <'r-1'>})", BUSY,
                "device 'busy' is busy"},
        {"InitiateDeviceActions", "(['r'], 'DANCE', @a{ss} {}, @a{sv} {})", INVALID, "action type 'DANCE' is unknown"},
        {"InitiateDeviceActions", "(['r'], 'SYSTEM_REBOOT', @a{ss} {}, {'RequestId': <'r-1'>})", INVALID,
                "option 'RequestId' is unknown"},
        {"InitiateDeviceActions", "([@L10001@], 'SYSTEM_REBOOT', @a{ss} {}, @a{sv} {})", LIMIT,
                "a call with 10001 devices is too large"},
        {"InitiateDeviceActions", "('r', 'SYSTEM_REBOOT', @a{ss} {}, @a{sv} {})", SIGNATURE, NULL},
        {"CancelDeviceAction", "('x', @a{sv} {})", NO_ACTION, "action 'x' is not known"},
        {"CancelDeviceAction", "('action_1_1', @a{sv} {})", NO_ACTION, "action 'action_1_1' is not known"},
        {"CancelDeviceAction", "('x', {'Force': <'yes'>})", INVALID, "option 'Force' has the type 's'; it must be 'b'"},
        {"CancelDeviceAction", "('x', {'Now': <true>})", INVALID, "option 'Now' is unknown; use one of Force"},
        {"CancelDeviceAction", "('x',)", SIGNATURE, NULL},
        {"GetActionHistory", "('action_1_1',)", NO_ACTION, "action 'action_1_1' is not known"},
        {"GetActionHistory", "('nonsense',)", NO_ACTION, "action 'nonsense' is not known"},
        {"GetActionHistory", "(uint32 1,)", SIGNATURE, NULL},
        {"QueryAudit", "('x', uint32 0)", INVALID, "cursor 'x' does not come from QueryAudit"},
        {"QueryAudit", "('-1', uint32 0)", INVALID, "cursor '-1'"},
        {"QueryAudit", "('', 0)", SIGNATURE, NULL},
        {"RegisterDevice", "('n', '', '', '', {'Driver': <'telepathy'>})", INVALID, "driver 'telepathy'"},
        {"RegisterDevice", "('n', '', '', '', {'Driver': <1>})", INVALID,
                "option 'Driver' has the type 'i'; it must be 's'"},
        {"RegisterDevices", "([('n', '', '', '')], {'Driver': <'telepathy'>})", INVALID, "driver 'telepathy'"},
        {"InitiateDeviceAction", "('busy', 'SYSTEM_REBOOT', @a{ss} {}, @a{sv} {})", BUSY, "device 'busy' is busy"},
        {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', @a{sv} {}, @a{sv} {})", SIGNATURE, NULL},
        {"GetDeviceActionStatus", "('action_1_1',)", NO_ACTION, "action 'action_1_1' is not known"},
        {"GetDeviceActionStatus", "('nonsense',)", NO_ACTION, "action 'nonsense' is not known"},
        {"GetDeviceActionStatus", "('',)", NO_ACTION, "action '' is not known"},
        {"GetDeviceActionStatus", "('action_99999999999999999999_1',)", NO_ACTION, "is not known"},
        {"GetDeviceActionStatus", "('r', 'r')", SIGNATURE, NULL},
        {"ListDevices", "('all',)", SIGNATURE, NULL},
        {"QueryDevices", "({'Colour': <'red'>}, '', uint32 0)", INVALID,
                "filter 'Colour' is unknown; use one of Status, Type, IdPrefix, NameContains"},
        {"QueryDevices", "({'Status': <'IDLE'>}, '', uint32 0)", INVALID,
                "filter 'Status' has the type 's'; it must be 'as'"},
        {"QueryDevices", "({'Status': <['SLEEPY']>}, '', uint32 0)", INVALID, "status 'SLEEPY' is unknown"},
        {"QueryDevices", "({'Status': <['idle']>}, '', uint32 0)", INVALID, "status 'idle' is unknown"},
        {"QueryDevices", "({'IdPrefix': <7>}, '', uint32 0)", INVALID, "'IdPrefix' has the type 'i'"},
        {"QueryDevices", "({'Type': <@as []>, 'Type': <['a']>}, '', uint32 0)", INVALID, "'Type' is given twice"},
        {"QueryDevices", "({'Type': <[@L1001@]>}, '', uint32 0)", LIMIT, "filter 'Type' has 1001 entries"},
        {"QueryDevices", "(@a{sv} {}, '', 0)", SIGNATURE, NULL},
        {"QueryActions", "(@a{sv} {}, 'x', uint32 0)", INVALID, "cursor 'x' does not come from QueryActions"},
        {"QueryActions", "(@a{sv} {}, '-1', uint32 0)", INVALID, "cursor '-1'"},
        {"QueryActions", "(@a{sv} {}, '0', uint32 0)", INVALID, "cursor '0'"},
        {"QueryActions", "(@a{sv} {}, '99999999999999999999', uint32 0)", INVALID, "cursor '99999999999999999999'"},
        {"QueryActions", "({'Colour': <'red'>}, '', uint32 0)", INVALID,
                "filter 'Colour' is unknown; use one of DeviceId, Status"},
        {"QueryActions", "({'Status': <['IDLE']>}, '', uint32 0)", INVALID, "status 'IDLE' is unknown"},
        {"QueryActions", "({'Result': <['splendid']>}, '', uint32 0)", INVALID, "result 'splendid' is unknown"},
        {"QueryActions", "({'Since': <5>}, '', uint32 0)", INVALID, "'Since' has the type 'i'; it must be 't'"},
        {"QueryActions", "({'Until': <uint64 9223372036854775808>}, '', uint32 0)", INVALID, "'Since' and 'Until'"},
        {"QueryActions", "({'Active': <'yes'>}, '', uint32 0)", INVALID, "'Active' has the type 's'"},
        {"QueryActions", "({'OwnerUid': <-1>}, '', uint32 0)", INVALID, "'OwnerUid' has the type 'i'"},
        {"QueryActions", "({'DeviceId': <['r']>}, '', uint32 0)", INVALID, "'DeviceId' has the type 'as'"},
        {"UpdateDevice", "('nobody', {'Name': <'x'>}, @a{sv} {})", NOT_FOUND, "'nobody'"},
        {"UpdateDevice", "('r', {'Status': <'IDLE'>}, @a{sv} {})", INVALID,
                "change 'Status' is unknown; use one of Name, Type, Address"},
        {"UpdateDevice", "('r', {'Name': <'x'>, 'Address': <'a\\nb'>}, @a{sv} {})", INVALID,
                "device address 'a\\x0ab' has a control character"},
        {"UpdateDevice", "('r', {'Address': <'@X1025@'>}, @a{sv} {})", INVALID, "has 1025 bytes"},
        {"UpdateDevice", "('busy', {'Name': <'x'>, 'Address': <'elsewhere'>}, @a{sv} {})", BUSY,
                "device 'busy' cannot get another address while action 'action_"},
        {"UpdateDevice", "('r', {'name': <'x'>}, @a{sv} {})", INVALID, "change 'name' is unknown"},
        {"UpdateDevice", "('r', {'Name': <5>}, @a{sv} {})", INVALID, "'Name' has the type 'i'; it must be 's'"},
        {"UpdateDevice", "('r', {'Name': <'x'>, 'Name': <'y'>}, @a{sv} {})", INVALID, "'Name' is given twice"},
        {"UpdateDevice", "('r', {'Name': <'@X1025@'>}, @a{sv} {})", INVALID, "has 1025 bytes"},
        {"UpdateDevice", "('r', {'Name': <'x'>, 'Type': <'@X65@'>}, @a{sv} {})", INVALID, "has 65 bytes"},
        {"UpdateDevice", "('r', {'Name': <'x'>}, {'Quiet': <true>})", INVALID, "option 'Quiet' is unknown"},
        {"UnregisterDevice", "('nobody', @a{sv} {})", NOT_FOUND, "device 'nobody' is not registered"},
        {"UnregisterDevice", "('busy', @a{sv} {})", BUSY, "device 'busy' is busy"},
        {"UnregisterDevice", "('r', {'Force': <true>})", INVALID, "option 'Force' is unknown"},
        {"UnregisterDevice", "('r',)", SIGNATURE, NULL},
        {"RegisterDevices", "([('n', '', '', '')], {'Atomic': <'yes'>})", INVALID,
                "option 'Atomic' has the type 's'; it must be 'b'"},
        {"RegisterDevices", "([('n', '', '', '')], {'Atomic': <true>, 'Atomic': <true>})", INVALID, "given twice"},
        {"RegisterDevices", "([('n', '', '', '')], {'Colour': <true>})", INVALID,
                "option 'Colour' is unknown; use one of Atomic"},
        {"RegisterDevices", "([('n', '', '', ''), ('r', '', '', '')], {'Atomic': <true>})", EXISTS,
                "nothing was registered, because of entry 1: device 'r' is registered already"},
        {"RegisterDevices", "([('n', '', '', ''), ('n', '', '', '')], {'Atomic': <true>})", EXISTS, "entry 1"},
        {"RegisterDevices", "([@D10001@], @a{sv} {})", LIMIT, "a call with 10001 devices is too large"},
        {"RegisterDevices", "([('n', '', '')], @a{sv} {})", SIGNATURE, NULL},
        {"SetDevicesStatus", "(['r'], 'SLEEPY', @a{sv} {})", INVALID, "status 'SLEEPY' is unknown"},
        {"SetDevicesStatus", "(['r'], 'OFFLINE', {'Force': <true>})", INVALID, "option 'Force' is unknown"},
        {"SetDevicesStatus", "([@L10001@], 'OFFLINE', @a{sv} {})", LIMIT, "a call with 10001 devices is too large"},
        {"SetDevicesStatus", "('r', 'OFFLINE', @a{sv} {})", SIGNATURE, NULL},
        {"Heartbeat", "('nobody', @a{sv} {})", NOT_FOUND, "device 'nobody' is not registered"},
        {"Heartbeat", "('', @a{sv} {})", NOT_FOUND, "device '' is not registered"},
        {"Heartbeat", "('r', {'At': <uint64 5>})", INVALID, "option 'At' is unknown"},
        {"Heartbeat", "('r',)", SIGNATURE, NULL},
        {"Heartbeats", "([@L10001@],)", LIMIT, "a call with 10001 devices is too large"},
        {"Heartbeats", "(['r'], @a{sv} {})", SIGNATURE, NULL},
        {"Heartbeats", "('r',)", SIGNATURE, NULL},
        {"r org.fleet.Device SetStatus", "('SLEEPY', @a{sv} {})", INVALID, "status 'SLEEPY' is unknown"},
        {"r org.fleet.Device SetStatus", "('OFFLINE', {'Force': <true>})", INVALID, "option 'Force' is unknown"},
        {"r org.fleet.Device SetStatus", "('OFFLINE',)", SIGNATURE, NULL},
        {"r org.fleet.Device InitiateAction", "('DANCE', @a{ss} {}, @a{sv} {})", INVALID, "type 'DANCE' is unknown"},
        {"r org.fleet.Device Unregister", "({'Force': <true>},)", INVALID, "option 'Force' is unknown"},
        {"busy org.fleet.Device Unregister", "(@a{sv} {},)", BUSY, "device 'busy' is busy"},
        {"busy org.fleet.Device SetStatus", "('ERROR', @a{sv} {})", TRANSITION, "cannot become ERROR"},
        {"nobody org.fleet.Device SetStatus", "('IDLE', @a{sv} {})", UNKNOWN "Object", NULL},
        {"_72 org.fleet.Device Unregister", "(@a{sv} {},)", UNKNOWN "Object", NULL}, /* "r", written otherwise */
        {"_zz org.fleet.Device Unregister", "(@a{sv} {},)", UNKNOWN "Object", NULL},
        {"r org.fleet.Device Explode", "()", UNKNOWN "Method", NULL},
        {"r org.fleet.Manager ListDevices", "()", UNKNOWN "Method", NULL},
        {"/ org.fleet.Nothing Foo", "()", UNKNOWN "Method", NULL},
        {"/ org.fleet.Device SetStatus", "('IDLE', @a{sv} {})", UNKNOWN "Method", NULL},
        {"/ org.freedesktop.DBus.Properties Get", "('org.fleet.Manager', 'Colour')", UNKNOWN "Property", NULL},
        {"/ org.freedesktop.DBus.Properties Get", "('org.fleet.Nothing', 'Version')", UNKNOWN "Property", NULL},
        {"/ org.freedesktop.DBus.Properties GetAll", "('org.fleet.Nothing',)", UNKNOWN "Interface", NULL},
        {"/ org.freedesktop.DBus.Properties Set", "('org.fleet.Manager', 'Version', <'2'>)",
                "org.freedesktop.DBus.Error.PropertyReadOnly", NULL},
        {"r org.freedesktop.DBus.Properties Set", "('org.fleet.Device', 'Name', <'x'>)",
                "org.freedesktop.DBus.Error.PropertyReadOnly", NULL},
        {"r org.freedesktop.DBus.ObjectManager GetManagedObjects", "()", UNKNOWN "Method", NULL},
        {"/ org.freedesktop.DBus.ObjectManager GetManagedObjects", "('x',)", SIGNATURE, NULL},
};

/* "METHOD" of the Manager, "/ INTERFACE METHOD" on its object, or "ID INTERFACE METHOD" on a device's. */
static char *split_member(const char *member, char **interface, char **method)
{
    g_auto(GStrv) words = g_strsplit(member, " ", 3);
    gboolean plain = words[1] == NULL;

    *interface = g_strdup(plain ? FLEET_TEST_MANAGER : words[1]);
    *method = g_strdup(plain ? words[0] : words[2]);
    if (plain || g_str_equal(words[0], "/"))
        return g_strdup(FLEET_TEST_ROOT);
    return g_strconcat(FLEET_TEST_ROOT "/device/", words[0], NULL);
}

/* One item of a placeholder. */
static void append_item(GString *text, char kind, guint i)
{
    switch (kind) {
    case 'X':
        g_string_append_c(text, 'x');
        break;
    case 'P':
        g_string_append_printf(text, "%s'p%u': ''", i > 0 ? ", " : "", i);
        break;
    case 'L':
        g_string_append_printf(text, "%s'l%u'", i > 0 ? ", " : "", i);
        break;
    default:
        g_string_append_printf(text, "%s('d%u', '', '', '')", i > 0 ? ", " : "", i);
        break;
    }
}

/* @X9@ stands for 9 times "x", @P9@ for 9 parameters, @L9@ for 9 strings, @D9@ for 9 devices. */
static char *expand(const char *text)
{
    GString *expanded = g_string_new(NULL);

    while (*text != '\0') {
        char *end = NULL;
        guint64 n = text[0] == '@' && strchr("XPLD", text[1]) != NULL ? g_ascii_strtoull(text + 2, &end, 10) : 0;
        if (n == 0 || *end != '@') {
            g_string_append_c(expanded, *text++);
            continue;
        }
        for (guint i = 0; i < n; i++)
            append_item(expanded, text[1], i);
        text = end + 1;
    }
    return g_string_free(expanded, FALSE);
}

static void run_case(GDBusConnection *connection, const Case *bad)
{
    g_autofree char *interface = NULL;
    g_autofree char *method = NULL;
    g_autofree char *path = split_member(bad->member, &interface, &method);
    g_autofree char *text = expand(bad->arguments);
    g_autoptr(GError) error = NULL;
    g_autofree char *name = NULL;
    g_autofree char *message = NULL;
    g_autoptr(GVariant) arguments = g_variant_parse(NULL, text, NULL, NULL, &error);

    fleet_test_assert_no_error(error);
    g_autoptr(GVariant) reply = fleet_test_call_any(connection, path, interface, method, arguments, &name, &message);
    ck_assert_msg(reply == NULL, "%s%.200s succeeds", bad->member, bad->arguments);
    ck_assert_msg(g_strcmp0(name, bad->error) == 0, "%s%.200s fails with %s where %s was due: %s", bad->member,
            bad->arguments, name, bad->error, message);
    ck_assert_msg(bad->part == NULL || strstr(message, bad->part) != NULL, "%s%.200s says '%s', without '%s'",
            bad->member, bad->arguments, message, bad->part);
    ck_assert_msg(
            *message != '\0' && strlen(message) < 600, "%s%.200s says '%.1000s'", bad->member, bad->arguments, message);
}

static FleetTestFleet *new_fleet(void)
{
    FleetTestFleet *fleet = fleet_test_fleet_new(FLEET_TEST_ENDLESS);
    g_autoptr(FleetTestSignals) counters =
            fleet_test_signals_new(fleet->connection, FLEET_TEST_PROPERTIES, NULL, FLEET_TEST_ROOT);
    g_autofree char *path = NULL;

    fleet_test_register(fleet->connection, "r");
    fleet_test_register(fleet->connection, "busy");
    g_autofree char *id = fleet_test_initiate(fleet->connection, "busy", "SYSTEM_REBOOT", &path);
    /* Nothing more becomes of it, or is told of it, while the check runs. */
    fleet_test_wait_for(fleet->connection, path, FLEET_TEST_ACTION, "Phase", "preparing");
    (void)fleet_test_signals_wait_property(counters, 0, FLEET_TEST_ROOT, "RunningActions", "1");
    return fleet;
}

START_TEST(bad_calls_are_refused_and_change_nothing)
{
    g_autoptr(FleetTestFleet) fleet = new_fleet();
    GDBusConnection *connection = _i == 0 ? fleet->connection : fleet->direct;
    g_autoptr(GVariant) before = fleet_test_snapshot(fleet->connection);
    g_autoptr(FleetTestSignals) signals = fleet_test_signals_new(connection, NULL, NULL, NULL);

    ck_assert_uint_ge(G_N_ELEMENTS(cases), 60);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        run_case(connection, &cases[i]);
        g_autoptr(GVariant) after = fleet_test_snapshot(fleet->connection);
        ck_assert_msg(
                g_variant_equal(before, after), "%s%.200s changes something", cases[i].member, cases[i].arguments);
    }
    fleet_test_signals_settle(signals);
    g_autofree char *told = fleet_test_signals_print(signals);
    fleet_test_assert_same_text(told, "");
    /* And nothing of it comes to light after a restart. */
    g_autoptr(GVariant) list = fleet_test_manager(fleet->connection, "ListDevices", NULL, "(a(ssssttos))");
    fleet_test_daemon_restart(fleet->daemon);
    g_autoptr(GVariant) again = fleet_test_manager(fleet->connection, "ListDevices", NULL, "(a(ssssttos))");
    ck_assert(g_variant_equal(list, again));
}
END_TEST

/* What is just within the limits is taken. */
START_TEST(limits_are_where_they_are_said_to_be)
{
    static const char *const good[][2] = {
            {"RegisterDevice", "('@X255@', '@X1024@', '@X64@', '', @a{sv} {})"},
            {"UpdateDevice", "('r', {'Address': <'@X1024@'>}, @a{sv} {})"},
            {"InitiateDeviceAction", "('r', 'SYSTEM_REBOOT', {@P64@}, @a{sv} {})"},
            {"InitiateDeviceAction", "('s', 'SYSTEM_REBOOT', {'a': '@X65535@'}, @a{sv} {})"},
            {"QueryDevices", "({'Type': <[@L1000@]>}, '', uint32 4294967295)"},
            {"RegisterDevices", "([@D10000@], {'Atomic': <true>})"},
            {"Heartbeats", "([@L10000@],)"},
            {"SetDevicesStatus", "([@L10000@], 'OFFLINE', @a{sv} {})"},
    };
    g_autoptr(FleetTestFleet) fleet = new_fleet();

    fleet_test_register(fleet->connection, "s");
    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *text = expand(good[i][1]);
        g_autoptr(GVariant) arguments = g_variant_ref_sink(g_variant_new_parsed(text));
        fleet_test_manager_void(fleet->connection, good[i][0], arguments);
    }
    fleet_test_assert_prints(
            fleet_test_get(fleet->connection, FLEET_TEST_ROOT, FLEET_TEST_MANAGER, "DeviceCount"), "10004");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: bad input");
    TCase *tcase = fleet_test_case(suite, "bad input");

    tcase_add_loop_test(tcase, bad_calls_are_refused_and_change_nothing, 0, 2);
    tcase_add_test(tcase, limits_are_where_they_are_said_to_be);
    return fleet_test_main(suite);
}
