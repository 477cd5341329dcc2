/* SPDX-License-Identifier: Apache-2.0 */
#include "base/numtext_avx2.h"

#ifdef __x86_64__
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* ---- floats: numtext.c says what is written and why it reads back ---- */

#define LANES 8
#define FAST_MIN (127 - 15) /* biased exponents, as in numtext.c */
#define FAST_COUNT 15
#define NEAR 9
#define EXTRA_DECIMALS                                                                             \
    4, 4, 4, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 0, 0, 0 /* d - 8, from FAST_MIN on                      \
                                                    */

static inline __m256i set32(uint32_t value)
{
    return _mm256_set1_epi32((int)value);
}

static inline __m256i set64(uint64_t value)
{
    return _mm256_set1_epi64x((long long)value);
}

/* As split_digits in numtext.c, in 16-bit lanes: two numbers below 10^4 to eight digits' text. */
static inline __m256i split_digits(__m256i fours)
{
    __m256i hundreds = _mm256_srli_epi16(_mm256_mulhi_epu16(fours, set32(10486)), 4);
    __m256i rest = _mm256_sub_epi16(fours, _mm256_mullo_epi16(hundreds, set32(100)));
    __m256i pairs = _mm256_or_si256(hundreds, _mm256_slli_epi32(rest, 16));
    __m256i tens = _mm256_mulhi_epu16(pairs, _mm256_set1_epi16(6554));
    __m256i ones = _mm256_sub_epi16(pairs, _mm256_mullo_epi16(tens, _mm256_set1_epi16(10)));
    __m256i digits = _mm256_or_si256(tens, _mm256_slli_epi16(ones, 8));
    return _mm256_or_si256(digits, _mm256_set1_epi8('0'));
}

/* The text of a float is eight bytes at its start, and eight that end where it ends. */
struct texts {
    uint64_t prefix[LANES];
    uint64_t digits[LANES];
    uint32_t digits_at[LANES];
};

/*
 * Four floats, in lanes of 64 bits: x >= 0 and 10^(d-8) as floats; d - 8 and the sign as numbers.
 * Returns which of them look round. M·5^d is below 2^52, so the products are exact in double, and
 * so is the sum with 1/2: m is the same as by whole numbers.
 */
static inline __m256i write_four(struct texts *texts, size_t at, __m128 x, __m128 power,
                                 __m128i extra32, __m128i sign32)
{
    __m256d scaled = _mm256_mul_pd(_mm256_mul_pd(_mm256_cvtps_pd(x), _mm256_set1_pd(1e8)),
                                   _mm256_cvtps_pd(power));
    __m256i m =
        _mm256_cvtepu32_epi64(_mm256_cvttpd_epi32(_mm256_add_pd(scaled, _mm256_set1_pd(0.5))));
    /* m / 10^4, and that by 10^4 again: multiplications that are exact for 32 and for 16 bits. */
    __m256i high = _mm256_srli_epi64(_mm256_mul_epu32(m, set64(3518437209)), 45);
    __m256i low = _mm256_sub_epi64(m, _mm256_mul_epu32(high, set64(10000)));
    __m256i ninth = _mm256_srli_epi64(_mm256_mul_epu32(high, set64(3518437209)), 45);
    __m256i fours = _mm256_or_si256(_mm256_sub_epi64(high, _mm256_mul_epu32(ninth, set64(10000))),
                                    _mm256_slli_epi64(low, 32));

    __m256i extra = _mm256_cvtepu32_epi64(extra32), sign = _mm256_cvtepu32_epi64(sign32);
    __m256i shift = _mm256_slli_epi64(_mm256_add_epi64(extra, set64(1)), 3);
    __m256i prefix = _mm256_add_epi64(set64(0x3030303030302E30), _mm256_sllv_epi64(ninth, shift));
    prefix = _mm256_sllv_epi64(prefix, _mm256_slli_epi64(sign, 3));
    prefix = _mm256_or_si256(prefix, _mm256_mul_epu32(sign, set64('-')));
    _mm256_storeu_si256((__m256i *)(void *)(texts->prefix + at), prefix);
    _mm256_storeu_si256((__m256i *)(void *)(texts->digits + at), split_digits(fours));
    return _mm256_or_si256(_mm256_cmpgt_epi64(set64(NEAR + 1), low),
                           _mm256_cmpgt_epi64(low, set64(10000 - NEAR - 1)));
}

/* False when one of the eight is not of the kind that is written here. */
static inline bool write_eight(struct texts *texts, const float *x)
{
    const __m256 powers = _mm256_setr_ps(1, 10, 100, 1000, 10000, 0, 0, 0);
    const __m256i extras = _mm256_setr_epi8(EXTRA_DECIMALS, EXTRA_DECIMALS);
    __m256 floats = _mm256_loadu_ps(x);
    __m256i bits = _mm256_castps_si256(floats);
    __m256i above_min = _mm256_sub_epi32(_mm256_slli_epi32(bits, 1), set32(FAST_MIN << 24));
    __m256i exponent = _mm256_srli_epi32(above_min, 24), sign = _mm256_srli_epi32(bits, 31);
    /* Bytes with the highest bit set become 0: of each lane only the lowest is looked up. */
    __m256i extra = _mm256_shuffle_epi8(extras, _mm256_or_si256(exponent, set32(0x80808000)));
    __m256 power = _mm256_permutevar8x32_ps(powers, extra);
    floats = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), floats);

    __m256i rare = _mm256_cmpgt_epi32(exponent, set32(FAST_COUNT - 1));
    __m256i round =
        write_four(texts, 0, _mm256_castps256_ps128(floats), _mm256_castps256_ps128(power),
                   _mm256_castsi256_si128(extra), _mm256_castsi256_si128(sign));
    rare = _mm256_or_si256(rare, round);
    round = write_four(texts, 4, _mm256_extractf128_ps(floats, 1), _mm256_extractf128_ps(power, 1),
                       _mm256_extracti128_si256(extra, 1), _mm256_extracti128_si256(sign, 1));
    rare = _mm256_or_si256(rare, round);
    __m256i digits_at = _mm256_add_epi32(_mm256_add_epi32(extra, sign), set32(2));
    _mm256_storeu_si256((__m256i *)(void *)texts->digits_at, digits_at);
    return _mm256_testz_si256(rare, rare);
}

size_t numtext_floats_avx2(char **out, const float *x, size_t n)
{
    struct texts texts = {0};
    char *at = *out;
    size_t done = 0;
    for (; n - done >= LANES && write_eight(&texts, x + done); done += LANES) {
        for (size_t i = 0; i < LANES; i++) {
            memcpy(at, &texts.prefix[i], 8);
            at += texts.digits_at[i];
            memcpy(at, &texts.digits[i], 8);
            at[8] = ',';
            at += 9;
        }
    }
    *out = at;
    return done;
}

/* ---- base64 ---- */

/* What turns six bits into their letter, by the kind of letter: a digit of 52 to 61, + and / have
   kinds 1 to 12, capitals 13, small letters 0. */
#define TO_LETTER                                                                                  \
    'a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,      \
        '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0

/* Three bytes in each 32 bits, as b1 b0 b2 b1: every six bits then lie within one half. */
#define THREES 1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10

size_t numtext_base64_avx2(char *out, const unsigned char *data, size_t bytes)
{
    const __m256i threes = _mm256_setr_epi8(THREES, THREES);
    const __m256i to_letter = _mm256_setr_epi8(TO_LETTER, TO_LETTER);
    size_t done = 0;
    for (; bytes - done >= 28; done += 24, out += 32) {
        __m128i first = _mm_loadu_si128((const __m128i *)(const void *)(data + done));
        __m128i second = _mm_loadu_si128((const __m128i *)(const void *)(data + done + 12));
        __m256i x = _mm256_shuffle_epi8(_mm256_set_m128i(second, first), threes);
        /* Sixes 0 and 2 move down by 10 and 6, sixes 1 and 3 up by 4 and 8: as multiplications. */
        __m256i down =
            _mm256_mulhi_epu16(_mm256_and_si256(x, set32(0x0FC0FC00)), set32(0x04000040));
        __m256i up = _mm256_mullo_epi16(_mm256_and_si256(x, set32(0x003F03F0)), set32(0x01000010));
        __m256i sixes = _mm256_or_si256(down, up);
        __m256i kind = _mm256_subs_epu8(sixes, _mm256_set1_epi8(51));
        __m256i capital = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), sixes);
        kind = _mm256_or_si256(kind, _mm256_and_si256(capital, _mm256_set1_epi8(13)));
        __m256i letters = _mm256_add_epi8(sixes, _mm256_shuffle_epi8(to_letter, kind));
        _mm256_storeu_si256((__m256i *)(void *)out, letters);
    }
    return done;
}

#else /* never called, since cpu_level is CPU_SCALAR */
size_t numtext_floats_avx2(char **out, const float *x, size_t n)
{
    (void)out, (void)x, (void)n;
    return 0;
}

size_t numtext_base64_avx2(char *out, const unsigned char *data, size_t bytes)
{
    (void)out, (void)data, (void)bytes;
    return 0;
}
#endif
