/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file registry.h
 * The models that a process serves, by name: immutable snapshots, counted, that can be swapped
 * while others are in use.
 *
 * Whoever has borrowed a snapshot may use its model until it is given back, whatever is put in its
 * place meanwhile. A snapshot that was replaced is closed when the last borrower has given it back,
 * by registry_collect, so that nobody who answers requests waits for that. Any thread may call
 * every function but registry_free; one mutex is held for tens of nanoseconds, and for the length
 * of the list where names are added.
 */
#pragma once

#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model;
struct registry;

/** Names of models and aliases have 1 to this many bytes of printable UTF-8. */
#define REGISTRY_NAME_BYTES_MAX 200

/** Models and aliases together. */
#define REGISTRY_NAMES_MAX 10000

/** How the names of models begin that the service has trained by itself. They change nothing of
 * what other names mean. */
#define REGISTRY_TRAINED "ft:"

/** One opened model under its name; all constant but for the last two. */
struct snapshot {
    const char *name; /* the same pointer in every snapshot of the name */
    const struct model *model;
    const void *attached; /* of whoever put it there; NULL: nothing */
    uint64_t number;    /* 1, 2, 3 ... in the order in which snapshots were put into the registry */
    int64_t put_unix_s; /* when */
    atomic_bool is_broken;  /* what it maps can no longer be read; registry_fail */
    atomic_bool is_written; /* a file of it was written into; registry_note_written */
};

/** registry_new: an empty one; NULL when there is no memory. */
struct registry *registry_new(void);

/** registry_free closes all; everything was given back. NULL is fine. */
void registry_free(struct registry *registry);

/** registry_watch: `on_retired` is called, on whatever thread, when there is something for
 * registry_collect to do. Before others use the registry. */
void registry_watch(struct registry *registry, void (*on_retired)(void *user), void *user);

/**
 * registry_put serves `model` under `name` from now on: as one more, or instead of the one that has
 * the name.
 * @param model    taken on success
 * @param attached taken on success, freed by free(3) with the snapshot
 * @return false with ERR_USAGE (a name that cannot be one, or is an alias; too many) or ERR_MEMORY
 */
bool registry_put(struct registry *registry, const char *name, struct model *model, void *attached,
                  struct err *err);

/**
 * registry_alias: `alias` finds what `name` (a model or an alias) finds at the time of each
 * look-up.
 * @return false with ERR_USAGE (a name that is served already, `name` that is not, an alias of
 *         itself) or ERR_MEMORY
 */
bool registry_alias(struct registry *registry, const char *alias, const char *name,
                    struct err *err);

/** registry_move_alias: as registry_alias, but an alias that is there already stands for `name`
 * from now on. */
bool registry_move_alias(struct registry *registry, const char *alias, const char *name,
                         struct err *err);

/**
 * registry_remove: a model or alias is not found any more. The aliases of a model go with it;
 * whoever has borrowed its snapshot keeps that.
 * @return false with ERR_USAGE: there is no such name, or it is that of the last model
 */
bool registry_remove(struct registry *registry, const char *name, struct err *err);

/** registry_arrange: the models of these names (n) come first, in this order, then the others. */
void registry_arrange(struct registry *registry, const char *const *names, size_t n);

/** registry_aliases: the names of all aliases, malloc'ed as their list is; NULL: no memory. */
char **registry_aliases(struct registry *registry, size_t *n);

/** registry_count: how many models there are, aliases not counted. */
size_t registry_count(struct registry *registry);

/** registry_takes_any_name: whether the one model there is may answer to whatever name it is called
 * by. Not where there have been several, models that were trained here apart: a name may be that of
 * one which has been taken away. */
bool registry_takes_any_name(struct registry *registry);

/** registry_borrow: the snapshot that a name or alias (bytes) stands for; NULL: none. It is to be
 * given back. */
const struct snapshot *registry_borrow(struct registry *registry, const char *name, size_t bytes);

/** registry_borrow_default: the one that was put first, or is since registry_arrange; NULL of an
 * empty registry. */
const struct snapshot *registry_borrow_default(struct registry *registry);

/** registry_borrow_nth: model `n` in the order in which their names came, or in which they
 * were arranged; NULL: there are not so
 * many. */
const struct snapshot *registry_borrow_nth(struct registry *registry, size_t n);

/** registry_give_back ends a borrowing; NULL is fine. */
void registry_give_back(struct registry *registry, const struct snapshot *snapshot);

/** registry_fail: what the snapshot, which is borrowed, maps can no longer be read. It keeps its
 * name, and nobody is to ask it any more. Returns whether nobody had said so before. */
bool registry_fail(struct registry *registry, const struct snapshot *snapshot);

/** registry_note_written: a file of the snapshot, which is borrowed, was written into. Returns
 * whether nobody had said so before. */
bool registry_note_written(struct registry *registry, const struct snapshot *snapshot);

/** snapshot_is_broken: whether registry_fail was called of it. */
static inline bool snapshot_is_broken(const struct snapshot *snapshot)
{
    return atomic_load_explicit(&snapshot->is_broken, memory_order_relaxed);
}

/** registry_collect closes the snapshots that were replaced and are no longer borrowed. */
void registry_collect(struct registry *registry);
