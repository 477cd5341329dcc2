/* SPDX-License-Identifier: Apache-2.0 */
/* The long lists of tokenizer.json, read by hand: they are nearly all of the file, every start
   waits for them, and a general parser takes 8 ms for 30,000 tokens where this takes a tenth. */
#include "base/grow.h"
#include "base/numtext.h"
#include "base/utf8.h"
#include "model/text/vocab/vocab.h"

#include <stdlib.h>
#include <string.h>

/* For a token that does not stand in the file as it is. */
struct room {
    char *text;
    size_t bytes;
};

struct reader {
    struct vocab *vocab;
    const char *at, *start, *end;
    const char *where;
    const char *form; /* what it must be, for messages */
    struct err *err;
    struct room left, right; /* of a merge; other tokens take the first */
};

static bool fail(const struct reader *r, const char *what)
{
    unsigned line = 1;
    for (const char *at = r->start; at < r->at; at++)
        line += *at == '\n';
    err_set(r->err, ERR_FORMAT, NULL, "%s: %s (line %u of it); it must be %s", r->where, what, line,
            r->form);
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
        int digit = numtext_hex_digit(at[i]);
        if (digit < 0) return false;
        *code = *code << 4 | (uint32_t)digit;
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
            return fail(r, "a token holds an escape that JSON does not have");
    }
    *bytes = (size_t)(out - start);
    return true;
}

static bool make_room(struct room *room, size_t bytes)
{
    return grow_list(&room->text, &room->bytes, bytes, 1);
}

static void close_rooms(struct reader *r)
{
    free(r->left.text);
    free(r->right.text);
}

/* A token lies in the file as it is, or in the room where it had escapes. */
static bool read_token(struct reader *r, struct room *room, const char **text, size_t *bytes)
{
    if (!take(r, '"')) return fail(r, "a token in quotes is missing");
    bool has_escapes;
    *text = r->at;
    if (!find_quote(r, &has_escapes)) return false;
    *bytes = (size_t)(r->at - 1 - *text);
    if (!has_escapes) return true;
    if (!make_room(room, *bytes))
        return err_set(r->err, ERR_MEMORY, NULL, "%s: no memory left", r->where);
    bool done = unescape(r, *text, *text + *bytes, room->text, bytes);
    *text = room->text;
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
    if (!read_token(r, &r->left, &text, &bytes)) return false;
    if (!take(r, ':')) return fail(r, "a colon is missing after a token");
    if (!read_id(r, &id)) return false;
    /* A token takes more than a byte of the file: no hole can make a small file take much memory.
     */
    if (id >= (uint64_t)(r->end - r->start))
        return fail(r, "an id is larger than the number of tokens");
    return vocab_add(r->vocab, id, text, bytes, r->where, r->err);
}

static bool read_pairs(struct reader *r)
{
    if (!take(r, '{')) return fail(r, "an opening brace is missing");
    if (take(r, '}')) return true;
    do {
        if (!read_pair(r)) return false;
    } while (take(r, ','));
    return take(r, '}') || fail(r, "a comma or the closing brace is missing");
}

bool vocab_read_json(struct vocab *vocab, const char *text, const char *text_end, const char **end,
                     const char *where, struct err *err)
{
    struct reader r = {.vocab = vocab, .at = text, .start = text, .end = text_end};
    r.where = where;
    r.form = "a JSON object of tokens and their ids, {\"token\": 0, ...}";
    r.err = err;
    bool done = read_pairs(&r);
    close_rooms(&r);
    *end = r.at;
    return done;
}

/* ---- scores ---- */

struct digits {
    uint64_t value;
    int exponent;
    bool is_full; /* more digits do not fit, and are left out */
    size_t n;
};

static void read_digits(struct reader *r, struct digits *d, bool is_fraction)
{
    for (d->n = 0; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++, d->n++) {
        unsigned digit = (unsigned)(*r->at - '0');
        d->is_full |= d->value > (UINT64_MAX - digit) / 10;
        if (!d->is_full) d->value = d->value * 10 + digit;
        if (d->is_full == !is_fraction && d->exponent > -10000 && d->exponent < 10000)
            d->exponent += is_fraction ? -1 : 1;
    }
}

static bool read_exponent(struct reader *r, int *exponent)
{
    bool is_negative = r->at < r->end && *r->at == '-';
    if (r->at < r->end && (*r->at == '-' || *r->at == '+')) r->at++;
    int value = 0;
    size_t n = 0;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++, n++)
        value = value < 10000 ? value * 10 + (*r->at - '0') : value;
    *exponent += is_negative ? -value : value;
    return n > 0;
}

static bool read_score(struct reader *r, double *score)
{
    struct digits d = {0};
    bool is_negative = take(r, '-');
    read_digits(r, &d, false);
    bool is_number = d.n > 0;
    if (is_number && r->at < r->end && *r->at == '.') {
        r->at++;
        read_digits(r, &d, true);
        is_number = d.n > 0;
    }
    if (is_number && r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        r->at++;
        is_number = read_exponent(r, &d.exponent);
    }
    if (!is_number) return fail(r, "a score is not a number");
    *score = numtext_scale((double)d.value, d.value ? d.exponent : 0);
    if (*score > 1e300) return fail(r, "a score is too large");
    if (is_negative) *score = -*score;
    return true;
}

bool vocab_read_score(const char *text, double *score)
{
    struct err err;
    struct reader r = {.at = text, .start = text, .end = text + strlen(text), .where = "score"};
    r.form = "a number";
    r.err = &err;
    return read_score(&r, score) && r.at == r.end;
}

static bool read_scored(struct reader *r, double *score)
{
    const char *text = NULL;
    size_t bytes = 0;
    if (!take(r, '[')) return fail(r, "an opening bracket is missing before a token");
    if (!read_token(r, &r->left, &text, &bytes)) return false;
    if (!take(r, ',')) return fail(r, "a comma is missing after a token");
    if (!read_score(r, score)) return false;
    if (!take(r, ']')) return fail(r, "a closing bracket is missing after a score");
    return vocab_add(r->vocab, r->vocab->n, text, bytes, r->where, r->err);
}

static bool read_scored_list(struct reader *r, double **scores)
{
    if (!take(r, '[')) return fail(r, "an opening bracket is missing");
    size_t cap = 0;
    if (take(r, ']')) return true;
    do {
        if (!grow_list(scores, &cap, (size_t)r->vocab->n + 1, sizeof **scores))
            return err_set(r->err, ERR_MEMORY, NULL, "%s: no memory left", r->where);
        if (!read_scored(r, &(*scores)[r->vocab->n])) return false;
    } while (take(r, ','));
    return take(r, ']') || fail(r, "a comma or the closing bracket is missing");
}

bool vocab_read_scores(struct vocab *vocab, const char *text, const char *text_end,
                       const char **end, double **scores, const char *where, struct err *err)
{
    struct reader r = {.vocab = vocab, .at = text, .start = text, .end = text_end};
    r.where = where;
    r.form = "a JSON list of tokens and their scores, [[\"token\", -1.5], ...]";
    r.err = err;
    bool done = read_scored_list(&r, scores);
    close_rooms(&r);
    *end = r.at;
    return done;
}

/* ---- merges ---- */

/* "a b": two tokens and one space. */
static bool take_joined(struct reader *r, const char *text, size_t bytes, vocab_take_merge *take_it,
                        void *context)
{
    const char *space = memchr(text, ' ', bytes), *end = text + bytes;
    if (bytes >= 8 && memcmp(text, "#version", 8) == 0) return true; /* the first line of a file */
    if (!space || memchr(space + 1, ' ', (size_t)(end - space - 1)))
        return fail(r, "a merge is not two tokens separated by one space");
    return take_it(context, text, (size_t)(space - text), space + 1, (size_t)(end - space - 1),
                   r->err);
}

static bool read_merge(struct reader *r, vocab_take_merge *take_it, void *context)
{
    const char *left = NULL, *right = NULL;
    size_t left_bytes = 0, right_bytes = 0;
    if (!take(r, '['))
        return read_token(r, &r->left, &left, &left_bytes) &&
               take_joined(r, left, left_bytes, take_it, context);
    if (!read_token(r, &r->left, &left, &left_bytes)) return false;
    if (!take(r, ',')) return fail(r, "a comma is missing between the tokens of a merge");
    if (!read_token(r, &r->right, &right, &right_bytes)) return false;
    if (!take(r, ']')) return fail(r, "a closing bracket is missing after a merge");
    return take_it(context, left, left_bytes, right, right_bytes, r->err);
}

static bool read_merge_list(struct reader *r, vocab_take_merge *take_it, void *context)
{
    if (!take(r, '[')) return fail(r, "an opening bracket is missing");
    if (take(r, ']')) return true;
    do {
        if (!read_merge(r, take_it, context)) return false;
    } while (take(r, ','));
    return take(r, ']') || fail(r, "a comma or the closing bracket is missing");
}

bool vocab_read_merges(struct span text, vocab_take_merge *take_it, void *context,
                       const char *where, struct err *err)
{
    struct reader r = {.at = text.data, .start = text.data, .end = text.data + text.bytes};
    r.where = where;
    r.form = "a JSON list of merges, [[\"a\", \"b\"], ...] or [\"a b\", ...]";
    r.err = err;
    bool done = read_merge_list(&r, take_it, context);
    close_rooms(&r);
    return done;
}
