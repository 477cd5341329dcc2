/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/progress.h"

#include "base/clock.h"

#include <stdio.h>
#include <unistd.h>

#define EVERY_NS 200000000u

void progress_start(struct progress *progress, bool is_wanted)
{
    progress->is_on = is_wanted && isatty(STDERR_FILENO);
    progress->next_ns = clock_now_ns() + EVERY_NS;
}

void progress_show(struct progress *progress, uint64_t done, double share)
{
    progress_show_what(progress, done, share, "texts");
}

void progress_show_what(struct progress *progress, uint64_t done, double share, const char *what)
{
    if (!progress->is_on) return;
    uint64_t now_ns = clock_now_ns();
    if (now_ns < progress->next_ns) return;
    progress->next_ns = now_ns + EVERY_NS;
    fprintf(stderr, "\r\033[K%llu %s, %.0f %%", (unsigned long long)done, what, 100 * share);
}

void progress_end(struct progress *progress)
{
    if (progress->is_on) fprintf(stderr, "\r\033[K");
}
