/* SPDX-License-Identifier: Apache-2.0 */
#include "server/watch.h"

#include "base/links.h"

#include <stdlib.h>

static void free_links(char **links, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(links[i]);
    free(links);
}

static void take(struct watch *watch, char **links, size_t n, uint64_t known)
{
    free_links(watch->links, watch->n);
    watch->links = links;
    watch->n = n;
    watch->known = watch->seen = watch->told = known;
}

static void on_timer(uv_timer_t *timer);

static void start_timer(struct watch *watch)
{
    if (watch->every_ms > 0 && !watch->is_ended)
        uv_timer_start(&watch->timer, on_timer, watch->every_ms, 0);
}

/* Twice the same, and news. */
static bool is_change(struct watch *watch)
{
    const uint64_t found = watch->found;
    const bool is_settled = found == watch->seen;
    watch->seen = found;
    if (found == watch->known) watch->told = found;
    if (!is_settled || found == watch->told) return false;
    watch->told = found;
    return true;
}

static void look(uv_work_t *work)
{
    struct watch *watch = work->data;
    watch->found = links_hash(watch->links, watch->n);
    watch->on_look(watch->user);
}

static void after_look(uv_work_t *work, int status)
{
    struct watch *watch = work->data;
    watch->is_looking = false;
    if (watch->has_next) {
        watch->has_next = false;
        take(watch, watch->next, watch->n_next, watch->next_known);
    } else if (status == 0 && !watch->is_ended && is_change(watch)) {
        watch->on_change(watch->user);
    }
    start_timer(watch);
}

static void on_timer(uv_timer_t *timer)
{
    struct watch *watch = timer->data;
    watch->is_looking = uv_queue_work(timer->loop, &watch->work, look, after_look) == 0;
}

void watch_init(struct watch *watch, uv_loop_t *loop, void (*on_look)(void *user),
                void (*on_change)(void *user), void *user)
{
    *watch = (struct watch){.on_look = on_look, .on_change = on_change, .user = user};
    take(watch, NULL, 0, links_hash(NULL, 0)); /* none lead nowhere */
    uv_timer_init(loop, &watch->timer);
    watch->timer.data = watch->work.data = watch;
}

void watch_set(struct watch *watch, char **links, size_t n, uint64_t known)
{
    if (watch->is_looking) {
        if (watch->has_next) free_links(watch->next, watch->n_next);
        watch->has_next = true;
        watch->next = links;
        watch->n_next = n;
        watch->next_known = known;
        return;
    }
    take(watch, links, n, known);
    uv_timer_stop(&watch->timer);
    start_timer(watch);
}

void watch_every(struct watch *watch, uint64_t ms)
{
    if (watch->every_ms == ms) return;
    watch->every_ms = ms;
    uv_timer_stop(&watch->timer);
    if (!watch->is_looking) start_timer(watch);
}

void watch_end(struct watch *watch)
{
    watch->is_ended = true;
    uv_close((uv_handle_t *)&watch->timer, NULL);
}

void watch_clear(struct watch *watch)
{
    free_links(watch->links, watch->n);
    if (watch->has_next) free_links(watch->next, watch->n_next);
    watch->links = watch->next = NULL;
    watch->n = 0;
    watch->has_next = false;
}
