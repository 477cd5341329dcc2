/* SPDX-License-Identifier: Apache-2.0 */
#include "base/spares.h"

#include <assert.h>
#include <stdlib.h>

#define STEPS 4 /* to a power of two */

/* The size that fits best; its bytes in *rounded. SPARES_SIZES: none does. */
static size_t size_of(size_t bytes, size_t *rounded)
{
    size_t step = SPARES_BYTES_MIN / STEPS, size = 0;
    *rounded = SPARES_BYTES_MIN;
    if (bytes > SPARES_BYTES_MAX) return SPARES_SIZES;
    for (; bytes > *rounded; size++) {
        *rounded += step;
        if (*rounded == 2 * STEPS * step) step *= 2;
    }
    return size;
}

size_t spares_round(size_t bytes)
{
    size_t rounded;
    return bytes < SPARES_BYTES_MIN || size_of(bytes, &rounded) == SPARES_SIZES ? bytes : rounded;
}

static void *take(struct spares_of_size *of)
{
    if (atomic_load_explicit(&of->n, memory_order_relaxed) == 0) return NULL;
    for (size_t i = 0; i < SPARES_PER_SIZE; i++) {
        if (!atomic_load_explicit(&of->blocks[i], memory_order_relaxed)) continue;
        void *block = atomic_exchange_explicit(&of->blocks[i], NULL, memory_order_acquire);
        if (!block) continue; /* another thread was faster */
        const size_t n = atomic_fetch_sub_explicit(&of->n, 1, memory_order_relaxed) - 1;
        if (n < atomic_load_explicit(&of->least, memory_order_relaxed))
            atomic_store_explicit(&of->least, n, memory_order_relaxed);
        return block;
    }
    return NULL;
}

void *spares_take(struct spares *spares, size_t bytes)
{
    size_t rounded;
    const size_t size = size_of(bytes, &rounded);
    if (size == SPARES_SIZES || rounded != bytes) return NULL;
    void *block = take(&spares->sizes[size]);
    if (block) atomic_fetch_sub_explicit(&spares->bytes, bytes, memory_order_relaxed);
    return block;
}

static bool put(struct spares_of_size *of, void *block)
{
    atomic_fetch_add_explicit(&of->n, 1, memory_order_relaxed); /* so that n is never below 0 */
    for (size_t i = 0; i < SPARES_PER_SIZE; i++) {
        void *none = NULL;
        if (!atomic_load_explicit(&of->blocks[i], memory_order_relaxed) &&
            atomic_compare_exchange_strong_explicit(&of->blocks[i], &none, block,
                                                    memory_order_release, memory_order_relaxed))
            return true;
    }
    atomic_fetch_sub_explicit(&of->n, 1, memory_order_relaxed);
    return false;
}

bool spares_keep(struct spares *spares, void *block, size_t bytes, size_t bytes_max)
{
    size_t rounded;
    const size_t size = size_of(bytes, &rounded);
    if (size == SPARES_SIZES || rounded != bytes) return false;
    const size_t before = atomic_fetch_add_explicit(&spares->bytes, bytes, memory_order_relaxed);
    if (before + bytes <= bytes_max && put(&spares->sizes[size], block)) return true;
    atomic_fetch_sub_explicit(&spares->bytes, bytes, memory_order_relaxed);
    return false;
}

static void free_some(struct spares *spares, size_t size, size_t bytes, size_t n)
{
    for (; n > 0; n--) {
        void *block = take(&spares->sizes[size]);
        if (!block) return;
        free(block);
        atomic_fetch_sub_explicit(&spares->bytes, bytes, memory_order_relaxed);
    }
}

static void free_of_all(struct spares *spares, bool everything)
{
    size_t bytes = SPARES_BYTES_MIN, rounded;
    for (size_t size = 0; size < SPARES_SIZES; size++) {
        struct spares_of_size *of = &spares->sizes[size];
        const size_t least = atomic_load_explicit(&of->least, memory_order_relaxed);
        free_some(spares, size, bytes, everything ? SPARES_PER_SIZE : least);
        atomic_store_explicit(&of->least, atomic_load_explicit(&of->n, memory_order_relaxed),
                              memory_order_relaxed);
        size_of(bytes + 1, &rounded);
        bytes = rounded;
    }
}

void spares_sweep(struct spares *spares)
{
    free_of_all(spares, false);
}

void spares_clear(struct spares *spares)
{
    free_of_all(spares, true);
}
