/* SPDX-License-Identifier: Apache-2.0 */
/* Loaded before the C library (LD_PRELOAD) into a program under test.
 *   FAULT_CLOCK=FILE  the wall clock is wrong by as many seconds as FILE's first 8 bytes say, at
 * any moment FAULT_KILL=N      the process ends by SIGKILL before its Nth call that changes files
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

static _Atomic int64_t *wrong_s;
static atomic_long n_calls;
static long kill_at;

__attribute__((constructor)) static void prepare(void)
{
    const char *clock = getenv("FAULT_CLOCK"), *at = getenv("FAULT_KILL");
    kill_at = at ? atol(at) : 0;
    const int fd = clock ? open(clock, O_RDONLY) : -1;
    if (fd < 0) return;
    void *map = mmap(NULL, sizeof *wrong_s, PROT_READ, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED) wrong_s = map;
    close(fd);
}

/* ---- the clock ---- */

int clock_gettime(clockid_t which, struct timespec *now)
{
    const int result = (int)syscall(SYS_clock_gettime, which, now);
    if (wrong_s && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
        now->tv_sec += *wrong_s;
    return result;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *out = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

/* ---- the end ---- */

static void count(void)
{
    if (kill_at > 0 && atomic_fetch_add(&n_calls, 1) + 1 == kill_at) kill(getpid(), SIGKILL);
}

FILE *fopen(const char *path, const char *mode)
{
    if (strchr(mode, 'w')) count();
    return REAL(fopen)(path, mode);
}

int fflush(FILE *stream)
{
    count();
    return REAL(fflush)(stream);
}

int fsync(int fd)
{
    count();
    return REAL(fsync)(fd);
}

int fclose(FILE *stream)
{
    count();
    return REAL(fclose)(stream);
}

int rename(const char *from, const char *to)
{
    count();
    return REAL(rename)(from, to);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    count();
    return REAL(renameat2)(from_folder, from, to_folder, to, flags);
}

int mkdir(const char *path, mode_t mode)
{
    count();
    return REAL(mkdir)(path, mode);
}

int unlink(const char *path)
{
    count();
    return REAL(unlink)(path);
}

int rmdir(const char *path)
{
    count();
    return REAL(rmdir)(path);
}
