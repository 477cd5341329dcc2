/* SPDX-License-Identifier: Apache-2.0 */
#include "base/inflow.h"

#include "base/gunzip.h"
#include "base/unzstd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The first bytes of what comes, looked at before they are handed on. */
struct head {
    struct byte_source from;
    char bytes[5];
    size_t n, at;
};

struct inflow {
    const char *file; /* for messages */
    int fd;
    uint64_t file_bytes, n_read; /* file_bytes 0 = unknown */
    struct head packed, text;
    struct gunzip *gunzip;
    struct unzstd *unzstd;
    struct recode *recode;
    enum text_encoding encoding;
    struct byte_source last; /* what inflow_read asks */
};

static ssize_t read_fd(void *user, char *out, size_t cap, struct err *err)
{
    struct inflow *inflow = user;
    ssize_t n;
    do {
        n = read(inflow->fd, out, cap);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        err_set(err, ERR_IO, NULL, "%.200s cannot be read: %s", inflow->file, strerror(errno));
    else
        inflow->n_read += (uint64_t)n;
    return n;
}

static ssize_t read_head(void *user, char *out, size_t cap, struct err *err)
{
    struct head *head = user;
    const size_t left = head->n - head->at, n = left < cap ? left : cap;
    if (n == 0) return head->from.read(head->from.user, out, cap, err);
    memcpy(out, head->bytes + head->at, n);
    head->at += n;
    return (ssize_t)n;
}

static bool begins_with(const struct head *head, const char *mark, size_t bytes)
{
    return head->n >= bytes && memcmp(head->bytes, mark, bytes) == 0;
}

#define BEGINS_WITH(head, mark) begins_with(head, mark, sizeof mark - 1)

/* What files begin with, and what to do about those that are no text. */
static const struct {
    const char *mark;
    size_t bytes;
    const char *remedy; /* NULL: it is read */
} marks[] = {
#define MARK(mark, remedy)                                                                         \
    {                                                                                              \
        mark, sizeof mark - 1, remedy                                                              \
    }
    MARK(GUNZIP_MAGIC, NULL),
    MARK("\xEF\xBB\xBF", NULL),
    MARK("\xFF\xFE\0\0", NULL),
    MARK("\xFE\xFF", NULL),
    MARK("PK\3\4",
         "is a zip archive, as Excel's .xlsx is; save the sheet as CSV, or unpack it first"),
    MARK(UNZSTD_MAGIC, NULL),
    MARK("\xFD\x37zX", "is packed with xz; unpack it first, or pack it with zstd or gzip"),
    MARK("PAR1\x15", "is a Parquet file; write it as CSV or JSON lines first"),
#undef MARK
};

/* More bytes would tell more. Whoever writes line by line may wait for an answer. */
static bool is_open(const struct head *head)
{
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (head->n < marks[i].bytes && memcmp(head->bytes, marks[i].mark, head->n) == 0)
            return true;
    return false;
}

static bool check_mark(const struct inflow *inflow, const struct head *head, struct err *err)
{
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (marks[i].remedy && begins_with(head, marks[i].mark, marks[i].bytes))
            return err_set(err, ERR_FORMAT, NULL, "%.200s %s", inflow->file, marks[i].remedy);
    return true;
}

static bool look(struct head *head, struct byte_source from, struct err *err)
{
    head->from = from;
    while (is_open(head)) {
        const ssize_t n =
            from.read(from.user, head->bytes + head->n, sizeof head->bytes - head->n, err);
        if (n < 0) return false;
        if (n == 0) return true;
        head->n += (size_t)n;
    }
    return true;
}

/* The encoding that is asked for, held against the mark at the beginning. */
static bool take_encoding(struct inflow *inflow, enum text_encoding asked, struct err *err)
{
    const struct head *text = &inflow->text;
    const bool is_utf_32 = BEGINS_WITH(text, "\xFF\xFE\0\0");
    const enum text_encoding marked = is_utf_32                           ? TEXT_AUTO
                                      : BEGINS_WITH(text, "\xFF\xFE")     ? TEXT_UTF_16LE
                                      : BEGINS_WITH(text, "\xFE\xFF")     ? TEXT_UTF_16BE
                                      : BEGINS_WITH(text, "\xEF\xBB\xBF") ? TEXT_UTF_8
                                                                          : TEXT_AUTO;
    const bool is_utf_16 = marked == TEXT_UTF_16LE || marked == TEXT_UTF_16BE;
    inflow->encoding = asked;
    if (asked == TEXT_AUTO) inflow->encoding = is_utf_16 ? marked : TEXT_UTF_8;
    if (asked == TEXT_UTF_16 && is_utf_16) inflow->encoding = marked;
    if (inflow->encoding == TEXT_UTF_16)
        return err_set(err, ERR_FORMAT, NULL,
                       "%.200s has no byte order mark, which UTF-16 begins with; give `encoding` "
                       "utf-16le or utf-16be",
                       inflow->file);
    if (marked == TEXT_AUTO || marked == inflow->encoding) return true;
    return err_set(err, ERR_FORMAT, NULL,
                   "%.200s begins with the byte order mark of %s, so it is not %s; leave "
                   "`encoding` out",
                   inflow->file, text_encoding_names[marked],
                   text_encoding_names[inflow->encoding]);
}

/* Puts what unpacks behind what reads. */
static bool unpack(struct inflow *inflow, struct err *err)
{
    const struct byte_source from = {read_head, &inflow->packed};
    inflow->last = from;
    if (BEGINS_WITH(&inflow->packed, GUNZIP_MAGIC)) {
        inflow->gunzip = gunzip_new(from, inflow->file);
        inflow->last = (struct byte_source){gunzip_read, inflow->gunzip};
    } else if (BEGINS_WITH(&inflow->packed, UNZSTD_MAGIC)) {
        inflow->unzstd = unzstd_new(from, inflow->file);
        inflow->last = (struct byte_source){unzstd_read, inflow->unzstd};
    }
    return inflow->last.user ||
           err_set(err, ERR_MEMORY, NULL, "no memory to unpack %.200s", inflow->file);
}

/* Puts what unpacks and what recodes behind what reads. */
static bool chain(struct inflow *inflow, bool is_plain, enum text_encoding asked, struct err *err)
{
    if (!look(&inflow->packed, inflow->last, err) || !unpack(inflow, err) ||
        !look(&inflow->text, inflow->last, err) || !check_mark(inflow, &inflow->text, err))
        return false;
    inflow->last = (struct byte_source){read_head, &inflow->text};
    if (is_plain) return true;
    if (!take_encoding(inflow, asked, err)) return false;
    if (inflow->encoding == TEXT_UTF_8) return true;
    inflow->recode = recode_new(inflow->encoding, inflow->last, inflow->file, err);
    inflow->last = (struct byte_source){recode_read, inflow->recode};
    return inflow->recode != NULL;
}

struct inflow *inflow_open(const char *path, bool is_plain, enum text_encoding encoding,
                           struct err *err)
{
    const bool is_stdin = strcmp(path, "-") == 0;
    struct stat st;
    struct inflow *inflow = calloc(1, sizeof *inflow);
    if (!inflow) {
        err_set(err, ERR_MEMORY, NULL, "no memory to read %.200s", path);
        return NULL;
    }
    inflow->file = is_stdin ? "standard input" : path;
    inflow->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    inflow->encoding = TEXT_UTF_8;
    inflow->last = (struct byte_source){read_fd, inflow};
    if (inflow->fd < 0)
        err_set(err, ERR_IO, NULL, "%.200s cannot be opened: %s", path, strerror(errno));
    else if (chain(inflow, is_plain, encoding, err)) {
        if (fstat(inflow->fd, &st) == 0 && S_ISREG(st.st_mode))
            inflow->file_bytes = (uint64_t)st.st_size;
        return inflow;
    }
    inflow_close(inflow);
    return NULL;
}

ssize_t inflow_read(struct inflow *inflow, char *out, size_t cap, struct err *err)
{
    return inflow->last.read(inflow->last.user, out, cap, err);
}

enum text_encoding inflow_encoding(const struct inflow *inflow)
{
    return inflow->encoding;
}

const char *inflow_packing(const struct inflow *inflow)
{
    return inflow->gunzip ? "gzip" : inflow->unzstd ? "zstd" : NULL;
}

double inflow_share(const struct inflow *inflow, size_t n_left)
{
    if (inflow->file_bytes == 0) return 0;
    const bool is_direct = !inflow_packing(inflow) && !inflow->recode;
    const size_t n_held = inflow->packed.n - inflow->packed.at + inflow->text.n - inflow->text.at;
    const double used = (double)inflow->n_read - (is_direct ? (double)(n_left + n_held) : 0);
    const double share = used / (double)inflow->file_bytes;
    return share < 1 ? share : 1; /* the file may have grown */
}

void inflow_close(struct inflow *inflow)
{
    if (!inflow) return;
    recode_free(inflow->recode);
    gunzip_free(inflow->gunzip);
    unzstd_free(inflow->unzstd);
    if (inflow->fd > STDIN_FILENO) close(inflow->fd);
    free(inflow);
}
