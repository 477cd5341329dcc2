/* SPDX-License-Identifier: Apache-2.0 */
/* Heads with n-grams: their logits against a plain sum, their shares, and files that are wrong. */
#include "model/encoder/table/pool.h"
#include "model/encoder/table/table_encoder.h"
#include "model/files/tensors_pack.h"
#include "model/head/head.h"
#include "model/head/ngrams/ngram_index.h"
#include "model/train/ngram_vocabulary.h"
#include "tests/unit/model/train/world.h"

#include <stdio.h>

#define LABELS 3
#define N_TENSORS 6
#define ROOM 4096

static const struct ngram_ranges ranges = {.tokens_max = 2,
                                           .characters_min = 2,
                                           .characters_max = 4,
                                           .ideographs_min = 1,
                                           .ideographs_max = 3,
                                           .has_ends = true,
                                           .length = 2};

static const char *const texts[] = {"the food is good",
                                    "the food is bad",
                                    "eating good food",
                                    "我爱吃饭",
                                    "我吃饭",
                                    "爱吃 the good food",
                                    "the zzz the the",
                                    "zzz",
                                    "",
                                    "bad bad 饭 zzz"};
#define TEXTS (sizeof texts / sizeof texts[0])

/* A head's file before it is packed; a test may break any of it. */
static struct {
    struct world world;
    struct ngram_vocabulary ngrams;
    float weight[LABELS * WORLD_D], bias[LABELS];
    signed char rows[ROOM * LABELS];
    float scales[ROOM];
    struct tensor_given tensors[N_TENSORS];
    json_t *metadata;
    struct table_encoder encoder;
    struct head_input input;
    char *packed;
} kit;

static struct arena arena;
static struct err err;

enum { WEIGHT, BIAS, SLOTS, SCALES, WEIGHTS, ROWS };

/* Anything between -1 and 1. */
static float number(uint32_t i)
{
    return sinf((float)(i * 37 % 1009) + 0.25f);
}

static char *about_ngrams(const struct tokenizer *tokenizer)
{
    static char text[200];
    snprintf(text, sizeof text,
             "{\"tokens\":%u,\"characters\":[%u,%u],\"ideographs\":[%u,%u],\"ends\":true,"
             "\"length\":%u,\"vocabulary\":\"%016llx\"}",
             ranges.tokens_max, ranges.characters_min, ranges.characters_max, ranges.ideographs_min,
             ranges.ideographs_max, ranges.length,
             (unsigned long long)tokenizer_fingerprint(tokenizer));
    return text;
}

static void fill_tensors(void)
{
    const uint64_t n = kit.ngrams.n, n_slots = (uint64_t)1 << kit.ngrams.index.bits;
    const struct tensor_given tensors[N_TENSORS] = {
        [WEIGHT] = {"weight", "F32", 2, {LABELS, WORLD_D}, kit.weight, sizeof kit.weight},
        [BIAS] = {"bias", "F32", 1, {LABELS, 0}, kit.bias, sizeof kit.bias},
        [SLOTS] = {"ngrams.slots", "U32", 2, {n_slots, 2}, kit.ngrams.slots, n_slots * 8},
        [SCALES] = {"ngrams.scales", "F32", 1, {n, 0}, kit.scales, n * 4},
        [WEIGHTS] = {"ngrams.weights", "F32", 1, {n, 0}, kit.ngrams.weights, n * 4},
        [ROWS] = {"ngrams.rows", "I8", 2, {n, LABELS}, kit.rows, n * LABELS},
    };
    memcpy(kit.tensors, tensors, sizeof tensors);
}

static int make_kit(void **state)
{
    (void)state;
    uint32_t rows[TEXTS];
    world_open(&kit.world);
    for (uint32_t i = 0; i < TEXTS; i++) {
        world_add(&kit.world, texts[i], "0");
        rows[i] = i;
    }
    assert_true(ngram_vocabulary_make(&kit.ngrams, &kit.world.examples, rows, TEXTS,
                                      kit.world.tokenizer, &ranges, ROOM, &err));
    assert_true(kit.ngrams.n > 20 && kit.ngrams.n <= ROOM);
    for (uint32_t i = 0; i < LABELS * WORLD_D; i++)
        kit.weight[i] = number(i);
    for (uint32_t i = 0; i < LABELS; i++)
        kit.bias[i] = number(900 + i);
    for (uint32_t i = 0; i < kit.ngrams.n; i++)
        kit.scales[i] = (1.5f + number(i)) / 64;
    for (uint32_t i = 0; i < kit.ngrams.n * LABELS; i++)
        kit.rows[i] = (signed char)(127 * number(3 * i));
    fill_tensors();
    kit.metadata = json_pack("{s:s, s:s}", "labels", "[\"a\",\"b\",\"c\"]", "ngrams",
                             about_ngrams(kit.world.tokenizer));
    table_encoder_init(&kit.encoder, &kit.world.table, WORLD_UNKNOWN);
    kit.input = (struct head_input){.dim = WORLD_D,
                                    .tokenizer = kit.world.tokenizer,
                                    .encoder = &kit.encoder.encoder,
                                    .pool = {POOLING_MEAN, true, WORLD_D}};
    kit.packed = NULL;
    arena_init(&arena, 1 << 20);
    err = (struct err){0};
    return 0;
}

static int clear_kit(void **state)
{
    (void)state;
    arena_clear(&arena);
    free(kit.packed);
    json_decref(kit.metadata);
    ngram_vocabulary_clear(&kit.ngrams);
    world_close(&kit.world);
    return 0;
}

/* The kit as a file, at an odd address: nothing in it is aligned. */
static struct span pack_kit(void)
{
    struct tensor_given tensors[N_TENSORS];
    size_t n = 0, bytes;
    for (size_t i = 0; i < N_TENSORS; i++)
        if (kit.tensors[i].name) tensors[n++] = kit.tensors[i];
    char *even = tensors_pack(tensors, n, kit.metadata, &bytes, &err);
    assert_non_null(even);
    free(kit.packed);
    kit.packed = malloc(bytes + 1);
    memcpy(kit.packed + 1, even, bytes);
    free(even);
    return (struct span){kit.packed + 1, bytes};
}

static struct head *open_kit(void)
{
    struct head *head;
    if (!head_open(&head, pack_kit(), "taste", "head.safetensors", &kit.input, &err))
        fail_msg("%s", err.message);
    assert_int_equal(head_info(head)->ngrams, kit.ngrams.n);
    return head;
}

/* ---- logits ---- */

static const uint32_t *ids_of(size_t text, uint32_t *n)
{
    const struct example *item = &kit.world.examples.items[text];
    *n = item->n_ids;
    return kit.world.examples.ids + item->ids_at;
}

/* What the n-grams add to logits and to the shares of tokens (n, LABELS), summed as it is defined.
 */
static void sum_ngrams(const uint32_t *ids, uint32_t n, double *logits, double *shares)
{
    static struct ngram found[ROOM];
    struct ngram_walk walk;
    double squares = 0;
    ngrams_start(&walk, &ranges, kit.world.tokenizer, ids, n);
    const size_t n_found = ngrams_next(&walk, found, ROOM);
    assert_true(n_found + NGRAMS_STEP_MAX <= ROOM);
    for (size_t i = 0; i < n_found; i++) {
        const uint32_t row = ngram_index_find(&kit.ngrams.index, found[i].hash);
        if (row == NGRAM_NONE) continue;
        squares += (double)kit.ngrams.weights[row] * (double)kit.ngrams.weights[row];
    }
    for (size_t i = 0; i < n_found; i++) {
        const uint32_t row = ngram_index_find(&kit.ngrams.index, found[i].hash);
        for (uint32_t k = 0; row != NGRAM_NONE && k < LABELS; k++) {
            const double value =
                (double)kit.scales[row] * kit.rows[row * LABELS + k] / sqrt(squares);
            logits[k] += value;
            for (uint32_t token = found[i].first; token <= found[i].last; token++)
                shares[token * LABELS + k] += value / (found[i].last - found[i].first + 1);
        }
    }
}

/* W·v + b in double, v as the head sees it. */
static void sum_vector(const struct head *head, const uint32_t *ids, uint32_t n, double *logits)
{
    float v[WORLD_D];
    assert_true(head_vector(head, NULL, &(struct passage){.ids = ids, .n = n}, v, &err));
    for (uint32_t k = 0; k < LABELS; k++) {
        logits[k] = (double)kit.bias[k];
        for (uint32_t j = 0; j < WORLD_D; j++)
            logits[k] += (double)kit.weight[k * WORLD_D + j] * (double)v[j];
    }
}

static void find_logits(const struct head *head, const uint32_t *ids, uint32_t n, float *logits)
{
    float v[WORLD_D];
    assert_true(head_vector(head, NULL, &(struct passage){.ids = ids, .n = n}, v, &err));
    assert_true(head_logits(head, &arena, v, ids, n, logits, &err));
}

static void check_logits(const struct head *head, const uint32_t *ids, uint32_t n)
{
    float logits[LABELS];
    double wanted[LABELS];
    double *shares = calloc((size_t)n * LABELS + 1, sizeof *shares);
    sum_vector(head, ids, n, wanted);
    sum_ngrams(ids, n, wanted, shares);
    find_logits(head, ids, n, logits);
    for (uint32_t k = 0; k < LABELS; k++)
        /* A rounding to 24 bits for each of a dozen n-grams a token. */
        if (!(fabs((double)logits[k] - wanted[k]) <= 1e-5 + 1e-7 * n))
            fail_msg("logit %u is %g, not %g", k, (double)logits[k], wanted[k]);
    free(shares);
}

static void logits_are_those_of_a_plain_sum(void **state)
{
    (void)state;
    struct head *head = open_kit();
    for (size_t i = 0; i < TEXTS; i++) {
        uint32_t n;
        const uint32_t *ids = ids_of(i, &n);
        check_logits(head, ids, n);
    }
    head_close(head);
}

/* More n-grams than are asked for at once, and unknown tokens in between. */
static void long_texts_are_summed_in_pieces(void **state)
{
    (void)state;
    struct head *head = open_kit();
    uint32_t ids[400];
    for (uint32_t n = 1; n <= 400; n = n < 30 ? n + 1 : n + 37) {
        for (uint32_t i = 0; i < n; i++)
            ids[i] = i % 29 == 28 ? TOKEN_ID_NONE : (i * i + 3 * i) % WORLD_V;
        check_logits(head, ids, n);
    }
    head_close(head);
}

static void a_text_without_tokens_has_the_bias_alone(void **state)
{
    (void)state;
    static const uint32_t unknown[] = {WORLD_UNKNOWN, TOKEN_ID_NONE};
    struct head *head = open_kit();
    float logits[LABELS];
    find_logits(head, NULL, 0, logits);
    assert_memory_equal(logits, kit.bias, sizeof logits);
    /* Unknown ones have a length still. */
    check_logits(head, unknown, 2);
    head_close(head);
}

static void a_logit_that_overflows_is_an_error(void **state)
{
    (void)state;
    uint32_t n;
    const uint32_t *ids = ids_of(0, &n);
    float v[WORLD_D], logits[LABELS];
    for (uint32_t i = 0; i < kit.ngrams.n; i++)
        kit.scales[i] = 3e36f;
    memset(kit.rows, 127, sizeof kit.rows);
    struct head *head = open_kit();
    assert_true(head_vector(head, NULL, &(struct passage){.ids = ids, .n = n}, v, &err));
    assert_false(head_logits(head, &arena, v, ids, n, logits, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    head_close(head);
}

static void set_about(const char *key, const char *json)
{
    json_t *about = json_loads(json_string_value(json_object_get(kit.metadata, "ngrams")), 0, NULL);
    json_object_set_new(about, key, json_loads(json, JSON_DECODE_ANY, NULL));
    char *text = json_dumps(about, 0);
    json_object_set_new(kit.metadata, "ngrams", json_string(text));
    free(text);
    json_decref(about);
}

/* ---- shares ---- */

static void check_shares(const struct head *head, const uint32_t *ids, uint32_t n)
{
    float logits[LABELS];
    double shares[64], bias;
    assert_true(n <= 64);
    find_logits(head, ids, n, logits);
    for (uint32_t row = 0; row < LABELS; row++) {
        assert_true(head_explain(head, &arena, ids, n, row, shares, &bias, &err));
        assert_true(bias == (double)kit.bias[row]);
        double sum = bias;
        for (uint32_t i = 0; i < n; i++)
            sum += shares[i];
        if (!(fabs(sum - (double)logits[row]) <= 1e-4))
            fail_msg("shares add up to %g, not %g", sum, (double)logits[row]);
    }
}

static void bias_and_shares_add_up_to_the_logit(void **state)
{
    (void)state;
    static const enum pooling poolings[] = {POOLING_MEAN, POOLING_WEIGHTED, POOLING_SUM};
    for (int i = 0; i < 6; i++) {
        kit.input.pool.pooling = poolings[i / 2];
        kit.input.pool.normalize = i % 2;
        struct head *head = open_kit();
        for (size_t text = 0; text < TEXTS; text++) {
            uint32_t n;
            const uint32_t *ids = ids_of(text, &n);
            check_shares(head, ids, n);
        }
        head_close(head);
    }
}

static void each_token_that_an_ngram_touches_has_an_equal_part(void **state)
{
    (void)state;
    memset(kit.weight, 0, sizeof kit.weight);
    struct head *head = open_kit();
    for (size_t text = 0; text < TEXTS; text++) {
        uint32_t n;
        const uint32_t *ids = ids_of(text, &n);
        double wanted[64 * LABELS] = {0}, logits[LABELS] = {0}, shares[64], bias;
        sum_ngrams(ids, n, logits, wanted);
        for (uint32_t row = 0; row < LABELS; row++) {
            assert_true(head_explain(head, &arena, ids, n, row, shares, &bias, &err));
            for (uint32_t i = 0; i < n; i++)
                assert_true(fabs(shares[i] - wanted[i * LABELS + row]) <= 1e-12);
        }
    }
    head_close(head);
}

/* Lengths and marks touch them, runs do not. */
static void unknown_tokens_have_no_share_of_runs(void **state)
{
    (void)state;
    set_about("length", "0");
    set_about("ends", "false");
    struct head *head = open_kit();
    for (size_t text = 0; text < TEXTS; text++) {
        uint32_t n;
        const uint32_t *ids = ids_of(text, &n);
        double shares[64], bias;
        check_shares(head, ids, n);
        assert_true(head_explain(head, &arena, ids, n, 1, shares, &bias, &err));
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(shares[i] == 0, ids[i] == WORLD_UNKNOWN);
    }
    head_close(head);
}

/* ---- what is wrong ---- */

static void refuse(const char *why)
{
    struct head *head;
    err = (struct err){0};
    if (head_open(&head, pack_kit(), "taste", "head.safetensors", &kit.input, &err))
        fail_msg("taken, though '%s'", why);
    assert_null(head);
    assert_int_equal(err.code, ERR_FORMAT);
    if (!strstr(err.message, why)) fail_msg("'%s' does not say '%s'", err.message, why);
    assert_non_null(strstr(err.message, "head.safetensors"));
}

/* One thing of one tensor that is not as it must be. */
static const struct {
    int tensor;
    const char *name, *dtype; /* NULL: as it was; "" as name: the tensor is left out */
    size_t rank;              /* 0: as it was */
    int64_t more_rows, more_columns;
    const char *why;
} broken_tensors[] = {
    {SLOTS, "", NULL, 0, 0, 0, "tensor 'ngrams.slots', U32 of shape ["},
    {SLOTS, NULL, "I32", 0, 0, 0, "tensor 'ngrams.slots', U32 of shape ["},
    {SLOTS, NULL, NULL, 0, -1, 0, "tensor 'ngrams.slots', U32 of shape ["},
    {SLOTS, NULL, NULL, 0, 0, -1, "tensor 'ngrams.slots', U32 of shape ["},
    {SLOTS, NULL, NULL, 1, 0, 0, "tensor 'ngrams.slots', U32 of shape ["},
    {SCALES, "", NULL, 0, 0, 0, "tensor 'ngrams.scales', F32 of shape ["},
    {SCALES, NULL, "U32", 0, 0, 0, "tensor 'ngrams.scales', F32 of shape ["},
    {SCALES, NULL, NULL, 0, -1, 0, "tensor 'ngrams.scales', F32 of shape ["},
    {WEIGHTS, "", NULL, 0, 0, 0, "tensor 'ngrams.weights', F32 of shape ["},
    {WEIGHTS, NULL, "I32", 0, 0, 0, "tensor 'ngrams.weights', F32 of shape ["},
    {WEIGHTS, NULL, NULL, 0, -1, 0, "tensor 'ngrams.weights', F32 of shape ["},
    {ROWS, NULL, "U8", 0, 0, 0, "tensor 'ngrams.rows', I8 of shape ["},
    {ROWS, NULL, NULL, 0, 0, -1, "tensor 'ngrams.rows', I8 of shape ["},
    {ROWS, NULL, NULL, 1, 0, 0, "tensor 'ngrams.rows' must have at least one row"},
    {ROWS, NULL, NULL, 0, -1, 0, "tensor 'ngrams.scales'"},
    {WEIGHT, "", NULL, 0, 0, 0, "tensor 'ngrams.rows'"},
    {BIAS, "", NULL, 0, 0, 0, "its bias must be 3 numbers"},
};

static size_t bytes_of(const struct tensor_given *tensor)
{
    const size_t item =
        strcmp(tensor->dtype, "I8") == 0 || strcmp(tensor->dtype, "U8") == 0 ? 1 : 4;
    return tensor->shape[0] * (tensor->rank == 2 ? tensor->shape[1] : 1) * item;
}

static void a_tensor_that_is_not_as_it_must_be_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof broken_tensors / sizeof broken_tensors[0]; i++) {
        fill_tensors();
        struct tensor_given *tensor = &kit.tensors[broken_tensors[i].tensor];
        if (broken_tensors[i].name) tensor->name = NULL;
        if (broken_tensors[i].dtype) tensor->dtype = broken_tensors[i].dtype;
        if (broken_tensors[i].rank) tensor->rank = broken_tensors[i].rank;
        tensor->shape[0] += (uint64_t)broken_tensors[i].more_rows;
        tensor->shape[1] += (uint64_t)broken_tensors[i].more_columns;
        tensor->bytes = bytes_of(tensor);
        refuse(broken_tensors[i].why);
    }
}

static void a_head_of_no_ngrams_has_no_such_tensors(void **state)
{
    (void)state;
    kit.tensors[ROWS].shape[0] = kit.tensors[ROWS].bytes = 0;
    refuse("tensor 'ngrams.rows' must have at least one row");
    kit.tensors[ROWS].name = NULL;
    struct head *head;
    assert_true(head_open(&head, pack_kit(), "taste", "head", &kit.input, &err));
    assert_int_equal(head_info(head)->ngrams, 0);
    head_close(head);
}

static void slots_lead_to_rows_that_are_there(void **state)
{
    (void)state;
    const size_t n_slots = (size_t)1 << kit.ngrams.index.bits;
    struct ngram_slot *slots = kit.ngrams.slots;
    size_t used = 0;
    while (slots[used].key == 0)
        used++;
    const uint32_t before = slots[used].row;
    slots[used].row = kit.ngrams.n;
    refuse("ngrams.slots: slot ");
    assert_non_null(strstr(err.message, "names row "));
    slots[used].row = before;
    head_close(open_kit());
    for (size_t i = 0; i < n_slots; i++)
        if (slots[i].key == 0) slots[i].key = 1;
    refuse("ngrams.slots has no empty slot");
}

static void numbers_are_finite(void **state)
{
    (void)state;
    float *const places[] = {&kit.scales[3], &kit.ngrams.weights[3]};
    static const float values[] = {NAN, INFINITY, -INFINITY, -1};
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < 4; k++) {
            const float before = *places[i];
            *places[i] = values[k];
            /* A scale may be negative. */
            if (i == 0 && k == 3)
                head_close(open_kit());
            else
                refuse("row 3 of the n-grams has a scale or weight that is not finite");
            *places[i] = before;
        }
    }
    kit.ngrams.weights[3] = 0;
    head_close(open_kit());
}

static const struct {
    const char *key, *value, *why;
} broken_abouts[] = {
    {"tokens", "-1", "ngrams.tokens must be a number from 0 to 4"},
    {"tokens", "5", "ngrams.tokens must be a number from 0 to 4"},
    {"tokens", "1.5", "ngrams.tokens must be a number from 0 to 4"},
    {"tokens", "\"2\"", "ngrams.tokens must be a number from 0 to 4"},
    {"characters", "null", "ngrams.characters must be [shortest, longest], at most 8"},
    {"characters", "[2]", "ngrams.characters must be [shortest, longest]"},
    {"characters", "[1, 2, 3]", "ngrams.characters must be [shortest, longest]"},
    {"characters", "[0, 3]", "ngrams.characters must be [shortest, longest]"},
    {"characters", "[1, 9]", "ngrams.characters must be [shortest, longest]"},
    {"characters", "[9, 8]", "ngrams.characters must be [shortest, longest]"},
    {"characters", "[1, -1]", "ngrams.characters must be [shortest, longest]"},
    {"characters", "[1, 2.5]", "ngrams.characters must be [shortest, longest]"},
    {"characters", "[1, 99999999999]", "ngrams.characters must be [shortest, longest]"},
    {"ideographs", "[0, 3]", "ngrams.ideographs must be [shortest, longest]"},
    {"ideographs", "[1, 9]", "ngrams.ideographs must be [shortest, longest]"},
    {"ideographs", "\"[1, 3]\"", "ngrams.ideographs must be [shortest, longest]"},
    {"length", "-1", "ngrams.length must be a number from 0 to 8"},
    {"length", "9", "ngrams.length must be a number from 0 to 8"},
    {"length", "\"4\"", "ngrams.length must be a number from 0 to 8"},
    {"length", "null", "ngrams.length must be a number from 0 to 8"},
    {"vocabulary", "\"0123456789abcdef\"", "to another vocabulary than the model's"},
    {"vocabulary", "17", "to another vocabulary than the model's"},
};

static void what_is_told_of_ngrams_is_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof broken_abouts / sizeof broken_abouts[0]; i++) {
        json_object_set_new(kit.metadata, "ngrams", json_string(about_ngrams(kit.world.tokenizer)));
        set_about(broken_abouts[i].key, broken_abouts[i].value);
        refuse(broken_abouts[i].why);
    }
    json_object_set_new(kit.metadata, "ngrams", json_string("[2]"));
    refuse("__metadata__.ngrams must be an object");
    json_object_set_new(kit.metadata, "ngrams", json_string("{"));
    refuse("__metadata__: ngrams: ");
    json_object_del(kit.metadata, "ngrams");
    refuse("__metadata__.ngrams must be an object");
}

static void the_vocabulary_must_be_that_of_the_training(void **state)
{
    (void)state;
    static const char vocab[] = "[UNK]\nthe\nfood\n";
    const struct tokenizer_files files = {.path = "a-folder", .vocab = {vocab, sizeof vocab - 1}};
    const struct tokenizer_options options = {.lowercase = true};
    struct tokenizer *other;
    assert_true(tokenizer_open(&other, &files, &options, &err));
    kit.input.tokenizer = other;
    refuse("another vocabulary than the model's; serve it with the model it was trained on");
    kit.input.tokenizer = NULL;
    refuse("its n-grams need the vocabulary of a model");
    tokenizer_close(other);
}

#define KIT_TEST(test) cmocka_unit_test_setup_teardown(test, make_kit, clear_kit)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(logits_are_those_of_a_plain_sum),
        KIT_TEST(long_texts_are_summed_in_pieces),
        KIT_TEST(a_text_without_tokens_has_the_bias_alone),
        KIT_TEST(a_logit_that_overflows_is_an_error),
        KIT_TEST(bias_and_shares_add_up_to_the_logit),
        KIT_TEST(each_token_that_an_ngram_touches_has_an_equal_part),
        KIT_TEST(unknown_tokens_have_no_share_of_runs),
        KIT_TEST(a_tensor_that_is_not_as_it_must_be_is_named),
        KIT_TEST(a_head_of_no_ngrams_has_no_such_tensors),
        KIT_TEST(slots_lead_to_rows_that_are_there),
        KIT_TEST(numbers_are_finite),
        KIT_TEST(what_is_told_of_ngrams_is_checked),
        KIT_TEST(the_vocabulary_must_be_that_of_the_training),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
