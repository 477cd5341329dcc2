/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file te_metrics.h
 * The metrics of text-embeddings-inference 1.9 under its own names, for dashboards made for it.
 *
 * A slot a thread, which is its only writer; whoever writes them out adds the slots up. Names,
 * types and buckets are TEI's. There each input runs alone, and what it took is its own; here an
 * input's share is its part of the request's. A request that TEI's web framework turns away (no
 * JSON) counts nowhere, and one request counts once, where TEI counts some twice.
 */
#pragma once

#include "base/buf.h"
#include "handlers/sample.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct te_metrics;

/** te_metrics_new: for so many threads; NULL: no memory. */
struct te_metrics *te_metrics_new(size_t threads);

/** te_metrics_free: NULL is fine. */
void te_metrics_free(struct te_metrics *te);

/** te_metrics_add counts a finished request of a TE_ kind. Only by the owner of slot `thread`. */
void te_metrics_add(struct te_metrics *te, size_t thread, const struct metrics_sample *sample);

/** te_metrics_write appends them. OpenMetrics knows counters only under names that end in _total,
 * which TEI's do not: there they are of unknown type. Any thread, while others count.
 * @param queued requests that wait */
void te_metrics_write(const struct te_metrics *te, bool openmetrics, uint64_t queued,
                      struct buf *out);
