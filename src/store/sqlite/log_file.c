/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/sqlite/log_file.h"

#include "store/store.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define INDEX_VERSION 3007000
#define LOG_MAGIC 0x377f0682 /* the lowest bit: checksums are of big-endian numbers */
#define PAGE_SIZE_MAX 65536

/* Twice at the beginning of the index, in the byte order of the machine. */
typedef struct {
    guint32 version;
    guint32 unused;
    guint32 changes;
    guint8 initialised;
    guint8 big_endian;
    guint16 page_size;
    guint32 frames; /* that were committed */
    guint32 pages;
    guint32 frame_checksum[2];
    guint8 salt[8];
    guint32 checksum[2];
} IndexHeader;
G_STATIC_ASSERT(sizeof(IndexHeader) == 48);

/* All integers are big-endian. */
typedef struct {
    guint32 magic, version, page_size, sequence;
    guint8 salt[8];
    guint32 checksum[2];
} LogHeader;

typedef struct {
    guint32 page, pages_after_commit;
    guint8 salt[8];
    guint32 checksum[2];
} FrameHeader;

typedef struct {
    gboolean big_endian;
    guint32 sum[2];
} Checksum;

/* Of a multiple of 8 bytes. */
static void add_to_checksum(Checksum *checksum, gconstpointer data, gsize length)
{
    const guint8 *bytes = data;

    for (gsize i = 0; i < length; i += 8) {
        guint32 words[2];

        memcpy(words, bytes + i, sizeof(words));
        for (guint j = 0; j < 2; j++)
            checksum->sum[j] += (checksum->big_endian ? GUINT32_FROM_BE(words[j]) : GUINT32_FROM_LE(words[j])) +
                                checksum->sum[1 - j];
    }
}

static gboolean is_checksum(const Checksum *checksum, const guint32 big_endian[2])
{
    return checksum->sum[0] == GUINT32_FROM_BE(big_endian[0]) && checksum->sum[1] == GUINT32_FROM_BE(big_endian[1]);
}

static gboolean read_at(int fd, gpointer buffer, gsize size, gint64 offset)
{
    return pread(fd, buffer, size, offset) == (gssize)size;
}

/* FALSE if it does not say that anything is in the log alone. */
static gboolean read_index(int fd, IndexHeader *header)
{
    Checksum checksum = {.big_endian = G_BYTE_ORDER == G_BIG_ENDIAN};
    IndexHeader headers[2];
    guint32 moved;

    if (!read_at(fd, headers, sizeof(headers), 0) || !read_at(fd, &moved, sizeof(moved), sizeof(headers)))
        return FALSE;
    add_to_checksum(&checksum, headers, G_STRUCT_OFFSET(IndexHeader, checksum));
    *header = headers[0];
    return memcmp(&headers[0], &headers[1], sizeof(headers[0])) == 0 && header->version == INDEX_VERSION &&
           header->initialised != 0 && memcmp(checksum.sum, header->checksum, sizeof(header->checksum)) == 0 &&
           moved < header->frames;
}

/* How many frames from the first on are whole and belong to what the index tells of; no more than that has. */
static guint32 count_frames(int fd, const IndexHeader *index)
{
    const gsize page_size = index->page_size == 1 ? PAGE_SIZE_MAX : index->page_size;
    g_autofree guint8 *page = g_malloc(page_size);
    gint64 offset = sizeof(LogHeader);
    Checksum checksum = {0};
    LogHeader header;
    guint32 n = 0;

    if (!read_at(fd, &header, sizeof(header), 0) || (GUINT32_FROM_BE(header.magic) & ~1U) != LOG_MAGIC ||
            GUINT32_FROM_BE(header.page_size) != page_size ||
            memcmp(header.salt, index->salt, sizeof(header.salt)) != 0)
        return 0;
    checksum.big_endian = (GUINT32_FROM_BE(header.magic) & 1) != 0;
    add_to_checksum(&checksum, &header, G_STRUCT_OFFSET(LogHeader, checksum));
    if (!is_checksum(&checksum, header.checksum))
        return 0;
    for (; n < index->frames; n++) {
        FrameHeader frame;

        if (!read_at(fd, &frame, sizeof(frame), offset) ||
                !read_at(fd, page, page_size, offset + (gint64)sizeof(frame)) ||
                memcmp(frame.salt, index->salt, sizeof(frame.salt)) != 0)
            break;
        add_to_checksum(&checksum, &frame, G_STRUCT_OFFSET(FrameHeader, salt));
        add_to_checksum(&checksum, page, page_size);
        if (!is_checksum(&checksum, frame.checksum))
            break;
        offset += (gint64)(sizeof(frame) + page_size);
    }
    return n;
}

gboolean fleet_log_file_check(const char *database, GError **error)
{
    g_autofree char *log_path = g_strconcat(database, "-wal", NULL);
    g_autofree char *index_path = g_strconcat(database, "-shm", NULL);
    int index_fd = open(index_path, O_RDONLY | O_CLOEXEC);
    IndexHeader index = {0};
    gboolean says_something = index_fd >= 0 && read_index(index_fd, &index);
    guint32 found = 0;

    if (index_fd >= 0)
        close(index_fd);
    if (!says_something)
        return TRUE;
    int fd = open(log_path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        found = count_frames(fd, &index);
        close(fd);
    }
    if (found == index.frames)
        return TRUE;
    g_set_error(error, FLEET_STORE_ERROR, FLEET_STORE_ERROR_DATABASE,
            "database '%s' lacks changes that were acknowledged: of the %u pages in its log '%s' %u are left; "
            "restore the log or a backup, or remove '%s' to go on without them; nothing was touched",
            database, index.frames, log_path, found, index_path);
    return FALSE;
}
