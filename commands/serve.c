/* SPDX-License-Identifier: Apache-2.0 */
#include "server/serve.h"
#include "base/cpu.h"
#include "base/json.h"
#include "base/log.h"
#include "commands/commands.h"
#include "config/config.h"
#include "model/bundle/bundle.h"
#include "model/math/kernels.h"
#include "model/model.h"

#include <stdio.h>
#include <string.h>

static void print_url(const char *url, void *user)
{
    (void)user;
    printf("listening on %s\n", url);
    fflush(stdout);
}

static void warn_of_cpu(void)
{
    const char *refused = cpu_refused();
    if (refused)
        log_warn("EMBEDD_CPU=%s is none of scalar, avx2 and avx512 that this CPU has; using %s",
                 refused, cpu_level_names[cpu_level()]);
}

static void warn_of_files(const char *sentence)
{
    log_warn("%s", sentence);
}

/* Such a model serves vectors all the same. */
static void warn_of_head(const struct model *model)
{
    const struct heads *heads = model_heads(model);
    if (heads->refused.code != ERR_NONE)
        log_warn("served without its classifier: %s", heads->refused.message);
}

static void tell_of_config(const struct model *model)
{
    const struct settings *settings = &model_bundle(model)->settings;
    const char *key;
    json_t *value;
    json_object_foreach(settings->passed_over, key, value)
    {
        log_info("config.json belongs to %s (it has %s), so its %s is ignored; add \"compat\": "
                 "\"embedd\" to it to have its keys count",
                 settings_owners[settings->owner], settings->mark, key);
    }
}

static bool load_config(struct config *config, int argc, char **argv, int *exit_code)
{
    struct flag list[CONFIG_FLAGS];
    struct err err;
    int n_files;
    const struct flags flags = {
        .usage = "embedd serve [OPTION]...",
        .about = "Answers over HTTP until SIGTERM or SIGINT, then finishes what is under way; a "
                 "second signal\nleaves at once (exit code 128 + its number).",
        .list = list,
        .n = CONFIG_FLAGS,
        .aliases = config_aliases,
        .print_list = config_print_help,
    };
    config_init(config);
    config_flags(config, list);
    if (!commands_take_flags(&flags, argc, argv, &n_files, exit_code)) return false;
    if (config_finish(config, &err)) return true;
    *exit_code = commands_fail(argv[0], &err);
    return false;
}

int serve_main(int argc, char **argv)
{
    struct err err;
    struct config config;
    int exit_code;
    json_init();
    if (!load_config(&config, argc, argv, &exit_code)) {
        config_clear(&config);
        return exit_code;
    }
    log_init((enum log_level)config.log_level, config.access_log);
    for (size_t i = 0; i < config.n_warnings; i++)
        log_warn("%s", config.warnings[i]);
    warn_of_cpu();
    struct model *model = NULL;
    const struct model_options options = {
        .tensor = strcmp(config.tensor, "auto") == 0 ? NULL : config.tensor,
        .compat = (int)config.compat - 1, /* the first choice is auto */
        .is_strict = config.strict,
        .limit = (uint64_t)config.limit,
        .warn = warn_of_files,
    };
    bool is_done = model_open_as(&model, config.model, &options, &err);
    if (is_done) warn_of_head(model);
    if (is_done) tell_of_config(model);
    is_done = is_done &&
              (strcmp(config.heads, "none") == 0 || model_add_heads(model, config.heads, &err)) &&
              serve_run(&config, model, print_url, NULL, &err);
    model_close(model);
    config_clear(&config);
    return is_done ? 0 : commands_fail("serve", &err);
}

void serve_print_libraries(FILE *out)
{
    char libraries[100];
    serve_libraries(libraries, sizeof libraries);
    fprintf(out, "libraries: %s, jansson %s\n", libraries, jansson_version_str());
}
