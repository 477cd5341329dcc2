/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keys.h
 * The keys that let clients in: read from a file (base/keyfile.h), swapped as a whole when it is
 * read anew.
 *
 * A set of keys never changes. Each thread that asks has a reader, which holds the set that was in
 * force when it last asked; it takes a lock only when there is a newer one. An old set goes when
 * the last reader has left it.
 */
#pragma once

#include "base/err.h"
#include "base/keyfile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct key_set;
struct key_usage;
struct keys;
struct metrics;

/** What a look-up found. */
struct key {
    unsigned scopes;   /* of enum key_scope */
    int64_t expires_s; /* Unix time, or KEY_NEVER */
    struct key_limit requests, tokens;
    const struct key_usage *usage; /* its name, and where it is counted; as long as the metrics */
};

/** What one thread asks with. Zero it; keys_reader_clear in the end. */
struct keys_reader {
    struct key_set *set; /* counted */
    uint64_t generation;
};

/**
 * keys_open reads the file at `path`, borrowed for its life, as are the metrics.
 * @return NULL with err set: as keyfile_read, with the option's name before it; ERR_MEMORY
 */
struct keys *keys_open(const char *path, struct metrics *metrics, struct err *err);

/** keys_close: after the last reader has been cleared. NULL is fine. */
void keys_close(struct keys *keys);

/**
 * keys_reload reads the file anew and logs how many keys are in force; from then on no request is
 * let in by what it no longer holds. Any thread, one at a time.
 * @return false with err set: the keys stay as they are
 */
bool keys_reload(struct keys *keys, struct err *err);

/** keys_count: how many keys of the set in force have not expired. Any thread. */
size_t keys_count(struct keys *keys);

/** keys_find looks a key up by what it hashes to, expired or not. In a time that does not depend on
 * how much of it is right. */
bool keys_find(const struct keys *keys, struct keys_reader *reader, const char *text, size_t bytes,
               struct key *found);

/** keys_reader_clear lets go of the set. */
void keys_reader_clear(const struct keys *keys, struct keys_reader *reader);
