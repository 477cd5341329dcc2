/* SPDX-License-Identifier: Apache-2.0 */
/** @file training_options.h  How a head is trained, and what ended it. Plain data. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum training_mode {
    TRAINING_HEAD,  /* the head alone; the table stays */
    TRAINING_TABLE, /* a head without n-grams first, then, with that held, the rows of the table */
    TRAINING_BOTH,  /* head and table together */
    TRAINING_SCRATCH, /* both, and the table starts from small random numbers */
};

#define TRAINING_MODES 4

/** "head", "table", "both", "scratch", and NULL. */
extern const char *const training_mode_names[TRAINING_MODES + 1];

enum training_stop {
    TRAINING_DONE,
    TRAINING_TIME_LIMIT,
    TRAINING_INTERRUPTED,
};

struct training_options {
    enum training_mode mode;
    uint32_t epochs;      /* at most; 0: chosen by the number of rows */
    double learning_rate; /* of the head; 0: chosen */
    double table_rate;    /* of the table's rows; 0: chosen */
    double token_dropout; /* 0 .. below 1 */
    double ngram_dropout; /* the same of n-grams */
    uint32_t dim;         /* scratch: columns of the table; 0: those of the model */
    int has_ngrams;       /* 1, 0; -1: unless there are few examples */
    bool balances_labels; /* every label counts as much as any other */
    bool reads_names;     /* names of labels are examples too, where there are few of a label */
    double held_share;    /* of the rows, held out to measure by; 0: none, in no fold */
    uint32_t
        folds; /* held out one after the other; 1: held_share is; 0: chosen by the number of rows
                */
    uint32_t patience; /* epochs without a better score before the first run ends; 0: never */
    uint64_t seed;
    unsigned threads;
    double time_limit;       /* seconds; 0: none */
    const char *checkpoint;  /* path of its file; NULL: none is kept */
    double checkpoint_every; /* seconds at least between two */
};
