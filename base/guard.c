/* SPDX-License-Identifier: Apache-2.0 */
#include "base/guard.h"

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <ucontext.h>
#include <unistd.h>

/* Where the thread's work began. */
static _Thread_local sigjmp_buf *volatile way_out;

/* Signals are blocked again as they were where the file was read: a handler that is wrapped, as
   ThreadSanitizer does, may run with all of them blocked. */
static void leave(const ucontext_t *context)
{
    pthread_sigmask(SIG_SETMASK, &context->uc_sigmask, NULL);
    siglongjmp(*way_out, 1);
}

static void on_bus_error(int number, siginfo_t *info, void *context)
{
    static const char message[] =
        "embedd: a file in use can no longer be read: it was cut short, or its disk fails; replace "
        "files by renaming, and do not write into them\n";
    /* Sent by somebody (si_code <= 0), it says nothing of a file. */
    if (way_out && info->si_code > 0) leave(context);
    if (info->si_code > 0) {
        ssize_t n = write(STDERR_FILENO, message, sizeof message - 1);
        (void)n;
    }
    signal(number, SIG_DFL);
    raise(number);
}

void guard_install(void)
{
    /* SA_NODEFER: who jumps out of a handler would leave the signal blocked. */
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
}

bool guard_run(void (*work)(void *user), void *user)
{
    sigjmp_buf here;
    sigjmp_buf *const outer = way_out;
    const bool is_sound = sigsetjmp(here, 0) == 0;
    if (is_sound) {
        way_out = &here;
        work(user);
    }
    way_out = outer;
    return is_sound;
}
