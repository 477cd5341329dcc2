/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/labelled_flags.h"

#include <string.h>

const char *const labelled_input_formats[] = {"auto", "csv", "tsv", "jsonl", "fasttext", NULL};
const char *const labelled_headers[] = {"auto", "yes", "no", NULL};

bool labelled_take_flags(struct labelled_flags *flags, struct err *err)
{
    const char *separator = flags->separator;
    if (!flags->input)
        return err_set(err, ERR_USAGE, NULL,
                       "--input must name a labelled file, or - for standard input");
    if (separator && strlen(separator) != 1)
        return err_set(err, ERR_USAGE, NULL,
                       "--label-separator must be one character, such as '|', not '%.60s'",
                       separator);
    flags->options.format = (enum labelled_format)flags->format;
    flags->options.header = (enum labelled_header)flags->header;
    flags->options.label_separator = separator ? separator[0] : '\0';
    return true;
}
