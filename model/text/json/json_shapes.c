/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/json/json_shapes.h"

#include "base/utf8.h"

#include <string.h>

static bool is_pattern(const json_t *value)
{
    return json_is_object(value) && json_object_size(value) == 1 &&
           (json_is_string(json_object_get(value, "String")) ||
            json_is_string(json_object_get(value, "Regex")));
}

static bool is_count(const json_t *value)
{
    return json_is_integer(value) && json_integer_value(value) >= 0;
}

static bool is_token(const json_t *value)
{
    return json_is_array(value) && json_array_size(value) == 2 &&
           json_is_string(json_array_get(value, 0)) && is_count(json_array_get(value, 1));
}

static bool is_of_kind(const json_t *value, enum shape_kind kind)
{
    switch (kind) {
    case SHAPE_BOOL:
        return json_is_boolean(value);
    case SHAPE_STRING:
        return json_is_string(value);
    case SHAPE_CHARACTER:
        return json_is_string(value) &&
               utf8_count(json_string_value(value), json_string_length(value)) == 1;
    case SHAPE_COUNT:
        return is_count(value);
    case SHAPE_LIST:
        return json_is_array(value);
    case SHAPE_OBJECT:
        return json_is_object(value);
    case SHAPE_PATTERN:
        return is_pattern(value);
    case SHAPE_TOKEN:
        return is_token(value);
    }
    return false;
}

static bool has_shape(const struct shape *shape, const json_t *part)
{
    const char *type = json_string_value(json_object_get(part, "type"));
    if (shape->is_named && (!type || strcmp(type, shape->type) != 0)) return false;
    for (size_t i = 0; i < SHAPE_FIELDS_MAX && shape->fields[i].key; i++) {
        const struct shape_field *field = &shape->fields[i];
        const json_t *value = json_object_get(part, field->key);
        const bool is_absent = !value || json_is_null(value);
        if (!(is_absent && field->may_lack) && !is_of_kind(value, field->kind)) return false;
    }
    return true;
}

const char *shapes_type(const struct shape *shapes, const json_t *part)
{
    while (shapes->type && !has_shape(shapes, part))
        shapes++;
    return shapes->type;
}
