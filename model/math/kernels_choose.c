/* SPDX-License-Identifier: Apache-2.0 */
#include "model/math/kernels.h"

#include "model/math/kernels_sets.h"

#include <stdlib.h>
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#ifdef __x86_64__
/* __builtin_cpu_supports knows f16c in gcc, but not in every clang. */
static bool has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}
#endif

size_t kernels_all(const struct kernels *sets[4])
{
    size_t n = 0;
    sets[n++] = &kernels_scalar;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && has_f16c()) {
        sets[n++] = &kernels_avx2;
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
            sets[n++] = &kernels_avx512;
    }
#endif
    return n;
}

static const struct kernels *choose(void)
{
    const struct kernels *sets[4];
    size_t n = kernels_all(sets);
    const char *wanted = getenv("EMBEDD_CPU");
    for (size_t i = 0; wanted && i < n; i++)
        if (strcmp(sets[i]->name, wanted) == 0) return sets[i];
    return sets[n - 1];
}

const struct kernels *kernels_get(void)
{
    /* Two threads may both choose: they choose the same. */
    static const struct kernels *chosen;
    const struct kernels *set = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
    if (!set) {
        set = choose();
        __atomic_store_n(&chosen, set, __ATOMIC_RELAXED);
    }
    return set;
}
