/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file thresholds.h
 * The probability from which on a label is best meant, by rows whose labels are known. Pure
 * functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** What a threshold is to reach. */
enum threshold_goal {
    GOAL_F1,        /* the highest F1 */
    GOAL_PRECISION, /* the highest recall of those with this precision at least */
    GOAL_RECALL,    /* the highest precision of those with this recall at least */
    GOAL_COST,      /* the lowest cost of mistakes */
};

struct threshold_wish {
    enum threshold_goal goal;
    double least;                          /* precision or recall */
    double false_positive, false_negative; /* what one costs */
};

/** The probability of a label in one row, and whether the row has it. */
struct threshold_row {
    float p;
    bool is_true;
};

/** What rows with p >= threshold are. */
struct threshold_found {
    float threshold;
    size_t n_predicted, n_correct, n_true;
};

/**
 * thresholds_choose looks at every threshold that parts the rows, half way between two
 * probabilities, and takes the best; of equals the highest.
 * @param rows (n) sorted on the way
 * @return false: no row has the label, or nothing reaches the wish; `found` is then not set
 */
bool thresholds_choose(struct threshold_row *rows, size_t n, const struct threshold_wish *wish,
                       struct threshold_found *found);

/** thresholds_count: what a given threshold makes of the rows. */
struct threshold_found thresholds_count(const struct threshold_row *rows, size_t n,
                                        float threshold);
