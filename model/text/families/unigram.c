/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/families/unigram.h"

#include "base/grow.h"

#include <math.h>
#include <stdlib.h>

#define UNKNOWN_PENALTY 10.0

bool unigram_add_unknown(struct unigram *u, size_t n)
{
    double lowest = INFINITY;
    if (!grow_to(&u->scores, n + 1, sizeof *u->scores)) return false;
    for (size_t id = 0; id < n; id++)
        lowest = u->scores[id] < lowest ? u->scores[id] : lowest;
    u->scores[n] = lowest - UNKNOWN_PENALTY;
    u->n_scores = n + 1;
    return true;
}

void unigram_clear(struct unigram *unigram)
{
    free(unigram->scores);
    *unigram = (struct unigram){0};
}
