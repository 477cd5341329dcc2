/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file arena.h
 * All memory of one request: allocated by moving a pointer, freed all at once, capped.
 *
 * An arena belongs to one thread at a time. The first chunk is kept across `arena_reset`, so a
 * server that reuses its arenas answers small requests without touching the heap.
 */
#pragma once

#include "base/spares.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;

/** What several arenas may hold together; any thread. */
struct arena_budget {
    atomic_size_t used_bytes; /* by their chunks */
    size_t max_bytes;
    struct spares spares; /* chunks that none of them has; at most an eighth of max_bytes on top */
};

struct arena {
    struct arena_chunk *chunks; /* newest first; the last of the list is the first chunk, kept */
    char *next;                 /* free space of the newest chunk */
    char *end;
    size_t cap_bytes;            /* of all chunks together */
    size_t used_bytes;           /* of all chunks together */
    struct arena_budget *budget; /* NULL: none but the cap */
    bool is_starved;             /* since the last reset the budget has refused a chunk */
    bool is_exempt;              /* until the next reset the budget counts and does not refuse */
};

/** Every allocation is aligned to this many bytes: a cache line, and any SIMD register. */
#define ARENA_ALIGN 64

/** arena_init readies an empty arena that will never hold more than `cap_bytes`. Allocates nothing.
 */
void arena_init(struct arena *arena, size_t cap_bytes);

/** arena_share has an empty arena count towards `budget`, which outlives it. */
void arena_share(struct arena *arena, struct arena_budget *budget);

/** arena_left: how many bytes more the cap allows. */
size_t arena_left(const struct arena *arena);

/** arena_has_budget: whether `bytes` more, asked for at this moment, would be within the budget. */
bool arena_has_budget(const struct arena *arena, size_t bytes);

/** arena_is_tight: whether the arenas that share its budget hold more than a quarter of it, so that
 * memory is better given back than kept for later. */
bool arena_is_tight(const struct arena *arena);

/**
 * arena_alloc returns `bytes` uninitialised bytes, valid until arena_reset or arena_clear, or NULL
 * when the cap or the budget is reached or the system has no more. `bytes` 0 gives a valid pointer.
 */
void *arena_alloc(struct arena *arena, size_t bytes);

/** arena_array: as arena_alloc for `n` items of `size` bytes; NULL also when n * size overflows. */
void *arena_array(struct arena *arena, size_t n, size_t size);

/**
 * arena_grow gives the block `old` (of `old_bytes`, the caller's newest or not) room for
 * `new_bytes`: in place where it is the newest block and there is room, otherwise as a copy; the
 * memory of a large block that is the newest is given back then. NULL on failure, then `old` stays
 * valid. `old` NULL: as arena_alloc.
 */
void *arena_grow(struct arena *arena, void *old, size_t old_bytes, size_t new_bytes);

/** arena_reset ends the life of everything allocated; keeps the first chunk, frees the others. */
void arena_reset(struct arena *arena);

/** arena_clear frees everything; the arena is as after arena_init. */
void arena_clear(struct arena *arena);
