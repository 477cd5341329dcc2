/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/json/json_writer.h"

#include "base/json.h"
#include "base/numtext.h"
#include "base/utf8.h"
#include "model/text/families/family.h"
#include "model/text/json/json_fields.h"
#include "model/text/unicode/unicode.h"

#include <stdlib.h>
#include <string.h>

struct writer {
    const struct tokenizer *t;
    const uint32_t *new_ids;
    FILE *out;
    struct arena arena; /* of one text at a time */
    struct err *err;
};

static uint32_t new_id(const struct writer *w, uint32_t id)
{
    return w->new_ids && id != TOKEN_ID_NONE ? w->new_ids[id] : id;
}

static void write_string(struct writer *w, const char *text, size_t bytes)
{
    struct buf buf;
    arena_reset(&w->arena);
    buf_init(&buf, &w->arena);
    json_write_string(&buf, text, bytes);
    fwrite(buf.data, 1, buf.bytes, w->out);
}

static void write_token(struct writer *w, uint32_t id)
{
    size_t bytes;
    const char *text = vocab_text(&w->t->vocab, id, &bytes);
    write_string(w, text, bytes);
}

/* ---- the lists of the model ---- */

static void write_ids(struct writer *w)
{
    const char *between = "{";
    for (uint32_t id = 0; id < w->t->vocab.n; id++) {
        if (new_id(w, id) == TOKEN_ID_NONE || !vocab_is_of_model(&w->t->vocab, id)) continue;
        fputs(between, w->out);
        write_token(w, id);
        fprintf(w->out, ":%u", new_id(w, id));
        between = ",\n";
    }
    fputs(between[0] == '{' ? "{}" : "}", w->out);
}

/* Scores are read as the reference reads them, which is a last bit off now and then: the digits are
   chosen so that reading gives the score again. */
static void write_score(FILE *out, double score)
{
    char text[40];
    for (int digits = 15; digits <= 20; digits++) {
        double read;
        snprintf(text, sizeof text, "%.*g", digits, score);
        if (vocab_read_score(text, &read) && read == score) break;
    }
    fputs(text, out);
}

static void write_scores(struct writer *w)
{
    const char *between = "[";
    for (uint32_t id = 0; id < w->t->vocab.n; id++) {
        if (new_id(w, id) == TOKEN_ID_NONE || !vocab_is_of_model(&w->t->vocab, id)) continue;
        fprintf(w->out, "%s[", between);
        write_token(w, id);
        fputc(',', w->out);
        write_score(w->out, w->t->unigram.scores[id]);
        fputc(']', w->out);
        between = ",\n";
    }
    fputs(between[0] == '[' ? "[]" : "]", w->out);
}

static int compare_ranks(const void *a, const void *b)
{
    const struct bpe_merge *left = a, *right = b;
    return (left->rank > right->rank) - (left->rank < right->rank);
}

/* Merges by rank, those alone whose tokens all stay; malloc'ed. */
static struct bpe_merge *order_merges(const struct writer *w, size_t *n)
{
    const struct bpe *bpe = &w->t->bpe;
    struct bpe_merge *merges = malloc((bpe->mask + 1) * sizeof *merges);
    *n = 0;
    for (uint64_t i = 0; merges && i <= bpe->mask; i++) {
        const struct bpe_merge *merge = &bpe->merges[i];
        if (merge->pair == UINT64_MAX) continue;
        if (new_id(w, (uint32_t)(merge->pair >> 32)) != TOKEN_ID_NONE &&
            new_id(w, (uint32_t)merge->pair) != TOKEN_ID_NONE &&
            new_id(w, merge->id) != TOKEN_ID_NONE)
            merges[(*n)++] = *merge;
    }
    if (merges) qsort(merges, *n, sizeof *merges, compare_ranks);
    return merges;
}

static bool write_merges(struct writer *w)
{
    size_t n;
    struct bpe_merge *merges = order_merges(w, &n);
    if (!merges) return fields_no_memory(w->err);
    fputs(",\n\"merges\":[", w->out);
    for (size_t i = 0; i < n; i++) {
        fputs(i > 0 ? ",\n[" : "[", w->out);
        write_token(w, (uint32_t)(merges[i].pair >> 32));
        fputc(',', w->out);
        write_token(w, (uint32_t)merges[i].pair);
        fputc(']', w->out);
    }
    fputc(']', w->out);
    free(merges);
    return true;
}

/* ---- what is small ---- */

static json_t *added_token(const struct writer *w, const struct added_token *token,
                           bool is_normalized)
{
    size_t bytes;
    const char *text = vocab_text(&w->t->vocab, token->id, &bytes);
    bool is_special = vocab_flags(&w->t->vocab, token->id) & VOCAB_SPECIAL;
    return json_pack("{s:I, s:s%, s:b, s:b, s:b, s:b, s:b}", "id", (json_int_t)new_id(w, token->id),
                     "content", text, bytes, "single_word", (token->flags & ADDED_SINGLE_WORD) != 0,
                     "lstrip", (token->flags & ADDED_LSTRIP) != 0, "rstrip",
                     (token->flags & ADDED_RSTRIP) != 0, "normalized", is_normalized, "special",
                     is_special);
}

/* Both sets, by id: those without a place in the vocabulary get theirs in this order. */
static json_t *added_tokens(const struct writer *w)
{
    const struct added_set *sets[] = {&w->t->raw, &w->t->normalized};
    json_t **by_id = calloc((size_t)w->t->vocab.n + 1, sizeof *by_id), *list = json_array();
    for (size_t set = 0; set < 2 && by_id; set++) {
        for (size_t i = 0; i < sets[set]->n; i++) {
            uint32_t id = new_id(w, sets[set]->tokens[i].id);
            if (id < w->t->vocab.n && !by_id[id])
                by_id[id] = added_token(w, &sets[set]->tokens[i], set == 1);
        }
    }
    for (uint32_t id = 0; id < w->t->vocab.n && by_id; id++) {
        if (by_id[id]) json_array_append_new(list, by_id[id]);
    }
    free(by_id);
    return list;
}

/* Puts back the charsmaps, in the order in which they stand. */
static bool put_charsmaps(const struct writer *w, json_t *part, size_t *at)
{
    const char *key;
    json_t *value;
    size_t i;
    if (json_is_array(part))
        json_array_foreach(part, i, value) if (!put_charsmaps(w, value, at)) return false;
    if (!json_is_object(part)) return true;
    if (!json_object_get(part, "precompiled_charsmap")) {
        json_object_foreach(part, key, value) if (!put_charsmaps(w, value, at)) return false;
        return true;
    }
    const struct pipeline *p = &w->t->pipeline;
    while (*at < p->n_normalizers && p->normalizers[*at].kind != NORMALIZE_CHARSMAP)
        ++*at;
    if (*at == p->n_normalizers) return true;
    const struct span data = p->normalizers[(*at)++].charsmap.data;
    char *text = malloc(numtext_base64_bytes(data.bytes) + 1);
    if (!text) return fields_no_memory(w->err);
    size_t bytes = numtext_base64(text, data.data, data.bytes);
    json_object_set_new(part, "precompiled_charsmap", json_stringn(text, bytes));
    free(text);
    return true;
}

static bool renumber(const struct writer *w, json_t *number)
{
    uint32_t id = json_is_integer(number) ? new_id(w, (uint32_t)json_integer_value(number)) : 0;
    if (json_is_integer(number) && id != TOKEN_ID_NONE) json_integer_set(number, id);
    return id != TOKEN_ID_NONE ||
           err_set(w->err, ERR_FORMAT, NULL,
                   "the token with the id %lld cannot be left out: the tokenizer needs it",
                   (long long)json_integer_value(number));
}

/* Ids in the post-processor: BERT's [token, id], a template's lists of ids. */
static bool renumber_all(const struct writer *w, json_t *part)
{
    const char *key;
    json_t *value;
    size_t i;
    if (json_is_array(part)) {
        bool is_pair = json_array_size(part) == 2 && json_is_string(json_array_get(part, 0)) &&
                       json_is_integer(json_array_get(part, 1));
        if (is_pair) return renumber(w, json_array_get(part, 1));
        json_array_foreach(part, i, value) if (!renumber_all(w, value)) return false;
    }
    if (!json_is_object(part)) return true;
    json_object_foreach(part, key, value)
    {
        if (strcmp(key, "ids") == 0) {
            json_t *id;
            json_array_foreach(value, i, id) if (!renumber(w, id)) return false;
        } else if (!renumber_all(w, value)) {
            return false;
        }
    }
    return true;
}

/* ---- all of it ---- */

/* An object without its closing brace. */
static bool write_open(const struct writer *w, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
    if (!text) return fields_no_memory(w->err);
    size_t bytes = strlen(text);
    fwrite(text, 1, bytes - 1, w->out);
    if (bytes > 2) fputs(",\n", w->out);
    free(text);
    return true;
}

static bool write_model(struct writer *w, json_t *model)
{
    json_t *unknown = json_object_get(model, "unk_id");
    json_object_del(model, "vocab");
    json_object_del(model, "merges");
    if (unknown && !renumber(w, unknown)) return false;
    fputs("\"model\":", w->out);
    if (!write_open(w, model)) return false;
    fputs("\"vocab\":", w->out);
    if (w->t->family == &unigram_family)
        write_scores(w);
    else
        write_ids(w);
    if (w->t->family == &bpe_family && !write_merges(w)) return false;
    fputs("}}\n", w->out);
    return true;
}

static bool write_all(struct writer *w, json_t *root)
{
    size_t at = 0;
    json_t *model = json_incref(json_object_get(root, "model"));
    json_object_del(root, "model");
    json_object_del(root, "compiled");
    json_object_set_new(root, "added_tokens", added_tokens(w));
    bool done = put_charsmaps(w, json_object_get(root, "normalizer"), &at) &&
                renumber_all(w, json_object_get(root, "post_processor")) && write_open(w, root) &&
                write_model(w, model);
    json_decref(model);
    return done;
}

/* As sentence-transformers follows it. */
static json_t *truncation_of(const struct limits *limits)
{
    return limits->tokens_max == 0
               ? json_null()
               : json_pack("{s:s, s:I, s:s, s:i}", "direction",
                           limits->cuts_left ? "Left" : "Right", "max_length",
                           (json_int_t)limits->tokens_max, "strategy", "LongestFirst", "stride", 0);
}

bool tokenizer_write_json(const struct tokenizer *t, const uint32_t *new_ids,
                          const struct limits *limits, FILE *out, struct err *err)
{
    struct writer w = {.t = t, .new_ids = new_ids, .out = out, .err = err};
    json_t *root = json_read(t->settings, strlen(t->settings), err);
    if (!root) return false;
    if (limits) json_object_set_new(root, "truncation", truncation_of(limits));
    arena_init(&w.arena, SIZE_MAX / 2);
    bool done = write_all(&w, root);
    arena_clear(&w.arena);
    json_decref(root);
    return done;
}

/* A reader would take it for the mark of the file, or for a token and its id. */
static bool begins_as_more(const struct tokenizer *t)
{
    size_t bytes = 0;
    const char *text = t->vocab.n > 0 ? vocab_text(&t->vocab, 0, &bytes) : "";
    return utf8_mark_bytes(text, bytes) > 0 || vocab_has_column(text, bytes);
}

bool tokenizer_fits_vocab(const struct tokenizer *t)
{
    bool fits = t->family == &dictionary_family;
    fits = fits && !begins_as_more(t);
    for (uint32_t id = 0; id < t->vocab.n && fits; id++) {
        size_t bytes;
        const char *text = vocab_text(&t->vocab, id, &bytes);
        fits = bytes == 0 || (!memchr(text, '\n', bytes) && text[bytes - 1] != '\r');
    }
    return fits;
}

void tokenizer_write_vocab(const struct tokenizer *t, FILE *out)
{
    for (uint32_t id = 0; id < t->vocab.n; id++) {
        size_t bytes;
        const char *text = vocab_text(&t->vocab, id, &bytes);
        fwrite(text, 1, bytes, out);
        fputc('\n', out);
    }
}

/* ---- a dictionary, for others ---- */

static bool has_ideograph(const char *at, const char *end)
{
    while (at < end) {
        const uint32_t code = utf8_next(&at);
        if (unicode_is_ideograph(code, unicode_record_of(code)->flags)) return true;
    }
    return false;
}

/* Of more than the one character. */
static bool has_words_of_ideographs(const struct vocab *vocab)
{
    for (uint32_t id = 0; id < vocab->n; id++) {
        size_t bytes;
        const char *text = vocab_text(vocab, id, &bytes), *end = text + bytes;
        if (bytes > 0 && utf8_past(text, end) < end && has_ideograph(text, end)) return true;
    }
    return false;
}

/* Ideographs stand by themselves where no token holds one beside something else. */
static json_t *word_level_parts(const struct tokenizer *t)
{
    json_t *parts = json_pack("[{s:s}, {s:s, s:s}]", "type", "WhitespaceSplit", "type",
                              "Punctuation", "behavior", "Isolated");
    if (!has_words_of_ideographs(&t->vocab))
        json_array_append_new(parts,
                              json_pack("{s:s, s:{s:s}, s:s, s:b}", "type", "Split", "pattern",
                                        "Regex", "\\p{Han}", "behavior", "Isolated", "invert", 0));
    return parts;
}

static json_t *word_level_root(const struct tokenizer *t)
{
    json_t *lower = t->lowercases ? json_pack("{s:s}", "type", "Lowercase") : json_null();
    return json_pack("{s:s, s:n, s:n, s:[], s:o, s:{s:s, s:o}, s:n, s:n}", "version", "1.0",
                     "truncation", "padding", "added_tokens", "normalizer", lower, "pre_tokenizer",
                     "type", "Sequence", "pretokenizers", word_level_parts(t), "post_processor",
                     "decoder");
}

/* One without an unknown token gets one behind its others. */
static void write_word_level_model(struct writer *w, uint32_t unknown_id)
{
    static const char unknown[] = "[UNK]";
    const uint32_t own_id = w->t->unknown_id;
    fputs("\"model\":{\"type\":\"WordLevel\",\"unk_token\":", w->out);
    if (own_id == TOKEN_ID_NONE)
        write_string(w, unknown, sizeof unknown - 1);
    else
        write_token(w, own_id);
    fputs(",\n\"vocab\":{\n", w->out);
    for (uint32_t id = 0; id < w->t->vocab.n; id++) {
        write_token(w, id);
        const bool is_last = id + 1 == w->t->vocab.n && own_id != TOKEN_ID_NONE;
        fprintf(w->out, ":%u%s", id, is_last ? "" : ",\n");
    }
    if (own_id == TOKEN_ID_NONE) {
        write_string(w, unknown, sizeof unknown - 1);
        fprintf(w->out, ":%u", unknown_id);
    }
    fputs("}}}\n", w->out);
}

bool tokenizer_write_word_level(const struct tokenizer *t, uint32_t unknown_id, FILE *out,
                                struct err *err)
{
    struct writer w = {.t = t, .out = out, .err = err};
    json_t *root = word_level_root(t);
    if (!root) return fields_no_memory(err);
    arena_init(&w.arena, SIZE_MAX / 2);
    bool done = write_open(&w, root);
    if (done) write_word_level_model(&w, unknown_id);
    arena_clear(&w.arena);
    json_decref(root);
    return done;
}
