/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/table/table.h"
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file in memory: length, header, data; on the heap at its exact size, so that reading past its
   end is seen. `length` may lie. */
static struct span make_file(uint64_t length, const char *header, const void *data, size_t n_data)
{
    size_t n_header = strlen(header);
    char *bytes = malloc(8 + n_header + n_data);
    assert_non_null(bytes);
    for (int i = 0; i < 8; i++)
        bytes[i] = (char)(length >> 8 * i);
    memcpy(bytes + 8, header, n_header);
    if (n_data > 0) memcpy(bytes + 8 + n_header, data, n_data);
    return (struct span){bytes, 8 + n_header + n_data};
}

static bool open_bytes(struct table *table, struct span file, struct err *err)
{
    memset(err, 0, sizeof *err);
    return table_open_safetensors(table, file, "x.safetensors", err);
}

/* Expects the header, with `n_data` zero bytes behind it, to be refused with a message that says
   `what`. */
static void refuse(const char *header, size_t n_data, const char *what)
{
    char data[256] = {0};
    struct table table;
    struct err err;
    assert_true(n_data <= sizeof data);
    struct span file = make_file(strlen(header), header, data, n_data);
    if (open_bytes(&table, file, &err)) fail_msg("was taken: %s", header);
    assert_int_equal(err.code, ERR_FORMAT);
    if (!strstr(err.message, what)) fail_msg("'%s' does not say '%s'", err.message, what);
    assert_non_null(strstr(err.message, "x.safetensors"));
    assert_null(table.rows.at);
    assert_null(table.weights);
    free((void *)(uintptr_t)file.data);
}

/* Opens a file that is right; the caller frees file.data and closes the table. */
static struct span take(struct table *table, const char *header, const void *data, size_t n_data)
{
    struct err err;
    struct span file = make_file(strlen(header), header, data, n_data);
    if (!open_bytes(table, file, &err)) fail_msg("%s", err.message);
    return file;
}

static void let_go(struct table *table, struct span file)
{
    table_close(table);
    free((void *)(uintptr_t)file.data);
}

static const char good[] =
    "{\"__metadata__\":{\"format\":\"pt\"},"
    "\"embeddings\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[12,36]},"
    "\"weights\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}";
static const float good_data[9] = {1, 0.5f, 0.25f, 1, 2, 3, 4, 5, 6};

static void a_table_with_weights_is_found(void **state)
{
    (void)state;
    struct table table;
    struct span file = take(&table, good, good_data, sizeof good_data);
    assert_int_equal(table.n_rows, 3);
    assert_int_equal(table.dim, 2);
    assert_int_equal(table.rows.dtype, DTYPE_F32);
    assert_int_equal(table.rows.stride_bytes, 8);
    assert_ptr_equal(table.rows.at, file.data + file.bytes - 24);
    assert_true(table.weights[0] == 1 && table.weights[1] == 0.5f && table.weights[2] == 0.25f);
    let_go(&table, file);
}

static void a_file_cut_short_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < 8 + sizeof good - 1 + sizeof good_data; cut++) {
        struct table table;
        struct err err;
        struct span file = make_file(sizeof good - 1, good, good_data, sizeof good_data);
        char *part = malloc(cut + !cut);
        assert_non_null(part);
        memcpy(part, file.data, cut);
        assert_false(open_bytes(&table, (struct span){part, cut}, &err));
        assert_int_equal(err.code, ERR_FORMAT);
        assert_true(strlen(err.message) > 20);
        free(part);
        free((void *)(uintptr_t)file.data);
    }
}

static void a_header_cut_short_with_its_length_set_right_is_refused(void **state)
{
    (void)state;
    char header[sizeof good];
    for (size_t cut = 0; cut < sizeof good - 1; cut++) {
        memcpy(header, good, cut);
        header[cut] = '\0';
        refuse(header, 36, "header is not JSON");
    }
}

static void one_changed_byte_never_breaks_the_reader(void **state)
{
    (void)state;
    static const unsigned char values[] = {0, '0', '9', '"', '}', '[', '-', 0x80, 0xFF};
    struct span file = make_file(sizeof good - 1, good, good_data, sizeof good_data);
    char *bytes = (char *)(uintptr_t)file.data;
    size_t refused = 0;
    for (size_t i = 0; i < 8 + sizeof good - 1; i++) {
        char was = bytes[i];
        for (size_t v = 0; v < sizeof values; v++) {
            struct table table;
            struct err err;
            bytes[i] = (char)values[v];
            bool ok = open_bytes(&table, file, &err);
            if (ok) {
                const char *end =
                    (const char *)table.rows.at + table.n_rows * table.rows.stride_bytes;
                assert_true((const char *)table.rows.at >= bytes && end <= bytes + file.bytes);
            }
            refused += !ok;
            table_close(&table);
        }
        bytes[i] = was;
    }
    assert_true(refused > 1000);
    free(bytes);
}

static void a_length_that_lies_is_refused(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {
        (uint64_t)1 << 63, UINT64_MAX, UINT64_MAX - 7,          100000001,
        100000000,         1000,       sizeof good - 1 + 36 + 1};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct table table;
        struct err err;
        struct span file = make_file(lengths[i], good, good_data, sizeof good_data);
        assert_false(open_bytes(&table, file, &err));
        const char *what = lengths[i] > 100000000 ? "the format's limit of 100000000" : "cut short";
        assert_non_null(strstr(err.message, what));
        free((void *)(uintptr_t)file.data);
    }
}

static void a_header_that_is_not_the_formats_is_refused(void **state)
{
    (void)state;
    refuse("", 0, "not JSON");
    refuse("[]", 0, "not a JSON object");
    refuse("7", 0, "not a JSON object");
    refuse("{} x", 0, "not JSON");
    refuse("{\"a\":1,\"a\":2}", 0, "not JSON");
    refuse("{}", 0, "0 of its 0 tensors");
    refuse("{}", 5, "5 bytes of data belong to no tensor");
    refuse("{\"__metadata__\":[]}", 0, "__metadata__");
    refuse("{\"__metadata__\":{\"a\":1}}", 0, "'a' is not a string");
    refuse("{\"embeddings\":3}", 0, "not an object");
    refuse("{\"embeddings\":{}}", 0, "the dtype of");
    refuse("{\"embeddings\":{\"dtype\":7}}", 0, "the dtype of");
    refuse("{\"embeddings\":{\"dtype\":\"F33\"}}", 0, "unknown dtype 'F33'");
}

#define TENSOR(dtype, shape, offsets)                                                              \
    "{\"embeddings\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static void a_shape_that_does_not_fit_its_bytes_is_refused(void **state)
{
    (void)state;
    refuse(TENSOR("F32", "3", "[0,24]"), 24, "the shape of");
    refuse(TENSOR("F32", "[3,-2]", "[0,24]"), 24, "whole numbers from 0");
    refuse(TENSOR("F32", "[3,2.0]", "[0,24]"), 24, "whole numbers from 0");
    refuse(TENSOR("F32", "[3,\"2\"]", "[0,24]"), 24, "whole numbers from 0");
    refuse(TENSOR("F32", "[3,3]", "[0,24]"), 24, "do not fit its 24 bytes");
    refuse(TENSOR("F16", "[3,2]", "[0,24]"), 24, "do not fit its 24 bytes");
    refuse(TENSOR("F32", "[4294967296,4294967296]", "[0,24]"), 24, "more than 2^64");
    refuse(TENSOR("F32", "[4611686018427387904,1]", "[0,24]"), 24, "do not fit");
    refuse(TENSOR("F4", "[3,1]", "[0,1]"), 1, "do not fit");
    refuse(TENSOR("F32", "[9223372036854775808,2]", "[0,24]"), 24, "not JSON");
}

static void offsets_outside_the_file_are_refused(void **state)
{
    (void)state;
    refuse(TENSOR("F32", "[3,2]", "[0]"), 24, "data_offsets must be");
    refuse(TENSOR("F32", "[3,2]", "[0,24,24]"), 24, "data_offsets must be");
    refuse(TENSOR("F32", "[3,2]", "{}"), 24, "data_offsets must be");
    refuse(TENSOR("F32", "[3,2]", "[-24,0]"), 24, "data_offsets must be");
    refuse(TENSOR("F32", "[3,2]", "[24,0]"), 24, "data_offsets must be");
    refuse(TENSOR("F32", "[3,2]", "[0,24.0]"), 24, "data_offsets must be");
    refuse(TENSOR("F32", "[3,2]", "[0,24]"), 23, "cut short");
    refuse(TENSOR("F32", "[3,2]", "[9223372036854775783,9223372036854775807]"), 24, "cut short");
    refuse(TENSOR("F32", "[3,2]", "[0,24]"), 25, "1 bytes of data belong to no tensor");
    refuse(TENSOR("F32", "[3,2]", "[1,25]"), 25, "begins at byte 1 of the data, after byte 0");
}

static void tensors_that_overlap_or_leave_a_hole_are_refused(void **state)
{
    (void)state;
    refuse("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
           "\"b\":{\"dtype\":\"U8\",\"shape\":[4,1],\"data_offsets\":[3,7]}}",
           7, "'b' begins at byte 3 of the data, before byte 4");
    refuse("{\"b\":{\"dtype\":\"U8\",\"shape\":[4,1],\"data_offsets\":[5,9]},"
           "\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}",
           9, "'b' begins at byte 5 of the data, after byte 4");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]},"
           "\"embeddings\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}}",
           8, "before byte 8");
}

static void only_a_table_that_can_be_served_is_taken(void **state)
{
    (void)state;
    refuse(TENSOR("U8", "[3,2]", "[0,6]"), 6, "dtype U8; F64, F32, F16, BF16 and I8 are served");
    refuse(TENSOR("F32", "[6]", "[0,24]"), 24, "two dimensions");
    refuse(TENSOR("F32", "[3,2,1]", "[0,24]"), 24, "two dimensions");
    refuse(TENSOR("F32", "[0,2]", "[0,0]"), 0, "at least 1");
    refuse(TENSOR("F32", "[3,0]", "[0,0]"), 0, "at least 1");
    refuse(TENSOR("F32", "[]", "[0,4]"), 4, "two dimensions");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]},"
           "\"b\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[4,8]}}",
           8, "2 have two dimensions");
    refuse("{\"a.wte.weight\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]},"
           "\"b.wte.weight\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[4,8]}}",
           8, "2 of its 2 tensors have the name of an embedding table");
    refuse("{\"embeddings\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]},"
           "\"mapping\":{\"dtype\":\"I16\",\"shape\":[1],\"data_offsets\":[4,6]}}",
           6, "tensor 'mapping' must be I32 or I64");
}

/* model2vec's trained models have them in 64 bits. */
static void rows_of_tokens_may_have_64_bits(void **state)
{
    (void)state;
    static const char header[] =
        "{\"mapping\":{\"dtype\":\"I64\",\"shape\":[3],\"data_offsets\":[0,24]},"
        "\"embeddings\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[24,32]}}";
    static const int64_t outside[] = {2, -1, (int64_t)1 << 32, INT64_MIN};
    struct {
        int64_t mapping[3];
        float rows[2];
    } data = {{1, 0, 1}, {5, 7}};
    struct table table;
    struct err err;
    float x;
    struct span file = take(&table, header, &data, sizeof data);
    assert_int_equal(table.n_rows, 3);
    for (uint32_t id = 0; id < 3; id++) {
        table_floats(&table, id, 0, 1, &x);
        assert_true(x == data.rows[data.mapping[id]]);
    }
    let_go(&table, file);
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        data.mapping[2] = outside[i];
        file = make_file(strlen(header), header, &data, sizeof data);
        assert_false(open_bytes(&table, file, &err));
        assert_non_null(strstr(err.message, "tensor 'mapping': token 2 has the row"));
        let_go(&table, file);
    }
}

static void a_table_is_found_by_the_name_that_its_family_gives_it(void **state)
{
    (void)state;
    static const char *const names[] = {
        "embeddings.word_embeddings.weight",
        "roberta.embeddings.word_embeddings.weight",
        "model.embeddings.tok_embeddings.weight",
        "wte.weight",
        "transformer.wte.weight",
        "model.embed_tokens.weight",
        "shared.weight",
        "0.embedding.weight",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char header[300];
        const float data[] = {7, 1, 2};
        struct table table;
        snprintf(header, sizeof header,
                 "{\"another.weight\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]},"
                 "\"%s\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[4,12]}}",
                 names[i]);
        struct span file = take(&table, header, data, sizeof data);
        assert_int_equal(table.n_rows, 2);
        table_close(&table);
        free((void *)(uintptr_t)file.data);
    }
}

static void rows_may_be_shared_multiplied_and_of_64_bits(void **state)
{
    (void)state;
    static const char header[] =
        "{\"embeddings\":{\"dtype\":\"F64\",\"shape\":[2,2],\"data_offsets\":[0,32]},"
        "\"mapping\":{\"dtype\":\"I32\",\"shape\":[3],\"data_offsets\":[32,44]},"
        "\"factors\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[44,56]}}";
    const double rows[] = {1, 2, 3, 4};
    const int32_t mapping[] = {1, 0, 1};
    const float factors[] = {1, 10, 0.5f};
    static const float wanted[3][2] = {{3, 4}, {10, 20}, {1.5f, 2}};
    char data[56];
    struct table table;
    memcpy(data, rows, 32);
    memcpy(data + 32, mapping, 12);
    memcpy(data + 44, factors, 12);
    struct span file = take(&table, header, data, sizeof data);
    assert_int_equal(table.n_rows, 3);
    assert_false(table_is_plain(&table));
    for (uint32_t id = 0; id < 3; id++) {
        float row[2], second;
        table_floats(&table, id, 0, 2, row);
        table_floats(&table, id, 1, 1, &second);
        assert_true(row[0] == wanted[id][0] && row[1] == wanted[id][1] && second == row[1]);
    }
    table_close(&table);
    free((void *)(uintptr_t)file.data);
    refuse("{\"embeddings\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]},"
           "\"mapping\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[4,12]},"
           "\"factors\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[12,24]}}",
           24, "tensor 'factors' must have one dimension of 2");
}

#define WITH_WEIGHTS(dtype, shape, end)                                                            \
    "{\"embeddings\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]},"                  \
    "\"weights\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[8," end "]}}"

static void weights_come_in_four_types_and_must_be_sound(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        unsigned char data[16];
        size_t n;
    } cases[] = {
        {WITH_WEIGHTS("F64", "[2]", "24"), {0, 0, 0, 0, 0, 0, 0xE0, 0x3F, [15] = 0}, 24},
        {WITH_WEIGHTS("F32", "[2]", "16"), {0, 0, 0, 0x3F, 0, 0, 0, 0}, 16},
        {WITH_WEIGHTS("F16", "[2]", "12"), {0, 0x38, 0, 0}, 12},
        {WITH_WEIGHTS("BF16", "[2]", "12"), {0, 0x3F, 0, 0}, 12},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char data[24] = {0};
        memcpy(data + 8, cases[i].data, cases[i].n - 8);
        struct table table;
        struct span file = take(&table, cases[i].header, data, cases[i].n);
        assert_true(table.weights[0] == 0.5f && table.weights[1] == 0);
        let_go(&table, file);
    }
    refuse(WITH_WEIGHTS("I32", "[2]", "16"), 16, "'weights' has dtype I32");
    refuse(WITH_WEIGHTS("F32", "[1]", "12"), 12, "one dimension of 2");
    refuse(WITH_WEIGHTS("F32", "[2,1]", "16"), 16, "one dimension of 2");
    float bad[][2] = {{1, -1}, {1, NAN}, {1, INFINITY}};
    for (size_t i = 0; i < 3; i++) {
        char data[16] = {0};
        memcpy(data + 8, bad[i], 8);
        struct table table;
        struct err err;
        const char *header = WITH_WEIGHTS("F32", "[2]", "16");
        struct span file = make_file(strlen(header), header, data, sizeof data);
        assert_false(open_bytes(&table, file, &err));
        assert_non_null(strstr(err.message, "row 1 is"));
        free((void *)(uintptr_t)file.data);
    }
}

#define WITH_SCALES(dtype, shape, end)                                                             \
    "{\"embeddings\":{\"dtype\":\"I8\",\"shape\":[2,3],\"data_offsets\":[" end ",17]},"            \
    "\"scales\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[3," end "]},"       \
    "\"first\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}}"

static void rows_of_i8_come_with_their_scales(void **state)
{
    (void)state;
    const float scales[2] = {0.5f, 0.25f};
    const signed char rows[2][3] = {{1, -2, 127}, {-128, 0, 4}};
    char data[17] = {0};
    memcpy(data + 3, scales, sizeof scales);
    memcpy(data + 11, rows, sizeof rows);
    struct table table;
    struct span file = take(&table, WITH_SCALES("F32", "[2]", "11"), data, sizeof data);
    assert_int_equal(table.rows.dtype, DTYPE_I8);
    assert_int_equal(table.rows.stride_bytes, 3);
    assert_memory_equal(rows_at(&table.rows, 1), rows[1], 3);
    assert_true(rows_scale(&table.rows, 0) == 0.5f && rows_scale(&table.rows, 1) == 0.25f);
    uint32_t row = 99;
    assert_true(table_check_finite(&table, &row));
    let_go(&table, file);

    const float bad[] = {NAN, INFINITY, -INFINITY, 3e38f};
    for (size_t i = 0; i < 4; i++) {
        memcpy(data + 7, &bad[i], sizeof bad[i]);
        file = take(&table, WITH_SCALES("F32", "[2]", "11"), data, sizeof data);
        assert_false(table_check_finite(&table, &row));
        assert_int_equal(row, 1);
        let_go(&table, file);
    }
    refuse(TENSOR("I8", "[3,2]", "[0,6]"), 6, "no tensor 'scales'");
    refuse(WITH_SCALES("F16", "[4]", "11"), 17, "'scales' must be F32");
    refuse(WITH_SCALES("F32", "[2,1]", "11"), 17, "one dimension of 2");
    refuse("{\"embeddings\":{\"dtype\":\"I8\",\"shape\":[2,3],\"data_offsets\":[4,10]},"
           "\"scales\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
           10, "one dimension of 2");
}

/* Two rows of 33 columns: 64 bytes of numbers behind 8 of scales. */
#define I4_FILE(columns, shape, scales_dtype, scales_shape)                                        \
    "{\"__metadata__\":{\"embedd.i4_columns\":\"" columns "\"},"                                   \
    "\"embeddings\":{\"dtype\":\"U8\",\"shape\":" shape ",\"data_offsets\":[8,72]},"               \
    "\"scales\":{\"dtype\":\"" scales_dtype "\",\"shape\":" scales_shape                           \
    ",\"data_offsets\":[0,8]}}"

static void rows_of_i4_come_with_a_scale_for_each_group(void **state)
{
    (void)state;
    static const char header[] = I4_FILE("33", "[2,32]", "F16", "[2,2]");
    const uint16_t scales[2][2] = {{0x3800, 0xBC00}, {0x4000, 0}}; /* 0.5, -1; 2, 0 */
    unsigned char data[72] = {0};
    float row[33];
    memcpy(data, scales, sizeof scales);
    data[8] = 0x87;      /* row 0: columns 0 and 16 are 7 and -8 */
    data[8 + 16] = 0xF2; /* column 32 is 2; there is no column 48 */
    data[8 + 47] = 0x1F; /* row 1: columns 15 and 31 are -1 and 1 */
    struct table table;
    struct span file = take(&table, header, data, sizeof data);
    assert_int_equal(table.rows.dtype, DTYPE_I4);
    assert_true(table.n_rows == 2 && table.dim == 33 && table.rows.stride_bytes == 32);
    table_floats(&table, 0, 0, 33, row);
    for (size_t j = 0; j < 33; j++)
        assert_true(row[j] == (j == 0 ? 3.5f : j == 16 ? -4 : j == 32 ? -2 : 0));
    table_floats(&table, 1, 0, 33, row);
    for (size_t j = 0; j < 33; j++)
        assert_true(row[j] == (j == 15 ? -2 : j == 31 ? 2 : 0));
    table_floats(&table, 0, 32, 1, row);
    assert_true(row[0] == -2);
    uint32_t bad_row = 99;
    assert_true(table_check_finite(&table, &bad_row));
    let_go(&table, file);

    const uint16_t bad[] = {0x7C00, 0xFC00, 0x7E00, 0x7C01};
    for (size_t at = 0; at < 4; at++) {
        memcpy(data, scales, sizeof scales);
        memcpy(data + 2 * at, &bad[at], sizeof bad[at]);
        file = take(&table, header, data, sizeof data);
        assert_false(table_check_finite(&table, &bad_row));
        assert_int_equal(bad_row, at / 2);
        let_go(&table, file);
    }
}

static void rows_of_i4_with_other_numbers_of_bytes_are_refused(void **state)
{
    (void)state;
    static const char *const columns[] = {
        "",           "0",    "-33",  "33x", " 33", "+33", "032",
        "4294967295", "0x21", "33.0", "32",  "65",  "1e1", "99999999999999999999"};
    static const char form[] = I4_FILE("%s", "[2,32]", "F16", "[2,2]");
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        char header[400];
        snprintf(header, sizeof header, form, columns[i]);
        refuse(header, 72, "has 32 bytes a row");
    }
    refuse(I4_FILE("33", "[4,16]", "F16", "[2,2]"), 72, "has 16 bytes a row");
    refuse(I4_FILE("33", "[2,32]", "F16", "[4,1]"), 72, "F16 of shape [2, 2]");
    refuse(I4_FILE("33", "[2,32]", "F16", "[4]"), 72, "F16 of shape [2, 2]");
    refuse(I4_FILE("33", "[2,32]", "BF16", "[2,2]"), 72, "F16 of shape [2, 2]");
    refuse(I4_FILE("33", "[2,32]", "F32", "[2]"), 72, "F16 of shape [2, 2]");
    refuse(I4_FILE("33", "[2,32]", "F16", "[2,2]"), 71, "cut short");
    refuse("{\"__metadata__\":{\"embedd.i4_columns\":\"5\"},"
           "\"embeddings\":{\"dtype\":\"U8\",\"shape\":[2,16],\"data_offsets\":[0,32]}}",
           32, "there must be a tensor 'scales', F16 of shape [2, 1]");
    refuse("{\"__metadata__\":{\"embedd.i4_columns\":\"33\"},"
           "\"embeddings\":{\"dtype\":\"U8\",\"shape\":[1,32],\"data_offsets\":[2,34]},"
           "\"scales\":{\"dtype\":\"F16\",\"shape\":[1,1],\"data_offsets\":[0,2]}}",
           34, "F16 of shape [1, 2]");
}

static void the_table_is_chosen_by_name_then_as_the_only_matrix(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t at;
    } cases[] = {
        {"{\"a\":{\"dtype\":\"F16\",\"shape\":[1,1],\"data_offsets\":[0,2]},"
         "\"embeddings\":{\"dtype\":\"F16\",\"shape\":[1,1],\"data_offsets\":[2,4]}}",
         2},
        {"{\"embedding.weight\":{\"dtype\":\"F16\",\"shape\":[1,1],\"data_offsets\":[2,4]},"
         "\"embeddings\":{\"dtype\":\"F16\",\"shape\":[1,1],\"data_offsets\":[0,2]}}",
         0},
        {"{\"embedding.weight\":{\"dtype\":\"F16\",\"shape\":[1,1],\"data_offsets\":[2,4]},"
         "\"a\":{\"dtype\":\"F16\",\"shape\":[1,1],\"data_offsets\":[0,2]}}",
         2},
        {"{\"a\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,2]},"
         "\"b\":{\"dtype\":\"F16\",\"shape\":[1,1],\"data_offsets\":[2,4]}}   ",
         2},
        {"{\"empty\":{\"dtype\":\"F16\",\"shape\":[0],\"data_offsets\":[2,2]},"
         "\"a\":{\"dtype\":\"I16\",\"shape\":[1],\"data_offsets\":[2,4]},"
         "\"b\":{\"dtype\":\"F16\",\"shape\":[1,1],\"data_offsets\":[0,2]}}",
         0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char data[4] = {0};
        struct table table;
        struct span file = take(&table, cases[i].header, data, sizeof data);
        assert_ptr_equal(table.rows.at, file.data + file.bytes - 4 + cases[i].at);
        let_go(&table, file);
    }
}

static void a_row_that_is_not_finite_is_named(void **state)
{
    (void)state;
    static const uint32_t bits[3][4] = {{0x7F800000, 0xFF800000, 0x7FC00000, 0x7F800001},
                                        {0x7C00, 0xFC00, 0x7E00, 0x7C01},
                                        {0x7F80, 0xFF80, 0x7FC0, 0x7F81}};
    static const uint32_t largest[3] = {0x7F7FFFFF, 0x7BFF, 0x7F7F};
    for (int dtype = DTYPE_F32; dtype <= DTYPE_BF16; dtype++) {
        size_t item = dtype == DTYPE_F32 ? 4 : 2, dim = 37;
        char *bytes = malloc(5 * dim * item + 1);
        assert_non_null(bytes);
        char *rows = bytes + 1; /* at an odd address */
        struct table table = {
            .rows = {.at = rows, .stride_bytes = dim * item, .n = 5, .dtype = (enum dtype)dtype},
            .n_rows = 5,
            .dim = (uint32_t)dim};
        for (size_t at = 0; at < 5 * dim; at++)
            memcpy(rows + at * item, &largest[dtype], item);
        uint32_t row = 99;
        assert_true(table_check_finite(&table, &row));
        for (size_t at = 0; at < 5 * dim; at++) {
            memcpy(rows + at * item, &bits[dtype][at % 4], item);
            assert_false(table_check_finite(&table, &row));
            assert_int_equal(row, at / dim);
            memcpy(rows + at * item, &largest[dtype], item);
        }
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_with_weights_is_found),
        cmocka_unit_test(a_file_cut_short_anywhere_is_refused),
        cmocka_unit_test(a_header_cut_short_with_its_length_set_right_is_refused),
        cmocka_unit_test(one_changed_byte_never_breaks_the_reader),
        cmocka_unit_test(a_length_that_lies_is_refused),
        cmocka_unit_test(a_header_that_is_not_the_formats_is_refused),
        cmocka_unit_test(a_shape_that_does_not_fit_its_bytes_is_refused),
        cmocka_unit_test(offsets_outside_the_file_are_refused),
        cmocka_unit_test(tensors_that_overlap_or_leave_a_hole_are_refused),
        cmocka_unit_test(only_a_table_that_can_be_served_is_taken),
        cmocka_unit_test(rows_of_tokens_may_have_64_bits),
        cmocka_unit_test(a_table_is_found_by_the_name_that_its_family_gives_it),
        cmocka_unit_test(rows_may_be_shared_multiplied_and_of_64_bits),
        cmocka_unit_test(weights_come_in_four_types_and_must_be_sound),
        cmocka_unit_test(rows_of_i8_come_with_their_scales),
        cmocka_unit_test(rows_of_i4_come_with_a_scale_for_each_group),
        cmocka_unit_test(rows_of_i4_with_other_numbers_of_bytes_are_refused),
        cmocka_unit_test(the_table_is_chosen_by_name_then_as_the_only_matrix),
        cmocka_unit_test(a_row_that_is_not_finite_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
