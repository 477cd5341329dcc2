/* SPDX-License-Identifier: Apache-2.0 */
/* Labelled files as ids and numbers of labels, and what is told of them. */
#include "base/json.h"
#include "model/train/examples.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct model *model; /* 0 [UNK] 1 他 2 我 3 爱 4 吃 5 你 6 饭 7 a 8 b 9 c 10 d 11 e */
static struct err err;

static int start(void **state)
{
    (void)state;
    json_init();
    return model_open(&model, "tests/data/golden/f32", &err) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    model_close(model);
    return 0;
}

/* What a file of these bytes gives; false: err says why. */
static bool read_bytes(struct examples *examples, const char *data, size_t bytes, char separator,
                       const struct examples *names_of)
{
    char path[64];
    int fd = memfd_create("examples", MFD_CLOEXEC);
    const struct labelled_options options = {.label_separator = separator};
    assert_int_equal(write(fd, data, bytes), bytes);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    err = (struct err){0};
    bool ok = examples_read(examples, model, path, &options, names_of, NULL, NULL, &err);
    close(fd);
    return ok;
}

static struct examples read_text(const char *text, char separator, const struct examples *names_of)
{
    struct examples examples;
    if (!read_bytes(&examples, text, strlen(text), separator, names_of))
        fail_msg("%s", err.message);
    return examples;
}

static void refuse(const char *text, char separator, const char *why)
{
    struct examples examples;
    assert_false(read_bytes(&examples, text, strlen(text), separator, NULL));
    assert_int_equal(err.code, ERR_FORMAT);
    if (!strstr(err.message, why)) fail_msg("'%s' does not say '%s'", err.message, why);
    assert_true(examples.n == 0 && !examples.items && !examples.names);
    examples_clear(&examples);
}

static void check_labels(const struct examples *examples, size_t row, const uint32_t *labels,
                         uint32_t n)
{
    const struct example *item = &examples->items[row];
    assert_int_equal(item->n_labels, n);
    if (n > 0) assert_memory_equal(examples->labels + item->labels_at, labels, n * sizeof *labels);
}

#define LABELS(...)                                                                                \
    (const uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)

static void rows_become_ids_and_numbers(void **state)
{
    (void)state;
    static const uint32_t first[] = {2, 3}, second[] = {7, 0, 8};
    struct examples examples = read_text("text,label\n我爱,x\na zzz b,w\n", '\0', NULL);
    assert_int_equal(examples.n, 2);
    assert_false(examples.is_multi);
    assert_int_equal(examples.items[0].n_ids, 2);
    assert_memory_equal(examples.ids + examples.items[0].ids_at, first, sizeof first);
    assert_int_equal(examples.items[1].n_ids, 3);
    assert_memory_equal(examples.ids + examples.items[1].ids_at, second, sizeof second);
    check_labels(&examples, 0, LABELS(1));
    check_labels(&examples, 1, LABELS(0));
    examples_clear(&examples);
    examples_clear(&examples);
}

static void labels_are_numbered_in_the_order_of_their_bytes(void **state)
{
    (void)state;
    static const char *const wanted[] = {"10", "2", "Z", "a", "a b", "ab", "é", "饭"};
    struct examples examples =
        read_text("text,label\na,é\na,a b\na,2\na,饭\na,Z\na,10\na,ab\na,a\na,2\n", '\0', NULL);
    assert_int_equal(examples_n_names(&examples), 8);
    for (uint32_t i = 0; i < 8; i++)
        assert_string_equal(examples_names(&examples)[i], wanted[i]);
    static const uint32_t numbers[] = {6, 4, 1, 7, 2, 0, 5, 3, 1};
    for (size_t row = 0; row < 9; row++)
        check_labels(&examples, row, &numbers[row], 1);
    examples_clear(&examples);
}

/* `first` before rows of two labels, five of each, by number. */
static struct examples read_after(const char *first, const char *last, enum labelled_header header,
                                  const struct examples *names_of)
{
    char path[64], text[400];
    struct examples examples;
    int n = snprintf(text, sizeof text, "%s\n", first);
    for (int i = 0; i < 5; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "a,x\nb c,y\n");
    n += snprintf(text + n, sizeof text - (size_t)n, "%s", last);
    int fd = memfd_create("examples", MFD_CLOEXEC);
    const struct labelled_options options = {.text = "1", .label = "2", .header = header};
    assert_int_equal(write(fd, text, (size_t)n), n);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (!examples_read(&examples, model, path, &options, names_of, NULL, NULL, &err))
        fail_msg("%s", err.message);
    close(fd);
    return examples;
}

static void check_after(const char *first, const char *last, enum labelled_header header,
                        enum examples_first_row want, size_t n, uint32_t n_names)
{
    struct examples examples = read_after(first, last, header, NULL);
    assert_int_equal(examples.report.first_row, want);
    assert_int_equal(examples.n, n);
    assert_int_equal(examples_n_names(&examples), n_names);
    if (want != FIRST_ROW_PLAIN) assert_string_equal(examples.report.first_label.text, "v1");
    examples_clear(&examples);
}

static void a_first_row_whose_label_is_nowhere_else_is_a_header(void **state)
{
    (void)state;
    check_after("v2,v1", "", LABELLED_HEADER_AUTO, FIRST_ROW_HEADER, 10, 2);
    check_after("v2,v1", "", LABELLED_HEADER_YES, FIRST_ROW_PLAIN, 10, 2);
    check_after("v2,v1", "", LABELLED_HEADER_NO, FIRST_ROW_PLAIN, 11, 3);
    /* Its label is that of a later row. */
    check_after("v2,x", "", LABELLED_HEADER_AUTO, FIRST_ROW_PLAIN, 11, 2);
    check_after("v2,v1", "d,v1\n", LABELLED_HEADER_AUTO, FIRST_ROW_PLAIN, 12, 3);
    /* Another label comes once too. */
    check_after("v2,v1", "d,z\n", LABELLED_HEADER_AUTO, FIRST_ROW_DOUBTFUL, 12, 4);
    check_after("Unnamed: 0,v1", "", LABELLED_HEADER_AUTO, FIRST_ROW_HEADER, 10, 2);
    /* What does not look like names is kept. */
    static const char *const odd[] = {"a b c d.,v1", "SMS?,v1", "0,v1",
                                      "The text of the review,v1"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        check_after(odd[i], "", LABELLED_HEADER_AUTO, FIRST_ROW_DOUBTFUL, 11, 3);
    /* Another rare label says that labels are rare. */
    check_after("a b c d.,v1", "d,z\n", LABELLED_HEADER_AUTO, FIRST_ROW_PLAIN, 12, 4);
    check_after("a b c d.,x", "", LABELLED_HEADER_AUTO, FIRST_ROW_PLAIN, 11, 2);
}

static void a_first_row_that_is_kept_stays_the_first(void **state)
{
    (void)state;
    static const uint32_t wanted[] = {10, 7};
    struct examples examples = read_after("d,x", "", LABELLED_HEADER_AUTO, NULL);
    for (size_t row = 0; row < 2; row++)
        assert_int_equal(examples.ids[examples.items[row].ids_at], wanted[row]);
    check_labels(&examples, 0, LABELS(0));
    examples_clear(&examples);
}

static void few_rows_do_not_tell_a_header(void **state)
{
    (void)state;
    struct examples examples;
    const struct labelled_options options = {.text = "1", .label = "2"};
    char path[64];
    static const char text[] = "v2,v1\na,x\nb,y\na,x\nb,y\n";
    int fd = memfd_create("examples", MFD_CLOEXEC);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    assert_true(examples_read(&examples, model, path, &options, NULL, NULL, NULL, &err));
    close(fd);
    assert_int_equal(examples.n, 5);
    assert_int_equal(examples.report.first_row, FIRST_ROW_DOUBTFUL);
    examples_clear(&examples);
}

/* A file of these bytes, by its path. */
static const char *path_of(const char *text, char path[64])
{
    int fd = memfd_create("examples", MFD_CLOEXEC);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return path;
}

static void several_files_are_one_set_of_rows(void **state)
{
    (void)state;
    static const char *const files[] = {"text,label\na,x\nb,y\n",
                                        "{\"comment\": \"c\", \"intent\": \"y\"}\n",
                                        "label\ttext\nz\td\nx\ta\n"};
    static const uint32_t ids[] = {7, 8, 9, 10, 7};
    struct examples examples;
    char path[64];
    assert_true(examples_begin(&examples, NULL, &err));
    for (size_t i = 0; i < 3; i++)
        assert_true(
            examples_read_file(&examples, model, path_of(files[i], path), NULL, NULL, NULL, &err));
    assert_true(examples_end(&examples, "all", &err));
    assert_int_equal(examples.n, 5);
    assert_int_equal(examples_n_names(&examples), 3);
    for (size_t row = 0; row < 5; row++)
        assert_int_equal(examples.ids[examples.items[row].ids_at], ids[row]);
    check_labels(&examples, 0, LABELS(0));
    check_labels(&examples, 2, LABELS(1));
    check_labels(&examples, 3, LABELS(2));
    assert_int_equal(examples.report.n_duplicates, 1);
    examples_clear(&examples);
}

static void each_file_has_a_first_row_of_its_own(void **state)
{
    (void)state;
    const struct labelled_options options = {.text = "1", .label = "2"};
    struct examples examples;
    char path[64];
    static const char rows[] = "a,x\nb,y\na,x\nb,y\na,x\nb,y\na,x\nb,y\na,x\nb,y\n";
    char text[100];
    assert_true(examples_begin(&examples, NULL, &err));
    assert_true(
        examples_read_file(&examples, model, path_of(rows, path), &options, NULL, NULL, &err));
    assert_int_equal(examples.report.first_row, FIRST_ROW_PLAIN);
    snprintf(text, sizeof text, "v2,v1\n%s", rows);
    assert_true(
        examples_read_file(&examples, model, path_of(text, path), &options, NULL, NULL, &err));
    assert_int_equal(examples.report.first_row, FIRST_ROW_HEADER);
    assert_true(examples_read_file(&examples, model, path_of("d,y\ne,x\n", path), &options, NULL,
                                   NULL, &err));
    assert_int_equal(examples.report.first_row, FIRST_ROW_PLAIN);
    assert_true(examples_end(&examples, "all", &err));
    assert_int_equal(examples.n, 22);
    assert_int_equal(examples.ids[examples.items[20].ids_at], 10);
    assert_int_equal(examples.ids[examples.items[21].ids_at], 11);
    check_labels(&examples, 20, LABELS(1));
    examples_clear(&examples);
    /* A file without rows is named, whatever was read before. */
    assert_true(examples_begin(&examples, NULL, &err));
    assert_true(
        examples_read_file(&examples, model, path_of(rows, path), &options, NULL, NULL, &err));
    assert_false(examples_read_file(&examples, model, path_of("text,label\n", path), NULL, NULL,
                                    NULL, &err));
    assert_non_null(strstr(err.message, " holds no rows besides its header"));
    examples_clear(&examples);
}

static void a_header_of_validation_rows_is_what_training_rows_do_not_know(void **state)
{
    (void)state;
    struct examples examples = read_after("a,x", "", LABELLED_HEADER_AUTO, NULL);
    struct examples held = read_after("v2,v1", "", LABELLED_HEADER_AUTO, &examples);
    assert_int_equal(held.report.first_row, FIRST_ROW_HEADER);
    assert_int_equal(held.n, 10);
    assert_int_equal(held.report.n_unknown_labels, 0);
    examples_clear(&held);
    held = read_after("v2,v1", "a,v1\n", LABELLED_HEADER_AUTO, &examples);
    assert_int_equal(held.n, 12);
    assert_int_equal(held.report.n_unknown_labels, 2);
    examples_clear(&held);
    examples_clear(&examples);
}

static void a_header_in_the_middle_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        uint64_t line;
    } files[] = {
        {"text,label\na,x\ntext,label\nb,y\n", 1, 3},
        {"text,label\na,x\ntext,label\nb,y\ntext,label\nc,x\n", 2, 3},
        {"text,label\na,x\nb,y\nc,label\n", 1, 4}, /* its label is there once */
        {"text,label\na,x\nb,label\nc,label\n", 0, 0},
        {"text,label\na,x\nb,y\n", 0, 0},
        {"{\"text\":\"a\",\"label\":\"label\"}\n{\"text\":\"b\",\"label\":\"x\"}\n", 0, 0},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct examples examples = read_text(files[i].text, '\0', NULL);
        assert_int_equal(examples.report.n_headers, files[i].n);
        if (files[i].n > 0) assert_int_equal(examples.report.header_line, files[i].line);
        examples_clear(&examples);
    }
}

static void what_a_user_should_know_is_counted(void **state)
{
    (void)state;
    struct examples examples = read_text("text,label\n"
                                         "a,x\na,x\na,x\n" /* two duplicates */
                                         "b,x\nb,y\n"      /* a contradiction */
                                         "A,x\n"           /* a duplicate but for its case */
                                         "zzz,x\n,y\n"     /* without a known token */
                                         "c,y\n",
                                         '\0', NULL);
    const struct examples_report *report = &examples.report;
    assert_int_equal(examples.n, 9);
    assert_int_equal(report->n_duplicates, 3);
    assert_int_equal(report->n_contradictory, 1);
    assert_int_equal(report->n_empty, 2);
    assert_int_equal(report->n_unlabelled, 0);
    assert_int_equal(report->n_unknown_labels, 0);
    examples_clear(&examples);
}

static void a_row_may_have_several_labels_or_none(void **state)
{
    (void)state;
    struct examples examples =
        read_text("text,label\na,y|x\na,x|y|x\nb,\nc,z\nb,x\nb,|\n", '|', NULL);
    assert_true(examples.is_multi);
    assert_int_equal(examples_n_names(&examples), 3);
    check_labels(&examples, 0, LABELS(0, 1));
    check_labels(&examples, 1, LABELS(0, 1));
    check_labels(&examples, 2, NULL, 0);
    check_labels(&examples, 3, LABELS(2));
    assert_int_equal(examples.report.n_unlabelled, 2);
    assert_int_equal(examples.report.n_duplicates, 2);
    assert_int_equal(examples.report.n_contradictory, 1);
    examples_clear(&examples);
}

static void lists_of_json_make_it_multi_label_too(void **state)
{
    (void)state;
    struct examples examples = read_text("{\"text\":\"a\",\"label\":[\"x\"]}\n"
                                         "{\"text\":\"b\",\"label\":[]}\n"
                                         "{\"text\":\"c\",\"label\":[3,\"x\"]}\n",
                                         '\0', NULL);
    assert_true(examples.is_multi);
    check_labels(&examples, 2, LABELS(0, 1));
    assert_string_equal(examples_names(&examples)[0], "3");
    examples_clear(&examples);
    examples = read_text("{\"text\":\"a\",\"label\":[\"x\"]}\n{\"text\":\"b\",\"label\":true}\n",
                         '\0', NULL);
    assert_false(examples.is_multi);
    examples_clear(&examples);
}

static void one_label_makes_no_classifier_unless_it_may_be_missing(void **state)
{
    (void)state;
    refuse("text,label\na,x\nb,x\n", '\0', "every row has the same label, 'x'");
    refuse("text,label\na,\nb,\n", '|', "every row has the same label");
    struct examples examples = read_text("text,label\na,x\nb,\n", '|', NULL);
    assert_int_equal(examples_n_names(&examples), 1);
    examples_clear(&examples);
}

static void no_rows_are_an_error(void **state)
{
    (void)state;
    refuse("text,label\n", '\0', "holds no rows besides its header");
    refuse("", '\0', "is empty");
    refuse("text,label\na,x\nb,\"y\n", '\0', "line 3");
}

static void a_label_with_a_nul_is_refused(void **state)
{
    (void)state;
    static const char text[] = "text,label\na,x\nb,y\0z\n";
    struct examples examples;
    assert_false(read_bytes(&examples, text, sizeof text - 1, '\0', NULL));
    assert_int_equal(err.code, ERR_FORMAT);
    assert_non_null(strstr(err.message, "line 3: a label holds the character NUL"));
}

/* ---- too many labels ---- */

/* So many rows, their labels going round. */
static char *round_robin(unsigned n_rows, unsigned n_labels)
{
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    fputs("text,label\n", out);
    for (unsigned i = 0; i < n_rows; i++)
        fprintf(out, "a,l%u\n", i % n_labels);
    fclose(out);
    return text;
}

static void labels_as_many_as_rows_are_a_wrong_column(void **state)
{
    (void)state;
    static const struct {
        unsigned n_rows, n_labels;
        bool is_fine;
    } cases[] = {{1000, 1000, true},
                 {1001, 1001, false},
                 {2001, 1001, false},
                 {2002, 1001, true},
                 {140000, 65537, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = round_robin(cases[i].n_rows, cases[i].n_labels);
        if (cases[i].is_fine) {
            struct examples examples = read_text(text, '\0', NULL);
            assert_int_equal(examples_n_names(&examples), cases[i].n_labels);
            examples_clear(&examples);
        } else {
            refuse(text, '\0', "different labels in ");
            assert_non_null(strstr(err.message, "`label`"));
        }
        free(text);
    }
}

/* ---- rows to measure by ---- */

static void other_rows_take_the_names_of_the_first(void **state)
{
    (void)state;
    struct examples examples = read_text("text,label\na,x\nb,y\nc,z\n", '\0', NULL);
    struct examples held = read_text("text,label\na,z\nb,new\nc,x\nd,newer\n", '\0', &examples);
    assert_int_equal(held.report.n_unknown_labels, 2);
    assert_int_equal(held.report.n_duplicates, 0);
    check_labels(&held, 0, LABELS(2));
    check_labels(&held, 1, LABELS(EXAMPLES_NO_LABEL));
    check_labels(&held, 2, LABELS(0));
    assert_int_equal(examples_n_names(&held), 3);
    /* One label only is fine here. */
    struct examples one = read_text("text,label\na,x\nb,x\n", '\0', &examples);
    assert_int_equal(one.n, 2);
    examples_clear(&one);
    examples_clear(&held);
    assert_int_equal(examples_n_names(&examples), 3);
    examples_clear(&examples);
}

static void unknown_labels_of_a_row_become_one_behind_the_known(void **state)
{
    (void)state;
    struct examples examples = read_text("text,label\na,x\nb,y\n", '|', NULL);
    struct examples held = read_text("text,label\na,new|y|other\n", '|', &examples);
    check_labels(&held, 0, LABELS(1, EXAMPLES_NO_LABEL));
    assert_int_equal(held.report.n_unknown_labels, 1);
    examples_clear(&held);
    examples_clear(&examples);
}

static void names_are_found_whatever_order_they_came_in(void **state)
{
    (void)state;
    static const unsigned n = 200; /* 137 and 200 have no common factor: each once */
    char *text, *other;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    fputs("text,label\n", out);
    for (unsigned i = 0; i < n; i++)
        fprintf(out, "a,l%03u\n", (i * 137 + 5) % n);
    fclose(out);
    out = open_memstream(&other, &bytes);
    fputs("text,label\n", out);
    for (unsigned i = 0; i < n; i++)
        fprintf(out, "a,l%03u\n", i);
    fclose(out);
    struct examples examples = read_text(text, '\0', NULL);
    struct examples held = read_text(other, '\0', &examples);
    for (uint32_t i = 0; i < n; i++) {
        check_labels(&examples, i, LABELS((i * 137 + 5) % n));
        check_labels(&held, i, LABELS(i));
    }
    examples_clear(&held);
    examples_clear(&examples);
    free(other);
    free(text);
}

/* ---- by hand ---- */

static void rows_may_be_appended(void **state)
{
    (void)state;
    static const uint32_t ids[] = {2, 3, 4};
    struct examples examples = read_text("text,label\na,x\nb,y\n", '\0', NULL);
    const uint64_t before = examples_fingerprint(&examples);
    assert_true(examples_add(&examples, ids, 3, LABELS(1, 0, 1), &err));
    assert_true(examples_add(&examples, NULL, 0, NULL, 0, &err));
    assert_int_equal(examples.n, 4);
    assert_memory_equal(examples.ids + examples.items[2].ids_at, ids, sizeof ids);
    check_labels(&examples, 2, LABELS(0, 1));
    check_labels(&examples, 3, NULL, 0);
    assert_int_equal(examples.items[3].n_ids, 0);
    assert_true(examples_fingerprint(&examples) != before);
    examples_clear(&examples);
}

static uint64_t fingerprint_of(const char *text)
{
    struct examples examples = read_text(text, '|', NULL);
    const uint64_t found = examples_fingerprint(&examples);
    examples_clear(&examples);
    return found;
}

static void whatever_differs_has_another_fingerprint(void **state)
{
    (void)state;
    static const char *const different[] = {
        "text,label\na b,x\nc,y\n",   "text,label\na,x\nb c,y\n", "text,label\na b,y\nc,x\n",
        "text,label\nc,y\na b,x\n",   "text,label\na b,x\nc,z\n", "text,label\na b,x|y\nc,\n",
        "text,label\na b,x\nc,x|y\n", "text,label\na b,xy\nc,\n"};
    const size_t n = sizeof different / sizeof different[0];
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            assert_int_equal(fingerprint_of(different[i]) == fingerprint_of(different[k]), i == k);
    /* Another file of the same rows has the same one. */
    assert_true(fingerprint_of("label\ttext\nx\ta  b\ny\tc\n") == fingerprint_of(different[0]));
}

static void count_call(void *user, const struct labelled *labelled)
{
    assert_int_equal(labelled_format(labelled), LABELLED_TSV);
    ++*(int *)user;
}

static void what_is_read_is_told_once(void **state)
{
    (void)state;
    char path[] = "/tmp/embedd-test-examples-XXXXXX";
    static const char text[] = "label\ttext\nx\ta\ny\tb\n";
    struct examples examples;
    int n_calls = 0, fd = mkstemp(path);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    assert_true(examples_read(&examples, model, path, NULL, NULL, count_call, &n_calls, &err));
    assert_int_equal(n_calls, 1);
    examples_clear(&examples);
    close(fd);
    unlink(path);
    assert_false(examples_read(&examples, model, path, NULL, NULL, count_call, &n_calls, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_int_equal(n_calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_become_ids_and_numbers),
        cmocka_unit_test(labels_are_numbered_in_the_order_of_their_bytes),
        cmocka_unit_test(a_first_row_whose_label_is_nowhere_else_is_a_header),
        cmocka_unit_test(a_first_row_that_is_kept_stays_the_first),
        cmocka_unit_test(few_rows_do_not_tell_a_header),
        cmocka_unit_test(several_files_are_one_set_of_rows),
        cmocka_unit_test(each_file_has_a_first_row_of_its_own),
        cmocka_unit_test(a_header_of_validation_rows_is_what_training_rows_do_not_know),
        cmocka_unit_test(a_header_in_the_middle_is_found),
        cmocka_unit_test(what_a_user_should_know_is_counted),
        cmocka_unit_test(a_row_may_have_several_labels_or_none),
        cmocka_unit_test(lists_of_json_make_it_multi_label_too),
        cmocka_unit_test(one_label_makes_no_classifier_unless_it_may_be_missing),
        cmocka_unit_test(no_rows_are_an_error),
        cmocka_unit_test(a_label_with_a_nul_is_refused),
        cmocka_unit_test(labels_as_many_as_rows_are_a_wrong_column),
        cmocka_unit_test(other_rows_take_the_names_of_the_first),
        cmocka_unit_test(names_are_found_whatever_order_they_came_in),
        cmocka_unit_test(unknown_labels_of_a_row_become_one_behind_the_known),
        cmocka_unit_test(rows_may_be_appended),
        cmocka_unit_test(whatever_differs_has_another_fingerprint),
        cmocka_unit_test(what_is_read_is_told_once),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
