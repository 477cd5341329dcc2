/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file address.h
 * Addresses of clients and proxies, and lists of networks, as plain data without sockets. Any
 * thread may read what no thread writes.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum address_family {
    ADDRESS_NONE, /* not known */
    ADDRESS_IPV4,
    ADDRESS_IPV6, /* never one that stands for an IPv4 address */
    ADDRESS_UNIX, /* of a program on this machine, by a Unix socket: it has no more of a name */
};

/** In as few bytes as there are: every connection has one. */
struct address {
    uint8_t bytes[16]; /* in network order; of IPv4 the first four */
    uint16_t port;     /* 0: not known */
    uint8_t family;    /* of enum address_family */
};

/** Sets the address from the 4 or 16 bytes of an IPv4 or IPv6 one; ::ffff:1.2.3.4 is 1.2.3.4. */
struct address address_of_ipv4(const uint8_t bytes[static 4], uint16_t port);
struct address address_of_ipv6(const uint8_t bytes[static 16], uint16_t port);

/** address_read reads an IPv4 or IPv6 address of `n` bytes: 1.2.3.4, 1.2.3.4:80, ::1, [::1],
 * [::1]:80. False where it is none. */
bool address_read(struct address *address, const char *text, size_t n);

/** address_write writes it without the port: "127.0.0.1", "::1", "unix"; "" where it is not known.
 */
void address_write(const struct address *address, char *out);
#define ADDRESS_TEXT_BYTES 46

/** address_client: a number that stands for whoever has the address: all of an IPv4 one, the first
 * half of an IPv6 one, which is what a household gets. 0: it says nothing of who it is. */
uint64_t address_client(const struct address *address);

/** A network: addresses that begin with the same bits. */
struct network {
    struct address address;
    uint8_t bits;
};

struct networks {
    struct network *items;
    size_t n;
};

/**
 * networks_read reads a list of networks, a line each: 10.0.0.0/8, 2001:db8::/32, an address alone,
 * or unix. `option` is its name in the message.
 * @return false with ERR_USAGE, or ERR_MEMORY; there is nothing to clear then
 */
bool networks_read(struct networks *networks, const char *list, const char *option,
                   struct err *err);
void networks_clear(struct networks *networks);

/** networks_have: whether the address is in one of them. */
bool networks_have(const struct networks *networks, const struct address *address);
