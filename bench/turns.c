/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file turns.c
 * What requests of several kinds cost a server, each beside the others: they take short turns, so
 * that whatever else happens on the machine happens to all of them, and what is counted is the
 * processor time of the server. For `make bench`; closed loop, one thread.
 *
 *     turns CONNECTIONS SECONDS {PID PORT PATH ACCEPT BODIES}...
 *
 * In its turn a kind sends a request over each of its connections and reads all the replies, for
 * 10 ms. BODIES holds JSON bodies, one a line, sent one after the other. Prints the median over the
 * turns of µs a request, as a list of JSON in the order of the arguments. Any answer but 200 is a
 * failure.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define KINDS_MAX 16
#define ARGUMENTS_A_KIND 5
#define CONNECTIONS_MAX 64
#define BODIES_MAX 2048
#define TURNS_MAX 100000
#define TURN_NS 10000000
#define HEAD_BYTES_MAX 4096
#define PIECE_BYTES 65536

struct kind {
    clockid_t clock; /* the processor time of the server */
    const char *path, *accept;
    char *requests[BODIES_MAX]; /* head and body, ready to send */
    size_t bytes[BODIES_MAX];
    size_t n, at;
    int connections[CONNECTIONS_MAX];
    double us[TURNS_MAX]; /* a request */
    size_t n_turns;
};

static struct kind kinds[KINDS_MAX];
static int n_connections;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "turns: %s: %s\n", what, why);
    exit(1);
}

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0) die("clock", strerror(errno));
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void add_request(struct kind *kind, const char *body, size_t body_bytes)
{
    const size_t cap = HEAD_BYTES_MAX + body_bytes;
    char *request = malloc(cap);
    if (!request || kind->n == BODIES_MAX) die("bodies", "too many");
    const int head = snprintf(request, HEAD_BYTES_MAX,
                              "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: "
                              "application/json\r\nAccept: %s\r\nContent-Length: %zu\r\n\r\n",
                              kind->path, kind->accept, body_bytes);
    if (head >= HEAD_BYTES_MAX) die(kind->path, "too long");
    memcpy(request + head, body, body_bytes);
    kind->requests[kind->n] = request;
    kind->bytes[kind->n++] = (size_t)head + body_bytes;
}

static void read_bodies(struct kind *kind, const char *path)
{
    FILE *in = fopen(path, "rb");
    char *line = NULL;
    size_t cap = 0;
    ssize_t bytes;
    if (!in) die(path, strerror(errno));
    while ((bytes = getline(&line, &cap, in)) > 0)
        add_request(kind, line, (size_t)bytes - (line[bytes - 1] == '\n'));
    free(line);
    fclose(in);
    if (kind->n == 0) die(path, "no bodies");
}

static int open_connection(const char *port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)atoi(port)),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = 30};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        die("connection", strerror(errno));
    return fd;
}

static void send_all(int fd, const char *at, size_t left)
{
    while (left > 0) {
        const ssize_t sent = send(fd, at, left, MSG_NOSIGNAL);
        if (sent <= 0) die("send", strerror(errno));
        at += sent;
        left -= (size_t)sent;
    }
}

/* Where the body begins, once the head is there; NULL before that. */
static char *find_body(char *head, size_t *body_bytes)
{
    char *end = strstr(head, "\r\n\r\n"), *line = head;
    if (!end) return NULL;
    if (strncmp(head, "HTTP/1.1 200 ", 13) != 0) die("reply", head);
    while (line < end && strncasecmp(line, "content-length:", 15) != 0)
        line = strstr(line, "\r\n") + 2;
    if (line >= end) die("reply", "no content-length");
    *body_bytes = strtoull(line + 15, NULL, 10);
    return end + 4;
}

static void read_reply(int fd)
{
    static char piece[PIECE_BYTES + 1];
    size_t have = 0, body_bytes = 0;
    char *body = NULL;
    while (!body) {
        const ssize_t got = recv(fd, piece + have, PIECE_BYTES - have, 0);
        if (got <= 0) die("recv", got ? strerror(errno) : "closed");
        have += (size_t)got;
        piece[have] = '\0';
        body = find_body(piece, &body_bytes);
    }
    for (size_t done = have - (size_t)(body - piece); done < body_bytes;) {
        /* What it says does not matter: thrown away in the kernel. */
        const ssize_t got = recv(fd, NULL, body_bytes - done, MSG_TRUNC);
        if (got <= 0) die("recv", got ? strerror(errno) : "closed");
        done += (size_t)got;
    }
}

static void take_turn(struct kind *kind)
{
    const int64_t end_ns = read_clock(CLOCK_MONOTONIC) + TURN_NS;
    const int64_t start_ns = read_clock(kind->clock);
    size_t n = 0;
    do {
        for (int i = 0; i < n_connections; i++, n++) {
            send_all(kind->connections[i], kind->requests[kind->at], kind->bytes[kind->at]);
            kind->at = (kind->at + 1) % kind->n;
        }
        for (int i = 0; i < n_connections; i++)
            read_reply(kind->connections[i]);
    } while (read_clock(CLOCK_MONOTONIC) < end_ns);
    if (kind->n_turns < TURNS_MAX)
        kind->us[kind->n_turns++] = (double)(read_clock(kind->clock) - start_ns) / 1e3 / (double)n;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void begin(struct kind *kind, char **arguments)
{
    if (clock_getcpuclockid((pid_t)atoi(arguments[0]), &kind->clock) != 0)
        die(arguments[0], "no such process");
    kind->path = arguments[2];
    kind->accept = arguments[3];
    read_bodies(kind, arguments[4]);
    for (int i = 0; i < n_connections; i++)
        kind->connections[i] = open_connection(arguments[1]);
}

int main(int argc, char **argv)
{
    const size_t n = argc < 3 ? 0 : (size_t)(argc - 3) / ARGUMENTS_A_KIND;
    if (n == 0 || n > KINDS_MAX)
        die("usage", "CONNECTIONS SECONDS {PID PORT PATH ACCEPT BODIES}...");
    n_connections = atoi(argv[1]);
    if (n_connections < 1 || n_connections > CONNECTIONS_MAX) die(argv[1], "from 1 to 64");
    for (size_t i = 0; i < n; i++)
        begin(&kinds[i], argv + 3 + i * ARGUMENTS_A_KIND);
    const int64_t end_ns = read_clock(CLOCK_MONOTONIC) + (int64_t)(strtod(argv[2], NULL) * 1e9);
    do {
        for (size_t i = 0; i < n; i++)
            take_turn(&kinds[i]);
    } while (read_clock(CLOCK_MONOTONIC) < end_ns);
    for (size_t i = 0; i < n; i++) {
        struct kind *kind = &kinds[i];
        qsort(kind->us, kind->n_turns, sizeof kind->us[0], compare);
        printf("%s%.3f", i ? ", " : "[", kind->us[kind->n_turns / 2]);
    }
    printf("]\n");
    return 0;
}
