/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What colour a word of the API's vocabulary gets.
 */

#include <glib.h>

#define FLEET_COLOUR_RED "\033[31m"
#define FLEET_COLOUR_GREEN "\033[32m"
#define FLEET_COLOUR_YELLOW "\033[33m"
#define FLEET_COLOUR_GREY "\033[90m"
#define FLEET_COLOUR_RESET "\033[0m"

/* The escape sequence for a status of a device or of an action, static; NULL where none stands out. */
const char *fleet_colour_of_status(const char *status);
