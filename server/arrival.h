/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file arrival.h
 * An accepted socket on its way from its listener to the loop that takes it up, and what is known
 * of it by then. Plain data.
 */
#pragma once

#include "base/address.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct wire_layer;

/** What all connections of one listener share. Constant while there is one; any thread. */
struct door {
    const struct wire_layer *layer; /* between HTTP and the socket; NULL: none */
    bool is_admin;                  /* of admin-listen */
    bool takes_proxy_header;        /* of those in `proxies`: proxy_header.h */
    const struct networks *proxies; /* who is believed about whom they speak for; NULL: nobody */
};

struct arrival {
    int fd;
    struct address client; /* whom the kernel says it is from */
    const struct door *door;
    atomic_size_t *beyond; /* counts those let in beyond max-connections, until they have ended, of
                              which it is one; NULL: it is none */
};

/** arrival_end: the connection has ended, or never was one. Once for each; any thread. */
static inline void arrival_end(atomic_size_t *beyond)
{
    if (beyond) atomic_fetch_sub_explicit(beyond, 1, memory_order_relaxed);
}
