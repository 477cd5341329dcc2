/* SPDX-License-Identifier: Apache-2.0 */
#include "server/options.h"

#include "base/log.h"
#include "model/text/openai/openai_ids.h"

#include <stdlib.h>

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

static bool tell_of_changes(const struct config *now, const struct config *before)
{
    bool has_any = false;
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        char of_now[32], of_before[32];
        if (!config_differs(now, before, i)) continue;
        has_any = true;
        log_info("%s: '%.400s' instead of '%.400s'", config_name(i), config_value(now, i, of_now),
                 config_value(before, i, of_before));
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
    if (done && fixed[0]) log_warn("needs a restart: %s", fixed);
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
