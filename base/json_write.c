/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_write.h"

#include "base/utf8.h"

#include <string.h>

/* The escape of a byte that a JSON string cannot hold as it is (RFC 8259, 7). */
static size_t escape_byte(unsigned char c, char out[static 6])
{
    static const char letters[] = "btn\0fr"; /* 8 to 13 */
    static const char hex[] = "0123456789abcdef";
    out[0] = '\\';
    char letter = c >= 0x20 ? (char)c : c >= 8 && c <= 13 ? letters[c - 8] : '\0';
    if (letter) {
        out[1] = letter;
        return 2;
    }
    memcpy(out + 1, "u00", 3);
    out[4] = hex[c >> 4];
    out[5] = hex[c & 15];
    return 6;
}

#define ONES 0x0101010101010101u
#define HIGHS 0x8080808080808080u

/* Eight bytes at a time: subtracting makes the high bit of such a byte (and at most of bytes after
   it, so the lowest is right) appear. */
const char *json_plain_end(const char *at, const char *end)
{
    for (; end - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        uint64_t quote = word ^ ONES * '"', slash = word ^ ONES * '\\';
        uint64_t hit = ((quote - ONES) | (slash - ONES) | (word - ONES * 0x20)) & ~word & HIGHS;
        if (hit) return at + __builtin_ctzll(hit) / 8;
    }
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20)
        at++;
    return at;
}

size_t json_escape(char *out, size_t cap, const char *text, size_t bytes, size_t *used)
{
    size_t n = 0, i = 0, valid_end = utf8_valid_bytes(text, bytes);
    while (i < bytes) {
        size_t plain = (size_t)(json_plain_end(text + i, text + valid_end) - (text + i));
        size_t fits = utf8_cut(text + i, plain, cap - n);
        memcpy(out + n, text + i, fits);
        n += fits;
        i += fits;
        if (fits < plain || i == bytes) break;

        char escape[6];
        size_t n_escape;
        if (i == valid_end) { /* a byte that is not UTF-8 */
            n_escape = utf8_write(escape, 0xFFFD);
            valid_end = i + 1 + utf8_valid_bytes(text + i + 1, bytes - i - 1);
        } else {
            n_escape = escape_byte((unsigned char)text[i], escape);
        }
        if (n_escape > cap - n) break;
        memcpy(out + n, escape, n_escape);
        n += n_escape;
        i++;
    }
    *used = i;
    return n;
}

void json_write_string(struct buf *buf, const char *text, size_t bytes)
{
    buf_add_char(buf, '"');
    while (bytes > 0) {
        size_t cap = bytes + 16, used = 0;
        char *out = buf_reserve(buf, cap);
        if (!out) return;
        buf->bytes += json_escape(out, cap, text, bytes, &used);
        text += used;
        bytes -= used;
    }
    buf_add_char(buf, '"');
}
