/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/table/table.h"
#include "model/head/files/parts.h"

#include "base/plural.h"
#include <string.h>

bool head_read_tensor(struct head_parts *parts, const struct tensors *file, const char *name,
                      size_t rank, struct matrix *out)
{
    const struct tensor *tensor = tensors_find(file, name);
    if (!tensor) return true;
    if (tensor->rank != rank || tensor->begin == tensor->end)
        return head_fail(parts, "tensor '%s' must have %zu dimension%s and hold numbers", name,
                         rank, plural(rank));
    size_t columns = rank == 2 ? tensor->shape[1] : 1;
    if (!matrix_make(out, tensor->shape[0], columns, parts)) return false;
    return table_tensor_floats(tensor, out->rows * columns, out->values) ||
           head_fail(parts, "tensor '%s' has dtype %s; F64, F32, F16 and BF16 are read", name,
                     tensor->dtype);
}

/* A string of __metadata__ that is JSON itself, but for `kind` and a label's bare name. */
static bool read_about(struct head_parts *parts, const struct tensors *file)
{
    static const char *const keys[] = {"labels",     "thresholds", "temperature", "margins",
                                       "repetitive", "training",   "scores",      "ngrams"};
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

static bool read_own(struct head_parts *parts, const struct tensors *file)
{
    return read_about(parts, file) &&
           head_read_tensor(parts, file, "weight", 2, &parts->output.weight) &&
           head_read_tensor(parts, file, "bias", 1, &parts->output.bias) &&
           head_read_tensor(parts, file, "hidden.weight", 2, &parts->hidden[0].weight) &&
           head_read_tensor(parts, file, "hidden.bias", 1, &parts->hidden[0].bias) &&
           ngram_table_open(&parts->ngrams, file, json_object_get(parts->about, "ngrams"),
                            parts->tokenizer, (uint32_t)parts->output.weight.rows);
}

bool head_read_safetensors(struct head_parts *parts, struct span bytes)
{
    struct tensors file;
    bool ok;
    if (!tensors_open(&file, bytes, parts->where, parts->err)) return false;
    if (head_is_model2vec(parts, &file))
        ok = head_read_model2vec(parts, &file);
    else if (head_is_checkpoint(&file))
        ok = head_read_checkpoint(parts, &file);
    else
        ok = read_own(parts, &file);
    tensors_close(&file);
    return ok;
}
