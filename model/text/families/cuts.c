/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/families/cuts.h"

#include "base/utf8.h"

#include <stdlib.h>

/* Twice the neighbours, as if all were different, within what a cache holds. */
#define BITS_MIN (1u << 12)
#define BITS_MAX (1u << 21)

/* A character or a part of one: its bytes, and how many. */
typedef uint64_t unit;

static unit unit_of(const char *text, size_t bytes)
{
    unit value = bytes;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | (unsigned char)text[i];
    return value;
}

static inline uint64_t bit_of(const struct cuts *cuts, unit left, unit right)
{
    uint64_t hash = (left * UINT64_C(0x9E3779B97F4A7C15) ^ right * UINT64_C(0xC2B2AE3D27D4EB4F)) *
                    UINT64_C(0xD6E8FEB86659FD93);
    return hash >> 32 & cuts->mask;
}

static inline bool has(const struct cuts *cuts, unit left, unit right)
{
    uint64_t bit = bit_of(cuts, left, right);
    return cuts->bits[bit / 64] >> (bit % 64) & 1;
}

static inline size_t unit_end(const char *text, size_t bytes, size_t at)
{
    return (size_t)(utf8_past(text + at, text + bytes) - text);
}

bool cuts_alloc(struct cuts *cuts, size_t bytes)
{
    uint64_t bits = BITS_MIN;
    while (bits < BITS_MAX && bits < 2 * bytes)
        bits *= 2;
    *cuts = (struct cuts){.bits = calloc(bits / 64, sizeof *cuts->bits), .mask = bits - 1};
    cuts->parts = calloc(CUTS_PARTS, sizeof *cuts->parts);
    return cuts->bits && cuts->parts;
}

void cuts_clear(struct cuts *cuts)
{
    free(cuts->bits);
    free(cuts->parts);
    *cuts = (struct cuts){0};
}

static size_t whole_bytes(unsigned char first)
{
    return first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

void cuts_add(struct cuts *cuts, const char *token, size_t bytes)
{
    size_t start = 0;
    for (size_t end = unit_end(token, bytes, 0), next; end < bytes; start = end, end = next) {
        next = unit_end(token, bytes, end);
        uint64_t bit =
            bit_of(cuts, unit_of(token + start, end - start), unit_of(token + end, next - end));
        cuts->bits[bit / 64] |= UINT64_C(1) << (bit % 64);
        if (utf8_is_inside(token[start])) cuts->parts[(unsigned char)token[end - 1]] |= CUTS_LEFT;
        if (next == bytes && next - end < whole_bytes((unsigned char)token[end]))
            cuts->parts[(unsigned char)token[end]] |= CUTS_RIGHT;
    }
}

/* Whether some token has the end of the left character and the start of the right one. */
static bool are_joined_in_parts(const struct cuts *cuts, const char *left, size_t left_bytes,
                                const char *right, size_t right_bytes)
{
    for (size_t from = 0; from < left_bytes; from++) {
        for (size_t n = 1; n <= right_bytes; n++) {
            if (has(cuts, unit_of(left + from, left_bytes - from), unit_of(right, n))) return true;
        }
    }
    return false;
}

size_t cuts_next(const struct cuts *cuts, const char *text, size_t bytes)
{
    size_t start = 0, end = unit_end(text, bytes, 0);
    unit left = unit_of(text, end);
    while (end < bytes) {
        size_t next = unit_end(text, bytes, end);
        unit right = unit_of(text + end, next - end);
        bool is_joined = has(cuts, left, right);
        bool has_parts = cuts->parts[(unsigned char)text[end - 1]] & CUTS_LEFT ||
                         cuts->parts[(unsigned char)text[end]] & CUTS_RIGHT;
        if (!is_joined && has_parts)
            is_joined =
                are_joined_in_parts(cuts, text + start, end - start, text + end, next - end);
        if (!is_joined) return end;
        start = end;
        end = next;
        left = right;
    }
    return bytes;
}
