/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/vocab/vocab.h"

#include "base/grow.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

static bool no_memory(struct err *err, const char *where)
{
    return err_set(err, ERR_MEMORY, NULL, "%s: no memory left to hold the vocabulary", where);
}

int vocab_quoted(const char *text, size_t bytes)
{
    return (int)utf8_cut(text, bytes, ERR_VALUE_BYTES);
}

const char *vocab_kept(const struct vocab *vocab, struct vocab_place place, size_t *bytes)
{
    *bytes = 0;
    if (place.bytes == 0 || place.start > vocab->text_bytes ||
        place.bytes > vocab->text_bytes - place.start)
        return "";
    const char *text = vocab->texts + place.start;
    if (vocab->is_unchecked && utf8_valid_bytes(text, place.bytes) != place.bytes) return "";
    *bytes = place.bytes;
    return text;
}

static uint32_t start_of(const struct vocab *vocab, uint32_t id)
{
    return vocab->starts[id] & (((uint32_t)1 << VOCAB_START_BITS) - 1);
}

static struct vocab_place place_of(const struct vocab *vocab, uint32_t id)
{
    if (!vocab->starts) return vocab->places[id];
    const uint32_t start = start_of(vocab, id);
    return (struct vocab_place){start, start_of(vocab, id + 1) - start};
}

const char *vocab_text(const struct vocab *vocab, uint32_t id, size_t *bytes)
{
    if (id < vocab->n) return vocab_kept(vocab, place_of(vocab, id), bytes);
    *bytes = 0;
    return "";
}

bool vocab_keep(struct vocab *vocab, const char *text, size_t bytes, struct vocab_place *place)
{
    size_t end = vocab->text_bytes + bytes;
    if (end > UINT32_MAX) return false;
    if (!grow_list(&vocab->texts, &vocab->text_capacity, end, 1)) return false;
    *place = (struct vocab_place){(uint32_t)vocab->text_bytes, (uint32_t)bytes};
    if (bytes > 0) memcpy(vocab->texts + vocab->text_bytes, text, bytes);
    vocab->text_bytes = end;
    return true;
}

static bool make_room(struct vocab *vocab, uint32_t n)
{
    if (n <= vocab->capacity) return true;
    const size_t old = vocab->capacity, capacity = grow_cap(old, n);
    if (!grow_to(&vocab->places, capacity, sizeof *vocab->places) ||
        !grow_to(&vocab->flags, capacity, sizeof *vocab->flags))
        return false;
    memset(vocab->places + old, 0, (capacity - old) * sizeof *vocab->places);
    memset(vocab->flags + old, 0, capacity - old);
    vocab->capacity = capacity;
    return true;
}

static bool id_stands_twice(const struct vocab *vocab, uint32_t id, const char *text, size_t bytes,
                            const char *where, struct err *err)
{
    size_t other_bytes;
    const char *other = vocab_text(vocab, id, &other_bytes);
    return err_set(
        err, ERR_FORMAT, NULL,
        "%s: the id %u is used twice, for '%.*s' and for '%.*s'; each token needs its own id",
        where, id, vocab_quoted(other, other_bytes), other, vocab_quoted(text, bytes), text);
}

bool vocab_add(struct vocab *vocab, uint64_t id, const char *text, size_t bytes, const char *where,
               struct err *err)
{
    if (id > TRIE_ID_MAX || bytes > UINT32_MAX)
        return err_set(err, ERR_FORMAT, NULL,
                       "%s: token '%.*s' has the id %llu; ids go up to %u at most", where,
                       vocab_quoted(text, bytes), text, (unsigned long long)id, TRIE_ID_MAX);
    if (!make_room(vocab, (uint32_t)id + 1)) return no_memory(err, where);
    if (vocab->flags[id] & VOCAB_IS_THERE)
        return id_stands_twice(vocab, (uint32_t)id, text, bytes, where, err);
    if (!vocab_keep(vocab, text, bytes, &vocab->places[id])) return no_memory(err, where);
    vocab->flags[id] = VOCAB_IS_THERE;
    if (vocab->n <= id) vocab->n = (uint32_t)id + 1;
    return true;
}

bool vocab_is_hole(const struct vocab *vocab, uint32_t id)
{
    return !(vocab_flags(vocab, id) & VOCAB_IS_THERE);
}

/* Files leave out an id here and there: transformers does where a token stood twice. */
static bool count_holes(struct vocab *vocab, const char *where, struct err *err)
{
    uint32_t first = UINT32_MAX;
    vocab->n_holes = 0;
    for (uint32_t id = vocab->n; id-- > 0;) {
        if (!vocab_is_hole(vocab, id)) continue;
        vocab->n_holes++;
        first = id;
    }
    if (vocab->n_holes > vocab->n - vocab->n_holes)
        return err_set(err, ERR_FORMAT, NULL,
                       "%s: no token has the id %u, but ids go up to %u, and there are only %u "
                       "tokens; give each token the number of its row in the table, counted from 0",
                       where, first, vocab->n - 1, vocab->n - vocab->n_holes);
    return vocab->n > 0 || err_set(err, ERR_FORMAT, NULL, "%s: there are no tokens", where);
}

static bool stands_twice(const struct vocab *vocab, const uint32_t twins[2], const char *where,
                         struct err *err)
{
    size_t bytes;
    const char *text = vocab_text(vocab, twins[0], &bytes);
    bool in_order = twins[0] < twins[1];
    return err_set(err, ERR_FORMAT, NULL,
                   "%s: token '%.*s' occurs twice, with the ids %u and %u (counted from 0); give "
                   "one of them another text, so that no id changes",
                   where, vocab_quoted(text, bytes), text, twins[!in_order], twins[in_order]);
}

/* The tokens from `first` on, whose texts lie in the order in which they were added. */
static uint32_t list_keys(const struct vocab *vocab, uint32_t first, struct trie_key *keys)
{
    uint32_t n = 0;
    for (uint32_t id = first; id < vocab->n; id++) {
        size_t bytes;
        if (vocab_is_hole(vocab, id)) continue;
        const char *text = vocab_text(vocab, id, &bytes);
        keys[n++] = (struct trie_key){text, (uint32_t)bytes, id};
    }
    return n;
}

/* Those that the table of ideographs does not hold; how many there are. */
static uint32_t leave_out_ideographs(struct trie_key *keys, uint32_t n)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!ideograph_is_all(keys[i].text, keys[i].bytes)) keys[left++] = keys[i];
    return left;
}

/* What is made of tokens. */
struct index {
    struct trie *trie;
    struct ideographs *ideographs; /* or NULL: the trie holds all */
    uint32_t first;                /* id */
    bool takes_last;               /* of equal tokens */
};

static enum trie_result build(const struct vocab *vocab, const struct index *index, uint32_t *twins)
{
    struct trie_key *keys = malloc(((size_t)vocab->n - index->first + 1) * sizeof *keys);
    if (!keys) return TRIE_NO_MEMORY;
    enum trie_result result = TRIE_NO_MEMORY;
    uint32_t n = list_keys(vocab, index->first, keys);
    if (!index->ideographs || ideographs_build(index->ideographs, keys, n)) {
        if (index->ideographs && index->ideographs->cells) n = leave_out_ideographs(keys, n);
        result = trie_build(index->trie, keys, n, index->takes_last ? NULL : twins);
    }
    free(keys);
    return result;
}

static bool index_tokens(struct vocab *vocab, struct index index, const char *where,
                         struct err *err)
{
    uint32_t twins[2];
    if (!count_holes(vocab, where, err)) return false;
    enum trie_result result = build(vocab, &index, twins);
    if (result == TRIE_BUILT) return true;
    if (result == TRIE_DUPLICATE) return stands_twice(vocab, twins, where, err);
    if (result == TRIE_NO_MEMORY) return no_memory(err, where);
    return err_set(err, ERR_FORMAT, NULL,
                   "%s: the vocabulary is too large: its tokens take more than 134 million nodes; "
                   "use fewer or shorter ones",
                   where);
}

bool vocab_finish(struct vocab *vocab, const char *where, struct err *err)
{
    vocab->n_model = vocab->n;
    return index_tokens(vocab, (struct index){.trie = &vocab->trie}, where, err);
}

bool vocab_finish_last(struct vocab *vocab, const char *where, struct err *err)
{
    vocab->n_model = vocab->n;
    return index_tokens(vocab, (struct index){.trie = &vocab->trie, .takes_last = true}, where,
                        err);
}

bool vocab_finish_pieces(struct vocab *vocab, const char *where, struct err *err)
{
    const struct index index = {
        .trie = &vocab->trie, .ideographs = &vocab->ideographs, .takes_last = true};
    vocab->n_model = vocab->n;
    return index_tokens(vocab, index, where, err);
}

bool vocab_finish_added(struct vocab *vocab, const char *where, struct err *err)
{
    return vocab->n == vocab->n_model ||
           index_tokens(vocab, (struct index){.trie = &vocab->added, .first = vocab->n_model},
                        where, err);
}

void vocab_clear(struct vocab *vocab)
{
    trie_clear(&vocab->trie);
    trie_clear(&vocab->added);
    ideographs_clear(&vocab->ideographs);
    free(vocab->texts);
    free(vocab->places);
    free(vocab->flags);
    *vocab = (struct vocab){0};
}

uint32_t vocab_model_id(const struct vocab *vocab, const char *text, size_t bytes)
{
    const uint32_t id = ideographs_id(&vocab->ideographs, text, bytes);
    return id != UINT32_MAX ? id : trie_id(trie_walk(&vocab->trie, vocab->trie.root, text, bytes));
}

uint32_t vocab_id(const struct vocab *vocab, const char *text, size_t bytes)
{
    uint32_t id = vocab_model_id(vocab, text, bytes);
    if (id == UINT32_MAX && vocab->added.cells)
        id = trie_id(trie_walk(&vocab->added, vocab->added.root, text, bytes));
    return id < vocab->n ? id : UINT32_MAX;
}

bool vocab_is_of_model(const struct vocab *vocab, uint32_t id)
{
    size_t bytes;
    if (vocab_is_hole(vocab, id)) return false;
    const char *text = vocab_text(vocab, id, &bytes);
    return vocab_model_id(vocab, text, bytes) != UINT32_MAX;
}

uint32_t *vocab_list_starts(const struct vocab *vocab)
{
    uint32_t *starts = malloc(((size_t)vocab->n + 1) * sizeof *starts), at = 0;
    bool is_in_order = starts && vocab->text_bytes >> VOCAB_START_BITS == 0;
    for (uint32_t id = 0; id < vocab->n && is_in_order; id++) {
        const struct vocab_place place = place_of(vocab, id);
        is_in_order = place.bytes == 0 || place.start == at;
        starts[id] = at | vocab_flags(vocab, id) << VOCAB_START_BITS;
        at += place.bytes;
    }
    if (is_in_order) {
        starts[vocab->n] = at;
        return starts;
    }
    free(starts);
    return NULL;
}

void vocab_drop_blank_end(struct vocab *vocab, uint32_t n)
{
    while (vocab->n > n && vocab->places[vocab->n - 1].bytes == 0)
        vocab->n--;
}
