/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "base/numtext.h"
#include "base/numtext_avx2.h"
#include "base/numtext_avx512.h"
#include "tests/test.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits;
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

static const char *skip_digits(const char *at)
{
    while (*at >= '0' && *at <= '9')
        at++;
    return at;
}

/* RFC 8259, 6: -? (0 | 1-9 digits) (. digits)? (e sign? digits)? */
static bool is_json_number(const char *at)
{
    if (*at == '-') at++;
    const char *end = *at == '0' ? at + 1 : skip_digits(at);
    if (end == at) return false;
    if (*end == '.') {
        at = end + 1;
        end = skip_digits(at);
        if (end == at) return false;
    }
    if (*end == 'e') {
        at = end + 1;
        if (*at == '-' || *at == '+') at++;
        end = skip_digits(at);
        if (end == at) return false;
    }
    return *end == '\0';
}

/* Reads back to the same bits, by strtof and by way of double as many readers do, and is JSON. */
static void check_float(float x)
{
    char text[NUMTEXT_FLOAT_BYTES + 1];
    size_t bytes = numtext_float(text, x);
    if (bytes > NUMTEXT_FLOAT_BYTES) fail_msg("%a takes %zu bytes", (double)x, bytes);
    text[bytes] = '\0';
    if (bits_of(strtof(text, NULL)) != bits_of(x) || !is_json_number(text) ||
        bits_of((float)strtod(text, NULL)) != bits_of(x))
        fail_msg("%a is written %s", (double)x, text);
}

static void check_neighbourhood(uint32_t bits)
{
    for (uint32_t near = bits - 40; near != bits + 41; near++) {
        if ((near >> 23 & 0xFF) < 0xFF) check_float(float_of(near));
    }
}

static void floats_at_the_edges_of_every_exponent_read_back(void **state)
{
    (void)state;
    for (uint32_t sign = 0; sign < 2; sign++) {
        for (uint32_t exponent = 0; exponent < 255; exponent++) {
            check_neighbourhood(sign << 31 | exponent << 23);
            for (uint32_t bit = 0; bit < 23; bit++)
                check_neighbourhood(sign << 31 | exponent << 23 | 1u << bit);
        }
    }
}

static void powers_of_ten_and_their_neighbours_read_back(void **state)
{
    (void)state;
    for (int power = -45; power <= 38; power++) {
        for (int factor = 1; factor < 10; factor++) {
            char text[32];
            snprintf(text, sizeof text, "%de%d", factor, power);
            float x = strtof(text, NULL);
            if (!isfinite(x)) continue;
            check_neighbourhood(bits_of(x));
            check_neighbourhood(bits_of(-x));
        }
    }
}

static void floats_strided_over_the_likely_range_read_back(void **state)
{
    (void)state;
    /* A prime stride: the low bits of the mantissa take every value. 2^-20 to 64, both signs. */
    uint32_t first = bits_of(0x1p-20f), last = bits_of(64.0f), sign = 0;
    for (uint32_t bits = first; bits < last; bits += 11, sign ^= 1u << 31) {
        char text[NUMTEXT_FLOAT_BYTES + 1];
        text[numtext_float(text, float_of(bits | sign))] = '\0';
        if (bits_of(strtof(text, NULL)) != (bits | sign))
            fail_msg("%a is written %s", (double)float_of(bits | sign), text);
    }
}

static void floats_strided_over_everything_read_back(void **state)
{
    (void)state;
    for (uint64_t bits = 0; bits < UINT64_C(1) << 32; bits += 8191) {
        if ((bits >> 23 & 0xFF) < 0xFF) check_float(float_of((uint32_t)bits));
    }
}

static void check_text(float x, const char *want)
{
    char text[NUMTEXT_FLOAT_BYTES + 1];
    text[numtext_float(text, x)] = '\0';
    assert_string_equal(text, want);
}

static void numbers_that_people_write_look_as_they_wrote_them(void **state)
{
    (void)state;
    check_text(0, "0");
    check_text(-0.0f, "-0.0");
    check_text(1, "1");
    check_text(-1, "-1");
    check_text(0.1f, "0.1");
    check_text(-0.25f, "-0.25");
    check_text(0.7f, "0.7");
    check_text(0.3333f, "0.3333");
    check_text(0.0625f, "0.0625");
    check_text(0.001f, "0.001");
    check_text(1e-5f, "0.00001");
    check_text(1.5f, "1.5");
    check_text(100, "100");
    check_text(123.45f, "123.45");
    check_text(16777216, "16777216");
    check_text(0.99999994f, "0.99999994");
    check_text(FLT_MAX, "3.40282347e+38");
}

static void every_number_of_four_decimals_comes_out_as_typed(void **state)
{
    (void)state;
    for (int i = 1; i < 10000; i++) {
        char typed[16];
        snprintf(typed, sizeof typed, "%.4f", i / 10000.0);
        float x = strtof(typed, NULL);
        while (typed[strlen(typed) - 1] == '0')
            typed[strlen(typed) - 1] = '\0';
        check_text(x, typed);
    }
}

static void a_row_is_its_floats_with_commas_between(void **state)
{
    (void)state;
    static const float row[] = {0.5f, -0.0278935581f, 0, -0.0f, 3e30f, -1e-40f, 7, 0.99999994f};
    size_t n_max = sizeof row / sizeof *row;
    for (size_t n = 0; n <= n_max; n++) {
        char *text = malloc(numtext_floats_bytes(n)), want[400], *at = want;
        for (size_t i = 0; i < n; i++) {
            if (i > 0) *at++ = ',';
            at += numtext_float(at, row[i]);
        }
        size_t bytes = numtext_floats(text, row, n);
        assert_int_equal(bytes, at - want);
        assert_memory_equal(text, want, bytes);
        free(text);
    }
}

/* What the form for one set of instructions writes is the row's text as far as it comes, in just
   the room asked for. Returns how many floats that are. */
static size_t check_form(size_t (*form)(char **out, const float *x, size_t n), const float *row,
                         size_t n, const char *want)
{
    char *text = malloc(numtext_floats_bytes(n)), *end = text;
    const size_t done = form(&end, row, n);
    size_t commas = 0;
    if (memcmp(text, want, (size_t)(end - text)) != 0)
        fail_msg("%.*s\n%.*s", (int)(end - text), text, (int)(end - text), want);
    for (const char *at = text; at < end; at++)
        commas += *at == ',';
    assert_int_equal(commas, done);
    assert_true(end == text || end[-1] == ',');
    free(text);
    return done;
}

static void check_row(const float *row, size_t n)
{
    static char text[300 * 32], want[300 * 32];
    char *at = want;
    for (size_t i = 0; i < n; i++) {
        at += numtext_float(at, row[i]);
        *at++ = ',';
    }
    if (cpu_level() >= CPU_AVX2) check_form(numtext_floats_avx2, row, n, want);
    if (cpu_has_ifma_vbmi2()) check_form(numtext_floats_avx512, row, n, want);
    size_t bytes = numtext_floats(text, row, n);
    assert_int_equal(bytes, at - want - 1);
    if (memcmp(text, want, bytes) != 0) fail_msg("%.*s\n%.*s", (int)bytes, text, (int)bytes, want);
}

/* On a CPU that writes eight at a time: the same bytes as one by one, whatever is beside. */
static void a_floats_text_depends_on_nothing_but_itself(void **state)
{
    (void)state;
    uint32_t seed = 1;
    float row[300];
    for (int round = 0; round < 20000; round++) {
        for (size_t i = 0; i < 64; i++) {
            seed = seed * 1664525u + 1013904223u;
            uint32_t exponent = 127 - 15 + (seed >> 8) % 15; /* 2^-15 to 1 */
            if (round % 4 == 0 && seed % 16 == 0) exponent = seed >> 24 & 0x7F;
            row[i] = float_of((seed << 13 & 0x80000000) | exponent << 23 | seed >> 9);
        }
        check_row(row, round % 8 == 0 ? 1 + (size_t)round % 64 : 64);
    }
    static const float odd[] = {0,     -0.0f,  1,    -1,    0.1f,  0.5f,   3e30f,
                                1e-9f, 1e-40f, 7777, 0.25f, 2e-5f, -1e-5f, 0.99999994f};
    for (size_t place = 0; place < 300; place++) {
        for (size_t i = 0; i < 300; i++)
            row[i] = -0.0278935581f;
        row[place] = odd[place % (sizeof odd / sizeof *odd)];
        check_row(row, 300);
    }
}

static void usual_floats_are_written_eight_at_a_time_where_the_cpu_can(void **state)
{
    (void)state;
    float row[60];
    char want[60 * 14], *at = want;
    for (size_t i = 0; i < 60; i++) {
        row[i] = i % 3 ? 0.0278935581f : -0.978935581f;
        at += numtext_float(at, row[i]);
        *at++ = ',';
    }
    if (cpu_level() >= CPU_AVX2)
        assert_int_equal(check_form(numtext_floats_avx2, row, 60, want), 56);
    if (cpu_has_ifma_vbmi2())
        assert_int_equal(check_form(numtext_floats_avx512, row, 60, want), 56);
}

/* The block is of just the size asked for: AddressSanitizer sees a byte too many. */
static void the_longest_floats_fit_the_room_asked_for(void **state)
{
    (void)state;
    static const float longest[] = {-1.1641532e-10f, -9.2e18f, -2.3283064e-10f, -1.2345678e-38f,
                                    -1.2345678e-41f, -FLT_MAX, -123456.789f,    -0.000030517578f};
    for (size_t i = 0; i < sizeof longest / sizeof *longest; i++) {
        for (size_t n = 1; n < 40; n++) {
            float row[40];
            for (size_t k = 0; k < n; k++)
                row[k] = longest[i];
            char *text = malloc(numtext_floats_bytes(n));
            assert_true(numtext_floats(text, row, n) < numtext_floats_bytes(n));
            free(text);
        }
    }
}

static void whole_numbers_are_written_in_decimal(void **state)
{
    (void)state;
    uint64_t value = 0;
    for (int i = 0; i < 64; i++, value = value * 2 + (i % 3 == 0)) {
        for (uint64_t near = value - 2; near != value + 3; near++) {
            char text[21] = "", want[21];
            size_t bytes = numtext_u64(text, near);
            snprintf(want, sizeof want, "%llu", (unsigned long long)near);
            assert_int_equal(bytes, strlen(want));
            assert_string_equal(text, want);
        }
    }
}

static void check_base64(const char *data, const char *want)
{
    char text[64] = "";
    size_t bytes = strlen(data);
    assert_int_equal(numtext_base64(text, data, bytes), strlen(want));
    assert_int_equal(numtext_base64_bytes(bytes), strlen(want));
    assert_string_equal(text, want);
}

static void base64_is_as_the_rfc_shows_it(void **state)
{
    (void)state;
    /* RFC 4648, section 10 */
    check_base64("", "");
    check_base64("f", "Zg==");
    check_base64("fo", "Zm8=");
    check_base64("foo", "Zm9v");
    check_base64("foob", "Zm9vYg==");
    check_base64("fooba", "Zm9vYmE=");
    check_base64("foobar", "Zm9vYmFy");
}

static unsigned value_of_letter(char c)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = strchr(letters, c);
    assert_true(c != '\0' && at != NULL);
    return (unsigned)(at - letters);
}

/* What the form for one set of instructions writes is the start of the text, in just its room. */
static void check_base64_form(size_t (*form)(char *out, const unsigned char *data, size_t bytes),
                              const unsigned char *data, size_t bytes, const char *want)
{
    char *text = malloc(numtext_base64_bytes(bytes) + 1);
    const size_t done = form(text, data, bytes);
    assert_true(done <= bytes && done % 3 == 0 && done + 28 + 24 > bytes);
    assert_memory_equal(text, want, done / 3 * 4);
    free(text);
}

/* At every length from 0 to 300 and every three bytes: decoded bit by bit. */
static void base64_decodes_to_the_same_bytes(void **state)
{
    (void)state;
    unsigned char data[300];
    uint32_t seed = 1;
    for (size_t bytes = 0; bytes <= sizeof data; bytes++) {
        for (size_t i = 0; i < bytes; i++) {
            seed = seed * 1664525u + 1013904223u;
            data[i] = (unsigned char)(seed >> 24);
        }
        size_t room = numtext_base64_bytes(bytes);
        char *text = malloc(room ? room : 1);
        assert_int_equal(numtext_base64(text, data, bytes), room);
        for (size_t i = 0; i < bytes * 8; i++) {
            unsigned bit = value_of_letter(text[i / 6]) >> (5 - i % 6) & 1;
            if (bit != (unsigned)(data[i / 8] >> (7 - i % 8) & 1)) fail_msg("bit %zu", i);
        }
        for (size_t i = (bytes * 8 + 5) / 6; i < room; i++)
            assert_int_equal(text[i], '=');
        if (cpu_level() >= CPU_AVX2) check_base64_form(numtext_base64_avx2, data, bytes, text);
        if (cpu_has_ifma_vbmi2()) check_base64_form(numtext_base64_avx512, data, bytes, text);
        free(text);
    }
}

static void every_pair_of_letters_of_base64_is_right(void **state)
{
    (void)state;
    for (uint32_t group = 0; group < 1u << 12; group++) {
        unsigned char data[3] = {(unsigned char)(group >> 4),
                                 (unsigned char)(group << 4 | group >> 8), (unsigned char)group};
        char text[4];
        numtext_base64(text, data, 3);
        assert_int_equal(value_of_letter(text[0]), group >> 6);
        assert_int_equal(value_of_letter(text[1]), group & 63);
        assert_int_equal(value_of_letter(text[2]), group >> 6);
        assert_int_equal(value_of_letter(text[3]), group & 63);
    }
}

static void powers_of_ten_scale_as_the_c_library_reads_them(void **state)
{
    (void)state;
    for (int exponent = -22; exponent <= 22; exponent++) {
        char text[40];
        snprintf(text, sizeof text, "123456789e%d", exponent);
        assert_true(numtext_scale(123456789, exponent) == strtod(text, NULL));
    }
    assert_true(fabs(numtext_scale(2.5, 300) / 2.5e300 - 1) < 1e-14);
    assert_true(fabs(numtext_scale(2.5, -300) / 2.5e-300 - 1) < 1e-14);
    assert_true(numtext_scale(0, 400) == 0);
    assert_true(isinf(numtext_scale(1, 400)));
    assert_true(numtext_scale(1, -400) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_at_the_edges_of_every_exponent_read_back),
        cmocka_unit_test(powers_of_ten_and_their_neighbours_read_back),
        cmocka_unit_test(floats_strided_over_the_likely_range_read_back),
        cmocka_unit_test(floats_strided_over_everything_read_back),
        cmocka_unit_test(numbers_that_people_write_look_as_they_wrote_them),
        cmocka_unit_test(every_number_of_four_decimals_comes_out_as_typed),
        cmocka_unit_test(a_row_is_its_floats_with_commas_between),
        cmocka_unit_test(a_floats_text_depends_on_nothing_but_itself),
        cmocka_unit_test(usual_floats_are_written_eight_at_a_time_where_the_cpu_can),
        cmocka_unit_test(the_longest_floats_fit_the_room_asked_for),
        cmocka_unit_test(whole_numbers_are_written_in_decimal),
        cmocka_unit_test(base64_is_as_the_rfc_shows_it),
        cmocka_unit_test(base64_decodes_to_the_same_bytes),
        cmocka_unit_test(every_pair_of_letters_of_base64_is_right),
        cmocka_unit_test(powers_of_ten_scale_as_the_c_library_reads_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
