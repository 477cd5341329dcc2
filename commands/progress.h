/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file progress.h
 * One line on a terminal that says how far long work has come; none in a pipe, unless it is asked
 * for: then a line now and again. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool is_on, is_terminal;
    uint64_t next_ns; /* when to show it again */
    uint64_t start_ns;
    uint64_t start_done; /* before it started */
    double start_share;
};

/** progress_start: shown only where `is_wanted` and standard error is a terminal. */
void progress_start(struct progress *progress, bool is_wanted);

/** progress_start_asked: shown where `asked` is 1, also in a pipe, but not where it is 0; -1: as
 * progress_start. What is already done, and its share of all, does not count for the pace. */
void progress_start_asked(struct progress *progress, int asked, bool is_wanted, uint64_t done);

/** progress_show_pace: as progress_show, with texts a second, and the time left where it is known.
 */
void progress_show_pace(struct progress *progress, uint64_t done, double share);

/** progress_show: `done` texts are done, `share` (0..1) of all; cheap enough for each of them. */
void progress_show(struct progress *progress, uint64_t done, double share);

/** progress_show_what: the same of other things than texts. */
void progress_show_what(struct progress *progress, uint64_t done, double share, const char *what);

/** progress_end wipes the line. */
void progress_end(struct progress *progress);
