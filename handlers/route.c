/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/route.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define N_SLOTS (sizeof((struct route_index *)0)->slots / sizeof(uint16_t))

static_assert((N_SLOTS & (N_SLOTS - 1)) == 0, "a hash is cut to a slot by its lowest bits");

/* What a path is looked up by: the whole of it, or as much as stands before a placeholder. */
struct part {
    const char *data;
    size_t bytes;
    uint64_t head, tail; /* of up to 16 bytes these are all there is to compare */
    bool is_pattern;
};

static uint64_t read8(const char *from)
{
    uint64_t word;
    memcpy(&word, from, 8);
    return word;
}

static struct part make_part(const char *path, size_t bytes, bool is_pattern)
{
    struct part part = {.data = path, .bytes = bytes, .is_pattern = is_pattern};
    uint32_t low = 0, high = 0;
    if (bytes >= 8) {
        part.head = read8(path);
        part.tail = read8(path + bytes - 8);
    } else if (bytes >= 4) {
        memcpy(&low, path, 4);
        memcpy(&high, path + bytes - 4, 4);
        part.head = (uint64_t)high << 32 | low;
    } else {
        for (size_t i = 0; i < bytes; i++)
            part.head = part.head << 8 | (unsigned char)path[i];
    }
    return part;
}

static size_t hash_part(const struct part *part)
{
    const uint64_t odd = 0x9E3779B97F4A7C15u;
    uint64_t hash = (part->head ^ (part->bytes << 1 | part->is_pattern)) * odd;
    for (size_t i = 8; i + 8 < part->bytes; i += 8)
        hash = (hash ^ hash >> 32 ^ read8(part->data + i)) * odd;
    hash = (hash ^ hash >> 32 ^ part->tail) * odd;
    return (size_t)(hash >> 32);
}

static bool is_same(const struct route_index *index, size_t row, const struct part *part)
{
    const struct route_key *key = &index->keys[row];
    return key->head == part->head && key->tail == part->tail && key->bytes == part->bytes &&
           key->is_pattern == part->is_pattern &&
           (part->bytes <= 16 || memcmp(index->routes[row].path, part->data, part->bytes) == 0);
}

/* The slot of the rows that have this part, or the free one where it would be. */
static size_t find_slot(const struct route_index *index, const struct part *part)
{
    size_t slot = hash_part(part) & (N_SLOTS - 1);
    while (index->slots[slot] && !is_same(index, index->slots[slot] - 1u, part))
        slot = (slot + 1) & (N_SLOTS - 1);
    return slot;
}

static void add_prefix(struct route_index *index, uint16_t bytes)
{
    size_t i = 0;
    while (i < index->n_prefixes && index->prefixes[i] > bytes)
        i++;
    if (i < index->n_prefixes && index->prefixes[i] == bytes) return;
    memmove(&index->prefixes[i + 1], &index->prefixes[i],
            (index->n_prefixes - i) * sizeof index->prefixes[0]);
    index->prefixes[i] = bytes;
    index->n_prefixes++;
}

/* Behind rows with as much or more after the placeholder; but for that in the table's order. */
static void add_row(struct route_index *index, size_t row, const struct part *part)
{
    struct route_key *key = &index->keys[row];
    uint16_t *at = &index->slots[find_slot(index, part)];
    while (*at && index->keys[*at - 1].end_bytes >= key->end_bytes) {
        const size_t first = index->keys[*at - 1].first;
        if (strcmp(index->routes[first].path, index->routes[row].path) == 0)
            key->first = (uint16_t)first;
        at = &index->keys[*at - 1].next;
    }
    key->next = *at;
    *at = (uint16_t)(row + 1);
}

void route_index_fill(struct route_index *index, const struct route *routes, size_t n)
{
    assert(n <= ROUTES_MAX);
    index->routes = routes;
    for (size_t row = 0; row < n; row++) {
        const char *path = routes[row].path, *open = strchr(path, '{');
        const char *close = open ? strchr(open, '}') : NULL;
        const struct part part = make_part(path, strcspn(path, "{"), open);
        assert(strlen(path) < UINT16_MAX);
        assert(!open || (close && !strpbrk(close + 1, "{}")));
        index->keys[row] = (struct route_key){.head = part.head,
                                              .tail = part.tail,
                                              .bytes = (uint16_t)part.bytes,
                                              .end_bytes = (uint16_t)(open ? strlen(close + 1) : 0),
                                              .is_pattern = part.is_pattern,
                                              .first = (uint16_t)row};
        if (open) add_prefix(index, (uint16_t)part.bytes);
        add_row(index, row, &part);
    }
}

/* What the placeholder of a row stands for in `path`, which has the row's first part; data NULL:
   the path does not end as the row does, or leaves nothing for it. */
static struct text placeholder_text(const struct route_index *index, size_t row, struct text path)
{
    const struct route_key *key = &index->keys[row];
    const size_t around = (size_t)key->bytes + key->end_bytes;
    const char *row_path = index->routes[row].path;
    if (path.bytes <= around ||
        memcmp(path.data + path.bytes - key->end_bytes,
               row_path + strlen(row_path) - key->end_bytes, key->end_bytes) != 0)
        return (struct text){NULL, 0};
    return (struct text){path.data + key->bytes, path.bytes - around};
}

/* Takes the rows that have the part, as far as the rest of the path fits; true once one takes the
   method. */
static bool take_rows(const struct route_index *index, const struct part *part, unsigned method,
                      struct text path, struct route_match *match)
{
    for (size_t at = index->slots[find_slot(index, part)]; at; at = index->keys[at - 1].next) {
        const struct route *route = &index->routes[at - 1];
        if (part->is_pattern) {
            const struct text text = placeholder_text(index, at - 1, path);
            if (!text.data) continue;
            match->tail = text;
        }
        match->route = route;
        match->number = index->keys[at - 1].first;
        match->methods |= route->methods;
        match->is_taken = route->methods & method;
        if (match->is_taken) return true;
    }
    return false;
}

void route_find(const struct route_index *index, enum method method, const char *path,
                struct route_match *match)
{
    const struct text text = {path, strlen(path)};
    const unsigned wanted = method == METHOD_HEAD ? METHOD_GET : method;
    const struct part whole = make_part(path, text.bytes, false);
    *match = (struct route_match){0};
    if (take_rows(index, &whole, wanted, text, match)) return;
    for (size_t i = 0; i < index->n_prefixes; i++) {
        if (index->prefixes[i] >= text.bytes) continue;
        const struct part prefix = make_part(path, index->prefixes[i], true);
        if (take_rows(index, &prefix, wanted, text, match)) return;
    }
}
