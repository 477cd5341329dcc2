/* SPDX-License-Identifier: Apache-2.0 */
/* Every set of kernels this CPU can run against the scalar reference, to the bit. */
#include "base/cpu.h"
#include "model/math/exponential.h"
#include "model/math/kernels.h"
#include "tests/test.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIMS_MAX 600
#define ROWS 40
#define IDS 70
#define GUARD 16
#define GUARD_VALUE 12345.5f

static uint32_t random_next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8 | *state << 24;
}

/* A finite value of any size, subnormals and both zeros included, as the dtype writes it. */
static uint32_t random_bits(uint32_t *state, enum dtype dtype)
{
    uint32_t bits = random_next(state);
    switch (dtype) {
    case DTYPE_F32: /* exponents that leave room for a sum of many */
        if (bits % 16 == 0) return bits & 0x80000000u;
        return (bits & 0x807FFFFFu) | (bits >> 8) % 220 << 23;
    case DTYPE_F16:
        return (bits & 0x7C00u) == 0x7C00u ? bits & 0x83FFu : bits & 0xFFFFu;
    case DTYPE_BF16:
        if (bits % 16 == 0) return bits & 0x8000u;
        return (bits & 0x807Fu) | (bits >> 8) % 220 << 7;
    case DTYPE_I8:
    case DTYPE_I4: /* two of them */
        return bits & 0xFFu;
    case DTYPE_F64: /* not of the kernels */
    case DTYPE_PQ:
        break;
    }
    return 0;
}

struct fixture {
    char *bytes; /* exactly as long as the table, so that a read past its end is seen */
    struct rows rows;
    float weights[ROWS];
    char *scales; /* the same, at an odd address */
    uint32_t ids[IDS];
};

/* So many bytes of them, little-endian, `offset` behind the start of their memory. */
static char *random_numbers(size_t offset, size_t bytes, enum dtype dtype, uint32_t *state)
{
    const size_t item = dtype == DTYPE_I4 ? 1 : dtype_row_bytes(dtype, 1);
    char *out = malloc(offset + bytes);
    assert_non_null(out);
    for (size_t at = 0; at < bytes; at += item) {
        const uint32_t bits = random_bits(state, dtype);
        memcpy(out + offset + at, &bits, item);
    }
    return out;
}

/* offset: of the first row in its allocation, to have it at any alignment. */
static void fixture_init(struct fixture *fixture, enum dtype dtype, uint32_t dim, size_t offset)
{
    const enum dtype scale = dtype == DTYPE_I4 ? DTYPE_F16 : DTYPE_F32;
    uint32_t state = 7 + dim;
    fixture->bytes = random_numbers(offset, ROWS * dtype_row_bytes(dtype, dim), dtype, &state);
    for (size_t i = 0; i < ROWS; i++)
        fixture->weights[i] = (float)(random_next(&state) % 1000) / 7;
    fixture->scales = random_numbers(1, ROWS * dtype_scale_bytes(dtype, dim), scale, &state);
    for (size_t i = 0; i < IDS; i++)
        fixture->ids[i] = random_next(&state) % ROWS;
    fixture->ids[IDS / 2] = ROWS - 1;
    fixture->rows = (struct rows){.at = fixture->bytes + offset,
                                  .stride_bytes = dtype_row_bytes(dtype, dim),
                                  .n = ROWS,
                                  .dtype = dtype,
                                  .scales = fixture->scales + 1};
}

static void fixture_clear(struct fixture *fixture)
{
    free(fixture->bytes);
    free(fixture->scales);
}

static void assert_same_bits(const float *got, const float *want, size_t n, const char *what)
{
    for (size_t j = 0; j < n; j++) {
        if (memcmp(got + j, want + j, sizeof *got) == 0) continue;
        fail_msg("%s: dimension %zu of %zu is %a, not %a", what, j, n, (double)got[j],
                 (double)want[j]);
    }
}

static void fill(float *x, size_t n, float value)
{
    for (size_t j = 0; j < n; j++)
        x[j] = value;
}

/* Runs one function of both sets and compares the bits, and that nothing behind dims is written. */
static void compare_gather(const struct kernels *scalar, const struct kernels *set, int function,
                           const struct fixture *fixture, size_t n, size_t dims)
{
    float want[DIMS_MAX + GUARD], got[DIMS_MAX + GUARD];
    const struct rows *rows = &fixture->rows;
    enum dtype dtype = rows->dtype;
    fill(want, dims + GUARD, GUARD_VALUE);
    fill(want, dims, function == 2 ? -INFINITY : 0);
    memcpy(got, want, sizeof want);
    switch (function) {
    case 0:
        scalar->sum[dtype](want, rows, fixture->ids, n, dims);
        set->sum[dtype](got, rows, fixture->ids, n, dims);
        break;
    case 1:
        scalar->weighted_sum[dtype](want, rows, fixture->weights, fixture->ids, n, dims);
        set->weighted_sum[dtype](got, rows, fixture->weights, fixture->ids, n, dims);
        break;
    case 2:
        scalar->max[dtype](want, rows, fixture->ids, n, dims);
        set->max[dtype](got, rows, fixture->ids, n, dims);
        break;
    default:
        scalar->row[dtype](want, rows, fixture->ids[0], dims);
        set->row[dtype](got, rows, fixture->ids[0], dims);
    }
    char what[80];
    snprintf(what, sizeof what, "%s function %d dtype %s n %zu", set->name, function,
             dtype_names[dtype], n);
    assert_same_bits(got, want, dims + GUARD, what);
}

static void every_gather_gives_the_bits_of_the_scalar_one(void **state)
{
    (void)state;
    const struct kernels *sets[4];
    size_t n_sets = kernels_all(sets);
    assert_string_equal(sets[0]->name, "scalar");
    for (int dtype = 0; dtype < DTYPES; dtype++) {
        for (uint32_t dim = 1; dim <= 300; dim += dim < 70 || dim > 250 ? 1 : 5) {
            struct fixture fixture;
            fixture_init(&fixture, (enum dtype)dtype, dim, dim % 5);
            for (size_t s = 1; s < n_sets; s++) {
                for (int function = 0; function < 4; function++) {
                    compare_gather(sets[0], sets[s], function, &fixture, 1 + dim % IDS, dim);
                    compare_gather(sets[0], sets[s], function, &fixture, IDS, (dim + 1) / 2);
                }
            }
            fixture_clear(&fixture);
        }
    }
}

static void wide_rows_are_as_narrow_ones(void **state)
{
    (void)state;
    const struct kernels *sets[4];
    size_t n_sets = kernels_all(sets);
    for (int dtype = 0; dtype < DTYPES; dtype++) {
        struct fixture fixture;
        fixture_init(&fixture, (enum dtype)dtype, DIMS_MAX, 1);
        for (size_t s = 1; s < n_sets; s++) {
            for (int function = 0; function < 4; function++) {
                compare_gather(sets[0], sets[s], function, &fixture, IDS, DIMS_MAX);
                compare_gather(sets[0], sets[s], function, &fixture, IDS, 2 * 256 + 64 + 17);
            }
        }
        fixture_clear(&fixture);
    }
}

static void a_linear_step_has_the_bits_of_a_weighted_sum(void **state)
{
    (void)state;
    const struct kernels *sets[4];
    size_t n_sets = kernels_all(sets);
    for (uint32_t columns = 1; columns <= DIMS_MAX; columns += columns < 300 ? 1 : 37) {
        struct fixture fixture;
        float want[DIMS_MAX + GUARD], got[DIMS_MAX + GUARD];
        uint32_t all[ROWS];
        fixture_init(&fixture, DTYPE_F32, columns, 0);
        for (uint32_t i = 0; i < ROWS; i++)
            all[i] = i;
        fill(want, columns + GUARD, GUARD_VALUE);
        sets[0]->weighted_sum[DTYPE_F32](want, &fixture.rows, fixture.weights, all, ROWS, columns);
        for (size_t s = 0; s < n_sets; s++) {
            fill(got, columns + GUARD, GUARD_VALUE);
            sets[s]->linear(got, (const float *)(const void *)fixture.bytes, fixture.weights, ROWS,
                            columns);
            assert_same_bits(got, want, columns + GUARD, sets[s]->name);
        }
        fixture_clear(&fixture);
    }
}

static void a_sequence_in_pieces_has_the_bits_of_the_whole(void **state)
{
    (void)state;
    const struct kernels *sets[4];
    size_t n_sets = kernels_all(sets);
    for (int dtype = DTYPE_F16; dtype < DTYPES; dtype++) {
        struct fixture fixture;
        fixture_init(&fixture, (enum dtype)dtype, 100, 3);
        for (size_t s = 0; s < n_sets; s++) {
            for (size_t cut = 0; cut <= IDS; cut++) {
                float whole[100] = {0}, pieces[100] = {0};
                sets[s]->sum[dtype](whole, &fixture.rows, fixture.ids, IDS, 100);
                sets[s]->sum[dtype](pieces, &fixture.rows, fixture.ids, cut, 100);
                sets[s]->sum[dtype](pieces, &fixture.rows, fixture.ids + cut, IDS - cut, 100);
                assert_same_bits(pieces, whole, 100, sets[s]->name);
            }
        }
        fixture_clear(&fixture);
    }
}

/* The value of a half, by the definition in IEEE 754. */
static double half_value(uint16_t half)
{
    int exponent = half >> 10 & 0x1F;
    double fraction = half & 0x3FF, sign = half & 0x8000 ? -1 : 1;
    if (exponent == 0) return sign * ldexp(fraction, -24);
    if (exponent == 0x1F) return fraction > 0 ? (double)NAN : sign * HUGE_VAL;
    return sign * ldexp(1024 + fraction, exponent - 25);
}

static void all_halves_convert_exactly_in_every_set(void **state)
{
    (void)state;
    const struct kernels *sets[4];
    size_t n_sets = kernels_all(sets);
    uint16_t *halves = malloc(65536 * sizeof *halves);
    float *want = malloc(65536 * sizeof *want), *got = malloc(65536 * sizeof *got);
    assert_true(halves && want && got);
    for (uint32_t i = 0; i < 65536; i++)
        halves[i] = (uint16_t)i;
    for (int dtype = DTYPE_F16; dtype <= DTYPE_BF16; dtype++) {
        const struct rows table = {.at = halves, .n = 1, .dtype = (enum dtype)dtype};
        sets[0]->row[dtype](want, &table, 0, 65536);
        for (uint32_t i = 0; i < 65536; i++) {
            uint32_t bits = i << 16, is;
            memcpy(&is, want + i, sizeof is);
            double value = half_value((uint16_t)i);
            if (dtype == DTYPE_BF16)
                assert_int_equal(is, bits);
            else if (isnan(value))
                assert_true(isnan(want[i]));
            else
                assert_true((double)want[i] == value && !signbit(want[i]) == !(i >> 15));
        }
        for (size_t s = 1; s < n_sets; s++) {
            sets[s]->row[dtype](got, &table, 0, 65536);
            assert_same_bits(got, want, 65536, sets[s]->name);
        }
    }
    free(halves);
    free(want);
    free(got);
}

static void an_i8_value_is_the_number_times_the_scale_of_its_row(void **state)
{
    (void)state;
    const struct kernels *sets[4];
    size_t n_sets = kernels_all(sets);
    enum { DIM = 259 };
    signed char rows[2][DIM];
    float scales[2] = {0.0123f, 1e-30f}, out[DIM];
    const float weights[2] = {3, 0.7f};
    const uint32_t ids[3] = {0, 1, 0};
    for (int j = 0; j < DIM; j++) {
        rows[0][j] = (signed char)(j - 128);
        rows[1][j] = (signed char)(127 - j);
    }
    const struct rows table = {
        .at = rows, .stride_bytes = DIM, .n = 2, .dtype = DTYPE_I8, .scales = (const char *)scales};
    for (size_t s = 0; s < n_sets; s++) {
        sets[s]->row[DTYPE_I8](out, &table, 1, DIM);
        for (int j = 0; j < DIM; j++)
            assert_true(out[j] == scales[1] * (float)rows[1][j]);
        memset(out, 0, sizeof out);
        sets[s]->sum[DTYPE_I8](out, &table, ids, 3, DIM);
        for (int j = 0; j < DIM; j++) {
            volatile float a = scales[0] * (float)rows[0][j], b = scales[1] * (float)rows[1][j];
            volatile float sum = a + b;
            assert_true(out[j] == sum + a);
        }
        memset(out, 0, sizeof out);
        sets[s]->weighted_sum[DTYPE_I8](out, &table, weights, ids + 1, 2, DIM);
        for (int j = 0; j < DIM; j++) {
            volatile float a = scales[0] * (float)rows[0][j], b = scales[1] * (float)rows[1][j];
            volatile float wa = weights[0] * a, wb = weights[1] * b;
            assert_true(out[j] == wb + wa);
        }
    }
}

/* Column j by the definition in docs/FORMAT.md. */
static float i4_value(const unsigned char *numbers, const uint16_t *scales, size_t j)
{
    const unsigned byte = numbers[j / 32 * 16 + j % 16];
    const unsigned number = j % 32 < 16 ? byte % 16 : byte / 16;
    return (float)(half_value(scales[j / 32]) * (number < 8 ? number : number - 16.0));
}

static void an_i4_value_is_the_number_times_the_scale_of_its_group(void **state)
{
    (void)state;
    const struct kernels *sets[4];
    size_t n_sets = kernels_all(sets);
    enum { DIM = 265, GROUPS = 9 };
    unsigned char rows[2][GROUPS * 16];
    uint16_t scales[2][GROUPS];
    float out[DIM];
    const float weights[2] = {3, 0.7f};
    const uint32_t ids[3] = {0, 1, 0};
    for (int i = 0; i < GROUPS * 16; i++) {
        rows[0][i] = (unsigned char)(i * 7);
        rows[1][i] = (unsigned char)(255 - i * 5);
    }
    for (int g = 0; g < GROUPS; g++) {
        scales[0][g] = (uint16_t)(0x2A01 + g * 0x111);              /* about 0.05 and up */
        scales[1][g] = (uint16_t)(g % 2 ? 0x8003 + g : 0xBBFF + g); /* of both kinds, negative */
    }
    const struct rows table = {.at = rows,
                               .stride_bytes = sizeof rows[0],
                               .n = 2,
                               .dtype = DTYPE_I4,
                               .scales = (const char *)scales};
    for (size_t s = 0; s < n_sets; s++) {
        sets[s]->row[DTYPE_I4](out, &table, 1, DIM);
        for (size_t j = 0; j < DIM; j++)
            assert_true(out[j] == i4_value(rows[1], scales[1], j));
        memset(out, 0, sizeof out);
        sets[s]->sum[DTYPE_I4](out, &table, ids, 3, DIM);
        for (size_t j = 0; j < DIM; j++) {
            const float a = i4_value(rows[0], scales[0], j), b = i4_value(rows[1], scales[1], j);
            volatile float sum = a + b;
            assert_true(out[j] == sum + a);
        }
        memset(out, 0, sizeof out);
        sets[s]->weighted_sum[DTYPE_I4](out, &table, weights, ids + 1, 2, DIM);
        for (size_t j = 0; j < DIM; j++) {
            volatile float a = weights[0] * i4_value(rows[0], scales[0], j);
            volatile float b = weights[1] * i4_value(rows[1], scales[1], j);
            assert_true(out[j] == b + a);
        }
    }
}

static void rows_begin_anew_at_any_group(void **state)
{
    (void)state;
    float whole[100], part[100];
    for (int dtype = 0; dtype < DTYPES; dtype++) {
        struct fixture fixture;
        fixture_init(&fixture, (enum dtype)dtype, 100, 0);
        kernels_get()->row[dtype](whole, &fixture.rows, 7, 100);
        for (size_t from = 0; from < 100; from += I4_COLUMNS) {
            const struct rows rest = rows_from(&fixture.rows, from);
            kernels_get()->row[dtype](part, &rest, 7, 100 - from);
            assert_same_bits(part, whole + from, 100 - from, dtype_names[dtype]);
        }
        fixture_clear(&fixture);
    }
}

static void sums_of_squares_and_quotients_have_the_same_bits(void **state)
{
    (void)state;
    const struct kernels *sets[4];
    size_t n_sets = kernels_all(sets);
    for (size_t n = 0; n <= 300; n++) {
        /* On the heap at its exact size: a read or write past the end is seen. */
        float *x = malloc((n + 1) * sizeof *x), *want = malloc(n * sizeof *x + 1);
        assert_true(x && want);
        uint32_t random = (uint32_t)n;
        for (size_t j = 0; j < n; j++)
            x[j] = (float)(int32_t)random_next(&random) / 1e9f;
        float squares = sets[0]->sum_squares(x, n);
        double exact = 0;
        for (size_t j = 0; j < n; j++)
            exact += (double)x[j] * (double)x[j];
        assert_true(fabs(exact - (double)squares) <= 1e-6 * exact);
        memcpy(want, x, n * sizeof *x);
        sets[0]->divide(want, n, 3.7f);
        for (size_t s = 1; s < n_sets; s++) {
            float *got = malloc(n * sizeof *got + 1), sum = sets[s]->sum_squares(x, n);
            assert_non_null(got);
            assert_same_bits(&sum, &squares, 1, sets[s]->name);
            memcpy(got, x, n * sizeof *x);
            sets[s]->divide(got, n, 3.7f);
            assert_same_bits(got, want, n, sets[s]->name);
            free(got);
        }
        free(x);
        free(want);
    }
}

static void exponentials_have_the_same_bits(void **state)
{
    (void)state;
    const struct kernels *sets[4];
    size_t n_sets = kernels_all(sets);
    for (size_t n = 0; n <= 40; n++) {
        float *x = malloc(n * sizeof *x + 1), *want = malloc(n * sizeof *x + 1);
        float *got = malloc(n * sizeof *x + 1);
        uint32_t random = (uint32_t)n + 3;
        assert_true(x && want && got);
        for (size_t j = 0; j < n; j++)
            x[j] = (float)(int32_t)random_next(&random) / (j % 5 == 4 ? 1e3f : 1e8f);
        sets[0]->exponentials(want, x, 1.5f, 0.7f, n);
        for (size_t j = 0; j < n; j++)
            assert_true(want[j] == (float)exponential(((double)x[j] - 1.5) / (double)0.7f));
        for (size_t s = 1; s < n_sets; s++) {
            sets[s]->exponentials(got, x, 1.5f, 0.7f, n);
            assert_same_bits(got, want, n, sets[s]->name);
        }
        free(x);
        free(want);
        free(got);
    }
}

static void steps_of_learning_have_the_same_bits(void **state)
{
    (void)state;
    const struct kernels *sets[4];
    size_t n_sets = kernels_all(sets);
    for (size_t n = 0; n <= 70; n++) {
        float *values[4][2], *gradient = malloc(n * sizeof *gradient + 1);
        uint32_t random = (uint32_t)n + 7;
        assert_non_null(gradient);
        for (size_t j = 0; j < n; j++)
            gradient[j] = (float)(int32_t)random_next(&random) / 1e9f;
        for (size_t s = 0; s < n_sets; s++) {
            for (int i = 0; i < 2; i++) {
                values[s][i] = malloc(n * sizeof **values[s] + 1);
                assert_non_null(values[s][i]);
                for (size_t j = 0; j < n; j++)
                    values[s][i][j] = 0.001f + (float)j;
            }
            sets[s]->learn(values[s][0], values[s][1], gradient, 0.7f, 0.1f, n);
            sets[s]->add_scaled(values[s][0], gradient, -1.3f, n);
            assert_same_bits(values[s][0], values[0][0], n, sets[s]->name);
            assert_same_bits(values[s][1], values[0][1], n, sets[s]->name);
        }
        for (size_t j = 0; j < n; j++) {
            const double g = (double)(0.7f * gradient[j]), from = (double)(0.001f + (float)j);
            const double squares = from + g * g;
            const double x = from - (double)0.1f * g / sqrt(squares) + (double)-1.3f * gradient[j];
            assert_true(fabs((double)values[0][1][j] - squares) <= 1e-6 * (squares + 1));
            assert_true(fabs((double)values[0][0][j] - x) <= 1e-5 * (fabs(x) + from + 1));
        }
        for (size_t s = 0; s < n_sets; s++)
            for (int i = 0; i < 2; i++)
                free(values[s][i]);
        free(gradient);
    }
}

static void the_sum_of_squares_adds_its_lanes_in_the_fixed_tree(void **state)
{
    (void)state;
    const struct kernels *sets[4];
    size_t n_sets = kernels_all(sets);
    float x[40], lanes[16] = {0};
    for (size_t j = 0; j < 40; j++) {
        x[j] = 1.1f * (float)(j + 1) / 3;
        lanes[j % 16] += x[j] * x[j];
    }
    float eight[8], four[4];
    for (int i = 0; i < 8; i++)
        eight[i] = lanes[i] + lanes[i + 8];
    for (int i = 0; i < 4; i++)
        four[i] = eight[i] + eight[i + 4];
    float want = (four[0] + four[2]) + (four[1] + four[3]);
    for (size_t s = 0; s < n_sets; s++)
        assert_true(sets[s]->sum_squares(x, 40) == want);
}

static void one_value_that_is_not_finite_is_found_anywhere(void **state)
{
    (void)state;
    const struct kernels *sets[4];
    size_t n_sets = kernels_all(sets);
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t s = 0; s < n_sets; s++) {
        for (size_t n = 0; n <= 70; n++) {
            float x[70];
            fill(x, n, 3.4e38f);
            assert_true(sets[s]->is_finite(x, n));
            for (size_t j = 0; j < n; j++) {
                x[j] = bad[j % 3];
                assert_false(sets[s]->is_finite(x, n));
                x[j] = -1e-45f;
            }
        }
    }
}

static void a_maximum_knows_signed_zeros_and_keeps_nan(void **state)
{
    (void)state;
    const struct kernels *sets[4];
    size_t n_sets = kernels_all(sets);
    float rows[2 * 20];
    uint32_t orders[2][2] = {{0, 1}, {1, 0}};
    fill(rows, 20, -0.0f);
    fill(rows + 20, 20, 0.0f);
    rows[3] = NAN;
    rows[24] = -5;
    struct rows table = {.at = rows, .stride_bytes = 80, .n = 2, .dtype = DTYPE_F32};
    for (size_t s = 0; s < n_sets; s++) {
        for (int order = 0; order < 2; order++) {
            float out[20];
            fill(out, 20, -INFINITY);
            sets[s]->max[DTYPE_F32](out, &table, orders[order], 2, 20);
            assert_true(isnan(out[3]));
            assert_true(out[4] == 0 && signbit(out[4]));
            assert_true(out[5] == 0 && !signbit(out[5]));
            assert_true(out[19] == 0 && !signbit(out[19]));
        }
    }
}

static void the_chosen_set_is_one_of_all_and_stays(void **state)
{
    (void)state;
    const struct kernels *sets[4], *chosen = kernels_get();
    size_t n_sets = kernels_all(sets), found = 0;
    for (size_t s = 0; s < n_sets; s++)
        found += sets[s] == chosen;
    assert_int_equal(found, 1);
    for (size_t s = 0; s < n_sets; s++)
        assert_string_equal(sets[s]->name, cpu_level_names[s]);
    assert_string_equal(chosen->name, cpu_level_names[cpu_level()]);
    assert_ptr_equal(kernels_get(), chosen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_gather_gives_the_bits_of_the_scalar_one),
        cmocka_unit_test(wide_rows_are_as_narrow_ones),
        cmocka_unit_test(a_linear_step_has_the_bits_of_a_weighted_sum),
        cmocka_unit_test(a_sequence_in_pieces_has_the_bits_of_the_whole),
        cmocka_unit_test(all_halves_convert_exactly_in_every_set),
        cmocka_unit_test(an_i8_value_is_the_number_times_the_scale_of_its_row),
        cmocka_unit_test(an_i4_value_is_the_number_times_the_scale_of_its_group),
        cmocka_unit_test(rows_begin_anew_at_any_group),
        cmocka_unit_test(sums_of_squares_and_quotients_have_the_same_bits),
        cmocka_unit_test(exponentials_have_the_same_bits),
        cmocka_unit_test(steps_of_learning_have_the_same_bits),
        cmocka_unit_test(the_sum_of_squares_adds_its_lanes_in_the_fixed_tree),
        cmocka_unit_test(one_value_that_is_not_finite_is_found_anywhere),
        cmocka_unit_test(a_maximum_knows_signed_zeros_and_keeps_nan),
        cmocka_unit_test(the_chosen_set_is_one_of_all_and_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
