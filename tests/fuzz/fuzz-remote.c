/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the driver "remote-bus" reads: addresses, which become words of ssh's command line; what a machine says first;
 * what ssh says last; plans.
 */

#include "drivers/remote_bus/failure.h"
#include "drivers/remote_bus/greeting.h"
#include "drivers/remote_bus/plan.h"
#include "drivers/remote_bus/ssh.h"
#include "fuzz.h"

#include <string.h>

static const FleetRemoteAccess way = {.user = (char *)"root",
        .identity_file = (char *)"/id",
        .known_hosts_file = (char *)"/known",
        .port = 22,
        .connect_timeout = 1,
        .keep_alive = 1};

/* A word of a command line that is nothing but a word. */
static void check_word(const char *word)
{
    g_assert_true(word[0] != '\0' && word[0] != '-');
    g_assert_null(strpbrk(word, " \t\n\r;|&$`'\"\\\\<>*?~#(){}!@"));
    g_assert_true(g_str_is_ascii(word));
}

static void check_address(const char *text)
{
    g_auto(FleetRemoteAddress) address = {0};
    g_autoptr(GError) error = NULL;
    gboolean taken = fleet_remote_address_parse(text, &address, &error);

    fleet_fuzz_check_error(taken, &error);
    if (!taken || address.local)
        return;
    check_word(address.host);
    if (address.user != NULL)
        check_word(address.user);
    g_assert_cmpuint(address.port, <=, G_MAXUINT16);
    g_auto(GStrv) words = fleet_remote_ssh_words("ssh", &address, &way, "true");
    guint n = g_strv_length(words);
    g_assert_cmpstr(words[n - 3], ==, "--");
    g_assert_cmpstr(words[n - 2], ==, address.host);
}

static void check_greeting(const char *bytes, gsize size)
{
    FleetRemoteBoot boot = {0};

    if (fleet_remote_greeting_read(bytes, size, &boot) != FLEET_REMOTE_GREETING_WHOLE)
        return;
    g_assert_true(fleet_remote_greeting_is_boot_id(boot.id));
    g_assert_cmpint(boot.uptime, >=, 0);
    /* It was not whole before its last byte. */
    g_assert_cmpint(fleet_remote_greeting_read(bytes, size - 1, &boot), ==, FLEET_REMOTE_GREETING_PART);
}

static void check_failure(const char *text, int status)
{
    const FleetRemoteAddress address = {.host = (char *)"host"};
    g_auto(FleetRemoteFailure) failure = {0};

    fleet_remote_failure_read(&address, &way, status, text, &failure);
    g_assert_cmpint(failure.outcome, <, FLEET_OUTCOME_LAST_);
    g_assert_true(g_utf8_validate(failure.message, -1, NULL));
    g_assert_null(strpbrk(failure.message, "\n\r\x1b"));
    g_assert_cmpuint(strlen(failure.message), <, 2048);
}

static void check_plan(const char *text)
{
    FleetRemotePlan plan;

    if (!fleet_remote_plan_parse(text, &plan))
        return;
    g_autofree char *back = fleet_remote_plan_format(&plan);
    g_assert_cmpstr(back, ==, text);
    g_assert_null(strchr(plan.unit, '/'));
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = fleet_fuzz_string(data, size);

    check_address(text);
    check_greeting((const char *)data, size);
    check_failure(text, size > 0 ? data[0] << 8 : 0);
    check_failure(text, 255 << 8);
    check_plan(text);
    return 0;
}
