/* SPDX-License-Identifier: Apache-2.0 */
#include "config/option.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define AT(field) offsetof(struct config, field)
#define UNIT_TYPE(unit) (sizeof(unit) > 1 ? OPTION_BYTES : OPTION_NUMBER)
const struct option options[CONFIG_COUNT] = {
#define CONFIG_TEXT(field, name, value, words, reload, help)                                       \
    {name, OPTION_TEXT, AT(field), 0, 0, 0, value, words, reload, help},
#define CONFIG_LIST(field, name, value, words, reload, help)                                       \
    {name, OPTION_LIST, AT(field), 0, 0, 0, value, words, reload, help},
#define CONFIG_NUMBER(field, name, value, min, max, unit, reload, help)                            \
    {name, UNIT_TYPE(unit), AT(field), value, min, max, NULL, NULL, reload, help},
#define CONFIG_SECONDS(field, name, value, min, max, reload, help)                                 \
    {name, OPTION_SECONDS, AT(field##_ms), value, min, max, NULL, NULL, reload, help},
#define CONFIG_BOOL(field, name, value, reload, help)                                              \
    {name, OPTION_BOOL, AT(field), value, 0, 1, NULL, NULL, reload, help},
#define CONFIG_CHOICE(field, name, value, words, reload, help)                                     \
    {name, OPTION_CHOICE, AT(field), value, 0, 0, NULL, words, reload, help},
#include "config/options.def"
};

bool option_is_text(const struct option *option)
{
    return option->type == OPTION_TEXT || option->type == OPTION_LIST;
}

const char *option_word(const char *words, size_t n, size_t *bytes)
{
    for (; n > 0 && words; n--) {
        words = strchr(words, ' ');
        if (words) words++;
    }
    if (words) *bytes = strcspn(words, " ");
    return words;
}

/* A whole number at the start of `text`; returns what follows it, NULL if there is none. */
static const char *read_digits(const char *text, uint64_t *number)
{
    if (!isdigit((unsigned char)*text)) return NULL;
    for (*number = 0; isdigit((unsigned char)*text); text++) {
        if (__builtin_mul_overflow(*number, 10u, number)) return NULL;
        if (__builtin_add_overflow(*number, (uint64_t)(*text - '0'), number)) return NULL;
    }
    return text;
}

struct unit {
    const char *suffix;
    uint64_t factor;
};

static const struct unit units_plain[] = {{"", 1}, {NULL, 0}};
static const struct unit units_bytes[] = {
    {"", 1},           {"K", 1u << 10}, {"KiB", 1u << 10}, {"M", 1u << 20},
    {"MiB", 1u << 20}, {"G", 1u << 30}, {"GiB", 1u << 30}, {NULL, 0},
};
static const struct unit units_time[] = {
    {"", 1000}, {"s", 1000}, {"ms", 1}, {"m", 60000}, {"h", 3600000}, {NULL, 0},
};

static bool read_number(const char *text, const struct unit *units, uint64_t *number)
{
    const char *suffix = read_digits(text, number);
    if (!suffix) return false;
    for (; units->suffix; units++) {
        if (strcmp(suffix, units->suffix) != 0) continue;
        return !__builtin_mul_overflow(*number, units->factor, number);
    }
    return false;
}

static bool read_choice(const char *text, const char *words, uint64_t *number)
{
    size_t bytes = 0;
    const char *word;
    for (*number = 0; (word = option_word(words, *number, &bytes)); ++*number) {
        if (strlen(text) == bytes && memcmp(text, word, bytes) == 0) return true;
    }
    return false;
}

static bool read_bool(const char *text, uint64_t *number)
{
    *number = strcmp(text, "true") == 0;
    return *number || strcmp(text, "false") == 0;
}

bool option_read(const struct option *option, const char *text, uint64_t *number)
{
    bool is_read = false;
    switch (option->type) {
    case OPTION_TEXT:
    case OPTION_LIST:
        return *text != '\0';
    case OPTION_CHOICE:
        return read_choice(text, option->words, number);
    case OPTION_BOOL:
        return read_bool(text, number);
    case OPTION_NUMBER:
        is_read = read_number(text, units_plain, number);
        break;
    case OPTION_BYTES:
        is_read = read_number(text, units_bytes, number);
        break;
    case OPTION_SECONDS:
        is_read = read_number(text, units_time, number);
        break;
    }
    return is_read && *number >= option->min && *number <= option->max;
}

void option_time(uint64_t ms, char *out, size_t bytes)
{
    uint64_t s = ms / 1000;
    if (ms % 1000)
        snprintf(out, bytes, "%" PRIu64 "ms", ms);
    else if (s > 0 && s % 3600 == 0)
        snprintf(out, bytes, "%" PRIu64 "h", s / 3600);
    else
        snprintf(out, bytes, "%" PRIu64 "s", s);
}

/* "error, right or left" */
static void write_words(const char *words, char *out, size_t bytes)
{
    size_t length = 0, used = 0;
    const char *word;
    out[0] = '\0';
    for (size_t n = 0; (word = option_word(words, n, &length)); n++) {
        const char *between = n == 0 ? "" : word[length] ? ", " : " or ";
        int more = snprintf(out + used, bytes - used, "%s%.*s", between, (int)length, word);
        assert(more >= 0 && (size_t)more < bytes - used);
        used += (size_t)more;
    }
}

void option_range(const struct option *option, char *out, size_t bytes)
{
    char low[32], high[32], words[80];
    switch (option->type) {
    case OPTION_TEXT:
    case OPTION_LIST:
        snprintf(out, bytes, "a non-empty text");
        break;
    case OPTION_NUMBER:
        snprintf(out, bytes, "a whole number from %" PRIu64 " to %" PRIu64, option->min,
                 option->max);
        break;
    case OPTION_BYTES:
        snprintf(out, bytes, "a number of bytes from %" PRIu64 " to %" PRIu64 " (also 64K, 8M, 1G)",
                 option->min, option->max);
        break;
    case OPTION_SECONDS:
        option_time(option->min, low, sizeof low);
        option_time(option->max, high, sizeof high);
        snprintf(out, bytes, "a time from %s to %s (30 or 30s, 500ms, 2m)", low, high);
        break;
    case OPTION_BOOL:
        snprintf(out, bytes, "true or false");
        break;
    case OPTION_CHOICE:
        write_words(option->words, words, sizeof words);
        snprintf(out, bytes, "%s", words);
        break;
    }
}
