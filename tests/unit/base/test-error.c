/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"

#include "lib/main.h"

/* The names as the API promises them, in the order of the codes. */
static const char *const promised[] = {
        "org.fleet.Error.InvalidArgument",
        "org.fleet.Error.DeviceNotFound",
        "org.fleet.Error.DeviceExists",
        "org.fleet.Error.DeviceBusy",
        "org.fleet.Error.ActionNotFound",
        "org.fleet.Error.InvalidTransition",
        "org.fleet.Error.NotCancelable",
        "org.fleet.Error.AlreadyFinished",
        "org.fleet.Error.RequestIdReused",
        "org.fleet.Error.LimitExceeded",
        "org.fleet.Error.QuotaExceeded",
        "org.fleet.Error.StorageFailed",
        "org.fleet.Error.Unsupported",
        "org.fleet.Error.ShuttingDown",
        "org.freedesktop.DBus.Error.AccessDenied",
};

START_TEST(every_code_has_its_promised_name)
{
    FleetError code = FLEET_ERROR_LAST_;

    ck_assert_str_eq(fleet_error_name((FleetError)_i), promised[_i]);
    ck_assert(fleet_error_from_name(promised[_i], &code));
    ck_assert_int_eq(code, _i);
}
END_TEST

START_TEST(all_codes_are_promised)
{
    ck_assert_uint_eq(G_N_ELEMENTS(promised), FLEET_ERROR_LAST_);
}
END_TEST

START_TEST(other_names_are_not_ours)
{
    static const char *const others[] = {
            "", "org.fleet.Error.", "org.fleet.Error.invalidargument", "org.freedesktop.DBus.Error.Failed", NULL};
    FleetError code = FLEET_ERROR_LAST_;

    ck_assert(!fleet_error_from_name(others[_i], &code));
    ck_assert_int_eq(code, FLEET_ERROR_LAST_);
}
END_TEST

START_TEST(domain_has_its_quark)
{
    ck_assert_str_eq(g_quark_to_string(FLEET_ERROR), "fleet_error_quark");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("error");
    TCase *tcase = fleet_test_case(suite, "error");

    tcase_add_test(tcase, all_codes_are_promised);
    tcase_add_loop_test(tcase, every_code_has_its_promised_name, 0, (int)G_N_ELEMENTS(promised));
    tcase_add_loop_test(tcase, other_names_are_not_ours, 0, 5);
    tcase_add_test(tcase, domain_has_its_quark);
    return fleet_test_main(suite);
}
