/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/pipeline.h"

#include <stdlib.h>
#include <string.h>

void pipeline_clear(struct pipeline *p)
{
    for (size_t i = 0; i < p->n_normalizers; i++) {
        struct normalize_step *step = &p->normalizers[i];
        free(step->pattern.text);
        free(step->content.text);
        free(step->charsmap_data.text);
        regex_close(step->regex);
    }
    for (size_t i = 0; i < p->n_splits; i++) {
        free(p->splits[i].pattern.text);
        regex_close(p->splits[i].regex);
    }
    free(p->normalizers);
    free(p->splits);
    *p = (struct pipeline){0};
}

static bool has_regex(const struct pipeline *p)
{
    bool found = false;
    for (size_t i = 0; i < p->n_normalizers; i++)
        found |= p->normalizers[i].regex != NULL;
    for (size_t i = 0; i < p->n_splits; i++)
        found |= p->splits[i].regex != NULL;
    return found;
}

bool pipeline_start(struct pipeline_run *run)
{
    size_t n = 2 + 2 * run->pipeline->n_splits;
    run->rooms = arena_array(run->arena, n, sizeof *run->rooms);
    if (!run->rooms) return false;
    memset(run->rooms, 0, n * sizeof *run->rooms);
    if (has_regex(run->pipeline)) run->regex = regex_scratch_new();
    return run->regex || !has_regex(run->pipeline);
}

void pipeline_end(struct pipeline_run *run)
{
    if (run->regex) regex_scratch_free(run->regex);
    run->regex = NULL;
}
