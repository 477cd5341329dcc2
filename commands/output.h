/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file output.h
 * Where a command writes: standard output, or a file that appears only when it is whole.
 *
 * A file is written beside its place (base/save.h) and keeps the permissions of the one that it
 * replaces; a link stays a link; on an error, SIGINT, SIGTERM, SIGHUP or SIGPIPE what was written
 * is removed. What is there and is no regular file (a device, a named pipe) is written directly.
 * One at a time, one thread.
 */
#pragma once

#include "base/err.h"
#include "base/save.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct output {
    FILE *stream;     /* for fflush; its failure is reported by the next call */
    struct save save; /* of a file that is renamed at the end */
    char name[1024];  /* of anything else, for messages */
    long start;       /* of our bytes in the stream when it can be patched, otherwise -1 */
};

/** output_open: `path`, or standard output where it is NULL or "-". false with ERR_IO. */
bool output_open(struct output *output, const char *path, struct err *err);

/** output_write appends; false with ERR_IO naming the file and why (full). */
bool output_write(struct output *output, const void *data, size_t bytes, struct err *err);

/** output_flush hands over what is buffered; false as output_write. */
bool output_flush(struct output *output, struct err *err);

/** output_can_patch: whether the bytes written can be overwritten; not in a pipe or when
 * appending. */
bool output_can_patch(const struct output *output);

/** output_patch overwrites the first `bytes` bytes that were written. */
bool output_patch(struct output *output, const void *data, size_t bytes, struct err *err);

/** output_close writes out what is buffered and gives the file its name; false with ERR_IO, then
 * nothing is left behind. */
bool output_close(struct output *output, struct err *err);

/** output_abort removes what was written to a file. After output_close it does nothing. */
void output_abort(struct output *output);

/** output_guard: another file that a signal which ends the program removes; NULL: none. */
void output_guard(const char *path);

/** output_save writes a whole file, or standard output as output_open; false with ERR_IO. */
bool output_save(const char *path, const void *data, size_t bytes, struct err *err);

/** output_ends_in: whether a path has that ending (".html"), and more before it. */
bool output_ends_in(const char *path, const char *ending);

/** output_replaces: whether writing to `path` would replace the regular file `other` ("-": what
 * standard input is); of files that are not there, whether they would be the same one. */
bool output_replaces(const char *path, const char *other);
