/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/fasttext/best.h"

/* Lets the item rise from the hole while its parents are better. */
static void rise(struct ft_scored *items, size_t hole, struct ft_scored item)
{
    while (hole > 0) {
        size_t parent = (hole - 1) / 2;
        if (!(items[parent].score > item.score)) break;
        items[hole] = items[parent];
        hole = parent;
    }
    items[hole] = item;
}

/* The hole at the top of n items sinks to the bottom; where it ends. */
static size_t sink(struct ft_scored *items, size_t n)
{
    size_t hole = 0;
    for (;;) {
        size_t child = 2 * hole + 2;
        if (child > n) return hole;
        if (child == n || items[child].score > items[child - 1].score) child--;
        items[hole] = items[child];
        hole = child;
    }
}

/* Moves the first of n items (2 or more) behind the others, which stay a heap. */
static void take_worst(struct ft_scored *items, size_t n)
{
    struct ft_scored last = items[n - 1];
    items[n - 1] = items[0];
    rise(items, sink(items, n - 1), last);
}

void ft_best_add(struct ft_best *best, struct ft_scored item)
{
    rise(best->items, best->n++, item);
    if (best->n <= best->most) return;
    take_worst(best->items, best->n);
    best->n--;
}

void ft_best_sort(struct ft_best *best)
{
    for (size_t n = best->n; n > 1; n--)
        take_worst(best->items, n);
}
