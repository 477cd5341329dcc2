/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include <string.h>

#define NAME_BYTES_MAX 63

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Optimal string alignment distance, row by row; the row before the last is for swaps. */
static unsigned distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
    unsigned rows[3][NAME_BYTES_MAX + 1];
    unsigned *older = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= n_b; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= n_a; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= n_b; j++) {
            unsigned change = last[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(change, least(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], older[j - 2] + 1);
        }
        unsigned *spare = older;
        older = last;
        last = row;
        row = spare;
    }
    return last[n_b];
}

const char *nearest_name(const char *name, const char *const *names, size_t n)
{
    size_t n_name = strlen(name);
    if (n_name > NAME_BYTES_MAX) return NULL;
    const char *nearest = NULL;
    unsigned nearest_distance = 0;
    for (size_t i = 0; i < n; i++) {
        size_t n_i = strlen(names[i]);
        if (n_i > NAME_BYTES_MAX) continue;
        unsigned d = distance(name, n_name, names[i], n_i);
        size_t longer = n_i > n_name ? n_i : n_name;
        if (d * 3 > longer + 2) continue;
        if (nearest && d >= nearest_distance) continue;
        nearest = names[i];
        nearest_distance = d;
    }
    return nearest;
}
