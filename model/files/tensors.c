/* SPDX-License-Identifier: Apache-2.0 */
#include "model/files/tensors.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The limit of the reference implementation. */
#define HEADER_BYTES_MAX 100000000u
#define LENGTH_BYTES 8

/* Every type the format knows: a file may hold tensors we never touch. */
static const struct {
    const char *name;
    unsigned bits;
} item_types[] = {
    {"F64", 64}, {"F32", 32},    {"F16", 16},    {"BF16", 16}, {"F8_E4M3", 8},
    {"I64", 64}, {"I32", 32},    {"I16", 16},    {"I8", 8},    {"F8_E5M2", 8},
    {"U64", 64}, {"U32", 32},    {"U16", 16},    {"U8", 8},    {"F8_E8M0", 8},
    {"C64", 64}, {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"F4", 4},    {"BOOL", 8},
};

#define FAIL(file, ...) tensors_fail(file, __VA_ARGS__)
#define QUOTED(text) ERR_VALUE_BYTES, (text)

bool tensors_fail(const struct tensors *tensors, const char *fmt, ...)
{
    va_list values;
    va_start(values, fmt);
    err_set_in(tensors->err, tensors->where, fmt, values);
    va_end(values);
    return false;
}

static bool read_dtype(const struct tensors *file, const json_t *entry, struct tensor *tensor)
{
    const char *name = json_string_value(json_object_get(entry, "dtype"));
    if (!name)
        return FAIL(file, "the dtype of tensor '%.*s' must be a string", QUOTED(tensor->name));
    for (size_t i = 0; i < sizeof item_types / sizeof item_types[0]; i++) {
        if (strcmp(name, item_types[i].name) != 0) continue;
        tensor->dtype = item_types[i].name;
        tensor->item_bits = item_types[i].bits;
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
static bool read_shape(const struct tensors *file, const json_t *entry, struct tensor *tensor,
                       uint64_t *n_items)
{
    const json_t *shape = json_object_get(entry, "shape");
    if (!json_is_array(shape))
        return FAIL(file, "the shape of tensor '%.*s' must be a list", QUOTED(tensor->name));
    tensor->rank = json_array_size(shape);
    *n_items = 1;
    for (size_t i = 0; i < tensor->rank; i++) {
        uint64_t size;
        if (!read_whole(json_array_get(shape, i), &size)) {
            return FAIL(file, "tensor '%.*s': its shape must hold whole numbers from 0",
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

static bool read_offsets(const struct tensors *file, const json_t *entry, struct tensor *tensor)
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
    tensor->data = file->data + tensor->begin;
    return true;
}

static bool read_tensor(const struct tensors *file, const json_t *entry, struct tensor *tensor)
{
    uint64_t n_items = 0, n_bits;
    if (!json_is_object(entry))
        return FAIL(file, "the entry of tensor '%.*s' is not an object", QUOTED(tensor->name));
    if (!read_dtype(file, entry, tensor) || !read_shape(file, entry, tensor, &n_items) ||
        !read_offsets(file, entry, tensor))
        return false;
    if (__builtin_mul_overflow(n_items, tensor->item_bits, &n_bits) || n_bits % 8 != 0 ||
        n_bits / 8 != tensor->end - tensor->begin) {
        return FAIL(file,
                    "tensor '%.*s' has %llu items of %s, which do not fit its %llu bytes of data",
                    QUOTED(tensor->name), (unsigned long long)n_items, tensor->dtype,
                    (unsigned long long)(tensor->end - tensor->begin));
    }
    return true;
}

static bool check_metadata(const struct tensors *file, const json_t *metadata)
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
static bool check_places(const struct tensors *file)
{
    uint64_t at = 0;
    for (size_t i = 0; i < file->n; i++) {
        const struct tensor *tensor = &file->items[i];
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

static bool read_tensors(struct tensors *file)
{
    const json_t *header = file->header;
    const char *key;
    json_t *entry;
    if (!json_is_object(header)) return FAIL(file, "%s", "its header is not a JSON object");
    file->items = calloc(json_object_size(header) + 1, sizeof *file->items);
    if (!file->items)
        return err_set(file->err, ERR_MEMORY, NULL, "no memory for the header of %s", file->where);
    json_object_foreach((json_t *)(uintptr_t)header, key, entry)
    {
        if (strcmp(key, "__metadata__") == 0) {
            if (!check_metadata(file, entry)) return false;
            continue;
        }
        struct tensor *tensor = &file->items[file->n++];
        tensor->name = key;
        if (!read_tensor(file, entry, tensor)) return false;
    }
    qsort(file->items, file->n, sizeof *file->items, compare_places);
    return check_places(file);
}

const struct tensor *tensors_find(const struct tensors *tensors, const char *name)
{
    for (size_t i = 0; i < tensors->n; i++)
        if (strcmp(tensors->items[i].name, name) == 0) return &tensors->items[i];
    return NULL;
}

const char *tensors_metadata(const struct tensors *tensors, const char *key)
{
    const json_t *metadata = json_object_get(tensors->header, "__metadata__");
    return json_string_value(json_object_get(metadata, key));
}

/* Finds the header and the data behind it; `header` then spans the JSON. */
static bool split_file(struct tensors *file, struct span whole, struct span *header)
{
    const unsigned char *bytes = (const unsigned char *)whole.data;
    if (whole.bytes < LENGTH_BYTES) {
        return FAIL(file, "%zu bytes are too few for a safetensors file; copy it again",
                    whole.bytes);
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
    if (length > whole.bytes - LENGTH_BYTES) {
        return FAIL(file,
                    "its header should have %llu bytes, but only %zu follow; the file was cut "
                    "short: copy it again",
                    (unsigned long long)length, whole.bytes - LENGTH_BYTES);
    }
    *header = (struct span){whole.data + LENGTH_BYTES, (size_t)length};
    file->data = header->data + length;
    file->data_bytes = whole.bytes - LENGTH_BYTES - length;
    return true;
}

bool tensors_open(struct tensors *tensors, struct span bytes, const char *where, struct err *err)
{
    assert(bytes.data && where);
    struct span text = {0};
    struct err detail;
    *tensors = (struct tensors){.where = where, .err = err};
    if (!split_file(tensors, bytes, &text)) return false;
    tensors->header = json_read(text.data, text.bytes, &detail);
    if (tensors->header ? read_tensors(tensors)
                        : tensors_fail(tensors, "its header is not JSON: %s", detail.message))
        return true;
    tensors_close(tensors);
    return false;
}

void tensors_close(struct tensors *tensors)
{
    free(tensors->items);
    json_decref(tensors->header);
    *tensors = (struct tensors){0};
}
