/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sharing.h
 * Rows that tokens share, each once: in the order of their first tokens, those that no token has
 * left out. One thread.
 */
#pragma once

#include "base/err.h"
#include "model/encoder/table/table.h"

#include <stdbool.h>
#include <stdint.h>

struct sharing {
    uint32_t *rows;   /* (n_rows) those of the table that are kept */
    uint32_t n_rows;  /* how many */
    int32_t *row_of;  /* (n_tokens + 1) which of them each token has; behind them n_rows */
    bool comes_first; /* row_of[i] is i for i < n_rows: whoever shares a row comes after all
                         that have one of their own */
};

/**
 * sharing_make.
 * @param kept (n_tokens) ids of the table's tokens; NULL: all of them from the first on
 * @return false with ERR_MEMORY; `sharing` is then empty
 */
bool sharing_make(struct sharing *sharing, const struct table *table, const uint32_t *kept,
                  uint32_t n_tokens, struct err *err);

/** sharing_clear: an empty (zeroed) one is fine. */
void sharing_clear(struct sharing *sharing);
