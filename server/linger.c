/* SPDX-License-Identifier: Apache-2.0 */
#include "server/linger.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>

#define QUIET_NS 2000000000u      /* a client that sends nothing for so long has stopped */
#define IN_ALL_NS 30000000000u    /* and no one is waited for longer */
#define SWALLOWED_MAX (64u << 20) /* nor read further */
#define READS_A_WAKE 16
/* Beyond so many on one loop, sockets are closed as they are: each holds a descriptor. */
#define LINGERS_MAX 1024

struct lingering {
    uv_poll_t poll; /* first: the handle is the allocation */
    struct lingers *of;
    struct lingering *next, *prev;
    struct wire wire;           /* kept, on a descriptor of its own */
    uint64_t since_ns, last_ns; /* when it began, when the client last sent */
    uint64_t swallowed;
    int events;     /* that are waited for */
    bool has_ended; /* nothing more will come of the client, who may still be reading */
};

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void end(struct lingering *linger)
{
    struct lingers *of = linger->of;
    if (linger->next) linger->next->prev = linger->prev;
    if (linger->prev)
        linger->prev->next = linger->next;
    else
        of->first = linger->next;
    of->n--;
    uv_close((uv_handle_t *)&linger->poll, on_closed);
    wire_close(&linger->wire);
}

static void on_event(uv_poll_t *poll, int status, int events);

/* Waits for the client's bytes, until it has sent its last, and for room for our last word. */
static void wait_for_events(struct lingering *linger)
{
    int events =
        (linger->has_ended ? 0 : UV_READABLE) | (wire_finish(&linger->wire) ? 0 : UV_WRITABLE);
    if (events == linger->events) return;
    linger->events = events;
    if (events)
        uv_poll_start(&linger->poll, events, on_event);
    else
        uv_poll_stop(&linger->poll);
}

static void swallow(struct lingering *linger)
{
    ssize_t got = 1;
    for (int i = 0; got > 0 && i < READS_A_WAKE; i++) {
        got = wire_discard(&linger->wire);
        if (got > 0) linger->swallowed += (uint64_t)got;
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    }
    linger->last_ns = clock_now_ns();
    linger->has_ended = got == 0;
    if (got < 0 || linger->swallowed > SWALLOWED_MAX ||
        (got == 0 && wire_unsent(&linger->wire) == 0))
        end(linger);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct lingering *linger = (struct lingering *)poll;
    if (status)
        end(linger);
    else if (events & UV_READABLE)
        swallow(linger);
    if (!uv_is_closing((uv_handle_t *)poll)) wait_for_events(linger);
}

void lingers_add(struct lingers *lingers, struct wire *wire)
{
    struct lingering *linger = lingers->n < LINGERS_MAX ? calloc(1, sizeof *linger) : NULL;
    if (!linger) return;
    if (!wire_keep(&linger->wire, wire)) {
        free(linger);
        return;
    }
    if (uv_poll_init(lingers->loop, &linger->poll, linger->wire.fd) != 0) {
        wire_close(&linger->wire);
        free(linger);
        return;
    }
    linger->of = lingers;
    linger->since_ns = linger->last_ns = clock_now_ns();
    linger->next = lingers->first;
    if (lingers->first) lingers->first->prev = linger;
    lingers->first = linger;
    lingers->n++;
    wait_for_events(linger);
}

void lingers_sweep(struct lingers *lingers, bool is_draining)
{
    uint64_t now_ns = clock_now_ns();
    for (struct lingering *linger = lingers->first, *next; linger; linger = next) {
        next = linger->next;
        bool is_quiet = is_draining || linger->has_ended || now_ns - linger->last_ns > QUIET_NS;
        bool is_out_of_time = !is_draining && now_ns - linger->since_ns > IN_ALL_NS;
        if (is_out_of_time || (is_quiet && wire_unsent(&linger->wire) == 0)) end(linger);
    }
}

size_t lingers_close(struct lingers *lingers)
{
    size_t cut = 0;
    while (lingers->first) {
        if (wire_unsent(&lingers->first->wire) > 0) cut++;
        end(lingers->first);
    }
    return cut;
}
