/* SPDX-License-Identifier: Apache-2.0 */
#ifdef __x86_64__
#include "model/math/kernels_sets.h"

#include <immintrin.h>
#include <string.h>

#define LANES 8
#define BLOCK_VECTORS 8 /* 64 columns: half of the 16 registers, the others hold what is loaded */
typedef __m256 vector;

static inline vector load_f32(const char *from)
{
    return _mm256_loadu_ps((const void *)from);
}

static inline vector from_bf16(__m128i halves)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}

static inline vector from_i8(__m128i bytes)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
}

#define load_f16(from) _mm256_cvtph_ps(_mm_loadu_si128((const void *)(from)))
#define load_bf16(from) from_bf16(_mm_loadu_si128((const void *)(from)))
#define load_i8(from) from_i8(_mm_loadl_epi64((const void *)(from)))

/* 1 to 7 bytes, and zeros. */
static inline uint64_t read_some_bytes(const char *from, size_t n)
{
    uint32_t low, high;
    uint16_t two, last;
    if (n >= 4) {
        memcpy(&low, from, sizeof low);
        memcpy(&high, from + n - 4, sizeof high);
        return low | (uint64_t)high << (8 * (n - 4));
    }
    if (n == 1) return (uint8_t)from[0];
    memcpy(&two, from, sizeof two);
    memcpy(&last, from + n - 2, sizeof last);
    return two | (uint32_t)last << (8 * (n - 2));
}

static inline __m128i load_some_bytes(const char *from, size_t n)
{
    if (n == 8) return _mm_loadl_epi64((const void *)from);
    if (n < 8) return _mm_cvtsi64_si128((long long)read_some_bytes(from, n));
    return _mm_insert_epi64(_mm_loadl_epi64((const void *)from),
                            (long long)read_some_bytes(from + 8, n - 8), 1);
}

#define load_some_f16(from, n) _mm256_cvtph_ps(load_some_bytes(from, 2 * (n)))
#define load_some_bf16(from, n) from_bf16(load_some_bytes(from, 2 * (n)))
#define load_some_i8(from, n) from_i8(load_some_bytes(from, n))

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

#define vector_load_some(from, n) _mm256_maskload_ps(from, first_lanes(n))
#define vector_store_some(to, n, x) _mm256_maskstore_ps(to, first_lanes(n), x)

static inline __m256i first_lanes(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* Of one or two groups, as small as the numbers below are large. They are read from memory again,
   which the compiler is not to know: that costs less than to move them between lanes. */
struct scales {
    float of[4];
};

static inline void scales_read(struct scales *out, const char *from, size_t n)
{
    const __m128 scales = _mm_cvtph_ps(_mm_cvtsi32_si128(halves_read(from, n)));
    _mm_storeu_ps(out->of, _mm_mul_ps(scales, _mm_set1_ps(0x1p-28f)));
    __asm__("" : "+m"(*out));
}

/* A group of I4: its bytes, each at the top of 32 bits. A number there is 2^28 times as large.
   Nothing of that is rounded, nor is the product with a scale, so a sum may fuse them. */
struct group {
    __m256i bytes[2];
    vector scale;
};

static inline struct group group_read(const char *numbers, float scale)
{
    const __m256i first = _mm256_setr_epi32(0x00808080, 0x01808080, 0x02808080, 0x03808080,
                                            0x04808080, 0x05808080, 0x06808080, 0x07808080);
    const __m256i all = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)numbers));
    return (struct group){
        {_mm256_shuffle_epi8(all, first),
         _mm256_shuffle_epi8(all, _mm256_or_si256(first, _mm256_set1_epi32(0x08000000)))},
        _mm256_set1_ps(scale)};
}

static inline vector group_numbers(const struct group *group, size_t v)
{
    const __m256i bytes = group->bytes[v % 2];
    return _mm256_cvtepi32_ps(v < 2 ? _mm256_slli_epi32(bytes, 4)
                                    : _mm256_and_si256(bytes, _mm256_set1_epi32((int)0xF0000000)));
}

static inline vector group_values(const struct group *group, size_t v)
{
    return _mm256_mul_ps(group_numbers(group, v), group->scale);
}

static inline vector group_add(vector sum, const struct group *group, size_t v)
{
    return _mm256_fmadd_ps(group_numbers(group, v), group->scale, sum);
}

#define KERNELS kernels_avx2
#define KERNELS_NAME "avx2"
#include "model/math/kernels_vector.h"
#endif
