/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file forwarded.h
 * Whom a trusted proxy speaks for, told from the headers x-forwarded-for and forwarded (RFC 7239).
 * Each proxy on the way adds at the end whom it was asked by; so they are read from the end, as
 * long as each is a proxy that is trusted itself. What stands further to the left anybody may have
 * written. Any thread.
 */
#pragma once

#include "base/address.h"

#include <stdbool.h>

/** Lines of one of these headers; of more the last ones count. */
#define FORWARDED_LINES_MAX 8

struct forwarded {
    const char *x[FORWARDED_LINES_MAX], *standard[FORWARDED_LINES_MAX];
    unsigned n_x, n_standard;
};

/** forwarded_add: one more line of x-forwarded-for (`is_x`) or forwarded; borrowed. */
void forwarded_add(struct forwarded *forwarded, bool is_x, const char *value);

/** forwarded_client: `client`, who is trusted, becomes the first from the end who is not, or the
 * last who is known. Where there is x-forwarded-for, forwarded is not looked at. */
void forwarded_client(const struct forwarded *forwarded, const struct networks *proxies,
                      struct address *client);
