/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the tokens past the last row, as a packed file has them. */
#include "model/encoder/table/mapping.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two rows of a column, then what says whose they are: 12 bytes. */
#define HEADER(tensors)                                                                            \
    "{\"embeddings\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}," tensors "}"
#define TENSOR(name, dtype, shape)                                                                 \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[8,20]}"

static const float rows[] = {5, 7};

/* On the heap at its exact size. */
static struct span make_file(const char *header, const int32_t numbers[3])
{
    const size_t n = strlen(header);
    char *bytes = calloc(1, 8 + n + 20);
    assert_non_null(bytes);
    bytes[0] = (char)n;
    bytes[1] = (char)(n >> 8);
    memcpy(bytes + 8, header, n);
    memcpy(bytes + 8 + n, rows, 8);
    memcpy(bytes + 16 + n, numbers, 12);
    return (struct span){bytes, 28 + n};
}

static bool open_file(struct table *table, struct span file, bool has_shared, struct err *err)
{
    const struct table_options options = {.has_shared = has_shared, .is_checked = has_shared};
    struct tensors tensors;
    *table = (struct table){0};
    *err = (struct err){0};
    if (!tensors_open(&tensors, file, "x.safetensors", err)) return false;
    const bool done = table_open_tensors(table, &tensors, &options);
    tensors_close(&tensors);
    return done;
}

static void refuse(const char *header, const int32_t numbers[3], const char *what)
{
    struct table table;
    struct err err;
    const struct span file = make_file(header, numbers);
    if (open_file(&table, file, true, &err)) fail_msg("was taken: %s", header);
    assert_int_equal(err.code, ERR_FORMAT);
    if (!strstr(err.message, what)) fail_msg("'%s' does not say '%s'", err.message, what);
    assert_non_null(strstr(err.message, "x.safetensors"));
    assert_null(table.mapping);
    free((void *)(uintptr_t)file.data);
}

static void tokens_past_the_last_row_have_those_of_others(void **state)
{
    (void)state;
    static const int32_t numbers[] = {1, 0, 1};
    static const float wanted[] = {5, 7, 7, 5, 7};
    const struct span file = make_file(HEADER(TENSOR("shared", "I32", "[3]")), numbers);
    struct table table;
    struct err err;
    float x;
    if (!open_file(&table, file, true, &err)) fail_msg("%s", err.message);
    assert_int_equal(table.n_rows, 5);
    assert_int_equal(table.rows.n, 2);
    for (uint32_t id = 0; id < 5; id++) {
        table_floats(&table, id, 0, 1, &x);
        assert_true(x == wanted[id]);
    }
    table_close(&table);
    /* A tensor of that name elsewhere is something else. */
    assert_true(open_file(&table, file, false, &err));
    assert_int_equal(table.n_rows, 2);
    table_close(&table);
    free((void *)(uintptr_t)file.data);
}

static void numbers_that_are_no_rows_are_refused(void **state)
{
    (void)state;
    static const int32_t outside[] = {2, -1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        char what[100];
        const int32_t numbers[] = {0, outside[i], 1};
        snprintf(what, sizeof what, "tensor 'shared': token 3 has the row %d, but there are 2 rows",
                 outside[i]);
        refuse(HEADER(TENSOR("shared", "I32", "[3]")), numbers, what);
    }
}

static void what_is_no_list_of_rows_is_refused(void **state)
{
    (void)state;
    static const int32_t none[3];
    refuse(HEADER(TENSOR("shared", "F32", "[3]")), none, "'shared' must be I32");
    refuse(HEADER(TENSOR("shared", "I32", "[3,1]")), none, "'shared' must be I32");
    refuse(HEADER(TENSOR("shared", "I16", "[6]")), none, "'shared' must be I32");
    refuse(HEADER("\"x\":{\"dtype\":\"I32\",\"shape\":[3],\"data_offsets\":[8,20]},"
                  "\"shared\":{\"dtype\":\"I32\",\"shape\":[0],\"data_offsets\":[20,20]}"),
           none, "'shared' must be I32");
    refuse(HEADER(TENSOR("mapping", "I32", "[3]")), none, "there must be a tensor 'shared'");
    refuse(HEADER("\"mapping\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[8,16]},"
                  "\"shared\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[16,20]}"),
           none, "'mapping' and 'shared'");
    /* A number a token, not a row. */
    refuse(HEADER("\"shared\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[8,12]},"
                  "\"weights\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[12,20]}"),
           none, "tensor 'weights' must have one dimension of 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_past_the_last_row_have_those_of_others),
        cmocka_unit_test(numbers_that_are_no_rows_are_refused),
        cmocka_unit_test(what_is_no_list_of_rows_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
