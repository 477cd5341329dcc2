/* SPDX-License-Identifier: Apache-2.0 */
#include "base/flags.h"

#include "base/nearest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The choices with `separator` between them, and `last` before the last one. */
static void join_choices(const struct flag *flag, const char *separator, const char *last,
                         char *out, size_t bytes)
{
    out[0] = 0;
    for (size_t i = 0; flag->choices[i]; i++) {
        size_t used = strlen(out);
        const char *before = i == 0 ? "" : flag->choices[i + 1] ? separator : last;
        snprintf(out + used, bytes - used, "%s%s", before, flag->choices[i]);
    }
}

static void describe_values(const struct flag *flag, char *out, size_t bytes)
{
    if (flag->type == FLAG_CHOICE) {
        join_choices(flag, ", ", " or ", out, bytes);
    } else if (flag->type == FLAG_NUMBER) {
        snprintf(out, bytes, "a whole number from %llu to %llu", (unsigned long long)flag->min,
                 (unsigned long long)flag->max);
    } else if (flag->type == FLAG_REAL) {
        snprintf(out, bytes, "a number from %g to %g", flag->least, flag->most);
    } else if (flag->type == FLAG_SWITCH) {
        snprintf(out, bytes, "true or false");
    } else {
        snprintf(out, bytes, "%s", flag->value);
    }
}

/* Which flag is likely meant by `name`, or NULL. */
static const char *find_meant(const struct flags *flags, const char *name)
{
    const char *names[FLAGS_MAX + 1];
    size_t n = 0;
    for (size_t i = 0; flags->aliases && flags->aliases[i][0]; i++)
        if (strcmp(flags->aliases[i][0], name) == 0) return flags->aliases[i][1];
    for (; n < flags->n; n++)
        names[n] = flags->list[n].name;
    names[n++] = "help";
    return nearest_name(name, names, n);
}

/* `given` begins with one dash or two. */
static bool unknown_flag(const struct flags *flags, const char *given, struct err *err)
{
    char shown[ERR_VALUE_BYTES + 3];
    const size_t dashes = given[1] == '-' ? 2 : 1;
    snprintf(shown, sizeof shown, "%.*s", (int)strcspn(given, "="), given);
    if (strcmp(shown, "--help") == 0) return err_set(err, ERR_USAGE, NULL, "--help takes no value");
    const char *meant = find_meant(flags, shown + dashes);
    if (meant)
        return err_set(err, ERR_USAGE, NULL, "unknown flag %s, did you mean --%s?", shown, meant);
    return err_set(err, ERR_USAGE, NULL, "unknown flag %s; %s--help lists them", shown,
                   dashes == 1 ? "flags begin with two dashes, " : "");
}

static bool wrong_value(const struct flag *flag, const char *value, struct err *err)
{
    char expected[200];
    describe_values(flag, expected, sizeof(expected));
    return err_set(err, ERR_USAGE, NULL, "--%s must be %s, not '%.*s'", flag->name, expected,
                   ERR_VALUE_BYTES, value);
}

static bool read_number(const struct flag *flag, const char *value, struct err *err)
{
    uint64_t number = 0;
    for (const char *at = value; *at; at++) {
        if (*at < '0' || *at > '9') return wrong_value(flag, value, err);
        uint64_t digit = (uint64_t)(*at - '0');
        if (number > (UINT64_MAX - digit) / 10) return wrong_value(flag, value, err);
        number = number * 10 + digit;
    }
    if (!value[0] || number < flag->min || number > flag->max) {
        return wrong_value(flag, value, err);
    }
    *flag->out.number = number;
    return true;
}

static bool read_real(const struct flag *flag, const char *value, struct err *err)
{
    char *end;
    const double number = strtod(value, &end);
    /* strtod knows nan, inf and hexadecimal numbers; a flag does not. */
    if (!value[0] || *end || strspn(value, "0123456789.eE+-") != strlen(value) ||
        !(number >= flag->least && number <= flag->most))
        return wrong_value(flag, value, err);
    *flag->out.real = number;
    return true;
}

static bool read_switch(const struct flag *flag, const char *value, struct err *err)
{
    const bool is_on = strcmp(value, "true") == 0;
    if (!is_on && strcmp(value, "false") != 0) return wrong_value(flag, value, err);
    *flag->out.is_on = is_on;
    return true;
}

static bool read_value(const struct flag *flag, const char *value, struct err *err)
{
    switch (flag->type) {
    case FLAG_STRING:
        *flag->out.string = value;
        return true;
    case FLAG_CHOICE:
        for (int i = 0; flag->choices[i]; i++) {
            if (strcmp(flag->choices[i], value) == 0) {
                *flag->out.choice = i;
                return true;
            }
        }
        return wrong_value(flag, value, err);
    case FLAG_NUMBER:
        return read_number(flag, value, err);
    case FLAG_REAL:
        return read_real(flag, value, err);
    case FLAG_SWITCH:
        return read_switch(flag, value, err);
    case FLAG_SETTING:
    case FLAG_SETTING_SWITCH:
        return flag->read(flag->out.setting, flag->name, value, err);
    }
    return false;
}

static bool is_switch(const struct flag *flag)
{
    return flag->type == FLAG_SWITCH || flag->type == FLAG_SETTING_SWITCH;
}

static bool missing_value(const struct flag *flag, struct err *err)
{
    char expected[200];
    if (flag->type == FLAG_SETTING) return flag->read(flag->out.setting, flag->name, NULL, err);
    describe_values(flag, expected, sizeof(expected));
    return err_set(err, ERR_USAGE, NULL, "--%s needs a value: %s", flag->name, expected);
}

static const struct flag *find_flag(const struct flags *flags, const char *name, size_t bytes)
{
    for (size_t i = 0; i < flags->n; i++) {
        const struct flag *flag = &flags->list[i];
        if (strlen(flag->name) == bytes && memcmp(flag->name, name, bytes) == 0) return flag;
    }
    return NULL;
}

/* Marks the flag in `seen` (FLAGS_MAX). */
static bool check_first(const struct flags *flags, const struct flag *flag, bool *seen,
                        struct err *err)
{
    bool *is_seen = &seen[flag - flags->list];
    if (*is_seen && !flag->is_list)
        return err_set(err, ERR_USAGE, NULL, "--%s is given twice; give it once", flag->name);
    *is_seen = true;
    return true;
}

/* One flag at argv[*at], which begins with "--"; moves *at to the last argument it took. */
static bool take_flag(const struct flags *flags, int argc, char **argv, int *at, bool *seen,
                      struct err *err)
{
    const char *name = argv[*at] + 2;
    const char *equals = strchr(name, '=');
    size_t bytes = equals ? (size_t)(equals - name) : strlen(name);
    const struct flag *flag = find_flag(flags, name, bytes);
    const char *value = equals ? equals + 1 : flag && is_switch(flag) ? "true" : NULL;
    if (!flag && bytes > 3 && memcmp(name, "no-", 3) == 0 && !equals) {
        flag = find_flag(flags, name + 3, bytes - 3);
        if (flag && !is_switch(flag)) flag = NULL;
        value = "false";
    }
    if (!flag) return unknown_flag(flags, argv[*at], err);
    if (!check_first(flags, flag, seen, err)) return false;
    if (!value && *at + 1 < argc && strncmp(argv[*at + 1], "--", 2) != 0) value = argv[++*at];
    return value ? read_value(flag, value, err) : missing_value(flag, err);
}

static bool check_files(const struct flags *flags, char **argv, int n_files, struct err *err)
{
    if (n_files > flags->files_max) {
        return err_set(err, ERR_USAGE, NULL, "unexpected argument '%.*s'; usage: %s",
                       ERR_VALUE_BYTES, argv[flags->files_max + 1], flags->usage);
    }
    if (n_files < flags->files_min) {
        return err_set(err, ERR_USAGE, NULL, "an argument is missing; usage: %s", flags->usage);
    }
    return true;
}

enum flags_outcome flags_parse(const struct flags *flags, int argc, char **argv, int *n_files,
                               struct err *err)
{
    assert(flags->n <= FLAGS_MAX);
    bool is_ended = false;
    bool seen[FLAGS_MAX] = {false};
    *n_files = 0;
    for (int i = 1; i < argc; i++) {
        if (is_ended || argv[i][0] != '-' || argv[i][1] == 0) {
            argv[++*n_files] = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            is_ended = true;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return FLAGS_HELP;
        } else if (argv[i][1] != '-') {
            unknown_flag(flags, argv[i], err);
            return FLAGS_WRONG;
        } else if (!take_flag(flags, argc, argv, &i, seen, err)) {
            return FLAGS_WRONG;
        }
    }
    return check_files(flags, argv, *n_files, err) ? FLAGS_RUN : FLAGS_WRONG;
}

static void print_flag(const struct flag *flag, FILE *out)
{
    char left[200];
    if (flag->type == FLAG_SWITCH) {
        snprintf(left, sizeof(left), "--[no-]%s", flag->name);
    } else if (flag->type == FLAG_CHOICE) {
        char choices[160];
        join_choices(flag, "|", "|", choices, sizeof(choices));
        snprintf(left, sizeof(left), "--%s %s", flag->name, choices);
    } else {
        snprintf(left, sizeof(left), "--%s %s", flag->name, flag->value);
    }
    fprintf(out, "  %-32s %s\n", left, flag->help);
}

void flags_print_help(const struct flags *flags, FILE *out)
{
    fprintf(out, "usage: %s\n\n%s\n\n", flags->usage, flags->about);
    if (flags->print_list) {
        flags->print_list(out);
        return;
    }
    for (size_t i = 0; i < flags->n; i++)
        print_flag(&flags->list[i], out);
    fprintf(out, "  %-32s %s\n", "--help", "this text");
}
