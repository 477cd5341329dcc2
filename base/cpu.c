/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
static bool ask(void)
{
    const char *wanted = getenv("EMBEDD_CPU");
    if (wanted && strcmp(wanted, "scalar") == 0) return false;
    return __builtin_cpu_supports("avx2");
}
#else
static bool ask(void)
{
    return false;
}
#endif

bool cpu_has_avx2(void)
{
    enum { UNKNOWN, NO, YES };
    static atomic_int answer;
    int known = atomic_load_explicit(&answer, memory_order_relaxed);
    if (known == UNKNOWN) {
        /* Two threads may both ask: the answer is the same. */
        known = ask() ? YES : NO;
        atomic_store_explicit(&answer, known, memory_order_relaxed);
    }
    return known == YES;
}
