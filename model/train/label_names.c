/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/label_names.h"

#include "base/grow.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

struct label_names {
    char **list; /* (n) by number */
    uint32_t n, cap;
    uint32_t *slots; /* (n_slots, a power of two) number + 1, 0 = empty */
    uint32_t n_slots;
};

static uint64_t hash_of(struct span name)
{
    const uint64_t hash = hash_bytes(HASH_START, name.data, name.bytes);
    return hash ^ hash >> 32;
}

struct label_names *label_names_new(void)
{
    return calloc(1, sizeof(struct label_names));
}

/* The slot of the name, or the empty one where it belongs. */
static uint32_t slot_of(const struct label_names *names, struct span name)
{
    const uint32_t mask = names->n_slots - 1;
    uint32_t at = (uint32_t)hash_of(name) & mask;
    for (; names->slots[at] > 0; at = (at + 1) & mask) {
        const char *found = names->list[names->slots[at] - 1];
        if (strlen(found) == name.bytes && memcmp(found, name.data, name.bytes) == 0) break;
    }
    return at;
}

uint32_t label_names_find(const struct label_names *names, struct span name)
{
    if (names->n == 0) return UINT32_MAX;
    return names->slots[slot_of(names, name)] - 1;
}

static void fill_slots(struct label_names *names)
{
    memset(names->slots, 0, names->n_slots * sizeof *names->slots);
    for (uint32_t i = 0; i < names->n; i++) {
        const struct span name = {names->list[i], strlen(names->list[i])};
        names->slots[slot_of(names, name)] = i + 1;
    }
}

static bool make_room(struct label_names *names)
{
    if (names->n < names->cap) return true;
    const size_t cap = grow_cap(names->cap, (size_t)names->n + 1);
    if (cap > UINT32_MAX / 2 || !grow_to(&names->list, cap, sizeof *names->list) ||
        !grow_to(&names->slots, 2 * cap, sizeof *names->slots))
        return false;
    names->cap = (uint32_t)cap;
    names->n_slots = 2 * names->cap;
    fill_slots(names);
    return true;
}

uint32_t label_names_add(struct label_names *names, struct span name)
{
    uint32_t found = label_names_find(names, name);
    if (found != UINT32_MAX) return found;
    char *copy = make_room(names) ? malloc(name.bytes + 1) : NULL;
    if (!copy) return UINT32_MAX;
    memcpy(copy, name.data, name.bytes);
    copy[name.bytes] = '\0';
    names->slots[slot_of(names, name)] = names->n + 1;
    names->list[names->n] = copy;
    return names->n++;
}

struct numbered {
    char *name;
    uint32_t number;
};

static int compare_names(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;
    return strcmp(x->name, y->name);
}

bool label_names_sort(struct label_names *names, uint32_t *renumbered)
{
    struct numbered *sorted = malloc((names->n + 1) * sizeof *sorted);
    if (!sorted) return false;
    for (uint32_t i = 0; i < names->n; i++)
        sorted[i] = (struct numbered){names->list[i], i};
    qsort(sorted, names->n, sizeof *sorted, compare_names);
    for (uint32_t i = 0; i < names->n; i++) {
        renumbered[sorted[i].number] = i;
        names->list[i] = sorted[i].name;
    }
    free(sorted);
    if (names->n > 0) fill_slots(names);
    return true;
}

uint32_t label_names_count(const struct label_names *names)
{
    return names->n;
}

const char *const *label_names_list(const struct label_names *names)
{
    return (const char *const *)names->list;
}

void label_names_free(struct label_names *names)
{
    if (!names) return;
    for (uint32_t i = 0; i < names->n; i++)
        free(names->list[i]);
    free(names->list);
    free(names->slots);
    free(names);
}
