/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fuzz.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static GPtrArray *directories;

static void abort_at_trap(int signal)
{
    abort();
}

/* GLib ends what it thinks fatal with a SIGTRAP, of which libFuzzer knows nothing: it would not keep the input. */
__attribute__((constructor)) static void take_traps(void)
{
    signal(SIGTRAP, abort_at_trap);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    return remove(path);
}

static void remove_directories(void)
{
    for (guint i = 0; i < directories->len; i++)
        (void)nftw(g_ptr_array_index(directories, i), remove_one, 32, FTW_DEPTH | FTW_PHYS);
    g_clear_pointer(&directories, g_ptr_array_unref);
}

char *fleet_fuzz_directory_new(void)
{
    char *path = g_build_filename(g_get_tmp_dir(), "fleet-fuzz-XXXXXX", NULL);

    if (directories == NULL) {
        directories = g_ptr_array_new_with_free_func(g_free);
        atexit(remove_directories);
    }
    if (g_mkdtemp(path) == NULL)
        g_error("cannot make the directory %s: %m", path);
    g_ptr_array_add(directories, g_strdup(path));
    return path;
}

char *fleet_fuzz_string(const guint8 *data, gsize size)
{
    return g_strndup((const char *)data, size);
}

void fleet_fuzz_check_error(gboolean succeeded, GError **error)
{
    g_assert_cmpint(succeeded, ==, *error == NULL);
    if (*error == NULL)
        return;
    g_assert_true(g_utf8_validate((*error)->message, -1, NULL));
    g_assert_cmpuint(strlen((*error)->message), >, 0);
    g_assert_null(strpbrk((*error)->message, "\r\n"));
    g_clear_error(error);
}
