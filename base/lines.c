/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lines.h"

#include "base/csv.h"
#include "base/encoding.h"
#include "base/grow.h"
#include "base/utf8.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES ((size_t)256 << 10)

/* Makes room behind `end` for one read: moves what is left to the front, or doubles the memory. */
static bool make_room(struct lines *lines, struct err *err)
{
    if (lines->cap - lines->end >= lines->read_bytes) return true;
    if (lines->start > 0) {
        lines->end -= lines->start;
        memmove(lines->data, lines->data + lines->start, lines->end);
        lines->start = 0;
    }
    const size_t wanted = lines->end + lines->read_bytes;
    return grow_list(&lines->data, &lines->cap, wanted, 1) ||
           err_set(err, ERR_MEMORY, NULL, "%.200s, line %llu: no memory for %zu bytes", lines->file,
                   (unsigned long long)lines->next_number, wanted);
}

static bool read_more(struct lines *lines, struct err *err)
{
    if (!make_room(lines, err)) return false;
    ssize_t n;
    do {
        n = read(lines->fd, lines->data + lines->end, lines->read_bytes);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_set(err, ERR_IO, NULL, "%.200s cannot be read: %s", lines->file,
                       strerror(errno));
    lines->is_at_end = n == 0;
    lines->end += (size_t)n;
    lines->file_bytes_read += (uint64_t)n;
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

bool lines_open(struct lines *lines, const char *path, size_t read_bytes, struct err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    *lines = (struct lines){.file = is_stdin ? "standard input" : path,
                            .fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC),
                            .read_bytes = read_bytes ? read_bytes : READ_BYTES,
                            .next_number = 1};
    if (lines->fd < 0)
        return err_set(err, ERR_IO, NULL, "%.200s cannot be opened: %s", path, strerror(errno));
    struct stat st;
    if (fstat(lines->fd, &st) == 0 && S_ISREG(st.st_mode)) lines->file_bytes = (uint64_t)st.st_size;
    return skip_mark(lines, err);
}

void lines_close(struct lines *lines)
{
    if (lines->fd > STDIN_FILENO) close(lines->fd);
    lines->fd = -1;
    free(lines->data);
    lines->data = NULL;
}

double lines_share(const struct lines *lines)
{
    if (lines->file_bytes == 0) return 0;
    double taken = (double)(lines->file_bytes_read - (lines->end - lines->start));
    double share = taken / (double)lines->file_bytes;
    return share < 1 ? share : 1; /* the file may have grown */
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

static bool fail_too_long(const struct lines *lines, const struct csv_scan *scan, struct err *err)
{
    if (scan->state == CSV_QUOTED)
        return LINES_FAIL(lines, number_of(lines, scan->quote_at), err,
                          "the quoted cell that begins here is not closed within %zu MiB; close "
                          "it, or double the quotes that are part of it",
                          LINES_BYTES_MAX >> 20);
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
            return LINES_FAIL(lines, number_of(lines, scan.at), err, "%s", csv_problem(scan.state));
        if (scan.at > LINES_BYTES_MAX) return fail_too_long(lines, &scan, err);
        *bytes = scan.at;
        if (*has_lf) return true;
        if (lines->is_at_end) break;
        if (!read_more(lines, err)) return false;
    }
    if (scan.state != CSV_QUOTED) return true;
    return LINES_FAIL(lines, number_of(lines, scan.quote_at), err, "%s", csv_problem(scan.state));
}

static bool check_text(const struct lines *lines, struct err *err)
{
    const size_t valid =
        lines->separator ? utf8_valid_bytes(lines->text, lines->bytes) : lines->bytes;
    size_t line_start = 0;
    uint64_t number = lines->number;
    for (size_t i = 0; valid < lines->bytes && i < valid; i++) {
        if (lines->text[i] != '\n') continue;
        number++;
        line_start = i + 1;
    }
    const char *text = lines->text + line_start;
    return encoding_check_line(lines->file, number, number == 1, text, lines->bytes - line_start,
                               (size_t)(lines->data + lines->end - text), err);
}

int lines_next(struct lines *lines, struct err *err)
{
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
    return check_text(lines, err) ? 1 : -1;
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
