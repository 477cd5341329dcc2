/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "commands/commands.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char output[4096], complaint[4096];

/* Sends a stream into a file; returns what it was. */
static int divert(FILE *stream, FILE *to)
{
    fflush(stream);
    int was = dup(fileno(stream));
    assert_true(was >= 0 && dup2(fileno(to), fileno(stream)) >= 0);
    return was;
}

/* Ends that, and reads what came. */
static void restore(FILE *stream, FILE *from, int was, char text[static 4096])
{
    fflush(stream);
    assert_true(dup2(was, fileno(stream)) >= 0);
    close(was);
    rewind(from);
    text[fread(text, 1, 4095, from)] = '\0';
    fclose(from);
}

/* Runs the command; what it wrote is in `output` and `complaint`. */
static int run(int argc, const char *const *args)
{
    char *argv[8] = {0};
    for (int i = 0; i < argc; i++)
        argv[i] = strdup(args[i]);
    char *const given[8] = {argv[0], argv[1], argv[2], argv[3], argv[4]};
    FILE *out = tmpfile(), *err = tmpfile();
    assert_true(out && err);
    int was_out = divert(stdout, out), was_err = divert(stderr, err);
    int code = inspect_main(argc, argv);
    restore(stdout, out, was_out, output);
    restore(stderr, err, was_err, complaint);
    for (int i = 0; i < argc; i++)
        free(given[i]);
    return code;
}

#define RUN(...)                                                                                   \
    run((int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)),                             \
        (const char *[]){__VA_ARGS__})

static void json_says_what_the_folder_holds(void **state)
{
    (void)state;
    assert_int_equal(RUN("inspect", "tests/data/golden/f16", "--format", "json"), 0);
    json_t *json = json_loads(output, 0, NULL);
    assert_non_null(json);
    const struct {
        const char *key, *value;
    } texts[] = {{"name", "f16"},
                 {"version", ""},
                 {"format", "safetensors"},
                 {"dtype", "F16"},
                 {"tokenizer", "wordpiece"},
                 {"pooling", "mean"},
                 /* sha256sum tests/data/golden/f16/model.safetensors */
                 {"sha256", "4d029981c625fdffe7e7e427dc8ad02312743a80a35e95338076d89a29b411c8"}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_string_equal(json_string_value(json_object_get(json, texts[i].key)), texts[i].value);
    assert_int_equal(json_integer_value(json_object_get(json, "vocab_size")), 12);
    assert_int_equal(json_integer_value(json_object_get(json, "dim")), 37);
    assert_int_equal(json_integer_value(json_object_get(json, "unknown_id")), 0);
    assert_int_equal(json_integer_value(json_object_get(json, "bytes")), 1136);
    assert_true(json_is_true(json_object_get(json, "normalize")));
    assert_true(json_is_true(json_object_get(json, "weights")));
    json_decref(json);
}

static void text_has_a_line_a_field(void **state)
{
    (void)state;
    assert_int_equal(RUN("inspect", "builtin"), 0);
    assert_non_null(strstr(output, "\ndim            256\n"));
    assert_non_null(strstr(output, "\nlicense        CC-BY-SA-4.0\n"));
    assert_non_null(strstr(output, "\ndtype          I4\n"));
    assert_string_equal(complaint, "");
}

static void wrong_use_is_2_and_a_bad_model_1(void **state)
{
    (void)state;
    assert_int_equal(RUN("inspect"), 2);
    assert_int_equal(RUN("inspect", "builtin", "--format", "xml"), 2);
    assert_non_null(strstr(complaint, "text or json"));
    assert_int_equal(RUN("inspect", "tests/data"), 1);
    assert_non_null(strstr(complaint, "holds no model.safetensors"));
    assert_string_equal(output, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_says_what_the_folder_holds),
        cmocka_unit_test(text_has_a_line_a_field),
        cmocka_unit_test(wrong_use_is_2_and_a_bad_model_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
