/* SPDX-License-Identifier: Apache-2.0 */
#include "config/option.h"

#include "base/file.h"
#include "base/grow.h"
#include "base/json.h"
#include "base/nearest.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX ((size_t)1 << 20)
#define NAME_BYTES_MAX 64
#define PREFIX "EMBEDD_"

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

/* Variables with our prefix that other parts of the program read. */
static const char *const other_variables[] = {PREFIX "CONFIG", PREFIX "CPU"};

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

static void variable_name(const char *name, char out[static NAME_BYTES_MAX])
{
    size_t n = strlen(PREFIX);
    memcpy(out, PREFIX, n);
    for (; *name && n < NAME_BYTES_MAX - 1; name++)
        out[n++] = *name == '-' ? '_' : (char)toupper((unsigned char)*name);
    out[n] = '\0';
}

const char *config_origin(const struct config *config, size_t i, char *scratch, size_t bytes)
{
    assert(i < CONFIG_COUNT);
    char variable[NAME_BYTES_MAX];
    switch (config->origins[i]) {
    case CONFIG_DEFAULT:
        return "default";
    case CONFIG_FILE:
        snprintf(scratch, bytes, "file %s", config->file);
        break;
    case CONFIG_VARIABLE:
        variable_name(options[i].name, variable);
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

static size_t find_option(const char *name, size_t bytes)
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

/* `where` is the value's name in messages: "--threads", "EMBEDD_THREADS", "a.json:3: threads". */
static bool refuse_value(const struct option *option, const char *where, const char *text,
                         struct err *err)
{
    char range[160];
    option_range(option, range, sizeof range);
    return err_set(err, ERR_USAGE, option->name, "%s must be %s, not '%.*s'", where, range,
                   ERR_VALUE_BYTES, text);
}

static bool set_value(struct config *config, size_t i, enum config_origin origin, const char *where,
                      const char *text, struct err *err)
{
    const struct option *option = &options[i];
    uint64_t number = 0;
    if (!option_read(option, text, &number)) return refuse_value(option, where, text, err);
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

static void set_file(struct config *config, enum config_origin origin, const char *path)
{
    if (config->file_origin > origin) return;
    free(config->file);
    config->file = copy_text(path);
    config->file_origin = origin;
}

/* ---- flags ---- */

static bool missing_value(const char *name, const char *range, struct err *err)
{
    return err_set(err, ERR_USAGE, name, "--%s needs a value: %s", name, range);
}

static bool read_setting_flag(void *setting, const char *name, const char *value, struct err *err)
{
    char where[NAME_BYTES_MAX], range[160];
    const size_t i = find_option(name, strlen(name));
    snprintf(where, sizeof where, "--%s", name);
    if (value) return set_value(setting, i, CONFIG_FLAG, where, value, err);
    option_range(&options[i], range, sizeof range);
    return missing_value(name, range, err);
}

static bool read_file_flag(void *setting, const char *name, const char *value, struct err *err)
{
    if (!value || !*value) return missing_value(name, "the path of a JSON file", err);
    set_file(setting, CONFIG_FLAG, value);
    return true;
}

void config_flags(struct config *config, struct flag list[static CONFIG_FLAGS])
{
    for (size_t i = 0; i < CONFIG_COUNT; i++)
        list[i] = (struct flag){
            .name = options[i].name,
            .type = options[i].type == OPTION_BOOL ? FLAG_SETTING_SWITCH : FLAG_SETTING,
            .out.setting = config,
            .is_list = options[i].type == OPTION_LIST,
            .read = read_setting_flag,
        };
    list[CONFIG_COUNT] = (struct flag){
        .name = "config", .type = FLAG_SETTING, .out.setting = config, .read = read_file_flag};
}

/* ---- variables ---- */

static void warn(struct config *config, const char *variable, size_t bytes)
{
    char lower[NAME_BYTES_MAX], proper[NAME_BYTES_MAX];
    size_t n = 0;
    for (size_t at = strlen(PREFIX); at < bytes && n < sizeof lower - 1; at++, n++)
        lower[n] = variable[at] == '_' ? '-' : (char)tolower((unsigned char)variable[at]);
    lower[n] = '\0';
    const char *nearest = config_nearest_name(lower);
    char *text = NULL;
    int length;
    if (nearest) {
        variable_name(nearest, proper);
        length =
            asprintf(&text, "the variable %.*s is not a setting and is ignored; did you mean %s?",
                     (int)bytes, variable, proper);
    } else {
        length = asprintf(&text, "the variable %.*s is not a setting and is ignored", (int)bytes,
                          variable);
    }
    if (length < 0 || !grow_to(&config->warnings, config->n_warnings + 1, sizeof *config->warnings))
        abort();
    config->warnings[config->n_warnings++] = text;
}

static bool is_other_variable(const char *variable, size_t bytes)
{
    for (size_t i = 0; i < sizeof other_variables / sizeof *other_variables; i++) {
        const char *known = other_variables[i];
        if (strlen(known) == bytes && memcmp(known, variable, bytes) == 0) return true;
    }
    return false;
}

static bool load_variables(struct config *config, struct err *err)
{
    char variable[NAME_BYTES_MAX];
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        variable_name(options[i].name, variable);
        const char *value = getenv(variable);
        if (!value || !*value) continue;
        if (!set_value(config, i, CONFIG_VARIABLE, variable, value, err)) return false;
    }
    const char *file = getenv(PREFIX "CONFIG");
    if (file && *file) set_file(config, CONFIG_VARIABLE, file);
    return true;
}

static void warn_of_unknown_variables(struct config *config)
{
    char variable[NAME_BYTES_MAX];
    for (char **entry = environ; entry && *entry; entry++) {
        size_t bytes = strcspn(*entry, "=");
        if (strncmp(*entry, PREFIX, strlen(PREFIX)) != 0 || is_other_variable(*entry, bytes))
            continue;
        bool is_known = false;
        for (size_t i = 0; i < CONFIG_COUNT && !is_known; i++) {
            variable_name(options[i].name, variable);
            is_known = strlen(variable) == bytes && memcmp(variable, *entry, bytes) == 0;
        }
        if (!is_known) warn(config, *entry, bytes);
    }
}

/* ---- the file ---- */

/* The line of a key in the file's text, which is known to be one JSON object; jansson does not
   keep it. A quoted key followed by a colon cannot stand inside a value, unless that is an object,
   which no setting is. 0: not found, as when the key is written with escapes. */
static size_t line_of_key(const char *text, const char *key)
{
    size_t bytes = strlen(key);
    for (const char *at = text; (at = strchr(at, '"')); at++) {
        if (strncmp(at + 1, key, bytes) != 0 || at[1 + bytes] != '"') continue;
        const char *after = at + 2 + bytes;
        if (after[strspn(after, " \t\r\n")] != ':') continue;
        size_t line = 1;
        for (const char *c = text; c < at; c++)
            line += *c == '\n';
        return line;
    }
    return 0;
}

/* A JSON value as the text a flag would have; false when its kind cannot be that setting's. */
static bool json_as_text(const struct option *option, const json_t *value, char *scratch,
                         size_t bytes, const char **text)
{
    *text = scratch;
    switch (json_typeof(value)) {
    case JSON_STRING:
        *text = json_string_value(value);
        if (strlen(*text) != json_string_length(value)) return false;
        return option->type != OPTION_BOOL;
    case JSON_INTEGER:
        snprintf(scratch, bytes, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return option->type == OPTION_NUMBER || option->type == OPTION_BYTES ||
               option->type == OPTION_SECONDS;
    case JSON_REAL:
        snprintf(scratch, bytes, "%.17g", json_real_value(value));
        return false;
    case JSON_TRUE:
    case JSON_FALSE:
        snprintf(scratch, bytes, "%s", json_is_true(value) ? "true" : "false");
        return option->type == OPTION_BOOL;
    case JSON_NULL:
        *text = "null";
        return false;
    case JSON_OBJECT:
        *text = "{...}";
        return false;
    case JSON_ARRAY:
        *text = "[...]";
        return false;
    }
    return false;
}

static bool load_key(struct config *config, const char *content, const char *key,
                     const json_t *value, struct err *err)
{
    char place[300], where[sizeof place + NAME_BYTES_MAX], scratch[40];
    size_t line = line_of_key(content, key);
    if (line > 0)
        snprintf(place, sizeof place, "%.250s:%zu", config->file, line);
    else
        snprintf(place, sizeof place, "%.250s", config->file);

    size_t i = find_option(key, strlen(key));
    if (i == CONFIG_COUNT) {
        const char *nearest = config_nearest_name(key);
        return err_set(err, ERR_USAGE, NULL, "%s: there is no setting '%.*s'%s%s%s", place,
                       ERR_VALUE_BYTES, key, nearest ? "; did you mean '" : "",
                       nearest ? nearest : "; `embedd config --sample` shows all of them",
                       nearest ? "'?" : "");
    }
    snprintf(where, sizeof where, "%s: %s", place, options[i].name);
    const bool is_list = options[i].type == OPTION_LIST && json_is_array(value);
    const size_t n = is_list ? json_array_size(value) : 1;
    if (n == 0) return refuse_value(&options[i], where, "[]", err);
    for (size_t k = 0; k < n; k++) {
        const json_t *item = is_list ? json_array_get(value, k) : value;
        const char *text;
        if (!json_as_text(&options[i], item, scratch, sizeof scratch, &text))
            return refuse_value(&options[i], where, text, err);
        if (!set_value(config, i, CONFIG_FILE, where, text, err)) return false;
    }
    return true;
}

static bool load_file(struct config *config, struct err *err)
{
    char *content = NULL;
    size_t bytes = 0;
    json_t *root = NULL;
    struct err cause;
    bool is_loaded = false;
    if (!file_read(config->file, FILE_BYTES_MAX, &content, &bytes, &cause)) {
        err_set(err, ERR_USAGE, NULL, "the configuration file cannot be read: %s", cause.message);
        goto out;
    }
    if (strspn(content, " \t\r\n") == bytes) {
        err_set(err, ERR_USAGE, NULL,
                "%s:1: the configuration file is empty; it must hold a JSON object, as `embedd "
                "config --sample` prints it",
                config->file);
        goto out;
    }
    root = json_read(content, bytes, &cause);
    if (!root) {
        err_set(err, ERR_USAGE, NULL, "%s: %s", config->file, cause.message);
        goto out;
    }
    if (!json_is_object(root)) {
        err_set(err, ERR_USAGE, NULL, "%s:1: the configuration file must hold a JSON object",
                config->file);
        goto out;
    }
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value)
    {
        if (!load_key(config, content, key, value, err)) goto out;
    }
    is_loaded = true;
out:
    json_decref(root);
    free(content);
    return is_loaded;
}

bool config_finish(struct config *config, struct err *err)
{
    if (!load_variables(config, err)) return false;
    warn_of_unknown_variables(config);
    return !config->file || load_file(config, err);
}

/* ---- again ---- */

static void copy_value(struct config *to, const struct config *from, size_t i)
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

static void keep_fixed(struct config *config, const struct config *before, char *fixed,
                       size_t bytes)
{
    size_t used = 0;
    fixed[0] = '\0';
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        if (options[i].is_reloadable || !config_differs(config, before, i)) continue;
        copy_value(config, before, i);
        const int n =
            snprintf(fixed + used, bytes - used, "%s%s", used ? ", " : "", options[i].name);
        used = n < 0 || (size_t)n >= bytes - used ? bytes - 1 : used + (size_t)n;
    }
}

bool config_read_again(struct config *config, const struct config *before, char *fixed,
                       size_t bytes, struct err *err)
{
    config_init(config);
    for (size_t i = 0; i < CONFIG_COUNT; i++)
        if (before->origins[i] == CONFIG_FLAG) copy_value(config, before, i);
    if (before->file && before->file_origin == CONFIG_FLAG)
        set_file(config, CONFIG_FLAG, before->file);
    if (!config_finish(config, err)) return false;
    keep_fixed(config, before, fixed, bytes);
    return true;
}
