/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file proxy_header.h
 * The PROXY protocol, version 2: what a proxy sends before the first byte of its client, to say who
 * that is (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, section 2.2).
 *
 * Bytes are taken one piece after the other, and never one beyond the header, which says how long
 * it is. Plain data of one connection.
 */
#pragma once

#include "base/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** As much of it as is read: the rest (addresses of Unix sockets, TLVs) is passed over. */
#define PROXY_HEADER_KEPT_BYTES (16 + 36)
/** Longer ones are refused: signature, addresses and all TLVs. */
#define PROXY_HEADER_BYTES_MAX 4096

struct proxy_header {
    uint8_t bytes[PROXY_HEADER_KEPT_BYTES];
    uint16_t taken; /* of the whole header, kept or not */
    bool is_faulty;
};

/** proxy_header_wants: how many bytes may be taken next, at most: 0 when it is whole, or faulty. */
size_t proxy_header_wants(const struct proxy_header *header);

/** proxy_header_take takes the next `n` > 0 bytes, at most as many as it wants.
 * @return false when this is no such header: from its first wrong byte on */
bool proxy_header_take(struct proxy_header *header, const uint8_t *bytes, size_t n);

/** proxy_header_client, of a whole one: sets `client` to whom the proxy speaks for. Where it speaks
 * for itself (LOCAL), or of a family that is not known, `client` stays as it is. */
void proxy_header_client(const struct proxy_header *header, struct address *client);
