/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file metrics_text.h
 * Families of metrics as text, of Prometheus and of OpenMetrics. For one thread at a time.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct metrics;

struct metrics_writer {
    const struct metrics *metrics; /* those of this process that are kept; or NULL */
    struct buf *out;
    bool openmetrics;
};

/** metrics_begin_family writes what a family is; `type`: "counter", "gauge", "histogram". A
 * counter's has no _total in OpenMetrics and has it in the older format. */
void metrics_begin_family(const struct metrics_writer *w, const char *name, const char *type,
                          const char *help);

/** metrics_add_label appends `before`, then label="value", escaped. */
void metrics_add_label(struct buf *out, const char *before, const char *label, const char *value);

/** metrics_write_simple writes a family of one number. */
void metrics_write_simple(const struct metrics_writer *w, const char *name, const char *type,
                          const char *help, uint64_t value);
