/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file rates.h
 * How many requests and tokens a client may send: buckets that fill at so much a minute, and hold
 * a minute's worth. What a request's tokens are is known when it has been answered; they are taken
 * then, and who owes some waits until they have come in.
 *
 * Where a client's limits become others, what it has used stays used, and they hold at once.
 *
 * A bounded number of clients is remembered, the latest; who has been forgotten begins with full
 * buckets. Any thread; a lock is held for some instructions, and few clients share it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rates;

/** A minute; 0: no limit. */
struct rate_limits {
    uint64_t requests, tokens;
};

/** What a client has left, after a request. */
struct rate_state {
    struct rate_limits limits; /* both 0: there are none, and nothing else is said */
    uint64_t requests_left, tokens_left;
    uint64_t requests_full_ms, tokens_full_ms; /* until the buckets are full */
    uint64_t retry_ms;                         /* of one that is refused */
};

/** rates_new: NULL when there is no memory. */
struct rates *rates_new(void);
void rates_free(struct rates *rates);

/** rates_take: whether a request of `client` is within the limits; it is counted then. Fills
 * *state in either case. `now_ns` of clock_now_ns. */
bool rates_take(struct rates *rates, uint64_t client, const struct rate_limits *limits,
                uint64_t now_ns, struct rate_state *state);

/** rate_state_charge: what the client has left once `tokens` of this request are taken. */
void rate_state_charge(struct rate_state *state, uint64_t tokens);

/** rates_charge takes the tokens of an answered request. `limits` of its rate_state. */
void rates_charge(struct rates *rates, uint64_t client, const struct rate_limits *limits,
                  uint64_t tokens, uint64_t now_ns);
