/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cors.h
 * Pages of other origins that may ask from a browser: the headers that let them (the Fetch
 * standard, 3.2). Who may is a setting; constant, shared by all threads.
 */
#pragma once

#include "base/err.h"
#include "handlers/exchange.h"

#include <stdbool.h>
#include <stddef.h>

/** A longer one no request can name: framing.c leaves it out. */
#define CORS_ORIGIN_BYTES_MAX 256

/** Who may ask. */
struct cors {
    const char *origins; /* a line each, as browsers send them; borrowed. NULL: every one */
};

/**
 * cors_read checks a setting: lines of origins, which `cors` then borrows, or "*".
 * @return false with ERR_USAGE: which of them is none, and how to write it
 */
bool cors_read(struct cors *cors, const char *origins, struct err *err);

/** cors_allow adds what lets the page that asks read the reply, if it may. Nothing where the
 * request names no origin or the service has no cors. */
void cors_allow(struct exchange *x);

/** cors_answer_preflight adds to the reply to OPTIONS, which has cors_allow's, what may be asked
 * here: `methods` as in Allow. Nothing where that is not the question. */
void cors_answer_preflight(struct exchange *x, const char *methods);
