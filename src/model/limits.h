/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The limits of the data model. They are part of the API: docs/api.md names them.
 */

#define FLEET_DEVICE_ID_MAX 255               /* bytes */
#define FLEET_DEVICE_NAME_MAX 1024            /* bytes */
#define FLEET_DEVICE_TYPE_MAX 64              /* bytes */
#define FLEET_DEVICE_ADDRESS_MAX 1024         /* bytes */
#define FLEET_ACTION_TYPE_MAX 64              /* bytes */
#define FLEET_PARAMETERS_MAX 64               /* entries of one action */
#define FLEET_PARAMETERS_SIZE_MAX (64 * 1024) /* bytes of all keys and values of one action */
#define FLEET_REQUEST_ID_MAX 128              /* bytes */
#define FLEET_BATCH_MAX 10000                 /* devices in one call of RegisterDevices or SetDevicesStatus */
#define FLEET_PAGE_DEFAULT 1000               /* rows of a page when the caller asks for 0 */
#define FLEET_PAGE_MAX 10000                  /* rows of a page at the most */
