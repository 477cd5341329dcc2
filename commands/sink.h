/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sink.h
 * Where the rows of a whole corpus go: standard output, a file, or shards, files of so many rows
 * each, `NAME-00000.npy` for `NAME.npy`. Each file appears when it is whole (output.h). One thread
 * at a time.
 *
 * A lock (PATH.lock, flock) keeps a second process away. Beside shards lies what is known of those
 * that are finished: PATH.resume, a JSON object, written anew (and synced, as they are) after each.
 * It says how many rows of the input they are made of, so that a run that was killed can be resumed
 * behind them: what was under way is made again. It is removed when all is done.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"
#include "commands/output.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What became of a row of the input. */
enum fate {
    FATE_WRITTEN,
    FATE_REPLACED, /* it is broken, and something else was written for it */
    FATE_BROKEN,   /* it is broken, and nothing was */
    FATE_DROPPED,  /* it was not wanted */
    FATES,
};

struct sink_options {
    const char *path;    /* NULL or "-": standard output */
    uint64_t shard_rows; /* rows a file; 0: all */
    int is_forced;       /* replaces what is there */
    int resumes;

    /* What a run that can be resumed must have been: three texts. */
    struct span model, options, files;

    /* What a file begins with; asked for behind the last of its `rows` rows, and once before: then
       `rows` is 0. The length is the same each time. NULL: nothing. */
    struct span (*head)(void *user, uint64_t rows);
    const char
        *needs_file; /* it depends on `rows`: why what cannot be patched will not do; or NULL */
    void *user;
};

struct sink {
    /* To be read. */
    uint64_t done;         /* rows of the input: those of finished shards at the start */
    uint64_t fates[FATES]; /* how many of them */

    /* Hands off. */
    struct sink_options options;
    struct output output;
    bool is_open, is_locked;
    bool is_begun;               /* PATH.resume is ours */
    uint64_t shards, shard_rows; /* finished; rows of the one under way */
    char lock_path[1100], state_path[1100];
    int lock;
};

/**
 * sink_open locks the place and begins, or resumes what was begun.
 * @return false with ERR_CONFLICT (something is there, or another process writes there), ERR_USAGE
 *         (it cannot be resumed so), ERR_FORMAT (PATH.resume is damaged), ERR_IO; nothing is left
 *         behind
 */
bool sink_open(struct sink *sink, const struct sink_options *options, struct err *err);

/** What became of n rows of the input, in their order. */
struct sink_rows {
    const char *data;
    const size_t *ends;         /* (n) in data: a row begins where the one before it ends */
    const unsigned char *fates; /* (n) enum fate */
    size_t n;
};

/** sink_put writes them. False with ERR_IO: what is not finished is removed. */
bool sink_put(struct sink *sink, const struct sink_rows *rows, struct err *err);

/** sink_close finishes the last file; false as sink_put. */
bool sink_close(struct sink *sink, struct err *err);

/** sink_abort removes what is not finished; after sink_close, or on a zeroed one, it does nothing.
 */
void sink_abort(struct sink *sink);
