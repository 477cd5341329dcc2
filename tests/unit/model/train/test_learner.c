/* SPDX-License-Identifier: Apache-2.0 */
/* Gradients against differences of the loss, steps against Adagrad, and any number of workers. */
#include "tests/unit/model/train/lab.h"

#include <float.h>

/* ---- gradients ---- */

static double loss_of(struct learner *learner, const struct examples *examples, size_t row)
{
    float *const none[LEARNED_PARTS] = {NULL};
    double loss;
    struct err err;
    assert_true(learner_gradients(learner, examples, row, &loss, none, &err));
    return loss;
}

/* Differences of the fourth order: what is left out is of the size of step^4, and the rounding of
   logits to 24 bits counts 1/step. */
static double difference(struct learner *learner, const struct examples *examples, size_t row,
                         float *value)
{
    const float before = *value, step = 1.0f / 32;
    double losses[4];
    for (int i = 0; i < 4; i++) {
        *value = before + step * (float)(i < 2 ? i - 2 : i - 1);
        losses[i] = loss_of(learner, examples, row);
    }
    *value = before;
    return (8 * (losses[2] - losses[1]) - (losses[3] - losses[0])) / (12 * (double)step);
}

/* Of the rows of these parts each has one sum of squares. */
static bool is_of_rows(int part)
{
    return part == LEARNED_NGRAM_VECTORS || part == LEARNED_TABLE;
}

/* A column behind the last logit stays zero. */
static bool is_padding(const struct learner *learner, int part, size_t i)
{
    return !is_of_rows(part) && i % learner->stride >= learner->columns;
}

/* Off by 3e-4 of the largest gradient of the part at most, or by 3e-6: a logit of 24 bits and a few
   units is off by 2^-23 or so, which divided by the step is 4e-6. (1.2e-4 is the worst there is.)
 */
static void check_part(struct learner *learner, const struct examples *examples, size_t row,
                       int part, const float *gradient)
{
    struct learned *learned = &learner->learned[part];
    double largest = 0.01;
    for (size_t i = 0; i < learned->n; i++)
        largest = fmax(largest, fabs((double)gradient[i]));
    for (size_t i = 0; i < learned->n; i++) {
        if (is_padding(learner, part, i)) {
            assert_true(gradient[i] == 0 && learned->values[i] == 0);
            continue;
        }
        const double wanted = difference(learner, examples, row, &learned->values[i]);
        if (!(fabs((double)gradient[i] - wanted) <= 3e-4 * largest))
            fail_msg("row %zu, part %d, number %zu: %g is not %g", row, part, i,
                     (double)gradient[i], wanted);
    }
}

static void check_row(struct learner *learner, const struct examples *examples, size_t row)
{
    float *gradients[LEARNED_PARTS];
    double loss;
    struct err err;
    for (int part = 0; part < LEARNED_PARTS; part++)
        gradients[part] = calloc(learner->learned[part].n + 1, sizeof(float));
    assert_true(learner_gradients(learner, examples, row, &loss, gradients, &err));
    assert_true(loss == loss_of(learner, examples, row));
    for (int part = 0; part < LEARNED_PARTS; part++) {
        check_part(learner, examples, row, part, gradients[part]);
        free(gradients[part]);
    }
}

/* A part of zeros would have the right gradients too easily. */
static void check_has_learned(const struct lab *lab)
{
    for (int part = 0; part < LEARNED_PARTS; part++) {
        const struct learned *learned = &lab->learner.learned[part];
        const float *before = part == LEARNED_TABLE ? lab->world.rows : NULL;
        float largest = 0;
        for (size_t i = 0; i < learned->n; i++)
            largest = fmaxf(largest, fabsf(learned->values[i] - (before ? before[i] : 0)));
        assert_true(largest > 0.1f);
    }
}

static void check_gradients(enum head_kind kind, enum pooling pooling, bool normalize)
{
    const struct learner_options options = lab_options(kind);
    struct lab lab;
    lab_open(&lab, &options, pooling, normalize, 1);
    lab_learn_alone(&lab, 2);
    check_has_learned(&lab);
    for (size_t row = 0; row < LAB_ROWS; row++)
        check_row(&lab.learner, &lab.world.examples, row);
    lab_close(&lab);
}

static void gradients_are_differences_of_the_loss(void **state)
{
    (void)state;
    static const enum pooling poolings[] = {POOLING_MEAN, POOLING_WEIGHTED, POOLING_SUM};
    for (int kind = 0; kind < HEAD_KINDS; kind++)
        for (int i = 0; i < 3; i++)
            for (int normalize = 0; normalize < 2; normalize++)
                check_gradients((enum head_kind)kind, poolings[i], normalize);
}

/* As above where sums are taken in lanes: two rounds of sixteen, and some more. */
static void many_labels_have_the_same_gradients(void **state)
{
    (void)state;
    struct learner_options options = lab_options(HEAD_MULTI_CLASS);
    struct lab lab;
    options.n_labels = 37;
    options.label_weights = NULL;
    lab_open(&lab, &options, POOLING_WEIGHTED, true, 1);
    lab_learn_alone(&lab, 2);
    check_row(&lab.learner, &lab.world.examples, 0);
    check_row(&lab.learner, &lab.world.examples, 3);
    lab_close(&lab);
}

/* What is divided by 0 has no direction, so nothing moves it. */
static void a_vector_of_zeros_moves_no_rows(void **state)
{
    (void)state;
    const struct learner_options options = lab_options(HEAD_BINARY);
    struct lab lab;
    lab_open(&lab, &options, POOLING_MEAN, true, 1);
    struct learned *table = &lab.learner.learned[LEARNED_TABLE];
    lab_learn_alone(&lab, 1);
    memset(table->values, 0, table->n * sizeof *table->values);
    lab_learn_alone(&lab, 1);
    for (size_t i = 0; i < table->n; i++)
        assert_true(table->values[i] == 0);
    lab_close(&lab);
}

/* ---- the loss ---- */

/* With all zeros every label is as likely as any other. */
static void the_loss_begins_where_all_labels_are_equal(void **state)
{
    (void)state;
    for (int kind = 0; kind < HEAD_KINDS; kind++) {
        struct learner_options options = lab_options((enum head_kind)kind);
        struct lab lab;
        options.label_weights = NULL;
        lab_open(&lab, &options, POOLING_MEAN, true, 1);
        const double wanted = kind == HEAD_BINARY        ? log(2)
                              : kind == HEAD_MULTI_CLASS ? log(LAB_LABELS_MAX)
                                                         : 3 * log(2);
        for (size_t row = 0; row < LAB_ROWS; row++)
            assert_true(fabs(loss_of(&lab.learner, &lab.world.examples, row) - wanted) < 1e-12);
        lab_close(&lab);
    }
}

static double weighted_loss(enum head_kind kind, const char *digits)
{
    const double weight = (double)lab_label_weights[digits[0] ? digits[0] - '0' : 0];
    double labels = 0;
    for (char digit = '0'; digit < '3'; digit++)
        labels += strchr(digits, digit) ? (double)lab_label_weights[digit - '0'] : 1;
    return kind == HEAD_BINARY        ? weight * log(2)
           : kind == HEAD_MULTI_CLASS ? weight * log(LAB_LABELS_MAX)
                                      : labels * log(2);
}

/* Of several labels those that are there; one that is missing counts 1. */
static void a_label_counts_what_its_weight_says(void **state)
{
    (void)state;
    for (int kind = 0; kind < HEAD_KINDS; kind++) {
        const struct learner_options options = lab_options((enum head_kind)kind);
        struct lab lab;
        lab_open(&lab, &options, POOLING_MEAN, true, 1);
        for (size_t row = 0; row < LAB_ROWS; row++) {
            const double wanted = weighted_loss(options.kind, lab_rows[row].labels[kind]);
            assert_true(fabs(loss_of(&lab.learner, &lab.world.examples, row) - wanted) < 1e-12);
        }
        lab_close(&lab);
    }
}

static void what_is_learned_is_known(void **state)
{
    (void)state;
    for (int kind = 0; kind < HEAD_KINDS; kind++) {
        struct learner_options options = lab_options((enum head_kind)kind);
        struct lab lab;
        struct err err;
        options.label_weights = NULL;
        lab_open(&lab, &options, POOLING_MEAN, true, 1);
        struct workers *workers = workers_new(1, &err);
        const double first = lab_learn(&lab, workers, 1), last = lab_learn(&lab, workers, 60);
        if (!(last < first / 5)) fail_msg("kind %d: %g, then %g", kind, first, last);
        workers_free(workers);
        lab_close(&lab);
    }
}

/* ---- a step ---- */

struct numbers {
    float *values, *squares;
};

static struct numbers copy_of(const struct learned *learned)
{
    struct numbers copy = {calloc(learned->n + 1, sizeof(float)),
                           calloc(learned->n_squares + 1, sizeof(float))};
    memcpy(copy.values, learned->values, learned->n * sizeof(float));
    memcpy(copy.squares, learned->squares, learned->n_squares * sizeof(float));
    return copy;
}

static void free_numbers(struct numbers numbers)
{
    free(numbers.values);
    free(numbers.squares);
}

static void check_near(float found, double wanted)
{
    if (!(fabs((double)found - wanted) <= 1e-6 + 1e-5 * fabs(wanted)))
        fail_msg("%.9g, not %.9g", (double)found, wanted);
}

/* x -= rate·g/√(Σg²), each number by itself. */
static void check_numbers(const struct learned *learned, const struct numbers *before,
                          const float *gradient, double rate)
{
    for (size_t i = 0; i < learned->n; i++) {
        const double g = (double)gradient[i], squares = (double)before->squares[i] + g * g;
        check_near(learned->squares[i], squares);
        check_near(learned->values[i], (double)before->values[i] - rate * g / sqrt(squares));
    }
}

/* The same with one sum of squares a row, of their mean. */
static void check_rows(const struct learned *learned, const struct numbers *before,
                       const float *gradient, double rate)
{
    for (size_t row = 0; row < learned->n_squares; row++) {
        const float *g = gradient + row * WORLD_D;
        double squares = (double)before->squares[row];
        for (size_t j = 0; j < WORLD_D; j++)
            squares += (double)g[j] * (double)g[j] / WORLD_D;
        assert_true(fabs((double)learned->squares[row] - squares) <= 1e-5 * squares);
        for (size_t j = 0; j < WORLD_D; j++)
            check_near(learned->values[row * WORLD_D + j],
                       (double)before->values[row * WORLD_D + j] -
                           rate * (double)g[j] / sqrt(squares));
    }
}

static bool stop_now(void *user, size_t n_done)
{
    *(size_t *)user = n_done;
    return true;
}

/* Of a batch of one example, whose tokens and n-grams all are different ones. */
static void check_step(enum pooling pooling, uint32_t row)
{
    const struct learner_options options = lab_options(HEAD_MULTI_CLASS);
    struct lab lab;
    struct numbers before[LEARNED_PARTS];
    float *gradients[LEARNED_PARTS];
    double loss;
    size_t n_done = 0;
    struct err err;
    lab_open(&lab, &options, pooling, true, 1);
    lab_learn_alone(&lab, 1);
    struct learned *learned = lab.learner.learned;
    for (int part = 0; part < LEARNED_PARTS; part++) {
        before[part] = copy_of(&learned[part]);
        gradients[part] = calloc(learned[part].n + 1, sizeof(float));
    }
    assert_true(learner_gradients(&lab.learner, &lab.world.examples, row, &loss, gradients, &err));
    const struct learner_epoch epoch = {.examples = &lab.world.examples,
                                        .order = &row,
                                        .n = 1,
                                        .rate_first = 0.5,
                                        .rate_last = 0,
                                        .stops = stop_now,
                                        .user = &n_done};
    struct workers *workers = workers_new(1, &err);
    double found;
    assert_true(learner_run(&lab.learner, workers, &epoch, &found, &err));
    assert_true(found == loss && n_done == 1);
    check_numbers(&learned[LEARNED_WEIGHT], &before[LEARNED_WEIGHT], gradients[LEARNED_WEIGHT],
                  0.5 * (double)options.vector_rate);
    check_numbers(&learned[LEARNED_BIAS], &before[LEARNED_BIAS], gradients[LEARNED_BIAS],
                  0.5 * (double)options.rate);
    check_numbers(&learned[LEARNED_NGRAMS], &before[LEARNED_NGRAMS], gradients[LEARNED_NGRAMS],
                  0.5 * (double)options.rate);
    check_rows(&learned[LEARNED_NGRAM_VECTORS], &before[LEARNED_NGRAM_VECTORS],
               gradients[LEARNED_NGRAM_VECTORS], 0.5 * (double)options.ngram_vector_rate);
    check_rows(&learned[LEARNED_TABLE], &before[LEARNED_TABLE], gradients[LEARNED_TABLE],
               0.5 * (double)options.table_rate);
    for (int part = 0; part < LEARNED_PARTS; part++) {
        free_numbers(before[part]);
        free(gradients[part]);
    }
    workers_free(workers);
    lab_close(&lab);
}

static void a_step_is_one_of_adagrad(void **state)
{
    (void)state;
    check_step(POOLING_MEAN, 3);
    check_step(POOLING_WEIGHTED, 4);
}

static void what_is_held_does_not_move(void **state)
{
    (void)state;
    for (int moves = 0; moves < 4; moves++) {
        struct learner_options options = lab_options(HEAD_MULTI_CLASS);
        struct lab lab;
        struct numbers before[LEARNED_PARTS];
        lab_open(&lab, &options, POOLING_MEAN, true, 1);
        lab_learn_alone(&lab, 1);
        lab.learner.options.moves_head = moves & 1;
        lab.learner.options.moves_table = moves & 2;
        for (int part = 0; part < LEARNED_PARTS; part++)
            before[part] = copy_of(&lab.learner.learned[part]);
        lab_learn_alone(&lab, 1);
        for (int part = 0; part < LEARNED_PARTS; part++) {
            const struct learned *learned = &lab.learner.learned[part];
            const bool is_same =
                memcmp(before[part].values, learned->values, learned->n * sizeof(float)) == 0 &&
                memcmp(before[part].squares, learned->squares,
                       learned->n_squares * sizeof(float)) == 0;
            assert_int_equal(!is_same, part == LEARNED_TABLE ? moves >> 1 : moves & 1);
            free_numbers(before[part]);
        }
        lab_close(&lab);
    }
}

/* The table that it starts from is a copy; rows without a token in the texts never change. */
static void rows_that_no_text_has_stay(void **state)
{
    (void)state;
    const struct learner_options options = lab_options(HEAD_BINARY);
    struct lab lab;
    lab_open(&lab, &options, POOLING_MEAN, true, 1);
    lab_learn_alone(&lab, 3);
    const struct learned *table = &lab.learner.learned[LEARNED_TABLE];
    assert_true(lab.learner.table.rows.at == table->values);
    for (uint32_t id = 0; id < WORLD_V; id++) {
        const bool is_there = id != WORLD_UNKNOWN && id != 7; /* ##s */
        const bool has_moved = memcmp(table->values + id * WORLD_D, lab.world.rows + id * WORLD_D,
                                      WORLD_D * sizeof(float)) != 0;
        assert_int_equal(has_moved, is_there);
        assert_int_equal(table->squares[id] != lab.learner.row_squares_start, is_there);
    }
    lab_close(&lab);
}

/* ---- a run ---- */

/* More rows than two batches, in some order. */
static void check_workers(const struct learner_options *options, unsigned n_workers,
                          struct lab *alone)
{
    struct err err;
    uint32_t order[3 * LEARNER_BATCH + 5];
    const size_t n = sizeof order / sizeof order[0];
    struct workers *workers = workers_new(n_workers, &err);
    struct lab many;
    struct lab *lab = n_workers == 1 ? alone : &many;
    double loss;
    static double loss_alone;
    lab_open(lab, options, POOLING_WEIGHTED, true, n_workers);
    for (uint32_t i = 0; i < n; i++)
        order[i] = i * 5 % LAB_ROWS;
    for (uint32_t number = 0; number < 4; number++) {
        const struct learner_epoch epoch = {.examples = &lab->world.examples,
                                            .order = order,
                                            .n = n,
                                            .number = number,
                                            .rate_first = 1,
                                            .rate_last = 0};
        assert_true(learner_run(&lab->learner, workers, &epoch, &loss, &err));
    }
    if (n_workers == 1) loss_alone = loss;
    assert_true(loss == loss_alone);
    for (int part = 0; part < LEARNED_PARTS; part++) {
        const struct learned *a = &alone->learner.learned[part], *b = &lab->learner.learned[part];
        assert_memory_equal(a->values, b->values, a->n * sizeof(float));
        assert_memory_equal(a->squares, b->squares, a->n_squares * sizeof(float));
    }
    workers_free(workers);
    if (lab != alone) lab_close(lab);
}

static void any_number_of_workers_learns_the_same_bits(void **state)
{
    (void)state;
    for (int kind = 0; kind < HEAD_KINDS; kind++) {
        struct learner_options options = lab_options((enum head_kind)kind);
        struct lab alone;
        options.token_dropout = 0.25f;
        options.ngram_dropout = 0.25f;
        for (unsigned n_workers = 1; n_workers <= 7; n_workers++)
            check_workers(&options, n_workers, &alone);
        lab_close(&alone);
    }
}

/* A number that is learned in an epoch of that seed and number. */
static float learned_in(const struct learner_options *options, int part, uint32_t number)
{
    struct lab lab;
    double loss;
    struct err err;
    lab_open(&lab, options, POOLING_MEAN, true, 1);
    const struct learner_epoch epoch = {.examples = &lab.world.examples,
                                        .order = lab.order,
                                        .n = LAB_ROWS,
                                        .number = number,
                                        .rate_first = 1,
                                        .rate_last = 1};
    struct workers *workers = workers_new(1, &err);
    assert_true(learner_run(&lab.learner, workers, &epoch, &loss, &err));
    const float found = lab.learner.learned[part].values[0];
    workers_free(workers);
    lab_close(&lab);
    return found;
}

static void check_dropout(const struct learner_options *options, int part)
{
    struct learner_options other = *options, none = *options;
    other.seed++;
    none.token_dropout = none.ngram_dropout = 0;
    const float found = learned_in(options, part, 0);
    assert_true(found == learned_in(options, part, 0));
    assert_true(found != learned_in(options, part, 1));
    assert_true(found != learned_in(&other, part, 0));
    assert_true(found != learned_in(&none, part, 0));
    assert_true(learned_in(&none, part, 0) == learned_in(&none, part, 1));
}

static void what_is_left_out_hangs_on_seed_and_epoch(void **state)
{
    (void)state;
    struct learner_options options = lab_options(HEAD_MULTI_CLASS);
    options.token_dropout = 0.5f;
    check_dropout(&options, LEARNED_WEIGHT);
    options.token_dropout = 0;
    options.ngram_dropout = 0.5f;
    check_dropout(&options, LEARNED_NGRAMS);
}

/* Table and head move, but the losses of a batch come from the same numbers. */
static void a_batch_is_judged_before_anything_moves(void **state)
{
    (void)state;
    const struct learner_options options = lab_options(HEAD_BINARY);
    struct lab lab;
    double loss, wanted = 0;
    struct err err;
    assert_true(LAB_ROWS <= LEARNER_BATCH);
    lab_open(&lab, &options, POOLING_MEAN, true, 1);
    lab_learn_alone(&lab, 1);
    for (size_t row = 0; row < LAB_ROWS; row++)
        wanted += loss_of(&lab.learner, &lab.world.examples, row);
    const struct learner_epoch epoch = {.examples = &lab.world.examples,
                                        .order = lab.order,
                                        .n = LAB_ROWS,
                                        .rate_first = 1,
                                        .rate_last = 1};
    struct workers *workers = workers_new(1, &err);
    assert_true(learner_run(&lab.learner, workers, &epoch, &loss, &err));
    assert_true(fabs(loss - wanted / LAB_ROWS) < 1e-12);
    workers_free(workers);
    lab_close(&lab);
}

/* Over the batches of an epoch, from the first to what the last is nearest to. */
static void rates_fall_from_batch_to_batch(void **state)
{
    (void)state;
    const struct learner_options options = lab_options(HEAD_MULTI_CLASS);
    uint32_t order[2 * LEARNER_BATCH];
    struct lab whole, parts;
    double loss;
    struct err err;
    lab_open(&whole, &options, POOLING_MEAN, true, 1);
    lab_open(&parts, &options, POOLING_MEAN, true, 1);
    struct workers *workers = workers_new(1, &err);
    for (uint32_t i = 0; i < 2 * LEARNER_BATCH; i++)
        order[i] = i % LAB_ROWS;
    struct learner_epoch epoch = {.examples = &whole.world.examples,
                                  .order = order,
                                  .n = 2 * LEARNER_BATCH,
                                  .rate_first = 1,
                                  .rate_last = 0.5};
    assert_true(learner_run(&whole.learner, workers, &epoch, &loss, &err));
    epoch.n = LEARNER_BATCH;
    epoch.rate_last = 1;
    assert_true(learner_run(&parts.learner, workers, &epoch, &loss, &err));
    epoch.order = order + LEARNER_BATCH;
    epoch.rate_first = epoch.rate_last = 0.75;
    assert_true(learner_run(&parts.learner, workers, &epoch, &loss, &err));
    for (int part = 0; part < LEARNED_PARTS; part++)
        assert_memory_equal(whole.learner.learned[part].values, parts.learner.learned[part].values,
                            whole.learner.learned[part].n * sizeof(float));
    workers_free(workers);
    lab_close(&whole);
    lab_close(&parts);
}

static bool stop_later(void *user, size_t n_done)
{
    size_t *calls = user;
    ++*calls;
    assert_int_equal(n_done, *calls * LEARNER_BATCH);
    return *calls == 2;
}

static void a_run_stops_after_the_batch_it_is_told_to(void **state)
{
    (void)state;
    const struct learner_options options = lab_options(HEAD_BINARY);
    uint32_t order[5 * LEARNER_BATCH] = {0};
    struct lab lab;
    double loss;
    size_t calls = 0;
    struct err err;
    lab_open(&lab, &options, POOLING_MEAN, true, 1);
    const struct learner_epoch epoch = {.examples = &lab.world.examples,
                                        .order = order,
                                        .n = 5 * LEARNER_BATCH,
                                        .rate_first = 1,
                                        .rate_last = 1,
                                        .stops = stop_later,
                                        .user = &calls};
    struct workers *workers = workers_new(1, &err);
    assert_true(learner_run(&lab.learner, workers, &epoch, &loss, &err));
    assert_int_equal(calls, 2);
    assert_true(loss > 0 && loss < 1);
    workers_free(workers);
    lab_close(&lab);
}

static void a_loss_that_is_no_number_is_an_error(void **state)
{
    (void)state;
    for (int normalize = 0; normalize < 2; normalize++) {
        struct learner_options options = lab_options(HEAD_MULTI_CLASS);
        const struct pool_options pool = {POOLING_SUM, normalize, WORLD_D};
        struct lab lab;
        struct learner learner;
        double loss;
        struct err err = {0};
        options.moves_table = false;
        lab_open(&lab, &options, POOLING_SUM, normalize, 1);
        for (int i = 0; i < WORLD_V * WORLD_D; i++)
            lab.world.rows[i] = FLT_MAX;
        assert_true(learner_make(&learner, &options, &lab.world.table, &pool, WORLD_UNKNOWN,
                                 lab.world.tokenizer, &lab.ngrams, 2, &err));
        const struct learner_epoch epoch = {.examples = &lab.world.examples,
                                            .order = lab.order,
                                            .n = LAB_ROWS,
                                            .rate_first = 1,
                                            .rate_last = 1};
        struct workers *workers = workers_new(2, &err);
        assert_false(learner_run(&learner, workers, &epoch, &loss, &err));
        assert_int_equal(err.code, ERR_FORMAT);
        assert_non_null(strstr(err.message, "smaller `learning-rate`"));
        workers_free(workers);
        learner_clear(&learner);
        lab_close(&lab);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_differences_of_the_loss),
        cmocka_unit_test(many_labels_have_the_same_gradients),
        cmocka_unit_test(a_vector_of_zeros_moves_no_rows),
        cmocka_unit_test(the_loss_begins_where_all_labels_are_equal),
        cmocka_unit_test(a_label_counts_what_its_weight_says),
        cmocka_unit_test(what_is_learned_is_known),
        cmocka_unit_test(a_step_is_one_of_adagrad),
        cmocka_unit_test(what_is_held_does_not_move),
        cmocka_unit_test(rows_that_no_text_has_stay),
        cmocka_unit_test(any_number_of_workers_learns_the_same_bits),
        cmocka_unit_test(what_is_left_out_hangs_on_seed_and_epoch),
        cmocka_unit_test(a_batch_is_judged_before_anything_moves),
        cmocka_unit_test(rates_fall_from_batch_to_batch),
        cmocka_unit_test(a_run_stops_after_the_batch_it_is_told_to),
        cmocka_unit_test(a_loss_that_is_no_number_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
