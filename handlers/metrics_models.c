/* SPDX-License-Identifier: Apache-2.0 */
/* The models that are served, and what their heads predict. */
#include "base/buf.h"
#include "handlers/key_counts.h"
#include "handlers/metrics.h"
#include "handlers/metrics_data.h"
#include "handlers/metrics_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void free_head(struct head_counts *head)
{
    for (size_t i = 0; head->labels && i < head->n_labels; i++)
        free(head->labels[i]);
    free(head->labels);
    free(head->name);
    free(head->own);
    free(head);
}

static void free_model(struct model_counts *model)
{
    for (struct head_counts *head = model->heads, *next; head; head = next) {
        next = head->next;
        free_head(head);
    }
    free(model->name);
    free(model->info);
    free(model->slots);
    free(model);
}

void metrics_free_models(struct metrics *metrics)
{
    for (struct model_counts *model = metrics->models, *next; model; model = next) {
        next = model->next;
        free_model(model);
    }
}

/* ---- heads ---- */

static bool has_labels(const struct head_counts *counts, const struct metrics_head *head)
{
    if (counts->n_labels != head->n_labels || strcmp(counts->name, head->name) != 0) return false;
    for (size_t i = 0; i < head->n_labels; i++)
        if (strcmp(counts->labels[i], head->labels[i]) != 0) return false;
    return true;
}

static struct head_counts *new_head(const struct metrics_head *head)
{
    const size_t n = head->n_labels;
    struct head_counts *counts = calloc(1, sizeof *counts + n * sizeof *counts->predicted);
    if (!counts) return NULL;
    counts->name = strdup(head->name);
    counts->labels = calloc(n + 1, sizeof *counts->labels);
    counts->own = calloc(n + 1, sizeof *counts->own);
    bool is_whole = counts->name && counts->labels && counts->own;
    for (size_t i; is_whole && (i = counts->n_labels) < n; counts->n_labels++) {
        is_whole = (counts->labels[i] = strdup(head->labels[i]));
        counts->predicted[i] = &counts->own[i];
    }
    if (is_whole) return counts;
    free_head(counts);
    return NULL;
}

static int compare_labels(const void *a, const void *b)
{
    return strcmp(**(char **const *)a, **(char **const *)b);
}

/* Labels that the older head has, too, go on there: a series must not be written twice. */
static bool share_labels(struct head_counts *head, const struct head_counts *older)
{
    char ***sorted = malloc((older->n_labels + 1) * sizeof *sorted);
    if (!sorted) return false;
    for (size_t i = 0; i < older->n_labels; i++)
        sorted[i] = &older->labels[i];
    qsort(sorted, older->n_labels, sizeof *sorted, compare_labels);
    for (size_t i = 0; i < head->n_labels; i++) {
        char **const label = &head->labels[i], ***found;
        found = bsearch(&label, sorted, older->n_labels, sizeof *sorted, compare_labels);
        if (found) head->predicted[i] = older->predicted[*found - older->labels];
    }
    free(sorted);
    return true;
}

/* The lock is held. */
static struct head_counts *take_head(struct model_counts *model, const struct metrics_head *head)
{
    struct head_counts **at = &model->heads;
    while (*at && !has_labels(*at, head))
        at = &(*at)->next;
    if (*at) return *at;
    struct head_counts *counts = new_head(head);
    bool is_whole = counts;
    for (struct head_counts *older = model->heads; is_whole && older; older = older->next)
        if (strcmp(older->name, head->name) == 0) is_whole = share_labels(counts, older);
    if (is_whole) return *at = counts;
    if (counts) free_head(counts);
    return NULL;
}

/* ---- models ---- */

static struct model_counts *new_model(const struct metrics *metrics, const char *name)
{
    struct model_counts *model = calloc(1, sizeof *model);
    if (!model) return NULL;
    const size_t bytes = metrics->n_slots * sizeof *model->slots;
    model->name = strdup(name);
    model->slots = aligned_alloc(CACHE_LINE, bytes);
    if (model->name && model->slots) {
        memset(model->slots, 0, bytes);
        return model;
    }
    free_model(model);
    return NULL;
}

/* The lock is held. */
static struct model_counts *take_model(struct metrics *metrics, const char *name)
{
    struct model_counts **at = &metrics->models;
    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    if (!*at) *at = new_model(metrics, name);
    return *at;
}

/* The labels of embedd_model_info; malloc'ed. */
static char *describe(const struct metrics_model *model)
{
    struct arena arena;
    struct buf out;
    char *text = NULL;
    arena_init(&arena, 1 << 20);
    buf_init(&out, &arena);
    metrics_add_label(&out, "", "model", model->model);
    metrics_add_label(&out, ",", "version", model->version);
    buf_printf(&out, ",vocab_size=\"%" PRIu64 "\",dim=\"%" PRIu64 "\"", model->vocab_size,
               model->dim);
    metrics_add_label(&out, ",", "dtype", model->dtype);
    metrics_add_label(&out, ",", "tokenizer", model->tokenizer);
    if (!out.failed) text = strndup(out.data, out.bytes);
    arena_clear(&arena);
    return text;
}

/* The lock is held. */
static bool fill_served(struct metrics *metrics, const struct metrics_model *about,
                        struct metrics_served *served)
{
    struct model_counts *model = take_model(metrics, about->model);
    char *info = model ? describe(about) : NULL;
    if (!info) return false;
    free(model->info);
    model->info = info;
    served->slots = model->slots;
    for (size_t i = 0; i < about->n_heads; i++)
        if (!(served->heads[i] = take_head(model, &about->heads[i]))) return false;
    return true;
}

struct metrics_served *metrics_serve(struct metrics *metrics, const struct metrics_model *model)
{
    struct metrics_served *served = malloc(sizeof *served + model->n_heads * sizeof *served->heads);
    if (!served) return NULL;
    pthread_mutex_lock(&metrics->mutex);
    const bool done = fill_served(metrics, model, served);
    pthread_mutex_unlock(&metrics->mutex);
    if (done) return served;
    free(served);
    return NULL;
}

void metrics_unserve(struct metrics *metrics, const char *name)
{
    pthread_mutex_lock(&metrics->mutex);
    for (struct model_counts *model = metrics->models; model; model = model->next) {
        if (strcmp(model->name, name) != 0) continue;
        free(model->info);
        model->info = NULL;
    }
    pthread_mutex_unlock(&metrics->mutex);
}
