/* SPDX-License-Identifier: Apache-2.0 */
/* A weights file of any bytes: refused with a sentence, or every row and weight can be read, and
   the rows be pooled. */
#include "model/encoder/table/pool.h"
#include "model/files/tensors.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first row and the last ones. */
static void pool_ends(const struct table *table, enum pooling pooling, float *out)
{
    const uint32_t last = table->n_rows - 1;
    const uint32_t ids[] = {0, last, last / 2, last};
    const struct pool_options options = {.pooling = pooling, .dims = table->dim};
    pool_rows(table, last / 2, ids, sizeof ids / sizeof *ids, &options, out);
}

static void read_all(const struct table *table)
{
    float *row = malloc(table->dim * sizeof *row);
    if (!row) return;
    for (uint32_t i = 0; i < table->n_rows; i++) {
        table_floats(table, i, 0, table->dim, row);
        if (table->weights && !(table->weights[i] >= 0)) abort();
    }
    for (int pooling = 0; pooling < POOLINGS; pooling++)
        if (pooling != POOLING_WEIGHTED || table->weights)
            pool_ends(table, (enum pooling)pooling, row);
    free(row);
    uint32_t bad = 0;
    const uint32_t stored = table->rows.n;
    if (!table_check_finite(table, &bad) && bad >= stored) abort();
}

static void try_as(struct span file, struct table_options options)
{
    struct table table;
    struct tensors tensors;
    struct err err = {0};
    bool done = false;
    if (tensors_open(&tensors, file, "fuzz.safetensors", &err)) {
        done = table_open_tensors(&table, &tensors, &options);
        tensors_close(&tensors);
        if (done) read_all(&table);
        table_close(&table);
    }
    if (!done && (err.code == ERR_NONE || strlen(err.message) < 10)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span file = {size ? (const char *)data : "", size};
    try_as(file, (struct table_options){0});
    try_as(file, (struct table_options){.has_factors = true});
    try_as(file, (struct table_options){.has_shared = true});
    return 0;
}
