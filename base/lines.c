/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lines.h"

#include "base/csv.h"
#include "base/encoding.h"
#include "base/grow.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_BYTES ((size_t)256 << 10)

/* Makes room behind `end` for one read: moves what is left to the front, or doubles the memory. */
static bool make_room(struct lines *lines, struct err *err)
{
    if (lines->cap - lines->end >= lines->read_bytes) return true;
    const size_t unused = lines->is_marked ? lines->mark : lines->start;
    if (unused > 0) {
        lines->end -= unused;
        lines->start -= unused;
        lines->mark = 0;
        memmove(lines->data, lines->data + unused, lines->end);
    }
    const size_t wanted = lines->end + lines->read_bytes;
    return grow_list(&lines->data, &lines->cap, wanted, 1) ||
           err_set(err, ERR_MEMORY, NULL, "%.200s, line %llu: no memory for %zu bytes", lines->file,
                   (unsigned long long)lines->next_number, wanted);
}

static bool read_more(struct lines *lines, struct err *err)
{
    if (!make_room(lines, err)) return false;
    const ssize_t n = inflow_read(lines->inflow, lines->data + lines->end, lines->read_bytes, err);
    if (n < 0) return false;
    lines->is_at_end = n == 0;
    lines->end += (size_t)n;
    return true;
}

/* Reads on as long as what is there may be the beginning of a mark, and no longer: whoever writes
   line by line may wait for an answer. */
static bool skip_mark(struct lines *lines, struct err *err)
{
    static const char mark[3] = {'\xEF', '\xBB', '\xBF'};
    while (lines->end < sizeof mark && !lines->is_at_end &&
           (lines->end == 0 || memcmp(lines->data, mark, lines->end) == 0)) {
        if (!read_more(lines, err)) return false;
    }
    lines->start = utf8_mark_bytes(lines->data, lines->end);
    return true;
}

static bool open_lines(struct lines *lines, const char *path, size_t read_bytes, bool is_plain,
                       enum text_encoding encoding, struct err *err)
{
    *lines = (struct lines){.file = strcmp(path, "-") == 0 ? "standard input" : path,
                            .inflow = inflow_open(path, is_plain, encoding, err),
                            .takes_encoding = !is_plain,
                            .read_bytes = read_bytes ? read_bytes : READ_BYTES,
                            .next_number = 1};
    return lines->inflow && skip_mark(lines, err);
}

bool lines_open(struct lines *lines, const char *path, size_t read_bytes, struct err *err)
{
    return open_lines(lines, path, read_bytes, true, TEXT_UTF_8, err);
}

bool lines_open_as(struct lines *lines, const char *path, size_t read_bytes,
                   enum text_encoding encoding, struct err *err)
{
    return open_lines(lines, path, read_bytes, false, encoding, err);
}

void lines_close(struct lines *lines)
{
    inflow_close(lines->inflow);
    lines->inflow = NULL;
    free(lines->data);
    lines->data = NULL;
}

double lines_share(const struct lines *lines)
{
    return inflow_share(lines->inflow, lines->end - lines->start);
}

/* The line of byte `at` of the next record. */
static uint64_t number_of(const struct lines *lines, size_t at)
{
    const char *from = lines->data + lines->start, *end = from + at;
    uint64_t number = lines->next_number;
    while (from < end && (from = memchr(from, '\n', (size_t)(end - from))) != NULL) {
        from++;
        number++;
    }
    return number;
}

static bool scan_line(struct csv_scan *scan, const char *line, size_t bytes)
{
    const char *lf = bytes > scan->at ? memchr(line + scan->at, '\n', bytes - scan->at) : NULL;
    scan->at = lf ? (size_t)(lf - line) : bytes;
    scan->state = lf ? CSV_END : CSV_PLAIN;
    return lf != NULL;
}

/* Goes on behind the line that holds byte `at` of the next record. */
static bool pass_over(struct lines *lines, size_t at, struct err *err)
{
    lines->next_number = number_of(lines, at) + 1;
    lines->start += at;
    for (;;) {
        const char *from = lines->data + lines->start;
        const char *lf = memchr(from, '\n', lines->end - lines->start);
        lines->start = lf ? (size_t)(lf + 1 - lines->data) : lines->end;
        if (lf || lines->is_at_end) return true;
        if (!read_more(lines, err)) return false;
    }
}

/* A fault of quotes at byte `at` of the next record. */
static bool fail_quotes(struct lines *lines, size_t at, const char *problem, struct err *err)
{
    struct err reading;
    char also[80] = "";
    const uint64_t first = lines->next_number, last = number_of(lines, at);
    if (lines->passes_over && first < last)
        snprintf(also, sizeof also, " (lines %llu to %llu are passed over)",
                 (unsigned long long)first, (unsigned long long)last);
    LINES_FAIL(lines, last, err, "%s%s", problem, also);
    if (lines->passes_over && !pass_over(lines, at, &reading)) {
        *err = reading;
        return false;
    }
    lines->fault = LINES_QUOTES;
    return false;
}

static bool fail_too_long(struct lines *lines, const struct csv_scan *scan, struct err *err)
{
    char problem[160];
    if (scan->state == CSV_QUOTED) {
        snprintf(problem, sizeof problem,
                 "the quoted cell that begins here is not closed within %zu MiB; close it, or "
                 "double the quotes that are part of it",
                 LINES_BYTES_MAX >> 20);
        return fail_quotes(lines, scan->quote_at, problem, err);
    }
    return LINES_FAIL(lines, lines->next_number, err, "longer than %zu MiB; %s",
                      LINES_BYTES_MAX >> 20, lines->expected);
}

/* Finds how many bytes the next record has, and whether an LF follows; reads on until it is whole.
 */
static bool find_end(struct lines *lines, size_t *bytes, bool *has_lf, struct err *err)
{
    struct csv_scan scan = {0};
    for (;;) {
        size_t left = lines->end - lines->start;
        const char *record = lines->data + lines->start;
        *has_lf = lines->separator ? csv_scan(&scan, record, left, lines->separator)
                                   : scan_line(&scan, record, left);
        if (scan.state == CSV_BROKEN)
            return fail_quotes(lines, scan.at, csv_problem(scan.state), err);
        if (scan.at > LINES_BYTES_MAX) return fail_too_long(lines, &scan, err);
        *bytes = scan.at;
        if (*has_lf) return true;
        if (lines->is_at_end) break;
        if (!read_more(lines, err)) return false;
    }
    if (scan.state != CSV_QUOTED) return true;
    return fail_quotes(lines, scan.quote_at, csv_problem(scan.state), err);
}

/* What was no character in another encoding is none in UTF-8 (base/recode.h). */
static bool fail_recoded(const struct lines *lines, uint64_t number, struct err *err)
{
    return LINES_FAIL(lines, number, err,
                      "it holds bytes that are not %s; put it right, or give another `encoding`",
                      text_encoding_names[inflow_encoding(lines->inflow)]);
}

static bool check_text(const struct lines *lines, struct err *err)
{
    const bool is_recoded = inflow_encoding(lines->inflow) != TEXT_UTF_8;
    const size_t valid =
        lines->separator || is_recoded ? utf8_valid_bytes(lines->text, lines->bytes) : lines->bytes;
    size_t line_start = 0;
    uint64_t number = lines->number;
    for (size_t i = 0; valid < lines->bytes && i < valid; i++) {
        if (lines->text[i] != '\n') continue;
        number++;
        line_start = i + 1;
    }
    if (is_recoded) return valid == lines->bytes || fail_recoded(lines, number, err);
    const char *text = lines->text + line_start;
    const struct encoding_line line = {.file = lines->file,
                                       .number = number,
                                       .is_first = number == 1,
                                       .text = text,
                                       .bytes = lines->bytes - line_start,
                                       .known = (size_t)(lines->data + lines->end - text),
                                       .takes_encoding = lines->takes_encoding};
    return encoding_check_line(&line, err);
}

/* The first line, which is not right, says so of the whole file. */
static bool is_utf_16(const struct lines *lines)
{
    return lines->number == 1 && inflow_encoding(lines->inflow) == TEXT_UTF_8 &&
           encoding_guess_file(lines->text, lines->bytes) != NULL;
}

int lines_next(struct lines *lines, struct err *err)
{
    lines->fault = LINES_RIGHT;
    do {
        bool has_lf;
        if (!find_end(lines, &lines->bytes, &has_lf, err)) return -1;
        if (lines->bytes == 0 && !has_lf) return 0;
        lines->text = lines->data + lines->start;
        lines->number = lines->next_number;
        lines->next_number =
            has_lf + (lines->separator ? number_of(lines, lines->bytes) : lines->number);
        lines->record_start = lines->start;
        lines->start += lines->bytes + has_lf;
        if (lines->bytes > 0 && lines->text[lines->bytes - 1] == '\r') lines->bytes--;
    } while (lines->bytes == 0 && lines->skips_empty);
    if (check_text(lines, err)) return 1;
    if (!is_utf_16(lines)) lines->fault = LINES_ENCODING;
    return -1;
}

bool lines_has_next(const struct lines *lines)
{
    const size_t left = lines->end - lines->start;
    return left > 0 && memchr(lines->data + lines->start, '\n', left);
}

void lines_put_back(struct lines *lines)
{
    assert(lines->record_start <= lines->start);
    lines->start = lines->record_start;
    lines->next_number = lines->number;
}

void lines_mark(struct lines *lines)
{
    lines->is_marked = true;
    lines->mark = lines->record_start;
    lines->mark_number = lines->number;
}

void lines_rewind(struct lines *lines)
{
    assert(lines->is_marked);
    lines->is_marked = false;
    lines->start = lines->mark;
    lines->next_number = lines->mark_number;
}

bool lines_cut(struct span *left, struct span *line)
{
    if (left->bytes == 0) return false;
    const char *lf = memchr(left->data, '\n', left->bytes);
    *line = (struct span){left->data, lf ? (size_t)(lf - left->data) : left->bytes};
    left->data += line->bytes + (lf != NULL);
    left->bytes -= line->bytes + (lf != NULL);
    if (line->bytes > 0 && line->data[line->bytes - 1] == '\r') line->bytes--;
    return true;
}
