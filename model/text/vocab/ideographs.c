/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/vocab/ideographs.h"

#include "base/grow.h"
#include "model/text/vocab/ideograph_tokens.h"
#include "model/text/vocab/trie.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CELLS_MAX (1u << 23)
#define IDS_MAX ((1u << 24) - 2)
#define ONE_BASE ((uint64_t)1 << IDEOGRAPH_BASE_SHIFT)
#define GOES_ON ((uint64_t)1 << IDEOGRAPH_GOES_ON_SHIFT)
#define BITS 64 /* bases that are tried at once */

/* A node with children: tokens [first, last) share their first `depth` ideographs and go on. */
struct node {
    uint32_t first, last, depth;
    uint32_t children, n_children; /* among the builder's */
    uint32_t base;
};

struct builder {
    struct ideograph_tokens tokens;
    struct node *nodes; /* the root first, then by depth, in the order of `children` */
    size_t n_nodes, nodes_capacity;
    uint64_t *children; /* their cells; the base is 1 where there is one, and not known yet */
    size_t n_children, children_capacity;
    uint32_t *order; /* (n_nodes) of nodes, those with most children first */
    /* Bits: what is taken, of the cells and of the bases; zeros behind `n_cells`. */
    uint64_t *cells_taken, *bases_taken;
    uint32_t n_cells, capacity; /* capacity: as many bits there are */
    uint64_t *cells;
};

static uint32_t label_of(uint64_t cell)
{
    return cell & 0x7FFF;
}

/* ---- the nodes ---- */

static bool is_later(const struct ideograph_token *token, const struct ideograph_token *other)
{
    return token->text > other->text;
}

/* What tokens say of the node where they end: the first of `child`, which is moved past them. */
static uint64_t end_tokens(const struct builder *b, struct node *child)
{
    const struct ideograph_token *token = &b->tokens.items[child->first], *last = NULL;
    uint64_t cell = 0;
    for (; child->first < child->last && token->length == child->depth; child->first++, token++) {
        if (token->goes_on)
            cell |= GOES_ON;
        else if (!last || is_later(token, last))
            last = token;
    }
    return last ? cell | (uint64_t)(last->id + 1) << IDEOGRAPH_ID_SHIFT : cell;
}

/* The child with the first tokens of `rest` (a node's own), which is moved past them. */
static bool add_child(struct builder *b, struct node *rest)
{
    const uint32_t label = ideograph_token_label(&b->tokens.items[rest->first], rest->depth);
    struct node child = {.first = rest->first, .depth = rest->depth + 1};
    do {
        rest->first++;
    } while (rest->first < rest->last &&
             ideograph_token_label(&b->tokens.items[rest->first], rest->depth) == label);
    child.last = rest->first;
    if (!grow_list(&b->children, &b->children_capacity, b->n_children + 1, sizeof *b->children) ||
        !grow_list(&b->nodes, &b->nodes_capacity, b->n_nodes + 1, sizeof *b->nodes))
        return false;
    uint64_t *cell = &b->children[b->n_children++];
    *cell = IDEOGRAPH_TAKEN | label | end_tokens(b, &child);
    if (child.first == child.last) return true;
    *cell |= ONE_BASE;
    b->nodes[b->n_nodes++] = child;
    return true;
}

static bool list_nodes(struct builder *b)
{
    if (!grow_list(&b->nodes, &b->nodes_capacity, 1, sizeof *b->nodes)) return false;
    b->nodes[b->n_nodes++] = (struct node){.last = b->tokens.n, .base = IDEOGRAPH_ROOT_BASE};
    for (size_t i = 0; i < b->n_nodes; i++) {
        struct node rest = b->nodes[i];
        b->nodes[i].children = (uint32_t)b->n_children;
        while (rest.first < rest.last)
            if (!add_child(b, &rest)) return false;
        b->nodes[i].n_children = (uint32_t)b->n_children - b->nodes[i].children;
    }
    return true;
}

/* Most children first: while there is room. */
static bool order_nodes(struct builder *b)
{
    uint32_t *places = calloc(IDEOGRAPH_LABELS + 1, sizeof *places), sum = 0;
    b->order = malloc(b->n_nodes * sizeof *b->order);
    for (size_t i = 0; i < b->n_nodes && places; i++)
        places[b->nodes[i].n_children]++;
    for (uint32_t n = IDEOGRAPH_LABELS + 1; n-- > 0 && places;) {
        const uint32_t count = places[n];
        places[n] = sum;
        sum += count;
    }
    for (size_t i = 0; i < b->n_nodes && places && b->order; i++)
        b->order[places[b->nodes[i].n_children]++] = (uint32_t)i;
    free(places);
    return places && b->order;
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

/* Which of the bases from `base` (a multiple of BITS) on have no room for cells (n). */
static uint64_t bases_without_room(const struct builder *b, uint32_t base, const uint64_t *cells,
                                   uint32_t n)
{
    uint64_t taken = b->bases_taken[base / BITS];
    for (uint32_t i = 0; i < n && ~taken; i++)
        taken |= bits_at(b->cells_taken, base + label_of(cells[i]));
    return taken;
}

static bool take_base(struct builder *b, struct node *node, uint32_t base)
{
    const uint64_t *cells = b->children + node->children;
    const uint32_t last = base + label_of(cells[node->n_children - 1]);
    node->base = base;
    set_bit(b->bases_taken, base);
    for (uint32_t i = 0; i < node->n_children; i++)
        set_bit(b->cells_taken, base + label_of(cells[i]));
    if (b->n_cells <= last) b->n_cells = last + 1;
    return b->n_cells <= CELLS_MAX;
}

/* The first base with room, though among nodes of like size none before the last one's: that keeps
   the time linear. False: there is no memory, or there are too many cells. */
static bool find_bases(struct builder *b, bool *is_too_large)
{
    uint32_t from = 0, n_before = IDEOGRAPH_LABELS;
    b->n_cells = IDEOGRAPH_ROOT_BASE + IDEOGRAPH_LABELS;
    if (!grow_bits(b, b->n_cells + BITS)) return false;
    b->bases_taken[0] |= 1; /* 0: no children */
    take_base(b, &b->nodes[0], IDEOGRAPH_ROOT_BASE);
    for (size_t i = 0; i < b->n_nodes; i++) {
        struct node *node = &b->nodes[b->order[i]];
        if (node->base) continue;
        if (node->n_children <= n_before * 15 / 16) {
            from = 0;
            n_before = node->n_children;
        }
        uint64_t taken;
        for (;; from += BITS) {
            if (!grow_bits(b, from + BITS + IDEOGRAPH_LABELS + BITS)) return false;
            taken = bases_without_room(b, from, b->children + node->children, node->n_children);
            if (~taken) break;
        }
        *is_too_large = !take_base(b, node, from + (uint32_t)__builtin_ctzll(~taken));
        if (*is_too_large) return false;
    }
    return true;
}

/* ---- the cells ---- */

static bool make_cells(struct builder *b)
{
    const struct node *next = b->nodes + 1;
    b->cells = calloc(b->n_cells, sizeof *b->cells);
    for (size_t i = 0; i < b->n_nodes && b->cells; i++) {
        const struct node *node = &b->nodes[i];
        for (uint32_t k = 0; k < node->n_children; k++) {
            uint64_t cell = b->children[node->children + k];
            if (cell & ONE_BASE) cell += (next++->base - 1) * ONE_BASE;
            assert(!b->cells[node->base + label_of(cell)]);
            b->cells[node->base + label_of(cell)] = cell;
        }
    }
    return b->cells;
}

/* False also where the table would be of no use. */
static bool build(struct builder *b, const struct trie_key *keys, size_t n, bool *has_memory)
{
    bool is_too_large = false;
    *has_memory = ideograph_tokens_list(&b->tokens, keys, n);
    if (!*has_memory || b->tokens.longest < 2 || b->tokens.last_id > IDS_MAX) return false;
    *has_memory = list_nodes(b) && order_nodes(b) && find_bases(b, &is_too_large) && make_cells(b);
    if (is_too_large) *has_memory = true;
    return *has_memory && !is_too_large;
}

bool ideographs_build(struct ideographs *ideographs, const struct trie_key *keys, size_t n)
{
    struct builder b = {0};
    bool has_memory;
    if (build(&b, keys, n, &has_memory)) *ideographs = (struct ideographs){b.cells, b.n_cells};
    free(b.tokens.items);
    free(b.nodes);
    free(b.children);
    free(b.order);
    free(b.cells_taken);
    free(b.bases_taken);
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
    return ideographs->n_cells >= IDEOGRAPH_ROOT_BASE + IDEOGRAPH_LABELS;
}

void ideographs_clear(struct ideographs *ideographs)
{
    free(ideographs->cells);
    *ideographs = (struct ideographs){0};
}
