/* SPDX-License-Identifier: Apache-2.0 */
/* Which n-grams get a row, against counting them one by one. */
#include "base/random.h"
#include "model/train/ngram_vocabulary.h"
#include "tests/unit/model/train/world.h"

#include <stdio.h>

#define ROOM 2048

static const struct ngram_ranges ranges = {.tokens_max = 2,
                                           .characters_min = 2,
                                           .characters_max = 4,
                                           .ideographs_min = 1,
                                           .ideographs_max = 3,
                                           .has_ends = true,
                                           .length = 2};
static struct world world;
static uint32_t rows[64];
static size_t n_rows;

static const char *const texts[] = {"the food is good",
                                    "the food is bad",
                                    "eating good food",
                                    "我爱吃饭",
                                    "我吃饭",
                                    "爱吃 the good food",
                                    "the the the the",
                                    "zzz",
                                    "",
                                    "bad bad",
                                    "我爱 zzz 吃饭",
                                    "eats",
                                    "food food",
                                    "is the food 饭 吃",
                                    "饭"};

static int start(void **state)
{
    (void)state;
    world_open(&world);
    n_rows = sizeof texts / sizeof texts[0];
    for (size_t i = 0; i < n_rows; i++) {
        world_add(&world, texts[i], "0");
        rows[i] = (uint32_t)i;
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

static struct ngram_vocabulary make(const uint32_t *list, size_t n, uint32_t n_max)
{
    struct ngram_vocabulary vocabulary;
    struct err err;
    if (!ngram_vocabulary_make(&vocabulary, &world.examples, list, n, world.tokenizer, &ranges,
                               n_max, &err))
        fail_msg("%s", err.message);
    return vocabulary;
}

/* ---- counting ---- */

struct counted {
    uint64_t hash;
    uint32_t n, last_text; /* texts that have it; the last of them, from 1 */
};

struct census {
    struct counted list[ROOM];
    size_t n;
};

static struct counted *find(struct census *census, uint64_t hash)
{
    size_t i = 0;
    while (i < census->n && census->list[i].hash != hash)
        i++;
    assert_true(i < ROOM);
    if (i == census->n) census->list[census->n++] = (struct counted){hash, 0, 0};
    return &census->list[i];
}

static void count(struct census *census, const uint32_t *list, size_t n)
{
    census->n = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct example *item = &world.examples.items[list[i]];
        struct ngram found[ROOM];
        struct ngram_walk walk;
        ngrams_start(&walk, &ranges, world.tokenizer, world.examples.ids + item->ids_at,
                     item->n_ids);
        const size_t n_found = ngrams_next(&walk, found, ROOM);
        for (size_t k = 0; k < n_found; k++) {
            struct counted *one = find(census, found[k].hash);
            if (one->last_text == i + 1) continue;
            one->last_text = i + 1;
            one->n++;
        }
    }
}

static size_t count_from(const struct census *census, uint32_t least)
{
    size_t n = 0;
    for (size_t i = 0; i < census->n; i++)
        n += census->list[i].n >= least;
    return n;
}

/* Those in at least `least` texts have a row of their own, and the weight of the formula. */
static void check(const struct ngram_vocabulary *vocabulary, const struct census *census,
                  size_t n_texts, uint32_t least)
{
    bool is_taken[ROOM] = {false};
    assert_int_equal(vocabulary->n, count_from(census, least));
    for (size_t i = 0; i < census->n; i++) {
        const struct counted *one = &census->list[i];
        const uint32_t row = ngram_index_find(&vocabulary->index, one->hash);
        if (one->n < least) {
            assert_true(row == NGRAM_NONE);
            continue;
        }
        assert_true(row < vocabulary->n && !is_taken[row]);
        is_taken[row] = true;
        const double weight = log((1.0 + (double)n_texts) / (1.0 + one->n)) + 1;
        assert_true(vocabulary->weights[row] == (float)weight);
    }
}

static void what_stands_in_two_texts_has_a_row(void **state)
{
    (void)state;
    static struct census census;
    struct ngram_vocabulary vocabulary = make(rows, n_rows, UINT32_MAX);
    count(&census, rows, n_rows);
    assert_true(count_from(&census, 2) > 40 && count_from(&census, 1) > count_from(&census, 2));
    check(&vocabulary, &census, n_rows, 2);
    assert_true(ngram_index_find(&vocabulary.index, 0x123456789ABCDEFu) == NGRAM_NONE);
    ngram_vocabulary_clear(&vocabulary);
}

static void only_the_rows_asked_for_count(void **state)
{
    (void)state;
    static struct census census;
    const uint32_t some[] = {3, 10, 4, 0};
    struct ngram_vocabulary vocabulary = make(some, 4, UINT32_MAX);
    count(&census, some, 4);
    assert_true(vocabulary.n > 0);
    check(&vocabulary, &census, 4, 2);
    ngram_vocabulary_clear(&vocabulary);
}

static void a_limit_leaves_the_rarer_ones_out(void **state)
{
    (void)state;
    static struct census census;
    count(&census, rows, n_rows);
    for (uint32_t n_max = 0; n_max <= 60; n_max++) {
        struct ngram_vocabulary vocabulary = make(rows, n_rows, n_max);
        uint32_t least = 2;
        while (count_from(&census, least) > n_max)
            least++;
        check(&vocabulary, &census, n_rows, least);
        ngram_vocabulary_clear(&vocabulary);
    }
}

static void check_same(const struct ngram_vocabulary *a, const struct ngram_vocabulary *b)
{
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->index.bits, b->index.bits);
    assert_memory_equal(a->slots, b->slots, (size_t)NGRAM_SLOT_BYTES << a->index.bits);
    assert_memory_equal(a->weights, b->weights, a->n * sizeof *a->weights);
}

static void the_order_of_the_rows_changes_nothing(void **state)
{
    (void)state;
    uint32_t backwards[64];
    for (size_t i = 0; i < n_rows; i++)
        backwards[i] = rows[n_rows - 1 - i];
    struct ngram_vocabulary once = make(rows, n_rows, UINT32_MAX);
    struct ngram_vocabulary again = make(rows, n_rows, UINT32_MAX);
    struct ngram_vocabulary other = make(backwards, n_rows, UINT32_MAX);
    check_same(&once, &again);
    check_same(&once, &other);
    ngram_vocabulary_clear(&once);
    ngram_vocabulary_clear(&again);
    ngram_vocabulary_clear(&other);
}

static void nothing_in_common_gives_no_rows(void **state)
{
    (void)state;
    const uint32_t alone[] = {0, 8, 14};
    const struct ngram_ranges tokens = {.tokens_max = 4};
    struct ngram_vocabulary vocabulary = make(NULL, 0, UINT32_MAX);
    struct err err;
    assert_int_equal(vocabulary.n, 0);
    ngram_vocabulary_clear(&vocabulary);
    assert_true(ngram_vocabulary_make(&vocabulary, &world.examples, alone, 3, world.tokenizer,
                                      &tokens, UINT32_MAX, &err));
    assert_int_equal(vocabulary.n, 0);
    ngram_vocabulary_clear(&vocabulary);
    ngram_vocabulary_clear(&vocabulary);
}

/* ---- vectors ---- */

static void give_vectors(struct ngram_vocabulary *vocabulary, uint32_t n_max)
{
    struct err err;
    assert_true(ngram_vocabulary_give_vectors(vocabulary, &world.examples, rows, n_rows,
                                              world.tokenizer, &ranges, n_max, &err));
}

/* The row of a run of two tokens at most, read backwards. */
static uint32_t row_of_run(const struct ngram_vocabulary *vocabulary, const char *text)
{
    const struct ngram_ranges runs = {.tokens_max = 2};
    struct ngram found[NGRAMS_STEP_MAX * 4];
    struct ngram_walk walk;
    world_add(&world, text, "0");
    const struct example *item = &world.examples.items[world.examples.n - 1];
    ngrams_start(&walk, &runs, world.tokenizer, world.examples.ids + item->ids_at, item->n_ids);
    const size_t n = ngrams_next(&walk, found, sizeof found / sizeof found[0]);
    return ngram_index_find(&vocabulary->index, found[n - 1].hash);
}

static void runs_of_tokens_have_vectors(void **state)
{
    (void)state;
    struct ngram_vocabulary vocabulary = make(rows, n_rows, UINT32_MAX);
    assert_null(vocabulary.vectors);
    give_vectors(&vocabulary, UINT32_MAX);
    bool is_given[ROOM] = {false};
    uint32_t n_given = 0;
    for (uint32_t i = 0; i < vocabulary.n; i++) {
        if (vocabulary.vectors[i] == NGRAM_NONE) continue;
        assert_true(vocabulary.vectors[i] < vocabulary.n_vectors);
        assert_false(is_given[vocabulary.vectors[i]]);
        is_given[vocabulary.vectors[i]] = true;
        n_given++;
    }
    assert_true(n_given == vocabulary.n_vectors && n_given < vocabulary.n / 2);
    /* As they come. */
    assert_int_equal(vocabulary.vectors[row_of_run(&vocabulary, "the")], 0);
    assert_int_equal(vocabulary.vectors[row_of_run(&vocabulary, "food")], 1);
    assert_int_equal(vocabulary.vectors[row_of_run(&vocabulary, "the food")], 2);
    assert_int_equal(vocabulary.vectors[row_of_run(&vocabulary, "is")], 3);
    assert_int_equal(row_of_run(&vocabulary, "food eats"), NGRAM_NONE);
    ngram_vocabulary_clear(&vocabulary);
}

static void vectors_have_a_limit(void **state)
{
    (void)state;
    struct ngram_vocabulary vocabulary = make(rows, n_rows, UINT32_MAX);
    give_vectors(&vocabulary, 3);
    assert_int_equal(vocabulary.n_vectors, 3);
    assert_int_equal(vocabulary.vectors[row_of_run(&vocabulary, "the food")], 2);
    assert_int_equal(vocabulary.vectors[row_of_run(&vocabulary, "is")], NGRAM_NONE);
    ngram_vocabulary_clear(&vocabulary);
}

/* ---- more than are counted at first ---- */

#define MANY_TEXTS 500
#define MANY_TOKENS 40
#define MANY (MANY_TEXTS * MANY_TOKENS * 4)

struct sighting {
    uint64_t hash;
    uint32_t text;
};

static int compare_sightings(const void *a, const void *b)
{
    const struct sighting *x = a, *y = b;
    if (x->hash != y->hash) return x->hash > y->hash ? 1 : -1;
    return (x->text > y->text) - (x->text < y->text);
}

/* Texts of tokens by chance, and all runs of them. */
static size_t see_many(struct world *many, const struct ngram_ranges *runs, struct sighting *seen)
{
    uint64_t state = 1;
    size_t n_seen = 0;
    for (uint32_t text = 0; text < MANY_TEXTS; text++) {
        uint32_t ids[MANY_TOKENS], label = 0;
        struct ngram found[ROOM];
        struct ngram_walk walk;
        struct err err;
        for (int i = 0; i < MANY_TOKENS; i++)
            ids[i] = 1 + (uint32_t)(random_next(&state) % (WORLD_V - 1));
        assert_true(examples_add(&many->examples, ids, MANY_TOKENS, &label, 1, &err));
        ngrams_start(&walk, runs, many->tokenizer, ids, MANY_TOKENS);
        const size_t n = ngrams_next(&walk, found, ROOM);
        for (size_t i = 0; i < n; i++)
            seen[n_seen++] = (struct sighting){found[i].hash, text};
    }
    qsort(seen, n_seen, sizeof *seen, compare_sightings);
    return n_seen;
}

static double weight_of(uint32_t n)
{
    return log((1.0 + MANY_TEXTS) / (1.0 + n)) + 1;
}

/* The filter takes one of some thousands for one that came before: that counts once too often. */
static void check_many(const struct ngram_vocabulary *vocabulary, const struct sighting *seen,
                       size_t n_seen)
{
    size_t n_common = 0, n_off = 0;
    for (size_t i = 0; i < n_seen;) {
        const uint64_t hash = seen[i].hash;
        const uint32_t row = ngram_index_find(&vocabulary->index, hash);
        uint32_t n = 0;
        for (; i < n_seen && seen[i].hash == hash; i++)
            n += i == 0 || seen[i - 1].hash != hash || seen[i - 1].text != seen[i].text;
        n_common += n >= 2;
        if (n < 2 && row == NGRAM_NONE) continue;
        assert_true(row < vocabulary->n);
        if (n >= 2 && vocabulary->weights[row] == (float)weight_of(n)) continue;
        assert_true(vocabulary->weights[row] == (float)weight_of(n + 1));
        n_off++;
    }
    assert_true(n_common > 4096 && vocabulary->n >= n_common);
    assert_true(n_off <= 20 && vocabulary->n <= n_common + n_off);
}

static void the_count_grows_with_the_texts(void **state)
{
    (void)state;
    const struct ngram_ranges runs = {.tokens_max = 4};
    struct sighting *seen = malloc(MANY * sizeof *seen);
    uint32_t list[MANY_TEXTS];
    struct ngram_vocabulary vocabulary;
    struct world many;
    struct err err;
    world_open(&many);
    const size_t n_seen = see_many(&many, &runs, seen);
    for (uint32_t i = 0; i < MANY_TEXTS; i++)
        list[i] = i;
    assert_true(ngram_vocabulary_make(&vocabulary, &many.examples, list, MANY_TEXTS, many.tokenizer,
                                      &runs, UINT32_MAX, &err));
    check_many(&vocabulary, seen, n_seen);
    ngram_vocabulary_clear(&vocabulary);
    world_close(&many);
    free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_in_two_texts_has_a_row),
        cmocka_unit_test(only_the_rows_asked_for_count),
        cmocka_unit_test(a_limit_leaves_the_rarer_ones_out),
        cmocka_unit_test(the_order_of_the_rows_changes_nothing),
        cmocka_unit_test(nothing_in_common_gives_no_rows),
        cmocka_unit_test(runs_of_tokens_have_vectors),
        cmocka_unit_test(vectors_have_a_limit),
        cmocka_unit_test(the_count_grows_with_the_texts),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
