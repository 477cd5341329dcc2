/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file plan.h
 * The settings of a training: the options, and what they leave open, chosen by the examples. One
 * thread. docs/CLASSIFY.md tells the measurements behind the numbers.
 */
#pragma once

#include "base/json.h"
#include "model/train/learner.h"
#include "model/train/training_options.h"

struct examples;
struct model;

struct plan {
    struct learner_options learner;
    uint32_t epochs;   /* of a stage */
    uint32_t patience; /* 0: never */
    uint32_t n_folds;  /* to hold out one after the other; 1: a share of the rows */
    bool is_few, reads_names;
    uint32_t n_stages;          /* 2: head first, then table */
    uint32_t ngrams_max;        /* rows at most; 0: none */
    uint32_t ngram_vectors_max; /* the same of vectors of n-grams */
    float *label_weights;
};

/** plan_make chooses; ERR_MEMORY, or ERR_USAGE for what this model cannot do. */
bool plan_make(struct plan *plan, const struct model *model, const struct examples *examples,
               const struct training_options *options, struct err *err);

/** plan_rows_max: a label with fewer rows than this has few. */
#define PLAN_FEW_ROWS 20

/** plan_as_json: what to record about it; a new object. */
json_t *plan_as_json(const struct plan *plan, const struct model *model,
                     const struct training_options *options);

/** plan_clear frees; a zeroed one is fine. */
void plan_clear(struct plan *plan);
