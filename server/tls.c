/* SPDX-License-Identifier: Apache-2.0 */
#include "server/tls.h"

#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct tls {
    struct wire_layer layer;
    struct tls_files files;
    struct metrics_tls counts;
    struct log_gate failure_gate;
    pthread_mutex_t mutex;    /* held for a few instructions, over the following */
    struct certificates *now; /* and how many use it, or one that was before it */
};

enum phase {
    PHASE_SILENT,  /* not a byte has come */
    PHASE_SHAKING, /* hands */
    PHASE_OPEN,
    PHASE_REFUSED, /* there will be no HTTP; the client has been told */
};

/* A connection's. */
struct session {
    gnutls_session_t gnutls;
    struct tls *of;
    struct certificates *certificates;
    struct wire *wire; /* of the call under way: it may move in between */
    enum phase phase;
    bool is_plain;   /* the client speaks HTTP without TLS */
    bool has_taken;  /* bytes from the kernel, in the call under way */
    bool is_sending; /* part of a record is still here */
    bool lingers;    /* it was refused, and finish has been called since */
};

#define USE_HTTPS "This port speaks TLS; use https://\n"
static const char reply_400[] =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 35\r\n"
    "Connection: close\r\n\r\n" USE_HTTPS;
static_assert(sizeof USE_HTTPS - 1 == 35, "its length");

/* ---- the certificates of now ---- */

static struct certificates *take_certificates(struct tls *tls)
{
    pthread_mutex_lock(&tls->mutex);
    struct certificates *now = tls->now;
    now->n_users++;
    pthread_mutex_unlock(&tls->mutex);
    return now;
}

static void give_certificates(struct tls *tls, struct certificates *certificates)
{
    pthread_mutex_lock(&tls->mutex);
    bool is_last = --certificates->n_users == 0;
    pthread_mutex_unlock(&tls->mutex);
    if (is_last) certificates_close(certificates);
}

/* ---- the socket, for GnuTLS ---- */

static ssize_t take_bytes(gnutls_transport_ptr_t at, void *to, size_t room)
{
    struct session *session = at;
    ssize_t n = wire_take(session->wire, to, room);
    if (n > 0 && session->phase == PHASE_SILENT) {
        /* A handshake begins with the byte 22, a method of HTTP with a letter. */
        unsigned char first = *(unsigned char *)to;
        session->phase = PHASE_SHAKING;
        session->is_plain = first >= 'A' && first <= 'Z';
    }
    session->has_taken |= n > 0;
    if (n >= 0 && !session->is_plain) return n;
    gnutls_transport_set_errno(session->gnutls, n < 0 ? errno : EPROTO);
    return -1;
}

static ssize_t give_bytes(gnutls_transport_ptr_t at, const void *from, size_t n)
{
    struct session *session = at;
    ssize_t given = wire_give(session->wire, from, n);
    if (given < 0) gnutls_transport_set_errno(session->gnutls, errno);
    return given;
}

/* Sockets are non-blocking: who asks how long to wait may as well look. */
static int wait_for_bytes(gnutls_transport_ptr_t at, unsigned ms)
{
    (void)at;
    (void)ms;
    return 1;
}

/* ---- begin ---- */

static bool prepare(struct session *session)
{
    static const gnutls_datum_t protocol = {(unsigned char *)"http/1.1", 8};
    const struct certificates *certificates = session->certificates;
    gnutls_session_t gnutls = session->gnutls;
    gnutls_transport_set_ptr(gnutls, session);
    gnutls_transport_set_pull_function(gnutls, take_bytes);
    gnutls_transport_set_push_function(gnutls, give_bytes);
    gnutls_transport_set_pull_timeout_function(gnutls, wait_for_bytes);
    gnutls_handshake_set_timeout(gnutls, 0); /* deadlines are kept elsewhere */
    if (certificates->asks_clients) {
        static gnutls_typed_vdata_st purpose = {GNUTLS_DT_KEY_PURPOSE_OID,
                                                (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT, 0};
        gnutls_certificate_server_set_request(gnutls, GNUTLS_CERT_REQUIRE);
        gnutls_certificate_send_x509_rdn_sequence(gnutls, !certificates->names_issuers);
        gnutls_session_set_verify_cert2(gnutls, &purpose, 1, 0);
    }
    /* Who speaks other protocols alone, such as HTTP/2, is told so. */
    return gnutls_alpn_set_protocols(gnutls, &protocol, 1, GNUTLS_ALPN_MANDATORY) == 0 &&
           gnutls_priority_set(gnutls, certificates->priority) == 0 &&
           gnutls_credentials_set(gnutls, GNUTLS_CRD_CERTIFICATE, certificates->credentials) == 0;
}

static void free_session(struct session *session)
{
    if (session->gnutls) gnutls_deinit(session->gnutls);
    give_certificates(session->of, session->certificates);
    free(session);
}

static bool begin(struct wire *wire)
{
    struct session *session = calloc(1, sizeof *session);
    if (!session) return false;
    session->of = wire->layer->context;
    session->certificates = take_certificates(session->of);
    const unsigned how = GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS;
    if (gnutls_init(&session->gnutls, how) != 0 || !prepare(session)) {
        free_session(session);
        return false;
    }
    wire->state = session;
    wire->is_opening = true;
    return true;
}

static struct session *of(struct wire *wire)
{
    struct session *session = wire->state;
    session->wire = wire;
    return session;
}

/* ---- the handshake ---- */

static void log_failure(struct session *session, int failure)
{
    struct tls *tls = session->of;
    const char *why = gnutls_strerror(failure);
    gnutls_datum_t more = {NULL, 0};
    if (session->is_plain)
        why = "the client speaks HTTP without TLS";
    else if (failure == GNUTLS_E_FATAL_ALERT_RECEIVED)
        why = gnutls_alert_get_name(gnutls_alert_get(session->gnutls));
    else if (failure == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR &&
             gnutls_certificate_verification_status_print(
                 gnutls_session_get_verify_cert_status(session->gnutls), GNUTLS_CRT_X509, &more,
                 0) == 0)
        why = (const char *)more.data;
    log_rarely(&tls->failure_gate, LOG_LEVEL_INFO, "a TLS handshake failed: %s", why);
    gnutls_free(more.data);
}

/* What the client is told fits into the socket, or it is not told. */
static void refuse(struct session *session, int failure)
{
    if (session->phase == PHASE_SHAKING) { /* else it has only looked whether the port is open */
        atomic_fetch_add_explicit(&session->of->counts.failures, 1, memory_order_relaxed);
        log_failure(session, failure);
    }
    if (session->is_plain)
        wire_give(session->wire, reply_400, sizeof reply_400 - 1);
    else if (failure != GNUTLS_E_PREMATURE_TERMINATION)
        gnutls_alert_send_appropriate(session->gnutls, failure);
    session->phase = PHASE_REFUSED;
}

/* GnuTLS waits as soon as the kernel has given less than a record; wire.h knows the end of its
   bytes by EAGAIN alone. */
static bool waits_too_soon(struct session *session, ssize_t n)
{
    bool has_taken = session->has_taken;
    session->has_taken = false;
    return n == GNUTLS_E_AGAIN && has_taken;
}

/* False: with errno, or refused. */
static bool shake_hands(struct session *session)
{
    int failure;
    do
        failure = gnutls_handshake(session->gnutls);
    while (waits_too_soon(session, failure) ||
           (failure < 0 && failure != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(failure)));
    if (failure == GNUTLS_E_AGAIN) {
        errno = EAGAIN;
    } else if (failure) {
        refuse(session, failure);
    } else {
        session->phase = PHASE_OPEN;
        session->wire->is_opening = false;
        atomic_fetch_add_explicit(&session->of->counts.handshakes, 1, memory_order_relaxed);
    }
    return failure == 0;
}

/* ---- bytes ---- */

/* What GnuTLS has returned, as the kernel's calls return. */
static ssize_t result_of(struct session *session, ssize_t n)
{
    if (n >= 0) return n;
    if (n != GNUTLS_E_AGAIN && n != GNUTLS_E_PREMATURE_TERMINATION) {
        log_debug("a TLS connection failed: %s", gnutls_strerror((int)n));
        gnutls_alert_send_appropriate(session->gnutls, (int)n);
    }
    errno = n == GNUTLS_E_AGAIN ? EAGAIN : EPROTO;
    return -1;
}

static ssize_t take_text(struct wire *wire, void *to, size_t room)
{
    struct session *session = of(wire);
    /* Who is refused has ended, for those above; the connection stays until the client knows. */
    if (session->phase < PHASE_OPEN && !shake_hands(session) && session->phase != PHASE_REFUSED)
        return -1;
    if (session->phase == PHASE_REFUSED) return 0;
    ssize_t n;
    do
        n = gnutls_record_recv(session->gnutls, to, room);
    while (waits_too_soon(session, n) || n == GNUTLS_E_INTERRUPTED ||
           n == GNUTLS_E_WARNING_ALERT_RECEIVED);
    return result_of(session, n);
}

static ssize_t give_text(struct wire *wire, const void *from, size_t n)
{
    struct session *session = of(wire);
    if (session->phase != PHASE_OPEN) {
        errno = ENOTCONN;
        return -1;
    }
    ssize_t given;
    do
        given = session->is_sending ? gnutls_record_send(session->gnutls, NULL, 0)
                                    : gnutls_record_send(session->gnutls, from, n);
    while (given == GNUTLS_E_INTERRUPTED);
    session->is_sending = given == GNUTLS_E_AGAIN;
    return result_of(session, given);
}

static size_t count_text(const struct wire *wire)
{
    const struct session *session = wire->state;
    return session->phase == PHASE_OPEN ? gnutls_record_check_pending(session->gnutls) : 0;
}

/* ---- the end ---- */

static bool say_last(struct wire *wire)
{
    struct session *session = of(wire);
    if (session->phase == PHASE_OPEN) {
        int failure;
        do
            failure = gnutls_bye(session->gnutls, GNUTLS_SHUT_WR);
        while (failure == GNUTLS_E_INTERRUPTED);
        return failure != GNUTLS_E_AGAIN;
    }
    /* Closed at once, with bytes unread, the connection would be reset, and why it was refused be
       lost: not yet finished, it lingers. */
    bool is_first = session->phase == PHASE_REFUSED && !session->lingers;
    session->lingers = true;
    return !is_first;
}

static void end(struct wire *wire)
{
    struct session *session = of(wire);
    if (session->phase == PHASE_SHAKING)
        atomic_fetch_add_explicit(&session->of->counts.failures, 1, memory_order_relaxed);
    free_session(session);
}

/* ---- all ---- */

static void show_expiry(struct tls *tls)
{
    atomic_store_explicit(&tls->counts.expires_unix_s, tls->now->expires_unix_s,
                          memory_order_relaxed);
}

struct tls *tls_new(const struct tls_files *files, struct err *err)
{
    struct tls *tls = calloc(1, sizeof *tls);
    if (!tls) {
        err_set(err, ERR_MEMORY, NULL, "no memory for TLS");
        return NULL;
    }
    tls->files = *files;
    tls->layer = (struct wire_layer){
        .context = tls,
        .open = begin,
        .read = take_text,
        .send = give_text,
        .unread = count_text,
        .finish = say_last,
        .close = end,
    };
    tls->now = certificates_open(files, false, err);
    if (!tls->now) {
        free(tls);
        return NULL;
    }
    tls->now->n_users = 1;
    pthread_mutex_init(&tls->mutex, NULL);
    show_expiry(tls);
    return tls;
}

void tls_free(struct tls *tls)
{
    if (!tls) return;
    give_certificates(tls, tls->now);
    pthread_mutex_destroy(&tls->mutex);
    free(tls);
}

const struct wire_layer *tls_layer(const struct tls *tls)
{
    return &tls->layer;
}

const struct metrics_tls *tls_counts(const struct tls *tls)
{
    return &tls->counts;
}

bool tls_reload(struct tls *tls, struct err *err)
{
    struct certificates *fresh = certificates_open(&tls->files, true, err);
    if (!fresh) return false;
    fresh->n_users = 1;
    pthread_mutex_lock(&tls->mutex);
    struct certificates *old = tls->now;
    tls->now = fresh;
    pthread_mutex_unlock(&tls->mutex);
    give_certificates(tls, old);
    show_expiry(tls);
    return true;
}

const char *tls_library_version(void)
{
    return gnutls_check_version(NULL);
}
