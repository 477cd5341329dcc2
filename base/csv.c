/* SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"

#include <assert.h>
#include <string.h>

static enum csv_state start_or_plain(char c, char separator)
{
    return c == '\n' ? CSV_END : c == separator ? CSV_START : CSV_PLAIN;
}

bool csv_scan(struct csv_scan *scan, const char *record, size_t bytes, char separator)
{
    enum csv_state state = scan->state;
    assert(state != CSV_END && state != CSV_BROKEN && scan->at <= bytes);
    for (; scan->at < bytes; scan->at++) {
        char c = record[scan->at];
        if (state == CSV_QUOTED) {
            if (c == '"') state = CSV_QUOTE;
        } else if (state == CSV_START && c == '"') {
            state = CSV_QUOTED;
            scan->quote_at = scan->at;
        } else if (state == CSV_QUOTE && c == '"') {
            state = CSV_QUOTED;
        } else if (state == CSV_QUOTE && c == '\r') {
            state = CSV_CR;
        } else if ((state == CSV_QUOTE && c != separator && c != '\n') ||
                   (state == CSV_CR && c != '\n')) {
            state = CSV_BROKEN;
        } else {
            state = start_or_plain(c, separator);
        }
        if (state == CSV_END || state == CSV_BROKEN) break;
    }
    scan->state = state;
    return state == CSV_END || state == CSV_BROKEN;
}

char csv_find_separator(const char *line, size_t bytes)
{
    bool is_quoted = false, has_semicolon = false;
    for (size_t i = 0; i < bytes; i++) {
        if (line[i] == '"') is_quoted = !is_quoted;
        if (is_quoted) continue;
        if (line[i] == ',') return ',';
        has_semicolon |= line[i] == ';';
    }
    return has_semicolon ? ';' : ',';
}

/* Takes the quotes off the cell that begins with one at `record + *at` and moves behind it. */
static struct span take_quoted(char *record, size_t bytes, size_t *at)
{
    char *out = record + *at + 1;
    struct span cell = {out, 0};
    size_t i = *at + 1;
    while (i < bytes) {
        const char *quote = memchr(record + i, '"', bytes - i);
        assert(quote);
        size_t n = (size_t)(quote - (record + i));
        memmove(out, record + i, n);
        out += n;
        i += n + 1;
        if (i == bytes || record[i] != '"') break;
        *out++ = '"';
        i++;
    }
    cell.bytes = (size_t)(out - cell.data);
    *at = i;
    return cell;
}

static struct span take_plain(const char *record, size_t bytes, char separator, size_t *at)
{
    const char *start = record + *at;
    const char *end = memchr(start, separator, bytes - *at);
    struct span cell = {start, end ? (size_t)(end - start) : bytes - *at};
    *at += cell.bytes;
    return cell;
}

size_t csv_split(char *record, size_t bytes, char separator, bool quoted, struct span *cells,
                 size_t cells_max)
{
    size_t n = 0, at = 0;
    for (;;) {
        struct span cell = quoted && at < bytes && record[at] == '"'
                               ? take_quoted(record, bytes, &at)
                               : take_plain(record, bytes, separator, &at);
        if (n < cells_max) cells[n] = cell;
        n++;
        if (at == bytes) return n;
        assert(record[at] == separator);
        at++;
    }
}

const char *csv_problem(enum csv_state state)
{
    if (state == CSV_BROKEN)
        return "something follows the closing quote of a cell; double the quotes that are part of "
               "a quoted cell";
    if (state == CSV_QUOTED)
        return "the quoted cell that begins here is not closed; close it, or double the quotes "
               "that are part of it";
    return NULL;
}

static uint64_t count_lines(const char *text, size_t bytes)
{
    uint64_t n = 0;
    const char *at = text, *end = text + bytes;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        at++;
        n++;
    }
    return n;
}

int csv_next(struct csv_records *records, struct span *record, const char **problem)
{
    while (records->left.bytes > 0) {
        struct csv_scan scan = {0};
        const char *start = records->left.data;
        const bool has_lf = csv_scan(&scan, start, records->left.bytes, records->separator);
        records->line = records->n_lines + 1;
        *problem = csv_problem(scan.state);
        if (*problem) {
            records->line += count_lines(start, scan.state == CSV_BROKEN ? scan.at : scan.quote_at);
            return -1;
        }
        records->n_lines += count_lines(start, scan.at) + has_lf;
        records->left =
            (struct span){start + scan.at + has_lf, records->left.bytes - scan.at - has_lf};
        *record = (struct span){start, scan.at};
        if (record->bytes > 0 && start[record->bytes - 1] == '\r') record->bytes--;
        if (record->bytes > 0) return 1;
    }
    return 0;
}
