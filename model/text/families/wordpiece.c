/* SPDX-License-Identifier: Apache-2.0 */
/* WordPiece: each word cut into the longest tokens there are, from its start; a word that cannot be
   cut so is one unknown token. Reference: the `tokenizers` library. BERT's whole pipeline is one
   walk over the text here (bert_family). */
#include "base/utf8.h"
#include "model/text/families/family.h"
#include "model/text/unicode/bert_words.h"

#include <assert.h>
#include <string.h>

/* Normalized text is made and used piece by piece, so that scratch does not grow with the text. */
#define PIECE_BYTES 4096

/* What stands behind normalized text: the end of a word, and so much that runs may be looked for
   from any place in it. */
#define PADDING_BYTES (ASCII_RUNS_BYTES + 1)

bool wordpiece_finish(struct tokenizer *tokenizer)
{
    const struct trie *trie = &tokenizer->vocab.trie;
    struct wordpiece *w = &tokenizer->wordpiece;
    w->continuing = trie_walk(trie, trie->root, w->prefix.text, w->prefix.bytes);
    return tokenizer->is_packed || short_words_build(&w->short_words, &tokenizer->vocab);
}

/* A token that no word holds: one with white space or a mark of punctuation in it. */
static bool parts_words(const char *text, size_t bytes)
{
    for (const char *at = text, *end = text + bytes; at < end;)
        if (words_flags(at, &at) & (UNICODE_SPACE | UNICODE_PUNCT)) return true;
    return false;
}

/* Which of the characters up to U+FFFF are listed, as bits: all tokens are looked through. */
struct listed_bits {
    const struct character_class *listed;
    uint64_t bits[0x10000 / 64];
};

static void list_bits(struct listed_bits *out, const struct character_class *listed)
{
    *out = (struct listed_bits){.listed = listed};
    for (size_t i = 0; i < listed->n; i++)
        for (uint32_t code = listed->ranges[i].first;
             code <= listed->ranges[i].last && code < 0x10000; code++)
            out->bits[code / 64] |= (uint64_t)1 << code % 64;
}

static bool has_listed_only(const struct listed_bits *listed, const char *text, size_t bytes)
{
    for (const char *at = text, *end = text + bytes; at < end;) {
        const uint32_t code = utf8_next(&at);
        if (code < 0x10000 ? !(listed->bits[code / 64] >> code % 64 & 1)
                           : !character_class_lists(listed->listed, code))
            return false;
    }
    return true;
}

static bool are_tokens(const struct vocab *vocab, const struct character_class *listed)
{
    for (size_t i = 0; i < listed->n; i++) {
        for (uint32_t code = listed->ranges[i].first; code <= listed->ranges[i].last; code++) {
            char text[4];
            if (vocab_model_id(vocab, text, utf8_write(text, code)) == UINT32_MAX) return false;
        }
    }
    return true;
}

bool wordpiece_has_all(const struct tokenizer *t, const struct character_class *listed)
{
    /* No word of a text is too long (tokenizer_encode), and nothing is looked for that continues
       one. */
    if (t->wordpiece.word_chars_max < UINT32_MAX / NORMALIZER_GROWTH ||
        t->wordpiece.prefix.bytes > 0 || !are_tokens(&t->vocab, listed))
        return false;
    struct listed_bits bits;
    list_bits(&bits, listed);
    for (uint32_t id = 0; id < t->vocab.n; id++) {
        size_t bytes;
        const char *text = vocab_text(&t->vocab, id, &bytes);
        if (utf8_count(text, bytes) > 1 && !parts_words(text, bytes) &&
            !has_listed_only(&bits, text, bytes))
            return false;
    }
    return true;
}

static void put_unknown(struct encoding *e, const char *text, struct word word)
{
    encoding_put(e, e->tokenizer->unknown_id, (size_t)(word.start - text),
                 (size_t)(word.end - text));
}

static void put_word(struct encoding *e, const char *text, struct word word)
{
    const struct tokenizer *t = e->tokenizer;
    size_t bytes = (size_t)(word.end - word.start), length;
    if (bytes > t->wordpiece.word_chars_max &&
        utf8_count(word.start, bytes) > t->wordpiece.word_chars_max) {
        put_unknown(e, text, word);
        return;
    }
    uint32_t first = e->out->n;
    uint64_t node = t->vocab.trie.root;
    for (const char *at = word.start; at < word.end; at += length) {
        uint32_t id = vocab_longest(&t->vocab, node, at, word.end, &length);
        if (id == UINT32_MAX && t->wordpiece.unknown_alone) {
            id = t->unknown_id;
            length = (size_t)(utf8_past(at, word.end) - at);
        }
        if (id == UINT32_MAX) {
            e->out->n = first;
            put_unknown(e, text, word);
            return;
        }
        encoding_put(e, id, (size_t)(at - text), (size_t)(at - text) + length);
        node = t->wordpiece.continuing;
    }
}

/* Of ASCII letters and digits. A word that is a token whole is that token: none is longer. */
static void put_ascii_word(struct encoding *e, const char *text, struct word word)
{
    const size_t bytes = (size_t)(word.end - word.start), start = (size_t)(word.start - text);
    if (bytes <= SHORT_WORD_MAX) {
        const uint64_t number = short_words_load(word.start) & UINT64_MAX >> (64 - 8 * bytes);
        const uint32_t id = short_words_find(&e->tokenizer->wordpiece.short_words, number);
        if (id != UINT32_MAX) {
            encoding_put(e, id, start, start + bytes);
            return;
        }
    }
    put_word(e, text, word);
}

/* The words at `at` as long as they and what ends them are ASCII; where it stopped. */
static const char *put_ascii_words(struct encoding *e, const char *text, const char *at,
                                   const char *end)
{
    while (at < end) {
        const struct ascii_runs runs = ascii_runs_of(at);
        const size_t left = (size_t)(end - at);
        const unsigned n = left < ASCII_RUNS_BYTES ? (unsigned)left : ASCII_RUNS_BYTES;
        unsigned from = 0;
        while (from < n) {
            const unsigned to = ascii_runs_end(&runs, from);
            if (to == ASCII_RUNS_BYTES) break;
            const uint8_t next = unicode_byte_flags[(unsigned char)at[to]];
            if (!(next & (UNICODE_SPACE | UNICODE_PUNCT))) return at + from;
            if (to > from) put_ascii_word(e, text, (struct word){at + from, at + to});
            if (to == from && next & UNICODE_PUNCT)
                put_word(e, text, (struct word){at + to, at + to + 1});
            from = to + (to == from || runs.spaces >> to & 1);
        }
        if (from == 0) return at; /* longer than what is looked at */
        at += from;
    }
    return end;
}

/* Spans count bytes of `text`, of which [start, end) is read. */
static void put_words(struct encoding *e, const char *text, size_t start, size_t end)
{
    const struct tokenizer *t = e->tokenizer;
    /* Tokens that are searched for in normalized text may part words without a space. */
    bool tries_ascii = (t->normalized.n == 0 || t->normalized.is_of_words) &&
                       t->wordpiece.word_chars_max >= SHORT_WORD_MAX;
    const char *at = text + start;
    struct word word;
    do {
        if (tries_ascii) at = put_ascii_words(e, text, at, text + end);
        if (!words_next(&at, text + end, UNICODE_PUNCT, &word)) return;
        put_word(e, text, word);
    } while (true);
}

static void put_normalized(struct encoding *e, const char *text, size_t bytes)
{
    struct added_search search = {.text = text, .bytes = bytes};
    struct added_match match;
    size_t done = 0;
    while (added_find(&e->tokenizer->normalized, &search, &match)) {
        if (done < match.start) put_words(e, text, done, match.start);
        encoding_put(e, match.id, match.start, match.end);
        done = match.end;
    }
    put_words(e, text, done, bytes);
}

/* ---- pieces of the text ---- */

/* Where the text can be cut at or after PIECE_BYTES without changing a token: before a character
   that starts a word whatever normalization does (the maker of the table made sure of it). */
static size_t piece_bytes(const struct bert_normalizer *normalizer, const char *text, size_t bytes)
{
    if (bytes <= PIECE_BYTES) return bytes;
    uint8_t cuts = UNICODE_SPACE | UNICODE_PUNCT;
    if (normalizer->handle_chinese_chars) cuts |= UNICODE_CHINESE;
    const char *at = text + PIECE_BYTES, *end = text + bytes, *next;
    while (at < end && utf8_is_inside(*at))
        at++;
    for (; at < end; at = next) {
        uint8_t flags = words_flags(at, &next);
        if (flags & cuts && !(flags & UNICODE_CONTROL)) break;
    }
    return (size_t)(at - text);
}

/* Room for the normalized text of `bytes` bytes, which has no more code points than these. */
static bool make_scratch(struct encoding *e, size_t bytes, size_t growth)
{
    if (bytes * growth > e->scratch_bytes) {
        e->scratch = arena_alloc(e->arena, bytes * growth + PADDING_BYTES);
        e->scratch_bytes = bytes * growth;
    }
    if (e->out->spans && bytes > e->n_places) {
        e->places = arena_array(e->arena, bytes, sizeof *e->places);
        e->n_places = bytes;
    }
    return e->scratch && (e->places || !e->out->spans);
}

static bool put_piece(struct encoding *e, const char *text, size_t bytes, uint32_t origin)
{
    const struct bert_normalizer *normalizer = &e->tokenizer->normalizer;
    uint32_t first = e->out->n;
    bool is_ascii = utf8_is_ascii(text, bytes);
    if (!make_scratch(e, bytes, is_ascii ? 1 : NORMALIZER_GROWTH)) return false;
    if (is_ascii && bert_normalizer_ascii(normalizer, text, bytes, e->scratch)) {
        memset(e->scratch + bytes, ' ', PADDING_BYTES);
        put_normalized(e, e->scratch, bytes);
        encoding_place(e, first, e->scratch, NULL, origin);
        return true;
    }
    size_t normalized = bert_normalizer_apply(normalizer, text, bytes, e->scratch, e->places);
    e->needs_steps = normalized == BERT_NORMALIZER_GAVE_UP;
    if (e->needs_steps) return false;
    memset(e->scratch + normalized, ' ', PADDING_BYTES);
    ideographs_fetch(&e->tokenizer->vocab.ideographs, e->scratch, normalized);
    put_normalized(e, e->scratch, normalized);
    encoding_place(e, first, e->scratch, e->places, origin);
    return true;
}

/* `origin`: how many code points of the whole text stand before. */
static bool put_text(struct encoding *e, const char *text, size_t bytes, uint32_t origin)
{
    const struct tokenizer *t = e->tokenizer;
    for (size_t done = 0, n; done < bytes; done += n) {
        /* A token that is searched for in normalized text may stretch over a cut. */
        n = t->normalized.n ? bytes : piece_bytes(&t->normalizer, text + done, bytes - done);
        if (!put_piece(e, text + done, n, origin)) return false;
        if (e->out->spans) origin += (uint32_t)utf8_count(text + done, n);
    }
    return true;
}

static bool put_all(struct encoding *e, const char *text, size_t bytes)
{
    struct added_search search = {.text = text, .bytes = bytes};
    struct added_match match;
    struct cursor start = {text, 0}, end = {text, 0};
    size_t done = 0;
    while (added_find(&e->tokenizer->raw, &search, &match)) {
        if (done < match.start && !put_text(e, text + done, match.start - done, end.index))
            return false;
        done = match.end;
        encoding_put(e, match.id, 0, 0);
        if (!e->out->spans) continue;
        e->out->spans[e->out->n - 1] = (struct token_span){cursor_move(&start, text + match.start),
                                                           cursor_move(&end, text + match.end)};
    }
    return put_text(e, text + done, bytes - done, end.index);
}

static bool bert_encode(struct encoding *e, const char *text, size_t bytes)
{
    const uint32_t first = e->out->n;
    if (put_all(e, text, bytes)) return true;
    if (!e->needs_steps) return false;
    e->out->n = first;
    return piped_encode(e, text, bytes);
}

bool wordpiece_put(struct encoding *e, const struct line *part)
{
    put_word(e, part->text, (struct word){part->text, part->text + part->bytes});
    return true;
}

const struct tokenizer_family bert_family = {
    .name = "wordpiece", .encode = bert_encode, .decode = decoder_decode, .put = wordpiece_put};
const struct tokenizer_family wordpiece_family = {
    .name = "wordpiece", .encode = piped_encode, .decode = decoder_decode, .put = wordpiece_put};
