/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file embedding.h
 * What every API that embeds has in common: inputs become a batch of token ids, these vectors, and
 * the vectors the bytes of a reply. A dialect says what its fields mean and how its reply is
 * framed. Works on one exchange, which one thread has at a time.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "handlers/input.h"
#include "handlers/write.h"

#include <stdbool.h>

struct vector_frame;

/** What a request wants embedded, and how. */
struct embedding {
    struct text model; /* the name to echo */
    /* Of the reply, where the request decides: instead of reply_embedding's; NULL: that one. */
    const struct vector_frame *frame;
    struct batch batch;
    struct length_limit limit;
    struct pool_options pool;
    struct coding coding;
    const void *more; /* of the dialect, for its frame */
};

/** embedding_init: nothing in the batch, all else as the model and the dialect have it. Once the
 * model is known. */
void embedding_init(struct embedding *embedding, const struct exchange *x);

/** embedding_read_dimensions: the field `name`, from 1 to the model's. ERR_INVALID. */
bool embedding_read_dimensions(struct embedding *embedding, const struct exchange *x,
                               const struct value *value, const char *name, struct err *err);

/** embedding_tokenize: batch_tokenize; what was read before belongs to the stage parse. */
bool embedding_tokenize(struct embedding *embedding, struct exchange *x, struct err *err);

/** embedding_vectors makes all vectors of a tokenized batch, as embedding->pool says.
 * What it takes belongs to the stage lookup.
 * @param out (batch.n, pool.dims)
 * @return false with ERR_INTERNAL when one is not finite (nothing of it may be sent), or ERR_MEMORY
 */
bool embedding_vectors(const struct embedding *embedding, struct exchange *x, float *out,
                       struct err *err);

/**
 * batch_check_rows: every row of the table that a tokenized batch names is finite, for replies that
 * are sent before they are whole. An id that has no row names none.
 * @param row (dims) scratch
 * @return false with ERR_INTERNAL, which names the row
 */
bool batch_check_rows(const struct exchange *x, const struct batch *batch, uint32_t dims,
                      float *row, struct err *err);

/** How a dialect frames vectors: head, then of each: before, index, between, the vector, after,
 * parted by commas; then the tail. */
struct vector_frame {
    struct text head, before, between, after, tail;
    bool has_index;
    /* Instead of the tail's text, or NULL. */
    void (*write_tail)(struct exchange *x, const struct embedding *embedding, struct buf *out);
    /* Adds headers to a reply that is the vectors' bytes, or NULL. */
    bool (*describe_raw)(struct exchange *x, const struct embedding *embedding, struct err *err);
};

/**
 * write_vectors appends the framed vectors of a tokenized batch to `out`.
 * @return false with ERR_INTERNAL when a vector is not finite (nothing of it may be sent), or
 *         ERR_MEMORY
 */
bool write_vectors(struct exchange *x, const struct embedding *embedding,
                   const struct vector_frame *frame, struct buf *out, struct err *err);

/** wants_raw: the request accepts application/octet-stream, and no JSON. */
bool wants_raw(const struct exchange *x);

/** write_raw: instead of a reply, the bytes of a tokenized batch's vectors, one after the other, in
 * the empty `out`; their shape and type stand in headers, x->reply_type says what they are. Errors
 * as of write_vectors. */
bool write_raw(struct exchange *x, struct embedding *embedding, struct buf *out, struct err *err);

/**
 * reply_embedding has `read` read the request and answers with the framed vectors; or, where the
 * request accepts application/octet-stream and no JSON, or `read` chose ENCODING_RAW, with the
 * vectors' bytes alone, one after the other, whose shape and type stand in headers.
 * @param read fills an `embedding` of all zeros, as far as the batch's texts; calls embedding_init
 */
void reply_embedding(struct exchange *x,
                     bool (*read)(struct exchange *x, struct embedding *embedding, struct err *err),
                     const struct vector_frame *frame);
