/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file admission.h
 * Whether a request is taken on: the client's rate, the room in the workers' queue, the time that
 * the request gives itself. Asked when its head has come, when all of it has, and once more when it
 * is its turn. A refusal is a finished reply in the exchange: 429, or 504 for one that came late.
 *
 * On the thread of the request's loop, but for admission_is_wanted.
 */
#pragma once

#include "server/fair.h"
#include "server/pool.h"
#include "server/request.h"

#include <stdbool.h>
#include <stdint.h>

/** admission_cost is what the workers have to do for a request whose body has come; a byte of text
 * costs 1. */
uint64_t admission_cost(const struct exchange *x);

/** admission_work_bytes: so many bytes of reply, or as much other work, have that cost. */
size_t admission_work_bytes(size_t cost);

/** admission_item: so much work, for the client whom the workers are fair to, a key or an address.
 */
struct fair_item admission_item(const struct request *request, uint64_t cost);

/** admission_is_within_rate: whether the client may send one more this minute; counts it. */
bool admission_is_within_rate(struct request *request);

/** admission_charge counts the tokens of a request that has ended. */
void admission_charge(const struct request *request, uint64_t now_ns);

/** admission_has_turn: whether the workers will get to that much more in time. */
bool admission_has_turn(struct pool *pool, struct request *request, const struct fair_item *item);

/** admission_came_in_time: whether the deadline that the request sets itself has not passed yet. */
bool admission_came_in_time(struct request *request);

/** admission_is_wanted is a pool_job's is_wanted: whether the request that it belongs to is still
 * worth working on. On a worker's thread. */
bool admission_is_wanted(struct pool_job *job, uint64_t waited_ns);
