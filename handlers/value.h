/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file value.h
 * The value of one field of a request, out of whatever reader: its kind, and readers that say what
 * it must be. Values live in the request's arena, or point into its body. No shared state; any
 * thread.
 */
#pragma once

#include "base/err.h"
#include "handlers/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_kind {
    VALUE_ABSENT,
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_INTEGER,
    VALUE_REAL,
    VALUE_STRING,   /* valid UTF-8, NUL allowed */
    VALUE_INTEGERS, /* a list of integers and nothing else, at least one */
    VALUE_LIST,     /* any other list */
    VALUE_OBJECT,
    VALUE_OTHER, /* a list or an object nested too deep to be read */
};

struct member;

struct value {
    enum value_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct text text;
        struct {
            const int64_t *items;
            size_t n;
        } integers;
        struct {
            const struct value *items;
            size_t n;
        } list;
        struct {
            const struct member *items;
            size_t n;
        } object;
    };
};

/** A member of an object; no two of one object have the same name. */
struct member {
    struct text name;
    struct value value;
};

/** How deep a field is read: lists and objects in lists and objects. */
#define FIELDS_DEPTH_MAX 8

/** value_member: the member `name` of an object; VALUE_ABSENT where it has none or is no object. */
const struct value *value_member(const struct value *object, const char *name);

/** value_find: value_member, the name being data. It is looked for member by member. */
const struct value *value_find(const struct value *object, struct text name);

/** text_quoted: how many bytes of `text` a message quotes: at most ERR_VALUE_BYTES, whole
 * characters. */
int text_quoted(struct text text);

/** value_describe: what a value is, for messages: "a string", "null", "a list". */
const char *value_describe(const struct value *value);

#define VALUE_QUOTE_BYTES (ERR_VALUE_BYTES + 32)

/** value_quote: the value itself where it is a number or a string, else what it is; may use `out`.
 */
const char *value_quote(const struct value *value, char out[VALUE_QUOTE_BYTES]);

/** value_is_given: the field is there and not null. */
bool value_is_given(const struct value *value);

/**
 * The readers below leave `*out` as it is when the field is absent or null, and fail with
 * ERR_INVALID naming `name`, what it must be, and what it is.
 */
bool value_get_bool(const struct value *value, const char *name, bool *out, struct err *err);
bool value_get_text(const struct value *value, const char *name, struct text *out, struct err *err);

/** value_need_text: value_get_text of a field that must be there. */
bool value_need_text(const struct value *value, const char *name, struct text *out,
                     struct err *err);

/** value_check_object: an object, for value_member. */
bool value_check_object(const struct value *value, const char *name, struct err *err);

/** value_get_whole: a whole number from `min` to `max`. */
bool value_get_whole(const struct value *value, const char *name, int64_t min, int64_t max,
                     int64_t *out, struct err *err);

/** value_get_number: a number from `min` to `max`. */
bool value_get_number(const struct value *value, const char *name, double min, double max,
                      double *out, struct err *err);

/** value_get_choice: one of the `n` strings of `choices`; `*out` becomes its index. */
bool value_get_choice(const struct value *value, const char *name, const char *const *choices,
                      size_t n, size_t *out, struct err *err);
