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

/* Vectors made before they are written: few enough to stay in the first-level cache, unless the
   model gains by more at once. */
#define VECTORS_AT_ONCE 8
/* Room for what a dialect writes behind the vectors: more only costs a copy. */
#define TAIL_BYTES 256

static size_t count_at_once(const struct exchange *x, const struct batch *batch)
{
    const uint32_t gainful = model_info(x->model)->batch_size;
    const size_t n = gainful > VECTORS_AT_ONCE ? gainful : VECTORS_AT_ONCE;
    return batch->n < n ? batch->n : n;
}

/* The vectors of n sequences from `first` on. */
static bool make_vectors(struct exchange *x, const struct batch *batch, size_t first, size_t n,
                         const struct pool_options *options, struct passage *passages,
                         float *vectors, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        passages[i] = sequence_passage(&batch->items[first + i]);
    const size_t done = model_vectors(x->model, x->arena, passages, n, options, vectors, err);
    if (done == n) return true;
    return err->code == ERR_INTERNAL
               ? err_set(err, ERR_INTERNAL, NULL,
                         "the vector of input %zu is not finite (NaN or infinity in the model's "
                         "rows, or a sum that overflows), so it is not sent; check the model with "
                         "embedd inspect",
                         first + done)
               : false;
}

bool write_vectors(struct exchange *x, const struct batch *batch,
                   const struct pool_options *options, enum encoding encoding,
                   const struct vector_frame *frame, struct buf *out, struct err *err)
{
    size_t dims = options->dims, at_once = count_at_once(x, batch);
    size_t frame_bytes = frame->before.bytes + frame->between.bytes + frame->after.bytes + 21;
    const struct plan plan = {
        .reply_bytes = batch->n * (frame_bytes + write_floats_bytes(encoding, dims)),
        .read_bytes = model_read_bytes(x->model, batch->tokens),
    };
    if (!reply_plan(x, &plan, err)) return false;
    float *vectors = arena_array(x->arena, at_once * dims, sizeof *vectors);
    struct passage *passages = arena_array(x->arena, at_once, sizeof *passages);
    char *at = buf_reserve(out, frame->head.bytes + TAIL_BYTES + plan.reply_bytes);
    if (!vectors || !passages || !at) return err_out_of_memory(err);
    at = put(at, frame->head);
    for (size_t first = 0; first < batch->n; first += at_once) {
        size_t n = batch->n - first < at_once ? batch->n - first : at_once;
        if (!make_vectors(x, batch, first, n, options, passages, vectors, err)) return false;
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
