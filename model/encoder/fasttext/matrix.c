/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/fasttext/matrix.h"

#define CENTROIDS 256

/* A part's columns, where they begin, and the centroid of a row for it. */
struct part {
    uint32_t begin, cols;
    const char *centroid;
};

static struct part find_part(const struct ft_matrix *matrix, uint32_t row, uint32_t i)
{
    uint8_t code = (uint8_t)matrix->data[(size_t)row * matrix->parts + i];
    uint32_t begin = i * matrix->part_cols;
    uint32_t cols = i + 1 == matrix->parts ? matrix->last_cols : matrix->part_cols;
    size_t number = (size_t)begin * CENTROIDS + (size_t)code * cols;
    return (struct part){begin, cols, matrix->centroids + number * sizeof(float)};
}

/* What the centroids of a row are multiplied by. */
static float find_norm(const struct ft_matrix *matrix, uint32_t row)
{
    if (!matrix->norm_codes) return 1;
    uint8_t code = (uint8_t)matrix->norm_codes[row];
    return ft_float(matrix->norm_centroids + code * sizeof(float));
}

static const char *dense_row(const struct ft_matrix *matrix, uint32_t row)
{
    return matrix->data + (size_t)row * matrix->cols * sizeof(float);
}

void ft_matrix_add(const struct ft_matrix *matrix, uint32_t row, float *sum)
{
    if (!matrix->is_quantized) {
        const char *values = dense_row(matrix, row);
        for (size_t j = 0; j < matrix->cols; j++)
            sum[j] += ft_float(values + j * sizeof(float));
        return;
    }
    float norm = find_norm(matrix, row);
    for (uint32_t i = 0; i < matrix->parts; i++) {
        struct part part = find_part(matrix, row, i);
        for (size_t j = 0; j < part.cols; j++)
            sum[part.begin + j] += norm * ft_float(part.centroid + j * sizeof(float));
    }
}

void ft_matrix_row(const struct ft_matrix *matrix, uint32_t row, float *out)
{
    if (!matrix->is_quantized) {
        memcpy(out, dense_row(matrix, row), matrix->cols * sizeof *out);
        return;
    }
    float norm = find_norm(matrix, row);
    for (uint32_t i = 0; i < matrix->parts; i++) {
        struct part part = find_part(matrix, row, i);
        for (size_t j = 0; j < part.cols; j++)
            out[part.begin + j] = norm * ft_float(part.centroid + j * sizeof(float));
    }
}

float ft_matrix_dot(const struct ft_matrix *matrix, uint32_t row, const float *x)
{
    float sum = 0;
    if (!matrix->is_quantized) {
        const char *values = dense_row(matrix, row);
        for (size_t j = 0; j < matrix->cols; j++)
            sum += ft_float(values + j * sizeof(float)) * x[j];
        return sum;
    }
    for (uint32_t i = 0; i < matrix->parts; i++) {
        struct part part = find_part(matrix, row, i);
        for (size_t j = 0; j < part.cols; j++)
            sum += x[part.begin + j] * ft_float(part.centroid + j * sizeof(float));
    }
    return sum * find_norm(matrix, row);
}

/* Each sum waits for its last addition: several at a time hide that. */
#define AT_ONCE 8

static void dense_dots(const struct ft_matrix *matrix, uint32_t row, const float *x, float *out)
{
    const char *values = dense_row(matrix, row);
    size_t stride = matrix->cols * sizeof(float);
    float sums[AT_ONCE] = {0};
    for (size_t j = 0; j < matrix->cols; j++)
        for (size_t i = 0; i < AT_ONCE; i++)
            sums[i] += ft_float(values + i * stride + j * sizeof(float)) * x[j];
    memcpy(out, sums, sizeof sums);
}

void ft_matrix_dots(const struct ft_matrix *matrix, const float *x, float *out)
{
    uint32_t row = 0;
    if (!matrix->is_quantized)
        for (; matrix->rows - row >= AT_ONCE; row += AT_ONCE)
            dense_dots(matrix, row, x, out + row);
    for (; row < matrix->rows; row++)
        out[row] = ft_matrix_dot(matrix, row, x);
}

/* ---- reading ---- */

static bool take_shape(struct ft_matrix *matrix, struct ft_reader *reader, const char *what,
                       uint32_t cols)
{
    int64_t n_rows, n_cols;
    size_t at = reader->at;
    if (!ft_take_i64(reader, what, &n_rows) || !ft_take_i64(reader, what, &n_cols)) return false;
    if (n_rows < 0 || n_rows > INT32_MAX || n_cols != cols) {
        return ft_fail(reader,
                       "%s at byte %zu would have %lld rows of %lld numbers, but vectors have %u "
                       "and rows are fewer than 2^31; the file is damaged: copy it again",
                       what, at, (long long)n_rows, (long long)n_cols, cols);
    }
    matrix->rows = (uint32_t)n_rows;
    matrix->cols = cols;
    return true;
}

/* A quantiser of `cols` columns: four numbers, then 256 centroids for each part. */
static const char *take_quantizer(struct ft_matrix *parts, struct ft_reader *reader,
                                  const char *what, uint32_t cols)
{
    int32_t n_cols, n_parts, part_cols, last_cols;
    size_t at = reader->at;
    if (!ft_take_i32(reader, what, &n_cols) || !ft_take_i32(reader, what, &n_parts) ||
        !ft_take_i32(reader, what, &part_cols) || !ft_take_i32(reader, what, &last_cols))
        return NULL;
    if (n_cols < 0 || (uint32_t)n_cols != cols || part_cols < 1 || last_cols < 1 ||
        last_cols > part_cols || n_parts < 1 ||
        (int64_t)part_cols * (n_parts - 1) + last_cols != n_cols) {
        ft_fail(reader,
                "%s at byte %zu: its quantiser would have %d parts of %d and the last of %d for %d "
                "numbers, where vectors have %u; the file is damaged: copy it again",
                what, at, n_parts, part_cols, last_cols, n_cols, cols);
        return NULL;
    }
    parts->parts = (uint32_t)n_parts;
    parts->part_cols = (uint32_t)part_cols;
    parts->last_cols = (uint32_t)last_cols;
    return ft_take(reader, what, (uint64_t)cols * CENTROIDS * sizeof(float));
}

static bool take_norms(struct ft_matrix *matrix, struct ft_reader *reader, const char *what)
{
    struct ft_matrix unused;
    matrix->norm_codes = ft_take(reader, what, matrix->rows);
    if (!matrix->norm_codes) return false;
    matrix->norm_centroids = take_quantizer(&unused, reader, what, 1);
    return matrix->norm_centroids != NULL;
}

static bool take_quantized(struct ft_matrix *matrix, struct ft_reader *reader, const char *what,
                           uint32_t cols)
{
    bool has_norms;
    int32_t codes;
    if (!ft_take_flag(reader, what, &has_norms) || !take_shape(matrix, reader, what, cols) ||
        !ft_take_i32(reader, what, &codes))
        return false;
    if (codes < 0) {
        return ft_fail(reader, "%s would have %d codes; the file is damaged: copy it again", what,
                       codes);
    }
    matrix->data = ft_take(reader, what, (uint32_t)codes);
    if (!matrix->data) return false;
    matrix->centroids = take_quantizer(matrix, reader, what, cols);
    if (!matrix->centroids) return false;
    if ((uint64_t)matrix->rows * matrix->parts != (uint32_t)codes) {
        return ft_fail(reader,
                       "%s has %d codes for %u rows of %u parts; the file is damaged: copy it "
                       "again",
                       what, codes, matrix->rows, matrix->parts);
    }
    return !has_norms || take_norms(matrix, reader, what);
}

bool ft_matrix_open(struct ft_matrix *matrix, struct ft_reader *reader, bool is_quantized,
                    const char *what, uint32_t cols)
{
    *matrix = (struct ft_matrix){.is_quantized = is_quantized};
    if (is_quantized) return take_quantized(matrix, reader, what, cols);
    if (!take_shape(matrix, reader, what, cols)) return false;
    matrix->data = ft_take(reader, what, (uint64_t)matrix->rows * cols * sizeof(float));
    return matrix->data != NULL;
}
