/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"

#include <stdlib.h>
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

const char *const cpu_level_names[CPU_LEVELS] = {"scalar", "avx2", "avx512"};

#ifdef __x86_64__
/* __builtin_cpu_supports knows f16c in gcc, but not in every clang. */
static bool has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
}

enum cpu_level cpu_level_best(void)
{
    if (!has_avx2()) return CPU_SCALAR;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return CPU_AVX512;
    return CPU_AVX2;
}

bool cpu_has_ifma_vbmi2(void)
{
    return cpu_level() >= CPU_AVX512 && __builtin_cpu_supports("avx512ifma") &&
           __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2");
}
#else
enum cpu_level cpu_level_best(void)
{
    return CPU_SCALAR;
}

bool cpu_has_ifma_vbmi2(void)
{
    return false;
}
#endif

/* The level and, where EMBEDD_CPU names none up to the CPU's best, its value. */
static enum cpu_level ask(const char **refused)
{
    const char *wanted = getenv("EMBEDD_CPU");
    const int best = (int)cpu_level_best();
    *refused = NULL;
    for (int level = 0; wanted && level <= best; level++)
        if (strcmp(cpu_level_names[level], wanted) == 0) return (enum cpu_level)level;
    *refused = wanted;
    return (enum cpu_level)best;
}

atomic_int cpu_known;

enum cpu_level cpu_ask(void)
{
    const char *refused;
    const enum cpu_level level = ask(&refused);
    /* Two threads may both ask: the answer is the same. */
    atomic_store_explicit(&cpu_known, (int)level + 1, memory_order_relaxed);
    return level;
}

const char *cpu_refused(void)
{
    const char *refused;
    ask(&refused);
    return refused;
}
