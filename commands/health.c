/* SPDX-License-Identifier: Apache-2.0 */
/* `embedd health [URL]`: asks a running service how it is; for HEALTHCHECK in a container that has
   neither curl nor a resolver. */
#include "commands/commands.h"
#include "config/config.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define TIMEOUT_S 5

struct target {
    char host[256], port[8], path[512];
    char socket[108]; /* a Unix one's path, or @NAME; "": the two above */
};

/* unix:/PATH as `listen` has it; /health is asked. */
static bool read_unix_target(const char *url, struct target *target, struct err *err)
{
    const char *path = url + 5;
    *target = (struct target){.host = "localhost", .port = "80", .path = "/health"};
    if (!*path || strlen(path) >= sizeof target->socket)
        return err_set(err, ERR_USAGE, NULL,
                       "the path of a Unix socket has 1 to %zu bytes, not '%.*s'",
                       sizeof target->socket - 1, ERR_VALUE_BYTES, path);
    strcpy(target->socket, path);
    return true;
}

/* Parts [http://]HOST[:PORT][/PATH], or HOST:PORT as `listen` has it. */
static bool read_target(const char *url, struct target *target, struct err *err)
{
    const char *at = url;
    if (!strncmp(url, "unix:", 5)) return read_unix_target(url, target, err);
    *target->socket = '\0';
    if (!strncmp(at, "http://", 7)) at += 7;
    size_t authority = strcspn(at, "/");
    const char *path = at[authority] ? at + authority : "/health";
    bool has_brackets = *at == '[';
    const char *end = has_brackets ? memchr(at, ']', authority) : memchr(at, ':', authority);
    size_t host = end ? (size_t)(end - at) : authority;
    const char *rest = at + host + (has_brackets && end ? 1 : 0);
    size_t port = (size_t)(at + authority - rest);
    if (has_brackets) {
        at++;
        host--;
    }
    if ((has_brackets && !end) || host == 0 || host >= sizeof target->host || port == 1 ||
        port > sizeof target->port || (port > 0 && *rest != ':') || strstr(url, "://") > at ||
        strlen(path) >= sizeof target->path)
        return err_set(err, ERR_USAGE, NULL,
                       "the address must be a URL such as http://127.0.0.1:8080/health, not '%.*s'",
                       ERR_VALUE_BYTES, url);
    snprintf(target->host, sizeof target->host, "%.*s", (int)host, at);
    snprintf(target->port, sizeof target->port, "%.*s", (int)(port ? port - 1 : 2),
             port ? rest + 1 : "80");
    snprintf(target->path, sizeof target->path, "%s", path);
    /* What listens on every address is asked on this machine's own. */
    if (!strcmp(target->host, "0.0.0.0") || !strcmp(target->host, "*"))
        strcpy(target->host, "127.0.0.1");
    if (!strcmp(target->host, "::")) strcpy(target->host, "::1");
    return true;
}

static void write_place(const struct target *target, char *out, size_t bytes)
{
    if (*target->socket)
        snprintf(out, bytes, "unix:%s", target->socket);
    else
        snprintf(out, bytes, "%s port %s", target->host, target->port);
}

static struct addrinfo *resolve(const struct target *target, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int failure = getaddrinfo(target->host, target->port, &hints, &found);
    if (failure == EAI_NONAME) { /* only a name needs a resolver */
        hints.ai_flags = AI_NUMERICSERV;
        failure = getaddrinfo(target->host, target->port, &hints, &found);
    }
    if (!failure) return found;
    err_set(err, ERR_IO, NULL, "cannot find %s port %s: %s", target->host, target->port,
            gai_strerror(failure));
    return NULL;
}

/* A connected socket whose calls all give up after TIMEOUT_S, or -1 with errno set. */
static int connect_to(int family, const void *name, socklen_t bytes)
{
    struct timeval timeout = {.tv_sec = TIMEOUT_S};
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (connect(fd, name, bytes) == 0) return fd;
    int failure = errno;
    close(fd);
    errno = failure;
    return -1;
}

static int connect_to_path(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const size_t n = strlen(path);
    memcpy(name.sun_path, path, n);
    if (*path == '@') *name.sun_path = '\0';
    return connect_to(AF_UNIX, &name,
                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (*path != '@')));
}

static int open_connection(const struct target *target, struct err *err)
{
    int fd = -1;
    if (*target->socket) {
        fd = connect_to_path(target->socket);
    } else {
        struct addrinfo *found = resolve(target, err);
        if (!found) return -1;
        for (struct addrinfo *at = found; at && fd < 0; at = at->ai_next)
            fd = connect_to(at->ai_family, at->ai_addr, at->ai_addrlen);
        freeaddrinfo(found);
    }
    if (fd < 0) {
        char where[300];
        write_place(target, where, sizeof where);
        err_set(err, ERR_IO, NULL, "nothing answers on %s: %s", where,
                strerror(errno == EINPROGRESS ? ETIMEDOUT : errno));
    }
    return fd;
}

/* The first line of the reply to a GET, without its end. */
static bool ask(int fd, const struct target *target, char *line, size_t room, struct err *err)
{
    char request[1024];
    bool is_v6 = strchr(target->host, ':') != NULL;
    int bytes = snprintf(
        request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s%s%s:%s\r\nConnection: close\r\n\r\n",
        target->path, is_v6 ? "[" : "", target->host, is_v6 ? "]" : "", target->port);
    size_t got = 0;
    char *end = NULL;
    bool is_sent = send(fd, request, (size_t)bytes, MSG_NOSIGNAL) == bytes;
    while (is_sent && !end && got < room - 1) {
        ssize_t n = recv(fd, line + got, room - 1 - got, 0);
        if (n <= 0) break;
        got += (size_t)n;
        end = memchr(line, '\r', got);
    }
    if (!end) {
        char where[300];
        write_place(target, where, sizeof where);
        return err_set(err, ERR_IO, NULL, "no answer from %s within %d s", where, TIMEOUT_S);
    }
    *end = '\0';
    return true;
}

static bool check_health(const char *url, struct err *err)
{
    struct target target;
    char line[256];
    if (!read_target(url, &target, err)) return false;
    int fd = open_connection(&target, err);
    if (fd < 0) return false;
    bool is_answered = ask(fd, &target, line, sizeof line, err);
    close(fd);
    if (!is_answered) return false;
    if (!strncmp(line, "HTTP/1.", 7) && !strncmp(line + 8, " 200", 4)) return true;
    char where[300];
    write_place(&target, where, sizeof where);
    return err_set(err, ERR_IO, NULL, "%s is not healthy: %s", where, line);
}

int health_main(int argc, char **argv)
{
    int n_files, exit_code;
    const struct flags flags = {
        .usage = "embedd health [URL]",
        .about = "Asks a running service whether it is well: exit code 0 if it answers 200, else "
                 "1.\nURL may be unix:/PATH. Without it: /health where EMBEDD_LISTEN or the config "
                 "file's "
                 "`listen`\nsays, at the first of several.",
        .files_max = 1,
    };
    if (!commands_take_flags(&flags, argc, argv, &n_files, &exit_code)) return exit_code;
    struct config config;
    struct err err;
    config_init(&config);
    bool is_healthy = config_finish(&config, &err);
    config.listen[strcspn(config.listen, "\n")] = '\0'; /* the first */
    is_healthy = is_healthy && check_health(n_files ? argv[1] : config.listen, &err);
    config_clear(&config);
    return is_healthy ? 0 : commands_fail("health", &err);
}
