/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * All of the harness.
 */

#include "lib/bus.h"
#include "lib/client.h"
#include "lib/clock.h"
#include "lib/daemon.h"
#include "lib/disk.h"
#include "lib/loop.h"
#include "lib/machine.h"
#include "lib/main.h"
#include "lib/process.h"
#include "lib/run.h"
#include "lib/signals.h"
