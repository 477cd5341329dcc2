/* SPDX-License-Identifier: Apache-2.0 */
#include "model/bundle/formats.h"

#include <stddef.h>

extern const struct format format_npy, format_fasttext, format_safetensors, format_json,
    format_word_vectors, format_foreign, format_named_safetensors, format_unknown;

/* In the order in which they are asked; the last one recognizes everything. */
static const struct format *const formats[] = {
    &format_npy,
    &format_fasttext,
    &format_safetensors,
    &format_json,
    &format_word_vectors,
    /* Nobody's: what they look like, and what to do. */
    &format_foreign,
    &format_named_safetensors,
    &format_unknown,
    NULL,
};

const struct format *format_find(struct span file, const char *name, const char *where,
                                 struct err *err)
{
    char advice[FORMAT_ADVICE_BYTES];
    for (size_t i = 0; formats[i]; i++) {
        switch (formats[i]->recognize(file, name, advice)) {
        case RECOGNIZED_NO:
            break;
        case RECOGNIZED_YES:
            return formats[i];
        case RECOGNIZED_WRONG:
            err_set(err, ERR_FORMAT, NULL, "%.300s%s", where, advice);
            return NULL;
        }
    }
    return NULL;
}
