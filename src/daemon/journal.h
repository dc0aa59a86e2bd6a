/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What becomes of devices and actions, for the journal: an entry for each that comes and goes and for each step of an
 * action, with who asked for it. Routine messages (base/log.h).
 */

#include "core/observer.h"

/* Its user data is the FleetLedger. */
extern const FleetObserver fleet_journal_observer;
