/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/compiled.h"

#include "model/text/families/family.h"
#include "model/text/json/json_readers.h"
#include "model/text/tokenizer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "tokenizer."
#define SETTINGS PREFIX "settings"

/* Numbers of items that do not stand beside their arrays. */
struct sizes {
    size_t tokens, flags, starts, merges, merge_bits, cuts, cut_parts;
};

struct array {
    const char *name, *dtype;
    size_t item_bytes, columns;
    void *slot; /* of the pointer to the items */
    size_t *n;
};

#define ARRAY(array_name, array_dtype, width, pointer, count)                                      \
    {                                                                                              \
        .name = PREFIX array_name, .dtype = (array_dtype), .item_bytes = sizeof *(pointer),        \
        .columns = (width), .slot = (void *)&(pointer), .n = (count),                              \
    }

/* All arrays, the widest numbers first, so that each lies aligned behind the others. */
static size_t list_arrays(struct tokenizer *t, struct sizes *sizes, struct array *out)
{
    struct vocab *vocab = &t->vocab;
    struct bpe *bpe = &t->bpe;
    struct short_words *words = &t->wordpiece.short_words;
    const struct array list[] = {
        ARRAY("vocab.trie", "U64", 1, vocab->trie.cells, &vocab->trie.n_cells),
        ARRAY("vocab.ideographs", "U64", 1, vocab->ideographs.cells, &vocab->ideographs.n_cells),
        ARRAY("vocab.added_trie", "U64", 1, vocab->added.cells, &vocab->added.n_cells),
        ARRAY("added.raw_trie", "U64", 1, t->raw.trie.cells, &t->raw.trie.n_cells),
        ARRAY("added.trie", "U64", 1, t->normalized.trie.cells, &t->normalized.trie.n_cells),
        ARRAY("bpe.merges", "U64", 2, bpe->merges, &sizes->merges),
        ARRAY("bpe.merge_bits", "U64", 1, bpe->has_merge, &sizes->merge_bits),
        ARRAY("bpe.words", "U64", 1, bpe->words.cells, &bpe->words.n_cells),
        ARRAY("bpe.pieces", "U64", 1, bpe->pieces.cells, &bpe->pieces.n_cells),
        ARRAY("bpe.cuts", "U64", 1, bpe->cuts.bits, &sizes->cuts),
        ARRAY("added.raw_joints", "U64", 1, t->raw.joints, &t->raw.n_joints),
        ARRAY("added.joints", "U64", 1, t->normalized.joints, &t->normalized.n_joints),
        ARRAY("unigram.scores", "F64", 1, t->unigram.scores, &t->unigram.n_scores),
        ARRAY("vocab.places", "U32", 2, vocab->places, &sizes->tokens),
        ARRAY("vocab.starts", "U32", 1, vocab->starts, &sizes->starts),
        ARRAY("added.raw_tokens", "U32", 2, t->raw.tokens, &t->raw.n),
        ARRAY("added.tokens", "U32", 2, t->normalized.tokens, &t->normalized.n),
        ARRAY("added.forms", "U32", 4, t->normalized_texts, &t->n_normalized_texts),
        ARRAY("wordpiece.short_words", "U32", 3, words->slots, &words->n_slots),
        ARRAY("bpe.cut_parts", "U8", 1, bpe->cuts.parts, &sizes->cut_parts),
        ARRAY("vocab.flags", "U8", 1, vocab->flags, &sizes->flags),
        ARRAY("vocab.texts", "U8", 1, vocab->texts, &vocab->text_bytes),
    };
    static_assert(sizeof list / sizeof *list <= COMPILED_ARRAYS_MAX, "room for all");
    memcpy(out, list, sizeof list);
    return sizeof list / sizeof *list;
}

/* ---- out ---- */

static struct sizes sizes_of(const struct tokenizer *t)
{
    const struct bpe *bpe = &t->bpe;
    return (struct sizes){
        .tokens = t->vocab.starts ? 0 : t->vocab.n,
        .flags = t->vocab.starts ? 0 : t->vocab.n,
        .starts = t->vocab.starts ? t->vocab.n + (size_t)1 : 0,
        .merges = bpe->merges ? bpe->mask + 1 : 0,
        .merge_bits = bpe->merges ? BPE_MERGE_BITS / 64 : 0,
        .cuts = bpe->cuts.bits ? (bpe->cuts.mask + 1) / 64 : 0,
        .cut_parts = bpe->cuts.bits ? CUTS_PARTS : 0,
    };
}

static void put(struct compiled *out, const char *name, const char *dtype, size_t n, size_t columns,
                const void *data, size_t bytes)
{
    out->tensors[out->n++] = (struct tensor_given){.name = name,
                                                   .dtype = dtype,
                                                   .rank = columns > 1 ? 2 : 1,
                                                   .shape = {n, columns},
                                                   .data = data,
                                                   .bytes = bytes};
}

void compiled_clear(struct compiled *compiled)
{
    free(compiled->starts);
    compiled->starts = NULL;
}

void compiled_list(const struct tokenizer *t, bool is_newest, struct compiled *out)
{
    struct array arrays[COMPILED_ARRAYS_MAX];
    struct tokenizer written = *t;
    out->n = 0;
    out->starts = NULL;
    out->is_newest = is_newest || t->vocab.ideographs.cells || t->vocab.starts;
    if (out->is_newest && !t->vocab.starts)
        written.vocab.starts = out->starts = vocab_list_starts(&t->vocab);
    struct sizes sizes = sizes_of(&written);
    size_t n = list_arrays(&written, &sizes, arrays);
    for (size_t i = 0; i < n; i++) {
        const struct array *a = &arrays[i];
        const void *data;
        memcpy(&data, a->slot, sizeof data);
        if (*a->n > 0) put(out, a->name, a->dtype, *a->n, a->columns, data, *a->n * a->item_bytes);
    }
    for (size_t i = 0, k = 0; i < t->pipeline.n_normalizers; i++) {
        struct span data = t->pipeline.normalizers[i].charsmap.data;
        if (!data.data) continue;
        assert(k < PIPELINE_CHARSMAPS_MAX);
        snprintf(out->names[k], sizeof out->names[k], JSON_PACKED_CHARSMAP, i);
        put(out, out->names[k++], "U8", data.bytes, 1, data.data, data.bytes);
    }
    const size_t bytes = strlen(t->settings);
    put(out, SETTINGS, "U8", bytes, 1, t->settings, bytes);
}

/* ---- in ---- */

bool compiled_is_there(const struct tensors *file)
{
    return tensors_find(file, SETTINGS);
}

static bool attach(const struct tensors *file, const struct array *a)
{
    const struct tensor *tensor = tensors_find(file, a->name);
    const size_t width = a->item_bytes / a->columns;
    if (!tensor) return true;
    bool has_shape =
        a->columns == 1 ? tensor->rank == 1 : tensor->rank == 2 && tensor->shape[1] == a->columns;
    if (strcmp(tensor->dtype, a->dtype) != 0 || !has_shape ||
        (uintptr_t)tensor->data % width != 0 || tensor->shape[0] == 0)
        return tensors_fail(file,
                            "tensor '%s' must be %s, with %zu columns and at an address that "
                            "is a multiple of %zu; convert the model again",
                            a->name, a->dtype, a->columns, width);
    memcpy(a->slot, &tensor->data, sizeof tensor->data);
    *a->n = (size_t)tensor->shape[0];
    return true;
}

static bool is_power_of_2(size_t n)
{
    return n > 0 && (n & (n - 1)) == 0;
}

/* What the arrays' sizes say. Those that are not there are empty. */
static bool take_sizes(struct tokenizer *t, const struct sizes *sizes)
{
    struct vocab *vocab = &t->vocab;
    struct bpe *bpe = &t->bpe;
    const size_t n = vocab->starts ? sizes->starts - 1 : sizes->tokens;
    if (n == 0 || n > TRIE_ID_MAX || !vocab->trie.cells || !vocab->texts ||
        (vocab->starts ? sizes->tokens || sizes->flags : sizes->tokens != sizes->flags))
        return false;
    vocab->n = (uint32_t)n;
    vocab->is_unchecked = true;
    struct trie *tries[] = {&vocab->trie,        &vocab->added, &t->raw.trie,
                            &t->normalized.trie, &bpe->words,   &bpe->pieces};
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++)
        *tries[i] = trie_view(tries[i]->cells, tries[i]->n_cells);
    added_set_finish(&t->raw);
    added_set_finish(&t->normalized);
    if (t->wordpiece.short_words.slots && !short_words_finish(&t->wordpiece.short_words))
        return false;
    if (vocab->ideographs.cells && !ideographs_finish(&vocab->ideographs)) return false;
    if (sizes->merges > 0) {
        if (!is_power_of_2(sizes->merges) || sizes->merge_bits != BPE_MERGE_BITS / 64) return false;
        bpe->mask = sizes->merges - 1;
    }
    if (sizes->cuts == 0) return true;
    bpe->cuts.mask = sizes->cuts * 64 - 1;
    return is_power_of_2(sizes->cuts) && sizes->cut_parts == CUTS_PARTS;
}

/* What the family cannot do without. */
static bool is_complete(const struct tokenizer *t)
{
    if (t->family == &bert_family || t->family == &wordpiece_family)
        return t->wordpiece.short_words.slots;
    if (t->family == &bpe_family) return t->bpe.merges && t->bpe.words.cells;
    return t->family != &unigram_family || t->unigram.n_scores > 1;
}

static bool open_arrays(struct tokenizer *t, const struct tensors *file)
{
    struct array arrays[COMPILED_ARRAYS_MAX];
    struct sizes sizes = {0};
    size_t n = list_arrays(t, &sizes, arrays);
    for (size_t i = 0; i < n; i++) {
        if (!attach(file, &arrays[i])) return false;
    }
    return take_sizes(t, &sizes) || tensors_fail(file,
                                                 "the sizes of its tensors '%s' contradict "
                                                 "each other; convert the model again",
                                                 PREFIX "...");
}

static bool open_settings(struct tokenizer *t, const struct tensors *file, struct err *err)
{
    const struct tensor *tensor = tensors_find(file, SETTINGS);
    struct err why;
    json_t *root = json_read(tensor->data, (size_t)(tensor->end - tensor->begin), &why);
    if (!root) return tensors_fail(file, "tensor '%s': %s", SETTINGS, why.message);
    bool done = json_read_tokenizer(t, root, NULL, &why) ||
                (why.code == ERR_MEMORY ? err_set(err, ERR_MEMORY, NULL, "%s", why.message)
                                        : tensors_fail(file,
                                                       "tensor '%s': %.300s; it is damaged: "
                                                       "convert or copy the model again",
                                                       SETTINGS, why.message));
    json_decref(root);
    return done &&
           (is_complete(t) || tensors_fail(file,
                                           "tensors '%s' that a tokenizer of this kind needs are "
                                           "missing; convert the model again",
                                           PREFIX "..."));
}

/* Nothing of it is the tokenizer's own. */
static void detach(struct tokenizer *t)
{
    struct array arrays[COMPILED_ARRAYS_MAX];
    struct sizes sizes;
    size_t n = list_arrays(t, &sizes, arrays);
    const void *nothing = NULL;
    for (size_t i = 0; i < n; i++)
        memcpy(arrays[i].slot, &nothing, sizeof nothing);
}

bool tokenizer_open_compiled(struct tokenizer **out, const struct tensors *file, struct err *err)
{
    struct tokenizer *t = calloc(1, sizeof *t);
    *out = NULL;
    if (!t) return err_set(err, ERR_MEMORY, NULL, "no memory left for the tokenizer");
    t->is_packed = true;
    t->detach = detach;
    t->packed = file;
    if (open_arrays(t, file) && open_settings(t, file, err)) {
        t->packed = NULL;
        *out = t;
        return true;
    }
    tokenizer_close(t);
    return false;
}
