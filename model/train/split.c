/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/split.h"

#include "base/random.h"

#include <stdlib.h>
#include <string.h>

#define HELD_ROWS_MIN 5

/* The label that decides; rows without one stand together behind all labels. */
static uint32_t label_of(const struct examples *examples, uint32_t row)
{
    const struct example *item = &examples->items[row];
    return item->n_labels > 0 ? examples->labels[item->labels_at] : examples_n_names(examples);
}

static size_t held_of(size_t n, double share)
{
    const size_t held = (size_t)((double)n * share + 0.5);
    if (share <= 0 || n < HELD_ROWS_MIN) return 0;
    return held > 0 ? held : 1;
}

/* The rows in the order of their labels; starts (n_groups + 1) is where each label's begin. */
static void group(const struct examples *examples, uint32_t *rows, size_t *starts, size_t n_groups)
{
    for (uint32_t i = 0; i < examples->n; i++)
        starts[label_of(examples, i) + 1]++;
    for (size_t g = 0; g < n_groups; g++)
        starts[g + 1] += starts[g];
    for (uint32_t i = 0; i < examples->n; i++)
        rows[starts[label_of(examples, i)]++] = i;
    memmove(starts + 1, starts, n_groups * sizeof *starts);
    starts[0] = 0;
}

bool split_make(struct split *split, const struct examples *examples, double share, uint64_t seed,
                struct err *err)
{
    const size_t n_groups = (size_t)examples_n_names(examples) + 1;
    size_t *starts = calloc(n_groups + 1, sizeof *starts);
    uint32_t *rows = calloc(examples->n, sizeof *rows);
    bool *is_held = calloc(examples->n, sizeof *is_held);
    *split = (struct split){.rows = rows};
    if (starts && rows && is_held) {
        group(examples, rows, starts, n_groups);
        for (size_t g = 0; g < n_groups; g++) {
            const size_t n = starts[g + 1] - starts[g];
            uint64_t state = random_seed(seed, 0x5B117, g);
            random_shuffle(&state, rows + starts[g], n);
            for (size_t i = 0; i < held_of(n, share); i++)
                is_held[rows[starts[g] + i]] = true;
        }
        for (uint32_t i = 0; i < examples->n; i++)
            if (!is_held[i]) rows[split->n_train++] = i;
        for (uint32_t i = 0; i < examples->n; i++)
            if (is_held[i]) rows[split->n_train + split->n_held++] = i;
    } else {
        split_clear(split);
        err_set(err, ERR_MEMORY, NULL, "no memory for %zu rows", examples->n);
    }
    free(starts);
    free(is_held);
    return split->rows != NULL;
}

void split_clear(struct split *split)
{
    free(split->rows);
    *split = (struct split){0};
}
