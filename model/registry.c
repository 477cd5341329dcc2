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
#include <time.h>

struct entry;

struct counted {
    struct snapshot snapshot; /* first: what borrowers hold */
    struct model *model;
    void *attached;
    struct entry *entry; /* whose name it has */
    uint64_t n_borrowers;
    bool is_retired;
    struct counted *next; /* of those to be closed */
};

/* A name, and what it stands for: a snapshot of its own, or another entry. */
struct entry {
    char *name;
    size_t bytes;
    struct counted *current; /* NULL: an alias, or gone */
    struct entry *target;    /* of an alias: the entry of a model */
    size_t n_snapshots;      /* that have its name and are not closed */
    struct entry *next;      /* of those that are gone */
};

struct registry {
    pthread_mutex_t mutex;  /* over all below */
    struct entry **entries; /* (n) in the order in which they came */
    size_t n, cap;
    struct entry **models; /* (n_models) those that are no alias, the default first */
    size_t n_models, models_cap;
    size_t n_given; /* names that came and are not those of models trained here */
    bool has_had_several;
    struct entry **slots; /* (n_slots, a power of two) by hash; NULL: free */
    size_t n_slots;
    struct entry *gone; /* taken away, with snapshots that somebody has */
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

static void free_entry(struct entry *entry)
{
    free(entry->name);
    free(entry);
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
    assert(!registry->gone);
    for (size_t i = 0; i < registry->n; i++) {
        struct counted *current = registry->entries[i]->current;
        if (current) close_counted(current);
        free_entry(registry->entries[i]);
    }
    free(registry->entries);
    free(registry->models);
    free(registry->slots);
    pthread_mutex_destroy(&registry->mutex);
    free(registry);
}

/* ---- names ---- */

static bool has_name(const struct entry *entry, const char *name, size_t bytes)
{
    return entry->bytes == bytes && memcmp(entry->name, name, bytes) == 0;
}

static struct entry *find(const struct registry *registry, const char *name, size_t bytes)
{
    if (registry->n_slots == 0) return NULL;
    const size_t mask = registry->n_slots - 1;
    for (size_t i = hash_bytes(HASH_START, name, bytes) & mask; registry->slots[i];
         i = (i + 1) & mask)
        if (has_name(registry->slots[i], name, bytes)) return registry->slots[i];
    return NULL;
}

static void put_slot(struct registry *registry, struct entry *entry)
{
    const size_t mask = registry->n_slots - 1;
    size_t i = hash_bytes(HASH_START, entry->name, entry->bytes) & mask;
    while (registry->slots[i])
        i = (i + 1) & mask;
    registry->slots[i] = entry;
}

static void fill_slots(struct registry *registry)
{
    memset(registry->slots, 0, registry->n_slots * sizeof(struct entry *));
    for (size_t i = 0; i < registry->n; i++)
        put_slot(registry, registry->entries[i]);
}

/* At most half of the slots are taken. */
static bool make_slots(struct registry *registry)
{
    if ((registry->n + 1) * 2 <= registry->n_slots) return true;
    const size_t n_slots = registry->n_slots ? registry->n_slots * 2 : 16;
    struct entry **slots = malloc(n_slots * sizeof(struct entry *));
    if (!slots) return false;
    free(registry->slots);
    registry->slots = slots;
    registry->n_slots = n_slots;
    fill_slots(registry);
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

/* The entry of that name that is gone but for its snapshots, or a new one; NULL: no memory. */
static struct entry *make_entry(struct registry *registry, const char *name)
{
    for (struct entry **at = &registry->gone; *at; at = &(*at)->next) {
        struct entry *entry = *at;
        if (!has_name(entry, name, strlen(name))) continue;
        *at = entry->next;
        return entry;
    }
    struct entry *entry = calloc(1, sizeof *entry);
    if (!entry) return NULL;
    *entry = (struct entry){.name = strdup(name), .bytes = strlen(name)};
    if (entry->name) return entry;
    free(entry);
    return NULL;
}

/* An entry of that name without what it stands for; NULL with err set. */
static struct entry *add_entry(struct registry *registry, const char *name, struct err *err)
{
    if (registry->n == REGISTRY_NAMES_MAX) {
        err_set(err, ERR_USAGE, "model", "at most %d models and aliases can be served",
                REGISTRY_NAMES_MAX);
        return NULL;
    }
    struct entry *entry = NULL;
    if (make_slots(registry) &&
        grow_list(&registry->entries, &registry->cap, registry->n + 1, sizeof *registry->entries) &&
        grow_list(&registry->models, &registry->models_cap, registry->n_models + 1,
                  sizeof *registry->models) &&
        (entry = make_entry(registry, name))) {
        registry->entries[registry->n++] = entry;
        put_slot(registry, entry);
        return entry;
    }
    err_set(err, ERR_MEMORY, NULL, "no memory for the model '%.200s'", name);
    return NULL;
}

/* Takes `entry` out of a list of `n`, whose order stays. */
static void take_out(struct entry **list, size_t *n, const struct entry *entry)
{
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if (list[i] != entry) list[kept++] = list[i];
    *n = kept;
}

static struct counted *make_counted(struct model *model, void *attached, struct err *err)
{
    struct counted *counted = malloc(sizeof *counted);
    if (counted)
        *counted = (struct counted){
            .snapshot = {.model = model, .attached = attached, .put_unix_s = (int64_t)time(NULL)},
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

static bool is_trained_here(const char *name)
{
    return strncmp(name, REGISTRY_TRAINED, strlen(REGISTRY_TRAINED)) == 0;
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
    if (is_new) registry->models[registry->n_models++] = entry;
    if (is_new && !is_trained_here(name)) registry->n_given++;
    if (registry->n_given > 1) registry->has_had_several = true;
    *has_retired = retire(registry, entry->current);
    counted->snapshot.name = entry->name;
    counted->snapshot.number = ++registry->n_put;
    counted->entry = entry;
    entry->n_snapshots++;
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

/* The lock is held. The entry of a model that an alias of this name would stand for, or NULL. */
static struct entry *find_target(const struct registry *registry, const char *alias,
                                 const char *name, struct err *err)
{
    struct entry *target = find(registry, name, strlen(name));
    if (target) return target->current ? target : target->target;
    err_set(err, ERR_USAGE, "alias",
            "the alias '%.200s' needs a model that is served, and '%.200s' is not", alias, name);
    return NULL;
}

/* The lock is held. */
static bool set_alias(struct registry *registry, const char *alias, const char *name, bool moves,
                      struct err *err)
{
    struct entry *entry = find(registry, alias, strlen(alias));
    if (entry && (entry->current || !moves))
        return err_set(err, ERR_USAGE, "alias",
                       "'%.200s' is served already; give the alias another name", alias);
    struct entry *target = find_target(registry, alias, name, err);
    if (!target || (!entry && !(entry = add_entry(registry, alias, err)))) return false;
    entry->target = target;
    return true;
}

static bool point_alias(struct registry *registry, const char *alias, const char *name, bool moves,
                        struct err *err)
{
    if (!check_name(alias, err)) return false;
    if (strcmp(alias, name) == 0)
        return err_set(err, ERR_USAGE, "alias",
                       "'%.200s' cannot be an alias of itself; name the model that it stands for",
                       alias);
    pthread_mutex_lock(&registry->mutex);
    const bool done = set_alias(registry, alias, name, moves, err);
    pthread_mutex_unlock(&registry->mutex);
    return done;
}

bool registry_alias(struct registry *registry, const char *alias, const char *name, struct err *err)
{
    return point_alias(registry, alias, name, false, err);
}

bool registry_move_alias(struct registry *registry, const char *alias, const char *name,
                         struct err *err)
{
    return point_alias(registry, alias, name, true, err);
}

/* ---- taking away ---- */

/* The lock is held. Its memory goes with the last of its snapshots. */
static void remove_entry(struct registry *registry, struct entry *entry)
{
    take_out(registry->entries, &registry->n, entry);
    take_out(registry->models, &registry->n_models, entry);
    entry->current = NULL;
    entry->target = NULL;
    if (entry->n_snapshots == 0) {
        free_entry(entry);
        return;
    }
    entry->next = registry->gone;
    registry->gone = entry;
}

/* The lock is held. */
static void remove_aliases(struct registry *registry, const struct entry *target)
{
    for (size_t i = registry->n; i-- > 0;)
        if (registry->entries[i]->target == target) remove_entry(registry, registry->entries[i]);
}

/* The lock is held. */
static bool remove_name(struct registry *registry, const char *name, bool *has_retired,
                        struct err *err)
{
    struct entry *entry = find(registry, name, strlen(name));
    if (!entry) return err_set(err, ERR_USAGE, "model", "'%.200s' is not served", name);
    if (entry->current && registry->n_models == 1)
        return err_set(err, ERR_USAGE, "model",
                       "'%.200s' is the last model; serve another one before it is taken away",
                       name);
    if (entry->current) {
        *has_retired = retire(registry, entry->current);
        remove_aliases(registry, entry);
    }
    remove_entry(registry, entry);
    fill_slots(registry);
    return true;
}

bool registry_remove(struct registry *registry, const char *name, struct err *err)
{
    bool has_retired = false;
    pthread_mutex_lock(&registry->mutex);
    const bool done = remove_name(registry, name, &has_retired, err);
    pthread_mutex_unlock(&registry->mutex);
    if (has_retired && registry->on_retired) registry->on_retired(registry->user);
    return done;
}

void registry_arrange(struct registry *registry, const char *const *names, size_t n)
{
    pthread_mutex_lock(&registry->mutex);
    for (size_t i = n; i-- > 0;) {
        struct entry *entry = find(registry, names[i], strlen(names[i]));
        if (!entry || !entry->current) continue;
        size_t at = 0;
        while (registry->models[at] != entry)
            at++;
        memmove(registry->models + 1, registry->models, at * sizeof *registry->models);
        registry->models[0] = entry;
    }
    pthread_mutex_unlock(&registry->mutex);
}

char **registry_aliases(struct registry *registry, size_t *n)
{
    pthread_mutex_lock(&registry->mutex);
    char **list = calloc(registry->n - registry->n_models + 1, sizeof *list);
    *n = 0;
    for (size_t i = 0; list && i < registry->n; i++) {
        if (registry->entries[i]->current) continue;
        if ((list[*n] = strdup(registry->entries[i]->name))) ++*n;
    }
    pthread_mutex_unlock(&registry->mutex);
    return list;
}

/* ---- borrowing ---- */

size_t registry_count(struct registry *registry)
{
    pthread_mutex_lock(&registry->mutex);
    const size_t n = registry->n_models;
    pthread_mutex_unlock(&registry->mutex);
    return n;
}

bool registry_takes_any_name(struct registry *registry)
{
    pthread_mutex_lock(&registry->mutex);
    const bool takes_any = !registry->has_had_several;
    pthread_mutex_unlock(&registry->mutex);
    return takes_any;
}

/* The lock is held. */
static const struct snapshot *lend(const struct entry *entry)
{
    if (!entry) return NULL;
    if (!entry->current) entry = entry->target;
    entry->current->n_borrowers++;
    return &entry->current->snapshot;
}

const struct snapshot *registry_borrow(struct registry *registry, const char *name, size_t bytes)
{
    pthread_mutex_lock(&registry->mutex);
    const struct snapshot *snapshot = lend(find(registry, name, bytes));
    pthread_mutex_unlock(&registry->mutex);
    return snapshot;
}

const struct snapshot *registry_borrow_nth(struct registry *registry, size_t n)
{
    pthread_mutex_lock(&registry->mutex);
    const struct entry *entry = n < registry->n_models ? registry->models[n] : NULL;
    const struct snapshot *snapshot = lend(entry);
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

bool registry_fail(struct registry *registry, const struct snapshot *snapshot)
{
    struct counted *counted = (struct counted *)(uintptr_t)snapshot;
    (void)registry;
    return !atomic_exchange(&counted->snapshot.is_broken, true);
}

bool registry_note_written(struct registry *registry, const struct snapshot *snapshot)
{
    struct counted *counted = (struct counted *)(uintptr_t)snapshot;
    (void)registry;
    return !atomic_exchange(&counted->snapshot.is_written, true);
}

/* The lock is held: of those that are to be closed. */
static void end_names(struct registry *registry, const struct counted *closing)
{
    for (; closing; closing = closing->next)
        closing->entry->n_snapshots--;
    for (struct entry **at = &registry->gone; *at;) {
        struct entry *entry = *at;
        if (entry->n_snapshots > 0) {
            at = &entry->next;
            continue;
        }
        *at = entry->next;
        free_entry(entry);
    }
}

void registry_collect(struct registry *registry)
{
    pthread_mutex_lock(&registry->mutex);
    struct counted *counted = registry->to_close;
    registry->to_close = NULL;
    end_names(registry, counted);
    pthread_mutex_unlock(&registry->mutex);
    while (counted) {
        struct counted *next = counted->next;
        close_counted(counted);
        counted = next;
    }
}
