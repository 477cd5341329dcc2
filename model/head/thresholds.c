/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/thresholds.h"

#include "base/ratio.h"
#include <math.h>
#include <stdlib.h>

static int compare_falling(const void *a, const void *b)
{
    const struct threshold_row *x = a, *y = b;
    return (x->p < y->p) - (x->p > y->p);
}

/* How good it is by what is wished for; -Inf: it does not reach that. */
static double worth(const struct threshold_wish *wish, const struct threshold_found *found)
{
    const size_t n_false = found->n_predicted - found->n_correct;
    const double precision = ratio_or_zero(found->n_correct, found->n_predicted);
    const double recall = ratio_or_zero(found->n_correct, found->n_true);
    switch (wish->goal) {
    case GOAL_F1:
        return ratio_or_zero(2 * found->n_correct, found->n_predicted + found->n_true);
    case GOAL_PRECISION:
        return found->n_predicted > 0 && precision >= wish->least ? recall : -INFINITY;
    case GOAL_RECALL:
        return recall >= wish->least ? precision : -INFINITY;
    case GOAL_COST:
        return -(wish->false_positive * (double)n_false +
                 wish->false_negative * (double)(found->n_true - found->n_correct));
    }
    return -INFINITY;
}

/* A number that `above` reaches and `below` does not. */
static float between(float above, float below)
{
    const float middle = (float)(((double)above + (double)below) / 2);
    return middle > below ? middle : above;
}

bool thresholds_choose(struct threshold_row *rows, size_t n, const struct threshold_wish *wish,
                       struct threshold_found *found)
{
    struct threshold_found now = {.threshold = 1};
    double best = -INFINITY;
    qsort(rows, n, sizeof *rows, compare_falling);
    for (size_t i = 0; i < n; i++)
        now.n_true += rows[i].is_true;
    if (now.n_true == 0) return false;
    /* Above all of them nothing is predicted. */
    if (rows[0].p < 1) {
        best = worth(wish, &now);
        *found = now;
    }
    for (size_t i = 0; i < n; i++) {
        now.n_predicted++;
        now.n_correct += rows[i].is_true;
        if (i + 1 < n && rows[i + 1].p == rows[i].p) continue;
        now.threshold = between(rows[i].p, i + 1 < n ? rows[i + 1].p : 0);
        const double own = worth(wish, &now);
        if (!(own > best)) continue;
        best = own;
        *found = now;
    }
    return best > -INFINITY;
}

struct threshold_found thresholds_count(const struct threshold_row *rows, size_t n, float threshold)
{
    struct threshold_found found = {.threshold = threshold};
    for (size_t i = 0; i < n; i++) {
        found.n_true += rows[i].is_true;
        found.n_predicted += rows[i].p >= threshold;
        found.n_correct += rows[i].is_true && rows[i].p >= threshold;
    }
    return found;
}
