/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a .npy file: refused with a sentence, or a table whose every value can be read. */
#include "model/encoder/table/table.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const struct table *table)
{
    float *row = malloc(table->dim * sizeof *row);
    for (uint32_t id = 0; row && id < table->n_rows; id++)
        table_floats(table, id, 0, table->dim, row);
    free(row);
    uint32_t bad = 0;
    if (!table_check_finite(table, &bad) && bad >= table->n_rows) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct table table;
    struct err err = {0};
    char *bytes = malloc(size + !size);
    if (!bytes) return 0;
    if (size > 0) memcpy(bytes, data, size);
    const struct span file = {bytes, size};
    if (table_is_npy(file)) {
        if (table_open_npy(&table, file, "fuzz.npy", &err))
            read_all(&table);
        else if (err.code == ERR_NONE || strlen(err.message) < 10)
            abort();
        table_close(&table);
    }
    free(bytes);
    return 0;
}
