/* SPDX-License-Identifier: Apache-2.0 */
/* Which n-grams a sequence of ids has, which tokens each touches, and their hashes. */
#include "base/json.h"
#include "base/utf8.h"
#include "model/head/ngrams/ngram_index.h"
#include "model/head/ngrams/ngrams.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 4096

/* With [UNK] it is WordPiece: ## continues a word. */
#define WORDS "[UNK]\na\nab\n##c\n我\n爱\nx\n##爱\n"
enum { UNK, A, AB, C_PIECE, I, LOVE, X, LOVE_PIECE, N_WORDS };

static const struct ngram_ranges short_runs = {.tokens_max = 2,
                                               .characters_min = 2,
                                               .characters_max = 3,
                                               .ideographs_min = 1,
                                               .ideographs_max = 2};

static struct tokenizer *open_vocab(const char *vocab)
{
    const struct tokenizer_files files = {.path = "a-folder", .vocab = {vocab, strlen(vocab)}};
    const struct tokenizer_options options = {.lowercase = true};
    struct tokenizer *tokenizer;
    struct err err;
    if (!tokenizer_open(&tokenizer, &files, &options, &err)) fail_msg("%s", err.message);
    return tokenizer;
}

static size_t walk_all(const struct tokenizer *tokenizer, const struct ngram_ranges *ranges,
                       const uint32_t *ids, size_t n, size_t room, struct ngram *out)
{
    struct ngram_walk walk;
    size_t n_all = 0, n_new;
    ngrams_start(&walk, ranges, tokenizer, ids, n);
    while (n_all + room <= ROOM && (n_new = ngrams_next(&walk, out + n_all, room)) > 0) {
        assert_true(n_new <= room);
        n_all += n_new;
    }
    assert_true(n_all + room <= ROOM);
    assert_int_equal(ngrams_next(&walk, out + n_all, room), 0);
    return n_all;
}

/* ---- the hash, a second time ---- */

static uint64_t mix(uint64_t hash, uint32_t value)
{
    hash = (hash ^ value) * 0xD6E8FEB86659FD93u;
    return hash ^ hash >> 32;
}

static uint64_t hash_of_ids(const uint32_t *ids, size_t n)
{
    uint64_t hash = 0x9E3779B97F4A7C15u;
    while (n > 0)
        hash = mix(hash, ids[--n]);
    return hash;
}

static uint64_t hash_of_length(uint32_t steps)
{
    return mix(0x165667B19E3779F9u, steps);
}

/* ^ and $ are the marks at the ends. */
static uint64_t hash_of_characters(const char *text)
{
    uint32_t codes[NGRAMS_CHARACTERS_MAX];
    uint64_t hash = 0xC2B2AE3D27D4EB4Fu;
    size_t n = 0;
    for (const char *end = text + strlen(text); text < end; n++) {
        const uint32_t code = utf8_next(&text);
        codes[n] = code == '^' ? 0x110000 : code == '$' ? 0x110001 : code;
    }
    while (n > 0)
        hash = mix(hash, codes[--n]);
    return hash;
}

/* ---- lists ---- */

/* A run of characters, "=" and a length, or a run of tokens where `text` is NULL. */
struct wanted {
    const char *text;
    uint32_t first, last;
};

static void check_list(const struct tokenizer *tokenizer, const struct ngram_ranges *ranges,
                       const uint32_t *ids, size_t n, const struct wanted *wanted, size_t n_wanted)
{
    struct ngram found[ROOM];
    const size_t n_found = walk_all(tokenizer, ranges, ids, n, NGRAMS_STEP_MAX, found);
    for (size_t i = 0; i < n_wanted && i < n_found; i++) {
        const struct wanted *one = &wanted[i];
        const uint64_t hash = !one->text ? hash_of_ids(ids + one->first, one->last - one->first + 1)
                              : one->text[0] == '=' ? hash_of_length((uint32_t)atoi(one->text + 1))
                                                    : hash_of_characters(one->text);
        if (found[i].hash != hash || found[i].first != one->first || found[i].last != one->last)
            fail_msg("n-gram %zu is %u..%u, hash %016llx, not '%s' %u..%u, hash %016llx", i,
                     found[i].first, found[i].last, (unsigned long long)found[i].hash,
                     one->text ? one->text : "tokens", one->first, one->last,
                     (unsigned long long)hash);
    }
    assert_int_equal(n_found, n_wanted);
}

#define CHECK(ranges, ids, ...)                                                                    \
    do {                                                                                           \
        const struct wanted wanted[] = {__VA_ARGS__};                                              \
        struct tokenizer *tokenizer = open_vocab(WORDS);                                           \
        check_list(tokenizer, ranges, ids, sizeof(ids) / sizeof(uint32_t), wanted,                 \
                   sizeof wanted / sizeof wanted[0]);                                              \
        tokenizer_close(tokenizer);                                                                \
    } while (0)

static void words_have_one_space_between_and_one_at_either_end(void **state)
{
    (void)state;
    const uint32_t ids[] = {AB, X};
    CHECK(&short_runs, ids, {NULL, 0, 0}, {" a", 0, 0}, {"ab", 0, 0}, {" ab", 0, 0}, //
          {NULL, 1, 1}, {NULL, 0, 1}, {"b ", 0, 1}, {"ab ", 0, 1},                   //
          {" x", 1, 1}, {"b x", 0, 1}, {"x ", 1, 1}, {" x ", 1, 1});
}

static void ideographs_have_none(void **state)
{
    (void)state;
    const uint32_t ids[] = {I, LOVE};
    CHECK(&short_runs, ids, {NULL, 0, 0}, {"我", 0, 0}, //
          {NULL, 1, 1}, {NULL, 0, 1}, {"爱", 1, 1}, {"我爱", 0, 1});
}

static void a_run_that_holds_an_ideograph_is_as_long_as_those_may_be(void **state)
{
    (void)state;
    const uint32_t before[] = {I, A}, behind[] = {A, I};
    CHECK(&short_runs, before, {NULL, 0, 0}, {"我", 0, 0}, //
          {NULL, 1, 1}, {NULL, 0, 1}, {"我a", 0, 1}, {"a ", 1, 1});
    CHECK(&short_runs, behind, {NULL, 0, 0}, {" a", 0, 0}, //
          {NULL, 1, 1}, {NULL, 0, 1}, {"我", 1, 1}, {"a我", 0, 1});
}

static void a_continuing_piece_takes_no_space_and_no_prefix(void **state)
{
    (void)state;
    const uint32_t ids[] = {AB, C_PIECE}, far_east[] = {I, LOVE_PIECE};
    CHECK(&short_runs, ids, {NULL, 0, 0}, {" a", 0, 0}, {"ab", 0, 0}, {" ab", 0, 0}, //
          {NULL, 1, 1}, {NULL, 0, 1}, {"bc", 0, 1}, {"abc", 0, 1},                   //
          {"c ", 1, 1}, {"bc ", 0, 1});
    CHECK(&short_runs, far_east, {NULL, 0, 0}, {"我", 0, 0}, //
          {NULL, 1, 1}, {NULL, 0, 1}, {"爱", 1, 1}, {"我爱", 0, 1});
}

static void an_unknown_token_ends_every_run(void **state)
{
    (void)state;
    const uint32_t ids[] = {A, UNK, A}, outside[] = {I, TOKEN_ID_NONE, I}, last[] = {A, UNK};
    CHECK(&short_runs, ids, {NULL, 0, 0}, {" a", 0, 0}, //
          {NULL, 2, 2}, {" a", 2, 2}, {"a ", 2, 2}, {" a ", 2, 2});
    CHECK(&short_runs, outside, {NULL, 0, 0}, {"我", 0, 0}, {NULL, 2, 2}, {"我", 2, 2});
    CHECK(&short_runs, last, {NULL, 0, 0}, {" a", 0, 0});
}

static void nothing_has_no_ngrams(void **state)
{
    (void)state;
    struct tokenizer *tokenizer = open_vocab(WORDS);
    const uint32_t unknown[] = {UNK, TOKEN_ID_NONE, UNK}, ids[] = {A, I, AB};
    const struct ngram_ranges none = {.characters_min = 1, .ideographs_min = 1};
    const struct ngram_ranges ends = {
        .ideographs_min = 1, .ideographs_max = 2, .has_ends = true, .length = 3};
    check_list(tokenizer, &short_runs, NULL, 0, NULL, 0);
    check_list(tokenizer, &short_runs, unknown, 3, NULL, 0);
    check_list(tokenizer, &none, ids, 3, NULL, 0);
    check_list(tokenizer, &ends, NULL, 0, NULL, 0);
    tokenizer_close(tokenizer);
}

static const struct ngram_ranges ends = {.characters_min = 2,
                                         .characters_max = 2,
                                         .ideographs_min = 1,
                                         .ideographs_max = 3,
                                         .has_ends = true};

static void marks_at_both_ends_count_as_ideographs(void **state)
{
    (void)state;
    const uint32_t word[] = {A}, far_east[] = {I};
    CHECK(&ends, word, {"^", 0, 0}, {"^ ", 0, 0}, {" a", 0, 0}, {"^ a", 0, 0}, {"a ", 0, 0},
          {"$", 0, 0}, {" $", 0, 0}, {"a $", 0, 0});
    CHECK(&ends, far_east, {"^", 0, 0}, {"我", 0, 0}, {"^我", 0, 0}, {"$", 0, 0}, {"我$", 0, 0},
          {"^我$", 0, 0});
}

static void an_unknown_token_keeps_marks_from_the_others(void **state)
{
    (void)state;
    const uint32_t first[] = {UNK, I}, last[] = {I, UNK}, alone[] = {TOKEN_ID_NONE};
    CHECK(&ends, first, {"^", 0, 0}, {"我", 1, 1}, {"$", 1, 1}, {"我$", 1, 1});
    CHECK(&ends, last, {"^", 0, 0}, {"我", 0, 0}, {"^我", 0, 0});
    CHECK(&ends, alone, {"^", 0, 0});
}

static void the_length_touches_all_tokens(void **state)
{
    (void)state;
    const struct ngram_ranges length = {.length = 2};
    const uint32_t one[] = {A}, three[] = {A, UNK, I};
    CHECK(&length, one, {"=2", 0, 0}, {"=2", 0, 0});
    CHECK(&length, three, {"=4", 0, 2}, {"=4", 0, 2});
}

/* Twice the binary logarithm of one more than there are tokens. */
static void lengths_come_in_steps(void **state)
{
    (void)state;
    static const struct {
        uint32_t n, steps;
    } cases[] = {{1, 2},  {2, 3},  {3, 4},   {4, 4},    {5, 5},     {6, 5},
                 {7, 6},  {9, 6},  {10, 6},  {11, 7},   {15, 8},    {21, 8},
                 {22, 9}, {30, 9}, {31, 10}, {999, 19}, {1022, 19}, {1023, 20}};
    const struct ngram_ranges length = {.length = 1};
    static const uint32_t ids[1023];
    struct tokenizer *tokenizer = open_vocab(WORDS);
    struct ngram found[ROOM];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(walk_all(tokenizer, &length, ids, cases[i].n, NGRAMS_STEP_MAX, found), 1);
        if (found[0].hash != hash_of_length(cases[i].steps)) fail_msg("%u tokens", cases[i].n);
        assert_int_equal(found[0].last, cases[i].n - 1);
    }
    tokenizer_close(tokenizer);
}

static void each_range_stands_by_itself(void **state)
{
    (void)state;
    const uint32_t ids[] = {A, X, I};
    const struct ngram_ranges tokens = {.tokens_max = 3};
    const struct ngram_ranges characters = {.characters_min = 1, .characters_max = 2};
    const struct ngram_ranges ideographs = {.ideographs_min = 2, .ideographs_max = 3};
    CHECK(&tokens, ids, {NULL, 0, 0}, {NULL, 1, 1}, {NULL, 0, 1}, {NULL, 2, 2}, {NULL, 1, 2},
          {NULL, 0, 2});
    CHECK(&characters, ids, {" ", 0, 0}, {"a", 0, 0}, {" a", 0, 0}, {" ", 1, 1}, {"a ", 0, 1},
          {"x", 1, 1}, {" x", 1, 1});
    CHECK(&ideographs, ids, {"x我", 1, 2}, {" x我", 1, 2});
}

static void the_longest_runs_are_whole(void **state)
{
    (void)state;
    const uint32_t ids[] = {A, AB, X, C_PIECE, C_PIECE, A};
    const struct ngram_ranges longest = {.characters_min = NGRAMS_CHARACTERS_MAX,
                                         .characters_max = NGRAMS_CHARACTERS_MAX};
    CHECK(&longest, ids, {" a ab xc", 0, 3}, {"a ab xcc", 0, 4}, {" ab xcc ", 1, 5},
          {"ab xcc a", 1, 5}, {"b xcc a ", 1, 5});
}

static void a_dictionary_has_no_prefix(void **state)
{
    (void)state;
    struct tokenizer *tokenizer = open_vocab("a\n##c\n");
    const uint32_t ids[] = {1};
    const struct ngram_ranges ranges = {.characters_min = 4, .characters_max = 5};
    const struct wanted wanted[] = {{" ##c", 0, 0}, {"##c ", 0, 0}, {" ##c ", 0, 0}};
    check_list(tokenizer, &ranges, ids, 1, wanted, 3);
    tokenizer_close(tokenizer);
}

static void the_far_east_begins_at_its_radicals(void **state)
{
    (void)state;
    /* U+2E7F, 2E80, 3042, D7A3, E000, F8FF, F900, FAFF, FB00, 1FFFF, 20000 */
    struct tokenizer *tokenizer = open_vocab(
        "\xE2\xB9\xBF\n\xE2\xBA\x80\n\xE3\x81\x82\n\xED\x9E\xA3\n\xEE\x80\x80\n\xEF\xA3\xBF\n"
        "\xEF\xA4\x80\n\xEF\xAB\xBF\n\xEF\xAC\x80\n\xF0\x9F\xBF\xBF\n\xF0\xA0\x80\x80\n");
    static const bool are_ideographs[] = {false, true, true,  true,  false, false,
                                          true,  true, false, false, true};
    const struct ngram_ranges ranges = {.ideographs_min = 1, .ideographs_max = 1};
    struct ngram found[ROOM];
    for (uint32_t id = 0; id < sizeof are_ideographs; id++)
        if (walk_all(tokenizer, &ranges, &id, 1, ROOM / 2, found) != are_ideographs[id])
            fail_msg("character %u", id);
    tokenizer_close(tokenizer);
}

/* ---- whatever the room ---- */

static void the_room_changes_nothing(void **state)
{
    (void)state;
    static const size_t rooms[] = {NGRAMS_STEP_MAX + 1, 2 * NGRAMS_STEP_MAX - 1, 64, 257, 1500};
    const struct ngram_ranges all = {.tokens_max = NGRAMS_TOKENS_MAX,
                                     .characters_min = 1,
                                     .characters_max = NGRAMS_CHARACTERS_MAX,
                                     .ideographs_min = 1,
                                     .ideographs_max = NGRAMS_CHARACTERS_MAX,
                                     .has_ends = true,
                                     .length = NGRAMS_LENGTH_MAX};
    struct tokenizer *tokenizer = open_vocab(WORDS);
    static struct ngram once[ROOM], again[ROOM];
    uint32_t ids[100];
    for (uint32_t i = 0; i < 100; i++)
        ids[i] = i % 17 == 5 ? TOKEN_ID_NONE : (i * i + i / 3) % N_WORDS;
    const size_t n = walk_all(tokenizer, &all, ids, 100, NGRAMS_STEP_MAX, once);
    assert_true(n > 600);
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        assert_int_equal(walk_all(tokenizer, &all, ids, 100, rooms[i], again), n);
        for (size_t k = 0; k < n; k++)
            assert_true(once[k].hash == again[k].hash && once[k].first == again[k].first &&
                        once[k].last == again[k].last);
    }
    tokenizer_close(tokenizer);
}

static void hashes_alone_are_those_of_the_ngrams(void **state)
{
    (void)state;
    static const size_t rooms[] = {NGRAMS_STEP_MAX, 100, ROOM};
    const struct ngram_ranges *lists[] = {&short_runs, &ends};
    struct tokenizer *tokenizer = open_vocab(WORDS);
    static struct ngram found[ROOM];
    uint32_t ids[100];
    for (uint32_t i = 0; i < 100; i++)
        ids[i] = i % 13 == 7 ? UNK : (i * i + i / 5) % N_WORDS;
    for (size_t list = 0; list < 2; list++) {
        const size_t n = walk_all(tokenizer, lists[list], ids, 100, NGRAMS_STEP_MAX, found);
        assert_true(n > 100);
        for (size_t r = 0; r < sizeof rooms / sizeof rooms[0]; r++) {
            static uint64_t hashes[ROOM];
            struct ngram_walk walk;
            size_t at = 0, n_new;
            ngrams_start(&walk, lists[list], tokenizer, ids, 100);
            while ((n_new = ngrams_next_hashes(&walk, hashes, rooms[r])) > 0) {
                for (size_t i = 0; i < n_new; i++)
                    assert_true(at + i < n && hashes[i] == found[at + i].hash);
                at += n_new;
            }
            assert_int_equal(at, n);
        }
    }
    tokenizer_close(tokenizer);
}

/* ---- the hash ---- */

static void the_hash_is_part_of_the_file_format(void **state)
{
    (void)state;
    struct tokenizer *tokenizer = open_vocab(WORDS);
    const uint32_t ids[] = {I, AB};
    const struct ngram_ranges tokens = {.tokens_max = 2, .length = 1};
    const struct ngram_ranges characters = {.characters_min = 3, .characters_max = 3};
    const struct ngram_ranges marks = {.ideographs_min = 1, .ideographs_max = 1, .has_ends = true};
    struct ngram found[ROOM];
    assert_int_equal(walk_all(tokenizer, &tokens, ids, 2, NGRAMS_STEP_MAX, found), 4);
    assert_true(found[0].hash == 0x5357E7EDE206FB63u); /* two tokens: 3 */
    assert_true(found[3].hash == 0x6CD4EACAEF81ECF0u);
    assert_int_equal(walk_all(tokenizer, &characters, ids + 1, 1, NGRAMS_STEP_MAX, found), 2);
    assert_true(found[0].hash == 0x894B33B1C4C95800u); /* " ab" */
    assert_int_equal(walk_all(tokenizer, &marks, ids + 1, 1, NGRAMS_STEP_MAX, found), 2);
    assert_true(found[0].hash == 0x9339AFC42B939E99u && found[1].hash == 0xBC50B10CEE0082C6u);
    tokenizer_close(tokenizer);
}

static int compare_places(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* What an index of 2^20 slots tells apart: the first slot and the key. */
static uint64_t place_of(uint64_t hash)
{
    return (hash >> 44) << 32 | ngram_key(hash);
}

static void different_ngrams_have_different_places(void **state)
{
    (void)state;
    const uint32_t side = 700;
    const size_t n = (size_t)side * side;
    uint64_t *places = malloc(2 * n * sizeof *places);
    assert_non_null(places);
    for (uint32_t i = 0; i < side; i++) {
        for (uint32_t k = 0; k < side; k++) {
            const uint64_t ideographs = mix(mix(0xC2B2AE3D27D4EB4Fu, 0x4E00 + i), 0x4E00 + 3 * k);
            const uint64_t ids = hash_of_ids((const uint32_t[]){i, 40 * k}, 2);
            places[(size_t)i * side + k] = place_of(ideographs);
            places[n + (size_t)i * side + k] = place_of(ids);
        }
    }
    qsort(places, 2 * n, sizeof *places, compare_places);
    for (size_t i = 1; i < 2 * n; i++)
        assert_true(places[i - 1] != places[i]);
    free(places);
}

static int start(void **state)
{
    (void)state;
    json_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_have_one_space_between_and_one_at_either_end),
        cmocka_unit_test(ideographs_have_none),
        cmocka_unit_test(a_run_that_holds_an_ideograph_is_as_long_as_those_may_be),
        cmocka_unit_test(a_continuing_piece_takes_no_space_and_no_prefix),
        cmocka_unit_test(an_unknown_token_ends_every_run),
        cmocka_unit_test(nothing_has_no_ngrams),
        cmocka_unit_test(marks_at_both_ends_count_as_ideographs),
        cmocka_unit_test(an_unknown_token_keeps_marks_from_the_others),
        cmocka_unit_test(the_length_touches_all_tokens),
        cmocka_unit_test(lengths_come_in_steps),
        cmocka_unit_test(each_range_stands_by_itself),
        cmocka_unit_test(the_longest_runs_are_whole),
        cmocka_unit_test(a_dictionary_has_no_prefix),
        cmocka_unit_test(the_far_east_begins_at_its_radicals),
        cmocka_unit_test(the_room_changes_nothing),
        cmocka_unit_test(hashes_alone_are_those_of_the_ngrams),
        cmocka_unit_test(the_hash_is_part_of_the_file_format),
        cmocka_unit_test(different_ngrams_have_different_places),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
