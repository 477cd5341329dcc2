/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pulls.h
 * Which tokens led a head astray: of each confusion, what every token added to the logit of the
 * label that was predicted over that of the true one (head_explain). One thread.
 *
 * A token's share is its sum over all texts of the confusion, by their number. Of PULLS_MAX
 * (confusion, token) that come first sums are kept, in 64 MB; what is new after that is left out.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"
#include "model/model.h"

#include <stddef.h>
#include <stdint.h>

#define PULLS_MAX ((size_t)1 << 20)

/** Tokens a confusion that reports show. */
#define PULLS_SHOWN 10

struct pulls;

struct pull {
    struct span token; /* of the vocabulary, as long as the model lives */
    double share;      /* > 0 */
};

/** pulls_new: none so far; the model is borrowed. NULL with ERR_MEMORY. */
struct pulls *pulls_new(const struct model *model, struct err *err);

/**
 * pulls_add takes the tokens (n) of one text. ERR_MEMORY.
 * @param shares (n) of the predicted label's logit, less those of the true one's
 */
bool pulls_add(struct pulls *pulls, uint32_t truth, uint32_t predicted, const uint32_t *ids,
               const double *shares, size_t n, struct err *err);

/**
 * pulls_find: the tokens that added most to a confusion, the most first.
 * @param n_texts of the confusion, > 0
 * @return how many of `out` are set
 */
size_t pulls_find(const struct pulls *pulls, uint32_t truth, uint32_t predicted, uint64_t n_texts,
                  struct pull out[static PULLS_SHOWN]);

/** pulls_free frees; NULL is fine. */
void pulls_free(struct pulls *pulls);
