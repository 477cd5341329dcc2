/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/vocab/trie.h"

#include "base/grow.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 256
#define CELLS_MAX (1u << 27)
#define OPEN_BLOCKS 16 /* how many of the last blocks are searched for room */
#define TRIES_MAX 64   /* and how many bases are tried there: keeps the time linear */
#define TAKEN 0x100u

/* A node whose children are still to be placed: keys [first, last) share their first `depth` bytes.
 */
struct task {
    uint32_t cell;
    uint32_t first, last;
    uint32_t depth;
};

struct builder {
    struct trie_key *keys;
    uint64_t *cells;
    /* The free cells of the open blocks are a ring through cell 0. */
    uint32_t *next_free, *prev_free;
    bool *base_taken;
    uint32_t n_cells, capacity;
    struct task *tasks; /* a stack; never more than keys, for their ranges are disjoint */
    uint32_t n_tasks;
    uint64_t root;
    bool is_sorted; /* the keys came in order */
};

static bool grow(struct builder *b, uint32_t capacity)
{
    if (!grow_to(&b->cells, capacity, sizeof *b->cells) ||
        !grow_to(&b->next_free, capacity, sizeof *b->next_free) ||
        !grow_to(&b->prev_free, capacity, sizeof *b->prev_free) ||
        !grow_to(&b->base_taken, capacity, sizeof *b->base_taken))
        return false;
    b->capacity = capacity;
    return true;
}

static void unlink_cell(struct builder *b, uint32_t cell)
{
    b->next_free[b->prev_free[cell]] = b->next_free[cell];
    b->prev_free[b->next_free[cell]] = b->prev_free[cell];
}

static bool is_free(const struct builder *b, uint32_t cell)
{
    return !(b->cells[cell] & TAKEN);
}

/* Adds a block of free cells and closes the oldest open one. */
static enum trie_result add_block(struct builder *b)
{
    uint32_t start = b->n_cells;
    if (start + BLOCK > CELLS_MAX) return TRIE_TOO_LARGE;
    if (start + BLOCK > b->capacity && !grow(b, b->capacity * 2)) return TRIE_NO_MEMORY;
    memset(b->cells + start, 0, BLOCK * sizeof *b->cells);
    memset(b->base_taken + start, 0, BLOCK * sizeof *b->base_taken);
    b->n_cells = start + BLOCK;
    if (start == 0) {
        b->next_free[0] = b->prev_free[0] = 0;
        return TRIE_BUILT; /* block 0 stays empty: the base of nodes without children */
    }
    for (uint32_t cell = start; cell < start + BLOCK; cell++) {
        b->prev_free[cell] = b->prev_free[0];
        b->next_free[cell] = 0;
        b->next_free[b->prev_free[0]] = cell;
        b->prev_free[0] = cell;
    }
    if (start > OPEN_BLOCKS * BLOCK) {
        uint32_t old = start - OPEN_BLOCKS * BLOCK;
        for (uint32_t cell = old; cell < old + BLOCK; cell++) {
            if (is_free(b, cell)) unlink_cell(b, cell);
        }
    }
    return TRIE_BUILT;
}

static bool fits(const struct builder *b, uint32_t base, const unsigned char *labels, unsigned n)
{
    if (b->base_taken[base]) return false;
    for (unsigned i = 1; i < n; i++) {
        if (!is_free(b, base ^ labels[i])) return false;
    }
    return true;
}

/* A base whose cells for all labels are free. A fresh block always has one. */
static enum trie_result find_base(struct builder *b, const unsigned char *labels, unsigned n,
                                  uint32_t *base)
{
    uint32_t cell = b->next_free[0];
    for (int tries = 0; cell && tries < TRIES_MAX; tries++, cell = b->next_free[cell]) {
        *base = cell ^ labels[0];
        if (fits(b, *base, labels, n)) return TRIE_BUILT;
    }
    enum trie_result result = add_block(b);
    *base = b->n_cells - BLOCK;
    return result;
}

/* The byte of a key at `depth`, or -1 where it ends. */
static int byte_at(const struct trie_key *key, uint32_t depth)
{
    return depth < key->bytes ? (unsigned char)key->text[depth] : -1;
}

static void sort_few(struct trie_key *keys, uint32_t n, uint32_t depth)
{
    for (uint32_t i = 1; i < n; i++) {
        struct trie_key key = keys[i];
        int byte = byte_at(&key, depth);
        uint32_t at = i;
        for (; at > 0 && byte_at(&keys[at - 1], depth) > byte; at--)
            keys[at] = keys[at - 1];
        keys[at] = key;
    }
}

/* Sorts keys by their byte at `depth`, in place: each is swapped to where its byte's run grows. */
static void sort_by_byte(struct trie_key *keys, uint32_t n, uint32_t depth)
{
    if (n <= 16) {
        sort_few(keys, n, depth);
        return;
    }
    uint32_t next[257] = {0}, end[257], sum = 0;
    for (uint32_t i = 0; i < n; i++)
        next[byte_at(&keys[i], depth) + 1]++;
    for (int c = 0; c < 257; c++) {
        uint32_t count = next[c];
        next[c] = sum;
        sum += count;
        end[c] = sum;
    }
    for (int c = 0; c < 257; c++) {
        while (next[c] < end[c]) {
            struct trie_key key = keys[next[c]];
            for (int to; (to = byte_at(&key, depth) + 1) != c;) {
                struct trie_key other = keys[next[to]];
                keys[next[to]++] = key;
                key = other;
            }
            keys[next[c]++] = key;
        }
    }
}

static void set_value(struct builder *b, uint32_t cell, uint64_t bits)
{
    /* Cell 0 stands for the root, which no byte leads to. */
    uint64_t *node = cell ? &b->cells[cell] : &b->root;
    *node |= bits;
}

static bool is_later(const struct trie_key *key, const struct trie_key *other)
{
    return key->text != other->text ? key->text > other->text : key->id > other->id;
}

/* Gives the node its id. The keys that end there come first: `*i` is moved past them. */
static enum trie_result place_id(struct builder *b, struct task task, uint32_t *i, uint32_t *twins)
{
    const struct trie_key *keys = b->keys, *key = &keys[*i];
    if (key->bytes > task.depth) return TRIE_BUILT;
    for (++*i; *i < task.last && keys[*i].bytes == task.depth; ++*i) {
        if (twins) {
            twins[0] = keys[*i - 1].id;
            twins[1] = keys[*i].id;
            return TRIE_DUPLICATE;
        }
        if (is_later(&keys[*i], key)) key = &keys[*i];
    }
    set_value(b, task.cell, (uint64_t)(key->id + 1) << 36);
    return TRIE_BUILT;
}

/* Gives the node its id, its base and its children, and leaves the children as tasks. */
static enum trie_result place(struct builder *b, struct task task, uint32_t *twins)
{
    struct trie_key *keys = b->keys;
    if (!b->is_sorted) sort_by_byte(keys + task.first, task.last - task.first, task.depth);
    uint32_t i = task.first;
    enum trie_result result = place_id(b, task, &i, twins);
    if (result != TRIE_BUILT || i == task.last) return result;
    unsigned char labels[256];
    uint32_t starts[257];
    unsigned n = 0;
    for (; i < task.last; i++) {
        unsigned char label = (unsigned char)keys[i].text[task.depth];
        if (n && labels[n - 1] == label) continue;
        starts[n] = i;
        labels[n++] = label;
    }
    starts[n] = task.last;
    uint32_t base;
    result = find_base(b, labels, n, &base);
    if (result != TRIE_BUILT) return result;
    b->base_taken[base] = true;
    set_value(b, task.cell, (uint64_t)base << 9);
    for (unsigned c = 0; c < n; c++) {
        uint32_t cell = base ^ labels[c];
        unlink_cell(b, cell);
        b->cells[cell] = TAKEN | labels[c];
        b->tasks[b->n_tasks++] = (struct task){cell, starts[c], starts[c + 1], task.depth + 1};
    }
    return TRIE_BUILT;
}

static bool are_sorted(const struct trie_key *keys, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const struct trie_key *a = &keys[i - 1], *b = &keys[i];
        int order = memcmp(a->text, b->text, a->bytes < b->bytes ? a->bytes : b->bytes);
        if (order > 0 || (order == 0 && a->bytes > b->bytes)) return false;
    }
    return true;
}

static enum trie_result build(struct builder *b, size_t n, uint32_t *twins)
{
    enum trie_result result = grow(b, 1u << 14) ? TRIE_BUILT : TRIE_NO_MEMORY;
    b->tasks = malloc((n + 1) * sizeof *b->tasks);
    if (!b->tasks) result = TRIE_NO_MEMORY;
    for (int blocks = 0; blocks < 2 && result == TRIE_BUILT; blocks++)
        result = add_block(b);
    if (result == TRIE_BUILT && n > 0) b->tasks[b->n_tasks++] = (struct task){0, 0, (uint32_t)n, 0};
    while (result == TRIE_BUILT && b->n_tasks > 0)
        result = place(b, b->tasks[--b->n_tasks], twins);
    return result;
}

enum trie_result trie_build(struct trie *trie, struct trie_key *keys, size_t n, uint32_t *twins)
{
    *trie = (struct trie){0};
    if (n > TRIE_ID_MAX) return TRIE_TOO_LARGE;
    struct builder b = {.keys = keys, .root = TAKEN, .is_sorted = are_sorted(keys, n)};
    enum trie_result result = build(&b, n, twins);
    free(b.next_free);
    free(b.prev_free);
    free(b.base_taken);
    free(b.tasks);
    if (result != TRIE_BUILT) {
        free(b.cells);
        return result;
    }
    uint64_t *cells = realloc(b.cells, b.n_cells * sizeof *b.cells);
    if (!cells) cells = b.cells;
    cells[0] = b.root & ~(uint64_t)TAKEN;
    *trie = trie_view(cells, b.n_cells);
    return TRIE_BUILT;
}

struct trie trie_view(const uint64_t *cells, size_t n)
{
    return (struct trie){.cells = cells, .n_cells = n, .root = n > 0 ? cells[0] | TAKEN : 0};
}

void trie_clear(struct trie *trie)
{
    free((void *)(uintptr_t)trie->cells);
    *trie = (struct trie){0};
}
