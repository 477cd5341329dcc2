/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file records.h
 * Files with a record a row: JSON lines, or CSV (RFC 4180) with CRLF line ends, UTF-8. Lists in a
 * cell are JSON lists, so that labels may hold anything. Pure functions: any thread, each with a
 * buffer of its own.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/** records_are_json: JSON lines where the path ends in .jsonl or .ndjson, else CSV. */
bool records_are_json(const char *path);

/** record_add_cell writes a cell; one that holds a quote, a separator or a line break stands in
 * quotes, its own doubled. */
void record_add_cell(struct buf *out, const char *text, size_t bytes);

/** record_make_cell makes one cell of what was written from byte `start` on. */
void record_make_cell(struct buf *out, size_t start);
