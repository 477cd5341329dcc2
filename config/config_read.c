/* SPDX-License-Identifier: Apache-2.0 */
/* Where values come from: flags, variables, the file. */
#include "config/setting.h"

#include "base/file.h"
#include "base/grow.h"
#include "base/json.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX ((size_t)1 << 20)

/* Variables with our prefix that other parts of the program read. */
static const char *const other_variables[] = {SETTING_PREFIX "CONFIG", SETTING_PREFIX "CPU"};

/* ---- flags ---- */

static bool missing_value(const char *name, const char *range, struct err *err)
{
    return err_set(err, ERR_USAGE, name, "--%s needs a value: %s", name, range);
}

static bool read_setting_flag(void *setting, const char *name, const char *value, struct err *err)
{
    char where[SETTING_NAME_BYTES_MAX], range[160];
    const size_t i = setting_find(name, strlen(name));
    snprintf(where, sizeof where, "--%s", name);
    if (value) return setting_set(setting, i, CONFIG_FLAG, where, value, err);
    option_range(&options[i], range, sizeof range);
    return missing_value(name, range, err);
}

static bool read_file_flag(void *setting, const char *name, const char *value, struct err *err)
{
    if (!value || !*value) return missing_value(name, "the path of a JSON file", err);
    setting_set_file(setting, CONFIG_FLAG, value);
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
    char lower[SETTING_NAME_BYTES_MAX], proper[SETTING_NAME_BYTES_MAX];
    size_t n = 0;
    for (size_t at = strlen(SETTING_PREFIX); at < bytes && n < sizeof lower - 1; at++, n++)
        lower[n] = variable[at] == '_' ? '-' : (char)tolower((unsigned char)variable[at]);
    lower[n] = '\0';
    const char *nearest = config_nearest_name(lower);
    char *text = NULL;
    int length;
    if (nearest) {
        setting_variable(nearest, proper);
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

/* ---- those of Kubernetes ---- */

#define DIGITS "0123456789"
#define UPPERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Where `text` goes on behind `prefix`; NULL: it does not begin so. */
static const char *behind(const char *text, const char *prefix)
{
    const size_t bytes = strlen(prefix);
    return text && strncmp(text, prefix, bytes) == 0 ? text + bytes : NULL;
}

/* The first of `words`, up to NULL, that `text` begins with is passed over. */
static const char *behind_one(const char *text, const char *const *words)
{
    for (; *words; words++) {
        const char *next = behind(text, *words);
        if (next) return next;
    }
    return NULL;
}

/* "SERVICE_HOST=", "SERVICE_PORT=", "SERVICE_PORT_HTTP=" */
static bool is_of_service(const char *text)
{
    const char *port = behind(text, "SERVICE_PORT"), *name = behind(port, "_");
    if (behind(text, "SERVICE_HOST=") || behind(port, "=")) return true;
    const size_t bytes = name ? strspn(name, UPPERS DIGITS "_") : 0;
    return bytes > 0 && name[bytes] == '=';
}

/* "PORT=tcp://...", "PORT_8080_TCP=tcp://...", "PORT_8080_TCP_ADDR=". A port that a person means
   has no scheme. */
static bool is_of_port(const char *text)
{
    static const char *const schemes[] = {"=tcp://", "=udp://", "=sctp://", NULL};
    static const char *const protocols[] = {"_TCP", "_UDP", "_SCTP", NULL};
    static const char *const parts[] = {"_PROTO=", "_PORT=", "_ADDR=", NULL};
    const char *port = behind(text, "PORT"), *number = behind(port, "_");
    if (behind_one(port, schemes)) return true;
    const size_t digits = number ? strspn(number, DIGITS) : 0;
    const char *rest = digits > 0 ? behind_one(number + digits, protocols) : NULL;
    return behind_one(rest, schemes) || behind_one(rest, parts);
}

/* Whether it is one of those that Kubernetes sets beside a Service called embedd; `entry` begins
   with our prefix. */
static bool is_of_kubernetes(const char *entry)
{
    const char *text = entry + strlen(SETTING_PREFIX);
    return is_of_service(text) || is_of_port(text);
}

/* ---- all variables ---- */

static bool load_variables(struct config *config, struct err *err)
{
    char variable[SETTING_NAME_BYTES_MAX];
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        setting_variable(options[i].name, variable);
        const char *value = getenv(variable);
        if (!value || !*value) continue;
        if (!setting_set(config, i, CONFIG_VARIABLE, variable, value, err)) return false;
    }
    const char *file = getenv(SETTING_PREFIX "CONFIG");
    if (file && *file) setting_set_file(config, CONFIG_VARIABLE, file);
    return true;
}

static void warn_of_unknown_variables(struct config *config)
{
    char variable[SETTING_NAME_BYTES_MAX];
    for (char **entry = environ; entry && *entry; entry++) {
        size_t bytes = strcspn(*entry, "=");
        if (strncmp(*entry, SETTING_PREFIX, strlen(SETTING_PREFIX)) != 0 ||
            is_other_variable(*entry, bytes))
            continue;
        bool is_known = false;
        for (size_t i = 0; i < CONFIG_COUNT && !is_known; i++) {
            setting_variable(options[i].name, variable);
            is_known = strlen(variable) == bytes && memcmp(variable, *entry, bytes) == 0;
        }
        if (!is_known && !is_of_kubernetes(*entry)) warn(config, *entry, bytes);
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
    char place[300], where[sizeof place + SETTING_NAME_BYTES_MAX], scratch[40];
    size_t line = line_of_key(content, key);
    if (line > 0)
        snprintf(place, sizeof place, "%.250s:%zu", config->file, line);
    else
        snprintf(place, sizeof place, "%.250s", config->file);

    size_t i = setting_find(key, strlen(key));
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
    if (n == 0) return setting_refuse(&options[i], where, "[]", err);
    for (size_t k = 0; k < n; k++) {
        const json_t *item = is_list ? json_array_get(value, k) : value;
        const char *text;
        if (!json_as_text(&options[i], item, scratch, sizeof scratch, &text))
            return setting_refuse(&options[i], where, text, err);
        if (!setting_set(config, i, CONFIG_FILE, where, text, err)) return false;
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

static void keep_fixed(struct config *config, const struct config *before, char *fixed,
                       size_t bytes)
{
    size_t used = 0;
    fixed[0] = '\0';
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        if (options[i].is_reloadable || !config_differs(config, before, i)) continue;
        setting_copy(config, before, i);
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
        if (before->origins[i] == CONFIG_FLAG) setting_copy(config, before, i);
    if (before->file && before->file_origin == CONFIG_FLAG)
        setting_set_file(config, CONFIG_FLAG, before->file);
    if (!config_finish(config, err)) return false;
    keep_fixed(config, before, fixed, bytes);
    return true;
}
