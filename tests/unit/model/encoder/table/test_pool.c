/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that ids share give the bits of a table in which each id has a copy of its own. */
#include "base/cpu.h"
#include "model/encoder/table/encode_rows.h"
#include "model/encoder/table/pool.h"
#include "model/encoder/table/table_encoder.h"
#include "model/math/kernels.h"
#include "model/text/tokens.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROWS 40
#define TOKENS 70
#define IDS 260
#define DIM_MAX 259
#define UNKNOWN 3

/* A table, and the same with a row for each token. Bytes lie on the heap, as many as there are. */
struct pair {
    struct table shared, expanded;
    char *rows, *scales, *mapping;
    char *all_rows, *all_scales;
    float weights[TOKENS], factors[TOKENS];
    uint32_t ids[IDS];
};

static uint32_t random_next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static float random_value(uint32_t *state)
{
    return (float)(random_next(state) % 2001) / 1000 - 1;
}

static char *some(size_t bytes)
{
    char *out = malloc(bytes + 1);
    assert_non_null(out);
    return out;
}

static void encode_at(const struct pair *pair, enum dtype dtype, uint32_t dim, uint32_t i,
                      uint32_t *state)
{
    const size_t bytes = dtype_row_bytes(dtype, dim), scale_bytes = dtype_scale_bytes(dtype, dim);
    float x[DIM_MAX];
    double wide[DIM_MAX];
    for (uint32_t j = 0; j < dim; j++)
        wide[j] = (double)(x[j] = i == 7 ? 0 : random_value(state));
    if (dtype == DTYPE_F64)
        memcpy(pair->rows + i * bytes, wide, bytes);
    else
        encode_row(pair->rows + i * bytes, x, dim, dtype, pair->scales + i * scale_bytes);
}

/* mapped_from: 0, or ROWS where only ids from there on share rows. */
static void pair_init(struct pair *pair, enum dtype dtype, uint32_t dim, uint32_t mapped_from)
{
    const size_t bytes = dtype_row_bytes(dtype, dim), scale_bytes = dtype_scale_bytes(dtype, dim);
    uint32_t state = dim + dtype;
    *pair = (struct pair){.rows = some(ROWS * bytes),
                          .scales = some(ROWS * scale_bytes),
                          .mapping = some((TOKENS - mapped_from) * sizeof(int32_t)),
                          .all_rows = some(TOKENS * bytes),
                          .all_scales = some(TOKENS * scale_bytes)};
    for (uint32_t i = 0; i < ROWS; i++)
        encode_at(pair, dtype, dim, i, &state);
    for (uint32_t id = 0; id < TOKENS; id++) {
        const int32_t row = id < mapped_from ? (int32_t)id : (int32_t)(random_next(&state) % ROWS);
        if (id >= mapped_from)
            memcpy(pair->mapping + 1 + (id - mapped_from) * sizeof row, &row, sizeof row);
        memcpy(pair->all_rows + id * bytes, pair->rows + (uint32_t)row * bytes, bytes);
        memcpy(pair->all_scales + id * scale_bytes, pair->scales + (uint32_t)row * scale_bytes,
               scale_bytes);
        pair->weights[id] = (float)(random_next(&state) % 1000) / 7;
        pair->factors[id] = random_value(&state);
    }
    for (uint32_t i = 0; i < IDS; i++)
        pair->ids[i] = i % 97 == 50 ? TOKEN_ID_NONE : random_next(&state) % TOKENS;
    pair->ids[0] = TOKENS - 1;
    const struct rows rows = {pair->rows, bytes, ROWS, dtype, pair->scales};
    const struct rows all = {pair->all_rows, bytes, TOKENS, dtype, pair->all_scales};
    pair->shared = table_of(rows, dim);
    pair->shared.n_rows = TOKENS;
    pair->shared.mapping = pair->mapping + 1;
    pair->shared.mapped_from = mapped_from;
    pair->expanded = table_of(all, dim);
    pair->shared.weights = pair->expanded.weights = pair->weights;
}

static void pair_clear(struct pair *pair)
{
    table_close(&pair->shared);
    table_close(&pair->expanded);
    free(pair->rows);
    free(pair->scales);
    free(pair->mapping);
    free(pair->all_rows);
    free(pair->all_scales);
}

static bool are_pooled_alike(const struct pair *pair, const struct pool_options *options, size_t n)
{
    float want[DIM_MAX] = {0}, got[DIM_MAX] = {0};
    for (uint32_t unknown = UNKNOWN;; unknown = TOKEN_ID_NONE) {
        const bool is_wanted = pool_rows(&pair->expanded, unknown, pair->ids, n, options, want);
        if (pool_rows(&pair->shared, unknown, pair->ids, n, options, got) != is_wanted ||
            memcmp(got, want, sizeof want) != 0)
            return false;
        if (unknown == TOKEN_ID_NONE) return true;
    }
}

static bool have_the_same_rows(const struct pair *pair, uint32_t dims)
{
    struct table_encoder shared, expanded;
    table_encoder_init(&shared, &pair->shared, TOKEN_ID_NONE);
    table_encoder_init(&expanded, &pair->expanded, TOKEN_ID_NONE);
    for (uint32_t id = 0; id < TOKENS; id++) {
        float want[DIM_MAX] = {0}, got[DIM_MAX] = {0};
        expanded.encoder.kind->row(&expanded.encoder, id, dims, want);
        shared.encoder.kind->row(&shared.encoder, id, dims, got);
        if (memcmp(got, want, sizeof want) != 0) return false;
    }
    return true;
}

static bool are_alike(const struct pair *pair)
{
    static const size_t lengths[] = {0, 1, 13, IDS};
    const uint32_t dim = pair->shared.dim;
    for (int pooling = 0; pooling < POOLINGS; pooling++)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
            for (int way = 0; way < 2; way++) {
                const struct pool_options options = {.pooling = (enum pooling)pooling,
                                                     .normalize = way == 1,
                                                     .dims = way == 1 ? dim : (dim + 1) / 2};
                if (!are_pooled_alike(pair, &options, lengths[l])) return false;
            }
    return have_the_same_rows(pair, dim) && have_the_same_rows(pair, (dim + 1) / 2);
}

/* As the rows are; with their norms known; multiplied. */
static bool is_alike(enum dtype dtype, uint32_t dim, uint32_t mapped_from)
{
    struct pair pair;
    pair_init(&pair, dtype, dim, mapped_from);
    bool same = are_alike(&pair);
    same = same && table_find_norms(&pair.shared) && table_find_norms(&pair.expanded) &&
           are_alike(&pair);
    pair.shared.inverse_norms = pair.expanded.inverse_norms = NULL;
    pair.shared.factors = pair.expanded.factors = pair.factors;
    same = same && are_alike(&pair);
    pair_clear(&pair);
    return same;
}

/* The kernels are chosen once in a process. Its exit status: how much was found to be other. */
static int try_all_on(enum cpu_level level)
{
    static const uint32_t dims[] = {5, 75, DIM_MAX};
    int n_others = 0;
    setenv("EMBEDD_CPU", cpu_level_names[level], 1);
    for (int dtype = 0; dtype <= DTYPE_F64; dtype++)
        for (size_t d = 0; d < sizeof dims / sizeof *dims; d++)
            for (uint32_t from = 0; from <= ROWS; from += ROWS) {
                if (is_alike((enum dtype)dtype, dims[d], from)) continue;
                fprintf(stderr, "%s, %u columns of %s, mapped from %u\n", kernels_get()->name,
                        dims[d], dtype_names[dtype], from);
                n_others++;
            }
    return n_others;
}

static void shared_rows_are_pooled_to_the_bits_of_copies_by_every_set(void **state)
{
    (void)state;
    for (int level = 0; level <= (int)cpu_level_best(); level++) {
        const pid_t child = fork();
        if (child == 0) _exit(try_all_on((enum cpu_level)level));
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

static void a_row_out_of_range_in_a_mapping_is_the_first(void **state)
{
    (void)state;
    const float rows[] = {5, 7};
    const int32_t mapping[] = {1, 2, -1, INT32_MIN};
    struct table table = table_of((struct rows){rows, 4, 2, DTYPE_F32, NULL}, 1);
    table.mapping = (const char *)mapping;
    table.n_rows = 4;
    for (uint32_t id = 0; id < 4; id++)
        assert_int_equal(table_row(&table, id), id == 0);
    table.mapped_from = 2;
    assert_int_equal(table_row(&table, 1), 1);
    assert_int_equal(table_row(&table, 2), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_rows_are_pooled_to_the_bits_of_copies_by_every_set),
        cmocka_unit_test(a_row_out_of_range_in_a_mapping_is_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
