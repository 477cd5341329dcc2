/* SPDX-License-Identifier: Apache-2.0 */
/** @file cpu.h  What this CPU can do, where base has a faster way for it. */
#pragma once

#include <stdbool.h>

/** cpu_has_avx2: false also when EMBEDD_CPU=scalar is set, for tests and comparisons. Asked once,
 * any thread. */
bool cpu_has_avx2(void);
