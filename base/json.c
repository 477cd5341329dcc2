/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/encoding.h"
#include "base/utf8.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* jansson makes many small blocks: they are cut from chunks of this size, 16-byte aligned, since
   the arena's own alignment would spend a cache line on each number. */
#define CHUNK_BYTES 4096
#define BLOCK_ALIGN 16
#define BLOCK_BYTES_MAX 1024

/* What NaN and infinite numbers of a file are read as: of no type that a field may have. */
#define JSON_NO_NUMBER "[]"

static _Thread_local struct {
    struct arena *arena;
    char *next, *end; /* free space of the newest chunk */
    bool is_out_of_memory;
} memory;

static void *allocate_small(size_t bytes)
{
    if ((size_t)(memory.end - memory.next) < bytes) {
        char *chunk = arena_alloc(memory.arena, CHUNK_BYTES);
        if (!chunk) return NULL;
        memory.next = chunk;
        memory.end = chunk + CHUNK_BYTES;
    }
    void *block = memory.next;
    memory.next += bytes;
    return block;
}

static void *allocate(size_t bytes)
{
    void *block;
    if (!memory.arena)
        block = malloc(bytes);
    else if (bytes > BLOCK_BYTES_MAX)
        block = arena_alloc(memory.arena, bytes);
    else
        block = allocate_small((bytes + BLOCK_ALIGN - 1) / BLOCK_ALIGN * BLOCK_ALIGN);
    if (!block) memory.is_out_of_memory = true;
    return block;
}

static void release(void *block)
{
    if (!memory.arena) free(block);
}

void json_init(void)
{
    json_set_alloc_funcs(allocate, release);
    /* Hash seed for objects: now, rather than raced for by the threads. */
    json_object_seed(0);
}

void json_use_arena(struct arena *arena)
{
    memory.arena = arena;
    memory.next = memory.end = NULL;
}

/* What is wrong, in words of our own where jansson's need knowing jansson. */
static const char *describe(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_premature_end_of_input:
        return "the text ends too early";
    case json_error_end_of_input_expected:
        return "something follows the end of the value";
    case json_error_stack_overflow:
        return "lists and objects are nested more than 2,048 deep";
    case json_error_numeric_overflow:
        return "a number is too large";
    default:
        return error->text;
    }
}

static enum err_code code_of(const json_error_t *error)
{
    const bool is_range = json_error_code(error) == json_error_numeric_overflow;
    return is_range ? ERR_RANGE : ERR_INVALID;
}

/* What jansson quotes may end in the middle of a character: that goes. */
static void leave_whole_characters(char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        const size_t valid = utf8_valid_bytes(text, left);
        text += valid;
        left -= valid;
        if (left == 0) return;
        const size_t broken = utf8_broken_bytes(text, left);
        left -= broken;
        memmove(text, text + broken, left + 1);
    }
}

static void fail_at(json_error_t *error, bool is_line, struct err *err)
{
    leave_whole_characters(error->text);
    if (is_line)
        err_set(err, code_of(error), NULL, "invalid JSON at column %d: %s", error->column,
                describe(error));
    else
        err_set(err, code_of(error), NULL, "invalid JSON at line %d, column %d: %s", error->line,
                error->column, describe(error));
}

static json_t *load(const char *text, size_t bytes, size_t flags, bool is_line, struct err *err)
{
    json_error_t error;
    memory.is_out_of_memory = false;
    json_t *value = json_loadb(text, bytes, flags | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (value) return value;
    if (memory.is_out_of_memory)
        err_out_of_memory(err);
    else
        fail_at(&error, is_line, err);
    return NULL;
}

static bool check_bytes(const char *text, size_t bytes, struct err *err)
{
    if (bytes == 0) return err_set(err, ERR_INVALID, NULL, "invalid JSON: the text is empty");
    /* jansson ends a number at a raw NUL as if that were white space. */
    if (!memchr(text, '\0', bytes)) return true;
    const char *guess = encoding_guess_file(text, bytes);
    if (guess)
        return err_set(err, ERR_INVALID, NULL,
                       "invalid JSON: this is %s, not UTF-8; convert it first, with iconv -f %s -t "
                       "UTF-8",
                       guess, guess);
    return err_set(err, ERR_INVALID, NULL,
                   "invalid JSON: it holds a NUL byte; in a string, write it as \\u0000");
}

static json_t *read_text(const char *text, size_t bytes, bool is_line, struct err *err)
{
    if (utf8_mark_bytes(text, bytes) > 0) {
        err_set(err, ERR_INVALID, NULL,
                "invalid JSON: the text starts with a byte order mark; leave it out");
        return NULL;
    }
    if (!check_bytes(text, bytes, err)) return NULL;
    return load(text, bytes, JSON_REJECT_DUPLICATES, is_line, err);
}

json_t *json_read(const char *text, size_t bytes, struct err *err)
{
    return read_text(text, bytes, false, err);
}

json_t *json_read_line(const char *text, size_t bytes, struct err *err)
{
    return read_text(text, bytes, true, err);
}

/* ---- files of other programs ---- */

/* A copy on its way: what jansson does not read is replaced by what it does, never longer. */
struct mender {
    const char *at, *end;
    char *out;
};

static void keep(struct mender *m, size_t bytes)
{
    memmove(m->out, m->at, bytes);
    m->out += bytes;
    m->at += bytes;
}

static void replace(struct mender *m, size_t bytes, const char *by)
{
    const size_t n = strlen(by);
    memcpy(m->out, by, n);
    m->out += n;
    m->at += bytes;
}

static bool follows(const struct mender *m, const char *word)
{
    const size_t n = strlen(word);
    return (size_t)(m->end - m->at) >= n && memcmp(m->at, word, n) == 0;
}

/* The UTF-16 unit of an escape that starts at `at`; 0: none does. */
static unsigned unit_at(const char *at, const char *end)
{
    char digits[5] = "", *rest;
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return 0;
    memcpy(digits, at + 2, 4);
    const unsigned unit = (unsigned)strtoul(digits, &rest, 16);
    return rest == digits + 4 ? unit : 0;
}

/* Half of a pair by itself is no character. */
static void mend_escape(struct mender *m)
{
    const unsigned unit = unit_at(m->at, m->end), next = unit ? unit_at(m->at + 6, m->end) : 0;
    const bool is_pair = unit >= 0xD800 && unit < 0xDC00 && next >= 0xDC00 && next < 0xE000;
    if (is_pair)
        keep(m, 12);
    else if (unit >= 0xD800 && unit < 0xE000)
        replace(m, 6, "\\ufffd");
    else
        keep(m, m->end - m->at < 2 ? 1 : 2);
}

static void mend_string(struct mender *m)
{
    keep(m, 1);
    while (m->at < m->end && *m->at != '"') {
        if (*m->at == '\\')
            mend_escape(m);
        else
            keep(m, 1);
    }
    if (m->at < m->end) keep(m, 1);
}

/* Whether these digits are more than 63 bits hold. */
static bool is_too_large(const char *digits, size_t n, bool is_negative)
{
    const char *most = is_negative ? "9223372036854775808" : "9223372036854775807";
    return digits[0] != '0' && (n > 19 || (n == 19 && memcmp(digits, most, 19) > 0));
}

static bool is_infinite(const char *text, size_t bytes)
{
    char *copy = bytes > 4 ? malloc(bytes + 1) : NULL;
    if (!copy) return false;
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    const bool is_it = isinf(strtod(copy, NULL));
    free(copy);
    return is_it;
}

static void mend_number(struct mender *m)
{
    const bool is_negative = *m->at == '-';
    const char *digits = m->at + is_negative, *end = digits;
    while (end < m->end && *end >= '0' && *end <= '9')
        end++;
    const size_t n = (size_t)(end - digits);
    while (end < m->end && *end && strchr("0123456789+-.eE", *end))
        end++;
    const size_t bytes = (size_t)(end - m->at);
    const bool is_whole = n > 0 && end == digits + n;
    if (is_whole && is_too_large(digits, n, is_negative))
        replace(m, bytes, is_negative ? "-9223372036854775808" : "9223372036854775807");
    else if (!is_whole && n > 0 && is_infinite(m->at, bytes))
        replace(m, bytes, JSON_NO_NUMBER);
    else
        keep(m, bytes);
}

static size_t mend(const char *text, size_t bytes, char *out)
{
    struct mender m = {text, text + bytes, out};
    while (m.at < m.end) {
        const char c = *m.at;
        if (c == '"')
            mend_string(&m);
        else if (follows(&m, "NaN"))
            replace(&m, 3, JSON_NO_NUMBER);
        else if (follows(&m, "Infinity"))
            replace(&m, 8, JSON_NO_NUMBER);
        else if (follows(&m, "-Infinity"))
            replace(&m, 9, JSON_NO_NUMBER);
        else if (c == '-' || (c >= '0' && c <= '9'))
            mend_number(&m);
        else
            keep(&m, 1);
    }
    return (size_t)(m.out - out);
}

json_t *json_read_file(const char *text, size_t bytes, bool may_repeat, struct err *err)
{
    const size_t mark = utf8_mark_bytes(text, bytes);
    if (!check_bytes(text, bytes - mark, err)) return NULL;
    char *copy = malloc(bytes);
    if (!copy) {
        err_set(err, ERR_MEMORY, NULL, "no memory left for a copy of the file");
        return NULL;
    }
    const size_t n = mend(text + mark, bytes - mark, copy);
    json_t *value = load(copy, n, may_repeat ? 0 : JSON_REJECT_DUPLICATES, false, err);
    free(copy);
    return value;
}

/* A step of a path ends here: with the path, or before another step. */
static bool ends_step(const char *at)
{
    return at[0] == '\0' || (at[0] == '.' && at[1] != '\0');
}

/* The item of a list that `*path` begins with the number of; moves `*path` behind it. */
static const json_t *step_list(const json_t *list, const char **path)
{
    const size_t digits = strspn(*path, "0123456789");
    const char end = (*path)[digits];
    if (digits == 0 || digits > 9 || !ends_step(*path + digits)) return NULL;
    const json_t *item = json_array_get(list, strtoul(*path, NULL, 10));
    *path += digits + (end == '.');
    return item;
}

/* The longest key that `*path` begins with: one that holds dots goes before a path. */
static const json_t *step_object(const json_t *object, const char **path)
{
    for (size_t bytes = strlen(*path);; bytes--) {
        const char *end = *path + bytes;
        const json_t *value = ends_step(end) ? json_object_getn(object, *path, bytes) : NULL;
        if (value) *path = end + (*end == '.');
        if (value || bytes == 0) return value;
    }
}

const json_t *json_find(const json_t *value, const char *path)
{
    do {
        value = json_is_array(value) ? step_list(value, &path) : step_object(value, &path);
    } while (value && *path);
    return value;
}
