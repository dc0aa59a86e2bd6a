/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/errors.h"

#include "base/error.h"
#include "bus/reading.h"
#include "lib/main.h"

#include <errno.h>

START_TEST(unreadable_message_is_an_invalid_argument)
{
    g_autoptr(GError) error = fleet_errors_unreadable(-EBADMSG);

    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT);
    g_autofree char *expected =
            g_strdup_printf("the message cannot be read: %s; check its strings and its signature", g_strerror(EBADMSG));
    ck_assert_str_eq(error->message, expected);
}
END_TEST

START_TEST(end_is_told)
{
    g_autoptr(GError) error = fleet_errors_shutting_down();

    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_SHUTTING_DOWN);
    ck_assert_str_eq(error->message, "fleetd is shutting down; call again once it is back");
}
END_TEST

START_TEST(reading_is_allowed_until_the_end)
{
    FleetApi api = {0};
    g_autoptr(GError) error = NULL;

    ck_assert(fleet_reading_allowed(&api, &error));
    fleet_test_assert_no_error(error);
    api.stopping = TRUE;
    ck_assert(!fleet_reading_allowed(&api, &error));
    fleet_test_assert_error(error, FLEET_ERROR, FLEET_ERROR_SHUTTING_DOWN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus: errors");
    TCase *tcase = fleet_test_case(suite, "errors");

    tcase_add_test(tcase, unreadable_message_is_an_invalid_argument);
    tcase_add_test(tcase, end_is_told);
    tcase_add_test(tcase, reading_is_allowed_until_the_end);
    return fleet_test_main(suite);
}
