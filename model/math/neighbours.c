/* SPDX-License-Identifier: Apache-2.0 */
#include "model/math/neighbours.h"

#include "base/workers.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Partial sums: enough to keep vector units busy, and the same ones on any CPU. */
#define LANES 8

/* Tables with fewer values are done before other threads have started. */
#define THREADED_VALUES_MIN ((uint64_t)4 << 20)

/* What one thread found in its share of the rows: a heap with the farthest on top. */
struct part {
    uint32_t first, end; /* its rows */
    struct neighbour *heap;
    uint32_t n, most;
    float *row; /* (dim) scratch */
};

struct search {
    const struct neighbours_wish *wish;
    double norm; /* of the vector */
    struct part *parts;
};

/* Squares of float32 neither overflow nor vanish in double: no row needs to be scaled. */
static void sum_products(const float *a, const float *b, size_t n, double *product, double *squares)
{
    double products[LANES] = {0}, squared[LANES] = {0};
    size_t j = 0;
    for (; j + LANES <= n; j += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            products[k] += (double)a[j + k] * b[j + k];
            squared[k] += (double)b[j + k] * b[j + k];
        }
    }
    for (size_t k = 0; j < n; j++, k++) {
        products[k] += (double)a[j] * b[j];
        squared[k] += (double)b[j] * b[j];
    }
    *product = *squares = 0;
    for (size_t k = 0; k < LANES; k++) {
        *product += products[k];
        *squares += squared[k];
    }
}

static double norm_of(const float *vector, size_t n)
{
    double product, squares;
    sum_products(vector, vector, n, &product, &squares);
    return sqrt(squares);
}

bool neighbours_has_direction(const float *vector, size_t n)
{
    const double norm = norm_of(vector, n);
    return norm > 0 && isfinite(norm);
}

static bool is_nearer(struct neighbour a, struct neighbour b)
{
    return a.similarity > b.similarity || (a.similarity == b.similarity && a.id < b.id);
}

static void swap(struct neighbour *a, struct neighbour *b)
{
    const struct neighbour kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_up(struct neighbour *heap, uint32_t at)
{
    for (; at > 0 && is_nearer(heap[(at - 1) / 2], heap[at]); at = (at - 1) / 2)
        swap(&heap[(at - 1) / 2], &heap[at]);
}

static void sift_down(struct neighbour *heap, size_t n)
{
    for (size_t at = 0, child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && is_nearer(heap[child], heap[child + 1])) child++;
        if (!is_nearer(heap[at], heap[child])) return;
        swap(&heap[at], &heap[child]);
    }
}

static void offer(struct part *part, const struct neighbours_wish *wish, struct neighbour found)
{
    const bool is_full = part->n == part->most;
    if (is_full && !is_nearer(found, part->heap[0])) return;
    if (wish->leaves_out && wish->leaves_out(wish->user, found.id)) return;
    if (is_full) {
        part->heap[0] = found;
        sift_down(part->heap, part->n);
    } else {
        part->heap[part->n++] = found;
        sift_up(part->heap, part->n - 1);
    }
}

static void search_part(void *user, unsigned worker, unsigned n_workers)
{
    (void)n_workers;
    const struct search *search = user;
    const struct neighbours_wish *wish = search->wish;
    struct part *part = &search->parts[worker];
    for (uint32_t id = part->first; id < part->end; id++) {
        double product, squares;
        wish->row(wish->rows, id, part->row);
        sum_products(wish->vector, part->row, wish->dim, &product, &squares);
        if (!(squares > 0) || !isfinite(squares)) continue;
        const double cosine = product / (search->norm * sqrt(squares));
        offer(part, wish, (struct neighbour){id, (float)cosine});
    }
}

/* The heaps lie one after the other, none larger than its share of the rows: together they take no
   more than all rows would. */
static bool make_parts(struct search *search, unsigned n_workers, struct arena *arena,
                       struct neighbours *out)
{
    const uint64_t n_rows = search->wish->n_rows;
    uint64_t n_items = 0;
    search->parts = arena_array(arena, n_workers, sizeof *search->parts);
    if (!search->parts) return false;
    for (unsigned w = 0; w < n_workers; w++) {
        struct part *part = &search->parts[w];
        *part = (struct part){.first = (uint32_t)(n_rows * w / n_workers),
                              .end = (uint32_t)(n_rows * (w + 1) / n_workers)};
        part->most = part->end - part->first;
        if (part->most > search->wish->most) part->most = search->wish->most;
        part->row = arena_array(arena, search->wish->dim, sizeof *part->row);
        if (!part->row) return false;
        n_items += part->most;
    }
    struct neighbour *items = arena_array(arena, n_items, sizeof *items);
    *out = (struct neighbours){.items = items};
    for (unsigned w = 0; items && w < n_workers; w++) {
        search->parts[w].heap = items;
        items += search->parts[w].most;
    }
    return out->items;
}

static int by_nearness(const void *a, const void *b)
{
    return is_nearer(*(const struct neighbour *)a, *(const struct neighbour *)b) ? -1 : 1;
}

static void join_parts(const struct search *search, unsigned n_workers, struct neighbours *out)
{
    for (unsigned w = 0; w < n_workers; w++) {
        const struct part *part = &search->parts[w];
        memmove(out->items + out->n, part->heap, part->n * sizeof *part->heap);
        out->n += part->n;
    }
    qsort(out->items, out->n, sizeof *out->items, by_nearness);
    if (out->n > search->wish->most) out->n = search->wish->most;
}

static unsigned count_workers(const struct neighbours_wish *wish)
{
    if (wish->n_workers > 0) return wish->n_workers;
    return (uint64_t)wish->n_rows * wish->dim < THREADED_VALUES_MIN ? 1 : workers_count(0);
}

bool neighbours_find(const struct neighbours_wish *wish, struct arena *arena,
                     struct neighbours *out, struct err *err)
{
    assert(wish->most > 0 && neighbours_has_direction(wish->vector, wish->dim));
    const unsigned n_workers = count_workers(wish);
    struct search search = {.wish = wish, .norm = norm_of(wish->vector, wish->dim)};
    if (!make_parts(&search, n_workers, arena, out)) return err_out_of_memory(err);
    /* Where no thread can be had, this one does all. */
    struct workers *workers = workers_new(n_workers, NULL);
    if (workers) workers_run(workers, search_part, &search);
    for (unsigned w = 0; !workers && w < n_workers; w++)
        search_part(&search, w, n_workers);
    workers_free(workers);
    join_parts(&search, n_workers, out);
    return true;
}
