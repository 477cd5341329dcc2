/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file native.h
 * What the Python package needs beside libembedd: memory that numpy and Arrow share, and the
 * structs of Arrow's C data interface with their release callbacks, which need no GIL. Any thread.
 */
#pragma once

#include <embedd.h>

/* Arrow's C data interface, as its specification has it. */
struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

/* Counted memory: freed when nobody holds it. */
typedef struct native_block {
    int refs;
    void *data;
    uint8_t *validity; /* a bitmap of `rows` bits, all 1 to begin with; or NULL */
} native_block;

/** native_block_new: memory as it comes, aligned to 64 bytes, held once; NULL: there is none. */
native_block *native_block_new(size_t bytes, size_t rows);

/** native_block_drop: it is held once less; NULL is fine. */
void native_block_drop(native_block *block);

/** native_export_schema: a FixedSizeList of `dims` numbers of Arrow's `format`; NULL: no memory. */
struct ArrowSchema *native_export_schema(const char *format, int64_t dims);

/** native_export_array: rows of a block as such a list; it holds the block. NULL: no memory. */
struct ArrowArray *native_export_array(native_block *block, int64_t rows, int64_t dims,
                                       int64_t nulls);

/** native_free_schema, _array: what a capsule does that goes away: releases what was not moved out,
 * and frees the struct. */
void native_free_schema(struct ArrowSchema *schema);
void native_free_array(struct ArrowArray *array);

int native_stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out);
int native_stream_next(struct ArrowArrayStream *stream, struct ArrowArray *out);
void native_release_schema(struct ArrowSchema *schema);
void native_release_array(struct ArrowArray *array);
