/* SPDX-License-Identifier: Apache-2.0 */
#include "base/recode.h"

#include "base/utf8.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <stdlib.h>

#define READ_BYTES ((size_t)32 << 10)
/* A character of two bytes is one of three in UTF-8, a wrong byte is one. */
#define MADE_BYTES (2 * READ_BYTES)

#define NO_CHARACTER '\xFF'

/* So many characters of several bytes are UTF-8, and nothing else is there, by no accident. */
#define UTF_8_MIN 20
#define LOOKED_AT ((size_t)4096)

const char *const text_encoding_names[TEXT_ENCODINGS] = {"auto",     "UTF-8",    "UTF-16",
                                                         "UTF-16LE", "UTF-16BE", "GB18030"};

struct recode {
    const char *file; /* for messages */
    enum text_encoding encoding;
    iconv_t iconv; /* of GB18030 */
    struct byte_source from;
    bool is_at_end;    /* `from` has no more */
    bool is_looked_at; /* that it is not UTF-8 */
    size_t in_at, n_in;
    size_t made_at, n_made;
    char in[READ_BYTES], made[MADE_BYTES + 4];
};

struct recode *recode_new(enum text_encoding encoding, struct byte_source from, const char *file,
                          struct err *err)
{
    struct recode *recode = malloc(sizeof *recode);
    if (!recode) {
        err_set(err, ERR_MEMORY, NULL, "no memory to read %.200s", file);
        return NULL;
    }
    *recode =
        (struct recode){.file = file, .encoding = encoding, .from = from, .iconv = (iconv_t)-1};
    if (encoding != TEXT_GB18030) return recode;
    recode->iconv = iconv_open("UTF-8", text_encoding_names[encoding]);
    if (recode->iconv != (iconv_t)-1) return recode;
    err_set(err, ERR_IO, NULL,
            "%.200s: this system's C library does not know %s; convert the file first, with iconv "
            "-f %s -t UTF-8",
            file, text_encoding_names[encoding], text_encoding_names[encoding]);
    free(recode);
    return NULL;
}

void recode_free(struct recode *recode)
{
    if (!recode) return;
    if (recode->iconv != (iconv_t)-1) iconv_close(recode->iconv);
    free(recode);
}

static unsigned unit_at(const struct recode *recode, size_t at)
{
    const unsigned char *s = (const unsigned char *)recode->in + at;
    return recode->encoding == TEXT_UTF_16BE ? s[0] * 256u + s[1] : s[1] * 256u + s[0];
}

static bool is_high(unsigned unit)
{
    return unit >= 0xD800 && unit < 0xDC00;
}

static bool is_low(unsigned unit)
{
    return unit >= 0xDC00 && unit < 0xE000;
}

static void put_wrong(struct recode *recode, size_t bytes)
{
    recode->made[recode->n_made++] = NO_CHARACTER;
    recode->in_at += bytes;
}

/* As much as is whole. */
static void step_utf_16(struct recode *recode)
{
    while (recode->n_made < MADE_BYTES && recode->n_in - recode->in_at >= 2) {
        uint32_t code = unit_at(recode, recode->in_at);
        size_t bytes = 2;
        if (is_high(code)) {
            const bool has_next = recode->n_in - recode->in_at >= 4;
            if (!has_next && !recode->is_at_end) return;
            const unsigned low = has_next ? unit_at(recode, recode->in_at + 2) : 0;
            if (is_low(low)) {
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                bytes = 4;
            }
        }
        if (bytes == 2 && (is_high(code) || is_low(code))) {
            put_wrong(recode, 2);
            continue;
        }
        recode->n_made += utf8_write(recode->made + recode->n_made, code);
        recode->in_at += bytes;
    }
}

static void step_iconv(struct recode *recode)
{
    while (recode->n_made < MADE_BYTES && recode->in_at < recode->n_in) {
        char *in = recode->in + recode->in_at, *out = recode->made + recode->n_made;
        size_t in_left = recode->n_in - recode->in_at, out_left = MADE_BYTES - recode->n_made;
        const size_t result = iconv(recode->iconv, &in, &in_left, &out, &out_left);
        const int reason = errno;
        recode->in_at = recode->n_in - in_left;
        recode->n_made = MADE_BYTES - out_left;
        if (result != (size_t)-1) continue;
        if (reason != EILSEQ)
            return; /* the character goes on in what is still to come, or the room is used up */
        put_wrong(recode, 1);
    }
}

/* Moves what is left of a character to the front, and reads on. */
static bool take_in(struct recode *recode, struct err *err)
{
    recode->n_in -= recode->in_at;
    memmove(recode->in, recode->in + recode->in_at, recode->n_in);
    recode->in_at = 0;
    const ssize_t n = recode->from.read(recode->from.user, recode->in + recode->n_in,
                                        sizeof recode->in - recode->n_in, err);
    if (n < 0) return false;
    recode->is_at_end = n == 0;
    recode->n_in += (size_t)n;
    return true;
}

/* Texts in UTF-8 are mostly something in GB18030, too, but nothing that anybody wrote. */
static bool is_utf_8(const struct recode *recode)
{
    const size_t valid = utf8_valid_bytes(recode->in, recode->n_in);
    size_t n = 0;
    for (size_t i = 0; i < valid; i++)
        n += (recode->in[i] & 0x80) && !utf8_is_inside(recode->in[i]);
    const bool is_cut = recode->n_in - valid < 4; /* within the last character */
    return is_cut && n >= UTF_8_MIN;
}

/* Looks at what comes first before any of it is handed out. */
static bool look(struct recode *recode, struct err *err)
{
    while (!recode->is_at_end && recode->n_in < LOOKED_AT)
        if (!take_in(recode, err)) return false;
    recode->is_looked_at = !is_utf_8(recode);
    return recode->is_looked_at ||
           err_set(err, ERR_FORMAT, NULL, "%.200s is UTF-8, not %s; leave `encoding` out",
                   recode->file, text_encoding_names[recode->encoding]);
}

static void step(struct recode *recode)
{
    recode->made_at = recode->n_made = 0;
    if (recode->encoding == TEXT_GB18030)
        step_iconv(recode);
    else
        step_utf_16(recode);
    /* Half a character at the end. */
    if (recode->n_made == 0 && recode->is_at_end && recode->in_at < recode->n_in)
        put_wrong(recode, recode->n_in - recode->in_at);
}

ssize_t recode_read(void *user, char *out, size_t cap, struct err *err)
{
    struct recode *recode = user;
    if (!recode->is_looked_at && !look(recode, err)) return -1;
    while (recode->made_at == recode->n_made) {
        step(recode);
        if (recode->n_made > 0) break;
        if (recode->is_at_end) return 0;
        if (!take_in(recode, err)) return -1;
    }
    const size_t left = recode->n_made - recode->made_at;
    const size_t n = left < cap ? left : cap;
    memcpy(out, recode->made + recode->made_at, n);
    recode->made_at += n;
    return (ssize_t)n;
}
