/* SPDX-License-Identifier: Apache-2.0 */
#include "model/table/word_vectors.h"

#include "base/hash.h"
#include "base/numtext.h"
#include "base/utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define DIM_MAX (1u << 20)
#define WORDS_MAX (TRIE_ID_MAX + 1)
#define NUMBER_BYTES_MAX 64
#define LOOK_BYTES_MAX 65536
/* Lists of words and counts are not vectors of one column. */
#define GLOVE_DIM_MIN 2

struct reader {
    struct word_vectors *out;
    const char *at, *start, *end;
    const char *where;
    struct err *err;
    uint64_t line;      /* of text: the one that is read, counted from 1 */
    uint32_t announced; /* words that the first line says; 0: it says nothing */
    uint32_t capacity;  /* rows that there is room for */
    uint32_t *slots;    /* a hash table of ids + 1, to tell words that come again */
    size_t n_slots;     /* a power of two */
};

static bool fail(const struct reader *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail(const struct reader *r, const char *fmt, ...)
{
    va_list values;
    va_start(values, fmt);
    err_set_in(r->err, r->where, fmt, values);
    va_end(values);
    return false;
}

static bool no_memory(const struct reader *r)
{
    return err_set(r->err, ERR_MEMORY, NULL, "%.300s: no memory left for %u rows", r->where,
                   r->out->vocab.n);
}

/* ---- numbers ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* strtod needs an end; and is slow, but right about everything, even hexadecimal numbers, which are
   none here. */
static bool read_slowly(const char *text, size_t bytes, double *out)
{
    char copy[NUMBER_BYTES_MAX + 1], *end;
    if (bytes == 0 || bytes > NUMBER_BYTES_MAX) return false;
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    *out = strtod(copy, &end);
    return end == copy + bytes && !strpbrk(copy, "xX");
}

/* Up to 15 digits and a small power of ten are exact in float64, and so is their quotient rounded
   once: that is nearly every number there is. */
static bool read_number(const char *text, size_t bytes, float *out)
{
    const char *at = text, *end = text + bytes;
    bool is_negative = at < end && *at == '-';
    uint64_t digits = 0;
    int n = 0, fraction = 0;
    double value;
    at += is_negative;
    for (; at < end && *at >= '0' && *at <= '9'; at++, n++)
        digits = digits * 10 + (uint64_t)(*at - '0');
    if (at < end && *at == '.') {
        for (at++; at < end && *at >= '0' && *at <= '9'; at++, n++, fraction++)
            digits = digits * 10 + (uint64_t)(*at - '0');
    }
    if (at == end && n > 0 && n <= 15) {
        value = numtext_scale((double)digits, -fraction);
        *out = (float)(is_negative ? -value : value);
        return true;
    }
    if (!read_slowly(text, bytes, &value)) return false;
    *out = (float)value;
    return true;
}

/* ---- words ---- */

static bool grow_slots(struct reader *r)
{
    const struct vocab *vocab = &r->out->vocab;
    size_t n = r->n_slots ? r->n_slots * 2 : 1024;
    uint32_t *slots = calloc(n, sizeof *slots);
    if (!slots) return false;
    for (uint32_t id = 0; id < vocab->n; id++) {
        size_t bytes;
        const char *text = vocab_text(vocab, id, &bytes);
        size_t at = hash_bytes(HASH_START, text, bytes) & (n - 1);
        while (slots[at])
            at = (at + 1) & (n - 1);
        slots[at] = id + 1;
    }
    free(r->slots);
    r->slots = slots;
    r->n_slots = n;
    return true;
}

/* The slot of the word: its own, or an empty one. */
static uint32_t *find_slot(struct reader *r, const char *word, size_t bytes)
{
    size_t at = hash_bytes(HASH_START, word, bytes) & (r->n_slots - 1);
    for (; r->slots[at]; at = (at + 1) & (r->n_slots - 1)) {
        size_t other_bytes;
        const char *other = vocab_text(&r->out->vocab, r->slots[at] - 1, &other_bytes);
        if (other_bytes == bytes && memcmp(other, word, bytes) == 0) break;
    }
    return &r->slots[at];
}

static bool make_room(struct reader *r)
{
    struct word_vectors *out = r->out;
    const uint32_t n = out->vocab.n;
    if (n >= WORDS_MAX) return fail(r, "more than %u words cannot be served", WORDS_MAX);
    if ((size_t)n * 2 >= r->n_slots && !grow_slots(r)) return no_memory(r);
    if (n < r->capacity) return true;
    uint32_t capacity = r->capacity ? r->capacity * 2 : 1024;
    float *rows = reallocarray(out->rows, (size_t)capacity * out->dim, sizeof *rows);
    if (!rows) return no_memory(r);
    out->rows = rows;
    r->capacity = capacity;
    return true;
}

/* Makes the word the next one; `*row` is where its numbers go, NULL where it came before. */
static bool add_word(struct reader *r, const char *word, size_t bytes, float **row)
{
    struct vocab *vocab = &r->out->vocab;
    *row = NULL;
    if (!make_room(r)) return false;
    uint32_t *slot = find_slot(r, word, bytes);
    if (*slot) {
        r->out->n_repeated++;
        return true;
    }
    *row = r->out->rows + (size_t)vocab->n * r->out->dim;
    *slot = vocab->n + 1;
    return vocab_add(vocab, vocab->n, word, bytes, r->where, r->err);
}

static bool check_word(const struct reader *r, const char *word, size_t bytes)
{
    const unsigned long long n = r->line ? r->line : r->out->vocab.n + r->out->n_repeated + 1;
    const char *what = r->line ? "line" : "word";
    if (bytes == 0) return fail(r, "%s %llu: the word is missing before its numbers", what, n);
    if (utf8_valid_bytes(word, bytes) != bytes)
        return fail(r, "%s %llu: the word is not UTF-8; write the file again as UTF-8", what, n);
    return true;
}

static bool check_finite(const struct reader *r, const float *row)
{
    for (uint32_t j = 0; j < r->out->dim; j++) {
        if (isfinite(row[j])) continue;
        return fail(r, "%s %llu: column %u is NaN, Inf or too large; every value must be finite",
                    r->line ? "line" : "word",
                    (unsigned long long)(r->line ? r->line : r->out->vocab.n), j + 1);
    }
    return true;
}

/* ---- text ---- */

/* The end of the line without its line end and the spaces before that. */
static const char *line_end(const char *at, const char *end, const char **next)
{
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    *next = stop ? stop + 1 : end;
    if (!stop) stop = end;
    while (stop > at && is_space(stop[-1]))
        stop--;
    return stop;
}

/* The start of the field that ends at `end`. */
static const char *field_start(const char *at, const char *end)
{
    while (end > at && !is_space(end[-1]))
        end--;
    return end;
}

static const char *before_spaces(const char *at, const char *end)
{
    while (end > at && is_space(end[-1]))
        end--;
    return end;
}

static size_t count_fields(const char *at, const char *end)
{
    size_t n = 0;
    for (; end > at; end = before_spaces(at, field_start(at, end)))
        n++;
    return n;
}

/* GloVe has words with spaces, but none that ends in one and a number. */
static bool ends_in_number(const char *at, const char *end)
{
    float number;
    const char *start = field_start(at, end);
    return start > at && read_number(start, (size_t)(end - start), &number);
}

static size_t count_numbers(const char *at, const char *end)
{
    size_t n = 0;
    for (; ends_in_number(at, end); n++)
        end = before_spaces(at, field_start(at, end));
    return n;
}

/* Reads the numbers from the last to the first; the rest of the line is the word. */
static bool read_line(struct reader *r, float *numbers, const char *stop)
{
    const uint32_t dim = r->out->dim;
    const char *end = stop;
    float *row;
    for (uint32_t j = dim; j-- > 0;) {
        const char *start = field_start(r->at, end);
        if (start == r->at)
            return fail(r,
                        "line %llu has %zu numbers, not %u as the lines before; it is cut short "
                        "or damaged: copy the file again",
                        (unsigned long long)r->line, count_fields(r->at, stop) - (end > r->at),
                        dim);
        if (!read_number(start, (size_t)(end - start), &numbers[j]))
            return fail(r, "line %llu: '%.*s' is no number", (unsigned long long)r->line,
                        vocab_quoted(start, (size_t)(end - start)), start);
        end = before_spaces(r->at, start);
    }
    if (ends_in_number(r->at, end))
        return fail(r,
                    "line %llu has %zu numbers, not %u as the lines before or the first line say; "
                    "it is damaged: copy the file again",
                    (unsigned long long)r->line, count_numbers(r->at, stop), dim);
    if (!check_word(r, r->at, (size_t)(end - r->at)) || !check_finite(r, numbers) ||
        !add_word(r, r->at, (size_t)(end - r->at), &row))
        return false;
    if (row) memcpy(row, numbers, dim * sizeof *row);
    return true;
}

static bool check_announced(const struct reader *r)
{
    const uint64_t n = (uint64_t)r->out->vocab.n + r->out->n_repeated;
    return r->announced == 0 || n == r->announced ||
           fail(r,
                "its first line says %u words, but it holds %llu; it is cut short or damaged: "
                "copy it again",
                r->announced, (unsigned long long)n);
}

static bool read_lines(struct reader *r)
{
    float *numbers = malloc(r->out->dim * sizeof *numbers);
    bool done = numbers || no_memory(r);
    for (const char *next; done && r->at < r->end; r->at = next, r->line++) {
        const char *stop = line_end(r->at, r->end, &next);
        done = stop == r->at ? fail(r, "line %llu is empty; remove it", (unsigned long long)r->line)
                             : read_line(r, numbers, stop);
    }
    free(numbers);
    return done && check_announced(r);
}

/* ---- binary ---- */

static bool read_words(struct reader *r)
{
    const size_t row_bytes = r->out->dim * sizeof(float);
    for (uint32_t i = 0; i < r->announced; i++) {
        float *row;
        if (r->at < r->end && *r->at == '\n') r->at++;
        const char *space = memchr(r->at, ' ', (size_t)(r->end - r->at));
        if (!space || (size_t)(r->end - space - 1) < row_bytes)
            return fail(r,
                        "it ends within word %u of %u, at byte %zu; it is cut short: copy it "
                        "again",
                        i + 1, r->announced, (size_t)(r->end - r->start));
        const char *word = r->at;
        r->at = space + 1 + row_bytes;
        if (!check_word(r, word, (size_t)(space - word)) ||
            !add_word(r, word, (size_t)(space - word), &row))
            return false;
        if (!row) continue;
        memcpy(row, space + 1, row_bytes);
        if (!check_finite(r, row)) return false;
    }
    if (r->at < r->end && *r->at == '\n') r->at++;
    return r->at == r->end ||
           fail(r, "%zu bytes follow its last word; it is damaged: copy it again",
                (size_t)(r->end - r->at));
}

/* ---- the first line ---- */

#define WHOLE_MAX 1000000000000u

/* What is larger counts as WHOLE_MAX. */
static bool read_whole(const char **at, const char *end, uint64_t *out)
{
    const char *start = *at;
    for (*out = 0; *at < end && **at >= '0' && **at <= '9'; ++*at)
        *out = *out < WHOLE_MAX / 10 ? *out * 10 + (uint64_t)(**at - '0') : WHOLE_MAX;
    return *at > start;
}

/* "V D" */
static bool read_header(const char *at, const char *end, uint64_t *n, uint64_t *dim)
{
    if (!read_whole(&at, end, n) || at == end || !is_space(*at)) return false;
    while (at < end && is_space(*at))
        at++;
    return read_whole(&at, end, dim) && at == end;
}

/* Whether the line has a word and that many numbers. */
static bool is_text_line(const char *at, const char *end, uint64_t dim)
{
    const char *stop = end;
    float number;
    for (uint64_t j = 0; j < dim; j++) {
        const char *start = field_start(at, stop);
        if (start == at || !read_number(start, (size_t)(stop - start), &number)) return false;
        stop = before_spaces(at, start);
    }
    return stop > at;
}

/* Text that is damaged is still text: mostly made of numbers, and without control characters. */
static bool looks_like_text(const char *at, const char *end)
{
    size_t n_digits = 0;
    const size_t n = (size_t)(end - at) < LOOK_BYTES_MAX ? (size_t)(end - at) : LOOK_BYTES_MAX;
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)at[i];
        if (c < ' ' && c != '\n' && !is_space((char)c)) return false;
        n_digits += (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ' ';
    }
    return n_digits > n / 2;
}

/* A line of text is not longer than this. */
#define LINE_BYTES_MAX (64u << 20)

bool word_vectors_tell(struct span file, enum word_vectors_kind *kind)
{
    const char *next, *second;
    size_t looked_at = file.bytes < LINE_BYTES_MAX ? file.bytes : LINE_BYTES_MAX;
    const char *end = file.data + looked_at;
    uint64_t n, dim;
    if (looked_at == 0) return false;
    const char *at = file.data + utf8_mark_bytes(file.data, file.bytes);
    const char *stop = line_end(at, end, &next);
    if (read_header(at, stop, &n, &dim)) {
        const char *second_stop = line_end(next, end, &second);
        const bool is_text = is_text_line(next, second_stop, dim) || looks_like_text(next, end);
        *kind = is_text || next == end ? WORD2VEC_TEXT : WORD2VEC_BINARY;
        return true;
    }
    *kind = GLOVE_TEXT;
    size_t fields = count_fields(at, stop);
    return fields > GLOVE_DIM_MIN && fields <= DIM_MAX && is_text_line(at, stop, fields - 1);
}

static bool begin(struct reader *r, enum word_vectors_kind kind)
{
    const char *next;
    uint64_t n = 0, dim;
    if (utf8_mark_bytes(r->at, (size_t)(r->end - r->at)) > 0)
        return fail(r, "it begins with a byte order mark; save it as UTF-8 without one");
    const char *stop = line_end(r->at, r->end, &next);
    if (kind == GLOVE_TEXT) {
        dim = count_fields(r->at, stop) - 1;
        r->line = 1;
    } else {
        if (!read_header(r->at, stop, &n, &dim))
            return fail(r, "its first line must be two numbers, of words and of columns");
        r->at = next;
        r->line = kind == WORD2VEC_TEXT ? 2 : 0;
        if (n == 0) return fail(r, "its first line says that it holds no words");
    }
    if (dim == 0 || dim > DIM_MAX || n > WORDS_MAX)
        return fail(r,
                    "its first line says %llu words of %llu columns; at most %u of %u can be "
                    "served",
                    (unsigned long long)n, (unsigned long long)dim, WORDS_MAX, DIM_MAX);
    r->announced = (uint32_t)n;
    r->out->dim = (uint32_t)dim;
    return true;
}

bool word_vectors_read(struct word_vectors *out, struct span file, enum word_vectors_kind kind,
                       const char *where, struct err *err)
{
    *out = (struct word_vectors){0};
    struct reader r = {.out = out, .at = file.data, .start = file.data};
    r.end = file.data + file.bytes;
    r.where = where;
    r.err = err;
    bool done = begin(&r, kind) && (kind == WORD2VEC_BINARY ? read_words(&r) : read_lines(&r));
    free(r.slots);
    if (!done) word_vectors_clear(out);
    return done;
}

void word_vectors_clear(struct word_vectors *vectors)
{
    free(vectors->rows);
    vocab_clear(&vectors->vocab);
    *vectors = (struct word_vectors){0};
}
