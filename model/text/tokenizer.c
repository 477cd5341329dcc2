/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/tokenizer.h"

#include "base/hash.h"
#include "base/utf8.h"
#include "model/text/families/family.h"
#include "model/text/json/json_readers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The readers know their files by name alone. */
static bool fail_in(const char *folder, struct err *err)
{
    return err && folder && err_set(err, err->code, NULL, "%.300s/%s", folder, err->message);
}

bool tokenizer_open(struct tokenizer **out, const struct tokenizer_files *files,
                    const struct tokenizer_options *options, struct err *err)
{
    *out = NULL;
    struct tokenizer *tokenizer = calloc(1, sizeof *tokenizer);
    if (!tokenizer) return err_set(err, ERR_MEMORY, NULL, "no memory left for the tokenizer");
    bool done;
    /* A folder may hold a tokenizer.json for others, who know no dictionary. */
    const bool is_dictionary = options->kind && strcmp(options->kind, "dictionary") == 0;
    if (files->tokenizer.data && !(is_dictionary && files->vocab.data))
        done = tokenizer_read_json(tokenizer, files->tokenizer, err) || fail_in(files->path, err);
    else if (files->vocab.data)
        done =
            tokenizer_read_vocab(tokenizer, files->vocab, options->kind, options->lowercase, err) ||
            fail_in(files->path, err);
    else
        done = err_set(err, ERR_FORMAT, NULL,
                       "%s holds no tokenizer; put a tokenizer.json or a vocab.txt "
                       "(one token a line) beside the weights",
                       files->path);
    if (done && options->kind && strcmp(options->kind, tokenizer->family->name) != 0)
        done = err_set(err, ERR_FORMAT, NULL,
                       "config.json: tokenizer is '%s', but tokenizer.json holds a %s; remove one "
                       "of the two",
                       options->kind, tokenizer->family->name);
    if (!done) {
        tokenizer_close(tokenizer);
        return false;
    }
    *out = tokenizer;
    return true;
}

bool tokenizer_open_words(struct tokenizer **out, struct vocab *vocab, const char *where,
                          struct err *err)
{
    struct tokenizer *tokenizer = calloc(1, sizeof *tokenizer);
    *out = NULL;
    if (!tokenizer) return err_set(err, ERR_MEMORY, NULL, "no memory left for the tokenizer");
    tokenizer->vocab = *vocab;
    *vocab = (struct vocab){0};
    if (tokenizer_read_words(tokenizer, where, err)) {
        *out = tokenizer;
        return true;
    }
    tokenizer_close(tokenizer);
    return false;
}

bool tokenizer_borrows_words(const struct tokenizer *tokenizer)
{
    return tokenizer->family->text_of;
}

static bool add_words(struct vocab *vocab, const struct tokenizer *from, const char *where,
                      struct err *err)
{
    for (uint32_t id = 0; id < from->vocab.n; id++) {
        const struct span word = from->family->text_of(from, id);
        if (utf8_valid_bytes(word.data, word.bytes) < word.bytes)
            return err_set(err, ERR_FORMAT, NULL,
                           "%.300s: word %u is not UTF-8, which only its own file can hold", where,
                           id);
        if (!vocab_add(vocab, id, word.data, word.bytes, where, err)) return false;
    }
    return true;
}

bool tokenizer_copy_words(struct tokenizer **out, const struct tokenizer *from, const char *where,
                          struct err *err)
{
    struct vocab vocab = {0};
    *out = NULL;
    if (add_words(&vocab, from, where, err)) return tokenizer_open_words(out, &vocab, where, err);
    vocab_clear(&vocab);
    return false;
}

void tokenizer_close(struct tokenizer *tokenizer)
{
    if (!tokenizer) return;
    if (tokenizer->detach) tokenizer->detach(tokenizer);
    added_set_clear(&tokenizer->raw);
    added_set_clear(&tokenizer->normalized);
    short_words_clear(&tokenizer->wordpiece.short_words);
    free(tokenizer->wordpiece.prefix.text);
    pipeline_clear(&tokenizer->pipeline);
    bpe_clear(&tokenizer->bpe);
    unigram_clear(&tokenizer->unigram);
    decoder_clear(&tokenizer->decoder);
    free(tokenizer->normalized_texts);
    vocab_clear(&tokenizer->vocab);
    free(tokenizer->special);
    free(tokenizer->settings);
    free(tokenizer);
}

void tokenizer_drop_blank_end(struct tokenizer *tokenizer, uint32_t n)
{
    if (!tokenizer->family->find) vocab_drop_blank_end(&tokenizer->vocab, n);
}

bool tokenizer_lowercases(const struct tokenizer *tokenizer)
{
    return tokenizer->lowercases;
}

const char *tokenizer_kind(const struct tokenizer *tokenizer)
{
    return tokenizer->family->name;
}

uint32_t tokenizer_vocab_size(const struct tokenizer *tokenizer)
{
    return tokenizer->vocab.n;
}

uint32_t tokenizer_unknown_id(const struct tokenizer *tokenizer)
{
    return tokenizer->unknown_id;
}

uint32_t tokenizer_token_id(const struct tokenizer *tokenizer, const char *token, size_t bytes)
{
    if (tokenizer->family->find) return tokenizer->family->find(tokenizer, token, bytes);
    return vocab_id(&tokenizer->vocab, token, bytes);
}

const char *tokenizer_token_text(const struct tokenizer *tokenizer, uint32_t id, size_t *bytes)
{
    assert(id < tokenizer->vocab.n);
    if (!tokenizer->family->text_of) return vocab_text(&tokenizer->vocab, id, bytes);
    const struct span word = tokenizer->family->text_of(tokenizer, id);
    *bytes = word.bytes;
    return word.data;
}

bool tokenizer_is_special(const struct tokenizer *tokenizer, uint32_t id)
{
    assert(id < tokenizer->vocab.n);
    return !tokenizer->family->find && vocab_flags(&tokenizer->vocab, id) & VOCAB_SPECIAL;
}

bool tokenizer_is_unknown(const struct tokenizer *tokenizer, uint32_t id)
{
    return id == tokenizer->unknown_id || id == TOKEN_ID_NONE;
}

const char *tokenizer_piece(const struct tokenizer *tokenizer, uint32_t id, size_t *bytes,
                            bool *continues)
{
    const char *text = tokenizer_token_text(tokenizer, id, bytes);
    const struct wordpiece *w = &tokenizer->wordpiece;
    const char *mark = tokenizer->word_mark ? tokenizer->word_mark : w->prefix.text;
    const size_t n = tokenizer->word_mark ? strlen(mark) : w->prefix.bytes;
    bool has_mark = n > 0 && *bytes > n && memcmp(text, mark, n) == 0;
    *continues = tokenizer->word_mark ? !has_mark : has_mark;
    if (!has_mark) return text;
    *bytes -= n;
    return text + n;
}

/* Longer tokens count as this long. */
#define LENGTH_MAX 4096

/* How many tokens have each length; returns how many there are. */
static uint32_t count_lengths(const struct tokenizer *t, bool of_bytes, uint32_t *counts)
{
    uint32_t n = 0;
    for (uint32_t id = 0; id < t->vocab.n; id++) {
        if (of_bytes && !vocab_is_of_model(&t->vocab, id)) continue;
        size_t bytes;
        const char *text = vocab_text(&t->vocab, id, &bytes);
        size_t length = of_bytes ? bytes : utf8_count(text, bytes);
        counts[length < LENGTH_MAX ? length : LENGTH_MAX]++;
        n++;
    }
    return n;
}

/* The length of the token with that place in the order of lengths. */
static uint32_t length_at(const uint32_t *counts, uint32_t place)
{
    uint32_t length = 0;
    for (uint32_t before = counts[0]; before <= place && length < LENGTH_MAX;)
        before += counts[++length];
    return length;
}

uint32_t tokenizer_median_length(const struct tokenizer *tokenizer, bool of_bytes)
{
    uint32_t counts[LENGTH_MAX + 1] = {0};
    uint32_t n = count_lengths(tokenizer, of_bytes, counts);
    if (n == 0) return 1;
    if (of_bytes) return length_at(counts, n / 2);
    return (length_at(counts, (n - 1) / 2) + length_at(counts, n / 2)) / 2;
}

uint32_t tokenizer_truncation(const struct tokenizer *tokenizer, bool *cuts_left)
{
    *cuts_left = tokenizer->truncates_left;
    return tokenizer->truncation;
}

/* FNV-1a, the length of each token first. */
uint64_t tokenizer_fingerprint(const struct tokenizer *tokenizer)
{
    uint64_t hash = HASH_START;
    if (tokenizer->fingerprint) return tokenizer->fingerprint;
    for (uint32_t id = 0; id < tokenizer->vocab.n; id++) {
        size_t bytes;
        const char *text = tokenizer_token_text(tokenizer, id, &bytes);
        hash = hash_bytes(hash_step(hash, bytes), text, bytes);
    }
    return hash;
}

void tokenizer_know_fingerprint(struct tokenizer *tokenizer, uint64_t fingerprint)
{
    tokenizer->fingerprint = fingerprint;
}

void tokenizer_decode(const struct tokenizer *tokenizer, const uint32_t *ids, size_t n,
                      bool skip_special, struct buf *out)
{
    tokenizer->family->decode(tokenizer, ids, n, skip_special, out);
}

/* ---- text to tokens ---- */

uint32_t cursor_move(struct cursor *cursor, const char *to)
{
    if (to >= cursor->at)
        cursor->index += (uint32_t)utf8_count(cursor->at, (size_t)(to - cursor->at));
    else
        cursor->index -= (uint32_t)utf8_count(to, (size_t)(cursor->at - to));
    cursor->at = to;
    return cursor->index;
}

void encoding_place(struct encoding *e, uint32_t first, const char *text, const uint32_t *places,
                    uint32_t origin)
{
    if (!e->out->spans) return;
    /* Starts ascend and so do ends: two cursors see each byte once. (Added tokens that take the
       white space after them may make an end step back; then the cursor does.) */
    struct cursor start = {text, 0}, end = {text, 0};
    for (uint32_t i = first; i < e->out->n; i++) {
        struct token_span *span = &e->out->spans[i];
        uint32_t from = cursor_move(&start, text + span->start);
        uint32_t last = cursor_move(&end, text + span->end) - 1;
        span->start = origin + (places ? places[from] : from);
        span->end = origin + (places ? places[last] : last) + 1;
    }
}

bool encoding_reserve(struct encoding *e, size_t n)
{
    struct tokens *out = e->out;
    if (n <= e->capacity - out->n) return true;
    size_t old = e->capacity, most = old * 2 + n;
    if (most > UINT32_MAX / sizeof *out->spans) return false;
    uint32_t *ids = arena_grow(e->arena, out->ids, old * sizeof *ids, most * sizeof *ids);
    if (!ids) return false;
    out->ids = ids;
    if (out->spans) {
        struct token_span *spans =
            arena_grow(e->arena, out->spans, old * sizeof *spans, most * sizeof *spans);
        if (!spans) return false;
        out->spans = spans;
    }
    if (e->trims) {
        e->trims = arena_grow(e->arena, e->trims, old * sizeof *e->trims, most * sizeof *e->trims);
        if (!e->trims) return false;
    }
    e->capacity = (uint32_t)most;
    return true;
}

static void put_special(struct encoding *e, uint32_t first, uint32_t n)
{
    for (uint32_t i = first; i < first + n; i++)
        encoding_put(e, e->tokenizer->special[i], 0, 0);
}

/* Nobody has looked through a packed file when it is opened. */
static bool has_known_ids(const struct tokenizer *tokenizer, const struct tokens *tokens)
{
    uint32_t most = 0; /* one more than an id is; TOKEN_ID_NONE counts as 0 */
    for (uint32_t i = 0; i < tokens->n; i++)
        most = tokens->ids[i] + 1 > most ? tokens->ids[i] + 1 : most;
    return most <= tokenizer->vocab.n;
}

bool tokenizer_encode(const struct tokenizer *tokenizer, struct arena *arena, const char *text,
                      size_t bytes, unsigned flags, struct tokens *out, struct err *err)
{
    bool adds_special = flags & TOKENIZE_SPECIAL_TOKENS;
    size_t most = bytes + (adds_special ? tokenizer->n_before + tokenizer->n_after : 0);
    *out = (struct tokens){0};
    /* Places in normalized text are counted in 32 bits. */
    if (most > UINT32_MAX / NORMALIZER_GROWTH) return err_out_of_memory(err);
    /* A token stems from at least one byte. */
    out->ids = arena_array(arena, most, sizeof *out->ids);
    if (flags & TOKENIZE_SPANS) out->spans = arena_array(arena, most, sizeof *out->spans);
    if (!out->ids || (flags & TOKENIZE_SPANS && !out->spans)) return err_out_of_memory(err);
    struct encoding e = {.tokenizer = tokenizer, .arena = arena, .out = out};
    e.capacity = (uint32_t)most;
    if (adds_special) put_special(&e, 0, tokenizer->n_before);
    bool done = tokenizer->family->encode(&e, text, bytes);
    if (e.run.gave_up)
        return err_set(err, ERR_UNPROCESSABLE, "input",
                       "a pattern of the tokenizer takes too long on this text, or a step makes it "
                       "too long; shorten it, or break up its long runs of the same character");
    if (!done || !encoding_reserve(&e, tokenizer->n_after)) return err_out_of_memory(err);
    if (adds_special) put_special(&e, tokenizer->n_before, tokenizer->n_after);
    assert(out->n <= e.capacity);
    return !tokenizer->is_packed || has_known_ids(tokenizer, out) ||
           err_set(err, ERR_INTERNAL, NULL,
                   "the model's file is damaged: a text has tokens beyond its vocabulary; convert "
                   "or copy it again");
}
