/* SPDX-License-Identifier: Apache-2.0 */
/* Values checked against numpy (float16), ml_dtypes (bfloat16, float8) and by hand. */
#include "model/math/numbers.h"
#include "tests/test.h"

#include <math.h>
#include <string.h>

static uint32_t code_of(enum number_type type, float x)
{
    unsigned char bytes[4] = {0};
    number_write(type, &x, 1, bytes);
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

struct code {
    float x;
    uint32_t code;
};

static void assert_codes(enum number_type type, const struct code *codes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t code = code_of(type, codes[i].x);
        if (code != codes[i].code)
            fail_msg("%s of %a is %#x, not %#x", number_type_names[type], (double)codes[i].x, code,
                     codes[i].code);
    }
}

static void floats_become_the_nearest_smaller_ones_ties_to_even(void **state)
{
    (void)state;
    static const struct code halves[] = {
        {0, 0},
        {-0.0f, 0x8000},
        {1, 0x3C00},
        {-2, 0xC000},
        {0.1f, 0x2E66},
        {65504, 0x7BFF},
        {65520, 0x7C00},
        {65519, 0x7BFF},
        {1e9f, 0x7C00},
        {0x1p-24f, 1},
        {0x1p-25f, 0},
        {0x1.8p-24f, 2},
        {0x1p-14f, 0x400},
        {0x1.ff8p-15f, 0x3FF},
        {0x1.ffcp-15f, 0x400},
        {1e-40f, 0},
        {0x1.002p0f, 0x3C00},
        {0x1.006p0f, 0x3C02},
        {0x1.0021p0f, 0x3C01},
    };
    static const struct code brains[] = {
        {1, 0x3F80},         {-0.1f, 0xBDCD},   {0x1.01p0f, 0x3F80},
        {0x1.03p0f, 0x3F82}, {3.4e38f, 0x7F80}, {1e-40f, 1},
    };
    static const struct code e4m3[] = {
        {1, 0x38},    {0.1f, 0x1D}, {448, 0x7E},   {1000, 0x7E},
        {-448, 0xFE}, {0x1p-9f, 1}, {0x1p-10f, 0},
    };
    static const struct code e5m2[] = {
        {1, 0x3C}, {0.1f, 0x2E}, {57344, 0x7B}, {1e6f, 0x7C}, {0x1p-16f, 1},
    };
    assert_codes(NUMBER_FLOAT16, halves, sizeof halves / sizeof halves[0]);
    assert_codes(NUMBER_BFLOAT16, brains, sizeof brains / sizeof brains[0]);
    assert_codes(NUMBER_FP8_E4M3, e4m3, sizeof e4m3 / sizeof e4m3[0]);
    assert_codes(NUMBER_FP8_E5M2, e5m2, sizeof e5m2 / sizeof e5m2[0]);
}

static void every_small_float_reads_back_to_its_own_code(void **state)
{
    (void)state;
    static const enum number_type types[] = {NUMBER_FLOAT16, NUMBER_BFLOAT16, NUMBER_FP8_E4M3,
                                             NUMBER_FP8_E5M2};
    static const uint32_t beyond[] = {0x7C00, 0x7F80, 0x7F, 0x7C},
                          sign[] = {0x8000, 0x8000, 0x80, 0x80};
    for (size_t t = 0; t < 4; t++) {
        for (uint32_t code = 0; code < beyond[t]; code++) {
            const unsigned char bytes[2] = {(unsigned char)code, (unsigned char)(code >> 8)};
            const float x = number_read(types[t], bytes, 0);
            assert_int_equal(code_of(types[t], x), code);
            assert_int_equal(code_of(types[t], -x), code | sign[t]);
        }
    }
}

static void bytes_of_few_dimensions_use_127_for_one(void **state)
{
    (void)state;
    static const float x[] = {1, -1, 0, 0.5f, -0.004f, 2, -3};
    static const signed char want[] = {127, -127, 0, 64, -1, 127, -128};
    signed char out[7];
    unsigned char shifted[7];
    number_write(NUMBER_INT8, x, 7, out);
    number_write(NUMBER_UINT8, x, 7, shifted);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(out[i], want[i]);
        assert_int_equal(shifted[i], want[i] + 128);
        assert_true(number_read(NUMBER_INT8, out, i) == (float)want[i]);
        assert_true(number_read(NUMBER_UINT8, shifted, i) == (float)want[i] + 128);
    }
}

static void the_scale_of_bytes_grows_with_the_dimensions(void **state)
{
    (void)state;
    float x[256] = {0.125f, -0.5f, 0.49f, 0.7f};
    signed char out[256];
    number_write(NUMBER_INT8, x, 256, out); /* 127 * sqrt(256) / 8 = 254 */
    assert_int_equal(out[0], 32);
    assert_int_equal(out[1], -127);
    assert_int_equal(out[2], 124);
    assert_int_equal(out[3], 127);
    assert_int_equal(out[4], 0);
}

static void signs_become_bits_the_first_in_the_highest(void **state)
{
    (void)state;
    static const float x[] = {1, -1, 0, 0.5f, -0.0f, 2, -3, 4, 1, 1};
    unsigned char bits[2];
    signed char offset[2];
    assert_int_equal(number_count(NUMBER_UBINARY, 10), 2);
    assert_int_equal(number_bytes(NUMBER_BINARY, 16), 2);
    number_write(NUMBER_UBINARY, x, 10, bits);
    number_write(NUMBER_BINARY, x, 10, offset);
    assert_int_equal(bits[0], 0x95);
    assert_int_equal(bits[1], 0xC0);
    assert_int_equal(offset[0], 0x95 - 128);
    assert_int_equal(offset[1], 0xC0 - 128);
}

static void big_endian_turns_the_bytes_of_each_number(void **state)
{
    (void)state;
    unsigned char wide[] = {1, 2, 3, 4, 5, 6, 7, 8}, half[] = {1, 2, 3, 4}, byte[] = {1, 2};
    number_swap(NUMBER_FLOAT32, wide, 8);
    number_swap(NUMBER_FLOAT16, half, 4);
    number_swap(NUMBER_INT8, byte, 2);
    assert_memory_equal(wide, "\4\3\2\1\10\7\6\5", 8);
    assert_memory_equal(half, "\2\1\4\3", 4);
    assert_memory_equal(byte, "\1\2", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_become_the_nearest_smaller_ones_ties_to_even),
        cmocka_unit_test(every_small_float_reads_back_to_its_own_code),
        cmocka_unit_test(bytes_of_few_dimensions_use_127_for_one),
        cmocka_unit_test(the_scale_of_bytes_grows_with_the_dimensions),
        cmocka_unit_test(signs_become_bits_the_first_in_the_highest),
        cmocka_unit_test(big_endian_turns_the_bytes_of_each_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
