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
    assert_int_equal(dtype_bytes(DTYPE_F32), 4);
    assert_int_equal(dtype_bytes(DTYPE_F16), 2);
    assert_int_equal(dtype_bytes(DTYPE_BF16), 2);
    assert_int_equal(dtype_bytes(DTYPE_I8), 1);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
