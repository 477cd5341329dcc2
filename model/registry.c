/* SPDX-License-Identifier: Apache-2.0 */
#include "model/registry.h"

#include "base/grow.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "model/model.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct counted {
    struct snapshot snapshot; /* first: what borrowers hold */
    struct model *model;
    void *attached;
    uint64_t n_borrowers;
    bool is_retired;
    struct counted *next; /* of those to be closed */
};

/* A name, and what it stands for: a snapshot of its own, or another entry. */
struct entry {
    char *name;
    size_t bytes;
    struct counted *current; /* NULL: an alias */
    size_t target;           /* of an alias: the entry of a model */
};

struct registry {
    pthread_mutex_t mutex; /* over all below */
    struct entry *entries; /* (n) in the order in which they came */
    size_t n, cap;
    size_t *models; /* (n_models) entries that are none of an alias */
    size_t n_models, models_cap;
    uint32_t *slots; /* (n_slots, a power of two) 1 + entry, by hash; 0: free */
    size_t n_slots;
    uint64_t n_put;
    struct counted *to_close;
    void (*on_retired)(void *user);
    void *user;
};

struct registry *registry_new(void)
{
    struct registry *registry = calloc(1, sizeof *registry);
    if (registry) pthread_mutex_init(&registry->mutex, NULL);
    return registry;
}

void registry_watch(struct registry *registry, void (*on_retired)(void *user), void *user)
{
    registry->on_retired = on_retired;
    registry->user = user;
}

static void close_counted(struct counted *counted)
{
    model_close(counted->model);
    free(counted->attached);
    free(counted);
}

void registry_free(struct registry *registry)
{
    if (!registry) return;
    registry_collect(registry);
    for (size_t i = 0; i < registry->n; i++) {
        struct counted *current = registry->entries[i].current;
        if (current) close_counted(current);
        free(registry->entries[i].name);
    }
    free(registry->entries);
    free(registry->models);
    free(registry->slots);
    pthread_mutex_destroy(&registry->mutex);
    free(registry);
}

/* ---- names ---- */

static struct entry *find(const struct registry *registry, const char *name, size_t bytes)
{
    if (registry->n_slots == 0) return NULL;
    const size_t mask = registry->n_slots - 1;
    for (size_t i = hash_bytes(HASH_START, name, bytes) & mask; registry->slots[i];
         i = (i + 1) & mask) {
        struct entry *entry = &registry->entries[registry->slots[i] - 1];
        if (entry->bytes == bytes && memcmp(entry->name, name, bytes) == 0) return entry;
    }
    return NULL;
}

static void put_slot(struct registry *registry, size_t entry)
{
    const size_t mask = registry->n_slots - 1;
    const struct entry *e = &registry->entries[entry];
    size_t i = hash_bytes(HASH_START, e->name, e->bytes) & mask;
    while (registry->slots[i])
        i = (i + 1) & mask;
    registry->slots[i] = (uint32_t)entry + 1;
}

/* At most half of the slots are taken. */
static bool make_slots(struct registry *registry)
{
    if ((registry->n + 1) * 2 <= registry->n_slots) return true;
    const size_t n_slots = registry->n_slots ? registry->n_slots * 2 : 16;
    uint32_t *slots = calloc(n_slots, sizeof *slots);
    if (!slots) return false;
    free(registry->slots);
    registry->slots = slots;
    registry->n_slots = n_slots;
    for (size_t i = 0; i < registry->n; i++)
        put_slot(registry, i);
    return true;
}

static bool check_name(const char *name, struct err *err)
{
    const size_t bytes = strlen(name);
    bool is_plain =
        bytes > 0 && bytes <= REGISTRY_NAME_BYTES_MAX && utf8_valid_bytes(name, bytes) == bytes;
    for (size_t i = 0; i < bytes && is_plain; i++)
        is_plain = (unsigned char)name[i] >= 0x20 && name[i] != 0x7F;
    return is_plain ||
           err_set(err, ERR_USAGE, "model",
                   "a model's name must be 1 to %d bytes of printable UTF-8, not '%.*s'",
                   REGISTRY_NAME_BYTES_MAX, (int)strnlen(name, ERR_VALUE_BYTES), name);
}

/* An entry of that name without what it stands for; NULL with err set. */
static struct entry *add_entry(struct registry *registry, const char *name, struct err *err)
{
    if (registry->n == REGISTRY_NAMES_MAX) {
        err_set(err, ERR_USAGE, "model", "at most %d models and aliases can be served",
                REGISTRY_NAMES_MAX);
        return NULL;
    }
    char *copy = strdup(name);
    if (copy && make_slots(registry) &&
        grow_list(&registry->entries, &registry->cap, registry->n + 1, sizeof *registry->entries) &&
        grow_list(&registry->models, &registry->models_cap, registry->n_models + 1,
                  sizeof *registry->models)) {
        registry->entries[registry->n] = (struct entry){.name = copy, .bytes = strlen(copy)};
        put_slot(registry, registry->n);
        return &registry->entries[registry->n++];
    }
    free(copy);
    err_set(err, ERR_MEMORY, NULL, "no memory for the model '%.200s'", name);
    return NULL;
}

static struct counted *make_counted(struct model *model, void *attached, struct err *err)
{
    struct counted *counted = malloc(sizeof *counted);
    if (counted)
        *counted = (struct counted){.snapshot = {.model = model, .attached = attached},
                                    .model = model,
                                    .attached = attached};
    else
        err_set(err, ERR_MEMORY, NULL, "no memory for a model");
    return counted;
}

/* The lock is held. True: it is to be closed now. */
static bool retire(struct registry *registry, struct counted *counted)
{
    if (!counted) return false;
    counted->is_retired = true;
    if (counted->n_borrowers > 0) return false;
    counted->next = registry->to_close;
    registry->to_close = counted;
    return true;
}

/* The lock is held. */
static bool set(struct registry *registry, const char *name, struct counted *counted,
                bool *has_retired, struct err *err)
{
    struct entry *entry = find(registry, name, strlen(name));
    if (entry && !entry->current)
        return err_set(err, ERR_USAGE, "model",
                       "'%.200s' is an alias already; give the model another name", name);
    const bool is_new = !entry;
    if (is_new && !(entry = add_entry(registry, name, err))) return false;
    if (is_new) registry->models[registry->n_models++] = registry->n - 1;
    *has_retired = retire(registry, entry->current);
    counted->snapshot.name = entry->name;
    counted->snapshot.number = ++registry->n_put;
    entry->current = counted;
    return true;
}

bool registry_put(struct registry *registry, const char *name, struct model *model, void *attached,
                  struct err *err)
{
    if (!check_name(name, err)) return false;
    struct counted *counted = make_counted(model, attached, err);
    if (!counted) return false;
    bool has_retired = false;
    pthread_mutex_lock(&registry->mutex);
    const bool done = set(registry, name, counted, &has_retired, err);
    pthread_mutex_unlock(&registry->mutex);
    if (!done) free(counted);
    if (has_retired && registry->on_retired) registry->on_retired(registry->user);
    return done;
}

/* The lock is held. */
static bool set_alias(struct registry *registry, const char *alias, const char *name,
                      struct err *err)
{
    if (find(registry, alias, strlen(alias)))
        return err_set(err, ERR_USAGE, "alias",
                       "'%.200s' is served already; give the alias another name", alias);
    const struct entry *target = find(registry, name, strlen(name));
    if (!target)
        return err_set(err, ERR_USAGE, "alias",
                       "the alias '%.200s' needs a model that is served, and '%.200s' is not",
                       alias, name);
    const size_t at = target->current ? (size_t)(target - registry->entries) : target->target;
    struct entry *entry = add_entry(registry, alias, err);
    if (entry) entry->target = at;
    return entry;
}

bool registry_alias(struct registry *registry, const char *alias, const char *name, struct err *err)
{
    if (!check_name(alias, err)) return false;
    if (strcmp(alias, name) == 0)
        return err_set(err, ERR_USAGE, "alias",
                       "'%.200s' cannot be an alias of itself; name the model that it stands for",
                       alias);
    pthread_mutex_lock(&registry->mutex);
    const bool done = set_alias(registry, alias, name, err);
    pthread_mutex_unlock(&registry->mutex);
    return done;
}

/* ---- borrowing ---- */

size_t registry_count(struct registry *registry)
{
    pthread_mutex_lock(&registry->mutex);
    const size_t n = registry->n_models;
    pthread_mutex_unlock(&registry->mutex);
    return n;
}

static const struct snapshot *lend(const struct registry *registry, const struct entry *entry)
{
    if (!entry) return NULL;
    if (!entry->current) entry = &registry->entries[entry->target];
    entry->current->n_borrowers++;
    return &entry->current->snapshot;
}

const struct snapshot *registry_borrow(struct registry *registry, const char *name, size_t bytes)
{
    pthread_mutex_lock(&registry->mutex);
    const struct snapshot *snapshot = lend(registry, find(registry, name, bytes));
    pthread_mutex_unlock(&registry->mutex);
    return snapshot;
}

const struct snapshot *registry_borrow_nth(struct registry *registry, size_t n)
{
    pthread_mutex_lock(&registry->mutex);
    const struct entry *entry =
        n < registry->n_models ? &registry->entries[registry->models[n]] : NULL;
    const struct snapshot *snapshot = lend(registry, entry);
    pthread_mutex_unlock(&registry->mutex);
    return snapshot;
}

const struct snapshot *registry_borrow_default(struct registry *registry)
{
    return registry_borrow_nth(registry, 0);
}

void registry_give_back(struct registry *registry, const struct snapshot *snapshot)
{
    if (!snapshot) return;
    struct counted *counted = (struct counted *)(uintptr_t)snapshot;
    pthread_mutex_lock(&registry->mutex);
    assert(counted->n_borrowers > 0);
    counted->n_borrowers--;
    const bool has_retired = counted->is_retired && retire(registry, counted);
    pthread_mutex_unlock(&registry->mutex);
    if (has_retired && registry->on_retired) registry->on_retired(registry->user);
}

void registry_collect(struct registry *registry)
{
    pthread_mutex_lock(&registry->mutex);
    struct counted *counted = registry->to_close;
    registry->to_close = NULL;
    pthread_mutex_unlock(&registry->mutex);
    while (counted) {
        struct counted *next = counted->next;
        close_counted(counted);
        counted = next;
    }
}
