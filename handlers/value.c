/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/value.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int text_quoted(struct text text)
{
    return (int)utf8_cut(text.data, text.bytes, ERR_VALUE_BYTES);
}

const char *value_describe(const struct value *value)
{
    switch (value->kind) {
    case VALUE_ABSENT:
        return "missing";
    case VALUE_NULL:
        return "null";
    case VALUE_BOOL:
        return value->boolean ? "true" : "false";
    case VALUE_INTEGER:
    case VALUE_REAL:
        return "a number";
    case VALUE_STRING:
        return "a string";
    case VALUE_INTEGERS:
        return "a list of whole numbers";
    case VALUE_LIST:
        return "a list";
    case VALUE_OBJECT:
        return "an object";
    case VALUE_OTHER:
        break;
    }
    return "nested too deep";
}

const struct value *value_find(const struct value *object, struct text name)
{
    static const struct value absent = {.kind = VALUE_ABSENT};
    if (object->kind != VALUE_OBJECT) return &absent;
    for (size_t i = 0; i < object->object.n; i++) {
        const struct member *member = &object->object.items[i];
        if (member->name.bytes == name.bytes &&
            memcmp(member->name.data, name.data, name.bytes) == 0)
            return &member->value;
    }
    return &absent;
}

const struct value *value_member(const struct value *object, const char *name)
{
    return value_find(object, (struct text){name, strlen(name)});
}

bool value_is_given(const struct value *value)
{
    return value->kind != VALUE_ABSENT && value->kind != VALUE_NULL;
}

/* The value itself where it is short enough to be quoted, else what it is. */
const char *value_quote(const struct value *value, char out[VALUE_QUOTE_BYTES])
{
    if (value->kind == VALUE_INTEGER) {
        snprintf(out, VALUE_QUOTE_BYTES, "%" PRId64, value->integer);
    } else if (value->kind == VALUE_REAL) {
        snprintf(out, VALUE_QUOTE_BYTES, "%.9g", value->real);
        /* 1.0 is no whole number in JSON's eyes: it must not be told as 1. */
        if (!strpbrk(out, ".en")) strcat(out, ".0");
    } else if (value->kind == VALUE_STRING) {
        snprintf(out, VALUE_QUOTE_BYTES, "\"%.*s\" (a string)", text_quoted(value->text),
                 value->text.data);
    } else {
        return value_describe(value);
    }
    return out;
}

bool value_get_bool(const struct value *value, const char *name, bool *out, struct err *err)
{
    if (!value_is_given(value)) return true;
    char quoted[VALUE_QUOTE_BYTES];
    if (value->kind != VALUE_BOOL)
        return err_set(err, ERR_INVALID, name, "%s must be true or false, not %s", name,
                       value_quote(value, quoted));
    *out = value->boolean;
    return true;
}

bool value_get_text(const struct value *value, const char *name, struct text *out, struct err *err)
{
    if (!value_is_given(value)) return true;
    char quoted[VALUE_QUOTE_BYTES];
    if (value->kind != VALUE_STRING)
        return err_set(err, ERR_INVALID, name, "%s must be a string, not %s", name,
                       value_quote(value, quoted));
    *out = value->text;
    return true;
}

bool value_need_text(const struct value *value, const char *name, struct text *out, struct err *err)
{
    if (!value_get_text(value, name, out, err)) return false;
    return value_is_given(value) ||
           err_set(err, ERR_INVALID, name, "%s is missing; it must be a string", name);
}

bool value_check_object(const struct value *value, const char *name, struct err *err)
{
    return !value_is_given(value) || value->kind == VALUE_OBJECT ||
           err_set(err, ERR_INVALID, name, "%s must be an object, not %s", name,
                   value_describe(value));
}

bool value_get_whole(const struct value *value, const char *name, int64_t min, int64_t max,
                     int64_t *out, struct err *err)
{
    if (!value_is_given(value)) return true;
    char quoted[VALUE_QUOTE_BYTES];
    if (value->kind != VALUE_INTEGER || value->integer < min || value->integer > max)
        return err_set(err, ERR_INVALID, name,
                       "%s must be a whole number from %" PRId64 " to %" PRId64 ", not %s", name,
                       min, max, value_quote(value, quoted));
    *out = value->integer;
    return true;
}

bool value_get_number(const struct value *value, const char *name, double min, double max,
                      double *out, struct err *err)
{
    if (!value_is_given(value)) return true;
    char quoted[VALUE_QUOTE_BYTES];
    double number = value->kind == VALUE_REAL      ? value->real
                    : value->kind == VALUE_INTEGER ? (double)value->integer
                                                   : min - 1;
    if (!(number >= min && number <= max))
        return err_set(err, ERR_INVALID, name, "%s must be a number from %g to %g, not %s", name,
                       min, max, value_quote(value, quoted));
    *out = number;
    return true;
}

bool value_get_choice(const struct value *value, const char *name, const char *const *choices,
                      size_t n, size_t *out, struct err *err)
{
    if (!value_is_given(value)) return true;
    for (size_t i = 0; value->kind == VALUE_STRING && i < n; i++) {
        if (strlen(choices[i]) == value->text.bytes &&
            memcmp(choices[i], value->text.data, value->text.bytes) == 0) {
            *out = i;
            return true;
        }
    }
    char list[128];
    size_t used = 0;
    for (size_t i = 0; i < n && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s\"%s\"",
                                 i == 0      ? ""
                                 : i + 1 < n ? ", "
                                             : " or ",
                                 choices[i]);
    char quoted[VALUE_QUOTE_BYTES];
    return err_set(err, ERR_INVALID, name, "%s must be %s, not %s", name, list,
                   value_quote(value, quoted));
}
