/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file metrics_process.h
 * What the system says of this process, under the standard names of prometheus.io. Any thread.
 */
#pragma once

#include "handlers/metrics_text.h"

/** metrics_write_process writes what there is of /proc/self and of the limits. */
void metrics_write_process(const struct metrics_writer *w);
