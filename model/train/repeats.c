/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/repeats.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/utf8.h"
#include "model/math/kernels.h"
#include "model/text/unicode/fold_case.h"
#include "model/text/unicode/normal_forms.h"
#include "model/text/unicode/unicode.h"

#include <math.h>
#include <stdlib.h>

/* Planes that part the rows into cells, TABLES times; within a cell rows stand in the order of one
   more projection, and each is compared with so many behind it. */
#define TABLES 6
#define BITS 10
#define WINDOW 16
#define PLANES (TABLES * (BITS + 1))

static bool fail_memory(size_t n, struct err *err)
{
    return err_set(err, ERR_MEMORY, NULL, "no memory to look for repeats among %zu rows", n);
}

/* ---- texts ---- */

static bool normalize(struct arena *arena, const char *text, size_t bytes, struct line *out)
{
    struct rewrite_room room = {0};
    struct rewrite w;
    const struct line in = {.text = text, .bytes = bytes};
    rewrite_start(&w, arena, &room, &in, false);
    normal_form_apply(FORM_NFKC, &w);
    return rewrite_end(&w, out);
}

uint64_t repeats_key(struct arena *arena, const char *text, size_t bytes)
{
    struct line line;
    struct buf folded;
    uint64_t hash = HASH_START;
    if (!normalize(arena, text, bytes, &line)) return 0;
    buf_init(&folded, arena);
    fold_case(line.text, line.bytes, &folded);
    if (folded.failed) return 0;
    for (const char *at = folded.data, *const end = at + folded.bytes; at < end;) {
        const uint32_t c = utf8_next(&at);
        if (!(unicode_record_of(c)->flags & UNICODE_SPACE)) hash = hash_step(hash, c);
    }
    hash ^= hash >> 32;
    return hash ? hash : 1;
}

/* ---- groups ---- */

static uint32_t first_of(struct repeats *repeats, uint32_t row)
{
    uint32_t *group = repeats->group;
    while (group[row] != row)
        row = group[row] = group[group[row]];
    return row;
}

static void join(struct repeats *repeats, uint32_t a, uint32_t b)
{
    a = first_of(repeats, a);
    b = first_of(repeats, b);
    if (a < b) repeats->group[b] = a;
    if (b < a) repeats->group[a] = b;
}

static void settle(struct repeats *repeats)
{
    for (uint32_t i = 0; i < repeats->n; i++)
        repeats->group[i] = first_of(repeats, i);
}

bool repeats_new(struct repeats *repeats, size_t n, struct err *err)
{
    *repeats = (struct repeats){.group = malloc((n + 1) * sizeof *repeats->group), .n = n};
    if (!repeats->group) return fail_memory(n, err);
    for (uint32_t i = 0; i < n; i++)
        repeats->group[i] = i;
    return true;
}

struct keyed {
    uint64_t key;
    float place;
    uint32_t row;
};

static int compare_keyed(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    if (x->key != y->key) return x->key > y->key ? 1 : -1;
    if (x->place != y->place) return x->place > y->place ? 1 : -1;
    return (x->row > y->row) - (x->row < y->row);
}

bool repeats_same(struct repeats *repeats, const uint64_t *keys, struct err *err)
{
    struct keyed *list = malloc((repeats->n + 1) * sizeof *list);
    size_t n = 0;
    if (!list) return fail_memory(repeats->n, err);
    for (uint32_t i = 0; i < repeats->n; i++)
        if (keys[i] != 0) list[n++] = (struct keyed){keys[i], 0, i};
    qsort(list, n, sizeof *list, compare_keyed);
    for (size_t i = 1; i < n; i++)
        if (list[i].key == list[i - 1].key) join(repeats, list[i].row, list[i - 1].row);
    free(list);
    settle(repeats);
    return true;
}

/* ---- vectors ---- */

struct near {
    struct repeats *repeats;
    float *vectors; /* (n, dim) of length 1 or 0, without the mean */
    uint32_t dim;
    float *planes; /* (dim, PLANES) */
    float *sides;  /* (n, PLANES) where the rows lie by them */
    uint32_t *columns, *sizes;
    struct keyed *list;
    float *gap; /* (dim) */
};

static bool near_new(struct near *near, struct repeats *repeats, float *vectors, uint32_t dim)
{
    const size_t n = repeats->n;
    *near = (struct near){.repeats = repeats,
                          .vectors = vectors,
                          .dim = dim,
                          .planes = malloc((size_t)dim * PLANES * sizeof *near->planes),
                          .sides = calloc(n * PLANES + 1, sizeof *near->sides),
                          .columns = malloc(dim * sizeof *near->columns),
                          .sizes = calloc(n + 1, sizeof *near->sizes),
                          .list = malloc((n + 1) * sizeof *near->list),
                          .gap = malloc(dim * sizeof *near->gap)};
    return near->planes && near->sides && near->columns && near->sizes && near->list && near->gap;
}

static void near_clear(struct near *near)
{
    free(near->planes);
    free(near->sides);
    free(near->columns);
    free(near->sizes);
    free(near->list);
    free(near->gap);
}

static bool is_zero(const float *v, uint32_t dim)
{
    return kernels_get()->sum_squares(v, dim) == 0;
}

/* A table whose vectors all point one way has cosines that say nothing, so the mean goes. */
static void centre(float *vectors, size_t n, uint32_t dim, float *mean)
{
    const struct kernels *kernels = kernels_get();
    size_t n_known = 0;
    for (uint32_t j = 0; j < dim; j++)
        mean[j] = 0;
    for (size_t i = 0; i < n; i++) {
        n_known += !is_zero(vectors + i * dim, dim);
        kernels->add_scaled(mean, vectors + i * dim, 1, dim);
    }
    for (size_t i = 0; i < n; i++) {
        float *v = vectors + i * dim;
        if (is_zero(v, dim)) continue;
        kernels->add_scaled(v, mean, -1 / (float)n_known, dim);
        const float norm = sqrtf(kernels->sum_squares(v, dim));
        if (norm > 0) kernels->divide(v, dim, norm);
    }
}

static void take_sides(struct near *near)
{
    uint64_t state = random_seed(0, 0x4EA4, near->dim);
    for (size_t i = 0; i < (size_t)near->dim * PLANES; i++)
        near->planes[i] = random_next(&state) >> 63 ? 1 : -1;
    for (uint32_t j = 0; j < near->dim; j++)
        near->columns[j] = j;
    const struct rows planes = {.at = near->planes,
                                .stride_bytes = PLANES * sizeof *near->planes,
                                .n = near->dim,
                                .dtype = DTYPE_F32};
    for (size_t i = 0; i < near->repeats->n; i++)
        kernels_get()->weighted_sum[DTYPE_F32](near->sides + i * PLANES, &planes,
                                               near->vectors + i * near->dim, near->columns,
                                               near->dim, PLANES);
}

/* Rows in the order of their cells; those of zeros are left out. */
static size_t list_table(struct near *near, size_t table)
{
    size_t n = 0;
    for (uint32_t i = 0; i < near->repeats->n; i++) {
        const float *sides = near->sides + (size_t)i * PLANES + table * (BITS + 1);
        uint64_t key = 0;
        for (int bit = 0; bit < BITS; bit++)
            key = key << 1 | (sides[bit] > 0);
        if (!is_zero(near->vectors + (size_t)i * near->dim, near->dim))
            near->list[n++] = (struct keyed){key, sides[BITS], i};
    }
    qsort(near->list, n, sizeof *near->list, compare_keyed);
    return n;
}

static bool is_near(const struct near *near, uint32_t a, uint32_t b)
{
    const float *x = near->vectors + (size_t)a * near->dim;
    const float *y = near->vectors + (size_t)b * near->dim;
    for (uint32_t j = 0; j < near->dim; j++)
        near->gap[j] = x[j] - y[j];
    return kernels_get()->sum_squares(near->gap, near->dim) <= (float)(2 - 2 * REPEATS_NEAR);
}

static void try_pair(struct near *near, uint32_t a, uint32_t b)
{
    const uint32_t x = first_of(near->repeats, a), y = first_of(near->repeats, b);
    const uint32_t size = near->sizes[x] + near->sizes[y];
    if (x == y || size > REPEATS_GROUP_MAX || !is_near(near, a, b)) return;
    join(near->repeats, x, y);
    near->sizes[x < y ? x : y] = size;
    near->repeats->n_near++;
}

bool repeats_near(struct repeats *repeats, float *vectors, uint32_t dim, struct err *err)
{
    struct near near;
    const bool ok = near_new(&near, repeats, vectors, dim);
    if (ok) {
        centre(vectors, repeats->n, dim, near.gap);
        take_sides(&near);
        for (size_t i = 0; i < repeats->n; i++)
            near.sizes[repeats->group[i]]++;
        for (size_t table = 0; table < TABLES; table++) {
            const size_t n = list_table(&near, table);
            for (size_t i = 0; i < n; i++)
                for (size_t j = i + 1; j < n && j <= i + WINDOW; j++)
                    if (near.list[i].key == near.list[j].key)
                        try_pair(&near, near.list[i].row, near.list[j].row);
        }
        settle(repeats);
    }
    near_clear(&near);
    return ok || fail_memory(repeats->n, err);
}

void repeats_clear(struct repeats *repeats)
{
    free(repeats->group);
    *repeats = (struct repeats){0};
}
