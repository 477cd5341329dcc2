/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/pulls.h"

#include <stdlib.h>

#define CAP_MIN 1024

struct sum {
    uint32_t truth, predicted, id;
    bool is_taken;
    double share;
};

struct pulls {
    const struct model *model;
    struct sum *sums; /* (cap) a power of two; a hash table, at most half full */
    size_t n, cap;
};

struct pulls *pulls_new(const struct model *model, struct err *err)
{
    struct pulls *pulls = calloc(1, sizeof *pulls);
    if (pulls) {
        *pulls = (struct pulls){.model = model, .cap = CAP_MIN};
        pulls->sums = calloc(CAP_MIN, sizeof *pulls->sums);
        if (pulls->sums) return pulls;
    }
    pulls_free(pulls);
    err_out_of_memory(err);
    return NULL;
}

void pulls_free(struct pulls *pulls)
{
    if (!pulls) return;
    free(pulls->sums);
    free(pulls);
}

static bool is_of(const struct sum *sum, uint32_t truth, uint32_t predicted)
{
    return sum->is_taken && sum->truth == truth && sum->predicted == predicted;
}

static struct sum *find(struct sum *sums, size_t cap, uint32_t truth, uint32_t predicted,
                        uint32_t id)
{
    const uint64_t factor = UINT64_C(0x9E3779B97F4A7C15);
    const uint64_t key = (((uint64_t)truth << 32 | predicted) * factor ^ id) * factor;
    size_t at = (size_t)(key >> 32) & (cap - 1);
    while (sums[at].is_taken && (!is_of(&sums[at], truth, predicted) || sums[at].id != id))
        at = (at + 1) & (cap - 1);
    return &sums[at];
}

static bool reserve(struct pulls *pulls)
{
    if (2 * (pulls->n + 1) <= pulls->cap) return true;
    const size_t cap = 2 * pulls->cap;
    struct sum *sums = calloc(cap, sizeof *sums);
    if (!sums) return false;
    for (size_t i = 0; i < pulls->cap; i++) {
        const struct sum *sum = &pulls->sums[i];
        if (sum->is_taken) *find(sums, cap, sum->truth, sum->predicted, sum->id) = *sum;
    }
    free(pulls->sums);
    pulls->sums = sums;
    pulls->cap = cap;
    return true;
}

bool pulls_add(struct pulls *pulls, uint32_t truth, uint32_t predicted, const uint32_t *ids,
               const double *shares, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (ids[i] == TOKEN_ID_NONE || shares[i] == 0) continue;
        struct sum *sum = find(pulls->sums, pulls->cap, truth, predicted, ids[i]);
        if (!sum->is_taken) {
            if (pulls->n >= PULLS_MAX) continue;
            if (!reserve(pulls)) return err_out_of_memory(err);
            sum = find(pulls->sums, pulls->cap, truth, predicted, ids[i]);
            *sum = (struct sum){truth, predicted, ids[i], true, 0};
            pulls->n++;
        }
        sum->share += shares[i];
    }
    return true;
}

/* Puts a sum where it belongs among the n that are largest so far, of equals the lower id first. */
static size_t insert(const struct sum **largest, size_t n, const struct sum *sum)
{
    size_t at = n;
    while (at > 0 && (largest[at - 1]->share < sum->share ||
                      (largest[at - 1]->share == sum->share && largest[at - 1]->id > sum->id)))
        at--;
    if (at == PULLS_SHOWN) return n;
    if (n < PULLS_SHOWN) n++;
    for (size_t i = n - 1; i > at; i--)
        largest[i] = largest[i - 1];
    largest[at] = sum;
    return n;
}

size_t pulls_find(const struct pulls *pulls, uint32_t truth, uint32_t predicted, uint64_t n_texts,
                  struct pull out[static PULLS_SHOWN])
{
    const struct sum *largest[PULLS_SHOWN];
    size_t n = 0;
    for (size_t i = 0; i < pulls->cap; i++) {
        const struct sum *sum = &pulls->sums[i];
        if (is_of(sum, truth, predicted) && sum->share > 0) n = insert(largest, n, sum);
    }
    for (size_t i = 0; i < n; i++) {
        out[i].token.data = model_token_text(pulls->model, largest[i]->id, &out[i].token.bytes);
        out[i].share = largest[i]->share / (double)n_texts;
    }
    return n;
}
