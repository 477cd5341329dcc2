/* SPDX-License-Identifier: Apache-2.0 */
#include "server/certificates.h"

#include "base/file.h"
#include "base/log.h"

#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define FILE_BYTES_MAX ((size_t)1 << 20)
/* All of them, so that the server's part of a handshake fits into any socket that is empty: nobody
   waits for room in the middle of one. Usual chains have some 4 KB. */
#define CHAIN_BYTES_MAX ((size_t)16 << 10)
#define ISSUERS_BYTES_MAX ((size_t)4 << 10)
#define RSA_BITS_MIN 2048

#define AGREE                                                                                      \
    "+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD:+ECDHE-ECDSA:+ECDHE-RSA:+COMP-NULL:"       \
    "+CTYPE-X509:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+SIGN-ECDSA-SHA256:"              \
    "+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:"                \
    "+SIGN-EDDSA-ED25519:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:"                     \
    "+SIGN-RSA-PSS-RSAE-SHA512:+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512:"                \
    "%SERVER_PRECEDENCE:%PROFILE_MEDIUM"

/* Only what keeps old talks secret when the key gets out, and authenticates what it encrypts. */
static const char agreed_1_2[] = "NONE:+VERS-TLS1.3:+VERS-TLS1.2:" AGREE;
static const char agreed_1_3[] = "NONE:+VERS-TLS1.3:" AGREE;

/* A file that an option names, while it is read. */
struct source {
    const char *option, *path;
    struct err *err;
};

static bool wrong(const struct source *source, const char *why)
{
    return err_set(source->err, ERR_FORMAT, source->option, "%s: %.200s %s", source->option,
                   source->path, why);
}

static bool wrong_by_library(const struct source *source, const char *why, int failure)
{
    if (failure == GNUTLS_E_MEMORY_ERROR)
        return err_set(source->err, ERR_MEMORY, source->option, "%s: no memory", source->option);
    return err_set(source->err, ERR_FORMAT, source->option, "%s: %.200s %s (%s)", source->option,
                   source->path, why, gnutls_strerror(failure));
}

static bool read_source(const struct source *source, gnutls_datum_t *text)
{
    struct err cause;
    char *data;
    size_t bytes;
    if (!file_read(source->path, FILE_BYTES_MAX, &data, &bytes, &cause))
        return err_set(source->err, cause.code, source->option, "%s: %s", source->option,
                       cause.message);
    *text = (gnutls_datum_t){(unsigned char *)data, (unsigned)bytes};
    return true;
}

static void forget(gnutls_datum_t *text)
{
    if (text->data) gnutls_memset(text->data, 0, text->size);
    free(text->data);
}

/* ---- lists of certificates ---- */

struct list {
    gnutls_x509_crt_t *items;
    unsigned n;
};

static bool read_list(const struct source *source, unsigned how, struct list *list)
{
    gnutls_datum_t text;
    if (!read_source(source, &text)) return false;
    int failure =
        gnutls_x509_crt_list_import2(&list->items, &list->n, &text, GNUTLS_X509_FMT_PEM, how);
    forget(&text);
    if (failure >= 0 && list->n > 0) return true;
    list->n = 0;
    if (failure == GNUTLS_E_CERTIFICATE_LIST_UNSORTED)
        return wrong(source, "holds certificates that do not vouch for one another: it must have "
                             "the server's own first, then the one that signed it, and so on");
    return wrong_by_library(
        source, "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)", failure);
}

static void clear_list(struct list *list)
{
    for (unsigned i = 0; i < list->n; i++)
        gnutls_x509_crt_deinit(list->items[i]);
    gnutls_free(list->items);
}

static size_t chain_bytes(const struct list *list)
{
    size_t sum = 0;
    for (unsigned i = 0; i < list->n; i++) {
        size_t bytes = 0;
        gnutls_x509_crt_export(list->items[i], GNUTLS_X509_FMT_DER, NULL, &bytes);
        sum += bytes;
    }
    return sum;
}

static size_t names_bytes(const struct list *list)
{
    size_t sum = 0;
    for (unsigned i = 0; i < list->n; i++) {
        gnutls_datum_t name = {NULL, 0};
        if (gnutls_x509_crt_get_raw_dn(list->items[i], &name) == 0) sum += name.size;
        gnutls_free(name.data);
    }
    return sum;
}

/* ---- the server's own ---- */

/* Whether clients with modern suites can do with it. */
static bool check_kind(const struct source *source, gnutls_x509_crt_t cert)
{
    unsigned bits = 0;
    switch (gnutls_x509_crt_get_pk_algorithm(cert, &bits)) {
    case GNUTLS_PK_RSA:
        if (bits >= RSA_BITS_MIN) return true;
        return err_set(source->err, ERR_FORMAT, source->option,
                       "%s: %.200s has an RSA key of %u bits, which is too weak: make one of 2048 "
                       "or more, or an ECDSA key on P-256",
                       source->option, source->path, bits);
    case GNUTLS_PK_ECDSA:
        if (bits == 256 || bits == 384) return true;
        break;
    case GNUTLS_PK_EDDSA_ED25519:
        return true;
    default:
        break;
    }
    return wrong(source, "has a key of a kind that is not used here: take RSA of 2048 bits or "
                         "more, ECDSA on P-256 or P-384, or Ed25519");
}

static const char *date_of(time_t when, char out[static 16])
{
    struct tm parts;
    gmtime_r(&when, &parts);
    strftime(out, 16, "%Y-%m-%d", &parts);
    return out;
}

static bool check_dates(const struct source *source, const struct list *list, bool must_be_valid,
                        int64_t *expires)
{
    time_t now = time(NULL), from = 0, until = gnutls_x509_crt_get_expiration_time(list->items[0]);
    for (unsigned i = 0; i < list->n; i++) {
        time_t begin = gnutls_x509_crt_get_activation_time(list->items[i]);
        time_t end = gnutls_x509_crt_get_expiration_time(list->items[i]);
        if (begin > from) from = begin;
        if (end < until) until = end;
    }
    *expires = until;
    char date[16];
    if (from <= now && now < until) {
        log_info("%s: %s expires in %lld days, on %s", source->option, source->path,
                 (long long)(until - now) / 86400, date_of(until, date));
        return true;
    }
    bool is_over = now >= until;
    date_of(is_over ? until : from, date);
    const char *what = is_over ? "has expired on" : "is not valid before";
    if (must_be_valid)
        return err_set(source->err, ERR_FORMAT, source->option,
                       "%s: %.200s %s %s: put a certificate that is valid now in its place",
                       source->option, source->path, what, date);
    log_warn("%s: %s %s %s: clients that check will refuse it; put another in its place and send "
             "SIGHUP",
             source->option, source->path, what, date);
    return true;
}

static bool check_chain(const struct source *source, const struct list *chain)
{
    if (chain_bytes(chain) <= CHAIN_BYTES_MAX) return check_kind(source, chain->items[0]);
    return err_set(source->err, ERR_FORMAT, source->option,
                   "%s: %.200s holds %u certificates, which are too many to send to every client: "
                   "keep the server's own and those between it and the root",
                   source->option, source->path, chain->n);
}

static void warn_of_readers(const struct source *source)
{
    struct stat info;
    if (stat(source->path, &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & S_IROTH))
        log_warn("%s: everyone on this machine may read %s: take that away (chmod o-r)",
                 source->option, source->path);
}

static bool read_key(const struct source *source, gnutls_x509_privkey_t *key)
{
    gnutls_datum_t text;
    if (!read_source(source, &text)) return false;
    int failure = gnutls_x509_privkey_init(key);
    if (!failure) failure = gnutls_x509_privkey_import2(*key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
    forget(&text);
    if (!failure) return true;
    gnutls_x509_privkey_deinit(*key);
    *key = NULL;
    if (failure == GNUTLS_E_DECRYPTION_FAILED)
        return wrong(source, "is encrypted with a password: store the key without one (openssl "
                             "pkey), readable to this user alone");
    return wrong_by_library(
        source, "holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)", failure);
}

static bool join(struct certificates *made, const struct tls_files *files, struct list *chain,
                 gnutls_x509_privkey_t key, struct err *err)
{
    const struct source source = {"tls-key", files->key, err};
    int failure =
        gnutls_certificate_set_x509_key(made->credentials, chain->items, (int)chain->n, key);
    if (failure >= 0) return true;
    if (failure == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return err_set(err, ERR_FORMAT, "tls-key",
                       "tls-key: %.150s is not the key of the certificate in %.150s (tls-cert): "
                       "give the two that were made together",
                       files->key, files->cert);
    return wrong_by_library(&source, "cannot be used", failure);
}

static bool read_own(struct certificates *made, const struct tls_files *files, bool must_be_valid,
                     struct err *err)
{
    const struct source cert = {"tls-cert", files->cert, err},
                        secret = {"tls-key", files->key, err};
    struct list chain = {NULL, 0};
    gnutls_x509_privkey_t key = NULL;
    bool is_done = read_list(&cert, GNUTLS_X509_CRT_LIST_SORT, &chain) &&
                   check_chain(&cert, &chain) && read_key(&secret, &key) &&
                   join(made, files, &chain, key, err) &&
                   check_dates(&cert, &chain, must_be_valid, &made->expires_unix_s);
    if (is_done) warn_of_readers(&secret);
    clear_list(&chain);
    gnutls_x509_privkey_deinit(key);
    return is_done;
}

/* ---- clients' ---- */

static bool read_client_ca(struct certificates *made, const struct tls_files *files,
                           struct err *err)
{
    if (!files->client_ca) return true;
    const struct source source = {"tls-client-ca", files->client_ca, err};
    struct list list = {NULL, 0};
    if (!read_list(&source, 0, &list)) return false;
    int failure = gnutls_certificate_set_x509_trust(made->credentials, list.items, (int)list.n);
    made->asks_clients = true;
    made->names_issuers = names_bytes(&list) <= ISSUERS_BYTES_MAX;
    clear_list(&list);
    return failure >= 0 || wrong_by_library(&source, "cannot be used", failure);
}

/* ---- all ---- */

static bool are_whole(const struct tls_files *files, struct err *err)
{
    if (files->cert && files->key) return true;
    return err_set(err, ERR_USAGE, files->cert ? "tls-key" : "tls-cert",
                   "tls-cert and tls-key go together (tls-client-ca needs both), but %s "
                   "is not set: give the file of the %s, in PEM form",
                   files->cert ? "tls-key" : "tls-cert",
                   files->cert ? "private key" : "certificate");
}

struct certificates *certificates_open(const struct tls_files *files, bool must_be_valid,
                                       struct err *err)
{
    if (!are_whole(files, err)) return NULL;
    struct certificates *made = calloc(1, sizeof *made);
    if (!made || gnutls_certificate_allocate_credentials(&made->credentials) != 0 ||
        gnutls_priority_init2(&made->priority, files->is_1_3_alone ? agreed_1_3 : agreed_1_2, NULL,
                              0) != 0) {
        err_set(err, ERR_MEMORY, NULL, "no memory for TLS");
    } else if (read_own(made, files, must_be_valid, err) && read_client_ca(made, files, err)) {
        return made;
    }
    certificates_close(made);
    return NULL;
}

void certificates_close(struct certificates *certificates)
{
    if (!certificates) return;
    if (certificates->credentials) gnutls_certificate_free_credentials(certificates->credentials);
    gnutls_priority_deinit(certificates->priority);
    free(certificates);
}
