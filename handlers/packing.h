/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file packing.h
 * Bodies that are compressed on the wire: unpacked before a handler sees them, packed when it has
 * replied (RFC 9110, 8.4 and 12.5.3). Works on one exchange, which one thread has at a time.
 */
#pragma once

#include "handlers/exchange.h"

#include <stdbool.h>

/** packing_read: what a Content-Encoding (NULL: none) says of a body; false: nothing we know. */
bool packing_read(const char *name, enum compression *coding);

/** Codings of bodies, for messages and the header accept-encoding. */
#define PACKING_NAMES "gzip, deflate, zstd"

/**
 * packing_unpack puts what the body holds in its place.
 * @return false with a finished 400, 413 or 429 in the exchange
 */
bool packing_unpack(struct exchange *x);

/** How a client would have its reply, by its Accept-Encoding. */
struct packing_wish {
    enum compression coding; /* what it likes best of those that we pack by */
    bool needs;              /* it refuses the reply as it is */
};

/** packing_wish: of the header's value; NULL: it has sent none. */
struct packing_wish packing_wish(const char *accept_encoding);

/** packing_takes_gzip: whether a client with this Accept-Encoding (NULL: none) takes gzip, for
 * replies that are there packed already (x->is_packed). */
bool packing_takes_gzip(const char *accept_encoding);

/**
 * packing_pack packs the reply as the service's settings and the client wish. What would gain
 * nothing, or what there is no memory for, is left as it is.
 * @return false when that is more work than x->work_max; nothing was done then
 */
bool packing_pack(struct exchange *x);
