/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/vocab.h"

#include "base/utf8.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

struct vocab_block {
    struct vocab_block *next;
    alignas(16) char data[];
};

static bool no_memory(struct err *err, const char *where)
{
    return err_set(err, ERR_MEMORY, NULL, "%s: no memory left to hold the vocabulary", where);
}

int vocab_quoted(const char *text, size_t bytes)
{
    return (int)utf8_cut(text, bytes, ERR_VALUE_BYTES);
}

void *vocab_alloc(struct vocab *vocab, size_t bytes)
{
    struct vocab_block *block = malloc(sizeof *block + bytes);
    if (!block) return NULL;
    block->next = vocab->blocks;
    vocab->blocks = block;
    return block->data;
}

static bool make_room(struct vocab *vocab, uint32_t n)
{
    if (n <= vocab->capacity) return true;
    uint32_t capacity = n < 1024 ? 1024 : n < TRIE_ID_MAX / 2 ? n * 2 : TRIE_ID_MAX + 1;
    struct vocab_token *tokens = realloc(vocab->tokens, capacity * sizeof *tokens);
    if (!tokens) return false;
    memset(tokens + vocab->capacity, 0, (capacity - vocab->capacity) * sizeof *tokens);
    vocab->tokens = tokens;
    vocab->capacity = capacity;
    return true;
}

bool vocab_add(struct vocab *vocab, uint64_t id, const char *text, size_t bytes, const char *where,
               struct err *err)
{
    if (id > TRIE_ID_MAX || bytes > UINT32_MAX)
        return err_set(err, ERR_FORMAT, NULL,
                       "%s: token '%.*s' has the id %llu; ids go up to %u at most", where,
                       vocab_quoted(text, bytes), text, (unsigned long long)id, TRIE_ID_MAX);
    if (!make_room(vocab, (uint32_t)id + 1)) return no_memory(err, where);
    struct vocab_token *token = &vocab->tokens[id];
    if (token->text)
        return err_set(err, ERR_FORMAT, NULL,
                       "%s: the id %llu stands twice, for '%.*s' and for '%.*s'; each token needs "
                       "an id of its own",
                       where, (unsigned long long)id, vocab_quoted(token->text, token->bytes),
                       token->text, vocab_quoted(text, bytes), text);
    *token = (struct vocab_token){.text = text, .bytes = (uint32_t)bytes};
    if (vocab->n <= id) vocab->n = (uint32_t)id + 1;
    return true;
}

static bool check_holes(const struct vocab *vocab, const char *where, struct err *err)
{
    for (uint32_t id = 0; id < vocab->n; id++) {
        if (!vocab->tokens[id].text)
            return err_set(err, ERR_FORMAT, NULL,
                           "%s: no token has the id %u, but ids go up to %u; each row of the table "
                           "needs its token",
                           where, id, vocab->n - 1);
    }
    return vocab->n > 0 || err_set(err, ERR_FORMAT, NULL, "%s: there are no tokens", where);
}

/* The trie of the tokens from `first` on. */
static bool index_tokens(const struct vocab *vocab, struct trie *trie, uint32_t first,
                         const char *where, struct err *err)
{
    if (!check_holes(vocab, where, err)) return false;
    uint32_t n = vocab->n - first, twins[2];
    struct trie_key *keys = malloc((n + 1) * sizeof *keys);
    if (!keys) return no_memory(err, where);
    for (uint32_t i = 0; i < n; i++) {
        const struct vocab_token *token = &vocab->tokens[first + i];
        keys[i] = (struct trie_key){token->text, token->bytes, first + i};
    }
    enum trie_result result = trie_build(trie, keys, n, twins);
    free(keys);
    const struct vocab_token *twin = &vocab->tokens[result == TRIE_DUPLICATE ? twins[0] : 0];
    switch (result) {
    case TRIE_BUILT:
        return true;
    case TRIE_DUPLICATE:
        return err_set(
            err, ERR_FORMAT, NULL,
            "%s: token '%.*s' stands twice, with the ids %u and %u (counted from 0); keep one "
            "of them",
            where, vocab_quoted(twin->text, twin->bytes), twin->text,
            twins[0] < twins[1] ? twins[0] : twins[1], twins[0] < twins[1] ? twins[1] : twins[0]);
    case TRIE_TOO_LARGE:
        return err_set(err, ERR_FORMAT, NULL,
                       "%s: the vocabulary is too large: its tokens take more than 134 million "
                       "nodes; use fewer or shorter ones",
                       where);
    case TRIE_NO_MEMORY:
        break;
    }
    return no_memory(err, where);
}

bool vocab_finish(struct vocab *vocab, const char *where, struct err *err)
{
    vocab->n_model = vocab->n;
    return index_tokens(vocab, &vocab->trie, 0, where, err);
}

bool vocab_finish_added(struct vocab *vocab, const char *where, struct err *err)
{
    return vocab->n == vocab->n_model ||
           index_tokens(vocab, &vocab->added, vocab->n_model, where, err);
}

void vocab_clear(struct vocab *vocab)
{
    trie_clear(&vocab->trie);
    trie_clear(&vocab->added);
    free(vocab->tokens);
    for (struct vocab_block *block = vocab->blocks; block;) {
        struct vocab_block *next = block->next;
        free(block);
        block = next;
    }
    *vocab = (struct vocab){0};
}

uint32_t vocab_id(const struct vocab *vocab, const char *text, size_t bytes)
{
    uint32_t id = trie_id(trie_walk(&vocab->trie, vocab->trie.root, text, bytes));
    if (id != UINT32_MAX || !vocab->added.cells) return id;
    return trie_id(trie_walk(&vocab->added, vocab->added.root, text, bytes));
}

/* ---- one token a line ---- */

static bool read_line(struct vocab *vocab, const char *line, size_t bytes, const char *where,
                      struct err *err)
{
    uint32_t number = vocab->n + 1;
    if (utf8_valid_bytes(line, bytes) != bytes)
        return err_set(err, ERR_FORMAT, NULL,
                       "%s: line %u is not UTF-8; save the file as UTF-8 text", where, number);
    if (bytes > 0 && line[bytes - 1] == '\r') bytes--;
    if (bytes == 0)
        return err_set(err, ERR_FORMAT, NULL,
                       "%s: line %u is empty; each line is one token, its line its id", where,
                       number);
    return vocab_add(vocab, vocab->n, line, bytes, where, err);
}

bool vocab_read_lines(struct vocab *vocab, struct span file, const char *where, struct err *err)
{
    const char *at = file.data, *end = file.data + file.bytes;
    if (file.bytes >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0) at += 3;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (!line_end) line_end = end;
        if (!read_line(vocab, at, (size_t)(line_end - at), where, err)) return false;
        at = line_end < end ? line_end + 1 : end;
    }
    return vocab_finish(vocab, where, err);
}
