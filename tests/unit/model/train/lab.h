/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file lab.h
 * A learner on the small world, with rows that it may learn from as each kind of head.
 */
#pragma once

#include "model/train/learner.h"
#include "tests/unit/model/train/world.h"

#define LAB_LABELS_MAX 5

static const struct ngram_ranges lab_ranges = {.tokens_max = 2,
                                               .characters_min = 2,
                                               .characters_max = 3,
                                               .ideographs_min = 1,
                                               .ideographs_max = 2,
                                               .has_ends = true,
                                               .length = 1};
static const float lab_label_weights[LAB_LABELS_MAX] = {0.5f, 2, 1, 1.5f, 0.75f};

/* A text, and its labels in a binary, a multi-class and a multi-label world. */
static const struct {
    const char *text, *labels[HEAD_KINDS];
} lab_rows[] = {
    {"the food is good", {"1", "0", "01"}},
    {"the food is bad", {"0", "1", "1"}},
    {"eating good food", {"1", "2", ""}},
    {"我爱吃饭", {"1", "3", "012"}},
    {"我吃饭", {"0", "4", "2"}},
    {"爱吃 the good food", {"0", "0", "02"}},
    {"the the zzz the", {"1", "1", "0"}},
    {"bad bad 饭", {"0", "2", "12"}},
    {"zzz", {"0", "4", "1"}},
};
#define LAB_ROWS (sizeof lab_rows / sizeof lab_rows[0])

/* What one learner is made of. */
struct lab {
    struct world world;
    struct ngram_vocabulary ngrams;
    struct learner learner;
    uint32_t order[LAB_ROWS];
};

static inline struct learner_options lab_options(enum head_kind kind)
{
    static const uint32_t n_labels[HEAD_KINDS] = {
        [HEAD_BINARY] = 2, [HEAD_MULTI_CLASS] = LAB_LABELS_MAX, [HEAD_MULTI_LABEL] = 3};
    return (struct learner_options){.kind = kind,
                                    .n_labels = n_labels[kind],
                                    .ranges = lab_ranges,
                                    .rate = 0.5f,
                                    .vector_rate = 0.25f,
                                    .table_rate = 0.125f,
                                    .ngram_vector_rate = 0.125f,
                                    .vector_scale = 1.5f,
                                    .moves_head = true,
                                    .moves_table = true,
                                    .label_weights = lab_label_weights,
                                    .seed = 3};
}

static inline void lab_open(struct lab *lab, const struct learner_options *options,
                            enum pooling pooling, bool normalize, unsigned n_workers)
{
    const struct pool_options pool = {pooling, normalize, WORLD_D};
    struct err err;
    world_open(&lab->world);
    for (uint32_t i = 0; i < LAB_ROWS; i++) {
        world_add(&lab->world, lab_rows[i].text, lab_rows[i].labels[options->kind]);
        lab->order[i] = i;
    }
    assert_true(ngram_vocabulary_make(&lab->ngrams, &lab->world.examples, lab->order, LAB_ROWS,
                                      lab->world.tokenizer, &lab_ranges, UINT32_MAX, &err));
    assert_true(lab->ngrams.n > 10);
    assert_true(ngram_vocabulary_give_vectors(&lab->ngrams, &lab->world.examples, lab->order,
                                              LAB_ROWS, lab->world.tokenizer, &lab_ranges,
                                              UINT32_MAX, &err));
    assert_true(lab->ngrams.n_vectors > 2);
    assert_true(learner_make(&lab->learner, options, &lab->world.table, &pool, WORLD_UNKNOWN,
                             lab->world.tokenizer, &lab->ngrams, n_workers, &err));
}

static inline void lab_close(struct lab *lab)
{
    learner_clear(&lab->learner);
    ngram_vocabulary_clear(&lab->ngrams);
    world_close(&lab->world);
}

/* Goes through the rows `epochs` times; the loss of the last. */
static inline double lab_learn(struct lab *lab, struct workers *workers, uint32_t epochs)
{
    double loss = 0;
    struct err err;
    for (uint32_t number = 0; number < epochs; number++) {
        const struct learner_epoch epoch = {.examples = &lab->world.examples,
                                            .order = lab->order,
                                            .n = LAB_ROWS,
                                            .number = number,
                                            .rate_first = 1,
                                            .rate_last = 0.5};
        if (!learner_run(&lab->learner, workers, &epoch, &loss, &err)) fail_msg("%s", err.message);
    }
    return loss;
}

static inline void lab_learn_alone(struct lab *lab, uint32_t epochs)
{
    struct err err;
    struct workers *workers = workers_new(1, &err);
    lab_learn(lab, workers, epochs);
    workers_free(workers);
}
