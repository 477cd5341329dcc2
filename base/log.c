/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "base/numtext.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* PIPE_BUF on Linux: a pipe takes so much whole or, when it does not wait, not at all. */
#define LINE_BYTES 4096
#define MESSAGE_BYTES 2048

/* How a line leaves without waiting. O_NONBLOCK is no property of a file descriptor but of what it
   shares with others (the shell's terminal, our standard output), so it must not be set on 2. */
enum way {
    WAY_WRITE,  /* regular files: they wait for nobody but their disk */
    WAY_REOPEN, /* pipes and terminals, opened a second time with O_NONBLOCK */
    WAY_SEND,   /* sockets: MSG_DONTWAIT */
    WAY_POLL,   /* those that could not be reopened: ask first; another writer may come between */
};

static struct {
    _Atomic enum log_level level;
    atomic_bool access;
    enum way way;
    int fd;
} settings = {.level = LOG_LEVEL_INFO, .way = WAY_POLL, .fd = STDERR_FILENO};

static _Atomic uint64_t dropped_count, reported_count;
static atomic_bool is_torn; /* only a part of the last line was written */

/* A disk that takes so long for a line is slow. For nine times as long as that took, up to a limit,
   no lines of requests are written, so that they wait for it a tenth of the time at most. */
#define SLOW_NS 100000000u
#define QUIET_NS_MAX 10000000000u
static _Atomic uint64_t slow_until_ns;

void log_set(enum log_level level, bool access)
{
    atomic_store_explicit(&settings.level, level, memory_order_relaxed);
    atomic_store_explicit(&settings.access, access, memory_order_relaxed);
}

void log_init(enum log_level level, bool access)
{
    log_set(level, access);
    if (settings.fd != STDERR_FILENO) close(settings.fd);
    settings.fd = STDERR_FILENO;
    settings.way = WAY_POLL;
    struct stat st;
    if (fstat(STDERR_FILENO, &st) != 0) return;
    if (S_ISREG(st.st_mode)) settings.way = WAY_WRITE;
    if (S_ISSOCK(st.st_mode)) settings.way = WAY_SEND;
    if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode)) return;
    int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) return;
    settings.fd = fd;
    settings.way = WAY_REOPEN;
}

static bool send_line(const char *line, size_t bytes)
{
    struct pollfd ask = {.fd = settings.fd, .events = POLLOUT};
    ssize_t sent;
    do {
        if (settings.way == WAY_POLL && poll(&ask, 1, 0) != 1) return false;
        sent = settings.way == WAY_SEND
                   ? send(settings.fd, line, bytes, MSG_DONTWAIT | MSG_NOSIGNAL)
                   : write(settings.fd, line, bytes);
    } while (sent < 0 && errno == EINTR);
    if (sent > 0 && sent < (ssize_t)bytes) atomic_store(&is_torn, true);
    return sent == (ssize_t)bytes;
}

/* ---- building a line ---- */

struct line {
    char text[LINE_BYTES];
    size_t bytes;
};

static void add(struct line *line, const char *text)
{
    size_t bytes = strlen(text), room = sizeof line->text - line->bytes;
    if (bytes > room) bytes = room;
    memcpy(line->text + line->bytes, text, bytes);
    line->bytes += bytes;
}

/* A quoted string of at most `cap` bytes; room for the rest of the line is the caller's care. */
static void add_string(struct line *line, const char *text, size_t cap)
{
    size_t used;
    add(line, "\"");
    line->bytes += json_escape(line->text + line->bytes, cap, text, strlen(text), &used);
    add(line, "\"");
}

static void add_number(struct line *line, const char *key, uint64_t value)
{
    add(line, key);
    line->bytes += numtext_u64(line->text + line->bytes, value);
}

/* The date changes once a second: made once for each thread and second. */
static void add_time(struct line *line)
{
    static _Thread_local time_t made_for = -1;
    static _Thread_local char date[32];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != made_for) {
        struct tm tm;
        gmtime_r(&now.tv_sec, &tm);
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
        made_for = now.tv_sec;
    }
    char fraction[24];
    snprintf(fraction, sizeof fraction, ".%06ldZ", now.tv_nsec / 1000);
    add(line, "{\"time\":\"");
    add(line, date);
    add(line, fraction);
}

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static void build_message(struct line *line, enum log_level level, const char *message)
{
    line->bytes = 0;
    add_time(line);
    add(line, "\",\"level\":\"");
    add(line, level_names[level]);
    add(line, "\",\"message\":");
    add_string(line, message, LINE_BYTES - 128);
    add(line, "}\n");
}

/* ---- writing it ---- */

/* Says how many lines are missing, before a line that may get through. */
static bool report_dropped(void)
{
    uint64_t reported = atomic_load_explicit(&reported_count, memory_order_relaxed);
    uint64_t dropped = atomic_load_explicit(&dropped_count, memory_order_relaxed);
    if (dropped == reported) return true;
    /* Of several threads the one that moves the mark writes the line. */
    if (!atomic_compare_exchange_strong(&reported_count, &reported, dropped)) return true;
    char message[128];
    struct line line;
    snprintf(message, sizeof message,
             "%llu log lines were dropped because standard error did not take them in time",
             (unsigned long long)(dropped - reported));
    build_message(&line, LOG_LEVEL_WARN, message);
    if (send_line(line.text, line.bytes)) return true;
    atomic_fetch_sub(&reported_count, dropped - reported);
    return false;
}

/* Where a disk was full in the middle of a line, what comes next is a line of its own. */
static void end_torn_line(void)
{
    if (!atomic_load_explicit(&is_torn, memory_order_relaxed)) return;
    if (atomic_exchange(&is_torn, false) && !send_line("\n", 1)) atomic_store(&is_torn, true);
}

static void drop_line(void)
{
    atomic_fetch_add_explicit(&dropped_count, 1, memory_order_relaxed);
}

static void write_line(const struct line *line)
{
    end_torn_line();
    if (report_dropped() && send_line(line->text, line->bytes)) return;
    drop_line();
}

static bool is_disk_slow(void)
{
    const uint64_t until_ns = atomic_load_explicit(&slow_until_ns, memory_order_relaxed);
    return until_ns > 0 && clock_now_ns() < until_ns;
}

/* One of many. */
static void write_timed(const struct line *line)
{
    const uint64_t start_ns = clock_now_ns();
    write_line(line);
    const uint64_t end_ns = clock_now_ns(), took_ns = end_ns - start_ns;
    if (took_ns < SLOW_NS) return;
    const uint64_t quiet_ns = took_ns < QUIET_NS_MAX / 9 ? 9 * took_ns : QUIET_NS_MAX;
    atomic_store_explicit(&slow_until_ns, end_ns + quiet_ns, memory_order_relaxed);
}

static void log_message(enum log_level level, const char *fmt, va_list args)
{
    if (level > settings.level) return;
    char message[MESSAGE_BYTES];
    struct line line;
    if (vsnprintf(message, sizeof message, fmt, args) < 0) return;
    build_message(&line, level, message);
    write_line(&line);
}

__attribute__((format(printf, 2, 3))) static void log_at(enum log_level level, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_message(level, fmt, args);
    va_end(args);
}

void log_error(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_message(LOG_LEVEL_ERROR, fmt, args);
    va_end(args);
}

void log_warn(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_message(LOG_LEVEL_WARN, fmt, args);
    va_end(args);
}

void log_info(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_message(LOG_LEVEL_INFO, fmt, args);
    va_end(args);
}

void log_debug(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_message(LOG_LEVEL_DEBUG, fmt, args);
    va_end(args);
}

#define RARELY_NS 60000000000u

void log_rarely(struct log_gate *gate, enum log_level level, const char *fmt, ...)
{
    char message[MESSAGE_BYTES];
    va_list args;
    uint64_t now_ns = clock_now_ns(), quiet_until_ns = atomic_load(&gate->quiet_until_ns);
    const bool is_quiet =
        now_ns < quiet_until_ns ||
        !atomic_compare_exchange_strong(&gate->quiet_until_ns, &quiet_until_ns, now_ns + RARELY_NS);
    va_start(args, fmt);
    if (is_quiet) {
        atomic_fetch_add(&gate->n_missed, 1);
        log_message(LOG_LEVEL_DEBUG, fmt, args);
    } else if (vsnprintf(message, sizeof message, fmt, args) < 0) {
        *message = '\0';
    }
    va_end(args);
    if (is_quiet) return;
    uint64_t n_missed = atomic_exchange(&gate->n_missed, 0);
    char tail[80] = "";
    if (n_missed > 0)
        snprintf(tail, sizeof tail, "; and %llu times more since this was last said",
                 (unsigned long long)n_missed);
    log_at(level, "%s%s", message, tail);
}

bool log_access_enabled(void)
{
    return settings.access;
}

static void add_field(struct line *line, const char *key, const char *value)
{
    add(line, key);
    add_string(line, value ? value : "", 512);
}

/* `n` characters that need no escape. */
static void add_digits(struct line *line, const char *key, const char *digits, size_t n)
{
    add(line, key);
    memcpy(line->text + line->bytes, digits, n);
    line->bytes += n;
    add(line, "\"");
}

void log_access(const struct log_request *request)
{
    if (!settings.access) return;
    if (is_disk_slow()) {
        drop_line();
        return;
    }
    struct line line;
    line.bytes = 0;
    add_time(&line);
    add_field(&line,
              "\",\"level\":\"info\",\"message\":\"request\",\"request_id\":", request->request_id);
    add_field(&line, ",\"client\":", request->client);
    add_field(&line, ",\"method\":", request->method);
    add_field(&line, ",\"route\":", request->route);
    if (request->key) add_field(&line, ",\"key\":", request->key);
    if (request->model) add_field(&line, ",\"model\":", request->model);
    add_number(&line, ",\"status\":", request->status);
    if (request->reason) add_field(&line, ",\"reason\":", request->reason);
    add_number(&line, ",\"inputs\":", request->inputs);
    add_number(&line, ",\"tokens\":", request->tokens);
    add_number(&line, ",\"duration_us\":", request->duration_us);
    add_number(&line, ",\"bytes\":", request->bytes);
    if (request->trace_id) {
        add_digits(&line, ",\"trace_id\":\"", request->trace_id, 32);
        add_digits(&line, ",\"span_id\":\"", request->span, 16);
    }
    add(&line, "}\n");
    if (settings.way == WAY_WRITE)
        write_timed(&line);
    else
        write_line(&line);
}

uint64_t log_dropped_count(void)
{
    return atomic_load_explicit(&dropped_count, memory_order_relaxed);
}
