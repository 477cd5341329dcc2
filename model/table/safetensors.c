/* SPDX-License-Identifier: Apache-2.0 */
#include "model/math/kernels.h"
#include "model/table/table.h"
#include "model/table/tensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FAIL(file, ...) tensors_fail(file, __VA_ARGS__)
#define QUOTED(text) ERR_VALUE_BYTES, (text)

/* Where no tensor has one of the two names: the only one with two dimensions. */
static const struct tensor *find_only_matrix(const struct tensors *file)
{
    const struct tensor *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < file->n; i++) {
        if (file->items[i].rank != 2) continue;
        found = &file->items[i];
        count++;
    }
    if (count == 1) return found;
    FAIL(file,
         "none of its %zu tensors is called 'embeddings' or 'embedding.weight', and %zu have two "
         "dimensions, so it cannot be told which is the table; name it 'embeddings'",
         file->n, count);
    return NULL;
}

static bool choose_table(struct table *table, const struct tensors *file)
{
    const struct tensor *tensor = tensors_find(file, "embeddings");
    if (!tensor) tensor = tensors_find(file, "embedding.weight");
    if (!tensor) tensor = find_only_matrix(file);
    if (!tensor) return false;
    if (tensor->rank != 2 || tensor->shape[0] == 0 || tensor->shape[1] == 0) {
        return FAIL(file,
                    "tensor '%.*s' must have two dimensions, tokens and columns, both at least 1",
                    QUOTED(tensor->name));
    }
    if (tensor->shape[0] >= UINT32_MAX || tensor->shape[1] >= UINT32_MAX) {
        return FAIL(file,
                    "tensor '%.*s' is %llu x %llu; at most 2^32 - 2 rows and columns can be "
                    "served",
                    QUOTED(tensor->name), (unsigned long long)tensor->shape[0],
                    (unsigned long long)tensor->shape[1]);
    }
    if (tensors_find(file, "mapping")) {
        return FAIL(file,
                    "tensor '%s' (rows shared by tokens) is not supported; save the model "
                    "without vocabulary quantization",
                    "mapping");
    }
    table->rows = tensor->data;
    table->n_rows = (uint32_t)tensor->shape[0];
    table->dim = (uint32_t)tensor->shape[1];
    table->stride_bytes = tensor->shape[1] * tensor->item_bits / 8;
    for (int dtype = 0; dtype < DTYPES; dtype++) {
        if (strcmp(tensor->dtype, dtype_names[dtype]) != 0) continue;
        table->dtype = (enum dtype)dtype;
        return true;
    }
    return FAIL(file,
                "tensor '%.*s' has dtype %s; F32, F16, BF16 and I8 are served: save it as one of "
                "them (in Python: tensor.to(torch.float16))",
                QUOTED(tensor->name), tensor->dtype);
}

static bool find_scales(struct table *table, const struct tensors *file)
{
    const struct tensor *tensor = tensors_find(file, "scales");
    if (table->dtype != DTYPE_I8) return true;
    if (!tensor) {
        return FAIL(file,
                    "its rows are I8, but there is no tensor '%s' that says what they are "
                    "multiplied by, in F32, one number a row",
                    "scales");
    }
    if (tensor->rank != 1 || tensor->shape[0] != table->n_rows ||
        strcmp(tensor->dtype, "F32") != 0) {
        return FAIL(file,
                    "tensor 'scales' must be F32 and have one dimension of %u, a number for each "
                    "row",
                    table->n_rows);
    }
    table->scales = tensor->data;
    return true;
}

static bool copy_weights(float *out, const struct tensor *tensor, const char *data, size_t n)
{
    if (strcmp(tensor->dtype, "F64") == 0) {
        for (size_t i = 0; i < n; i++) {
            double value;
            memcpy(&value, data + i * sizeof value, sizeof value);
            out[i] = (float)value;
        }
        return true;
    }
    for (int dtype = 0; dtype < DTYPES; dtype++) {
        if (dtype == DTYPE_I8 || strcmp(tensor->dtype, dtype_names[dtype]) != 0) continue;
        const struct table as_row = {.rows = data, .n_rows = 1, .dtype = (enum dtype)dtype};
        kernels_get()->row[dtype](out, &as_row, 0, n);
        return true;
    }
    return false;
}

static bool read_weights(struct table *table, const struct tensors *file)
{
    const struct tensor *tensor = tensors_find(file, "weights");
    if (!tensor) return true;
    if (tensor->rank != 1 || tensor->shape[0] != table->n_rows) {
        return FAIL(file, "tensor 'weights' must have one dimension of %u, a weight for each row",
                    table->n_rows);
    }
    float *weights = calloc(table->n_rows, sizeof *weights);
    table->weights = weights;
    if (!weights) return err_set(file->err, ERR_MEMORY, NULL, "no memory for the token weights");
    if (!copy_weights(weights, tensor, tensor->data, table->n_rows)) {
        return FAIL(file, "tensor 'weights' has dtype %s; F64, F32, F16 and BF16 are read",
                    tensor->dtype);
    }
    for (uint32_t i = 0; i < table->n_rows; i++) {
        if (isfinite(weights[i]) && weights[i] >= 0) continue;
        return FAIL(file,
                    "tensor 'weights': row %u is %g; a weight must be finite and not negative", i,
                    (double)weights[i]);
    }
    return true;
}

bool table_open_tensors(struct table *table, const struct tensors *file)
{
    *table = (struct table){0};
    if (choose_table(table, file) && find_scales(table, file) && read_weights(table, file))
        return true;
    table_close(table);
    return false;
}

bool table_open_safetensors(struct table *table, struct span weights, const char *where,
                            struct err *err)
{
    struct tensors file;
    *table = (struct table){0};
    if (!tensors_open(&file, weights, where, err)) return false;
    bool done = table_open_tensors(table, &file);
    tensors_close(&file);
    return done;
}
