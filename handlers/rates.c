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
    struct rate_limits limits; /* as they were then */
    double requests, tokens;   /* used, and not come in again; of tokens it may be more than all */
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

/* The client's own, or one of which nothing is used, in the place of whom nobody has seen for
   longest. */
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
    *oldest =
        (struct bucket){.client = client, .seen_ns = now_ns, .limits = *limits, .is_used = true};
    return oldest;
}

static double drain(double used, uint64_t limit, double minutes)
{
    const double now = used - (double)limit * minutes;
    return now > 0 ? now : 0;
}

/* What was used under another limit. It is no more than all that there is now: nobody is to wait
   for longer than a minute because of what he was allowed. But what was owed, he owes. */
static double carry_over(double used, uint64_t before, uint64_t limit)
{
    const double owed = used > (double)before ? used - (double)before : 0;
    if (limit == 0) return 0;
    return used - owed < (double)limit ? used : (double)limit + owed;
}

/* As it is by now: some time has passed. */
static void bring_up(struct bucket *bucket, uint64_t now_ns)
{
    if (now_ns <= bucket->seen_ns) return;
    const double minutes = (double)(now_ns - bucket->seen_ns) / MINUTE_NS;
    bucket->requests = drain(bucket->requests, bucket->limits.requests, minutes);
    bucket->tokens = drain(bucket->tokens, bucket->limits.tokens, minutes);
    bucket->seen_ns = now_ns;
}

static void set_limits(struct bucket *bucket, const struct rate_limits *limits)
{
    const struct rate_limits before = bucket->limits;
    if (before.requests != limits->requests)
        bucket->requests = carry_over(bucket->requests, before.requests, limits->requests);
    if (before.tokens != limits->tokens)
        bucket->tokens = carry_over(bucket->tokens, before.tokens, limits->tokens);
    bucket->limits = *limits;
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
    struct bucket *bucket = find(set, client, limits, now_ns);
    bring_up(bucket, now_ns);
    set_limits(bucket, limits);
    double requests = (double)limits->requests - bucket->requests;
    const double tokens = (double)limits->tokens - bucket->tokens;
    const bool has_request = limits->requests == 0 || requests >= 1;
    const bool has_tokens = limits->tokens == 0 || tokens > 0;
    if (has_request && has_tokens && limits->requests > 0) {
        bucket->requests += 1;
        requests -= 1;
    }
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

void rate_state_charge(struct rate_state *state, uint64_t tokens)
{
    if (state->limits.tokens == 0) return;
    state->tokens_left = state->tokens_left > tokens ? state->tokens_left - tokens : 0;
    state->tokens_full_ms += ms_until(-(double)tokens, 0, state->limits.tokens);
}

void rates_charge(struct rates *rates, uint64_t client, const struct rate_limits *limits,
                  uint64_t tokens, uint64_t now_ns)
{
    if (limits->tokens == 0 || tokens == 0) return;
    struct set *set = set_of(rates, client);
    pthread_mutex_lock(&set->mutex);
    struct bucket *bucket = find(set, client, limits, now_ns);
    bring_up(bucket, now_ns);
    if (bucket->limits.tokens > 0) bucket->tokens += (double)tokens; /* it may be another by now */
    pthread_mutex_unlock(&set->mutex);
}
