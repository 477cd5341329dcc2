/* SPDX-License-Identifier: Apache-2.0 */
#include "model/math/float16.h"
#include "model/math/kernels_sets.h"

#include <string.h>

/* Value `i` of a row, which may lie at any address. `scale` is of use for I8 only. */
static inline float load(const char *row, size_t i, enum dtype dtype, float scale)
{
    uint32_t word;
    uint16_t half;
    if (dtype == DTYPE_F32) {
        memcpy(&word, row + i * sizeof word, sizeof word);
        return float_from_bits(word);
    }
    if (dtype == DTYPE_I8) {
        const signed char whole = (signed char)row[i];
        return scale * (float)whole;
    }
    memcpy(&half, row + i * sizeof half, sizeof half);
    return dtype == DTYPE_F16 ? float_from_f16(half) : float_from_bits((uint32_t)half << 16);
}

static inline float larger(float a, float b)
{
    if (a != a || b != b) return float_from_bits(0xFFFFFFFFu);
    if (a == b) return float_from_bits(bits_of_float(a) & bits_of_float(b)); /* +0 above -0 */
    return a > b ? a : b;
}

static inline float scale_of(const struct rows *rows, uint32_t id, enum dtype dtype)
{
    return dtype == DTYPE_I8 ? rows_scale(rows, id) : 1;
}

/* One set of functions a dtype, but I4. */
#define DEFINE_KERNELS(name, dtype)                                                                \
    static void row_##name(float *out, const struct rows *rows, uint32_t id, size_t dims)          \
    {                                                                                              \
        const char *row = rows_at(rows, id);                                                       \
        const float scale = scale_of(rows, id, dtype);                                             \
        for (size_t j = 0; j < dims; j++)                                                          \
            out[j] = load(row, j, dtype, scale);                                                   \
    }                                                                                              \
                                                                                                   \
    static void sum_##name(float *out, const struct rows *rows, const uint32_t *ids, size_t n,     \
                           size_t dims)                                                            \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            const char *row = rows_at(rows, ids[i]);                                               \
            const float scale = scale_of(rows, ids[i], dtype);                                     \
            for (size_t j = 0; j < dims; j++)                                                      \
                out[j] += load(row, j, dtype, scale);                                              \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void weighted_sum_##name(float *out, const struct rows *rows, const float *weights,     \
                                    const uint32_t *ids, size_t n, size_t dims)                    \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            const char *row = rows_at(rows, ids[i]);                                               \
            const float scale = scale_of(rows, ids[i], dtype);                                     \
            for (size_t j = 0; j < dims; j++)                                                      \
                out[j] += weights[ids[i]] * load(row, j, dtype, scale);                            \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void max_##name(float *out, const struct rows *rows, const uint32_t *ids, size_t n,     \
                           size_t dims)                                                            \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            const char *row = rows_at(rows, ids[i]);                                               \
            const float scale = scale_of(rows, ids[i], dtype);                                     \
            for (size_t j = 0; j < dims; j++)                                                      \
                out[j] = larger(out[j], load(row, j, dtype, scale));                               \
        }                                                                                          \
    }

DEFINE_KERNELS(f32, DTYPE_F32)
DEFINE_KERNELS(f16, DTYPE_F16)
DEFINE_KERNELS(bf16, DTYPE_BF16)
DEFINE_KERNELS(i8, DTYPE_I8)

/* ---- I4: a group at a time ---- */

/* Group `g` of row `id`. No product is rounded: 11 bits of a scale by 4 of a number. */
static void read_group(float out[I4_COLUMNS], const struct rows *rows, uint32_t id, size_t g)
{
    const char *numbers = rows_at(rows, id) + g * I4_BYTES;
    uint16_t half;
    memcpy(&half, rows_scales(rows, id) + g * sizeof half, sizeof half);
    const float scale = float_from_f16(half);
    for (size_t k = 0; k < I4_BYTES; k++) {
        const int byte = (unsigned char)numbers[k];
        out[k] = scale * (float)(((byte & 15) ^ 8) - 8);
        out[k + I4_BYTES] = scale * (float)((byte >> 4 ^ 8) - 8);
    }
}

/* out (n) op= x (n). */
static inline void take_group(float *out, const float *x, float weight, size_t n, enum op op)
{
    for (size_t j = 0; j < n; j++) {
        if (op == OP_MAX)
            out[j] = larger(out[j], x[j]);
        else
            out[j] += op == OP_WEIGHTED ? weight * x[j] : x[j];
    }
}

static inline void gather_i4(float *out, const struct rows *rows, const float *weights,
                             const uint32_t *ids, size_t n, size_t dims, enum op op)
{
    float x[I4_COLUMNS];
    for (size_t i = 0; i < n; i++) {
        const float weight = op == OP_WEIGHTED ? weights[ids[i]] : 1;
        size_t g = 0;
        for (; (g + 1) * I4_COLUMNS <= dims; g++) {
            read_group(x, rows, ids[i], g);
            take_group(out + g * I4_COLUMNS, x, weight, I4_COLUMNS, op);
        }
        if (g * I4_COLUMNS == dims) continue;
        read_group(x, rows, ids[i], g);
        take_group(out + g * I4_COLUMNS, x, weight, dims - g * I4_COLUMNS, op);
    }
}

static void row_i4(float *out, const struct rows *rows, uint32_t id, size_t dims)
{
    float x[I4_COLUMNS];
    size_t g = 0;
    for (; (g + 1) * I4_COLUMNS <= dims; g++)
        read_group(out + g * I4_COLUMNS, rows, id, g);
    if (g * I4_COLUMNS == dims) return;
    read_group(x, rows, id, g);
    memcpy(out + g * I4_COLUMNS, x, (dims - g * I4_COLUMNS) * sizeof *x);
}

DEFINE_I4_KERNELS

static void linear(float *y, const float *matrix, const float *x, size_t n, size_t columns)
{
    for (size_t i = 0; i < n; i++, matrix += columns)
        kernels_add_scaled(y, matrix, x[i], columns);
}

static float sum_squares(const float *x, size_t n)
{
    float lanes[KERNELS_LANES] = {0};
    for (size_t j = 0; j < n; j++)
        lanes[j % KERNELS_LANES] += x[j] * x[j];
    return kernels_add_lanes(lanes);
}

static void divide(float *x, size_t n, float by)
{
    for (size_t j = 0; j < n; j++)
        x[j] /= by;
}

static bool is_finite(const float *x, size_t n)
{
    bool finite = true;
    for (size_t j = 0; j < n; j++)
        finite &= (bits_of_float(x[j]) & 0x7F800000u) != 0x7F800000u;
    return finite;
}

static void exponentials(float *out, const float *x, float from, float by, size_t n)
{
    kernels_exponentials(out, x, from, by, n);
}

static void add_scaled(float *y, const float *x, float factor, size_t n)
{
    kernels_add_scaled(y, x, factor, n);
}

static void learn(float *x, float *squares, const float *gradient, float factor, float rate,
                  size_t n)
{
    kernels_learn(x, squares, gradient, factor, rate, n);
}

const struct kernels kernels_scalar = {
    .name = "scalar",
    .row = {row_f32, row_f16, row_bf16, row_i8, row_i4},
    .sum = {sum_f32, sum_f16, sum_bf16, sum_i8, sum_i4},
    .weighted_sum = {weighted_sum_f32, weighted_sum_f16, weighted_sum_bf16, weighted_sum_i8,
                     weighted_sum_i4},
    .max = {max_f32, max_f16, max_bf16, max_i8, max_i4},
    .linear = linear,
    .sum_squares = sum_squares,
    .divide = divide,
    .is_finite = is_finite,
    .exponentials = exponentials,
    .add_scaled = add_scaled,
    .learn = learn,
};
