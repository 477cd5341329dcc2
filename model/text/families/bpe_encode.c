/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/families/family.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define NO_RANK UINT32_MAX

/* ---- a word as it is joined ---- */

/* Longer words are joined by a heap, whose time does not grow with the square of their length. */
#define SHORT_WORD 48

struct symbol {
    uint32_t id;
    uint32_t bytes;      /* of the text; 0: joined to the one before it */
    uint32_t prev, next; /* of long words; UINT32_MAX at the ends */
};

struct symbols {
    struct symbol *at;
    size_t n;
    uint32_t unknown, unknown_bytes; /* not yet put; bytes 0: none */
};

static void put_symbol(struct symbols *s, uint32_t id, size_t bytes)
{
    s->at[s->n++] = (struct symbol){.id = id, .bytes = (uint32_t)bytes};
}

static void put_waiting(struct symbols *s)
{
    if (s->unknown_bytes > 0) put_symbol(s, s->unknown, s->unknown_bytes);
    s->unknown_bytes = 0;
}

/* The token of a character within its word; UINT32_MAX if it is none. */
static uint32_t find_character(const struct tokenizer *t, const char *text, size_t bytes,
                               bool is_first, bool is_last)
{
    const struct bpe *bpe = &t->bpe;
    const struct trie *trie = &t->vocab.trie;
    if (bytes == 1 && bpe->prefix.bytes + bpe->suffix.bytes == 0)
        return bpe->bytes[(unsigned char)*text];
    uint64_t node = trie->root;
    if (!is_first) node = trie_walk(trie, node, bpe->prefix.text, bpe->prefix.bytes);
    if (node) node = trie_walk(trie, node, text, bytes);
    if (node && is_last) node = trie_walk(trie, node, bpe->suffix.text, bpe->suffix.bytes);
    return trie_id(node);
}

static void put_character(const struct tokenizer *t, struct symbols *s, const char *text,
                          size_t bytes, uint32_t id)
{
    const struct bpe *bpe = &t->bpe;
    if (id != UINT32_MAX) {
        put_waiting(s);
        put_symbol(s, id, bytes);
        return;
    }
    if (bpe->byte_fallback && fallback_covers(&bpe->fallback, text, bytes)) {
        /* An unknown character that waits comes after it, as in the reference. */
        for (size_t i = 0; i < bytes; i++)
            put_symbol(s, bpe->fallback.ids[(unsigned char)text[i]], 1);
        return;
    }
    if (t->unknown_id == TOKEN_ID_NONE) return;
    if (!bpe->fuse_unk) put_waiting(s);
    s->unknown = t->unknown_id;
    s->unknown_bytes += (uint32_t)bytes;
}

static void read_symbols(const struct tokenizer *t, struct symbols *s, const char *text,
                         size_t bytes)
{
    const char *end = text + bytes;
    for (const char *at = text, *next; at < end; at = next) {
        next = t->bpe.is_bytes ? at + 1 : utf8_past(at, end);
        size_t n = (size_t)(next - at);
        uint32_t id = t->bpe.is_bytes ? t->bpe.bytes[(unsigned char)*at]
                                      : find_character(t, at, n, at == text, next == end);
        put_character(t, s, at, n, id);
    }
    put_waiting(s);
}

/* ---- joining ---- */

static void rank_pair(const struct bpe *bpe, const struct symbol *s, uint32_t *rank, uint32_t *id)
{
    const struct bpe_merge *merge = bpe_find_merge(bpe, s[0].id, s[1].id);
    *rank = merge ? merge->rank : NO_RANK;
    if (merge) *id = merge->id;
}

static void join_short(const struct bpe *bpe, struct symbols *s)
{
    uint32_t ranks[SHORT_WORD], ids[SHORT_WORD];
    struct symbol *at = s->at;
    for (size_t i = 0; i + 1 < s->n; i++)
        rank_pair(bpe, &at[i], &ranks[i], &ids[i]);
    while (s->n > 1) {
        size_t best = 0, pairs = s->n - 1;
        for (size_t i = 1; i < pairs; i++)
            best = ranks[i] < ranks[best] ? i : best;
        if (ranks[best] == NO_RANK) return;
        at[best].id = ids[best];
        at[best].bytes += at[best + 1].bytes;
        s->n--;
        memmove(&at[best + 1], &at[best + 2], (s->n - best - 1) * sizeof *at);
        memmove(&ranks[best], &ranks[best + 1], (pairs - best - 1) * sizeof *ranks);
        memmove(&ids[best], &ids[best + 1], (pairs - best - 1) * sizeof *ids);
        if (best > 0) rank_pair(bpe, &at[best - 1], &ranks[best - 1], &ids[best - 1]);
        if (best + 1 < s->n) rank_pair(bpe, &at[best], &ranks[best], &ids[best]);
    }
}

struct candidate {
    uint64_t key; /* rank << 32 | place: the lowest rank first, then the leftmost */
    uint32_t id;
};

struct heap {
    struct candidate *at;
    size_t n;
};

static void heap_push(struct heap *heap, struct candidate new)
{
    size_t i = heap->n++;
    for (; i > 0 && heap->at[(i - 1) / 2].key > new.key; i = (i - 1) / 2)
        heap->at[i] = heap->at[(i - 1) / 2];
    heap->at[i] = new;
}

static struct candidate heap_pop(struct heap *heap)
{
    struct candidate top = heap->at[0], last = heap->at[--heap->n];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < heap->n) {
        if (child + 1 < heap->n && heap->at[child + 1].key < heap->at[child].key) child++;
        if (heap->at[child].key >= last.key) break;
        heap->at[i] = heap->at[child];
        i = child;
    }
    heap->at[i] = last;
    return top;
}

static void push_pair(const struct bpe *bpe, struct heap *heap, const struct symbol *at,
                      uint32_t left)
{
    if (left == UINT32_MAX || at[left].next == UINT32_MAX) return;
    const struct bpe_merge *merge = bpe_find_merge(bpe, at[left].id, at[at[left].next].id);
    if (merge) heap_push(heap, (struct candidate){(uint64_t)merge->rank << 32 | left, merge->id});
}

/* Each join takes a symbol away and brings two pairs at most. */
#define HEAP_ROOM(symbols) (3 * (symbols))

static void join_long(const struct bpe *bpe, struct symbols *s, struct heap heap)
{
    struct symbol *at = s->at;
    uint32_t n = (uint32_t)s->n;
    for (uint32_t i = 0; i < n; i++) {
        at[i].prev = i ? i - 1 : UINT32_MAX;
        at[i].next = i + 1 < n ? i + 1 : UINT32_MAX;
    }
    for (uint32_t i = 0; i < n; i++)
        push_pair(bpe, &heap, at, i);
    while (heap.n > 0) {
        struct candidate top = heap_pop(&heap);
        struct symbol *left = &at[(uint32_t)top.key];
        if (left->bytes == 0 || left->next == UINT32_MAX) continue;
        struct symbol *right = &at[left->next];
        const struct bpe_merge *merge = bpe_find_merge(bpe, left->id, right->id);
        if (!merge || merge->id != top.id) continue; /* one of the two has changed */
        left->id = top.id;
        left->bytes += right->bytes;
        right->bytes = 0;
        left->next = right->next;
        if (left->next != UINT32_MAX) at[left->next].prev = (uint32_t)top.key;
        push_pair(bpe, &heap, at, left->prev);
        push_pair(bpe, &heap, at, (uint32_t)top.key);
    }
    size_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (at[i].bytes > 0) at[kept++] = at[i];
    }
    s->n = kept;
}

/* heap (HEAP_ROOM of s->n): used for long words only. */
static void join(const struct bpe *bpe, struct symbols *s, struct candidate *heap)
{
    if (s->n > SHORT_WORD)
        join_long(bpe, s, (struct heap){.at = heap});
    else
        join_short(bpe, s);
}

/* ---- parts ---- */

static bool make_long(struct encoding *e, size_t n)
{
    if (n <= e->n_symbols) return true;
    e->symbols = arena_array(e->arena, n, sizeof(struct symbol));
    e->heap = arena_array(e->arena, HEAP_ROOM(n), sizeof(struct candidate));
    e->n_symbols = e->symbols && e->heap ? n : 0;
    return e->n_symbols > 0;
}

/* `*origin`: where the next token starts. A character that is dropped, for it is no token and there
   is no unknown one, moves nothing on: as in the reference. */
static bool put_joined(struct encoding *e, const char *text, size_t bytes, size_t *origin)
{
    const struct tokenizer *t = e->tokenizer;
    struct symbol few[SHORT_WORD];
    struct symbols s = {.at = few};
    if (bytes > SHORT_WORD) {
        if (!make_long(e, bytes)) return false;
        s.at = e->symbols;
    }
    read_symbols(t, &s, text, bytes);
    join(&t->bpe, &s, e->heap);
    for (size_t i = 0; i < s.n; i++) {
        encoding_put(e, s.at[i].id, *origin, *origin + s.at[i].bytes);
        *origin += s.at[i].bytes;
    }
    return true;
}

static bool put_word(struct encoding *e, const char *text, size_t bytes, size_t *origin)
{
    const struct trie *words = &e->tokenizer->bpe.words;
    uint32_t id = trie_id(trie_walk(words, words->root, text, bytes));
    if (id == UINT32_MAX) return put_joined(e, text, bytes, origin);
    encoding_put(e, id, *origin, *origin + bytes);
    *origin += bytes;
    return true;
}

static bool is_known(const struct tokenizer *t, const char *at, const char *end)
{
    return find_character(t, at, (size_t)(utf8_past(at, end) - at), true, true) != UINT32_MAX;
}

/* Unknown characters are joined to one token, or dropped so that what is around them may be joined:
   no cut is beside them. */
static bool cuts_here(const struct tokenizer *t, const char *at, const char *end)
{
    return t->bpe.cuts_unknown || (is_known(t, utf8_before(at), end) && is_known(t, at, end));
}

static size_t word_bytes(const struct tokenizer *t, const char *text, size_t bytes)
{
    size_t at = 0;
    do {
        at += cuts_next(&t->bpe.cuts, text + at, bytes - at);
    } while (at < bytes && !cuts_here(t, text + at, text + bytes));
    return at;
}

bool bpe_put(struct encoding *e, const struct line *part)
{
    const struct bpe *bpe = &e->tokenizer->bpe;
    size_t origin = 0;
    if (bpe->ignore_merges) {
        uint32_t id = trie_id(trie_walk(&bpe->pieces, bpe->pieces.root, part->text, part->bytes));
        if (id != UINT32_MAX) {
            encoding_put(e, id, 0, part->bytes);
            return true;
        }
    }
    if (!bpe->cuts.bits) return put_word(e, part->text, part->bytes, &origin);
    for (size_t at = 0, n; at < part->bytes; at += n) {
        n = word_bytes(e->tokenizer, part->text + at, part->bytes - at);
        if (!put_word(e, part->text + at, n, &origin)) return false;
    }
    return true;
}

/* ---- what is worked out beforehand ---- */

/* A token as the model reads it: its text, or the bytes it stands for, written to `room`; false if
   it is empty or one of its characters stands for no byte. */
static bool read_token(const struct tokenizer *t, uint32_t id, char *room, const char **text,
                       size_t *bytes)
{
    *text = vocab_text(&t->vocab, id, bytes);
    if (!t->bpe.is_bytes) return *bytes > 0;
    const char *at = *text, *end = at + *bytes;
    *text = room;
    for (*bytes = 0; at < end; ++*bytes) {
        int byte = pipeline_char_byte(utf8_next(&at));
        if (byte < 0) return false;
        room[*bytes] = (char)byte;
    }
    return *bytes > 0;
}

static void set_bytes(struct bpe *bpe, const struct vocab *vocab)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[8];
        size_t n = 1;
        text[0] = (char)byte;
        if (bpe->is_bytes) n = utf8_write(text, pipeline_byte_char((unsigned char)byte));
        bpe->bytes[byte] = trie_id(trie_walk(&vocab->trie, vocab->trie.root, text, n));
    }
    fallback_find(&bpe->fallback, vocab);
}

/* Whether tokens of bytes, which stand for unknown characters, are ever joined. */
static bool joins_fallback(const struct tokenizer *t)
{
    for (uint64_t i = 0; i <= t->bpe.mask; i++) {
        const struct bpe_merge *merge = &t->bpe.merges[i];
        if (merge->pair == BPE_NO_PAIR) continue;
        uint32_t sides[] = {(uint32_t)(merge->pair >> 32), (uint32_t)merge->pair};
        for (size_t side = 0; side < 2; side++) {
            size_t bytes;
            const char *text = vocab_text(&t->vocab, sides[side], &bytes);
            if (bytes == 6 && memcmp(text, "<0x", 3) == 0) return true;
        }
    }
    return false;
}

/* Each unknown character is then a token, or several, by itself. */
static bool cuts_unknown(const struct tokenizer *t)
{
    const struct bpe *bpe = &t->bpe;
    if (bpe->is_bytes) return true; /* each byte is a token */
    if (bpe->byte_fallback) return bpe->fallback.has_all && !joins_fallback(t);
    return t->unknown_id != TOKEN_ID_NONE && !bpe->fuse_unk;
}

/* Whether the word becomes this one token. */
static bool is_whole(const struct tokenizer *t, struct symbol *room, struct candidate *heap,
                     const char *text, size_t bytes, uint32_t id)
{
    struct symbols s = {.at = room};
    read_symbols(t, &s, text, bytes);
    join(&t->bpe, &s, heap);
    return s.n == 1 && s.at[0].id == id && s.at[0].bytes == bytes;
}

static size_t longest_token(const struct vocab *vocab)
{
    size_t most = 1;
    for (uint32_t id = 0; id < vocab->n_model; id++)
        most = vocab->places[id].bytes > most ? vocab->places[id].bytes : most;
    return most;
}

/* The tokens as the model reads them: all, or with `room` those that are what they become. */
static size_t find_words(struct tokenizer *t, struct trie_key *keys, char *texts,
                         struct symbol *room, struct candidate *heap)
{
    size_t n = 0;
    for (uint32_t id = 0; id < t->vocab.n_model; id++) {
        const char *text;
        size_t bytes;
        if (!read_token(t, id, texts, &text, &bytes)) continue;
        if (room && !is_whole(t, room, heap, text, bytes, id)) continue;
        keys[n++] = (struct trie_key){text, (uint32_t)bytes, id};
        texts += t->bpe.is_bytes ? bytes : 0;
    }
    return n;
}

static size_t all_bytes(const struct vocab *vocab)
{
    size_t sum = 1;
    for (uint32_t id = 0; id < vocab->n_model; id++)
        sum += vocab->places[id].bytes;
    return sum;
}

/* Merges make tokens of the vocabulary only: their neighbours are all there are. */
static bool find_cuts(struct tokenizer *t, char *room)
{
    struct bpe *bpe = &t->bpe;
    if (bpe->prefix.bytes + bpe->suffix.bytes > 0) return true;
    bpe->cuts_unknown = cuts_unknown(t);
    if (!cuts_alloc(&bpe->cuts, all_bytes(&t->vocab))) return false;
    for (uint32_t id = 0; id < t->vocab.n_model; id++) {
        const char *text;
        size_t bytes;
        if (read_token(t, id, room, &text, &bytes)) cuts_add(&bpe->cuts, text, bytes);
    }
    return true;
}

bool bpe_finish(struct tokenizer *t, struct err *err)
{
    struct bpe *bpe = &t->bpe;
    uint32_t twins[2];
    set_bytes(bpe, &t->vocab);
    if (t->is_packed) return true;
    size_t longest = longest_token(&t->vocab);
    struct trie_key *keys = malloc((t->vocab.n_model + 1) * sizeof *keys);
    char *texts = malloc(bpe->is_bytes ? all_bytes(&t->vocab) : 1);
    struct symbol *room = malloc(longest * sizeof *room);
    struct candidate *heap = malloc(HEAP_ROOM(longest) * sizeof *heap);
    bool done = keys && texts && room && heap;
    if (done) {
        /* With a suffix a word's last character is another one than the token's. */
        bool has_words = bpe->prefix.bytes + bpe->suffix.bytes == 0;
        size_t n = has_words ? find_words(t, keys, texts, room, heap) : 0;
        done = trie_build(&bpe->words, keys, n, twins) == TRIE_BUILT;
        n = done && bpe->ignore_merges ? find_words(t, keys, texts, NULL, NULL) : 0;
        done = done && trie_build(&bpe->pieces, keys, n, twins) == TRIE_BUILT;
    }
    done = done && find_cuts(t, texts);
    free(keys);
    free(texts);
    free(room);
    free(heap);
    return done ||
           err_set(err, ERR_MEMORY, NULL, "tokenizer.json: no memory left to hold the vocabulary");
}
