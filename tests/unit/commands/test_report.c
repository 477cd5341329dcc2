/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "commands/report.h"
#include "commands/report_parts.h"
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY 77
#define ARENA_BYTES ((size_t)64 << 20)

typedef void writer(struct buf *, const struct evaluation_result *, const struct report_info *);

static const struct report_info info = {.model = "base & co",
                                        .head = "<topics>",
                                        .input = "a \"b\".jsonl",
                                        .date = "2026-11-25",
                                        .n_rows = 12,
                                        .seconds = 1.25,
                                        .f1 = {{0.25, 0.75}, {0.125, 0.875}, {NAN, NAN}}};

static const char long_name[] =
    "a label of more columns than any table or chart has room for, 标签";
static const char *const three[] = {"<script>alert('&')</script>", long_name,
                                    "bad \x01\xff\x1b[2J"};
static struct arena arena;

static int make_arena(void **state)
{
    (void)state;
    json_init();
    arena_init(&arena, ARENA_BYTES);
    return 0;
}

static int clear_arena(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static struct evaluation *start(enum head_kind kind, uint32_t n, const char *const *names)
{
    struct err err = {0};
    struct evaluation *evaluation = evaluation_new(kind, n, names, NULL, &err);
    if (!evaluation) fail_msg("%s", err.message);
    return evaluation;
}

static void add(struct evaluation *evaluation, const float *p, uint32_t truth)
{
    struct err err = {0};
    if (!evaluation_add(evaluation, p, &truth, 1, &err)) fail_msg("%s", err.message);
}

/* Three labels, one of the truths unknown, one confusion. */
static struct evaluation *small(void)
{
    struct evaluation *evaluation = start(HEAD_MULTI_CLASS, 3, three);
    add(evaluation, (float[]){0.75f, 0.25f, 0}, 0);
    add(evaluation, (float[]){0.25f, 0.5f, 0.25f}, 1);
    add(evaluation, (float[]){0, 0.875f, 0.125f}, 0);
    add(evaluation, (float[]){0, 0, 1}, EVALUATION_UNKNOWN);
    return evaluation;
}

static char many_text[MANY][24];
static const char *many_names[MANY];

/* Label i of MANY - 2 is right i times in MANY; the last two never occur. */
static struct evaluation *many(void)
{
    float p[MANY] = {0};
    for (int i = 0; i < MANY; i++) {
        snprintf(many_text[i], sizeof many_text[i], "label %d", i);
        many_names[i] = many_text[i];
    }
    struct evaluation *evaluation = start(HEAD_MULTI_CLASS, MANY, many_names);
    for (uint32_t i = 0; i < MANY - 2; i++) {
        for (uint32_t j = 0; j < MANY; j++) {
            uint32_t predicted = j <= i ? i : 0;
            p[predicted] = 1;
            add(evaluation, p, i);
            p[predicted] = 0;
        }
    }
    return evaluation;
}

/* What the writer makes of it, as a string in the arena. */
static const char *write_out(writer *write, struct evaluation *evaluation)
{
    struct buf buf;
    buf_init(&buf, &arena);
    write(&buf, evaluation_finish(evaluation), &info);
    buf_add_char(&buf, '\0');
    assert_false(buf.failed);
    return buf.data;
}

static void expect(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("'%s' is not in:\n%.4000s", part, text);
}

static void expect_not(const char *text, const char *part)
{
    const char *found = strstr(text, part);
    if (found) fail_msg("'%s' is in: %.200s", part, found);
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

/* ---- names ---- */

static const char *short_name(const char *text, size_t columns_max, size_t *columns)
{
    struct buf buf;
    buf_init(&buf, &arena);
    *columns = report_plain(&buf, text, columns_max);
    buf_add_char(&buf, '\0');
    return buf.data;
}

static void a_name_is_made_safe_and_fits_its_columns(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t columns_max, columns;
        const char *want;
    } cases[] = {
        {"abc", 3, 3, "abc"},
        {"abcd", 3, 3, "ab…"},
        {"a bcd", 3, 2, "a…"},
        {"我爱吃饭", 8, 8, "我爱吃饭"},
        {"我爱吃饭", 7, 7, "我爱吃…"},
        {"我爱吃饭", 6, 5, "我爱…"},
        {"", 4, 0, ""},
        {"e\u0301e\u0301", 2, 2, "e\u0301e\u0301"},
        {"a\nb\x1b[0m", 99, 7, "a\uFFFDb\uFFFD[0m"},
        {"\xff\xc3", 99, 2, "\uFFFD\uFFFD"},
        {"a\u202Eb", 99, 3, "a\uFFFDb"},
        {"\U0001F600x", REPORT_WHOLE, 3, "\U0001F600x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t columns;
        assert_string_equal(short_name(cases[i].name, cases[i].columns_max, &columns),
                            cases[i].want);
        assert_int_equal(columns, cases[i].columns);
    }
}

/* ---- text ---- */

static void text_lines_up_and_names_what_is_wrong(void **state)
{
    (void)state;
    struct evaluation *evaluation = small();
    const char *text = write_out(report_text, evaluation);
    expect(text, "head              <topics>\n");
    expect(text, "kind              multi-class, 3 labels\n");
    expect(text, "examples          4, 1 with a label that the head does not know");
    expect(text,
           "Accuracy              0.5000   share that is right, 95 % interval 0.1500-0.8500\n");
    expect(text, "                   precision    recall        F1        95 % F1\n");
    expect(text, "macro                 0.3750    0.3750    0.3333  0.1250-0.8750\n");
    expect(text, "weighted              0.6250    0.5000    0.5000              -\n");
    expect(text, "         2         1         1  0.2065-1.0000  0.0945-0.9055\n");
    expect(text, "         0         1         0  0.0000-0.7935              -\n");
    expect(text, "a label of more columns than any ta…    0.5000    1.0000    0.6667");
    expect(text, "(unknown label)                       bad ");
    expect(text, "0.80                  0.5000    0.0000\n");
    expect_not(text, "\x1b");
    expect_not(text, "nan");
    evaluation_free(evaluation);
}

static void text_shows_the_thirty_worst_of_many_labels(void **state)
{
    (void)state;
    struct evaluation *evaluation = many();
    const char *text = write_out(report_text, evaluation);
    expect(text, "30 of 77 labels, the worst by F1 first; 45 better ones are left out; 2 are "
                 "neither in the input nor in the predictions.\n");
    assert_true(strstr(text, "label 1 ") < strstr(text, "label 2 "));
    expect_not(text, "label 40 ");
    expect_not(text, "label 76 ");
    expect(text, "The 10 most frequent of 74 confusions.");
    evaluation_free(evaluation);
}

/* ---- JSON ---- */

static json_t *read_json(struct evaluation *evaluation)
{
    const char *text = write_out(report_json, evaluation);
    struct err err = {0};
    json_t *json = json_read(text, strlen(text), &err);
    if (!json) fail_msg("%s", err.message);
    return json;
}

static double at(const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);
    if (!json_is_number(value)) fail_msg("%s is no number", key);
    return json_number_value(value);
}

static void expect_interval(const json_t *json, const char *key, double low, double high)
{
    const json_t *pair = json_object_get(json, key);
    assert_int_equal(json_array_size(pair), 2);
    assert_true(json_number_value(json_array_get(pair, 0)) == low);
    assert_true(json_number_value(json_array_get(pair, 1)) == high);
}

static void json_holds_every_interval(void **state)
{
    (void)state;
    struct evaluation *evaluation = small();
    json_t *json = read_json(evaluation);
    const json_t *classes = json_object_get(json, "classes");
    expect_interval(json, "accuracy_interval", 0.150039, 0.849961);
    expect_interval(json_object_get(json, "micro"), "f1_interval", 0.25, 0.75);
    expect_interval(json_object_get(json, "macro"), "f1_interval", 0.125, 0.875);
    assert_true(json_is_null(json_object_get(json_object_get(json, "weighted"), "f1_interval")));
    expect_interval(json_array_get(classes, 0), "precision_interval", 0.206549, 1);
    expect_interval(json_array_get(classes, 0), "recall_interval", 0.0945312, 0.905469);
    assert_true(json_is_null(json_object_get(json_array_get(classes, 2), "recall_interval")));
    json_decref(json);
    evaluation_free(evaluation);
}

static void json_holds_every_figure(void **state)
{
    (void)state;
    struct evaluation *evaluation = small();
    json_t *json = read_json(evaluation);
    const json_t *classes = json_object_get(json, "classes");
    const json_t *confusions = json_object_get(json, "confusions");
    assert_string_equal(json_string_value(json_object_get(json, "input")), info.input);
    assert_string_equal(json_string_value(json_object_get(json, "kind")), "multi-class");
    assert_true(at(json, "rows") == 12 && at(json, "seconds") == 1.25);
    assert_true(at(json, "examples") == 4 && at(json, "unknown_labels") == 1);
    assert_true(at(json, "accuracy") == 0.5);
    assert_true(at(json_object_get(json, "macro"), "recall") == 0.375);
    assert_int_equal(json_array_size(classes), 3);
    assert_string_equal(json_string_value(json_object_get(json_array_get(classes, 1), "label")),
                        long_name);
    assert_true(at(json_array_get(classes, 1), "f1") == 0.666667);
    assert_int_equal(json_array_size(confusions), 2);
    assert_true(json_is_null(json_object_get(json_array_get(confusions, 1), "truth")));
    assert_int_equal(json_array_size(json_object_get(json, "calibration")), EVALUATION_BINS);
    const json_t *point = json_array_get(json_object_get(json, "curve"), 80);
    assert_true(at(point, "threshold") == 0.8 && at(point, "n") == 2);
    assert_true(at(point, "coverage") == 0.5 && at(point, "accuracy") == 0);
    assert_null(json_object_get(json, "roc_auc"));
    assert_null(json_object_get(json, "top_3_accuracy"));
    json_decref(json);
    evaluation_free(evaluation);
}

static void each_kind_has_its_own_keys(void **state)
{
    (void)state;
    static const struct {
        enum head_kind kind;
        uint32_t n_labels;
        const char *has, *has_not;
    } kinds[] = {
        {HEAD_BINARY, 2, "roc_auc threshold best_f1 best_accuracy confusions", "hamming_loss"},
        {HEAD_MULTI_CLASS, MANY, "top_3_accuracy top_5_accuracy confusions", "best_f1 threshold"},
        {HEAD_MULTI_LABEL, 3, "hamming_loss best_f1", "confusions best_accuracy roc_auc"},
    };
    evaluation_free(many()); /* the names */
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct evaluation *evaluation = start(kinds[i].kind, kinds[i].n_labels, many_names);
        json_t *json = read_json(evaluation);
        char words[128];
        snprintf(words, sizeof words, "%s", kinds[i].has);
        for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
            if (!json_object_get(json, word)) fail_msg("%s is missing", word);
        snprintf(words, sizeof words, "%s", kinds[i].has_not);
        for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
            if (json_object_get(json, word)) fail_msg("%s is there", word);
        assert_true(json_is_null(json_object_get(json, "accuracy"))); /* no examples */
        json_decref(json);
        evaluation_free(evaluation);
    }
}

/* ---- texts of confusions ---- */

static struct report_info with_texts(struct confused *confused)
{
    static const char text[] = "two\nlines </script> \x1b[2J and \"quotes\"";
    struct err err = {0};
    const struct confused_text one = {0.875f, 3, 4, {text, strlen(text)}};
    const struct confused_text other = {1, 4, 5, {"", 0}};
    struct report_info more = info;
    more.confused = confused;
    assert_true(confused_add(confused, 0, 1, &one, &err));
    assert_true(confused_add(confused, EVALUATION_UNKNOWN, 2, &other, &err));
    return more;
}

static const char *write_with(writer *write, struct evaluation *evaluation,
                              const struct report_info *more)
{
    struct buf buf;
    buf_init(&buf, &arena);
    write(&buf, evaluation_finish(evaluation), more);
    buf_add_char(&buf, '\0');
    assert_false(buf.failed);
    return buf.data;
}

static void texts_of_confusions_are_shown_escaped_in_every_format(void **state)
{
    (void)state;
    struct err err = {0};
    struct evaluation *evaluation = small();
    struct confused *confused = confused_new(2, 0, &err);
    const struct report_info more = with_texts(confused);
    const char *text = write_with(report_text, evaluation, &more);
    expect(text, "<script>alert('&')</script>, taken for a label of more columns than any ta…\n"
                 "         p      line\n"
                 "    0.8750         4   two lines </script> \uFFFD[2J and \"quotes\"\n");
    expect(text, "\n(unknown label), taken for bad \uFFFD\uFFFD\uFFFD[2J\n"
                 "         p      line\n    1.0000         5   \n");
    expect(
        write_with(report_json, evaluation, &more),
        "\"n\":1,\"examples\":[{\"row\":3,\"line\":4,\"p\":0.875,\"text\":\"two\\nlines </script> "
        "\\u001b[2J and \\\"quotes\\\"\"}]}");
    expect(write_with(report_html, evaluation, &more), "two\\nlines \\u003c/script> ");
    expect_not(write_out(report_json, evaluation), "examples\":[");
    confused_free(confused);
    evaluation_free(evaluation);
}

/* ---- texts of another file ---- */

static void texts_that_stand_in_another_file_are_told(void **state)
{
    (void)state;
    struct evaluation *evaluation = small();
    const struct report_seen seen = {"train \x1b.csv", 3, 2, 1, 0}, none = {"t", 0, 5, 5, 0},
                             all = {"t", 4, 0, 0, 0};
    struct report_info more = info;
    more.seen = &seen;
    expect(
        write_with(report_text, evaluation, &more),
        "seen              3 of 5 texts, in train \uFFFD.csv; accuracy without them 0.5000, 95 % "
        "interval 0.0945-0.9055\n\nAccuracy");
    expect(write_with(report_json, evaluation, &more),
           "\"seen_in\":{\"file\":\"train \\u001b.csv\",\"rows\":3,\"unseen_rows\":2,"
           "\"unseen_accuracy\":0.5,\"unseen_accuracy_interval\":[0.0945312,0.905469]},");
    more.seen = &none;
    expect(write_with(report_text, evaluation, &more), "seen              0 of 5 texts, in t\n\n");
    more.seen = &all;
    expect(write_with(report_text, evaluation, &more), "seen              4 of 4 texts, in t\n\n");
    expect(write_with(report_json, evaluation, &more),
           "\"unseen_accuracy\":null,\"unseen_accuracy_interval\":null}");
    evaluation_free(evaluation);
}

/* ---- HTML ---- */

/* The JSON that a page holds, as text: what lies in its script of data, which the next "</script"
 * ends, as it does in a browser. */
static const char *data_of(const char *html, size_t *bytes)
{
    static const char open[] = "<script id=\"report\" type=\"application/json\">";
    assert_int_equal(count(html, open), 1);
    const char *data = strstr(html, open) + strlen(open), *end = strstr(data, "</script");
    assert_non_null(end);
    *bytes = (size_t)(end - data);
    return data;
}

static void the_page_holds_what_the_json_does(void **state)
{
    (void)state;
    struct evaluation *evaluations[] = {small(), many(), start(HEAD_BINARY, 2, three),
                                        start(HEAD_MULTI_LABEL, 3, three)};
    for (size_t i = 0; i < sizeof evaluations / sizeof *evaluations; i++) {
        struct err err = {0};
        size_t bytes;
        const char *data = data_of(write_out(report_html, evaluations[i]), &bytes);
        json_t *held = json_read(data, bytes, &err), *json = read_json(evaluations[i]);
        if (!held) fail_msg("%s", err.message);
        assert_true(json_equal(held, json));
        json_decref(held);
        json_decref(json);
        evaluation_free(evaluations[i]);
    }
}

/* Around the data every page is the same, and in the data no tag or comment can begin. */
static void no_name_leaves_the_data_of_the_page(void **state)
{
    (void)state;
    static const char *const harmless[] = {"a", "b", "c"};
    static const char *const hostile[] = {"</script><script>alert(1)</script>", "<!--<script>",
                                          "{{report}}<![CDATA[ &lt; ]]>\\u003c\""};
    const char *pages[2], *data[2];
    size_t bytes[2];
    for (int i = 0; i < 2; i++) {
        struct evaluation *evaluation = start(HEAD_MULTI_CLASS, 3, i == 0 ? harmless : hostile);
        add(evaluation, (float[]){0, 1, 0}, 2);
        pages[i] = write_out(report_html, evaluation);
        data[i] = data_of(pages[i], &bytes[i]);
        assert_null(memchr(data[i], '<', bytes[i]));
        evaluation_free(evaluation);
    }
    expect(data[1], "\"label\":\"\\u003c/script>\\u003cscript>alert(1)\\u003c/script>\"");
    assert_int_equal(data[0] - pages[0], data[1] - pages[1]);
    assert_memory_equal(pages[0], pages[1], (size_t)(data[0] - pages[0]));
    assert_string_equal(data[0] + bytes[0], data[1] + bytes[1]);
}

static void without_examples_every_format_says_so(void **state)
{
    (void)state;
    for (int kind = 0; kind < HEAD_KINDS; kind++) {
        struct evaluation *evaluation =
            start((enum head_kind)kind, kind == HEAD_BINARY ? 2 : 3, three);
        expect(write_out(report_html, evaluation), "\"examples\":0,");
        expect_not(write_out(report_text, evaluation), "nan");
        expect_not(write_out(report_json, evaluation), "nan");
        evaluation_free(evaluation);
    }
}

static void the_same_evaluation_gives_the_same_bytes(void **state)
{
    (void)state;
    static writer *const writers[] = {report_text, report_json, report_html};
    for (size_t i = 0; i < 3; i++) {
        struct evaluation *one = small(), *other = small();
        assert_string_equal(write_out(writers[i], one), write_out(writers[i], other));
        evaluation_free(one);
        evaluation_free(other);
    }
}

static void a_full_arena_is_a_failed_buffer(void **state)
{
    (void)state;
    static writer *const writers[] = {report_text, report_json, report_html};
    struct evaluation *evaluation = many();
    for (size_t i = 0; i < 3; i++) {
        for (size_t cap = 0; cap < 9000; cap += 1000) {
            struct arena little;
            struct buf buf;
            arena_init(&little, cap);
            buf_init(&buf, &little);
            writers[i](&buf, evaluation_finish(evaluation), &info);
            if (cap < 4000) assert_true(buf.failed);
            arena_clear(&little);
        }
    }
    evaluation_free(evaluation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_made_safe_and_fits_its_columns),
        cmocka_unit_test(text_lines_up_and_names_what_is_wrong),
        cmocka_unit_test(text_shows_the_thirty_worst_of_many_labels),
        cmocka_unit_test(json_holds_every_interval),
        cmocka_unit_test(json_holds_every_figure),
        cmocka_unit_test(each_kind_has_its_own_keys),
        cmocka_unit_test(texts_of_confusions_are_shown_escaped_in_every_format),
        cmocka_unit_test(texts_that_stand_in_another_file_are_told),
        cmocka_unit_test(the_page_holds_what_the_json_does),
        cmocka_unit_test(no_name_leaves_the_data_of_the_page),
        cmocka_unit_test(without_examples_every_format_says_so),
        cmocka_unit_test(the_same_evaluation_gives_the_same_bytes),
        cmocka_unit_test(a_full_arena_is_a_failed_buffer),
    };
    return cmocka_run_group_tests(tests, make_arena, clear_arena);
}
