/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that fails or is slow. Loaded before the C library (LD_PRELOAD; behind that of a
 * sanitizer) into a program under test. FAULT_DISK=FILE names a struct control, which is mapped at
 * the start, as the program may open no files later, and which a test writes at any moment.
 *
 * What the C library itself reads and writes is not seen here. So a stream's descriptor is given to
 * something that can be written no more than a broken disk, and pages of a mapped file to a file
 * that has none: these errors are the kernel's own.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))
#define PAGE 4096
#define POPULATE_READ 22 /* Linux 5.14 */

/* Also written in Python, in faults.py. */
struct control {
    atomic_int is_on;
    int error;       /* errno; 0: only slow */
    int delay_ms;    /* of each such call */
    int skip;        /* so many such calls go well first */
    atomic_int seen; /* such calls */
    char calls[108]; /* " open mmap ": those it is about */
    char path[1024]; /* of a file, or how paths begin */
};

static struct control *control;
static int nothing = -1, broken = -1;
static atomic_bool is_below[1 << 16]; /* descriptors of such files */

__attribute__((constructor)) static void prepare(void)
{
    const char *path = getenv("FAULT_DISK");
    const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    nothing = memfd_create("nothing", MFD_CLOEXEC);
    broken = open("/proc/self/mem", O_RDWR | O_CLOEXEC); /* nothing lies at its beginning */
    void *map = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED) control = map;
    close(fd);
}

/* Waits as long as the disk takes; false with errno set where it fails. */
static bool meet(const char *call)
{
    char name[32];
    if (!control || !control->is_on) return true;
    snprintf(name, sizeof name, " %s ", call);
    if (!strstr(control->calls, name)) return true;
    if (atomic_fetch_add(&control->seen, 1) < control->skip) return true;
    const struct timespec delay = {control->delay_ms / 1000, control->delay_ms % 1000 * 1000000L};
    if (control->delay_ms > 0) nanosleep(&delay, NULL);
    errno = control->error ? control->error : errno;
    return control->error == 0;
}

static bool is_there(const char *path)
{
    return control && control->is_on && control->path[0] &&
           strncmp(path, control->path, strlen(control->path)) == 0;
}

static bool meet_at(const char *call, const char *path)
{
    return !is_there(path) || meet(call);
}

static bool meet_by(const char *call, int fd)
{
    return fd < 0 || fd >= (int)(sizeof is_below) || !is_below[fd] || meet(call);
}

static int note(int fd, const char *path)
{
    if (fd >= 0 && fd < (int)sizeof is_below) is_below[fd] = is_there(path);
    return fd;
}

/* ---- files ---- */

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
    va_end(args);
    if (!meet_at("open", path)) return -1;
    return note(REAL(open)(path, flags, mode), path);
}

int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags)
{
    return open(path, flags);
}

int close(int fd)
{
    if (fd >= 0 && fd < (int)sizeof is_below) is_below[fd] = false;
    return REAL(close)(fd);
}

ssize_t read(int fd, void *data, size_t bytes)
{
    return meet_by("read", fd) ? REAL(read)(fd, data, bytes) : -1;
}

/* Whatever the log is written to. */
ssize_t write(int fd, const void *data, size_t bytes)
{
    if (fd == STDERR_FILENO && !meet("log")) return -1;
    return REAL(write)(fd, data, bytes);
}

int fsync(int fd)
{
    return meet_by("fsync", fd) ? REAL(fsync)(fd) : -1;
}

int fstat(int fd, struct stat *out)
{
    return meet_by("fstat", fd) ? REAL(fstat)(fd, out) : -1;
}

int stat(const char *restrict path, struct stat *restrict out)
{
    return meet_at("stat", path) ? REAL(stat)(path, out) : -1;
}

int lstat(const char *restrict path, struct stat *restrict out)
{
    return meet_at("lstat", path) ? REAL(lstat)(path, out) : -1;
}

int rename(const char *from, const char *to)
{
    return meet_at("rename", from) ? REAL(rename)(from, to) : -1;
}

int mkdir(const char *path, mode_t mode)
{
    return meet_at("mkdir", path) ? REAL(mkdir)(path, mode) : -1;
}

/* ---- mapped files ---- */

static void *map_as_asked(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    return (void *)syscall(SYS_mmap, at, bytes, protection, flags, fd, offset);
}

/* The one in the middle. */
static void break_page(char *map, size_t bytes)
{
    const size_t sound = bytes / 2 & ~(size_t)(PAGE - 1);
    map_as_asked(map + sound, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, nothing, 0);
}

void *mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    if (!meet_by("mmap", fd)) return MAP_FAILED;
    void *map = map_as_asked(at, bytes, protection, flags, fd, offset);
    if (map != MAP_FAILED && !meet_by("page", fd)) break_page(map, bytes);
    return map;
}

int madvise(void *at, size_t bytes, int advice)
{
    if (advice == POPULATE_READ && !meet("populate")) return -1;
    return (int)syscall(SYS_madvise, at, bytes, advice);
}

/* ---- folders ---- */

DIR *opendir(const char *path)
{
    DIR *folder = meet_at("opendir", path) ? REAL(opendir)(path) : NULL;
    if (folder) note(dirfd(folder), path);
    return folder;
}

struct dirent *readdir(DIR *folder)
{
    return meet_by("readdir", dirfd(folder)) ? REAL(readdir)(folder) : NULL;
}

int closedir(DIR *folder)
{
    is_below[dirfd(folder)] = false;
    return REAL(closedir)(folder);
}

int scandir(const char *restrict path, struct dirent ***restrict list,
            int (*wanted)(const struct dirent *),
            int (*compare)(const struct dirent **, const struct dirent **))
{
    return meet_at("scandir", path) ? REAL(scandir)(path, list, wanted, compare) : -1;
}

/* ---- streams ---- */

FILE *fopen(const char *restrict path, const char *restrict mode)
{
    FILE *stream = meet_at("fopen", path) ? REAL(fopen)(path, mode) : NULL;
    if (!stream) return NULL;
    note(fileno(stream), path);
    if (!meet_by("write", fileno(stream))) dup2(broken, fileno(stream));
    return stream;
}

int fflush(FILE *stream)
{
    if (stream && !meet_by("flush", fileno(stream))) dup2(broken, fileno(stream));
    return REAL(fflush)(stream);
}

int fclose(FILE *stream)
{
    const int fd = fileno(stream);
    const bool is_sound = meet_by("fclose", fd);
    if (fd >= 0) is_below[fd] = false;
    const int result = REAL(fclose)(stream);
    if (is_sound) return result;
    errno = control->error;
    return EOF;
}
