/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/pager.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

char **fleet_pager_command(void)
{
    const char *wanted = g_getenv("SYSTEMD_PAGER");
    g_auto(GStrv) argv = NULL;

    if (wanted == NULL)
        wanted = g_getenv("PAGER");
    if (wanted == NULL) {
        g_autofree char *less = g_find_program_in_path("less");
        wanted = less != NULL ? "less" : "more";
    }
    if (*wanted == '\0' || !g_shell_parse_argv(wanted, NULL, &argv, NULL) || g_str_equal(argv[0], "cat"))
        return NULL;
    return g_steal_pointer(&argv);
}

/* The environment of the pager. A list is only to be read, so less gives no shell to whoever may run us as root. */
static char **pager_environment(void)
{
    const char *less = g_getenv("SYSTEMD_LESS");
    char **environment = g_get_environ();

    environment = g_environ_setenv(environment, "LESS", less != NULL ? less : "FRSXMK", TRUE);
    environment = g_environ_setenv(environment, "LESSSECURE", "1", TRUE);
    if (g_get_charset(NULL))
        environment = g_environ_setenv(environment, "LESSCHARSET", "utf-8", TRUE);
    return environment;
}

/* Stops early when the reader leaves before the end, which is their right. */
static void feed(int fd, const char *text)
{
    gsize left = strlen(text);

    while (left > 0) {
        gssize n = write(fd, text, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        text += n;
        left -= (gsize)n;
    }
    close(fd);
}

gboolean fleet_pager_show(const char *text)
{
    g_auto(GStrv) argv = fleet_pager_command();
    g_auto(GStrv) environment = pager_environment();
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    GPid pid;
    int in;

    if (argv == NULL ||
            !g_spawn_async_with_pipes(NULL, argv, environment, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL,
                    NULL, &pid, &in, NULL, NULL, NULL))
        return FALSE;

    /* Ctrl-C is the pager's while it has the terminal: less ends a search with it. */
    sigaction(SIGINT, &ignore, &before);
    feed(in, text);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    sigaction(SIGINT, &before, NULL);
    return TRUE;
}
