/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/fasttext/output.h"

#include "model/encoder/fasttext/best.h"

#include <math.h>
#include <stdlib.h>

#define LOGISTIC_END 8

/* What probabilities are ranked by, and what is printed is e to the power of it. */
static float log_of(float probability)
{
    return (float)log(probability + 1e-5);
}

static void fill_logistic(struct ft_output *output)
{
    for (int i = 0; i <= FT_LOGISTIC_STEPS; i++) {
        float x = (float)(i * 2 * LOGISTIC_END) / FT_LOGISTIC_STEPS - LOGISTIC_END;
        output->logistic[i] = (float)(1.0 / (1.0 + (double)expf(-x)));
    }
}

static float logistic(const struct ft_output *output, float x)
{
    if (x > LOGISTIC_END) return 1;
    if (!(x >= -LOGISTIC_END)) return 0; /* of NaN too */
    float step = (x + LOGISTIC_END) * FT_LOGISTIC_STEPS / LOGISTIC_END / 2;
    return output->logistic[(int)step];
}

bool ft_output_open(struct ft_output *output, const struct ft_dictionary *dictionary,
                    enum fasttext_loss loss, const struct ft_reader *reader)
{
    output->n_labels = dictionary->n_labels;
    output->loss = loss;
    fill_logistic(output);
    return loss != FASTTEXT_HIERARCHICAL || ft_tree_open(&output->tree, dictionary, reader);
}

void ft_output_close(struct ft_output *output)
{
    ft_tree_close(&output->tree);
    *output = (struct ft_output){0};
}

static void softmax(float *x, uint32_t n)
{
    float most = x[0], sum = 0;
    for (uint32_t i = 0; i < n; i++)
        most = most < x[i] ? x[i] : most;
    for (uint32_t i = 0; i < n; i++) {
        x[i] = (float)exp(x[i] - most);
        sum += x[i];
    }
    for (uint32_t i = 0; i < n; i++)
        x[i] /= sum;
}

static bool find_flat(const struct ft_output *output, const float *vector, float threshold,
                      struct arena *arena, struct ft_best *best)
{
    uint32_t n = output->n_labels;
    float *p = arena_array(arena, n, sizeof *p);
    if (!p) return false;
    ft_matrix_dots(&output->weights, vector, p);
    if (output->loss == FASTTEXT_SOFTMAX) {
        softmax(p, n);
    } else {
        for (uint32_t i = 0; i < n; i++)
            p[i] = logistic(output, p[i]);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (p[i] < threshold) continue;
        float score = log_of(p[i]);
        if (!ft_best_refuses(best, score)) ft_best_add(best, (struct ft_scored){score, i});
    }
    return true;
}

/* Walks the tree from its root, left before right, and leaves out branches that cannot reach the
   threshold or the best so far. What waits to be visited: a node for each level, and one more. */
static bool find_in_tree(const struct ft_output *output, const float *vector, float threshold,
                         struct arena *arena, struct ft_best *best)
{
    uint32_t n = output->n_labels;
    size_t waiting = 0;
    struct ft_scored *stack = arena_array(arena, (size_t)output->tree.height + 1, sizeof *stack);
    if (!stack) return false;
    float least = log_of(threshold);
    stack[waiting++] = (struct ft_scored){0, 2 * n - 2};
    while (waiting > 0) {
        struct ft_scored node = stack[--waiting];
        if (node.score < least || ft_best_refuses(best, node.score)) continue;
        if (node.label < n) {
            ft_best_add(best, node);
            continue;
        }
        const struct ft_inner *inner = &output->tree.inner[node.label - n];
        float f = ft_matrix_dot(&output->weights, node.label - n, vector);
        f = (float)(1.0 / (double)(1 + expf(-f)));
        stack[waiting++] = (struct ft_scored){node.score + log_of(f), inner->right};
        stack[waiting++] = (struct ft_scored){node.score + log_of((float)(1.0 - f)), inner->left};
    }
    return true;
}

bool ft_output_predict(const struct ft_output *output, const float *vector,
                       struct fasttext_wish wish, struct arena *arena,
                       struct fasttext_predictions *out)
{
    *out = (struct fasttext_predictions){0};
    if (wish.k == 0) return true;
    struct ft_best best = {.most = wish.k < output->n_labels ? wish.k : output->n_labels};
    best.items = arena_array(arena, best.most + 1, sizeof *best.items);
    if (!best.items) return false;
    bool ok = output->loss == FASTTEXT_HIERARCHICAL
                  ? find_in_tree(output, vector, wish.threshold, arena, &best)
                  : find_flat(output, vector, wish.threshold, arena, &best);
    if (!ok) return false;
    ft_best_sort(&best);
    out->items = arena_array(arena, best.n, sizeof *out->items);
    if (!out->items) return false;
    for (size_t i = 0; i < best.n; i++) {
        const struct ft_scored *item = &best.items[i];
        out->items[i] = (struct fasttext_prediction){item->label, expf(item->score)};
    }
    out->n = best.n;
    return true;
}
