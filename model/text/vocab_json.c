/* SPDX-License-Identifier: Apache-2.0 */
/* The vocabulary object of tokenizer.json, read by hand: it is nearly all of the file, every start
   waits for it, and a general parser takes 8 ms for 30,000 tokens where this takes a tenth. */
#include "base/utf8.h"
#include "model/text/vocab.h"

#include <stdlib.h>
#include <string.h>

struct reader {
    struct vocab *vocab;
    const char *at, *start, *end;
    const char *where;
    struct err *err;
};

static bool fail(const struct reader *r, const char *what)
{
    unsigned line = 1;
    for (const char *at = r->start; at < r->at; at++)
        line += *at == '\n';
    err_set(r->err, ERR_FORMAT, NULL,
            "%s: %s (line %u of it); it must be a JSON object of "
            "tokens and their ids, {\"token\": 0, ...}",
            r->where, what, line);
    return false; /* said here, for the compiler to see it */
}

static void skip_space(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
        r->at++;
}

static bool take(struct reader *r, char c)
{
    skip_space(r);
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

/* Moves past the closing quote; says whether there are escapes on the way. */
static bool find_quote(struct reader *r, bool *has_escapes)
{
    *has_escapes = false;
    for (; r->at < r->end; r->at++) {
        unsigned char c = (unsigned char)*r->at;
        if (c == '"') {
            r->at++;
            return true;
        }
        if (c < 0x20) return fail(r, "a control character stands unescaped in a token");
        if (c == '\\') {
            *has_escapes = true;
            if (++r->at == r->end) break;
        }
    }
    return fail(r, "a token's closing quote is missing");
}

static bool read_hex(const char *at, const char *end, uint32_t *code)
{
    if (end - at < 4) return false;
    *code = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16) return false;
        *code = *code << 4 | digit;
    }
    return true;
}

/* \uXXXX at *at (past the u), with its other half where it is a surrogate. */
static bool read_unicode_escape(const char **at, const char *end, uint32_t *code)
{
    if (!read_hex(*at, end, code)) return false;
    *at += 4;
    if (*code < 0xD800 || *code > 0xDFFF) return true;
    uint32_t low;
    if (*code > 0xDBFF || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') return false;
    if (!read_hex(*at + 2, end, &low) || low < 0xDC00 || low > 0xDFFF) return false;
    *at += 6;
    *code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
    return true;
}

static bool unescape(struct reader *r, const char *text, const char *end, char *out, size_t *bytes)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char *start = out;
    while (text < end) {
        if (*text != '\\') {
            *out++ = *text++;
            continue;
        }
        text++;
        char letter = *text++;
        const char *found = letter ? strchr(from, letter) : NULL;
        uint32_t code;
        if (found)
            *out++ = to[found - from];
        else if (letter == 'u' && read_unicode_escape(&text, end, &code))
            out += utf8_write(out, code);
        else
            return fail(r, "a token holds an escape that is none");
    }
    *bytes = (size_t)(out - start);
    return true;
}

/* A token lies in the file as it is, or in memory of the vocabulary where it had escapes. */
static bool read_token(struct reader *r, const char **text, size_t *bytes)
{
    if (!take(r, '"')) return fail(r, "a token in quotes is missing");
    bool has_escapes;
    *text = r->at;
    if (!find_quote(r, &has_escapes)) return false;
    *bytes = (size_t)(r->at - 1 - *text);
    if (!has_escapes) return true;
    char *copy = vocab_alloc(r->vocab, *bytes);
    if (!copy) return err_set(r->err, ERR_MEMORY, NULL, "%s: no memory left", r->where);
    bool done = unescape(r, *text, *text + *bytes, copy, bytes);
    *text = copy;
    return done;
}

static bool read_id(struct reader *r, uint64_t *id)
{
    skip_space(r);
    const char *start = r->at;
    *id = 0;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
        if (*id < UINT32_MAX) *id = *id * 10 + (uint64_t)(*r->at - '0');
    }
    bool is_number = r->at > start && (*start != '0' || r->at == start + 1);
    if (is_number && r->at < r->end && !strchr(".eE", *r->at)) return true;
    return fail(r, "an id is not a whole number from 0");
}

static bool read_pair(struct reader *r)
{
    const char *text = NULL;
    size_t bytes = 0;
    uint64_t id = 0;
    if (!read_token(r, &text, &bytes)) return false;
    if (!take(r, ':')) return fail(r, "a colon is missing after a token");
    if (!read_id(r, &id)) return false;
    /* A token takes more than a byte of the file: no hole can make a small file take much memory.
     */
    if (id >= (uint64_t)(r->end - r->start))
        return fail(r, "an id is larger than the number of tokens");
    return vocab_add(r->vocab, id, text, bytes, r->where, r->err);
}

bool vocab_read_json(struct vocab *vocab, const char *text, const char *text_end, const char **end,
                     const char *where, struct err *err)
{
    struct reader r = {vocab, text, text, text_end, where, err};
    if (!take(&r, '{')) return fail(&r, "an opening brace is missing");
    if (!take(&r, '}')) {
        do {
            if (!read_pair(&r)) return false;
        } while (take(&r, ','));
        if (!take(&r, '}')) return fail(&r, "a comma or the closing brace is missing");
    }
    *end = r.at;
    return true;
}
