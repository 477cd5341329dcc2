/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file request.h
 * Holds the scanner of request bodies to the reference reader: what it accepts, the reference must
 * accept too, with the same values. Used by the differential test and by the fuzzer.
 */
#pragma once

#include "base/json.h"
#include "handlers/fields.h"
#include "handlers/scan.h"

#include <stdio.h>
#include <string.h>

/* Every name some endpoint reads, and none other. */
static const struct field request_fields[] = {
    FIELD("input", NULL, NULL),      FIELD("inputs", NULL, NULL),
    FIELD("text", NULL, NULL),       FIELD("tokens", NULL, NULL),
    FIELD("ids", NULL, NULL),        FIELD("model", NULL, NULL),
    FIELD("normalize", NULL, NULL),  FIELD("dimensions", NULL, NULL),
    FIELD("vocabulary", NULL, NULL), FIELD("encoding_format", NULL, NULL),
    FIELD("content", NULL, NULL),    FIELD("parameters", NULL, NULL),
};
#define REQUEST_NAMES (sizeof request_fields / sizeof request_fields[0])

static inline bool request_is_same(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case VALUE_ABSENT:
    case VALUE_NULL:
    case VALUE_OTHER:
        return true;
    case VALUE_BOOL:
        return a->boolean == b->boolean;
    case VALUE_INTEGER:
        return a->integer == b->integer;
    case VALUE_REAL:
        return a->real == b->real;
    case VALUE_STRING:
        return a->text.bytes == b->text.bytes &&
               memcmp(a->text.data, b->text.data, a->text.bytes) == 0;
    case VALUE_INTEGERS:
        return a->integers.n == b->integers.n &&
               memcmp(a->integers.items, b->integers.items,
                      a->integers.n * sizeof *a->integers.items) == 0;
    case VALUE_LIST:
        if (a->list.n != b->list.n) return false;
        for (size_t i = 0; i < a->list.n; i++)
            if (!request_is_same(&a->list.items[i], &b->list.items[i])) return false;
        return true;
    case VALUE_OBJECT:
        if (a->object.n != b->object.n) return false;
        for (size_t i = 0; i < a->object.n; i++) {
            const struct member *one = &a->object.items[i], *other = &b->object.items[i];
            if (one->name.bytes != other->name.bytes ||
                memcmp(one->name.data, other->name.data, one->name.bytes) != 0 ||
                !request_is_same(&one->value, &other->value))
                return false;
        }
        return true;
    }
    return false;
}

enum request_outcome { REQUEST_LEFT, REQUEST_SCANNED, REQUEST_DIFFERENT };

/* Both readers on one body. `body` must be a copy of its own size, so that a sanitizer sees a read
   past its end. REQUEST_LEFT: the scanner left it to the reference. */
static inline enum request_outcome request_compare(const char *body, size_t bytes)
{
    struct arena arena;
    struct value scanned[REQUEST_NAMES], reference[REQUEST_NAMES];
    size_t scanned_ignored = 0, reference_ignored = 0;
    struct err err = {0};
    arena_init(&arena, 64 << 20);
    enum request_outcome outcome = REQUEST_LEFT;
    if (scan_fields(&arena, body, bytes, request_fields, REQUEST_NAMES, scanned,
                    &scanned_ignored)) {
        bool ok = fields_read_reference(&arena, body, bytes, request_fields, REQUEST_NAMES,
                                        reference, &reference_ignored, &err) &&
                  scanned_ignored == reference_ignored;
        for (size_t i = 0; i < REQUEST_NAMES; i++)
            ok = ok && request_is_same(&scanned[i], &reference[i]);
        outcome = ok ? REQUEST_SCANNED : REQUEST_DIFFERENT;
    } else if (!fields_read(&arena, body, bytes, request_fields, REQUEST_NAMES, reference,
                            &reference_ignored, &err) &&
               (err.code == ERR_NONE || err.message[0] == '\0')) {
        outcome = REQUEST_DIFFERENT; /* a refusal without a reason */
    }
    arena_clear(&arena);
    return outcome;
}
