/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Well-formed calls of every method of the API, made of bytes: mostly with the arguments that the method wants, and
 * values that mean something to it; now and then with others.
 */

#include "input.h"

#include <gio/gio.h>

/* The methods, out of the XML in dbus/ and of the interfaces that every D-Bus object has. */
typedef struct FleetFuzzApi FleetFuzzApi;

/* directory holds the XML. Owned by the caller. */
FleetFuzzApi *fleet_fuzz_api_new(const char *directory) G_GNUC_WARN_UNUSED_RESULT;
void fleet_fuzz_api_free(FleetFuzzApi *api);

/* All methods, as "interface.member". Owned by the caller. */
GPtrArray *fleet_fuzz_api_methods(const FleetFuzzApi *api) G_GNUC_WARN_UNUSED_RESULT;

/* Remembers the id of an action, for calls to come to name it; the newest few are kept. */
void fleet_fuzz_api_note_action(FleetFuzzApi *api, const char *id);

/* Forgets them. */
void fleet_fuzz_api_forget(FleetFuzzApi *api);

typedef struct {
    char *path, *interface, *member;
    GVariant *arguments; /* a tuple */
} FleetFuzzCall;

/* The next call that the input asks for. To be cleared. */
void fleet_fuzz_call_make(const FleetFuzzApi *api, FleetFuzzInput *input, FleetFuzzCall *call);
void fleet_fuzz_call_clear(FleetFuzzCall *call);

/* A value of that type. Floating. */
GVariant *fleet_fuzz_value(
        const FleetFuzzApi *api, FleetFuzzInput *input, const GVariantType *type) G_GNUC_WARN_UNUSED_RESULT;

/* A dictionary a{sv} of options, mostly ones that some method knows, mostly of their types. Floating. */
GVariant *fleet_fuzz_options(const FleetFuzzApi *api, FleetFuzzInput *input) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetFuzzApi, fleet_fuzz_api_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FleetFuzzCall, fleet_fuzz_call_clear)
