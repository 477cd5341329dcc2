/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/plan.h"

#include "model/bundle/bundle.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>

/* Numbers of n-grams in memory at most, each with its sum of squares: 128 MB. */
#define NGRAM_NUMBERS_MAX ((uint64_t)16 << 20)

#define EPOCHS 10
#define EPOCHS_MAX 100
/* Fewer rows are gone through more often. */
#define EXAMPLES_SEEN 12000

/* Where a share of the rows would be too few to measure by, all are, in turn. */
#define FOLDS 5
#define FOLDS_BELOW 2000

#define RATE 0.1
#define TABLE_RATE 0.01
/* Of a text of one token: of longer ones more vectors add up, and move less. */
#define NGRAM_VECTOR_RATE 0.2
/* Few labels have little to tell each other: of fewer than these n-grams get no vectors. */
#define NGRAM_VECTOR_LABELS 20
#define SCRATCH_RATE 0.05
/* One logit moves as far as the difference of two. */
#define SIGMOID_FACTOR 2
/* The fewer rows a label has, the more the pretrained vector counts beside the n-grams. */
#define VECTOR_SCALE 3
#define VECTOR_SCALE_MIN 0.3
#define VECTOR_SCALE_POWER 0.35

static const struct ngram_ranges ranges = {.tokens_max = 2,
                                           .characters_min = 2,
                                           .characters_max = 5,
                                           .ideographs_min = 1,
                                           .ideographs_max = 3,
                                           .has_ends = true,
                                           .length = 4};

static size_t *count_labels(const struct examples *examples)
{
    size_t *counts = calloc(examples_n_names(examples), sizeof *counts);
    for (size_t i = 0; counts && i < examples->n; i++)
        for (uint32_t k = 0; k < examples->items[i].n_labels; k++)
            counts[examples->labels[examples->items[i].labels_at + k]]++;
    return counts;
}

/* As scikit-learn's class_weight="balanced": n / (C · n_label). */
static bool weigh_labels(struct plan *plan, const struct examples *examples)
{
    const uint32_t n = examples_n_names(examples);
    size_t *counts = count_labels(examples);
    plan->label_weights = calloc(n, sizeof *plan->label_weights);
    for (uint32_t k = 0; counts && plan->label_weights && k < n; k++)
        plan->label_weights[k] =
            counts[k] > 0 ? (float)((double)examples->n / ((double)n * (double)counts[k])) : 1;
    plan->learner.label_weights = plan->label_weights;
    free(counts);
    return counts && plan->label_weights;
}

static float choose_vector_scale(const struct plan *plan, size_t n)
{
    const double few = (double)PLAN_FEW_ROWS * plan->learner.n_labels / (double)n;
    if (plan->ngrams_max == 0 || few >= 1) return VECTOR_SCALE;
    const double scale = VECTOR_SCALE * pow(few, VECTOR_SCALE_POWER);
    return (float)(scale > VECTOR_SCALE_MIN ? scale : VECTOR_SCALE_MIN);
}

static uint32_t dim_of(const struct model *model, const struct training_options *options)
{
    const bool is_chosen = options->mode == TRAINING_SCRATCH && options->dim > 0;
    return is_chosen ? options->dim : model_table(model)->dim;
}

static double tokens_of_text(const struct examples *examples)
{
    const double mean = (double)examples->n_ids / (double)examples->n;
    return mean > 1 ? mean : 1;
}

static void choose_rates(struct plan *plan, const struct examples *examples,
                         const struct training_options *options)
{
    struct learner_options *learner = &plan->learner;
    const double factor = learner->kind == HEAD_MULTI_CLASS ? 1 : SIGMOID_FACTOR;
    const double rate = options->learning_rate > 0 ? options->learning_rate : RATE;
    const bool is_scratch = options->mode == TRAINING_SCRATCH;
    learner->rate = (float)(rate * factor);
    learner->vector_rate = learner->rate;
    learner->ngram_vector_rate =
        (float)(NGRAM_VECTOR_RATE / tokens_of_text(examples) * rate / RATE);
    learner->table_rate = (float)(options->table_rate > 0 ? options->table_rate
                                  : is_scratch            ? SCRATCH_RATE
                                                          : TABLE_RATE);
    learner->vector_scale = choose_vector_scale(plan, examples->n);
}

static void choose_epochs(struct plan *plan, size_t n, const struct training_options *options)
{
    const size_t wanted = (EXAMPLES_SEEN + n - 1) / n;
    plan->epochs = wanted < EPOCHS ? EPOCHS : wanted > EPOCHS_MAX ? EPOCHS_MAX : (uint32_t)wanted;
    if (options->epochs > 0) plan->epochs = options->epochs;
    plan->patience = plan->is_few ? 0 : options->patience;
}

bool plan_make(struct plan *plan, const struct model *model, const struct examples *examples,
               const struct training_options *options, struct err *err)
{
    const uint32_t n_labels = examples_n_names(examples);
    const bool moves_table = options->mode != TRAINING_HEAD;
    *plan = (struct plan){.n_stages = options->mode == TRAINING_TABLE ? 2 : 1};
    const enum pooling pooling = model_info(model)->pooling;
    if (model_reads_text(model))
        return err_set(err, ERR_USAGE, "from",
                       "`from`: a fastText model makes vectors of texts, but training needs "
                       "vectors of tokens; convert it first, to the vectors of its words");
    if (!moves_table && model_bundle(model)->is_packed &&
        model_bundle(model)->settings.is_told_elsewhere)
        return err_set(err, ERR_USAGE, "from",
                       "`from`: the trained model would be a copy of the packed one, which "
                       "contradicts `compat` or `tensor`; convert it with these first");
    if (moves_table && (pooling == POOLING_MAX || pooling == POOLING_UNIT))
        return err_set(err, ERR_USAGE, "mode",
                       "`mode` must be head for this model: its pooling is %s, and only sums and "
                       "means can be trained",
                       pooling_names[pooling]);
    plan->is_few = examples->n < (size_t)PLAN_FEW_ROWS * n_labels;
    plan->n_folds = options->folds > 0 ? options->folds : examples->n < FOLDS_BELOW ? FOLDS : 1;
    plan->reads_names = options->reads_names;
    const bool has_ngrams = options->mode != TRAINING_TABLE &&
                            (options->has_ngrams >= 0 ? options->has_ngrams : !plan->is_few);
    plan->learner = (struct learner_options){
        .kind = examples->is_multi ? HEAD_MULTI_LABEL
                : n_labels == 2    ? HEAD_BINARY
                                   : HEAD_MULTI_CLASS,
        .n_labels = n_labels,
        .ranges = ranges,
        .token_dropout = (float)options->token_dropout,
        .ngram_dropout = (float)options->ngram_dropout,
        .moves_head = true,
        .moves_table = moves_table,
        .seed = options->seed,
    };
    if (has_ngrams) plan->ngrams_max = (uint32_t)(NGRAM_NUMBERS_MAX / n_labels);
    if (has_ngrams && n_labels >= NGRAM_VECTOR_LABELS)
        plan->ngram_vectors_max = (uint32_t)(NGRAM_NUMBERS_MAX / dim_of(model, options));
    choose_rates(plan, examples, options);
    choose_epochs(plan, examples->n, options);
    if (!options->balances_labels || weigh_labels(plan, examples)) return true;
    plan_clear(plan);
    return err_set(err, ERR_MEMORY, NULL, "no memory for %u labels", n_labels);
}

json_t *plan_as_json(const struct plan *plan, const struct model *model,
                     const struct training_options *options)
{
    const struct learner_options *learner = &plan->learner;
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:I, s:f, s:f, s:f, s:f, s:b, s:b, s:b, s:f, s:i}", "program",
        EMBEDD_VERSION, "from", model_info(model)->name, "mode", training_mode_names[options->mode],
        "seed", (json_int_t)options->seed, "learning_rate", (double)learner->rate, "vector_scale",
        (double)learner->vector_scale, "token_dropout", options->token_dropout, "ngram_dropout",
        options->ngram_dropout, "ngrams", plan->ngrams_max > 0, "few_examples", plan->is_few,
        "balanced", options->balances_labels, "held_share", options->held_share, "folds",
        (int)plan->n_folds);
    if (plan->ngram_vectors_max > 0)
        json_object_set_new(object, "ngram_vector_rate",
                            json_real((double)learner->ngram_vector_rate));
    if (learner->moves_table)
        json_object_set_new(object, "table_rate", json_real((double)learner->table_rate));
    return object;
}

void plan_clear(struct plan *plan)
{
    free(plan->label_weights);
    *plan = (struct plan){0};
}
