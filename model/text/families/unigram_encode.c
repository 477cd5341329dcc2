/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/families/family.h"

#include "base/utf8.h"
#include "model/text/unicode/rewrite.h"

#define NOWHERE UINT32_MAX

/* The best way to a place in the part. */
struct path {
    double score;
    uint32_t start; /* of its last token; NOWHERE: no way leads here */
    uint32_t id;
};

bool unigram_finish(struct tokenizer *t)
{
    fallback_find(&t->unigram.fallback, &t->vocab);
    return t->is_packed || unigram_add_unknown(&t->unigram, t->vocab.n_model);
}

static inline void offer(struct path *to, double score, size_t start, uint32_t id)
{
    if (to->start == NOWHERE || score > to->score) *to = (struct path){score, (uint32_t)start, id};
}

/* paths (bytes + 1) */
static void find_paths(const struct tokenizer *t, const char *text, size_t bytes,
                       struct path *paths)
{
    const struct trie *trie = &t->vocab.trie;
    const double *scores = t->unigram.scores;
    const size_t n_tokens = t->unigram.n_scores - 1;
    const double unknown_score = scores[n_tokens];
    for (size_t i = 1; i <= bytes; i++)
        paths[i].start = NOWHERE;
    paths[0] = (struct path){.start = 0};
    for (size_t start = 0, n; start < bytes; start += n) {
        double before = paths[start].score;
        bool has_character = false;
        n = (size_t)(utf8_past(text + start, text + bytes) - (text + start));
        uint64_t node = trie->root;
        for (size_t at = start; at < bytes;) {
            node = trie_step(trie, node, (unsigned char)text[at++]);
            if (!node) break;
            uint32_t id = trie_id(node);
            if (id >= n_tokens) continue;
            offer(&paths[at], scores[id] + before, start, id);
            has_character |= at == start + n;
        }
        if (!has_character) offer(&paths[start + n], unknown_score + before, start, t->unknown_id);
    }
}

/* Turns the best path round: paths[i].start of each token's start becomes its end. */
static void turn_round(struct path *paths, size_t bytes)
{
    uint32_t end = (uint32_t)bytes, next = NOWHERE, id = 0;
    while (true) {
        struct path here = paths[end];
        paths[end].start = next;
        paths[end].id = id;
        if (end == 0) return;
        next = end;
        id = here.id;
        end = here.start;
    }
}

/* An unknown piece: unless its text happens to be a token, its bytes or the unknown token. */
static void put_unknown(struct encoding *e, const char *text, size_t start, size_t end)
{
    const struct tokenizer *t = e->tokenizer;
    const struct trie *trie = &t->vocab.trie;
    const struct fallback *fallback = &t->unigram.fallback;
    uint32_t id = trie_id(trie_walk(trie, trie->root, text + start, end - start));
    bool has_bytes = id == UINT32_MAX && t->unigram.byte_fallback &&
                     fallback_covers(fallback, text + start, end - start);
    for (size_t i = start; i < end && has_bytes; i++)
        encoding_put(e, fallback->ids[(unsigned char)text[i]], start, end);
    if (!has_bytes) encoding_put(e, id == UINT32_MAX ? t->unknown_id : id, start, end);
}

bool unigram_put(struct encoding *e, const struct line *part)
{
    const struct tokenizer *t = e->tokenizer;
    if (part->bytes >= e->n_paths) {
        e->n_paths = part->bytes + 1;
        e->paths = arena_array(e->arena, e->n_paths, sizeof *e->paths);
        if (!e->paths) e->n_paths = 0;
        if (!e->paths) return false;
    }
    find_paths(t, part->text, part->bytes, e->paths);
    turn_round(e->paths, part->bytes);
    for (size_t start = 0, end; start < part->bytes; start = end) {
        end = e->paths[start].start;
        uint32_t id = e->paths[start].id;
        if (id != t->unknown_id) {
            encoding_put(e, id, start, end);
            continue;
        }
        while (end < part->bytes && e->paths[end].id == t->unknown_id)
            end = e->paths[end].start;
        put_unknown(e, part->text, start, end);
    }
    return true;
}
