/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/fasttext/dictionary.h"

#include <stdlib.h>
#include <string.h>

#define TYPE_WORD 0
#define TYPE_LABEL 1

/* One more than the largest: starts of entries and slots of tables are kept in 32 bits. */
#define ENTRIES_BYTES_END ((uint64_t)1 << 32)
#define ENTRIES_END ((uint32_t)1 << 30)

static uint32_t n_entries(const struct ft_dictionary *dictionary)
{
    return dictionary->n_words + dictionary->n_labels;
}

struct span ft_entry(const struct ft_dictionary *dictionary, uint32_t id)
{
    const uint32_t *start = dictionary->starts + id;
    return (struct span){dictionary->entries + start[0], start[1] - start[0] - FT_ENTRY_TAIL};
}

int64_t ft_entry_count(const struct ft_dictionary *dictionary, uint32_t id)
{
    struct span text = ft_entry(dictionary, id);
    return ft_i64(text.data + text.bytes + 1);
}

uint32_t ft_hash(struct span text)
{
    uint32_t hash = HASH32_START;
    for (size_t i = 0; i < text.bytes; i++)
        hash = ft_hash_step(hash, text.data[i]);
    return hash;
}

/* A table at most half full, so that a search for what is not there ends soon. NULL: no memory. */
static uint32_t *new_slots(uint32_t n, uint32_t *mask)
{
    uint32_t size = 2;
    while (size < 2 * n)
        size *= 2;
    *mask = size - 1;
    return calloc(size, sizeof(uint32_t));
}

/* The slot of the text, or the free one where it belongs. */
static uint32_t *find_slot(const struct ft_dictionary *dictionary, struct span text, uint32_t hash)
{
    for (uint32_t i = hash;; i++) {
        uint32_t *slot = &dictionary->slots[i & dictionary->mask];
        if (*slot == 0) return slot;
        struct span entry = ft_entry(dictionary, *slot - 1);
        if (entry.bytes == text.bytes && memcmp(entry.data, text.data, text.bytes) == 0)
            return slot;
    }
}

uint32_t ft_find(const struct ft_dictionary *dictionary, struct span text, uint32_t hash)
{
    uint32_t found = *find_slot(dictionary, text, hash);
    return found == 0 ? FT_NONE : found - 1;
}

static uint32_t *find_kept_slot(const struct ft_dictionary *dictionary, uint32_t bucket)
{
    /* Buckets are neighbours where hashes are not: spread them. */
    for (uint32_t i = bucket * 2654435769u >> 7;; i++) {
        uint32_t *slot = &dictionary->kept_slots[i & dictionary->kept_mask];
        if (*slot == 0 || (uint32_t)ft_i32(dictionary->kept + (*slot - 1) * (size_t)8) == bucket)
            return slot;
    }
}

uint32_t ft_bucket_row(const struct ft_dictionary *dictionary, uint32_t bucket)
{
    if (!dictionary->is_pruned) return dictionary->n_words + bucket;
    if (dictionary->n_kept == 0) return FT_NONE;
    uint32_t found = *find_kept_slot(dictionary, bucket);
    if (found == 0) return FT_NONE;
    return dictionary->n_words + (uint32_t)ft_i32(dictionary->kept + (found - 1) * (size_t)8 + 4);
}

/* ---- reading ---- */

static bool take_counts(struct ft_dictionary *dictionary, struct ft_reader *reader, int64_t *pruned)
{
    int32_t size, n_words, n_labels;
    int64_t n_tokens;
    if (!ft_take_i32(reader, "the number of entries", &size) ||
        !ft_take_i32(reader, "the number of words", &n_words) ||
        !ft_take_i32(reader, "the number of labels", &n_labels) ||
        !ft_take_i64(reader, "the number of tokens", &n_tokens) ||
        !ft_take_i64(reader, "the number of kept n-grams", pruned))
        return false;
    if (n_words < 0 || n_labels < 0 || (int64_t)n_words + n_labels != size) {
        return ft_fail(reader,
                       "its dictionary would have %d words and %d labels in %d entries; the file "
                       "is damaged: copy it again",
                       n_words, n_labels, size);
    }
    if (size == 0 || (uint32_t)size >= ENTRIES_END) {
        return ft_fail(reader,
                       "its dictionary has %d entries, but must have from 1 to %u; train it again "
                       "with another -minCount",
                       size, ENTRIES_END - 1);
    }
    if ((uint64_t)size > ft_left(reader) / FT_ENTRY_TAIL) {
        return ft_fail(reader,
                       "its dictionary should have %d entries, but only %zu bytes follow; the file "
                       "was cut short: copy it again",
                       size, ft_left(reader));
    }
    dictionary->n_words = (uint32_t)n_words;
    dictionary->n_labels = (uint32_t)n_labels;
    return true;
}

/* Reads entry `id`, which must be a word or a label as its place says. */
static bool take_entry(const struct ft_dictionary *dictionary, struct ft_reader *reader,
                       uint32_t id)
{
    const char *text = reader->file.data + reader->at;
    const char *end = ft_left(reader) > 0 ? memchr(text, '\0', ft_left(reader)) : NULL;
    if (!end || ft_left(reader) - (size_t)(end - text) < FT_ENTRY_TAIL) {
        return ft_fail(reader,
                       "entry %u of its dictionary, at byte %zu, has no end; the file was cut "
                       "short: copy it again",
                       id, reader->at);
    }
    int wanted = id < dictionary->n_words ? TYPE_WORD : TYPE_LABEL;
    int64_t count = ft_i64(end + 1);
    if (end[9] != wanted || count < 0) {
        return ft_fail(reader,
                       "entry %u of its dictionary, '%.*s' at byte %zu, has type %d and count "
                       "%lld, but must be a %s (%d) seen 0 times or more; the file is damaged: "
                       "copy it again",
                       id, ft_quotable(text, (size_t)(end - text)), text, reader->at, end[9],
                       (long long)count, wanted == TYPE_WORD ? "word" : "label", wanted);
    }
    reader->at += (size_t)(end - text) + FT_ENTRY_TAIL;
    return true;
}

static bool index_entry(const struct ft_dictionary *dictionary, const struct ft_reader *reader,
                        uint32_t id)
{
    struct span text = ft_entry(dictionary, id);
    uint32_t *slot = find_slot(dictionary, text, ft_hash(text));
    if (*slot != 0) {
        return ft_fail(reader,
                       "entries %u and %u of its dictionary are both '%.*s'; fastText writes each "
                       "once: copy the file again, or train it again",
                       *slot - 1, id, ft_quotable(text.data, text.bytes), text.data);
    }
    *slot = id + 1;
    return true;
}

static bool take_entries(struct ft_dictionary *dictionary, struct ft_reader *reader)
{
    uint32_t n = n_entries(dictionary);
    size_t begin = reader->at;
    dictionary->entries = reader->file.data + begin;
    dictionary->starts = malloc(((size_t)n + 1) * sizeof *dictionary->starts);
    dictionary->slots = new_slots(n, &dictionary->mask);
    if (!dictionary->starts || !dictionary->slots)
        return err_set(reader->err, ERR_MEMORY, NULL, "no memory for the words of %s",
                       reader->where);
    for (uint32_t id = 0; id < n; id++) {
        dictionary->starts[id] = (uint32_t)(reader->at - begin);
        if (!take_entry(dictionary, reader, id)) return false;
        if (reader->at - begin >= ENTRIES_BYTES_END) {
            return ft_fail(reader,
                           "its dictionary has more than 4 GiB at entry %u; train it again with a "
                           "larger -minCount",
                           id);
        }
        dictionary->starts[id + 1] = (uint32_t)(reader->at - begin);
        if (!index_entry(dictionary, reader, id)) return false;
    }
    return true;
}

static bool index_kept(struct ft_dictionary *dictionary, const struct ft_reader *reader)
{
    for (uint32_t i = 0; i < dictionary->n_kept; i++) {
        const char *pair = dictionary->kept + i * (size_t)8;
        int32_t bucket = ft_i32(pair), row = ft_i32(pair + 4);
        if (bucket < 0 || (uint32_t)bucket >= dictionary->bucket || row < 0 ||
            (uint32_t)row >= dictionary->n_kept) {
            return ft_fail(reader,
                           "kept n-gram %u puts bucket %d in row %d, but there are %u buckets and "
                           "%u rows; the file is damaged: copy it again",
                           i, bucket, row, dictionary->bucket, dictionary->n_kept);
        }
        uint32_t *slot = find_kept_slot(dictionary, (uint32_t)bucket);
        if (*slot != 0) {
            return ft_fail(reader,
                           "kept n-grams %u and %u are both of bucket %d; the file is damaged: "
                           "copy it again",
                           *slot - 1, i, bucket);
        }
        *slot = i + 1;
    }
    return true;
}

/* What pruning left: -1 of a model that was never pruned, 0 where no n-gram was kept. */
static bool take_kept(struct ft_dictionary *dictionary, struct ft_reader *reader, int64_t n)
{
    if (n < -1 || n > dictionary->bucket || n >= ENTRIES_END) {
        return ft_fail(reader,
                       "it would keep %lld n-grams of %u buckets; the file is damaged: copy it "
                       "again",
                       (long long)n, dictionary->bucket);
    }
    dictionary->is_pruned = n >= 0;
    if (n <= 0) return true;
    dictionary->kept = ft_take(reader, "the list of kept n-grams", (uint64_t)n * 8);
    if (!dictionary->kept) return false;
    dictionary->n_kept = (uint32_t)n;
    dictionary->kept_slots = new_slots(dictionary->n_kept, &dictionary->kept_mask);
    if (!dictionary->kept_slots)
        return err_set(reader->err, ERR_MEMORY, NULL, "no memory for the n-grams of %s",
                       reader->where);
    return index_kept(dictionary, reader);
}

bool ft_dictionary_open(struct ft_dictionary *dictionary, struct ft_reader *reader)
{
    int64_t pruned;
    return take_counts(dictionary, reader, &pruned) && take_entries(dictionary, reader) &&
           take_kept(dictionary, reader, pruned);
}

void ft_dictionary_close(struct ft_dictionary *dictionary)
{
    free(dictionary->starts);
    free(dictionary->slots);
    free(dictionary->kept_slots);
    *dictionary = (struct ft_dictionary){0};
}
