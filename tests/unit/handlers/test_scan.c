/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/request.h"
#include "tests/test.h"

#include <dirent.h>
#include <stdlib.h>

static int install_json(void **state)
{
    (void)state;
    json_init();
    return 0;
}

static bool scan(struct arena *arena, const char *body, struct value values[REQUEST_NAMES],
                 size_t *ignored)
{
    return scan_fields(arena, body, strlen(body), request_fields, REQUEST_NAMES, values, ignored);
}

static void the_usual_bodies_are_understood(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"input\":\"hello world\"}",
        "{\"input\": [\"a\", \"b\"], \"model\": \"m\", \"encoding_format\": \"base64\"}",
        "{\"input\":[1,2,3],\"dimensions\":12}",
        "{\"input\":[[1,2],[3]],\"user\":\"u\"}",
        "{\"inputs\":[\"a\",[1]],\"normalize\":true,\"truncate\":null}",
        "{\"text\":\"line\\nbreak \\u00e9\\ud83d\\ude00\"}",
        "{\"tokens\":[[\"a\",\"b\"],[\"c\"]]}",
        " {\"ids\":[ 1 , 2 ]} ",
        "{\"content\":{\"parts\":[{\"text\":\"a\"},{ \"text\" : \"b\" }]},\"parameters\":{}}",
        "{\"input\":[[[1]]],\"unknown\":{\"a\":[{}],\"b\":{\"c\":null}}}",
        "{\"input\":1.5,\"inputs\":-0.25e-3,\"options\":{\"a\":0.8,\"b\":1E+2,\"c\":0e0}}",
        "{\"input\":5e-324,\"inputs\":1e-400,\"text\":1.7976931348623157e308,\"x\":-0.0}",
        "{\"input\":0.1000000000000000055511151231257827021181583404541015625}",
        "{}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        assert_int_equal(request_compare(bodies[i], strlen(bodies[i])), REQUEST_SCANNED);
}

static void unusual_bodies_are_left_to_the_reference(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"input\":1.}",
        "{\"input\":.5}",
        "{\"input\":1e}",
        "{\"input\":01.5}",
        "{\"input\":-.5}",
        "{\"input\":1.5.5}",
        "{\"input\":1e999}",
        "{\"input\":[1.5]}",
        "{\"input\":1.000000000000000000000000000000000000000000000000000000000000000000}",
        "{\"input\":[9223372036854775808]}",
        "{\"input\":{\"a\":1,\"a\":2}}",
        "{\"input\":{\"\\u0061\":1}}",
        "{\"input\":{\"a\" 1}}",
        "{\"input\":{\"a\":1,}}",
        "{\"input\":[[[[[[[[[1]]]]]]]]]}",
        "{\"in\\u0070ut\":\"a\"}",
        "{\"input\":\"a\",\"input\":\"b\"}",
        "{\"x\":1,\"x\":1}",
        "{\"input\":\"\\ud800\"}",
        "{\"input\":\"\\ud800\\u0041\"}",
        "{\"input\":\"\xFF\"}",
        "{\"input\":[1,]}",
        "{\"input\":01}",
        "{\"input\":truex}",
        "{\"input\":\"a\"} x",
        "{\"input\":\"a",
        "{\"input\":\"a\\",
        "{\"input\":\"\\x\"}",
        "{\"input\":-}",
        "{",
        "",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        assert_int_equal(request_compare(bodies[i], strlen(bodies[i])), REQUEST_LEFT);
}

static void strings_without_escapes_are_not_copied(void **state)
{
    (void)state;
    struct arena arena;
    struct value values[REQUEST_NAMES];
    size_t ignored;
    arena_init(&arena, 1 << 20);
    const char *body = "{\"input\":\"hello\"}";
    assert_true(scan(&arena, body, values, &ignored));
    assert_ptr_equal(values[0].text.data, body + 10);
    assert_int_equal(values[0].text.bytes, 5);
    arena_clear(&arena);
}

static void escapes_become_the_characters_they_stand_for(void **state)
{
    (void)state;
    struct arena arena;
    struct value values[REQUEST_NAMES];
    size_t ignored;
    arena_init(&arena, 1 << 20);
    assert_true(scan(&arena,
                     "{\"input\":\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u00E9\\uD83D\\uDE00z\"}",
                     values, &ignored));
    static const char want[] = "a\"\\/\b\f\n\r\t\0\xC3\xA9\xF0\x9F\x98\x80z";
    assert_int_equal(values[0].text.bytes, sizeof want - 1);
    assert_memory_equal(values[0].text.data, want, sizeof want - 1);
    arena_clear(&arena);
}

static void unknown_fields_are_counted_up_to_many(void **state)
{
    (void)state;
    struct arena arena;
    struct value values[REQUEST_NAMES];
    size_t ignored;
    arena_init(&arena, 1 << 20);
    char body[512] = "{\"input\":\"\"";
    for (int i = 0; i < 12; i++)
        sprintf(body + strlen(body), ",\"k%d\":[%d]", i, i);
    strcat(body, "}");
    struct err err;
    assert_true(fields_read(&arena, body, strlen(body), request_fields, REQUEST_NAMES, values,
                            &ignored, &err));
    assert_int_equal(ignored, 12);
    arena_clear(&arena);
}

/* -- thousands of bodies -- */

static uint64_t random_state = 0x243F6A8885A308D3u;

static uint32_t roll(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % n;
}

#define PICK(list) (list)[roll(sizeof(list) / sizeof(list)[0])]

static void add(char **at, const char *text)
{
    size_t bytes = strlen(text);
    memcpy(*at, text, bytes);
    *at += bytes;
}

static void add_scalar(char **at)
{
    static const char *const scalars[] = {
        "\"\"",         "\"a\"",    "\"hello world, twelve\"",
        "\"我爱吃饭\"", "0",        "\"\\u6211\\n\"",
        "-0",           "1",        "12345678901234567",
        "-42",          "true",     "9223372036854775807",
        "false",        "null",     "9223372036854775808",
        "1.5",          "1e3",      "\"\\ud83d\\ude00\"",
        "{}",           "\"\xFF\"", "\"\\ud800\"",
        "01",           "1e999",    "tru",
    };
    /* The later ones are the unusual; take them seldom, so that most bodies are read to the end. */
    size_t n = sizeof scalars / sizeof scalars[0];
    add(at, scalars[roll(8) ? roll(14) : roll((uint32_t)n)]);
}

static void add_space(char **at)
{
    static const char *const spaces[] = {"", "", "", "", " ", "\n", "\t ", "\r\n"};
    add(at, PICK(spaces));
}

static void add_value(char **at, int depth);

static void add_object(char **at, int depth)
{
    static const char *const keys[] = {"text", "parts", "a", "b", "c", "d", "e", "\\u0061"};
    add(at, "{");
    for (uint32_t i = 0, n = roll(3); i < n; i++) {
        if (i > 0) add(at, ",");
        add_space(at);
        *at += sprintf(*at, "\"%s\"", PICK(keys));
        add_space(at);
        add(at, ":");
        add_space(at);
        add_value(at, depth + 1);
        add_space(at);
    }
    add(at, "}");
}

static void add_value(char **at, int depth)
{
    if (depth == 3 || roll(2)) {
        add_scalar(at);
        return;
    }
    if (roll(4) == 0) {
        add_object(at, depth);
        return;
    }
    add(at, "[");
    uint32_t n = roll(4);
    bool only_integers = roll(2);
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) add(at, ",");
        add_space(at);
        if (only_integers && roll(12)) {
            *at += sprintf(*at, "%u", roll(100000));
        } else {
            add_value(at, depth + 1);
        }
        add_space(at);
    }
    add(at, "]");
}

static size_t make_body(char *body)
{
    static const char *const keys[] = {"input", "inputs", "text", "ids", "tokens",
                                       "model", "user",   "x",    ""};
    char *at = body;
    add_space(&at);
    add(&at, "{");
    uint32_t n = roll(4);
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) add(&at, ",");
        add_space(&at);
        at += sprintf(at, "\"%s\"", PICK(keys));
        add_space(&at);
        add(&at, ":");
        add_space(&at);
        add_value(&at, 0);
        add_space(&at);
    }
    add(&at, "}");
    add_space(&at);
    return (size_t)(at - body);
}

/* Cuts, copies and changes bytes; keeps to bytes that mean something in JSON. */
static size_t mutate(char *body, size_t bytes)
{
    static const char useful[] = "\"\\{}[],:0123456789.-eEu \n\ttrufalsn/\x80\xC3\xA9\xED\xA0\0";
    for (uint32_t n = 1 + roll(3); n > 0 && bytes > 0; n--) {
        size_t at = roll((uint32_t)bytes);
        switch (roll(4)) {
        case 0:
            bytes = roll(4) ? bytes : at;
            break;
        case 1:
            memmove(body + at, body + at + 1, bytes - at - 1);
            bytes--;
            break;
        case 2:
            memmove(body + at + 1, body + at, bytes - at);
            bytes++;
            body[at] = useful[roll(sizeof useful - 1)];
            break;
        default:
            body[at] = useful[roll(sizeof useful - 1)];
        }
    }
    return bytes;
}

/* A copy of just its size, so that the sanitizer sees a read past the end. */
static enum request_outcome compare_exact(const char *body, size_t bytes)
{
    char *copy = malloc(bytes ? bytes : 1);
    assert_non_null(copy);
    memcpy(copy, body, bytes);
    enum request_outcome outcome = request_compare(copy, bytes);
    if (outcome == REQUEST_DIFFERENT) {
        print_error("the readers differ on: %.*s\n", (int)bytes, body);
        fail();
    }
    free(copy);
    return outcome;
}

static void both_readers_agree_on_thousands_of_bodies(void **state)
{
    (void)state;
    static char body[1 << 16];
    size_t outcomes[2] = {0};
    for (int i = 0; i < 20000; i++) {
        size_t bytes = make_body(body);
        outcomes[compare_exact(body, bytes)]++;
        outcomes[compare_exact(body, mutate(body, bytes))]++;
    }
    /* Both sides of the scanner's judgement were seen often. */
    assert_true(outcomes[REQUEST_SCANNED] > 5000);
    assert_true(outcomes[REQUEST_LEFT] > 5000);
}

static void both_readers_agree_on_mutated_seeds(void **state)
{
    (void)state;
    static const char folder_name[] = "tests/fuzz/corpus/request";
    static char seed[1 << 16], body[(1 << 16) + 64];
    DIR *folder = opendir(folder_name);
    assert_non_null(folder); /* run from the top folder of the project */
    size_t seeds = 0;
    for (const struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.') continue;
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder_name, entry->d_name);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        size_t bytes = fread(seed, 1, sizeof seed, file);
        fclose(file);
        compare_exact(seed, bytes);
        for (int i = 0; i < 200; i++) {
            memcpy(body, seed, bytes);
            compare_exact(body, mutate(body, bytes));
        }
        seeds++;
    }
    closedir(folder);
    assert_true(seeds >= 20);
}

static void every_prefix_of_a_body_is_refused_alike(void **state)
{
    (void)state;
    static const char body[] = "{\"input\":[\"a\\u00e9\",[1,-2]],\"model\":\"我\",\"x\":true}";
    for (size_t bytes = 0; bytes < sizeof body - 1; bytes++)
        assert_int_equal(compare_exact(body, bytes), REQUEST_LEFT);
    assert_int_equal(compare_exact(body, sizeof body - 1), REQUEST_SCANNED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_usual_bodies_are_understood),
        cmocka_unit_test(unusual_bodies_are_left_to_the_reference),
        cmocka_unit_test(strings_without_escapes_are_not_copied),
        cmocka_unit_test(escapes_become_the_characters_they_stand_for),
        cmocka_unit_test(unknown_fields_are_counted_up_to_many),
        cmocka_unit_test(both_readers_agree_on_thousands_of_bodies),
        cmocka_unit_test(both_readers_agree_on_mutated_seeds),
        cmocka_unit_test(every_prefix_of_a_body_is_refused_alike),
    };
    return cmocka_run_group_tests(tests, install_json, NULL);
}
