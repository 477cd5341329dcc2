/* SPDX-License-Identifier: Apache-2.0 */
#include "library/batch.h"
#include "library/handles.h"
#include "model/math/numbers.h"

#include <inttypes.h>
#include <string.h>

#define SAME(ours, models) ((int)(ours) == (int)(models))
_Static_assert(SAME(EMBEDD_FLOAT32, NUMBER_FLOAT32) && SAME(EMBEDD_FLOAT16, NUMBER_FLOAT16) &&
                   SAME(EMBEDD_BFLOAT16, NUMBER_BFLOAT16) &&
                   SAME(EMBEDD_FP8_E4M3, NUMBER_FP8_E4M3) &&
                   SAME(EMBEDD_FP8_E5M2, NUMBER_FP8_E5M2) && SAME(EMBEDD_INT8, NUMBER_INT8) &&
                   SAME(EMBEDD_UINT8, NUMBER_UINT8) && SAME(EMBEDD_BINARY, NUMBER_BINARY) &&
                   SAME(EMBEDD_UBINARY, NUMBER_UBINARY),
               "the public types of numbers are the model's");
_Static_assert(SAME(EMBEDD_POOLING_MEAN, POOLING_MEAN + 1) &&
                   SAME(EMBEDD_POOLING_WEIGHTED, POOLING_WEIGHTED + 1) &&
                   SAME(EMBEDD_POOLING_SUM, POOLING_SUM + 1) &&
                   SAME(EMBEDD_POOLING_MAX, POOLING_MAX + 1) &&
                   SAME(EMBEDD_POOLING_UNIT, POOLING_UNIT + 1),
               "the public poolings are the model's, behind the default");

/* Vectors of a batch, and where they go. */
struct encoding {
    const struct model *model;
    struct pool_options pool;
    enum number_type type;
    char *data;
    size_t row_bytes, stride;
};

/* ---- what a piece becomes ---- */

static char *row_at(const struct encoding *encoding, uint64_t row)
{
    return encoding->data + row * encoding->stride;
}

/* Rows that lie where the vectors could be made in place. */
static bool is_in_place(const struct encoding *encoding, const struct piece *piece)
{
    return encoding->type == NUMBER_FLOAT32 && encoding->stride == encoding->row_bytes &&
           piece->rows[piece->n - 1] - piece->rows[0] == piece->n - 1 &&
           (uintptr_t)row_at(encoding, piece->rows[0]) % sizeof(float) == 0;
}

static size_t refuse_infinite(size_t index, struct err *err)
{
    if (err->code == ERR_INTERNAL)
        err_set(err, ERR_INTERNAL, NULL,
                "its vector is not finite (NaN or infinity in the model's rows, or a sum that "
                "overflows); check the model with embedd inspect");
    return index;
}

static size_t write_vectors(void *user, struct piece *piece, struct err *err)
{
    const struct encoding *encoding = user;
    const size_t dims = encoding->pool.dims;
    const bool in_place = is_in_place(encoding, piece);
    float *vectors = in_place ? (float *)(void *)row_at(encoding, piece->rows[0])
                              : arena_array(piece->arena, piece->n * dims, sizeof *vectors);
    if (!vectors) {
        err_out_of_memory(err);
        return 0;
    }
    const size_t done = model_vectors(encoding->model, piece->arena, piece->passages, piece->n,
                                      &encoding->pool, vectors, err);
    for (size_t i = 0; i < done && !in_place; i++)
        number_write(encoding->type, vectors + i * dims, dims, row_at(encoding, piece->rows[i]));
    return done < piece->n ? refuse_infinite(done, err) : done;
}

static void write_null(void *user, uint64_t row)
{
    const struct encoding *encoding = user;
    memset(row_at(encoding, row), 0, encoding->row_bytes);
}

/* ---- what is asked for ---- */

static bool choose_pooling(const struct model_info *info, const embedd_encode_options *options,
                           struct pool_options *pool, struct fault *fault)
{
    if (options->pooling < EMBEDD_POOLING_DEFAULT || options->pooling > EMBEDD_POOLING_UNIT)
        return fault_set(fault, EMBEDD_ERROR_ARGUMENT, "options.pooling",
                         "options.pooling must be one of EMBEDD_POOLING_*, 0 to %d, not %d",
                         EMBEDD_POOLING_UNIT, options->pooling);
    if (options->pooling == EMBEDD_POOLING_WEIGHTED && !info->has_weights)
        return fault_set(fault, EMBEDD_ERROR_ARGUMENT, "options.pooling",
                         "options.pooling must not be EMBEDD_POOLING_WEIGHTED: the model has no "
                         "token weights");
    if (options->pooling != EMBEDD_POOLING_DEFAULT)
        pool->pooling = (enum pooling)(options->pooling - 1);
    return true;
}

static bool choose_pool(const struct model_info *info, const embedd_encode_options *options,
                        struct encoding *encoding, struct fault *fault)
{
    struct pool_options *pool = &encoding->pool;
    if (!choose_pooling(info, options, pool, fault)) return false;
    if (options->dimensions > info->dim)
        return fault_set(fault, EMBEDD_ERROR_ARGUMENT, "options.dimensions",
                         "options.dimensions must be a whole number from 1 to %u, the model's, or "
                         "0: all, not %u",
                         info->dim, options->dimensions);
    if (options->dimensions > 0) pool->dims = options->dimensions;
    if (options->normalize < EMBEDD_DEFAULT || options->normalize > EMBEDD_YES)
        return fault_set(fault, EMBEDD_ERROR_ARGUMENT, "options.normalize",
                         "options.normalize must be EMBEDD_DEFAULT, EMBEDD_NO or EMBEDD_YES, "
                         "not %d",
                         options->normalize);
    if (options->normalize != EMBEDD_DEFAULT) pool->normalize = options->normalize == EMBEDD_YES;
    pool->normalize |= number_needs_unit(encoding->type);
    return true;
}

static bool choose_prompt(const struct model_info *info, const char *name, struct batch *batch,
                          struct fault *fault)
{
    batch->prompt = name ? NULL : info->prompt;
    if (!name || !*name) return true;
    batch->prompt = prompts_find(info->prompts, name, strlen(name));
    if (batch->prompt) return true;
    return fault_set(fault, EMBEDD_ERROR_NOT_FOUND, "options.prompt",
                     "the model has no prompt '%.*s'; options.prompt may be NULL: its default",
                     ERR_VALUE_BYTES, name);
}

static bool is_type(int32_t type)
{
    return type >= 0 && type < NUMBER_TYPES;
}

/* Where the rows go: once the encoding knows how many dimensions they have. */
static bool choose_rows(struct encoding *encoding, const embedd_rows *rows, uint64_t n,
                        struct fault *fault)
{
    uint64_t needed;
    encoding->row_bytes = number_bytes(encoding->type, encoding->pool.dims);
    encoding->stride = rows->stride ? rows->stride : encoding->row_bytes;
    encoding->data = rows->data;
    if (n == 0) return true;
    if (!rows->data) return fault_null(fault, "rows.data");
    if (encoding->stride < encoding->row_bytes)
        return fault_set(fault, EMBEDD_ERROR_ROOM, "rows.stride",
                         "rows.stride must be at least the %zu bytes of a row, or 0: just those, "
                         "not %" PRIu64,
                         encoding->row_bytes, rows->stride);
    if (!__builtin_mul_overflow(encoding->stride, n - 1, &needed) &&
        !__builtin_add_overflow(needed, encoding->row_bytes, &needed) && needed <= rows->bytes)
        return true;
    fault->row = (int64_t)(rows->bytes < encoding->row_bytes
                               ? 0
                               : (rows->bytes - encoding->row_bytes) / encoding->stride + 1);
    return fault_set(fault, EMBEDD_ERROR_ROOM, "rows.bytes",
                     "there is no room for it: rows.bytes is %" PRIu64 " for %" PRIu64
                     " rows of %zu bytes, %zu from one to the next",
                     rows->bytes, n, encoding->row_bytes, encoding->stride);
}

/* All that is asked for but the texts, which are there. */
static bool choose(struct encoding *encoding, struct batch *batch,
                   const embedd_encode_options *given_options, const embedd_rows *given_rows,
                   struct fault *fault)
{
    const struct model_info *info = model_info(batch->model);
    embedd_encode_options options;
    embedd_rows rows;
    if (!STRUCT_READ(options, given_options, true, "options", fault) ||
        !STRUCT_READ(rows, given_rows, false, "rows", fault))
        return false;
    if (!is_type(rows.type))
        return fault_set(fault, EMBEDD_ERROR_ARGUMENT, "rows.type",
                         "rows.type must be an enum embedd_type, 0 to %d, not %d", NUMBER_TYPES - 1,
                         rows.type);
    *encoding = (struct encoding){.model = batch->model,
                                  .pool = model_pool_options(batch->model),
                                  .type = (enum number_type)rows.type};
    batch->invalid = options.invalid;
    batch->validity = rows.validity;
    return batch_check_invalid(options.invalid, fault) &&
           choose_pool(info, &options, encoding, fault) &&
           choose_prompt(info, options.prompt, batch, fault) &&
           choose_rows(encoding, &rows, batch->texts->n, fault);
}

/* ---- the public calls ---- */

size_t embedd_row_bytes(int32_t type, uint32_t dimensions)
{
    return is_type(type) ? number_bytes((enum number_type)type, dimensions) : 0;
}

int embedd_encode(const embedd_model *model, embedd_pool *pool, const embedd_texts *texts,
                  const embedd_encode_options *options, const embedd_rows *rows,
                  embedd_counts *counts, embedd_error *error)
{
    struct fault fault = FAULT_NONE;
    struct texts_view view;
    struct encoding encoding;
    embedd_counts found, asked;
    if (!model) return call_end(fault_null(&fault, "model"), &fault, error);
    struct batch batch = {.model = model->model,
                          .texts = &view,
                          .answer = write_vectors,
                          .answer_null = write_null,
                          .user = &encoding};
    memset(&found, 0, sizeof found);
    const bool is_ok = STRUCT_READ(asked, counts, true, "counts", &fault) &&
                       texts_view_open(&view, texts, &fault) &&
                       choose(&encoding, &batch, options, rows, &fault) &&
                       batch_run(&batch, pool, &found, &fault);
    if (is_ok && counts) struct_write(counts, &found, sizeof found);
    return call_end(is_ok, &fault, error);
}
