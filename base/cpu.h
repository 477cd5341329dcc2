/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cpu.h
 * Which instructions the fast ways of the program may use: the one place that asks the CPU and
 * EMBEDD_CPU. Any thread; asked once.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

/** Sets of instructions, each with all of those before it. */
enum cpu_level {
    CPU_SCALAR,
    CPU_AVX2,   /* and F16C and FMA */
    CPU_AVX512, /* F, BW, DQ and VL */
};

#define CPU_LEVELS 3

/** Names of the levels: "scalar", "avx2", "avx512". */
extern const char *const cpu_level_names[CPU_LEVELS];

/** cpu_level_best: the highest that this CPU has. */
enum cpu_level cpu_level_best(void);

/**
 * cpu_level: the one to use. EMBEDD_CPU=scalar|avx2|avx512 in the environment holds it to a lower
 * one, for tests and comparisons; any other value is ignored.
 */
static inline enum cpu_level cpu_level(void);

/** cpu_has_ifma_vbmi2: whether there are IFMA, VBMI and VBMI2 too, which came some years after
 * AVX-512, besides a cpu_level of CPU_AVX512. */
bool cpu_has_ifma_vbmi2(void);

/** cpu_refused: the value of EMBEDD_CPU if it names a level that this CPU does not have, else NULL.
 * Lives as long as the environment is not changed. */
const char *cpu_refused(void);

/** cpu_known: the level and 1, once it was asked for; for cpu_level alone, as cpu_ask is. */
extern atomic_int cpu_known;
enum cpu_level cpu_ask(void);

static inline enum cpu_level cpu_level(void)
{
    const int known = atomic_load_explicit(&cpu_known, memory_order_relaxed);
    return known > 0 ? (enum cpu_level)(known - 1) : cpu_ask();
}
