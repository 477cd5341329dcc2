/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file certificates.h
 * What TLS shows to clients and asks of them, from files: checked, and immutable from then on, so
 * any thread may use it.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of GnuTLS. */
struct gnutls_certificate_credentials_st;
struct gnutls_priority_st;

/** The files, by their paths, and what goes with them. Borrowed for the life of what uses them. */
struct tls_files {
    const char *cert;      /* PEM: the certificate, and those that vouch for it; NULL: none */
    const char *key;       /* PEM, its private key; NULL: none */
    const char *client_ca; /* PEM: who vouches for clients; NULL: they show no certificate */
    bool is_1_3_alone;     /* no TLS 1.2 */
};

struct certificates {
    struct gnutls_certificate_credentials_st *credentials;
    struct gnutls_priority_st *priority;
    bool asks_clients;
    bool names_issuers;     /* to clients, so that they choose a certificate by them */
    int64_t expires_unix_s; /* the first of what is shown that does */
    size_t n_users;         /* for who shares them */
};

/**
 * certificates_open reads and checks the files. Warns in the log of what is odd, but can be served.
 * @param must_be_valid refuse what has expired or is not valid yet, instead of warning
 * @return NULL with ERR_USAGE (files that are missing a partner), ERR_IO, ERR_FORMAT or ERR_MEMORY;
 *         the sentence names option and file
 */
struct certificates *certificates_open(const struct tls_files *files, bool must_be_valid,
                                       struct err *err);

/** certificates_close: NULL is fine. */
void certificates_close(struct certificates *certificates);
