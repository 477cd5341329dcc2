/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/evaluation.h"

#include "base/grow.h"
#include "base/ratio.h"
#include "model/head/answer.h"
#include "model/head/confusions.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOG_LOSS_CLIP 1e-15
#define TOP_K_LABELS_MIN 6

/* What a probability was said of: something that is false, true, or nobody knows. */
enum verdict { IS_FALSE, IS_TRUE, IS_UNKNOWN, VERDICTS };

struct bin_sums {
    uint64_t n, right;
    double confidence;
};

struct evaluation {
    struct evaluation_result result;
    struct evaluation_class *classes; /* (n_labels) */
    struct confusions confusions;
    bool is_finished;

    uint64_t n_true;     /* labels of all examples, unknown ones as one an example */
    uint64_t n_wrong;    /* multi-label: decisions, example by label */
    uint64_t n_top[6];   /* [k]: truth among the k largest */
    double log_loss;     /* sum */
    uint64_t n_log_loss; /* of how many */
    double brier;        /* sum, of as many */
    uint8_t *is_true;    /* (n_labels) multi-label: of the example at hand; otherwise all 0 */
    uint32_t *scores;    /* (n_scores) binary: bits of p << 1 | whether the second label is true */
    size_t n_scores, cap_scores;
    struct bin_sums bins[EVALUATION_BINS];
    uint64_t points[EVALUATION_POINTS][VERDICTS]; /* [i]: from threshold i, below the next */
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, NULL, "no memory left for the evaluation");
}

static bool check_labels(enum head_kind kind, uint32_t n_labels, struct err *err)
{
    if (kind == HEAD_BINARY && n_labels != 2)
        return err_set(err, ERR_INVALID, "labels", "a binary head must have 2 labels, not %u",
                       n_labels);
    if (n_labels == 0 || n_labels == EVALUATION_UNKNOWN)
        return err_set(err, ERR_INVALID, "labels", "a head must have at least 1 label, not %u",
                       n_labels);
    return true;
}

struct evaluation *evaluation_new(enum head_kind kind, uint32_t n_labels, const char *const *names,
                                  const float *thresholds, struct err *err)
{
    if (!check_labels(kind, n_labels, err)) return NULL;
    struct evaluation *evaluation = calloc(1, sizeof *evaluation);
    if (!evaluation) goto out;
    evaluation->result = (struct evaluation_result){
        .kind = kind, .n_labels = n_labels, .names = names, .thresholds = thresholds};
    evaluation->classes = calloc(n_labels, sizeof *evaluation->classes);
    evaluation->is_true = calloc(n_labels, sizeof *evaluation->is_true);
    if (evaluation->classes && evaluation->is_true) return evaluation;
out:
    no_memory(err);
    evaluation_free(evaluation);
    return NULL;
}

void evaluation_free(struct evaluation *evaluation)
{
    if (!evaluation) return;
    confusions_clear(&evaluation->confusions);
    free(evaluation->classes);
    free(evaluation->is_true);
    free(evaluation->scores);
    free(evaluation);
}

/* ---- gathering ---- */

static bool check_example(const struct evaluation_result *result, const float *p,
                          const uint32_t *truth, size_t n_truth, struct err *err)
{
    for (uint32_t i = 0; i < result->n_labels; i++) {
        if (!(p[i] >= 0 && p[i] <= 1)) /* so that NaN is seen */
            return err_set(err, ERR_INVALID, NULL,
                           "the probability of label %u must be a number from 0 to 1, not %g", i,
                           (double)p[i]);
    }
    if (result->kind != HEAD_MULTI_LABEL && n_truth != 1)
        return err_set(err, ERR_INVALID, NULL, "a %s head needs 1 true label per example, not %zu",
                       head_kind_names[result->kind], n_truth);
    for (size_t i = 0; i < n_truth; i++) {
        if (truth[i] >= result->n_labels && truth[i] != EVALUATION_UNKNOWN)
            return err_set(err, ERR_INVALID, NULL,
                           "a true label must be from 0 to %u, or unknown, not %u",
                           result->n_labels - 1, truth[i]);
    }
    return true;
}

static float point_threshold(int point)
{
    return (float)(point / 100.0);
}

static void count_point(struct evaluation *evaluation, float p, enum verdict verdict)
{
    int point = (int)(p * 100);
    /* The product is rounded: the comparison decides. */
    while (point > 0 && p < point_threshold(point))
        point--;
    while (point + 1 < EVALUATION_POINTS && p >= point_threshold(point + 1))
        point++;
    evaluation->points[point][verdict]++;
}

static void count_bin(struct evaluation *evaluation, float p, bool is_right)
{
    int i = (int)((double)p * EVALUATION_BINS);
    struct bin_sums *bin = &evaluation->bins[i < EVALUATION_BINS ? i : EVALUATION_BINS - 1];
    bin->n++;
    bin->right += is_right;
    bin->confidence += (double)p;
}

static void count_loss(struct evaluation *evaluation, double p_of_truth)
{
    double p = fmin(fmax(p_of_truth, LOG_LOSS_CLIP), 1 - LOG_LOSS_CLIP);
    evaluation->log_loss -= log(p);
    evaluation->n_log_loss++;
}

/* Over all labels but the true one, then that. */
static double brier_of(const struct evaluation_result *result, const float *p, uint32_t truth)
{
    double sum = 0;
    if (result->kind == HEAD_BINARY) {
        const double miss = (double)p[1] - (truth == 1);
        return miss * miss;
    }
    for (uint32_t i = 0; i < result->n_labels; i++)
        sum += ((double)p[i] - (i == truth)) * ((double)p[i] - (i == truth));
    return sum;
}

/* Room for whatever one example may add, so that nothing can fail once counting has begun. */
static bool make_room(struct evaluation *evaluation, struct err *err)
{
    if (!confusions_reserve(&evaluation->confusions)) return no_memory(err);
    if (evaluation->result.kind != HEAD_BINARY) return true;
    return grow_list(&evaluation->scores, &evaluation->cap_scores, evaluation->n_scores + 1,
                     sizeof *evaluation->scores) ||
           no_memory(err);
}

static void count_score(struct evaluation *evaluation, float p, bool is_positive)
{
    uint32_t bits;
    p += 0.0f; /* -0 becomes +0: bits of what is not negative are ordered as the numbers are */
    memcpy(&bits, &p, sizeof bits);
    evaluation->scores[evaluation->n_scores++] = bits << 1 | is_positive;
}

static void count_top(struct evaluation *evaluation, const float *p, uint32_t truth)
{
    const uint32_t n = evaluation->result.n_labels;
    uint32_t before = 0;
    for (uint32_t i = 0; i < n; i++)
        before += p[i] > p[truth] || (i < truth && p[i] == p[truth]);
    evaluation->n_top[3] += before < 3;
    evaluation->n_top[5] += before < 5;
}

/* A head that answers with one label: binary or multi-class. */
static void add_one_label(struct evaluation *evaluation, const float *p, uint32_t truth)
{
    struct evaluation_result *result = &evaluation->result;
    const bool is_binary = result->kind == HEAD_BINARY, is_known = truth != EVALUATION_UNKNOWN;
    uint32_t predicted = answer_one(result->kind, result->n_labels, result->thresholds, p);
    const bool is_right = predicted == truth;

    result->n_unknown += !is_known;
    result->n_right += is_right;
    evaluation->classes[predicted].predicted++;
    evaluation->classes[predicted].correct += is_right;
    if (!is_right) confusions_count(&evaluation->confusions, truth, predicted);
    count_bin(evaluation, p[predicted], is_right);
    if (is_binary)
        count_point(evaluation, p[1], is_known ? (enum verdict)(truth == 1) : IS_UNKNOWN);
    else
        count_point(evaluation, p[predicted], is_right ? IS_TRUE : IS_FALSE);
    if (!is_known) return;
    evaluation->classes[truth].support++;
    count_loss(evaluation, (double)p[truth]);
    evaluation->brier += brier_of(result, p, truth);
    if (is_binary) count_score(evaluation, p[1], truth == 1);
    if (result->n_labels >= TOP_K_LABELS_MIN) count_top(evaluation, p, truth);
}

static void add_labels(struct evaluation *evaluation, const float *p, const uint32_t *truth,
                       size_t n_truth)
{
    struct evaluation_result *result = &evaluation->result;
    bool has_unknown = false;
    for (size_t i = 0; i < n_truth; i++) {
        if (truth[i] == EVALUATION_UNKNOWN)
            has_unknown = true;
        else
            evaluation->is_true[truth[i]] = 1;
    }
    uint64_t n_wrong = has_unknown;
    for (uint32_t i = 0; i < result->n_labels; i++) {
        struct evaluation_class *class = &evaluation->classes[i];
        const bool is_true = evaluation->is_true[i],
                   is_predicted = answer_has(result->thresholds, p, i);
        class->support += is_true;
        class->predicted += is_predicted;
        class->correct += is_true && is_predicted;
        n_wrong += is_true != is_predicted;
        count_bin(evaluation, p[i], is_true);
        count_point(evaluation, p[i], is_true ? IS_TRUE : IS_FALSE);
        count_loss(evaluation, is_true ? (double)p[i] : 1 - (double)p[i]);
        evaluation->brier += ((double)p[i] - is_true) * ((double)p[i] - is_true);
    }
    for (size_t i = 0; i < n_truth; i++) {
        if (truth[i] != EVALUATION_UNKNOWN) evaluation->is_true[truth[i]] = 0;
    }
    result->n_unknown += has_unknown;
    evaluation->n_wrong += n_wrong;
    result->n_right += n_wrong == 0;
}

bool evaluation_add(struct evaluation *evaluation, const float *p, const uint32_t *truth,
                    size_t n_truth, struct err *err)
{
    assert(!evaluation->is_finished);
    if (!check_example(&evaluation->result, p, truth, n_truth, err)) return false;
    if (!make_room(evaluation, err)) return false;
    if (evaluation->result.kind == HEAD_MULTI_LABEL)
        add_labels(evaluation, p, truth, n_truth);
    else
        add_one_label(evaluation, p, truth[0]);
    evaluation->result.n++;
    return true;
}

/* ---- measures ---- */

static struct evaluation_average average_of(uint64_t correct, uint64_t predicted, uint64_t support)
{
    return (struct evaluation_average){.precision = ratio_or_zero(correct, predicted),
                                       .recall = ratio_or_zero(correct, support),
                                       .f1 = ratio_or_zero(2 * correct, predicted + support)};
}

static void add_weighted(struct evaluation_average *sum, const struct evaluation_class *class,
                         double weight)
{
    sum->precision += weight * class->precision;
    sum->recall += weight * class->recall;
    sum->f1 += weight * class->f1;
}

static struct evaluation_average divide(struct evaluation_average sum, double by)
{
    if (by == 0) return (struct evaluation_average){0};
    return (struct evaluation_average){sum.precision / by, sum.recall / by, sum.f1 / by};
}

static void measure_classes(struct evaluation *evaluation)
{
    struct evaluation_result *result = &evaluation->result;
    struct evaluation_average macro = {0}, weighted = {0};
    uint64_t correct = 0, predicted = 0, support = result->n_unknown;
    for (uint32_t i = 0; i < result->n_labels; i++) {
        struct evaluation_class *class = &evaluation->classes[i];
        struct evaluation_average own =
            average_of(class->correct, class->predicted, class->support);
        class->precision = own.precision;
        class->recall = own.recall;
        class->f1 = own.f1;
        result->n_occur += class->support > 0 || class->predicted > 0;
        correct += class->correct;
        predicted += class->predicted;
        support += class->support;
        add_weighted(&macro, class, 1);
        add_weighted(&weighted, class, (double)class->support);
    }
    /* The unknown labels are one more, with nothing but zeros. */
    uint32_t n = result->kind == HEAD_MULTI_LABEL ? result->n_labels : result->n_occur;
    result->micro = average_of(correct, predicted, support);
    result->macro = divide(macro, n + (result->n_unknown > 0));
    result->weighted = divide(weighted, (double)support);
    evaluation->n_true = support;
    if (result->n == 0) {
        const struct evaluation_average none = {NAN, NAN, NAN};
        result->micro = result->macro = result->weighted = none;
    }
}

static void measure_bins(struct evaluation *evaluation)
{
    struct evaluation_result *result = &evaluation->result;
    uint64_t n = 0;
    double sum = 0;
    for (int i = 0; i < EVALUATION_BINS; i++) {
        const struct bin_sums *from = &evaluation->bins[i];
        struct evaluation_bin *bin = &result->bins[i];
        *bin = (struct evaluation_bin){.n = from->n,
                                       .confidence =
                                           from->n ? from->confidence / (double)from->n : NAN,
                                       .accuracy = ratio_or_nan(from->right, from->n)};
        if (from->n == 0) continue;
        n += from->n;
        sum += (double)from->n * fabs(bin->accuracy - bin->confidence);
    }
    result->calibration_error = n ? sum / (double)n : NAN;
}

/* `above`: what has a p of at least the threshold. */
static void measure_point(const struct evaluation *evaluation, struct evaluation_point *point,
                          const uint64_t above[VERDICTS])
{
    const struct evaluation_result *result = &evaluation->result;
    const struct evaluation_class *classes = evaluation->classes;
    point->n = above[IS_FALSE] + above[IS_TRUE] + above[IS_UNKNOWN];
    point->precision = point->recall = point->f1 = point->accuracy = point->coverage = NAN;
    if (result->kind == HEAD_MULTI_CLASS) {
        point->coverage = ratio_or_nan(point->n, result->n);
        point->accuracy = ratio_or_nan(above[IS_TRUE], point->n);
        return;
    }
    if (result->n == 0) return;
    uint64_t support = evaluation->n_true;
    if (result->kind == HEAD_BINARY) {
        support = classes[1].support;
        uint64_t n_right = above[IS_TRUE] + classes[0].support - above[IS_FALSE];
        point->accuracy = ratio_or_nan(n_right, result->n);
    }
    struct evaluation_average average = average_of(above[IS_TRUE], point->n, support);
    point->precision = average.precision;
    point->recall = average.recall;
    point->f1 = average.f1;
}

static bool is_better(double value, double than, int at, int best)
{
    if (best < 0) return value > 0;
    return value > than || (value == than && abs(at - 50) < abs(best - 50));
}

static void measure_curve(struct evaluation *evaluation)
{
    struct evaluation_result *result = &evaluation->result;
    struct evaluation_point *curve = result->curve;
    uint64_t above[VERDICTS] = {0};
    result->best_f1 = result->best_accuracy = -1;
    for (int i = EVALUATION_POINTS - 1; i >= 0; i--) {
        for (int v = 0; v < VERDICTS; v++)
            above[v] += evaluation->points[i][v];
        curve[i].threshold = point_threshold(i);
        measure_point(evaluation, &curve[i], above);
    }
    for (int i = 0; i < EVALUATION_POINTS; i++) {
        int f1 = result->best_f1, accuracy = result->best_accuracy;
        if (is_better(curve[i].f1, f1 < 0 ? NAN : curve[f1].f1, i, f1)) result->best_f1 = i;
        if (result->kind == HEAD_BINARY &&
            is_better(curve[i].accuracy, accuracy < 0 ? NAN : curve[accuracy].accuracy, i,
                      accuracy))
            result->best_accuracy = i;
    }
}

static int by_value(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/*
 * The share of pairs of a positive and a negative example in which the positive one has the larger
 * p, equals counting half (Mann-Whitney U); doubled, so that it is whole numbers.
 */
static double roc_auc(struct evaluation *evaluation)
{
    const size_t n = evaluation->n_scores;
    const uint32_t *scores = evaluation->scores;
    uint64_t twice = 0, n_negative = 0, n_positive = 0;
    if (n > 0) qsort(evaluation->scores, n, sizeof *scores, by_value);
    for (size_t i = 0; i < n;) {
        uint32_t p = scores[i] >> 1;
        uint64_t equal[2] = {0};
        for (; i < n && scores[i] >> 1 == p; i++)
            equal[scores[i] & 1]++;
        twice += equal[1] * (2 * n_negative + equal[0]);
        n_negative += equal[0];
        n_positive += equal[1];
    }
    if (n_negative == 0 || n_positive == 0) return NAN;
    return (double)twice / 2 / (double)n_negative / (double)n_positive;
}

const struct evaluation_result *evaluation_finish(struct evaluation *evaluation)
{
    struct evaluation_result *result = &evaluation->result;
    if (evaluation->is_finished) return result;
    evaluation->is_finished = true;

    const bool is_multi_label = result->kind == HEAD_MULTI_LABEL;
    const bool has_top = result->kind == HEAD_MULTI_CLASS && result->n_labels >= TOP_K_LABELS_MIN;
    uint64_t columns = (uint64_t)result->n_labels + (result->n_unknown > 0);
    result->accuracy = ratio_or_nan(result->n_right, result->n);
    result->hamming_loss =
        is_multi_label ? ratio_or_nan(evaluation->n_wrong, result->n * columns) : NAN;
    result->log_loss =
        evaluation->n_log_loss ? evaluation->log_loss / (double)evaluation->n_log_loss : NAN;
    result->brier =
        evaluation->n_log_loss ? evaluation->brier / (double)evaluation->n_log_loss : NAN;
    result->top_3 = has_top ? ratio_or_nan(evaluation->n_top[3], result->n) : NAN;
    result->top_5 = has_top ? ratio_or_nan(evaluation->n_top[5], result->n) : NAN;
    result->roc_auc = result->kind == HEAD_BINARY ? roc_auc(evaluation) : NAN;
    measure_classes(evaluation);
    measure_bins(evaluation);
    measure_curve(evaluation);
    confusions_sort(&evaluation->confusions);
    result->classes = evaluation->classes;
    result->pairs = evaluation->confusions.pairs;
    result->n_pairs = evaluation->confusions.n;
    return result;
}
