/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are not what they should be, and rows of words and lines. */
#include "base/file.h"
#include "model/encoder/fasttext/fasttext.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "tests/data/fasttext/"
#define DIM_MAX 16

/* ---- files and the places in them ---- */

/* The arguments begin at byte 8; these are the numbers behind them. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 4,
    AT_DIM = 8,
    AT_WORD_NGRAMS = 28,
    AT_LOSS = 32,
    AT_MODEL = 36,
    AT_BUCKET = 40,
    AT_MAXN = 48,
    AT_SIZE = 64,
    AT_WORDS = 68,
    AT_LABELS = 72,
    AT_KEPT = 84,
    AT_ENTRIES = 92,
};

/* Where parts of a file begin, as far as they follow from its head. */
struct places {
    size_t last_entry, kept, input_flag;
};

static struct span read_model(const char *name)
{
    char path[256], *data;
    size_t bytes;
    struct err err;
    snprintf(path, sizeof path, FOLDER "%s", name);
    if (!file_read(path, 1 << 20, &data, &bytes, &err)) fail_msg("%s", err.message);
    return (struct span){data, bytes};
}

/* A copy of the first bytes, at its exact size, so that reading past its end is seen. */
static char *copy_of(struct span file, size_t bytes)
{
    char *copy = malloc(bytes + (bytes == 0));
    assert_non_null(copy);
    if (bytes > 0) memcpy(copy, file.data, bytes);
    return copy;
}

static void let_go(struct span file)
{
    free((void *)(uintptr_t)file.data);
}

static struct places find_places(struct span file)
{
    struct places places = {.kept = AT_ENTRIES};
    int32_t size;
    int64_t n_kept;
    memcpy(&size, file.data + AT_SIZE, sizeof size);
    memcpy(&n_kept, file.data + AT_KEPT, sizeof n_kept);
    for (int32_t i = 0; i < size; i++) {
        places.last_entry = places.kept;
        places.kept += strlen(file.data + places.kept) + 10;
    }
    places.input_flag = places.kept + 8 * (size_t)(n_kept > 0 ? n_kept : 0);
    return places;
}

/* Opens an exact copy of the bytes; the copy is gone when the model could not be opened. */
static struct fasttext *open_copy(struct span file, size_t bytes, char **copy, struct err *err)
{
    struct fasttext *ft;
    *copy = copy_of(file, bytes);
    *err = (struct err){0};
    if (fasttext_open(&ft, (struct span){*copy, bytes}, "x.bin", err)) return ft;
    assert_null(ft);
    free(*copy);
    *copy = NULL;
    return NULL;
}

static void refuse(struct span file, size_t bytes, const char *what)
{
    struct err err;
    char *copy;
    if (open_copy(file, bytes, &copy, &err)) fail_msg("was taken, though: %s", what);
    assert_int_equal(err.code, ERR_FORMAT);
    if (!strstr(err.message, what)) fail_msg("'%s' does not say '%s'", err.message, what);
    assert_int_equal(strncmp(err.message, "x.bin: ", 7), 0);
}

/* ---- what must be refused ---- */

/* From where an offset counts. */
enum from { HEAD, LAST_ENTRY, KEPT, INPUT, END };

/* A number of `bytes` bytes written over a file, and what the message says then. */
struct damage {
    const char *model;
    enum from from;
    long at;
    int bytes;
    int64_t value;
    const char *what;
};

/* In unpruned.ftz: 421 rows of 6 columns in 3 parts of 2. */
#define FTZ_CODES (421 * 3)
#define FTZ_QUANTIZER (1 + 1 + 8 + 8 + 4 + FTZ_CODES)

static const struct damage damages[] = {
    {"hs.bin", HEAD, AT_MAGIC, 4, 793712315, "begins with 793712315, not with the 793712314"},
    {"hs.bin", HEAD, AT_VERSION, 4, 10, "version 10"},
    {"hs.bin", HEAD, AT_VERSION, 4, 13, "version 13"},
    {"hs.bin", HEAD, AT_DIM, 4, 0, "dim is 0"},
    {"hs.bin", HEAD, AT_DIM, 4, -8, "dim is -8"},
    {"hs.bin", HEAD, AT_DIM, 4, 9, "rows of 8 numbers, but vectors have 9"},
    {"hs.bin", HEAD, AT_WORD_NGRAMS, 4, 101, "wordNgrams is 101"},
    {"hs.bin", HEAD, AT_LOSS, 4, 0, "loss is 0"},
    {"hs.bin", HEAD, AT_LOSS, 4, 5, "loss is 5"},
    {"hs.bin", HEAD, AT_MODEL, 4, 4, "model is 4"},
    {"hs.bin", HEAD, AT_MODEL, 4, FASTTEXT_CBOW, "output matrix has 6 rows, but there are 121"},
    {"cbow.bin", HEAD, AT_MODEL, 4, FASTTEXT_SUPERVISED, "has 121 rows, but there are 0 labels"},
    {"hs.bin", HEAD, AT_BUCKET, 4, -1, "bucket is -1"},
    {"hs.bin", HEAD, AT_BUCKET, 4, 201, "321 rows, but there are 121 words and 201 rows"},
    {"hs.bin", HEAD, AT_BUCKET, 4, INT32_MAX, "121 words and 2147483647 rows"},
    {"hs.bin", HEAD, AT_MAXN, 4, 101, "maxn is 101"},
    {"hs.bin", HEAD, AT_SIZE, 4, 126, "121 words and 6 labels in 126 entries"},
    {"hs.bin", HEAD, AT_SIZE, 4, -1, "in -1 entries"},
    {"hs.bin", HEAD, AT_WORDS, 4, -121, "-121 words"},
    {"hs.bin", HEAD, AT_LABELS, 4, INT32_MIN, "-2147483648 labels"},
    {"hs.bin", HEAD, AT_WORDS, 8, 0, "0 words and 0 labels"},
    {"hs.bin", HEAD, AT_WORDS, 8, INT64_C(127) << 32, "entry 0 of its dictionary, '</s>'"},
    {"hs.bin", HEAD, AT_KEPT, 8, 0, "pruned but not quantised"},
    {"hs.bin", HEAD, AT_KEPT, 8, -2, "keep -2 n-grams"},
    {"hs.bin", HEAD, AT_KEPT, 8, 201, "keep 201 n-grams of 200 buckets"},
    {"hs.bin", HEAD, AT_KEPT, 8, INT64_MIN, "keep -9223372036854775808"},
    {"hs.bin", HEAD, AT_KEPT, 8, INT64_MAX, "keep 9223372036854775807"},
    {"hs.bin", HEAD, AT_ENTRIES + 13, 1, 1, "'</s>' at byte 92, has type 1"},
    {"hs.bin", HEAD, AT_ENTRIES + 5, 8, -1, "count -1"},
    {"hs.bin", HEAD, AT_ENTRIES + 4, 1, 'x', "entry 1 of its dictionary, '"},
    {"hs.bin", LAST_ENTRY, -1, 1, 0, "must be a label"},
    {"hs.bin", LAST_ENTRY, 15, 8, INT64_C(1000000000000000), "10^15"},
    {"hs.bin", LAST_ENTRY, 15, 8, INT64_MAX, "10^15"},
    {"hs.bin", INPUT, 0, 1, 2, "is 2, but must be 0 or 1"},
    {"hs.bin", INPUT, 0, 1, 1, "the input matrix"},
    {"hs.bin", INPUT, 1, 8, 320, "its input matrix has 320 rows"},
    {"hs.bin", INPUT, 1, 8, -1, "would have -1 rows of 8"},
    {"hs.bin", INPUT, 1, 8, INT64_MAX, "9223372036854775807 rows"},
    {"hs.bin", INPUT, 1, 8, INT32_MAX, "should have 68719476704 bytes"},
    {"hs.bin", INPUT, 9, 8, INT64_C(8) << 32, "of 34359738368 numbers"},
    {"hs.bin", END, -6 * 32 - 17, 1, -1, "is 255, but must be 0 or 1"},
    {"hs.bin", END, -6 * 32 - 16, 8, 5, "output matrix has 5 rows, but there are 6 labels"},
    {"hs.bin", END, -6 * 32 - 16, 8, 7, "output matrix should have 224 bytes"},
    {"cbow.bin", END, -121 * 40 - 16, 8, 120, "output matrix has 120 rows, but there are 121"},
    {"pruned.ftz", KEPT, 0, 4, -1, "kept n-gram 0 puts bucket -1"},
    {"pruned.ftz", KEPT, 0, 4, 900, "puts bucket 900 in row"},
    {"pruned.ftz", KEPT, 4, 4, 264, "in row 264"},
    {"pruned.ftz", KEPT, 4, 4, -1, "in row -1"},
    {"pruned.ftz", HEAD, AT_KEPT, 8, -1, "must be 0 or 1"},
    {"unpruned.ftz", INPUT, 0, 1, 0, "the input matrix"},
    {"unpruned.ftz", INPUT, 1, 1, 2, "the input matrix at byte"},
    {"unpruned.ftz", INPUT, 1, 1, 1, "the input matrix"},
    {"unpruned.ftz", INPUT, 2, 8, 420, "has 1263 codes for 420 rows of 3 parts"},
    {"unpruned.ftz", INPUT, 18, 4, -1, "would have -1 codes"},
    {"unpruned.ftz", INPUT, 18, 4, INT32_MAX, "should have 2147483647 bytes"},
    {"unpruned.ftz", INPUT, FTZ_QUANTIZER, 4, 7, "3 parts of 2 and the last of 2 for 7 numbers"},
    {"unpruned.ftz", INPUT, FTZ_QUANTIZER + 4, 4, 2, "2 parts of 2"},
    {"unpruned.ftz", INPUT, FTZ_QUANTIZER + 4, 4, 0, "0 parts"},
    {"unpruned.ftz", INPUT, FTZ_QUANTIZER + 4, 4, INT32_MAX, "2147483647 parts"},
    {"unpruned.ftz", INPUT, FTZ_QUANTIZER + 8, 4, 0, "parts of 0"},
    {"unpruned.ftz", INPUT, FTZ_QUANTIZER + 8, 4, INT32_MIN, "parts of -2147483648"},
    {"unpruned.ftz", INPUT, FTZ_QUANTIZER + 12, 4, 1, "the last of 1"},
    {"unpruned.ftz", INPUT, FTZ_QUANTIZER + 12, 4, -2, "the last of -2"},
};

static size_t place_of(const struct damage *damage, struct span file)
{
    struct places places = find_places(file);
    const size_t from[] = {
        [HEAD] = 0,           [LAST_ENTRY] = places.last_entry,
        [KEPT] = places.kept, [INPUT] = places.input_flag,
        [END] = file.bytes,
    };
    return from[damage->from] + (size_t)damage->at;
}

static void damage_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        const struct damage *damage = &damages[i];
        struct span file = read_model(damage->model);
        char *copy = copy_of(file, file.bytes);
        size_t at = place_of(damage, file);
        assert_true(at + (size_t)damage->bytes <= file.bytes);
        memcpy(copy + at, &damage->value, (size_t)damage->bytes); /* the low bytes come first */
        refuse((struct span){copy, file.bytes}, file.bytes, damage->what);
        free(copy);
        let_go(file);
    }
}

/* Writes the text of another entry of the same length over the last one. */
static void repeat_text(char *bytes, size_t last)
{
    size_t length = strlen(bytes + last), at = AT_ENTRIES;
    while (strlen(bytes + at) != length)
        at += strlen(bytes + at) + 10;
    assert_true(at < last);
    memcpy(bytes + last, bytes + at, length);
}

static void the_same_twice(void **state)
{
    (void)state;
    struct span file = read_model("ova.bin");
    char *copy = copy_of(file, file.bytes);
    repeat_text(copy, find_places(file).last_entry);
    refuse((struct span){copy, file.bytes}, file.bytes, "and 661 of its dictionary are both '");
    free(copy);
    let_go(file);
    file = read_model("pruned.ftz");
    copy = copy_of(file, file.bytes);
    size_t kept = find_places(file).kept;
    memcpy(copy + kept + 8, copy + kept, 4);
    refuse((struct span){copy, file.bytes}, file.bytes, "kept n-grams 0 and 1 are both of bucket");
    free(copy);
    let_go(file);
}

/* Two labels and nothing else: vectors of any length would fit that. */
static void neither_words_nor_ngrams(void **state)
{
    (void)state;
    struct span file = read_model("ova.bin");
    char bytes[AT_ENTRIES + 2 * 11 + 1 + 16 + 1 + 16] = {0};
    const int32_t counts[] = {2, 0, 2}, dim = INT32_MAX, model = FASTTEXT_CBOW;
    const int64_t cols = INT32_MAX, pruned = -1;
    memcpy(bytes, file.data, AT_ENTRIES);
    memcpy(bytes + AT_DIM, &dim, sizeof dim);
    memcpy(bytes + AT_MODEL, &model, sizeof model);
    memcpy(bytes + AT_SIZE, counts, sizeof counts);
    memcpy(bytes + AT_KEPT, &pruned, sizeof pruned);
    bytes[AT_ENTRIES] = 'a';
    bytes[AT_ENTRIES + 11] = 'b';
    bytes[AT_ENTRIES + 10] = bytes[AT_ENTRIES + 21] = 1; /* labels */
    memcpy(bytes + AT_ENTRIES + 22 + 1 + 8, &cols, sizeof cols);
    memcpy(bytes + AT_ENTRIES + 22 + 1 + 16 + 1 + 8, &cols, sizeof cols);
    refuse((struct span){bytes, sizeof bytes}, sizeof bytes, "neither words nor n-grams");
    let_go(file);
}

/* Messages are UTF-8 whatever the words are. */
static void a_damaged_word_is_not_quoted(void **state)
{
    (void)state;
    struct span file = read_model("hs.bin");
    char *copy = copy_of(file, file.bytes), *opened;
    struct err err;
    memcpy(copy + AT_ENTRIES, "a\xff\xfe", 3);
    copy[AT_ENTRIES + 13] = 7;
    assert_null(open_copy((struct span){copy, file.bytes}, file.bytes, &opened, &err));
    assert_non_null(strstr(err.message, "'a' at byte 92, has type 7"));
    free(copy);
    let_go(file);
}

static void a_file_cut_short(void **state)
{
    (void)state;
    static const char *const names[] = {"ns.bin", "unpruned.ftz", "pruned.ftz", "qout.ftz"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct span file = read_model(names[i]);
        size_t step = file.bytes < 10000 ? 1 : 7;
        for (size_t bytes = 0; bytes < file.bytes; bytes += step)
            refuse(file, bytes, "copy it again");
        let_go(file);
    }
}

static void bytes_behind_the_end(void **state)
{
    (void)state;
    struct span file = read_model("ns.bin");
    char *longer = malloc(file.bytes + 1);
    assert_non_null(longer);
    memcpy(longer, file.data, file.bytes);
    longer[file.bytes] = '\n';
    refuse((struct span){longer, file.bytes + 1}, file.bytes + 1, "1 bytes follow the output");
    free(longer);
    let_go(file);
}

/* ---- what must be borne ---- */

static void use(const struct fasttext *ft, struct span text)
{
    const struct fasttext_info *info = fasttext_info(ft);
    float *vector = malloc(info->dim * sizeof *vector);
    assert_non_null(vector);
    struct fasttext_predictions best;
    struct fasttext_rows rows;
    struct arena arena;
    arena_init(&arena, 1 << 22);
    assert_true(fasttext_word_vector(ft, text, &arena, vector));
    assert_true(fasttext_line_rows(ft, text, &arena, &rows));
    for (size_t i = 0; i < rows.n; i++)
        assert_true(rows.ids[i] < info->n_rows);
    assert_true(fasttext_sentence_vector(ft, text, &arena, vector));
    struct fasttext_wish wish = {.k = UINT32_MAX};
    assert_true(fasttext_predict(ft, vector, wish, &arena, &best));
    for (size_t i = 0; i < best.n; i++)
        fasttext_label(ft, best.items[i].label);
    arena_clear(&arena);
    free(vector);
}

/* Bytes changed at random: refused, or a model that can be used; NaN and Inf are no matter. */
static void random_damage(void **state)
{
    (void)state;
    static const char *const names[] = {"hs.bin", "ns.bin", "unpruned.ftz", "qout.ftz"};
    uint32_t random = 1;
    for (size_t i = 0; i < 2000; i++) {
        struct span file = read_model(names[i % 4]);
        char *copy = copy_of(file, file.bytes), *opened;
        for (int j = 0; j < 3; j++) {
            random = random * 1664525u + 1013904223u;
            size_t end = j == 0 ? 100 : file.bytes;
            copy[(random >> 8) % end] = (char)(random & 1 ? 0xFF : random >> 3);
        }
        struct err err;
        struct fasttext *ft = open_copy((struct span){copy, file.bytes}, file.bytes, &opened, &err);
        if (ft) {
            use(ft, (struct span){"bread soup n7 \xe9\x80 __label__food 面条", 36});
            fasttext_close(ft);
        }
        free(opened);
        free(copy);
        let_go(file);
    }
}

static struct fasttext *open_changed(const char *name, size_t at, int32_t value, char **copy)
{
    struct span file = read_model(name);
    struct err err;
    memcpy((char *)(uintptr_t)file.data + at, &value, sizeof value);
    struct fasttext *ft = open_copy(file, file.bytes, copy, &err);
    if (!ft) fail_msg("%s", err.message);
    let_go(file);
    return ft;
}

static size_t count_rows(const struct fasttext *ft, const char *text, size_t bytes, bool is_line)
{
    struct fasttext_rows rows;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct span span = {text, bytes};
    assert_true(is_line ? fasttext_line_rows(ft, span, &arena, &rows)
                        : fasttext_word_rows(ft, span, &arena, &rows));
    arena_clear(&arena);
    return rows.n;
}

static size_t in_word(const struct fasttext *ft, const char *word)
{
    return count_rows(ft, word, strlen(word), false);
}

static size_t in_line(const struct fasttext *ft, const char *line)
{
    return count_rows(ft, line, strlen(line), true);
}

static void old_and_odd_arguments(void **state)
{
    (void)state;
    char *copy;
    struct fasttext *ft = open_changed("hs.bin", AT_VERSION, 11, &copy);
    assert_int_equal(fasttext_info(ft)->maxn, 0);
    assert_int_equal(in_word(ft, "bread"), 1);
    fasttext_close(ft);
    free(copy);
    ft = open_changed("skipgram.bin", AT_VERSION, 11, &copy);
    assert_int_equal(fasttext_info(ft)->maxn, 4);
    fasttext_close(ft);
    free(copy);
    ft = open_changed("hs.bin", AT_MAXN, -1, &copy);
    assert_int_equal(fasttext_info(ft)->maxn, 0);
    fasttext_close(ft);
    free(copy);
    ft = open_changed("hs.bin", AT_WORD_NGRAMS, -5, &copy);
    assert_int_equal(fasttext_info(ft)->word_ngrams, 1);
    assert_int_equal(in_line(ft, ""), 1);
    fasttext_close(ft);
    free(copy);
}

/* Buckets of n-grams, but no room for any: there are none, rather than a division by zero. */
static void no_buckets(void **state)
{
    (void)state;
    char *copy;
    struct fasttext *ft = open_changed("cbow.bin", AT_MAXN, 3, &copy);
    assert_int_equal(in_word(ft, "bread"), 1);
    assert_int_equal(in_word(ft, "unseen"), 0);
    fasttext_close(ft);
    free(copy);
    ft = open_changed("ova.bin", AT_WORD_NGRAMS, 3, &copy);
    assert_int_equal(in_line(ft, "bread soup"), 3);
    fasttext_close(ft);
    free(copy);
}

static void vectors_without_an_output(void **state)
{
    (void)state;
    struct span file = read_model("cbow.bin");
    size_t bytes = file.bytes - 121 * 40;
    struct err err;
    char *copy;
    memset((char *)(uintptr_t)file.data + bytes - 16, 0, 8); /* its rows */
    struct fasttext *ft = open_copy(file, bytes, &copy, &err);
    if (!ft) fail_msg("%s", err.message);
    use(ft, (struct span){"bread soup", 10});
    fasttext_close(ft);
    free(copy);
    let_go(file);
}

/* All n-grams cut away: the rows of the words are left. */
static void no_ngram_kept(void **state)
{
    (void)state;
    struct span file = read_model("unpruned.ftz");
    char *bytes = copy_of(file, file.bytes), *copy;
    size_t shape = find_places(file).input_flag + 2, cut = 300 * 3;
    int64_t kept = 0, rows = 121;
    int32_t codes = 121 * 3;
    struct err err;
    memcpy(bytes + AT_KEPT, &kept, 8);
    memcpy(bytes + shape, &rows, 8);
    memcpy(bytes + shape + 16, &codes, 4);
    size_t behind = shape + 20 + (size_t)codes;
    memmove(bytes + behind, bytes + behind + cut, file.bytes - behind - cut);
    struct span changed = {bytes, file.bytes - cut};
    struct fasttext *ft = open_copy(changed, changed.bytes, &copy, &err);
    if (!ft) fail_msg("%s", err.message);
    assert_int_equal(fasttext_info(ft)->n_rows, 121);
    assert_int_equal(in_line(ft, "bread soup"), 3);
    use(ft, (struct span){"bread soup", 10});
    fasttext_close(ft);
    free(copy);
    free(bytes);
    let_go(file);
}

/* ---- rows ---- */

static struct fasttext *open_model(const char *name, char **copy)
{
    return open_changed(name, AT_MAGIC, 793712314, copy);
}

static void rows_of_words(void **state)
{
    (void)state;
    char *copy;
    struct fasttext *ft = open_model("skipgram.bin", &copy);
    assert_int_equal(in_word(ft, "面条"), 1 + 6);  /* <面 <面条 <面条> 面条 面条> 条> */
    assert_int_equal(in_word(ft, "饭"), 3);        /* <饭 <饭> 饭>: not in the vocabulary */
    assert_int_equal(in_word(ft, ""), 1);          /* <> */
    assert_int_equal(in_word(ft, "</s>"), 1);      /* no n-grams */
    assert_int_equal(in_word(ft, "\x80\x80z"), 3); /* <\x80\x80 counts as one character */
    assert_int_equal(in_word(ft, "ab\xe9\xff"), 12);
    fasttext_close(ft);
    free(copy);
}

static void rows_of_lines(void **state)
{
    (void)state;
    char *copy;
    struct fasttext *ft = open_model("softmax.bin", &copy); /* pairs of words */
    assert_int_equal(in_line(ft, ""), 1);                   /* </s> */
    assert_int_equal(in_line(ft, "bread soup"), 3 + 2);
    assert_int_equal(in_line(ft, " \t bread\nsoup\r\n"), 3 + 2);
    assert_int_equal(count_rows(ft, "bread\0soup", 10, true), 3 + 2);
    assert_int_equal(in_line(ft, "bread </s> soup"), 2 + 1);
    assert_int_equal(in_line(ft, "bread soup </s>"), 3 + 2);
    assert_int_equal(in_line(ft, "bread __label__food __label__unheard soup"), 3 + 2);
    assert_int_equal(in_line(ft, "bread unseen soup"), 3 + 3); /* in pairs unknown words count */
    fasttext_close(ft);
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damage_is_named),
        cmocka_unit_test(the_same_twice),
        cmocka_unit_test(neither_words_nor_ngrams),
        cmocka_unit_test(a_damaged_word_is_not_quoted),
        cmocka_unit_test(a_file_cut_short),
        cmocka_unit_test(bytes_behind_the_end),
        cmocka_unit_test(random_damage),
        cmocka_unit_test(old_and_odd_arguments),
        cmocka_unit_test(no_buckets),
        cmocka_unit_test(vectors_without_an_output),
        cmocka_unit_test(no_ngram_kept),
        cmocka_unit_test(rows_of_words),
        cmocka_unit_test(rows_of_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
