/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file encoder.h
 * Token ids, or a text, to a vector: what every way of doing so can be asked. Nobody who asks need
 * know which way it is.
 *
 * An encoder's own struct begins with a struct encoder (table/table_encoder.h,
 * fasttext/fasttext_encoder.h). Immutable once open: any thread may use it. Scratch memory comes
 * from the arena of the caller, who frees it by resetting that.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "model/encoder/pooling.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct encoder;
struct table;

/** What an encoder is; plain values. */
struct encoder_info {
    uint32_t n_rows; /* V: token ids below it have a row */
    uint32_t dim;    /* D: numbers in a row and in a vector */
    const char
        *dtype; /* of the numbers of its rows: "F32", "F16", "BF16", "I8", "I4", "F64", "PQ" */
    bool has_weights;        /* POOLING_WEIGHTED is supported */
    bool reads_text;         /* vectors are made from a passage's text, not from its ids */
    uint32_t rows_per_token; /* about how many rows are read for one token */
    uint32_t batch_size;     /* how many passages to encode at once; 1: a batch gains nothing */
};

/** The labels that a model file brings with its vectors: it predicts them without a head. */
struct encoder_labels {
    uint32_t n;
    bool is_multi;     /* each label counts for itself; otherwise they share one probability */
    const char *owner; /* for messages: "fastText" */
    /** text: of label `i` (< n), NUL-terminated; as long as the encoder lives. */
    struct span (*text)(const struct encoder *encoder, uint32_t i);
    /** probabilities: out (n) of a vector (dim). False when the arena is at its cap. */
    bool (*probabilities)(const struct encoder *encoder, struct arena *arena, const float *vector,
                          float *out);
};

/** What a kind of encoder does. */
struct encoder_kind {
    /** row: out (dims) = the first `dims` (<= dim) columns of row `id` (< n_rows), as float32. */
    void (*row)(const struct encoder *encoder, uint32_t id, uint32_t dims, float *out);

    /**
     * vector: out (options->dims) of a passage; ids are < n_rows or TOKEN_ID_NONE, which is left
     * out, and so is left_out. Nothing left gives the zero vector.
     * @return false with ERR_INTERNAL if a value is not finite, or ERR_MEMORY
     */
    bool (*vector)(const struct encoder *encoder, struct arena *arena,
                   const struct passage *passage, const struct pool_options *options, float *out,
                   struct err *err);

    /** batch: as encoder_batch. NULL: a batch gains nothing; passages are encoded one by one. */
    size_t (*batch)(const struct encoder *encoder, struct arena *arena,
                    const struct passage *passages, size_t n, const struct pool_options *options,
                    float *out, struct err *err);

    /** check_finite reads all of its numbers; false with `row` the first one that holds NaN or
     * Inf. */
    bool (*check_finite)(const struct encoder *encoder, uint32_t *row);

    /** close frees the encoder (not the bytes it looks at). */
    void (*close)(struct encoder *encoder);
};

struct encoder {
    const struct encoder_kind *kind;
    struct encoder_info info;
    const struct table *table; /* W: its rows are what `row` gives. For those who write rows down,
                                  train them or measure distances between them */
    const struct encoder_labels *labels; /* or NULL */
    uint32_t left_out; /* the id that pooling leaves out: the unknown token, or TOKEN_ID_NONE */
};

/** encoder_vector: kind->vector. */
static inline bool encoder_vector(const struct encoder *encoder, struct arena *arena,
                                  const struct passage *passage, const struct pool_options *options,
                                  float *out, struct err *err)
{
    return encoder->kind->vector(encoder, arena, passage, options, out, err);
}

/**
 * encoder_batch: out (n, options->dims) = the vectors of n passages, the same bits as one by one.
 * @return how many of them were made: n; or, with err set as by encoder_vector, the index of the
 * first that could not be made
 */
size_t encoder_batch(const struct encoder *encoder, struct arena *arena,
                     const struct passage *passages, size_t n, const struct pool_options *options,
                     float *out, struct err *err);

/** encoder_close: kind->close; NULL is fine. */
void encoder_close(struct encoder *encoder);
