/* SPDX-License-Identifier: Apache-2.0 */
/* `embedd health [URL]`: asks a running service how it is; for HEALTHCHECK in a container that has
   neither curl nor a resolver. */
#include "commands/commands.h"
#include "config/config.h"

#include <errno.h>
#include <gnutls/gnutls.h>
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
    bool is_tls;
    char place[280]; /* for messages: "127.0.0.1 port 8080" */
};

/* A connection to it. */
struct line {
    int fd;
    gnutls_session_t tls; /* NULL: none */
    gnutls_certificate_credentials_t credentials;
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
    snprintf(target->place, sizeof target->place, "unix:%s", path);
    return true;
}

/* Parts [http[s]://]HOST[:PORT][/PATH], or HOST:PORT as `listen` has it, which speaks TLS where
   `is_tls`. */
static bool read_target(const char *url, bool is_tls, struct target *target, struct err *err)
{
    const char *at = url;
    if (!strncmp(url, "unix:", 5)) return read_unix_target(url, target, err);
    *target->socket = '\0';
    bool is_http = !strncmp(at, "http://", 7), is_https = !strncmp(at, "https://", 8);
    at += is_http ? 7 : is_https ? 8 : 0;
    target->is_tls = is_https || (is_tls && !is_http);
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
    const char *usual = target->is_tls ? "443" : "80";
    snprintf(target->port, sizeof target->port, "%.*s", (int)(port ? port - 1 : strlen(usual)),
             port ? rest + 1 : usual);
    snprintf(target->path, sizeof target->path, "%s", path);
    /* What listens on every address is asked on this machine's own. */
    if (!strcmp(target->host, "0.0.0.0") || !strcmp(target->host, "*"))
        strcpy(target->host, "127.0.0.1");
    if (!strcmp(target->host, "::")) strcpy(target->host, "::1");
    snprintf(target->place, sizeof target->place, "%s port %s", target->host, target->port);
    return true;
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
    err_set(err, ERR_IO, NULL, "cannot find %s: %s", target->place, gai_strerror(failure));
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
    if (fd < 0)
        err_set(err, ERR_IO, NULL, "nothing answers on %s: %s", target->place,
                strerror(errno == EINPROGRESS ? ETIMEDOUT : errno));
    return fd;
}

/* ---- by TLS ---- */

/* A service that asks for certificates is shown its own. */
static bool show_certificate(const struct line *line, const struct config *config, struct err *err)
{
    if (!config_is_set(config->tls_client_ca) || !config_is_set(config->tls_cert)) return true;
    int failure = gnutls_certificate_set_x509_key_file(line->credentials, config->tls_cert,
                                                       config->tls_key, GNUTLS_X509_FMT_PEM);
    return failure >= 0 || err_set(err, ERR_IO, "tls-cert",
                                   "cannot show the certificate of tls-cert and tls-key: %s",
                                   gnutls_strerror(failure));
}

static bool refused(const struct line *line, const struct target *target, int failure,
                    struct err *err)
{
    const char *why = gnutls_strerror(failure);
    if (failure == GNUTLS_E_FATAL_ALERT_RECEIVED)
        why = gnutls_alert_get_name(gnutls_alert_get(line->tls));
    else if (failure == GNUTLS_E_AGAIN)
        why = "it does not answer";
    return err_set(err, ERR_IO, NULL, "no TLS with %s: %s", target->place, why);
}

/* Whose certificate it is does not matter: what is asked is whether somebody answers. */
static bool begin_tls(struct line *line, const struct target *target, const struct config *config,
                      struct err *err)
{
    if (!target->is_tls) return true;
    if (gnutls_certificate_allocate_credentials(&line->credentials) != 0 ||
        gnutls_init(&line->tls, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL | GNUTLS_FORCE_CLIENT_CERT) != 0 ||
        gnutls_set_default_priority(line->tls) != 0 ||
        gnutls_credentials_set(line->tls, GNUTLS_CRD_CERTIFICATE, line->credentials) != 0)
        return err_set(err, ERR_MEMORY, NULL, "no memory for TLS");
    if (!show_certificate(line, config, err)) return false;
    gnutls_transport_set_int(line->tls, line->fd);
    gnutls_handshake_set_timeout(line->tls, TIMEOUT_S * 1000);
    int failure;
    do
        failure = gnutls_handshake(line->tls);
    while (failure < 0 && failure != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(failure));
    return failure == 0 || refused(line, target, failure, err);
}

static void hang_up(struct line *line)
{
    if (line->tls) gnutls_bye(line->tls, GNUTLS_SHUT_WR);
    if (line->tls) gnutls_deinit(line->tls);
    if (line->credentials) gnutls_certificate_free_credentials(line->credentials);
    close(line->fd);
}

/* ---- HTTP ---- */

static bool say(const struct line *line, const char *text, size_t bytes)
{
    ssize_t n = line->tls ? gnutls_record_send(line->tls, text, bytes)
                          : send(line->fd, text, bytes, MSG_NOSIGNAL);
    return n == (ssize_t)bytes;
}

static ssize_t hear(const struct line *line, char *to, size_t room)
{
    return line->tls ? gnutls_record_recv(line->tls, to, room) : recv(line->fd, to, room, 0);
}

/* The first line of the reply to a GET, without its end. */
static bool ask(const struct line *line, const struct target *target, char *reply, size_t room,
                struct err *err)
{
    char request[1024];
    bool is_v6 = strchr(target->host, ':') != NULL;
    int bytes = snprintf(
        request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s%s%s:%s\r\nConnection: close\r\n\r\n",
        target->path, is_v6 ? "[" : "", target->host, is_v6 ? "]" : "", target->port);
    size_t got = 0;
    char *end = NULL;
    ssize_t n = 0;
    bool is_sent = say(line, request, (size_t)bytes);
    while (is_sent && !end && got < room - 1) {
        n = hear(line, reply + got, room - 1 - got);
        if (n <= 0) break;
        got += (size_t)n;
        end = memchr(reply, '\r', got);
    }
    if (!end && line->tls && n == GNUTLS_E_FATAL_ALERT_RECEIVED)
        return refused(line, target, (int)n, err);
    if (!end)
        return err_set(err, ERR_IO, NULL, "no answer from %s within %d s", target->place,
                       TIMEOUT_S);
    *end = '\0';
    return true;
}

static bool check_health(const char *url, const struct config *config, struct err *err)
{
    struct target target;
    struct line line = {0};
    char reply[256];
    if (!read_target(url, config_is_set(config->tls_cert), &target, err)) return false;
    line.fd = open_connection(&target, err);
    if (line.fd < 0) return false;
    bool is_answered =
        begin_tls(&line, &target, config, err) && ask(&line, &target, reply, sizeof reply, err);
    hang_up(&line);
    if (!is_answered) return false;
    if (!strncmp(reply, "HTTP/1.", 7) && !strncmp(reply + 8, " 200", 4)) return true;
    return err_set(err, ERR_IO, NULL, "%s is not healthy: %s", target.place, reply);
}

int health_main(int argc, char **argv)
{
    int n_files, exit_code;
    const struct flags flags = {
        .usage = "embedd health [URL]",
        .about = "Asks a running service whether it is well: exit code 0 if it answers\n"
                 "200, else 1. URL may be unix:/PATH. Without it: /health where\n"
                 "EMBEDD_LISTEN or the config file's `listen` says, at the first of\n"
                 "several, by TLS where EMBEDD_TLS_CERT or `tls-cert` is set.\n"
                 "Certificates are not checked.",
        .files_max = 1,
    };
    if (!commands_take_flags(&flags, argc, argv, &n_files, &exit_code)) return exit_code;
    struct config config;
    struct err err;
    config_init(&config);
    bool is_healthy = config_finish(&config, &err);
    config.listen[strcspn(config.listen, "\n")] = '\0'; /* the first */
    is_healthy = is_healthy && check_health(n_files ? argv[1] : config.listen, &config, &err);
    config_clear(&config);
    return is_healthy ? 0 : commands_fail("health", &err);
}
