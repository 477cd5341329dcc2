/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/files/parts.h"

#include <string.h>

static bool read_number(struct head_parts *parts, const json_t *value, const char *name, size_t row,
                        size_t column, float *out)
{
    if (!json_is_number(value))
        return head_fail(parts, "%s, row %zu, item %zu is not a number", name, row, column);
    *out = (float)json_number_value(value);
    return true;
}

/* A list of numbers: a row, or with `is_column` a column. */
static bool read_list(struct head_parts *parts, const json_t *list, const char *name,
                      bool is_column, struct matrix *out)
{
    size_t n = json_array_size(list);
    if (!matrix_make(out, is_column ? n : 1, is_column ? 1 : n, parts)) return false;
    for (size_t i = 0; i < n; i++)
        if (!read_number(parts, json_array_get(list, i), name, 0, i, &out->values[i])) return false;
    return true;
}

static bool read_rows(struct head_parts *parts, const json_t *rows, const char *name,
                      struct matrix *out)
{
    size_t n = json_array_size(rows), columns = json_array_size(json_array_get(rows, 0));
    if (!matrix_make(out, n, columns, parts)) return false;
    for (size_t i = 0; i < n; i++) {
        const json_t *row = json_array_get(rows, i);
        if (!json_is_array(row) || json_array_size(row) != columns)
            return head_fail(parts, "%s: row %zu must be a list of %zu numbers, as row 0 is", name,
                             i, columns);
        for (size_t j = 0; j < columns; j++)
            if (!read_number(parts, json_array_get(row, j), name, i, j,
                             &out->values[i * columns + j]))
                return false;
    }
    return true;
}

static bool read_matrix(struct head_parts *parts, const json_t *root, const char *name,
                        bool is_bias, struct matrix *out)
{
    const json_t *value = json_object_get(root, name);
    if (!value) return true;
    if (is_bias && json_is_number(value)) {
        if (!matrix_make(out, 1, 1, parts)) return false;
        return read_number(parts, value, name, 0, 0, out->values);
    }
    if (!json_is_array(value) || json_array_size(value) == 0)
        return head_fail(parts, "%s must be a list of numbers%s", name,
                         is_bias ? "" : ", or a list of such lists");
    if (is_bias || !json_is_array(json_array_get(value, 0)))
        return read_list(parts, value, name, is_bias, out);
    return read_rows(parts, value, name, out);
}

bool head_read_json(struct head_parts *parts, struct span bytes)
{
    static const char *const keys[] = {"labels",  "kind",       "thresholds", "temperature",
                                       "margins", "repetitive", "training",   "scores"};
    struct err detail;
    json_t *root = json_read(bytes.data, bytes.bytes, &detail);
    if (!root) return head_fail(parts, "%s", detail.message);
    bool ok = json_is_object(root) || head_fail(parts, "it must be one JSON object");
    for (size_t i = 0; ok && i < sizeof keys / sizeof keys[0]; i++) {
        json_t *value = json_object_get(root, keys[i]);
        if (value) json_object_set(parts->about, keys[i], value);
    }
    ok = ok && read_matrix(parts, root, "weight", false, &parts->output.weight) &&
         read_matrix(parts, root, "bias", true, &parts->output.bias) &&
         read_matrix(parts, root, "hidden_weight", false, &parts->hidden[0].weight) &&
         read_matrix(parts, root, "hidden_bias", true, &parts->hidden[0].bias);
    json_decref(root);
    return ok;
}
