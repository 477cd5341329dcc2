/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/reply.h"

#include "handlers/errors.h"

#include <inttypes.h>
#include <string.h>

void reply_buf(struct exchange *x, unsigned status, const char *type, const struct buf *out)
{
    if (out->failed) {
        struct err err;
        err_out_of_memory(&err);
        handlers_fail(x, &err);
        return;
    }
    reply_set(x, status, type, out->data, out->bytes);
}

void reply_json(struct exchange *x, const struct buf *out)
{
    reply_buf(x, 200, TYPE_JSON, out);
}

void reply_written(struct exchange *x, const struct buf *out)
{
    reply_buf(x, 200, x->reply_type ? x->reply_type : TYPE_JSON, out);
}

void reply_by(struct exchange *x, bool (*write)(struct exchange *, struct buf *, struct err *))
{
    struct buf out;
    struct err err;
    buf_init(&out, x->arena);
    if (write(x, &out, &err)) {
        reply_written(x, &out);
    } else {
        handlers_fail(x, &err);
    }
}

/* -- before the work -- */

/* Reading a byte of a row takes about an eighth of the time of writing one of the reply. */
#define READ_SHARE 8
/* Tokenizing a byte of a text counts as writing so many of the reply. So a text from ids goes to a
   worker from the size on from which a body of texts does (WORK_SHARE in server/http.c). */
#define TEXT_SHARE 128

bool reply_plan(struct exchange *x, const struct plan *plan, struct err *err)
{
    uint64_t held = plan->piece_bytes ? plan->piece_bytes : plan->reply_bytes;
    if (plan->reply_bytes > x->arena->cap_bytes) {
        x->sample.reject = REJECT_MEMORY;
        return err_set(err, ERR_TOO_LARGE, NULL,
                       "the reply would have about %" PRIu64
                       " bytes, more than max-request-memory and max-memory allow, "
                       "%zu; send fewer or shorter inputs, or raise the lower of the two",
                       plan->reply_bytes, x->arena->cap_bytes);
    }
    if (held > arena_left(x->arena)) return err_out_of_memory(err);
    if (!arena_has_budget(x->arena, held)) return handlers_overloaded(err);
    uint64_t work = (plan->piece_bytes ? 0 : plan->reply_bytes) + plan->read_bytes / READ_SHARE +
                    plan->text_bytes * TEXT_SHARE;
    if (x->work_max == 0 || work <= x->work_max) return true;
    x->is_deferred = true;
    x->work_bytes = work;
    return err_set(err, ERR_INTERNAL, NULL, "the work was to be done elsewhere");
}

#define WHOLE_BYTES_MAX ((uint64_t)1 << 20)

/* Twice, for a buffer that grows is there twice. */
void plan_pieces(struct plan *plan, uint64_t entry_bytes)
{
    if (plan->reply_bytes > WHOLE_BYTES_MAX) plan->piece_bytes = 2 * (PIECE_BYTES + entry_bytes);
}

void reply_pieces(struct exchange *x, const struct plan *plan,
                  bool (*make_piece)(struct exchange *, void *, struct buf *), void *maker)
{
    buf_init(&x->piece, x->arena);
    if (plan->piece_bytes) {
        x->make_piece = make_piece;
        x->maker = maker;
        x->status = 200;
        x->reply_type = TYPE_JSON;
        return;
    }
    buf_reserve(&x->piece, plan->reply_bytes);
    while (!x->piece.failed && make_piece(x, maker, &x->piece)) {
    }
    reply_json(x, &x->piece);
}

void reply_made(struct exchange *x, size_t maker_bytes,
                bool (*read)(struct exchange *, void *, struct plan *, struct err *),
                bool (*make_piece)(struct exchange *, void *, struct buf *),
                enum metrics_stage stage)
{
    void *maker = arena_alloc(x->arena, maker_bytes);
    struct plan plan = {0};
    struct err err;
    if (maker) memset(maker, 0, maker_bytes);
    if (maker ? read(x, maker, &plan, &err) : err_out_of_memory(&err)) {
        reply_pieces(x, &plan, make_piece, maker);
        stage_end(x, stage);
    } else {
        handlers_fail(x, &err);
    }
}
