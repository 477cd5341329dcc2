/* SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"

#include <assert.h>
#include <string.h>

static enum cells_state start_or_plain(char c, char separator)
{
    return c == '\n' ? CELLS_END : c == separator ? CELLS_START : CELLS_PLAIN;
}

bool cells_scan(struct cells_scan *scan, const char *record, size_t bytes, char separator)
{
    enum cells_state state = scan->state;
    assert(state != CELLS_END && state != CELLS_BROKEN && scan->at <= bytes);
    for (; scan->at < bytes; scan->at++) {
        char c = record[scan->at];
        if (state == CELLS_QUOTED) {
            if (c == '"') state = CELLS_QUOTE;
        } else if (state == CELLS_START && c == '"') {
            state = CELLS_QUOTED;
            scan->quote_at = scan->at;
        } else if (state == CELLS_QUOTE && c == '"') {
            state = CELLS_QUOTED;
        } else if (state == CELLS_QUOTE && c == '\r') {
            state = CELLS_CR;
        } else if ((state == CELLS_QUOTE && c != separator && c != '\n') ||
                   (state == CELLS_CR && c != '\n')) {
            state = CELLS_BROKEN;
        } else {
            state = start_or_plain(c, separator);
        }
        if (state == CELLS_END || state == CELLS_BROKEN) break;
    }
    scan->state = state;
    return state == CELLS_END || state == CELLS_BROKEN;
}

char cells_find_separator(const char *line, size_t bytes)
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

size_t cells_split(char *record, size_t bytes, char separator, bool quoted, struct span *cells,
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
