/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tls.h
 * TLS as a layer between HTTP and the sockets (wire.h), by GnuTLS: versions 1.2 and 1.3, modern
 * suites alone, clients' certificates where asked for, no renegotiation, no resumption.
 *
 * A connection keeps the certificates it began with; tls_reload swaps them for those that come
 * later, and the old ones go with their last connection. The layer is shared by all loops;
 * tls_reload may run on any thread beside them, one at a time.
 *
 * Formats: RFC 5246 and 8446 (TLS), 7301 (ALPN: "http/1.1").
 */
#pragma once

#include "base/err.h"
#include "handlers/metrics.h"
#include "server/certificates.h"
#include "server/wire.h"

#include <stdbool.h>

struct tls;

/**
 * tls_new reads and checks the files. A certificate that has expired, or is not valid yet, is
 * served with a warning: who is kept from starting serves nobody.
 * @return NULL with ERR_USAGE (one of cert and key is missing), ERR_IO, ERR_FORMAT or ERR_MEMORY;
 *         the sentence names option and file
 */
struct tls *tls_new(const struct tls_files *files, struct err *err);

/** tls_free: when there are no connections any more; NULL is fine. */
void tls_free(struct tls *tls);

/** tls_layer: for the connections; as long as `tls`. */
const struct wire_layer *tls_layer(const struct tls *tls);

/** tls_counts: what metrics show of it; as long as `tls`. */
const struct metrics_tls *tls_counts(const struct tls *tls);

/**
 * tls_reload reads the files anew: all of them, or none. What is not valid now is refused.
 * @return false as tls_new does, with nothing changed
 */
bool tls_reload(struct tls *tls, struct err *err);

/** tls_library_version: of the GnuTLS that runs, such as "3.7.9". */
const char *tls_library_version(void);
