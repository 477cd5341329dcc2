/* SPDX-License-Identifier: Apache-2.0 */
#ifdef __x86_64__
#include "model/math/kernels_sets.h"

#include <immintrin.h>

#define LANES 16
#define BLOCK_VECTORS 16 /* 256 columns: half of the 32 registers */
typedef __m512 vector;

static inline vector load_f32(const char *from)
{
    return _mm512_loadu_ps((const void *)from);
}

static inline vector load_f16(const char *from)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)from));
}

static inline vector load_bf16(const char *from)
{
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)from));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

static inline vector load_i8(const char *from)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)from)));
}

#define vector_zero() _mm512_setzero_ps()
#define vector_load(from) _mm512_loadu_ps(from)
#define vector_store(to, x) _mm512_storeu_ps(to, x)
#define vector_same(value) _mm512_set1_ps(value)
#define vector_add(a, b) _mm512_add_ps(a, b)
#define vector_multiply(a, b) _mm512_mul_ps(a, b)
#define vector_divide(a, b) _mm512_div_ps(a, b)

/* As in the AVX2 set. */
static inline vector vector_larger(vector a, vector b)
{
    vector both = _mm512_and_ps(_mm512_max_ps(a, b), _mm512_max_ps(b, a));
    __mmask16 unordered = _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q);
    return _mm512_castsi512_ps(_mm512_mask_set1_epi32(_mm512_castps_si512(both), unordered, -1));
}

#define KERNELS kernels_avx512
#define KERNELS_NAME "avx512"
#include "model/math/kernels_vector.h"
#endif
