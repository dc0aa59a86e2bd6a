/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/thread.h"

#include <signal.h>

GThread *fleet_thread_new(const char *name, GThreadFunc func, gpointer data)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t blocked, before;
    GThread *thread;

    sigfillset(&blocked);
    for (guint i = 0; i < G_N_ELEMENTS(faults); i++)
        sigdelset(&blocked, faults[i]);
    if (pthread_sigmask(SIG_SETMASK, &blocked, &before) != 0)
        g_assert_not_reached();
    thread = g_thread_new(name, func, data);
    if (pthread_sigmask(SIG_SETMASK, &before, NULL) != 0)
        g_assert_not_reached();
    return thread;
}
