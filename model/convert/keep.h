/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keep.h
 * A smaller vocabulary: the first tokens of a tokenizer, and those that it cannot do without. One
 * thread.
 */
#pragma once

#include "base/err.h"
#include "model/text/tokenizer.h"

#include <stdbool.h>
#include <stdint.h>

struct keep {
    uint32_t n;
    uint32_t *rows;              /* (n) the old id of each new one, ascending */
    struct tokenizer *tokenizer; /* of the tokens that are left, with new ids */
    char *file;                  /* the tokenizer.json it was read from */
};

/**
 * keep_open keeps the ids below `top`, and of those above it special and added tokens, the unknown
 * token, what begins a word and the tokens of single bytes.
 * @return false with ERR_FORMAT or ERR_MEMORY; `keep` is then empty
 */
bool keep_open(struct keep *keep, const struct tokenizer *tokenizer, uint32_t top, struct err *err);
void keep_close(struct keep *keep);
