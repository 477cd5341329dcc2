/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "commands/report.h"
#include "commands/report_parts.h"
#include "tests/test.h"

#include <ctype.h>
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
                                        .seconds = 1.25};

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
    expect(text, "Accuracy              0.5000");
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

/* ---- HTML ---- */

/* Moves past one attribute: blank name="value". */
static const char *pass_attribute(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    const char *name = text;
    while (isalnum((unsigned char)*text) || *text == '-' || *text == ':')
        text++;
    if (text == name || text[0] != '=' || text[1] != '"') fail_msg("attribute: %.60s", name);
    text = strchr(text + 2, '"');
    assert_non_null(text);
    return text + 1;
}

/* Every tag is closed in its order, every attribute quoted, no & or < but as an entity. */
static void check_well_formed(const char *text)
{
    char stack[32][16];
    int depth = 0;
    for (const char *c = text; (c = strpbrk(c, "<&"));) {
        if (*c == '&') {
            size_t bytes = strspn(c + 1, "#0123456789abcdefghijklmnopqrstuvwxyz");
            if (bytes == 0 || c[1 + bytes] != ';') fail_msg("entity: %.20s", c);
            c++;
            continue;
        }
        const bool is_end = c[1] == '/';
        const char *name = c + 1 + is_end;
        size_t bytes = strcspn(name, " />");
        c = name + bytes;
        if (c[-1] == '!' || strncmp(name, "!DOCTYPE", 8) == 0) continue;
        assert_true(bytes > 0 && bytes < sizeof *stack && depth < 31);
        if (is_end) {
            if (depth == 0 || strncmp(stack[--depth], name, bytes) != 0 || stack[depth][bytes])
                fail_msg("closes another: %.60s", name);
            continue;
        }
        while (*c == ' ')
            c = pass_attribute(c);
        if (strncmp(c, "/>", 2) == 0) continue;
        if (*c != '>') fail_msg("tag: %.60s", name);
        snprintf(stack[depth++], sizeof *stack, "%.*s", (int)bytes, name);
    }
    assert_int_equal(depth, 0);
}

/* Nothing that is fetched, nothing that runs. */
static void check_self_contained(const char *html)
{
    static const char *const outside[] = {"<script", "src=",    "href=",   "url(",
                                          "@import", "<iframe", "onload=", "<link"};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        expect_not(html, outside[i]);
    assert_int_equal(count(html, "http"), 1);
    expect(html, "xmlns=\"http://www.w3.org/1999/xhtml\"");
}

static void html_escapes_and_shortens_names(void **state)
{
    (void)state;
    struct evaluation *evaluation = small();
    const char *html = write_out(report_html, evaluation);
    check_well_formed(html);
    check_self_contained(html);
    expect(html, "<h1><bdi>&lt;topics&gt;</bdi></h1>");
    expect(html, "<bdi>a &quot;b&quot;.jsonl</bdi>");
    expect(html, "<bdi>&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;</bdi>");
    expect(html,
           "title=\"a label of more columns than any table or chart has room for, 标签\"><bdi>a "
           "label of more columns than any table or c…</bdi>");
    expect(html, "<bdi>bad \uFFFD\uFFFD\uFFFD[2J</bdi>");
    expect(html, "1 of the examples has a label that the head does not know, and counts as wrong");
    expect(html, "true: (unknown label); predicted: bad");
    evaluation_free(evaluation);
}

static void html_has_a_matrix_only_where_it_can_be_read(void **state)
{
    (void)state;
    struct evaluation *evaluation = many();
    const char *html = write_out(report_html, evaluation);
    check_well_formed(html);
    check_self_contained(html);
    expect_not(html, "Confusion matrix");
    expect(html, "The 30 most frequent of 74 confusions");
    assert_int_equal(count(html, "<svg class=\"chart\" role=\"img\" aria-label="), 2);
    expect(html, "75 of 77 labels, the worst by F1 first; 2 are neither");
    evaluation_free(evaluation);
    evaluation = small();
    html = write_out(report_html, evaluation);
    expect(html, "aria-label=\"Confusion matrix");
    assert_int_equal(count(html, "<svg class=\"chart\""), 3);
    evaluation_free(evaluation);
}

static void html_of_the_other_kinds(void **state)
{
    (void)state;
    struct evaluation *evaluation = start(HEAD_BINARY, 2, three);
    add(evaluation, (float[]){0.25f, 0.75f}, 1);
    add(evaluation, (float[]){0.75f, 0.25f}, 0);
    const char *html = write_out(report_html, evaluation);
    check_well_formed(html);
    expect(html, "ROC AUC</dt><dd class=\"big\">1.000");
    expect(html, "The head's is 0.5. Best F1 1.000 at 0.50; best accuracy 1.000 at 0.50.");
    evaluation_free(evaluation);
    evaluation = start(HEAD_MULTI_LABEL, 3, three);
    add(evaluation, (float[]){0.25f, 0.75f, 0.5f}, 1);
    html = write_out(report_html, evaluation);
    check_well_formed(html);
    expect_not(html, "Confusion");
    expect(html, "<th scope=\"col\">Threshold</th>");
    evaluation_free(evaluation);
}

static void without_examples_every_format_says_so(void **state)
{
    (void)state;
    for (int kind = 0; kind < HEAD_KINDS; kind++) {
        struct evaluation *evaluation =
            start((enum head_kind)kind, kind == HEAD_BINARY ? 2 : 3, three);
        const char *html = write_out(report_html, evaluation);
        check_well_formed(html);
        expect(html, "There are no examples");
        expect_not(html, "nan");
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
        cmocka_unit_test(json_holds_every_figure),
        cmocka_unit_test(each_kind_has_its_own_keys),
        cmocka_unit_test(html_escapes_and_shortens_names),
        cmocka_unit_test(html_has_a_matrix_only_where_it_can_be_read),
        cmocka_unit_test(html_of_the_other_kinds),
        cmocka_unit_test(without_examples_every_format_says_so),
        cmocka_unit_test(the_same_evaluation_gives_the_same_bytes),
        cmocka_unit_test(a_full_arena_is_a_failed_buffer),
    };
    return cmocka_run_group_tests(tests, make_arena, clear_arena);
}
