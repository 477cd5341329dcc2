/* SPDX-License-Identifier: Apache-2.0 */
/* The layout, as the format's README gives it: 8 bytes N, little-endian; N bytes of JSON, an object
   {"name": {"dtype", "shape", "data_offsets": [begin, end]}, ...} with an optional "__metadata__"
   of strings; then the data, which the tensors must fill exactly. */
#include "base/json.h"
#include "model/math/kernels.h"
#include "model/table/table.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The limit of the reference implementation. */
#define HEADER_BYTES_MAX 100000000u
#define LENGTH_BYTES 8

/* Every type the format knows: a file may hold tensors we never touch. */
static const struct item_type {
    const char *name;
    unsigned bits;
} item_types[] = {
    {"F64", 64}, {"F32", 32},    {"F16", 16},    {"BF16", 16}, {"F8_E4M3", 8},
    {"I64", 64}, {"I32", 32},    {"I16", 16},    {"I8", 8},    {"F8_E5M2", 8},
    {"U64", 64}, {"U32", 32},    {"U16", 16},    {"U8", 8},    {"F8_E8M0", 8},
    {"C64", 64}, {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"F4", 4},    {"BOOL", 8},
};

struct tensor {
    const char *name;
    const struct item_type *type;
    uint64_t shape[2]; /* of its first two dimensions */
    size_t rank;
    uint64_t begin, end; /* in the data */
};

struct file {
    const char *where;
    const char *data; /* what follows the header */
    uint64_t data_bytes;
    struct tensor *tensors;
    size_t n_tensors;
    struct err *err;
};

#define FAIL(file, fmt, ...)                                                                       \
    err_set((file)->err, ERR_FORMAT, NULL, "%.200s: " fmt, (file)->where, __VA_ARGS__)

#define QUOTED(text) ERR_VALUE_BYTES, (text)

static bool read_dtype(const struct file *file, const json_t *entry, struct tensor *tensor)
{
    const char *name = json_string_value(json_object_get(entry, "dtype"));
    if (!name)
        return FAIL(file, "tensor '%.*s' has no dtype that is a string", QUOTED(tensor->name));
    for (size_t i = 0; i < sizeof item_types / sizeof item_types[0]; i++) {
        if (strcmp(name, item_types[i].name) != 0) continue;
        tensor->type = &item_types[i];
        return true;
    }
    return FAIL(file, "tensor '%.*s' has the unknown dtype '%.*s'", QUOTED(tensor->name),
                QUOTED(name));
}

/* A number that is whole and not negative. */
static bool read_whole(const json_t *value, uint64_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

/* Reads the shape and the number of items in it. */
static bool read_shape(const struct file *file, const json_t *entry, struct tensor *tensor,
                       uint64_t *n_items)
{
    const json_t *shape = json_object_get(entry, "shape");
    if (!json_is_array(shape))
        return FAIL(file, "tensor '%.*s' has no shape that is a list", QUOTED(tensor->name));
    tensor->rank = json_array_size(shape);
    *n_items = 1;
    for (size_t i = 0; i < tensor->rank; i++) {
        uint64_t size;
        if (!read_whole(json_array_get(shape, i), &size)) {
            return FAIL(file, "tensor '%.*s': its shape must be of whole numbers from 0",
                        QUOTED(tensor->name));
        }
        if (__builtin_mul_overflow(*n_items, size, n_items)) {
            return FAIL(file, "tensor '%.*s': its shape has more than 2^64 items",
                        QUOTED(tensor->name));
        }
        if (i < 2) tensor->shape[i] = size;
    }
    return true;
}

static bool read_offsets(const struct file *file, const json_t *entry, struct tensor *tensor)
{
    const json_t *offsets = json_object_get(entry, "data_offsets");
    if (json_array_size(offsets) != 2 || !read_whole(json_array_get(offsets, 0), &tensor->begin) ||
        !read_whole(json_array_get(offsets, 1), &tensor->end) || tensor->begin > tensor->end) {
        return FAIL(file,
                    "tensor '%.*s': data_offsets must be [begin, end], two whole numbers with "
                    "begin <= end",
                    QUOTED(tensor->name));
    }
    if (tensor->end > file->data_bytes) {
        return FAIL(file,
                    "tensor '%.*s' ends at byte %llu of the data, but the file holds only %llu; it "
                    "was cut short: copy it again",
                    QUOTED(tensor->name), (unsigned long long)tensor->end,
                    (unsigned long long)file->data_bytes);
    }
    return true;
}

static bool read_tensor(const struct file *file, const json_t *entry, struct tensor *tensor)
{
    uint64_t n_items = 0, n_bits;
    if (!json_is_object(entry))
        return FAIL(file, "the entry of tensor '%.*s' is not an object", QUOTED(tensor->name));
    if (!read_dtype(file, entry, tensor) || !read_shape(file, entry, tensor, &n_items) ||
        !read_offsets(file, entry, tensor))
        return false;
    if (__builtin_mul_overflow(n_items, tensor->type->bits, &n_bits) || n_bits % 8 != 0 ||
        n_bits / 8 != tensor->end - tensor->begin) {
        return FAIL(file,
                    "tensor '%.*s' has %llu items of %s, which do not fit its %llu bytes of data",
                    QUOTED(tensor->name), (unsigned long long)n_items, tensor->type->name,
                    (unsigned long long)(tensor->end - tensor->begin));
    }
    return true;
}

static bool check_metadata(const struct file *file, const json_t *metadata)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata)) return FAIL(file, "%s is not an object", "__metadata__");
    json_object_foreach((json_t *)(uintptr_t)metadata, key, value)
    {
        if (!json_is_string(value))
            return FAIL(file, "__metadata__: the value of '%.*s' is not a string", QUOTED(key));
    }
    return true;
}

static int compare_places(const void *a, const void *b)
{
    const struct tensor *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* The tensors, in the order of their data, must fill it: no overlap, no hole, nothing behind. */
static bool check_places(const struct file *file)
{
    uint64_t at = 0;
    for (size_t i = 0; i < file->n_tensors; i++) {
        const struct tensor *tensor = &file->tensors[i];
        if (tensor->begin != at) {
            return FAIL(file,
                        "tensor '%.*s' begins at byte %llu of the data, %s byte %llu, where "
                        "the one before it ends",
                        QUOTED(tensor->name), (unsigned long long)tensor->begin,
                        tensor->begin < at ? "before" : "after", (unsigned long long)at);
        }
        at = tensor->end;
    }
    if (at != file->data_bytes) {
        return FAIL(file, "%llu bytes of data belong to no tensor",
                    (unsigned long long)(file->data_bytes - at));
    }
    return true;
}

static bool read_tensors(struct file *file, const json_t *header)
{
    const char *key;
    json_t *entry;
    if (!json_is_object(header)) return FAIL(file, "%s", "its header is not a JSON object");
    file->tensors = calloc(json_object_size(header) + 1, sizeof *file->tensors);
    if (!file->tensors)
        return err_set(file->err, ERR_MEMORY, NULL, "no memory for the header of %s", file->where);
    json_object_foreach((json_t *)(uintptr_t)header, key, entry)
    {
        if (strcmp(key, "__metadata__") == 0) {
            if (!check_metadata(file, entry)) return false;
            continue;
        }
        struct tensor *tensor = &file->tensors[file->n_tensors++];
        tensor->name = key;
        if (!read_tensor(file, entry, tensor)) return false;
    }
    qsort(file->tensors, file->n_tensors, sizeof *file->tensors, compare_places);
    return check_places(file);
}

static const struct tensor *find_tensor(const struct file *file, const char *name)
{
    for (size_t i = 0; i < file->n_tensors; i++)
        if (strcmp(file->tensors[i].name, name) == 0) return &file->tensors[i];
    return NULL;
}

/* Where no tensor has one of the two names: the only one with two dimensions. */
static const struct tensor *find_only_matrix(const struct file *file)
{
    const struct tensor *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < file->n_tensors; i++) {
        if (file->tensors[i].rank != 2) continue;
        found = &file->tensors[i];
        count++;
    }
    if (count == 1) return found;
    FAIL(file,
         "none of its %zu tensors is called 'embeddings' or 'embedding.weight', and %zu have two "
         "dimensions, so it cannot be told which is the table; name it 'embeddings'",
         file->n_tensors, count);
    return NULL;
}

static bool choose_table(struct table *table, const struct file *file)
{
    const struct tensor *tensor = find_tensor(file, "embeddings");
    if (!tensor) tensor = find_tensor(file, "embedding.weight");
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
    if (find_tensor(file, "mapping")) {
        return FAIL(file,
                    "tensor '%s' (rows shared by tokens) is not supported; save the model "
                    "without vocabulary quantization",
                    "mapping");
    }
    table->rows = file->data + tensor->begin;
    table->n_rows = (uint32_t)tensor->shape[0];
    table->dim = (uint32_t)tensor->shape[1];
    table->stride_bytes = tensor->shape[1] * tensor->type->bits / 8;
    for (int dtype = 0; dtype < DTYPES; dtype++) {
        if (strcmp(tensor->type->name, dtype_names[dtype]) != 0) continue;
        table->dtype = (enum dtype)dtype;
        return true;
    }
    return FAIL(file,
                "tensor '%.*s' has dtype %s; F32, F16, BF16 and I8 are served: save it as one of "
                "them (in Python: tensor.to(torch.float16))",
                QUOTED(tensor->name), tensor->type->name);
}

static bool find_scales(struct table *table, const struct file *file)
{
    const struct tensor *tensor = find_tensor(file, "scales");
    if (table->dtype != DTYPE_I8) return true;
    if (!tensor) {
        return FAIL(file,
                    "its rows are I8, but there is no tensor '%s' that says what they are "
                    "multiplied by, in F32, one number a row",
                    "scales");
    }
    if (tensor->rank != 1 || tensor->shape[0] != table->n_rows ||
        strcmp(tensor->type->name, "F32") != 0) {
        return FAIL(file,
                    "tensor 'scales' must be F32 and have one dimension of %u, a number for each "
                    "row",
                    table->n_rows);
    }
    table->scales = file->data + tensor->begin;
    return true;
}

static bool copy_weights(float *out, const struct tensor *tensor, const char *data, size_t n)
{
    if (strcmp(tensor->type->name, "F64") == 0) {
        for (size_t i = 0; i < n; i++) {
            double value;
            memcpy(&value, data + i * sizeof value, sizeof value);
            out[i] = (float)value;
        }
        return true;
    }
    for (int dtype = 0; dtype < DTYPES; dtype++) {
        if (dtype == DTYPE_I8 || strcmp(tensor->type->name, dtype_names[dtype]) != 0) continue;
        const struct table as_row = {.rows = data, .n_rows = 1, .dtype = (enum dtype)dtype};
        kernels_get()->row[dtype](out, &as_row, 0, n);
        return true;
    }
    return false;
}

static bool read_weights(struct table *table, const struct file *file)
{
    const struct tensor *tensor = find_tensor(file, "weights");
    if (!tensor) return true;
    if (tensor->rank != 1 || tensor->shape[0] != table->n_rows) {
        return FAIL(file, "tensor 'weights' must have one dimension of %u, a weight for each row",
                    table->n_rows);
    }
    float *weights = calloc(table->n_rows, sizeof *weights);
    table->weights = weights;
    if (!weights) return err_set(file->err, ERR_MEMORY, NULL, "no memory for the token weights");
    if (!copy_weights(weights, tensor, file->data + tensor->begin, table->n_rows)) {
        return FAIL(file, "tensor 'weights' has dtype %s; F64, F32, F16 and BF16 are read",
                    tensor->type->name);
    }
    for (uint32_t i = 0; i < table->n_rows; i++) {
        if (isfinite(weights[i]) && weights[i] >= 0) continue;
        return FAIL(file,
                    "tensor 'weights': row %u is %g; a weight must be finite and not negative", i,
                    (double)weights[i]);
    }
    return true;
}

/* Finds the header and the data behind it; `header` then spans the JSON. */
static bool split_file(struct file *file, struct span weights, struct span *header)
{
    const unsigned char *bytes = (const unsigned char *)weights.data;
    if (weights.bytes < LENGTH_BYTES) {
        return FAIL(file, "%zu bytes are too few for a safetensors file; copy it again",
                    weights.bytes);
    }
    uint64_t length = 0;
    for (int i = LENGTH_BYTES - 1; i >= 0; i--)
        length = length << 8 | bytes[i];
    if (length > HEADER_BYTES_MAX) {
        return FAIL(file,
                    "its header would have %llu bytes, more than the format's limit of %u; this is "
                    "not a safetensors file",
                    (unsigned long long)length, HEADER_BYTES_MAX);
    }
    if (length > weights.bytes - LENGTH_BYTES) {
        return FAIL(file,
                    "its header should have %llu bytes, but only %zu follow; the file was cut "
                    "short: copy it again",
                    (unsigned long long)length, weights.bytes - LENGTH_BYTES);
    }
    *header = (struct span){weights.data + LENGTH_BYTES, (size_t)length};
    file->data = header->data + length;
    file->data_bytes = weights.bytes - LENGTH_BYTES - length;
    return true;
}

bool table_open_safetensors(struct table *table, struct span weights, const char *where,
                            struct err *err)
{
    assert(weights.data && where);
    struct file file = {.where = where, .err = err};
    struct span text = {0};
    struct err detail;
    json_t *header = NULL;
    bool ok = false;

    *table = (struct table){0};
    if (!split_file(&file, weights, &text)) goto out;
    header = json_read(text.data, text.bytes, &detail);
    if (!header) {
        FAIL(&file, "its header is not JSON: %s", detail.message);
        goto out;
    }
    ok = read_tensors(&file, header) && choose_table(table, &file) && find_scales(table, &file) &&
         read_weights(table, &file);
out:
    free(file.tensors);
    json_decref(header);
    if (!ok) table_close(table);
    return ok;
}
