/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file training_state.h
 * Where a training stands: internal to training.c, which goes through the runs, and
 * training_measure.c, which says how good it is. One thread; the workers' during a call.
 */
#pragma once

#include "model/model.h"
#include "model/train/checkpoint.h"
#include "model/train/plan.h"
#include "model/train/repeats.h"
#include "model/train/split.h"
#include "model/train/training_options.h"

struct training_watcher;

/** All of it. */
struct training {
    const struct model *model;
    struct examples *examples;
    const struct examples *validation; /* or NULL */
    const struct training_options *options;
    const struct training_watcher *watcher;
    struct plan plan;
    struct workers *workers;

    struct table from;  /* what the table starts from: the model's, or random numbers */
    float *from_memory; /* these */
    struct pool_options pool;

    size_t n_rows;      /* of the examples, without the names appended to them */
    uint32_t *names_of; /* (C) each label's example of its name, or UINT32_MAX */
    struct repeats repeats;
    struct split split;
    uint64_t fingerprint, data; /* of all that the result depends on; of the rows alone */

    uint32_t run, n_runs; /* from 1; each fold is held out in one, the last has all rows */
    uint32_t *order;      /* rows of this run */
    size_t n_order, n_trained, n_kept; /* without names of labels; that the files kept know */
    uint32_t n_ngrams_kept;
    uint32_t *held; /* rows to measure by: those of this run behind those of the runs before */
    size_t n_held, n_before;
    struct head_info info;  /* of all heads */
    float *latest, *logits; /* (rows held at once, R), (all that are held, R); NULL: no room */
    bool has_names;         /* of labels, among them */
    bool is_repetitive;     /* more than REPETITIVE_SHARE of the rows repeat (unsure.h) */
    struct ngram_vocabulary ngrams;
    struct learner learner;
    uint32_t epochs_done, epochs_end; /* of this run, all stages together */

    struct training_best best;
    double score, loss; /* of the last epoch */
    enum training_stop stopped;
    uint64_t start_ns, saved_ns;
    double seconds_before; /* spent before the checkpoint */
};

/**
 * training_take_files makes the files of what is learned by now.
 * @param measured what the head's file is to say of itself, or NULL
 * @return false as learned_take
 */
bool training_take_files(const struct training *t, const struct measured *measured,
                         struct learned_files *files, struct err *err);

/** training_measure_files: the score of these on the rows that this run holds out, and their logits
 * in t->latest, if there is room. */
bool training_measure_files(struct training *t, const struct learned_files *files,
                            struct measured *measured, struct err *err);

/** training_measure_now: the same of what is learned by now. */
bool training_measure_now(struct training *t, struct measured *measured, struct err *err);

/** training_measure_all: what is held of all runs so far, by what the heads of the runs said of it;
 * that of this run (t->latest) is put to it. Without room for logits nothing changes. */
bool training_measure_all(struct training *t, struct measured *measured, struct err *err);
