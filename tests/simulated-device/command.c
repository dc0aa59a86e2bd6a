/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "command.h"

#include "depth.h"
#include "operation.h"

#include <string.h>

static const char *const words[] = {
        [SIM_INIT] = "init",
        [SIM_SCHEDULED] = "scheduled",
        [SIM_EXECUTING] = "executing",
        [SIM_SUCCESSFUL] = "successful",
        [SIM_FAILED] = "failed",
};

SimCommand *sim_command_new(const char *operation, const char *id)
{
    SimCommand *command = g_new0(SimCommand, 1);

    command->operation = g_strdup(operation);
    command->id = g_strdup(id);
    return command;
}

void sim_command_free(SimCommand *command)
{
    g_free(command->operation);
    g_free(command->id);
    g_free(command->reason);
    g_clear_pointer(&command->payload, json_object_unref);
    g_free(command);
}

const char *sim_status_to_string(SimStatus status)
{
    return words[status];
}

SimStatus sim_status_from_string(const char *string)
{
    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strcmp(words[i], string) == 0)
            return i;
    }
    return SIM_OTHER;
}

gboolean sim_status_is_final(SimStatus status)
{
    return status == SIM_SUCCESSFUL || status == SIM_FAILED;
}

JsonObject *sim_command_read(const char *text, gsize length, SimStatus *status, const char **wrong)
{
    g_autoptr(JsonParser) parser = json_parser_new();

    if (!sim_depth_is_safe(text, length)) {
        *wrong = "has too many brackets";
        return NULL;
    }
    if (length > G_MAXINT || !json_parser_load_from_data(parser, text, (gssize)length, NULL)) {
        *wrong = "is not JSON";
        return NULL;
    }
    JsonNode *root = json_parser_get_root(parser);
    if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root)) {
        *wrong = "is not a JSON object";
        return NULL;
    }
    JsonNode *word = json_object_get_member(json_node_get_object(root), "status");
    if (word != NULL && json_node_get_value_type(word) != G_TYPE_STRING) {
        *wrong = "has a status that is not a string";
        return NULL;
    }
    *status = word == NULL ? SIM_INIT : sim_status_from_string(json_node_get_string(word));
    return json_node_dup_object(root);
}

void sim_command_set_payload(SimCommand *command, JsonObject *payload)
{
    json_object_ref(payload);
    g_clear_pointer(&command->payload, json_object_unref);
    command->payload = payload;
}

void sim_command_set_status(SimCommand *command, SimStatus status, const char *reason)
{
    command->status = status;
    command->told = FALSE;
    command->number = 0;
    g_free(command->reason);
    command->reason = g_strdup(reason);
}

char *sim_command_write(SimCommand *command, double progress)
{
    g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);

    json_object_set_string_member(command->payload, "status", words[command->status]);
    if (progress > 0)
        json_object_set_double_member(command->payload, "progress", progress);
    else
        json_object_remove_member(command->payload, "progress");
    if (command->status == SIM_FAILED) {
        json_object_set_string_member(command->payload, "reason", command->reason);
        sim_operation_add_failures(command->operation, command->payload, command->reason);
    }
    json_node_set_object(root, command->payload);
    return json_to_string(root, FALSE);
}
