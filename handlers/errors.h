/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file errors.h
 * Errors as replies: the one switch from a code to an HTTP status, and the way into the dialect
 * that words it. Works on one exchange, which one thread has at a time.
 */
#pragma once

#include "base/err.h"
#include "handlers/exchange.h"

/** handlers_overloaded: ERR_OVERLOADED, for a budget that other requests have taken. Returns false.
 */
bool handlers_overloaded(struct err *err);

/**
 * handlers_fail finishes the reply with an error in the shape of x->dialect, headers and all.
 * ERR_MEMORY gets a sentence of the service's own, which names the limit that was met. Never fails:
 * where there is no memory for it, the dialect's constant text is sent. Does nothing while
 * x->is_deferred is set: the error is nobody's then.
 */
void handlers_fail(struct exchange *x, const struct err *err);
