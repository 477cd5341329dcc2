/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/ranking.h"

#include "handlers/reply.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

bool batch_join(struct exchange *x, const struct batch *first, struct batch *batch, struct err *err)
{
    struct sequence *items = arena_array(x->arena, first->n + batch->n, sizeof *items);
    if (!items) return err_out_of_memory(err);
    memcpy(items, first->items, first->n * sizeof *items);
    if (batch->n > 0) memcpy(items + first->n, batch->items, batch->n * sizeof *items);
    batch->items = items;
    batch->n += first->n;
    return true;
}

bool batch_prepend(struct exchange *x, struct text text, struct batch *batch, struct err *err)
{
    struct sequence item = {.form = INPUT_TEXT, .text = text};
    return batch_join(x, &(struct batch){.items = &item, .n = 1}, batch, err);
}

bool unit_vectors_make(struct exchange *x, struct embedding *embedding, struct unit_vectors *out,
                       struct err *err)
{
    const size_t n = embedding->batch.n, dims = embedding->pool.dims;
    embedding->pool.normalize = true;
    if (!embedding_tokenize(embedding, x, err)) return false;
    const struct plan plan = {
        .reply_bytes = n * dims * sizeof(float),
        .read_bytes = model_read_bytes(x->model, embedding->batch.tokens),
    };
    if (!reply_plan(x, &plan, err)) return false;
    float *vectors = arena_array(x->arena, n * dims, sizeof *vectors);
    if (!vectors) return err_out_of_memory(err);
    *out = (struct unit_vectors){vectors, (uint32_t)dims};
    if (!embedding_vectors(embedding, x, vectors, err)) return false;
    return true;
}

float unit_vectors_cosine(const struct unit_vectors *vectors, size_t a, size_t b)
{
    const float *one = vectors->at + a * vectors->dims, *other = vectors->at + b * vectors->dims;
    double sum = 0;
    for (uint32_t i = 0; i < vectors->dims; i++)
        sum += (double)one[i] * other[i];
    return (float)(sum > 1 ? 1 : sum < -1 ? -1 : sum);
}

static int by_score(const void *a, const void *b)
{
    const struct ranked *one = a, *other = b;
    if (one->score != other->score) return one->score > other->score ? -1 : 1;
    return one->index < other->index ? -1 : one->index > other->index;
}

bool rank(struct exchange *x, struct embedding *embedding, struct ranked **out, struct err *err)
{
    struct unit_vectors vectors;
    if (!unit_vectors_make(x, embedding, &vectors, err)) return false;
    const size_t n = embedding->batch.n - 1;
    struct ranked *ranked = arena_array(x->arena, n, sizeof *ranked);
    if (!ranked) return err_out_of_memory(err);
    for (size_t i = 0; i < n; i++)
        ranked[i] =
            (struct ranked){.index = (uint32_t)i, .score = unit_vectors_cosine(&vectors, 0, i + 1)};
    qsort(ranked, n, sizeof *ranked, by_score);
    *out = ranked;
    return true;
}
