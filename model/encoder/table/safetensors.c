/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/table/mapping.h"
#include "model/encoder/table/table.h"
#include "model/files/tensors.h"
#include "model/math/kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAIL(file, ...) tensors_fail(file, __VA_ARGS__)
#define QUOTED(text) ERR_VALUE_BYTES, (text)

/* Of tensors in a message. */
#define NAMES_MAX 5
#define NAMES_BYTES (NAMES_MAX * (ERR_VALUE_BYTES + 2) + 8)

/* Where token embeddings are kept: model2vec and StaticEmbedding; then BERT and its kin,
   ModernBERT, GPT-2, Llama and its kin, T5, of which the longer forms have the model's name in
   front. */
static const char *const exact_names[] = {"embeddings", "embedding.weight"};
static const char *const name_ends[] = {
    "word_embeddings.weight", "tok_embeddings.weight", "wte.weight",      "embed_tokens.weight",
    "shared.weight",          "word_embedding.weight", "embedding.weight"};

static bool ends_with(const char *name, const char *end)
{
    size_t bytes = strlen(name), end_bytes = strlen(end);
    return bytes >= end_bytes && strcmp(name + bytes - end_bytes, end) == 0 &&
           (bytes == end_bytes || name[bytes - end_bytes - 1] == '.');
}

bool table_is_tensor_name(const char *name)
{
    for (size_t i = 0; i < sizeof exact_names / sizeof *exact_names; i++)
        if (strcmp(name, exact_names[i]) == 0) return true;
    for (size_t i = 0; i < sizeof name_ends / sizeof *name_ends; i++)
        if (ends_with(name, name_ends[i])) return true;
    return false;
}

/* The only tensor with two dimensions; of those with a known name where `named`. */
static const struct tensor *find_only(const struct tensors *file, bool named, size_t *count)
{
    const struct tensor *found = NULL;
    *count = 0;
    for (size_t i = 0; i < file->n; i++) {
        if (file->items[i].rank != 2) continue;
        if (named && !table_is_tensor_name(file->items[i].name)) continue;
        found = &file->items[i];
        ++*count;
    }
    return *count == 1 ? found : NULL;
}

/* The names of the first tensors that --tensor might mean. */
static void list_names(const struct tensors *file, bool named, char *out, size_t size)
{
    size_t at = 0, n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < file->n && at < size; i++) {
        const char *name = file->items[i].name;
        if (file->items[i].rank != 2 || (named && !table_is_tensor_name(name))) continue;
        if (++n > NAMES_MAX) {
            snprintf(out + at, size - at, ", ...");
            return;
        }
        at += (size_t)snprintf(out + at, size - at, "%s%.*s", n > 1 ? ", " : "", QUOTED(name));
    }
}

static const struct tensor *find_named(const struct tensors *file, const char *name)
{
    const struct tensor *tensor = tensors_find(file, name);
    char names[NAMES_BYTES];
    if (tensor) return tensor;
    list_names(file, false, names, sizeof names);
    FAIL(file,
         "none of its %zu tensors is named '%.*s', as `tensor`, config.json or the index of its "
         "files says%s%s",
         file->n, QUOTED(name), names[0] ? "; those with two dimensions: " : "", names);
    return NULL;
}

static const struct tensor *find_table(const struct tensors *file, const char *name)
{
    size_t named, all;
    if (name) return find_named(file, name);
    for (size_t i = 0; i < sizeof exact_names / sizeof *exact_names; i++) {
        const struct tensor *tensor = tensors_find(file, exact_names[i]);
        if (tensor) return tensor;
    }
    const struct tensor *known = find_only(file, true, &named);
    const struct tensor *only = find_only(file, false, &all);
    if (known || (only && named == 0)) return known ? known : only;
    char names[NAMES_BYTES];
    list_names(file, named > 0, names, sizeof names);
    FAIL(file,
         "%zu of its %zu tensors have the name of an embedding table, and %zu have two dimensions, "
         "so it is not clear which is the table; name it with `tensor`%s%s",
         named, file->n, all, all > 0 ? ": " : "", names);
    return NULL;
}

/* safetensors has no numbers of 4 bits. */
static bool is_i4(const struct tensors *file, const struct tensor *tensor)
{
    return strcmp(tensor->dtype, "U8") == 0 && tensors_metadata(file, TABLE_I4_COLUMNS_KEY);
}

static bool choose_i4(struct table *table, const struct tensors *file, const struct tensor *tensor)
{
    const char *text = tensors_metadata(file, TABLE_I4_COLUMNS_KEY);
    char *end;
    const unsigned long long columns = strtoull(text, &end, 10);
    if (text[0] < '1' || text[0] > '9' || *end || columns >= UINT32_MAX ||
        dtype_row_bytes(DTYPE_I4, columns) != tensor->shape[1])
        return FAIL(file,
                    "tensor '%.*s' has %llu bytes a row, which is not what the '%.*s' columns of "
                    "4 bits that %s says need: %d for each %d columns",
                    QUOTED(tensor->name), (unsigned long long)tensor->shape[1], QUOTED(text),
                    TABLE_I4_COLUMNS_KEY, I4_BYTES, I4_COLUMNS);
    table->dim = (uint32_t)columns;
    table->rows.dtype = DTYPE_I4;
    return true;
}

static bool choose_table(struct table *table, const struct tensors *file, const char *name)
{
    const struct tensor *tensor = find_table(file, name);
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
    table->rows.at = tensor->data;
    table->rows.n = table->n_rows = (uint32_t)tensor->shape[0];
    table->dim = (uint32_t)tensor->shape[1];
    table->rows.stride_bytes = tensor->shape[1] * tensor->item_bits / 8;
    if (is_i4(file, tensor)) return choose_i4(table, file, tensor);
    for (int dtype = 0; dtype <= DTYPES; dtype++) {
        if (strcmp(tensor->dtype, dtype_names[dtype]) != 0) continue;
        table->rows.dtype = (enum dtype)dtype;
        return true;
    }
    return FAIL(
        file,
        "tensor '%.*s' has dtype %s; F64, F32, F16, BF16 and I8 are served: save it as one of "
        "them (in Python: tensor.to(torch.float16))",
        QUOTED(tensor->name), tensor->dtype);
}

static bool find_scales_i4(struct table *table, const struct tensors *file,
                           const struct tensor *tensor)
{
    const size_t groups = dtype_scale_bytes(DTYPE_I4, table->dim) / sizeof(uint16_t);
    if (!tensor || tensor->rank != 2 || tensor->shape[0] != table->n_rows ||
        tensor->shape[1] != groups || strcmp(tensor->dtype, "F16") != 0)
        return FAIL(file,
                    "its rows are I4, so there must be a tensor '%s', F16 of shape [%u, %zu], a "
                    "number for each %d columns of a row",
                    "scales", table->n_rows, groups, I4_COLUMNS);
    table->rows.scales = tensor->data;
    return true;
}

static bool find_scales(struct table *table, const struct tensors *file,
                        const struct table_options *options)
{
    const struct tensor *tensor = tensors_find(file, "scales");
    if (table->rows.dtype == DTYPE_I4) return find_scales_i4(table, file, tensor);
    if (table->rows.dtype != DTYPE_I8) return true;
    if (!tensor && options->has_factors)
        return table_scale_by_one(table) ||
               err_set(file->err, ERR_MEMORY, NULL, "no memory for one scale per row");
    if (!tensor) {
        return FAIL(file,
                    "its rows are I8, but there is no tensor '%s' with their scales, in F32, one "
                    "number per row",
                    "scales");
    }
    if (tensor->rank != 1 || tensor->shape[0] != table->n_rows ||
        strcmp(tensor->dtype, "F32") != 0) {
        return FAIL(file,
                    "tensor 'scales' must be F32 and have one dimension of %u, a number for each "
                    "row",
                    table->n_rows);
    }
    table->rows.scales = tensor->data;
    return true;
}

bool table_tensor_floats(const struct tensor *tensor, size_t n, float *out)
{
    if (strcmp(tensor->dtype, "F64") == 0) {
        for (size_t i = 0; i < n; i++) {
            double value;
            memcpy(&value, tensor->data + i * sizeof value, sizeof value);
            out[i] = (float)value;
        }
        return true;
    }
    for (int dtype = 0; dtype < DTYPES; dtype++) {
        if (dtype >= DTYPE_I8 || strcmp(tensor->dtype, dtype_names[dtype]) != 0) continue;
        const struct rows as_row = {.at = tensor->data, .n = 1, .dtype = (enum dtype)dtype};
        kernels_get()->row[dtype](out, &as_row, 0, n);
        return true;
    }
    return false;
}

static bool check_weights(const struct tensors *file, const float *weights, size_t n, float least)
{
    for (size_t i = 0; i < n; i++) {
        if (isfinite(weights[i]) && weights[i] >= least) continue;
        return FAIL(file, "tensor 'weights': row %zu is %g; a weight must be finite%s", i,
                    (double)weights[i], least == 0 ? " and not negative" : "");
    }
    return true;
}

/* Numbers of the file as float32: where they lie if they are that, else in memory of the table. */
static bool read_numbers(struct table *table, const struct tensors *file,
                         const struct tensor *tensor, float **owned, const float **out)
{
    const size_t n = table->n_rows;
    if (tensor->rank != 1 || tensor->shape[0] != n)
        return FAIL(file, "tensor '%s' must have one dimension of %zu, a number for each token",
                    tensor->name, n);
    if (strcmp(tensor->dtype, "F32") == 0 && (uintptr_t)tensor->data % sizeof(float) == 0) {
        *out = (const float *)(const void *)tensor->data;
        return true;
    }
    *out = *owned = calloc(n, sizeof **owned);
    if (!*owned) return err_set(file->err, ERR_MEMORY, NULL, "no memory for the token weights");
    return table_tensor_floats(tensor, n, *owned) ||
           FAIL(file, "tensor '%s' has dtype %s; F64, F32, F16 and BF16 are read", tensor->name,
                tensor->dtype);
}

static bool read_weights(struct table *table, const struct tensors *file,
                         const struct table_options *options)
{
    const struct tensor *weights = tensors_find(file, "weights");
    const struct tensor *factors = tensors_find(file, "factors");
    if (options->has_factors && weights) factors = weights, weights = NULL;
    if (weights && !read_numbers(table, file, weights, &table->owned[0], &table->weights))
        return false;
    if (factors && !read_numbers(table, file, factors, &table->owned[1], &table->factors))
        return false;
    /* Not what any file may say of its rows. */
    const struct tensor *norms = options->is_checked ? tensors_find(file, "inverse_norms") : NULL;
    if (norms && !read_numbers(table, file, norms, &table->owned[4], &table->inverse_norms))
        return false;
    if (options->is_checked) return true;
    return (!weights || check_weights(file, table->weights, table->n_rows, 0)) &&
           (!factors || check_weights(file, table->factors, table->n_rows, -INFINITY));
}

bool table_open_tensors(struct table *table, const struct tensors *file,
                        const struct table_options *options)
{
    *table = (struct table){0};
    if (choose_table(table, file, options->tensor) && find_scales(table, file, options) &&
        mapping_read(table, file, options) && read_weights(table, file, options))
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
    const struct table_options options = {0};
    bool done = table_open_tensors(table, &file, &options);
    tensors_close(&file);
    return done;
}
