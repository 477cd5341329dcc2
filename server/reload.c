/* SPDX-License-Identifier: Apache-2.0 */
#include "server/reload.h"

#include "base/clock.h"
#include "base/log.h"
#include "handlers/metrics.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

/* ---- the procedure, on whatever thread ---- */

static void run_part(const struct reload_part *part, struct reload_result *result)
{
    struct err err = {0};
    result->name = part->name;
    result->is_done = part->run(part->user, &err);
    snprintf(result->error, sizeof result->error, "%s", result->is_done ? "" : err.message);
    if (!result->is_done) log_error("reload: %s: %s", part->name, err.message);
}

/* is_busy is ours. */
static void run_parts(struct reload *reload, struct reload_report *report)
{
    const uint64_t start_ns = clock_now_ns();
    bool is_done = true;
    report->n_parts = reload->n_parts;
    for (size_t i = 0; i < reload->n_parts; i++) {
        run_part(&reload->parts[i], &report->parts[i]);
        is_done &= report->parts[i].is_done;
    }
    report->models = reload->models;
    reload->models = (struct model_changes){0};
    report->duration_ns = clock_now_ns() - start_ns;
    metrics_count_reload(reload->metrics, is_done);
    log_info("reload: %s, %.1f ms", is_done ? "done" : "something was refused and stays as it was",
             (double)report->duration_ns / 1e6);
}

static bool begin(struct reload *reload, bool is_for_later)
{
    uv_mutex_lock(&reload->mutex);
    const bool can = !reload->is_busy;
    reload->is_busy = true;
    if (!can && is_for_later) reload->is_wanted = true;
    uv_mutex_unlock(&reload->mutex);
    return can;
}

static void end(struct reload *reload, bool is_thread)
{
    uv_mutex_lock(&reload->mutex);
    reload->is_busy = false;
    if (is_thread) reload->is_thread_over = true;
    uv_mutex_unlock(&reload->mutex);
    uv_async_send(&reload->done);
}

bool reload_now(struct reload *reload, struct reload_report *report, struct err *err)
{
    if (!begin(reload, false))
        return err_set(err, ERR_CONFLICT, NULL,
                       "a reload is under way already; ask again when it has ended");
    run_parts(reload, report);
    end(reload, false);
    return true;
}

/* Whoever waits has time. */
#define WAIT_US 20000

bool reload_run(struct reload *reload, const struct reload_part *part, struct err *err)
{
    while (!begin(reload, false))
        usleep(WAIT_US);
    const bool is_done = part->run(part->user, err);
    end(reload, false);
    return is_done;
}

/* ---- on a thread of its own ---- */

static void run_thread(void *user)
{
    struct reload *reload = user;
    struct reload_report report = {0};
    run_parts(reload, &report);
    reload_report_clear(&report);
    end(reload, true);
}

/* On the main thread. */
static void join_ended(struct reload *reload)
{
    uv_mutex_lock(&reload->mutex);
    const bool is_over = reload->is_thread_over;
    reload->is_thread_over = false;
    uv_mutex_unlock(&reload->mutex);
    if (!is_over) return;
    uv_thread_join(&reload->thread);
    reload->has_thread = false;
}

void reload_start(struct reload *reload)
{
    if (!begin(reload, true)) return;
    join_ended(reload); /* of whose end on_done has not heard yet */
    reload->has_thread = uv_thread_create(&reload->thread, run_thread, reload) == 0;
    if (reload->has_thread) return;
    metrics_count_reload(reload->metrics, false);
    log_error("reload: no thread for it; all stays as it is");
    end(reload, false);
}

/* ---- on the main thread ---- */

static void on_done(uv_async_t *done)
{
    struct reload *reload = done->data;
    uv_mutex_lock(&reload->mutex);
    const bool is_wanted = reload->is_wanted && !reload->is_busy;
    if (is_wanted) reload->is_wanted = false;
    uv_mutex_unlock(&reload->mutex);
    join_ended(reload);
    if (is_wanted) reload_start(reload);
    reload->on_end(reload->user);
}

bool reload_init(struct reload *reload, uv_loop_t *loop, const struct reload_part *parts, size_t n,
                 struct metrics *metrics, void (*on_end)(void *user), void *user)
{
    assert(n <= RELOAD_PARTS_MAX);
    *reload = (struct reload){
        .parts = parts, .n_parts = n, .metrics = metrics, .on_end = on_end, .user = user};
    if (uv_mutex_init(&reload->mutex) != 0) return false;
    if (uv_async_init(loop, &reload->done, on_done) == 0) {
        reload->done.data = reload;
        return true;
    }
    uv_mutex_destroy(&reload->mutex);
    return false;
}

void reload_close(struct reload *reload)
{
    uv_close((uv_handle_t *)&reload->done, NULL);
}

void reload_forget(struct reload *reload)
{
    uv_mutex_lock(&reload->mutex);
    reload->is_wanted = false;
    uv_mutex_unlock(&reload->mutex);
}

bool reload_is_awaited(const struct reload *reload)
{
    return reload->has_thread && !reload->is_late;
}

bool reload_is_of_request(struct reload *reload)
{
    uv_mutex_lock(&reload->mutex);
    const bool is_busy = reload->is_busy;
    uv_mutex_unlock(&reload->mutex);
    return is_busy && !reload->has_thread;
}

void reload_wake(struct reload *reload)
{
    uv_async_send(&reload->done);
}
