/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file watch.h
 * Looks at files now and then: at symbolic links, for whoever swaps what lies behind them
 * (NAME/current, and ..data of volumes that Kubernetes mounts), and, by `on_look`, at whatever else
 * there is to see. No inotify: network file systems tell nothing.
 *
 * A worker looks, since a file system may make it wait. A change of links counts when they have
 * stayed as they are for one interval more, and once: what it led to may be refused, and is then
 * tried again when a link changes once more. For the main thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/** Fields are watch.c's own. */
struct watch {
    uv_timer_t timer;
    uv_work_t work;
    bool is_looking; /* a worker has `links`, which nobody changes meanwhile */
    bool is_ended;
    uint64_t every_ms; /* 0: never */
    char **links;      /* (n) */
    size_t n;
    uint64_t known, seen, told; /* where they led: for certain, at the last look, when last told */
    uint64_t found;             /* by the worker */
    bool has_next;              /* what follows is for when it has looked */
    char **next;
    size_t n_next;
    uint64_t next_known;
    void (*on_look)(void *user);
    void (*on_change)(void *user);
    void *user;
};

/** watch_init: `on_look` is called on a worker at each look, `on_change` on the main thread. */
void watch_init(struct watch *watch, uv_loop_t *loop, void (*on_look)(void *user),
                void (*on_change)(void *user), void *user);

/** watch_set: the links at these paths (n), whose array is taken, texts and all; they are known to
 * have led where `known` says (links_hash). */
void watch_set(struct watch *watch, char **links, size_t n, uint64_t known);

/** watch_every: how often it looks; 0: never, as at first. */
void watch_every(struct watch *watch, uint64_t ms);

/** watch_end: it looks no more; the loop has to run on for a while. */
void watch_end(struct watch *watch);

/** watch_clear frees, after the loop. */
void watch_clear(struct watch *watch);
