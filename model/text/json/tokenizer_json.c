/* SPDX-License-Identifier: Apache-2.0 */
/* tokenizer.json. Types and values that this does not know it refuses, naming the place: a
   tokenizer that is nearly right gives vectors that are silently wrong. Keys that the `tokenizers`
   library, whose form it is, passes over are passed over: all but those of the file itself. */
#include "base/encoding.h"
#include "base/utf8.h"
#include "model/text/json/json_readers.h"

#include <stdlib.h>
#include <string.h>

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

/* Past the value that starts at `at`, an object or a list; NULL if it does not end. */
static const char *skip_value(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end) {
        char c = *at++;
        if (c == '"') {
            at = skip_string(at, end);
            if (!at) return NULL;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (--depth == 0) return at;
        }
    }
    return NULL;
}

/* Reads model.vocab, an object or a list that starts at `at`, and says where it ends. */
static bool read_vocab(struct tokenizer *t, const char *at, const char *end, const char **after,
                       struct err *err)
{
    static const char where[] = TOKENIZER_JSON ": model.vocab";
    return *at == '{'
               ? vocab_read_json(&t->vocab, at, end, after, where, err)
               : vocab_read_scores(&t->vocab, at, end, after, &t->unigram.scores, where, err);
}

/* An object or a list in the model: the vocabulary is read at once (for it is most of the file, and
   its end is not known before), the merges once their model is known. */
static bool read_list(struct tokenizer *t, struct span key, const char *start, const char *end,
                      struct model_lists *lists, const char **after, struct err *err)
{
    bool is_vocab = is_string(key.data, key.data + key.bytes, "vocab") && !lists->vocab.data;
    bool is_merges = is_string(key.data, key.data + key.bytes, "merges") && !lists->merges.data;
    *after = NULL;
    if (is_vocab && !read_vocab(t, start, end, after, err)) return false;
    if (!is_vocab) *after = skip_value(start, end);
    struct span list = {start, *after ? (size_t)(*after - start) : 0};
    if (is_vocab) lists->vocab = list;
    if (is_merges && *after) lists->merges = list;
    return true;
}

/* Finds model.vocab and model.merges by depth and key alone, for what is wrong elsewhere is found
   by the parser. */
static bool read_lists(struct tokenizer *t, const char *at, const char *end,
                       struct model_lists *lists, struct err *err)
{
    int depth = 0;
    struct span key = {0}; /* the last string, while only a colon follows it */
    bool in_model = false;
    while (at && at < end) {
        char c = *at++;
        if (c == '"') {
            const char *start = at;
            at = skip_string(at, end);
            key = (struct span){start, at ? (size_t)(at - start) : 0};
        } else if (c == '{' || c == '[') {
            if (depth == 2 && in_model && key.data) {
                if (!read_list(t, key, at - 1, end, lists, &at, err)) return false;
                key.data = NULL;
                continue;
            }
            if (depth == 1)
                in_model =
                    c == '{' && key.data && is_string(key.data, key.data + key.bytes, "model");
            depth++;
            key.data = NULL;
        } else if (c == '}' || c == ']') {
            depth--;
            key.data = NULL;
        } else if (c == ',') {
            key.data = NULL;
        }
    }
    return true;
}

static json_t *parse(const char *text, size_t bytes, struct err *err)
{
    struct err why;
    json_t *root = json_read_file(text, bytes, false, &why);
    /* What the parser quotes may end in the middle of a character. */
    if (!root)
        err_set(err, ERR_FORMAT, NULL, TOKENIZER_JSON ": %.*s",
                (int)utf8_valid_bytes(why.message, strlen(why.message)), why.message);
    return root;
}

/* A list in its place is empty, its line ends kept for the messages. */
static char *put_empty(char *out, struct span list)
{
    const char *at = list.data, *end = list.data + list.bytes;
    *out++ = list.data[0];
    while ((at = memchr(at, '\n', (size_t)(end - at)))) {
        *out++ = '\n';
        at++;
    }
    *out++ = list.data[0] == '{' ? '}' : ']';
    return out;
}

/* The file without its long lists, parsed. */
static json_t *parse_rest(struct span file, const struct model_lists *lists, struct err *err)
{
    struct span first = lists->vocab, second = lists->merges;
    if (second.data && second.data < first.data) first = lists->merges, second = lists->vocab;
    if (!first.data) first = second, second.data = NULL;
    char *text = malloc(file.bytes + 1), *out = text;
    if (!text) {
        fields_no_memory(err);
        return NULL;
    }
    const char *at = file.data, *end = file.data + file.bytes;
    for (int i = 0; i < 2; i++) {
        struct span list = i == 0 ? first : second;
        if (!list.data) continue;
        memcpy(out, at, (size_t)(list.data - at));
        out = put_empty(out + (list.data - at), list);
        at = list.data + list.bytes;
    }
    memcpy(out, at, (size_t)(end - at));
    out += end - at;
    json_t *root = parse(text, (size_t)(out - text), err);
    free(text);
    return root;
}

#define PARTS                                                                                      \
    "version, truncation, padding, added_tokens, normalizer, pre_tokenizer, post_processor, "      \
    "decoder, model"

/* What was worked out from merges and tokens, in a packed file. */
static bool read_compiled(struct tokenizer *t, const json_t *part, struct err *err)
{
    return !part ||
           (fields_bool_or(part, "compiled", "cuts_unknown", false, &t->bpe.cuts_unknown, err) &&
            fields_bool_or(part, "compiled", "unknown_alone", false, &t->wordpiece.unknown_alone,
                           err));
}

/* Of another version nobody knows what its parts mean. */
static bool check_version(const json_t *version, struct err *err)
{
    const char *text = json_string_value(version);
    if (!version || (text && strcmp(text, "1.0") == 0)) return true;
    return err_set(err, ERR_FORMAT, NULL,
                   TOKENIZER_JSON ": version must be \"1.0\", as the tokenizers library writes it; "
                                  "save the file again with it");
}

/* A limit of 2^32 and more is none. */
static bool read_truncation(struct tokenizer *t, const json_t *part, struct err *err)
{
    if (!json_is_object(part)) return true;
    const json_t *length = json_object_get(part, "max_length");
    const json_t *direction = json_object_get(part, "direction");
    const char *name = direction ? json_string_value(direction) : "Right";
    if (!json_is_integer(length) || json_integer_value(length) < 1)
        return fields_wrong_type("truncation", "max_length", length, "a whole number from 1", err);
    if (!name || (strcmp(name, "Left") != 0 && strcmp(name, "Right") != 0))
        return err_set(err, ERR_FORMAT, NULL,
                       TOKENIZER_JSON ": truncation.direction must be \"Left\" or \"Right\"");
    t->truncates_left = strcmp(name, "Left") == 0;
    if (json_integer_value(length) < UINT32_MAX)
        t->truncation = (uint32_t)json_integer_value(length);
    return true;
}

/* Lists of the model are empty already. */
static bool keep_settings(struct tokenizer *t, json_t *root, struct err *err)
{
    if (json_object_get(root, "added_tokens"))
        json_object_set_new(root, "added_tokens", json_array());
    if (t->bpe.cuts_unknown)
        json_object_set_new(root, "compiled", json_pack("{s:b}", "cuts_unknown", 1));
    if (t->wordpiece.unknown_alone)
        json_object_set_new(root, "compiled", json_pack("{s:b}", "unknown_alone", 1));
    t->settings = json_dumps(root, JSON_COMPACT);
    return t->settings || fields_no_memory(err);
}

bool json_read_tokenizer(struct tokenizer *t, json_t *root, const struct model_lists *lists,
                         struct err *err)
{
    bool bert_normalizer, bert_pre_tokenizer;
    if (!json_is_object(root)) return fields_wrong_type("", "the file", root, "an object", err);
    /* How texts are cut and filled up is the request's to say, not the file's; the limit is kept
       for those who go by it. */
    bool done =
        fields_known(root, "", t->is_packed ? PARTS ", compiled" : PARTS, err) &&
        check_version(json_object_get(root, "version"), err) &&
        read_compiled(t, json_object_get(root, "compiled"), err) &&
        json_read_model(t, json_object_get(root, "model"), lists, err) &&
        json_read_normalizer(t, json_object_get(root, "normalizer"), &bert_normalizer, err) &&
        json_read_pre_tokenizer(t, json_object_get(root, "pre_tokenizer"), &bert_pre_tokenizer,
                                err) &&
        json_finish_model(t, err) &&
        json_read_added_tokens(t, json_object_get(root, "added_tokens"), err) &&
        json_read_post_processor(t, json_object_get(root, "post_processor"), err) &&
        json_read_decoder(t, json_object_get(root, "decoder"), err) &&
        read_truncation(t, json_object_get(root, "truncation"), err);
    /* BERT's pipeline has a walk of its own, which trims no spans. */
    if (done && t->family == &wordpiece_family && bert_normalizer && bert_pre_tokenizer &&
        t->n_trimmings == 0)
        t->family = &bert_family;
    return done && keep_settings(t, root, err);
}

bool tokenizer_read_json(struct tokenizer *t, struct span file, struct err *err)
{
    const char *guess = encoding_guess_file(file.data, file.bytes);
    if (guess)
        return err_set(err, ERR_FORMAT, NULL,
                       TOKENIZER_JSON ": this is %s, not UTF-8; convert the file first, with iconv "
                                      "-f %s -t UTF-8",
                       guess, guess);
    size_t valid = utf8_valid_bytes(file.data, file.bytes);
    if (valid != file.bytes)
        return err_set(err, ERR_FORMAT, NULL, TOKENIZER_JSON ": byte %zu is not UTF-8", valid);
    struct model_lists lists = {0};
    if (!read_lists(t, file.data, file.data + file.bytes, &lists, err)) return false;
    json_t *root = parse_rest(file, &lists, err);
    if (!root) return false;
    bool done = json_read_tokenizer(t, root, &lists, err);
    json_decref(root);
    return done;
}
