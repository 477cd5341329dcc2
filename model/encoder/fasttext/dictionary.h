/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file dictionary.h
 * The words and labels of a fastText file, and where their n-grams fall. Immutable once open; any
 * thread may read it.
 */
#pragma once

#include "base/arena.h"
#include "base/hash.h"
#include "model/encoder/fasttext/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Behind the text of an entry: NUL, count (i64), type (i8). */
#define FT_ENTRY_TAIL 10

#define FT_NONE UINT32_MAX

struct ft_dictionary {
    uint32_t n_words, n_labels; /* entries: words, then labels */
    uint32_t bucket, minn, maxn, word_ngrams;
    const char *entries; /* the first one, in the file */
    uint32_t *starts;    /* (entries + 1) where each one begins, in bytes from `entries` */
    uint32_t *slots;     /* (mask + 1) by hash: entry + 1, or 0 = free */
    uint32_t mask;

    bool is_pruned;       /* n-grams have rows of their own only where `kept` says so */
    uint32_t n_kept;      /* rows of n-grams that pruning left */
    const char *kept;     /* (n_kept) pairs of i32, in the file: bucket, row behind the words */
    uint32_t *kept_slots; /* (kept_mask + 1) by bucket: pair + 1, or 0 = free */
    uint32_t kept_mask;
};

/**
 * ft_dictionary_open reads the part of the file that holds words, labels and kept n-grams. The
 * caller has filled in bucket, minn, maxn, word_ngrams.
 * @return false with err set; ft_dictionary_close is then due all the same
 */
bool ft_dictionary_open(struct ft_dictionary *dictionary, struct ft_reader *reader);

/** ft_dictionary_close frees the index; a zeroed one is fine. */
void ft_dictionary_close(struct ft_dictionary *dictionary);

/** ft_entry: the text of entry `id` (< n_words + n_labels). */
struct span ft_entry(const struct ft_dictionary *dictionary, uint32_t id);

/** ft_entry_count: how often it was seen in training; not negative. */
int64_t ft_entry_count(const struct ft_dictionary *dictionary, uint32_t id);

/** ft_hash_step: `hash` with one more byte, which counts as signed: FNV-1a in 32 bits as every
 * fastText model has it. */
static inline uint32_t ft_hash_step(uint32_t hash, char byte)
{
    return hash32_step(hash, (uint32_t)(int8_t)byte);
}

/** ft_hash: the hash of a text; of an empty one, where hashing starts. */
uint32_t ft_hash(struct span text);

/** ft_find: the entry with that text and hash, or FT_NONE. */
uint32_t ft_find(const struct ft_dictionary *dictionary, struct span text, uint32_t hash);

/** ft_bucket_row: the row of the n-grams in `bucket` (< bucket), or FT_NONE if pruning dropped it.
 */
uint32_t ft_bucket_row(const struct ft_dictionary *dictionary, uint32_t bucket);

/** A list of rows that grows in an arena. */
struct ft_rows {
    struct arena *arena;
    uint32_t *ids;
    size_t n, room;
};

/** ft_word_rows, ft_line_rows (rows.c) append the rows that fasttext.h defines. False when the
 * arena is at its cap. */
bool ft_word_rows(const struct ft_dictionary *dictionary, struct span word, struct ft_rows *rows);
bool ft_line_rows(const struct ft_dictionary *dictionary, struct span line, struct ft_rows *rows);

/** ft_next_word: the next run of bytes without a space, from `*at` on, in `line`; moves `*at` past
 * it. `nul_is_space`: a NUL ends a word too. False when there is none. */
bool ft_next_word(struct span line, size_t *at, bool nul_is_space, struct span *word);
