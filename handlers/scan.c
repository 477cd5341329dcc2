/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/scan.h"

#include "base/json_write.h"
#include "base/numtext.h"
#include "base/utf8.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct scanner {
    const char *at, *end;
    struct arena *arena;
};

static bool at_char(const struct scanner *s, char c)
{
    return s->at < s->end && *s->at == c;
}

static bool skip_char(struct scanner *s, char c)
{
    if (!at_char(s, c)) return false;
    s->at++;
    return true;
}

static void skip_space(struct scanner *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\t' || *s->at == '\r'))
        s->at++;
}

/* The four hex digits at `at` (which are there); false if they are none. */
static bool read_hex4(const char *at, uint32_t *out)
{
    uint32_t code = 0;
    for (int i = 0; i < 4; i++) {
        int digit = numtext_hex_digit(at[i]);
        if (digit < 0) return false;
        code = code << 4 | (uint32_t)digit;
    }
    *out = code;
    return true;
}

/* Writes what the escape at `*at` (a backslash; at least one byte follows) stands for. */
static bool unescape(const char **at, const char *end, char **out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = (*at)[1];
    const char *simple = c ? strchr(from, c) : NULL;
    if (simple) {
        *(*out)++ = to[simple - from];
        *at += 2;
        return true;
    }
    uint32_t code, low;
    if (c != 'u' || end - *at < 6 || !read_hex4(*at + 2, &code)) return false;
    *at += 6;
    if (code >= 0xD800 && code <= 0xDFFF) {
        if (code > 0xDBFF || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u' ||
            !read_hex4(*at + 2, &low) || low < 0xDC00 || low > 0xDFFF)
            return false;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        *at += 6;
    }
    *out += utf8_write(*out, code);
    return true;
}

/* The rest of a string that began at `start` and has its first escape at s->at. */
static bool scan_escaped(struct scanner *s, const char *start, struct text *out)
{
    const char *end = s->at;
    while (end < s->end && *end != '"') {
        if (*end != '\\' || s->end - end < 2) return false; /* a control character, or cut off */
        end = json_plain_end(end + 2, s->end);
    }
    if (end == s->end) return false;
    /* No escape stands for more bytes than it has. */
    char *text = arena_alloc(s->arena, (size_t)(end - start));
    if (!text) return false;
    char *to = text;
    for (const char *from = start; from < end;) {
        const char *stop = json_plain_end(from, end);
        memcpy(to, from, (size_t)(stop - from));
        to += stop - from;
        from = stop;
        if (from < end && !unescape(&from, end, &to)) return false;
    }
    *out = (struct text){text, (size_t)(to - text)};
    s->at = end + 1;
    return true;
}

static bool scan_string(struct scanner *s, struct text *out)
{
    if (!skip_char(s, '"')) return false;
    const char *start = s->at;
    s->at = json_plain_end(start, s->end);
    if (at_char(s, '\\')) return scan_escaped(s, start, out);
    if (!at_char(s, '"')) return false;
    *out = (struct text){start, (size_t)(s->at - start)};
    s->at++;
    return true;
}

/* An integer of at most 18 digits, which always fits; longer ones are the reference's. */
static bool scan_integer(struct scanner *s, int64_t *out)
{
    bool is_negative = skip_char(s, '-');
    const char *start = s->at;
    int64_t number = 0;
    while (s->at < s->end && (unsigned char)(*s->at - '0') < 10) {
        if (s->at - start == 18) return false;
        number = number * 10 + (*s->at++ - '0');
    }
    if (s->at == start || (*start == '0' && s->at - start > 1)) return false;
    if (s->at < s->end && (*s->at == '.' || *s->at == 'e' || *s->at == 'E')) return false;
    *out = is_negative ? -number : number;
    return true;
}

static bool skip_digits(struct scanner *s)
{
    const char *start = s->at;
    while (s->at < s->end && (unsigned char)(*s->at - '0') < 10)
        s->at++;
    return s->at > start;
}

#define REAL_BYTES_MAX 63

/* A number with a point or an exponent, which fits into a double. */
static bool scan_real(struct scanner *s, double *out)
{
    const char *start = s->at;
    skip_char(s, '-');
    if (!skip_char(s, '0') && !skip_digits(s)) return false;
    const char *whole_end = s->at;
    if (skip_char(s, '.') && !skip_digits(s)) return false;
    if (skip_char(s, 'e') || skip_char(s, 'E')) {
        if (!skip_char(s, '-')) skip_char(s, '+');
        if (!skip_digits(s)) return false;
    }
    const size_t bytes = (size_t)(s->at - start);
    char copy[REAL_BYTES_MAX + 1];
    if (s->at == whole_end || bytes > REAL_BYTES_MAX) return false;
    memcpy(copy, start, bytes);
    copy[bytes] = '\0';
    *out = strtod(copy, NULL);
    return !isinf(*out);
}

static bool scan_number(struct scanner *s, struct value *value)
{
    const char *start = s->at;
    value->kind = VALUE_INTEGER;
    if (scan_integer(s, &value->integer)) return true;
    s->at = start;
    value->kind = VALUE_REAL;
    return scan_real(s, &value->real);
}

static bool scan_word(struct scanner *s, const char *word)
{
    size_t bytes = strlen(word);
    if ((size_t)(s->end - s->at) < bytes || memcmp(s->at, word, bytes) != 0) return false;
    s->at += bytes;
    return true;
}

/* Behind an item of a list or object: true at a comma, which is skipped together with the space
   around it. */
static bool skip_comma(struct scanner *s)
{
    skip_space(s);
    if (!skip_char(s, ',')) return false;
    skip_space(s);
    return true;
}

static bool scan_integers(struct scanner *s, struct value *value)
{
    size_t n = 0, cap = 16;
    int64_t *items = arena_array(s->arena, cap, sizeof *items);
    if (!items) return false;
    do {
        if (n == cap) {
            items = arena_grow(s->arena, items, cap * sizeof *items, 2 * cap * sizeof *items);
            if (!items) return false;
            cap *= 2;
        }
        if (!scan_integer(s, &items[n++])) return false;
    } while (skip_comma(s));
    *value = (struct value){.kind = VALUE_INTEGERS, .integers = {items, n}};
    return skip_char(s, ']');
}

static bool scan_value(struct scanner *s, int depth, struct value *value);

static bool scan_list(struct scanner *s, int depth, struct value *value)
{
    s->at++;
    skip_space(s);
    size_t n = 0, cap = 8;
    if (s->at < s->end && (*s->at == '-' || (unsigned char)(*s->at - '0') < 10))
        return scan_integers(s, value);
    struct value *items = arena_array(s->arena, cap, sizeof *items);
    if (!items) return false;
    if (!at_char(s, ']')) {
        do {
            if (n == cap) {
                items = arena_grow(s->arena, items, cap * sizeof *items, 2 * cap * sizeof *items);
                if (!items) return false;
                cap *= 2;
            }
            if (!scan_value(s, depth + 1, &items[n++])) return false;
        } while (skip_comma(s));
    }
    *value = (struct value){.kind = VALUE_LIST, .list = {items, n}};
    return skip_char(s, ']');
}

static bool is_same(struct text a, struct text b)
{
    return a.bytes == b.bytes && memcmp(a.data, b.data, a.bytes) == 0;
}

/* A key without escapes, and the colon behind it. */
static bool scan_key(struct scanner *s, struct text *key)
{
    if (!skip_char(s, '"')) return false;
    key->data = s->at;
    s->at = json_plain_end(s->at, s->end);
    key->bytes = (size_t)(s->at - key->data);
    if (!skip_char(s, '"')) return false;
    skip_space(s);
    if (!skip_char(s, ':')) return false;
    skip_space(s);
    return true;
}

/* Of an object inside a field; larger ones are left to the reference. */
#define MEMBERS_MAX 32

static bool scan_object(struct scanner *s, int depth, struct value *value)
{
    struct member members[MEMBERS_MAX];
    size_t n = 0;
    s->at++;
    skip_space(s);
    if (!at_char(s, '}')) {
        do {
            if (n == MEMBERS_MAX || !scan_key(s, &members[n].name)) return false;
            for (size_t i = 0; i < n; i++)
                if (is_same(members[i].name, members[n].name)) return false;
            if (!scan_value(s, depth + 1, &members[n++].value)) return false;
        } while (skip_comma(s));
    }
    struct member *items = arena_array(s->arena, n, sizeof *items);
    if (!items) return false;
    if (n > 0) memcpy(items, members, n * sizeof *items);
    *value = (struct value){.kind = VALUE_OBJECT, .object = {items, n}};
    return skip_char(s, '}');
}

static bool scan_value(struct scanner *s, int depth, struct value *value)
{
    if (s->at == s->end) return false;
    switch (*s->at) {
    case '"':
        value->kind = VALUE_STRING;
        return scan_string(s, &value->text);
    case '[':
        return depth < FIELDS_DEPTH_MAX && scan_list(s, depth, value);
    case '{':
        return depth < FIELDS_DEPTH_MAX && scan_object(s, depth, value);
    case 't':
        *value = (struct value){.kind = VALUE_BOOL, .boolean = true};
        return scan_word(s, "true");
    case 'f':
        *value = (struct value){.kind = VALUE_BOOL, .boolean = false};
        return scan_word(s, "false");
    case 'n':
        value->kind = VALUE_NULL;
        return scan_word(s, "null");
    default:
        return scan_number(s, value);
    }
}

/* Unknown keys remembered, to find duplicates among them; more are left to the reference. */
#define UNKNOWN_MAX 8

static bool scan_members(struct scanner *s, const struct field *fields, size_t n,
                         struct value *values, size_t *ignored)
{
    struct text unknown[UNKNOWN_MAX], key;
    size_t n_unknown = 0;
    struct value other, *value;
    do {
        if (!scan_key(s, &key)) return false;
        size_t i = 0;
        while (i < n && !is_same(fields[i].name, key))
            i++;
        if (i < n) {
            value = &values[i];
            if (value->kind != VALUE_ABSENT) return false;
        } else {
            for (size_t j = 0; j < n_unknown; j++)
                if (is_same(unknown[j], key)) return false;
            if (n_unknown == UNKNOWN_MAX) return false;
            unknown[n_unknown++] = key;
            value = &other;
        }
        if (!scan_value(s, 0, value)) return false;
    } while (skip_comma(s));
    *ignored = n_unknown;
    return true;
}

bool scan_fields(struct arena *arena, const char *body, size_t bytes, const struct field *fields,
                 size_t n, struct value *values, size_t *ignored)
{
    assert(n > 0);
    /* Checked once for all strings: none can begin or end inside a character. */
    if (utf8_valid_bytes(body, bytes) < bytes) return false;
    struct scanner s = {.at = body, .end = body + bytes, .arena = arena};
    for (size_t i = 0; i < n; i++)
        values[i].kind = VALUE_ABSENT;
    *ignored = 0;
    skip_space(&s);
    if (!skip_char(&s, '{')) return false;
    skip_space(&s);
    if (!at_char(&s, '}') && !scan_members(&s, fields, n, values, ignored)) return false;
    if (!skip_char(&s, '}')) return false;
    skip_space(&s);
    return s.at == s.end;
}
