/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file hash.h
 * FNV-1a in 64 and 32 bits (Fowler, Noll and Vo), for tables and fingerprints; not against an
 * attacker. Pure functions, safe from any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HASH_START 0xCBF29CE484222325u
#define HASH32_START 0x811C9DC5u

/** hash_step: `hash` with one more value; FNV-1a's are bytes. */
static inline uint64_t hash_step(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * 0x100000001B3u;
}

/** hash32_step: the same in 32 bits; starts with HASH32_START. */
static inline uint32_t hash32_step(uint32_t hash, uint32_t value)
{
    return (hash ^ value) * 0x01000193u;
}

/** hash_bytes: `hash` (HASH_START at first) with `bytes` more bytes. */
static inline uint64_t hash_bytes(uint64_t hash, const void *data, size_t bytes)
{
    const unsigned char *at = data;
    for (size_t i = 0; i < bytes; i++)
        hash = hash_step(hash, at[i]);
    return hash;
}

/** hash_words: the same eight bytes at a time, for long data; another hash than hash_bytes. */
static inline uint64_t hash_words(uint64_t hash, const void *data, size_t bytes)
{
    const char *at = data;
    for (; bytes >= sizeof hash; at += sizeof hash, bytes -= sizeof hash) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        hash = hash_step(hash, word);
        hash ^= hash >> 32;
    }
    return hash_bytes(hash, at, bytes);
}
