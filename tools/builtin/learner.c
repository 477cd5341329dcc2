/* SPDX-License-Identifier: Apache-2.0 */
/* What learner.py does with the rows of a table: sums of them, and steps of Adam (Kingma and Ba,
   2015) on those that a batch touches. Texts are a matrix in CSR form, counts (texts, rows): text t
   asks for the rows ids[ends[t]] up to ids[ends[t + 1]], each so often as `counts` says. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct texts {
    const int64_t *ends;
    const int32_t *ids;
    const float *counts;
};

static void add(float *restrict to, float times, const float *restrict row, int width)
{
    for (int j = 0; j < width; j++)
        to[j] += times * row[j];
}

/* out (n, width): the sum of the rows of each of the texts `chosen`. */
void learner_sums(const struct texts *texts, const int64_t *chosen, int n, const float *rows,
                  int width, float *out)
{
#pragma omp parallel for schedule(dynamic, 32)
    for (int i = 0; i < n; i++) {
        float *sum = out + (size_t)i * (size_t)width;
        memset(sum, 0, (size_t)width * sizeof *sum);
        for (int64_t k = texts->ends[chosen[i]]; k < texts->ends[chosen[i] + 1]; k++)
            add(sum, texts->counts[k], rows + (size_t)texts->ids[k] * (size_t)width, width);
    }
}

/* Where in a batch each row stands: row `used[u]` in the texts `text[first[u]]` up to
   `text[first[u + 1]]`, `count` times each. */
struct uses {
    int n;
    int32_t *used, *first, *text;
    float *count;
};

/* place: zeros, one a row of the table; it is zeros again afterwards. */
static struct uses uses_of(const struct texts *texts, const int64_t *chosen, int n, int32_t *place)
{
    size_t total = 1;
    for (int i = 0; i < n; i++)
        total += (size_t)(texts->ends[chosen[i] + 1] - texts->ends[chosen[i]]);
    struct uses uses = {.used = malloc(total * sizeof *uses.used),
                        .first = calloc(total + 2, sizeof *uses.first),
                        .text = malloc(total * sizeof *uses.text),
                        .count = malloc(total * sizeof *uses.count)};
    if (!uses.used || !uses.first || !uses.text || !uses.count) abort();
    /* Two places on: filling moves each to the place it belongs to. */
    int32_t *next = uses.first + 1;
    for (int i = 0; i < n; i++)
        for (int64_t k = texts->ends[chosen[i]]; k < texts->ends[chosen[i] + 1]; k++) {
            int32_t row = texts->ids[k];
            if (place[row] == 0) {
                uses.used[uses.n] = row;
                place[row] = ++uses.n;
            }
            next[place[row]]++;
        }
    for (int u = 0; u < uses.n; u++)
        next[u + 1] += next[u];
    for (int i = 0; i < n; i++)
        for (int64_t k = texts->ends[chosen[i]]; k < texts->ends[chosen[i] + 1]; k++) {
            int32_t at = next[place[texts->ids[k]] - 1]++;
            uses.text[at] = i;
            uses.count[at] = texts->counts[k];
        }
    for (int u = 0; u < uses.n; u++)
        place[uses.used[u]] = 0;
    return uses;
}

/* gradient (n, width): of the sums of the texts `chosen`. rows, mean, square (rows, width) and
   steps (rows) change where a text asks for the row. */
void learner_adam(const struct texts *texts, const int64_t *chosen, int n, const float *gradient,
                  int width, float rate, float *rows, float *mean, float *square, float *steps,
                  int32_t *place)
{
    const float keep_mean = 0.9f, keep_square = 0.999f;
    struct uses uses = uses_of(texts, chosen, n, place);
#pragma omp parallel
    {
        float *g = malloc((size_t)width * sizeof *g);
        if (!g) abort();
#pragma omp for schedule(dynamic, 64)
        for (int u = 0; u < uses.n; u++) {
            memset(g, 0, (size_t)width * sizeof *g);
            for (int32_t k = uses.first[u]; k < uses.first[u + 1]; k++)
                add(g, uses.count[k], gradient + (size_t)uses.text[k] * (size_t)width, width);
            float step = steps[uses.used[u]] += 1;
            float mean_rate = rate / (1 - powf(keep_mean, step));
            float square_share = 1 / (1 - powf(keep_square, step));
            size_t start = (size_t)uses.used[u] * (size_t)width;
            for (int j = 0; j < width; j++) {
                float m = mean[start + j] = keep_mean * mean[start + j] + (1 - keep_mean) * g[j];
                float s = square[start + j] =
                    keep_square * square[start + j] + (1 - keep_square) * g[j] * g[j];
                rows[start + j] -= mean_rate * m / (sqrtf(s * square_share) + 1e-8f);
            }
        }
        free(g);
    }
    free(uses.used);
    free(uses.first);
    free(uses.text);
    free(uses.count);
}
