/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file records.h
 * A file or standard input, record by record, in bounded memory: lines, or the records of a CSV,
 * whose quoted cells may hold line breaks. Internal to labelled.c. One thread at a time.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct records {
    /* What records_next found; valid until the next call. */
    char *text; /* may be written to */
    size_t bytes;
    uint64_t line; /* on which it begins, from 1 */

    const char *file; /* for messages; borrowed from the caller */
    char separator;   /* set by the caller: of a CSV's cells; 0 = records are lines */

    /* Hands off. */
    int fd;
    bool is_at_end;
    size_t read_bytes;
    uint64_t file_bytes, file_bytes_read; /* file_bytes 0 = unknown */
    char *data;                           /* what was read and not yet handed out: [start, end) */
    size_t start, end, cap;
    uint64_t next_line;
    size_t record_start; /* of the last record, in data */
};

/** A sentence about a line of the file; as err_set. */
#define RECORDS_FAIL(records, at_line, err, fmt, ...)                                              \
    err_set(err, ERR_FORMAT, NULL, "%.200s, line %llu: " fmt, (records)->file,                     \
            (unsigned long long)(at_line), __VA_ARGS__)

/**
 * records_open opens `path` (borrowed; "-" = standard input).
 * @param read_bytes to be read at once at most; 0 = as is good
 * @return false with err set (ERR_IO); records_close is fine then
 */
bool records_open(struct records *records, const char *path, size_t read_bytes, struct err *err);

/**
 * records_next moves to the next record that is not empty, without the end of its line.
 * @return 1: there is one, valid UTF-8 of at most LABELLED_RECORD_BYTES_MAX bytes; 0: the end;
 *         -1: err is set
 */
int records_next(struct records *records, struct err *err);

/**
 * records_put_back makes the last record the next one again, perhaps under another separator. Its
 * bytes must not have been written to.
 */
void records_put_back(struct records *records);

/** records_share: how much of the file has been handed out, 0 to 1; 0 = unknown. */
double records_share(const struct records *records);

/** records_close frees and closes; standard input stays open. */
void records_close(struct records *records);
