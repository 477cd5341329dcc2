/* SPDX-License-Identifier: Apache-2.0 */
#ifdef __x86_64__
#include "model/math/kernels_sets.h"

#include <immintrin.h>

#define LANES 8
#define BLOCK_VECTORS 8 /* 64 columns: half of the 16 registers, the others hold what is loaded */
typedef __m256 vector;

static inline vector load_f32(const char *from)
{
    return _mm256_loadu_ps((const void *)from);
}

static inline vector load_f16(const char *from)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)from));
}

static inline vector load_bf16(const char *from)
{
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)from));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

static inline vector load_i8(const char *from)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)from)));
}

#define vector_zero() _mm256_setzero_ps()
#define vector_load(from) _mm256_loadu_ps(from)
#define vector_store(to, x) _mm256_storeu_ps(to, x)
#define vector_same(value) _mm256_set1_ps(value)
#define vector_add(a, b) _mm256_add_ps(a, b)
#define vector_multiply(a, b) _mm256_mul_ps(a, b)
#define vector_divide(a, b) _mm256_div_ps(a, b)

/* maxps gives its second operand where both are zero: the AND of both orders is +0 unless both are
   -0. Where one is NaN, all bits are set, which is a NaN. */
static inline vector vector_larger(vector a, vector b)
{
    vector both = _mm256_and_ps(_mm256_max_ps(a, b), _mm256_max_ps(b, a));
    return _mm256_or_ps(both, _mm256_cmp_ps(a, b, _CMP_UNORD_Q));
}

#define KERNELS kernels_avx2
#define KERNELS_NAME "avx2"
#include "model/math/kernels_vector.h"
#endif
