/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/table/word_vectors.h"

#include "base/grow.h"
#include "base/hash.h"
#include "base/numtext.h"
#include "base/plural.h"
#include "base/utf8.h"
#include "model/text/unicode/unicode.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
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
    uint64_t line;     /* of text: the one that is read, counted from 1; else 0 */
    uint64_t limit;    /* words that are read */
    bool is_announced; /* the first line says how many words and columns there are */
    size_t capacity;   /* rows that there is room for */
    /* Words that are not UTF-8, and those of them that are so before their end; all words beyond
       ASCII. */
    uint64_t n_broken_inside, n_beyond_ascii;
    uint64_t n_number_ends, first_number_end; /* words that end in a number */
    size_t first_numbers;                     /* of the first such line */
    uint32_t *mended; /* (n_mended) ids of words that were mended, ascending; */
    uint32_t n_mended;
    size_t mended_capacity;
    char *scratch; /* (scratch_bytes) a word that is mended */
    size_t scratch_bytes;
    uint32_t *slots; /* a hash table of ids + 1, to tell words that come again */
    size_t n_slots;  /* a power of two */
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

/* What is read, for messages. */
static const char *unit(const struct reader *r)
{
    return r->line ? "line" : "word";
}

/* Its number, counted from 1. */
static uint64_t place(const struct reader *r)
{
    return r->line ? r->line : r->out->n_words + 1;
}

static void note(const struct reader *r, struct word_vectors_oddity *oddity)
{
    if (oddity->n++ == 0) oddity->first = place(r);
}

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
        if (other_bytes == bytes && (bytes == 0 || memcmp(other, word, bytes) == 0)) break;
    }
    return &r->slots[at];
}

static bool make_room(struct reader *r)
{
    struct word_vectors *out = r->out;
    const uint32_t n = out->vocab.n;
    if (n >= WORDS_MAX) return fail(r, "more than %u words cannot be served", WORDS_MAX);
    if ((size_t)n * 2 >= r->n_slots && !grow_slots(r)) return no_memory(r);
    return grow_list(&out->rows, &r->capacity, (size_t)n + 1, out->dim * sizeof *out->rows) ||
           no_memory(r);
}

/* Where the word's id stands among those that were mended, or n_mended. */
static uint32_t find_mended(const struct reader *r, uint32_t id)
{
    uint32_t low = 0, high = r->n_mended;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (r->mended[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < r->n_mended && r->mended[low] == id ? low : r->n_mended;
}

static bool keep_mended(struct reader *r, uint32_t id)
{
    if (!grow_list(&r->mended, &r->mended_capacity, (size_t)r->n_mended + 1, sizeof *r->mended))
        return no_memory(r);
    r->mended[r->n_mended++] = id;
    return true;
}

/* The row of a word that came before: only a whole word takes that of one that was mended. */
static float *row_again(struct reader *r, uint32_t id, bool is_mended)
{
    const uint32_t at = is_mended ? r->n_mended : find_mended(r, id);
    note(r, &r->out->repeated);
    if (at == r->n_mended) return NULL;
    r->n_mended--;
    memmove(r->mended + at, r->mended + at + 1, (r->n_mended - at) * sizeof *r->mended);
    return r->out->rows + (size_t)id * r->out->dim;
}

/* Makes the word the next one; `*row` is where its numbers go, NULL where it came before. */
static bool add_word(struct reader *r, struct span word, bool is_mended, float **row)
{
    struct vocab *vocab = &r->out->vocab;
    *row = NULL;
    if (!make_room(r)) return false;
    uint32_t *slot = find_slot(r, word.data, word.bytes);
    if (*slot) {
        *row = row_again(r, *slot - 1, is_mended);
        return true;
    }
    *row = r->out->rows + (size_t)vocab->n * r->out->dim;
    *slot = vocab->n + 1;
    return (!is_mended || keep_mended(r, vocab->n)) &&
           vocab_add(vocab, vocab->n, word.data, word.bytes, r->where, r->err);
}

/* The bytes at `at` are the beginning of a character, and nothing follows. */
static bool is_cut(const char *at, size_t bytes)
{
    const unsigned char lead = (unsigned char)*at;
    return lead >= 0xC2 && lead <= 0xF4 && utf8_broken_bytes(at, bytes) == bytes;
}

/* Leaves out the bytes that are not characters. */
static bool mend_word(struct reader *r, struct span *word)
{
    const char *at = word->data, *end = at + word->bytes;
    size_t n = 0;
    if (word->bytes > r->scratch_bytes) {
        free(r->scratch);
        r->scratch = malloc(word->bytes);
        r->scratch_bytes = r->scratch ? word->bytes : 0;
        if (!r->scratch) return no_memory(r);
    }
    while (at < end) {
        const size_t valid = utf8_valid_bytes(at, (size_t)(end - at));
        memcpy(r->scratch + n, at, valid);
        n += valid;
        at += valid;
        if (at == end) break;
        at += utf8_broken_bytes(at, (size_t)(end - at));
    }
    *word = (struct span){r->scratch, n};
    return true;
}

static bool is_blank(struct span word)
{
    for (const char *at = word.data; at < word.data + word.bytes;)
        if (!(unicode_record_of(utf8_next(&at))->flags & UNICODE_SPACE)) return false;
    return true;
}

/* `*row` is where the numbers of the word go, NULL where it came before. */
static bool take_word(struct reader *r, const char *text, size_t bytes, float **row)
{
    struct span word = {text, bytes};
    const size_t valid = utf8_valid_bytes(text, bytes);
    const bool is_mended = valid < bytes;
    r->n_beyond_ascii += is_mended || !utf8_is_ascii(text, bytes);
    if (is_mended) {
        note(r, &r->out->mended);
        r->n_broken_inside += !is_cut(text + valid, bytes - valid);
        if (!mend_word(r, &word)) return false;
    }
    if (is_blank(word)) note(r, &r->out->blank);
    if (!add_word(r, word, is_mended, row)) return false;
    r->out->n_words++;
    return true;
}

/* One word is cut or damaged; most of them are of another encoding. */
static bool check_encoding(const struct reader *r)
{
    const struct word_vectors_oddity *mended = &r->out->mended;
    if (r->n_broken_inside == 0 || mended->n * 2 <= r->n_beyond_ascii) return true;
    return fail(r,
                "%s %llu: the word is not UTF-8, like %llu of the %llu words that are not ASCII; "
                "write the file again as UTF-8",
                unit(r), (unsigned long long)mended->first, (unsigned long long)mended->n,
                (unsigned long long)r->n_beyond_ascii);
}

static bool check_finite(const struct reader *r, const float *row)
{
    for (uint32_t j = 0; j < r->out->dim; j++) {
        if (isfinite(row[j])) continue;
        return fail(r, "%s %llu: column %u is NaN, Inf or too large; every value must be finite",
                    unit(r), (unsigned long long)place(r), j + 1);
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

/* A phrase may end in 6 or 2.0; the numbers of a row have more digits. */
static bool ends_in_fraction(const char *at, const char *end)
{
    const char *start = field_start(at, end);
    const char *point = memchr(start, '.', (size_t)(end - start));
    return (point && end - point > 3) || memchr(start, 'e', (size_t)(end - start));
}

/* Where the word ends that the field at `start` follows. A word of white space is all of it but the
   last. */
static const char *word_end(const char *at, const char *start)
{
    const char *end = before_spaces(at, start);
    return end > at ? end : start - 1;
}

/* ", or read `what` (limit N)": of a file whose first word is bad already nothing can be read. */
struct advice {
    char text[80];
};

static struct advice or_read(const struct reader *r, const char *what)
{
    struct advice advice = {""};
    if (r->out->n_words > 0)
        snprintf(advice.text, sizeof advice.text, ", or read %s (limit %llu)", what,
                 (unsigned long long)r->out->n_words);
    return advice;
}

static bool too_many(const struct reader *r, uint64_t line, const char *stop)
{
    if (!r->is_announced)
        return fail(r,
                    "line %llu has %zu numbers, not %u as the lines before; it is damaged: copy "
                    "the file again, or if words end in numbers, write \"WORDS %u\" in a line "
                    "before the first one",
                    (unsigned long long)line, count_numbers(r->at, stop), r->out->dim, r->out->dim);
    return fail(r,
                "line %llu has %zu numbers, not %u as the first line says; it is damaged: copy the "
                "file again%s",
                (unsigned long long)line, count_numbers(r->at, stop), r->out->dim,
                or_read(r, "the words before it").text);
}

/* `end`: of what was not read as numbers. */
static bool too_few(const struct reader *r, const char *stop, const char *end)
{
    const size_t n = count_fields(r->at, stop) - (end > r->at);
    return fail(r,
                "line %llu has %zu number%s, not %u as %s; it is cut short or damaged: copy the "
                "file again",
                (unsigned long long)r->line, n, plural(n), r->out->dim,
                r->is_announced ? "the first line says" : "the lines before");
}

/* Reads the numbers from the last to the first; the rest of the line is the word. */
static bool read_line(struct reader *r, float *numbers, const char *stop)
{
    const uint32_t dim = r->out->dim;
    const char *end = stop, *start = stop;
    float *row;
    for (uint32_t j = dim; j-- > 0;) {
        start = field_start(r->at, end);
        if (start == r->at) return too_few(r, stop, end);
        if (!read_number(start, (size_t)(end - start), &numbers[j]))
            return fail(r, "line %llu: '%.*s' is not a number", (unsigned long long)r->line,
                        vocab_quoted(start, (size_t)(end - start)), start);
        end = before_spaces(r->at, start);
    }
    end = word_end(r->at, start);
    if (ends_in_number(r->at, end)) {
        if (!r->is_announced || ends_in_fraction(r->at, end)) return too_many(r, r->line, stop);
        if (r->n_number_ends++ == 0) {
            r->first_number_end = r->line;
            r->first_numbers = count_numbers(r->at, stop);
        }
    }
    if (!check_finite(r, numbers) || !take_word(r, r->at, (size_t)(end - r->at), &row))
        return false;
    if (row) memcpy(row, numbers, dim * sizeof *row);
    return true;
}

/* Words end in a number now and then; where all do, the first line says too few columns. */
static bool check_columns(const struct reader *r)
{
    const uint64_t n = r->out->n_words;
    return n < 2 || r->n_number_ends < n ||
           fail(
               r,
               "line %llu has %zu numbers, not %u as the first line says, and every other line has "
               "more too; write the right number of columns there",
               (unsigned long long)r->first_number_end, r->first_numbers, r->out->dim);
}

/* A file that was cut short ends within a line, which is then damaged, or lacks its line end. */
static bool check_announced(const struct reader *r)
{
    const struct word_vectors *out = r->out;
    if (!r->is_announced || out->n_words >= out->n_announced) return true;
    if (out->n_words > 0 && r->end[-1] == '\n') return true;
    return fail(r,
                "its first line says %llu word%s, but it holds %llu; it is cut short: copy it "
                "again%s",
                (unsigned long long)out->n_announced, plural(out->n_announced),
                (unsigned long long)out->n_words, or_read(r, "what is there").text);
}

static bool read_lines(struct reader *r)
{
    float *numbers = malloc(r->out->dim * sizeof *numbers);
    bool done = numbers || no_memory(r);
    for (const char *next; done && r->at < r->end && r->out->n_words < r->limit;
         r->at = next, r->line++) {
        const char *stop = line_end(r->at, r->end, &next);
        if (stop == r->at)
            note(r, &r->out->empty);
        else
            done = read_line(r, numbers, stop);
    }
    free(numbers);
    if (!done || r->out->n_words == r->limit) return done;
    return check_columns(r) && check_announced(r);
}

/* ---- binary ---- */

/* Past the line end after a row, if there is one. Some files have it before the word, says gensim.
 */
static bool skip_line_ends(struct reader *r)
{
    const char *from = r->at;
    while (r->at < r->end && *r->at == '\n')
        r->at++;
    return r->at > from;
}

static bool not_whole(const struct reader *r)
{
    const struct word_vectors *out = r->out;
    if (out->n_words >= out->n_announced)
        return fail(r, "%zu bytes follow its last word; it is damaged: copy it again",
                    (size_t)(r->end - r->at));
    return fail(r,
                "it ends within word %llu of %llu, at byte %zu; it is cut short: copy it again%s",
                (unsigned long long)out->n_words + 1, (unsigned long long)out->n_announced,
                (size_t)(r->end - r->start), or_read(r, "the words before").text);
}

static bool read_words(struct reader *r)
{
    const size_t row_bytes = r->out->dim * sizeof(float);
    float *numbers = malloc(row_bytes), *row;
    bool done = numbers || no_memory(r), has_line_end = false, had_line_end = false;
    for (skip_line_ends(r); done && r->at < r->end && r->out->n_words < r->limit;
         had_line_end |= has_line_end, has_line_end = skip_line_ends(r)) {
        const char *word = r->at, *space = memchr(word, ' ', (size_t)(r->end - word));
        done = (space && (size_t)(r->end - space - 1) >= row_bytes) || not_whole(r);
        if (!done) break;
        r->at = space + 1 + row_bytes;
        memcpy(numbers, space + 1, row_bytes);
        done = check_finite(r, numbers) && take_word(r, word, (size_t)(space - word), &row);
        if (done && row) memcpy(row, numbers, row_bytes);
    }
    free(numbers);
    if (!done || r->out->n_words == r->limit) return done;
    /* One that was cut short behind a row lacks most rows, or a line end. */
    const bool lacks_line_end = had_line_end && !has_line_end;
    return r->out->n_words >= r->out->n_announced ||
           (!lacks_line_end && r->out->n_words >= r->out->n_announced / 2) || not_whole(r);
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
    const char *stop = end, *first = end;
    float number;
    for (uint64_t j = 0; j < dim; j++) {
        const char *start = field_start(at, stop);
        if (start == at || !read_number(start, (size_t)(stop - start), &number)) return false;
        first = start;
        stop = before_spaces(at, start);
    }
    return first > at;
}

/* Text that is damaged is still text: without control characters, and mostly made of numbers, or a
   small file that is ASCII to its end. */
static bool looks_like_text(const char *at, const char *end)
{
    size_t n_digits = 0, n_high = 0;
    const size_t n = (size_t)(end - at) < LOOK_BYTES_MAX ? (size_t)(end - at) : LOOK_BYTES_MAX;
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)at[i];
        if (c < ' ' && c != '\n' && !is_space((char)c)) return false;
        n_high += c >= 0x80;
        n_digits += (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ' ';
    }
    return n_digits > n / 2 || (n_high == 0 && at + n == end);
}

/* A line of text is not longer than this. */
#define LINE_BYTES_MAX (64u << 20)

/* Numbers in the first line of GloVe's, behind one word, which may be white space. */
static size_t count_first_numbers(const char *at, const char *stop)
{
    const size_t fields = count_fields(at, stop);
    return fields > 0 && !is_space(*at) ? fields - 1 : fields;
}

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
    const size_t numbers = count_first_numbers(at, stop);
    return numbers >= GLOVE_DIM_MIN && numbers < DIM_MAX && is_text_line(at, stop, numbers);
}

static bool begin(struct reader *r, enum word_vectors_kind kind)
{
    const char *next;
    uint64_t n = 0, dim;
    r->at += utf8_mark_bytes(r->at, (size_t)(r->end - r->at));
    const char *first = r->at, *stop = line_end(first, r->end, &next);
    if (kind == GLOVE_TEXT) {
        dim = count_first_numbers(r->at, stop);
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
                    "its first line says '%.*s', words and columns; at most %u words of 1 to %u "
                    "columns can be served",
                    vocab_quoted(first, (size_t)(stop - first)), first, WORDS_MAX, DIM_MAX);
    r->is_announced = kind != GLOVE_TEXT;
    r->out->n_announced = n;
    r->out->has_lines = kind != WORD2VEC_BINARY;
    r->out->dim = (uint32_t)dim;
    return true;
}

static bool finish(struct reader *r)
{
    struct word_vectors *out = r->out;
    if (!check_encoding(r)) return false;
    if (out->vocab.text_bytes == 0) return fail(r, "it holds no words, or only empty ones");
    if (!r->is_announced || out->n_words == r->limit) out->n_announced = out->n_words;
    return true;
}

bool word_vectors_read(struct word_vectors *out, struct span file, enum word_vectors_kind kind,
                       uint64_t limit, const char *where, struct err *err)
{
    *out = (struct word_vectors){0};
    struct reader r = {.out = out, .at = file.data, .start = file.data};
    r.end = file.data + file.bytes;
    r.limit = limit ? limit : UINT64_MAX;
    r.where = where;
    r.err = err;
    bool done = begin(&r, kind) && (kind == WORD2VEC_BINARY ? read_words(&r) : read_lines(&r)) &&
                finish(&r);
    free(r.slots);
    free(r.mended);
    free(r.scratch);
    if (!done) word_vectors_clear(out);
    return done;
}

/* ---- what is odd ---- */

static void add_oddity(char *text, size_t bytes, const struct word_vectors *vectors,
                       const struct word_vectors_oddity *oddity, const char *one, const char *many)
{
    const size_t used = strlen(text);
    if (oddity->n == 0) return;
    snprintf(text + used, bytes - used, "%s%llu %s (%s%s %llu)", used > 0 ? "; " : "",
             (unsigned long long)oddity->n, oddity->n == 1 ? one : many,
             oddity->n == 1 ? "" : "the first: ", vectors->has_lines ? "line" : "word",
             (unsigned long long)oddity->first);
}

bool word_vectors_odd(const struct word_vectors *vectors, char text[static WORD_VECTORS_ODD_BYTES])
{
    const size_t bytes = WORD_VECTORS_ODD_BYTES;
    text[0] = '\0';
    if (vectors->n_words != vectors->n_announced)
        snprintf(text, bytes, "its first line says %llu word%s, but it holds %llu",
                 (unsigned long long)vectors->n_announced, plural(vectors->n_announced),
                 (unsigned long long)vectors->n_words);
    add_oddity(text, bytes, vectors, &vectors->repeated, "repeated word was left out",
               "repeated words were left out");
    add_oddity(text, bytes, vectors, &vectors->mended,
               "word is not UTF-8 and is read without the bytes that are not characters",
               "words are not UTF-8 and are read without the bytes that are not characters");
    add_oddity(text, bytes, vectors, &vectors->blank,
               "word is empty or white space, which no text holds",
               "words are empty or white space, which no text holds");
    add_oddity(text, bytes, vectors, &vectors->empty, "line is empty", "lines are empty");
    return text[0];
}

void word_vectors_clear(struct word_vectors *vectors)
{
    free(vectors->rows);
    vocab_clear(&vectors->vocab);
    *vectors = (struct word_vectors){0};
}
