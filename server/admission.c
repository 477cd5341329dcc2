/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admission.h"

#include "base/clock.h"
#include "handlers/errors.h"
#include "handlers/handlers.h"
#include "server/wire.h"

#include <inttypes.h>

/* Of replies that say when to ask again. */
#define RETRY_MS_MIN 50u
#define RETRY_MS_MAX 30000u
/* The wait is known roughly, and some of what waits is dropped when its turn comes: a request is
   given up at once where it would be too late even if all went so many times as fast. */
#define HASTE 2
/* A request that has waited for so long is not worked on where its client has left. */
#define GONE_NS 100000000u

/* What operators ask is not held up by what others do. */
static bool is_of_operators(const struct exchange *x)
{
    return x->route->scope == SCOPE_ADMIN || x->route->scope == SCOPE_METRICS;
}

/* Whether the workers will get to that much more in time; false with a finished 429. */
static bool has_room(struct pool *pool, struct exchange *x, const struct fair_item *item)
{
    const struct pool_limits limits = {x->service->queue_cost_max, x->service->queue_wait_ns};
    struct err err;
    if (is_of_operators(x) || pool_has_room(pool, item, &limits)) return true;
    x->retry_ms = pool_wait_ms(pool);
    if (x->retry_ms < RETRY_MS_MIN) x->retry_ms = RETRY_MS_MIN;
    if (x->retry_ms > RETRY_MS_MAX) x->retry_ms = RETRY_MS_MAX;
    err_set(
        &err, ERR_OVERLOADED, NULL,
        "as much work is waiting as max-wait and max-queue allow; send the request again later");
    handlers_fail(x, &err);
    return false;
}

/* Writing so many bytes of a reply, or as much other work, counts as a byte of text; so does
   unpacking a part of a body, which becomes some times as long. */
#define WORK_SHARE 128
#define PACKED_SHARE 4

uint64_t admission_cost(const struct exchange *x)
{
    const uint64_t body = x->body_bytes * (x->body_packing ? PACKED_SHARE : 1u);
    return body + x->work_bytes / WORK_SHARE + 1;
}

size_t admission_work_bytes(size_t cost)
{
    return cost < SIZE_MAX / WORK_SHARE ? cost * WORK_SHARE : SIZE_MAX;
}

/* Whom the workers are fair to: a key, or an address. */
static uint64_t client_of(const struct request *request)
{
    const struct exchange *x = &request->x;
    if (x->sample.key) return (uint64_t)(uintptr_t)x->sample.key;
    const uint64_t client = address_client(&x->client);
    return client ? client : (uint64_t)(uintptr_t)request->conn;
}

struct fair_item admission_item(const struct request *request, uint64_t cost)
{
    return (struct fair_item){.client = client_of(request), .cost = cost};
}

/* Whose rate it is. */
static uint64_t payer_of(const struct exchange *x)
{
    if (x->sample.key) return (uint64_t)(uintptr_t)x->sample.key;
    const uint64_t client = address_client(&x->client);
    return client ? client : 1; /* who comes by a Unix socket is one */
}

/* Whether the client may send one more; false with a finished 429. */
bool admission_is_within_rate(struct request *request)
{
    struct exchange *x = &request->x;
    const struct rate_limits *limits = &x->limits;
    struct err err;
    if ((limits->requests == 0 && limits->tokens == 0) || !(x->route->methods & METHOD_POST) ||
        request->arena.is_exempt || is_of_operators(x))
        return true;
    if (rates_take(x->service->rates, payer_of(x), limits, request->started_ns, &x->rate))
        return true;
    x->retry_ms = x->rate.retry_ms;
    const bool is_of_requests = limits->requests > 0 && x->rate.requests_left == 0;
    err_set(&err, ERR_RATE_LIMIT, NULL,
            "this %s has used up its %" PRIu64 " %s a minute; send the request again in %" PRIu64
            " s",
            x->sample.key ? "key" : "client", is_of_requests ? limits->requests : limits->tokens,
            is_of_requests ? "requests" : "tokens", (x->retry_ms + 999) / 1000);
    handlers_fail(x, &err);
    return false;
}

void admission_charge(const struct request *request, uint64_t now_ns)
{
    const struct exchange *x = &request->x;
    if (x->rate.limits.tokens == 0) return;
    rates_charge(x->service->rates, payer_of(x), &x->rate.limits, x->sample.tokens, now_ns);
}

static bool give_up(struct exchange *x, const char *why)
{
    struct err err;
    err_set(&err, ERR_DEADLINE, NULL, "%s", why);
    handlers_fail(x, &err);
    return false;
}

/* Whether the request's turn may come before its time is over; false with a finished 504. */
static bool may_be_in_time(struct pool *pool, struct request *request, const struct fair_item *item)
{
    if (!request->deadline_ns || is_of_operators(&request->x)) return true;
    const uint64_t now_ns = clock_now_ns();
    const uint64_t left_ns = request->deadline_ns > now_ns ? request->deadline_ns - now_ns : 0;
    if (pool_wait_ahead_ns(pool, item->client) / HASTE <= left_ns) return true;
    return give_up(&request->x, "so much work waits before this request that its deadline would "
                                "pass before its turn came; send it again later or elsewhere");
}

bool admission_has_turn(struct pool *pool, struct request *request, const struct fair_item *item)
{
    return has_room(pool, &request->x, item) && may_be_in_time(pool, request, item);
}

bool admission_came_in_time(struct request *request)
{
    if (!request->deadline_ns || clock_now_ns() <= request->deadline_ns) return true;
    return give_up(&request->x, "the request's deadline passed before its body had arrived");
}

bool admission_is_wanted(struct pool_job *job, uint64_t waited_ns)
{
    struct request *request = request_of(job);
    struct wire_report report;
    if (request->deadline_ns && clock_now_ns() > request->deadline_ns)
        return give_up(&request->x, "the request's deadline passed before its turn came");
    /* Who sends no more has nearly always left. */
    if (waited_ns > GONE_NS && wire_ask(&request->conn->wire, &report) && !report.is_open)
        return give_up(&request->x, "the client ended its half of the connection while the request "
                                    "waited; keep it open until the reply has come");
    return true;
}
