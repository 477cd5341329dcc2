/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ascii_runs.h
 * Where runs of ASCII letters and digits end in 64 bytes of text, as bits: so that from one word to
 * the next it is a few instructions which do not wait for the text. Pure functions; any thread may
 * call them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define ASCII_RUNS_BYTES 64

/** Of each byte, the first in the lowest bit. */
struct ascii_runs {
    uint64_t others; /* it is no ASCII letter or digit */
    uint64_t spaces; /* it is ' ' */
    uint64_t wide;   /* it is not ASCII */
};

/** ascii_runs_load: eight bytes, the first of the text in the lowest bits. */
static inline uint64_t ascii_runs_load(const char *text)
{
    uint64_t value;
    memcpy(&value, text, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

/** ascii_runs_others: the highest bit of each of the eight bytes that is no ASCII letter or digit.
 */
static inline uint64_t ascii_runs_others(uint64_t bytes)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
    /* Adding 0x80 - c sets the top bit of bytes >= c, where these are < 0x80. */
    uint64_t low = bytes & ~tops, lower = low | ones * 0x20;
    uint64_t digits = (low + ones * (0x80 - '0')) & ~(low + ones * (0x80 - '9' - 1));
    uint64_t letters = (lower + ones * (0x80 - 'a')) & ~(lower + ones * (0x80 - 'z' - 1));
    return ~((digits | letters) & ~bytes) & tops;
}

/** ascii_runs_plain: ascii_runs_of on any CPU. */
static inline struct ascii_runs ascii_runs_plain(const char *text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
    struct ascii_runs runs = {0, 0, 0};
    for (unsigned at = 0; at < ASCII_RUNS_BYTES; at += 8) {
        const uint64_t bytes = ascii_runs_load(text + at), unlike = bytes ^ ones * ' ';
        const uint64_t spaces = ~(((unlike & ~tops) + ~tops) | unlike) & tops;
        /* The eight bits side by side: no two of them meet on their way up. */
        const uint64_t gather = UINT64_C(0x0102040810204080);
        runs.others |= ((ascii_runs_others(bytes) >> 7) * gather >> 56) << at;
        runs.spaces |= ((spaces >> 7) * gather >> 56) << at;
        runs.wide |= (((bytes & tops) >> 7) * gather >> 56) << at;
    }
    return runs;
}

/** ascii_runs_of looks at ASCII_RUNS_BYTES bytes. */
static inline struct ascii_runs ascii_runs_of(const char *text)
{
#ifdef __SSE2__
    struct ascii_runs runs = {0, 0, 0};
    for (unsigned at = 0; at < ASCII_RUNS_BYTES; at += 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + at));
        const __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
        /* The first of the range becomes the least of the signed numbers. */
        const __m128i letters =
            _mm_cmplt_epi8(_mm_add_epi8(lower, _mm_set1_epi8((char)(0x80 - 'a'))),
                           _mm_set1_epi8((char)(0x80 + 26)));
        const __m128i digits =
            _mm_cmplt_epi8(_mm_add_epi8(bytes, _mm_set1_epi8((char)(0x80 - '0'))),
                           _mm_set1_epi8((char)(0x80 + 10)));
        const unsigned known = (unsigned)_mm_movemask_epi8(_mm_or_si128(letters, digits));
        const __m128i spaces = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(' '));
        runs.others |= (uint64_t)(known ^ 0xFFFF) << at;
        runs.spaces |= (uint64_t)(unsigned)_mm_movemask_epi8(spaces) << at;
        runs.wide |= (uint64_t)(unsigned)_mm_movemask_epi8(bytes) << at;
    }
    return runs;
#else
    return ascii_runs_plain(text);
#endif
}

/** ascii_runs_end: where the run that may begin at `from` (< 64) ends; `from` itself where none
 * does, 64 where it goes on. */
static inline unsigned ascii_runs_end(const struct ascii_runs *runs, unsigned from)
{
    const uint64_t left = runs->others >> from;
    return left ? from + (unsigned)__builtin_ctzll(left) : ASCII_RUNS_BYTES;
}
