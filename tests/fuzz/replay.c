/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs a fuzz target over files, and over all files in directories: a corpus as a regression test, with any compiler.
 */

#include "fuzz.h"

#include <stdio.h>

static guint replayed;

static void replay_file(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *bytes = NULL;
    g_autofree guint8 *copy = NULL;
    gsize size;

    if (!g_file_get_contents(path, &bytes, &size, &error))
        g_error("%s", error->message);
    /* Of exactly that size, without GLib's NUL behind it, for the sanitizers' sake. */
    copy = g_memdup2(bytes, size);
    fprintf(stderr, "%s\n", path);
    (void)LLVMFuzzerTestOneInput(copy, size);
    replayed++;
}

static void replay(const char *path)
{
    g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
    const char *name;

    if (directory == NULL) {
        replay_file(path);
        return;
    }
    while ((name = g_dir_read_name(directory)) != NULL) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        replay_file(file);
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    printf("%u inputs\n", replayed);
    return replayed > 0 ? 0 : 1;
}
