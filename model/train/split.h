/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file split.h
 * Which rows are trained on and which are held out to measure by. Pure functions.
 */
#pragma once

#include "model/train/examples.h"

struct split {
    uint32_t *rows; /* (n_train + n_held) first those to train on, each part ascending */
    size_t n_train, n_held;
};

/**
 * split_make holds out `share` of the rows of each label (of several: the first), to the nearest
 * whole number; of a label with four rows or fewer none, of one with five or more at least one.
 * @return false with ERR_MEMORY
 */
bool split_make(struct split *split, const struct examples *examples, double share, uint64_t seed,
                struct err *err);

/** split_clear frees; a zeroed one is fine. */
void split_clear(struct split *split);
