/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the preloaded library disk.so and tests/lib/disk.c share: the rule for the next faults, in a file that both map,
 * and the trace of all that was done to the files of one directory.
 */

#include <stdint.h>

/* In the environment of the program: the directory, the file with the rule, and the trace. */
#define DISK_DIRECTORY_ENV "FLEET_TEST_DISK_DIRECTORY"
#define DISK_RULE_ENV "FLEET_TEST_DISK_RULE"
#define DISK_TRACE_ENV "FLEET_TEST_DISK_TRACE"

/* A call fails if its kind and its file are in the rule. Written by the test, counted down by the library. */
typedef struct {
    uint32_t calls; /* FleetTestDiskCall */
    uint32_t files; /* FleetTestDiskFile */
    int32_t skip;   /* so many such calls work first */
    int32_t times;  /* so many fail then; -1 = all */
    int32_t error;  /* with this errno */
    uint32_t hits;  /* so many have failed */
} DiskRule;

typedef enum {
    DISK_CREATE,      /* name, inode */
    DISK_OPEN,        /* the same, of a file that was there: a kill may have come between its making and the record */
    DISK_WRITE,       /* inode, offset, length; followed by so many bytes */
    DISK_TRUNCATE,    /* inode, length */
    DISK_SYNC,        /* inode */
    DISK_SYNC_FAILED, /* inode: the kernel forgets what it could not write */
    DISK_UNLINK,      /* name */
    DISK_RENAME,      /* name, to */
    DISK_SYNC_NAMES,
} DiskRecordKind;

/* Writes are recorded before they are done, syncs after: a kill in between then makes the trace tell of too much that
 * is not synced, never of too little. An inode's number is used again after the file is gone; DISK_CREATE tells. */
typedef struct {
    uint32_t kind;
    uint32_t length;
    uint64_t inode;
    uint64_t offset;
    char name[24], to[24];
} DiskRecord;
