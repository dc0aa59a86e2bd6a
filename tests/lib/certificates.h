/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Certificates for TLS: an authority and what it vouches for, made anew by openssl(1), so that none can be out of date.
 */

#include <glib.h>

typedef struct FleetTestCertificates FleetTestCertificates;

/* Makes an authority, a certificate for 127.0.0.1, and one for a client. Owned by the caller. */
FleetTestCertificates *fleet_test_certificates_new(void) G_GNUC_WARN_UNUSED_RESULT;
void fleet_test_certificates_free(FleetTestCertificates *certificates);

/* Paths of files in PEM. Owned by the certificates. */
const char *fleet_test_certificates_authority(const FleetTestCertificates *certificates);
const char *fleet_test_certificates_server(const FleetTestCertificates *certificates);
const char *fleet_test_certificates_server_key(const FleetTestCertificates *certificates);
const char *fleet_test_certificates_client(const FleetTestCertificates *certificates);
const char *fleet_test_certificates_client_key(const FleetTestCertificates *certificates);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetTestCertificates, fleet_test_certificates_free)
