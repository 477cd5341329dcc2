/* SPDX-License-Identifier: Apache-2.0 */
/* What was learned as files: read again they say what the learner would. */
#include "model/encoder/table/encode_rows.h"
#include "model/encoder/table/table_encoder.h"
#include "model/files/tensors.h"
#include "model/head/head.h"
#include "model/math/float16.h"
#include "model/math/kernels.h"
#include "model/train/learned.h"
#include "tests/unit/model/train/lab.h"

#include <stdio.h>

static const char *const labels[LAB_LABELS_MAX] = {"a", "\"b\"", "饭", "d d", "e"};

static struct err err;

static struct learned_files take(const struct lab *lab, const struct table *from,
                                 const struct learned_about *about)
{
    struct learned_files files;
    if (!learned_take(&files, &lab->learner, from, about, &err)) fail_msg("%s", err.message);
    return files;
}

static struct head *open_head(const struct learned_files *files, const struct lab *lab,
                              const struct table *table)
{
    struct head *head;
    static struct table_encoder encoder;
    table_encoder_init(&encoder, table, WORLD_UNKNOWN);
    const struct head_input input = {.dim = WORLD_D,
                                     .tokenizer = lab->world.tokenizer,
                                     .encoder = &encoder.encoder,
                                     .pool = lab->learner.pool};
    if (!head_open(&head, (struct span){files->head, files->head_bytes}, "taste", "the head",
                   &input, &err))
        fail_msg("%s", err.message);
    return head;
}

static struct table open_table(const struct learned_files *files)
{
    struct table table;
    if (!table_open_safetensors(&table, (struct span){files->table, files->table_bytes},
                                "the table", &err))
        fail_msg("%s", err.message);
    return table;
}

/* ---- the head ---- */

/* The loss that the learner has without weights of labels, from the logits of the head. */
static double loss_of(const struct head *head, const struct example *item, const uint32_t *truth,
                      const float *logits)
{
    const struct head_info *info = head_info(head);
    double loss = 0, sum = 0;
    for (uint32_t k = 0, next = 0; k < info->rows; k++) {
        const bool is_true =
            info->kind == HEAD_BINARY ? truth[0] == 1 : next < item->n_labels && truth[next] == k;
        next += is_true;
        sum += exp((double)logits[k]);
        if (info->kind == HEAD_MULTI_CLASS)
            loss -= is_true ? (double)logits[k] : 0;
        else
            loss += log1p(exp((is_true ? -1 : 1) * (double)logits[k]));
    }
    return info->kind == HEAD_MULTI_CLASS ? loss + log(sum) : loss;
}

/* N-grams have 8 bits, so the losses are not the same to the last. */
static void check_losses(struct lab *lab, const struct head *head)
{
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (uint32_t row = 0; row < LAB_ROWS; row++) {
        float *const none[LEARNED_PARTS] = {NULL};
        const struct examples *examples = &lab->world.examples;
        const struct example *item = &examples->items[row];
        const uint32_t *ids = examples->ids + item->ids_at;
        float v[WORLD_D], logits[LAB_LABELS_MAX];
        double wanted;
        assert_true(learner_gradients(&lab->learner, examples, row, &wanted, none, &err));
        assert_true(
            head_vector(head, NULL, &(struct passage){.ids = ids, .n = item->n_ids}, v, &err));
        assert_true(head_logits(head, &arena, v, ids, item->n_ids, logits, &err));
        const double found = loss_of(head, item, examples->labels + item->labels_at, logits);
        if (!(fabs(found - wanted) <= 0.01 * (1 + wanted)))
            fail_msg("row %u: %g, not %g", row, found, wanted);
    }
    arena_clear(&arena);
}

static void check_head(enum head_kind kind, enum pooling pooling, bool normalize, bool moves_table)
{
    const struct learned_about about = {.labels = labels, .temperature = 1};
    struct learner_options options = lab_options(kind);
    struct lab lab;
    options.label_weights = NULL;
    options.moves_table = moves_table;
    lab_open(&lab, &options, pooling, normalize, 1);
    lab_learn_alone(&lab, 4);
    struct learned_files files = take(&lab, &lab.world.table, &about);
    assert_int_equal(files.table != NULL, moves_table);
    struct table table = moves_table ? open_table(&files) : lab.world.table;
    struct head *head = open_head(&files, &lab, &table);
    check_losses(&lab, head);
    head_close(head);
    if (moves_table) table_close(&table);
    learned_clear(&files);
    learned_clear(&files);
    lab_close(&lab);
}

static void a_head_says_what_was_learned(void **state)
{
    (void)state;
    static const enum pooling poolings[] = {POOLING_MEAN, POOLING_WEIGHTED, POOLING_SUM};
    for (int kind = 0; kind < HEAD_KINDS; kind++)
        for (int i = 0; i < 12; i++)
            check_head((enum head_kind)kind, poolings[i % 3], i / 3 % 2, i / 6);
}

static void a_head_tells_what_it_is_told(void **state)
{
    (void)state;
    const float thresholds[] = {0.25f, 0.5f, 0.75f};
    json_t *training = json_pack("{s:s, s:f}", "mode", "head", "rate", 0.1);
    json_t *scores = json_pack("{s:f}", "macro_f1", 0.5);
    const struct learned_about about = {.labels = labels,
                                        .thresholds = thresholds,
                                        .temperature = 0.123456789,
                                        .training = training,
                                        .scores = scores};
    const struct learner_options options = lab_options(HEAD_MULTI_LABEL);
    struct lab lab;
    lab_open(&lab, &options, POOLING_MEAN, true, 1);
    struct learned_files files = take(&lab, &lab.world.table, &about);
    struct head *head = open_head(&files, &lab, &lab.world.table);
    const struct head_info *info = head_info(head);
    assert_int_equal(info->kind, HEAD_MULTI_LABEL);
    assert_int_equal(info->ngrams, lab.ngrams.n);
    for (uint32_t k = 0; k < 3; k++) {
        assert_string_equal(info->labels[k], labels[k]);
        assert_true(info->thresholds[k] == thresholds[k]);
    }
    assert_true(info->temperature == 0.123456789f);
    assert_string_equal(info->training, "{\"mode\":\"head\",\"rate\":0.10000000000000001}");
    assert_string_equal(info->scores, "{\"macro_f1\":0.5}");
    head_close(head);
    learned_clear(&files);
    lab_close(&lab);
    json_decref(training);
    json_decref(scores);
}

static void the_same_numbers_give_the_same_bytes(void **state)
{
    (void)state;
    const struct learned_about about = {.labels = labels, .temperature = 1};
    const struct learner_options options = lab_options(HEAD_MULTI_CLASS);
    struct lab lab;
    lab_open(&lab, &options, POOLING_MEAN, true, 1);
    lab_learn_alone(&lab, 1);
    struct learned_files once = take(&lab, &lab.world.table, &about);
    struct learned_files again = take(&lab, &lab.world.table, &about);
    assert_int_equal(once.head_bytes, again.head_bytes);
    assert_memory_equal(once.head, again.head, once.head_bytes);
    assert_int_equal(once.table_bytes, again.table_bytes);
    assert_memory_equal(once.table, again.table, once.table_bytes);
    learned_clear(&once);
    learned_clear(&again);
    lab_close(&lab);
}

/* ---- the table ---- */

/* The world's table in another dtype. */
struct encoded {
    char rows[WORLD_V * WORLD_D * sizeof(float)];
    float scales[WORLD_V]; /* of I8, or halves of I4 */
    struct table table;
};

static void encode_table(struct encoded *out, const struct table *from, enum dtype dtype)
{
    const size_t row_bytes = dtype_row_bytes(dtype, WORLD_D);
    for (uint32_t id = 0; id < WORLD_V; id++)
        encode_row(out->rows + id * row_bytes,
                   (const float *)(const void *)rows_at(&from->rows, id), WORLD_D, dtype,
                   (char *)out->scales + id * dtype_scale_bytes(dtype, WORLD_D));
    out->table = (struct table){.rows = {.at = out->rows,
                                         .stride_bytes = row_bytes,
                                         .n = WORLD_V,
                                         .dtype = dtype,
                                         .scales = (const char *)out->scales},
                                .n_rows = WORLD_V,
                                .dim = WORLD_D,
                                .weights = from->weights};
}

/* A lab whose learner starts from that table. */
static void open_lab_on(struct lab *lab, struct encoded *encoded, enum dtype dtype)
{
    const struct learner_options options = lab_options(HEAD_MULTI_CLASS);
    const struct pool_options pool = {POOLING_WEIGHTED, true, WORLD_D};
    lab_open(lab, &options, POOLING_MEAN, true, 1);
    encode_table(encoded, &lab->world.table, dtype);
    learner_clear(&lab->learner);
    assert_true(learner_make(&lab->learner, &options, &encoded->table, &pool, WORLD_UNKNOWN,
                             lab->world.tokenizer, &lab->ngrams, 1, &err));
}

/* As near as the dtype can be. */
static void check_moved(const struct table *table, uint32_t id, const float *learned)
{
    static const double parts[DTYPES] = {
        [DTYPE_F32] = 0, [DTYPE_F16] = 0x1p-11, [DTYPE_BF16] = 0x1p-8};
    float row[WORLD_D];
    uint16_t half;
    kernels_get()->row[table->rows.dtype](row, &table->rows, id, WORLD_D);
    double step = 0;
    if (table->rows.dtype == DTYPE_I8) step = (double)rows_scale(&table->rows, id);
    if (table->rows.dtype == DTYPE_I4) {
        memcpy(&half, rows_scales(&table->rows, id), sizeof half);
        step = 2 * fabs((double)float_from_f16(half)); /* what is largest may be cut */
    }
    for (uint32_t j = 0; j < WORLD_D; j++) {
        const double most = parts[table->rows.dtype] * fabs((double)learned[j]) + 0.501 * step;
        assert_true(fabs((double)row[j] - (double)learned[j]) <= most);
    }
}

static void check_table(enum dtype dtype)
{
    const struct learned_about about = {.labels = labels, .temperature = 1};
    struct encoded encoded;
    struct lab lab;
    size_t n_moved = 0;
    open_lab_on(&lab, &encoded, dtype);
    lab_learn_alone(&lab, 2);
    struct learned_files files = take(&lab, &encoded.table, &about);
    struct table table = open_table(&files);
    assert_int_equal(table.rows.dtype, dtype);
    assert_true(table.n_rows == WORLD_V && table.dim == WORLD_D);
    assert_memory_equal(table.weights, lab.world.weights, sizeof lab.world.weights);
    for (uint32_t id = 0; id < WORLD_V; id++) {
        const size_t bytes = dtype_row_bytes(dtype, WORLD_D);
        const size_t scale_bytes = dtype_scale_bytes(dtype, WORLD_D);
        const bool stays =
            memcmp(rows_at(&table.rows, id), rows_at(&encoded.table.rows, id), bytes) == 0;
        check_moved(&table, id, lab.learner.learned[LEARNED_TABLE].values + id * WORLD_D);
        if (id == WORLD_UNKNOWN || id == 7) assert_true(stays);
        if (scale_bytes > 0 && (id == WORLD_UNKNOWN || id == 7 || (stays && dtype == DTYPE_I8)))
            assert_memory_equal(rows_scales(&table.rows, id), rows_scales(&encoded.table.rows, id),
                                scale_bytes);
        n_moved += !stays;
    }
    assert_true(n_moved > WORLD_V / 2);
    table_close(&table);
    learned_clear(&files);
    lab_close(&lab);
}

static void a_table_keeps_its_dtype_and_the_bytes_that_did_not_move(void **state)
{
    (void)state;
    for (int dtype = 0; dtype < DTYPES; dtype++)
        check_table((enum dtype)dtype);
}

/* ---- what is wrong ---- */

static void refuse(const struct lab *lab, const struct table *from)
{
    const struct learned_about about = {.labels = labels, .temperature = 1};
    struct learned_files files;
    err = (struct err){0};
    assert_false(learned_take(&files, &lab->learner, from, &about, &err));
    assert_int_equal(err.code, ERR_FORMAT);
    assert_non_null(strstr(err.message, "no longer finite"));
    assert_true(!files.head && !files.table);
    learned_clear(&files);
}

static void numbers_that_are_not_finite_are_no_files(void **state)
{
    (void)state;
    const struct learner_options options = lab_options(HEAD_MULTI_CLASS);
    static const float values[] = {NAN, INFINITY, -INFINITY};
    struct lab lab;
    lab_open(&lab, &options, POOLING_MEAN, true, 1);
    for (int part = 0; part < LEARNED_PARTS; part++) {
        float *value = &lab.learner.learned[part].values[1], before = *value;
        for (size_t i = 0; i < 3; i++) {
            *value = values[i];
            refuse(&lab, &lab.world.table);
        }
        *value = before;
    }
    lab_close(&lab);
}

static void nor_are_numbers_that_the_dtype_does_not_hold(void **state)
{
    (void)state;
    struct encoded encoded;
    struct lab lab;
    static const enum dtype dtypes[] = {DTYPE_F16, DTYPE_I4};
    for (size_t i = 0; i < 2; i++) {
        open_lab_on(&lab, &encoded, dtypes[i]);
        lab.learner.learned[LEARNED_TABLE].values[4 * WORLD_D] = i == 0 ? 65520 : 1e6f;
        lab.learner.learned[LEARNED_TABLE].squares[4] = 1;
        refuse(&lab, &encoded.table);
        lab_close(&lab);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_says_what_was_learned),
        cmocka_unit_test(a_head_tells_what_it_is_told),
        cmocka_unit_test(the_same_numbers_give_the_same_bytes),
        cmocka_unit_test(a_table_keeps_its_dtype_and_the_bytes_that_did_not_move),
        cmocka_unit_test(numbers_that_are_not_finite_are_no_files),
        cmocka_unit_test(nor_are_numbers_that_the_dtype_does_not_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
