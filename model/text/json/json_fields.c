/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/json/json_fields.h"

#include "base/utf8.h"
#include "model/text/vocab/vocab.h"

#include <stdlib.h>
#include <string.h>

bool fields_no_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, NULL, TOKENIZER_JSON ": no memory left to hold it");
}

static const char *dot(const char *path)
{
    return *path ? "." : "";
}

bool fields_wrong_type(const char *path, const char *key, const json_t *value, const char *want,
                       struct err *err)
{
    err_set(err, ERR_FORMAT, NULL, TOKENIZER_JSON ": %s%s%s %s; it must be %s", path, dot(path),
            key, value ? "has a wrong type" : "is missing", want);
    return false; /* said here, for the compiler to see it */
}

bool fields_bool(const json_t *object, const char *path, const char *key, bool *out,
                 struct err *err)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_boolean(value)) return fields_wrong_type(path, key, value, "true or false", err);
    *out = json_is_true(value);
    return true;
}

bool fields_bool_or(const json_t *object, const char *path, const char *key, bool fallback,
                    bool *out, struct err *err)
{
    const json_t *value = json_object_get(object, key);
    *out = fallback;
    return !value || json_is_null(value) || fields_bool(object, path, key, out, err);
}

bool fields_string(const json_t *object, const char *path, const char *key, const char **text,
                   size_t *bytes, struct err *err)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value)) return fields_wrong_type(path, key, value, "a string", err);
    *text = json_string_value(value);
    *bytes = json_string_length(value);
    return true;
}

bool fields_count(const json_t *object, const char *path, const char *key, uint32_t *out,
                  struct err *err)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return fields_wrong_type(path, key, value, "a whole number from 0", err);
    json_int_t count = json_integer_value(value);
    *out = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
    return true;
}

/* `known`: words parted by ", ". */
static bool is_among(const char *known, const char *text, size_t bytes)
{
    for (const char *at = known; *at;) {
        size_t n = strcspn(at, ",");
        if (n == bytes && memcmp(at, text, n) == 0) return true;
        at += n;
        at += strspn(at, ", ");
    }
    return false;
}

bool fields_known(json_t *object, const char *path, const char *known, struct err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        size_t n = strlen(key);
        if (!is_among(known, key, n))
            return err_set(err, ERR_FORMAT, NULL,
                           TOKENIZER_JSON ": %s%s%.*s is not known; known here are %s", path,
                           dot(path), vocab_quoted(key, n), key, known);
    }
    return true;
}

static bool settle(json_t *object, const char *type, const char **out)
{
    *out = type;
    json_object_set_new(object, "type", json_string(type));
    return true;
}

bool fields_type(json_t *object, const char *path, const struct field_types *types,
                 const char **type, struct err *err)
{
    size_t bytes = 0;
    if (!json_is_object(object)) return fields_wrong_type("", path, object, "an object", err);
    const json_t *value = json_object_get(object, "type");
    const char *said = json_string_value(value);
    if (said) bytes = json_string_length(value);
    const bool is_known = said && is_among(types->known, said, bytes);
    const bool is_believed = is_known && !(types->untold && is_among(types->untold, said, bytes));
    const char *told = types->shapes && !is_believed ? shapes_type(types->shapes, object) : NULL;
    if (told) return settle(object, told, type);
    *type = said;
    if (is_known) return true;
    if (!said) return fields_wrong_type(path, "type", value, "a string", err);
    return err_set(err, ERR_FORMAT, NULL,
                   TOKENIZER_JSON ": %s.type '%.*s' is not supported; this reads %s", path,
                   vocab_quoted(said, bytes), said, types->known);
}

bool fields_choice(const json_t *object, const char *path, const char *key,
                   const char *const *names, size_t n, int fallback, unsigned *out, struct err *err)
{
    const char *text;
    size_t bytes;
    *out = (unsigned)fallback;
    if (fallback >= 0 && !json_object_get(object, key)) return true;
    if (!fields_string(object, path, key, &text, &bytes, err)) return false;
    for (*out = 0; *out < n; ++*out) {
        if (strcmp(names[*out], text) == 0) return true;
    }
    return err_set(err, ERR_FORMAT, NULL, TOKENIZER_JSON ": %s.%s '%.*s' is not known", path, key,
                   vocab_quoted(text, bytes), text);
}

static bool keep(struct step_text *out, const char *text, size_t bytes, struct err *err)
{
    out->text = malloc(bytes + 1);
    out->bytes = bytes;
    if (!out->text) return fields_no_memory(err);
    memcpy(out->text, text, bytes);
    return true;
}

bool fields_text(const json_t *object, const char *path, const char *key, struct step_text *out,
                 struct err *err)
{
    const char *text;
    size_t bytes;
    return fields_string(object, path, key, &text, &bytes, err) && keep(out, text, bytes, err);
}

bool fields_character(const json_t *object, const char *path, const char *key,
                      struct step_text *text, uint32_t *code, struct err *err)
{
    if (!fields_text(object, path, key, text, err)) return false;
    const char *at = text->text;
    if (text->bytes == 0 || utf8_count(text->text, text->bytes) != 1)
        return fields_wrong_type(path, key, object, "a string of one character", err);
    *code = utf8_next(&at);
    return true;
}

static bool compile(const char *text, size_t bytes, const char *path, struct regex **regex,
                    struct err *err)
{
    struct err why;
    return regex_open(regex, text, bytes, &why) ||
           err_set(err, ERR_FORMAT, NULL, TOKENIZER_JSON ": %s.pattern.Regex: %s", path,
                   why.message);
}

bool fields_pattern(const json_t *object, const char *path, struct step_text *text,
                    struct regex **regex, enum pattern_kind *known, struct err *err)
{
    json_t *pattern = json_object_get(object, "pattern");
    const json_t *string = json_object_get(pattern, "String");
    const json_t *source = json_object_get(pattern, "Regex");
    if (!json_is_object(pattern) || json_object_size(pattern) != 1 ||
        !(json_is_string(string) || json_is_string(source)))
        return fields_wrong_type(path, "pattern", pattern, "{\"String\": ...} or {\"Regex\": ...}",
                                 err);
    const json_t *value = string ? string : source;
    size_t bytes = json_string_length(value);
    if (known) *known = source ? pattern_known(json_string_value(value), bytes) : PATTERN_NONE;
    if (known && *known != PATTERN_NONE) return true;
    if (source || bytes == 0) return compile(json_string_value(value), bytes, path, regex, err);
    return keep(text, json_string_value(value), bytes, err);
}
