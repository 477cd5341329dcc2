/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a config, one by one: as fields, as text, as JSON. */
#include "config/setting.h"

#include "base/json.h"
#include "base/nearest.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const config_aliases[][2] = {
    {"port", "listen"},
    {"host", "listen"},
    {"hostname", "listen"},
    {"bind", "listen"},
    {"address", "listen"},
    {"model-id", "model"},
    {"model-path", "model"},
    {"cors-allow-origin", "cors-origins"},
    {"allowed-origins", "cors-origins"},
    {NULL, NULL},
};

/* ---- fields ---- */

static void *field_of(const struct config *config, const struct option *option)
{
    return (char *)(uintptr_t)config + option->offset;
}

/* At start there is nothing sensible to do without memory. */
static char *copy_text(const char *text)
{
    char *copy = strdup(text);
    if (!copy) abort();
    return copy;
}

static void store_number(struct config *config, const struct option *option, uint64_t number)
{
    void *field = field_of(config, option);
    if (option->type == OPTION_BOOL)
        *(bool *)field = number != 0;
    else if (option->type == OPTION_CHOICE)
        *(int *)field = (int)number;
    else
        *(uint64_t *)field = number;
}

static void store_text(struct config *config, const struct option *option, const char *text)
{
    char **field = field_of(config, option);
    free(*field);
    *field = copy_text(text);
}

/* One item more, in a line of its own. */
static void append_text(struct config *config, const struct option *option, const char *text)
{
    char **field = field_of(config, option), *joined;
    if (asprintf(&joined, "%s\n%s", *field, text) < 0) abort();
    free(*field);
    *field = joined;
}

void config_init(struct config *config)
{
    *config = (struct config){0};
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        if (option_is_text(&options[i]))
            store_text(config, &options[i], options[i].text);
        else
            store_number(config, &options[i], options[i].number);
    }
}

void config_clear(struct config *config)
{
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        if (option_is_text(&options[i])) free(*(char **)field_of(config, &options[i]));
    }
    for (size_t i = 0; i < config->n_warnings; i++)
        free(config->warnings[i]);
    free(config->warnings);
    free(config->file);
    *config = (struct config){0};
}

const char *config_name(size_t i)
{
    assert(i < CONFIG_COUNT);
    return options[i].name;
}

const char *config_value(const struct config *config, size_t i, char scratch[static 32])
{
    assert(i < CONFIG_COUNT);
    const struct option *option = &options[i];
    const void *field = field_of(config, option);
    size_t bytes = 0;
    const char *word;
    switch (option->type) {
    case OPTION_TEXT:
    case OPTION_LIST:
        return *(char *const *)field;
    case OPTION_BOOL:
        return *(const bool *)field ? "true" : "false";
    case OPTION_CHOICE:
        word = option_word(option->words, (size_t) * (const int *)field, &bytes);
        assert(word && bytes < 32);
        snprintf(scratch, 32, "%.*s", (int)bytes, word);
        break;
    case OPTION_SECONDS:
        option_time(*(const uint64_t *)field, scratch, 32);
        break;
    case OPTION_NUMBER:
    case OPTION_BYTES:
        snprintf(scratch, 32, "%" PRIu64, *(const uint64_t *)field);
        break;
    }
    return scratch;
}

void setting_variable(const char *name, char out[static SETTING_NAME_BYTES_MAX])
{
    size_t n = strlen(SETTING_PREFIX);
    memcpy(out, SETTING_PREFIX, n);
    for (; *name && n < SETTING_NAME_BYTES_MAX - 1; name++)
        out[n++] = *name == '-' ? '_' : (char)toupper((unsigned char)*name);
    out[n] = '\0';
}

const char *config_origin(const struct config *config, size_t i, char *scratch, size_t bytes)
{
    assert(i < CONFIG_COUNT);
    char variable[SETTING_NAME_BYTES_MAX];
    switch (config->origins[i]) {
    case CONFIG_DEFAULT:
        return "default";
    case CONFIG_FILE:
        snprintf(scratch, bytes, "file %s", config->file);
        break;
    case CONFIG_VARIABLE:
        setting_variable(options[i].name, variable);
        snprintf(scratch, bytes, "%s", variable);
        break;
    case CONFIG_FLAG:
        snprintf(scratch, bytes, "--%s", options[i].name);
        break;
    }
    return scratch;
}

static void add_items(const char *items, struct buf *out)
{
    buf_add_char(out, '[');
    for (const char *end;; items = end + 1) {
        end = items + strcspn(items, "\n");
        json_write_string(out, items, (size_t)(end - items));
        if (!*end) break;
        buf_add_str(out, ", ");
    }
    buf_add_char(out, ']');
}

void config_add_json(const struct config *config, size_t i, struct buf *out)
{
    char scratch[32];
    const char *value = config_value(config, i, scratch);
    enum option_type type = options[i].type;
    if (type == OPTION_NUMBER || type == OPTION_BYTES || type == OPTION_BOOL)
        buf_add_str(out, value);
    else if (type == OPTION_LIST && strchr(value, '\n'))
        add_items(value, out);
    else
        json_write_string(out, value, strlen(value));
}

/* ---- setting one value ---- */

size_t setting_find(const char *name, size_t bytes)
{
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        if (strlen(options[i].name) == bytes && memcmp(options[i].name, name, bytes) == 0) return i;
    }
    return CONFIG_COUNT;
}

const char *config_nearest_name(const char *name)
{
    for (size_t i = 0; config_aliases[i][0]; i++) {
        if (strcmp(name, config_aliases[i][0]) == 0) return config_aliases[i][1];
    }
    const char *names[CONFIG_COUNT + 1];
    for (size_t i = 0; i < CONFIG_COUNT; i++)
        names[i] = options[i].name;
    names[CONFIG_COUNT] = "config";
    return nearest_name(name, names, CONFIG_COUNT + 1);
}

bool setting_refuse(const struct option *option, const char *where, const char *text,
                    struct err *err)
{
    char range[160];
    if (option_is_text(option) && !*text)
        return err_set(err, ERR_USAGE, option->name, "%s must not be empty", where);
    option_range(option, range, sizeof range);
    return err_set(err, ERR_USAGE, option->name, "%s must be %s, not '%.*s'", where, range,
                   ERR_VALUE_BYTES, text);
}

bool setting_set(struct config *config, size_t i, enum config_origin origin, const char *where,
                 const char *text, struct err *err)
{
    const struct option *option = &options[i];
    uint64_t number = 0;
    if (!option_read(option, text, &number)) return setting_refuse(option, where, text, err);
    if (config->origins[i] > origin) return true;
    /* Flags come one by one, and so do the items of the file. */
    const bool is_next = option->type == OPTION_LIST && config->origins[i] == origin;
    config->origins[i] = origin;
    if (is_next)
        append_text(config, option, text);
    else if (option_is_text(option))
        store_text(config, option, text);
    else
        store_number(config, option, number);
    return true;
}

void setting_set_file(struct config *config, enum config_origin origin, const char *path)
{
    if (config->file_origin > origin) return;
    free(config->file);
    config->file = copy_text(path);
    config->file_origin = origin;
}

/* ---- two of them ---- */

void setting_copy(struct config *to, const struct config *from, size_t i)
{
    char scratch[32];
    const struct option *option = &options[i];
    const char *text = config_value(from, i, scratch);
    uint64_t number = 0;
    if (option_is_text(option))
        store_text(to, option, text);
    else if (option_read(option, text, &number))
        store_number(to, option, number);
    to->origins[i] = from->origins[i];
}

bool config_differs(const struct config *a, const struct config *b, size_t i)
{
    char of_a[32], of_b[32];
    return strcmp(config_value(a, i, of_a), config_value(b, i, of_b)) != 0;
}
