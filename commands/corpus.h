/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file corpus.h
 * Many texts on all cores: rows are read in blocks (feed.h), a block's texts go through the library
 * (library/batch.h) on one thread of a pool, and what a command makes of them is written in the
 * order of the rows (sink.h). A few blocks a thread are all that is in memory. What is written
 * depends neither on how many threads there are nor on where blocks begin.
 *
 * corpus_run is called by one thread. What it asks of a command (`answer`, `answer_null`) is asked
 * by any, each with a block of its own.
 */
#pragma once

#include "base/buf.h"
#include "commands/feed.h"
#include "commands/sink.h"
#include "commands/unknown.h"
#include "library/batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What becomes of a row that cannot be read, or whose text is no text. */
enum corpus_errors {
    CORPUS_STOP,
    CORPUS_SKIP,    /* nothing is written for it */
    CORPUS_REPLACE, /* U+FFFD stands for what is no UTF-8; other rows are answered as null */
};

/** Their names, as a flag has them; NULL at the end. */
extern const char *const corpus_errors[];

/** Rows that are read, answered and written together. */
struct corpus_block {
    struct buf out; /* where answers are written to */

    /* Hands off. */
    struct buf records, texts;
    struct corpus_row *rows; /* (n) */
    size_t *ends;            /* (n) */
    unsigned char *fates;    /* (n) */
    int64_t *offsets;        /* (n_texts + 1) */
    uint32_t *rows_of;       /* (n_texts) */
    size_t n, n_ended, n_texts;
    bool has_broken; /* a row is: the first, and why */
    size_t first_broken;
    struct err broken;
    bool has_failed; /* behind these rows nothing goes on */
    struct err err;
    bool is_done;
    double share;
    struct unknown_count unknown;
    struct corpus *corpus;
    struct arena arenas[4];
};

struct corpus_options {
    const char *command; /* for messages */
    const struct model *model;
    unsigned threads; /* 0: one a core */
    int errors;       /* enum corpus_errors */
    int progress;     /* progress_start_asked */
    bool is_progress_wanted;
    bool takes_null;   /* a null is no error: answer_null answers it */
    unsigned tokenize; /* TOKENIZE_* besides the limits */
    size_t row_floats; /* about how many numbers are written for a row */

    /** Answers the texts of a piece: for each in turn corpus_begin, what is written to block->out,
     * corpus_end. As `answer` of struct batch. */
    size_t (*answer)(void *user, struct corpus_block *block, struct piece *piece, struct err *err);
    /** Writes what a null is answered with to block->out. False: it is dropped. */
    bool (*answer_null)(void *user, struct corpus_block *block, const struct corpus_row *row,
                        struct arena *scratch);
    void *user;
};

/** A row of the input. */
struct corpus_row {
    const struct feed_file *file;
    uint64_t number; /* of the line on which it begins */
    size_t at, bytes;
    bool is_broken, is_null;
};

/** corpus_begin begins the row of text `i` of the piece. */
const struct corpus_row *corpus_begin(struct corpus_block *block, const struct piece *piece,
                                      size_t i);

/** corpus_record: a row as it came, without the end of its line. */
struct span corpus_record(const struct corpus_block *block, const struct corpus_row *row);

/** corpus_end ends the row that was begun; `is_dropped`: nothing was written. */
void corpus_end(struct corpus_block *block, bool is_dropped);

/**
 * corpus_run answers all rows of the feed, but for those that the sink has done already, and tells
 * on standard error how many could not be read, and which was the first, and what the model does
 * not know. It closes the sink.
 * @return false with the error of the first row that has one; all before it are written
 */
bool corpus_run(const struct corpus_options *options, struct feed *feed, struct sink *sink,
                struct err *err);
