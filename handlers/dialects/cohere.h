/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cohere.h
 * What replies in Cohere's shape have around their results. Works on one exchange, which one thread
 * has at a time.
 */
#pragma once

#include "base/buf.h"
#include "handlers/exchange.h"

/** cohere_write_id: a reply begins with the request's id. */
void cohere_write_id(struct exchange *x, struct buf *out);

/** cohere_write_meta: behind the results, the version of the API and n of a unit of Cohere's. */
void cohere_write_meta(struct buf *out, int version, const char *unit, uint64_t n);
