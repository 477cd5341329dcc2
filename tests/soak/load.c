/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file load.c
 * Clients that keep their connections, send one request after the other, never the same one twice,
 * and hold each reply to the byte against the one that is known to be right.
 *
 *     load [--connections N] [--thinkers N] [--think-ms N] [--requests N] [--seconds N] [--seed N]
 *          TABLE PLACE...
 *
 * TABLE: what may be asked, as tests/soak/soak.py writes it: for each request u32 weight, status,
 * flags, bytes of name, of request, of body, then these three. A request of weight w is asked w
 * times as often as one of weight 1. A PLACE is ADDRESS:PORT or unix:PATH; connections go to them
 * in turn. `out I` on standard input takes the I-th out of the turn, as who balances load does
 * where a service says that it is not ready, `in I` puts it back, `stop` (or the end) ends all.
 * Thinkers pause up to so long before each request.
 *
 * A request has failed that got no whole reply, or another one than the table's, or for which no
 * connection could be had. It is not sent again. Once a second, and in the end, a line of JSON
 * tells how many there were; the first failures are told on standard error. Exit code 1: there
 * were some.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define PLACES_MAX 8
#define REPLY_BYTES_MAX ((size_t)64 << 20)
#define FAILURES_TOLD 20
/* A reply that takes as long will never come. */
#define PATIENCE_NS 60000000000u

/* Of a request of the table. */
#define FLAG_MASKED                                                                                \
    1u                 /* a NUL in its body stands for any run of letters, digits, "-", "_", "."   \
                        */
#define FLAG_CLOSES 2u /* the reply ends the connection */

struct ask {
    uint32_t weight, status, flags, name_bytes, request_bytes, body_bytes;
    const char *name, *request, *body;
    uint64_t n;
};

struct place {
    union {
        struct sockaddr any;
        struct sockaddr_in ip;
        struct sockaddr_un local;
    } address;
    socklen_t address_bytes;
    const char *name;
    bool is_out;
};

struct connection {
    int fd;          /* -1: none */
    struct ask *ask; /* under way; NULL: none */
    struct place *place;
    size_t sent;
    uint64_t asked_ns, due_ns;
    bool is_thinker;
    uint64_t n_here; /* replies on this connection */
    char *got;
    size_t got_bytes, room;
    size_t head_bytes; /* 0: not whole yet */
    size_t body_bytes; /* of what came, chunks joined */
    size_t length;
    size_t chunk_at; /* of `got`: what is not yet joined */
    bool is_chunked, closes;
    unsigned status;
};

static struct {
    unsigned long long connections, thinkers, think_ms, requests, seconds, seed;
} options = {.connections = 64, .think_ms = 500, .requests = UINT64_MAX, .seconds = 1u << 30};

static struct ask *asks;
static size_t n_asks;
static uint64_t weights;
static struct place places[PLACES_MAX];
static size_t n_places, next_place;
static struct connection connections[CONNECTIONS_MAX];
static int epoll_fd;
static uint64_t n_begun, n_right, n_failed, n_opened, state;
static bool is_over;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(2);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t draw(uint64_t below)
{
    state += 0x9e3779b97f4a7c15u;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

/* ---- the table ---- */

static char *read_file(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) die(path);
    *bytes = (size_t)ftell(file);
    rewind(file);
    char *data = malloc(*bytes + 1);
    if (!data || fread(data, 1, *bytes, file) != *bytes) die(path);
    fclose(file);
    return data;
}

static void read_table(const char *path)
{
    size_t bytes;
    const char *data = read_file(path, &bytes), *end = data + bytes;
    while (data < end) {
        asks = realloc(asks, (n_asks + 1) * sizeof *asks);
        if (!asks) die("memory");
        struct ask *ask = &asks[n_asks++];
        uint32_t numbers[6];
        memcpy(numbers, data, sizeof numbers);
        data += sizeof numbers;
        *ask = (struct ask){numbers[0], numbers[1],        numbers[2],
                            numbers[3], numbers[4],        numbers[5],
                            data,       data + numbers[3], data + numbers[3] + numbers[4],
                            0};
        data = ask->body + ask->body_bytes;
        weights += ask->weight;
    }
    if (data != end || weights == 0) die("a table that is none");
}

static struct ask *choose(void)
{
    uint64_t at = draw(weights);
    for (size_t i = 0;; i++) {
        if (at < asks[i].weight) return &asks[i];
        at -= asks[i].weight;
    }
}

/* ---- places ---- */

static void add_place(char *name)
{
    if (n_places == PLACES_MAX) die("too many places");
    struct place *place = &places[n_places++];
    place->name = strdup(name);
    if (!strncmp(name, "unix:", 5)) {
        place->address.local.sun_family = AF_UNIX;
        snprintf(place->address.local.sun_path, sizeof place->address.local.sun_path, "%s",
                 name + 5);
        place->address_bytes = sizeof place->address.local;
        return;
    }
    char *colon = strrchr(name, ':');
    if (!colon) die("a place without a port");
    *colon = '\0';
    place->address.ip.sin_family = AF_INET;
    place->address.ip.sin_port = htons((uint16_t)atoi(colon + 1));
    if (inet_pton(AF_INET, name, &place->address.ip.sin_addr) != 1) die("a place's address");
    place->address_bytes = sizeof place->address.ip;
}

/* Of those that are in; where all are out, of all. */
static struct place *choose_place(void)
{
    for (size_t i = 0; i < n_places; i++) {
        struct place *place = &places[next_place++ % n_places];
        if (!place->is_out) return place;
    }
    return &places[next_place++ % n_places];
}

/* ---- one connection ---- */

static void hang_up(struct connection *c)
{
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
}

static void fail(struct connection *c, const char *why)
{
    n_failed++;
    if (n_failed <= FAILURES_TOLD) {
        fprintf(stderr,
                "load: '%.*s' at %s, request %llu of its connection: %s (%zu bytes sent, "
                "%zu received, %s)\n",
                c->ask ? (int)c->ask->name_bytes : 0, c->ask ? c->ask->name : "",
                c->place ? c->place->name : "?", (unsigned long long)c->n_here + 1, why, c->sent,
                c->got_bytes, errno ? strerror(errno) : "no error");
        fprintf(stderr, "load: reply: %.*s\n", (int)(c->got_bytes < 600 ? c->got_bytes : 600),
                c->got ? c->got : "");
    }
    hang_up(c);
    c->ask = NULL;
}

static bool open_connection(struct connection *c)
{
    const int one = 1;
    c->place = choose_place();
    c->n_here = 0;
    c->fd = socket(c->place->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0) die("socket");
    /* On loopback it takes no time, or as long as the service's queue is full. */
    if (connect(c->fd, &c->place->address.any, c->place->address_bytes) != 0) return false;
    if (c->place->address.any.sa_family == AF_INET)
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0) die("epoll_ctl");
    n_opened++;
    return true;
}

static void watch(const struct connection *c, unsigned events)
{
    struct epoll_event event = {.events = events, .data.ptr = (void *)(uintptr_t)c};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

static void send_more(struct connection *c)
{
    errno = 0;
    ssize_t n =
        send(c->fd, c->ask->request + c->sent, c->ask->request_bytes - c->sent, MSG_NOSIGNAL);
    if (n >= 0) c->sent += (size_t)n;
    bool is_more = c->sent < c->ask->request_bytes;
    /* What was refused half way may have been answered: that is read. */
    if (n < 0 && errno != EAGAIN && errno != EPIPE && errno != ECONNRESET) die("send");
    if (n < 0 && errno != EAGAIN) is_more = false;
    watch(c, is_more ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void ask_next(struct connection *c)
{
    c->ask = choose();
    c->ask->n++;
    n_begun++;
    c->sent = c->got_bytes = c->head_bytes = c->body_bytes = c->chunk_at = c->length = 0;
    c->is_chunked = c->closes = false;
    c->asked_ns = now_ns();
    errno = 0;
    if (c->fd < 0 && !open_connection(c)) {
        fail(c, "no connection");
        return;
    }
    send_more(c);
}

/* ---- replies ---- */

static bool is_header(const char *line, const char *end, const char *name, const char **value)
{
    size_t n = strlen(name);
    if ((size_t)(end - line) <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
        return false;
    *value = line + n + 1;
    while (**value == ' ')
        (*value)++;
    return true;
}

static bool read_head(struct connection *c)
{
    const char *end = memmem(c->got, c->got_bytes, "\r\n\r\n", 4), *value;
    if (!end) return false;
    c->head_bytes = c->chunk_at = (size_t)(end - c->got) + 4;
    c->status = c->got_bytes > 12 ? (unsigned)atoi(c->got + 9) : 0;
    for (const char *line = c->got; line < end;) {
        const char *next = memmem(line, (size_t)(end + 2 - line), "\r\n", 2);
        if (is_header(line, next, "content-length", &value)) c->length = strtoull(value, NULL, 10);
        if (is_header(line, next, "transfer-encoding", &value)) c->is_chunked = true;
        if (is_header(line, next, "connection", &value))
            c->closes = !strncasecmp(value, "close", 5);
        line = next + 2;
    }
    return true;
}

/* Moves what chunks hold together, behind the head. 1: all are there, -1: they are none. */
static int join_chunks(struct connection *c)
{
    for (;;) {
        const char *at = c->got + c->chunk_at;
        const size_t left = c->got_bytes - c->chunk_at;
        const char *line = memmem(at, left, "\r\n", 2);
        if (!line) return 0;
        char *behind;
        const size_t n = strtoull(at, &behind, 16);
        if (behind != line) return -1;
        const size_t whole = (size_t)(line - at) + 2 + n + 2;
        if (n > REPLY_BYTES_MAX) return -1;
        if (left < whole) return 0;
        if (memcmp(at + whole - 2, "\r\n", 2) != 0) return -1;
        memmove(c->got + c->head_bytes + c->body_bytes, line + 2, n);
        c->body_bytes += n;
        c->chunk_at += whole;
        if (n == 0) return c->chunk_at == c->got_bytes ? 1 : -1;
    }
}

/* 1: the reply is whole, 0: not yet, -1: it is none. */
static int read_reply(struct connection *c)
{
    if (c->head_bytes == 0 && !read_head(c)) return 0;
    if (c->is_chunked) return join_chunks(c);
    c->body_bytes = c->got_bytes - c->head_bytes;
    return c->body_bytes < c->length ? 0 : c->body_bytes == c->length ? 1 : -1;
}

static bool is_run(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || byte == '-' || byte == '_' || byte == '.';
}

static bool is_as_masked(const char *want, const char *want_end, const char *got, const char *end)
{
    while (want < want_end) {
        if (*want == '\0') {
            while (got < end && is_run(*got))
                got++;
        } else if (got == end || *got++ != *want) {
            return false;
        }
        want++;
    }
    return got == end;
}

static bool is_right(const struct connection *c)
{
    const struct ask *ask = c->ask;
    const char *body = c->got + c->head_bytes;
    if (c->status != ask->status) return false;
    if (ask->flags & FLAG_MASKED)
        return is_as_masked(ask->body, ask->body + ask->body_bytes, body, body + c->body_bytes);
    return c->body_bytes == ask->body_bytes && !memcmp(body, ask->body, ask->body_bytes);
}

static void end_reply(struct connection *c)
{
    errno = 0;
    if (!is_right(c)) {
        fail(c, "another reply");
        return;
    }
    if (c->ask->flags & FLAG_CLOSES && !c->closes) {
        fail(c, "the reply does not end the connection");
        return;
    }
    n_right++;
    c->n_here++;
    c->ask = NULL;
    if (c->closes) hang_up(c);
    c->due_ns = c->is_thinker ? now_ns() + draw(options.think_ms * 1000000 + 1) : 0;
}

static bool make_room(struct connection *c)
{
    if (c->room - c->got_bytes >= 65536) return true;
    c->room = 2 * c->room + 131072;
    c->got = realloc(c->got, c->room);
    return c->got && c->room < 2 * REPLY_BYTES_MAX;
}

static void receive(struct connection *c)
{
    if (!make_room(c)) die("memory for a reply");
    errno = 0;
    ssize_t n = recv(c->fd, c->got + c->got_bytes, c->room - c->got_bytes - 1, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (!c->ask) { /* the end of a connection that nobody uses is nobody's loss */
        if (n > 0) {
            c->got_bytes = (size_t)n;
            fail(c, "bytes behind a reply");
        }
        hang_up(c);
        return;
    }
    if (n <= 0) {
        fail(c, n < 0 ? "no whole reply" : "the connection ended without a whole reply");
        return;
    }
    c->got_bytes += (size_t)n;
    c->got[c->got_bytes] = '\0';
    const int whole = read_reply(c);
    if (whole > 0) end_reply(c);
    if (whole < 0) fail(c, "no reply, or more than one");
}

/* ---- the work ---- */

static void tell(void)
{
    printf("{\"requests\": %llu, \"right\": %llu, \"failed\": %llu, \"connections\": %llu}\n",
           (unsigned long long)n_begun, (unsigned long long)n_right, (unsigned long long)n_failed,
           (unsigned long long)n_opened);
    fflush(stdout);
}

static void obey(const char *line)
{
    unsigned i = 0;
    if (sscanf(line, "out %u", &i) == 1 && i < n_places)
        places[i].is_out = true;
    else if (sscanf(line, "in %u", &i) == 1 && i < n_places)
        places[i].is_out = false;
    else
        is_over = true;
}

static void hear(void)
{
    static char said[4096];
    static size_t n;
    ssize_t more = read(STDIN_FILENO, said + n, sizeof said - 1 - n);
    if (more <= 0) {
        is_over = true;
        return;
    }
    n += (size_t)more;
    said[n] = '\0';
    for (char *end; (end = strchr(said, '\n'));) {
        *end = '\0';
        obey(said);
        n -= (size_t)(end + 1 - said);
        memmove(said, end + 1, n + 1);
    }
}

/* Those that are due ask. Returns how many requests are under way, or will be. */
static size_t turn(uint64_t now)
{
    size_t n = 0;
    for (size_t i = 0; i < options.connections; i++) {
        struct connection *c = &connections[i];
        if (c->ask && now - c->asked_ns > PATIENCE_NS) {
            errno = 0;
            fail(c, "no whole reply in time");
        }
        if (!c->ask && !is_over && n_begun < options.requests && now >= c->due_ns) ask_next(c);
        n += c->ask != NULL;
    }
    return n;
}

static void work(void)
{
    const uint64_t start = now_ns(), end = start + options.seconds * 1000000000u;
    uint64_t tell_ns = start + 1000000000u;
    struct epoll_event events[256];
    for (;;) {
        uint64_t now = now_ns();
        if (now >= end || n_begun >= options.requests) is_over = true;
        if (turn(now) == 0 && is_over) return;
        if (now >= tell_ns) {
            tell();
            tell_ns += 1000000000u;
        }
        int n = epoll_wait(epoll_fd, events, 256, options.thinkers ? 5 : 100);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c) {
                hear();
                continue;
            }
            if (events[i].events & EPOLLOUT && c->ask) send_more(c);
            if (events[i].events & ~EPOLLOUT && c->fd >= 0) receive(c);
        }
    }
}

static void tell_kinds(void)
{
    for (size_t i = 0; i < n_asks; i++) {
        if (asks[i].n > 0) continue;
        fprintf(stderr, "load: '%.*s' was never asked\n", (int)asks[i].name_bytes, asks[i].name);
    }
}

static int read_options(int argc, char **argv)
{
    static const struct {
        const char *name;
        unsigned long long *value;
    } known[] = {{"--connections", &options.connections}, {"--thinkers", &options.thinkers},
                 {"--think-ms", &options.think_ms},       {"--requests", &options.requests},
                 {"--seconds", &options.seconds},         {"--seed", &options.seed}};
    int at = 1;
    for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
        size_t i = 0;
        while (i < sizeof known / sizeof known[0] && strcmp(argv[at], known[i].name) != 0)
            i++;
        errno = EINVAL;
        if (i == sizeof known / sizeof known[0]) die(argv[at]);
        *known[i].value = strtoull(argv[at + 1], NULL, 10);
    }
    errno = EINVAL;
    if (argc - at < 2 || options.connections > CONNECTIONS_MAX)
        die("usage: load ... TABLE PLACE...");
    return at;
}

int main(int argc, char **argv)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int at = read_options(argc, argv);
    read_table(argv[at++]);
    while (at < argc)
        add_place(argv[at++]);
    state = options.seed;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_fd < 0) die("epoll");
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event); /* a file has no events: none come */
    for (size_t i = 0; i < options.connections; i++)
        connections[i] = (struct connection){.fd = -1, .is_thinker = i < options.thinkers};
    work();
    tell();
    tell_kinds();
    return n_failed > 0;
}
