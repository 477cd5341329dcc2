/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file utf8.h
 * UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
 * Pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** utf8_is_ascii: no byte of `text` is above 0x7F. */
bool utf8_is_ascii(const char *text, size_t bytes);

/** utf8_valid_bytes returns how many leading bytes of `text` are valid UTF-8; `bytes` if all are.
 */
size_t utf8_valid_bytes(const char *text, size_t bytes);

/** utf8_broken_bytes: how many bytes one U+FFFD replaces at `text`, where no valid character
 * begins: the longest run that could have begun one, 1 at least (Unicode, 3.9: maximal subparts).
 */
size_t utf8_broken_bytes(const char *text, size_t bytes);

/** utf8_is_inside: whether no character starts with this byte. */
static inline bool utf8_is_inside(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

/** utf8_past: where the character at `at` (< end) ends. */
static inline const char *utf8_past(const char *at, const char *end)
{
    do {
        at++;
    } while (at < end && utf8_is_inside(*at));
    return at;
}

/** utf8_before: where the character before `at` starts; there is one. */
static inline const char *utf8_before(const char *at)
{
    do {
        at--;
    } while (utf8_is_inside(*at));
    return at;
}

/** utf8_cut: `bytes`, or where more than `most` of them are: as many of these as are whole
 * characters. */
static inline size_t utf8_cut(const char *text, size_t bytes, size_t most)
{
    if (bytes <= most) return bytes;
    while (most > 0 && utf8_is_inside(text[most]))
        most--;
    return most;
}

/** utf8_mark_bytes: 3 where the text begins with a byte order mark, otherwise 0. */
static inline size_t utf8_mark_bytes(const char *text, size_t bytes)
{
    return bytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

/** utf8_count returns the number of code points of valid UTF-8. */
size_t utf8_count(const char *text, size_t bytes);

/**
 * utf8_next decodes the code point at `*at` of valid UTF-8 and moves `*at` past it.
 * The caller makes sure that `*at < end`.
 */
static inline uint32_t utf8_next(const char **at)
{
    const unsigned char *s = (const unsigned char *)*at;
    if (s[0] < 0x80) {
        *at += 1;
        return s[0];
    }
    if (s[0] < 0xE0) {
        *at += 2;
        return (uint32_t)(s[0] & 0x1F) << 6 | (s[1] & 0x3F);
    }
    if (s[0] < 0xF0) {
        *at += 3;
        return (uint32_t)(s[0] & 0x0F) << 12 | (uint32_t)(s[1] & 0x3F) << 6 | (s[2] & 0x3F);
    }
    *at += 4;
    return (uint32_t)(s[0] & 0x07) << 18 | (uint32_t)(s[1] & 0x3F) << 12 |
           (uint32_t)(s[2] & 0x3F) << 6 | (s[3] & 0x3F);
}

/** utf8_write encodes `code` (a valid code point) into `out` (room for 4) and returns the bytes
 * used. */
size_t utf8_write(char *out, uint32_t code);
