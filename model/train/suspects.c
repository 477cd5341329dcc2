/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/suspects.h"

#include "base/grow.h"

#include <stdlib.h>

static double of_one(const struct head_info *info, const float *p, uint32_t label)
{
    uint32_t best = 0;
    for (uint32_t k = 1; k < info->n_labels; k++)
        if (p[k] > p[best]) best = k;
    if (p[label] >= p[best]) return 1;
    return (double)p[label] / ((double)p[label] + (double)p[best]);
}

static double of_several(const struct head_info *info, const float *p, const uint32_t *labels,
                         uint32_t n)
{
    double least = 1;
    for (uint32_t k = 0, next = 0; k < info->n_labels; k++) {
        const bool has_label = next < n && labels[next] == k;
        const double own = has_label ? (double)p[k] : 1 - (double)p[k];
        next += has_label;
        if (own < least) least = own;
    }
    return least;
}

/* Labels ascend, so one that is not known is the last. */
static bool is_known(const struct example *item, const uint32_t *labels)
{
    return item->n_labels == 0 || labels[item->n_labels - 1] != EXAMPLES_NO_LABEL;
}

static int compare(const void *a, const void *b)
{
    const struct suspect *x = a, *y = b;
    if (x->p != y->p) return x->p < y->p ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static bool find(struct suspects *suspects, const struct head_info *info,
                 const struct examples *examples, const struct held_out *held, float *p,
                 struct err *err)
{
    size_t cap = 0;
    for (size_t i = 0; i < held->n; i++) {
        const struct example *item = &examples->items[held->rows[i]];
        const uint32_t *labels = examples->labels + item->labels_at;
        if (!is_known(item, labels)) continue;
        suspects->n_judged++;
        head_info_probabilities(info, held->logits + i * info->rows, p);
        const double own = info->kind == HEAD_MULTI_LABEL
                               ? of_several(info, p, labels, item->n_labels)
                               : of_one(info, p, labels[0]);
        if (own > SUSPECT_P) continue;
        if (!grow_list(&suspects->items, &cap, suspects->n + 1, sizeof *suspects->items))
            return err_out_of_memory(err);
        suspects->items[suspects->n++] = (struct suspect){i, own};
    }
    return true;
}

bool suspects_find(struct suspects *suspects, const struct head_info *info,
                   const struct examples *examples, const struct held_out *held, struct err *err)
{
    float *p = malloc(info->n_labels * sizeof *p);
    *suspects = (struct suspects){0};
    bool is_ok = p ? find(suspects, info, examples, held, p, err) : err_out_of_memory(err);
    free(p);
    if (suspects->n > 0) qsort(suspects->items, suspects->n, sizeof *suspects->items, compare);
    if (!is_ok) suspects_clear(suspects);
    return is_ok;
}

void suspects_clear(struct suspects *suspects)
{
    free(suspects->items);
    *suspects = (struct suspects){0};
}
