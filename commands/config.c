/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/commands.h"

#include "base/json.h"
#include "config/config.h"

#include <stdio.h>
#include <string.h>

#define TEXT_BYTES_MAX ((size_t)64 << 20) /* far above what arguments can hold */

static void print_table(const struct config *config)
{
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        char scratch[32], origin[600];
        printf("%-20s %-20s %s\n", config_name(i), config_value(config, i, scratch),
               config_origin(config, i, origin, sizeof origin));
    }
}

static bool print_json(const struct config *config)
{
    struct arena arena;
    struct buf text;
    arena_init(&arena, TEXT_BYTES_MAX);
    buf_init(&text, &arena);
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        char scratch[600];
        buf_printf(&text, "%s  \"%s\": {\"value\": ", i == 0 ? "{\n" : ",\n", config_name(i));
        config_add_json(config, i, &text);
        buf_add_str(&text, ", \"from\": ");
        const char *origin = config_origin(config, i, scratch, sizeof scratch);
        json_write_string(&text, origin, strlen(origin));
        buf_add_char(&text, '}');
    }
    buf_add_str(&text, "\n}\n");
    bool is_complete = !text.failed;
    if (is_complete) fwrite(text.data, 1, text.bytes, stdout);
    arena_clear(&arena);
    return is_complete;
}

enum output {
    OUTPUT_TABLE,
    OUTPUT_JSON,
    OUTPUT_SAMPLE,
    OUTPUT_MARKDOWN,
    OUTPUT_HELP,
};

static void print_help(void)
{
    printf(
        "usage: embedd config [OPTION]...\n\n"
        "Prints the settings in force and where each comes from: a flag, a variable, the file or "
        "the default.\n\n"
        "  --format text|json\n      a table (default), or a JSON object\n"
        "  --sample\n      print a JSON file with every setting at its default instead\n"
        "  --markdown\n      print docs/CONFIG.md instead\n"
        "  --help\n      this text\n");
    config_print_help(stdout);
}

/* The flags that are this command's own. As config_take_flag: how many arguments were taken. */
static int take_own_flag(int argc, char **argv, int at, enum output *output, bool *has_format,
                         struct err *err)
{
    const char *arg = argv[at];
    if (strcmp(arg, "--sample") == 0)
        *output = OUTPUT_SAMPLE;
    else if (strcmp(arg, "--markdown") == 0)
        *output = OUTPUT_MARKDOWN;
    else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)
        *output = OUTPUT_HELP;
    else if (strcmp(arg, "--format") == 0 || strncmp(arg, "--format=", 9) == 0) {
        bool is_joined = arg[8] == '=';
        const char *value = is_joined ? arg + 9 : at + 1 < argc ? argv[at + 1] : "";
        bool is_json = strcmp(value, "json") == 0;
        if (*has_format) {
            err_set(err, ERR_USAGE, "format", "--format is given twice; give it once");
            return -1;
        }
        *has_format = true;
        if (!is_json && strcmp(value, "text") != 0) {
            err_set(err, ERR_USAGE, "format", "--format must be text or json, not '%.*s'",
                    ERR_VALUE_BYTES, value);
            return -1;
        }
        *output = is_json ? OUTPUT_JSON : OUTPUT_TABLE;
        return is_joined ? 1 : 2;
    } else {
        return 0;
    }
    return 1;
}

static bool print_output(const struct config *config, enum output output)
{
    switch (output) {
    case OUTPUT_TABLE:
        print_table(config);
        return true;
    case OUTPUT_JSON:
        return print_json(config);
    case OUTPUT_SAMPLE:
        config_print_sample(stdout);
        return true;
    case OUTPUT_MARKDOWN:
        config_print_markdown(stdout);
        return true;
    case OUTPUT_HELP:
        print_help();
        return true;
    }
    return false;
}

int config_main(int argc, char **argv)
{
    struct config config;
    struct err err;
    enum output output = OUTPUT_TABLE;
    bool is_done = false, has_format = false;
    config_init(&config);
    for (int at = 1, taken; at < argc && output != OUTPUT_HELP; at += taken) {
        taken = take_own_flag(argc, argv, at, &output, &has_format, &err);
        if (taken == 0) taken = config_take_flag(&config, argc, argv, at, &err);
        if (taken == 0) config_refuse_argument(argv[0], argv[at], &err);
        if (taken <= 0) goto out;
    }
    /* The others do not depend on what is set here and now. */
    bool is_read = output == OUTPUT_TABLE || output == OUTPUT_JSON;
    if (is_read && !config_finish(&config, &err)) goto out;
    for (size_t i = 0; i < config.n_warnings; i++)
        fprintf(stderr, "embedd config: %s\n", config.warnings[i]);
    if (!print_output(&config, output))
        err_out_of_memory(&err);
    else
        is_done = commands_close_stdout(&err);
out:
    config_clear(&config);
    return is_done ? 0 : commands_fail("config", &err);
}
