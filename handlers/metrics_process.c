/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/metrics_process.h"

#include "base/file.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PROC_BYTES_MAX ((size_t)1 << 20)

/* Numbers of /proc/self/stat, counted as proc(5) does: 14 utime, 15 stime, 22 starttime, 23 vsize,
   24 rss. The name in field 2 may hold anything, so counting starts after its last bracket. */
enum { STAT_FIRST = 3, STAT_UTIME = 14, STAT_STIME, STAT_START = 22, STAT_VSIZE, STAT_RSS };

static bool read_process_stat(uint64_t fields[static STAT_RSS + 1])
{
    char *text = NULL;
    size_t bytes = 0;
    if (!file_read("/proc/self/stat", PROC_BYTES_MAX, &text, &bytes, NULL)) return false;
    char *at = strrchr(text, ')');
    int field = STAT_FIRST;
    if (at) at = strchr(at, ' ');
    for (; at && field <= STAT_RSS; field++, at = strchr(at + 1, ' '))
        fields[field] = strtoull(at + 1, NULL, 10);
    free(text);
    return field > STAT_RSS;
}

/* When the machine started, in seconds since 1970; 0: not known. */
static uint64_t read_boot_time(void)
{
    char *text = NULL;
    size_t bytes = 0;
    if (!file_read("/proc/stat", PROC_BYTES_MAX, &text, &bytes, NULL)) return 0;
    const char *line = strstr(text, "\nbtime ");
    uint64_t seconds = line ? strtoull(line + strlen("\nbtime "), NULL, 10) : 0;
    free(text);
    return seconds;
}

static uint64_t count_open_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder) return 0;
    uint64_t n = 0;
    for (const struct dirent *entry; (entry = readdir(folder));)
        n += entry->d_name[0] != '.';
    closedir(folder);
    return n - 1; /* without the folder itself */
}

static void write_limit(const struct metrics_writer *w, const char *name, const char *help,
                        int resource)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0) return;
    if (limit.rlim_cur != RLIM_INFINITY) {
        metrics_write_simple(w, name, "gauge", help, limit.rlim_cur);
        return;
    }
    metrics_begin_family(w, name, "gauge", help);
    buf_printf(w->out, "%s +Inf\n", name);
}

static void write_hundredths(const struct metrics_writer *w, const char *name, uint64_t value)
{
    buf_printf(w->out, "%s %" PRIu64 ".%02" PRIu64 "\n", name, value / 100, value % 100);
}

void metrics_write_process(const struct metrics_writer *w)
{
    uint64_t fields[STAT_RSS + 1], ticks = (uint64_t)sysconf(_SC_CLK_TCK);
    if (!read_process_stat(fields)) return;
    metrics_begin_family(w, "process_cpu_seconds", "counter",
                         "User and system CPU time, in seconds.");
    write_hundredths(w, "process_cpu_seconds_total",
                     (fields[STAT_UTIME] + fields[STAT_STIME]) * 100 / ticks);
    uint64_t boot = read_boot_time();
    if (boot > 0) {
        metrics_begin_family(w, "process_start_time_seconds", "gauge",
                             "Unix time at which the process started.");
        write_hundredths(w, "process_start_time_seconds",
                         boot * 100 + fields[STAT_START] * 100 / ticks);
    }
    metrics_write_simple(w, "process_virtual_memory_bytes", "gauge", "Virtual memory, in bytes.",
                         fields[STAT_VSIZE]);
    write_limit(w, "process_virtual_memory_max_bytes", "Most virtual memory allowed.", RLIMIT_AS);
    metrics_write_simple(w, "process_resident_memory_bytes", "gauge",
                         "Resident memory, in bytes, mapped pages of the model included.",
                         fields[STAT_RSS] * (uint64_t)sysconf(_SC_PAGESIZE));
    metrics_write_simple(w, "process_open_fds", "gauge", "Open file descriptors.",
                         count_open_fds());
    write_limit(w, "process_max_fds", "Most open file descriptors allowed.", RLIMIT_NOFILE);
}
