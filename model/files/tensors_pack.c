/* SPDX-License-Identifier: Apache-2.0 */
#include "model/files/tensors_pack.h"

#include "base/grow.h"
#include "base/save.h"

#include <stdlib.h>
#include <string.h>

#define LENGTH_BYTES 8
#define ALIGNMENT 64

/* {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]} */
static json_t *entry_of(const struct tensor_given *tensor, size_t begin)
{
    json_t *shape = json_array();
    for (size_t i = 0; i < tensor->rank; i++)
        json_array_append_new(shape, json_integer((json_int_t)tensor->shape[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", tensor->dtype, "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)(begin + tensor->bytes));
}

char *tensors_header(const struct tensor_given *tensors, size_t n, json_t *metadata, size_t *bytes,
                     struct err *err)
{
    json_t *header = json_object();
    size_t at = 0;
    if (metadata) json_object_set(header, "__metadata__", metadata);
    for (size_t i = 0; i < n; at += tensors[i++].bytes)
        json_object_set_new(header, tensors[i].name, entry_of(&tensors[i], at));
    char *text = json_dumps(header, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(header);
    const size_t used = text ? strlen(text) : 0;
    *bytes = (LENGTH_BYTES + used + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    char *out = text ? malloc(*bytes) : NULL;
    if (out) {
        const uint64_t length = *bytes - LENGTH_BYTES;
        memcpy(out, &length, LENGTH_BYTES);
        memset(out + LENGTH_BYTES, ' ', length);
        memcpy(out + LENGTH_BYTES, text, used);
    } else {
        err_set(err, ERR_MEMORY, NULL, "no memory for a header of %zu bytes", *bytes);
    }
    free(text);
    return out;
}

char *tensors_pack(const struct tensor_given *tensors, size_t n, json_t *metadata, size_t *bytes,
                   struct err *err)
{
    size_t at;
    char *header = tensors_header(tensors, n, metadata, &at, err);
    if (!header) return NULL;
    *bytes = at;
    for (size_t i = 0; i < n; i++)
        *bytes += tensors[i].bytes;
    if (!grow_to(&header, *bytes, 1)) {
        free(header);
        err_set(err, ERR_MEMORY, NULL, "no memory for a file of %zu bytes", *bytes);
        return NULL;
    }
    for (size_t i = 0; i < n; at += tensors[i++].bytes)
        if (tensors[i].bytes > 0) memcpy(header + at, tensors[i].data, tensors[i].bytes);
    return header;
}

bool tensors_save(const char *path, const struct tensor_given *tensors, size_t n, json_t *metadata,
                  struct err *err)
{
    size_t bytes;
    struct save save;
    char *header = tensors_header(tensors, n, metadata, &bytes, err);
    bool ok = header && save_open(&save, path, err) && save_write(&save, header, bytes, err);
    for (size_t i = 0; ok && i < n; i++)
        ok = tensors[i].bytes == 0 || save_write(&save, tensors[i].data, tensors[i].bytes, err);
    free(header);
    return ok && save_close(&save, err);
}
