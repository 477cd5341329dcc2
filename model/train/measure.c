/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/measure.h"

#include "model/head/intervals.h"

#include "model/math/logistic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Examples that are asked before their answers are counted. */
#define ROUND 256
#define ARENA_BYTES ((size_t)1 << 30)

struct round {
    const struct head *head;
    const struct measuring *measuring;
    struct arena *arenas; /* one a worker */
    float *p;             /* (ROUND, C) */
    float *logits;        /* (n, R) of all, or NULL */
    size_t first, n;
    struct err errs[ROUND];
    bool is_failed[ROUND];
};

static bool ask(struct round *round, struct arena *arena, size_t i, struct err *err)
{
    const struct measuring *m = round->measuring;
    const struct head_info *info = m->info;
    const struct example *item = &m->examples->items[m->rows[round->first + i]];
    const uint32_t *ids = m->examples->ids + item->ids_at;
    arena_reset(arena);
    float *v = arena_array(arena, head_info(round->head)->dim, sizeof *v);
    float *logits = arena_array(arena, info->rows, sizeof *logits);
    if (!v || !logits) return err_out_of_memory(err);
    const struct passage passage = {.ids = ids, .n = item->n_ids};
    if (!head_vector(round->head, arena, &passage, v, err) ||
        !head_logits(round->head, arena, v, ids, item->n_ids, logits, err))
        return false;
    head_probabilities(round->head, logits, round->p + i * info->n_labels);
    if (round->logits)
        memcpy(round->logits + (round->first + i) * info->rows, logits,
               info->rows * sizeof *logits);
    return true;
}

static void ask_round(void *user, unsigned worker, unsigned n_workers)
{
    struct round *round = user;
    for (size_t i = worker; i < round->n; i += n_workers)
        round->is_failed[i] = !ask(round, &round->arenas[worker], i, &round->errs[i]);
}

static bool count_round(const struct round *round, struct evaluation *evaluation, struct err *err)
{
    const struct measuring *m = round->measuring;
    for (size_t i = 0; i < round->n; i++) {
        const struct example *item = &m->examples->items[m->rows[round->first + i]];
        if (round->is_failed[i]) {
            *err = round->errs[i];
            return false;
        }
        if (!evaluation_add(evaluation, round->p + i * m->info->n_labels,
                            m->examples->labels + item->labels_at, item->n_labels, err))
            return false;
    }
    return true;
}

static bool measure_all(struct round *round, struct workers *workers, struct evaluation *evaluation,
                        struct err *err)
{
    const size_t n = round->measuring->n;
    for (; round->first < n; round->first += ROUND) {
        round->n = n - round->first < ROUND ? n - round->first : ROUND;
        workers_run(workers, ask_round, round);
        if (!count_round(round, evaluation, err)) return false;
    }
    return true;
}

struct evaluation *measure(const struct head *head, const struct measuring *measuring,
                           struct workers *workers, float *logits, struct err *err)
{
    const struct head_info *info = measuring->info;
    const unsigned n_workers = workers_size(workers);
    struct evaluation *evaluation =
        evaluation_new(info->kind, info->n_labels, info->labels, info->thresholds, err);
    struct round *round = calloc(1, sizeof *round);
    struct arena *arenas = calloc(n_workers, sizeof *arenas);
    float *p = calloc((size_t)ROUND * info->n_labels, sizeof *p);
    bool ok = false;
    if (evaluation && round && arenas && p) {
        for (unsigned i = 0; i < n_workers; i++)
            arena_init(&arenas[i], ARENA_BYTES);
        round->head = head;
        round->measuring = measuring;
        round->arenas = arenas;
        round->p = p;
        round->logits = logits;
        ok = measure_all(round, workers, evaluation, err);
        for (unsigned i = 0; i < n_workers; i++)
            arena_clear(&arenas[i]);
    } else if (evaluation) {
        err_set(err, ERR_MEMORY, NULL, "no memory to measure the head");
    }
    free(round);
    free(arenas);
    free(p);
    if (ok) return evaluation;
    evaluation_free(evaluation);
    return NULL;
}

/* ---- temperature ---- */

static double softmax_loss(const float *logits, uint32_t n, uint32_t label, double temperature)
{
    double sum = 0;
    float largest = logits[0];
    for (uint32_t k = 1; k < n; k++)
        if (logits[k] > largest) largest = logits[k];
    uint32_t k = 0;
    do /* n is at least 1 */
        sum += exponential(((double)logits[k] - (double)largest) / temperature);
    while (++k < n);
    return log(sum) - ((double)logits[label] - (double)largest) / temperature;
}

static double loss_of(const struct head_info *info, const float *logits, const uint32_t *labels,
                      uint32_t n_labels, double temperature)
{
    if (info->kind == HEAD_BINARY)
        return logistic_loss((double)logits[0] / temperature, labels[0] == 1);
    if (info->kind == HEAD_MULTI_CLASS)
        return softmax_loss(logits, info->rows, labels[0], temperature);
    double loss = 0;
    for (uint32_t k = 0, next = 0; k < info->rows; k++) {
        const bool truth = next < n_labels && labels[next] == k;
        next += truth;
        loss += logistic_loss((double)logits[k] / temperature, truth);
    }
    return loss;
}

static bool is_known(const struct measuring *m, const struct example *item)
{
    const uint32_t *labels = m->examples->labels + item->labels_at;
    return item->n_labels == 0 || labels[item->n_labels - 1] != EXAMPLES_NO_LABEL;
}

/* Of the examples whose labels are known, and what holds the temperature near 1. */
static double penalty(const struct measuring *m, const float *logits, double temperature)
{
    const struct head_info *info = m->info;
    double sum = 0;
    for (size_t i = 0; i < m->n; i++) {
        const struct example *item = &m->examples->items[m->rows[i]];
        const uint32_t *labels = m->examples->labels + item->labels_at;
        if (!is_known(m, item)) continue;
        sum += loss_of(info, logits + i * info->rows, labels, item->n_labels, temperature);
    }
    return sum + CALIBRATION_PRIOR * log(temperature) * log(temperature);
}

/* Golden section search on the logarithm: the sum has one minimum there. */
double measure_temperature(const struct measuring *measuring, const float *logits)
{
    const double ratio = 0.6180339887498949;
    double low = -log(2), high = log(20);
    double a = high - ratio * (high - low), b = low + ratio * (high - low);
    double loss_a = penalty(measuring, logits, exp(a));
    double loss_b = penalty(measuring, logits, exp(b));
    while (high - low > 1e-3) {
        if (loss_a < loss_b) {
            high = b;
            b = a;
            loss_b = loss_a;
            a = high - ratio * (high - low);
            loss_a = penalty(measuring, logits, exp(a));
        } else {
            low = a;
            a = b;
            loss_a = loss_b;
            b = low + ratio * (high - low);
            loss_b = penalty(measuring, logits, exp(b));
        }
    }
    return exp((low + high) / 2);
}

/* ---- what the held-out rows say ---- */

static size_t count_known(const struct measuring *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        n += is_known(m, &m->examples->items[m->rows[i]]);
    return n;
}

static struct evaluation *evaluate(const struct measuring *m, const struct head_info *info,
                                   const float *logits, struct err *err)
{
    struct evaluation *evaluation =
        evaluation_new(info->kind, info->n_labels, info->labels, NULL, err);
    float *p = malloc(info->n_labels * sizeof *p);
    bool ok = evaluation && (p || err_out_of_memory(err));
    for (size_t i = 0; ok && i < m->n; i++) {
        const struct example *item = &m->examples->items[m->rows[i]];
        const uint32_t *labels = m->examples->labels + item->labels_at;
        head_info_probabilities(info, logits + i * info->rows, p);
        ok = evaluation_add(evaluation, p, labels, item->n_labels, err);
    }
    free(p);
    if (ok) return evaluation;
    evaluation_free(evaluation);
    return NULL;
}

static bool take_margins(const struct measuring *m, const float *logits, struct measured *measured,
                         struct err *err)
{
    float *margins = malloc(m->n * sizeof *margins);
    if (!margins) return err_out_of_memory(err);
    for (size_t i = 0; i < m->n; i++)
        margins[i] = unsure_margin(m->info, logits + i * m->info->rows);
    unsure_quantiles(margins, m->n, measured->margins, UNSURE_QUANTILES);
    measured->n_margins = UNSURE_QUANTILES;
    free(margins);
    return true;
}

bool measure_logits(const struct measuring *measuring, const float *logits,
                    struct measured *measured, struct err *err)
{
    const bool is_enough = count_known(measuring) >= CALIBRATION_ROWS_MIN;
    const size_t n_apart = measuring->n_apart ? measuring->n_apart : measuring->n;
    struct head_info info = *measuring->info;
    *measured = (struct measured){
        .n = measuring->n, .temperature = is_enough ? measure_temperature(measuring, logits) : 1};
    info.temperature = (float)measured->temperature;
    struct evaluation *evaluation = evaluate(measuring, &info, logits, err);
    if (!evaluation) return false;
    const struct evaluation_result *result = evaluation_finish(evaluation);
    const bool is_multi = info.kind == HEAD_MULTI_LABEL;
    measured->score = is_multi ? result->micro.f1 : result->accuracy;
    measured->score_low = measured->score_high = NAN;
    if (!is_multi)
        interval_wilson((uint64_t)(result->accuracy * (double)n_apart + 0.5), n_apart,
                        &measured->score_low, &measured->score_high);
    measured->macro_f1 = result->macro.f1;
    measured->log_loss = result->log_loss;
    measured->calibration_error = is_enough ? result->calibration_error : NAN;
    measured->brier = is_enough ? result->brier : NAN;
    evaluation_free(evaluation);
    return !is_enough || take_margins(measuring, logits, measured, err);
}
