/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file reload.h
 * Reads anew what can change while requests are answered: one procedure, once at a time, for
 * SIGHUP, for POST /admin/reload and for links that have changed.
 *
 * It is a list of parts, run one after the other. Each does all of its own or nothing: what is bad
 * is refused, what was there stays, and the next part is run all the same.
 *
 * reload_now is for any thread; reload_start and the others are for the main thread.
 */
#pragma once

#include "base/err.h"
#include "handlers/actions.h"
#include "model/changes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct metrics;

struct reload_part {
    const char *name; /* "models" */
    /* On the thread of the reload. False with err set: what was there stays. */
    bool (*run)(void *user, struct err *err);
    void *user;
};

/** Fields are reload.c's own, but for those that say otherwise. */
struct reload {
    struct model_changes models; /* for the part that opens them to fill, while it runs */
    bool is_late;                /* the main thread's: nobody waits for the thread any more */

    const struct reload_part *parts; /* (n_parts) */
    size_t n_parts;
    struct metrics *metrics;
    void (*on_end)(void *user); /* on the main thread, after each */
    void *user;
    uv_async_t done; /* to the main thread: one has ended; or reload_wake */
    uv_thread_t thread;
    bool has_thread;  /* the main thread's */
    uv_mutex_t mutex; /* over the following */
    bool is_busy, is_wanted, is_thread_over;
};

/**
 * reload_init: `parts` (n, at most RELOAD_PARTS_MAX) live as long as the reload. `on_end` is called
 * on the main thread, after each reload and after each reload_wake.
 * @return false: no memory or descriptor
 */
bool reload_init(struct reload *reload, uv_loop_t *loop, const struct reload_part *parts, size_t n,
                 struct metrics *metrics, void (*on_end)(void *user), void *user);

/** reload_close: in the end, when no reload runs. */
void reload_close(struct reload *reload);

/** reload_start has a thread do it; where one is under way, once more after that, however often
 * this is called meanwhile. */
void reload_start(struct reload *reload);

/** reload_forget: no more is begun. */
void reload_forget(struct reload *reload);

/** reload_is_awaited: a thread of reload_start runs, and it is not late. */
bool reload_is_awaited(const struct reload *reload);

/** reload_is_of_request: one is under way by reload_now. */
bool reload_is_of_request(struct reload *reload);

/**
 * reload_now does it here; `report`, empty before, is to be cleared (reload_report_clear).
 * @return false with ERR_CONFLICT: one is under way
 */
bool reload_now(struct reload *reload, struct reload_report *report, struct err *err);

/** reload_run runs one part alone, here, when no reload is under way: it waits for that. Not on the
 * main thread. False as the part says. */
bool reload_run(struct reload *reload, const struct reload_part *part, struct err *err);

/** reload_wake has on_end called. Any thread. */
void reload_wake(struct reload *reload);
