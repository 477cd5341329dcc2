/* SPDX-License-Identifier: Apache-2.0 */
/* added_tokens and post_processor of tokenizer.json. */
#include "model/text/json/json_readers.h"

#include "base/grow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- added tokens ---- */

/* The library counts tokens to find the next id: behind a hole that is one which is taken. */
static bool is_next_known(const struct tokenizer *t, const char *path, struct err *err)
{
    return t->vocab.n_holes == 0 ||
           err_set(err, ERR_FORMAT, NULL,
                   TOKENIZER_JSON ": %s.content is not in model.vocab, which leaves out %u of its "
                                  "ids, so its id is unknown; add it to model.vocab with its id",
                   path, t->vocab.n_holes);
}

/* The id stands in the vocabulary already, or is the next one after it: what the file says it is
   does not count, as the library has it. */
static bool settle_id(struct tokenizer *t, const char *path, struct added_entry *entry,
                      struct err *err)
{
    uint32_t id = vocab_id(&t->vocab, entry->text, entry->bytes);
    uint32_t want = id == TOKEN_ID_NONE ? t->vocab.n : id;
    entry->token.id = want;
    if (id == TOKEN_ID_NONE && !is_next_known(t, path, err)) return false;
    if (id == TOKEN_ID_NONE && !vocab_add(&t->vocab, want, entry->text, entry->bytes,
                                          TOKENIZER_JSON ": added_tokens", err))
        return false;
    if (vocab_flags(&t->vocab, want) & VOCAB_ADDED)
        return err_set(
            err, ERR_FORMAT, NULL,
            TOKENIZER_JSON ": %s.content is already in added_tokens; remove one of the two", path);
    t->vocab.flags[want] |= VOCAB_ADDED;
    return true;
}

static bool read_flag(json_t *item, const char *path, const char *key, enum added_flag flag,
                      struct added_entry *entry, struct err *err)
{
    bool is_set;
    if (!fields_bool(item, path, key, &is_set, err)) return false;
    if (is_set) entry->token.flags |= flag;
    return true;
}

static bool read_added(struct tokenizer *t, json_t *item, size_t index, struct added_entry *entry,
                       struct err *err)
{
    char path[64];
    snprintf(path, sizeof path, "added_tokens[%zu]", index);
    if (!json_is_object(item)) return fields_wrong_type("", path, item, "an object", err);
    if (!fields_count(item, path, "id", &entry->token.id, err) ||
        !fields_string(item, path, "content", &entry->text, &entry->bytes, err) ||
        !read_flag(item, path, "single_word", ADDED_SINGLE_WORD, entry, err) ||
        !read_flag(item, path, "lstrip", ADDED_LSTRIP, entry, err) ||
        !read_flag(item, path, "rstrip", ADDED_RSTRIP, entry, err) ||
        !fields_bool(item, path, "normalized", &entry->is_normalized, err) ||
        !fields_bool(item, path, "special", &entry->is_special, err))
        return false;
    /* The library passes over a token without text. */
    return entry->bytes == 0 || settle_id(t, path, entry, err);
}

bool json_read_added_tokens(struct tokenizer *t, json_t *list, struct err *err)
{
    static const char where[] = TOKENIZER_JSON ": added_tokens";
    if (!list || json_is_null(list) || t->is_packed) return true;
    if (!json_is_array(list)) return fields_wrong_type("", "added_tokens", list, "a list", err);
    size_t n = json_array_size(list);
    struct added_entry *entries = calloc(n + 1, sizeof *entries);
    bool done = entries || fields_no_memory(err);
    size_t n_kept = 0;
    for (size_t i = 0; i < n && done; i++) {
        entries[n_kept] = (struct added_entry){0};
        done = read_added(t, json_array_get(list, i), i, &entries[n_kept], err);
        n_kept += entries[n_kept].bytes > 0;
    }
    done = done && vocab_finish_added(&t->vocab, where, err) &&
           tokenizer_set_added(t, entries, n_kept, where, err);
    free(entries);
    return done;
}

/* ---- what the post-processor adds ---- */

static bool put_special(struct tokenizer *t, const char *path, const json_t *id, struct err *err)
{
    if (!json_is_integer(id) || json_integer_value(id) < 0 ||
        json_integer_value(id) >= (json_int_t)t->vocab.n)
        return err_set(err, ERR_FORMAT, NULL,
                       TOKENIZER_JSON ": %s must be the id of a token, a whole number below %u",
                       path, t->vocab.n);
    uint32_t n = t->n_before + t->n_after;
    if (!grow_to(&t->special, (size_t)n + 1, sizeof *t->special)) return fields_no_memory(err);
    t->special[n] = (uint32_t)json_integer_value(id);
    return true;
}

/* [text, id] of `key`, the token before or after a text. */
static bool put_pair(struct tokenizer *t, json_t *part, const char *path, const char *key,
                     uint32_t *count, struct err *err)
{
    char place[JSON_PATH_BYTES + 16];
    snprintf(place, sizeof place, "%s.%s[1]", path, key);
    if (!put_special(t, place, json_array_get(json_object_get(part, key), 1), err)) return false;
    ++*count;
    return true;
}

static bool put_pairs(struct tokenizer *t, json_t *part, const char *path, struct err *err)
{
    return put_pair(t, part, path, "cls", &t->n_before, err) &&
           put_pair(t, part, path, "sep", &t->n_after, err);
}

/* One special token of the template: its ids stand in special_tokens. */
static bool put_named(struct tokenizer *t, const json_t *named, const json_t *piece,
                      const char *path, uint32_t *count, struct err *err)
{
    char place[JSON_PATH_BYTES + 32];
    snprintf(place, sizeof place, "%s.special_tokens.ids", path);
    const char *name = json_string_value(json_object_get(piece, "id"));
    if (!name) name = "";
    const json_t *ids = json_object_get(json_object_get(named, name), "ids");
    if (!json_is_array(ids))
        return err_set(err, ERR_FORMAT, NULL,
                       TOKENIZER_JSON ": %s.single names the special token '%.*s', for which "
                                      "special_tokens has no ids; add them",
                       path, vocab_quoted(name, strlen(name)), name);
    for (size_t i = 0; i < json_array_size(ids); i++, ++*count) {
        if (!put_special(t, place, json_array_get(ids, i), err)) return false;
    }
    return true;
}

static bool read_template(struct tokenizer *t, json_t *part, const char *path, struct err *err)
{
    const json_t *single = json_object_get(part, "single");
    const json_t *named = json_object_get(part, "special_tokens");
    if (!json_is_array(single)) return fields_wrong_type(path, "single", single, "a list", err);
    unsigned texts = 0;
    for (size_t i = 0; i < json_array_size(single); i++) {
        const json_t *item = json_array_get(single, i);
        const json_t *special = json_object_get(item, "SpecialToken");
        const json_t *text = json_object_get(item, "Sequence");
        const char *id = json_string_value(json_object_get(text, "id"));
        if (special) {
            uint32_t *count = texts ? &t->n_after : &t->n_before;
            if (!put_named(t, named, special, path, count, err)) return false;
        } else if (id && strcmp(id, "A") == 0) {
            texts++;
        } else {
            return err_set(err, ERR_FORMAT, NULL,
                           TOKENIZER_JSON
                           ": %s.single[%zu] must be a SpecialToken or the Sequence A",
                           path, i);
        }
    }
    return texts == 1 || err_set(err, ERR_FORMAT, NULL,
                                 TOKENIZER_JSON
                                 ": %s.single holds the Sequence A %u times; it must be there once",
                                 path, texts);
}

static bool add_trimming(struct tokenizer *t, json_t *part, const char *path, struct err *err)
{
    bool trims;
    struct trimming *trimming = &t->trimmings[t->n_trimmings];
    if (t->n_trimmings == TRIMMINGS_MAX)
        return err_set(err, ERR_FORMAT, NULL,
                       TOKENIZER_JSON ": %s: more than %d steps trim offsets", path, TRIMMINGS_MAX);
    if (!fields_bool_or(part, path, "trim_offsets", true, &trims, err) ||
        !fields_bool_or(part, path, "add_prefix_space", true, &trimming->prefix_space, err))
        return false;
    t->n_trimmings += trims;
    return true;
}

static bool read_post_step(struct tokenizer *t, json_t *part, const char *path, const char *type,
                           struct err *err)
{
    if (strcmp(type, "ByteLevel") == 0) return add_trimming(t, part, path, err);
    if (t->n_before + t->n_after > 0)
        return err_set(err, ERR_FORMAT, NULL,
                       TOKENIZER_JSON ": %s is the second step that adds special tokens; make one "
                                      "TemplateProcessing of them",
                       path);
    if (strcmp(type, "BertProcessing") == 0) return put_pairs(t, part, path, err);
    if (strcmp(type, "RobertaProcessing") == 0)
        return add_trimming(t, part, path, err) && put_pairs(t, part, path, err);
    return read_template(t, part, path, err);
}

#define POST_TYPES "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, Sequence"

/* The library looks at nothing else: a BertProcessing that also trims is a RobertaProcessing. */
static const struct shape post_shapes[] = {
    {"RobertaProcessing", .fields = {{"sep", SHAPE_TOKEN},
                                     {"cls", SHAPE_TOKEN},
                                     {"trim_offsets", SHAPE_BOOL},
                                     {"add_prefix_space", SHAPE_BOOL}}},
    {"BertProcessing", .fields = {{"sep", SHAPE_TOKEN}, {"cls", SHAPE_TOKEN}}},
    {"ByteLevel", .is_named = true,
     .fields = {{"add_prefix_space", SHAPE_BOOL}, {"trim_offsets", SHAPE_BOOL}}},
    {"TemplateProcessing",
     .fields = {{"single", SHAPE_LIST}, {"pair", SHAPE_LIST}, {"special_tokens", SHAPE_OBJECT}}},
    {"Sequence", .is_named = true, .fields = {{"processors", SHAPE_LIST}}},
    {NULL},
};

bool json_read_post_processor(struct tokenizer *t, json_t *part, struct err *err)
{
    static const struct json_steps steps = {
        {POST_TYPES, post_shapes, POST_TYPES}, "processors", PIPELINE_STEP_BYTES, read_post_step};
    return !part || json_is_null(part) || json_read_steps(t, &steps, part, "post_processor", err);
}
