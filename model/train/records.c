/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/records.h"

#include "base/csv.h"
#include "base/encoding.h"
#include "base/utf8.h"
#include "base/csv.h"
#include "model/train/labelled.h"
#include "model/train/labelled_types.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES ((size_t)256 << 10)

/* Makes room behind `end` for one read: moves what is left to the front, or doubles the memory. */
static bool make_room(struct records *records, struct err *err)
{
    if (records->cap - records->end >= records->read_bytes) return true;
    if (records->start > 0) {
        records->end -= records->start;
        memmove(records->data, records->data + records->start, records->end);
        records->start = 0;
    }
    if (records->cap - records->end >= records->read_bytes) return true;
    size_t cap = 2 * (records->cap ? records->cap : records->read_bytes);
    char *data = realloc(records->data, cap);
    if (!data) {
        return err_set(err, ERR_MEMORY, NULL, "%.200s, line %llu: no memory for %zu bytes",
                       records->file, (unsigned long long)records->next_line, cap);
    }
    records->data = data;
    records->cap = cap;
    return true;
}

static bool read_more(struct records *records, struct err *err)
{
    if (!make_room(records, err)) return false;
    ssize_t n;
    do {
        n = read(records->fd, records->data + records->end, records->read_bytes);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return err_set(err, ERR_IO, NULL, "%.200s cannot be read: %s", records->file,
                       strerror(errno));
    }
    records->is_at_end = n == 0;
    records->end += (size_t)n;
    records->file_bytes_read += (uint64_t)n;
    return true;
}

bool records_open(struct records *records, const char *path, size_t read_bytes, struct err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    *records = (struct records){.file = is_stdin ? "standard input" : path,
                                .fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC),
                                .read_bytes = read_bytes ? read_bytes : READ_BYTES,
                                .next_line = 1};
    if (records->fd < 0)
        return err_set(err, ERR_IO, NULL, "%.200s cannot be opened: %s", path, strerror(errno));
    struct stat st;
    if (fstat(records->fd, &st) == 0 && S_ISREG(st.st_mode))
        records->file_bytes = (uint64_t)st.st_size;
    while (records->end < 3 && !records->is_at_end) {
        if (!read_more(records, err)) return false;
    }
    records->start = utf8_mark_bytes(records->data, records->end);
    return true;
}

void records_close(struct records *records)
{
    if (records->fd > STDIN_FILENO) close(records->fd);
    records->fd = -1;
    free(records->data);
    records->data = NULL;
}

double records_share(const struct records *records)
{
    if (records->file_bytes == 0) return 0;
    double taken = (double)(records->file_bytes_read - (records->end - records->start));
    double share = taken / (double)records->file_bytes;
    return share < 1 ? share : 1; /* the file may have grown */
}

/* The line of byte `at` of the next record. */
static uint64_t line_of(const struct records *records, size_t at)
{
    const char *from = records->data + records->start, *end = from + at;
    uint64_t line = records->next_line;
    while ((from = memchr(from, '\n', (size_t)(end - from))) != NULL) {
        from++;
        line++;
    }
    return line;
}

static bool scan_line(struct csv_scan *scan, const char *line, size_t bytes)
{
    const char *lf = bytes > scan->at ? memchr(line + scan->at, '\n', bytes - scan->at) : NULL;
    scan->at = lf ? (size_t)(lf - line) : bytes;
    scan->state = lf ? CSV_END : CSV_PLAIN;
    return lf != NULL;
}

static bool fail_too_long(const struct records *records, const struct csv_scan *scan,
                          struct err *err)
{
    if (scan->state == CSV_QUOTED) {
        return RECORDS_FAIL(records, line_of(records, scan->quote_at), err,
                            "the quoted cell that begins here is not closed within %zu MiB; close "
                            "it, or double the quotes that are part of it",
                            LABELLED_RECORD_BYTES_MAX >> 20);
    }
    return RECORDS_FAIL(records, records->next_line, err,
                        "longer than %zu MiB; one text and its labels are expected in a row",
                        LABELLED_RECORD_BYTES_MAX >> 20);
}

/* Finds how many bytes the next record has, and whether an LF follows; reads on until it is whole.
 */
static bool find_end(struct records *records, size_t *bytes, bool *has_lf, struct err *err)
{
    struct csv_scan scan = {0};
    for (;;) {
        size_t left = records->end - records->start;
        const char *record = records->data + records->start;
        *has_lf = records->separator ? csv_scan(&scan, record, left, records->separator)
                                     : scan_line(&scan, record, left);
        if (scan.state == CSV_BROKEN) {
            return RECORDS_FAIL(records, line_of(records, scan.at), err, "%s",
                                csv_problem(scan.state));
        }
        if (scan.at > LABELLED_RECORD_BYTES_MAX) return fail_too_long(records, &scan, err);
        *bytes = scan.at;
        if (*has_lf) return true;
        if (records->is_at_end) break;
        if (!read_more(records, err)) return false;
    }
    if (scan.state != CSV_QUOTED) return true;
    return RECORDS_FAIL(records, line_of(records, scan.quote_at), err, "%s",
                        csv_problem(scan.state));
}

static bool check_text(const struct records *records, struct err *err)
{
    const size_t valid = utf8_valid_bytes(records->text, records->bytes);
    size_t line_start = 0;
    uint64_t line = records->line;
    for (size_t i = 0; valid < records->bytes && i < valid; i++) {
        if (records->text[i] != '\n') continue;
        line++;
        line_start = i + 1;
    }
    const char *text = records->text + line_start;
    return encoding_check_line(records->file, line, line == 1, text, records->bytes - line_start,
                               (size_t)(records->data + records->end - text), err);
}

int records_next(struct records *records, struct err *err)
{
    do {
        bool has_lf;
        if (!find_end(records, &records->bytes, &has_lf, err)) return -1;
        if (records->bytes == 0 && !has_lf) return 0;
        records->text = records->data + records->start;
        records->line = records->next_line;
        records->next_line = line_of(records, records->bytes) + has_lf;
        records->record_start = records->start;
        records->start += records->bytes + has_lf;
        if (records->bytes > 0 && records->text[records->bytes - 1] == '\r') records->bytes--;
    } while (records->bytes == 0);
    return check_text(records, err) ? 1 : -1;
}

void records_put_back(struct records *records)
{
    assert(records->record_start <= records->start);
    records->start = records->record_start;
    records->next_line = records->line;
}
