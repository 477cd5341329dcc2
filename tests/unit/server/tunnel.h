/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tunnel.h
 * TLS for tests: certificates made here, the server's layer, and a client that knows nothing of it.
 * The client's socket ends in a tunnel, two threads that speak TLS with the server: an end that the
 * server has announced by close_notify comes out as an end, any other as a reset.
 */
#pragma once

#include "server/tls.h"
#include "tests/unit/server/records.h"

#include <gnutls/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

/* ---- certificates ---- */

struct made {
    char cert[64], key[64]; /* files */
};

static inline void write_datum(const char *path, gnutls_datum_t *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text->data, 1, text->size, file), text->size);
    assert_int_equal(fclose(file), 0);
    gnutls_free(text->data);
}

/* Signs itself; valid from so many days from now to so many. */
static inline void make_certificate(struct made *made, int from_days, int to_days)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t cert;
    gnutls_datum_t text;
    time_t now = time(NULL);
    int fd;
    assert_int_equal(gnutls_x509_privkey_init(&key), 0);
    assert_int_equal(gnutls_x509_privkey_generate(
                         key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
                     0);
    assert_int_equal(gnutls_x509_crt_init(&cert), 0);
    assert_int_equal(gnutls_x509_crt_set_version(cert, 3), 0);
    assert_int_equal(gnutls_x509_crt_set_serial(cert, "\1", 1), 0);
    assert_int_equal(gnutls_x509_crt_set_dn(cert, "CN=localhost", NULL), 0);
    assert_int_equal(gnutls_x509_crt_set_activation_time(cert, now + from_days * 86400), 0);
    assert_int_equal(gnutls_x509_crt_set_expiration_time(cert, now + to_days * 86400), 0);
    assert_int_equal(gnutls_x509_crt_set_key(cert, key), 0);
    assert_int_equal(gnutls_x509_crt_sign2(cert, cert, key, GNUTLS_DIG_SHA256, 0), 0);
    strcpy(made->cert, "/tmp/embedd-cert-XXXXXX");
    strcpy(made->key, "/tmp/embedd-key-XXXXXX");
    assert_true((fd = mkstemp(made->cert)) >= 0);
    close(fd);
    assert_true((fd = mkstemp(made->key)) >= 0);
    close(fd);
    assert_int_equal(gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &text), 0);
    write_datum(made->cert, &text);
    assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &text), 0);
    write_datum(made->key, &text);
    gnutls_x509_crt_deinit(cert);
    gnutls_x509_privkey_deinit(key);
}

static inline void remove_certificate(const struct made *made)
{
    unlink(made->cert);
    unlink(made->key);
}

static inline struct tls *make_tls(void)
{
    struct made made;
    struct err err;
    make_certificate(&made, -1, 30);
    const struct tls_files files = {.cert = made.cert, .key = made.key};
    struct tls *tls = tls_new(&files, &err);
    assert_non_null(tls);
    remove_certificate(&made);
    return tls;
}

/* ---- the tunnel ---- */

struct tunnel {
    int near, far; /* the client's, the server's */
    gnutls_session_t tls;
    gnutls_certificate_credentials_t credentials;
    pthread_t talker;
};

static atomic_size_t tunnels_open;

static inline void tunnel_reset(int fd)
{
    const struct linger now = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

/* The client's bytes to the server, and its end. */
static inline void *tunnel_talk(void *of)
{
    struct tunnel *tunnel = of;
    char bytes[4096];
    ssize_t n;
    while ((n = recv(tunnel->near, bytes, sizeof bytes, 0)) > 0) {
        if (gnutls_record_send(tunnel->tls, bytes, (size_t)n) != n) break;
    }
    if (n == 0) gnutls_bye(tunnel->tls, GNUTLS_SHUT_WR);
    if (n < 0) {
        tunnel_reset(tunnel->far);
        shutdown(tunnel->far, SHUT_RD);
    }
    return NULL;
}

/* The server's to the client. */
static inline void tunnel_listen(struct tunnel *tunnel)
{
    char bytes[4096];
    ssize_t n;
    while ((n = gnutls_record_recv(tunnel->tls, bytes, sizeof bytes)) > 0) {
        if (send(tunnel->near, bytes, (size_t)n, MSG_NOSIGNAL) != n) break;
    }
    if (n == 0) { /* the client may go on sending */
        shutdown(tunnel->near, SHUT_WR);
        return;
    }
    tunnel_reset(tunnel->near);
    shutdown(tunnel->near, SHUT_RD);
    shutdown(tunnel->far, SHUT_RDWR);
}

static inline void *tunnel_run(void *of)
{
    struct tunnel *tunnel = of;
    bool is_open = gnutls_handshake(tunnel->tls) == 0;
    if (is_open) is_open = pthread_create(&tunnel->talker, NULL, tunnel_talk, tunnel) == 0;
    if (is_open) tunnel_listen(tunnel);
    if (is_open) pthread_join(tunnel->talker, NULL);
    gnutls_deinit(tunnel->tls);
    gnutls_certificate_free_credentials(tunnel->credentials);
    close(tunnel->near);
    close(tunnel->far);
    free(tunnel);
    tunnels_open--;
    return NULL;
}

/* Puts a tunnel between `peer`, connected to a server with TLS, and its socket. */
static inline void tunnel_begin(struct peer *peer)
{
    struct peer near;
    pthread_t thread;
    const int few = 4096;
    struct tunnel *tunnel = calloc(1, sizeof *tunnel);
    assert_non_null(tunnel);
    tunnel->far = peer->fd;
    tunnel->near = peer_connect(&near, NULL);
    assert_int_equal(fcntl(tunnel->near, F_SETFL, 0), 0); /* it may wait */
    setsockopt(tunnel->near, SOL_SOCKET, SO_SNDBUF, &few, sizeof few);
    setsockopt(tunnel->far, SOL_SOCKET, SO_RCVBUF, &few, sizeof few);
    free(near.text);
    peer->fd = near.fd;
    peer->layer = NULL;
    peer->has_tunnel = true;
    assert_int_equal(gnutls_certificate_allocate_credentials(&tunnel->credentials), 0);
    assert_int_equal(gnutls_init(&tunnel->tls, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL), 0);
    assert_int_equal(gnutls_set_default_priority(tunnel->tls), 0);
    gnutls_credentials_set(tunnel->tls, GNUTLS_CRD_CERTIFICATE, tunnel->credentials);
    gnutls_transport_set_int(tunnel->tls, tunnel->far);
    tunnels_open++;
    assert_int_equal(pthread_create(&thread, NULL, tunnel_run, tunnel), 0);
    pthread_detach(thread);
}
