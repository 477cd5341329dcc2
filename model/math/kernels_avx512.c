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

static inline vector from_bf16(__m256i halves)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

static inline vector from_i8(__m128i bytes)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
}

#define load_f16(from) _mm512_cvtph_ps(_mm256_loadu_si256((const void *)(from)))
#define load_bf16(from) from_bf16(_mm256_loadu_si256((const void *)(from)))
#define load_i8(from) from_i8(_mm_loadu_si128((const void *)(from)))

#define first_lanes(n) ((__mmask16)((1u << (n)) - 1))
#define load_some_f16(from, n) _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first_lanes(n), from))
#define load_some_bf16(from, n) from_bf16(_mm256_maskz_loadu_epi16(first_lanes(n), from))
#define load_some_i8(from, n) from_i8(_mm_maskz_loadu_epi8(first_lanes(n), from))

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

#define vector_load_some(from, n) _mm512_maskz_loadu_ps(first_lanes(n), from)
#define vector_store_some(to, n, x) _mm512_mask_storeu_ps(to, first_lanes(n), x)

/* Of 8 groups, or one or two. They are read from memory again, which the compiler is not to know: a
   product does so by itself. */
struct scales {
    float of[8];
};

static inline void scales_read(struct scales *out, const char *from, size_t n)
{
    if (n == 8)
        _mm256_storeu_ps(out->of, _mm256_cvtph_ps(_mm_loadu_si128((const void *)from)));
    else
        _mm_storeu_ps(out->of, _mm_cvtph_ps(_mm_cvtsi32_si128(halves_read(from, n))));
    __asm__("" : "+m"(*out));
}

/* A group of I4: its bytes as indexes, of which a look-up takes the lower four bits, and the value
   of each number. */
struct group {
    __m512i bytes;
    vector values;
};

static inline struct group group_read(const char *numbers, float scale)
{
    const vector all = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1);
    return (struct group){_mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)numbers)),
                          _mm512_mul_ps(all, _mm512_set1_ps(scale))};
}

static inline vector group_values(const struct group *group, size_t v)
{
    return _mm512_permutexvar_ps(v == 0 ? group->bytes : _mm512_srli_epi32(group->bytes, 4),
                                 group->values);
}

static inline vector group_add(vector sum, const struct group *group, size_t v)
{
    return _mm512_add_ps(sum, group_values(group, v));
}

#define KERNELS kernels_avx512
#define KERNELS_NAME "avx512"
#include "model/math/kernels_vector.h"
#endif
