/* SPDX-License-Identifier: Apache-2.0 */
#include "model/settings.h"

#include <string.h>

struct reader {
    const json_t *json;
    const char *where;
    struct err *err;
};

#define FAIL(reader, fmt, ...)                                                                     \
    err_set((reader)->err, ERR_FORMAT, NULL, "%.200s: " fmt, (reader)->where, __VA_ARGS__)

/* A text may end up in a log line or a reply header: no control characters. */
static bool is_printable(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F) return false;
    return bytes > 0;
}

static bool read_text(const struct reader *reader, const char *key, const char **out)
{
    const json_t *value = json_object_get(reader->json, key);
    if (!value) return true;
    if (!json_is_string(value) ||
        !is_printable(json_string_value(value), json_string_length(value)) ||
        json_string_length(value) > 200) {
        return FAIL(reader, "%s must be a text of 1 to 200 bytes without control characters", key);
    }
    *out = json_string_value(value);
    return true;
}

static bool read_bool(const struct reader *reader, const char *key, bool *out, bool *is_said)
{
    const json_t *value = json_object_get(reader->json, key);
    if (!value) return true;
    if (!json_is_boolean(value)) return FAIL(reader, "%s must be true or false", key);
    *out = json_is_true(value);
    if (is_said) *is_said = true;
    return true;
}

static bool read_tokenizer(const struct reader *reader, const char **out)
{
    if (!read_text(reader, "tokenizer", out)) return false;
    if (!*out || strcmp(*out, "wordpiece") == 0 || strcmp(*out, "dictionary") == 0) return true;
    return FAIL(reader, "tokenizer must be \"wordpiece\" or \"dictionary\", not \"%.*s\"",
                ERR_VALUE_BYTES, *out);
}

static bool read_pooling(const struct reader *reader, enum pooling *out)
{
    const char *name = NULL;
    if (!read_text(reader, "pooling", &name)) return false;
    if (!name || pooling_from_name(name, strlen(name), out)) return true;
    return FAIL(reader, "pooling must be \"mean\", \"weighted\", \"sum\" or \"max\", not \"%.*s\"",
                ERR_VALUE_BYTES, name);
}

static bool read_vocab_size(const struct reader *reader, uint64_t *out)
{
    const json_t *value = json_object_get(reader->json, "vocab_size");
    if (!value) return true;
    if (!json_is_integer(value) || json_integer_value(value) < 1)
        return FAIL(reader, "%s must be a whole number from 1", "vocab_size");
    *out = (uint64_t)json_integer_value(value);
    return true;
}

bool settings_open(struct settings *settings, struct span config, const char *where,
                   struct err *err)
{
    struct err detail;
    *settings =
        (struct settings){.version = "", .license = "", .pooling = POOLING_MEAN, .lowercase = true};
    if (!config.data) return true;
    struct reader reader = {.where = where, .err = err};
    settings->json = json_read(config.data, config.bytes, &detail);
    reader.json = settings->json;
    if (!settings->json)
        FAIL(&reader, "it is not JSON: %s", detail.message);
    else if (!json_is_object(settings->json))
        FAIL(&reader, "it must be a JSON object, as %s", "{\"pooling\": \"mean\"}");
    else if (read_text(&reader, "name", &settings->name) &&
             read_text(&reader, "version", &settings->version) &&
             read_text(&reader, "license", &settings->license) &&
             read_tokenizer(&reader, &settings->tokenizer) &&
             read_pooling(&reader, &settings->pooling) &&
             read_bool(&reader, "normalize", &settings->normalize, &settings->is_normalize_said) &&
             read_bool(&reader, "lowercase", &settings->lowercase, NULL) &&
             read_vocab_size(&reader, &settings->vocab_size))
        return true;
    settings_close(settings);
    return false;
}

void settings_complete(struct settings *settings, const char *tokenizer_kind)
{
    /* Rows of a dictionary are the user's own numbers: they come back as they are. */
    if (!settings->is_normalize_said)
        settings->normalize = strcmp(tokenizer_kind, "dictionary") != 0;
}

static void set_text(json_t *json, const char *key, const char *text)
{
    if (text && text[0]) json_object_set_new(json, key, json_string(text));
}

json_t *settings_as_json(const struct settings *settings)
{
    json_t *json = json_object();
    set_text(json, "name", settings->name);
    set_text(json, "version", settings->version);
    set_text(json, "license", settings->license);
    set_text(json, "pooling", pooling_names[settings->pooling]);
    json_object_set_new(json, "normalize", json_boolean(settings->normalize));
    return json;
}

void settings_close(struct settings *settings)
{
    json_decref(settings->json);
    *settings = (struct settings){0};
}
