/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Under AddressSanitizer what was not handed out is off limits, so an overrun of a block or a use
   after reset is caught as if the block came from malloc. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(data, bytes) ASAN_POISON_MEMORY_REGION(data, bytes)
#define UNPOISON(data, bytes) ASAN_UNPOISON_MEMORY_REGION(data, bytes)
#define GUARD_BYTES ARENA_ALIGN
#else
#define POISON(data, bytes) ((void)0)
#define UNPOISON(data, bytes) ((void)0)
#define GUARD_BYTES 0
#endif

struct arena_chunk {
    struct arena_chunk *older;
    size_t bytes; /* of data */
    alignas(ARENA_ALIGN) char data[];
};

/* Enough for a small request from body to reply: 12 words in, 256 floats out. */
#define FIRST_CHUNK_BYTES (32u << 10)
#define CHUNK_BYTES_MIN (SPARES_BYTES_MIN - sizeof(struct arena_chunk))
/* Of the budget: what may be kept besides for chunks to come. */
#define SPARES_SHARE 8

void arena_init(struct arena *arena, size_t cap_bytes)
{
    *arena = (struct arena){.cap_bytes = cap_bytes};
}

void arena_share(struct arena *arena, struct arena_budget *budget)
{
    assert(!arena->chunks);
    arena->budget = budget;
}

size_t arena_left(const struct arena *arena)
{
    return arena->cap_bytes - arena->used_bytes + (size_t)(arena->end - arena->next);
}

bool arena_has_budget(const struct arena *arena, size_t bytes)
{
    const struct arena_budget *budget = arena->budget;
    if (!budget || arena->is_exempt || bytes <= (size_t)(arena->end - arena->next)) return true;
    size_t used = atomic_load_explicit(&budget->used_bytes, memory_order_relaxed);
    return used <= budget->max_bytes && bytes <= budget->max_bytes - used;
}

bool arena_is_tight(const struct arena *arena)
{
    const struct arena_budget *budget = arena->budget;
    return budget &&
           atomic_load_explicit(&budget->used_bytes, memory_order_relaxed) > budget->max_bytes / 4;
}

static bool take_from_budget(struct arena *arena, size_t bytes)
{
    struct arena_budget *budget = arena->budget;
    if (!budget) return true;
    size_t before = atomic_fetch_add_explicit(&budget->used_bytes, bytes, memory_order_relaxed);
    if (arena->is_exempt) return true;
    if (before <= budget->max_bytes && bytes <= budget->max_bytes - before) return true;
    atomic_fetch_sub_explicit(&budget->used_bytes, bytes, memory_order_relaxed);
    arena->is_starved = true;
    return false;
}

static void give_to_budget(struct arena *arena, size_t bytes)
{
    if (arena->budget)
        atomic_fetch_sub_explicit(&arena->budget->used_bytes, bytes, memory_order_relaxed);
}

static size_t align_up(size_t bytes)
{
    return (bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
}

/* What a block of `bytes` takes of its chunk. */
static size_t block_size(size_t bytes)
{
    return align_up(bytes ? bytes : 1) + GUARD_BYTES;
}

/* Of a chunk's memory, which has room for one a little larger. */
static size_t block_bytes_of(size_t bytes)
{
    return align_up(spares_round(sizeof(struct arena_chunk) + bytes));
}

static void free_chunk(struct arena *arena, struct arena_chunk *chunk)
{
    struct arena_budget *budget = arena->budget;
    UNPOISON(chunk->data, chunk->bytes);
    give_to_budget(arena, chunk->bytes);
    if (!budget || !spares_keep(&budget->spares, chunk, block_bytes_of(chunk->bytes),
                                budget->max_bytes / SPARES_SHARE))
        free(chunk);
}

static struct arena_chunk *make_chunk(struct arena *arena, size_t bytes)
{
    const size_t size = block_bytes_of(bytes);
    struct arena_chunk *chunk = arena->budget ? spares_take(&arena->budget->spares, size) : NULL;
    return chunk ? chunk : aligned_alloc(ARENA_ALIGN, size);
}

static bool add_chunk(struct arena *arena, size_t bytes)
{
    size_t size = arena->chunks ? CHUNK_BYTES_MIN : FIRST_CHUNK_BYTES;
    size_t left = arena->cap_bytes - arena->used_bytes;
    if (size > left) size = left & ~(size_t)(ARENA_ALIGN - 1);
    if (size < bytes) size = bytes;
    if (size > left || !take_from_budget(arena, size)) return false;
    struct arena_chunk *chunk = make_chunk(arena, size);
    if (!chunk) {
        give_to_budget(arena, size);
        return false;
    }
    chunk->older = arena->chunks;
    chunk->bytes = size;
    arena->chunks = chunk;
    arena->next = chunk->data;
    arena->end = chunk->data + size;
    arena->used_bytes += size;
    POISON(chunk->data, size);
    return true;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) return NULL;
    size_t size = block_size(bytes);
    if (size > (size_t)(arena->end - arena->next) && !add_chunk(arena, size)) return NULL;
    void *block = arena->next;
    arena->next += size;
    UNPOISON(block, bytes);
    return block;
}

void *arena_array(struct arena *arena, size_t n, size_t size)
{
    assert(size > 0);
    if (n > SIZE_MAX / 2 / size) return NULL;
    return arena_alloc(arena, n * size);
}

void *arena_grow(struct arena *arena, void *old, size_t old_bytes, size_t new_bytes)
{
    if (!old) return arena_alloc(arena, new_bytes);
    if (new_bytes <= old_bytes) return old;
    if (new_bytes > SIZE_MAX / 2) return NULL;
    size_t old_size = block_size(old_bytes), new_size = block_size(new_bytes);
    bool is_newest = (char *)old + old_size == arena->next;
    if (is_newest && new_size - old_size <= (size_t)(arena->end - arena->next)) {
        arena->next += new_size - old_size;
        UNPOISON(old, new_bytes);
        return old;
    }
    struct arena_chunk *chunk = arena->chunks;
    bool is_alone = is_newest && chunk->older && chunk->data == (char *)old;
    void *block = arena_alloc(arena, new_bytes);
    if (block) memcpy(block, old, old_bytes);
    if (block && is_alone) { /* nothing else is in its chunk: large bodies grow without waste */
        arena->chunks->older = chunk->older;
        arena->used_bytes -= chunk->bytes;
        free_chunk(arena, chunk);
    }
    return block;
}

static void free_chunks(struct arena *arena, bool keep_first)
{
    struct arena_chunk *chunk = arena->chunks;
    while (chunk && (chunk->older || !keep_first)) {
        struct arena_chunk *older = chunk->older;
        free_chunk(arena, chunk);
        chunk = older;
    }
    arena->chunks = chunk;
    arena->next = chunk ? chunk->data : NULL;
    arena->end = chunk ? chunk->data + chunk->bytes : NULL;
    arena->used_bytes = chunk ? chunk->bytes : 0;
}

void arena_reset(struct arena *arena)
{
    arena->is_starved = arena->is_exempt = false;
    free_chunks(arena, true);
    /* A first chunk made large by one large request is not worth keeping. */
    if (arena->chunks && arena->chunks->bytes > FIRST_CHUNK_BYTES) free_chunks(arena, false);
    if (arena->chunks) POISON(arena->next, (size_t)(arena->end - arena->next));
}

void arena_clear(struct arena *arena)
{
    free_chunks(arena, false);
}
