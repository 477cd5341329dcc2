/* SPDX-License-Identifier: Apache-2.0 */
/* The public calls, with good arguments and bad ones. */
#include "include/embedd.h"
#include "model/math/numbers.h"
#include "tests/folder.h"

#include <math.h>
#include <pthread.h>
#include <sys/wait.h>

#define D 2 /* of the example: 他我爱吃你饭 */
#define MODEL "examples/chain/w6x2"
#define TEXTS_MAX 2000

/* Texts in both kinds of offsets. */
struct sample {
    char data[1 << 17];
    int32_t narrow[TEXTS_MAX + 1];
    int64_t wide[TEXTS_MAX + 1];
    uint64_t n;
};

static embedd_model *example;
static embedd_error error;

static int open_example(void **state)
{
    (void)state;
    error = EMBEDD_INIT(embedd_error);
    if (embedd_open(MODEL, NULL, &example, &error)) fail_msg("%s", error.message);
    return 0;
}

static int close_example(void **state)
{
    (void)state;
    embedd_close(example);
    return 0;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_example, close_example)

static void add_bytes(struct sample *sample, const char *text, size_t bytes)
{
    const int32_t at = sample->narrow[sample->n];
    assert_true(sample->n < TEXTS_MAX && at + bytes <= sizeof sample->data);
    memcpy(sample->data + at, text, bytes);
    sample->n++;
    sample->narrow[sample->n] = at + (int32_t)bytes;
    sample->wide[sample->n] = sample->narrow[sample->n];
}

static void add(struct sample *sample, const char *text)
{
    add_bytes(sample, text, strlen(text));
}

static embedd_texts narrow(const struct sample *sample)
{
    embedd_texts texts = EMBEDD_INIT(embedd_texts);
    texts.data = sample->data;
    texts.offsets = sample->narrow;
    texts.offset_bits = 32;
    texts.n = sample->n;
    return texts;
}

static embedd_texts wide(const struct sample *sample)
{
    embedd_texts texts = narrow(sample);
    texts.offsets = sample->wide;
    texts.offset_bits = 64;
    return texts;
}

static struct sample *new_sample(void)
{
    struct sample *sample = calloc(1, sizeof *sample);
    assert_non_null(sample);
    return sample;
}

/* Sentences of one to nine of the dictionary's characters, some of them empty, others unknown. */
static struct sample *many(void)
{
    static const char *const words[] = {"他", "我", "爱", "吃", "你", "饭", "x", ""};
    struct sample *sample = new_sample();
    for (unsigned i = 0; i < TEXTS_MAX; i++) {
        char text[64] = "";
        for (unsigned j = 0; j < i % 10; j++)
            strcat(text, words[(i * 7 + j * j * 3 + i / 10) % 8]);
        add(sample, text);
    }
    return sample;
}

static embedd_rows rows_at(void *data, size_t bytes)
{
    embedd_rows rows = EMBEDD_INIT(embedd_rows);
    rows.data = data;
    rows.bytes = bytes;
    return rows;
}

static void expect_ok(int code)
{
    if (code != EMBEDD_OK) fail_msg("%d: %s", code, error.message);
}

static void expect_error(int code, int expected, const char *part)
{
    assert_int_equal(code, expected);
    assert_int_equal(error.code, expected);
    if (!strstr(error.message, part)) fail_msg("'%s' is not in '%s'", part, error.message);
}

static embedd_pool *new_pool(uint32_t threads)
{
    embedd_pool *pool;
    expect_ok(embedd_pool_new(threads, &pool, &error));
    assert_int_equal(embedd_pool_size(pool), threads);
    return pool;
}

/* ---- models ---- */

static void test_a_model_says_what_it_is(void **state)
{
    (void)state;
    embedd_info info = EMBEDD_INIT(embedd_info);
    expect_ok(embedd_get_info(example, &info, &error));
    assert_string_equal(info.name, "chain-w6x2");
    assert_string_equal(info.tokenizer, "dictionary");
    assert_string_equal(info.dtype, "F32");
    assert_string_equal(info.pooling, "mean");
    assert_int_equal(info.dimensions, D);
    assert_int_equal(info.vocab_size, 6);
    assert_int_equal(info.unknown_id, EMBEDD_NO_ID);
    assert_int_equal(info.normalize, 0);
    assert_int_equal(info.n_heads, 0);
    assert_string_equal(embedd_version(), EMBEDD_VERSION);
    assert_int_equal(embedd_abi(), EMBEDD_ABI);
}

static void test_what_cannot_be_opened_is_refused_with_a_reason(void **state)
{
    (void)state;
    embedd_model *model = example;
    expect_error(embedd_open("/nowhere", NULL, &model, &error), EMBEDD_ERROR_IO, "/nowhere");
    assert_null(model);
    expect_error(embedd_open(NULL, NULL, &model, &error), EMBEDD_ERROR_ARGUMENT, "path");
    expect_error(embedd_open(MODEL, NULL, NULL, &error), EMBEDD_ERROR_ARGUMENT, "model");
    expect_error(embedd_open(write_text("vocab.txt", "x"), NULL, &model, &error),
                 EMBEDD_ERROR_FORMAT, "vocab.txt");
    embedd_open_options options = EMBEDD_INIT(embedd_open_options);
    options.compat = "word2vec";
    expect_error(embedd_open(MODEL, &options, &model, &error), EMBEDD_ERROR_ARGUMENT, "'word2vec'");
    options.compat = "model2vec";
    options.heads = "/nowhere";
    expect_error(embedd_open(MODEL, &options, &model, &error), EMBEDD_ERROR_IO, "/nowhere");
    assert_int_equal(embedd_open("/nowhere", NULL, &model, NULL), EMBEDD_ERROR_IO);
}

static void keep_sentence(void *user, const char *sentence)
{
    snprintf(user, 200, "%s", sentence);
}

static void test_warnings_go_to_whoever_asked_for_them(void **state)
{
    (void)state;
    char warning[200] = "";
    embedd_model *model;
    embedd_open_options options = EMBEDD_INIT(embedd_open_options);
    options.warn = keep_sentence;
    options.user = warning;
    const char *path = write_text("words.txt", "cat 1 2\ncat 3 4\ndog 5 6\n");
    expect_ok(embedd_open(path, &options, &model, &error));
    embedd_close(model);
    assert_non_null(strstr(warning, "words.txt"));
    options.strict = 1;
    expect_error(embedd_open(path, &options, &model, &error), EMBEDD_ERROR_FORMAT, "words.txt");
}

/* ---- vectors ---- */

static void test_a_vector_is_the_mean_of_rows(void **state)
{
    (void)state;
    struct sample *sample = new_sample();
    float out[3][D], row[2][D];
    add(sample, "我爱");
    add(sample, "");
    add(sample, "饭");
    embedd_texts texts = narrow(sample);
    embedd_rows rows = rows_at(out, sizeof out);
    embedd_counts counts = EMBEDD_INIT(embedd_counts);
    expect_ok(embedd_encode(example, NULL, &texts, NULL, &rows, &counts, &error));
    expect_ok(embedd_token_row(example, 1, row[0], D, &error));
    expect_ok(embedd_token_row(example, 2, row[1], D, &error));
    for (int j = 0; j < D; j++) {
        assert_true(out[0][j] == (row[0][j] + row[1][j]) / 2);
        assert_true(out[1][j] == 0);
    }
    assert_int_equal(counts.tokens, 3);
    assert_int_equal(counts.nulls, 0);
    free(sample);
}

static void test_bits_depend_on_no_pool_nor_kind_of_offsets(void **state)
{
    (void)state;
    struct sample *sample = many();
    static float first[TEXTS_MAX][D], other[TEXTS_MAX][D];
    embedd_counts counted = EMBEDD_INIT(embedd_counts), counts = EMBEDD_INIT(embedd_counts);
    embedd_texts texts[] = {narrow(sample), wide(sample)};
    embedd_rows rows = rows_at(first, sizeof first);
    expect_ok(embedd_encode(example, NULL, &texts[0], NULL, &rows, &counted, &error));
    assert_true(counted.unknown > 100);
    for (uint32_t threads = 1; threads <= 5; threads += 2) {
        embedd_pool *pool = new_pool(threads);
        for (int i = 0; i < 2; i++) {
            memset(other, 0xEE, sizeof other);
            rows = rows_at(other, sizeof other);
            expect_ok(embedd_encode(example, pool, &texts[i], NULL, &rows, &counts, &error));
            assert_memory_equal(first, other, sizeof first);
            assert_memory_equal(&counts, &counted, sizeof counts);
        }
        embedd_pool_free(pool);
    }
    free(sample);
}

static void test_a_slice_is_what_it_is_a_slice_of(void **state)
{
    (void)state;
    struct sample *sample = many();
    static float all[TEXTS_MAX][D], part[700][D];
    embedd_texts texts = wide(sample);
    embedd_rows rows = rows_at(all, sizeof all);
    expect_ok(embedd_encode(example, NULL, &texts, NULL, &rows, NULL, &error));
    texts.first = 1003;
    texts.n = 700;
    rows = rows_at(part, sizeof part);
    expect_ok(embedd_encode(example, NULL, &texts, NULL, &rows, NULL, &error));
    assert_memory_equal(all[1003], part, sizeof part);
    free(sample);
}

static void test_nulls_have_no_vector(void **state)
{
    (void)state;
    struct sample *sample = many();
    static uint8_t in[TEXTS_MAX / 8 + 1], out[(1500 + 7) / 8];
    static float all[TEXTS_MAX][D], some[1500][D];
    for (unsigned i = 0; i < TEXTS_MAX; i++)
        if (i % 3 != 1 && i % 64 > 20) in[i / 8] |= (uint8_t)(1 << i % 8);
    embedd_texts texts = narrow(sample);
    embedd_rows rows = rows_at(all, sizeof all);
    expect_ok(embedd_encode(example, NULL, &texts, NULL, &rows, NULL, &error));
    texts.validity = in;
    texts.first = 13;
    texts.n = 1500;
    rows = rows_at(some, sizeof some);
    rows.validity = out;
    memset(some, 0xEE, sizeof some);
    memset(out, 0xEE, sizeof out);
    embedd_pool *pool = new_pool(3);
    embedd_counts counts = EMBEDD_INIT(embedd_counts);
    expect_ok(embedd_encode(example, pool, &texts, NULL, &rows, &counts, &error));
    uint64_t nulls = 0;
    for (unsigned i = 0; i < 1500; i++) {
        static const float nothing[D];
        const bool is_there = in[(i + 13) / 8] >> (i + 13) % 8 & 1;
        assert_int_equal(out[i / 8] >> i % 8 & 1, is_there);
        assert_memory_equal(some[i], is_there ? all[i + 13] : nothing, sizeof some[i]);
        nulls += !is_there;
    }
    assert_int_equal(counts.nulls, nulls);
    embedd_pool_free(pool);
    free(sample);
}

/* Every type, at strides that leave gaps, in memory that is not aligned. */
static void test_rows_are_of_any_type_at_any_stride(void **state)
{
    (void)state;
    struct sample *sample = many();
    embedd_texts texts = narrow(sample);
    embedd_encode_options options = EMBEDD_INIT(embedd_encode_options);
    options.normalize = EMBEDD_YES;
    static float vectors[TEXTS_MAX][D];
    static unsigned char out[1 + TEXTS_MAX * 40], expected[16];
    embedd_rows rows = rows_at(vectors, sizeof vectors);
    expect_ok(embedd_encode(example, NULL, &texts, &options, &rows, NULL, &error));
    for (int32_t type = EMBEDD_FLOAT32; type <= EMBEDD_UBINARY; type++) {
        const size_t row_bytes = embedd_row_bytes(type, D), stride = row_bytes + 7;
        memset(out, 0xEE, sizeof out);
        rows = rows_at(out + 1, (TEXTS_MAX - 1) * stride + row_bytes);
        rows.type = type;
        rows.stride = stride;
        expect_ok(embedd_encode(example, NULL, &texts, &options, &rows, NULL, &error));
        for (unsigned i = 0; i < TEXTS_MAX; i++) {
            number_write((enum number_type)type, vectors[i], D, expected);
            assert_memory_equal(out + 1 + i * stride, expected, row_bytes);
            for (size_t gap = row_bytes; i + 1 < TEXTS_MAX && gap < stride; gap++)
                assert_int_equal(out[1 + i * stride + gap], 0xEE);
        }
    }
    assert_int_equal(embedd_row_bytes(EMBEDD_UBINARY + 1, D), 0);
    assert_int_equal(embedd_row_bytes(-1, D), 0);
    free(sample);
}

static void test_options_choose_dimensions_pooling_and_length(void **state)
{
    (void)state;
    struct sample *sample = new_sample();
    float out[D], row[2][D];
    add(sample, "我爱");
    embedd_texts texts = narrow(sample);
    embedd_rows rows = rows_at(out, sizeof out);
    embedd_encode_options options = EMBEDD_INIT(embedd_encode_options);
    expect_ok(embedd_token_row(example, 1, row[0], D, &error));
    expect_ok(embedd_token_row(example, 2, row[1], D, &error));
    options.pooling = EMBEDD_POOLING_SUM;
    expect_ok(embedd_encode(example, NULL, &texts, &options, &rows, NULL, &error));
    assert_true(out[1] == row[0][1] + row[1][1]);
    options.pooling = EMBEDD_POOLING_MAX;
    expect_ok(embedd_encode(example, NULL, &texts, &options, &rows, NULL, &error));
    assert_true(out[1] == fmaxf(row[0][1], row[1][1]));
    options.dimensions = 1;
    options.normalize = EMBEDD_YES;
    rows.bytes = sizeof *out;
    expect_ok(embedd_encode(example, NULL, &texts, &options, &rows, NULL, &error));
    assert_true(fabsf(out[0]) == 1);
    free(sample);
}

/* ---- texts that are none ---- */

static void test_text_that_is_not_utf8_stops_is_null_or_is_replaced(void **state)
{
    (void)state;
    struct sample *sample = new_sample();
    float out[3][D], replaced[D];
    uint8_t validity[1];
    add(sample, "我");
    add(sample, "\xFF我");
    add(sample, "\xE6\x88");
    embedd_texts texts = narrow(sample);
    embedd_rows rows = rows_at(out, sizeof out);
    rows.validity = validity;
    embedd_encode_options options = EMBEDD_INIT(embedd_encode_options);
    embedd_counts counts = EMBEDD_INIT(embedd_counts);
    expect_error(embedd_encode(example, NULL, &texts, &options, &rows, NULL, &error),
                 EMBEDD_ERROR_TEXT, "row 1: its text is not UTF-8 at byte 1 (0xFF)");
    assert_int_equal(error.row, 1);
    options.invalid = EMBEDD_INVALID_NULL;
    expect_ok(embedd_encode(example, NULL, &texts, &options, &rows, &counts, &error));
    assert_int_equal(validity[0], 1);
    assert_int_equal(counts.invalid, 2);
    assert_int_equal(counts.nulls, 2);
    options.invalid = EMBEDD_INVALID_REPLACE;
    expect_ok(embedd_encode(example, NULL, &texts, &options, &rows, &counts, &error));
    assert_int_equal(validity[0], 7);
    assert_int_equal(counts.invalid, 2);
    assert_int_equal(counts.nulls, 0);
    expect_ok(embedd_token_row(example, 1, replaced, D, &error));
    assert_memory_equal(out[1], replaced, sizeof replaced);
    options.invalid = 3;
    expect_error(embedd_encode(example, NULL, &texts, &options, &rows, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "options.invalid");
    free(sample);
}

static void test_the_first_row_at_fault_is_named_whatever_the_pool(void **state)
{
    (void)state;
    struct sample *sample = many();
    sample->data[sample->narrow[1239]] = '\xFF';
    sample->data[sample->narrow[777]] = '\xFF';
    sample->data[sample->narrow[1999]] = '\xFF';
    embedd_texts texts = wide(sample);
    static float out[TEXTS_MAX][D];
    embedd_rows rows = rows_at(out, sizeof out);
    for (uint32_t threads = 1; threads < 5; threads++) {
        embedd_pool *pool = new_pool(threads);
        for (int i = 0; i < 20; i++) {
            expect_error(embedd_encode(example, pool, &texts, NULL, &rows, NULL, &error),
                         EMBEDD_ERROR_TEXT, "row 777: ");
            assert_int_equal(error.row, 777);
        }
        embedd_pool_free(pool);
    }
    free(sample);
}

static void test_a_text_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    const size_t bytes = (size_t)EMBEDD_TEXT_BYTES_MAX + 1;
    char *data = malloc(bytes);
    assert_non_null(data);
    memset(data, 'x', bytes);
    const int64_t offsets[] = {0, 0, (int64_t)bytes};
    embedd_texts texts = EMBEDD_INIT(embedd_texts);
    texts.data = data;
    texts.offsets = offsets;
    texts.offset_bits = 64;
    texts.n = 2;
    float out[2][D];
    embedd_rows rows = rows_at(out, sizeof out);
    expect_error(embedd_encode(example, NULL, &texts, NULL, &rows, NULL, &error), EMBEDD_ERROR_TEXT,
                 "row 1: its text has 67108865 bytes, more than the limit of 67108864");
    embedd_tokens tokens = EMBEDD_INIT(embedd_tokens);
    expect_error(embedd_tokenize(example, data, bytes, 0, &tokens, &error), EMBEDD_ERROR_TEXT,
                 "67108865");
    free(data);
}

static int encode_offsets(const int32_t *offsets, uint64_t n, uint64_t data_bytes)
{
    embedd_texts texts = EMBEDD_INIT(embedd_texts);
    texts.data = "0123456789";
    texts.offsets = offsets;
    texts.offset_bits = 32;
    texts.n = n;
    texts.data_bytes = data_bytes;
    float out[4][D];
    embedd_rows rows = rows_at(out, sizeof out);
    return embedd_encode(example, NULL, &texts, NULL, &rows, NULL, &error);
}

static void test_offsets_that_go_backwards_or_too_far_are_refused(void **state)
{
    (void)state;
    expect_error(encode_offsets((const int32_t[]){0, 4, 3, 9}, 3, 0), EMBEDD_ERROR_ARGUMENT,
                 "row 1: its text ends at offset 3, before it begins at 4");
    expect_error(encode_offsets((const int32_t[]){-1, 4, 5, 9}, 3, 0), EMBEDD_ERROR_ARGUMENT,
                 "row 0: its text begins at offset -1");
    expect_error(encode_offsets((const int32_t[]){0, 2000000000, 5, 9}, 3, 10),
                 EMBEDD_ERROR_ARGUMENT, "row 1");
    expect_error(encode_offsets((const int32_t[]){0, 4, 5, 11}, 3, 10), EMBEDD_ERROR_ARGUMENT,
                 "row 2: its text ends at offset 11, behind the data of 10 bytes");
    assert_int_equal(error.row, 2);
    expect_ok(encode_offsets((const int32_t[]){0, 4, 5, 10}, 3, 10));
    expect_ok(encode_offsets(NULL, 0, 0));
}

static void test_what_must_be_there_is_asked_for(void **state)
{
    (void)state;
    struct sample *sample = new_sample();
    add(sample, "我");
    float out[D];
    embedd_texts texts = narrow(sample);
    embedd_rows rows = rows_at(out, sizeof out);
    expect_error(embedd_encode(NULL, NULL, &texts, NULL, &rows, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "model must not be NULL");
    expect_error(embedd_encode(example, NULL, NULL, NULL, &rows, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "texts must not be NULL");
    expect_error(embedd_encode(example, NULL, &texts, NULL, NULL, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "rows must not be NULL");
    texts.data = NULL;
    expect_error(embedd_encode(example, NULL, &texts, NULL, &rows, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "texts.data");
    texts = narrow(sample);
    texts.offsets = NULL;
    expect_error(embedd_encode(example, NULL, &texts, NULL, &rows, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "texts.offsets");
    texts = narrow(sample);
    texts.offset_bits = 16;
    expect_error(embedd_encode(example, NULL, &texts, NULL, &rows, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "texts.offset_bits must be 32 or 64, not 16");
    texts.offset_bits = 64;
    texts.offsets = sample->data + 4;
    expect_error(embedd_encode(example, NULL, &texts, NULL, &rows, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "aligned");
    texts = narrow(sample);
    texts.n = UINT64_MAX;
    expect_error(embedd_encode(example, NULL, &texts, NULL, &rows, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "2^48");
    free(sample);
}

static void test_options_out_of_range_are_refused(void **state)
{
    (void)state;
    struct sample *sample = new_sample();
    add(sample, "我");
    float out[D];
    const embedd_texts texts = narrow(sample);
    embedd_rows rows = rows_at(out, sizeof out);
    embedd_encode_options options = EMBEDD_INIT(embedd_encode_options);
    options.dimensions = 3;
    expect_error(embedd_encode(example, NULL, &texts, &options, &rows, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "options.dimensions must be a whole number from 1 to 2");
    options = EMBEDD_INIT(embedd_encode_options);
    options.pooling = EMBEDD_POOLING_UNIT + 1;
    expect_error(embedd_encode(example, NULL, &texts, &options, &rows, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "options.pooling");
    options.pooling = EMBEDD_POOLING_WEIGHTED;
    expect_error(embedd_encode(example, NULL, &texts, &options, &rows, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "no token weights");
    options = EMBEDD_INIT(embedd_encode_options);
    options.normalize = 3;
    expect_error(embedd_encode(example, NULL, &texts, &options, &rows, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "options.normalize");
    options = EMBEDD_INIT(embedd_encode_options);
    options.prompt = "query";
    expect_error(embedd_encode(example, NULL, &texts, &options, &rows, NULL, &error),
                 EMBEDD_ERROR_NOT_FOUND, "'query'");
    options.prompt = "";
    expect_ok(embedd_encode(example, NULL, &texts, &options, &rows, NULL, &error));
    rows.type = 9;
    expect_error(embedd_encode(example, NULL, &texts, NULL, &rows, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "rows.type");
    free(sample);
}

static void test_rows_without_room_are_named(void **state)
{
    (void)state;
    struct sample *sample = many();
    const embedd_texts texts = narrow(sample);
    static float out[TEXTS_MAX][D];
    embedd_rows rows = rows_at(out, sizeof out - 1);
    expect_error(embedd_encode(example, NULL, &texts, NULL, &rows, NULL, &error), EMBEDD_ERROR_ROOM,
                 "row 1999: there is no room for it");
    rows = rows_at(out, 7);
    expect_error(embedd_encode(example, NULL, &texts, NULL, &rows, NULL, &error), EMBEDD_ERROR_ROOM,
                 "row 0: ");
    rows = rows_at(out, sizeof out);
    rows.stride = 7;
    expect_error(embedd_encode(example, NULL, &texts, NULL, &rows, NULL, &error), EMBEDD_ERROR_ROOM,
                 "rows.stride must be at least the 8 bytes");
    rows.stride = UINT64_MAX;
    expect_error(embedd_encode(example, NULL, &texts, NULL, &rows, NULL, &error), EMBEDD_ERROR_ROOM,
                 "row 1: ");
    rows = rows_at(NULL, sizeof out);
    expect_error(embedd_encode(example, NULL, &texts, NULL, &rows, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "rows.data");
    free(sample);
}

/* ---- structs of other versions ---- */

static void test_structs_of_older_and_newer_programs_are_read(void **state)
{
    (void)state;
    struct sample *sample = new_sample();
    add(sample, "我");
    float out[D];
    const embedd_texts texts = narrow(sample);
    const embedd_rows rows = rows_at(out, sizeof out);
    struct {
        embedd_encode_options known;
        int32_t later;
    } newer = {.known.struct_size = sizeof newer};
    expect_ok(embedd_encode(example, NULL, &texts, &newer.known, &rows, NULL, &error));
    newer.later = 1;
    expect_error(embedd_encode(example, NULL, &texts, &newer.known, &rows, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "does not know");
    /* Of an older one: what it did not have is not looked at. */
    embedd_encode_options older = EMBEDD_INIT(embedd_encode_options);
    older.struct_size = offsetof(embedd_encode_options, pooling);
    older.pooling = 77;
    expect_ok(embedd_encode(example, NULL, &texts, &older, &rows, NULL, &error));
    older.struct_size = 0;
    expect_error(embedd_encode(example, NULL, &texts, &older, &rows, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "struct_size must be the size of the struct");
    embedd_counts counts = {.struct_size = offsetof(embedd_counts, tokens), .tokens = 99};
    expect_ok(embedd_encode(example, NULL, &texts, NULL, &rows, &counts, &error));
    assert_int_equal(counts.tokens, 99);
    free(sample);
}

/* ---- classifiers ---- */

#define HEAD                                                                                       \
    "{\"labels\":[\"one\",\"two\",\"three\"],\"weight\":[[1,0],[0,1],[-1,-1]],\"bias\":[0,0,0]%s}"

static embedd_model *open_head(const char *more)
{
    char json[500];
    embedd_model *model;
    embedd_open_options options = EMBEDD_INIT(embedd_open_options);
    snprintf(json, sizeof json, HEAD, more);
    options.heads = write_text("topics.json", json);
    if (embedd_open(MODEL, &options, &model, &error)) fail_msg("%s", error.message);
    return model;
}

static void test_a_head_says_what_it_is(void **state)
{
    (void)state;
    embedd_model *model = open_head("");
    embedd_head head = EMBEDD_INIT(embedd_head);
    assert_string_equal(embedd_head_name(model, 0), "topics");
    assert_null(embedd_head_name(model, 1));
    assert_null(embedd_head_name(NULL, 0));
    expect_ok(embedd_get_head(model, NULL, &head, &error));
    assert_string_equal(head.name, "topics");
    assert_string_equal(head.kind, "multi-class");
    assert_int_equal(head.n_labels, 3);
    assert_string_equal(head.labels[2], "three");
    assert_null(head.thresholds);
    assert_int_equal(head.knows_unsure, 0);
    expect_error(embedd_get_head(model, "x", &head, &error), EMBEDD_ERROR_NOT_FOUND,
                 "head must be one of: topics");
    expect_error(embedd_get_head(example, NULL, &head, &error), EMBEDD_ERROR_NOT_FOUND,
                 "no classifier head");
    embedd_close(model);
}

static void test_labels_come_with_probabilities_the_likeliest_first(void **state)
{
    (void)state;
    embedd_model *model = open_head("");
    struct sample *sample = new_sample();
    add(sample, "我"); /* 1, 0 */
    add(sample, "吃"); /* 0, 1 */
    add(sample, "");
    const uint8_t validity[] = {3};
    embedd_texts texts = narrow(sample);
    texts.validity = validity;
    int32_t labels[3][3];
    float p[3][3], unsure[3];
    uint8_t passes[3][3], valid[1];
    embedd_answers answers = EMBEDD_INIT(embedd_answers);
    answers.room = 3;
    answers.labels = labels[0];
    answers.probabilities = p[0];
    answers.passes = passes[0];
    answers.unsure = unsure;
    answers.validity = valid;
    expect_ok(embedd_classify(model, NULL, &texts, NULL, &answers, NULL, &error));
    assert_int_equal(labels[0][0], 0);
    assert_int_equal(labels[0][2], 2);
    assert_int_equal(labels[1][0], 1);
    assert_true(p[0][0] > 0.6f && p[0][0] > p[0][1] && p[0][1] > p[0][2]);
    assert_true(fabsf(p[0][0] + p[0][1] + p[0][2] - 1) < 1e-6f);
    assert_true(passes[0][0] == 1 && passes[0][1] == 0 && passes[2][0] == 0);
    assert_int_equal(labels[2][0], -1);
    assert_true(isnan(p[2][1]) && isnan(unsure[2]) && isnan(unsure[0]));
    assert_int_equal(valid[0], 3);
    free(sample);
    embedd_close(model);
}

static void test_classify_refuses_what_a_head_cannot_do(void **state)
{
    (void)state;
    embedd_model *model = open_head("");
    struct sample *sample = many();
    const embedd_texts texts = narrow(sample);
    embedd_answers answers = EMBEDD_INIT(embedd_answers);
    embedd_classify_options options = EMBEDD_INIT(embedd_classify_options);
    answers.room = TEXTS_MAX - 1;
    expect_error(embedd_classify(model, NULL, &texts, NULL, &answers, NULL, &error),
                 EMBEDD_ERROR_ROOM, "row 1999: there is no room for it: answers.room is 1999");
    answers.room = TEXTS_MAX;
    options.top_k = 4;
    expect_error(embedd_classify(model, NULL, &texts, &options, &answers, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "options.top_k must be a whole number from 1 to 3");
    options = EMBEDD_INIT(embedd_classify_options);
    options.has_threshold = 1;
    expect_error(embedd_classify(model, NULL, &texts, &options, &answers, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "options.threshold must not be set");
    options = EMBEDD_INIT(embedd_classify_options);
    options.has_reject = 1;
    expect_error(embedd_classify(model, NULL, &texts, &options, &answers, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "options.reject must not be set");
    options = EMBEDD_INIT(embedd_classify_options);
    options.head = "other";
    expect_error(embedd_classify(model, NULL, &texts, &options, &answers, NULL, &error),
                 EMBEDD_ERROR_NOT_FOUND, "topics");
    expect_error(embedd_classify(model, NULL, &texts, NULL, NULL, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "answers");
    embedd_close(model);
    free(sample);
}

static void test_thresholds_and_reject_say_which_labels_pass(void **state)
{
    (void)state;
    embedd_model *model = open_head(",\"kind\":\"multi-label\",\"margins\":[1,1.5,3]");
    struct sample *sample = new_sample();
    add(sample, "你"); /* 0.75, 0: p 0.68, 0.5, 0.32 */
    const embedd_texts texts = narrow(sample);
    int32_t labels[2];
    uint8_t passes[2];
    float unsure;
    embedd_answers answers = EMBEDD_INIT(embedd_answers);
    answers.room = 1;
    answers.labels = labels;
    answers.passes = passes;
    answers.unsure = &unsure;
    embedd_classify_options options = EMBEDD_INIT(embedd_classify_options);
    options.top_k = 2;
    expect_ok(embedd_classify(model, NULL, &texts, &options, &answers, NULL, &error));
    assert_true(labels[0] == 0 && labels[1] == 1 && passes[0] == 1 && passes[1] == 1);
    assert_true(unsure > 0 && unsure < 1);
    options.has_threshold = 1;
    options.threshold = 0.6f;
    expect_ok(embedd_classify(model, NULL, &texts, &options, &answers, NULL, &error));
    assert_true(passes[0] == 1 && passes[1] == 0);
    options.threshold = 1.5f;
    expect_error(embedd_classify(model, NULL, &texts, &options, &answers, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "options.threshold must be from 0 to 1");
    options.has_threshold = 0;
    options.has_reject = 1;
    options.reject = unsure / 2;
    expect_ok(embedd_classify(model, NULL, &texts, &options, &answers, NULL, &error));
    assert_true(passes[0] == 0 && passes[1] == 0);
    options.reject = -1;
    expect_error(embedd_classify(model, NULL, &texts, &options, &answers, NULL, &error),
                 EMBEDD_ERROR_ARGUMENT, "options.reject must be from 0 to 1");
    embedd_close(model);
    free(sample);
}

/* ---- tokens ---- */

static void test_tokens_have_ids_and_places(void **state)
{
    (void)state;
    uint32_t ids[8], spans[8][2];
    embedd_tokens tokens = EMBEDD_INIT(embedd_tokens);
    const char *text = "我x饭";
    expect_ok(embedd_tokenize(example, text, strlen(text), 0, &tokens, &error));
    assert_int_equal(tokens.n, 3);
    tokens.ids = ids;
    tokens.spans = spans[0];
    tokens.room = 2;
    expect_error(embedd_tokenize(example, text, strlen(text), 0, &tokens, &error),
                 EMBEDD_ERROR_ROOM, "tokens.room must be at least 3");
    assert_int_equal(tokens.n, 3);
    tokens.room = 8;
    expect_ok(embedd_tokenize(example, text, strlen(text), 0, &tokens, &error));
    assert_true(ids[0] == 1 && ids[1] == EMBEDD_NO_ID && ids[2] == 5);
    assert_true(spans[2][0] == 2 && spans[2][1] == 3);
    expect_ok(embedd_tokenize(example, NULL, 0, 0, &tokens, &error));
    assert_int_equal(tokens.n, 0);
    expect_error(embedd_tokenize(example, NULL, 1, 0, &tokens, &error), EMBEDD_ERROR_ARGUMENT,
                 "text");
    expect_error(embedd_tokenize(example, "\xC0", 1, 0, &tokens, &error), EMBEDD_ERROR_TEXT,
                 "byte 1 (0xC0)");
    expect_error(embedd_tokenize(example, "x", 1, 8, &tokens, &error), EMBEDD_ERROR_ARGUMENT,
                 "flags");
}

static void test_ids_become_a_text_again(void **state)
{
    (void)state;
    const uint32_t ids[] = {1, 2, 6};
    char text[32];
    size_t bytes;
    expect_ok(embedd_decode(example, ids, 2, 0, NULL, 0, &bytes, &error));
    assert_true(bytes >= strlen("我爱"));
    expect_error(embedd_decode(example, ids, 2, 0, text, 3, &bytes, &error), EMBEDD_ERROR_ROOM,
                 "room must be at least");
    expect_ok(embedd_decode(example, ids, 2, 0, text, sizeof text, &bytes, &error));
    assert_memory_equal(text, "我", strlen("我"));
    expect_error(embedd_decode(example, ids, 3, 0, text, sizeof text, &bytes, &error),
                 EMBEDD_ERROR_ARGUMENT, "ids[2] must be below 6");
    expect_ok(embedd_decode(example, NULL, 0, 0, text, sizeof text, &bytes, &error));
    assert_int_equal(bytes, 0);
}

static void test_the_vocabulary_is_looked_up(void **state)
{
    (void)state;
    size_t bytes;
    float row[D];
    assert_memory_equal(embedd_token_text(example, 5, &bytes), "饭", 3);
    assert_int_equal(bytes, 3);
    assert_null(embedd_token_text(example, 6, &bytes));
    assert_int_equal(embedd_token_id(example, "饭", 3), 5);
    assert_int_equal(embedd_token_id(example, "x", 1), EMBEDD_NO_ID);
    assert_int_equal(embedd_token_id(example, NULL, 0), EMBEDD_NO_ID);
    expect_error(embedd_token_row(example, 6, row, D, &error), EMBEDD_ERROR_ARGUMENT, "below 6");
    expect_error(embedd_token_row(example, 5, row, 1, &error), EMBEDD_ERROR_ROOM,
                 "room must be at least 2");
}

static void test_neighbours_are_the_nearest_rows(void **state)
{
    (void)state;
    const float right[D] = {1, 0}, nowhere[D] = {0, 0};
    embedd_neighbour near[8], other[8];
    uint32_t n, n_other;
    embedd_query query = EMBEDD_INIT(embedd_query);
    embedd_pool *pool = new_pool(3);
    query.vector = right;
    expect_ok(embedd_nearest(example, NULL, &query, near, 8, &n, &error));
    assert_int_equal(n, 6);
    expect_ok(embedd_nearest(example, pool, &query, other, 8, &n_other, &error));
    assert_int_equal(n_other, n);
    assert_memory_equal(near, other, n * sizeof *near);
    for (uint32_t i = 1; i < n; i++)
        assert_true(near[i - 1].similarity >= near[i].similarity);
    query.vector = NULL;
    query.token = near[0].id;
    expect_ok(embedd_nearest(example, NULL, &query, near, 2, &n, &error));
    assert_int_equal(n, 2);
    assert_int_not_equal(near[0].id, query.token);
    query.token = 6;
    expect_error(embedd_nearest(example, NULL, &query, near, 2, &n, &error), EMBEDD_ERROR_ARGUMENT,
                 "query.token must be below 6");
    query.vector = nowhere;
    expect_error(embedd_nearest(example, NULL, &query, near, 2, &n, &error),
                 EMBEDD_ERROR_UNPROCESSABLE, "nothing is near");
    expect_error(embedd_nearest(example, NULL, &query, near, 0, &n, &error), EMBEDD_ERROR_ARGUMENT,
                 "most");
    embedd_pool_free(pool);
}

/* ---- threads and processes ---- */

struct caller {
    pthread_t thread;
    embedd_pool *pool;
    const struct sample *sample;
    float out[TEXTS_MAX][D];
    int code;
};

static void *encode_often(void *user)
{
    struct caller *caller = user;
    const embedd_texts texts = wide(caller->sample);
    const embedd_rows rows = rows_at(caller->out, sizeof caller->out);
    for (int i = 0; i < 20 && caller->code == EMBEDD_OK; i++)
        caller->code = embedd_encode(example, caller->pool, &texts, NULL, &rows, NULL, NULL);
    return NULL;
}

static void test_threads_share_a_model_and_a_pool(void **state)
{
    (void)state;
    struct sample *sample = many();
    struct caller *callers = calloc(4, sizeof *callers);
    embedd_pool *pool = new_pool(3);
    for (int i = 0; i < 4; i++) {
        callers[i].pool = i < 3 ? pool : NULL;
        callers[i].sample = sample;
        assert_int_equal(pthread_create(&callers[i].thread, NULL, encode_often, &callers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
        expect_ok(callers[i].code);
        assert_memory_equal(callers[i].out, callers[0].out, sizeof callers[0].out);
    }
    embedd_pool_free(pool);
    free(callers);
    free(sample);
}

static void test_a_pool_works_in_a_child(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* it lets no child start threads */
#endif
    struct sample *sample = many();
    static float out[TEXTS_MAX][D], other[TEXTS_MAX][D];
    const embedd_texts texts = narrow(sample);
    embedd_rows rows = rows_at(out, sizeof out);
    embedd_pool *pool = new_pool(3);
    expect_ok(embedd_encode(example, pool, &texts, NULL, &rows, NULL, &error));
    const pid_t child = fork();
    if (child == 0) {
        rows = rows_at(other, sizeof other);
        int code = embedd_encode(example, pool, &texts, NULL, &rows, NULL, &error);
        embedd_pool_free(pool);
        _exit(code == EMBEDD_OK && memcmp(out, other, sizeof out) == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    expect_ok(embedd_encode(example, pool, &texts, NULL, &rows, NULL, &error));
    embedd_pool_free(pool);
    free(sample);
}

static void test_a_pool_has_a_size(void **state)
{
    (void)state;
    embedd_pool *pool;
    expect_error(embedd_pool_new(1025, &pool, &error), EMBEDD_ERROR_ARGUMENT,
                 "threads must be a whole number from 0 (one a core) to 1024, not 1025");
    assert_null(pool);
    expect_error(embedd_pool_new(1, NULL, &error), EMBEDD_ERROR_ARGUMENT, "pool");
    expect_ok(embedd_pool_new(0, &pool, &error));
    assert_true(embedd_pool_size(pool) >= 1);
    embedd_pool_free(pool);
    assert_int_equal(embedd_pool_size(NULL), 1);
    embedd_pool_free(NULL);
    embedd_close(NULL);
}

static int begin(void **state)
{
    return folder_begin(state) || open_example(state);
}

static int end(void **state)
{
    return close_example(state) || folder_end(state);
}

#define TEST_IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_model_says_what_it_is),
        TEST_IN_FOLDER(test_what_cannot_be_opened_is_refused_with_a_reason),
        TEST_IN_FOLDER(test_warnings_go_to_whoever_asked_for_them),
        TEST(test_a_vector_is_the_mean_of_rows),
        TEST(test_bits_depend_on_no_pool_nor_kind_of_offsets),
        TEST(test_a_slice_is_what_it_is_a_slice_of),
        TEST(test_nulls_have_no_vector),
        TEST(test_rows_are_of_any_type_at_any_stride),
        TEST(test_options_choose_dimensions_pooling_and_length),
        TEST(test_text_that_is_not_utf8_stops_is_null_or_is_replaced),
        TEST(test_the_first_row_at_fault_is_named_whatever_the_pool),
        TEST(test_a_text_beyond_the_limit_is_refused),
        TEST(test_offsets_that_go_backwards_or_too_far_are_refused),
        TEST(test_what_must_be_there_is_asked_for),
        TEST(test_options_out_of_range_are_refused),
        TEST(test_rows_without_room_are_named),
        TEST(test_structs_of_older_and_newer_programs_are_read),
        TEST_IN_FOLDER(test_a_head_says_what_it_is),
        TEST_IN_FOLDER(test_labels_come_with_probabilities_the_likeliest_first),
        TEST_IN_FOLDER(test_classify_refuses_what_a_head_cannot_do),
        TEST_IN_FOLDER(test_thresholds_and_reject_say_which_labels_pass),
        TEST(test_tokens_have_ids_and_places),
        TEST(test_ids_become_a_text_again),
        TEST(test_the_vocabulary_is_looked_up),
        TEST(test_neighbours_are_the_nearest_rows),
        TEST(test_threads_share_a_model_and_a_pool),
        TEST(test_a_pool_works_in_a_child),
        TEST(test_a_pool_has_a_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
