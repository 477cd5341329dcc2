/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gunzip.h
 * gzip (RFC 1952) unpacked as it comes, in bounded memory: all members of a file, one behind the
 * other, zero bytes at the end left out. One thread a reader.
 */
#pragma once

#include "base/byte_source.h"

#include <stdint.h>

/** A file of more than GUNZIP_SMALL_BYTES may unpack to so many times its size: more is a trap, not
 * texts. */
#define GUNZIP_RATIO_MAX 200
#define GUNZIP_SMALL_BYTES ((uint64_t)64 << 20)

/** What a file of gzip begins with. */
#define GUNZIP_MAGIC "\x1F\x8B"

struct gunzip;

/** gunzip_new unpacks what `from` gives. @param file borrowed, for messages. @return NULL: no
 * memory */
struct gunzip *gunzip_new(struct byte_source from, const char *file);

/**
 * gunzip_read: as struct byte_source, of a struct gunzip. -1: what `from` says, ERR_FORMAT (cut
 * off, damaged, followed by something else, too large), ERR_MEMORY; and the same again from then
 * on.
 */
ssize_t gunzip_read(void *gunzip, char *out, size_t cap, struct err *err);

/** gunzip_free: NULL is fine. */
void gunzip_free(struct gunzip *gunzip);
