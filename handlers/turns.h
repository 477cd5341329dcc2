/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file turns.h
 * A small request beside a large one: between pieces of its work a worker lets whoever waits for
 * its core go first, which mostly is a loop with a small request.
 */
#pragma once

#include <stdint.h>

/**
 * turn_end: a piece of work of the calling worker is done. Where it has had the core for a turn,
 * some 80 µs, others go first; what they had the core for it has for itself afterwards, as far as
 * that is more than a few milliseconds: workers are not starved.
 * @param now_ns clock_now_ns()
 */
void turn_end(uint64_t now_ns);
