/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/unicode/rewrite.h"

#include "base/utf8.h"

#include <assert.h>
#include <string.h>

struct place line_place(const struct line *line, size_t start, size_t end)
{
    assert(start < end && end <= line->bytes);
    if (line->places) return (struct place){line->places[start].start, line->places[end - 1].end};
    /* Whole characters. */
    while (start > 0 && utf8_is_inside(line->text[start]))
        start--;
    while (end < line->bytes && utf8_is_inside(line->text[end]))
        end++;
    return (struct place){line->shift + (uint32_t)start, line->shift + (uint32_t)end};
}

static bool make_room(struct rewrite *w, size_t bytes)
{
    struct rewrite_room *room = w->room;
    if (w->failed) return false;
    if (bytes <= room->capacity - w->bytes) return true;
    size_t capacity = room->capacity * 2 + bytes + 32, old = room->capacity;
    char *text = capacity > UINT32_MAX ? NULL : arena_grow(w->arena, room->text, old, capacity);
    w->failed = !text;
    if (w->failed) return false;
    room->text = text;
    if (w->wants_places) {
        struct place *places =
            arena_grow(w->arena, room->places, old * sizeof *places, capacity * sizeof *places);
        w->failed = !places;
        if (w->failed) return false;
        room->places = places;
    }
    room->capacity = capacity;
    return true;
}

void rewrite_start(struct rewrite *w, struct arena *arena, struct rewrite_room *room,
                   const struct line *in, bool places)
{
    *w = (struct rewrite){.arena = arena,
                          .room = room,
                          .in = *in,
                          .last = {in->shift, in->shift},
                          .wants_places = places};
    make_room(w, in->bytes);
}

/* Moves past the next character, if there is one, and remembers its place. */
static void read_one(struct rewrite *w)
{
    if (w->at == w->in.bytes) return;
    w->at = (size_t)(utf8_past(w->in.text + w->at, rewrite_end_of(w)) - w->in.text);
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
    size_t bytes = utf8_write(w->room->text + w->bytes, code);
    for (size_t i = 0; i < bytes && w->wants_places; i++)
        w->room->places[w->bytes + i] = place;
    w->bytes += bytes;
}

static void copy_places(struct rewrite *w, size_t bytes)
{
    struct place *out = w->room->places + w->bytes;
    if (w->in.places) {
        memcpy(out, w->in.places + w->at, bytes * sizeof *out);
        return;
    }
    for (size_t i = 0; i < bytes;) {
        size_t start = i++;
        while (i < bytes && utf8_is_inside(w->in.text[w->at + i]))
            i++;
        struct place place = {w->in.shift + (uint32_t)(w->at + start),
                              w->in.shift + (uint32_t)(w->at + i)};
        for (size_t k = start; k < i; k++)
            out[k] = place;
    }
}

void rewrite_copy(struct rewrite *w, size_t bytes)
{
    assert(bytes <= w->in.bytes - w->at);
    if (bytes == 0 || !make_room(w, bytes)) return;
    memcpy(w->room->text + w->bytes, w->in.text + w->at, bytes);
    if (w->wants_places) {
        copy_places(w, bytes);
        w->last = w->room->places[w->bytes + bytes - 1];
    }
    w->at += bytes;
    w->bytes += bytes;
}

void rewrite_insert(struct rewrite *w, const char *text, size_t bytes)
{
    if (bytes == 0 || !make_room(w, bytes)) return;
    memcpy(w->room->text + w->bytes, text, bytes);
    for (size_t i = 0; i < bytes && w->wants_places; i++)
        w->room->places[w->bytes + i] = w->last;
    w->bytes += bytes;
}

bool rewrite_end(struct rewrite *w, struct line *out)
{
    *out = (struct line){
        .text = w->bytes > 0 ? w->room->text : "", .bytes = w->bytes, .shift = w->in.shift};
    if (w->wants_places) out->places = w->room->places;
    return !w->failed;
}
