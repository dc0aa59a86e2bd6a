/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/disk.h"

#include "lib/main.h"
#include "lib/shim/disk_trace.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512

struct FleetTestDisk {
    char *directory; /* of the two files below */
    char *trace_path;
    DiskRule *rule;

    /* How far the trace was replayed, and what the disk holds there for sure. */
    int trace;
    gint64 position;
    GHashTable *inodes;  /* number -> File, the newest of that number */
    GHashTable *names;   /* of the files, as they are on disk -> File */
    GPtrArray *unsynced; /* of NameChange */
};

/* A piece of a file that is not synced: a write, or with data == NULL a truncation. */
typedef struct {
    goffset offset;
    GBytes *data;
} Piece;

typedef struct {
    gatomicrefcount refs;
    GByteArray *content; /* on disk */
    GArray *pieces;      /* of Piece, in their order */
} File;

/* from -> to; from == NULL: file gets the name to; to == NULL: from goes. */
typedef struct {
    char *from, *to;
    File *file;
} NameChange;

static void clear_piece(gpointer data)
{
    g_clear_pointer(&((Piece *)data)->data, g_bytes_unref);
}

static File *new_file(void)
{
    File *file = g_new0(File, 1);

    g_atomic_ref_count_init(&file->refs);
    file->content = g_byte_array_new();
    file->pieces = g_array_new(FALSE, FALSE, sizeof(Piece));
    g_array_set_clear_func(file->pieces, clear_piece);
    return file;
}

static File *ref_file(File *file)
{
    g_atomic_ref_count_inc(&file->refs);
    return file;
}

static void unref_file(gpointer data)
{
    File *file = data;

    if (!g_atomic_ref_count_dec(&file->refs))
        return;
    g_byte_array_unref(file->content);
    g_array_unref(file->pieces);
    g_free(file);
}

static void free_name_change(gpointer data)
{
    NameChange *change = data;

    g_free(change->from);
    g_free(change->to);
    g_clear_pointer(&change->file, unref_file);
    g_free(change);
}

static DiskRule *map_rule(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0 || ftruncate(fd, sizeof(DiskRule)) < 0)
        fleet_test_fail("cannot make %s: %m", path);
    DiskRule *rule = mmap(NULL, sizeof(DiskRule), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (rule == MAP_FAILED)
        fleet_test_fail("cannot map %s: %m", path);
    close(fd);
    return rule;
}

static void add_env(FleetTestDaemon *daemon, const char *name, const char *value)
{
    g_autofree char *assignment = g_strdup_printf("%s=%s", name, value);

    fleet_test_daemon_add_env(daemon, assignment);
}

FleetTestDisk *fleet_test_disk_new(FleetTestDaemon *daemon)
{
    FleetTestDisk *disk = g_new0(FleetTestDisk, 1);

    disk->directory = fleet_test_directory_new();
    disk->trace_path = g_build_filename(disk->directory, "trace", NULL);
    g_autofree char *rule_path = g_build_filename(disk->directory, "rule", NULL);
    disk->rule = map_rule(rule_path);
    disk->trace = open(disk->trace_path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
    if (disk->trace < 0)
        fleet_test_fail("cannot make %s: %m", disk->trace_path);
    disk->inodes = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, unref_file);
    disk->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_file);
    disk->unsynced = g_ptr_array_new_with_free_func(free_name_change);
    fleet_test_daemon_preload(daemon, fleet_test_env("FLEET_TEST_DISK_SHIM"));
    add_env(daemon, DISK_DIRECTORY_ENV, fleet_test_daemon_state_directory(daemon));
    add_env(daemon, DISK_RULE_ENV, rule_path);
    add_env(daemon, DISK_TRACE_ENV, disk->trace_path);
    return disk;
}

void fleet_test_disk_free(FleetTestDisk *disk)
{
    munmap(disk->rule, sizeof(DiskRule));
    close(disk->trace);
    g_hash_table_unref(disk->inodes);
    g_hash_table_unref(disk->names);
    g_ptr_array_unref(disk->unsynced);
    fleet_test_remove(disk->directory);
    g_free(disk->directory);
    g_free(disk->trace_path);
    g_free(disk);
}

void fleet_test_disk_fail(FleetTestDisk *disk, guint calls, guint files, int skip, int times, int error)
{
    disk->rule->times = 0;
    disk->rule->hits = 0;
    disk->rule->calls = calls;
    disk->rule->files = files;
    disk->rule->skip = skip;
    disk->rule->error = error;
    __atomic_store_n(&disk->rule->times, times, __ATOMIC_SEQ_CST);
}

guint fleet_test_disk_mend(FleetTestDisk *disk)
{
    __atomic_store_n(&disk->rule->times, 0, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&disk->rule->hits, __ATOMIC_SEQ_CST);
}

gint64 fleet_test_disk_position(const FleetTestDisk *disk)
{
    struct stat st;

    if (fstat(disk->trace, &st) < 0)
        fleet_test_fail("cannot look at %s: %m", disk->trace_path);
    return st.st_size;
}

/* Replaying. */

static void resize(GByteArray *content, gsize size)
{
    gsize before = content->len;

    g_byte_array_set_size(content, (guint)size);
    if (size > before)
        memset(content->data + before, 0, size - before);
}

static void put(GByteArray *content, goffset offset, const guint8 *data, gsize length)
{
    if (content->len < (gsize)offset + length)
        resize(content, (gsize)offset + length);
    memcpy(content->data + offset, data, length);
}

static void apply(GByteArray *content, const Piece *piece)
{
    gsize length;

    if (piece->data == NULL) {
        resize(content, (gsize)piece->offset);
        return;
    }
    const guint8 *data = g_bytes_get_data(piece->data, &length);
    put(content, piece->offset, data, length);
}

static void sync_content(File *file)
{
    for (guint i = 0; i < file->pieces->len; i++)
        apply(file->content, &g_array_index(file->pieces, Piece, i));
    g_array_set_size(file->pieces, 0);
}

static void apply_name(GHashTable *names, const NameChange *change)
{
    File *file = change->file != NULL ? change->file : g_hash_table_lookup(names, change->from);

    if (file == NULL)
        return; /* it has never got the old name */
    ref_file(file);
    if (change->from != NULL)
        g_hash_table_remove(names, change->from);
    if (change->to != NULL)
        g_hash_table_replace(names, g_strdup(change->to), ref_file(file));
    unref_file(file);
}

static void sync_names(FleetTestDisk *disk)
{
    for (guint i = 0; i < disk->unsynced->len; i++)
        apply_name(disk->names, disk->unsynced->pdata[i]);
    g_ptr_array_set_size(disk->unsynced, 0);
}

static void change_name(FleetTestDisk *disk, const char *from, const char *to, File *file)
{
    NameChange *change = g_new0(NameChange, 1);

    *change = (NameChange){.from = g_strdup(from), .to = g_strdup(to), .file = file};
    g_ptr_array_add(disk->unsynced, change);
}

static void replay_create(FleetTestDisk *disk, const DiskRecord *record)
{
    File *file = new_file();
    gint64 number = (gint64)record->inode;

    g_hash_table_replace(disk->inodes, g_memdup2(&number, sizeof(number)), file);
    change_name(disk, NULL, record->name, ref_file(file));
}

static void replay_record(FleetTestDisk *disk, const DiskRecord *record, GBytes *data)
{
    gint64 number = (gint64)record->inode;
    File *file = g_hash_table_lookup(disk->inodes, &number);
    Piece piece = {.offset = (goffset)record->offset, .data = data};

    switch ((DiskRecordKind)record->kind) {
    case DISK_CREATE:
        replay_create(disk, record);
        break;
    case DISK_OPEN:
        if (file == NULL)
            replay_create(disk, record);
        break;
    case DISK_UNLINK:
        change_name(disk, record->name, NULL, NULL);
        break;
    case DISK_RENAME:
        change_name(disk, record->name, record->to, NULL);
        break;
    case DISK_SYNC_NAMES:
        sync_names(disk);
        break;
    case DISK_WRITE:
    case DISK_TRUNCATE:
        g_array_append_val(file->pieces, piece);
        break;
    case DISK_SYNC:
        sync_content(file);
        break;
    case DISK_SYNC_FAILED:
        /* The kernel may have written some of it. Nothing of it is the worst, for it is what reads do not show. */
        g_array_set_size(file->pieces, 0);
        break;
    default:
        g_assert_not_reached();
    }
}

/* FALSE where a kill has torn the last record. */
static gboolean read_trace(FleetTestDisk *disk, gint64 offset, gpointer buffer, gsize size)
{
    return pread(disk->trace, buffer, size, offset) == (gssize)size;
}

static void replay(FleetTestDisk *disk, gint64 position)
{
    DiskRecord record;

    while (disk->position < position && read_trace(disk, disk->position, &record, sizeof(record))) {
        gsize length = record.kind == DISK_WRITE ? record.length : 0;
        g_autofree guint8 *bytes = g_malloc(length);

        if (!read_trace(disk, disk->position + (gint64)sizeof(record), bytes, length))
            return;
        replay_record(disk, &record, length > 0 ? g_bytes_new_take(g_steal_pointer(&bytes), length) : NULL);
        disk->position += (gint64)(sizeof(record) + length);
    }
}

/* Cutting. */

typedef enum {
    KEEP_NOTHING, /* of what is not synced */
    KEEP_ALL,
    KEEP_BEGINNING,
    KEEP_SOME,
    KEEP_WAYS,
} Keep;

static gboolean is_kept(GRand *rand, Keep keep, guint i, guint n)
{
    switch (keep) {
    case KEEP_NOTHING:
        return FALSE;
    case KEEP_ALL:
        return TRUE;
    case KEEP_BEGINNING:
        return i < n / 2;
    case KEEP_SOME:
    case KEEP_WAYS:
    default:
        return g_rand_boolean(rand);
    }
}

/* Sectors are whole or not there; they need not begin where the write does. */
static void apply_some(GByteArray *content, const Piece *piece, GRand *rand)
{
    gsize length;

    if (piece->data == NULL) {
        if (g_rand_boolean(rand))
            apply(content, piece);
        return;
    }
    const guint8 *data = g_bytes_get_data(piece->data, &length);
    for (gsize done = 0; done < length;) {
        gsize n = MIN(SECTOR - ((gsize)piece->offset + done) % SECTOR, length - done);

        if (g_rand_boolean(rand))
            put(content, piece->offset + (goffset)done, data + done, n);
        done += n;
    }
}

static void apply_pieces(GByteArray *content, const GArray *pieces, GRand *rand)
{
    Keep keep = (Keep)g_rand_int_range(rand, 0, KEEP_WAYS);

    for (guint i = 0; i < pieces->len; i++) {
        const Piece *piece = &g_array_index(pieces, Piece, i);

        if (keep == KEEP_SOME)
            apply_some(content, piece, rand);
        else if (is_kept(rand, keep, i, pieces->len))
            apply(content, piece);
    }
}

static void write_file(const File *file, GRand *rand, const char *directory, const char *name)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);
    g_autoptr(GByteArray) content = g_byte_array_sized_new(file->content->len);
    g_autoptr(GError) error = NULL;

    g_byte_array_append(content, file->content->data, file->content->len);
    apply_pieces(content, file->pieces, rand);
    if (!g_file_set_contents_full(
                path, (const char *)content->data, content->len, G_FILE_SET_CONTENTS_NONE, 0600, &error))
        fleet_test_fail("%s", error->message);
}

void fleet_test_disk_cut(FleetTestDisk *disk, gint64 position, guint32 seed, const char *directory)
{
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_file);
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    Keep keep = (Keep)g_rand_int_range(rand, 0, KEEP_WAYS);
    GHashTableIter iter;
    gpointer name, file;

    replay(disk, position);
    g_hash_table_iter_init(&iter, disk->names);
    while (g_hash_table_iter_next(&iter, &name, &file))
        g_hash_table_insert(names, g_strdup(name), ref_file(file));
    for (guint i = 0; i < disk->unsynced->len; i++)
        if (is_kept(rand, keep, i, disk->unsynced->len))
            apply_name(names, disk->unsynced->pdata[i]);
    g_hash_table_iter_init(&iter, names);
    while (g_hash_table_iter_next(&iter, &name, &file))
        if (!g_str_has_suffix(name, "-shm"))
            write_file(file, rand, directory, name);
}
