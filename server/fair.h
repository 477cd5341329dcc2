/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fair.h
 * A queue that is fair between clients: whoever keeps much waiting waits for it himself. Each
 * client has a lane of his own, first in, first out; the lane that has been given least is next,
 * where what is given is counted as cost. (Start-time fair queueing: Goyal, Vin, Cheng 1996.)
 *
 * Clients share a lane by chance, one in FAIR_LANES: it is bounded, and allocates nothing. Plain
 * data; one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAIR_LANES 512

/** What waits; the first two are the caller's to set. */
struct fair_item {
    uint64_t client; /* whose it is, any number */
    uint64_t cost;
    struct fair_item *next;
};

struct fair_lane {
    struct fair_item *first, *last;
    uint64_t cost;     /* of its items */
    uint64_t start;    /* what it has been given, on the queue's clock */
    uint64_t turn;     /* of equals the one that has waited longer */
    uint16_t position; /* in the heap */
};

struct fair {
    struct fair_lane lanes[FAIR_LANES];
    uint16_t heap[FAIR_LANES]; /* (n_waiting) of lanes with items; the least is first */
    size_t n_waiting;
    size_t n; /* items */
    uint64_t now, turns;
};

/** fair_put: `item` stays the queue's until it is taken or removed. A zeroed queue is empty. */
void fair_put(struct fair *fair, struct fair_item *item);

/** fair_take returns the next one, or NULL. */
struct fair_item *fair_take(struct fair *fair);

/** fair_cost: of all that waits in the client's lane. */
uint64_t fair_cost(struct fair *fair, uint64_t client);

/** fair_cost_ahead: what is going to be taken before an item of that client that would be put now,
 * by cost, as far as it waits: at least, for whoever comes later may be taken before it, too. */
uint64_t fair_cost_ahead(const struct fair *fair, uint64_t client);

/** fair_remove: false where it does not wait. */
bool fair_remove(struct fair *fair, struct fair_item *item);
