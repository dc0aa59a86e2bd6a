/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A reboot, by the machine's login manager. It is done when the machine can be talked to again in another boot. The
 * call is made once, on a connection to the boot that it is to end, and never again by a fleetd that finds the attempt
 * after a restart: that one waits for the new boot.
 */

#include "base/clock.h"
#include "base/timespan.h"
#include "drivers/program/unit_call.h"
#include "drivers/remote_bus/run.h"

#define LOGIN "org.freedesktop.login1"

typedef struct {
    FleetRemoteRun *run; /* weak */
    sd_bus_slot *call;
    char boot[FLEET_REMOTE_BOOT_ID_SIZE]; /* that is to end; "" = not known */
} Reboot;

static Reboot *reboot_of(FleetRemoteRun *run)
{
    if (run->data == NULL) {
        Reboot *reboot = g_new0(Reboot, 1);

        reboot->run = run;
        run->data = reboot;
    }
    return run->data;
}

static void let_go(FleetRemoteRun *run)
{
    Reboot *reboot = reboot_of(run);

    reboot->call = sd_bus_slot_unref(reboot->call);
}

static void free_reboot(FleetRemoteRun *run)
{
    g_free(reboot_of(run));
}

static void begin(FleetRemoteRun *run)
{
    fleet_remote_run_intend(run);
}

/* The machine has that long, whether it can be reached or not. */
static void set_deadline(FleetRemoteRun *run)
{
    fleet_remote_run_set_due(
            run, FLEET_REMOTE_DUE_WORK, fleet_clock_boottime() + fleet_remote_link_access(run->link)->return_timeout);
}

static void refused(FleetRemoteRun *run, const sd_bus_error *failure)
{
    const char *where = fleet_remote_run_where(run);
    g_autofree char *reason = fleet_remote_failure_text(failure->message);
    g_autofree char *message = g_strdup_printf("the login manager of '%s' does not reboot it: %s", where, reason);

    if (sd_bus_error_has_name(failure, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
            sd_bus_error_has_name(failure, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
        fleet_remote_run_finish(run, FLEET_OUTCOME_REJECTED, message);
    else if (sd_bus_error_has_name(failure, LOGIN ".BlockedByInhibitorLock"))
        fleet_remote_run_finish(run, FLEET_OUTCOME_TRANSIENT, message);
    else
        fleet_remote_run_finish(run, FLEET_OUTCOME_PERMANENT, message);
}

/* No answer is no refusal; and one that is going down already is going to do it. */
static int answered(sd_bus_message *reply, void *user_data, sd_bus_error *error)
{
    Reboot *reboot = user_data;
    const sd_bus_error *failure = sd_bus_message_get_error(reply);

    reboot->call = sd_bus_slot_unref(reboot->call);
    if (failure != NULL && !fleet_program_unit_is_unanswered(failure) &&
            !sd_bus_error_has_name(failure, LOGIN ".OperationInProgress"))
        refused(reboot->run, failure);
    else
        fleet_remote_run_message(reboot->run, "the machine is going down");
    return 1;
}

static void ask(FleetRemoteRun *run)
{
    Reboot *reboot = reboot_of(run);

    g_strlcpy(reboot->boot, fleet_remote_link_boot(run->link)->id, sizeof(reboot->boot));
    set_deadline(run);
    int r = sd_bus_call_method_async(fleet_remote_run_bus(run), &reboot->call, LOGIN, "/org/freedesktop/login1",
            LOGIN ".Manager", "Reboot", answered, reboot, "b", FALSE);
    if (r < 0) {
        run->asked = FALSE; /* it was not sent */
        fleet_remote_run_fail_call(run, "a reboot", r);
    }
}

/* Of an attempt that another fleetd has begun. */
static gboolean is_new_boot_for(FleetRemoteRun *run, const char *boot)
{
    if (*run->plan.boot != '\0')
        return !g_str_equal(run->plan.boot, boot);
    return fleet_remote_run_has_rebooted(run);
}

static void succeed(FleetRemoteRun *run)
{
    g_autofree char *message = g_strdup_printf(
            "'%s' is back, in the boot %s", fleet_remote_run_where(run), fleet_remote_link_boot(run->link)->id);

    fleet_remote_run_finish(run, FLEET_OUTCOME_SUCCESS, message);
}

static void resume(FleetRemoteRun *run)
{
    Reboot *reboot = reboot_of(run);
    const char *boot = fleet_remote_link_boot(run->link)->id;
    gboolean known = *reboot->boot != '\0';

    if (known ? !g_str_equal(reboot->boot, boot) : is_new_boot_for(run, boot)) {
        succeed(run);
        return;
    }
    if (known) {
        fleet_remote_run_message(run, "the machine has not gone down yet");
        return;
    }
    g_strlcpy(reboot->boot, boot, sizeof(reboot->boot));
    set_deadline(run);
    fleet_remote_run_miss(run, "the machine has not rebooted so far, and nobody knows whether it was asked to");
}

static void wake(FleetRemoteRun *run)
{
    const char *where = fleet_remote_run_where(run);
    g_autofree char *limit = fleet_timespan_format(fleet_remote_link_access(run->link)->return_timeout);
    g_autofree char *message = NULL;

    if (fleet_remote_run_bus(run) == NULL) {
        message = g_strdup_printf("'%s' was asked to reboot and is not back after %s", where, limit);
        fleet_remote_run_finish(run, FLEET_OUTCOME_UNCERTAIN, message);
    } else if (run->reattached) {
        message = g_strdup_printf(
                "'%s' has not rebooted within %s, and nobody knows whether it was asked to", where, limit);
        fleet_remote_run_finish(run, FLEET_OUTCOME_UNCERTAIN, message);
    } else {
        message = g_strdup_printf("'%s' was asked to reboot and has not done so within %s", where, limit);
        fleet_remote_run_finish(run, FLEET_OUTCOME_PERMANENT, message);
    }
}

const FleetRemoteWork fleet_remote_reboot_work = {.phase = "rebooting",
        .is_final = TRUE,
        .begin = begin,
        .ask = ask,
        .resume = resume,
        .let_go = let_go,
        .wake = wake,
        .free = free_reboot};
