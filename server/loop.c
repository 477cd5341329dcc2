/* SPDX-License-Identifier: Apache-2.0 */
#include "server/loop.h"

#include "base/clock.h"
#include "base/log.h"
#include "server/wire.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

enum loop_order { LOOP_SERVE, LOOP_DRAIN, LOOP_CUT };

/* Sockets on their way from the accepting thread. */
struct arrivals {
    struct arrival *items;
    size_t n, room;
};

struct loop {
    size_t number;
    uv_loop_t uv;
    uv_thread_t thread;
    uv_poll_t poll;    /* http's epoll descriptor */
    uv_idle_t again;   /* active while http has more to do than fits into one turn */
    uv_timer_t sweep;  /* deadlines */
    uv_async_t mail;   /* something new under the lock */
    struct http *http; /* the loop's thread alone */
    uint64_t drain_ns; /* since when it drains; 0: it does not; the loop's thread alone */
    size_t n_cut;      /* the loop's thread; read after it has ended */
    void (*on_end)(void *user);
    void *user;

    /* Given and not yet ended: up by the main thread, down by the loop's; read by the former. */
    atomic_size_t n_connections;

    uv_mutex_t lock; /* for the following, held for a few instructions */
    struct arrivals given;
    enum loop_order order;
};

/* Deadlines are kept to about this, or to a quarter of the shortest. */
#define SWEEP_MS_MAX 1000u
#define SWEEP_MS_MIN 20u
#define SWEEP_DRAIN_MS 50u

static uint64_t sweep_ms(const struct conn_limits *limits)
{
    uint64_t shortest_ns = limits->request_ns;
    if (limits->idle_ns < shortest_ns) shortest_ns = limits->idle_ns;
    if (limits->write_ns < shortest_ns) shortest_ns = limits->write_ns;
    uint64_t ms = shortest_ns / 4000000;
    return ms > SWEEP_MS_MAX ? SWEEP_MS_MAX : ms < SWEEP_MS_MIN ? SWEEP_MS_MIN : ms;
}

/* ---- on the loop's thread ---- */

static void on_again(uv_idle_t *idle);

static void end_if_drained(struct loop *loop)
{
    if (loop->drain_ns == 0 || http_connections(loop->http) > 0) return;
    if (uv_is_closing((uv_handle_t *)&loop->poll)) return;
    http_leave_loop(loop->http);
    uv_close((uv_handle_t *)&loop->poll, NULL);
    uv_close((uv_handle_t *)&loop->again, NULL);
    uv_close((uv_handle_t *)&loop->sweep, NULL);
    uv_close((uv_handle_t *)&loop->mail, NULL);
}

static void run_http(void *user)
{
    struct loop *loop = user;
    if (http_run(loop->http))
        uv_idle_stop(&loop->again);
    else
        uv_idle_start(&loop->again, on_again);
    end_if_drained(loop);
}

static void on_again(uv_idle_t *idle)
{
    run_http(idle->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    run_http(poll->data);
}

static void on_sweep(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    http_sweep(loop->http, loop->drain_ns);
    if (loop->drain_ns == 0) uv_timer_set_repeat(timer, sweep_ms(http_limits(loop->http)));
    run_http(loop);
}

static void on_gone(void *user)
{
    struct loop *loop = user;
    atomic_fetch_sub_explicit(&loop->n_connections, 1, memory_order_relaxed);
}

static void on_mail(uv_async_t *mail)
{
    struct loop *loop = mail->data;
    uv_mutex_lock(&loop->lock);
    struct arrivals given = loop->given;
    enum loop_order order = loop->order;
    loop->given = (struct arrivals){0};
    uv_mutex_unlock(&loop->lock);
    for (size_t i = 0; i < given.n; i++)
        http_add(loop->http, &given.items[i]);
    free(given.items);
    run_http(loop); /* bytes may have come before the socket was in its epoll set */
    if (order == LOOP_SERVE) return;
    if (order == LOOP_CUT) loop->n_cut += http_cut(loop->http);
    if (loop->drain_ns == 0) loop->drain_ns = clock_now_ns();
    uv_timer_start(&loop->sweep, on_sweep, 0, SWEEP_DRAIN_MS);
}

static void run_thread(void *arg)
{
    struct loop *loop = arg;
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    loop->on_end(loop->user);
}

/* ---- on the main thread ---- */

static bool loop_open(struct loop *loop, const struct http_settings *settings)
{
    struct http_settings mine = *settings;
    mine.loop = &loop->uv;
    mine.wake = run_http;
    mine.on_gone = on_gone;
    mine.user = loop;
    loop->http = http_new(&mine);
    if (!loop->http || uv_poll_init(&loop->uv, &loop->poll, http_epoll_fd(loop->http)) != 0)
        return false;
    uv_idle_init(&loop->uv, &loop->again);
    uv_timer_init(&loop->uv, &loop->sweep);
    if (uv_async_init(&loop->uv, &loop->mail, on_mail) != 0) return false;
    loop->poll.data = loop->again.data = loop->sweep.data = loop->mail.data = loop;
    uv_poll_start(&loop->poll, UV_READABLE, on_poll);
    uv_timer_start(&loop->sweep, on_sweep, sweep_ms(&mine.limits), sweep_ms(&mine.limits));
    return uv_thread_create(&loop->thread, run_thread, loop) == 0;
}

struct loop *loop_start(size_t number, const struct http_settings *http, void (*on_end)(void *user),
                        void *user)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (!loop) return NULL;
    loop->number = number;
    loop->on_end = on_end;
    loop->user = user;
    if (uv_mutex_init(&loop->lock) != 0 || uv_loop_init(&loop->uv) != 0 || !loop_open(loop, http)) {
        /* The process cannot start and says so; what little was opened goes with it. */
        http_free(loop->http);
        free(loop);
        return NULL;
    }
    return loop;
}

static bool add_arrival(struct arrivals *given, const struct arrival *arrival)
{
    if (given->n == given->room) {
        size_t room = given->room ? 2 * given->room : 16;
        struct arrival *items = realloc(given->items, room * sizeof *items);
        if (!items) return false;
        given->items = items;
        given->room = room;
    }
    given->items[given->n++] = *arrival;
    return true;
}

void loop_give(struct loop *loop, const struct arrival *arrival)
{
    size_t n = atomic_fetch_add_explicit(&loop->n_connections, 1, memory_order_relaxed) + 1;
    uv_mutex_lock(&loop->lock);
    bool is_given = add_arrival(&loop->given, arrival);
    uv_mutex_unlock(&loop->lock);
    if (!is_given) {
        wire_drop(arrival->fd);
        arrival_end(arrival->beyond);
        atomic_fetch_sub_explicit(&loop->n_connections, 1, memory_order_relaxed);
        return;
    }
    log_debug("loop %zu has %zu connections", loop->number, n);
    uv_async_send(&loop->mail);
}

size_t loop_connections(const struct loop *loop)
{
    return atomic_load_explicit(&loop->n_connections, memory_order_relaxed);
}

static void give_order(struct loop *loop, enum loop_order order)
{
    uv_mutex_lock(&loop->lock);
    loop->order = order;
    uv_mutex_unlock(&loop->lock);
    uv_async_send(&loop->mail);
}

void loop_drain(struct loop *loop)
{
    give_order(loop, LOOP_DRAIN);
}

void loop_cut(struct loop *loop)
{
    give_order(loop, LOOP_CUT);
}

size_t loop_join(struct loop *loop)
{
    if (!loop) return 0;
    uv_thread_join(&loop->thread);
    size_t n_cut = loop->n_cut;
    int failure = uv_loop_close(&loop->uv);
    assert(!failure); /* every handle is closed */
    (void)failure;
    http_free(loop->http);
    uv_mutex_destroy(&loop->lock);
    free(loop);
    return n_cut;
}
