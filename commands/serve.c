/* SPDX-License-Identifier: Apache-2.0 */
#include "server/serve.h"
#include "base/cpu.h"
#include "base/json.h"
#include "base/log.h"
#include "commands/commands.h"
#include "commands/models_open.h"
#include "config/config.h"
#include "model/math/kernels.h"

#include <stdio.h>
#include <string.h>

static void print_url(const char *url, bool is_admin, void *user)
{
    (void)user;
    printf("listening on %s%s\n", url, is_admin ? " (admin)" : "");
    fflush(stdout);
}

static char **take_links(void *user, size_t *n, uint64_t *known)
{
    struct models *models = user;
    char **links = models->links;
    *n = models->n_links;
    *known = models->links_hash;
    models->links = NULL;
    models->n_links = models->links_cap = 0;
    return links;
}

static void warn_of_cpu(void)
{
    const char *refused = cpu_refused();
    if (refused)
        log_warn(
            "EMBEDD_CPU=%s is not available on this CPU (scalar, avx2 and avx512 exist); using %s",
            refused, cpu_level_names[cpu_level()]);
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
    struct models models = {0};
    const struct serve_models source = {.open = models_open,
                                        .open_trained = models_open_trained,
                                        .links = take_links,
                                        .paths = models_paths,
                                        .user = &models};
    const bool is_done = serve_run(&config, &source, print_url, NULL, &err);
    models_clear(&models);
    config_clear(&config);
    return is_done ? 0 : commands_fail("serve", &err);
}

void serve_print_libraries(FILE *out)
{
    char libraries[100];
    serve_libraries(libraries, sizeof libraries);
    fprintf(out, "libraries: %s, jansson %s\n", libraries, jansson_version_str());
}
