/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "commands/commands.h"
#include "config/config.h"
#include "tests/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char out_text[1 << 16], err_text[1 << 16];

static int redirect(FILE *stream, int fd)
{
    fflush(stream);
    int kept = dup(fileno(stream));
    assert_true(kept >= 0 && dup2(fd, fileno(stream)) >= 0);
    return kept;
}

static void put_back(FILE *stream, int kept)
{
    fflush(stream);
    clearerr(stream);
    dup2(kept, fileno(stream));
    close(kept);
}

static void read_back(FILE *file, char *text, size_t cap)
{
    rewind(file);
    text[fread(text, 1, cap - 1, file)] = '\0';
    fclose(file);
}

/* Runs `embedd config` with what is given, up to NULL; its output is in out_text and err_text. */
static int run(const char *first, ...)
{
    char name[] = "config", *argv[8] = {name};
    int argc = 1;
    va_list args;
    va_start(args, first);
    for (const char *arg = first; arg; arg = va_arg(args, const char *))
        argv[argc++] = (char *)(uintptr_t)arg;
    va_end(args);
    FILE *out = tmpfile(), *err = tmpfile();
    assert_true(out && err);
    int kept_out = redirect(stdout, fileno(out)), kept_err = redirect(stderr, fileno(err));
    int code = config_main(argc, argv);
    put_back(stdout, kept_out);
    put_back(stderr, kept_err);
    read_back(out, out_text, sizeof out_text);
    read_back(err, err_text, sizeof err_text);
    return code;
}

static void the_table_says_name_value_and_origin(void **state)
{
    (void)state;
    setenv("EMBEDD_THREADS", "3", 1);
    assert_int_equal(run("--max-inputs=7", NULL), 0);
    unsetenv("EMBEDD_THREADS");
    size_t lines = 0;
    for (char *line = strtok(out_text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        char name[64], value[64], origin[64];
        assert_int_equal(sscanf(line, "%63s %63s %63s", name, value, origin), 3);
        assert_string_equal(name, config_name(lines));
        bool is_threads = strcmp(name, "threads") == 0, is_inputs = strcmp(name, "max-inputs") == 0;
        if (is_threads) assert_string_equal(value, "3");
        if (is_inputs) assert_string_equal(value, "7");
        assert_string_equal(origin, is_threads  ? "EMBEDD_THREADS"
                                    : is_inputs ? "--max-inputs"
                                                : "default");
    }
    assert_int_equal(lines, CONFIG_COUNT);
    assert_string_equal(err_text, "");
}

static void json_holds_the_same(void **state)
{
    (void)state;
    assert_int_equal(run("--format", "json", "--listen", "a\"b", "--access-log", NULL), 0);
    json_t *root = json_read(out_text, strlen(out_text), NULL);
    assert_int_equal(json_object_size(root), CONFIG_COUNT);
    json_t *listen = json_object_get(root, "listen");
    assert_string_equal(json_string_value(json_object_get(listen, "value")), "a\"b");
    assert_string_equal(json_string_value(json_object_get(listen, "from")), "--listen");
    assert_true(json_is_true(json_object_get(json_object_get(root, "access-log"), "value")));
    assert_true(json_is_integer(json_object_get(json_object_get(root, "max-inputs"), "value")));
    json_decref(root);
}

static void sample_and_documentation_do_not_depend_on_what_is_set(void **state)
{
    (void)state;
    setenv("EMBEDD_THREADS", "wrong", 1);
    assert_int_equal(run("--sample", "--max-inputs=7", NULL), 0);
    assert_non_null(strstr(out_text, "\"max-inputs\": 2048"));
    assert_int_equal(run("--markdown", NULL), 0);
    assert_memory_equal(out_text, "# Settings\n", 11);
    unsetenv("EMBEDD_THREADS");
}

static void help_lists_the_settings_and_its_own_flags(void **state)
{
    (void)state;
    assert_int_equal(run("--help", "--wrong", NULL), 0);
    assert_non_null(strstr(out_text, "\n  --markdown\n"));
    assert_non_null(strstr(out_text, "\n  --max-inputs N\n"));
    assert_int_equal(run("-h", NULL), 0);
}

static void wrong_use_is_one_sentence_and_exit_code_2(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"--lisen=x", "--listen"},
        {"--format=xml", "'xml'"},
        {"--format", "--format needs a value: text or json"},
        {"--threads=-1", "0 to 256"},
        {"file", "'file'"},
        {"--config=/no/such", "/no/such"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(run(cases[i][0], NULL), 2);
        assert_string_equal(out_text, "");
        assert_non_null(strstr(err_text, cases[i][1]));
        assert_ptr_equal(strchr(err_text, '\n'), err_text + strlen(err_text) - 1);
    }
}

static void a_stray_variable_is_only_a_warning(void **state)
{
    (void)state;
    setenv("EMBEDD_PORT", "80", 1);
    assert_int_equal(run(NULL, NULL), 0);
    unsetenv("EMBEDD_PORT");
    assert_non_null(strstr(err_text, "EMBEDD_PORT"));
    assert_non_null(strstr(out_text, "listen"));
}

static void a_full_disk_is_exit_code_1(void **state)
{
    (void)state;
    char name[] = "config", *argv[] = {name};
    int full = open("/dev/full", O_WRONLY);
    if (full < 0) skip();
    FILE *err = tmpfile();
    int kept_out = redirect(stdout, full), kept_err = redirect(stderr, fileno(err));
    int code = config_main(1, argv);
    put_back(stdout, kept_out);
    put_back(stderr, kept_err);
    close(full);
    read_back(err, err_text, sizeof err_text);
    assert_int_equal(code, 1);
    assert_non_null(strstr(err_text, "standard output"));
}

static int forget_the_environment(void **state)
{
    (void)state;
    return clearenv();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_says_name_value_and_origin),
        cmocka_unit_test(json_holds_the_same),
        cmocka_unit_test(sample_and_documentation_do_not_depend_on_what_is_set),
        cmocka_unit_test(help_lists_the_settings_and_its_own_flags),
        cmocka_unit_test(wrong_use_is_one_sentence_and_exit_code_2),
        cmocka_unit_test(a_stray_variable_is_only_a_warning),
        cmocka_unit_test(a_full_disk_is_exit_code_1),
    };
    return cmocka_run_group_tests(tests, forget_the_environment, NULL);
}
