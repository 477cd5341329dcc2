/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/flags.h"

#include "base/nearest.h"
#include "commands/commands.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FLAGS_MAX 32

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
    } else {
        snprintf(out, bytes, "%s", flag->value);
    }
}

static bool unknown_flag(const struct flags *flags, const char *given, size_t bytes,
                         struct err *err)
{
    const char *names[FLAGS_MAX + 1];
    char name[64];
    size_t n = 0;
    for (; n < flags->n; n++)
        names[n] = flags->list[n].name;
    names[n++] = "help";
    snprintf(name, sizeof(name), "%.*s", (int)bytes, given);
    const char *nearest = nearest_name(name, names, n);
    if (nearest) {
        return err_set(err, ERR_USAGE, NULL, "unknown flag --%.*s, did you mean --%s?",
                       ERR_VALUE_BYTES, name, nearest);
    }
    return err_set(err, ERR_USAGE, NULL, "unknown flag --%.*s; --help lists them", ERR_VALUE_BYTES,
                   name);
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
        return err_set(err, ERR_USAGE, NULL,
                       "--%s takes no value, not '%.*s'; --no-%s turns it off", flag->name,
                       ERR_VALUE_BYTES, value, flag->name);
    }
    return false;
}

static const struct flag *find_flag(const struct flags *flags, const char *name, size_t bytes)
{
    for (size_t i = 0; i < flags->n; i++) {
        const struct flag *flag = &flags->list[i];
        if (strlen(flag->name) == bytes && memcmp(flag->name, name, bytes) == 0) return flag;
    }
    return NULL;
}

/* Marks the flag in `seen`, a bit a flag. */
static bool check_first(const struct flags *flags, const struct flag *flag, uint32_t *seen,
                        struct err *err)
{
    const uint32_t bit = UINT32_C(1) << (flag - flags->list);
    if (*seen & bit)
        return err_set(err, ERR_USAGE, NULL, "--%s is given twice; give it once%s", flag->name,
                       strcmp(flag->name, "model") == 0 ? ": several models are not served yet"
                                                        : "");
    *seen |= bit;
    return true;
}

/* One flag at argv[*at], which begins with "--"; moves *at to the last argument it took. */
static bool take_flag(const struct flags *flags, int argc, char **argv, int *at, uint32_t *seen,
                      struct err *err)
{
    const char *name = argv[*at] + 2;
    const char *equals = strchr(name, '=');
    size_t bytes = equals ? (size_t)(equals - name) : strlen(name);
    const struct flag *flag = find_flag(flags, name, bytes);
    bool is_off = false;
    if (!flag && bytes > 3 && memcmp(name, "no-", 3) == 0 && !equals) {
        flag = find_flag(flags, name + 3, bytes - 3);
        is_off = flag && flag->type == FLAG_SWITCH;
        if (!is_off) flag = NULL;
    }
    if (!flag) return unknown_flag(flags, name, bytes, err);
    if (!check_first(flags, flag, seen, err)) return false;
    if (equals) return read_value(flag, equals + 1, err);
    if (flag->type == FLAG_SWITCH) {
        *flag->out.is_on = !is_off;
        return true;
    }
    if (*at + 1 >= argc || strncmp(argv[*at + 1], "--", 2) == 0) {
        char expected[200];
        describe_values(flag, expected, sizeof(expected));
        return err_set(err, ERR_USAGE, NULL, "--%s needs a value: %s", flag->name, expected);
    }
    return read_value(flag, argv[++*at], err);
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
    uint32_t seen = 0;
    *n_files = 0;
    for (int i = 1; i < argc; i++) {
        if (is_ended || argv[i][0] != '-' || argv[i][1] == 0) {
            argv[++*n_files] = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            is_ended = true;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return FLAGS_HELP;
        } else if (argv[i][1] != '-') {
            err_set(err, ERR_USAGE, NULL,
                    "unknown flag %.*s; flags begin with two dashes, --help "
                    "lists them",
                    ERR_VALUE_BYTES, argv[i]);
            return FLAGS_WRONG;
        } else if (!take_flag(flags, argc, argv, &i, &seen, err)) {
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
    for (size_t i = 0; i < flags->n; i++)
        print_flag(&flags->list[i], out);
    fprintf(out, "  %-32s %s\n", "--help", "this text");
}

bool flags_take(const struct flags *flags, int argc, char **argv, int *n_files, int *exit_code)
{
    struct err err = {0};
    switch (flags_parse(flags, argc, argv, n_files, &err)) {
    case FLAGS_RUN:
        return true;
    case FLAGS_HELP:
        flags_print_help(flags, stdout);
        *exit_code = commands_close_stdout(&err) ? 0 : commands_fail(argv[0], &err);
        return false;
    case FLAGS_WRONG:
        break;
    }
    *exit_code = commands_fail(argv[0], &err);
    return false;
}
