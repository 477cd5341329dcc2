/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file evaluation.h
 * How good a head is: takes predictions one by one, with what is true, and works out the measures.
 *
 * Definitions are scikit-learn's (accuracy_score, precision_recall_fscore_support with
 * zero_division=0, hamming_loss, log_loss, roc_auc_score, top_k_accuracy_score); for calibration
 * Guo et al., "On Calibration of Modern Neural Networks" (2017), section 2. Where it matters:
 * - A label that the head does not know (EVALUATION_UNKNOWN) counts as one more label that is never
 *   predicted: the example is wrong, and macro averages have one more 0. Log loss, ROC AUC and the
 *   table of labels leave it out.
 * - Macro averages are over the labels that occur in truth or prediction; for a multi-label head
 *   over all labels. Weighted ones weigh by how often a label is true.
 * - What has no value (no examples; ROC AUC when only one of the labels occurs; what the kind of
 *   head does not have) is NaN.
 *
 * Memory: O(labels + different confusions); a binary head adds 4 bytes an example for ROC AUC. The
 * curve is counted at fixed thresholds and the calibration in fixed bins, exactly, so that neither
 * grows. One thread at a time.
 */
#pragma once

#include "base/err.h"
#include "model/head/confusions.h"
#include "model/head/kind.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Thresholds 0.00, 0.01 ... 1.00, each the nearest float, as a head would compare. */
#define EVALUATION_POINTS 101

#define EVALUATION_BINS 15

struct evaluation;

struct evaluation_average {
    double precision, recall, f1;
};

struct evaluation_class {
    uint64_t support;   /* how often it is true */
    uint64_t predicted; /* how often it is predicted */
    uint64_t correct;   /* how often both */
    double precision, recall, f1;
};

/** Bin i: confidences from i/15, below (i+1)/15; the last one takes 1 too. */
struct evaluation_bin {
    uint64_t n;
    double confidence; /* mean; NaN in an empty bin */
    double accuracy;   /* share that is right; NaN in an empty bin */
};

/**
 * The results at a threshold t. Binary: the second label is predicted when p >= t. Multi-label:
 * each label is when p >= t, whatever its own threshold; averages are micro. Multi-class: an answer
 * counts only when its p >= t.
 */
struct evaluation_point {
    float threshold;
    uint64_t n;                   /* predicted (binary, multi-label) or kept (multi-class) */
    double precision, recall, f1; /* binary: of the second label; multi-label: micro */
    double accuracy;              /* binary; multi-class: of what is kept, NaN when nothing is */
    double coverage;              /* multi-class: the share that is kept */
};

struct evaluation_result {
    enum head_kind kind;
    uint32_t n_labels;
    const char *const *names; /* (n_labels) */
    const float *thresholds;  /* as given; NULL: 0.5 */

    uint64_t n;         /* examples */
    uint64_t n_unknown; /* of these: with a label that the head does not know */
    uint64_t n_right;   /* of these: what the accuracy counts */
    uint32_t n_occur;   /* labels that occur in truth or prediction */

    double accuracy;     /* multi-label: of the whole set of labels of an example */
    double hamming_loss; /* multi-label: share of wrong decisions, example by label */
    struct evaluation_average micro, macro, weighted;

    /* Mean of -ln(p of what is true), p clipped to 1e-15 .. 1 - 1e-15. Multi-label: mean over
       examples and labels of -ln(p or 1 - p). */
    double log_loss;
    /* Mean squared difference of p and what is true (Brier, 1950), as scikit-learn's
       brier_score_loss: binary of the second label; multi-class summed over the labels; multi-label
       the mean over them. */
    double brier;
    double roc_auc;      /* binary */
    double top_3, top_5; /* multi-class with more than five labels: truth among the k largest */

    /* Expected calibration error: Σ n_bin/n · |accuracy - confidence|. Confidence is the p of the
       predicted label; for a multi-label head the p of each label of each example, right when the
       label is true. */
    double calibration_error;
    struct evaluation_bin bins[EVALUATION_BINS];

    struct evaluation_point curve[EVALUATION_POINTS];
    /* Points of the curve, of equals the one nearest to 0.5; -1: all are 0. */
    int best_f1;       /* binary, multi-label */
    int best_accuracy; /* binary */

    const struct evaluation_class *classes; /* (n_labels) */
    const struct evaluation_pair *pairs;    /* (n_pairs) wrong ones, the most frequent first, then
                                               by label; none for a multi-label head */
    size_t n_pairs;
};

/**
 * evaluation_new starts an evaluation of a head.
 * @param n_labels   2 for a binary head, otherwise at least 1
 * @param names      (n_labels) borrowed until evaluation_free, like the thresholds
 * @param thresholds binary: 1; multi-label: n_labels; not looked at for multi-class. NULL: 0.5
 * @return NULL with ERR_INVALID (a number of labels that does not fit) or ERR_MEMORY
 */
struct evaluation *evaluation_new(enum head_kind kind, uint32_t n_labels, const char *const *names,
                                  const float *thresholds, struct err *err);

/**
 * evaluation_add counts one example.
 * @param p     (n_labels) probabilities; a binary head's too: of both labels
 * @param truth (n_truth) labels, or EVALUATION_UNKNOWN; exactly one, for a multi-label head any
 * number; a label that occurs twice counts once
 * @return false, with nothing counted: ERR_INVALID (a probability that is not from 0 to 1, a label
 * out of range, not one label) or ERR_MEMORY
 */
bool evaluation_add(struct evaluation *evaluation, const float *p, const uint32_t *truth,
                    size_t n_truth, struct err *err);

/**
 * evaluation_finish works out the measures; after it nothing may be added.
 * @return borrowed, valid until evaluation_free; the same at every call
 */
const struct evaluation_result *evaluation_finish(struct evaluation *evaluation);

/** evaluation_free frees; NULL is fine. */
void evaluation_free(struct evaluation *evaluation);
