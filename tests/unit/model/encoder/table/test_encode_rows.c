/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a table written, and read again by the kernels. */
#include "model/encoder/table/encode_rows.h"
#include "model/math/kernels.h"
#include "tests/test.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The float that a 16-bit number stands for. */
static float decoded(uint16_t half, enum dtype dtype)
{
    const struct table table = {
        .rows = {.at = &half, .stride_bytes = 2, .n = 1, .dtype = dtype}, .n_rows = 1, .dim = 1};
    float x;
    kernels_get()->row[dtype](&x, &table.rows, 0, 1);
    return x;
}

static uint16_t encoded(float x, enum dtype dtype)
{
    uint16_t half;
    encode_row(&half, &x, 1, dtype, NULL);
    return half;
}

static void check_half(float x, uint16_t wanted, enum dtype dtype)
{
    const uint16_t found = encoded(x, dtype);
    if (found != wanted) fail_msg("%a becomes %04x, not %04x", (double)x, found, wanted);
}

static void every_finite_half_survives(void **state)
{
    (void)state;
    size_t n_f16 = 0, n_bf16 = 0;
    for (uint32_t half = 0; half < 65536; half++) {
        const float f16 = decoded((uint16_t)half, DTYPE_F16);
        const float bf16 = decoded((uint16_t)half, DTYPE_BF16);
        if (isfinite(f16)) check_half(f16, (uint16_t)half, DTYPE_F16);
        if (isfinite(bf16)) check_half(bf16, (uint16_t)half, DTYPE_BF16);
        n_f16 += isfinite(f16);
        n_bf16 += isfinite(bf16);
    }
    assert_int_equal(n_f16, 2 * 31 * 1024);
    assert_int_equal(n_bf16, 2 * 255 * 128);
}

/* Between each half and the next, of both signs: the middle goes to the even one, what is beside
   the middle to the nearer one. */
static void check_rounding(enum dtype dtype, uint16_t last)
{
    for (uint32_t half = 0; half < last; half++) {
        for (uint32_t sign = 0; sign <= 0x8000; sign += 0x8000) {
            const uint16_t low = (uint16_t)(sign | half), high = (uint16_t)(low + 1);
            const float a = decoded(low, dtype), b = decoded(high, dtype);
            const float middle = (float)(((double)a + (double)b) / 2);
            check_half(middle, half % 2 == 0 ? low : high, dtype);
            check_half(nextafterf(middle, a), low, dtype);
            check_half(nextafterf(middle, b), high, dtype);
        }
    }
}

static void ties_go_to_the_even_half(void **state)
{
    (void)state;
    check_rounding(DTYPE_F16, 0x7BFF);
    check_rounding(DTYPE_BF16, 0x7F7F);
}

static void what_is_too_large_becomes_infinite(void **state)
{
    (void)state;
    check_half(65504, 0x7BFF, DTYPE_F16);
    check_half(nextafterf(65520, 0), 0x7BFF, DTYPE_F16);
    check_half(65520, 0x7C00, DTYPE_F16);
    check_half(-65520, 0xFC00, DTYPE_F16);
    check_half(FLT_MAX, 0x7C00, DTYPE_F16);
    check_half(-INFINITY, 0xFC00, DTYPE_F16);
    check_half(FLT_MAX, 0x7F80, DTYPE_BF16);
    check_half(-FLT_MAX, 0xFF80, DTYPE_BF16);
}

static void what_is_too_small_becomes_a_zero_of_its_sign(void **state)
{
    (void)state;
    check_half(0x1p-25f, 0, DTYPE_F16);
    check_half(nextafterf(0x1p-25f, 1), 1, DTYPE_F16);
    check_half(-1e-30f, 0x8000, DTYPE_F16);
    check_half(-0.0f, 0x8000, DTYPE_BF16);
}

static void nan_stays_nan(void **state)
{
    (void)state;
    const uint32_t low_bits_only = 0x7F800001;
    float x;
    memcpy(&x, &low_bits_only, sizeof x);
    assert_true(isnan(decoded(encoded(NAN, DTYPE_F16), DTYPE_F16)));
    assert_true(isnan(decoded(encoded(x, DTYPE_F16), DTYPE_F16)));
    assert_true(isnan(decoded(encoded(-NAN, DTYPE_BF16), DTYPE_BF16)));
    assert_true(isnan(decoded(encoded(x, DTYPE_BF16), DTYPE_BF16)));
}

static void floats_stay_as_they_are(void **state)
{
    (void)state;
    const float x[4] = {-0.0f, 1e-45f, FLT_MAX, 0.1f};
    float out[4], scale = 7;
    encode_row(out, x, 4, DTYPE_F32, &scale);
    assert_memory_equal(out, x, sizeof x);
    assert_true(scale == 7);
    assert_int_equal(dtype_row_bytes(DTYPE_F32, 3), 12);
    assert_int_equal(dtype_row_bytes(DTYPE_F16, 3), 6);
    assert_int_equal(dtype_row_bytes(DTYPE_BF16, 3), 6);
    assert_int_equal(dtype_row_bytes(DTYPE_I8, 3), 3);
    assert_int_equal(dtype_row_bytes(DTYPE_F64, 3), 24);
    assert_int_equal(dtype_scale_bytes(DTYPE_I8, 3), 4);
    assert_int_equal(dtype_scale_bytes(DTYPE_F16, 3), 0);
}

static void a_row_of_halves_is_encoded_number_by_number(void **state)
{
    (void)state;
    const float x[3] = {1, -2, 0.5f};
    uint16_t out[4] = {0, 0, 0, 0xABCD};
    encode_row(out, x, 3, DTYPE_F16, NULL);
    assert_true(out[0] == 0x3C00 && out[1] == 0xC000 && out[2] == 0x3800 && out[3] == 0xABCD);
}

/* ---- a scale a row ---- */

#define DIM 37

static void check_bytes(const float *x, float largest)
{
    signed char bytes[DIM];
    float scale = -1, out[DIM];
    int extreme = 0;
    encode_row(bytes, x, DIM, DTYPE_I8, &scale);
    assert_true(scale == largest / 127);
    const struct table table = {.rows = {.at = bytes,
                                         .stride_bytes = DIM,
                                         .n = 1,
                                         .dtype = DTYPE_I8,
                                         .scales = (const char *)&scale},
                                .n_rows = 1,
                                .dim = DIM};
    kernels_get()->row[DTYPE_I8](out, &table.rows, 0, DIM);
    for (size_t j = 0; j < DIM; j++) {
        /* Half a step, and the rounding of the product. */
        const double most = (double)scale / 2 + 1e-6 * fabs((double)x[j]);
        if (!(fabs((double)out[j] - (double)x[j]) <= most))
            fail_msg("%g becomes %g", (double)x[j], (double)out[j]);
        if (abs(bytes[j]) > extreme) extreme = abs(bytes[j]);
    }
    assert_int_equal(extreme, 127);
}

static void bytes_are_off_by_half_a_step_at_most(void **state)
{
    (void)state;
    static const float sizes[] = {1, 1e-20f, 3e37f, 0.037f, 12345.678f};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        float x[DIM], largest = 0;
        for (size_t j = 0; j < DIM; j++) {
            x[j] = sizes[i] * sinf((float)(j * 7 + i * 3 + 1));
            if (fabsf(x[j]) > largest) largest = fabsf(x[j]);
        }
        check_bytes(x, largest);
    }
}

static void a_row_of_zeros_has_no_scale(void **state)
{
    (void)state;
    const float zeros[3] = {0, -0.0f, 0};
    signed char bytes[3] = {1, 2, 3};
    float scale = 7;
    encode_row(bytes, zeros, 3, DTYPE_I8, &scale);
    assert_true(scale == 0 && bytes[0] == 0 && bytes[1] == 0 && bytes[2] == 0);
}

/* ---- a scale a group ---- */

#define I4_DIM 77 /* two groups, and 13 columns */
#define I4_GROUPS 3
#define I4_ROW (I4_GROUPS * I4_BYTES)

static void decode_i4(const unsigned char *numbers, const uint16_t *scales, float *out)
{
    const struct rows row = {.at = numbers,
                             .stride_bytes = I4_ROW,
                             .n = 1,
                             .dtype = DTYPE_I4,
                             .scales = (const char *)scales};
    kernels_get()->row[DTYPE_I4](out, &row, 0, I4_DIM);
}

static void a_row_of_i4_takes_whole_groups(void **state)
{
    (void)state;
    static const uint32_t columns[] = {1, 31, 32, 33, 64, 256, 300};
    static const size_t groups[] = {1, 1, 1, 2, 2, 8, 10};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        assert_int_equal(dtype_row_bytes(DTYPE_I4, columns[i]), groups[i] * 16);
        assert_int_equal(dtype_scale_bytes(DTYPE_I4, columns[i]), groups[i] * 2);
    }
}

static double squared_error(const float *x, const float *y, size_t n)
{
    double sum = 0;
    for (size_t j = 0; j < n; j++)
        sum += ((double)x[j] - (double)y[j]) * ((double)x[j] - (double)y[j]);
    return sum;
}

/* Of a group with the scale that makes the value of largest size `number`, by plain doubles. */
static double error_with(const float *x, size_t n, double number)
{
    double largest = 0, sum = 0;
    for (size_t j = 0; j < n; j++)
        if (fabs((double)x[j]) > fabs(largest)) largest = (double)x[j];
    for (size_t j = 0; j < n; j++) {
        const double q = fmin(fmax(rint((double)x[j] * number / largest), -8), 7);
        const double off = (double)x[j] - q * largest / number;
        sum += off * off;
    }
    return sum;
}

static void groups_have_the_scale_of_least_error(void **state)
{
    (void)state;
    static const float sizes[] = {1, 0.001f, 30000, 0.037f, 12345.678f};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned char numbers[I4_ROW + 1];
        uint16_t scales[I4_GROUPS + 1];
        float x[I4_DIM], out[I4_DIM];
        numbers[I4_ROW] = 0xAB;
        scales[I4_GROUPS] = 0xABCD;
        for (size_t j = 0; j < I4_DIM; j++)
            x[j] = sizes[i] * sinf((float)(j * j * 7 + i * 3 + 1));
        encode_row(numbers, x, I4_DIM, DTYPE_I4, scales);
        assert_true(numbers[I4_ROW] == 0xAB && scales[I4_GROUPS] == 0xABCD);
        decode_i4(numbers, scales, out);
        for (size_t at = 0; at < I4_DIM; at += I4_COLUMNS) {
            const size_t n = I4_DIM - at < I4_COLUMNS ? I4_DIM - at : I4_COLUMNS;
            const double found = squared_error(x + at, out + at, n);
            double least = INFINITY;
            for (double number = -9; number <= -6; number += 0.25)
                least = fmin(least, error_with(x + at, n, number));
            /* A scale is rounded to 11 bits. */
            assert_true(found <= 1.01 * least);
            assert_true(found <= 1.01 * error_with(x + at, n, 7));
            /* The largest may be -9 steps, and cut to -8; one as large on the other side to 7. */
            const double scale = fabs((double)decoded(scales[at / I4_COLUMNS], DTYPE_F16));
            for (size_t j = 0; j < n; j++)
                assert_true(fabs((double)x[at + j] - (double)out[at + j]) <= 2.01 * scale);
        }
        /* The columns that the last group does not have. */
        for (size_t k = 13; k < I4_BYTES; k++)
            assert_int_equal(numbers[2 * I4_BYTES + k], 0);
        for (size_t k = 0; k < 13; k++)
            assert_int_equal(numbers[2 * I4_BYTES + k] >> 4, 0);
    }
}

static void what_i4_can_say_survives(void **state)
{
    (void)state;
    unsigned char numbers[I4_ROW], again[I4_ROW];
    uint16_t scales[I4_GROUPS], scales_again[I4_GROUPS];
    float x[I4_DIM], out[I4_DIM];
    for (size_t j = 0; j < I4_DIM; j++)
        x[j] = (j < 32 ? 0.25f : -0.375f) * ((float)(j % 16) - 8);
    encode_row(numbers, x, I4_DIM, DTYPE_I4, scales);
    decode_i4(numbers, scales, out);
    for (size_t j = 0; j < I4_DIM; j++)
        assert_true(out[j] == x[j]);
    assert_true(scales[0] == 0x3400 && scales[1] == 0xB600 && scales[2] == 0xB600);
    /* Column 1 of the group in the lower half of byte 1, column 17 in the upper one. */
    assert_int_equal(numbers[1], (unsigned char)((-7 & 15) | (-7 & 15) << 4));
    encode_row(again, out, I4_DIM, DTYPE_I4, scales_again);
    assert_memory_equal(again, numbers, sizeof again);
    assert_memory_equal(scales_again, scales, sizeof scales);
}

static void a_group_of_zeros_has_no_scale(void **state)
{
    (void)state;
    unsigned char numbers[I4_ROW];
    uint16_t scales[I4_GROUPS] = {7, 7, 7};
    float x[I4_DIM] = {0, -0.0f}, out[I4_DIM];
    x[40] = -1;
    x[70] = 1e-20f; /* too small for any scale */
    memset(numbers, 0xFF, sizeof numbers);
    encode_row(numbers, x, I4_DIM, DTYPE_I4, scales);
    assert_true(scales[0] == 0 && scales[1] != 0 && (scales[2] & 0x7FFF) == 0);
    decode_i4(numbers, scales, out);
    for (size_t j = 0; j < I4_DIM; j++)
        assert_true(j == 40 ? fabsf(out[j] + 1) < 0.001f : out[j] == 0);
}

/* As NaN, so that whoever looks through the table finds it. */
static void what_i4_cannot_say_has_no_finite_scale(void **state)
{
    (void)state;
    static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY, FLT_MAX, -1e6f};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (size_t at = 0; at < I4_DIM; at += 19) {
            unsigned char numbers[I4_ROW];
            uint16_t scales[I4_GROUPS];
            float x[I4_DIM];
            for (size_t j = 0; j < I4_DIM; j++)
                x[j] = (float)j;
            x[at] = bad[i];
            encode_row(numbers, x, I4_DIM, DTYPE_I4, scales);
            for (size_t g = 0; g < I4_GROUPS; g++)
                assert_true(isfinite(decoded(scales[g], DTYPE_F16)) == (g != at / I4_COLUMNS));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_finite_half_survives),
        cmocka_unit_test(ties_go_to_the_even_half),
        cmocka_unit_test(what_is_too_large_becomes_infinite),
        cmocka_unit_test(what_is_too_small_becomes_a_zero_of_its_sign),
        cmocka_unit_test(nan_stays_nan),
        cmocka_unit_test(floats_stay_as_they_are),
        cmocka_unit_test(a_row_of_halves_is_encoded_number_by_number),
        cmocka_unit_test(bytes_are_off_by_half_a_step_at_most),
        cmocka_unit_test(a_row_of_zeros_has_no_scale),
        cmocka_unit_test(a_row_of_i4_takes_whole_groups),
        cmocka_unit_test(groups_have_the_scale_of_least_error),
        cmocka_unit_test(what_i4_can_say_survives),
        cmocka_unit_test(a_group_of_zeros_has_no_scale),
        cmocka_unit_test(what_i4_cannot_say_has_no_finite_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
