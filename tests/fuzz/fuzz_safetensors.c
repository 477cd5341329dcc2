/* SPDX-License-Identifier: Apache-2.0 */
/* A weights file of any bytes: refused with a sentence, or every row and weight can be read. */
#include "model/math/kernels.h"
#include "model/table/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const struct table *table)
{
    const struct kernels *kernels = kernels_get();
    float *row = malloc(table->dim * sizeof *row);
    if (!row) return;
    for (uint32_t i = 0; i < table->n_rows; i++) {
        kernels->row[table->dtype](row, table, i, table->dim);
        if (table->weights && !(table->weights[i] >= 0)) abort();
    }
    free(row);
    uint32_t bad = 0;
    if (!table_check_finite(table, &bad) && bad >= table->n_rows) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct table table;
    struct err err = {0};
    const char *bytes = size ? (const char *)data : "";
    if (table_open_safetensors(&table, (struct span){bytes, size}, "fuzz.safetensors", &err))
        read_all(&table);
    else if (err.code == ERR_NONE || strlen(err.message) < 10)
        abort();
    table_close(&table);
    return 0;
}
