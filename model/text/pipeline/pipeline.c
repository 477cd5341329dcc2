/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/pipeline/pipeline.h"

#include <stdlib.h>
#include <string.h>

void pipeline_clear(struct pipeline *p)
{
    for (size_t i = 0; i < p->n_normalizers; i++) {
        struct normalize_step *step = &p->normalizers[i];
        free(step->pattern.text);
        free(step->content.text);
        free(step->charsmap_bytes);
        regex_close(step->regex);
    }
    for (size_t i = 0; i < p->n_splits; i++) {
        free(p->splits[i].pattern.text);
        regex_close(p->splits[i].regex);
        character_class_clear(&p->splits[i].listed);
    }
    free(p->normalizers);
    free(p->splits);
    *p = (struct pipeline){0};
}

void pipeline_finish(struct pipeline *p)
{
    for (size_t i = 0; i < p->n_normalizers; i++) {
        p->has_regex |= p->normalizers[i].regex != NULL;
        p->inserted_bytes += p->normalizers[i].content.bytes;
    }
    for (size_t i = 0; i < p->n_splits; i++) {
        const struct split_step *step = &p->splits[i];
        p->has_regex |= step->regex != NULL;
        p->needs_places |= step->kind == SPLIT_METASPACE && step->prepend == METASPACE_FIRST;
    }
}

bool pipeline_start(struct pipeline_run *run)
{
    size_t n = 2 + 2 * run->pipeline->n_splits;
    run->rooms = arena_array(run->arena, n, sizeof *run->rooms);
    run->given = arena_array(run->arena, n, sizeof *run->given);
    if (!run->rooms || !run->given) return false;
    memset(run->rooms, 0, n * sizeof *run->rooms);
    if (run->pipeline->has_regex) run->regex = regex_scratch_new();
    return run->regex || !run->pipeline->has_regex;
}

void pipeline_end(struct pipeline_run *run)
{
    regex_scratch_free(run->regex);
    run->regex = NULL;
}
