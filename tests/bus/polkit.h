/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Takes polkit's place on a bus, in a thread of its own: writes down what it is asked, and answers as the check wants.
 * So it can be silent, slow, or gone, as the real one hardly can; the real one is in tests/system.
 */

#include <gio/gio.h>

typedef struct FleetTestPolkit FleetTestPolkit;

/* What a question is answered with. */
typedef enum {
    FLEET_TEST_POLKIT_NO,
    FLEET_TEST_POLKIT_YES,
    FLEET_TEST_POLKIT_CHALLENGE, /* without a dialog; with one YES, once */
    FLEET_TEST_POLKIT_KEEP,      /* the same, and YES without a dialog from then on */
    FLEET_TEST_POLKIT_DISMISS,   /* the same, but nobody authenticates */
    FLEET_TEST_POLKIT_FAIL,      /* with an error */
    FLEET_TEST_POLKIT_SILENT,    /* with nothing, for now */
    FLEET_TEST_POLKIT_BY_TYPE,   /* YES for devices of the type "sensor", else NO */
} FleetTestPolkitMode;

/* Owns org.freedesktop.PolicyKit1 on the bus with that address. Owned by the caller. */
FleetTestPolkit *fleet_test_polkit_new(const char *address, FleetTestPolkitMode mode) G_GNUC_WARN_UNUSED_RESULT;

/* Leaves the bus; what is unanswered stays so. */
void fleet_test_polkit_free(FleetTestPolkit *polkit);

/* How it answers from now on. What it was silent about is answered, if it is not to be silent any more. */
void fleet_test_polkit_set_mode(FleetTestPolkit *polkit, FleetTestPolkitMode mode);

/* Whether it is silent about dialogs, which are answered when it is not any more. */
void fleet_test_polkit_hold_dialogs(FleetTestPolkit *polkit, gboolean hold);

/* Says that something has changed. */
void fleet_test_polkit_changed(FleetTestPolkit *polkit);

/* Waits until it was asked so many questions, since it is there. */
void fleet_test_polkit_wait(FleetTestPolkit *polkit, guint n);

/* Waits until so many dialogs were taken away. */
void fleet_test_polkit_wait_cancelled(FleetTestPolkit *polkit, guint n);

/* So many questions were asked, and so many of them are not answered. */
guint fleet_test_polkit_asked(FleetTestPolkit *polkit);
guint fleet_test_polkit_open(FleetTestPolkit *polkit);

/* A question, in one line: "org.fleet.manage-devices device=x device-type=y action-type=z" and, with a dialog, "
 * dialog". Owned by the caller. */
char *fleet_test_polkit_question(FleetTestPolkit *polkit, guint index) G_GNUC_WARN_UNUSED_RESULT;

/* Whom it was about: (sa{sv}). Owned by the caller. */
GVariant *fleet_test_polkit_subject(FleetTestPolkit *polkit, guint index) G_GNUC_WARN_UNUSED_RESULT;

/* The unique name that asked last. Owned by the caller. */
char *fleet_test_polkit_asker(FleetTestPolkit *polkit) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetTestPolkit, fleet_test_polkit_free)
