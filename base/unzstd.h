/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file unzstd.h
 * zstd (RFC 8878) unpacked as it comes, in bounded memory: all frames of a file, one behind the
 * other, those to be skipped left out. One thread a reader.
 */
#pragma once

#include "base/byte_source.h"

/** What a frame of zstd begins with. */
#define UNZSTD_MAGIC "\x28\xB5\x2F\xFD"

struct unzstd;

/** unzstd_new unpacks what `from` gives. @param file borrowed, for messages. @return NULL: no
 * memory */
struct unzstd *unzstd_new(struct byte_source from, const char *file);

/**
 * unzstd_read: as struct byte_source, of a struct unzstd. -1: what `from` says, ERR_FORMAT (cut
 * off, damaged, followed by something else, too large by the rule of gunzip.h, packed with a window
 * that takes too much memory), ERR_MEMORY; and the same again from then on.
 */
ssize_t unzstd_read(void *unzstd, char *out, size_t cap, struct err *err);

/** unzstd_free: NULL is fine. */
void unzstd_free(struct unzstd *unzstd);
