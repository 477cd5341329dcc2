/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file neighbours.h
 * The rows that point most nearly where a vector points: those of the largest cosine.
 *
 * Rows are read once, where they lie; beside them there is room for what is asked for. Sums are in
 * double, in one fixed order, and a cosine is rounded to float32: the result depends on the
 * arguments alone, not on the CPU or on how many threads share the work.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct neighbour {
    uint32_t id;
    float similarity; /* the cosine, -1..1 */
};

/** In the caller's arena: the nearest first, of equal ones the lower id. */
struct neighbours {
    struct neighbour *items;
    uint32_t n;
};

/** Which neighbours are asked for. */
struct neighbours_wish {
    /** row: out (dim) = row `id`; any thread calls it. */
    void (*row)(const void *rows, uint32_t id, float *out);
    const void *rows;
    uint32_t dim;
    const float *vector; /* (dim), one that has a direction */
    uint32_t n_rows;     /* the rows that are looked at: ids below it */
    uint32_t most;       /* at least 1 */
    /** Says which ids cannot be neighbours; any thread calls it. NULL: all can. */
    bool (*leaves_out)(const void *user, uint32_t id);
    const void *user;
    unsigned n_workers; /* threads, this one included; 0: as the size of the table asks for */
};

/** neighbours_has_direction: the vector (n) is finite and not zero: a cosine with it is defined. */
bool neighbours_has_direction(const float *vector, size_t n);

/**
 * neighbours_find finds them. Rows without a direction are never among them.
 * @return false with ERR_MEMORY
 */
bool neighbours_find(const struct neighbours_wish *wish, struct arena *arena,
                     struct neighbours *out, struct err *err);
