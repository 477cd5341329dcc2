/* SPDX-License-Identifier: Apache-2.0 */
#include "config/option.h"

#include "base/arena.h"
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

/* Far above what all settings take. */
#define SAMPLE_BYTES_MAX ((size_t)1 << 20)

static const char *placeholder(const struct option *option, char *scratch, size_t bytes)
{
    static const char *const of_type[] = {
        [OPTION_NUMBER] = "N", [OPTION_BYTES] = "SIZE", [OPTION_SECONDS] = "TIME"};
    if (option_is_text(option)) return option->words;
    if (option->type == OPTION_BOOL) return "";
    if (option->type != OPTION_CHOICE) return of_type[option->type];
    snprintf(scratch, bytes, "%s", option->words);
    for (char *c = scratch; *c; c++) {
        if (*c == ' ') *c = '|';
    }
    return scratch;
}

void config_print_help(FILE *out)
{
    struct config defaults;
    config_init(&defaults);
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        char words[80], scratch[32], range[160];
        const char *value = placeholder(&options[i], words, sizeof words);
        fprintf(out, "  --%s%s%s\n      %s\n", options[i].name, *value ? " " : "", value,
                options[i].help);
        option_range(&options[i], range, sizeof range);
        if (!option_is_text(&options[i]) && options[i].type != OPTION_BOOL &&
            options[i].type != OPTION_CHOICE)
            fprintf(out, "      %s; ", range);
        else
            fprintf(out, "      ");
        fprintf(out, "default %s\n", config_value(&defaults, i, scratch));
    }
    fprintf(out,
            "  --config FILE\n      a JSON file with settings; `embedd config --sample` prints "
            "one\n"
            "Each --some-name is also the variable EMBEDD_SOME_NAME and the key \"some-name\" "
            "of the file.\nA flag wins over a variable, a variable over the file, the file over "
            "the default.\n");
    config_clear(&defaults);
}

void config_print_sample(FILE *out)
{
    struct config defaults;
    struct arena arena;
    struct buf text;
    config_init(&defaults);
    arena_init(&arena, SAMPLE_BYTES_MAX);
    buf_init(&text, &arena);
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        buf_printf(&text, "%s  \"%s\": ", i == 0 ? "{\n" : ",\n", options[i].name);
        config_add_json(&defaults, i, &text);
    }
    buf_add_str(&text, "\n}\n");
    if (text.failed) abort();
    fwrite(text.data, 1, text.bytes, out);
    arena_clear(&arena);
    config_clear(&defaults);
}

void config_print_markdown(FILE *out)
{
    fprintf(
        out,
        "# Settings\n\n"
        "<!-- Written by `embedd config --markdown` from config/options.def. -->\n\n"
        "Each setting can be given in three places, the first of which wins:\n\n"
        "1. a flag: `embedd serve --max-inputs 100` or `--max-inputs=100`; true/false settings\n"
        "   are switched on by `--access-log` and off by `--no-access-log` or "
        "`--access-log=false`;\n"
        "2. a variable: `EMBEDD_MAX_INPUTS=100` (capitals, `_` for `-`); an empty one counts as\n"
        "   not set;\n"
        "3. a JSON file, named by `--config FILE` or `EMBEDD_CONFIG`: `{\"max-inputs\": 100}`;\n"
        "   [embedd.sample.json](embedd.sample.json) holds every setting at its default.\n\n"
        "A setting that may be given more than once is a list in the file, and a line an item in "
        "a\n"
        "variable: `{\"model\": [\"en=/models/en\", \"zh=/models/zh\"]}`.\n\n"
        "Sizes are in bytes, or with a suffix: `64K`, `8M`, `8MiB`, `1G` (powers of 1,024).\n"
        "Times are in seconds, or with a unit: `30`, `30s`, `500ms`, `2m`, `1h` (in the file\n"
        "those with a unit are strings). `embedd config` prints the settings in force and where\n"
        "each comes from. Unknown flags and keys are errors; an unknown `EMBEDD_*` variable is\n"
        "only a warning. Those that Kubernetes sets beside a Service named embedd are ignored:\n"
        "`EMBEDD_SERVICE_HOST`, `EMBEDD_SERVICE_PORT`, `EMBEDD_SERVICE_PORT_NAME`,\n"
        "`EMBEDD_PORT=tcp://...`, `EMBEDD_PORT_8080_TCP=tcp://...` and, behind the last of these\n"
        "names, `_PROTO`, `_PORT` and `_ADDR`.\n\n"
        "| Setting | Default | Values | Meaning | Takes effect |\n"
        "| --- | --- | --- | --- | --- |\n");
    struct config defaults;
    config_init(&defaults);
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        char scratch[32], range[160];
        option_range(&options[i], range, sizeof range);
        fprintf(out, "| `%s` | `%s` | %s | %s | %s |\n", options[i].name,
                config_value(&defaults, i, scratch),
                option_is_text(&options[i]) ? options[i].words : range, options[i].help,
                options[i].is_reloadable ? "on reload" : "at start");
    }
    config_clear(&defaults);
}
