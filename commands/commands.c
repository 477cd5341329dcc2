/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int exit_code(enum err_code code)
{
    switch (code) {
    case ERR_NONE:
        return 0;
    case ERR_USAGE:
        return 2;
    case ERR_INVALID:
    case ERR_EMPTY:
    case ERR_RANGE:
    case ERR_NOT_FOUND:
    case ERR_METHOD:
    case ERR_UNAUTHORIZED:
    case ERR_FORBIDDEN:
    case ERR_TOO_LARGE:
    case ERR_MEMORY:
    case ERR_CONFLICT:
    case ERR_MEDIA_TYPE:
    case ERR_UNPROCESSABLE:
    case ERR_UNAVAILABLE:
    case ERR_OVERLOADED:
    case ERR_RATE_LIMIT:
    case ERR_DEADLINE:
    case ERR_IO:
    case ERR_FORMAT:
    case ERR_INTERNAL:
        return 1;
    }
    return 1;
}

/* What the model calls the arguments that it names in its sentences: flags have the same names. */
static const char *const arguments[] = {
    "compat",   "dim",    "dtype",        "encoding",  "force",  "from",
    "group",    "header", "input-format", "keep-top",  "label",  "learning-rate",
    "mode",     "model",  "no-ngrams",    "no-resume", "output", "pca",
    "skip-bad", "tensor", "text",         "threads"};

static bool is_argument(const char *name, size_t bytes)
{
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++)
        if (strlen(arguments[i]) == bytes && memcmp(arguments[i], name, bytes) == 0) return true;
    return false;
}

void commands_name_flags(char *sentence)
{
    char *open = strchr(sentence, '`');
    while (open) {
        char *close = strchr(open + 1, '`');
        if (close && is_argument(open + 1, (size_t)(close - open - 1))) {
            memmove(open + 2, open + 1, (size_t)(close - open - 1));
            memcpy(open, "--", 2);
            open = close;
        }
        open = strchr(open + 1, '`');
    }
}

int commands_fail(const char *command, const struct err *err)
{
    struct err shown = *err;
    commands_name_flags(shown.message);
    fprintf(stderr, "embedd%s%s: %s\n", command[0] ? " " : "", command, shown.message);
    return exit_code(err->code);
}

void commands_warn(void *nobody, const char *sentence)
{
    (void)nobody;
    char shown[COMMANDS_SENTENCE_BYTES];
    snprintf(shown, sizeof shown, "%s", sentence);
    commands_name_flags(shown);
    fprintf(stderr, "embedd: warning: %s\n", shown);
}

bool commands_close_stdout(struct err *err)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return true;
    return err_set(err, ERR_IO, NULL, "standard output cannot be written: %s", strerror(errno));
}

bool commands_take_flags(const struct flags *flags, int argc, char **argv, int *n_files,
                         int *exit_code)
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
