/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/dialects/tensors.h"

#include "base/utf8.h"

#include <string.h>

enum datatype { DATATYPE_BYTES, DATATYPE_INT64, DATATYPE_INT32 };

/* Names of what errors are about. */
#define TENSOR "inputs[0]"
#define DATA TENSOR ".data"

struct tensor {
    enum datatype datatype;
    size_t rows, columns;
    const struct value *data; /* of the JSON, or absent: then */
    struct text binary;       /* is behind it */
};

/* No tensor has more elements than the body has bytes. */
static bool read_shape(const struct exchange *x, const struct value *shape, struct tensor *tensor,
                       struct err *err)
{
    const bool is_list = shape->kind == VALUE_INTEGERS && shape->integers.n <= 2;
    const int64_t rows = is_list ? shape->integers.items[0] : 0;
    const int64_t columns = is_list && shape->integers.n == 2 ? shape->integers.items[1] : 1;
    const int64_t most = (int64_t)x->body_bytes;
    if (rows < 1 || columns < 1 || rows > most || columns > most / rows ||
        (tensor->datatype == DATATYPE_BYTES && columns != 1))
        return err_set(err, ERR_INVALID, "inputs",
                       TENSOR ".shape must be [n] or [n, 1] for BYTES, [length] or [n, length] for "
                              "token ids, each at least 1 and together no more than the data");
    const bool is_row = tensor->datatype != DATATYPE_BYTES && shape->integers.n == 1;
    tensor->rows = is_row ? 1 : (size_t)rows;
    tensor->columns = (size_t)(is_row ? rows : columns);
    return true;
}

static bool read_binary_size(const struct value *size, struct tensor *tensor, struct text binary,
                             struct err *err)
{
    int64_t bytes = 0;
    if (!value_get_whole(size, TENSOR ".parameters.binary_data_size", 0, INT64_MAX, &bytes, err))
        return false;
    tensor->binary = binary;
    if (value_is_given(size) != value_is_given(tensor->data) && (uint64_t)bytes == binary.bytes)
        return true;
    return err_set(err, ERR_INVALID, "inputs",
                   TENSOR " must have either data, or parameters.binary_data_size and as many "
                          "bytes behind the JSON (whose length is the header "
                          "inference-header-content-length)");
}

static bool read_tensor(const struct exchange *x, const struct value *inputs, struct text binary,
                        struct tensor *tensor, struct err *err)
{
    static const char *const datatypes[] = {"BYTES", "INT64", "INT32"};
    size_t datatype = 3;
    if (inputs->kind != VALUE_LIST || inputs->list.n != 1 ||
        inputs->list.items[0].kind != VALUE_OBJECT)
        return err_set(err, ERR_INVALID, "inputs",
                       "inputs must be a list of one tensor, an object with name, datatype, shape "
                       "and data");
    const struct value *input = &inputs->list.items[0];
    if (!value_get_choice(value_member(input, "datatype"), TENSOR ".datatype", datatypes, 3,
                          &datatype, err))
        return false;
    if (datatype == 3)
        return err_set(err, ERR_INVALID, "inputs",
                       TENSOR ".datatype is missing; it must be BYTES (texts), INT64 or INT32 "
                              "(token ids)");
    tensor->datatype = (enum datatype)datatype;
    tensor->data = value_member(input, "data");
    const struct value *parameters = value_member(input, "parameters");
    return read_shape(x, value_member(input, "shape"), tensor, err) &&
           value_check_object(parameters, TENSOR ".parameters", err) &&
           read_binary_size(value_member(parameters, "binary_data_size"), tensor, binary, err);
}

static bool refuse_size(const struct tensor *tensor, struct err *err)
{
    return err_set(err, ERR_INVALID, "inputs",
                   DATA " must hold the %zu elements of its shape, each a %s",
                   tensor->rows * tensor->columns,
                   tensor->datatype == DATATYPE_BYTES ? "string" : "whole number");
}

/* An element of binary BYTES: four bytes of length, then as many of text. */
static bool take_text(struct text *binary, size_t index, struct value *out, struct err *err)
{
    uint32_t bytes;
    struct text text = {binary->data + sizeof bytes, 0};
    if (binary->bytes >= sizeof bytes) memcpy(&bytes, binary->data, sizeof bytes);
    if (binary->bytes < sizeof bytes || bytes > binary->bytes - sizeof bytes)
        return err_set(err, ERR_INVALID, "inputs",
                       "element %zu of " TENSOR " goes beyond its binary data", index);
    text.bytes = bytes;
    if (utf8_valid_bytes(text.data, text.bytes) != text.bytes)
        return err_set(err, ERR_INVALID, "inputs", "element %zu of " TENSOR " is not UTF-8", index);
    *out = (struct value){.kind = VALUE_STRING, .text = text};
    *binary = (struct text){text.data + bytes, binary->bytes - sizeof bytes - bytes};
    return true;
}

/* The elements of data, flat or a list a row, one after the other. */
static bool flatten(const struct value *data, struct value *out, size_t n)
{
    if (data->kind != VALUE_LIST) return false;
    size_t at = 0;
    for (size_t i = 0; i < data->list.n; i++) {
        const struct value *item = &data->list.items[i];
        const bool is_row = item->kind == VALUE_LIST;
        const size_t m = is_row ? item->list.n : 1;
        if (m > n - at) return false;
        for (size_t j = 0; j < m; j++)
            out[at++] = is_row ? item->list.items[j] : *item;
    }
    return at == n;
}

static bool read_texts(const struct tensor *tensor, struct value *rows, struct err *err)
{
    struct text binary = tensor->binary;
    if (value_is_given(tensor->data))
        return flatten(tensor->data, rows, tensor->rows) || refuse_size(tensor, err);
    for (size_t i = 0; i < tensor->rows; i++)
        if (!take_text(&binary, i, &rows[i], err)) return false;
    return binary.bytes == 0 || refuse_size(tensor, err);
}

static bool flatten_ids(const struct value *data, int64_t *out, size_t n)
{
    const bool is_flat = data->kind == VALUE_INTEGERS;
    if (!is_flat && data->kind != VALUE_LIST) return false;
    size_t at = 0;
    for (size_t i = 0; i < (is_flat ? 1 : data->list.n); i++) {
        const struct value *row = is_flat ? data : &data->list.items[i];
        if (row->kind != VALUE_INTEGERS || row->integers.n > n - at) return false;
        memcpy(out + at, row->integers.items, row->integers.n * sizeof *out);
        at += row->integers.n;
    }
    return at == n;
}

static bool binary_ids(const struct tensor *tensor, int64_t *out, size_t n)
{
    const bool is_wide = tensor->datatype == DATATYPE_INT64;
    const size_t each = is_wide ? sizeof(int64_t) : sizeof(int32_t);
    if (tensor->binary.bytes != n * each) return false;
    for (size_t i = 0; i < n; i++) {
        int32_t narrow;
        memcpy(is_wide ? (void *)&out[i] : (void *)&narrow, tensor->binary.data + i * each, each);
        if (!is_wide) out[i] = narrow;
    }
    return true;
}

#define PADDING (-1)

static bool read_ids(struct exchange *x, const struct tensor *tensor, struct value *rows,
                     struct err *err)
{
    const size_t n = tensor->rows * tensor->columns;
    int64_t *ids = arena_array(x->arena, n, sizeof *ids);
    if (!ids) return err_out_of_memory(err);
    if (!(value_is_given(tensor->data) ? flatten_ids(tensor->data, ids, n)
                                       : binary_ids(tensor, ids, n)))
        return refuse_size(tensor, err);
    for (size_t i = 0; i < tensor->rows; i++) {
        int64_t *row = ids + i * tensor->columns;
        size_t kept = 0;
        for (size_t j = 0; j < tensor->columns; j++)
            if (row[j] != PADDING) row[kept++] = row[j];
        rows[i] = (struct value){.kind = VALUE_INTEGERS, .integers = {row, kept}};
    }
    return true;
}

bool tensors_read(struct exchange *x, const struct value *inputs, struct text binary,
                  struct batch *batch, struct err *err)
{
    struct tensor tensor = {0};
    if (!read_tensor(x, inputs, binary, &tensor, err)) return false;
    const bool is_text = tensor.datatype == DATATYPE_BYTES;
    struct value *rows = arena_array(x->arena, tensor.rows, sizeof *rows);
    if (!rows) return err_out_of_memory(err);
    if (!(is_text ? read_texts(&tensor, rows, err) : read_ids(x, &tensor, rows, err))) return false;
    const struct value list = {.kind = VALUE_LIST, .list = {rows, tensor.rows}};
    return batch_read(x, &list, DATA, is_text ? INPUT_TEXT : INPUT_IDS, false, batch, err);
}
