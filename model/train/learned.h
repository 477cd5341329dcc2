/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file learned.h
 * What a learner has learned, as the files that a model folder holds: so what is measured on the
 * way is what will be served. One thread at a time.
 */
#pragma once

#include "base/json.h"
#include "model/train/learner.h"

struct learned_files {
    char *head; /* head.safetensors */
    size_t head_bytes;
    char *table; /* model.safetensors; NULL: that of the model it was trained on */
    size_t table_bytes;
};

/** What a head's file says besides its numbers. */
struct learned_about {
    const char *const *labels; /* (n_labels) */
    const float *thresholds;   /* binary: 1, multi-label: n_labels; NULL: 0.5 */
    double temperature;
    const float *margins; /* (n_margins) quantiles (unsure.h); none: not known */
    uint32_t n_margins;
    bool is_repetitive;              /* head_info */
    const json_t *training, *scores; /* objects, or NULL */
};

/**
 * learned_take makes the files. N-grams have their weights folded in and 8 bits a number, with a
 * scale a row. Rows of the table are written in the dtype they came in; those that did not move
 * keep their bytes.
 * @param from  the table that the learner started from
 * @return false with ERR_MEMORY or ERR_FORMAT (numbers that are not finite); `files` is then
 *         empty
 */
bool learned_take(struct learned_files *files, const struct learner *learner,
                  const struct table *from, const struct learned_about *about, struct err *err);

/** learned_clear frees; a zeroed one is fine. */
void learned_clear(struct learned_files *files);
