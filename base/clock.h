/* SPDX-License-Identifier: Apache-2.0 */
/** @file clock.h  Monotonic time. Safe from any thread. */
#pragma once

#include <stdint.h>
#include <time.h>

/** clock_now_ns: nanoseconds on the monotonic clock; only differences mean something. */
static inline uint64_t clock_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
