/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/parts.h"
#include "model/table/tensors.h"

#include <string.h>

static void copy_numbers(float *out, const struct tensor *tensor, size_t n)
{
    if (strcmp(tensor->dtype, "F32") == 0) {
        memcpy(out, tensor->data, n * sizeof *out);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        double value;
        memcpy(&value, tensor->data + i * sizeof value, sizeof value);
        out[i] = (float)value;
    }
}

static bool read_tensor(struct head_parts *parts, const struct tensors *file, const char *name,
                        size_t rank, struct matrix *out)
{
    const struct tensor *tensor = tensors_find(file, name);
    if (!tensor) return true;
    if (tensor->rank != rank || tensor->begin == tensor->end)
        return head_fail(parts, "tensor '%s' must have %zu dimension%s and hold numbers", name,
                         rank, rank == 1 ? "" : "s");
    if (strcmp(tensor->dtype, "F32") != 0 && strcmp(tensor->dtype, "F64") != 0)
        return head_fail(parts, "tensor '%s' has dtype %s; F32 and F64 are read", name,
                         tensor->dtype);
    size_t columns = rank == 2 ? tensor->shape[1] : 1;
    if (!matrix_make(out, tensor->shape[0], columns, parts)) return false;
    copy_numbers(out->values, tensor, out->rows * columns);
    return true;
}

/* A string of __metadata__ that is JSON itself, but for `kind` and a label's bare name. */
static bool read_about(struct head_parts *parts, const struct tensors *file)
{
    static const char *const keys[] = {"labels",   "thresholds", "temperature",
                                       "training", "scores",     "ngrams"};
    struct err detail;
    const char *kind = tensors_metadata(file, "kind");
    if (kind) json_object_set_new(parts->about, "kind", json_string(kind));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *text = tensors_metadata(file, keys[i]);
        if (!text) continue;
        json_t *value = json_read(text, strlen(text), &detail);
        if (!value) return head_fail(parts, "__metadata__: %s: %s", keys[i], detail.message);
        json_object_set_new(parts->about, keys[i], value);
    }
    return true;
}

bool head_read_safetensors(struct head_parts *parts, struct span bytes)
{
    struct tensors file;
    if (!tensors_open(&file, bytes, parts->where, parts->err)) return false;
    bool ok = read_about(parts, &file) && read_tensor(parts, &file, "weight", 2, &parts->weight) &&
              read_tensor(parts, &file, "bias", 1, &parts->bias) &&
              read_tensor(parts, &file, "hidden.weight", 2, &parts->hidden_weight) &&
              read_tensor(parts, &file, "hidden.bias", 1, &parts->hidden_bias) &&
              ngram_table_open(&parts->ngrams, &file, json_object_get(parts->about, "ngrams"),
                               parts->tokenizer, (uint32_t)parts->weight.rows);
    tensors_close(&file);
    return ok;
}
