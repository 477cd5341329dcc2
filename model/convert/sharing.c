/* SPDX-License-Identifier: Apache-2.0 */
#include "model/convert/sharing.h"

#include <stdlib.h>

#define NOT_YET (-1)

/* @param new_rows (rows of the table) scratch */
static void number_rows(struct sharing *sharing, const struct table *table, const uint32_t *kept,
                        uint32_t n_tokens, int32_t *new_rows)
{
    for (uint32_t i = 0; i < table->rows.n; i++)
        new_rows[i] = NOT_YET;
    sharing->comes_first = true;
    for (uint32_t i = 0; i < n_tokens; i++) {
        const uint32_t row = table_row(table, kept ? kept[i] : i);
        if (new_rows[row] == NOT_YET) {
            sharing->comes_first &= i == sharing->n_rows;
            new_rows[row] = (int32_t)sharing->n_rows;
            sharing->rows[sharing->n_rows++] = row;
        }
        sharing->row_of[i] = new_rows[row];
    }
    sharing->row_of[n_tokens] = (int32_t)sharing->n_rows;
}

bool sharing_make(struct sharing *sharing, const struct table *table, const uint32_t *kept,
                  uint32_t n_tokens, struct err *err)
{
    int32_t *new_rows = malloc((size_t)table->rows.n * sizeof *new_rows);
    *sharing = (struct sharing){.rows = malloc((size_t)table->rows.n * sizeof *sharing->rows),
                                .row_of = malloc(((size_t)n_tokens + 1) * sizeof *sharing->row_of)};
    const bool done = new_rows && sharing->rows && sharing->row_of;
    if (done)
        number_rows(sharing, table, kept, n_tokens, new_rows);
    else
        sharing_clear(sharing);
    free(new_rows);
    return done || err_set(err, ERR_MEMORY, NULL, "no memory for the rows of the tokens");
}

void sharing_clear(struct sharing *sharing)
{
    free(sharing->rows);
    free(sharing->row_of);
    *sharing = (struct sharing){0};
}
