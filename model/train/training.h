/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file training.h
 * From labelled examples to a head, and where it is asked for to a table of one's own.
 *
 * Two runs. The first trains on most of the rows and looks, after each epoch, how good the head is
 * on those that were held out; it tells after how many epochs it was best, what its score is and
 * the temperature of its probabilities. The second trains on all rows for that many epochs. Of few
 * rows there are several folds, each held out in a run of its own, and the score is of all of them.
 * Where the examples to measure by stand in a file of their own, there is only the first run. Rows
 * that say the same (repeats.h) are held out together.
 *
 * The same examples, model and options give the same bytes, whatever the number of threads; a run
 * that was broken off and goes on from its checkpoint too. Only a time limit or an interruption
 * makes a difference, and `stopped` says so.
 */
#pragma once

#include "base/json.h"
#include "model/model.h"
#include "model/train/examples.h"
#include "model/train/learned.h"
#include "model/train/measure.h"
#include "model/train/training_options.h"

/** How far a training has come. */
struct training_progress {
    int run, n_runs;        /* from 1 */
    uint32_t epoch, epochs; /* from 1; of this run */
    size_t n_done, n;       /* examples of this epoch */
    double loss;            /* mean of the last whole epoch; NaN: none yet */
    double score, best;     /* on what is held out, of the last epoch and the one kept; NaN: none */
    double seconds, seconds_left;
    bool is_epoch_over;
};

/** Whoever watches. All may be NULL. */
struct training_watcher {
    void (*tell)(void *user, const struct training_progress *progress);
    bool (*is_interrupted)(void *user);                    /* asked after each batch */
    void (*resumes)(void *user, int run, uint32_t epochs); /* goes on from a checkpoint */
    void *user;
};

struct training_result {
    struct learned_files files;
    enum head_kind kind;
    enum training_stop stopped;
    bool is_few;      /* the settings for few examples were taken */
    bool has_names;   /* names of labels were used as examples */
    uint32_t epochs;  /* that the result was trained for */
    size_t n_rows;    /* that it was trained on */
    uint32_t n_folds; /* that were held out one after the other */
    uint32_t n_ngrams;
    struct measured measured; /* on the rows held out, or of the file; n = 0: not measured, and the
                                 score is NaN */
    struct held_out held;     /* these rows, of the examples or of the validation; n = 0: there are
                                 none,     or their logits would be too large */
    double seconds;
};

/**
 * training_run trains.
 * @param examples    what to train on; where names of labels are read, they are appended to it
 * @param validation  what to measure by, its labels numbered like the examples', or NULL
 * @param result      end it with training_result_clear
 * @return false with err set, nothing left behind but the checkpoint: ERR_FORMAT (what cannot be
 * trained; a loss that is not a number), ERR_USAGE (a checkpoint of other data or settings),
 * ERR_MEMORY, ERR_IO
 */
bool training_run(const struct model *model, struct examples *examples,
                  const struct examples *validation, const struct training_options *options,
                  const struct training_watcher *watcher, struct training_result *result,
                  struct err *err);

/** training_result_clear frees; a zeroed one is fine. */
void training_result_clear(struct training_result *result);
