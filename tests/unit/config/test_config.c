/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_ARGS 16

/* As serve does. */
static bool load_arguments(struct config *config, int argc, char **argv, struct err *err)
{
    struct flag list[CONFIG_FLAGS];
    const struct flags flags = {.usage = "embedd serve [OPTION]...",
                                .list = list,
                                .n = CONFIG_FLAGS,
                                .aliases = config_aliases};
    int n_files;
    config_init(config);
    config_flags(config, list);
    if (flags_parse(&flags, argc, argv, &n_files, err) == FLAGS_RUN && config_finish(config, err))
        return true;
    config_clear(config);
    return false;
}

/* The arguments end with NULL; argv[0] is "serve". */
static bool load(struct config *config, struct err *err, const char *first, ...)
{
    char name[] = "serve", *argv[MAX_ARGS] = {name};
    int argc = 1;
    va_list args;
    va_start(args, first);
    for (const char *arg = first; arg; arg = va_arg(args, const char *))
        argv[argc++] = (char *)(uintptr_t)arg;
    va_end(args);
    *err = (struct err){0};
    return load_arguments(config, argc, argv, err);
}

static void check_refused(const struct err *err, const char *const *parts, size_t n)
{
    assert_int_equal(err->code, ERR_USAGE);
    for (size_t i = 0; i < n; i++) {
        if (!strstr(err->message, parts[i]))
            fail_msg("'%s' says nothing of '%s'", err->message, parts[i]);
    }
}

/* Loads one flag that must be refused with a message that has all the parts. */
#define REFUSE_FLAG(flag, ...)                                                                     \
    do {                                                                                           \
        struct config config_;                                                                     \
        struct err err_;                                                                           \
        const char *parts_[] = {__VA_ARGS__};                                                      \
        assert_false(load(&config_, &err_, flag, NULL));                                           \
        check_refused(&err_, parts_, sizeof parts_ / sizeof *parts_);                              \
    } while (0)

static const char *write_file(const char *content, size_t bytes)
{
    static char path[] = "/tmp/embedd-test-config.json-XXXXXX";
    strcpy(path + strlen(path) - 6, "XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, bytes), bytes);
    close(fd);
    return path;
}

static bool load_file(struct config *config, struct err *err, const char *content)
{
    const char *path = write_file(content, strlen(content));
    bool is_loaded = load(config, err, "--config", path, NULL);
    unlink(path);
    return is_loaded;
}

#define REFUSE_FILE(content, ...)                                                                  \
    do {                                                                                           \
        struct config config_;                                                                     \
        struct err err_;                                                                           \
        const char *parts_[] = {"/tmp/embedd-test-config.json-", __VA_ARGS__};                     \
        assert_false(load_file(&config_, &err_, content));                                         \
        check_refused(&err_, parts_, sizeof parts_ / sizeof *parts_);                              \
    } while (0)

static void without_anything_the_defaults_hold(void **state)
{
    (void)state;
    struct config config;
    struct err err;
    assert_true(load(&config, &err, NULL));
    assert_string_equal(config.listen, "127.0.0.1:8080");
    assert_string_equal(config.model, "builtin");
    assert_int_equal(config.threads, 0);
    assert_int_equal(config.workers, 0);
    assert_int_equal(config.offload_bytes, 2048);
    assert_int_equal(config.max_body_bytes, 8388608);
    assert_int_equal(config.max_inputs, 2048);
    assert_int_equal(config.max_input_tokens, 0);
    assert_int_equal(config.truncate, 0); /* auto */
    assert_int_equal(config.max_request_memory, 268435456);
    assert_int_equal(config.max_connections, 10000);
    assert_int_equal(config.max_header_bytes, 8192);
    assert_int_equal(config.request_timeout_ms, 30000);
    assert_int_equal(config.idle_timeout_ms, 75000);
    assert_int_equal(config.write_timeout_ms, 30000);
    assert_int_equal(config.drain_delay_ms, 0);
    assert_int_equal(config.drain_timeout_ms, 30000);
    assert_int_equal(config.openai_ids, 0);
    assert_false(config.strict_model);
    assert_false(config.server_timing);
    assert_false(config.access_log);
    assert_int_equal(config.log_level, 2);
    for (size_t i = 0; i < CONFIG_COUNT; i++)
        assert_int_equal(config.origins[i], CONFIG_DEFAULT);
    assert_int_equal(config.n_warnings, 0);
    config_clear(&config);
}

static void a_flag_given_twice_is_refused(void **state)
{
    (void)state;
    static const char *const twice[][3] = {
        {"--threads=2", "--threads=2", "--threads is given twice; give it once"},
        {"--models=a", "--models=b", "--models is given twice; give it once"},
        {"--access-log", "--access-log=false", "--access-log is given twice"},
        {"--config=/a", "--config=/b", "--config is given twice"},
    };
    for (size_t i = 0; i < sizeof twice / sizeof *twice; i++) {
        struct config config;
        struct err err;
        assert_false(load(&config, &err, twice[i][0], twice[i][1], NULL));
        check_refused(&err, &twice[i][2], 1);
    }
}

static void a_list_is_of_the_place_that_wins(void **state)
{
    (void)state;
    struct config config;
    struct err err;
    assert_int_equal(setenv("EMBEDD_MODEL", "v=1\nw=2", 1), 0);
    assert_true(load(&config, &err, "--model=a", "--model", "b=c", NULL));
    assert_string_equal(config.model, "a\nb=c");
    assert_int_equal(config.origins[CONFIG_model], CONFIG_FLAG);
    assert_string_equal(config.alias, "none");
    config_clear(&config);
    assert_true(load(&config, &err, NULL));
    assert_string_equal(config.model, "v=1\nw=2");
    config_clear(&config);
    assert_int_equal(unsetenv("EMBEDD_MODEL"), 0);
    assert_false(load(&config, &err, "--model=a", "--model=", NULL));
    assert_non_null(strstr(err.message, "--model must not be empty"));
}

static void flags_are_taken_in_both_forms(void **state)
{
    (void)state;
    struct config config;
    struct err err;
    assert_true(load(&config, &err, "--listen", "0.0.0.0:0", "--threads", "3", "--access-log",
                     "--strict-model=true", "--truncate=left", "--log-level", "debug",
                     "--server-timing=false", NULL));
    assert_string_equal(config.listen, "0.0.0.0:0");
    assert_int_equal(config.threads, 3);
    assert_true(config.access_log);
    assert_true(config.strict_model);
    assert_false(config.server_timing);
    assert_int_equal(config.truncate, 3); /* left */
    assert_int_equal(config.log_level, 3);
    assert_int_equal(config.origins[CONFIG_threads], CONFIG_FLAG);
    assert_int_equal(config.origins[CONFIG_workers], CONFIG_DEFAULT);
    config_clear(&config);
}

static uint64_t body_bytes(const char *text)
{
    struct config config;
    struct err err;
    if (!load(&config, &err, "--max-body-bytes", text, NULL)) fail_msg("%s", err.message);
    uint64_t value = config.max_body_bytes;
    config_clear(&config);
    return value;
}

static uint64_t timeout_ms(const char *text)
{
    struct config config;
    struct err err;
    if (!load(&config, &err, "--idle-timeout", text, NULL)) fail_msg("%s", err.message);
    uint64_t value = config.idle_timeout_ms;
    config_clear(&config);
    return value;
}

static void sizes_and_times_take_their_units(void **state)
{
    (void)state;
    assert_int_equal(body_bytes("8388608"), 8388608);
    assert_int_equal(body_bytes("8M"), 8388608);
    assert_int_equal(body_bytes("8MiB"), 8388608);
    assert_int_equal(body_bytes("64K"), 65536);
    assert_int_equal(body_bytes("64KiB"), 65536);
    assert_int_equal(body_bytes("1G"), 1 << 30);
    assert_int_equal(timeout_ms("30"), 30000);
    assert_int_equal(timeout_ms("30s"), 30000);
    assert_int_equal(timeout_ms("500ms"), 500);
    assert_int_equal(timeout_ms("2m"), 120000);
    assert_int_equal(timeout_ms("1h"), 3600000);
}

static void a_wrong_value_names_flag_range_and_value(void **state)
{
    (void)state;
    REFUSE_FLAG("--max-inputs=0", "--max-inputs", "from 1 to 1000000", "'0'");
    REFUSE_FLAG("--max-inputs=1000001", "'1000001'");
    REFUSE_FLAG("--max-inputs=-1", "'-1'");
    REFUSE_FLAG("--max-inputs=1.5", "'1.5'");
    REFUSE_FLAG("--max-inputs=", "''");
    REFUSE_FLAG("--max-inputs= 1", "' 1'");
    REFUSE_FLAG("--max-inputs=12x", "'12x'");
    REFUSE_FLAG("--max-inputs=2K", "'2K'");
    REFUSE_FLAG("--max-inputs=18446744073709551617", "'18446744073709551617'");
    REFUSE_FLAG("--max-body-bytes=17179869184G", "'17179869184G'");
    REFUSE_FLAG("--max-body-bytes=8MB", "64K", "'8MB'");
    REFUSE_FLAG("--max-header-bytes=1000", "from 4096 to 65536", "'1000'");
    REFUSE_FLAG("--request-timeout=0", "--request-timeout", "1ms to 24h", "'0'");
    REFUSE_FLAG("--request-timeout=1d", "'1d'");
    REFUSE_FLAG("--access-log=yes", "true or false", "'yes'");
    REFUSE_FLAG("--truncate=middle", "auto, error, right, left or window", "'middle'");
    REFUSE_FLAG("--truncate=righ", "'righ'");
    REFUSE_FLAG("--openai-ids=p50k", "cl100k, o200k or model", "'p50k'");
    REFUSE_FLAG("--listen=", "--listen", "must not be empty");
    REFUSE_FLAG("--model", "--model needs a value");
    REFUSE_FLAG("--max-inputs", "needs a value", "from 1 to 1000000");
    REFUSE_FLAG("--config", "--config needs a value");
    REFUSE_FLAG("--config=", "--config needs a value");
}

static void an_unknown_flag_names_the_nearest(void **state)
{
    (void)state;
    REFUSE_FLAG("--max-input", "unknown flag --max-input, did you mean --max-inputs?");
    REFUSE_FLAG("--lisen=1:2", "unknown flag --lisen, did you mean --listen?");
    REFUSE_FLAG("-threads", "unknown flag -threads, did you mean --threads?");
    REFUSE_FLAG("--port", "unknown flag --port, did you mean --listen?");
    REFUSE_FLAG("-port=80", "unknown flag -port, did you mean --listen?");
    REFUSE_FLAG("--model-id=x", "--model?");
    REFUSE_FLAG("--max_inputs=3", "--max-inputs");
    REFUSE_FLAG("--confg=3", "did you mean --config?");
    REFUSE_FLAG("--colour", "unknown flag --colour; --help lists them");
    REFUSE_FLAG("model/", "unexpected argument 'model/'; usage: embedd serve [OPTION]...");
}

static void a_variable_is_below_a_flag_and_above_the_file(void **state)
{
    (void)state;
    struct config config;
    struct err err;
    char scratch[600];
    const char *content = "{\"threads\": 1, \"workers\": 1, \"max-inputs\": 1}";
    const char *path = write_file(content, strlen(content));
    setenv("EMBEDD_CONFIG", path, 1);
    setenv("EMBEDD_THREADS", "2", 1);
    setenv("EMBEDD_WORKERS", "2", 1);
    setenv("EMBEDD_LISTEN", "", 1);
    assert_true(load(&config, &err, "--threads=3", NULL));
    assert_int_equal(config.threads, 3);
    assert_int_equal(config.workers, 2);
    assert_int_equal(config.max_inputs, 1);
    assert_string_equal(config.listen, "127.0.0.1:8080");
    assert_string_equal(config_origin(&config, CONFIG_threads, scratch, sizeof scratch),
                        "--threads");
    assert_string_equal(config_origin(&config, CONFIG_workers, scratch, sizeof scratch),
                        "EMBEDD_WORKERS");
    assert_string_equal(config_origin(&config, CONFIG_listen, scratch, sizeof scratch), "default");
    config_origin(&config, CONFIG_max_inputs, scratch, sizeof scratch);
    assert_memory_equal(scratch, "file ", 5);
    assert_string_equal(scratch + 5, path);
    assert_int_equal(config.n_warnings, 0);
    config_clear(&config);
    unlink(path);
    /* The flag's file wins too: the variable's is gone by now. */
    assert_true(load_file(&config, &err, "{\"max-inputs\": 7}"));
    assert_int_equal(config.max_inputs, 7);
    config_clear(&config);
    unsetenv("EMBEDD_CONFIG");
    unsetenv("EMBEDD_THREADS");
    unsetenv("EMBEDD_WORKERS");
    unsetenv("EMBEDD_LISTEN");
}

static void a_wrong_variable_is_refused_even_below_a_flag(void **state)
{
    (void)state;
    struct config config;
    struct err err;
    const char *parts[] = {"EMBEDD_MAX_INPUTS", "from 1 to 1000000", "'many'"};
    setenv("EMBEDD_MAX_INPUTS", "many", 1);
    assert_false(load(&config, &err, "--max-inputs=3", NULL));
    check_refused(&err, parts, 3);
    unsetenv("EMBEDD_MAX_INPUTS");
}

static void set_all(const char *const list[][2], bool is_set)
{
    for (size_t i = 0; list[i][0]; i++) {
        if (is_set)
            setenv(list[i][0], list[i][1], 1);
        else
            unsetenv(list[i][0]);
    }
}

static void variables_that_no_one_reads_are_only_warned_of(void **state)
{
    (void)state;
    struct config config;
    struct err err;
    static const char *const list[][2] = {
        {"EMBEDD_PORT", "8080"},
        {"EMBEDD_MAX_INPUT", "3"},
        {"EMBEDD_CPU", "scalar"},
        {"EMBEDDING", "1"},
        {NULL, NULL},
    };
    set_all(list, true);
    assert_true(load(&config, &err, NULL));
    assert_int_equal(config.n_warnings, 2);
    bool has_hint = false, has_alias = false;
    for (size_t i = 0; i < 2; i++) {
        has_hint |= strstr(config.warnings[i], "EMBEDD_MAX_INPUT ") &&
                    strstr(config.warnings[i], "did you mean EMBEDD_MAX_INPUTS?");
        has_alias |= strstr(config.warnings[i], "EMBEDD_PORT ") &&
                     strstr(config.warnings[i], "did you mean EMBEDD_LISTEN?");
    }
    assert_true(has_hint && has_alias);
    config_clear(&config);
    set_all(list, false);
}

static void variables_of_kubernetes_are_passed_over(void **state)
{
    (void)state;
    struct config config;
    struct err err;
    static const char *const theirs[][2] = {
        {"EMBEDD_SERVICE_HOST", "10.0.0.1"},
        {"EMBEDD_SERVICE_PORT", "8080"},
        {"EMBEDD_SERVICE_PORT_HTTP_METRICS", "8080"},
        {"EMBEDD_PORT", "tcp://10.0.0.1:8080"},
        {"EMBEDD_PORT_8080_TCP", "tcp://10.0.0.1:8080"},
        {"EMBEDD_PORT_8080_TCP_PROTO", "tcp"},
        {"EMBEDD_PORT_8080_TCP_PORT", "8080"},
        {"EMBEDD_PORT_8080_TCP_ADDR", "10.0.0.1"},
        {"EMBEDD_PORT_53_UDP", "udp://10.0.0.1:53"},
        {NULL, NULL},
    };
    static const char *const others[][2] = {
        {"EMBEDD_SERVICE", "x"},
        {"EMBEDD_SERVICE_HOSTS", "x"},
        {"EMBEDD_PORT_8080", "x"},
        {"EMBEDD_PORT_8080_TCP", "8080"},
        {"EMBEDD_PORT_8080_TCP_X", "x"},
        {"EMBEDD_PORT_HTTP_TCP_PORT", "x"},
        {"EMBEDD_MY_SERVICE_HOST", "x"},
        {"EMBEDD_SERVICE_PORT_", "x"},
        {NULL, NULL},
    };
    set_all(theirs, true);
    assert_true(load(&config, &err, NULL));
    assert_int_equal(config.n_warnings, 0);
    config_clear(&config);
    set_all(theirs, false);
    set_all(others, true);
    assert_true(load(&config, &err, NULL));
    assert_int_equal(config.n_warnings, 8);
    config_clear(&config);
    set_all(others, false);
}

static void the_file_takes_values_of_their_kind(void **state)
{
    (void)state;
    struct config config;
    struct err err;
    assert_true(load_file(&config, &err,
                          "{\"listen\": \"[::1]:0\", \"max-body-bytes\": \"64K\", \"threads\": 4,\n"
                          " \"idle-timeout\": 5, \"write-timeout\": \"250ms\",\n"
                          " \"access-log\": true, \"truncate\": \"error\"}\n"));
    assert_string_equal(config.listen, "[::1]:0");
    assert_int_equal(config.max_body_bytes, 65536);
    assert_int_equal(config.threads, 4);
    assert_int_equal(config.idle_timeout_ms, 5000);
    assert_int_equal(config.write_timeout_ms, 250);
    assert_true(config.access_log);
    assert_int_equal(config.truncate, 1); /* error */
    config_clear(&config);
    assert_true(load_file(&config, &err, "{}"));
    config_clear(&config);
}

static void a_wrong_file_is_refused_with_its_line(void **state)
{
    (void)state;
    REFUSE_FILE("", ":1: ", "empty");
    REFUSE_FILE(" \n\n ", "empty");
    REFUSE_FILE("listen = 1\n", "invalid JSON at line 1");
    REFUSE_FILE("{\n  \"threads\": 2,\n}", "line 3");
    REFUSE_FILE("{\"threads\": 2", "line 1", "ends too early");
    REFUSE_FILE("{\"threads\": 2, \"threads\": 3}", "duplicate", "line 1");
    REFUSE_FILE("[]", ":1: ", "JSON object");
    REFUSE_FILE("12", "JSON object");
    REFUSE_FILE("{\n\n\"thread\": 2}", ":3: ", "'thread'", "did you mean 'threads'?");
    REFUSE_FILE("{\"x\": \"threads\",\n \"colour\": 1,\n\"y\": 2}", "there is no setting",
                "--sample");
    REFUSE_FILE("{\"listen\": \"threads\",\n \"threads\": 1000}", ":2: threads must be", "0 to 256",
                "'1000'");
    REFUSE_FILE("{\n\"threads\": \"a\"}", ":2: threads", "'a'");
    REFUSE_FILE("{\"threads\": true}", ":1: threads must be", "not 'true'");
    REFUSE_FILE("{\"threads\": 1.5}", "threads must be", "not '1.5'");
    REFUSE_FILE("{\"threads\": -1}", "not '-1'");
    REFUSE_FILE("{\"threads\": null}", "not 'null'");
    REFUSE_FILE("{\"threads\": [1]}", "threads must be");
    REFUSE_FILE("{\"threads\": {\"threads\": 1}}", "threads must be");
    REFUSE_FILE("{\"listen\": 8080}", "listen must be a non-empty text", "'8080'");
    REFUSE_FILE("{\"listen\": \"\"}", "listen must not be empty");
    REFUSE_FILE("{\"listen\": \"a\\u0000b\"}", "listen must be a non-empty text");
    REFUSE_FILE("{\"access-log\": \"true\"}", "access-log must be true or false");
    REFUSE_FILE("{\"access-log\": 1}", "access-log must be true or false");
    REFUSE_FILE("{\"threads\": 1e999}", "too large");
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    (void)state;
    REFUSE_FLAG("--config=/no/such/file.json", "/no/such/file.json", "No such file");
    REFUSE_FLAG("--config=/tmp", "'/tmp'", "Is a directory");
}

static void a_file_full_of_rubbish_never_crashes(void **state)
{
    (void)state;
    char content[400];
    uint32_t seed = 7;
    for (int round = 0; round < 300; round++) {
        for (size_t i = 0; i < sizeof content; i++) {
            seed = seed * 1664525u + 1013904223u;
            content[i] = round % 2 ? (char)(seed >> 24) : "{}[]\":,0 \n\\te"[(seed >> 24) % 13];
        }
        struct config config;
        struct err err;
        const char *path = write_file(content, sizeof content);
        assert_false(load(&config, &err, "--config", path, NULL));
        assert_int_equal(err.code, ERR_USAGE);
        unlink(path);
    }
}

static bool values_are_equal(const struct config *a, const struct config *b)
{
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        char scratch[2][32];
        if (strcmp(config_value(a, i, scratch[0]), config_value(b, i, scratch[1])) != 0)
            return false;
    }
    return true;
}

/* What `print` writes, in a string to be freed. */
static char *printed(void (*print)(FILE *))
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    print(out);
    fclose(out);
    return text;
}

static void the_sample_reads_back_as_the_defaults(void **state)
{
    (void)state;
    struct config config, defaults;
    struct err err;
    char *sample = printed(config_print_sample);
    if (!load_file(&config, &err, sample)) fail_msg("%s", err.message);
    config_init(&defaults);
    assert_true(values_are_equal(&config, &defaults));
    for (size_t i = 0; i < CONFIG_COUNT; i++)
        assert_int_equal(config.origins[i], CONFIG_FILE);
    config_clear(&config);
    config_clear(&defaults);
    free(sample);
}

static void every_value_as_text_reads_back(void **state)
{
    (void)state;
    struct config config, again;
    struct err err;
    assert_true(load(&config, &err, "--idle-timeout=90s", "--request-timeout=1500ms",
                     "--write-timeout=2h", "--max-body-bytes=3K", "--truncate=left", "--access-log",
                     NULL));
    char texts[CONFIG_COUNT][64], name[] = "x", *argv[CONFIG_COUNT + 1] = {name};
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        char scratch[32];
        snprintf(texts[i], sizeof texts[i], "--%s=%s", config_name(i),
                 config_value(&config, i, scratch));
        argv[i + 1] = texts[i];
    }
    if (!load_arguments(&again, CONFIG_COUNT + 1, argv, &err)) fail_msg("%s", err.message);
    assert_true(values_are_equal(&config, &again));
    config_clear(&config);
    config_clear(&again);
}

static void help_and_markdown_name_every_setting(void **state)
{
    (void)state;
    char *help = printed(config_print_help), *markdown = printed(config_print_markdown);
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        char line[64];
        snprintf(line, sizeof line, "\n  --%s", config_name(i));
        if (i > 0) assert_non_null(strstr(help, line));
        snprintf(line, sizeof line, "\n| `%s` | `", config_name(i));
        assert_non_null(strstr(markdown, line));
    }
    assert_non_null(strstr(help, "  --truncate auto|error|right|left|window\n"));
    free(help);
    free(markdown);
}

static void check_file_is(const char *path, void (*print)(FILE *))
{
    char *want = printed(print), *have = calloc(1, 1 << 20);
    FILE *file = fopen(path, "r");
    if (!file) fail_msg("%s is not there; run from the top folder", path);
    have[fread(have, 1, (1 << 20) - 1, file)] = '\0';
    fclose(file);
    if (strcmp(want, have) != 0) fail_msg("%s is not up to date: make docs", path);
    free(want);
    free(have);
}

static void write_settings(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* Flags go on, what can change changes, what takes a start is named and stays. */
static void settings_are_read_again_as_far_as_they_can_change(void **state)
{
    (void)state;
    char path[] = "/tmp/embedd-test-again-XXXXXX", names[100];
    struct config config, again;
    struct err err;
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    write_settings(path, "{\"max-inputs\": 5, \"threads\": 2, \"alias\": [\"a=b\", \"c=d\"]}");
    if (!load(&config, &err, "--config", path, "--max-input-tokens", "7", "--model", "x", "--model",
              "y", NULL))
        fail_msg("%s", err.message);
    write_settings(path, "{\"max-inputs\": 6, \"threads\": 3, \"max-connections\": 9, "
                         "\"max-input-tokens\": 8, \"model\": \"z\"}");
    assert_true(config_read_again(&again, &config, names, sizeof names, &err));
    assert_int_equal(again.max_inputs, 6);
    assert_int_equal(again.max_input_tokens, 7);
    assert_string_equal(again.model, "x\ny");
    assert_string_equal(again.alias, "none");
    assert_int_equal(again.threads, 2);
    assert_int_equal(again.max_connections, config.max_connections);
    assert_string_equal(names, "threads, max-connections");
    assert_true(config_differs(&again, &config, CONFIG_max_inputs));
    assert_false(config_differs(&again, &config, CONFIG_threads));
    config_clear(&again);
    assert_true(config_read_again(&again, &config, names, 5, &err)); /* they are cut */
    assert_int_equal(strlen(names), 4);
    config_clear(&again);
    write_settings(path, "{\"max-inputs\": 0}");
    assert_false(config_read_again(&again, &config, names, sizeof names, &err));
    assert_non_null(strstr(err.message, "max-inputs must be"));
    config_clear(&again);
    config_clear(&config);
    unlink(path);
}

static void the_documentation_is_up_to_date(void **state)
{
    (void)state;
    check_file_is("docs/CONFIG.md", config_print_markdown);
    check_file_is("docs/embedd.sample.json", config_print_sample);
}

static void a_true_or_false_setting_is_a_switch(void **state)
{
    (void)state;
    struct config config;
    struct err err;
    setenv("EMBEDD_STRICT_MODEL", "true", 1);
    assert_true(
        load(&config, &err, "--no-strict-model", "--no-access-log", "--server-timing", "--", NULL));
    unsetenv("EMBEDD_STRICT_MODEL");
    assert_false(config.strict_model);
    assert_false(config.access_log);
    assert_true(config.server_timing);
    assert_int_equal(config.origins[CONFIG_strict_model], CONFIG_FLAG);
    config_clear(&config);
    REFUSE_FLAG("--no-threads", "unknown flag --no-threads");
    REFUSE_FLAG("--no-access-log=true", "unknown flag --no-access-log");
    assert_false(load(&config, &err, "--access-log", "--no-access-log", NULL));
    assert_string_equal(err.message, "--access-log is given twice; give it once");
}

static void a_flag_is_no_value_of_another(void **state)
{
    (void)state;
    struct config config;
    struct err err;
    assert_false(load(&config, &err, "--model", "--threads", NULL));
    assert_string_equal(err.message, "--model needs a value: a non-empty text");
    assert_true(load(&config, &err, "--model=--threads", NULL));
    assert_string_equal(config.model, "--threads");
    config_clear(&config);
}

/* What the caller's shell has set must not matter. */
static int forget_the_environment(void **state)
{
    (void)state;
    return clearenv();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_anything_the_defaults_hold),
        cmocka_unit_test(flags_are_taken_in_both_forms),
        cmocka_unit_test(a_flag_given_twice_is_refused),
        cmocka_unit_test(a_list_is_of_the_place_that_wins),
        cmocka_unit_test(sizes_and_times_take_their_units),
        cmocka_unit_test(a_wrong_value_names_flag_range_and_value),
        cmocka_unit_test(an_unknown_flag_names_the_nearest),
        cmocka_unit_test(a_variable_is_below_a_flag_and_above_the_file),
        cmocka_unit_test(a_wrong_variable_is_refused_even_below_a_flag),
        cmocka_unit_test(variables_that_no_one_reads_are_only_warned_of),
        cmocka_unit_test(variables_of_kubernetes_are_passed_over),
        cmocka_unit_test(the_file_takes_values_of_their_kind),
        cmocka_unit_test(a_wrong_file_is_refused_with_its_line),
        cmocka_unit_test(a_file_that_cannot_be_read_is_named),
        cmocka_unit_test(a_file_full_of_rubbish_never_crashes),
        cmocka_unit_test(the_sample_reads_back_as_the_defaults),
        cmocka_unit_test(every_value_as_text_reads_back),
        cmocka_unit_test(help_and_markdown_name_every_setting),
        cmocka_unit_test(settings_are_read_again_as_far_as_they_can_change),
        cmocka_unit_test(the_documentation_is_up_to_date),
        cmocka_unit_test(a_true_or_false_setting_is_a_switch),
        cmocka_unit_test(a_flag_is_no_value_of_another),
    };
    return cmocka_run_group_tests(tests, forget_the_environment, NULL);
}
