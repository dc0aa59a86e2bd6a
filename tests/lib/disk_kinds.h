/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which calls of fleetd a fault can hit, and on which of its files; to be combined. */

typedef enum {
    FLEET_TEST_DISK_OPEN = 1,
    FLEET_TEST_DISK_READ = 2,
    FLEET_TEST_DISK_WRITE = 4,
    FLEET_TEST_DISK_TRUNCATE = 8,
    FLEET_TEST_DISK_SYNC = 16,
} FleetTestDiskCall;

typedef enum {
    FLEET_TEST_DISK_DATABASE = 1, /* and one that is being made */
    FLEET_TEST_DISK_LOG = 2,
    FLEET_TEST_DISK_INDEX = 4,
    FLEET_TEST_DISK_DIRECTORY = 8,
    FLEET_TEST_DISK_OTHER = 16,
} FleetTestDiskFile;
