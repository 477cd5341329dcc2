/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file vocab.h
 * The dictionary: token to id (a trie, and for ideographs a table where that is faster), id to
 * token (an array), and which tokens are special.
 *
 * Filled once by a reader (vocab_add, vocab_finish), or lying in a packed file; immutable from then
 * on; any thread may read.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"
#include "model/text/vocab/ideographs.h"
#include "model/text/vocab/trie.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What else is known of a token. */
enum vocab_flag {
    VOCAB_IS_THERE = 1, /* the id has a token; one without is a hole, which no text has */
    VOCAB_SPECIAL = 2,
    VOCAB_ADDED = 4,      /* among the added tokens */
    VOCAB_NORMALIZED = 8, /* an added token that normalization changes; decoded as changed */
};

#define VOCAB_START_BITS 28

/** Where a token's text stands among the texts. */
struct vocab_place {
    uint32_t start, bytes;
};

struct vocab {
    char *texts;                /* (text_bytes) of all tokens, UTF-8, without NUL */
    struct vocab_place *places; /* (n) by id */
    uint8_t *flags;             /* (n) by id: enum vocab_flag */
    const uint32_t *starts; /* in a packed file, or NULL: in place of both, see vocab_list_starts */
    size_t text_bytes, text_capacity, capacity;
    uint32_t n;
    uint32_t n_model;  /* while it is filled: tokens of the model itself, before the added ones */
    uint32_t n_holes;  /* while it is filled: ids below n without a token */
    bool is_unchecked; /* it lies in a file that nobody has checked */
    struct trie trie;  /* of the model's tokens */
    struct trie added; /* of those beyond */
    struct ideographs ideographs; /* of the model's tokens that are all ideographs; where it is
                                     empty, they are in the trie */
};

/** vocab_flags: what else is known of token `id` (< n), enum vocab_flag. */
static inline uint32_t vocab_flags(const struct vocab *vocab, uint32_t id)
{
    return vocab->starts ? vocab->starts[id] >> VOCAB_START_BITS : vocab->flags[id];
}

/**
 * vocab_list_starts: (n + 1) where the text of each token begins, in the lower VOCAB_START_BITS,
 * and its flags above. It ends where the next one's begins.
 * @return owned by the caller (free); NULL where texts are not in the order of ids, where there are
 *         too many bytes of them, or no memory
 */
uint32_t *vocab_list_starts(const struct vocab *vocab);

/** vocab_quoted: how many bytes of a text (UTF-8) a message should quote: whole characters. */
int vocab_quoted(const char *text, size_t bytes);

/** vocab_text: the text of token `id`, not NUL-terminated; lives as long as the vocabulary, or
 * while it is filled until the next token. Empty if the file is damaged or the id has no token. */
const char *vocab_text(const struct vocab *vocab, uint32_t id, size_t *bytes);

/** vocab_keep: a copy of `text` among the vocabulary's texts; false when memory or room is out. */
bool vocab_keep(struct vocab *vocab, const char *text, size_t bytes, struct vocab_place *place);

/** vocab_kept: the text that was kept, as vocab_text. */
const char *vocab_kept(const struct vocab *vocab, struct vocab_place place, size_t *bytes);

/**
 * vocab_add makes `text` the token of `id`. Ids may come in any order.
 * @param where what is read, for messages: "tokenizer.json: model.vocab"
 * @return false with ERR_FORMAT (the id is taken, or too large) or ERR_MEMORY
 */
bool vocab_add(struct vocab *vocab, uint64_t id, const char *text, size_t bytes, const char *where,
               struct err *err);

/**
 * vocab_finish makes the tokens of the model searchable: all that were added until now. An id below
 * the largest one that has none keeps its row: its text is empty, and nothing gives it out.
 * @return false with ERR_FORMAT: more ids without a token than with one, a token with two ids
 */
bool vocab_finish(struct vocab *vocab, const char *where, struct err *err);

/** vocab_finish_last: the same, but a token may have several ids: the one that was added last
 * counts, and no text gets the others. */
bool vocab_finish_last(struct vocab *vocab, const char *where, struct err *err);

/** vocab_finish_pieces: as vocab_finish_last, with a table of ideographs where it is of use. */
bool vocab_finish_pieces(struct vocab *vocab, const char *where, struct err *err);

/** vocab_finish_added: vocab_finish for the tokens added since. */
bool vocab_finish_added(struct vocab *vocab, const char *where, struct err *err);

/** vocab_clear frees what was filled; a zeroed vocabulary is fine. */
void vocab_clear(struct vocab *vocab);

/** vocab_id: the id of the exact token, or TOKEN_ID_NONE (UINT32_MAX). */
uint32_t vocab_id(const struct vocab *vocab, const char *text, size_t bytes);

/** vocab_model_id: the id of the exact token of the model itself, not an added one, or
 * UINT32_MAX. In a damaged file it may be any number. */
uint32_t vocab_model_id(const struct vocab *vocab, const char *text, size_t bytes);

/**
 * vocab_longest finds the longest token of the model at `at` (< end, valid UTF-8).
 * @param node where the trie is entered: its root, or behind a prefix
 * @return its id, and its bytes from `at` on in `*length`; UINT32_MAX where there is none
 */
static inline uint32_t vocab_longest(const struct vocab *vocab, uint64_t node, const char *at,
                                     const char *end, size_t *length)
{
    if (!ideographs_may_begin(&vocab->ideographs, at))
        return trie_longest(&vocab->trie, node, at, end, length);
    bool goes_on;
    const uint32_t id = ideographs_longest(&vocab->ideographs, at, end, length, &goes_on);
    if (__builtin_expect(!goes_on, 1)) return id;
    size_t bytes;
    const uint32_t other = trie_longest(&vocab->trie, node, at, end, &bytes);
    if (other == UINT32_MAX) return id;
    *length = bytes;
    return other;
}

/** vocab_is_hole: whether the id (below n) has no token. */
bool vocab_is_hole(const struct vocab *vocab, uint32_t id);

/** vocab_is_of_model: whether the text of token `id` belongs to the model itself, not to an
 * added token. */
bool vocab_is_of_model(const struct vocab *vocab, uint32_t id);

/**
 * vocab_read_lines reads one token a line, its line its id, and finishes the vocabulary. Lines end
 * in LF or CR LF, the last one need not; a byte order mark at the start is skipped. An empty line
 * is a token that no text has; of equal lines the last one counts (vocab_finish_last). Where every
 * line is a token, a TAB and a whole number, these numbers are the ids.
 * @param is_exact false: white space at the end of a line is not part of its token, and the ids may
 *                 follow a space instead of a TAB
 * @return false with ERR_FORMAT, naming the line: bytes that are not UTF-8, a second column that
 *         holds no ids; or ERR_MEMORY
 */
bool vocab_read_lines(struct vocab *vocab, struct span file, bool is_exact, const char *where,
                      struct err *err);

/** vocab_has_column: whether a line with this text ends in a TAB and a whole number. */
bool vocab_has_column(const char *text, size_t bytes);

/** vocab_drop_blank_end takes away the empty tokens at the end that have an id from `n` on. */
void vocab_drop_blank_end(struct vocab *vocab, uint32_t n);

/**
 * vocab_read_json reads a JSON object {"token": id, ...} as it stands in tokenizer.json, in any
 * order; the caller finishes. `text` is valid UTF-8.
 * @param end set to the first byte after the object
 */
bool vocab_read_json(struct vocab *vocab, const char *text, const char *text_end, const char **end,
                     const char *where, struct err *err);

/**
 * vocab_read_scores reads a JSON list [["token", score], ...], the places in it the ids; the caller
 * finishes. `text` is valid UTF-8.
 * @param end     set to the first byte after the list
 * @param scores  by id, to be freed by the caller, also on failure. Read as the reference reads
 *                them: the digits as a whole number, then divided by a power of ten, which is a
 *                last bit off now and then
 */
bool vocab_read_scores(struct vocab *vocab, const char *text, const char *text_end,
                       const char **end, double **scores, const char *where, struct err *err);

/** vocab_read_score reads one score as vocab_read_scores does; false if it is not a number. */
bool vocab_read_score(const char *text, double *score);

/** Takes one merge, in the order of the file. The texts are valid during the call. */
typedef bool vocab_take_merge(void *context, const char *left, size_t left_bytes, const char *right,
                              size_t right_bytes, struct err *err);

/**
 * vocab_read_merges reads a JSON list of merges, ["a", "b"] or "a b" each, and gives them to
 * `take`. `text` is all of the list and valid UTF-8.
 */
bool vocab_read_merges(struct span text, vocab_take_merge *take, void *context, const char *where,
                       struct err *err);
