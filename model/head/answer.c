/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/answer.h"

#include "model/head/confusions.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_THRESHOLD 0.5f

static uint32_t largest(const float *p, uint32_t n)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++) {
        if (p[i] > p[best]) best = i;
    }
    return best;
}

uint32_t answer_one(enum head_kind kind, uint32_t n_labels, const float *thresholds, const float *p)
{
    if (kind == HEAD_MULTI_CLASS) return largest(p, n_labels);
    return p[1] >= (thresholds ? thresholds[0] : DEFAULT_THRESHOLD);
}

bool answer_has(const float *thresholds, const float *p, uint32_t i)
{
    return p[i] >= (thresholds ? thresholds[i] : DEFAULT_THRESHOLD);
}

static int ascending(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Bits of floats that are not negative are ordered as the numbers are; turned round, the largest
 * comes first, and of equals the first label. */
static uint64_t order_key(float p, uint32_t label)
{
    uint32_t bits;
    p += 0.0f; /* -0 becomes +0 */
    memcpy(&bits, &p, sizeof bits);
    return (uint64_t)~bits << 32 | label;
}

static bool judge_labels(struct answer *answer, struct arena *arena, const struct head_info *info,
                         const float *p, const uint32_t *truth, size_t n_truth, struct err *err)
{
    uint64_t *keys = arena_array(arena, info->n_labels, sizeof *keys);
    uint32_t *labels = arena_array(arena, info->n_labels, sizeof *labels);
    uint8_t *is_true = arena_array(arena, info->n_labels, sizeof *is_true);
    if (!keys || !labels || !is_true) return err_out_of_memory(err);
    memset(is_true, 0, info->n_labels);
    answer->is_right = true;
    for (size_t i = 0; i < n_truth; i++) {
        if (truth[i] == EVALUATION_UNKNOWN)
            answer->is_right = false;
        else
            is_true[truth[i]] = 1;
    }
    for (uint32_t i = 0; i < info->n_labels; i++) {
        const bool is_predicted = answer_has(info->thresholds, p, i);
        if (is_predicted) keys[answer->n++] = order_key(p[i], i);
        answer->is_right &= is_predicted == is_true[i];
    }
    qsort(keys, answer->n, sizeof *keys, ascending);
    for (uint32_t i = 0; i < answer->n; i++)
        labels[i] = (uint32_t)keys[i];
    answer->labels = labels;
    return true;
}

bool answer_judge(struct answer *answer, struct arena *arena, const struct head_info *info,
                  const float *p, const uint32_t *truth, size_t n_truth, struct err *err)
{
    *answer = (struct answer){0};
    if (info->kind == HEAD_MULTI_LABEL)
        return judge_labels(answer, arena, info, p, truth, n_truth, err);
    uint32_t *label = arena_alloc(arena, sizeof *label);
    if (!label) return err_out_of_memory(err);
    *label = answer_one(info->kind, info->n_labels, info->thresholds, p);
    *answer = (struct answer){label, 1, n_truth == 1 && *label == truth[0]};
    return true;
}

bool answer_top(const struct head *head, struct arena *arena, const float *p, uint32_t k,
                uint32_t *order, struct err *err)
{
    if (head_info(head)->kind != HEAD_BINARY)
        return head_order(head, arena, p, k, order, err); /* by p as by logits */
    order[0] = p[1] > p[0];
    if (k > 1) order[1] = !order[0];
    return true;
}
