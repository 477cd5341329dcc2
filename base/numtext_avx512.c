/* SPDX-License-Identifier: Apache-2.0 */
#include "base/numtext_avx512.h"

#ifdef __x86_64__
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

/* numtext.c says what is written and why it reads back. Here the longest text that there can be is
   made of each float, the sixteen bytes of ",-0.0009dddddddd", and then what it does not have is
   left out: the sign, and those of the four digits that it has no decimals for. */

#define LANES 8
#define FAST_MIN (127 - 15) /* biased exponents, as in numtext.c */
#define FAST_COUNT 15
#define NEAR 9

/* By the lowest bits of the exponent, which for 2^-15 are 0: 10^d, and which bytes there are. */
static const double powers[16] = {1e12, 1e12, 1e12, 1e11, 1e11, 1e11, 1e10, 1e10,
                                  1e10, 1e10, 1e9,  1e9,  1e9,  1e8,  1e8};
static const uint64_t kept[16] = {0xFFFD, 0xFFFD, 0xFFFD, 0xFFED, 0xFFED, 0xFFED, 0xFFCD, 0xFFCD,
                                  0xFFCD, 0xFFCD, 0xFF8D, 0xFF8D, 0xFF8D, 0xFF0D, 0xFF0D};
#define SIGN_AT 1
#define COMMA ((uint64_t)1)

static inline __m512i set64(uint64_t value)
{
    return _mm512_set1_epi64((long long)value);
}

static inline __m512i look_up(const void *table, __m512i at)
{
    const char *entries = table;
    return _mm512_permutex2var_epi64(_mm512_loadu_si512(entries), at,
                                     _mm512_loadu_si512(entries + 64));
}

/* v / 10^4, by 2^52 / 10^4 rounded up: exact below 2^38. */
static inline __m512i by_ten_thousand(__m512i v)
{
    return _mm512_madd52hi_epu64(_mm512_setzero_si512(), v, set64(450359962738));
}

/* v - quotient * 10^4, and 2^52 where the quotient is not 0. */
static inline __m512i rest_by_ten_thousand(__m512i v, __m512i quotient)
{
    return _mm512_madd52lo_epu64(v, quotient, set64(((uint64_t)1 << 52) - 10000));
}

/* As split_digits in numtext_avx2.c; there may be anything in the upper halves of 32 bits. */
static inline __m512i split_digits(__m512i fours)
{
    __m512i hundreds = _mm512_srli_epi16(_mm512_mulhi_epu16(fours, _mm512_set1_epi32(10486)), 4);
    __m512i rest = _mm512_sub_epi16(fours, _mm512_mullo_epi16(hundreds, _mm512_set1_epi32(100)));
    __m512i pairs = _mm512_or_si512(hundreds, _mm512_slli_epi32(rest, 16));
    __m512i tens = _mm512_mulhi_epu16(pairs, _mm512_set1_epi16(6554));
    __m512i ones = _mm512_sub_epi16(pairs, _mm512_maddubs_epi16(tens, _mm512_set1_epi16(10)));
    __m512i digits = _mm512_or_si512(tens, _mm512_slli_epi16(ones, 8));
    return _mm512_or_si512(digits, _mm512_set1_epi8('0'));
}

static inline char *put_four(char *out, __m512i texts, uint64_t mask)
{
    _mm512_storeu_si512(out, _mm512_maskz_compress_epi8(mask, texts));
    return out + _mm_popcnt_u64(mask);
}

/* Eight floats, a comma before each of them, the first only if `comma`; NULL, and nothing written,
   when one of the eight is not of the kind that is written here. */
static inline char *put_eight(char *out, const float *x, uint64_t comma)
{
    const __m512d floats = _mm512_cvtps_pd(_mm256_loadu_ps(x)), size = _mm512_abs_pd(floats);
    const __m512i bits = _mm512_castpd_si512(floats), exponent = _mm512_srli_epi64(bits, 52);
    const __m512i above_min = /* 896: the bias of a double is so much larger */
        _mm512_sub_epi64(_mm512_castpd_si512(size), set64((uint64_t)(FAST_MIN + 896) << 52));

    /* M·5^d is below 2^52, and so exact, in one step with the 1/2 that is rounded by. */
    const __m512d power = _mm512_castsi512_pd(look_up(powers, exponent));
    const __m512i m = _mm512_cvttpd_epu64(_mm512_fmadd_pd(size, power, _mm512_set1_pd(0.5)));
    const __m512i high = by_ten_thousand(m), low = rest_by_ten_thousand(m, high);
    const __m512i ninth = by_ten_thousand(high), middle = rest_by_ten_thousand(high, ninth);
    const __mmask8 rare = _mm512_cmpge_epu64_mask(above_min, set64((uint64_t)FAST_COUNT << 52));
    const __mmask8 round = _mm512_cmpge_epu64_mask(
        _mm512_sub_epi64(low, set64(((uint64_t)1 << 52) + NEAR + 1)), set64(10000 - 2 * NEAR - 1));
    if (rare | round) return NULL;

    const __m512i digits = split_digits(_mm512_mask_shuffle_epi32(middle, 0xAAAA, low, 0xA0));
    const __m512i before =
        _mm512_add_epi64(set64(0x303030302E302D2C), _mm512_slli_epi64(ninth, 56));
    const __m512i low_four = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
    const __m512i high_four = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
    const __m512i sign = _mm512_slli_epi64(_mm512_srli_epi64(bits, 63), SIGN_AT);
    uint64_t masks[2];
    _mm_storeu_si128((__m128i *)(void *)masks,
                     _mm512_cvtepi64_epi16(_mm512_or_si512(look_up(kept, exponent), sign)));
    out = put_four(out, _mm512_permutex2var_epi64(before, low_four, digits),
                   masks[0] & ~(COMMA - comma));
    return put_four(out, _mm512_permutex2var_epi64(before, high_four, digits), masks[1]);
}

size_t numtext_floats_avx512(char **out, const float *x, size_t n)
{
    size_t done = 0;
    for (char *at = *out; n - done >= LANES && (at = put_eight(at, x + done, done > 0));
         done += LANES)
        *out = at;
    if (done > 0) *(*out)++ = ',';
    return done;
}

/* ---- base64 ---- */

#define GROUP_BYTES 48
static const char letters[64] __attribute__((nonstring)) =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* What makes b1 b0 b2 b1 of three bytes, in each 32 bits. */
#define THREES(first)                                                                              \
    (((first) + 1) | (uint64_t)(first) << 8 | (uint64_t)((first) + 2) << 16 |                      \
     (uint64_t)((first) + 1) << 24)
#define SIXES(first) (THREES(first) | THREES((first) + 3) << 32)

/* Of n bytes, at most 48 and a multiple of 3. */
static inline void put_group(char *out, const unsigned char *data, size_t n)
{
    const __m512i order = _mm512_setr_epi64(SIXES(0), SIXES(6), SIXES(12), SIXES(18), SIXES(24),
                                            SIXES(30), SIXES(36), SIXES(42));
    /* Where in 64 bits each letter's six bits begin; what is above them the look-up leaves out. */
    const __m512i starts = set64(0x3036242A1016040A);
    const __m512i bytes = _mm512_maskz_loadu_epi8(UINT64_MAX >> (64 - n), data);
    const __m512i sixes =
        _mm512_multishift_epi64_epi8(starts, _mm512_permutexvar_epi8(order, bytes));
    _mm512_mask_storeu_epi8(out, UINT64_MAX >> (64 - n / 3 * 4),
                            _mm512_permutexvar_epi8(sixes, _mm512_loadu_si512(letters)));
}

size_t numtext_base64_avx512(char *out, const unsigned char *data, size_t bytes)
{
    const size_t whole = bytes - bytes % 3;
    size_t done = 0;
    for (; whole - done >= GROUP_BYTES; done += GROUP_BYTES, out += GROUP_BYTES / 3 * 4)
        put_group(out, data + done, GROUP_BYTES);
    if (done < whole) put_group(out, data + done, whole - done);
    return whole;
}

#else /* never called, since cpu_level is CPU_SCALAR */
size_t numtext_floats_avx512(char **out, const float *x, size_t n)
{
    (void)out, (void)x, (void)n;
    return 0;
}

size_t numtext_base64_avx512(char *out, const unsigned char *data, size_t bytes)
{
    (void)out, (void)data, (void)bytes;
    return 0;
}
#endif
