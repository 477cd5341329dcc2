/* SPDX-License-Identifier: Apache-2.0 */
/* What the program says of words and lines (tests/golden/make_fasttext.py). */
#include "base/file.h"
#include "model/encoder/fasttext/fasttext.h"
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "tests/data/fasttext/"
#define DIM_MAX 16

struct given {
    const char *name, *kind;
    struct fasttext_info info;
};

#define KIND(model_, loss_) .model = FASTTEXT_##model_, .loss = FASTTEXT_##loss_
#define SIZES(dim_, words_, labels_, rows_)                                                        \
    .dim = (dim_), .n_words = (words_), .n_labels = (labels_), .n_rows = (rows_)
#define NGRAMS(bucket_, minn_, maxn_, words_)                                                      \
    .bucket = (bucket_), .minn = (minn_), .maxn = (maxn_), .word_ngrams = (words_)

static const struct given models[] = {
    {"skipgram", "bin", {KIND(SKIPGRAM, NEGATIVE), SIZES(8, 121, 0, 421), NGRAMS(300, 2, 4, 1)}},
    {"cbow", "bin", {KIND(CBOW, NEGATIVE), SIZES(10, 121, 0, 121), NGRAMS(0, 0, 0, 1)}},
    {"softmax", "bin", {KIND(SUPERVISED, SOFTMAX), SIZES(9, 121, 6, 421), NGRAMS(300, 0, 0, 2)}},
    {"hs", "bin", {KIND(SUPERVISED, HIERARCHICAL), SIZES(8, 121, 6, 321), NGRAMS(200, 2, 3, 1)}},
    {"ova", "bin", {KIND(SUPERVISED, ONE_VS_ALL), SIZES(8, 402, 260, 402), NGRAMS(0, 0, 0, 1)}},
    {"ns", "bin", {KIND(SUPERVISED, NEGATIVE), SIZES(5, 121, 6, 221), NGRAMS(100, 0, 0, 3)}},
    {"pruned", "ftz", {KIND(SUPERVISED, SOFTMAX), SIZES(10, 36, 6, 300), NGRAMS(900, 2, 4, 2)}},
    {"unpruned",
     "ftz",
     {KIND(SUPERVISED, HIERARCHICAL), SIZES(6, 121, 6, 421), NGRAMS(300, 0, 0, 2)}},
    {"qout", "ftz", {KIND(SUPERVISED, SOFTMAX), SIZES(7, 150, 260, 350), NGRAMS(500, 0, 0, 2)}},
};
#define N_MODELS (sizeof models / sizeof models[0])

/* A whole file on the heap, at its exact size. */
static struct span read_whole(const char *name, const char *ending)
{
    char path[256], *data;
    size_t bytes;
    struct err err;
    snprintf(path, sizeof path, FOLDER "%s.%s", name, ending);
    if (!file_read(path, 1 << 20, &data, &bytes, &err)) fail_msg("%s", err.message);
    return (struct span){data, bytes};
}

static void let_go(struct span file)
{
    free((void *)(uintptr_t)file.data);
}

static struct fasttext *open_model(const struct given *given, struct span *file)
{
    struct fasttext *ft;
    struct err err;
    *file = read_whole(given->name, given->kind);
    if (!fasttext_open(&ft, *file, given->name, &err)) fail_msg("%s", err.message);
    return ft;
}

/* The line at `*at`, without its end; moves `*at` past it. False behind the last. */
static bool next_line(struct span file, size_t *at, struct span *line)
{
    if (*at == file.bytes) return false;
    const char *begin = file.data + *at, *end = memchr(begin, '\n', file.bytes - *at);
    assert_non_null(end);
    *line = (struct span){begin, (size_t)(end - begin)};
    *at += line->bytes + 1;
    return true;
}

/* Reads the number at `*at`, printed with so many digits, and holds `value` against it: half a unit
   of the last digit, and a little for a machine that rounds e to the x otherwise. */
static void check_number(const char **at, int digits, float value)
{
    char *end;
    double printed = strtod(*at, &end);
    assert_ptr_not_equal(end, *at);
    *at = end;
    double unit = printed == 0 ? 0 : pow(10, floor(log10(fabs(printed))) - digits + 1);
    if (!(fabs(value - printed) <= 0.5 * unit + 1e-6 * fabs(printed)))
        fail_msg("%.9g, printed as %.*g", value, digits, printed);
}

static void check_vector(struct span printed, const float *vector, uint32_t dim)
{
    const char *at = printed.data;
    for (uint32_t j = 0; j < dim; j++)
        check_number(&at, 5, vector[j]);
    assert_int_equal(at + 1 - printed.data, printed.bytes); /* a space comes last */
}

/* What is the answer to a word or line. */
typedef void check_fn(const struct fasttext *ft, struct span asked, struct span printed,
                      struct arena *arena);

static void check_word(const struct fasttext *ft, struct span asked, struct span printed,
                       struct arena *arena)
{
    float vector[DIM_MAX];
    assert_true(fasttext_word_vector(ft, asked, arena, vector));
    assert_memory_equal(printed.data, asked.data, asked.bytes);
    size_t skipped = asked.bytes + 1;
    struct span numbers = {printed.data + skipped, printed.bytes - skipped};
    check_vector(numbers, vector, fasttext_info(ft)->dim);
}

static void check_sentence(const struct fasttext *ft, struct span asked, struct span printed,
                           struct arena *arena)
{
    float vector[DIM_MAX];
    assert_true(fasttext_sentence_vector(ft, asked, arena, vector));
    check_vector(printed, vector, fasttext_info(ft)->dim);
}

/* "__label__a 0.9 __label__b 0.1": the labels to the byte, in that order. */
static void check_labels(const struct fasttext *ft, struct span asked, struct span printed,
                         struct arena *arena)
{
    float vector[DIM_MAX];
    struct fasttext_predictions best;
    const struct fasttext_wish wish = {.k = 3};
    assert_true(fasttext_sentence_vector(ft, asked, arena, vector));
    assert_true(fasttext_predict(ft, vector, wish, arena, &best));
    assert_in_range(best.n, 1, 3);
    const char *at = printed.data;
    for (size_t i = 0; i < best.n; i++) {
        struct span label = fasttext_label(ft, best.items[i].label);
        if (i > 0) assert_int_equal(*at++, ' ');
        assert_memory_equal(at, label.data, label.bytes);
        at += label.bytes;
        assert_int_equal(*at, ' ');
        check_number(&at, 6, best.items[i].probability);
    }
    assert_ptr_equal(at, printed.data + printed.bytes);
}

static void compare(const struct fasttext *ft, const char *name, const char *asked_file,
                    const char *ending, check_fn *check)
{
    struct span asked_lines = read_whole(asked_file, "txt"), printed = read_whole(name, ending);
    struct span question, answer;
    struct arena arena;
    size_t at = 0, to = 0, n = 0;
    arena_init(&arena, 1 << 20);
    for (; next_line(asked_lines, &at, &question); n++) {
        assert_true(next_line(printed, &to, &answer));
        arena_reset(&arena);
        check(ft, question, answer, &arena);
    }
    assert_int_equal(to, printed.bytes);
    assert_true(n > 50);
    arena_clear(&arena);
    let_go(asked_lines);
    let_go(printed);
}

static void the_program_says_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_MODELS; i++) {
        struct span file;
        const char *name = models[i].name;
        struct fasttext *ft = open_model(&models[i], &file);
        compare(ft, name, "words", "words", check_word);
        compare(ft, name, "lines", "vectors", check_sentence);
        if (fasttext_info(ft)->has_output) compare(ft, name, "lines", "labels", check_labels);
        fasttext_close(ft);
        let_go(file);
    }
}

static void check_info(const struct fasttext_info *info, const struct given *given)
{
    const struct fasttext_info *wanted = &given->info;
    assert_int_equal(info->dim, wanted->dim);
    assert_int_equal(info->n_words, wanted->n_words);
    assert_int_equal(info->n_labels, wanted->n_labels);
    assert_int_equal(info->n_rows, wanted->n_rows);
    assert_int_equal(info->bucket, wanted->bucket);
    assert_int_equal(info->minn, wanted->minn);
    assert_int_equal(info->maxn, wanted->maxn);
    assert_int_equal(info->word_ngrams, wanted->word_ngrams);
    assert_int_equal(info->model, wanted->model);
    assert_int_equal(info->loss, wanted->loss);
    assert_int_equal(info->is_quantized, strcmp(given->kind, "ftz") == 0);
    assert_int_equal(info->has_output, wanted->n_labels > 0);
}

/* Each word is found under its own id; labels are no words. */
static void check_texts(const struct fasttext *ft)
{
    const struct fasttext_info *info = fasttext_info(ft);
    for (uint32_t id = 0; id < info->n_words; id++) {
        struct span word = fasttext_word(ft, id);
        assert_int_equal(word.bytes, strlen(word.data));
        assert_int_equal(fasttext_find(ft, word), id);
    }
    for (uint32_t i = 0; i < info->n_labels; i++) {
        struct span label = fasttext_label(ft, i);
        assert_int_equal(strncmp(label.data, "__label__", 9), 0);
        assert_int_equal(fasttext_find(ft, label), FASTTEXT_NO_WORD);
    }
    assert_int_equal(fasttext_find(ft, (struct span){"unseen", 6}), FASTTEXT_NO_WORD);
    assert_int_equal(fasttext_find(ft, (struct span){"bread\0", 6}), FASTTEXT_NO_WORD);
    assert_int_equal(fasttext_find(ft, (struct span){"", 0}), FASTTEXT_NO_WORD);
}

/* fasttext_row gives what lies in the file, and what an average of one row gives. */
static void check_rows(const struct fasttext *ft, struct span file)
{
    const struct fasttext_info *info = fasttext_info(ft);
    size_t stride;
    const char *floats = fasttext_floats(ft, &stride);
    assert_int_equal(floats == NULL, info->is_quantized);
    for (uint32_t row = 0; row < info->n_rows; row++) {
        float decoded[DIM_MAX], alone[DIM_MAX];
        fasttext_row(ft, row, decoded);
        fasttext_average(ft, &(struct fasttext_rows){&row, 1}, alone);
        assert_memory_equal(decoded, alone, info->dim * sizeof(float));
        if (!floats) continue;
        assert_true(floats >= file.data && floats + (row + 1) * stride <= file.data + file.bytes);
        assert_memory_equal(decoded, floats + row * stride, info->dim * sizeof(float));
    }
}

static void what_a_file_holds(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_MODELS; i++) {
        struct span file;
        struct fasttext *ft = open_model(&models[i], &file);
        check_info(fasttext_info(ft), &models[i]);
        check_texts(ft);
        check_rows(ft, file);
        fasttext_close(ft);
        let_go(file);
    }
}

/* All labels (of a tree, those that are not hopeless), best first, each once; a threshold keeps the
 * head of the same list. */
static void check_wishes(const struct fasttext *ft, const float *vector)
{
    const uint32_t n_labels = fasttext_info(ft)->n_labels;
    struct fasttext_predictions all, some;
    bool seen[300] = {false};
    struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_true(
        fasttext_predict(ft, vector, (struct fasttext_wish){.k = UINT32_MAX}, &arena, &all));
    bool is_tree = fasttext_info(ft)->loss == FASTTEXT_HIERARCHICAL;
    assert_in_range(all.n, is_tree ? 1 : n_labels, n_labels);
    for (size_t i = 0; i < all.n; i++) {
        assert_false(seen[all.items[i].label]);
        seen[all.items[i].label] = true;
        if (i > 0) assert_true(all.items[i - 1].probability >= all.items[i].probability);
    }
    struct fasttext_wish wish = {UINT32_MAX, 0.2f};
    assert_true(fasttext_predict(ft, vector, wish, &arena, &some));
    for (size_t i = 0; i < some.n; i++)
        assert_true(some.items[i].probability >= 0.2f);
    assert_true(some.n == all.n || all.items[some.n].probability < 0.2002f);
    assert_true(fasttext_predict(ft, vector, (struct fasttext_wish){.k = 0}, &arena, &some));
    assert_int_equal(some.n, 0);
    arena_clear(&arena);
}

static void as_many_labels_as_wished(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_MODELS; i++) {
        struct span file;
        struct fasttext *ft = open_model(&models[i], &file);
        float vector[DIM_MAX] = {0.5f, -1, 0.25f};
        struct fasttext_predictions best;
        if (fasttext_info(ft)->has_output) {
            check_wishes(ft, vector);
        } else {
            assert_true(fasttext_predict(ft, vector, (struct fasttext_wish){.k = 1}, NULL, &best));
            assert_int_equal(best.n, 0);
        }
        fasttext_close(ft);
        let_go(file);
    }
}

/* An arena at its cap is said, not survived by luck. */
static void a_full_arena_is_said(void **state)
{
    (void)state;
    struct span file, text = {"bread soup 面条", 17};
    struct fasttext *ft = open_model(&models[3], &file);
    float vector[DIM_MAX] = {0};
    struct fasttext_predictions best;
    struct fasttext_rows rows;
    struct arena arena;
    arena_init(&arena, 64);
    assert_false(fasttext_word_rows(ft, text, &arena, &rows));
    assert_false(fasttext_line_rows(ft, text, &arena, &rows));
    assert_false(fasttext_word_vector(ft, text, &arena, vector));
    assert_false(fasttext_sentence_vector(ft, text, &arena, vector));
    assert_false(fasttext_predict(ft, vector, (struct fasttext_wish){.k = 1}, &arena, &best));
    arena_clear(&arena);
    fasttext_close(ft);
    let_go(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_program_says_the_same),
        cmocka_unit_test(what_a_file_holds),
        cmocka_unit_test(as_many_labels_as_wished),
        cmocka_unit_test(a_full_arena_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
