/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows stand for a word and for a line. */
#include "base/grow.h"
#include "base/utf8.h"
#include "model/encoder/fasttext/dictionary.h"

#include <string.h>

#define END_OF_LINE "</s>"
/* The file does not say how labels begin; the program assumes its default. */
#define LABEL_PREFIX "__label__"

static const struct span end_of_line = {END_OF_LINE, sizeof END_OF_LINE - 1};

static bool is_end_of_line(struct span word)
{
    return word.bytes == end_of_line.bytes && memcmp(word.data, END_OF_LINE, word.bytes) == 0;
}

static bool is_like_label(struct span word)
{
    size_t bytes = sizeof LABEL_PREFIX - 1;
    return word.bytes >= bytes && memcmp(word.data, LABEL_PREFIX, bytes) == 0;
}

static bool add_row(struct ft_rows *rows, uint32_t row)
{
    if (!grow_in_arena(rows->arena, &rows->ids, &rows->room, rows->n + 1, sizeof row)) return false;
    rows->ids[rows->n++] = row;
    return true;
}

static bool add_bucket(const struct ft_dictionary *dictionary, uint32_t bucket,
                       struct ft_rows *rows)
{
    uint32_t row = ft_bucket_row(dictionary, bucket);
    return row == FT_NONE || add_row(rows, row);
}

/* Byte `i` of the word between "<" and ">". */
static char marked_byte(struct span word, size_t i)
{
    if (i == 0) return '<';
    return i <= word.bytes ? word.data[i - 1] : '>';
}

/* The n-grams that begin at byte `begin` of the marked word. "<" and ">" alone are none. */
static bool add_ngrams_at(const struct ft_dictionary *dictionary, struct span word, size_t begin,
                          struct ft_rows *rows)
{
    size_t end = word.bytes + 2, at = begin;
    uint32_t hash = ft_hash((struct span){0});
    for (uint32_t n = 1; at < end && n <= dictionary->maxn; n++) {
        do {
            hash = ft_hash_step(hash, marked_byte(word, at++));
        } while (at < end && utf8_is_inside(marked_byte(word, at)));
        bool is_mark = n == 1 && (begin == 0 || at == end);
        if (n >= dictionary->minn && !is_mark &&
            !add_bucket(dictionary, hash % dictionary->bucket, rows))
            return false;
    }
    return true;
}

static bool add_ngrams(const struct ft_dictionary *dictionary, struct span word,
                       struct ft_rows *rows)
{
    if (dictionary->maxn == 0 || dictionary->bucket == 0 || is_end_of_line(word)) return true;
    if (dictionary->is_pruned && dictionary->n_kept == 0) return true;
    for (size_t begin = 0; begin < word.bytes + 2; begin++) {
        if (utf8_is_inside(marked_byte(word, begin))) continue;
        if (!add_ngrams_at(dictionary, word, begin, rows)) return false;
    }
    return true;
}

/* The rows of a word that is entry `id`, or FT_NONE. */
static bool add_word(const struct ft_dictionary *dictionary, struct span word, uint32_t id,
                     struct ft_rows *rows)
{
    if (id < dictionary->n_words && !add_row(rows, id)) return false;
    return add_ngrams(dictionary, word, rows);
}

bool ft_word_rows(const struct ft_dictionary *dictionary, struct span word, struct ft_rows *rows)
{
    return add_word(dictionary, word, ft_find(dictionary, word, ft_hash(word)), rows);
}

static bool is_space(char byte, bool nul_is_space)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r') || (byte == '\0' && nul_is_space);
}

bool ft_next_word(struct span line, size_t *at, bool nul_is_space, struct span *word)
{
    size_t begin = *at;
    while (begin < line.bytes && is_space(line.data[begin], nul_is_space))
        begin++;
    size_t end = begin;
    while (end < line.bytes && !is_space(line.data[end], nul_is_space))
        end++;
    *at = end;
    *word = (struct span){line.data + begin, end - begin};
    return end > begin;
}

/* The words of a line one after the other, "</s>" last, whether it is written there or not. */
struct line {
    struct span text;
    size_t at;
    bool is_over;
};

static bool next_in_line(struct line *line, struct span *word)
{
    if (line->is_over) return false;
    if (!ft_next_word(line->text, &line->at, true, word)) *word = end_of_line;
    line->is_over = is_end_of_line(*word);
    return true;
}

/* Hashes count as signed 32-bit numbers in those of n-grams of words. */
static uint64_t widen(uint32_t hash)
{
    return (uint64_t)(int64_t)(int32_t)hash;
}

static bool add_word_ngrams(const struct ft_dictionary *dictionary, const uint32_t *hashes,
                            size_t n, struct ft_rows *rows)
{
    if (dictionary->bucket == 0) return true;
    for (size_t i = 0; i < n; i++) {
        uint64_t hash = widen(hashes[i]);
        for (size_t j = i + 1; j < n && j - i < dictionary->word_ngrams; j++) {
            hash = hash * 116049371u + widen(hashes[j]);
            if (!add_bucket(dictionary, (uint32_t)(hash % dictionary->bucket), rows)) return false;
        }
    }
    return true;
}

bool ft_line_rows(const struct ft_dictionary *dictionary, struct span text, struct ft_rows *rows)
{
    struct line line = {.text = text};
    struct span word;
    size_t n = 0;
    while (next_in_line(&line, &word))
        n++;
    uint32_t *hashes = arena_array(rows->arena, n, sizeof *hashes);
    if (!hashes) return false;
    n = 0;
    line = (struct line){.text = text};
    while (next_in_line(&line, &word)) {
        uint32_t hash = ft_hash(word), id = ft_find(dictionary, word, hash);
        if (id == FT_NONE ? is_like_label(word) : id >= dictionary->n_words) continue;
        if (!add_word(dictionary, word, id, rows)) return false;
        hashes[n++] = hash;
    }
    return add_word_ngrams(dictionary, hashes, n, rows);
}
