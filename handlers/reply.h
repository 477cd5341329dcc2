/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file reply.h
 * Replies that carry what was asked for: planned before the work, made whole or in pieces. They lie
 * in the request's arena; the exchange points at them. Works on one exchange, which one thread has
 * at a time.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "handlers/exchange.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** reply_buf sends what `out` holds; an ERR_MEMORY error if it failed. */
void reply_buf(struct exchange *x, unsigned status, const char *type, const struct buf *out);

/** reply_json: reply_buf with status 200 and application/json. */
void reply_json(struct exchange *x, const struct buf *out);

/** reply_written: reply_buf with status 200, and JSON unless x->reply_type says what it is. */
void reply_written(struct exchange *x, const struct buf *out);

/** reply_by sends (reply_written) what `write` wrote, or the error it failed with. */
void reply_by(struct exchange *x, bool (*write)(struct exchange *, struct buf *, struct err *));

/** What a reply is going to take, as far as that can be told. */
struct plan {
    uint64_t reply_bytes;
    uint64_t read_bytes;  /* of rows and of heads' weights */
    uint64_t text_bytes;  /* of texts that ids stand for, to be tokenized */
    uint64_t piece_bytes; /* most of it that is held at once; 0: all of it */
};

/**
 * reply_plan decides, before any of it is done, whether it is to be done: now, elsewhere
 * (x->is_deferred; the error is nobody's then), or not at all: ERR_TOO_LARGE when it is beyond the
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

/**
 * reply_made has `read` read the request into a maker of `maker_bytes`, zeros at first, and plan
 * the reply, and replies with what make_piece makes of it; its work belongs to `stage`.
 */
void reply_made(struct exchange *x, size_t maker_bytes,
                bool (*read)(struct exchange *, void *, struct plan *, struct err *),
                bool (*make_piece)(struct exchange *, void *, struct buf *),
                enum metrics_stage stage);

/** PIECE_BYTES: about how much make_piece makes. */
#define PIECE_BYTES ((size_t)64 << 10)
