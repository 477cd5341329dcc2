/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file inflow.h
 * The bytes of a file or of standard input as they come, unpacked (gzip and zstd, told by its first
 * bytes); and, where that is asked for, made UTF-8 of another encoding. One thread at a time.
 */
#pragma once

#include "base/err.h"
#include "base/recode.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct inflow;

/**
 * inflow_open opens `path` ("-" = standard input), reads as many bytes as tell what it is, and
 * waits for these.
 * @param path     borrowed, for messages
 * @param is_plain nothing is recoded, and `encoding` does not matter
 * @return NULL with err set: ERR_IO; ERR_FORMAT, what gunzip_read and unzstd_read say, an encoding
 *         that cannot be that of the file, and files that are no text (zip and with it .xlsx, xz,
 *         Parquet); ERR_MEMORY
 */
struct inflow *inflow_open(const char *path, bool is_plain, enum text_encoding encoding,
                           struct err *err);

/** inflow_read reads up to `cap` (> 0) bytes: how many there were, 0 at the end, -1 with err set.
 */
ssize_t inflow_read(struct inflow *inflow, char *out, size_t cap, struct err *err);

/** inflow_encoding: what the bytes were before they became UTF-8, never TEXT_AUTO or TEXT_UTF_16.
 */
enum text_encoding inflow_encoding(const struct inflow *inflow);

/** inflow_packing: "gzip", "zstd", or NULL: it is not packed. */
const char *inflow_packing(const struct inflow *inflow);

/** inflow_share: which share of the file has been read, 0 to 1; 0 = unknown.
 * @param n_left bytes that were handed out and are not yet used */
double inflow_share(const struct inflow *inflow, size_t n_left);

/** inflow_close frees and closes; standard input stays open. NULL is fine. */
void inflow_close(struct inflow *inflow);
