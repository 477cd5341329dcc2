/* SPDX-License-Identifier: Apache-2.0 */
/* What encoder8.py does most of its time: matrix products in 8 bits, attention, GELU, layer norms.
   All functions work in one thread and share nothing: call them from as many threads as there are
   cores. A number of 8 bits stands for itself times a scale, and each GROUP numbers along a row
   have a scale of their own, on both sides of a product. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__AVX512VNNI__) || defined(__AVX2__)
#include <immintrin.h>
#endif

enum { GROUP = 64, LANES = 16, VECTORS = 4, ACROSS = VECTORS * LANES, DOWN = 4 };
/* Weights are kept as numbers from 0 on where products are made of such. */
#ifdef __AVX512VNNI__
enum { OFFSET = 128 };
#else
enum { OFFSET = 0 };
#endif

static float scale_of(const float *x)
{
    float top = 0;
    for (int i = 0; i < GROUP; i++)
        top = fmaxf(top, fabsf(x[i]));
    return top > 0 ? top / 127 : 1;
}

/* weight (outputs, inputs), multiples of ACROSS and of GROUP. packed: outputs * inputs bytes,
   aligned to 64; for each ACROSS outputs, each GROUP inputs and each 4 of these: the 4 numbers of
   every output, plus OFFSET. scales (outputs / ACROSS, inputs / GROUP, ACROSS). */
void encoder8_pack(const float *weight, int outputs, int inputs, uint8_t *packed, float *scales)
{
    for (int first = 0; first < outputs; first += ACROSS)
        for (int group = 0; group < inputs; group += GROUP, packed += ACROSS * GROUP)
            for (int o = 0; o < ACROSS; o++) {
                const float *row = weight + (size_t)(first + o) * (size_t)inputs + group;
                float scale = *scales++ = scale_of(row);
                for (int i = 0; i < GROUP; i++)
                    packed[i / 4 * 4 * ACROSS + o * 4 + i % 4] =
                        (uint8_t)(lrintf(row[i] / scale) + OFFSET);
            }
}

/* DOWN rows of 8 bits, a group each: their numbers, scales, and OFFSET times the sums of the numbers,
   which is what the OFFSET in each weight adds to a product. */
struct rows {
    const int8_t *numbers;
    const float *scale;
    const int32_t *excess;
    size_t inputs, groups; /* from a row to the next */
};

/* out (DOWN, ACROSS) += the rows times one group of packed weights. */
#ifdef __AVX512VNNI__
static void add_products(struct rows a, const uint8_t *w, const float *w_scale, float *out)
{
    __m512i sum[DOWN][VECTORS];
#pragma GCC unroll 4
    for (size_t r = 0; r < DOWN; r++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
            sum[r][v] = _mm512_set1_epi32(-a.excess[r * a.groups]);
    for (size_t i = 0; i < GROUP; i += 4, w += 4 * ACROSS) {
        __m512i weights[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
            weights[v] = _mm512_load_si512(w + v * 4 * LANES);
#pragma GCC unroll 4
        for (size_t r = 0; r < DOWN; r++) {
            int32_t four;
            memcpy(&four, a.numbers + r * a.inputs + i, sizeof four);
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++)
                sum[r][v] = _mm512_dpbusd_epi32(sum[r][v], weights[v], _mm512_set1_epi32(four));
        }
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < DOWN; r++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++, out += LANES) {
            __m512 scale = _mm512_mul_ps(_mm512_set1_ps(a.scale[r * a.groups]),
                                         _mm512_loadu_ps(w_scale + v * LANES));
            _mm512_storeu_ps(
                out, _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[r][v]), scale, _mm512_loadu_ps(out)));
        }
}
#elif defined(__AVX2__)
/* SOME outputs of each row at a time: what 16 registers hold. |a| times w with a's sign: the sum of
   two such products fits into 16 bits, for none is above 127 * 127. */
enum { SOME_VECTORS = 2, SOME_LANES = 8, SOME = SOME_VECTORS * SOME_LANES };

static void add_some_products(struct rows a, const uint8_t *w, const float *w_scale, float *out)
{
    __m256i sum[DOWN][SOME_VECTORS], ones = _mm256_set1_epi16(1);
#pragma GCC unroll 4
    for (size_t r = 0; r < DOWN; r++)
#pragma GCC unroll 4
        for (int v = 0; v < SOME_VECTORS; v++)
            sum[r][v] = _mm256_setzero_si256();
    for (size_t i = 0; i < GROUP; i += 4, w += 4 * ACROSS) {
        const __m256i *weights = (const __m256i *)w;
#pragma GCC unroll 4
        for (size_t r = 0; r < DOWN; r++) {
            int32_t four;
            memcpy(&four, a.numbers + r * a.inputs + i, sizeof four);
            __m256i number = _mm256_set1_epi32(four), size = _mm256_abs_epi8(number);
#pragma GCC unroll 4
            for (int v = 0; v < SOME_VECTORS; v++) {
                __m256i weight = _mm256_sign_epi8(_mm256_load_si256(weights + v), number);
                __m256i products = _mm256_madd_epi16(_mm256_maddubs_epi16(size, weight), ones);
                sum[r][v] = _mm256_add_epi32(sum[r][v], products);
            }
        }
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < DOWN; r++)
#pragma GCC unroll 4
        for (int v = 0; v < SOME_VECTORS; v++) {
            float *to = out + r * ACROSS + v * SOME_LANES;
            __m256 scale = _mm256_mul_ps(_mm256_set1_ps(a.scale[r * a.groups]),
                                         _mm256_loadu_ps(w_scale + v * SOME_LANES));
            __m256 products = _mm256_mul_ps(_mm256_cvtepi32_ps(sum[r][v]), scale);
            _mm256_storeu_ps(to, _mm256_add_ps(products, _mm256_loadu_ps(to)));
        }
}

static void add_products(struct rows a, const uint8_t *w, const float *w_scale, float *out)
{
    for (size_t o = 0; o < ACROSS; o += SOME)
        add_some_products(a, w + 4 * o, w_scale + o, out + o);
}
#else
static void add_products(struct rows a, const uint8_t *w, const float *w_scale, float *out)
{
    const int8_t *weights = (const int8_t *)w;
    for (size_t r = 0; r < DOWN; r++, out += ACROSS) {
        int32_t sum[ACROSS] = {0};
        for (size_t i = 0; i < GROUP; i += 4)
            for (size_t o = 0; o < ACROSS; o++)
                for (size_t e = 0; e < 4; e++)
                    sum[o] += a.numbers[r * a.inputs + i + e] * weights[i * ACROSS + o * 4 + e];
        for (int o = 0; o < ACROSS; o++)
            out[o] += (float)sum[o] * a.scale[r * a.groups] * w_scale[o];
    }
}
#endif

static void to_8_bits(const float *x, int8_t *numbers, float *scale, int32_t *excess)
{
    *scale = scale_of(x);
    int32_t sum = 0;
    float inverse = 1 / *scale;
    for (int i = 0; i < GROUP; i++) {
        int32_t number = (int32_t)rintf(x[i] * inverse);
        numbers[i] = (int8_t)number;
        sum += number;
    }
    *excess = OFFSET * sum;
}

/* y (n, outputs) = x (n, inputs) times the packed weight, plus bias (outputs). */
void encoder8_linear(const float *x, int n, int inputs, const uint8_t *packed, const float *scales,
                     const float *bias, int outputs, float *y)
{
    size_t width = (size_t)inputs, groups = width / GROUP, height = (size_t)outputs;
    size_t rows = ((size_t)n + DOWN - 1) / DOWN * DOWN;
    int8_t *numbers = calloc(rows, width);
    float *scale = calloc(rows * groups, sizeof *scale);
    int32_t *excess = calloc(rows * groups, sizeof *excess);
    for (size_t at = 0; at < (size_t)n * groups; at++)
        to_8_bits(x + at * GROUP, numbers + at * GROUP, scale + at, excess + at);
    for (size_t o = 0; o < height; o += ACROSS)
        for (size_t first = 0; first < (size_t)n; first += DOWN) {
            float out[DOWN][ACROSS];
            for (int r = 0; r < DOWN; r++)
                memcpy(out[r], bias + o, sizeof out[r]);
            for (size_t g = 0; g < groups; g++) {
                struct rows a = {numbers + first * width + g * GROUP, scale + first * groups + g,
                                 excess + first * groups + g, width, groups};
                add_products(a, packed + o * width + g * ACROSS * GROUP,
                             scales + o * groups + g * ACROSS, out[0]);
            }
            for (size_t r = 0; r < DOWN && first + r < (size_t)n; r++)
                memcpy(y + (first + r) * height + o, out[r], sizeof out[r]);
        }
    free(numbers);
    free(scale);
    free(excess);
}

/* GELU in place; erf by Abramowitz and Stegun 7.1.26, error below 1.5e-7. */
void encoder8_gelu(float *x, long n)
{
    for (long i = 0; i < n; i++) {
        float z = x[i] * 0.70710678f, a = fabsf(z), t = 1.0f / (1.0f + 0.3275911f * a);
        float p = 1.421413741f + t * (-1.453152027f + t * 1.061405429f);
        float erf = 1.0f - t * (0.254829592f + t * (-0.284496736f + t * p)) * expf(-a * a);
        x[i] = 0.5f * x[i] * (1.0f + (z < 0 ? -erf : erf));
    }
}

/* x (n, width) = LayerNorm(x + y); y may be NULL. */
void encoder8_add_norm(float *x, const float *y, const float *gain, const float *bias, int n,
                       int width, float eps)
{
    for (int row = 0; row < n; row++, x += width) {
        float sum = 0, square = 0;
        for (int i = 0; y && i < width; i++)
            x[i] += y[i];
        for (int i = 0; i < width; i++)
            sum += x[i];
        float mean = sum / (float)width;
        for (int i = 0; i < width; i++)
            square += (x[i] - mean) * (x[i] - mean);
        float inverse = 1 / sqrtf(square / (float)width + eps);
        for (int i = 0; i < width; i++)
            x[i] = (x[i] - mean) * inverse * gain[i] + bias[i];
        if (y) y += width;
    }
}

/* share (padded) = softmax of q (depth) times keys (depth, padded), of which `length` are there. */
static void shares_of(const float *q, const float *keys, int depth, int length, int padded,
                      float *share)
{
    float top = -1e30f, sum = 0;
    for (int first = 0; first < padded; first += LANES) {
        float dots[LANES] = {0};
        for (int e = 0; e < depth; e++)
            for (int s = 0; s < LANES; s++)
                dots[s] += q[e] * keys[e * padded + first + s];
        memcpy(share + first, dots, sizeof dots);
    }
    for (int s = 0; s < length; s++)
        top = fmaxf(top, share[s]);
    for (int s = 0; s < length; s++)
        sum += share[s] = expf(share[s] - top);
    for (int s = 0; s < length; s++)
        share[s] /= sum;
}

/* A head of one text: qkv (length, 3 width) and out (length, width) begin at its first column.
   Only the first `queries` tokens ask. room: (depth + 1) * padded floats. */
static void attend(const float *qkv, float *out, int length, int queries, int width, int depth,
                   float *room)
{
    int padded = (length + LANES - 1) / LANES * LANES;
    float *keys = room, *share = room + depth * padded, scale = 1 / sqrtf((float)depth);
    memset(keys, 0, sizeof *keys * (size_t)(depth * padded));
    for (int s = 0; s < length; s++)
        for (int e = 0; e < depth; e++)
            keys[e * padded + s] = qkv[s * 3 * width + width + e] * scale;
    for (int t = 0; t < queries; t++) {
        shares_of(qkv + t * 3 * width, keys, depth, length, padded, share);
        for (int first = 0; first < depth; first += LANES) {
            float sums[LANES] = {0};
            for (int s = 0; s < length; s++)
                for (int e = 0; e < LANES; e++)
                    sums[e] += share[s] * qkv[s * 3 * width + 2 * width + first + e];
            memcpy(out + t * width + first, sums, sizeof sums);
        }
    }
}

/* Text i is rows [start[i], start[i + 1]) of qkv (rows, 3 width); out (rows, width). The width of a
   head is a multiple of LANES. Where only_first is not 0 only each text's first token asks. */
void encoder8_attention(const float *qkv, float *out, const int *start, int n, int width, int heads,
                        int only_first)
{
    int depth = width / heads;
    for (int i = 0; i < n; i++) {
        int length = start[i + 1] - start[i];
        float *room = malloc(sizeof *room * (size_t)((depth + 1) * (length + LANES)));
        for (int head = 0; head < heads; head++)
            attend(qkv + (size_t)start[i] * 3 * (size_t)width + head * depth,
                   out + (size_t)start[i] * (size_t)width + head * depth, length,
                   only_first ? 1 : length, width, depth, room);
        free(room);
    }
}
