/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file headers.h
 * The headers that every reply has: the request's id, the model, how long it took, what was left
 * out. Works on one exchange, which one thread has at a time.
 */
#pragma once

#include "handlers/exchange.h"

/** reply_id: what x-request-id will say, and stays: the request's own, or a new one; for replies
 * that hold it too. NULL: the arena has no room for it. */
const char *reply_id(struct exchange *x);

/**
 * reply_add_common adds them, and notes the status for the metrics; once, when the reply is
 * finished. Where the arena has no room left for one of them, it is left out.
 */
void reply_add_common(struct exchange *x);
