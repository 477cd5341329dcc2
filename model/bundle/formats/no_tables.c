/* SPDX-License-Identifier: Apache-2.0 */
/* What people give for a table that is none: what it looks like, and what to do. */
#include "base/encoding.h"
#include "model/bundle/formats.h"
#include "model/files/kinds.h"

#include <stddef.h>
#include <stdio.h>

static enum recognized recognize_json(struct span file, const char *name, char *advice)
{
    (void)name;
    if (file.bytes == 0 || (file.data[0] != '{' && file.data[0] != '[')) return RECOGNIZED_NO;
    snprintf(advice, FORMAT_ADVICE_BYTES,
             " is JSON, not a table; give its folder, or the file with the rows");
    return RECOGNIZED_WRONG;
}

static enum recognized recognize_foreign(struct span file, const char *name, char *advice)
{
    (void)name;
    const char *what = kind_what(file);
    if (!what) return RECOGNIZED_NO;
    snprintf(advice, FORMAT_ADVICE_BYTES, ": it is %s", what);
    return RECOGNIZED_WRONG;
}

static enum recognized recognize_all(struct span file, const char *name, char *advice)
{
    (void)name;
    const char *guess = encoding_guess_file(file.data, file.bytes);
    if (guess)
        snprintf(advice, FORMAT_ADVICE_BYTES,
                 ": this is %s, not UTF-8; convert the file first, with iconv -f %s -t UTF-8",
                 guess, guess);
    else
        snprintf(advice, FORMAT_ADVICE_BYTES,
                 ": unknown table format; it must be safetensors, .npy, word2vec, GloVe (of two "
                 "columns or more) or fastText's .bin and .ftz");
    return RECOGNIZED_WRONG;
}

const struct format format_json = {.recognize = recognize_json};
const struct format format_foreign = {.recognize = recognize_foreign};
const struct format format_unknown = {.recognize = recognize_all};
