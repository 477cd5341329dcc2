/* SPDX-License-Identifier: Apache-2.0 */
/* What a training is done with, where the user leaves it open: the numbers that the docs tell. */
#include "model/train/label_names.h"
#include "model/train/plan.h"
#include "tests/test.h"

#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct model *model;
static struct examples examples;
static struct plan plan;
static struct err err;

static int start(void **state)
{
    (void)state;
    json_init();
    return model_open(&model, "tests/data/golden/f32", &err) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    model_close(model);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    plan_clear(&plan);
    plan_clear(&plan);
    examples_clear(&examples);
    return 0;
}

static struct training_options options_of(enum training_mode mode)
{
    return (struct training_options){.mode = mode, .has_ngrams = -1, .patience = 4, .seed = 5};
}

/* ---- rows ---- */

/* Labels "a", "b", ... or "l100", whose rows are added by hand. */
static void name_labels(uint32_t n_labels, bool is_multi)
{
    char name[20];
    examples_clear(&examples);
    examples =
        (struct examples){.names = label_names_new(), .owns_names = true, .is_multi = is_multi};
    for (uint32_t i = 0; i < n_labels; i++) {
        snprintf(name, sizeof name, "l%u", i);
        assert_int_equal(label_names_add(examples.names, (struct span){name, strlen(name)}), i);
    }
}

static void add_rows(size_t n, const uint32_t *labels, size_t n_labels)
{
    static const uint32_t id = 1;
    for (size_t i = 0; i < n; i++)
        assert_true(examples_add(&examples, &id, 1, labels, n_labels, &err));
}

static void make(const struct training_options *options)
{
    plan_clear(&plan);
    if (!plan_make(&plan, model, &examples, options, &err)) fail_msg("%s", err.message);
}

/* So many rows, all of the first label: only how many there are on average counts. */
static void make_of(size_t n_rows, uint32_t n_labels, const struct training_options *options)
{
    name_labels(n_labels, false);
    add_rows(n_rows, (const uint32_t[]){0}, 1);
    make(options);
}

static void check_near(double found, double wanted)
{
    if (!(fabs(found - wanted) <= 1e-6 * fabs(wanted))) fail_msg("%.9g, not %.9g", found, wanted);
}

/* ---- what is learned ---- */

static void the_kind_follows_the_labels(void **state)
{
    (void)state;
    static const struct {
        uint32_t n_labels;
        bool is_multi;
        enum head_kind kind;
    } cases[] = {{2, false, HEAD_BINARY},     {3, false, HEAD_MULTI_CLASS},
                 {1, true, HEAD_MULTI_LABEL}, {2, true, HEAD_MULTI_LABEL},
                 {7, true, HEAD_MULTI_LABEL}, {1000, false, HEAD_MULTI_CLASS}};
    const struct training_options options = options_of(TRAINING_HEAD);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        name_labels(cases[i].n_labels, cases[i].is_multi);
        add_rows(1, (const uint32_t[]){0}, 1);
        make(&options);
        assert_int_equal(plan.learner.kind, cases[i].kind);
        assert_int_equal(plan.learner.n_labels, cases[i].n_labels);
    }
}

static void the_mode_says_what_moves(void **state)
{
    (void)state;
    static const struct {
        bool moves_table, has_ngrams;
        uint32_t n_stages;
    } wanted[TRAINING_MODES] = {[TRAINING_HEAD] = {false, true, 1},
                                [TRAINING_TABLE] = {true, false, 2},
                                [TRAINING_BOTH] = {true, true, 1},
                                [TRAINING_SCRATCH] = {true, true, 1}};
    for (int mode = 0; mode < TRAINING_MODES; mode++) {
        struct training_options options = options_of((enum training_mode)mode);
        options.has_ngrams = 1;
        make_of(60, 3, &options);
        assert_true(plan.learner.moves_head);
        assert_int_equal(plan.learner.moves_table, wanted[mode].moves_table);
        assert_int_equal(plan.ngrams_max > 0, wanted[mode].has_ngrams);
        assert_int_equal(plan.n_stages, wanted[mode].n_stages);
        assert_int_equal(plan.learner.seed, 5);
    }
}

/* Fewer than twenty rows a label on average. */
static void few_rows_take_settings_of_their_own(void **state)
{
    (void)state;
    struct training_options options = options_of(TRAINING_HEAD);
    for (int reads_names = 0; reads_names < 2; reads_names++) {
        options.reads_names = reads_names;
        make_of(59, 3, &options);
        assert_true(plan.is_few && plan.ngrams_max == 0 && plan.patience == 0);
        assert_int_equal(plan.reads_names, reads_names);
        make_of(60, 3, &options);
        assert_true(!plan.is_few && plan.ngrams_max > 0 && plan.patience == 4);
        assert_int_equal(plan.reads_names, reads_names);
    }
    options.has_ngrams = 1;
    make_of(59, 3, &options);
    assert_true(plan.is_few && plan.ngrams_max > 0);
    options.has_ngrams = 0;
    make_of(60, 3, &options);
    assert_true(!plan.is_few && plan.ngrams_max == 0);
}

/* Two floats a label for each, in 128 MB. */
static void ngrams_have_a_limit_of_memory(void **state)
{
    (void)state;
    static const uint32_t n_labels[] = {2, 3, 77, 1000};
    struct training_options options = options_of(TRAINING_HEAD);
    options.has_ngrams = 1;
    for (size_t i = 0; i < sizeof n_labels / sizeof n_labels[0]; i++) {
        const uint64_t row_bytes = 2 * sizeof(float) * n_labels[i], limit = (uint64_t)128 << 20;
        make_of(1, n_labels[i], &options);
        assert_true(plan.ngrams_max * row_bytes <= limit);
        assert_true((plan.ngrams_max + 1) * row_bytes > limit);
    }
}

static void runs_are_as_long_as_the_docs_say(void **state)
{
    (void)state;
    const struct training_options options = options_of(TRAINING_HEAD);
    make_of(60, 3, &options);
    const struct ngram_ranges *ranges = &plan.learner.ranges;
    assert_int_equal(ranges->tokens_max, 2);
    assert_true(ranges->characters_min == 2 && ranges->characters_max == 5);
    assert_true(ranges->ideographs_min == 1 && ranges->ideographs_max == 3);
    assert_true(ranges->has_ends && ranges->length == 4);
}

/* ---- how often and how fast ---- */

static void fewer_rows_are_gone_through_more_often(void **state)
{
    (void)state;
    static const struct {
        size_t n_rows;
        uint32_t epochs;
    } cases[] = {{1, 100},   {120, 100}, {121, 100}, {122, 99},  {600, 20},
                 {1199, 11}, {1200, 10}, {1201, 10}, {12001, 10}};
    struct training_options options = options_of(TRAINING_HEAD);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        make_of(cases[i].n_rows, 2, &options);
        if (plan.epochs != cases[i].epochs)
            fail_msg("%zu rows: %u epochs, not %u", cases[i].n_rows, plan.epochs, cases[i].epochs);
    }
    options.epochs = 3;
    make_of(1, 2, &options);
    assert_int_equal(plan.epochs, 3);
}

/* A sigmoid's only logit moves as far as the difference of two. */
static void the_rate_is_that_of_a_softmax_or_twice_it(void **state)
{
    (void)state;
    struct training_options options = options_of(TRAINING_HEAD);
    for (int is_given = 0; is_given < 2; is_given++) {
        const double rate = is_given ? 0.7 : 0.1;
        options.learning_rate = is_given ? rate : 0;
        make_of(60, 3, &options);
        check_near((double)plan.learner.rate, rate);
        check_near((double)plan.learner.vector_rate, rate);
        make_of(60, 2, &options);
        check_near((double)plan.learner.rate, 2 * rate);
        check_near((double)plan.learner.vector_rate, 2 * rate);
        name_labels(3, true);
        add_rows(60, (const uint32_t[]){0}, 1);
        make(&options);
        check_near((double)plan.learner.rate, 2 * rate);
    }
}

/* Enough labels, and n-grams at all; as many numbers as of n-grams. */
static void many_labels_give_ngrams_vectors(void **state)
{
    (void)state;
    struct training_options options = options_of(TRAINING_HEAD);
    const uint32_t numbers = 16 << 20;
    make_of(400, 20, &options);
    assert_int_equal(plan.ngram_vectors_max, numbers / model_table(model)->dim);
    check_near((double)plan.learner.ngram_vector_rate, 0.2); /* of texts of one token */
    make_of(400, 19, &options);
    assert_int_equal(plan.ngram_vectors_max, 0);
    static const uint32_t ids[] = {1, 2, 3, 4};
    name_labels(20, false);
    for (int i = 0; i < 400; i++)
        assert_true(examples_add(&examples, ids, 4, (const uint32_t[]){0}, 1, &err));
    make(&options);
    check_near((double)plan.learner.ngram_vector_rate, 0.05);
    make_of(399, 20, &options); /* few rows */
    assert_int_equal(plan.ngram_vectors_max, 0);
    options.learning_rate = 0.2;
    options.mode = TRAINING_SCRATCH;
    options.dim = 32;
    make_of(400, 20, &options);
    assert_int_equal(plan.ngram_vectors_max, numbers / 32);
    check_near((double)plan.learner.ngram_vector_rate, 0.4);
}

static void a_table_from_scratch_moves_faster(void **state)
{
    (void)state;
    struct training_options both = options_of(TRAINING_BOTH), scratch = both;
    scratch.mode = TRAINING_SCRATCH;
    make_of(60, 2, &both);
    check_near((double)plan.learner.table_rate, 0.01);
    make_of(60, 2, &scratch);
    check_near((double)plan.learner.table_rate, 0.05);
    both.table_rate = scratch.table_rate = 0.3;
    make_of(60, 2, &both);
    check_near((double)plan.learner.table_rate, 0.3);
    make_of(60, 2, &scratch);
    check_near((double)plan.learner.table_rate, 0.3);
}

static double vector_scale_of(size_t n_rows, uint32_t n_labels, int has_ngrams)
{
    struct training_options options = options_of(TRAINING_HEAD);
    options.has_ngrams = has_ngrams;
    make_of(n_rows, n_labels, &options);
    return (double)plan.learner.vector_scale;
}

static void the_vector_counts_less_the_more_rows_there_are(void **state)
{
    (void)state;
    check_near(vector_scale_of(1, 3, 1), 3);
    check_near(vector_scale_of(60, 3, 1), 3);
    check_near(vector_scale_of(120, 3, 1), 3 * pow(0.5, 0.35));
    check_near(vector_scale_of(120, 2, 1), 3 * pow(1.0 / 3, 0.35));
    check_near(vector_scale_of(6000, 3, 1), 3 * pow(0.01, 0.35));
    check_near(vector_scale_of(60000, 3, 1), 0.3);
    /* Alone it counts what it counts. */
    check_near(vector_scale_of(6000, 3, 0), 3);
}

static void what_is_left_out_is_as_given(void **state)
{
    (void)state;
    struct training_options options = options_of(TRAINING_HEAD);
    options.token_dropout = 0.25;
    options.ngram_dropout = 0.5;
    make_of(60, 3, &options);
    assert_true(plan.learner.token_dropout == 0.25f && plan.learner.ngram_dropout == 0.5f);
}

/* ---- rare labels ---- */

/* n / (C · rows of the label); one that no row has, counts 1. */
static void balanced_labels_count_the_same(void **state)
{
    (void)state;
    struct training_options options = options_of(TRAINING_HEAD);
    name_labels(4, true);
    add_rows(10, (const uint32_t[]){0}, 1);
    add_rows(5, (const uint32_t[]){0, 2}, 2);
    add_rows(1, (const uint32_t[]){3}, 1);
    add_rows(4, NULL, 0);
    make(&options);
    assert_null(plan.learner.label_weights);
    options.balances_labels = true;
    make(&options);
    static const double wanted[] = {20.0 / (4 * 15), 1, 20.0 / (4 * 5), 20.0 / (4 * 1)};
    for (int k = 0; k < 4; k++)
        check_near((double)plan.learner.label_weights[k], wanted[k]);
}

/* ---- what is written down ---- */

static bool holds(const json_t *object, const char *key, const char *text)
{
    json_t *wanted = json_loads(text, JSON_DECODE_ANY, NULL), *found = json_object_get(object, key);
    const bool is_same =
        json_is_real(wanted)
            ? json_is_real(found) && fabs(json_real_value(found) - json_real_value(wanted)) < 1e-6
            : json_equal(wanted, found);
    json_decref(wanted);
    return is_same;
}

static void it_is_written_down(void **state)
{
    (void)state;
    static const struct {
        const char *key, *text;
    } wanted[] = {{"program", "\"" EMBEDD_VERSION "\""},
                  {"mode", "\"head\""},
                  {"seed", "5"},
                  {"learning_rate", "0.1"},
                  {"vector_scale", "3.0"},
                  {"token_dropout", "0.125"},
                  {"ngram_dropout", "0.375"},
                  {"ngrams", "true"},
                  {"few_examples", "false"},
                  {"balanced", "false"},
                  {"held_share", "0.25"},
                  {"folds", "5"}};
    struct training_options options = options_of(TRAINING_HEAD);
    options.token_dropout = 0.125;
    options.ngram_dropout = 0.375;
    options.held_share = 0.25;
    make_of(60, 3, &options);
    json_t *found = plan_as_json(&plan, model, &options);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!holds(found, wanted[i].key, wanted[i].text)) fail_msg("%s", wanted[i].key);
    assert_string_equal(json_string_value(json_object_get(found, "from")), model_info(model)->name);
    assert_int_equal(json_object_size(found), sizeof wanted / sizeof wanted[0] + 1);
    json_decref(found);
    make_of(400, 20, &options);
    found = plan_as_json(&plan, model, &options);
    assert_true(holds(found, "ngram_vector_rate", "0.2"));
    json_decref(found);
    options.mode = TRAINING_TABLE;
    options.balances_labels = true;
    make_of(59, 3, &options);
    found = plan_as_json(&plan, model, &options);
    assert_true(holds(found, "mode", "\"table\"") && holds(found, "table_rate", "0.01"));
    assert_true(holds(found, "ngrams", "false") && holds(found, "few_examples", "true"));
    assert_true(holds(found, "balanced", "true"));
    json_decref(found);
}

#define PLAN_TEST(test) cmocka_unit_test_teardown(test, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAN_TEST(the_kind_follows_the_labels),
        PLAN_TEST(the_mode_says_what_moves),
        PLAN_TEST(few_rows_take_settings_of_their_own),
        PLAN_TEST(ngrams_have_a_limit_of_memory),
        PLAN_TEST(runs_are_as_long_as_the_docs_say),
        PLAN_TEST(fewer_rows_are_gone_through_more_often),
        PLAN_TEST(the_rate_is_that_of_a_softmax_or_twice_it),
        PLAN_TEST(many_labels_give_ngrams_vectors),
        PLAN_TEST(a_table_from_scratch_moves_faster),
        PLAN_TEST(the_vector_counts_less_the_more_rows_there_are),
        PLAN_TEST(what_is_left_out_is_as_given),
        PLAN_TEST(balanced_labels_count_the_same),
        PLAN_TEST(it_is_written_down),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
