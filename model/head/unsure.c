/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/unsure.h"

#include <math.h>
#include <stdlib.h>

float unsure_margin(const struct head_info *info, const float *logits)
{
    double sum = 0;
    float largest = logits[0], size = 0;
    for (uint32_t k = 0; k < info->rows; k++) {
        sum += (double)logits[k];
        if (logits[k] > largest) largest = logits[k];
        if (fabsf(logits[k]) > size) size = fabsf(logits[k]);
    }
    if (info->kind != HEAD_MULTI_CLASS) return size;
    const double margin = (double)largest - sum / info->rows;
    return margin > 0 ? (float)margin : 0;
}

/* √UNSURE_LOOKED_AT */
#define FEW_MAX 16

bool unsure_repeats(const uint32_t *ids, size_t n)
{
    uint32_t found[FEW_MAX];
    const size_t n_looked = n < UNSURE_LOOKED_AT ? n : UNSURE_LOOKED_AT;
    size_t n_found = 0;
    if (n < UNSURE_REPEATS_MIN) return false;
    for (size_t i = 0; i < n_looked; i++) {
        const uint32_t id = ids[i * n / n_looked];
        size_t at = 0;
        while (at < n_found && found[at] != id)
            at++;
        if (at < n_found) continue;
        if ((n_found + 1) * (n_found + 1) > n_looked) return false;
        found[n_found++] = id;
    }
    return true;
}

static int compare_floats(const void *a, const void *b)
{
    const float *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

void unsure_quantiles(float *margins, size_t n_margins, float *quantiles, size_t n)
{
    qsort(margins, n_margins, sizeof *margins, compare_floats);
    for (size_t i = 0; i < n; i++) {
        const double place = (double)(i + 1) / (double)(n + 1) * (double)n_margins - 0.5;
        const double at = place < 0 ? 0 : place;
        const size_t low = (size_t)at < n_margins - 1 ? (size_t)at : n_margins - 1;
        const size_t high = low + 1 < n_margins ? low + 1 : low;
        quantiles[i] = (float)((double)margins[low] +
                               (at - (double)low) * ((double)margins[high] - (double)margins[low]));
    }
}

float unsure_score(const struct head_info *info, float margin)
{
    const float *quantiles = info->margins;
    const uint32_t n = info->n_margins;
    const double step = 1.0 / (n + 1);
    uint32_t above = 0;
    while (above < n && quantiles[above] <= margin)
        above++;
    if (above == 0) return (float)(1 - step * (double)margin / (double)quantiles[0]);
    const float low = quantiles[above - 1];
    if (above == n) return margin > 0 ? (float)(step * (double)low / (double)margin) : 1;
    const double share = ((double)margin - (double)low) / ((double)quantiles[above] - (double)low);
    return (float)(1 - step * (above + share));
}

void unsure_write(struct buf *out, float score, float reject, bool is_rejected)
{
    if (isnan(score)) return;
    if (reject <= 1) buf_add_str(out, is_rejected ? ",\"unsure\":true" : ",\"unsure\":false");
    buf_add_str(out, ",\"unsure_score\":");
    buf_add_float(out, score);
}
