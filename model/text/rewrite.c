/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/rewrite.h"

#include "base/utf8.h"

#include <assert.h>
#include <string.h>

static bool is_inside(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

struct place line_place(const struct line *line, size_t start, size_t end)
{
    assert(start < end && end <= line->bytes);
    if (line->places) return (struct place){line->places[start].start, line->places[end - 1].end};
    /* Whole characters. */
    while (start > 0 && is_inside(line->text[start]))
        start--;
    while (end < line->bytes && is_inside(line->text[end]))
        end++;
    return (struct place){line->shift + (uint32_t)start, line->shift + (uint32_t)end};
}

/* Twice what was read: few texts grow more. */
static bool make_room(struct rewrite *w, size_t bytes)
{
    if (w->failed) return false;
    if (bytes <= w->capacity - w->bytes) return true;
    size_t capacity = w->capacity * 2 + bytes;
    if (capacity > UINT32_MAX) w->failed = true;
    if (!w->failed) {
        w->text = arena_grow(w->arena, w->text, w->capacity, capacity);
        if (w->places)
            w->places = arena_grow(w->arena, w->places, w->capacity * sizeof *w->places,
                                   capacity * sizeof *w->places);
        w->capacity = capacity;
    }
    bool done = !w->failed && w->text && (w->places || !w->wants_places);
    w->failed = !done;
    return done;
}

void rewrite_start(struct rewrite *w, struct arena *arena, const struct line *in, bool places)
{
    size_t capacity = in->bytes + in->bytes / 4 + 16;
    *w = (struct rewrite){.arena = arena,
                          .in = *in,
                          .last = {in->shift, in->shift},
                          .capacity = capacity,
                          .wants_places = places};
    w->text = arena_alloc(arena, capacity);
    if (places) w->places = arena_array(arena, capacity, sizeof *w->places);
    w->failed = !w->text || (places && !w->places);
}

/* Moves past the next character, if there is one, and remembers its place. */
static void read_one(struct rewrite *w)
{
    if (w->at == w->in.bytes) return;
    w->at++;
    while (w->at < w->in.bytes && is_inside(w->in.text[w->at]))
        w->at++;
    if (w->wants_places) w->last = line_place(&w->in, w->at - 1, w->at);
}

void rewrite_skip(struct rewrite *w, size_t n)
{
    for (; n > 0 && w->at < w->in.bytes; n--)
        read_one(w);
}

void rewrite_put(struct rewrite *w, uint32_t code, int change)
{
    struct place place = w->last;
    if (change <= 0) {
        if (w->wants_places && w->at < w->in.bytes) place = line_place(&w->in, w->at, w->at + 1);
        read_one(w);
        rewrite_skip(w, (size_t)-change);
    }
    if (!make_room(w, 4)) return;
    size_t bytes = utf8_write(w->text + w->bytes, code);
    for (size_t i = 0; i < bytes && w->places; i++)
        w->places[w->bytes + i] = place;
    w->bytes += bytes;
}

void rewrite_copy(struct rewrite *w, size_t bytes)
{
    assert(bytes <= w->in.bytes - w->at);
    if (bytes == 0 || !make_room(w, bytes)) return;
    memcpy(w->text + w->bytes, w->in.text + w->at, bytes);
    if (w->places && w->in.places) {
        memcpy(w->places + w->bytes, w->in.places + w->at, bytes * sizeof *w->places);
    } else if (w->places) {
        for (size_t i = 0; i < bytes; i++)
            w->places[w->bytes + i] = line_place(&w->in, w->at + i, w->at + i + 1);
    }
    w->at += bytes;
    w->bytes += bytes;
    if (w->wants_places) w->last = line_place(&w->in, w->at - 1, w->at);
}

void rewrite_insert(struct rewrite *w, const char *text, size_t bytes)
{
    if (!make_room(w, bytes)) return;
    memcpy(w->text + w->bytes, text, bytes);
    for (size_t i = 0; i < bytes && w->places; i++)
        w->places[w->bytes + i] = w->last;
    w->bytes += bytes;
}

bool rewrite_end(struct rewrite *w, struct line *out)
{
    *out = (struct line){.text = w->text, .bytes = w->bytes, .places = w->places};
    if (w->bytes > 0 && w->places) out->shift = w->places[0].start;
    return !w->failed;
}
