/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file openload.c
 * Open-loop load: requests arrive when a Poisson process says so, whether or not earlier ones have
 * been answered, and a latency runs from the moment the request was due. So a server that stalls is
 * charged for everybody who would have come meanwhile (no coordinated omission).
 *
 *     openload [--rate N] [--share F] [--seconds N] [--warmup N] [--connections N] [--seed N]
 *              [--max-queue N] [--patience MS] [--batch-texts N] PORT PATH SMALL BATCH
 *
 * SMALL and BATCH are files of bodies, one a line; each arrival is a batch with probability
 * `share`, and counts as `batch-texts` texts.
 * `--rate 0` is a closed loop: every connection always has a request under way; its rate is what
 * the server can do. One thread, keep-alive connections to 127.0.0.1, one request at a time on
 * each; arrivals wait their turn where all are busy, at most `max-queue` of them: others are never
 * sent.
 *
 * 200 is an accepted request, 429 and 503 a refused one, all else is a failure. Refusals are also
 * timed from the moment their first byte was sent to that at which the kernel had the reply, when
 * this program may not have got to it yet. With `patience`, what has not been answered so
 * long after it was due is lost: where it has not been sent it never is, and a later reply counts
 * for nothing. Connections that the server closes are opened anew. Prints one JSON object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BODIES_MAX 4096
#define CONNECTIONS_MAX 4096
#define LATENCIES_MAX (4 << 20)
#define HEAD_BYTES_MAX 8192
#define DRAIN_NS 5000000000u

enum kind { SMALL, BATCH, KINDS };
enum status { OK, TOO_MANY, UNAVAILABLE, OTHER, STATUSES };

struct bodies {
    char *requests[BODIES_MAX]; /* head and body, ready to send */
    size_t bytes[BODIES_MAX];
    size_t n;
};

struct latencies {
    uint64_t *ns;
    size_t n;
};

struct arrival {
    uint64_t due_ns;
    enum kind kind;
};

struct connection {
    int fd;
    bool is_busy;     /* with a request: until its reply has come and all of it is sent */
    bool is_answered; /* the request is */
    bool is_closing;  /* the server said so */
    struct arrival arrival;
    uint64_t sent_ns, came_ns; /* the request's first byte, the end of the reply's head */
    enum status status;
    const char *request; /* what is left to send */
    size_t request_bytes;
    char head[HEAD_BYTES_MAX + 1];
    size_t head_bytes;
    bool has_head;
    uint64_t body_left;
};

static struct {
    double rate, share, seconds, warmup, batch_texts;
    uint64_t patience_ns;
    size_t queue_max;
    int n_connections;
} options = {.rate = 1000,
             .seconds = 5,
             .warmup = 1,
             .batch_texts = 256,
             .patience_ns = UINT64_MAX,
             .queue_max = LATENCIES_MAX,
             .n_connections = 32};

static struct sockaddr_in address = {.sin_family = AF_INET};
static struct bodies bodies[KINDS];
static struct latencies accepted[KINDS], refused, refused_read, refused_since_due, lateness;
static struct connection connections[CONNECTIONS_MAX];
static int idle[CONNECTIONS_MAX], n_idle;
static struct arrival *queue; /* a ring of LATENCIES_MAX: [queue_head, queue_tail) */
static size_t queue_head, queue_tail;
static uint64_t start_ns;
static uint64_t n_sent, n_done, n_by_status[STATUSES]; /* in all */
static uint64_t n_cut;      /* requests whose connection ended before their reply */
static uint64_t n_reopened; /* connections, others than those */
static uint64_t n_unsent;   /* too many waited */
static uint64_t n_lost;     /* not answered in time */
static uint64_t due_in_window, sent_in_window, done_in_window[KINDS], refused_in_window;
static uint64_t seed = 88172645463325252u;
static int epoll_fd;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "openload: %s: %s\n", what, why);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* xorshift64*: (0, 1]. */
static double random_unit(void)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (double)((seed * 2685821657736338717u >> 11) + 1) / 9007199254740992.0;
}

static void read_bodies(struct bodies *into, const char *file, const char *path)
{
    FILE *in = fopen(file, "rb");
    if (!in) die(file, strerror(errno));
    char *line = NULL;
    size_t cap = 0;
    ssize_t bytes;
    while (into->n < BODIES_MAX && (bytes = getline(&line, &cap, in)) > 0) {
        if (line[bytes - 1] == '\n') line[--bytes] = 0;
        int n = asprintf(&into->requests[into->n],
                         "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                         "Content-Length: %zd\r\n\r\n%s",
                         path, bytes, line);
        if (n < 0) die(file, "no memory");
        into->bytes[into->n++] = (size_t)n;
    }
    free(line);
    fclose(in);
    if (into->n == 0) die(file, "holds no bodies");
}

static void keep(struct latencies *latency, uint64_t ns)
{
    if (latency->n < LATENCIES_MAX) latency->ns[latency->n++] = ns;
}

static bool in_window(uint64_t at_ns)
{
    double s = (double)(at_ns - start_ns) / 1e9 - options.warmup;
    return s >= 0 && s < options.seconds;
}

static bool is_too_late(const struct arrival *arrival, uint64_t at_ns)
{
    return at_ns - arrival->due_ns > options.patience_ns;
}

static void watch(struct connection *c, uint32_t events, int what)
{
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(epoll_fd, what, c->fd, &event) != 0) die("epoll", strerror(errno));
}

static void connect_to_server(struct connection *c, int flags)
{
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (c->fd < 0) die("socket", strerror(errno));
    if (connect(c->fd, (struct sockaddr *)&address, sizeof(address)) != 0 && errno != EINPROGRESS)
        die("connect", strerror(errno));
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(c->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
    watch(c, EPOLLIN, EPOLL_CTL_ADD);
}

static void reopen(struct connection *c)
{
    close(c->fd);
    c->is_closing = false;
    c->request_bytes = 0;
    connect_to_server(c, SOCK_NONBLOCK);
}

static void send_more(struct connection *c)
{
    while (c->request_bytes > 0) {
        ssize_t n = send(c->fd, c->request, c->request_bytes, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            return;
        }
        if (n < 0 && errno != EPIPE && errno != ECONNRESET) die("send", strerror(errno));
        /* Where it is closed, receive() sees whether a reply came first. */
        c->request += n < 0 ? 0 : n;
        c->request_bytes -= n < 0 ? c->request_bytes : (size_t)n;
    }
}

static void start_request(struct connection *c, struct arrival arrival)
{
    struct bodies *from = &bodies[arrival.kind];
    size_t which = (size_t)(random_unit() * (double)from->n) % from->n;
    c->is_busy = true;
    c->is_answered = false;
    c->arrival = arrival;
    c->request = from->requests[which];
    c->request_bytes = from->bytes[which];
    c->head_bytes = 0;
    c->has_head = false;
    c->sent_ns = now_ns();
    n_sent++;
    if (in_window(c->sent_ns)) sent_in_window++;
    send_more(c);
}

static enum kind next_kind(void)
{
    return random_unit() <= options.share ? BATCH : SMALL;
}

/* The oldest arrival that waits and whose client has not lost patience. */
static bool take_waiting(struct arrival *arrival)
{
    uint64_t at_ns = now_ns();
    while (queue_head < queue_tail) {
        *arrival = queue[queue_head++ % LATENCIES_MAX];
        if (!is_too_late(arrival, at_ns)) return true;
        n_lost++;
    }
    return false;
}

static bool is_over(uint64_t at_ns)
{
    return (double)(at_ns - start_ns) / 1e9 >= options.warmup + options.seconds;
}

/* A connection is free. */
static void use_connection(struct connection *c)
{
    uint64_t at_ns = now_ns();
    struct arrival arrival = {.due_ns = at_ns};
    if (options.rate == 0 && !is_over(at_ns)) {
        arrival.kind = next_kind();
        start_request(c, arrival);
    } else if (take_waiting(&arrival)) {
        start_request(c, arrival);
    } else {
        c->is_busy = false;
        idle[n_idle++] = (int)(c - connections);
    }
}

/* A request has been answered: whether all of it is sent, and where to, decides what is next. */
static void let_go(struct connection *c)
{
    if (c->is_closing) {
        n_reopened++;
        reopen(c);
    }
    if (c->request_bytes == 0) use_connection(c);
}

static void count_reply(const struct connection *c, uint64_t at_ns)
{
    const struct arrival *arrival = &c->arrival;
    bool is_refused = c->status == TOO_MANY || c->status == UNAVAILABLE;
    n_by_status[c->status]++;
    if (is_too_late(arrival, at_ns)) {
        n_lost++;
        return;
    }
    if (c->status == OK && in_window(at_ns)) done_in_window[arrival->kind]++;
    if (is_refused && in_window(at_ns)) refused_in_window++;
    if (!in_window(arrival->due_ns)) return;
    if (c->status == OK) keep(&accepted[arrival->kind], at_ns - arrival->due_ns);
    if (!is_refused) return;
    keep(&refused, c->came_ns - c->sent_ns);
    keep(&refused_read, at_ns - c->sent_ns);
    keep(&refused_since_due, at_ns - arrival->due_ns);
}

static void finish_request(struct connection *c)
{
    n_done++;
    c->is_answered = true;
    count_reply(c, now_ns());
    let_go(c);
}

/* The server has closed it. */
static void end_connection(struct connection *c)
{
    bool was_busy = c->is_busy;
    if (was_busy && !c->is_answered) {
        n_cut++;
        n_done++;
    } else {
        n_reopened++;
    }
    reopen(c);
    if (was_busy) use_connection(c);
}

static enum status read_status(const char *head)
{
    if (strncmp(head, "HTTP/1.1 ", 9) != 0) return OTHER;
    long status = strtol(head + 9, NULL, 10);
    return status == 200 ? OK : status == 429 ? TOO_MANY : status == 503 ? UNAVAILABLE : OTHER;
}

/* The head of a reply in c->head; moves the bytes behind it into the body. false: not whole yet. */
static bool take_head(struct connection *c)
{
    c->head[c->head_bytes] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end) {
        if (c->head_bytes == HEAD_BYTES_MAX) die("reply", "its head is too large");
        return false;
    }
    char *length = strcasestr(c->head, "\r\nContent-Length:");
    if (!length || length > end) die("reply", "no Content-Length");
    char *closing = strcasestr(c->head, "\r\nConnection: close\r\n");
    c->is_closing = closing && closing < end;
    c->status = read_status(c->head);
    uint64_t body = strtoull(length + 17, NULL, 10);
    uint64_t here = c->head_bytes - (size_t)(end + 4 - c->head);
    if (here > body) die("reply", "longer than its Content-Length");
    c->body_left = body - here;
    c->has_head = true;
    return true;
}

/* When the kernel got it, by the clock of now_ns(). */
static uint64_t came_at(const struct msghdr *message)
{
    const struct cmsghdr *control = CMSG_FIRSTHDR(message);
    if (!control || control->cmsg_type != SCM_TIMESTAMPNS) return now_ns();
    struct timespec came, now;
    memcpy(&came, CMSG_DATA(control), sizeof(came));
    clock_gettime(CLOCK_REALTIME, &now);
    return now_ns() -
           (uint64_t)((now.tv_sec - came.tv_sec) * 1000000000 + now.tv_nsec - came.tv_nsec);
}

static ssize_t receive_head(struct connection *c)
{
    _Alignas(struct cmsghdr) char control[64];
    struct iovec to = {c->head + c->head_bytes, HEAD_BYTES_MAX - c->head_bytes};
    struct msghdr message = {
        .msg_iov = &to, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(c->fd, &message, 0);
    if (n > 0) c->came_ns = came_at(&message);
    return n;
}

/* 0: the server has closed it; below 0: nothing is there. */
static ssize_t receive_some(struct connection *c)
{
    for (;;) {
        /* Bodies are thrown away in the kernel: copying them would cost more than the rest. */
        ssize_t n = c->has_head ? recv(c->fd, NULL, c->body_left, MSG_TRUNC) : receive_head(c);
        if (n >= 0 || errno == EAGAIN || errno == EWOULDBLOCK) return n;
        if (errno == ECONNRESET) return 0;
        if (errno != EINTR) die("receive", strerror(errno));
    }
}

static void receive(struct connection *c)
{
    for (;;) {
        ssize_t n = receive_some(c);
        if (n == 0) end_connection(c);
        if (n <= 0) return;
        if (!c->is_busy || c->is_answered) die("receive", "bytes that nobody asked for");
        if (!c->has_head) {
            c->head_bytes += (size_t)n;
            if (!take_head(c)) continue;
        } else {
            if ((uint64_t)n > c->body_left) die("reply", "longer than its Content-Length");
            c->body_left -= (uint64_t)n;
        }
        if (c->body_left == 0) {
            finish_request(c);
            return; /* one request at a time: nothing more can be there */
        }
    }
}

static void open_connections(void)
{
    for (int i = 0; i < options.n_connections; i++) {
        connect_to_server(&connections[i], 0);
        idle[n_idle++] = i;
    }
}

/* Hands what is due to idle connections, or to the queue. Returns when the next one is due. */
static uint64_t admit_arrivals(uint64_t due_ns)
{
    uint64_t at_ns = now_ns();
    for (; due_ns <= at_ns; due_ns += (uint64_t)(-log(random_unit()) * 1e9 / options.rate)) {
        struct arrival arrival = {due_ns, next_kind()};
        if (in_window(due_ns)) {
            due_in_window++;
            keep(&lateness, at_ns - due_ns);
        }
        if (n_idle > 0) {
            start_request(&connections[idle[--n_idle]], arrival);
        } else if (queue_tail - queue_head < options.queue_max) {
            queue[queue_tail++ % LATENCIES_MAX] = arrival;
        } else {
            n_unsent++;
        }
    }
    return due_ns;
}

static void wait_until(uint64_t until_ns)
{
    struct epoll_event events[64];
    uint64_t at_ns = now_ns();
    uint64_t wait_ns = until_ns > at_ns ? until_ns - at_ns : 0;
    struct timespec timeout = {(time_t)(wait_ns / 1000000000u), (long)(wait_ns % 1000000000u)};
    int n = epoll_pwait2(epoll_fd, events, 64, &timeout, NULL);
    if (n < 0 && errno != EINTR) die("epoll", strerror(errno));
    for (int i = 0; i < n; i++) {
        struct connection *c = events[i].data.ptr;
        if (events[i].events & EPOLLOUT) {
            watch(c, EPOLLIN, EPOLL_CTL_MOD);
            send_more(c);
            if (c->is_busy && c->is_answered && c->request_bytes == 0) use_connection(c);
        }
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(c);
    }
}

static void run(void)
{
    start_ns = now_ns();
    uint64_t end_ns = start_ns + (uint64_t)((options.warmup + options.seconds) * 1e9);
    uint64_t due_ns = start_ns;
    if (options.rate == 0) {
        while (n_idle > 0)
            use_connection(&connections[idle[--n_idle]]);
    }
    while (now_ns() < end_ns) {
        if (options.rate > 0) due_ns = admit_arrivals(due_ns);
        wait_until(options.rate > 0 && due_ns < end_ns ? due_ns : end_ns);
    }
    while (n_done < n_sent + (queue_tail - queue_head) && now_ns() < end_ns + DRAIN_NS)
        wait_until(end_ns + DRAIN_NS);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static double percentile_us(const struct latencies *latency, double share)
{
    if (latency->n == 0) return 0;
    size_t at = (size_t)ceil(share * (double)latency->n);
    return (double)latency->ns[at > 0 ? at - 1 : 0] / 1000;
}

static void print_latencies(const char *name, struct latencies *latency, uint64_t in_window)
{
    qsort(latency->ns, latency->n, sizeof(latency->ns[0]), compare);
    printf(",\"%s\":{\"n\":%zu,\"rate\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,"
           "\"max_us\":%.1f}",
           name, latency->n, (double)in_window / options.seconds, percentile_us(latency, 0.5),
           percentile_us(latency, 0.99), percentile_us(latency, 0.999), percentile_us(latency, 1));
}

static uint64_t count_wrong(void)
{
    return n_by_status[OTHER] + n_cut;
}

static void print_result(void)
{
    const struct {
        const char *name;
        uint64_t n;
    } counts[] = {
        {"done", n_done},
        {"wrong", count_wrong()},
        {"cut", n_cut},
        {"status_200", n_by_status[OK]},
        {"status_429", n_by_status[TOO_MANY]},
        {"status_503", n_by_status[UNAVAILABLE]},
        {"reopened", n_reopened},
        {"unsent", n_unsent},
        {"lost", n_lost},
        {"unfinished", n_sent - n_done + (queue_tail - queue_head)},
    };
    double small = (double)done_in_window[SMALL], batch = (double)done_in_window[BATCH];
    printf("{");
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        printf("\"%s\":%llu,", counts[i].name, (unsigned long long)counts[i].n);
    printf("\"due_rate\":%.1f,\"sent_rate\":%.1f,\"rate\":%.1f,\"texts_rate\":%.1f",
           (double)due_in_window / options.seconds, (double)sent_in_window / options.seconds,
           (small + batch) / options.seconds,
           (small + batch * options.batch_texts) / options.seconds);
    print_latencies("small", &accepted[SMALL], done_in_window[SMALL]);
    print_latencies("batch", &accepted[BATCH], done_in_window[BATCH]);
    print_latencies("refused", &refused, refused_in_window);
    print_latencies("refused_read", &refused_read, refused_in_window);
    print_latencies("refused_since_due", &refused_since_due, refused_in_window);
    print_latencies("late", &lateness, due_in_window);
    printf("}\n");
}

static double read_number(const char *name, const char *value, double min, double max)
{
    char *end = NULL;
    double number = value ? strtod(value, &end) : NAN;
    if (!value || end == value || *end || !(number >= min && number <= max))
        die(name, "its value is missing or out of range");
    return number;
}

static void take_option(const char *name, const char *value)
{
    if (strcmp(name, "--rate") == 0) {
        options.rate = read_number(name, value, 0, 1e6);
    } else if (strcmp(name, "--share") == 0) {
        options.share = read_number(name, value, 0, 1);
    } else if (strcmp(name, "--seconds") == 0) {
        options.seconds = read_number(name, value, 0.01, 600);
    } else if (strcmp(name, "--warmup") == 0) {
        options.warmup = read_number(name, value, 0, 60);
    } else if (strcmp(name, "--connections") == 0) {
        options.n_connections = (int)read_number(name, value, 1, CONNECTIONS_MAX);
    } else if (strcmp(name, "--max-queue") == 0) {
        options.queue_max = (size_t)read_number(name, value, 0, LATENCIES_MAX);
    } else if (strcmp(name, "--patience") == 0) {
        options.patience_ns = (uint64_t)(read_number(name, value, 0.001, 1e6) * 1e6);
    } else if (strcmp(name, "--batch-texts") == 0) {
        options.batch_texts = read_number(name, value, 1, 1e6);
    } else if (strcmp(name, "--seed") == 0) {
        seed += (uint64_t)read_number(name, value, 0, 1e15) * 0x9E3779B97F4A7C15u;
    } else {
        die(name, "no such option");
    }
}

/* Returns the index of the first argument that is no option. */
static int read_options(int argc, char **argv)
{
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i += 2)
        take_option(argv[i], i + 1 < argc ? argv[i + 1] : NULL);
    return i;
}

int main(int argc, char **argv)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    prctl(PR_SET_TIMERSLACK, 1); /* the default, 50 µs, is as long as a request */
    int first = read_options(argc, argv);
    if (argc - first != 4) die("usage", "openload [OPTION VALUE]... PORT PATH SMALL BATCH");
    address.sin_port = htons((uint16_t)read_number("PORT", argv[first], 1, 65535));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    read_bodies(&bodies[SMALL], argv[first + 2], argv[first + 1]);
    read_bodies(&bodies[BATCH], argv[first + 3], argv[first + 1]);
    queue = malloc(LATENCIES_MAX * sizeof(*queue));
    struct latencies *all[] = {&accepted[SMALL], &accepted[BATCH],   &refused,
                               &refused_read,    &refused_since_due, &lateness};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        all[i]->ns = malloc(LATENCIES_MAX * sizeof(uint64_t));
        if (!all[i]->ns || !queue) die("start", "no memory");
    }
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0) die("epoll", strerror(errno));
    open_connections();
    run();
    print_result();
    return count_wrong() > 0;
}
