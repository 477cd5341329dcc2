/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file formats.h
 * The formats of weights' files. One more is a file in formats/ and a line in formats.c. Constants,
 * any thread; a model is opened by one thread.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>

struct bundle;
struct model_options;

/** What a format says of a file. */
enum recognized {
    RECOGNIZED_NO,
    RECOGNIZED_YES,
    RECOGNIZED_WRONG, /* it looks like something that cannot be read; the advice says what to do */
};

/** Room for advice: what follows the file's name in a message. */
#define FORMAT_ADVICE_BYTES 400

struct format {
    const char *name;   /* as model_info has it, where `open` does not say it more closely */
    bool is_alone;      /* the file is all of the model: no table beside it, no files of its own */
    bool is_words;      /* words in order of their frequency: `limit` may cut them */
    bool is_read_whole; /* when it is opened, so that it is read ahead */

    /**
     * recognize tells by a file's bytes and its name.
     * @param advice (FORMAT_ADVICE_BYTES) of RECOGNIZED_WRONG
     */
    enum recognized (*recognize)(struct span file, const char *name, char *advice);

    /** open fills an empty bundle, whose source is open: settings, encoder, tokenizer. False with
     * ERR_IO, ERR_FORMAT or ERR_MEMORY; the caller closes the bundle. */
    bool (*open)(struct bundle *bundle, const struct model_options *options, struct err *err);
};

/**
 * format_find: who can open the file.
 * @param where its path, for messages
 * @return NULL with ERR_FORMAT: what it is instead, and what to do
 */
const struct format *format_find(struct span file, const char *name, const char *where,
                                 struct err *err);
