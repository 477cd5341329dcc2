/* SPDX-License-Identifier: Apache-2.0 */
#include "server/fair.h"

#include "base/hash.h"

#include <assert.h>

static size_t index_of(uint64_t client)
{
    const uint64_t hash = hash_bytes(HASH_START, &client, sizeof client);
    return (hash ^ hash >> 32) % FAIR_LANES;
}

static struct fair_lane *lane_of(struct fair *fair, uint64_t client)
{
    return &fair->lanes[index_of(client)];
}

/* ---- the heap ---- */

static bool is_before(const struct fair *fair, uint16_t a, uint16_t b)
{
    const struct fair_lane *one = &fair->lanes[a], *two = &fair->lanes[b];
    return one->start < two->start || (one->start == two->start && one->turn < two->turn);
}

static void place(struct fair *fair, size_t position, uint16_t lane)
{
    fair->heap[position] = lane;
    fair->lanes[lane].position = (uint16_t)position;
}

static void rise(struct fair *fair, size_t at)
{
    const uint16_t lane = fair->heap[at];
    for (size_t above; at > 0 && is_before(fair, lane, fair->heap[above = (at - 1) / 2]);
         at = above)
        place(fair, at, fair->heap[above]);
    place(fair, at, lane);
}

static void sink(struct fair *fair, size_t at)
{
    const uint16_t lane = fair->heap[at];
    for (size_t below; (below = 2 * at + 1) < fair->n_waiting; at = below) {
        if (below + 1 < fair->n_waiting &&
            is_before(fair, fair->heap[below + 1], fair->heap[below]))
            below++;
        if (!is_before(fair, fair->heap[below], lane)) break;
        place(fair, at, fair->heap[below]);
    }
    place(fair, at, lane);
}

static void leave(struct fair *fair, const struct fair_lane *lane)
{
    const size_t at = lane->position;
    const uint16_t last = fair->heap[--fair->n_waiting];
    if (at == fair->n_waiting) return;
    place(fair, at, last);
    rise(fair, at);
    sink(fair, fair->lanes[last].position);
}

/* ---- the queue ---- */

void fair_put(struct fair *fair, struct fair_item *item)
{
    struct fair_lane *lane = lane_of(fair, item->client);
    item->next = NULL;
    fair->n++;
    lane->cost += item->cost;
    if (lane->first) {
        lane->last = lane->last->next = item;
        return;
    }
    lane->first = lane->last = item;
    /* Nobody saves up turns while he asks for nothing. */
    if (lane->start < fair->now) lane->start = fair->now;
    lane->turn = fair->turns++;
    place(fair, fair->n_waiting++, (uint16_t)(lane - fair->lanes));
    rise(fair, fair->n_waiting - 1);
}

struct fair_item *fair_take(struct fair *fair)
{
    if (fair->n_waiting == 0) return NULL;
    struct fair_lane *lane = &fair->lanes[fair->heap[0]];
    struct fair_item *item = lane->first;
    fair->n--;
    fair->now = lane->start;
    lane->start += item->cost;
    lane->cost -= item->cost;
    lane->turn = fair->turns++;
    lane->first = item->next;
    if (lane->first)
        sink(fair, 0);
    else
        leave(fair, lane);
    return item;
}

uint64_t fair_cost(struct fair *fair, uint64_t client)
{
    return lane_of(fair, client)->cost;
}

uint64_t fair_cost_ahead(const struct fair *fair, uint64_t client)
{
    const struct fair_lane *own = &fair->lanes[index_of(client)];
    const uint64_t start = own->first || own->start > fair->now ? own->start : fair->now;
    const uint64_t turn_comes = start + own->cost;
    uint64_t ahead = 0;
    for (size_t i = 0; i < fair->n_waiting; i++) {
        const struct fair_lane *lane = &fair->lanes[fair->heap[i]];
        if (lane->start >= turn_comes) continue;
        const uint64_t until_then = turn_comes - lane->start;
        ahead += lane->cost < until_then ? lane->cost : until_then;
    }
    return ahead;
}

bool fair_remove(struct fair *fair, struct fair_item *item)
{
    struct fair_lane *lane = lane_of(fair, item->client);
    struct fair_item **at = &lane->first, *before = NULL;
    while (*at && *at != item) {
        before = *at;
        at = &(*at)->next;
    }
    if (!*at) return false;
    *at = item->next;
    if (lane->last == item) lane->last = before;
    fair->n--;
    lane->cost -= item->cost;
    if (!lane->first) leave(fair, lane);
    return true;
}
