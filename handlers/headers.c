/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/headers.h"

#include "base/clock.h"
#include "base/numtext.h"
#include "handlers/cors.h"
#include "handlers/service.h"
#include "model/model.h"
#include "model/registry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define ID_BYTES_MAX 128

/* Without leaving the loop early, for the compiler then looks at many bytes at a time. */
static bool is_sane_id(const char *id)
{
    const size_t bytes = id ? strnlen(id, ID_BYTES_MAX + 1) : 0;
    bool is_printable = true;
    for (size_t i = 0; i < bytes; i++)
        is_printable &= id[i] >= 0x20 && id[i] <= 0x7E;
    return is_printable && bytes > 0 && bytes <= ID_BYTES_MAX;
}

/* In 16 digits. */
static void put_hex(char *out, uint64_t number)
{
    for (size_t i = 16; i-- > 0; number >>= 4)
        out[i] = "0123456789abcdef"[number & 15];
}

/* Unique without a system call a request: 64 random bits a thread, and a bijection of a counter. */
static void new_request_id(char out[static 33])
{
    static _Thread_local uint64_t seed, count;
    static _Thread_local char seed_text[16];
    if (seed == 0) {
        if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed || seed == 0)
            seed = clock_now_ns() ^ (uint64_t)(uintptr_t)&seed;
        put_hex(seed_text, seed);
    }
    uint64_t mixed = ++count * 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBu;
    memcpy(out, seed_text, sizeof seed_text);
    put_hex(out + sizeof seed_text, mixed ^ mixed >> 31);
    out[32] = '\0';
}

/* "name/version", or the name alone; bytes that no header may hold become '?'. */
static const char *model_header(struct exchange *x)
{
    const char *called = x->snapshot->name, *is = model_info(x->model)->version;
    size_t name = strlen(called), version = strlen(is);
    char *out = arena_alloc(x->arena, name + version + 2);
    if (!out) return NULL;
    memcpy(out, called, name);
    size_t bytes = name;
    if (version) {
        out[bytes++] = '/';
        memcpy(out + bytes, is, version);
        bytes += version;
    }
    out[bytes] = '\0';
    for (size_t i = 0; i < bytes; i++)
        out[i] = (unsigned char)out[i] < 0x20 || out[i] == 0x7F ? '?' : out[i];
    return out;
}

static void add_number(struct exchange *x, const char *name, uint64_t number)
{
    char *text = arena_alloc(x->arena, 24);
    if (!text) return;
    text[numtext_u64(text, number)] = '\0';
    reply_add_header(x, name, text);
}

static void add_count(struct exchange *x, const char *name, uint64_t count)
{
    if (count > 0) add_number(x, name, count);
}

static void add_foreign(struct exchange *x)
{
    char *names = x->sample.foreign_texts ? arena_alloc(x->arena, SCRIPT_LIST_BYTES) : NULL;
    add_count(x, "x-embedd-foreign", x->sample.foreign_texts);
    if (!names) return;
    script_list_write(&x->sample.foreign_scripts, names);
    reply_add_header(x, "x-embedd-foreign-scripts", names);
}

static void add_timing(struct exchange *x)
{
    struct buf text;
    buf_init(&text, x->arena);
    for (int i = 0; i < STAGE_COUNT; i++) {
        if (x->sample.stage_ns[i] == 0) continue;
        buf_printf(&text, "%s%s;dur=%.3f", text.bytes ? ", " : "", metrics_stage_names[i],
                   (double)x->sample.stage_ns[i] / 1e6);
    }
    if (text.bytes == 0) return;
    buf_add_char(&text, '\0');
    if (!text.failed) reply_add_header(x, "server-timing", text.data);
}

const char *reply_id(struct exchange *x)
{
    if (is_sane_id(x->request_id)) return x->request_id;
    char *made = arena_alloc(x->arena, 33);
    if (made) new_request_id(made);
    return x->request_id = made;
}

/* Times in whole milliseconds, as TEI gives them; but for the machine's kind, which it always calls
   a GPU. */
static void add_te(struct exchange *x)
{
    const uint64_t *ns = x->sample.stage_ns, ms = 1000000;
    uint64_t all_ns = 0;
    for (int i = 0; i < STAGE_COUNT; i++)
        all_ns += ns[i];
    reply_add_header(x, "x-compute-type", "cpu");
    add_number(x, "x-compute-time", all_ns / ms);
    add_number(x, "x-compute-characters", x->sample.te.characters);
    add_number(x, "x-compute-tokens", x->sample.tokens);
    add_number(x, "x-total-time", all_ns / ms);
    add_number(x, "x-tokenization-time", ns[STAGE_TOKENIZE] / ms);
    add_number(x, "x-queue-time", ns[STAGE_QUEUE] / ms);
    add_number(x, "x-inference-time", (ns[STAGE_LOOKUP] + ns[STAGE_HEAD]) / ms);
}

/* As Go writes a time, and OpenAI: "1.5s". */
static void add_time(struct exchange *x, const char *name, uint64_t ms)
{
    char *text = arena_alloc(x->arena, 32);
    if (!text) return;
    snprintf(text, 32, "%" PRIu64 ".%03us", ms / 1000, (unsigned)(ms % 1000));
    reply_add_header(x, name, text);
}

/* By OpenAI's names. */
static void add_rate(struct exchange *x)
{
    struct rate_state left = x->rate, *rate = &left;
    rate_state_charge(rate, x->sample.tokens);
    if (rate->limits.requests > 0) {
        add_number(x, "x-ratelimit-limit-requests", rate->limits.requests);
        add_number(x, "x-ratelimit-remaining-requests", rate->requests_left);
        add_time(x, "x-ratelimit-reset-requests", rate->requests_full_ms);
    }
    if (rate->limits.tokens > 0) {
        add_number(x, "x-ratelimit-limit-tokens", rate->limits.tokens);
        add_number(x, "x-ratelimit-remaining-tokens", rate->tokens_left);
        add_time(x, "x-ratelimit-reset-tokens", rate->tokens_full_ms);
    }
}

void reply_add_common(struct exchange *x)
{
    x->sample.status = x->status;
    const char *id = reply_id(x);
    if (id) reply_add_header(x, "x-request-id", id);
    const char *vary = x->vary ? x->vary : x->service->vary;
    if (vary) reply_add_header(x, "vary", vary);
    if (x->origin) cors_allow(x);
    add_rate(x);
    /* What was not found, or not allowed, was not answered by a model. */
    const bool has_model = x->status != 404 && x->status != 401 && x->status != 403;
    const char *model = has_model ? model_header(x) : NULL;
    if (model) reply_add_header(x, "x-embedd-model", model);
    if (x->wants_timing || x->service->timing_always) add_timing(x);
    if (x->status >= 400) return;
    if (x->service->tei_telemetry && x->sample.te.work != TE_NONE) add_te(x);
    add_count(x, "x-embedd-unknown", x->sample.unknown_tokens);
    add_foreign(x);
    add_count(x, "x-embedd-truncated", x->sample.truncated_inputs);
    add_count(x, "x-embedd-ignored-fields", x->sample.ignored_fields);
}
