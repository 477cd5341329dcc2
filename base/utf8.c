/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <assert.h>
#include <string.h>

#define HIGH_BITS 0x8080808080808080u

static bool are_eight_ascii(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return !(word & HIGH_BITS);
}

/* Eight bytes at a time: the compiler turns the loop into SIMD. */
static size_t ascii_prefix(const char *text, size_t bytes)
{
    size_t i = 0;
    for (; i + 32 <= bytes; i += 32) {
        uint64_t word[4];
        memcpy(word, text + i, 32);
        if ((word[0] | word[1] | word[2] | word[3]) & HIGH_BITS) break;
    }
    while (i + 8 <= bytes && are_eight_ascii(text + i))
        i += 8;
    if (bytes - i < 8 && bytes >= 8 && are_eight_ascii(text + bytes - 8)) return bytes;
    while (i < bytes && !((unsigned char)text[i] & 0x80))
        i++;
    return i;
}

bool utf8_is_ascii(const char *text, size_t bytes)
{
    return ascii_prefix(text, bytes) == bytes;
}

/* Bytes of the well-formed multi-byte character at s (Unicode, table 3-7); 0 if there is none. */
static size_t character_bytes(const unsigned char *s, size_t left)
{
    if (s[0] < 0xC2) return 0;
    if (s[0] < 0xE0) return left >= 2 && utf8_is_inside((char)s[1]) ? 2 : 0;
    if (s[0] < 0xF0) {
        if (left < 3 || !utf8_is_inside((char)s[1]) || !utf8_is_inside((char)s[2])) return 0;
        if (s[0] == 0xE0 && s[1] < 0xA0) return 0; /* overlong */
        if (s[0] == 0xED && s[1] > 0x9F) return 0; /* surrogate */
        return 3;
    }
    if (s[0] > 0xF4 || left < 4 || !utf8_is_inside((char)s[1]) || !utf8_is_inside((char)s[2]) ||
        !utf8_is_inside((char)s[3]))
        return 0;
    if (s[0] == 0xF0 && s[1] < 0x90) return 0; /* overlong */
    if (s[0] == 0xF4 && s[1] > 0x8F) return 0; /* above U+10FFFF */
    return 4;
}

/* Of at most 8 bytes; the loads may overlap. */
static bool is_short_ascii(const char *text, size_t bytes)
{
    uint32_t first = 0, last = 0;
    if (bytes >= 4) {
        memcpy(&first, text, 4);
        memcpy(&last, text + bytes - 4, 4);
    } else if (bytes > 0) {
        first = (unsigned char)text[0] | (unsigned char)text[bytes / 2];
        last = (unsigned char)text[bytes - 1];
    }
    return !((first | last) & (uint32_t)HIGH_BITS);
}

size_t utf8_valid_bytes(const char *text, size_t bytes)
{
    size_t i = 0;
    if (bytes <= 8 && is_short_ascii(text, bytes)) return bytes; /* most tokens */
    while (i < bytes) {
        if (!((unsigned char)text[i] & 0x80)) {
            i += ascii_prefix(text + i, bytes - i);
            continue;
        }
        size_t n = character_bytes((const unsigned char *)text + i, bytes - i);
        if (n == 0) break;
        i += n;
    }
    return i;
}

size_t utf8_broken_bytes(const char *text, size_t bytes)
{
    const unsigned char *s = (const unsigned char *)text;
    assert(bytes > 0);
    size_t want = s[0] < 0xC2 || s[0] > 0xF4 ? 1 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4, n = 1;
    if (want == 1 || bytes == 1) return 1;
    unsigned char low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : 0x80;
    unsigned char high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : 0xBF;
    if (s[1] < low || s[1] > high) return 1;
    for (n = 2; n < want && n < bytes && utf8_is_inside((char)s[n]);)
        n++;
    return n;
}

size_t utf8_count(const char *text, size_t bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes; i++)
        n += !utf8_is_inside(text[i]);
    return n;
}

size_t utf8_write(char *out, uint32_t code)
{
    assert(code <= 0x10FFFF);
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}
