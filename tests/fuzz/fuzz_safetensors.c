/* SPDX-License-Identifier: Apache-2.0 */
/* A weights file of any bytes: refused with a sentence, or every row and weight can be read. */
#include "model/encoder/table/table.h"
#include "model/files/tensors.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const struct table *table)
{
    float *row = malloc(table->dim * sizeof *row);
    if (!row) return;
    for (uint32_t i = 0; i < table->n_rows; i++) {
        table_floats(table, i, 0, table->dim, row);
        if (table->weights && !(table->weights[i] >= 0)) abort();
    }
    free(row);
    uint32_t bad = 0;
    const uint32_t stored = table->rows.n;
    if (!table_check_finite(table, &bad) && bad >= stored) abort();
}

static void try_as(struct span file, bool has_factors)
{
    struct table table;
    struct tensors tensors;
    struct err err = {0};
    const struct table_options options = {.has_factors = has_factors};
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
    try_as(file, false);
    try_as(file, true);
    return 0;
}
