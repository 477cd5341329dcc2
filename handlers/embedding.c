/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/embedding.h"

#include "base/numtext.h"
#include "handlers/errors.h"
#include "handlers/reply.h"
#include "model/math/kernels.h"
#include "model/model.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

void embedding_init(struct embedding *embedding, const struct exchange *x)
{
    const struct model_info *info = model_info(x->model);
    *embedding = (struct embedding){
        .model = embedding->model,
        .limit = length_limit_of(x),
        .pool = {.pooling = info->pooling, .normalize = info->normalize, .dims = info->dim},
    };
}

bool embedding_read_dimensions(struct embedding *embedding, const struct exchange *x,
                               const struct value *value, const char *name, struct err *err)
{
    int64_t dims = embedding->pool.dims;
    if (!value_get_whole(value, name, 1, model_info(x->model)->dim, &dims, err)) return false;
    embedding->pool.dims = (uint32_t)dims;
    return true;
}

bool embedding_tokenize(struct embedding *embedding, struct exchange *x, struct err *err)
{
    stage_end(x, STAGE_PARSE);
    if (!batch_tokenize(x, &embedding->batch, &embedding->limit, err)) return false;
    stage_end(x, STAGE_TOKENIZE);
    return true;
}

/* -- vectors -- */

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

static bool refuse_infinite(size_t index, struct err *err)
{
    if (err->code != ERR_INTERNAL) return false;
    return err_set(err, ERR_INTERNAL, NULL,
                   "the vector of input %zu is not finite (NaN or infinity in the model's rows, or "
                   "a sum that overflows), so it is not sent; check the model with embedd inspect",
                   index);
}

/* The mean over windows, of each of which a vector is made as of a whole input. */
static bool make_mean(struct exchange *x, const struct sequence *sequence,
                      const struct pool_options *options, float *out, struct err *err)
{
    const uint32_t windows = sequence_windows(sequence);
    float *one = arena_array(x->arena, options->dims, sizeof *one);
    if (!one) return err_out_of_memory(err);
    memset(out, 0, options->dims * sizeof *out);
    for (uint32_t i = 0; i < windows; i++) {
        struct passage passage;
        if (!sequence_window(x, sequence, i, &passage, err) ||
            !model_vector(x->model, x->arena, &passage, options, one, err))
            return false;
        for (uint32_t j = 0; j < options->dims; j++)
            out[j] += one[j] / (float)windows;
    }
    if (!options->normalize || pooling_normalize(out, options->dims)) return true;
    return err_set(err, ERR_INTERNAL, NULL, "the mean over windows is not finite");
}

/* One by one, as some are taken in windows. */
static size_t make_each(struct exchange *x, const struct sequence *items, size_t n,
                        const struct pool_options *options, float *vectors, struct err *err)
{
    size_t i = 0;
    for (; i < n; i++) {
        float *out = vectors + i * options->dims;
        const struct passage passage = sequence_passage(&items[i]);
        if (items[i].window ? !make_mean(x, &items[i], options, out, err)
                            : !model_vector(x->model, x->arena, &passage, options, out, err))
            break;
    }
    return i;
}

/* The vectors of n sequences from `first` on, as the stage lookup. */
static bool make_vectors(struct exchange *x, const struct batch *batch, size_t first, size_t n,
                         const struct pool_options *options, struct passage *passages,
                         float *vectors, struct err *err)
{
    size_t done;
    for (size_t i = 0; i < n; i++)
        passages[i] = sequence_passage(&batch->items[first + i]);
    if (batch->has_windows)
        done = make_each(x, batch->items + first, n, options, vectors, err);
    else
        done = model_vectors(x->model, x->arena, passages, n, options, vectors, err);
    stage_end(x, STAGE_LOOKUP);
    return done == n || refuse_infinite(first + done, err);
}

bool embedding_vectors(const struct embedding *embedding, struct exchange *x, float *out,
                       struct err *err)
{
    const struct batch *batch = &embedding->batch;
    const size_t dims = embedding->pool.dims, at_once = count_at_once(x, batch);
    struct passage *passages = arena_array(x->arena, at_once, sizeof *passages);
    if (!passages) return err_out_of_memory(err);
    for (size_t first = 0; first < batch->n; first += at_once) {
        const size_t n = batch->n - first < at_once ? batch->n - first : at_once;
        if (!make_vectors(x, batch, first, n, &embedding->pool, passages, out + first * dims, err))
            return false;
    }
    return true;
}

static bool is_row_finite(const struct exchange *x, uint32_t id, uint32_t dims, float *row)
{
    if (id >= model_info(x->model)->vocab_size) return true;
    model_row(x->model, id, dims, row);
    return kernels_get()->is_finite(row, dims);
}

bool batch_check_rows(const struct exchange *x, const struct batch *batch, uint32_t dims,
                      float *row, struct err *err)
{
    for (size_t i = 0; i < batch->n; i++) {
        const struct sequence *item = &batch->items[i];
        for (uint32_t j = 0; j < item->n; j++)
            if (!is_row_finite(x, item->ids[j], dims, row))
                return err_set(err, ERR_INTERNAL, NULL,
                               "row %" PRIu32 " of the table is not finite (NaN or infinity), "
                               "so it is not sent; check the model with embedd inspect",
                               item->ids[j]);
    }
    return true;
}

/* Are the bytes of the reply the vectors as they are made? Then they are made in their place: raw
   vectors have nothing between them. */
static bool is_made_in_place(const struct coding *coding)
{
    return coding->encoding == ENCODING_RAW && coding->type == NUMBER_FLOAT32 &&
           !coding->is_big_endian;
}

static char *put_framed(char *at, const struct embedding *embedding,
                        const struct vector_frame *frame, size_t index, const float *vector,
                        void *scratch)
{
    const struct coding *coding = &embedding->coding;
    if (index > 0 && coding->encoding != ENCODING_RAW) *at++ = ',';
    at = put(at, frame->before);
    if (frame->has_index) at += numtext_u64(at, index);
    at = put(at, frame->between);
    at = put_vector(at, coding, vector, embedding->pool.dims, scratch);
    return put(at, frame->after);
}

bool write_vectors(struct exchange *x, const struct embedding *embedding,
                   const struct vector_frame *frame, struct buf *out, struct err *err)
{
    const struct batch *batch = &embedding->batch;
    const struct coding *coding = &embedding->coding;
    struct pool_options options = embedding->pool;
    options.normalize |= number_needs_unit(coding->type);
    const size_t dims = options.dims, at_once = count_at_once(x, batch);
    const size_t frame_bytes = frame->before.bytes + frame->between.bytes + frame->after.bytes + 21;
    const struct plan plan = {
        .reply_bytes = batch->n * (frame_bytes + coding_bytes(coding, dims)),
        .read_bytes = model_read_bytes(x->model, batch->tokens),
    };
    if (!reply_plan(x, &plan, err)) return false;
    /* One vector more is the scratch of put_vector. */
    float *vectors = arena_array(x->arena, (at_once + 1) * dims, sizeof *vectors);
    struct passage *passages = arena_array(x->arena, at_once, sizeof *passages);
    char *at =
        buf_reserve(out, frame->head.bytes + frame->tail.bytes + TAIL_BYTES + plan.reply_bytes);
    if (!vectors || !passages || !at) return err_out_of_memory(err);
    const bool in_place = is_made_in_place(coding);
    assert(!in_place || (uintptr_t)at % sizeof *vectors == 0);
    at = put(at, frame->head);
    for (size_t first = 0; first < batch->n; first += at_once) {
        size_t n = batch->n - first < at_once ? batch->n - first : at_once;
        float *made = in_place ? (float *)(void *)at : vectors;
        if (!make_vectors(x, batch, first, n, &options, passages, made, err)) return false;
        if (in_place) at += n * dims * sizeof *made;
        for (size_t i = 0; i < n && !in_place; i++)
            at = put_framed(at, embedding, frame, first + i, vectors + i * dims,
                            vectors + at_once * dims);
        stage_end(x, STAGE_WRITE);
    }
    at = put(at, frame->tail);
    out->bytes = (size_t)(at - out->data);
    if (frame->write_tail) frame->write_tail(x, embedding, out);
    return true;
}

/* -- replies -- */

/* The media type that ends here has the weight 0 (RFC 9110, 12.4.2). */
static bool is_unwanted(const char *end)
{
    end += strspn(end, " \t");
    if (*end++ != ';') return false;
    end += strspn(end, " \t");
    if (strncasecmp(end, "q=0", 3) != 0) return false;
    end += 3;
    if (*end == '.') end += 1 + strspn(end + 1, "0");
    return *end < '0' || *end > '9';
}

bool wants_raw(const struct exchange *x)
{
    const char *accept = x->accept;
    if (!accept || strcmp(accept, TYPE_JSON) == 0) return false; /* nearly always */
    const char *bytes = strcasestr(accept, TYPE_BYTES);
    return bytes && !strcasestr(accept, TYPE_JSON) && !is_unwanted(bytes + strlen(TYPE_BYTES));
}

static void add_shape(struct exchange *x, const struct embedding *embedding)
{
    struct buf shape;
    buf_init(&shape, x->arena);
    buf_add_u64(&shape, embedding->batch.n);
    buf_add_char(&shape, ',');
    buf_add_u64(&shape, number_count(embedding->coding.type, embedding->pool.dims));
    buf_add_char(&shape, '\0');
    if (shape.failed) return;
    reply_add_header(x, "x-embedd-shape", shape.data);
    reply_add_header(x, "x-embedd-dtype", number_type_names[embedding->coding.type]);
}

bool write_raw(struct exchange *x, struct embedding *embedding, struct buf *out, struct err *err)
{
    static const struct vector_frame bare = {.has_index = false};
    embedding->coding.encoding = ENCODING_RAW;
    add_shape(x, embedding);
    x->reply_type = TYPE_BYTES;
    return write_vectors(x, embedding, &bare, out, err);
}

/* What `read` has read, as bytes or framed. */
static bool write_embedding(struct exchange *x, struct embedding *embedding,
                            const struct vector_frame *frame, struct buf *out, struct err *err)
{
    if (embedding->coding.encoding != ENCODING_RAW && !wants_raw(x))
        return write_vectors(x, embedding, frame, out, err);
    return (!frame->describe_raw || frame->describe_raw(x, embedding, err)) &&
           write_raw(x, embedding, out, err);
}

void reply_embedding(struct exchange *x,
                     bool (*read)(struct exchange *x, struct embedding *embedding, struct err *err),
                     const struct vector_frame *frame)
{
    struct embedding embedding = {0};
    struct err err;
    struct buf out;
    buf_init(&out, x->arena);
    if (read(x, &embedding, &err) && embedding_tokenize(&embedding, x, &err) &&
        write_embedding(x, &embedding, embedding.frame ? embedding.frame : frame, &out, &err))
        reply_written(x, &out);
    else
        handlers_fail(x, &err);
}
