/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/key_counts.h"

#include "base/grow.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE 64

/* The counters of names that came together: no thread shares a cache line with another. */
struct block {
    struct block *next;
    _Atomic uint64_t *totals;
};

struct key_counts {
    size_t n_slots;
    struct key_usage **usages; /* in the order of their names */
    size_t n, room;
    struct block *blocks;
    struct key_usage *rest; /* NULL until it is needed */
};

struct key_counts *key_counts_new(size_t n_slots)
{
    struct key_counts *counts = calloc(1, sizeof *counts);
    if (counts) counts->n_slots = n_slots;
    return counts;
}

static void free_usage(struct key_usage *usage)
{
    if (usage) free((char *)(uintptr_t)usage->name);
    free(usage);
}

void key_counts_free(struct key_counts *counts)
{
    if (!counts) return;
    for (size_t i = 0; i < counts->n; i++)
        free_usage(counts->usages[i]);
    free(counts->usages);
    for (struct block *block = counts->blocks, *next; block; block = next) {
        next = block->next;
        free(block->totals);
        free(block);
    }
    free(counts);
}

static int compare(const void *a, const void *b)
{
    const struct key_usage *const *one = a, *const *two = b;
    return strcmp((*one)->name, (*two)->name);
}

/* Of the first `n`, which are in order. */
static struct key_usage *find(const struct key_counts *counts, size_t n, const char *name)
{
    const struct key_usage wanted = {.name = name}, *at = &wanted;
    struct key_usage *const *found =
        n > 0 ? bsearch(&at, counts->usages, n, sizeof *counts->usages, compare) : NULL;
    return found ? *found : NULL;
}

/* Counters, all 0, for so many names. */
static _Atomic uint64_t *new_block(struct key_counts *counts, size_t n, size_t *stride)
{
    const size_t line = CACHE_LINE / sizeof(uint64_t);
    *stride = (n * KEY_TOTALS + line - 1) / line * line + line;
    struct block *block = malloc(sizeof *block);
    const size_t bytes = counts->n_slots * *stride * sizeof *block->totals;
    if (block) block->totals = aligned_alloc(CACHE_LINE, bytes);
    if (!block || !block->totals) {
        free(block);
        return NULL;
    }
    memset(block->totals, 0, bytes);
    block->next = counts->blocks;
    counts->blocks = block;
    return block->totals;
}

static struct key_usage *new_usage(const char *name, _Atomic uint64_t *totals, size_t stride)
{
    struct key_usage *usage = malloc(sizeof *usage);
    char *copy = strdup(name);
    if (usage && copy) {
        *usage = (struct key_usage){copy, totals, stride};
        return usage;
    }
    free(usage);
    free(copy);
    return NULL;
}

/* Behind the others, not in order yet. */
static struct key_usage *append(struct key_counts *counts, const char *name,
                                _Atomic uint64_t *totals, size_t stride)
{
    struct key_usage *usage = new_usage(name, totals, stride);
    if (usage && grow_list(&counts->usages, &counts->room, counts->n + 1, sizeof usage))
        return counts->usages[counts->n++] = usage;
    free_usage(usage);
    return NULL;
}

bool key_counts_take(struct key_counts *counts, const char *const *names, size_t n,
                     const struct key_usage **usages)
{
    const size_t before = counts->n;
    size_t n_new = 0, stride;
    for (size_t i = 0; i < n; i++) {
        usages[i] = find(counts, before, names[i]);
        n_new += !usages[i];
    }
    if (n_new == 0) return true;
    _Atomic uint64_t *totals = new_block(counts, n_new + 1, &stride);
    bool is_whole = totals;
    for (size_t i = 0; is_whole && i < n; i++) {
        if (usages[i]) continue;
        const bool is_rest = counts->n >= KEY_COUNTS_MAX;
        if (is_rest && counts->rest) {
            usages[i] = counts->rest;
            continue;
        }
        struct key_usage *usage =
            append(counts, is_rest ? KEY_COUNTS_REST : names[i], totals, stride);
        totals += KEY_TOTALS;
        if (is_rest) counts->rest = usage;
        usages[i] = usage;
        is_whole = usage;
    }
    if (counts->n > 0) qsort(counts->usages, counts->n, sizeof *counts->usages, compare);
    return is_whole;
}

void key_counts_add(size_t slot, const struct metrics_sample *sample)
{
    const uint64_t added[KEY_TOTALS] = {
        [KEY_REQUESTS] = 1, [KEY_INPUTS] = sample->inputs, [KEY_TOKENS] = sample->tokens};
    _Atomic uint64_t *totals = sample->key->totals + slot * sample->key->stride;
    for (size_t i = 0; i < KEY_TOTALS; i++) {
        const uint64_t now = atomic_load_explicit(&totals[i], memory_order_relaxed);
        atomic_store_explicit(&totals[i], now + added[i], memory_order_relaxed);
    }
}

static uint64_t sum(const struct key_counts *counts, const struct key_usage *usage, size_t total)
{
    uint64_t all = 0;
    for (size_t i = 0; i < counts->n_slots; i++)
        all +=
            atomic_load_explicit(&usage->totals[i * usage->stride + total], memory_order_relaxed);
    return all;
}

static void write_sample(struct buf *out, const char *family, const char *name, uint64_t value)
{
    buf_printf(out, "%s_total{key=\"", family);
    for (; *name; name++) {
        if (*name == '\\' || *name == '"') buf_add_char(out, '\\');
        buf_add_char(out, *name);
    }
    buf_add_str(out, "\"} ");
    buf_add_u64(out, value);
    buf_add_char(out, '\n');
}

void key_counts_write(const struct key_counts *counts, bool openmetrics, struct buf *out)
{
    static const struct {
        const char *name, *help;
    } families[KEY_TOTALS] = {
        [KEY_REQUESTS] = {"embedd_key_requests", "Requests with an API key, by its name."},
        [KEY_INPUTS] = {"embedd_key_inputs", "Inputs of the requests with an API key."},
        [KEY_TOKENS] = {"embedd_key_tokens", "Tokens of the inputs with an API key."},
    };
    for (size_t total = 0; total < KEY_TOTALS; total++) {
        const char *name = families[total].name, *suffix = openmetrics ? "" : "_total";
        buf_printf(out, "# HELP %s%s %s\n# TYPE %s%s counter\n", name, suffix, families[total].help,
                   name, suffix);
        for (size_t i = 0; i < counts->n; i++)
            if (sum(counts, counts->usages[i], KEY_REQUESTS) > 0)
                write_sample(out, name, counts->usages[i]->name,
                             sum(counts, counts->usages[i], total));
    }
}
