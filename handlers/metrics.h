/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file metrics.h
 * Counters and histograms of the service, and their Prometheus text.
 *
 * Each loop thread owns one slot and is its only writer (relaxed atomics, no locks); a scrape on
 * any thread adds the slots up. A request's numbers travel in its `struct metrics_sample`, filled
 * wherever the request is worked on, and are added once, by its loop, when it is complete. What is
 * counted by model, and by label, is kept for as long as the metrics, also of models that have
 * gone. Format: Prometheus text 0.0.4 and OpenMetrics 1.0.
 */
#pragma once

#include "base/buf.h"
#include "handlers/sample.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A classifier head: whose predictions are counted, label by label. */
struct metrics_head {
    const char *name;
    const char *const *labels;
    size_t n_labels;
};

/** What /metrics says of a model; all of it is copied. */
struct metrics_model {
    const char *model, *version, *dtype, *tokenizer;
    uint64_t vocab_size, dim;
    const struct metrics_head *heads;
    size_t n_heads;
};

/** What is told of TLS; any thread writes. */
struct metrics_tls {
    _Atomic int64_t expires_unix_s; /* the certificate */
    _Atomic uint64_t handshakes, failures;
};

struct key_usage;
struct metrics;
struct metrics_slot;
struct arena_budget;
struct registry;

/**
 * metrics_new: `threads` slots, `routes` route names (borrowed for its life; the route table's own
 * names, never a path from the wire). NULL when there is no memory.
 */
struct metrics *metrics_new(size_t threads, const char *const *routes, size_t n_routes);
void metrics_free(struct metrics *metrics);

/** Where what one opened model does is counted. Opaque: malloc'ed in one piece, freed by free(3).
 */
struct metrics_served;

/**
 * metrics_serve: a model is served from now on, under a name that is new or instead of the one that
 * had it; counts go on under the same name, and heads' under the same name and labels. Any thread.
 * @return for the samples of requests to it, valid as long as the metrics; NULL: no memory
 */
struct metrics_served *metrics_serve(struct metrics *metrics, const struct metrics_model *model);

/** metrics_unserve: the model of that name is served no more. What it did is still shown. Any
 * thread. */
void metrics_unserve(struct metrics *metrics, const char *model);

/** metrics_serve_keys: clients may send keys of these different names (n), `usages` (n) of which go
 * into the samples of their requests, valid as long as the metrics. What they do is counted by
 * name, and goes on under the same one. Any thread. False: no memory. */
bool metrics_serve_keys(struct metrics *metrics, const char *const *names, size_t n,
                        const struct key_usage **usages);

/** metrics_count_reload: a reload has ended, and whether all that it read was taken. Any thread. */
void metrics_count_reload(struct metrics *metrics, bool is_done);

/** metrics_watch_memory: what requests hold of `budget`, borrowed, is shown from now on. */
void metrics_watch_memory(struct metrics *metrics, const struct arena_budget *budget);

/** metrics_watch_models: whether the models of `registry`, borrowed, can be read is shown from now
 * on. */
void metrics_watch_models(struct metrics *metrics, struct registry *registry);

/** metrics_watch_tls: what `tls`, borrowed, says is shown from now on. */
void metrics_watch_tls(struct metrics *metrics, const struct metrics_tls *tls);

/** metrics_count_te: TEI's metrics are kept and written too, from now on. Before any thread counts.
 * False: no memory. */
bool metrics_count_te(struct metrics *metrics);

/** metrics_slot returns slot `thread`, to be written by that thread alone. */
struct metrics_slot *metrics_slot(struct metrics *metrics, size_t thread);

/** metrics_add counts one finished request; `predicted` is read during the call. Only the slot's
 * owner calls it. */
void metrics_add(struct metrics_slot *slot, const struct metrics_sample *sample);

/** metrics_reject_name: as the metrics call it; NULL of REJECT_NONE. */
const char *metrics_reject_name(enum metrics_reject reject);

/** metrics_count_reject counts something turned away before it was a request (a connection, a
 * timeout).
 */
void metrics_count_reject(struct metrics_slot *slot, enum metrics_reject reject);

/** Gauges of one thread, by its owner: each call adds `change`. */
void metrics_in_flight(struct metrics_slot *slot, int change);
void metrics_connections(struct metrics_slot *slot, int change);
void metrics_offload_queue(struct metrics_slot *slot, int change);

/**
 * metrics_write appends the exposition to `out` (buf->failed at the arena's cap), process_*
 * included. Any thread, while others write.
 */
void metrics_write(const struct metrics *metrics, bool openmetrics, struct buf *out);

/** metrics_content_type: the Content-Type that goes with it. */
const char *metrics_content_type(bool openmetrics);
