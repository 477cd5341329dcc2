/* SPDX-License-Identifier: Apache-2.0 */
/* The one reader of tokenizer.json. What it does not know it refuses, naming the place: a tokenizer
   that is nearly right gives vectors that are silently wrong. Form: the `tokenizers` library's. */
#include "base/json.h"
#include "base/utf8.h"
#include "model/text/family.h"

#include <stdlib.h>
#include <string.h>

#define FILE_NAME "tokenizer.json"

static const char vocab_path[] = FILE_NAME ": model.vocab";

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, NULL, FILE_NAME ": no memory left to hold it");
}

/* ---- fields, with errors that name their path ---- */

static bool wrong_type(const char *path, const char *key, const json_t *value, const char *want,
                       struct err *err)
{
    err_set(err, ERR_FORMAT, NULL, FILE_NAME ": %s%s%s %s; it must be %s", path, *path ? "." : "",
            key, value ? "has a wrong type" : "is missing", want);
    return false; /* said here, for the compiler to see it */
}

static bool get_bool(const json_t *object, const char *path, const char *key, bool *out,
                     struct err *err)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_boolean(value)) return wrong_type(path, key, value, "true or false", err);
    *out = json_is_true(value);
    return true;
}

static bool get_string(const json_t *object, const char *path, const char *key, const char **text,
                       size_t *bytes, struct err *err)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value)) return wrong_type(path, key, value, "a string", err);
    *text = json_string_value(value);
    *bytes = json_string_length(value);
    return true;
}

static bool get_count(const json_t *object, const char *path, const char *key, uint32_t *out,
                      struct err *err)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return wrong_type(path, key, value, "a whole number from 0", err);
    json_int_t count = json_integer_value(value);
    *out = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
    return true;
}

static bool has_object(const json_t *object, const char *path, const char *key, struct err *err)
{
    const json_t *value = json_object_get(object, key);
    return json_is_object(value) || wrong_type(path, key, value, "an object", err);
}

/* `known`: words parted by ", ". */
static bool is_among(const char *known, const char *text, size_t bytes)
{
    for (const char *at = known; *at;) {
        size_t n = strcspn(at, ",");
        if (n == bytes && memcmp(at, text, n) == 0) return true;
        at += n;
        at += strspn(at, ", ");
    }
    return false;
}

/* Keys that are not known may change tokens in ways that are not known either. */
static bool check_keys(json_t *object, const char *path, const char *known, struct err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        size_t n = strlen(key);
        if (!is_among(known, key, n))
            return err_set(err, ERR_FORMAT, NULL,
                           FILE_NAME ": %s%s%.*s is not known; known here are %s", path,
                           *path ? "." : "", vocab_quoted(key, n), key, known);
    }
    return true;
}

static bool get_type(const json_t *object, const char *path, const char *known, const char **type,
                     struct err *err)
{
    size_t bytes;
    if (!json_is_object(object)) return wrong_type("", path, object, "an object", err);
    if (!get_string(object, path, "type", type, &bytes, err)) return false;
    return is_among(known, *type, bytes) ||
           err_set(err, ERR_FORMAT, NULL,
                   FILE_NAME ": %s.type '%.*s' is not supported; this reads %s", path,
                   vocab_quoted(*type, bytes), *type, known);
}

/* A string in the memory of the tokenizer. */
static bool keep_string(struct tokenizer *t, const char **text, size_t bytes, struct err *err)
{
    char *copy = vocab_alloc(&t->vocab, bytes);
    if (!copy) return no_memory(err);
    memcpy(copy, *text, bytes);
    *text = copy;
    return true;
}

/* ---- parts ---- */

static bool read_model(struct tokenizer *t, json_t *model, struct err *err)
{
    const char *type, *unknown, *prefix;
    size_t unknown_bytes, prefix_bytes;
    if (!get_type(model, "model", "WordPiece", &type, err) ||
        !check_keys(model, "model",
                    "type, unk_token, continuing_subword_prefix, max_input_chars_per_word, vocab",
                    err) ||
        !get_string(model, "model", "unk_token", &unknown, &unknown_bytes, err) ||
        !get_string(model, "model", "continuing_subword_prefix", &prefix, &prefix_bytes, err) ||
        !get_count(model, "model", "max_input_chars_per_word", &t->wordpiece.word_chars_max, err) ||
        !has_object(model, "model", "vocab", err) || !vocab_finish(&t->vocab, vocab_path, err))
        return false;
    t->unknown_id = vocab_id(&t->vocab, unknown, unknown_bytes);
    if (t->unknown_id == MODEL_NO_ID)
        return err_set(err, ERR_FORMAT, NULL,
                       FILE_NAME ": model.unk_token '%.*s' is not in model.vocab; add it there",
                       vocab_quoted(unknown, unknown_bytes), unknown);
    return wordpiece_finish(t, prefix, prefix_bytes, FILE_NAME, err);
}

static bool read_normalizer(struct tokenizer *t, json_t *part, struct err *err)
{
    static const char path[] = "normalizer";
    struct normalizer *n = &t->normalizer;
    const char *type;
    if (!part || json_is_null(part)) return true;
    if (!get_type(part, path, "BertNormalizer, Lowercase", &type, err)) return false;
    if (strcmp(type, "Lowercase") == 0) {
        n->lowercase = true;
        return check_keys(part, path, "type", err);
    }
    if (!check_keys(part, path, "type, clean_text, handle_chinese_chars, strip_accents, lowercase",
                    err) ||
        !get_bool(part, path, "clean_text", &n->clean_text, err) ||
        !get_bool(part, path, "handle_chinese_chars", &n->handle_chinese_chars, err) ||
        !get_bool(part, path, "lowercase", &n->lowercase, err))
        return false;
    const json_t *strip = json_object_get(part, "strip_accents");
    n->strip_accents = n->lowercase;
    if (!strip || json_is_null(strip)) return true;
    return get_bool(part, path, "strip_accents", &n->strip_accents, err);
}

static bool read_pre_tokenizer(json_t *part, struct err *err)
{
    const char *type;
    return get_type(part, "pre_tokenizer", "BertPreTokenizer", &type, err) &&
           check_keys(part, "pre_tokenizer", "type", err);
}

static bool read_decoder(struct tokenizer *t, json_t *part, struct err *err)
{
    static const char path[] = "decoder";
    struct decoder *d = &t->decoder;
    const char *type;
    if (!part || json_is_null(part)) return true;
    d->is_wordpiece = true;
    return get_type(part, path, "WordPiece", &type, err) &&
           check_keys(part, path, "type, prefix, cleanup", err) &&
           get_bool(part, path, "cleanup", &d->cleanup, err) &&
           get_string(part, path, "prefix", &d->prefix, &d->prefix_bytes, err) &&
           keep_string(t, &d->prefix, d->prefix_bytes, err);
}

/* ---- added tokens ---- */

/* The id stands in the vocabulary already, or is the next one after it. */
static bool settle_id(struct tokenizer *t, const char *path, struct added_entry *entry,
                      struct err *err)
{
    uint32_t id = vocab_id(&t->vocab, entry->text, entry->bytes);
    uint32_t want = id == MODEL_NO_ID ? t->vocab.n : id;
    if (entry->token.id != want)
        return err_set(err, ERR_FORMAT, NULL,
                       FILE_NAME ": %s.id is %u, but the token's id is %u (that of model.vocab, or "
                                 "the next one after it); save the file anew with the tokenizers "
                                 "library",
                       path, entry->token.id, want);
    if (id == MODEL_NO_ID) {
        const char *text = entry->text;
        if (!keep_string(t, &text, entry->bytes, err) ||
            !vocab_add(&t->vocab, want, text, entry->bytes, FILE_NAME ": added_tokens", err))
            return false;
    }
    struct vocab_token *token = &t->vocab.tokens[want];
    if (token->is_added)
        return err_set(err, ERR_FORMAT, NULL,
                       FILE_NAME ": %s.content stands among added_tokens already; remove one of "
                                 "the two",
                       path);
    token->is_added = true;
    return true;
}

static bool read_added(struct tokenizer *t, json_t *item, size_t index, struct added_entry *entry,
                       struct err *err)
{
    char path[64];
    snprintf(path, sizeof path, "added_tokens[%zu]", index);
    if (!json_is_object(item)) return wrong_type("", path, item, "an object", err);
    if (!check_keys(item, path, "id, content, single_word, lstrip, rstrip, normalized, special",
                    err) ||
        !get_count(item, path, "id", &entry->token.id, err) ||
        !get_string(item, path, "content", &entry->text, &entry->bytes, err) ||
        !get_bool(item, path, "single_word", &entry->token.single_word, err) ||
        !get_bool(item, path, "lstrip", &entry->token.lstrip, err) ||
        !get_bool(item, path, "rstrip", &entry->token.rstrip, err) ||
        !get_bool(item, path, "normalized", &entry->is_normalized, err) ||
        !get_bool(item, path, "special", &entry->is_special, err))
        return false;
    if (entry->bytes == 0)
        return err_set(err, ERR_FORMAT, NULL, FILE_NAME ": %s.content is empty; remove the token",
                       path);
    return settle_id(t, path, entry, err);
}

static bool read_added_tokens(struct tokenizer *t, json_t *list, struct err *err)
{
    static const char where[] = FILE_NAME ": added_tokens";
    if (!list || json_is_null(list)) return true;
    if (!json_is_array(list)) return wrong_type("", "added_tokens", list, "a list", err);
    size_t n = json_array_size(list);
    struct added_entry *entries = calloc(n + 1, sizeof *entries);
    bool done = entries || no_memory(err);
    for (size_t i = 0; i < n && done; i++)
        done = read_added(t, json_array_get(list, i), i, &entries[i], err);
    done = done && vocab_finish_added(&t->vocab, where, err) &&
           tokenizer_set_added(t, entries, n, where, err);
    free(entries);
    return done;
}

/* ---- what the post-processor adds ---- */

static bool put_special(struct tokenizer *t, const char *path, const json_t *id, struct err *err)
{
    if (!json_is_integer(id) || json_integer_value(id) < 0 ||
        json_integer_value(id) >= (json_int_t)t->vocab.n)
        return err_set(err, ERR_FORMAT, NULL,
                       FILE_NAME ": %s must be the id of a token, a whole number below %u", path,
                       t->vocab.n);
    uint32_t n = t->n_before + t->n_after;
    uint32_t *special = realloc(t->special, (n + 1) * sizeof *special);
    if (!special) return no_memory(err);
    t->special = special;
    special[n] = (uint32_t)json_integer_value(id);
    return true;
}

static bool read_bert(struct tokenizer *t, json_t *part, struct err *err)
{
    if (!check_keys(part, "post_processor", "type, sep, cls", err)) return false;
    if (!put_special(t, "post_processor.cls[1]", json_array_get(json_object_get(part, "cls"), 1),
                     err))
        return false;
    t->n_before++;
    if (!put_special(t, "post_processor.sep[1]", json_array_get(json_object_get(part, "sep"), 1),
                     err))
        return false;
    t->n_after++;
    return true;
}

/* One special token of the template: its ids stand in special_tokens. */
static bool put_named(struct tokenizer *t, const json_t *named, const json_t *piece,
                      uint32_t *count, struct err *err)
{
    static const char path[] = "post_processor.special_tokens.ids";
    const char *name = json_string_value(json_object_get(piece, "id"));
    if (!name) name = "";
    const json_t *ids = json_object_get(json_object_get(named, name), "ids");
    if (!json_is_array(ids))
        return err_set(err, ERR_FORMAT, NULL,
                       FILE_NAME
                       ": post_processor.single names the special token '%.*s', for which "
                       "special_tokens has no ids; add them",
                       vocab_quoted(name, strlen(name)), name);
    for (size_t i = 0; i < json_array_size(ids); i++, ++*count) {
        if (!put_special(t, path, json_array_get(ids, i), err)) return false;
    }
    return true;
}

static bool read_template(struct tokenizer *t, json_t *part, struct err *err)
{
    if (!check_keys(part, "post_processor", "type, single, pair, special_tokens", err))
        return false;
    const json_t *single = json_object_get(part, "single");
    const json_t *named = json_object_get(part, "special_tokens");
    if (!json_is_array(single))
        return wrong_type("post_processor", "single", single, "a list", err);
    unsigned texts = 0;
    for (size_t i = 0; i < json_array_size(single); i++) {
        const json_t *item = json_array_get(single, i);
        const json_t *special = json_object_get(item, "SpecialToken");
        const json_t *text = json_object_get(item, "Sequence");
        const char *id = json_string_value(json_object_get(text, "id"));
        if (special) {
            uint32_t *count = texts ? &t->n_after : &t->n_before;
            if (!put_named(t, named, special, count, err)) return false;
        } else if (id && strcmp(id, "A") == 0) {
            texts++;
        } else {
            return err_set(err, ERR_FORMAT, NULL,
                           FILE_NAME ": post_processor.single[%zu] must be a SpecialToken or the "
                                     "Sequence A",
                           i);
        }
    }
    return texts == 1 || err_set(err, ERR_FORMAT, NULL,
                                 FILE_NAME ": post_processor.single holds the Sequence A %u times; "
                                           "it must stand there once",
                                 texts);
}

static bool read_post_processor(struct tokenizer *t, json_t *part, struct err *err)
{
    const char *type;
    if (!part || json_is_null(part)) return true;
    if (!get_type(part, "post_processor", "TemplateProcessing, BertProcessing", &type, err))
        return false;
    return strcmp(type, "BertProcessing") == 0 ? read_bert(t, part, err)
                                               : read_template(t, part, err);
}

/* ---- the file ---- */

/* Finds the end of the string whose opening quote was at at[-1]; NULL if there is none. */
static const char *skip_string(const char *at, const char *end)
{
    for (; at < end && *at != '"'; at++)
        at += *at == '\\';
    return at < end ? at + 1 : NULL;
}

static bool is_string(const char *start, const char *end, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(end - start) == n + 1 && memcmp(start, text, n) == 0;
}

/* Where the object model.vocab starts: found by depth and key alone, for what is wrong elsewhere is
   found by the parser. NULL if there is none. */
static const char *find_vocab(const char *at, const char *end)
{
    int depth = 0;
    const char *key = NULL, *key_end = NULL; /* the last string, while only a colon follows it */
    bool in_model = false;
    while (at < end) {
        char c = *at++;
        if (c == '"') {
            key = at;
            at = key_end = skip_string(at, end);
            if (!at) return NULL;
        } else if (c == '{' || c == '[') {
            if (c == '{' && depth == 2 && in_model && key && is_string(key, key_end, "vocab"))
                return at - 1;
            if (depth == 1) in_model = c == '{' && key && is_string(key, key_end, "model");
            depth++;
            key = NULL;
        } else if (c == '}' || c == ']') {
            depth--;
            key = NULL;
        } else if (c == ',') {
            key = NULL;
        }
    }
    return NULL;
}

static json_t *parse(const char *text, size_t bytes, struct err *err)
{
    struct err why;
    json_t *root = json_read(text, bytes, &why);
    /* What the parser quotes may end in the middle of a character. */
    if (!root)
        err_set(err, ERR_FORMAT, NULL, FILE_NAME ": %.*s",
                (int)utf8_valid_bytes(why.message, strlen(why.message)), why.message);
    return root;
}

/* The file without its vocabulary (an empty object in its place, its line ends kept for the
   messages), parsed. */
static json_t *parse_rest(struct span file, const char *vocab, const char *vocab_end,
                          struct err *err)
{
    const char *end = file.data + file.bytes;
    size_t lines = 0, before = (size_t)(vocab - file.data), after = (size_t)(end - vocab_end);
    for (const char *at = vocab; at < vocab_end; at++)
        lines += *at == '\n';
    char *text = malloc(before + after + lines + 2);
    if (!text) {
        no_memory(err);
        return NULL;
    }
    memcpy(text, file.data, before);
    text[before] = '{';
    memset(text + before + 1, '\n', lines);
    text[before + 1 + lines] = '}';
    memcpy(text + before + lines + 2, vocab_end, after);
    json_t *root = parse(text, before + after + lines + 2, err);
    free(text);
    return root;
}

static bool read_parts(struct tokenizer *t, json_t *root, struct err *err)
{
    if (!json_is_object(root)) return wrong_type("", "the file", root, "an object", err);
    /* How texts are cut and filled up is the request's to say, not the file's: both are ignored. */
    return check_keys(root, "",
                      "version, truncation, padding, added_tokens, normalizer, pre_tokenizer, "
                      "post_processor, decoder, model",
                      err) &&
           read_model(t, json_object_get(root, "model"), err) &&
           read_normalizer(t, json_object_get(root, "normalizer"), err) &&
           read_pre_tokenizer(json_object_get(root, "pre_tokenizer"), err) &&
           read_added_tokens(t, json_object_get(root, "added_tokens"), err) &&
           read_post_processor(t, json_object_get(root, "post_processor"), err) &&
           read_decoder(t, json_object_get(root, "decoder"), err);
}

bool tokenizer_read_json(struct tokenizer *t, struct span file, struct err *err)
{
    const char *end = file.data + file.bytes;
    size_t valid = utf8_valid_bytes(file.data, file.bytes);
    if (valid != file.bytes)
        return err_set(err, ERR_FORMAT, NULL, FILE_NAME ": byte %zu is not UTF-8", valid);
    t->family = &wordpiece_family;
    const char *vocab = find_vocab(file.data, end), *vocab_end = vocab;
    if (vocab && !vocab_read_json(&t->vocab, vocab, end, &vocab_end, vocab_path, err)) return false;
    json_t *root =
        vocab ? parse_rest(file, vocab, vocab_end, err) : parse(file.data, file.bytes, err);
    if (!root) return false;
    bool done = read_parts(t, root, err);
    json_decref(root);
    return done;
}
