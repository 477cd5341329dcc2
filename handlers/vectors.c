/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/vectors.h"

#include "base/numtext.h"
#include "handlers/reply.h"
#include "model/model.h"

#include <string.h>

static char *put(char *at, struct text text)
{
    if (text.bytes == 0) return at;
    memcpy(at, text.data, text.bytes);
    return at + text.bytes;
}

/* Vectors pooled before they are written: few enough to stay in the first-level cache. */
#define VECTORS_AT_ONCE 8
/* Room for what a dialect writes behind the vectors: more only costs a copy. */
#define TAIL_BYTES 256

bool write_vectors(struct exchange *x, const struct batch *batch,
                   const struct pool_options *options, enum encoding encoding,
                   const struct vector_frame *frame, struct buf *out, struct err *err)
{
    size_t dims = options->dims, at_once = batch->n < VECTORS_AT_ONCE ? batch->n : VECTORS_AT_ONCE;
    size_t frame_bytes = frame->before.bytes + frame->between.bytes + frame->after.bytes + 21;
    const struct plan plan = {
        .reply_bytes = batch->n * (frame_bytes + write_floats_bytes(encoding, dims)),
        .read_bytes = model_read_bytes(x->model, batch->tokens),
    };
    if (!reply_plan(x, &plan, err)) return false;
    float *vectors = arena_array(x->arena, at_once * dims, sizeof *vectors);
    char *at = buf_reserve(out, frame->head.bytes + TAIL_BYTES + plan.reply_bytes);
    if (!vectors || !at) return err_out_of_memory(err);
    at = put(at, frame->head);
    for (size_t first = 0; first < batch->n; first += at_once) {
        size_t n = batch->n - first < at_once ? batch->n - first : at_once;
        for (size_t i = 0; i < n; i++) {
            const struct sequence *item = &batch->items[first + i];
            const struct passage passage = sequence_passage(item);
            if (!model_vector(x->model, x->arena, &passage, options, vectors + i * dims, err))
                return err->code != ERR_INTERNAL
                           ? false
                           : err_set(
                                 err, ERR_INTERNAL, NULL,
                                 "the vector of input %zu is not finite (NaN or infinity in the "
                                 "model's rows, or a sum that overflows), so it is not sent; check "
                                 "the model with embedd inspect",
                                 first + i);
        }
        stage_end(x, STAGE_LOOKUP);
        for (size_t i = 0; i < n; i++) {
            if (first + i > 0) *at++ = ',';
            at = put(at, frame->before);
            if (frame->has_index) at += numtext_u64(at, first + i);
            at = put(at, frame->between);
            at = put_floats(at, encoding, vectors + i * dims, dims);
            at = put(at, frame->after);
        }
        stage_end(x, STAGE_WRITE);
    }
    out->bytes = (size_t)(at - out->data);
    return true;
}
