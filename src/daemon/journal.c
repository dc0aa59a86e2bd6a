/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon/journal.h"

#include "base/log.h"
#include "core/ledger.h"

/* The fields that all these entries have. */
static FleetLogSubject subject_of(FleetMessage message, const FleetLedger *ledger)
{
    const FleetOrigin *origin = fleet_ledger_origin(ledger);

    return (FleetLogSubject){.message = message,
            .sender = origin != NULL ? origin->sender : NULL,
            .sender_uid = origin != NULL ? &origin->uid : NULL};
}

static FleetLogSubject subject_of_device(FleetMessage message, const FleetLedger *ledger, const FleetDevice *device)
{
    FleetLogSubject subject = subject_of(message, ledger);

    subject.device = device->id;
    subject.status = fleet_device_status_to_string(device->status);
    return subject;
}

static void device_added(const FleetDevice *device, gpointer user_data)
{
    FleetLogSubject subject = subject_of_device(FLEET_MESSAGE_DEVICE_REGISTERED, user_data, device);

    fleet_log_routine(LOG_INFO, &subject, "device '%s' is registered", device->id);
}

static void device_removed(const FleetDevice *device, gpointer user_data)
{
    FleetLogSubject subject = subject_of_device(FLEET_MESSAGE_DEVICE_UNREGISTERED, user_data, device);

    fleet_log_routine(LOG_INFO, &subject, "device '%s' is unregistered", device->id);
}

/* That a device left or came back, whatever that does to its status. */
static void tell_presence(const FleetDevice *before, const FleetDevice *after, const FleetLedger *ledger)
{
    gboolean is_away = after->presence == FLEET_PRESENCE_OFFLINE;
    FleetLogSubject subject =
            subject_of_device(is_away ? FLEET_MESSAGE_DEVICE_AWAY : FLEET_MESSAGE_DEVICE_BACK, ledger, after);

    fleet_log_routine(is_away ? LOG_NOTICE : LOG_INFO, &subject, "device '%s' %s, and %s %s", after->id,
            is_away ? "is not heard any more" : "is heard again", before->status == after->status ? "stays" : "is now",
            subject.status);
}

static gboolean has_left_or_returned(const FleetDevice *before, const FleetDevice *after)
{
    return before->presence != after->presence &&
           (after->presence == FLEET_PRESENCE_OFFLINE ||
                   (before->presence == FLEET_PRESENCE_OFFLINE && after->presence == FLEET_PRESENCE_ONLINE));
}

/* What an action does to its device is told of the action. */
static void device_changed(const FleetDevice *before, const FleetDevice *after, gpointer user_data)
{
    if (has_left_or_returned(before, after)) {
        tell_presence(before, after, user_data);
        return;
    }
    if (before->status == after->status || before->action.sequence != after->action.sequence)
        return;
    FleetLogSubject subject = subject_of_device(FLEET_MESSAGE_DEVICE_STATUS_SET, user_data, after);

    fleet_log_routine(LOG_INFO, &subject, "device '%s' is now %s, was %s", after->id, subject.status,
            fleet_device_status_to_string(before->status));
}

/* The same for an action; id is a buffer for its own. */
static FleetLogSubject subject_of_action(
        FleetMessage message, const FleetLedger *ledger, const FleetAction *action, char *id)
{
    FleetLogSubject subject = subject_of(message, ledger);

    subject.action = fleet_action_id_format(action->id, id);
    subject.device = action->device_id;
    subject.action_type = action->type;
    subject.attempt = action->attempt;
    return subject;
}

static void action_added(const FleetAction *action, gpointer user_data)
{
    char id[FLEET_ACTION_ID_BUFFER];
    FleetLogSubject subject = subject_of_action(FLEET_MESSAGE_ACTION_ACCEPTED, user_data, action, id);

    fleet_log_routine(
            LOG_INFO, &subject, "action '%s' on device '%s' is accepted: %s", id, action->device_id, action->type);
}

static void tell_end(const FleetAction *action, const FleetLedger *ledger)
{
    char id[FLEET_ACTION_ID_BUFFER];
    FleetLogSubject subject = subject_of_action(FLEET_MESSAGE_ACTION_ENDED, ledger, action, id);

    subject.result = fleet_result_to_string(action->result);
    subject.error = *action->error_name != '\0' ? action->error_name : NULL;
    fleet_log_routine(action->status == FLEET_ACTION_FAILED ? LOG_NOTICE : LOG_INFO, &subject,
            "action '%s' on device '%s' ended: %s%s%s", id, action->device_id, subject.result,
            *action->message != '\0' ? ", " : "", action->message);
}

static void tell_start(const FleetAction *action, const FleetLedger *ledger)
{
    char id[FLEET_ACTION_ID_BUFFER];
    FleetLogSubject subject = subject_of_action(FLEET_MESSAGE_ACTION_STARTED, ledger, action, id);

    fleet_log_routine(LOG_INFO, &subject, "action '%s' on device '%s' starts, attempt %u of %u", id, action->device_id,
            action->attempt, action->policy.max_attempts);
}

static void tell_retry(const FleetAction *action, const FleetLedger *ledger)
{
    char id[FLEET_ACTION_ID_BUFFER];
    FleetLogSubject subject = subject_of_action(FLEET_MESSAGE_ACTION_RETRIED, ledger, action, id);

    fleet_log_routine(LOG_NOTICE, &subject,
            "action '%s' on device '%s' is tried again, for attempt %u of %u failed%s%s", id, action->device_id,
            action->attempt, action->policy.max_attempts, *action->message != '\0' ? ": " : "", action->message);
}

static void tell_stop(const FleetAction *action, const FleetLedger *ledger)
{
    char id[FLEET_ACTION_ID_BUFFER];
    FleetLogSubject subject = subject_of_action(FLEET_MESSAGE_ACTION_TO_STOP, ledger, action, id);

    subject.result = fleet_result_to_string(action->cancel_result);
    fleet_log_routine(
            LOG_INFO, &subject, "action '%s' on device '%s' is to stop: %s", id, action->device_id, subject.result);
}

/* Progress, phases and messages are not told: there are too many, and who wants them watches the action. */
static void action_changed(const FleetAction *before, const FleetAction *after, gpointer user_data)
{
    if (fleet_action_is_terminal(after)) {
        tell_end(after, user_data);
        return;
    }
    if (after->attempt != before->attempt)
        tell_start(after, user_data);
    if (before->retry_at.realtime == 0 && after->retry_at.realtime != 0)
        tell_retry(after, user_data);
    if (before->cancel_requested.realtime == 0 && after->cancel_requested.realtime != 0)
        tell_stop(after, user_data);
}

const FleetObserver fleet_journal_observer = {
        .device_added = device_added,
        .device_changed = device_changed,
        .device_removed = device_removed,
        .action_added = action_added,
        .action_changed = action_changed,
};
