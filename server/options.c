/* SPDX-License-Identifier: Apache-2.0 */
#include "server/options.h"

#include "base/log.h"
#include "model/text/openai/openai_ids.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options_reading {
    struct service service;
    struct config config;
    struct options_reading *next;
};

/* In the order of the option's values, the last of which is "model". */
static const struct openai_ids *openai_ids_chosen(size_t choice)
{
    static const struct openai_ids *const vocabularies[] = {&openai_cl100k, &openai_o200k, NULL};
    return vocabularies[choice];
}

void options_fill(struct service *service, const struct config *config)
{
    service->body_bytes_max = config->max_body_bytes;
    service->inputs_max = config->max_inputs;
    service->input_tokens_max = config->max_input_tokens;
    service->dense_cells_max = config->max_dense_cells;
    service->truncate = (enum truncate)config->truncate;
    service->openai_ids = openai_ids_chosen((size_t)config->openai_ids);
    service->strict_model = config->strict_model;
    service->has_page = config->page;
    service->timing_always = config->server_timing;
    service->tei_validation_413 = config->tei_validation_status == 1;
    service->compress_bytes_min = config->compress_min_bytes;
    service->request_timeout_ns = config->request_timeout_ms * 1000000;
    service->idle_timeout_ns = config->idle_timeout_ms * 1000000;
    service->write_timeout_ns = config->write_timeout_ms * 1000000;
    service->logs_access = config->access_log;
    service->rate_limits = (struct rate_limits){config->rate_limit, config->rate_limit_tokens};
    service->queue_cost_max = config->max_queue;
    service->queue_wait_ns = config->max_wait_ms * 1000000;
    service->drain_idle_ns = config->drain_idle_ms * 1000000;
}

void options_init(struct options *options, const struct config *config,
                  const struct service *service)
{
    atomic_init(&options->config, config);
    atomic_init(&options->service, service);
    options->readings = NULL;
}

static void free_reading(struct options_reading *reading)
{
    config_clear(&reading->config);
    free(reading);
}

/* A value in quotes; of a list each item. */
static void quote(const struct config *config, size_t i, char *out, size_t bytes)
{
    char scratch[32];
    const char *item = config_value(config, i, scratch);
    for (size_t used = 0; used < bytes;) {
        const size_t n = strcspn(item, "\n");
        used += (size_t)snprintf(out + used, bytes - used, "'%.*s'%s", (int)n, item,
                                 item[n] ? ", " : "");
        if (!item[n]) break;
        item += n + 1;
    }
}

static bool tell_of_changes(const struct config *now, const struct config *before)
{
    bool has_any = false;
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        char of_now[400], of_before[400];
        if (!config_differs(now, before, i)) continue;
        has_any = true;
        quote(now, i, of_now, sizeof of_now);
        quote(before, i, of_before, sizeof of_before);
        log_info("%s: %s instead of %s", config_name(i), of_now, of_before);
    }
    return has_any;
}

static void put(struct options *options, struct options_reading *reading)
{
    reading->service = *atomic_load(&options->service);
    options_fill(&reading->service, &reading->config);
    reading->next = options->readings;
    options->readings = reading;
    atomic_store(&options->config, &reading->config);
    atomic_store(&options->service, &reading->service);
    log_set((enum log_level)reading->config.log_level, reading->config.access_log);
}

bool options_reload(void *user, struct err *err)
{
    struct options *options = user;
    const struct config *before = atomic_load(&options->config);
    char fixed[400];
    struct options_reading *reading = calloc(1, sizeof *reading);
    if (!reading) return err_set(err, ERR_MEMORY, NULL, "no memory for the settings");
    const bool done = config_read_again(&reading->config, before, fixed, sizeof fixed, err);
    if (done && fixed[0]) log_warn("%s: need%s a restart", fixed, strchr(fixed, ',') ? "" : "s");
    if (done && tell_of_changes(&reading->config, before))
        put(options, reading);
    else
        free_reading(reading);
    return done;
}

void options_clear(struct options *options)
{
    for (struct options_reading *reading = options->readings, *next; reading; reading = next) {
        next = reading->next;
        free_reading(reading);
    }
    options->readings = NULL;
}
