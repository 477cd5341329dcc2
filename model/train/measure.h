/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file measure.h
 * How good a head is on held-out examples, asked as a service would ask it, by all workers. One
 * thread calls; the crew's threads work during the call.
 */
#pragma once

#include "base/workers.h"
#include "model/head/evaluation.h"
#include "model/head/head.h"
#include "model/head/unsure.h"
#include "model/train/examples.h"

/** What is measured, and on what. */
struct measuring {
    const struct head_info *info; /* of the head, or of heads that were trained alike */
    const struct examples *examples;
    const uint32_t *rows; /* (n) indices of examples */
    size_t n;
    size_t
        n_apart; /* groups of rows that say the same (repeats.h) among them; 0: as many as rows */
};

/** How good a head is on rows that were held out. */
struct measured {
    size_t n;                     /* rows; 0: nothing was held out */
    double score;                 /* accuracy, of a multi-label head micro F1 */
    double score_low, score_high; /* where it is with 95 %, a group counting once (micro F1: NaN) */
    double macro_f1, log_loss;
    double calibration_error, brier; /* after calibration; NaN: not calibrated */
    double temperature;              /* 1: not calibrated */
    uint32_t n_margins;              /* 0: not known */
    float margins[UNSURE_QUANTILES];
};

/** What heads said of rows that were held out of their training. */
struct held_out {
    uint32_t *rows; /* (n) indices of examples */
    float *logits;  /* (n, R) before calibration */
    size_t n;
};

/**
 * measure adds up an evaluation of a head, as it answers.
 * @param logits  room for (n, rows of the head), or NULL: not wanted
 * @return NULL with err set; else end it with evaluation_free
 */
struct evaluation *measure(const struct head *head, const struct measuring *measuring,
                           struct workers *workers, float *logits, struct err *err);

/**
 * measure_temperature finds the divisor of logits (n, R), from 1/2 to 20, with the least sum of two
 * things: the loss of the truth (Guo et al., 2017) and CALIBRATION_PRIOR · (ln divisor)². So a few
 * rows, or rows that are all right, cannot move it far: sure is what many rows have shown.
 */
double measure_temperature(const struct measuring *measuring, const float *logits);

#define CALIBRATION_PRIOR 25.0

/** Fewer rows say nothing of how sure the answers may be. */
#define CALIBRATION_ROWS_MIN 20

/**
 * measure_logits works out what held-out rows say by their logits (n, R): temperature, then the
 * figures that the head has with it.
 * @return false with ERR_MEMORY
 */
bool measure_logits(const struct measuring *measuring, const float *logits,
                    struct measured *measured, struct err *err);
