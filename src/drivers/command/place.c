/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/command/place.h"

#include "base/error.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SMALL_FILE_MAX (4 * 1024 * 1024) /* bytes: more than the environment of any attempt */

static const char *const stream_names[FLEET_PROGRAM_STREAMS] = {"out", "err"};
static const char *const file_names[] = {"attempt", "invocation", "environment", "out", "err", "end", "control",
        "result.new", "result", "stopping", "tail"};
static const char *const backend_names[FLEET_COMMAND_BACKENDS] = {"child", "unit"};

static FleetCommandPlace *new_place(const char *directory, FleetAttemptId id)
{
    FleetCommandPlace *place = g_new0(FleetCommandPlace, 1);

    place->path = g_strdup_printf("%s/%" G_GINT64_FORMAT "-%u", directory, id.sequence, id.number);
    place->directory = place->end = -1;
    for (guint i = 0; i < FLEET_PROGRAM_STREAMS; i++)
        place->streams[i] = -1;
    return place;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void fleet_command_place_free(FleetCommandPlace *place)
{
    for (guint i = 0; i < FLEET_PROGRAM_STREAMS; i++)
        close_fd(&place->streams[i]);
    close_fd(&place->end);
    close_fd(&place->directory);
    g_free(place->path);
    g_free(place->info.token);
    g_free(place->info.action_id);
    g_free(place->info.device_id);
    g_free(place);
}

void fleet_command_place_remove(FleetCommandPlace *place)
{
    for (guint i = 0; i < G_N_ELEMENTS(file_names); i++)
        unlinkat(place->directory, file_names[i], 0);
    if (rmdir(place->path) < 0 && errno != ENOENT)
        fleet_log_warning("'%s' cannot be removed: %s", place->path, g_strerror(errno));
}

int fleet_command_place_open_file(const FleetCommandPlace *place, const char *name, int flags)
{
    return openat(place->directory, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int fleet_command_place_open_stream(const FleetCommandPlace *place, FleetProgramStream stream)
{
    return fleet_command_place_open_file(place, stream_names[stream], O_RDWR);
}

static gboolean write_file(const FleetCommandPlace *place, const char *name, const char *text)
{
    gsize length = strlen(text), done = 0;
    int fd = fleet_command_place_open_file(place, name, O_WRONLY | O_CREAT | O_TRUNC);

    while (fd >= 0 && done < length) {
        gssize n = write(fd, text + done, length - done);

        if (n < 0) {
            int saved = errno;
            close(fd);
            errno = saved;
            return FALSE;
        }
        done += (gsize)n;
    }
    return fd >= 0 && close(fd) == 0;
}

gboolean fleet_command_place_write(const FleetCommandPlace *place, const char *name, const char *text)
{
    if (write_file(place, name, text))
        return TRUE;
    fleet_log_warning("'%s/%s' cannot be written: %s", place->path, name, g_strerror(errno));
    return FALSE;
}

char *fleet_command_place_read(const FleetCommandPlace *place, const char *name)
{
    g_autofree char *path = g_build_filename(place->path, name, NULL);
    g_autofree char *text = NULL;
    gsize length;

    if (!g_file_get_contents(path, &text, &length, NULL) || length > SMALL_FILE_MAX)
        return NULL;
    return g_steal_pointer(&text);
}

gboolean fleet_command_place_read_result(const FleetCommandPlace *place, FleetProgramResult *result)
{
    g_autofree char *text = fleet_command_place_read(place, "result");

    if (text == NULL || !fleet_program_result_parse(text, result))
        return FALSE;
    result->unit = place->info.backend == FLEET_COMMAND_UNIT;
    return TRUE;
}

void fleet_command_place_write_result(const FleetCommandPlace *place, const FleetProgramResult *result)
{
    g_autofree char *text = fleet_program_result_format(result);
    int fd = fleet_command_place_open_file(place, "result.new", O_WRONLY);
    gboolean written = fd >= 0 && pwrite(fd, text, strlen(text), 0) == (gssize)strlen(text);

    if (fd >= 0)
        close(fd);
    if (!written || renameat(place->directory, "result.new", place->directory, "result") < 0)
        fleet_log_warning("a result in '%s' cannot be kept: %s", place->path, g_strerror(errno));
}

/* With no writer, a read comes back at once with nothing; with one, it would have to wait. */
gboolean fleet_command_place_is_kept(const FleetCommandPlace *place)
{
    char byte;

    return read(place->end, &byte, 1) < 0 && errno == EAGAIN;
}

/* Open for reading as well: the keeper may end between the open and the write, which would raise a SIGPIPE. */
void fleet_command_place_control(const FleetCommandPlace *place, char command)
{
    int fd = fleet_command_place_open_file(place, "control", O_RDWR | O_NONBLOCK);

    if (fd < 0)
        return;
    if (write(fd, &command, 1) != 1)
        fleet_log_warning("the keeper of '%s' cannot be told: %s", place->path, g_strerror(errno));
    close(fd);
}

static gboolean open_pipes(FleetCommandPlace *place)
{
    for (guint i = 0; i < FLEET_PROGRAM_STREAMS; i++) {
        place->streams[i] = fleet_command_place_open_file(place, stream_names[i], O_RDONLY | O_NONBLOCK);
        if (place->streams[i] < 0)
            return FALSE;
    }
    place->end = fleet_command_place_open_file(place, "end", O_RDONLY | O_NONBLOCK);
    return place->end >= 0;
}

static char *format_info(const FleetCommandPlaceInfo *info)
{
    return g_strdup_printf("backend=%s\ntoken=%s\naction=%s\ndevice=%s\n", backend_names[info->backend], info->token,
            info->action_id, info->device_id);
}

/* No value has a line's end in it: identifiers have no control characters. */
static gboolean parse_info(const char *text, FleetCommandPlaceInfo *info)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    static const char *const keys[] = {"backend=", "token=", "action=", "device="};

    if (g_strv_length(lines) != G_N_ELEMENTS(keys) + 1)
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
        if (!g_str_has_prefix(lines[i], keys[i]))
            return FALSE;
    const char *backend = lines[0] + strlen(keys[0]);
    info->backend = g_str_equal(backend, backend_names[FLEET_COMMAND_UNIT]) ? FLEET_COMMAND_UNIT : FLEET_COMMAND_CHILD;
    info->token = g_strdup(lines[1] + strlen(keys[1]));
    info->action_id = g_strdup(lines[2] + strlen(keys[2]));
    info->device_id = g_strdup(lines[3] + strlen(keys[3]));
    return TRUE;
}

/* Anybody may write to the streams who has them open: a program that runs as another user may open /dev/stdout anew. */
static gboolean make_files(FleetCommandPlace *place, const FleetCommandPlaceInfo *info)
{
    g_autofree char *text = format_info(info);
    char room[FLEET_PROGRAM_RESULT_SIZE + 1];

    memset(room, ' ', sizeof(room) - 1);
    room[sizeof(room) - 1] = '\0';
    for (guint i = 0; i < FLEET_PROGRAM_STREAMS; i++)
        if (mkfifoat(place->directory, stream_names[i], 0600) < 0 ||
                fchmodat(place->directory, stream_names[i], 0622, 0) < 0)
            return FALSE;
    /* "attempt" comes last: a place without it was not finished, and nothing was started in it. */
    return mkfifoat(place->directory, "end", 0600) == 0 && mkfifoat(place->directory, "control", 0600) == 0 &&
           write_file(place, "result.new", room) && open_pipes(place) && write_file(place, "attempt", text);
}

static gboolean fail(GError **error, const FleetCommandPlace *place)
{
    g_set_error(
            error, FLEET_ERROR, FLEET_ERROR_LIMIT_EXCEEDED, "'%s' cannot be made: %s", place->path, g_strerror(errno));
    return FALSE;
}

static gboolean make(FleetCommandPlace *place, const char *directory, const FleetCommandPlaceInfo *info, GError **error)
{
    if (mkdir(directory, 0700) < 0 && errno != EEXIST)
        return fail(error, place);
    if (mkdir(place->path, 0700) < 0)
        return fail(error, place);
    place->directory = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->directory >= 0 && make_files(place, info))
        return TRUE;
    fail(error, place);
    if (place->directory >= 0)
        fleet_command_place_remove(place);
    return FALSE;
}

FleetCommandPlace *fleet_command_place_create(
        const char *directory, FleetAttemptId id, const FleetCommandPlaceInfo *info, GError **error)
{
    g_autoptr(FleetCommandPlace) place = new_place(directory, id);

    if (!make(place, directory, info, error))
        return NULL;
    place->info = (FleetCommandPlaceInfo){.backend = info->backend,
            .token = g_strdup(info->token),
            .action_id = g_strdup(info->action_id),
            .device_id = g_strdup(info->device_id)};
    return g_steal_pointer(&place);
}

FleetCommandPlace *fleet_command_place_open(const char *directory, FleetAttemptId id, GError **error)
{
    g_autoptr(FleetCommandPlace) place = new_place(directory, id);
    g_autofree char *text = NULL;

    place->directory = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->directory >= 0)
        text = fleet_command_place_read(place, "attempt");
    if (text == NULL || !parse_info(text, &place->info) || !open_pipes(place)) {
        g_set_error(error, FLEET_ERROR, FLEET_ERROR_ACTION_NOT_FOUND, "there is no trace of it in '%s'", place->path);
        return NULL;
    }
    return g_steal_pointer(&place);
}

void fleet_command_place_discard(const char *directory, FleetAttemptId id)
{
    g_autoptr(FleetCommandPlace) place = new_place(directory, id);

    place->directory = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->directory >= 0)
        fleet_command_place_remove(place);
}

GArray *fleet_command_place_list(const char *directory)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(FleetAttemptId));
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        FleetAttemptId id;
        int length = 0;

        if (sscanf(name, "%" G_GINT64_FORMAT "-%u%n", &id.sequence, &id.number, &length) == 2 && name[length] == '\0')
            g_array_append_val(ids, id);
    }
    return ids;
}
