/* SPDX-License-Identifier: Apache-2.0 */
/* vocab.txt as it is found: a token a line, or two columns, the second one of ids. Reference: the
   BertTokenizer of transformers on the same file. */
#include "base/encoding.h"
#include "base/lines.h"
#include "base/utf8.h"
#include "model/text/unicode/unicode.h"
#include "model/text/vocab/vocab.h"

#include <stdlib.h>
#include <string.h>

/* More than any id; what is larger counts as this. */
#define ID_MAX UINT64_C(1000000000000000000)

struct vocab_lines {
    struct span rest; /* what is not read yet */
    struct span line; /* the one that was read, without its end */
    uint32_t number;  /* of it, counted from 1 */
    bool is_exact;    /* white space at its end is part of it */
};

static struct vocab_lines start(struct span file, bool is_exact)
{
    const size_t mark = utf8_mark_bytes(file.data, file.bytes);
    return (struct vocab_lines){.rest = {file.data + mark, file.bytes - mark},
                                .is_exact = is_exact};
}

static bool is_space(const char *at)
{
    return unicode_record_of(utf8_next(&at))->flags & UNICODE_SPACE;
}

/* Without the white space at its end, where it is UTF-8. */
static struct span trimmed(struct span line)
{
    const char *end = line.data + line.bytes;
    if (utf8_valid_bytes(line.data, line.bytes) < line.bytes) return line;
    while (end > line.data && is_space(utf8_before(end)))
        end = utf8_before(end);
    return (struct span){line.data, (size_t)(end - line.data)};
}

static bool next_line(struct vocab_lines *lines)
{
    if (!lines_cut(&lines->rest, &lines->line)) return false;
    if (!lines->is_exact) lines->line = trimmed(lines->line);
    lines->number++;
    return true;
}

/* ---- two columns ---- */

/* A token, `between`, and a whole number. */
static bool split(struct span line, char between, struct span *token, uint64_t *id)
{
    const char *gap = line.bytes > 0 ? memrchr(line.data, between, line.bytes) : NULL;
    const char *end = line.data + line.bytes;
    if (!gap || gap + 1 == end) return false;
    *id = 0;
    for (const char *at = gap + 1; at < end; at++) {
        if (*at < '0' || *at > '9') return false;
        *id = *id < ID_MAX / 10 ? *id * 10 + (uint64_t)(*at - '0') : ID_MAX;
    }
    *token = (struct span){line.data, (size_t)(gap - line.data)};
    return true;
}

bool vocab_has_column(const char *text, size_t bytes)
{
    struct span token;
    uint64_t id;
    return split((struct span){text, bytes}, '\t', &token, &id);
}

/* How many lines are not empty, how many of them have both columns, and the first one that has
   not. */
struct columns {
    uint32_t n_lines, n_split, first_other;
};

static struct columns count_columns(struct vocab_lines lines, char between)
{
    struct columns columns = {0};
    struct span token;
    uint64_t id;
    while (next_line(&lines)) {
        if (lines.line.bytes == 0) continue;
        columns.n_lines++;
        if (split(lines.line, between, &token, &id))
            columns.n_split++;
        else if (columns.first_other == 0)
            columns.first_other = lines.number;
    }
    return columns;
}

static bool no_ids(const char *where, uint32_t line, uint64_t id, uint32_t n, struct err *err)
{
    return err_set(err, ERR_FORMAT, NULL,
                   "%s: every line has a second column, but its numbers are not ids: line %u has "
                   "%llu, and the ids of %u tokens are 0 to %u, each once; remove that column if "
                   "the line of a token is its id (cut -f1), or fix it",
                   where, line, (unsigned long long)id, n, n - 1);
}

/* The numbers are 0 to n - 1, each once. */
static bool are_ids(struct vocab_lines lines, char between, uint32_t n, const char *where,
                    struct err *err)
{
    uint8_t *is_taken = calloc(n, 1);
    bool done = is_taken || err_set(err, ERR_MEMORY, NULL, "%s: no memory for %u tokens", where, n);
    while (done && next_line(&lines)) {
        struct span token;
        uint64_t id;
        if (lines.line.bytes == 0 || !split(lines.line, between, &token, &id)) continue;
        done = (id < n && !is_taken[id]) || no_ids(where, lines.number, id, n, err);
        if (done) is_taken[id] = 1;
    }
    free(is_taken);
    return done;
}

/* What stands between the columns, or '\0': there is one column. */
static bool find_columns(struct vocab_lines lines, char *between, const char *where,
                         struct err *err)
{
    struct err ignored;
    struct columns columns = count_columns(lines, '\t');
    *between = '\0';
    if (columns.n_split == columns.n_lines && columns.n_lines > 0) {
        *between = '\t';
        return are_ids(lines, '\t', columns.n_lines, where, err);
    }
    if (columns.n_split > columns.n_lines / 2)
        return err_set(err, ERR_FORMAT, NULL,
                       "%s: line %u is not a token, a TAB and an id, which %u of its %u lines are; "
                       "write all of them that way, or none",
                       where, columns.first_other, columns.n_split, columns.n_lines);
    /* A token of one column may end so too: only what cannot be chance counts. */
    if (lines.is_exact) return true;
    columns = count_columns(lines, ' ');
    if (columns.n_split == columns.n_lines && columns.n_lines > 1 &&
        are_ids(lines, ' ', columns.n_lines, where, &ignored))
        *between = ' ';
    return true;
}

/* ---- all of it ---- */

static bool read_line(struct vocab *vocab, const struct vocab_lines *lines, char between,
                      const char *where, struct err *err)
{
    struct span token = lines->line;
    uint64_t id = vocab->n;
    const struct encoding_line line = {.file = where,
                                       .number = lines->number,
                                       .is_first = lines->number == 1,
                                       .text = token.data,
                                       .bytes = token.bytes,
                                       .known = token.bytes};
    if (!encoding_check_line(&line, err)) return false;
    if (between && !split(lines->line, between, &token, &id)) return true;
    return vocab_add(vocab, id, token.data, token.bytes, where, err);
}

bool vocab_read_lines(struct vocab *vocab, struct span file, bool is_exact, const char *where,
                      struct err *err)
{
    struct vocab_lines lines = start(file, is_exact);
    char between;
    if (!find_columns(lines, &between, where, err)) return false;
    while (next_line(&lines)) {
        if (!read_line(vocab, &lines, between, where, err)) return false;
    }
    if (vocab->n > 0 && vocab->text_bytes == 0)
        return err_set(err, ERR_FORMAT, NULL, "%s: there are no tokens, only empty lines", where);
    return vocab_finish_last(vocab, where, err);
}
