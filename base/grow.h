/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file grow.h
 * Lists that grow: the one place where memory is doubled. Sizes that overflow count as memory that
 * there is not. Pure functions on the caller's list: one thread a list.
 *
 * `list` is always the address of the pointer to the items, which is NULL while there are none;
 * `size` is that of an item in bytes.
 */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

/** What a list has room for at first. */
#define GROW_ITEMS_MIN 64

/** grow_cap: the capacity to give a list that has `cap` and is to hold `n` items: doubled, from
 * GROW_ITEMS_MIN on, until it is enough; 0 where that overflows. Several lists that grow in step
 * take it for each with grow_to. */
size_t grow_cap(size_t cap, size_t n);

/** grow_to gives a malloc'ed list room for just `cap` (> 0) items; false: it stays as it is. */
bool grow_to(void *list, size_t cap, size_t size);

/** grow_more, grow_more_in_arena: for the two below. */
bool grow_more(void *list, size_t *cap, size_t n, size_t size);
bool grow_more_in_arena(struct arena *arena, void *list, size_t *cap, size_t n, size_t size);

/** grow_list makes sure of room for `n` items in a malloc'ed list; false: list and `cap` stay as
 * they are. */
static inline bool grow_list(void *list, size_t *cap, size_t n, size_t size)
{
    return n <= *cap || grow_more(list, cap, n, size);
}

/** grow_in_arena: the same for a list in `arena`. */
static inline bool grow_in_arena(struct arena *arena, void *list, size_t *cap, size_t n,
                                 size_t size)
{
    return n <= *cap || grow_more_in_arena(arena, list, cap, n, size);
}
