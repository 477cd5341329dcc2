/* SPDX-License-Identifier: Apache-2.0 */
#include "base/grow.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The pointer at `list` may be one to anything: its bytes are copied, not read as a void pointer.
 */
static void *items_of(const void *list)
{
    void *items;
    memcpy(&items, list, sizeof items);
    return items;
}

static bool put_items(void *list, void *items)
{
    if (items) memcpy(list, &items, sizeof items);
    return items;
}

size_t grow_cap(size_t cap, size_t n)
{
    if (n > SIZE_MAX / 2) return 0;
    if (cap < GROW_ITEMS_MIN) cap = GROW_ITEMS_MIN;
    while (cap < n)
        cap *= 2;
    return cap;
}

bool grow_to(void *list, size_t cap, size_t size)
{
    size_t bytes;
    assert(cap > 0 && size > 0);
    if (__builtin_mul_overflow(cap, size, &bytes) || bytes > PTRDIFF_MAX) {
        errno = ENOMEM; /* as realloc would say */
        return false;
    }
    return put_items(list, realloc(items_of(list), bytes));
}

bool grow_more(void *list, size_t *cap, size_t n, size_t size)
{
    const size_t wanted = grow_cap(*cap, n);
    if (wanted == 0 || !grow_to(list, wanted, size)) return false;
    *cap = wanted;
    return true;
}

bool grow_more_in_arena(struct arena *arena, void *list, size_t *cap, size_t n, size_t size)
{
    const size_t wanted = grow_cap(*cap, n);
    size_t bytes;
    if (wanted == 0 || __builtin_mul_overflow(wanted, size, &bytes) ||
        !put_items(list, arena_grow(arena, items_of(list), *cap * size, bytes)))
        return false;
    *cap = wanted;
    return true;
}
