/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file save.h
 * A file that appears only when it is whole: written beside its place as PATH.PID.tmp, synced to
 * the disk and renamed. What was there before stays until then, and what killed processes left of
 * the same file is removed. One thread.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct save {
    FILE *stream;    /* may be written to directly: save_close tells of errors */
    bool skips_sync; /* set by the caller: the disk may have it later */
    int hold;        /* leftovers.h */
    char path[1100], temp[1130];
};

/** save_open begins; false with ERR_IO naming the file and why. */
bool save_open(struct save *save, const char *path, struct err *err);

/** save_init, save_start: save_open in two steps, for who must know `temp` before it is there. */
bool save_init(struct save *save, const char *path, struct err *err);
bool save_start(struct save *save, struct err *err);

/** save_write appends; false with ERR_IO (the disk is full), what was written is then removed. */
bool save_write(struct save *save, const void *data, size_t bytes, struct err *err);

/** save_close gives the file its name; false with ERR_IO, then nothing is left behind. */
bool save_close(struct save *save, struct err *err);

/** save_abort removes what was written; after save_close, or on a zeroed one, it does nothing. */
void save_abort(struct save *save);
