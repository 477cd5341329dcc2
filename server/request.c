/* SPDX-License-Identifier: Apache-2.0 */
#include "server/request.h"

#include <stdlib.h>
#include <string.h>

/* Requests under way at once on one loop are mostly few. As many as there were lately are kept: one
   that is made anew has page faults to go through. */
#define KEPT_MIN 64
/* Room for a body when its first bytes have come: at most this of a declared length, or this of an
   unknown one. */
#define DECLARED_ROOM ((size_t)64 << 10)
#define CHUNKED_ROOM ((size_t)8 << 10)

struct request *requests_get(struct requests *requests)
{
    struct request *request = requests->free;
    if (request) {
        requests->free = request->next;
        requests->n_free--;
        struct arena arena = request->arena;
        memset(request, 0, sizeof *request);
        request->arena = arena;
    } else {
        request = calloc(1, sizeof *request);
        if (!request) return NULL;
        arena_init(&request->arena, requests->memory_max);
        arena_share(&request->arena, requests->budget);
    }
    request->x.arena = &request->arena;
    requests->n_used++;
    if (requests->n_used > requests->most_used) requests->most_used = requests->n_used;
    return request;
}

static void request_free(struct request *request)
{
    arena_clear(&request->arena);
    free(request);
}

static size_t kept_max(const struct requests *requests)
{
    size_t most = KEPT_MIN;
    if (requests->most_used > most) most = requests->most_used;
    if (requests->most_before > most) most = requests->most_before;
    return most - requests->n_used;
}

void requests_put(struct requests *requests, struct request *request)
{
    arena_reset(&request->arena);
    requests->n_used--;
    if (requests->n_free >= kept_max(requests) || arena_is_tight(&request->arena)) {
        request_free(request);
        return;
    }
    request->next = requests->free;
    requests->free = request;
    requests->n_free++;
}

static void free_down_to(struct requests *requests, size_t n)
{
    for (; requests->n_free > n; requests->n_free--) {
        struct request *request = requests->free;
        requests->free = request->next;
        request_free(request);
    }
}

void requests_sweep(struct requests *requests)
{
    requests->most_before = requests->most_used;
    requests->most_used = requests->n_used;
    free_down_to(requests, kept_max(requests));
}

void requests_clear(struct requests *requests)
{
    free_down_to(requests, 0);
}

/* At least `need` bytes in all. */
static bool make_room(struct request *request, size_t need)
{
    size_t room = request->body_room * 2;
    if (room == 0) room = request->is_chunked ? CHUNKED_ROOM : DECLARED_ROOM;
    if (request->declared_bytes >= need && room > request->declared_bytes)
        room = request->declared_bytes;
    if (room < need) room = need;
    char *body = arena_grow(&request->arena, request->body, request->body_room, room);
    if (!body) return false;
    request->body = body;
    request->body_room = room;
    request->x.body = body;
    return true;
}

bool request_keep_body(struct request *request, const char *data, size_t bytes)
{
    size_t need = request->x.body_bytes + bytes;
    if (need > request->body_room && !make_room(request, need)) return false;
    memcpy(request->body + request->x.body_bytes, data, bytes);
    request->x.body_bytes = need;
    return true;
}
