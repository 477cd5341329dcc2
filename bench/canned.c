/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file canned.c
 * The ceiling of `make bench`: libmicrohttpd as the service uses it (external epoll, one thread,
 * the same memory a connection), answering each request with a reply that was captured before. It
 * reads the request's body and does nothing with it.
 *
 *     canned MEMORY_BYTES HEADERS BODY [HEADERS BODY]...
 *
 * POST /0 is answered with the first pair of files, /1 with the second. HEADERS holds lines of
 * `Name: value`. Prints `listening on http://127.0.0.1:PORT`; ends with its parent.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#define REPLIES_MAX 8
#define BODY_BYTES_MAX (64 << 20)

/* Made once and sent again and again: what libmicrohttpd can do at best. */
static struct MHD_Response *replies[REPLIES_MAX];
static size_t n_replies;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "canned: %s: %s\n", what, why);
    exit(1);
}

static char *read_file(const char *path, size_t *bytes)
{
    FILE *in = fopen(path, "rb");
    if (!in) die(path, strerror(errno));
    char *data = malloc(BODY_BYTES_MAX);
    if (!data) die(path, "no memory");
    *bytes = fread(data, 1, BODY_BYTES_MAX - 1, in);
    data[*bytes] = 0;
    fclose(in);
    return data;
}

static void add_reply(const char *headers_path, const char *body_path)
{
    size_t bytes;
    char *body = read_file(body_path, &bytes);
    struct MHD_Response *reply =
        MHD_create_response_from_buffer(bytes, body, MHD_RESPMEM_MUST_FREE);
    if (!reply) die(body_path, "no reply could be made of it");
    char *headers = read_file(headers_path, &bytes);
    char *rest = headers;
    for (char *line; (line = strtok_r(rest, "\r\n", &rest));) {
        char *colon = strchr(line, ':');
        if (!colon) die(headers_path, "a line without a colon");
        *colon = 0;
        if (MHD_add_response_header(reply, line, colon + 1 + strspn(colon + 1, " ")) != MHD_YES)
            die(headers_path, "a header was refused");
    }
    free(headers);
    replies[n_replies++] = reply;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_bytes, void **state)
{
    (void)cls, (void)method, (void)version, (void)data;
    if (!*state) {
        *state = connection;
        return MHD_YES;
    }
    if (*data_bytes > 0) {
        *data_bytes = 0;
        return MHD_YES;
    }
    size_t which = (size_t)(url[0] ? url[1] - '0' : 0);
    return which < n_replies ? MHD_queue_response(connection, 200, replies[which]) : MHD_NO;
}

static void run(struct MHD_Daemon *daemon)
{
    int fd = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        MHD_UNSIGNED_LONG_LONG timeout_ms;
        bool has_timeout = MHD_get_timeout(daemon, &timeout_ms) == MHD_YES;
        if (!has_timeout || timeout_ms > 0) poll(&wait, 1, has_timeout ? (int)timeout_ms : -1);
        MHD_run(daemon);
    }
}

int main(int argc, char **argv)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    if (argc < 4 || argc % 2 != 0 || argc > 2 + 2 * REPLIES_MAX)
        die("usage", "canned MEMORY_BYTES HEADERS BODY [HEADERS BODY]...");
    for (int i = 2; i < argc; i += 2)
        add_reply(argv[i], argv[i + 1]);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, on_request, NULL, MHD_OPTION_SOCK_ADDR, &address,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)strtoul(argv[1], NULL, 10), MHD_OPTION_END);
    if (!daemon) die("libmicrohttpd", "did not start");
    printf("listening on http://127.0.0.1:%u\n",
           MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    run(daemon);
}
