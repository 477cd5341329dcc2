/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file access.h
 * Who may ask for what: the key that a request sends, and the scope that its route asks for.
 * Decided when the head has come, before a byte of the body is read.
 *
 * A key comes as clients of each API send it: `authorization: Bearer KEY`, or the bare KEY there
 * (llama-index), `api-key` (Azure), `x-api-key` (Anthropic, Cohere and many gateways),
 * `x-goog-api-key` (Gemini). More than one of them may come where they say the same.
 *
 * Works on one exchange, which one thread has at a time. Where the service has no keys, nobody is
 * asked for one.
 */
#pragma once

#include "handlers/exchange.h"
#include "handlers/route.h"

#include <stdbool.h>

/** access_note takes up a header of the request that brings a key; `value` is borrowed as the other
 * headers are. */
void access_note(struct exchange *x, bool is_authorization, const char *value);

/**
 * access_admit lets the request in, or not. Its key, where it has one that is known, is noted in
 * the exchange and its sample, and what the client may send a minute in x->limits.
 * @param scope of the route; SCOPE_UNSTATED: there is none, and any key will do
 * @return false with a finished 401 or 403 in the exchange
 */
bool access_admit(struct exchange *x, enum scope scope);

/** access_is_of_operator: whether a request that was let in may do what operators alone may: where
 * there are no keys, that is known only of who came by admin-listen, or from this machine. False
 * with ERR_FORBIDDEN. */
bool access_is_of_operator(const struct exchange *x, struct err *err);

/** access_admit_also: whether a request that was let in may do this, too; false with a finished
 * 403. Any thread that has the exchange. */
bool access_admit_also(struct exchange *x, enum scope scope);
