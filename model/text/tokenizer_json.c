/* SPDX-License-Identifier: Apache-2.0 */
/* tokenizer.json. What this does not know it refuses, naming the place: a tokenizer that is nearly
   right gives vectors that are silently wrong. Form: the `tokenizers` library's. */
#include "base/utf8.h"
#include "model/text/json_readers.h"

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

static void keep_list(struct model_lists *lists, const char *key, const char *key_end,
                      struct span list)
{
    struct span *to = is_string(key, key_end, "vocab")    ? &lists->vocab
                      : is_string(key, key_end, "merges") ? &lists->merges
                                                          : NULL;
    if (to && !to->data) *to = list;
}

/* Where model.vocab and model.merges stand: found by depth and key alone, for what is wrong
   elsewhere is found by the parser. */
static struct model_lists find_lists(const char *at, const char *end)
{
    struct model_lists lists = {0};
    int depth = 0;
    const char *key = NULL, *key_end = NULL; /* the last string, while only a colon follows it */
    bool in_model = false;
    while (at && at < end) {
        char c = *at++;
        if (c == '"') {
            key = at;
            at = key_end = skip_string(at, end);
        } else if (c == '{' || c == '[') {
            if (depth == 2 && in_model && key) {
                const char *start = at - 1;
                at = skip_value(start, end);
                if (at) keep_list(&lists, key, key_end, (struct span){start, (size_t)(at - start)});
                key = NULL;
                continue;
            }
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
    return lists;
}

static json_t *parse(const char *text, size_t bytes, struct err *err)
{
    struct err why;
    json_t *root = json_read(text, bytes, &why);
    /* What the parser quotes may end in the middle of a character. */
    if (!root)
        err_set(err, ERR_FORMAT, NULL, TOKENIZER_JSON ": %.*s",
                (int)utf8_valid_bytes(why.message, strlen(why.message)), why.message);
    return root;
}

/* A list in its place is empty, its line ends kept for the messages. */
static char *put_empty(char *out, struct span list)
{
    *out++ = list.data[0];
    for (const char *at = list.data; at < list.data + list.bytes; at++) {
        if (*at == '\n') *out++ = '\n';
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

static bool read_parts(struct tokenizer *t, json_t *root, const struct model_lists *lists,
                       struct err *err)
{
    bool bert_normalizer, bert_pre_tokenizer;
    if (!json_is_object(root)) return fields_wrong_type("", "the file", root, "an object", err);
    /* How texts are cut and filled up is the request's to say, not the file's: both are ignored. */
    return fields_known(root, "",
                        "version, truncation, padding, added_tokens, normalizer, pre_tokenizer, "
                        "post_processor, decoder, model",
                        err) &&
           json_read_model(t, json_object_get(root, "model"), lists, err) &&
           json_read_normalizer(t, json_object_get(root, "normalizer"), &bert_normalizer, err) &&
           json_read_pre_tokenizer(t, json_object_get(root, "pre_tokenizer"), &bert_pre_tokenizer,
                                   err) &&
           json_finish_model(t, bert_normalizer && bert_pre_tokenizer, err) &&
           json_read_added_tokens(t, json_object_get(root, "added_tokens"), err) &&
           json_read_post_processor(t, json_object_get(root, "post_processor"), err) &&
           json_read_decoder(t, json_object_get(root, "decoder"), err);
}

bool tokenizer_read_json(struct tokenizer *t, struct span file, struct err *err)
{
    size_t valid = utf8_valid_bytes(file.data, file.bytes);
    if (valid != file.bytes)
        return err_set(err, ERR_FORMAT, NULL, TOKENIZER_JSON ": byte %zu is not UTF-8", valid);
    struct model_lists lists = find_lists(file.data, file.data + file.bytes);
    json_t *root = parse_rest(file, &lists, err);
    if (!root) return false;
    bool done = read_parts(t, root, &lists, err);
    json_decref(root);
    /* BERT's own walk trims no spans; the pipeline does the same and this too. */
    if (done && t->n_trimmings > 0 && t->family == &bert_family) t->family = &wordpiece_family;
    return done;
}
