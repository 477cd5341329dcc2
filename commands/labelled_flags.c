/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/labelled_flags.h"

#include "base/plural.h"
#include "commands/commands.h"

#include <stdio.h>
#include <string.h>

const char *const labelled_input_formats[] = {"auto", "csv", "tsv", "jsonl", "fasttext", NULL};
const char *const labelled_encodings[] = {"auto",     "utf-8",   "utf-16", "utf-16le",
                                          "utf-16be", "gb18030", NULL};
const char *const labelled_headers[] = {"auto", "yes", "no", NULL};

bool labelled_take_input(void *setting, const char *name, const char *value, struct err *err)
{
    struct labelled_flags *flags = setting;
    if (!value) return err_set(err, ERR_USAGE, NULL, "--%s needs a value: FILE|-", name);
    if (flags->n_inputs == LABELLED_INPUTS_MAX)
        return err_set(err, ERR_USAGE, NULL, "--%s is given more than %d times; join some files",
                       name, LABELLED_INPUTS_MAX);
    for (size_t i = 0; strcmp(value, "-") == 0 && i < flags->n_inputs; i++)
        if (strcmp(flags->inputs[i], "-") == 0)
            return err_set(err, ERR_USAGE, NULL,
                           "--%s - is given twice; standard input can be read once", name);
    flags->inputs[flags->n_inputs++] = value;
    return true;
}

const char *labelled_file_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

struct labelled_name labelled_name(const struct labelled_flags *flags)
{
    struct labelled_name name;
    const char *first = labelled_file_name(flags->inputs[0]);
    if (flags->n_inputs == 1)
        snprintf(name.text, sizeof name.text, "%.300s", first);
    else
        snprintf(name.text, sizeof name.text, "%.280s and %zu more", first, flags->n_inputs - 1);
    return name;
}

bool labelled_take_flags(struct labelled_flags *flags, struct err *err)
{
    const char *separator = flags->separator;
    if (flags->n_inputs == 0)
        return err_set(err, ERR_USAGE, NULL,
                       "--input must name a labelled file, or - for standard input");
    if (separator && strlen(separator) != 1)
        return err_set(err, ERR_USAGE, NULL,
                       "--label-separator must be one character, such as '|', not '%.60s'",
                       separator);
    flags->options.format = (enum labelled_format)flags->format;
    flags->options.header = (enum labelled_header)flags->header;
    flags->options.encoding = (enum text_encoding)flags->encoding;
    flags->options.skips_bad = flags->skips_bad;
    flags->options.label_separator = separator ? separator[0] : '\0';
    return true;
}

void labelled_tell_left_out(const char *file, const struct left_out *left_out)
{
    const char *comma = "";
    if (left_out->n == 0) return;
    fprintf(stderr, "%.200s: %llu row%s left out by --skip-bad:", file,
            (unsigned long long)left_out->n, plural(left_out->n));
    for (int kind = 0; kind < BAD_ROWS; kind++) {
        if (left_out->counts[kind] == 0) continue;
        fprintf(stderr, "%s %llu with %s", comma, (unsigned long long)left_out->counts[kind],
                bad_row_names[kind]);
        comma = ",";
    }
    fputc('\n', stderr);
    for (size_t i = 0; i < left_out->n_listed; i++) {
        struct err shown;
        memcpy(shown.message, left_out->listed[i], sizeof shown.message);
        commands_name_flags(shown.message);
        fprintf(stderr, "  %s\n", shown.message);
    }
    if (left_out->n > left_out->n_listed)
        fprintf(stderr, "  and %llu more\n",
                (unsigned long long)(left_out->n - left_out->n_listed));
}
