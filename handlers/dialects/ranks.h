/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ranks.h
 * The path /rerank has two owners: TEI's requests hold `texts`, those of Jina, vLLM and Infinity
 * hold `documents`. Works on one exchange, which one thread has at a time.
 */
#pragma once

#include "handlers/exchange.h"

#include <stdbool.h>

/** ranks_take answers a request that holds `documents`; false, and nothing was done: it holds
 * none. */
bool ranks_take(struct exchange *x);
