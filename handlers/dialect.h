/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file dialect.h
 * How the clients of one API expect to be talked to, as a value that each route points to: the
 * shape and the statuses of errors, the words for two limits, what becomes of inputs that are too
 * long. What is constant is shared by all threads.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "handlers/service.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exchange;

/** An error on its way to the client. errors.c fills it in; a dialect may change what it says. */
struct failure {
    const struct err *err;
    const char *code; /* a word for it: "not_found", "too_large"; NULL: the status says it all */
    bool is_bad_json; /* the body could not be read */

    unsigned status;  /* of HTTP: by err->code, unless the dialect has another */
    const char *type; /* media type of what write_error writes: application/json, unless changed */
};

/** The texts of `too_large` and `overloaded` below. */
#define NO_MEMORY_TEXT "the request needs more memory than max-request-memory allows"
#define OVERLOADED_TEXT "the server has no memory left for requests"

struct dialect {
    const char *name; /* of the API, as people call it: one word */
    /* The JSON Schema of write_error's body, as members, with ' for "; and whether some errors are
       plain text. For the description of the API. */
    const char *error_schema;
    bool has_text_errors;

    /** Appends the body of an error's reply to `out` (empty). May add headers to x. */
    void (*write_error)(struct exchange *x, struct failure *failure, struct buf *out);
    /* What it would write of NO_MEMORY_TEXT under ERR_TOO_LARGE, and of OVERLOADED_TEXT under
       ERR_OVERLOADED: sent when there is no memory for anything else. */
    const char *too_large, *overloaded;

    /** The sentences for n inputs where at most `max` are taken, and for input `index` with n
     * tokens where at most `max` are; both return false. NULL: embedd's own, below. */
    bool (*refuse_count)(const char *field, size_t n, size_t max, struct err *err);
    bool (*refuse_length)(const char *field, size_t index, uint32_t n, size_t max, struct err *err);

    /* Of inputs that are too long, where neither the request nor the service says. */
    enum truncate truncate;
};
