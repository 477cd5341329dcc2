/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/families/unigram.h"

#include <math.h>
#include <stdlib.h>

#define UNKNOWN_PENALTY 10.0

bool unigram_add_unknown(struct unigram *u, size_t n)
{
    double lowest = INFINITY;
    double *scores = realloc(u->scores, (n + 1) * sizeof *scores);
    if (!scores) return false;
    for (size_t id = 0; id < n; id++)
        lowest = scores[id] < lowest ? scores[id] : lowest;
    scores[n] = lowest - UNKNOWN_PENALTY;
    u->scores = scores;
    u->n_scores = n + 1;
    return true;
}

void unigram_clear(struct unigram *unigram)
{
    free(unigram->scores);
    *unigram = (struct unigram){0};
}
