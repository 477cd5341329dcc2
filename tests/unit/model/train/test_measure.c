/* SPDX-License-Identifier: Apache-2.0 */
/* Measuring against asking one by one; the temperature against a fine grid. */
#include "model/encoder/table/table_encoder.h"
#include "model/train/measure.h"
#include "tests/unit/model/train/world.h"

#include <float.h>
#include <stdio.h>

/* More than are asked in one go. */
#define ROWS 600
#define COLUMNS_MAX 3

static struct world worlds[HEAD_KINDS];
static uint32_t rows[ROWS];
static struct arena arena;
static struct err err;

static const char *const words[] = {"the", "food", "is", "good", "bad", "eats", "我", "饭", "zzz"};

/* Labels that the words tell, but for every fifth row. */
static void add_row(struct world *world, enum head_kind kind, uint32_t i)
{
    static const char *const sets[] = {"", "0", "1", "01", "2", "02", "12", "012"};
    char text[100], digits[2] = {0};
    const uint32_t a = i * 7 % 9, b = i * i % 9, noise = i % 5 == 0 ? i / 5 : 0;
    snprintf(text, sizeof text, "%s %s %s", words[a], words[b], words[i / 9 % 9]);
    digits[0] = (char)('0' + (a + b + noise) % (kind == HEAD_BINARY ? 2 : 3));
    world_add(world, text, kind == HEAD_MULTI_LABEL ? sets[(a + b + noise) % 8] : digits);
}

static int start(void **state)
{
    (void)state;
    for (int kind = 0; kind < HEAD_KINDS; kind++) {
        world_open(&worlds[kind]);
        for (uint32_t i = 0; i < ROWS; i++)
            add_row(&worlds[kind], (enum head_kind)kind, i);
    }
    for (uint32_t i = 0; i < ROWS; i++)
        rows[i] = i * 7 % ROWS;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    for (int kind = 0; kind < HEAD_KINDS; kind++)
        world_close(&worlds[kind]);
    arena_clear(&arena);
    return 0;
}

/* A head whose numbers are up to `size`. */
static struct head *open_head(enum head_kind kind, double size)
{
    char text[2000];
    const unsigned n_rows = kind == HEAD_BINARY ? 1 : 3;
    size_t n = (size_t)snprintf(text, sizeof text, "{\"kind\":\"%s\",\"labels\":[\"a\",\"b\"%s],",
                                head_kind_names[kind], kind == HEAD_BINARY ? "" : ",\"c\"");
    n += (size_t)snprintf(text + n, sizeof text - n, "\"weight\":[");
    for (unsigned row = 0; row < n_rows; row++)
        for (unsigned j = 0; j < WORLD_D; j++)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%.9g%s",
                                  j     ? ","
                                  : row ? ",["
                                        : "[",
                                  size * sin(row * 11.0 + j * 3.0), j == WORLD_D - 1 ? "]" : "");
    snprintf(text + n, sizeof text - n, "],\"bias\":[0.1%s]}", n_rows == 1 ? "" : ",0.2,-0.3");
    struct head *head;
    static struct table_encoder encoders[HEAD_KINDS];
    table_encoder_init(&encoders[kind], &worlds[kind].table, WORLD_UNKNOWN);
    const struct head_input input = {
        .dim = WORLD_D, .encoder = &encoders[kind].encoder, .pool = {POOLING_MEAN, true, WORLD_D}};
    if (!head_open(&head, (struct span){text, strlen(text)}, "taste", "head", &input, &err))
        fail_msg("%s", err.message);
    return head;
}

static struct measuring measuring_of(const struct head *head)
{
    return (struct measuring){.info = head_info(head),
                              .examples = &worlds[head_info(head)->kind].examples,
                              .rows = rows,
                              .n = ROWS};
}

/* ---- one by one ---- */

static struct evaluation *ask_each(const struct head *head, const struct measuring *m,
                                   float *logits)
{
    const struct head_info *info = m->info;
    struct evaluation *evaluation =
        evaluation_new(info->kind, info->n_labels, info->labels, info->thresholds, &err);
    for (size_t i = 0; i < m->n; i++) {
        const struct example *item = &m->examples->items[m->rows[i]];
        const uint32_t *ids = m->examples->ids + item->ids_at;
        float v[WORLD_D], p[COLUMNS_MAX];
        arena_reset(&arena);
        assert_true(
            head_vector(head, NULL, &(struct passage){.ids = ids, .n = item->n_ids}, v, &err));
        assert_true(head_logits(head, &arena, v, ids, item->n_ids, logits, &err));
        head_probabilities(head, logits, p);
        assert_true(evaluation_add(evaluation, p, m->examples->labels + item->labels_at,
                                   item->n_labels, &err));
        logits += info->rows;
    }
    return evaluation;
}

/* NaN is itself here. */
static bool is_same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void check_same(const struct evaluation_result *a, const struct evaluation_result *b)
{
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->n_unknown, b->n_unknown);
    assert_true(is_same(a->accuracy, b->accuracy) && is_same(a->log_loss, b->log_loss));
    assert_true(is_same(a->micro.f1, b->micro.f1) && is_same(a->macro.f1, b->macro.f1));
    for (uint32_t k = 0; k < a->n_labels; k++) {
        assert_int_equal(a->classes[k].support, b->classes[k].support);
        assert_int_equal(a->classes[k].predicted, b->classes[k].predicted);
        assert_int_equal(a->classes[k].correct, b->classes[k].correct);
    }
}

static void check_measure(const struct head *head, const struct measuring *m, unsigned n_workers)
{
    static float wanted[ROWS * COLUMNS_MAX], found[ROWS * COLUMNS_MAX];
    struct workers *workers = workers_new(n_workers, &err);
    struct evaluation *each = ask_each(head, m, wanted);
    struct evaluation *all = measure(head, m, workers, found, &err);
    if (!all) fail_msg("%s", err.message);
    check_same(evaluation_finish(all), evaluation_finish(each));
    assert_memory_equal(found, wanted, m->n * m->info->rows * sizeof *found);
    struct evaluation *without = measure(head, m, workers, NULL, &err);
    check_same(evaluation_finish(without), evaluation_finish(each));
    evaluation_free(without);
    evaluation_free(all);
    evaluation_free(each);
    workers_free(workers);
}

static void measuring_is_asking_one_by_one(void **state)
{
    (void)state;
    for (int kind = 0; kind < HEAD_KINDS; kind++) {
        struct head *head = open_head((enum head_kind)kind, 2);
        struct measuring m = measuring_of(head);
        for (unsigned n_workers = 1; n_workers <= 4; n_workers++)
            check_measure(head, &m, n_workers);
        m.n = 3;
        check_measure(head, &m, 4);
        m.n = 0;
        check_measure(head, &m, 2);
        head_close(head);
    }
}

/* Labels that only the rows to measure by have. */
static void an_unknown_label_is_never_right(void **state)
{
    (void)state;
    struct head *head = open_head(HEAD_MULTI_CLASS, 2);
    struct measuring m = measuring_of(head);
    const uint32_t mine = worlds[HEAD_MULTI_CLASS].examples.labels[rows[0]];
    worlds[HEAD_MULTI_CLASS].examples.labels[rows[0]] = EXAMPLES_NO_LABEL;
    check_measure(head, &m, 2);
    m.n = 1;
    struct workers *workers = workers_new(1, &err);
    struct evaluation *evaluation = measure(head, &m, workers, NULL, &err);
    assert_int_equal(evaluation_finish(evaluation)->n_unknown, 1);
    assert_true(evaluation_finish(evaluation)->accuracy == 0);
    evaluation_free(evaluation);
    workers_free(workers);
    worlds[HEAD_MULTI_CLASS].examples.labels[rows[0]] = mine;
    head_close(head);
}

static void what_cannot_be_asked_is_an_error(void **state)
{
    (void)state;
    struct head *head = open_head(HEAD_MULTI_CLASS, 3e38);
    const struct measuring m = measuring_of(head);
    for (unsigned n_workers = 1; n_workers <= 3; n_workers++) {
        struct workers *workers = workers_new(n_workers, &err);
        err = (struct err){0};
        assert_null(measure(head, &m, workers, NULL, &err));
        assert_int_equal(err.code, ERR_INTERNAL);
        assert_non_null(strstr(err.message, "not finite"));
        workers_free(workers);
    }
    head_close(head);
}

/* ---- temperature ---- */

/* -ln p of the truth, from logits divided by t, and what keeps t near 1. */
static double loss_at(const struct measuring *m, const float *logits, double t)
{
    const struct head_info *info = m->info;
    double loss = 0;
    for (size_t i = 0; i < m->n; i++, logits += info->rows) {
        const struct example *item = &m->examples->items[m->rows[i]];
        const uint32_t *labels = m->examples->labels + item->labels_at;
        double sum = 0;
        if (item->n_labels > 0 && labels[item->n_labels - 1] == EXAMPLES_NO_LABEL) continue;
        for (uint32_t k = 0, next = 0; k < info->rows; k++) {
            const bool is_true = info->kind == HEAD_BINARY
                                     ? labels[0] == 1
                                     : next < item->n_labels && labels[next] == k;
            next += is_true;
            sum += exp((double)logits[k] / t);
            if (info->kind == HEAD_MULTI_CLASS)
                loss -= is_true ? (double)logits[k] / t : 0;
            else
                loss += log1p(exp((is_true ? -1 : 1) * (double)logits[k] / t));
        }
        if (info->kind == HEAD_MULTI_CLASS) loss += log(sum);
    }
    return loss + 25 * log(t) * log(t);
}

static double best_on_grid(const struct measuring *m, const float *logits)
{
    double best = 0, least = INFINITY;
    for (int i = 0; i <= 3000; i++) {
        const double t = exp(log(40) * i / 3000.0 - log(2)), loss = loss_at(m, logits, t);
        if (loss < least) best = t;
        if (loss < least) least = loss;
    }
    return best;
}

static double temperature_of(const struct head *head, const struct measuring *m, float *logits)
{
    evaluation_free(ask_each(head, m, logits));
    return measure_temperature(m, logits);
}

static void the_temperature_is_that_of_the_least_loss(void **state)
{
    (void)state;
    static const double sizes[] = {0.02, 1, 7};
    static float logits[ROWS * COLUMNS_MAX];
    for (int kind = 0; kind < HEAD_KINDS; kind++) {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            struct head *head = open_head((enum head_kind)kind, sizes[i]);
            const struct measuring m = measuring_of(head);
            const double found = temperature_of(head, &m, logits),
                         wanted = best_on_grid(&m, logits);
            /* The grid's step is 0.2 %, the search's end 0.1 %. */
            if (!(fabs(log(found / wanted)) <= 3e-3)) fail_msg("%g, not %g", found, wanted);
            head_close(head);
        }
    }
}

/* Logits that are for the truth, but in every fifth row against it. */
static void fill_logits(const struct measuring *m, double size, float *logits)
{
    const struct head_info *info = m->info;
    for (size_t i = 0; i < m->n; i++) {
        const struct example *item = &m->examples->items[m->rows[i]];
        const uint32_t *labels = m->examples->labels + item->labels_at;
        const double sure = size * (i % 5 == 0 ? -1 : 1) * (0.5 + (double)(i % 7) / 4);
        for (uint32_t k = 0, next = 0; k < info->rows; k++) {
            const bool is_there = next < item->n_labels && labels[next] == k;
            const bool is_true = info->kind == HEAD_BINARY ? labels[0] == 1 : is_there;
            next += is_there;
            *logits++ = (float)(is_true ? sure : -sure);
        }
    }
}

static void logits_that_are_too_sure_are_divided_and_others_multiplied(void **state)
{
    (void)state;
    static const double sizes[] = {0.2, 2, 5};
    static float logits[ROWS * COLUMNS_MAX];
    for (int kind = 0; kind < HEAD_KINDS; kind++) {
        struct head *head = open_head((enum head_kind)kind, 1);
        const struct measuring m = measuring_of(head);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            fill_logits(&m, sizes[i], logits);
            const double found = measure_temperature(&m, logits);
            const double wanted = best_on_grid(&m, logits);
            if (!(fabs(log(found / wanted)) <= 3e-3))
                fail_msg("kind %d: %g, not %g", kind, found, wanted);
            /* And it is none of the ends, which any loss might have. */
            assert_true(found > 0.1 && found < 15 && (found < 1) == (sizes[i] < 1));
        }
        head_close(head);
    }
}

/* Rows that are all right would have it 0, and rows that are all wrong endless. */
static void it_stays_from_a_half_to_twenty(void **state)
{
    (void)state;
    float good[ROWS * COLUMNS_MAX], bad[ROWS * COLUMNS_MAX];
    struct head *head = open_head(HEAD_MULTI_CLASS, 1);
    const struct measuring m = measuring_of(head);
    for (size_t i = 0; i < ROWS; i++) {
        const uint32_t label = m.examples->labels[m.examples->items[rows[i]].labels_at];
        for (uint32_t k = 0; k < 3; k++) {
            good[i * 3 + k] = k == label ? 0.5f : 0;
            bad[i * 3 + k] = k == label ? -100 : 100;
        }
    }
    assert_true(fabs(measure_temperature(&m, good) - 0.5) < 1e-3);
    assert_true(fabs(measure_temperature(&m, bad) - 20) < 0.1);
    head_close(head);
}

/* A few rows, all right: the fewer, the nearer to 1. */
static void few_rows_move_it_little(void **state)
{
    (void)state;
    static float logits[ROWS * COLUMNS_MAX];
    double before = 0.5;
    struct head *head = open_head(HEAD_MULTI_CLASS, 1);
    struct measuring m = measuring_of(head);
    for (size_t i = 0; i < ROWS; i++)
        for (uint32_t k = 0; k < 3; k++)
            logits[i * 3 + k] =
                k == m.examples->labels[m.examples->items[rows[i]].labels_at] ? 4 : 0;
    for (m.n = ROWS; m.n >= 9; m.n /= 3) {
        const double found = measure_temperature(&m, logits);
        assert_true(found > before && found < 1);
        before = found;
    }
    assert_true(before > 0.85);
    head_close(head);
}

static void unknown_labels_have_no_say_in_it(void **state)
{
    (void)state;
    static float logits[ROWS * COLUMNS_MAX];
    struct head *head = open_head(HEAD_MULTI_CLASS, 3);
    struct measuring m = measuring_of(head);
    m.n = ROWS / 2;
    const double wanted = temperature_of(head, &m, logits);
    uint32_t *labels = worlds[HEAD_MULTI_CLASS].examples.labels, before[ROWS];
    memcpy(before, labels, sizeof before);
    for (size_t i = ROWS / 2; i < ROWS; i++)
        labels[rows[i]] = EXAMPLES_NO_LABEL;
    m.n = ROWS;
    assert_true(temperature_of(head, &m, logits) == wanted);
    m.rows = rows + ROWS / 2;
    m.n = ROWS / 2;
    assert_true(fabs(temperature_of(head, &m, logits) - 1) < 1e-3);
    memcpy(labels, before, sizeof before);
    head_close(head);
}

/* ---- all that held-out rows say ---- */

static void held_out_rows_say_how_good_and_how_sure(void **state)
{
    (void)state;
    static float logits[ROWS * COLUMNS_MAX];
    for (int kind = 0; kind < HEAD_KINDS; kind++) {
        struct head *head = open_head((enum head_kind)kind, 1);
        const struct measuring m = measuring_of(head);
        struct measured found;
        fill_logits(&m, 2, logits);
        if (!measure_logits(&m, logits, &found, &err)) fail_msg("%s", err.message);
        assert_int_equal(found.n, ROWS);
        assert_true(found.temperature == measure_temperature(&m, logits));
        /* Every fifth row is wrong, and four of five are as sure as that. */
        if (kind != HEAD_MULTI_LABEL) {
            assert_true(found.score == 0.8);
            assert_true(found.score_low > 0.76 && found.score_low < 0.8);
            assert_true(found.score_high > 0.8 && found.score_high < 0.84);
        } else {
            assert_true(isnan(found.score_low) && isnan(found.score_high));
        }
        assert_true(found.calibration_error >= 0 && found.calibration_error < 0.2);
        assert_true(found.brier > 0.1 && found.brier < 0.6);
        assert_int_equal(found.n_margins, UNSURE_QUANTILES);
        for (uint32_t i = 1; i < found.n_margins; i++)
            assert_true(found.margins[i] >= found.margins[i - 1]);
        head_close(head);
    }
}

static void too_few_rows_calibrate_nothing(void **state)
{
    (void)state;
    static float logits[ROWS * COLUMNS_MAX];
    struct head *head = open_head(HEAD_MULTI_CLASS, 1);
    struct measuring m = measuring_of(head);
    struct measured found;
    m.n = 19;
    fill_logits(&m, 5, logits);
    assert_true(measure_logits(&m, logits, &found, &err));
    assert_true(found.temperature == 1 && found.n_margins == 0);
    assert_true(isnan(found.calibration_error) && isnan(found.brier));
    m.n = 20;
    assert_true(measure_logits(&m, logits, &found, &err));
    assert_true(found.temperature != 1 && found.n_margins == UNSURE_QUANTILES);
    assert_false(isnan(found.calibration_error));
    head_close(head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measuring_is_asking_one_by_one),
        cmocka_unit_test(an_unknown_label_is_never_right),
        cmocka_unit_test(what_cannot_be_asked_is_an_error),
        cmocka_unit_test(the_temperature_is_that_of_the_least_loss),
        cmocka_unit_test(logits_that_are_too_sure_are_divided_and_others_multiplied),
        cmocka_unit_test(it_stays_from_a_half_to_twenty),
        cmocka_unit_test(few_rows_move_it_little),
        cmocka_unit_test(held_out_rows_say_how_good_and_how_sure),
        cmocka_unit_test(too_few_rows_calibrate_nothing),
        cmocka_unit_test(unknown_labels_have_no_say_in_it),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
