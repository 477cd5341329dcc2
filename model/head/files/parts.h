/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file parts.h
 * What the readers of head files find, before it is checked as a whole (head_open.c). One thread.
 */
#pragma once

#include "base/err.h"
#include "base/json.h"
#include "base/span.h"
#include "model/files/tensors.h"
#include "model/head/kind.h"
#include "model/head/ngrams/ngram_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Numbers of a file, row-major; a list of numbers has one column. */
struct matrix {
    float *values; /* (rows, columns), malloc'ed; NULL: the file has none */
    size_t rows, columns;
};

/** Hidden layers that a head may have. */
#define HIDDEN_MAX 8

/** W·x + b. */
struct step {
    char prefix[24]; /* of what its numbers are called in messages: "hidden " for hidden weight */
    struct matrix weight, bias;
};

struct head_parts {
    const char *where;                 /* name of the file, for messages */
    const struct tokenizer *tokenizer; /* of the model it is to stand on, or NULL */
    const json_t *config;              /* config.json beside the file, or NULL */
    struct err *err;
    struct step hidden[HIDDEN_MAX]; /* the first ones, as many as have a weight, relu after each */
    struct step output;
    struct ngram_table ngrams;
    const char *labels_key; /* what the list of labels is called in messages */
    json_t *about;          /* an object: labels, kind, thresholds, temperature, margins, training,
                               scores, each as the file has it, or left out */
};

/** The readers. On failure (false, err set: ERR_FORMAT or ERR_MEMORY) `parts` holds what was found
 * so far; either way the caller ends it with head_parts_clear. */
bool head_read_safetensors(struct head_parts *parts, struct span bytes);
bool head_read_json(struct head_parts *parts, struct span bytes);
bool head_read_csv(struct head_parts *parts, struct span bytes);
bool head_read_skops(struct head_parts *parts, struct span bytes);

/** Those of other libraries' safetensors files (head_foreign.c): a model2vec classifier's head, and
 * the classifier of a transformers checkpoint. */
bool head_read_model2vec(struct head_parts *parts, const struct tensors *file);
bool head_read_checkpoint(struct head_parts *parts, const struct tensors *file);

/** head_is_model2vec: the file is a model2vec head, or an empty one that config.json speaks of. */
bool head_is_model2vec(const struct head_parts *parts, const struct tensors *file);

/** head_is_checkpoint: some tensor has the name of a transformers model's classifier. */
bool head_is_checkpoint(const struct tensors *file);

/** head_pack_checkpoint: the classifier of a checkpoint, which could be read, as a head.safetensors
 * of its own, with these labels (n_labels); malloc'ed, the caller's.
 * @return NULL with ERR_MEMORY */
char *head_pack_checkpoint(const struct tensors *file, enum head_kind kind,
                           const char *const *labels, uint32_t n_labels, size_t *bytes,
                           struct err *err);

/** head_read_tensor: the numbers of a tensor of so many dimensions, if there is one. */
bool head_read_tensor(struct head_parts *parts, const struct tensors *file, const char *name,
                      size_t rank, struct matrix *out);

void head_parts_clear(struct head_parts *parts);

/** head_fail: err_set with ERR_FORMAT, the file's name in front. Returns false. */
bool head_fail(const struct head_parts *parts, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/** matrix_make: room for the numbers, at least one; false with ERR_MEMORY. */
bool matrix_make(struct matrix *matrix, size_t rows, size_t columns,
                 const struct head_parts *parts);
