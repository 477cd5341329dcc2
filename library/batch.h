/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file batch.h
 * A batch of texts, shared out among the threads of a pool: the texts of a piece become tokens, and
 * whoever asked for the batch makes of them what it wants. What is made of a text depends on it
 * alone. A batch is for the thread that runs it; a piece for the worker that has it.
 */
#pragma once

#include "library/fault.h"
#include "library/texts.h"
#include "model/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Texts of a piece at most: so few that their vectors stay in the first-level cache. */
#define PIECE_TEXTS 16

/** Some texts in a row, without nulls. */
struct piece {
    struct arena *arena; /* for whoever answers: reset behind each piece */
    size_t n;
    uint64_t rows[PIECE_TEXTS]; /* of the batch, ascending */
    struct passage passages[PIECE_TEXTS];
    const struct token_span *spans[PIECE_TEXTS]; /* of its tokens, under TOKENIZE_SPANS; or NULL */
};

struct batch {
    const struct model *model;
    const struct prompt *prompt; /* before every text; NULL: none */
    int32_t invalid;             /* enum embedd_invalid */
    unsigned tokenize;           /* TOKENIZE_* besides TOKENIZE_LIMITS */
    uint8_t *validity;           /* (n + 7) / 8, out; NULL: not wanted */
    const struct texts_view *texts;

    /** Answers the texts of a piece. @return piece->n; or, with err set, the index of the first
     * that could not be answered */
    size_t (*answer)(void *user, struct piece *piece, struct err *err);
    /** Writes what a null is answered with. */
    void (*answer_null)(void *user, uint64_t row);
    void *user;
};

/** batch_check_invalid: EMBEDD_ERROR_ARGUMENT where it is no enum embedd_invalid. */
bool batch_check_invalid(int32_t invalid, struct fault *fault);

/**
 * batch_run answers all texts of the batch; any worker any of them, in any order.
 * @param counts added up; its struct_size is not looked at
 * @return false with the fault of the first row that has one, whatever the pool
 */
bool batch_run(const struct batch *batch, embedd_pool *pool, embedd_counts *counts,
               struct fault *fault);
