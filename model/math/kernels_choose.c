/* SPDX-License-Identifier: Apache-2.0 */
#include "model/math/kernels.h"

#include "base/cpu.h"
#include "model/math/kernels_sets.h"

static const struct kernels *const all[CPU_LEVELS] = {
    [CPU_SCALAR] = &kernels_scalar,
#ifdef __x86_64__
    [CPU_AVX2] = &kernels_avx2,
    [CPU_AVX512] = &kernels_avx512,
#endif
};

size_t kernels_all(const struct kernels *sets[4])
{
    const size_t n = (size_t)cpu_level_best() + 1;
    for (size_t i = 0; i < n; i++)
        sets[i] = all[i];
    return n;
}

const struct kernels *kernels_get(void)
{
    return all[cpu_level()];
}
