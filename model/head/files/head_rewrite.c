/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/files/head_rewrite.h"

#include "base/json.h"
#include "model/files/tensors.h"
#include "model/files/tensors_pack.h"

#include <stdlib.h>
#include <string.h>

static json_t *list_of(const float *thresholds, uint32_t n)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(list, json_real((double)thresholds[i]));
    return list;
}

/* __metadata__ holds JSON as text. */
static json_t *metadata_of(const struct tensors *file, const float *thresholds, uint32_t n)
{
    json_t *list = list_of(thresholds, n);
    json_t *metadata = json_deep_copy(json_object_get(file->header, "__metadata__"));
    char *text = json_dumps(list, JSON_COMPACT | JSON_REAL_PRECISION(9));
    if (metadata && text) json_object_set_new(metadata, "thresholds", json_string(text));
    free(text);
    json_decref(list);
    return metadata;
}

static int compare_begin(const void *a, const void *b)
{
    const struct tensor *const *x = a, *const *y = b;
    return ((*x)->begin > (*y)->begin) - ((*x)->begin < (*y)->begin);
}

/* The tensors in the order in which they lie. */
static char *pack(const struct tensors *file, json_t *metadata, size_t *bytes, struct err *err)
{
    const struct tensor **order = calloc(file->n, sizeof *order);
    struct tensor_given *given = calloc(file->n, sizeof *given);
    char *out = NULL;
    if (order && given) {
        for (size_t i = 0; i < file->n; i++)
            order[i] = &file->items[i];
        qsort(order, file->n, sizeof *order, compare_begin);
        for (size_t i = 0; i < file->n; i++)
            given[i] = (struct tensor_given){.name = order[i]->name,
                                             .dtype = order[i]->dtype,
                                             .rank = order[i]->rank,
                                             .shape = {order[i]->shape[0], order[i]->shape[1]},
                                             .data = order[i]->data,
                                             .bytes = (size_t)(order[i]->end - order[i]->begin)};
        out = tensors_pack(given, file->n, metadata, bytes, err);
    } else {
        err_out_of_memory(err);
    }
    free(order);
    free(given);
    return out;
}

static char *rewrite_tensors(struct span bytes, const char *where, const float *thresholds,
                             uint32_t n, size_t *out_bytes, struct err *err)
{
    struct tensors file;
    char *out = NULL;
    if (!tensors_open(&file, bytes, where, err)) return NULL;
    if (!tensors_metadata(&file, "labels")) {
        err_set(err, ERR_FORMAT, NULL,
                "%.300s is another library's head, which has no thresholds of its own; train one "
                "with embedd train, or write the head as JSON",
                where);
    } else {
        json_t *metadata = metadata_of(&file, thresholds, n);
        out = metadata ? pack(&file, metadata, out_bytes, err) : NULL;
        if (!metadata) err_out_of_memory(err);
        json_decref(metadata);
    }
    tensors_close(&file);
    return out;
}

static char *rewrite_json(struct span bytes, const char *where, const float *thresholds, uint32_t n,
                          size_t *out_bytes, struct err *err)
{
    struct err detail;
    char *out = NULL;
    json_t *root = json_read(bytes.data, bytes.bytes, &detail);
    if (!root) {
        err_set(err, ERR_FORMAT, NULL, "%.300s: %s", where, detail.message);
        return NULL;
    }
    json_object_set_new(root, "thresholds", list_of(thresholds, n));
    out = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    if (out)
        *out_bytes = strlen(out);
    else
        err_out_of_memory(err);
    return out;
}

char *head_rewrite(struct span bytes, const char *where, const float *thresholds, uint32_t n,
                   size_t *out_bytes, struct err *err)
{
    if (bytes.bytes >= 9 && bytes.data[7] == '\0' && bytes.data[8] == '{')
        return rewrite_tensors(bytes, where, thresholds, n, out_bytes, err);
    if (bytes.bytes > 0 && bytes.data[0] == '{')
        return rewrite_json(bytes, where, thresholds, n, out_bytes, err);
    err_set(err, ERR_FORMAT, NULL,
            "%.300s is a head of another kind (CSV, skops), which holds no thresholds; write it as "
            "JSON, or send a threshold with each request",
            where);
    return NULL;
}
