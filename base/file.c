/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "base/grow.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_process_confined; /* before there is another thread */

void file_say_confined(void)
{
    is_process_confined = true;
}

/* Fills err from errno, which it leaves as it is. */
static bool fail(struct err *err, const char *path, const char *what)
{
    int reason = errno;
    const bool is_confined = reason == EACCES && is_process_confined;
    err_set(err, ERR_IO, NULL, "cannot %s '%s': %s%s", what, path, strerror(reason),
            is_confined ? " (confined: the process may read only what its settings named when it "
                          "started; confine-read names more)"
                        : "");
    errno = reason;
    return false;
}

static bool fail_with(struct err *err, const char *path, const char *what, int reason)
{
    errno = reason;
    return fail(err, path, what);
}

/* Opens `path`; a folder opens too, but is refused here rather than by a puzzling read error. */
static int open_file(const char *path, int flags, struct stat *st, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    if (fd < 0) {
        fail(err, path, "open");
        return -1;
    }
    if (fstat(fd, st) == 0 && !S_ISDIR(st->st_mode)) return fd;
    if (S_ISDIR(st->st_mode)) errno = EISDIR;
    fail(err, path, "read");
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

/* Reads until the end or until `cap` bytes are there; -1 with errno set. */
static ssize_t read_up_to(int fd, char *data, size_t cap)
{
    size_t bytes = 0;
    while (bytes < cap) {
        ssize_t got = read(fd, data + bytes, cap - bytes);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        bytes += (size_t)got;
    }
    return (ssize_t)bytes;
}

/* The size is only a hint: a pipe has none, and a file may grow while it is read. */
static bool read_all(int fd, size_t hint, size_t bytes_max, char **data, size_t *bytes)
{
    size_t cap = hint < bytes_max ? hint : bytes_max, have = 0;
    char *block = NULL;
    for (;;) {
        if (!grow_to(&block, cap + 2, 1)) break;
        ssize_t got = read_up_to(fd, block + have, cap + 1 - have);
        if (got < 0) break;
        have += (size_t)got;
        if (have <= cap) {
            block[have] = '\0';
            *data = block;
            *bytes = have;
            return true;
        }
        if (cap == bytes_max) {
            errno = EFBIG;
            break;
        }
        cap = cap < bytes_max / 2 && cap < 4096 ? 4096 : cap * 2;
        if (cap > bytes_max) cap = bytes_max;
    }
    int reason = errno;
    free(block);
    errno = reason;
    return false;
}

bool file_read(const char *path, size_t bytes_max, char **data, size_t *bytes, struct err *err)
{
    *data = NULL;
    *bytes = 0;
    struct stat st = {0};
    /* A named pipe that nobody writes to is empty and not waited for; of one that has a writer all
       is read. */
    int fd = open_file(path, O_NONBLOCK, &st, err);
    if (fd < 0) return false;
    fcntl(fd, F_SETFL, O_RDONLY);
    bool done = read_all(fd, (size_t)st.st_size, bytes_max, data, bytes);
    int reason = errno;
    close(fd);
    if (done) return true;
    if (reason != EFBIG) return fail_with(err, path, "read", reason);
    err_set(err, ERR_IO, NULL, "'%s' is too large: at most %zu bytes are read", path, bytes_max);
    errno = reason;
    return false;
}

static struct file_mark mark_of(const struct stat *st)
{
    return (struct file_mark){
        .device = (uint64_t)st->st_dev,
        .inode = (uint64_t)st->st_ino,
        .bytes = (uint64_t)st->st_size,
        .modified_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
    };
}

bool file_map(const char *path, const char **data, size_t *bytes, struct file_mark *mark,
              struct err *err)
{
    *data = NULL;
    *bytes = 0;
    struct stat st = {0};
    /* O_NONBLOCK: a named pipe must not hold us up before it is seen to be one. */
    int fd = open_file(path, O_NONBLOCK, &st, err);
    if (fd < 0) return false;
    void *map = MAP_FAILED;
    errno = ENODEV;
    if (S_ISREG(st.st_mode) && st.st_size == 0)
        map = NULL;
    else if (S_ISREG(st.st_mode))
        map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    int reason = errno;
    close(fd);
    if (map == MAP_FAILED) return fail_with(err, path, "map", reason);
    *data = map ? map : ""; /* mmap refuses a length of 0 */
    *bytes = (size_t)st.st_size;
    if (mark) *mark = mark_of(&st);
    return true;
}

enum file_state file_look(const char *path, const struct file_mark *mark)
{
    struct stat st;
    if (stat(path, &st) != 0) return FILE_AS_IT_WAS;
    const struct file_mark now = mark_of(&st);
    if (now.device != mark->device || now.inode != mark->inode) return FILE_AS_IT_WAS;
    if (now.bytes < mark->bytes) return FILE_CUT;
    const bool is_same = now.bytes == mark->bytes && now.modified_ns == mark->modified_ns;
    return is_same ? FILE_AS_IT_WAS : FILE_WRITTEN;
}

bool file_stat(const char *path, struct stat *info, struct err *err)
{
    if (stat(path, info) == 0) return true;
    *info = (struct stat){0};
    return errno == ENOENT || errno == ENOTDIR || fail(err, path, "look at");
}

const struct dirent *file_next_entry(void *folder)
{
    errno = 0;
    return readdir(folder);
}

void file_read_ahead(const char *data, size_t bytes, bool is_on)
{
    if (bytes > 0) madvise((void *)(uintptr_t)data, bytes, is_on ? MADV_NORMAL : MADV_RANDOM);
}

/* Linux 5.14; the C library's headers may be older. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

bool file_warm(const char *data, size_t bytes, size_t at_once_max)
{
    void *at = (void *)(uintptr_t)data;
    if (bytes == 0) return true;
    if (bytes <= at_once_max) {
        if (madvise(at, bytes, MADV_POPULATE_READ) == 0) return true;
        /* Who read that page would get SIGBUS. */
        if (errno == EFAULT || errno == EHWPOISON) return false;
    }
    madvise(at, bytes, MADV_WILLNEED);
    return true;
}

size_t file_path_bytes(const char *path)
{
    size_t bytes = strlen(path);
    while (bytes > 1 && path[bytes - 1] == '/')
        bytes--;
    return bytes;
}

void file_unmap(const char *data, size_t bytes)
{
    if (data && bytes > 0) munmap((void *)(uintptr_t)data, bytes);
}
