/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/fields.h"

#include "base/json.h"
#include "base/utf8.h"
#include "handlers/scan.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool convert(struct arena *arena, json_t *json, int depth, struct value *value);

static bool is_integers(json_t *list)
{
    size_t n = json_array_size(list);
    for (size_t i = 0; i < n; i++)
        if (!json_is_integer(json_array_get(list, i))) return false;
    return n > 0;
}

static bool convert_list(struct arena *arena, json_t *list, int depth, struct value *value)
{
    size_t n = json_array_size(list);
    if (is_integers(list)) {
        int64_t *integers = arena_array(arena, n, sizeof *integers);
        if (!integers) return false;
        for (size_t i = 0; i < n; i++)
            integers[i] = json_integer_value(json_array_get(list, i));
        *value = (struct value){.kind = VALUE_INTEGERS, .integers = {integers, n}};
        return true;
    }
    struct value *items = arena_array(arena, n, sizeof *items);
    if (!items) return false;
    for (size_t i = 0; i < n; i++)
        if (!convert(arena, json_array_get(list, i), depth + 1, &items[i])) return false;
    *value = (struct value){.kind = VALUE_LIST, .list = {items, n}};
    return true;
}

static bool convert_object(struct arena *arena, json_t *object, int depth, struct value *value)
{
    const size_t n = json_object_size(object);
    struct member *items = arena_array(arena, n, sizeof *items);
    if (!items) return false;
    size_t i = 0;
    const char *key;
    json_t *member;
    json_object_foreach(object, key, member)
    {
        items[i].name = (struct text){key, strlen(key)};
        if (!convert(arena, member, depth + 1, &items[i++].value)) return false;
    }
    *value = (struct value){.kind = VALUE_OBJECT, .object = {items, n}};
    return true;
}

static bool convert(struct arena *arena, json_t *json, int depth, struct value *value)
{
    *value = (struct value){.kind = VALUE_OTHER};
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return depth < FIELDS_DEPTH_MAX ? convert_object(arena, json, depth, value) : true;
    case JSON_ARRAY:
        return depth < FIELDS_DEPTH_MAX ? convert_list(arena, json, depth, value) : true;
    case JSON_STRING:
        value->kind = VALUE_STRING;
        value->text = (struct text){json_string_value(json), json_string_length(json)};
        return true;
    case JSON_INTEGER:
        value->kind = VALUE_INTEGER;
        value->integer = json_integer_value(json);
        return true;
    case JSON_REAL:
        value->kind = VALUE_REAL;
        value->real = json_real_value(json);
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        value->kind = VALUE_BOOL;
        value->boolean = json_is_true(json);
        return true;
    case JSON_NULL:
        value->kind = VALUE_NULL;
        return true;
    }
    return true;
}

static size_t find_field(const struct field *fields, size_t n, struct text key)
{
    size_t i = 0;
    while (i < n && !(fields[i].name.bytes == key.bytes &&
                      memcmp(fields[i].name.data, key.data, key.bytes) == 0))
        i++;
    return i;
}

size_t fields_of_object(const struct value *object, const struct field *fields, size_t n,
                        struct value *values)
{
    size_t ignored = 0;
    for (size_t i = 0; i < n; i++)
        values[i].kind = VALUE_ABSENT;
    for (size_t i = 0; object->kind == VALUE_OBJECT && i < object->object.n; i++) {
        const struct member *member = &object->object.items[i];
        const size_t field = find_field(fields, n, member->name);
        if (field < n)
            values[field] = member->value;
        else
            ignored++;
    }
    return ignored;
}

static bool convert_fields(struct arena *arena, json_t *root, const struct field *fields, size_t n,
                           struct value *values, size_t *ignored, struct err *err)
{
    if (!json_is_object(root))
        return err_set(err, ERR_INVALID, NULL,
                       "the body must be a JSON object with the fields of this route, such as "
                       "{\"%.*s\": ...}",
                       (int)fields[0].name.bytes, fields[0].name.data);
    for (size_t i = 0; i < n; i++)
        values[i] = (struct value){.kind = VALUE_ABSENT};
    *ignored = 0;
    const char *key;
    json_t *member;
    json_object_foreach(root, key, member)
    {
        size_t i = find_field(fields, n, (struct text){key, strlen(key)});
        if (i == n) {
            *ignored += 1;
        } else if (!convert(arena, member, 0, &values[i])) {
            return err_out_of_memory(err);
        }
    }
    return true;
}

static bool is_too_large(const char *number, size_t bytes)
{
    char copy[512];
    if (bytes >= sizeof copy) return true;
    memcpy(copy, number, bytes);
    copy[bytes] = '\0';
    errno = 0;
    if (strpbrk(copy, ".eE")) return isinf(strtod(copy, NULL));
    strtoll(copy, NULL, 10);
    return errno == ERANGE;
}

/* The reader stops at a number that does not fit without knowing where it stands: says it again
   with the field. Only for a body that is good JSON up to there. */
static void name_large_number(const char *body, size_t bytes, struct err *err)
{
    const char *at = body, *end = body + bytes, *start;
    struct text string = {"", 0}, field = string;
    int depth = 0;
    while (at < end) {
        char c = *at++;
        if (c == '{' || c == '[') depth++;
        if (c == '}' || c == ']') depth--;
        if (c == ':' && depth == 1) field = string;
        if (c == '"') {
            for (start = at; at < end && *at != '"'; at++)
                at += *at == '\\' && end - at > 1;
            string = (struct text){start, (size_t)(at - start)};
            at += at < end;
        } else if (c == '-' || (c >= '0' && c <= '9')) {
            for (start = at - 1; at < end && *at && strchr("+-.eE0123456789", *at);)
                at++;
            struct text number = {start, (size_t)(at - start)};
            if (!is_too_large(number.data, number.bytes)) continue;
            char param[ERR_VALUE_BYTES + 1];
            snprintf(param, sizeof param, "%.*s", text_quoted(field), field.data);
            err_set(err, ERR_INVALID, param,
                    "%s holds %.*s, a number that is too large: whole numbers go from -2^63 to "
                    "2^63-1, others to 1.8e308; send a smaller one",
                    param, text_quoted(number), number.data);
            return;
        }
    }
    err->code = ERR_INVALID;
}

bool fields_read_reference(struct arena *arena, const char *body, size_t bytes,
                           const struct field *fields, size_t n, struct value *values,
                           size_t *ignored, struct err *err)
{
    json_use_arena(arena);
    /* Never freed: the strings are used where they lie, until the arena's end. */
    json_t *root = json_read(body, bytes, err);
    bool ok = root && convert_fields(arena, root, fields, n, values, ignored, err);
    if (!root && err->code == ERR_RANGE) name_large_number(body, bytes, err);
    json_use_arena(NULL);
    return ok;
}

bool fields_read(struct arena *arena, const char *body, size_t bytes, const struct field *fields,
                 size_t n, struct value *values, size_t *ignored, struct err *err)
{
    const size_t mark = utf8_mark_bytes(body, bytes);
    body += mark;
    bytes -= mark;
    if (bytes == 0)
        return err_set(err, ERR_INVALID, NULL,
                       "the body is empty; send a JSON object with the fields of this route, such "
                       "as {\"%.*s\": ...}",
                       (int)fields[0].name.bytes, fields[0].name.data);
    if (bytes >= 4 &&
        (memcmp(body, "\x1F\x8B", 2) == 0 || memcmp(body, "\x28\xB5\x2F\xFD", 4) == 0))
        return err_set(
            err, ERR_INVALID, NULL,
            "the body is compressed by %s, but no header says so; send content-encoding: "
            "%s",
            *body == 0x1F ? "gzip" : "zstd", *body == 0x1F ? "gzip" : "zstd");
    if (scan_fields(arena, body, bytes, fields, n, values, ignored)) return true;
    return fields_read_reference(arena, body, bytes, fields, n, values, ignored, err);
}
