/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file split.h
 * Which rows are held out to measure by, and in which of several folds. Pure functions.
 */
#pragma once

#include "model/train/examples.h"

/** Folds at most. */
#define SPLIT_FOLDS_MAX 20

struct split_options {
    const uint32_t *group; /* (n) rows with the same number are held out together; NULL: each row is
                              by itself */
    double share;          /* of the rows of each label, held out; of one fold alone */
    uint32_t n_folds;      /* 1: that share is; more: every row is in one of them */
    uint64_t seed;
};

/** The folds: fold[i] of n rows from 1 on; 0: never held out. */
struct split {
    uint8_t *fold;
    size_t n;
    uint32_t n_folds; /* 0: nothing is held out */
};

/**
 * split_make deals out the rows of each label (of several: the first; of a group: its first row's).
 * One fold: the share, to the nearest whole number, one at least; of a label with four groups or
 * fewer none. More: all, but for a label with a single group none.
 * @param n of the examples' rows, the first ones
 * @return false with ERR_MEMORY
 */
bool split_make(struct split *split, const struct examples *examples, size_t n,
                const struct split_options *options, struct err *err);

/** split_count: rows that are held out in a fold (from 1 on). */
size_t split_count(const struct split *split, uint32_t fold);

/** split_clear frees; a zeroed one is fine. */
void split_clear(struct split *split);
