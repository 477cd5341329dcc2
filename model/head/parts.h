/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file parts.h
 * What the readers of head files find, before it is checked as a whole (head.c).
 */
#pragma once

#include "base/err.h"
#include "base/json.h"
#include "model/head/ngram_table.h"
#include "model/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Numbers of a file, row-major; a list of numbers has one column. */
struct matrix {
    float *values; /* (rows, columns), malloc'ed; NULL: the file has none */
    size_t rows, columns;
};

struct head_parts {
    const char *where;                 /* name of the file, for messages */
    const struct tokenizer *tokenizer; /* of the model it is to stand on, or NULL */
    struct err *err;
    struct matrix weight, bias, hidden_weight, hidden_bias;
    struct ngram_table ngrams;
    json_t *about; /* an object: labels, kind, thresholds, temperature, training, scores, each as
                      the file has it, or left out */
};

/** The readers. On failure (false, err set: ERR_FORMAT or ERR_MEMORY) `parts` holds what was found
 * so far; either way the caller ends it with head_parts_clear. */
bool head_read_safetensors(struct head_parts *parts, struct span bytes);
bool head_read_json(struct head_parts *parts, struct span bytes);
bool head_read_csv(struct head_parts *parts, struct span bytes);
bool head_read_skops(struct head_parts *parts, struct span bytes);

void head_parts_clear(struct head_parts *parts);

/** head_fail: err_set with ERR_FORMAT, the file's name in front. Returns false. */
bool head_fail(const struct head_parts *parts, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/** matrix_make: room for the numbers, at least one; false with ERR_MEMORY. */
bool matrix_make(struct matrix *matrix, size_t rows, size_t columns,
                 const struct head_parts *parts);
