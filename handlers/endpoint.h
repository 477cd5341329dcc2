/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file endpoint.h
 * What one call of an API does, and what there is to say of it: a value that every route to it
 * points to. Constant; shared by all threads.
 */
#pragma once

#include "handlers/field.h"

#include <stdbool.h>
#include <stddef.h>

struct exchange;

struct endpoint {
    void (*handle)(struct exchange *x); /* fills the reply; never fails otherwise */

    const struct field *fields; /* (n_fields) of the request's body, which exchange_read_fields
                                   reads; n_fields 0: it has no body */
    size_t n_fields;
    const struct field *raw_ids; /* the one that a body of bytes stands for (raw_ids.h), or NULL */
    bool reads_files;            /* takes as long as a disk takes: none of the workers' work */
    bool takes_form;             /* multipart/form-data, with files, instead of JSON (form.h) */
    bool has_pages;              /* it looks at x->query */
    bool takes_tensors; /* or a body that a header parts into JSON and bytes, of whatever type */

    /* For the description of the API. */
    const char *summary;    /* what it does, in a few words */
    const char *reply;      /* the JSON Schema of a reply with status 200, as members, with ' for ";
                               NULL: it is no JSON */
    const char *reply_type; /* what it is instead; NULL: nothing */
    unsigned status;        /* of success; 0: 200 */
    bool can_be_raw;        /* it embeds: bytes for whoever accepts them (embedding.h) */
};

/** The fields of an endpoint: an array of struct field. */
#define FIELDS(fields_) .fields = (fields_), .n_fields = sizeof(fields_) / sizeof(fields_)[0]
