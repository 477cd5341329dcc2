/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file headers.h
 * The headers that every reply has: the request's id, the model, how long it took, what was left
 * out. Works on one exchange, which one thread has at a time.
 */
#pragma once

#include "handlers/exchange.h"

/**
 * reply_add_common adds them, and notes the status for the metrics; once, when the reply is
 * finished. Where the arena has no room left for one of them, it is left out.
 */
void reply_add_common(struct exchange *x);
