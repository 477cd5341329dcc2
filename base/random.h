/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file random.h
 * Random numbers, the same for the same seed: SplitMix64 (Steele, Lea and Flood, "Fast
 * splittable pseudorandom number generators", 2014). Pure functions, safe from any thread, each
 * with a state of its own.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** random_next: the next 64 bits; `state` is any number at first. */
static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/** random_seed: a state of its own for each of three numbers. */
static inline uint64_t random_seed(uint64_t seed, uint64_t a, uint64_t b)
{
    uint64_t state = seed;
    state = random_next(&state) ^ a;
    state = random_next(&state) ^ b;
    return random_next(&state);
}

/** random_share: from 0 to below 1. */
static inline float random_share(uint64_t *state)
{
    return (float)(random_next(state) >> 40) * 0x1p-24f;
}

/** random_shuffle puts the n numbers of `list` in a random order. */
static inline void random_shuffle(uint64_t *state, uint32_t *list, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        const size_t j = (size_t)(random_next(state) % i);
        const uint32_t other = list[i - 1];
        list[i - 1] = list[j];
        list[j] = other;
    }
}
