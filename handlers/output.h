/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file output.h
 * Replies: vectors to JSON text or base64, errors in each dialect's shape, the common headers.
 * Everything is written into the request's arena; the exchange then points at it.
 */
#pragma once

#include "base/buf.h"
#include "base/clock.h"
#include "handlers/exchange.h"
#include "handlers/input.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum encoding { ENCODING_FLOAT, ENCODING_BASE64 };

extern const char *const encoding_names[2];

/** stage_end: the time since the last call (or the dispatch) belongs to `stage`. */
static inline void stage_end(struct exchange *x, enum metrics_stage stage)
{
    uint64_t now = clock_now_ns();
    x->sample.stage_ns[stage] += now - x->stage_start_ns;
    x->stage_start_ns = now;
}

/** reply_add_header: name and value must live as long as the arena. */
void reply_add_header(struct exchange *x, const char *name, const char *value);

/** reply_buf sends what `out` holds; an ERR_MEMORY error if it failed. */
void reply_buf(struct exchange *x, unsigned status, const char *type, const struct buf *out);

/** reply_json: reply_buf with status 200 and application/json. */
void reply_json(struct exchange *x, const struct buf *out);

/** reply_by sends what `write` wrote, or the error it failed with. */
void reply_by(struct exchange *x, bool (*write)(struct exchange *, struct buf *, struct err *));

/** What a reply is going to take, as far as that can be told. */
struct plan {
    uint64_t reply_bytes;
    uint64_t read_bytes;  /* of rows and of heads' weights */
    uint64_t piece_bytes; /* most of it that is held at once; 0: all of it */
};

/**
 * reply_plan decides, before any of it is done, whether it is to be done: now, elsewhere
 * (x->is_deferred; the error is nobody's then), or not at all: ERR_MEMORY when it is beyond the
 * request's own memory, ERR_OVERLOADED when other requests have what it needs.
 */
bool reply_plan(struct exchange *x, const struct plan *plan, struct err *err);

/** plan_pieces: a reply of more than 1 MB is made in pieces, whose longest entry has so many bytes.
 */
void plan_pieces(struct plan *plan, uint64_t entry_bytes);

/** reply_pieces sends what make_piece makes (exchange.h): piece by piece where that is the plan, or
 * else all of it at once. */
void reply_pieces(struct exchange *x, const struct plan *plan,
                  bool (*make_piece)(struct exchange *, void *, struct buf *), void *maker);

/** PIECE_BYTES: about how much make_piece makes. */
#define PIECE_BYTES ((size_t)64 << 10)

/** reply_static: `body` is a string that lives for ever. */
void reply_static(struct exchange *x, unsigned status, const char *type, const char *body);

/** reply_tei_error: an error of the native TEI routes whose status and type are TEI's own. */
void reply_tei_error(struct exchange *x, unsigned status, const char *type, const char *message);

/** reply_add_common adds the headers every reply has; once, when it is finished. */
void reply_add_common(struct exchange *x);

/** A value written as JSON: room for `bytes` more is there, or buf->failed is set. */
void write_text(struct buf *out, struct text text);
void write_u64(struct buf *out, uint64_t value);

/** An own route's item begins with its index, parted from the one before by a comma; its data ends
 * with the model's name. */
void write_index(struct buf *out, size_t index);
void write_model_name(struct buf *out, struct text name);

/** write_number appends one finite float. */
void write_number(struct buf *out, float value);

/** write_float_list appends `[a,b,...]`, or the base64 of the n floats as a string. */
void write_floats(struct buf *out, enum encoding encoding, const float *x, size_t n);

/** write_floats_bytes: room for one such list. */
size_t write_floats_bytes(enum encoding encoding, size_t n);

/** How a dialect frames vectors: head, then of each: before, index, between, floats, after. */
struct vector_frame {
    struct text head, before, between, after;
    bool has_index;
};

/**
 * write_vectors pools every sequence of the batch and writes its vectors, parted by commas, into
 * the empty `out`, which is given room for them and a short tail at once.
 * @return false with ERR_INTERNAL when a vector is not finite (nothing of it may be sent), or
 *         ERR_MEMORY
 */
bool write_vectors(struct exchange *x, const struct batch *batch,
                   const struct pool_options *options, enum encoding encoding,
                   const struct vector_frame *frame, struct buf *out, struct err *err);
