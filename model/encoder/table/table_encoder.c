/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/table/table_encoder.h"

#include "model/encoder/table/pool.h"
#include "model/math/kernels.h"
#include "model/text/tokens.h"

#include <stdlib.h>

static void row(const struct encoder *encoder, uint32_t id, uint32_t dims, float *out)
{
    const struct table *table = encoder->table;
    if (table_is_plain(table))
        kernels_get()->row[table->rows.dtype](out, &table->rows, table_row(table, id), dims);
    else
        table_floats(table, id, 0, dims, out);
}

static bool vector(const struct encoder *encoder, struct arena *arena,
                   const struct passage *passage, const struct pool_options *options, float *out,
                   struct err *err)
{
    (void)arena;
    return pool_rows(encoder->table, encoder->left_out, passage->ids, passage->n, options, out) ||
           err_set(err, ERR_INTERNAL, NULL, "the vector is not finite");
}

static bool check_finite(const struct encoder *encoder, uint32_t *bad_row)
{
    return table_check_finite(encoder->table, bad_row);
}

static void close(struct encoder *encoder)
{
    struct table_encoder *own = (struct table_encoder *)encoder;
    table_close(&own->table);
    free(own);
}

static const struct encoder_kind kind = {
    .row = row, .vector = vector, .check_finite = check_finite, .close = close};

void table_encoder_init(struct table_encoder *encoder, const struct table *table, uint32_t left_out)
{
    encoder->table = *table;
    encoder->encoder = (struct encoder){.kind = &kind,
                                        .info = {.n_rows = table->n_rows,
                                                 .dim = table->dim,
                                                 .dtype = dtype_names[table->rows.dtype],
                                                 .has_weights = table->weights,
                                                 .rows_per_token = 1,
                                                 .batch_size = 1},
                                        .table = &encoder->table,
                                        .left_out = left_out};
}

struct encoder *table_encoder_new(struct table *table, struct err *err)
{
    struct table_encoder *encoder = malloc(sizeof *encoder);
    if (!encoder) {
        err_set(err, ERR_MEMORY, NULL, "no memory for the table");
        return NULL;
    }
    table_encoder_init(encoder, table, TOKEN_ID_NONE);
    *table = (struct table){0};
    return &encoder->encoder;
}
