/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/progress.h"

#include "base/clock.h"

#include <stdio.h>
#include <unistd.h>

#define EVERY_NS 200000000u
#define EVERY_LINE_NS 5000000000u

static uint64_t wait_ns(const struct progress *progress)
{
    return progress->is_terminal ? EVERY_NS : EVERY_LINE_NS;
}

void progress_start_asked(struct progress *progress, int asked, bool is_wanted, uint64_t done)
{
    const bool is_terminal = isatty(STDERR_FILENO);
    const uint64_t now_ns = clock_now_ns();
    *progress = (struct progress){.is_on = asked < 0 ? is_wanted && is_terminal : asked > 0,
                                  .is_terminal = is_terminal,
                                  .start_ns = now_ns,
                                  .start_done = done,
                                  .start_share = -1};
    progress->next_ns = now_ns + wait_ns(progress);
}

void progress_start(struct progress *progress, bool is_wanted)
{
    progress_start_asked(progress, -1, is_wanted, 0);
}

static void write_left(double seconds)
{
    const unsigned long s = (unsigned long)(seconds + 0.5);
    if (s >= 3600)
        fprintf(stderr, ", %lu h %02lu min left", s / 3600, s / 60 % 60);
    else if (s >= 60)
        fprintf(stderr, ", %lu min %02lu s left", s / 60, s % 60);
    else
        fprintf(stderr, ", %lu s left", s);
}

void progress_show_pace(struct progress *progress, uint64_t done, double share)
{
    if (!progress->is_on) return;
    if (progress->start_share < 0) progress->start_share = share;
    const uint64_t now_ns = clock_now_ns();
    if (now_ns < progress->next_ns) return;
    progress->next_ns = now_ns + wait_ns(progress);
    const double seconds = (double)(now_ns - progress->start_ns) / 1e9;
    const double moved = share - progress->start_share;
    fprintf(stderr, "%s%llu texts, %.0f a second", progress->is_terminal ? "\r\033[K" : "",
            (unsigned long long)done, (double)(done - progress->start_done) / seconds);
    if (share > 0) fprintf(stderr, ", %.0f %%", 100 * share);
    if (moved > 0) write_left(seconds * (1 - share) / moved);
    if (!progress->is_terminal) fputc('\n', stderr);
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
    if (progress->is_on && progress->is_terminal) fprintf(stderr, "\r\033[K");
}
