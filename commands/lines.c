/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/lines.h"

#include "base/encoding.h"
#include "base/utf8.h"
#include "commands/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES ((size_t)256 << 10)

static char standard_input[] = "-";
static char *only_standard_input[] = {standard_input};

void lines_init(struct lines *lines, char **files, int n)
{
    memset(lines, 0, sizeof(*lines));
    lines->files = n > 0 ? files : only_standard_input;
    lines->n_files = n > 0 ? n : 1;
    lines->fd = -1;
}

void lines_close(struct lines *lines)
{
    if (lines->fd > STDIN_FILENO) close(lines->fd);
    lines->fd = -1;
    free(lines->data);
    lines->data = NULL;
}

static bool open_next(struct lines *lines, struct err *err)
{
    const char *path = lines->files[lines->next_file++];
    bool is_stdin = strcmp(path, "-") == 0;
    lines->file = is_stdin ? "standard input" : path;
    lines->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (lines->fd < 0)
        return err_set(err, ERR_IO, NULL, "%s cannot be opened: %s", path, strerror(errno));
    struct stat st;
    lines->file_bytes =
        fstat(lines->fd, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    lines->file_bytes_read = 0;
    lines->number = 0;
    lines->start = lines->end = 0;
    lines->is_at_end = false;
    return true;
}

/* Makes room behind `end`: moves what is left to the front, or doubles the memory. */
static bool make_room(struct lines *lines, struct err *err)
{
    size_t left = lines->end - lines->start;
    if (left > LINES_BYTES_MAX) {
        return err_set(err, ERR_FORMAT, NULL,
                       "%s, line %llu: longer than %zu bytes; a text a line is expected",
                       lines->file, (unsigned long long)lines->number + 1, LINES_BYTES_MAX);
    }
    if (lines->start > 0) {
        memmove(lines->data, lines->data + lines->start, left);
        lines->start = 0;
        lines->end = left;
    }
    if (lines->cap - lines->end >= READ_BYTES) return true;
    size_t cap = lines->cap ? 2 * lines->cap : 2 * READ_BYTES;
    char *data = realloc(lines->data, cap);
    if (!data) {
        return err_set(err, ERR_MEMORY, NULL, "%s, line %llu: no memory for %zu bytes", lines->file,
                       (unsigned long long)lines->number + 1, cap);
    }
    lines->data = data;
    lines->cap = cap;
    return true;
}

static bool read_more(struct lines *lines, struct err *err)
{
    if (!make_room(lines, err)) return false;
    ssize_t n;
    do {
        n = read(lines->fd, lines->data + lines->end, lines->cap - lines->end);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_set(err, ERR_IO, NULL, "%s cannot be read: %s", lines->file, strerror(errno));
    bool is_first = lines->file_bytes_read == 0 && lines->number == 0;
    lines->is_at_end = n == 0;
    lines->end += (size_t)n;
    lines->file_bytes_read += (uint64_t)n;
    if (is_first) lines->start += utf8_mark_bytes(lines->data, (size_t)n);
    if (lines->file_bytes) {
        double of_file = (double)lines->file_bytes_read / (double)lines->file_bytes;
        lines->share = (lines->next_file - 1 + (of_file < 1 ? of_file : 1)) / lines->n_files;
    }
    return true;
}

bool lines_has_next(const struct lines *lines)
{
    const size_t left = lines->end - lines->start;
    return left > 0 && memchr(lines->data + lines->start, '\n', left);
}

static bool check_text(struct lines *lines, struct err *err)
{
    return encoding_check_line(lines->file, lines->number, lines->number == 1, lines->text,
                               lines->bytes, (size_t)(lines->data + lines->end - lines->text), err);
}

/* Hands out the next `bytes` bytes as a line; `end_bytes` behind them are its LF. */
static void take_line(struct lines *lines, size_t bytes, size_t end_bytes)
{
    lines->text = lines->data + lines->start;
    lines->bytes = bytes;
    if (end_bytes > 0 && bytes > 0 && lines->text[bytes - 1] == '\r') lines->bytes--;
    lines->start += bytes + end_bytes;
    lines->number++;
    lines->total++;
}

int lines_next(struct lines *lines, struct err *err)
{
    size_t seen = 0; /* bytes of the line that hold no LF */
    for (;;) {
        if (lines->fd < 0) {
            if (lines->next_file == lines->n_files) return 0;
            if (!open_next(lines, err)) return -1;
        }
        size_t left = lines->end - lines->start;
        char *lf =
            left > seen ? memchr(lines->data + lines->start + seen, '\n', left - seen) : NULL;
        if (lf) {
            take_line(lines, (size_t)(lf - (lines->data + lines->start)), 1);
            return check_text(lines, err) ? 1 : -1;
        }
        seen = left;
        if (!lines->is_at_end) {
            if (!read_more(lines, err)) return -1;
            continue;
        }
        if (lines->fd > STDIN_FILENO) close(lines->fd);
        lines->fd = -1;
        if (left > 0) {
            take_line(lines, left, 0);
            return check_text(lines, err) ? 1 : -1;
        }
    }
}

bool lines_each(struct lines *lines, bool (*take)(void *user, struct err *err), void *user,
                bool shows_progress, struct err *err)
{
    struct progress progress;
    progress_start(&progress, shows_progress);
    int step;
    while ((step = lines_next(lines, err)) > 0) {
        if (!take(user, err)) {
            step = -1;
            break;
        }
        progress_show(&progress, lines->total, lines->share);
    }
    progress_end(&progress);
    return step == 0;
}
