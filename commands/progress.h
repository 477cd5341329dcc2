/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file progress.h
 * One line on a terminal that says how far long work has come; none in a pipe. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool is_on;
    uint64_t next_ns; /* when to show it again */
};

/** progress_start: shown only where `is_wanted` and standard error is a terminal. */
void progress_start(struct progress *progress, bool is_wanted);

/** progress_show: `done` texts are done, `share` (0..1) of all; cheap enough for each of them. */
void progress_show(struct progress *progress, uint64_t done, double share);

/** progress_show_what: the same of other things than texts. */
void progress_show_what(struct progress *progress, uint64_t done, double share, const char *what);

/** progress_end wipes the line. */
void progress_end(struct progress *progress);
