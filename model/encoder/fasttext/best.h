/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file best.h
 * The k best labels so far, as a heap whose first item is the worst of them.
 *
 * Labels with equal scores are common (scores come from a table), and which of them stay depends on
 * how the heap moves its items. The steps are those of libstdc++'s push_heap, pop_heap and
 * sort_heap, which the program is built with: taking the first item lets the hole sink to the
 * bottom along the smaller children (of equal ones the right), then the last item rises from there.
 * The caller's storage; one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ft_scored {
    float score;
    uint32_t label;
};

struct ft_best {
    struct ft_scored *items; /* room for most + 1 */
    size_t n, most;
};

/** ft_best_refuses: whether it is full and `score` is below every score in it. */
static inline bool ft_best_refuses(const struct ft_best *best, float score)
{
    return best->n == best->most && score < best->items[0].score;
}

/** ft_best_add takes the item in; when it is full the worst goes. `most` is 1 or more. */
void ft_best_add(struct ft_best *best, struct ft_scored item);

/** ft_best_sort puts the best first; after that it is not a heap any more. */
void ft_best_sort(struct ft_best *best);
