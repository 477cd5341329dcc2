/* SPDX-License-Identifier: Apache-2.0 */
#include "model/convert/write.h"

#include "base/sha256.h"
#include "model/bundle/packed.h"
#include "model/encoder/table/encode_rows.h"
#include "model/text/compiled.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows are aligned to a cache line, and so are I4 scales where 8 of them are a row's; what comes
   after them to its numbers. */
#define ALIGNMENT 8
#define PADDING "padding"
#define HEAD_NAME_BYTES (NAME_MAX + 16)

struct list {
    struct tensor_given *tensors;
    size_t n;
    uint64_t bytes;
};

static void add(struct list *list, struct tensor_given tensor)
{
    list->tensors[list->n++] = tensor;
    list->bytes += tensor.bytes;
}

static void align(struct list *list)
{
    static const char zeros[ALIGNMENT];
    const size_t bytes = (ALIGNMENT - list->bytes % ALIGNMENT) % ALIGNMENT;
    if (bytes == 0) return;
    add(list, (struct tensor_given){PADDING, "U8", 1, {bytes}, zeros, bytes});
}

static void add_numbers(struct list *list, const char *name, const char *dtype, const void *numbers,
                        size_t n)
{
    if (numbers) add(list, (struct tensor_given){name, dtype, 1, {n}, numbers, n * 4});
}

static void add_compiled(struct list *list, const struct compiled *compiled, bool is_bytes)
{
    for (size_t i = 0; i < compiled->n; i++) {
        if ((strcmp(compiled->tensors[i].dtype, "U8") == 0) == is_bytes)
            add(list, compiled->tensors[i]);
    }
}

/* What is needed until the file is written. */
struct pieces {
    struct compiled compiled;
    struct numbers numbers;
    char (*head_names)[HEAD_NAME_BYTES];
    struct tensor_given *tensors;
};

/* Those that stand on a table of their own stay where they are. */
static void add_heads(struct list *list, struct writing *w, struct pieces *pieces)
{
    const struct heads *heads = w->heads;
    w->heads_written = 0;
    for (size_t i = 0; heads && i < heads->n; i++) {
        if (heads->own[i]) continue;
        const struct span file = heads->files[i].bytes;
        w->heads_written++;
        snprintf(pieces->head_names[i], HEAD_NAME_BYTES, PACKED_HEADS "%s",
                 head_info(heads->items[i])->name);
        add(list, (struct tensor_given){
                      pieces->head_names[i], "U8", 1, {file.bytes}, file.data, file.bytes});
    }
}

static bool has_shared(const struct writing *w)
{
    return w->has_mapping && w->sharing.comes_first && w->sharing.n_rows < w->n_tokens;
}

/* Of all tokens, or of those past the last row alone. */
static void add_sharing(struct list *list, const struct writing *w)
{
    const struct sharing *sharing = &w->sharing;
    if (has_shared(w))
        add_numbers(list, "shared", "I32", sharing->row_of + sharing->n_rows,
                    w->n_tokens - sharing->n_rows);
    else if (w->has_mapping && !sharing->comes_first)
        add_numbers(list, "mapping", "I32", sharing->row_of, w->n_tokens);
}

static struct list list_tensors(struct writing *w, struct pieces *pieces)
{
    const struct written_rows *rows = &w->rows;
    const struct numbers *numbers = &pieces->numbers;
    struct list list = {.tensors = pieces->tensors};
    struct tensor_given embeddings, scales;
    encode_tensors(rows->dtype, rows->n, rows->dim, NULL, NULL, &embeddings, &scales);
    add(&list, embeddings);
    if (rows->dtype == DTYPE_I4) add(&list, scales);
    align(&list);
    add_compiled(&list, &pieces->compiled, false);
    if (rows->dtype == DTYPE_I8) add(&list, scales);
    add_numbers(&list, "inverse_norms", "F32", rows->inverse_norms, rows->n);
    add_numbers(&list, "weights", "F32", numbers->weights, w->n_tokens);
    add_numbers(&list, "factors", "F32", numbers->factors, w->n_tokens);
    add_sharing(&list, w);
    add_compiled(&list, &pieces->compiled, true);
    add_heads(&list, w, pieces);
    return list;
}

/* ---- what it says of itself ---- */

static void set_text(json_t *metadata, const char *key, json_t *value /* takes */)
{
    char *text = json_dumps(value, JSON_COMPACT);
    json_object_set_new(metadata, key, json_string(text));
    free(text);
    json_decref(value);
}

static json_t *source_of(const struct writing *w)
{
    const struct bundle *bundle = w->bundle;
    const struct convert_options *options = w->options;
    char sum[SHA256_TEXT_BYTES];
    sha256_text(sum, bundle->source.weights.data, bundle->source.weights.bytes);
    json_t *source =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "format", bundle->format, "file",
                  bundle->source.weights_name, "sha256", sum, "dtype", bundle->encoder->info.dtype,
                  "vocab_size", (json_int_t)bundle->encoder->info.n_rows, "dim",
                  (json_int_t)bundle->encoder->info.dim);
    if (options->is_pca) json_object_set_new(source, "pca", json_true());
    if (options->by) json_object_set_new(source, "by", json_string(options->by));
    return source;
}

static const char *version_of(const struct writing *w, const struct pieces *pieces)
{
    if (pieces->compiled.is_newest) return PACKED_VERSION_NEWEST;
    return w->rows.dtype == DTYPE_I4 ? PACKED_VERSION_I4 : PACKED_VERSION;
}

static json_t *metadata_of(const struct writing *w, const struct pieces *pieces)
{
    char zeros[PACKED_SHA256_CHARS + 1];
    json_t *metadata = json_object();
    memset(zeros, '0', PACKED_SHA256_CHARS);
    zeros[PACKED_SHA256_CHARS] = '\0';
    json_object_set_new(metadata, PACKED_FORMAT_KEY, json_string(version_of(w, pieces)));
    encode_metadata(metadata, w->rows.dtype, w->rows.dim);
    set_text(metadata, PACKED_CONFIG_KEY, bundle_settings(w->bundle, w->tokenizer));
    set_text(metadata, PACKED_SOURCE_KEY, source_of(w));
    json_object_set_new(metadata, PACKED_CHECKED_KEY, json_string(PACKED_CHECKED ", unique"));
    json_object_set_new(metadata, PACKED_VOCABULARY_KEY,
                        json_sprintf("%016" PRIx64, tokenizer_fingerprint(w->tokenizer)));
    json_object_set_new(metadata, PACKED_SHA256_KEY, json_string(zeros));
    return metadata;
}

/* ---- all of it ---- */

static bool gather(const struct writing *w, struct pieces *pieces, struct err *err)
{
    const size_t n_heads = w->heads ? w->heads->n : 0;
    compiled_list(w->tokenizer, has_shared(w), &pieces->compiled);
    pieces->tensors = malloc((pieces->compiled.n + n_heads + 8) * sizeof *pieces->tensors);
    pieces->head_names = malloc((n_heads + 1) * sizeof *pieces->head_names);
    if (!pieces->tensors || !pieces->head_names)
        return err_set(err, ERR_MEMORY, NULL, "no memory for the list of tensors");
    return numbers_gather(w, &pieces->numbers, err);
}

bool write_packed(struct writing *w, const char *path, struct err *err)
{
    struct pieces pieces = {0};
    bool done = gather(w, &pieces, err);
    if (done) {
        struct list list = list_tensors(w, &pieces);
        struct tensor_file file = {list.tensors, list.n, metadata_of(w, &pieces), true};
        done = write_tensors(w, path, &file, err);
        json_decref(file.metadata);
    }
    compiled_clear(&pieces.compiled);
    free(pieces.tensors);
    free(pieces.head_names);
    numbers_clear(&pieces.numbers);
    return done;
}
