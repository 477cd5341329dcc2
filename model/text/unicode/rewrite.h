/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file rewrite.h
 * A text rewritten from left to right, each character remembering the bytes it stems from.
 *
 * Every normalizer is a reader of one line and a writer of the next one. What it writes says how it
 * relates to what it read, in the terms of the reference (`tokenizers`, NormalizedString's
 * transform): a *change* of 0 replaces the next character read, a positive one is inserted and
 * stems from where the last character read does, -n replaces the next one and removes the n after
 * it. So places come out the same, quirks included.
 *
 * Lines lie in the arena of a request. One thread writes a rewrite; nothing is shared.
 */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes [start, end) of the original text. */
struct place {
    uint32_t start, end;
};

/** A text (valid UTF-8) on its way from the original one to tokens. */
struct line {
    const char *text;
    size_t bytes;
    /* (bytes) where each byte stems from, whole characters; NULL: it is a part of the original
       text from byte `shift` on, as it stands there (or nobody asks for places). */
    const struct place *places;
    uint32_t shift; /* where in the original text it starts */
};

/** line_place: where the bytes [start, end) of the line, start < end, stem from. */
struct place line_place(const struct line *line, size_t start, size_t end);

/** Memory that one rewrite after another uses. Zero at first; lies in the arena. */
struct rewrite_room {
    char *text;
    struct place *places;
    size_t capacity;
};

struct rewrite {
    struct arena *arena;
    struct rewrite_room *room;
    struct line in;
    size_t at;         /* the next byte to read */
    struct place last; /* of the byte before it; (shift, shift) at the start */
    size_t bytes;      /* written to the room */
    bool wants_places;
    bool failed; /* the arena is at its cap; what is written since is lost */
};

/**
 * rewrite_start begins to read `in`.
 * @param room    where the result will lie, until the next rewrite takes it; not where `in` lies
 * @param in      borrowed, as are its text and places, until rewrite_end
 * @param places  whether those of the result are wanted; always the same for a room
 */
void rewrite_start(struct rewrite *w, struct arena *arena, struct rewrite_room *room,
                   const struct line *in, bool places);

/** rewrite_skip reads n characters and removes them (fewer where the text ends). */
void rewrite_skip(struct rewrite *w, size_t n);

/** rewrite_put writes the code point `code`; for `change` see above. */
void rewrite_put(struct rewrite *w, uint32_t code, int change);

/** rewrite_copy reads and writes `bytes` bytes as they are; whole characters. */
void rewrite_copy(struct rewrite *w, size_t bytes);

/** rewrite_insert writes `text` (UTF-8): rewrite_put with a change of 1 for each character. */
void rewrite_insert(struct rewrite *w, const char *text, size_t bytes);

/** rewrite_end_of: where the text that is read ends. */
static inline const char *rewrite_end_of(const struct rewrite *w)
{
    return w->in.text + w->in.bytes;
}

/**
 * rewrite_end makes the line that was written; it lies in the room. What was not read is removed.
 * @return false when the arena is at its cap
 */
bool rewrite_end(struct rewrite *w, struct line *out);
