/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/seen.h"

#include "model/train/repeats.h"

#include <stdlib.h>
#include <string.h>

#define CAP_MIN 1024
/* A text of LABELLED_RECORD_BYTES_MAX as it is compared, and on the way there. */
#define ARENA_BYTES (64 * LABELLED_RECORD_BYTES_MAX)

struct seen {
    uint64_t *hashes; /* (cap) a power of two; a hash table, at most half full; 0: empty */
    size_t n, cap;
};

/* ---- the table ---- */

static uint64_t *find(uint64_t *hashes, size_t cap, uint64_t hash)
{
    size_t at = (size_t)(hash * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (cap - 1);
    while (hashes[at] && hashes[at] != hash)
        at = (at + 1) & (cap - 1);
    return &hashes[at];
}

static bool reserve(struct seen *seen)
{
    if (2 * (seen->n + 1) <= seen->cap) return true;
    const size_t cap = seen->cap ? 2 * seen->cap : CAP_MIN;
    uint64_t *hashes = calloc(cap, sizeof *hashes);
    if (!hashes) return false;
    for (size_t i = 0; i < seen->cap; i++) {
        if (seen->hashes[i]) *find(hashes, cap, seen->hashes[i]) = seen->hashes[i];
    }
    free(seen->hashes);
    seen->hashes = hashes;
    seen->cap = cap;
    return true;
}

static bool add(struct seen *seen, struct arena *arena, const struct labelled_row *row,
                struct err *err)
{
    arena_reset(arena);
    const uint64_t hash = repeats_key(arena, row->text, row->text_bytes);
    if (hash == 0 || !reserve(seen)) return err_out_of_memory(err);
    uint64_t *place = find(seen->hashes, seen->cap, hash);
    seen->n += *place == 0;
    *place = hash;
    return true;
}

static bool read_rows(struct seen *seen, struct labelled *rows, struct err *err)
{
    struct arena arena;
    struct labelled_row row;
    struct labelled_doubt doubt;
    int step;
    arena_init(&arena, ARENA_BYTES);
    while ((step = labelled_next(rows, &row, err)) > 0) {
        if (!add(seen, &arena, &row, err)) break;
    }
    const struct labelled_row *first = labelled_doubtful(rows, &doubt);
    const bool is_ok = step == 0 && (!first || add(seen, &arena, first, err));
    arena_clear(&arena);
    return is_ok;
}

struct seen *seen_read(const char *path, const struct labelled_options *options,
                       struct left_out *left_out, struct err *err)
{
    struct labelled *rows = NULL;
    struct seen *seen = calloc(1, sizeof *seen);
    bool is_ok = seen && reserve(seen);
    if (!is_ok) err_out_of_memory(err);
    is_ok = is_ok && labelled_open(&rows, path, options, err) && read_rows(seen, rows, err);
    if (is_ok) *left_out = *labelled_left_out(rows);
    labelled_close(rows);
    if (is_ok) return seen;
    seen_free(seen);
    return NULL;
}

int seen_has(const struct seen *seen, struct arena *arena, const char *text, size_t bytes,
             struct err *err)
{
    const uint64_t hash = repeats_key(arena, text, bytes);
    if (hash) return *find(seen->hashes, seen->cap, hash) != 0;
    err_out_of_memory(err);
    return -1;
}

void seen_free(struct seen *seen)
{
    if (!seen) return;
    free(seen->hashes);
    free(seen);
}
