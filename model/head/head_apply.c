/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/head_data.h"

#include "model/encoder/encoder.h"
#include "model/encoder/table/pool.h"
#include "model/math/kernels.h"
#include "model/math/logistic.h"
#include "model/text/tokens.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* So many labels at the top are found by looking for each; more by sorting. */
#define PICKED_MAX 4

const struct head_info *head_info(const struct head *head)
{
    return &head->info;
}

const struct head_input *head_input(const struct head *head)
{
    return &head->input;
}

/* ---- y = W·v + b ---- */

bool head_vector(const struct head *head, struct arena *arena, const struct passage *passage,
                 float *v, struct err *err)
{
    const struct head_input *input = &head->input;
    assert(input->encoder);
    return encoder_vector(input->encoder, arena, passage, &input->pool, v, err) ||
           err->code != ERR_INTERNAL ||
           err_set(err, ERR_INTERNAL, NULL,
                   "a vector is not finite (NaN or infinity in the rows that head '%.100s' uses, "
                   "or a sum that overflows); check its model with embedd inspect",
                   head->info.name);
}

/* The logarithm of what is not even listed. */
#define LEAST_LOGIT (-80)

static bool own_logits(const struct head *head, struct arena *arena, const float *v, float *logits,
                       struct err *err)
{
    if (!head->own->probabilities(head->input.encoder, arena, v, logits))
        return err_out_of_memory(err);
    for (uint32_t i = 0; i < head->info.rows; i++)
        logits[i] = logits[i] > 0 ? logf(logits[i]) : LEAST_LOGIT;
    return true;
}

static void apply(const struct linear *linear, const float *x, float *y)
{
    memcpy(y, linear->bias, linear->out * sizeof *y);
    kernels_get()->linear(y, linear->columns, x, linear->in, linear->out);
}

bool head_logits(const struct head *head, struct arena *arena, const float *v, const uint32_t *ids,
                 size_t n, float *logits, struct err *err)
{
    const float *x = v;
    if (head->own) return own_logits(head, arena, v, logits, err);
    for (size_t i = 0; i < head->n_hidden; i++) {
        const struct linear *hidden = &head->hidden[i];
        float *inner = arena_array(arena, hidden->out, sizeof *inner);
        if (!inner) return err_out_of_memory(err);
        apply(hidden, x, inner);
        for (uint32_t j = 0; j < hidden->out; j++)
            inner[j] = inner[j] > 0 ? inner[j] : 0;
        x = inner;
    }
    apply(&head->output, x, logits);
    if (head->info.ngrams > 0) {
        float *sums = arena_array(arena, head->output.out, sizeof *sums);
        if (!sums) return err_out_of_memory(err);
        ngram_table_add(&head->ngrams, ids, n, sums, logits);
    }
    return kernels_get()->is_finite(logits, head->output.out) ||
           err_set(err, ERR_INTERNAL, NULL,
                   "a logit of head '%.100s' is not finite: its numbers "
                   "or the table's are too large",
                   head->info.name);
}

static void softmax(const struct head_info *info, const float *logits, float *p)
{
    double sum = 0;
    float largest = logits[0];
    for (uint32_t i = 1; i < info->rows; i++)
        if (logits[i] > largest) largest = logits[i];
    kernels_get()->exponentials(p, logits, largest, info->temperature, info->rows);
    for (uint32_t i = 0; i < info->rows; i++)
        sum += p[i];
    for (uint32_t i = 0; i < info->rows; i++)
        p[i] = (float)(p[i] / sum);
}

void head_info_probabilities(const struct head_info *info, const float *logits, float *p)
{
    const double temperature = info->temperature;
    switch (info->kind) {
    case HEAD_BINARY:
        p[0] = (float)sigmoid(-logits[0] / temperature);
        p[1] = (float)sigmoid(logits[0] / temperature);
        return;
    case HEAD_MULTI_CLASS:
        softmax(info, logits, p);
        return;
    case HEAD_MULTI_LABEL:
        for (uint32_t i = 0; i < info->rows; i++)
            p[i] = (float)sigmoid(logits[i] / temperature);
        return;
    }
}

void head_probabilities(const struct head *head, const float *logits, float *p)
{
    if (!head->own) {
        head_info_probabilities(&head->info, logits, p);
        return;
    }
    for (uint32_t i = 0; i < head->info.rows; i++)
        p[i] = expf(logits[i]);
}

/* ---- what they mean ---- */

/* Larger floats, then smaller indices, give smaller keys. -0 and +0 are equals. */
static uint64_t order_key(float logit, uint32_t index)
{
    uint32_t bits;
    if (logit == 0) logit = 0;
    memcpy(&bits, &logit, sizeof bits);
    bits = bits & 0x80000000u ? bits : ~bits & 0x7FFFFFFFu;
    return (uint64_t)bits << 32 | index;
}

static int compare_keys(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Each key is the smallest of those above the one before: k looks at all labels. */
static void pick(const float *logits, uint32_t n, uint32_t k, uint32_t *order)
{
    uint64_t before = 0;
    for (uint32_t i = 0; i < k; i++) {
        uint64_t next = UINT64_MAX;
        for (uint32_t j = 0; j < n; j++) {
            const uint64_t key = order_key(logits[j], j);
            if (key < next && (i == 0 || key > before)) next = key;
        }
        order[i] = (uint32_t)next;
        before = next;
    }
}

bool head_order(const struct head *head, struct arena *arena, const float *logits, uint32_t k,
                uint32_t *order, struct err *err)
{
    const uint32_t n = head->info.n_labels;
    assert(k <= n);
    if (head->info.kind == HEAD_BINARY) {
        order[0] = logits[0] > 0;
        if (k > 1) order[1] = !order[0];
        return true;
    }
    if (k <= PICKED_MAX) {
        pick(logits, n, k, order);
        return true;
    }
    uint64_t *keys = arena_array(arena, n, sizeof *keys);
    if (!keys) return err_out_of_memory(err);
    for (uint32_t i = 0; i < n; i++)
        keys[i] = order_key(logits[i], i);
    qsort(keys, n, sizeof *keys, compare_keys);
    for (uint32_t i = 0; i < k; i++)
        order[i] = (uint32_t)keys[i];
    return true;
}

bool head_passes(const struct head *head, const float *p, uint32_t i, float threshold)
{
    switch (head->info.kind) {
    case HEAD_BINARY:
        return (p[1] >= (threshold < 0 ? head->thresholds[0] : threshold)) == (i == 1);
    case HEAD_MULTI_CLASS:
        return true;
    case HEAD_MULTI_LABEL:
        return p[i] >= (threshold < 0 ? head->thresholds[i] : threshold);
    }
    return false;
}

uint32_t head_best(const struct head *head, const float *p, const uint32_t *order, uint32_t n,
                   float threshold)
{
    uint32_t best = 0;
    while (best < n && !head_passes(head, p, order[best], threshold))
        best++;
    return best;
}

static bool check_shares(const struct head *head, struct err *err)
{
    if (head->input.pool.pooling == POOLING_MAX || head->input.pool.pooling == POOLING_UNIT)
        return err_set(err, ERR_INVALID, "explain",
                       "this model's vectors are not sums over tokens (its pooling is %s), so its "
                       "logits cannot be explained; send the request without explain",
                       pooling_names[head->input.pool.pooling]);
    if (head->own)
        return err_set(err, ERR_INVALID, "explain",
                       "head '%.100s' is part of a %s model, which gives only probabilities; send "
                       "the request without explain",
                       head->info.name, head->own->owner);
    if (head->info.hidden == 0) return true;
    return err_set(err, ERR_INVALID, "explain",
                   "head '%.100s' has a hidden layer, so its logits are not sums over tokens; send "
                   "the request without explain",
                   head->info.name);
}

static double dot_row(const struct linear *linear, uint32_t row, const float *x)
{
    double sum = 0;
    for (uint32_t j = 0; j < linear->in; j++)
        sum += (double)x[j] * (double)linear->columns[j * linear->out + row];
    return sum;
}

bool head_explain(const struct head *head, struct arena *arena, const uint32_t *ids, size_t n,
                  uint32_t row, double *shares, double *bias, struct err *err)
{
    const struct head_input *input = &head->input;
    assert(input->encoder);
    const struct table *table = input->encoder->table;
    const uint32_t unknown = input->encoder->left_out, dim = input->dim;
    assert(row < head->info.rows);
    if (!check_shares(head, err)) return false;
    float *sum = arena_array(arena, dim, sizeof *sum), *one = arena_array(arena, dim, sizeof *one);
    if (!sum || !one) return err_out_of_memory(err);
    pool_sum(table, unknown, ids, n, &input->pool, sum);
    const double divisor = pool_divisor(table, unknown, ids, n, &input->pool, sum);
    *bias = (double)head->output.bias[row];
    for (size_t i = 0; i < n; i++) {
        shares[i] = 0;
        if (ids[i] == unknown || ids[i] == TOKEN_ID_NONE || divisor == 0) continue;
        table_floats(table, ids[i], 0, dim, one);
        shares[i] = dot_row(&head->output, row, one) / divisor;
        if (input->pool.pooling == POOLING_WEIGHTED) shares[i] *= (double)table->weights[ids[i]];
    }
    if (head->info.ngrams > 0) ngram_table_shares(&head->ngrams, ids, n, row, shares);
    return true;
}
