/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/certificates.h"

#include "lib/main.h"
#include "lib/run.h"

#include <sys/stat.h>

typedef struct {
    char *certificate, *key;
} Pair;

struct FleetTestCertificates {
    char *directory;
    Pair authority, server, client;
};

static Pair pair_in(const char *directory, const char *name)
{
    g_autofree char *certificate = g_strconcat(name, ".crt", NULL);
    g_autofree char *key = g_strconcat(name, ".key", NULL);

    return (Pair){g_build_filename(directory, certificate, NULL), g_build_filename(directory, key, NULL)};
}

static void free_pair(Pair *pair)
{
    g_free(pair->certificate);
    g_free(pair->key);
}

static void make_authority(const Pair *authority)
{
    g_free(fleet_test_run_ok("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=authority", "-keyout", authority->key, "-out",
            authority->certificate));
}

/* The broker reads its key as a user of its own. */
static void make_certificate(const char *directory, const Pair *authority, const Pair *pair, const char *name)
{
    g_autofree char *request = g_build_filename(directory, "request", NULL);
    g_autofree char *extensions = g_build_filename(directory, "extensions", NULL);
    g_autofree char *subject = g_strconcat("/CN=", name, NULL);

    fleet_test_write(extensions, "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
    g_free(fleet_test_run_ok("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", subject, "-keyout", pair->key, "-out", request));
    g_free(fleet_test_run_ok("openssl", "x509", "-req", "-in", request, "-CA", authority->certificate, "-CAkey",
            authority->key, "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", pair->certificate));
    ck_assert_int_eq(chmod(pair->key, 0644), 0);
}

FleetTestCertificates *fleet_test_certificates_new(void)
{
    FleetTestCertificates *certificates = g_new0(FleetTestCertificates, 1);

    certificates->directory = fleet_test_directory_new();
    certificates->authority = pair_in(certificates->directory, "authority");
    certificates->server = pair_in(certificates->directory, "server");
    certificates->client = pair_in(certificates->directory, "client");
    make_authority(&certificates->authority);
    make_certificate(certificates->directory, &certificates->authority, &certificates->server, "broker");
    make_certificate(certificates->directory, &certificates->authority, &certificates->client, "client");
    return certificates;
}

void fleet_test_certificates_free(FleetTestCertificates *certificates)
{
    fleet_test_remove(certificates->directory);
    free_pair(&certificates->authority);
    free_pair(&certificates->server);
    free_pair(&certificates->client);
    g_free(certificates->directory);
    g_free(certificates);
}

const char *fleet_test_certificates_authority(const FleetTestCertificates *certificates)
{
    return certificates->authority.certificate;
}

const char *fleet_test_certificates_server(const FleetTestCertificates *certificates)
{
    return certificates->server.certificate;
}

const char *fleet_test_certificates_server_key(const FleetTestCertificates *certificates)
{
    return certificates->server.key;
}

const char *fleet_test_certificates_client(const FleetTestCertificates *certificates)
{
    return certificates->client.certificate;
}

const char *fleet_test_certificates_client_key(const FleetTestCertificates *certificates)
{
    return certificates->client.key;
}
