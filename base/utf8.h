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

/** utf8_is_ascii: no byte of `text` is above 0x7F. */
bool utf8_is_ascii(const char *text, size_t bytes);

/** utf8_valid_bytes returns how many leading bytes of `text` are valid UTF-8; `bytes` if all are.
 */
size_t utf8_valid_bytes(const char *text, size_t bytes);

/** utf8_broken_bytes: how many bytes at `text`, which do not begin a valid character, one U+FFFD
 * stands for: the longest run that could have begun one, 1 at least (Unicode, 3.9: maximal
 * subparts). */
size_t utf8_broken_bytes(const char *text, size_t bytes);

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
