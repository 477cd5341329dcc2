/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/vocab/ideographs.h"

#include "base/grow.h"
#include "model/text/vocab/vocab.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ROOT_BASE 1u
#define CELLS_MAX (1u << 23)
#define IDS_MAX ((1u << 24) - 2)
#define TAKEN 0x8000u
#define GOES_ON ((uint64_t)1 << 39)
#define BITS 64 /* bases that are tried at once */

/* A token that begins with an ideograph. */
struct key {
    const char *text;
    uint32_t id;
    uint32_t length; /* ideographs */
    bool goes_on;    /* with something else */
};

/* A node with children: keys [first, last) share their first `depth` ideographs and go on. */
struct node {
    uint32_t first, last, depth;
    uint32_t n_children;
    uint32_t base;
};

struct builder {
    const struct vocab *vocab;
    struct key *keys;
    size_t n_keys;
    struct node *nodes; /* the root first, then by depth: children in the order of their parents */
    size_t n_nodes, nodes_capacity;
    uint32_t *order; /* (n_nodes) of nodes, those with most children first */
    /* Bits: what is taken, of the cells and of the bases; zeros behind `n_cells`. */
    uint64_t *cells_taken, *bases_taken;
    uint32_t n_cells, capacity; /* capacity: how far from a base on all labels can be read */
    uint64_t *cells;
    /* The children of one node. */
    uint16_t labels[IDEOGRAPH_LABELS];
    uint32_t starts[IDEOGRAPH_LABELS + 1]; /* their keys */
};

static uint32_t label_at(const struct key *key, uint32_t depth)
{
    return ideograph_label(key->text + (size_t)depth * IDEOGRAPH_BYTES);
}

/* ---- the tokens, in order ---- */

static bool make_key(const struct vocab *vocab, uint32_t id, struct key *key)
{
    size_t bytes;
    const char *text = vocab_text(vocab, id, &bytes);
    *key = (struct key){.text = text, .id = id};
    while ((size_t)key->length * IDEOGRAPH_BYTES < bytes &&
           label_at(key, key->length) < IDEOGRAPH_LABELS)
        key->length++;
    key->goes_on = (size_t)key->length * IDEOGRAPH_BYTES < bytes;
    return key->length > 0;
}

static int compare_keys(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    const uint32_t n = x->length < y->length ? x->length : y->length;
    const int order = memcmp(x->text, y->text, (size_t)n * IDEOGRAPH_BYTES);
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

/* False where they make no table that is of use, or there is no memory (then there are no keys). */
static bool list_keys(struct builder *b)
{
    struct key key;
    uint32_t *starts = b->starts, first = 0; /* of the keys that begin with a label */
    bool is_of_use = false;
    for (uint32_t id = 0; id < b->vocab->n_model; id++) {
        if (!make_key(b->vocab, id, &key)) continue;
        starts[label_at(&key, 0) + 1]++;
        is_of_use |= key.length > 1;
    }
    for (uint32_t label = 0; label < IDEOGRAPH_LABELS; label++)
        starts[label + 1] += starts[label];
    b->n_keys = starts[IDEOGRAPH_LABELS];
    b->keys = malloc((b->n_keys + 1) * sizeof *b->keys);
    if (!b->keys || !is_of_use || b->vocab->n_model > IDS_MAX) return false;
    for (uint32_t id = 0; id < b->vocab->n_model; id++) {
        if (make_key(b->vocab, id, &key)) b->keys[starts[label_at(&key, 0)]++] = key;
    }
    for (uint32_t label = 0; label < IDEOGRAPH_LABELS; first = starts[label++]) {
        if (starts[label] - first > 1)
            qsort(b->keys + first, starts[label] - first, sizeof *b->keys, compare_keys);
    }
    return true;
}

/* ---- the nodes ---- */

/* The keys of the node's children: those of child i are [starts[i], starts[i + 1]). */
static uint32_t list_children(struct builder *b, const struct node *node)
{
    uint32_t n = 0;
    for (uint32_t i = node->first; i < node->last; i++) {
        const uint16_t label = (uint16_t)label_at(&b->keys[i], node->depth);
        if (n && b->labels[n - 1] == label) continue;
        b->starts[n] = i;
        b->labels[n++] = label;
    }
    b->starts[n] = node->last;
    return n;
}

/* The keys of child i that go on behind it, as a node. */
static struct node child_of(const struct builder *b, const struct node *node, uint32_t i)
{
    struct node child = {b->starts[i], b->starts[i + 1], node->depth + 1, 0, 0};
    while (child.first < child.last && b->keys[child.first].length == child.depth)
        child.first++;
    return child;
}

static bool list_nodes(struct builder *b)
{
    struct node child = {0, (uint32_t)b->n_keys, 0, 0, 0};
    for (size_t i = 0;; i++) {
        if (i == 0 && !grow_list(&b->nodes, &b->nodes_capacity, 1, sizeof *b->nodes)) return false;
        if (i == 0) b->nodes[b->n_nodes++] = child;
        if (i == b->n_nodes) return true;
        const struct node node = b->nodes[i];
        const uint32_t n = b->nodes[i].n_children = list_children(b, &node);
        if (!grow_list(&b->nodes, &b->nodes_capacity, b->n_nodes + n, sizeof *b->nodes))
            return false;
        for (uint32_t k = 0; k < n; k++) {
            child = child_of(b, &node, k);
            if (child.first < child.last) b->nodes[b->n_nodes++] = child;
        }
    }
}

/* Most children first: while there is room. */
static bool order_nodes(struct builder *b)
{
    uint32_t *places = b->starts;
    b->order = malloc(b->n_nodes * sizeof *b->order);
    if (!b->order) return false;
    memset(places, 0, sizeof b->starts);
    for (size_t i = 0; i < b->n_nodes; i++)
        places[b->nodes[i].n_children - 1]++;
    for (uint32_t n = IDEOGRAPH_LABELS, sum = 0; n-- > 0;) {
        const uint32_t count = places[n];
        places[n] = sum;
        sum += count;
    }
    for (size_t i = 0; i < b->n_nodes; i++)
        b->order[places[b->nodes[i].n_children - 1]++] = (uint32_t)i;
    return true;
}

/* ---- their bases ---- */

static bool grow_bits(struct builder *b, uint32_t cells)
{
    const size_t old = b->capacity / BITS, n = old + old / 2 + cells / BITS + 1;
    if (cells <= b->capacity) return true;
    if (!grow_to(&b->cells_taken, n, sizeof *b->cells_taken) ||
        !grow_to(&b->bases_taken, n, sizeof *b->bases_taken))
        return false;
    memset(b->cells_taken + old, 0, (n - old) * sizeof *b->cells_taken);
    memset(b->bases_taken + old, 0, (n - old) * sizeof *b->bases_taken);
    b->capacity = (uint32_t)(n * BITS);
    return true;
}

static uint64_t bits_at(const uint64_t *bits, uint32_t at)
{
    const uint64_t *word = bits + at / BITS;
    return at % BITS ? word[0] >> at % BITS | word[1] << (BITS - at % BITS) : word[0];
}

static void set_bit(uint64_t *bits, uint32_t at)
{
    bits[at / BITS] |= (uint64_t)1 << at % BITS;
}

/* Which of the bases from `base` (a multiple of BITS) on have no room for children (n). */
static uint64_t bases_without_room(const struct builder *b, uint32_t base, uint32_t n)
{
    uint64_t taken = b->bases_taken[base / BITS];
    for (uint32_t i = 0; i < n && ~taken; i++)
        taken |= bits_at(b->cells_taken, base + b->labels[i]);
    return taken;
}

static bool take_base(struct builder *b, uint32_t base, uint32_t n)
{
    set_bit(b->bases_taken, base);
    for (uint32_t i = 0; i < n; i++)
        set_bit(b->cells_taken, base + b->labels[i]);
    if (b->n_cells <= base + b->labels[n - 1]) b->n_cells = base + b->labels[n - 1] + 1;
    return b->n_cells <= CELLS_MAX;
}

/* The first base with room, though of as many children none before the last one's. False: there is
   no memory, or there are too many cells. */
static bool find_bases(struct builder *b, bool *is_too_large)
{
    uint32_t from = 0, n_before = 0;
    b->n_cells = ROOT_BASE + IDEOGRAPH_LABELS;
    b->nodes[0].base = ROOT_BASE;
    take_base(b, ROOT_BASE, list_children(b, &b->nodes[0]));
    b->bases_taken[0] |= 1; /* 0: no children */
    for (size_t i = 0; i < b->n_nodes; i++) {
        struct node *node = &b->nodes[b->order[i]];
        if (node->base) continue;
        const uint32_t n = list_children(b, node);
        if (n != n_before) from = 0;
        n_before = n;
        uint64_t taken;
        do {
            if (!grow_bits(b, from + BITS + IDEOGRAPH_LABELS + BITS)) return false;
            taken = bases_without_room(b, from, n);
            if (!~taken) from += BITS;
        } while (!~taken);
        node->base = from + (uint32_t)__builtin_ctzll(~taken);
        *is_too_large = !take_base(b, node->base, n);
        if (*is_too_large) return false;
    }
    return true;
}

/* ---- the cells ---- */

/* What the keys say of the node where they end: those of child i that do not go on. */
static uint64_t end_of(const struct builder *b, uint32_t i, uint32_t depth)
{
    const struct key *first = &b->keys[b->starts[i]], *key = first;
    uint64_t cell = 0;
    uint32_t n = 0, id = 0;
    for (; key < &b->keys[b->starts[i + 1]] && key->length == depth; key++) {
        if (key->goes_on)
            cell |= GOES_ON;
        else
            id = key->id, n++;
    }
    if (n > 1) /* a token with several ids, of which one counts */
        id = vocab_id(b->vocab, first->text, (size_t)depth * IDEOGRAPH_BYTES);
    return n > 0 ? cell | (uint64_t)(id + 1) << 40 : cell;
}

static bool make_cells(struct builder *b)
{
    size_t next = 1;
    b->cells = calloc(b->n_cells, sizeof *b->cells);
    if (!b->cells) return false;
    for (size_t i = 0; i < b->n_nodes; i++) {
        const struct node *node = &b->nodes[i];
        const uint32_t n = list_children(b, node);
        for (uint32_t k = 0; k < n; k++) {
            const struct node child = child_of(b, node, k);
            uint64_t *cell = &b->cells[node->base + b->labels[k]];
            assert(!*cell);
            *cell = TAKEN | b->labels[k] | end_of(b, k, child.depth);
            if (child.first < child.last) *cell |= (uint64_t)b->nodes[next++].base << 16;
        }
    }
    return true;
}

static bool build(struct builder *b, bool *has_memory)
{
    bool is_too_large = false;
    if (!list_keys(b)) {
        *has_memory = b->keys;
        return false;
    }
    const bool done = list_nodes(b) && order_nodes(b) && grow_bits(b, IDEOGRAPH_LABELS) &&
                      find_bases(b, &is_too_large) && make_cells(b);
    *has_memory = done || is_too_large;
    return done;
}

bool ideographs_build(struct ideographs *ideographs, const struct vocab *vocab)
{
    bool has_memory;
    struct builder *b = calloc(1, sizeof *b);
    if (!b) return false;
    b->vocab = vocab;
    if (build(b, &has_memory)) *ideographs = (struct ideographs){b->cells, b->n_cells};
    free(b->keys);
    free(b->nodes);
    free(b->order);
    free(b->cells_taken);
    free(b->bases_taken);
    free(b);
    return has_memory;
}

void ideographs_fetch(const struct ideographs *ideographs, const char *text, size_t bytes)
{
    const char *at = text, *end = text + bytes;
    uint64_t start = 0;
    while (at < end && ideographs->cells) {
        const uint32_t label = ideograph_label(at);
        if (label >= IDEOGRAPH_LABELS) {
            start = 0;
            at++;
            continue;
        }
        const size_t cell = (size_t)ideograph_base(start) + label;
        if (start && cell < ideographs->n_cells) __builtin_prefetch(&ideographs->cells[cell]);
        start = ideograph_start(ideographs, label);
        at += IDEOGRAPH_BYTES;
    }
}

bool ideographs_finish(const struct ideographs *ideographs)
{
    return ideographs->n_cells >= ROOT_BASE + IDEOGRAPH_LABELS;
}

void ideographs_clear(struct ideographs *ideographs)
{
    free(ideographs->cells);
    *ideographs = (struct ideographs){0};
}
