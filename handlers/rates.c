/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/rates.h"

#include "base/hash.h"

#include <pthread.h>
#include <stdlib.h>

#define N_SETS 512
#define SET_SIZE 8
#define MINUTE_NS 60e9

struct bucket {
    uint64_t client, seen_ns;
    double requests, tokens; /* that are left; the tokens may be owed */
    bool is_used;
};

struct set {
    pthread_mutex_t mutex;
    struct bucket buckets[SET_SIZE];
};

struct rates {
    struct set sets[N_SETS];
};

struct rates *rates_new(void)
{
    struct rates *rates = calloc(1, sizeof *rates);
    for (size_t i = 0; rates && i < N_SETS; i++)
        pthread_mutex_init(&rates->sets[i].mutex, NULL);
    return rates;
}

void rates_free(struct rates *rates)
{
    for (size_t i = 0; rates && i < N_SETS; i++)
        pthread_mutex_destroy(&rates->sets[i].mutex);
    free(rates);
}

static struct set *set_of(struct rates *rates, uint64_t client)
{
    const uint64_t hash = hash_bytes(HASH_START, &client, sizeof client);
    return &rates->sets[(hash ^ hash >> 32) % N_SETS];
}

/* The client's own, or a full one in the place of whom nobody has seen for longest. */
static struct bucket *find(struct set *set, uint64_t client, const struct rate_limits *limits,
                           uint64_t now_ns)
{
    struct bucket *oldest = &set->buckets[0];
    for (size_t i = 0; i < SET_SIZE; i++) {
        struct bucket *bucket = &set->buckets[i];
        if (bucket->is_used && bucket->client == client) return bucket;
        if (bucket->is_used < oldest->is_used ||
            (bucket->is_used == oldest->is_used && bucket->seen_ns < oldest->seen_ns))
            oldest = bucket;
    }
    *oldest = (struct bucket){.client = client,
                              .seen_ns = now_ns,
                              .requests = (double)limits->requests,
                              .tokens = (double)limits->tokens,
                              .is_used = true};
    return oldest;
}

static double fill(double left, uint64_t limit, double minutes)
{
    const double now = left + (double)limit * minutes;
    return now > (double)limit ? (double)limit : now;
}

/* As it is by now: some time has passed, and the limits may be others. */
static struct bucket *bring_up(struct set *set, uint64_t client, const struct rate_limits *limits,
                               uint64_t now_ns)
{
    struct bucket *bucket = find(set, client, limits, now_ns);
    const double minutes =
        now_ns > bucket->seen_ns ? (double)(now_ns - bucket->seen_ns) / MINUTE_NS : 0;
    bucket->requests = fill(bucket->requests, limits->requests, minutes);
    bucket->tokens = fill(bucket->tokens, limits->tokens, minutes);
    if (now_ns > bucket->seen_ns) bucket->seen_ns = now_ns;
    return bucket;
}

/* Rounded up, so that who comes back then gets what he waited for. */
static uint64_t ms_until(double left, double wanted, uint64_t limit)
{
    if (limit == 0 || left >= wanted) return 0;
    return (uint64_t)((wanted - left) / (double)limit * MINUTE_NS / 1e6) + 1;
}

static uint64_t whole(double left)
{
    return left > 0 ? (uint64_t)left : 0;
}

bool rates_take(struct rates *rates, uint64_t client, const struct rate_limits *limits,
                uint64_t now_ns, struct rate_state *state)
{
    struct set *set = set_of(rates, client);
    pthread_mutex_lock(&set->mutex);
    struct bucket *bucket = bring_up(set, client, limits, now_ns);
    const bool has_request = limits->requests == 0 || bucket->requests >= 1;
    const bool has_tokens = limits->tokens == 0 || bucket->tokens > 0;
    if (has_request && has_tokens && limits->requests > 0) bucket->requests -= 1;
    const double requests = bucket->requests, tokens = bucket->tokens;
    pthread_mutex_unlock(&set->mutex);
    const uint64_t for_request = has_request ? 0 : ms_until(requests, 1, limits->requests);
    const uint64_t for_tokens = has_tokens ? 0 : ms_until(tokens, 0, limits->tokens) + 1;
    *state = (struct rate_state){
        .limits = *limits,
        .requests_left = whole(requests),
        .tokens_left = whole(tokens),
        .requests_full_ms = ms_until(requests, (double)limits->requests, limits->requests),
        .tokens_full_ms = ms_until(tokens, (double)limits->tokens, limits->tokens),
        .retry_ms = for_request > for_tokens ? for_request : for_tokens,
    };
    return has_request && has_tokens;
}

void rates_charge(struct rates *rates, uint64_t client, const struct rate_limits *limits,
                  uint64_t tokens, uint64_t now_ns)
{
    if (limits->tokens == 0 || tokens == 0) return;
    struct set *set = set_of(rates, client);
    pthread_mutex_lock(&set->mutex);
    bring_up(set, client, limits, now_ns)->tokens -= (double)tokens;
    pthread_mutex_unlock(&set->mutex);
}
