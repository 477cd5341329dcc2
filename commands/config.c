/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/commands.h"

#include "base/json.h"
#include "config/config.h"

#include <stdio.h>
#include <string.h>

#define TEXT_BYTES_MAX ((size_t)64 << 20) /* far above what arguments can hold */

enum format { FORMAT_TEXT, FORMAT_JSON };

/* What is asked for; the documentation before the sample before the settings. */
struct printing {
    int format, is_sample, is_markdown;
};

static void print_table(const struct config *config)
{
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        char scratch[32], origin[600];
        const char *value = config_value(config, i, scratch), *line;
        const char *from = config_origin(config, i, origin, sizeof origin);
        /* Of a list, an item a line. */
        for (; (line = strchr(value, '\n')); value = line + 1)
            printf("%-20s %.*s\n", config_name(i), (int)(line - value), value);
        printf("%-20s %-20s %s\n", config_name(i), value, from);
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

static void print_flags(FILE *out)
{
    fprintf(out, "  --format text|json\n      a table (default), or a JSON object\n"
                 "  --sample\n      print a JSON file with every setting at its default instead\n"
                 "  --markdown\n      print docs/CONFIG.md instead\n"
                 "  --help\n      this text\n");
    config_print_help(out);
}

static bool take_flags(struct config *config, struct printing *printing, int argc, char **argv,
                       int *exit_code)
{
    static const char *const formats[] = {"text", "json", NULL};
    struct flag list[CONFIG_FLAGS + 3];
    int n_files;
    const struct flags flags = {
        .usage = "embedd config [OPTION]...",
        .about = "Prints the settings in force and where each comes from: a flag, a variable, the "
                 "file or the default.",
        .list = list,
        .n = CONFIG_FLAGS + 3,
        .aliases = config_aliases,
        .print_list = print_flags,
    };
    config_flags(config, list);
    struct flag *own = list + CONFIG_FLAGS;
    own[0] =
        (struct flag){"format", FLAG_CHOICE, .out.choice = &printing->format, .choices = formats};
    own[1] = (struct flag){"sample", FLAG_SWITCH, .out.is_on = &printing->is_sample};
    own[2] = (struct flag){"markdown", FLAG_SWITCH, .out.is_on = &printing->is_markdown};
    return commands_take_flags(&flags, argc, argv, &n_files, exit_code);
}

/* The sample and the documentation do not depend on what is set here and now. */
static bool print_all(struct config *config, const struct printing *printing, struct err *err)
{
    const bool is_read = !printing->is_sample && !printing->is_markdown;
    if (is_read && !config_finish(config, err)) return false;
    for (size_t i = 0; i < config->n_warnings; i++)
        fprintf(stderr, "embedd config: %s\n", config->warnings[i]);
    if (printing->is_markdown)
        config_print_markdown(stdout);
    else if (printing->is_sample)
        config_print_sample(stdout);
    else if (printing->format == FORMAT_TEXT)
        print_table(config);
    else if (!print_json(config))
        return err_out_of_memory(err);
    return commands_close_stdout(err);
}

int config_main(int argc, char **argv)
{
    struct config config;
    struct printing printing = {0};
    struct err err;
    int exit_code = 0;
    config_init(&config);
    if (take_flags(&config, &printing, argc, argv, &exit_code) &&
        !print_all(&config, &printing, &err))
        exit_code = commands_fail("config", &err);
    config_clear(&config);
    return exit_code;
}
