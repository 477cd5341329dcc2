/* SPDX-License-Identifier: Apache-2.0 */
/* model of tokenizer.json: WordPiece, WordLevel, BPE, Unigram. */
#include "base/utf8.h"
#include "model/text/json/json_readers.h"

#include <stdlib.h>
#include <string.h>

static const char vocab_path[] = TOKENIZER_JSON ": model.vocab";
static const char merges_path[] = TOKENIZER_JSON ": model.merges";

static bool read_vocab(struct tokenizer *t, json_t *model, const struct model_lists *lists,
                       struct err *err)
{
    const json_t *value = json_object_get(model, "vocab");
    if (!lists) return true;
    if (!lists->vocab.data || !json_is_object(value))
        return fields_wrong_type("model", "vocab", value, "an object", err);
    if (t->family == &bpe_family) return vocab_finish(&t->vocab, vocab_path, err);
    /* As the reference reads an object: of equal keys the last one counts. */
    return t->family == &wordpiece_family && t->wordpiece.prefix.bytes == 0
               ? vocab_finish_pieces(&t->vocab, vocab_path, err)
               : vocab_finish_last(&t->vocab, vocab_path, err);
}

/* A token that a field names; null or missing: none. */
static bool read_unknown(struct tokenizer *t, json_t *model, bool must_be, struct err *err)
{
    const char *text;
    size_t bytes;
    const json_t *value = json_object_get(model, "unk_token");
    t->unknown_id = TOKEN_ID_NONE;
    if (!must_be && (!value || json_is_null(value))) return true;
    if (!fields_string(model, "model", "unk_token", &text, &bytes, err)) return false;
    t->unknown_id = vocab_id(&t->vocab, text, bytes);
    return t->unknown_id != TOKEN_ID_NONE || !must_be ||
           err_set(err, ERR_FORMAT, NULL,
                   TOKENIZER_JSON ": model.unk_token '%.*s' is not in model.vocab; add it there",
                   vocab_quoted(text, bytes), text);
}

static bool read_wordpiece(struct tokenizer *t, json_t *model, const struct model_lists *lists,
                           struct err *err)
{
    t->family = &wordpiece_family;
    if (!fields_text(model, "model", "continuing_subword_prefix", &t->wordpiece.prefix, err) ||
        !fields_count(model, "model", "max_input_chars_per_word", &t->wordpiece.word_chars_max,
                      err) ||
        !read_vocab(t, model, lists, err) || !read_unknown(t, model, true, err))
        return false;
    return wordpiece_finish(t) || fields_no_memory(err);
}

static bool read_wordlevel(struct tokenizer *t, json_t *model, const struct model_lists *lists,
                           struct err *err)
{
    t->family = &wordlevel_family;
    return read_vocab(t, model, lists, err) && read_unknown(t, model, false, err);
}

/* ---- BPE ---- */

struct merging {
    struct tokenizer *t;
    uint32_t rank;
};

static bool no_token(uint32_t rank, const char *text, size_t bytes, struct err *err)
{
    return err_set(err, ERR_FORMAT, NULL,
                   "%s[%u]: '%.*s' is not in model.vocab; a merge joins two tokens to a third",
                   merges_path, rank, vocab_quoted(text, bytes), text);
}

static bool take_merge(void *context, const char *left, size_t left_bytes, const char *right,
                       size_t right_bytes, struct err *err)
{
    struct merging *m = context;
    const struct trie *trie = &m->t->vocab.trie;
    size_t prefix = m->t->bpe.prefix.bytes;
    uint64_t node = trie_walk(trie, trie->root, left, left_bytes);
    uint32_t left_id = trie_id(node), right_id = vocab_id(&m->t->vocab, right, right_bytes);
    if (left_id == UINT32_MAX) return no_token(m->rank, left, left_bytes, err);
    if (right_id == TOKEN_ID_NONE || right_bytes < prefix)
        return no_token(m->rank, right, right_bytes, err);
    uint32_t id = trie_id(trie_walk(trie, node, right + prefix, right_bytes - prefix));
    if (id == UINT32_MAX)
        return err_set(err, ERR_FORMAT, NULL,
                       "%s[%u]: '%.*s' and '%.*s' together are not in model.vocab; a merge joins "
                       "two tokens to a third",
                       merges_path, m->rank, vocab_quoted(left, left_bytes), left,
                       vocab_quoted(right, right_bytes), right);
    bpe_put_merge(&m->t->bpe, left_id, right_id, m->rank++, id);
    return true;
}

/* More than there are: each takes a comma before the next one. */
static size_t count_merges(struct span list)
{
    size_t n = 1;
    for (const char *at = list.data; at < list.data + list.bytes; at++)
        n += *at == ',';
    return list.bytes > 1 && memchr(list.data + 1, '[', list.bytes - 1) ? n / 2 + 1 : n;
}

static bool read_merges(struct tokenizer *t, json_t *model, const struct model_lists *lists,
                        struct err *err)
{
    const json_t *value = json_object_get(model, "merges");
    struct merging merging = {t, 0};
    if (!lists) return true;
    if (!lists->merges.data || !json_is_array(value))
        return fields_wrong_type("model", "merges", value, "a list", err);
    if (!bpe_alloc_merges(&t->bpe, count_merges(lists->merges))) return fields_no_memory(err);
    return vocab_read_merges(lists->merges, take_merge, &merging, merges_path, err);
}

/* A string, empty where it is missing or null. */
static bool read_affix(json_t *model, const char *key, struct step_text *out, struct err *err)
{
    const json_t *value = json_object_get(model, key);
    return !value || json_is_null(value) || fields_text(model, "model", key, out, err);
}

static bool read_bpe(struct tokenizer *t, json_t *model, const struct model_lists *lists,
                     struct err *err)
{
    struct bpe *bpe = &t->bpe;
    t->family = &bpe_family;
    if (!fields_bool_or(model, "model", "fuse_unk", false, &bpe->fuse_unk, err) ||
        !fields_bool_or(model, "model", "byte_fallback", false, &bpe->byte_fallback, err) ||
        !fields_bool_or(model, "model", "ignore_merges", false, &bpe->ignore_merges, err) ||
        !read_affix(model, "continuing_subword_prefix", &bpe->prefix, err) ||
        !read_affix(model, "end_of_word_suffix", &bpe->suffix, err))
        return false;
    const json_t *dropout = json_object_get(model, "dropout");
    if (dropout && !json_is_null(dropout) && json_number_value(dropout) != 0)
        return err_set(err, ERR_FORMAT, NULL,
                       TOKENIZER_JSON ": model.dropout makes tokens random, which is for training; "
                                      "set it to null");
    if (bpe->byte_fallback && bpe->prefix.bytes + bpe->suffix.bytes > 0)
        return err_set(err, ERR_FORMAT, NULL,
                       TOKENIZER_JSON ": model.byte_fallback together with "
                                      "continuing_subword_prefix or end_of_word_suffix is not "
                                      "supported; no model is known that has both");
    return read_vocab(t, model, lists, err) && read_unknown(t, model, false, err) &&
           read_merges(t, model, lists, err);
}

/* ---- Unigram ---- */

static bool read_unigram(struct tokenizer *t, json_t *model, const struct model_lists *lists,
                         struct err *err)
{
    const json_t *value = json_object_get(model, "vocab"), *unknown;
    t->family = &unigram_family;
    if (!fields_bool_or(model, "model", "byte_fallback", false, &t->unigram.byte_fallback, err))
        return false;
    if (lists && (!lists->vocab.data || !json_is_array(value)))
        return fields_wrong_type("model", "vocab", value, "a list", err);
    if (lists && !vocab_finish(&t->vocab, vocab_path, err)) return false;
    t->unknown_id = TOKEN_ID_NONE;
    unknown = json_object_get(model, "unk_id");
    if (!unknown || json_is_null(unknown)) return true;
    if (!fields_count(model, "model", "unk_id", &t->unknown_id, err)) return false;
    return t->unknown_id < t->vocab.n ||
           err_set(err, ERR_FORMAT, NULL,
                   TOKENIZER_JSON ": model.unk_id is %u, but model.vocab has %u tokens",
                   t->unknown_id, t->vocab.n);
}

/* ---- our own: what vocab.txt holds that is not WordPiece ---- */

static bool read_dictionary(struct tokenizer *t, json_t *model, const struct model_lists *lists,
                            struct err *err)
{
    t->family = &dictionary_family;
    if (!fields_bool_or(model, "model", "lowercase", false, &t->lowercases, err) ||
        !fields_bool_or(model, "model", "mixes", false, &t->mixes, err) ||
        !read_vocab(t, model, lists, err) || !read_unknown(t, model, false, err))
        return false;
    if (t->is_packed) return true;
    /* For a packed file, whose vocabulary is not read when it is opened. */
    t->mixes = dictionary_mixes(&t->vocab);
    json_object_del(model, "mixes");
    return !t->mixes || json_object_set_new(model, "mixes", json_true()) == 0 ||
           fields_no_memory(err);
}

/* In the library's order: each has what the next ones ask for. */
static const struct shape model_shapes[] = {
    {"BPE", .fields = {{"vocab", SHAPE_OBJECT},
                       {"merges", SHAPE_LIST},
                       {"unk_token", SHAPE_STRING, true},
                       {"continuing_subword_prefix", SHAPE_STRING, true},
                       {"end_of_word_suffix", SHAPE_STRING, true},
                       {"fuse_unk", SHAPE_BOOL, true},
                       {"byte_fallback", SHAPE_BOOL, true},
                       {"ignore_merges", SHAPE_BOOL, true}}},
    {"WordPiece", .fields = {{"vocab", SHAPE_OBJECT},
                             {"unk_token", SHAPE_STRING},
                             {"continuing_subword_prefix", SHAPE_STRING},
                             {"max_input_chars_per_word", SHAPE_COUNT}}},
    {"WordLevel", .fields = {{"vocab", SHAPE_OBJECT}, {"unk_token", SHAPE_STRING}}},
    {"Unigram", .fields = {{"vocab", SHAPE_LIST}}},
    {NULL},
};

bool json_read_model(struct tokenizer *t, json_t *model, const struct model_lists *lists,
                     struct err *err)
{
    struct field_types types = {"WordPiece, WordLevel, BPE, Unigram, Dictionary", NULL, NULL};
    const char *type;
    if (!json_object_get(model, "type")) types.shapes = model_shapes;
    if (!fields_type(model, "model", &types, &type, err)) return false;
    if (strcmp(type, "WordPiece") == 0) return read_wordpiece(t, model, lists, err);
    if (strcmp(type, "WordLevel") == 0) return read_wordlevel(t, model, lists, err);
    if (strcmp(type, "BPE") == 0) return read_bpe(t, model, lists, err);
    if (strcmp(type, "Dictionary") == 0) return read_dictionary(t, model, lists, err);
    return read_unigram(t, model, lists, err);
}

/* ---- once the steps are known ---- */

static bool has_all_bytes(const struct vocab *vocab)
{
    bool has_all = true;
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[4];
        has_all &=
            vocab_id(vocab, text, utf8_write(text, pipeline_byte_char((unsigned char)byte))) !=
            TOKEN_ID_NONE;
    }
    return has_all;
}

/* Whether the model may read the bytes themselves instead of the characters that stand for them. */
static void fuse_bytes(struct tokenizer *t)
{
    struct pipeline *p = &t->pipeline;
    struct bpe *bpe = &t->bpe;
    struct split_step *last = p->n_splits > 0 ? &p->splits[p->n_splits - 1] : NULL;
    if (!last || last->kind != SPLIT_BYTES || !has_all_bytes(&t->vocab)) return;
    if (bpe->byte_fallback || bpe->prefix.bytes + bpe->suffix.bytes > 0) return;
    last->fused = bpe->is_bytes = true;
}

static void find_word_mark(struct tokenizer *t)
{
    const struct pipeline *p = &t->pipeline;
    for (size_t i = 0; i < p->n_normalizers; i++) {
        if (p->normalizers[i].kind == NORMALIZE_PREPEND) t->word_mark = "\xE2\x96\x81";
        if (p->normalizers[i].kind == NORMALIZE_BYTES) t->word_mark = "\xC4\xA0";
    }
    for (size_t i = 0; i < p->n_splits; i++) {
        if (p->splits[i].kind == SPLIT_METASPACE) t->word_mark = "\xE2\x96\x81";
        if (p->splits[i].kind == SPLIT_BYTES) t->word_mark = "\xC4\xA0";
    }
}

bool json_finish_model(struct tokenizer *t, struct err *err)
{
    pipeline_finish(&t->pipeline);
    if (t->family == &wordpiece_family) return true;
    find_word_mark(t);
    if (t->family == &unigram_family) return unigram_finish(t) || fields_no_memory(err);
    if (t->family != &bpe_family) return true;
    fuse_bytes(t);
    return bpe_finish(t, err);
}
