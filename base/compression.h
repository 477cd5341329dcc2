/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file compression.h
 * Bytes packed and unpacked: gzip (RFC 1952), deflate as HTTP means it (RFC 1950), zstd (RFC 8878).
 *
 * All memory, the libraries' own included, comes from the caller's arena, so it is bounded with
 * everything else there and nothing is to be closed. One thread at a time.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum compression {
    COMPRESSION_NONE,
    COMPRESSION_GZIP,
    COMPRESSION_DEFLATE, /* is unpacked only */
    COMPRESSION_ZSTD,
    COMPRESSION_COUNT,
};

/** "gzip", "deflate", "zstd". */
extern const char *const compression_names[COMPRESSION_COUNT];

/** What became of packed bytes. */
enum unpacked {
    UNPACKED,
    UNPACKED_LONG,     /* there is more than was asked for at most */
    UNPACKED_CUT,      /* the end is missing */
    UNPACKED_WRONG,    /* they are damaged, or something else */
    UNPACKED_TRAILING, /* something else follows them */
    UNPACKED_WINDOW,   /* zstd that looks back further than COMPRESSION_WINDOW_BYTES */
    UNPACKED_MEMORY,   /* the arena is at its cap */
};

/** What RFC 9659 has everyone take of zstd, and no more. */
#define COMPRESSION_WINDOW_BYTES ((size_t)8 << 20)

/**
 * compression_unpack appends to `out` (empty) what `packed` holds: all of its members or frames,
 * one behind the other. Where it fails, out->bytes says nothing.
 * @param max how many bytes that may be
 */
enum unpacked compression_unpack(enum compression compression, const char *packed, size_t bytes,
                                 size_t max, struct buf *out);

/** Packs bytes that come one after the other. In an arena. */
struct packer;

/** packer_new: for COMPRESSION_GZIP or _ZSTD; NULL at the arena's cap. */
struct packer *packer_new(enum compression compression, struct arena *arena);

/**
 * packer_add appends to `out` what these bytes become, all of it, so that they can be read when it
 * has come: never nothing. Nothing may follow what `is_last`.
 * @return false at the arena's cap, when all is lost
 */
bool packer_add(struct packer *packer, const char *data, size_t bytes, bool is_last,
                struct buf *out);

/**
 * compression_pack packs all at once, into `room` bytes.
 * @return how many they are; 0 where they would be more, or at the arena's cap
 */
size_t compression_pack(enum compression compression, struct arena *arena, const char *data,
                        size_t bytes, char *out, size_t room);
