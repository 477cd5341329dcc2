/* SPDX-License-Identifier: Apache-2.0 */
#include "server/request.h"

#include <stdlib.h>
#include <string.h>

/* Requests under way at once on one loop are mostly few; what a burst made beyond is freed. */
#define FREE_MAX 64
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
    return request;
}

static void request_free(struct request *request)
{
    arena_clear(&request->arena);
    free(request);
}

void requests_put(struct requests *requests, struct request *request)
{
    arena_reset(&request->arena);
    if (requests->n_free == FREE_MAX || arena_is_tight(&request->arena)) {
        request_free(request);
        return;
    }
    request->next = requests->free;
    requests->free = request;
    requests->n_free++;
}

void requests_clear(struct requests *requests)
{
    while (requests->free) {
        struct request *request = requests->free;
        requests->free = request->next;
        request_free(request);
    }
    requests->n_free = 0;
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
