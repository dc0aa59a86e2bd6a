/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "memory.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

struct SimMemory {
    char *state_path, *record_path;
    int state, record;   /* -1 = none */
    GHashTable *devices; /* id -> GPtrArray of SimCommand, not taken yet */
};

static int open_to_add(const char *path, int flags, GError **error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0600);

    if (fd < 0)
        g_set_error(
                error, G_FILE_ERROR, g_file_error_from_errno(errno), "cannot write %s: %s", path, g_strerror(errno));
    return fd;
}

/* One write() a line: whoever kills the program leaves whole ones. */
static void add_line(int fd, const char *path, const char *line)
{
    g_autofree char *text = g_strconcat(line, "\n", NULL);
    gssize length = (gssize)strlen(text);

    if (write(fd, text, (gsize)length) != length)
        sim_die("cannot write %s: %s", path, g_strerror(errno));
}

static char *state_line(const char *device, const SimCommand *command)
{
    g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);
    g_autoptr(JsonObject) object = json_object_new();

    json_object_set_string_member(object, "device", device);
    json_object_set_string_member(object, "operation", command->operation);
    json_object_set_string_member(object, "command", command->id);
    json_object_set_string_member(object, "status", sim_status_to_string(command->status));
    if (command->reason != NULL)
        json_object_set_string_member(object, "reason", command->reason);
    if (command->payload != NULL)
        json_object_set_object_member(object, "payload", json_object_ref(command->payload));
    json_node_set_object(root, object);
    return json_to_string(root, FALSE);
}

static SimCommand *parse_line(const char *line, const char **device, JsonParser *parser)
{
    if (!json_parser_load_from_data(parser, line, -1, NULL) || !JSON_NODE_HOLDS_OBJECT(json_parser_get_root(parser)))
        return NULL;
    JsonObject *object = json_node_get_object(json_parser_get_root(parser));
    *device = json_object_get_string_member_with_default(object, "device", NULL);
    const char *operation = json_object_get_string_member_with_default(object, "operation", NULL);
    const char *id = json_object_get_string_member_with_default(object, "command", NULL);
    SimStatus status = sim_status_from_string(json_object_get_string_member_with_default(object, "status", ""));

    if (*device == NULL || operation == NULL || id == NULL || status == SIM_OTHER)
        return NULL;
    SimCommand *command = sim_command_new(operation, id);
    sim_command_set_status(command, status, json_object_get_string_member_with_default(object, "reason", NULL));
    if (json_object_has_member(object, "payload"))
        sim_command_set_payload(command, json_object_get_object_member(object, "payload"));
    return command;
}

static void free_command(gpointer command)
{
    sim_command_free(command);
}

static void free_commands(gpointer commands)
{
    g_ptr_array_unref(commands);
}

/* The newer image takes the place of an older one. */
static void remember(SimMemory *memory, const char *device, SimCommand *command)
{
    GPtrArray *commands = g_hash_table_lookup(memory->devices, device);

    if (commands == NULL) {
        commands = g_ptr_array_new_with_free_func(free_command);
        g_hash_table_insert(memory->devices, g_strdup(device), commands);
    }
    for (guint i = 0; i < commands->len; i++) {
        const SimCommand *known = commands->pdata[i];

        if (strcmp(known->operation, command->operation) == 0 && strcmp(known->id, command->id) == 0) {
            sim_command_free(commands->pdata[i]);
            commands->pdata[i] = command;
            return;
        }
    }
    g_ptr_array_add(commands, command);
}

static gboolean read_state(SimMemory *memory, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) problem = NULL;
    g_autoptr(JsonParser) parser = json_parser_new();

    if (!g_file_get_contents(memory->state_path, &text, NULL, &problem)) {
        if (g_error_matches(problem, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            return TRUE;
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i] != NULL; i++) {
        const char *device;
        SimCommand *command = *lines[i] != '\0' ? parse_line(lines[i], &device, parser) : NULL;

        if (command != NULL)
            remember(memory, device, command);
        else if (*lines[i] != '\0')
            sim_log(NULL, "%s: line %u is not understood", memory->state_path, i + 1);
    }
    return TRUE;
}

/* Beside the old one, and then in its place, so that there is one at any time. */
static gboolean renew_state(SimMemory *memory, GError **error)
{
    g_autofree char *path = g_strconcat(memory->state_path, ".new", NULL);
    GHashTableIter iter;
    gpointer device, commands;

    memory->state = open_to_add(path, O_TRUNC, error);
    if (memory->state < 0)
        return FALSE;
    g_hash_table_iter_init(&iter, memory->devices);
    while (g_hash_table_iter_next(&iter, &device, &commands)) {
        for (guint i = 0; i < ((GPtrArray *)commands)->len; i++)
            sim_memory_keep(memory, device, ((GPtrArray *)commands)->pdata[i]);
    }
    if (g_rename(path, memory->state_path) < 0) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno), "cannot write %s: %s", memory->state_path,
                g_strerror(errno));
        return FALSE;
    }
    return TRUE;
}

SimMemory *sim_memory_open(const char *state, const char *record, GError **error)
{
    g_autoptr(SimMemory) memory = g_new0(SimMemory, 1);

    memory->state_path = g_strdup(state);
    memory->record_path = g_strdup(record);
    memory->state = memory->record = -1;
    memory->devices = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_commands);
    if (state != NULL && (!read_state(memory, error) || !renew_state(memory, error)))
        return NULL;
    if (record != NULL && (memory->record = open_to_add(record, 0, error)) < 0)
        return NULL;
    return g_steal_pointer(&memory);
}

void sim_memory_free(SimMemory *memory)
{
    if (memory->state >= 0)
        close(memory->state);
    if (memory->record >= 0)
        close(memory->record);
    g_hash_table_unref(memory->devices);
    g_free(memory->state_path);
    g_free(memory->record_path);
    g_free(memory);
}

GPtrArray *sim_memory_take(SimMemory *memory, const char *device)
{
    char *key;
    GPtrArray *commands;

    if (!g_hash_table_steal_extended(memory->devices, device, (gpointer *)&key, (gpointer *)&commands))
        return NULL;
    g_free(key);
    return commands;
}

void sim_memory_keep(SimMemory *memory, const char *device, const SimCommand *command)
{
    if (memory->state < 0)
        return;
    g_autofree char *line = state_line(device, command);
    add_line(memory->state, memory->state_path, line);
}

void sim_memory_record(SimMemory *memory, const char *device, const SimCommand *command)
{
    if (memory->record < 0)
        return;
    g_autofree char *line = g_strdup_printf("%s %s %s", device, command->operation, command->id);
    add_line(memory->record, memory->record_path, line);
}
