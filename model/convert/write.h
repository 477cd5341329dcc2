/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file write.h
 * The two forms that convert writes. For the files of model/convert/ only. One thread.
 */
#pragma once

#include "base/json.h"
#include "model/bundle/bundle.h"
#include "model/bundle/new_folder.h"
#include "model/convert/options.h"
#include "model/convert/sharing.h"
#include "model/convert/written_rows.h"
#include "model/head/heads.h"

struct writing {
    const struct bundle *bundle;
    const struct heads *heads; /* to be written too; or NULL */
    const struct tokenizer *tokenizer;
    const uint32_t *kept; /* (n_tokens) old ids; NULL: all */
    uint32_t n_tokens;
    bool is_word_level;   /* a folder of a dictionary, written as WordLevel for other programs */
    uint32_t n_zero_rows; /* 1: of the unknown token that it gets for them; or 0 */
    struct table stored;  /* what rows are read from */
    bool has_mapping, has_factors; /* are written beside the rows */
    struct sharing sharing;        /* where has_mapping */
    const struct convert_options *options;
    struct written_rows rows;
    uint64_t bytes;       /* set: of the file with the rows */
    size_t heads_written; /* set */
};

/** Both return false with ERR_IO, ERR_FORMAT or ERR_MEMORY; nothing is then left behind. */
bool write_packed(struct writing *w, const char *path, struct err *err);
bool write_folder(struct writing *w, const char *path, struct err *err);

/** What belongs to tokens, not to rows: of those that are kept, malloc'ed; NULL where there is
 * none. */
struct numbers {
    float *weights, *factors; /* (n_tokens) */
};

/** numbers_gather: false with ERR_MEMORY. */
bool numbers_gather(const struct writing *w, struct numbers *numbers, struct err *err);
void numbers_clear(struct numbers *numbers);

/** What a file of rows is written by. */
struct tensor_file {
    const struct tensor_given *tensors;
    size_t n;
    json_t *metadata; /* borrowed; NULL: none */
    bool has_sum;     /* metadata holds a checksum of zeros, to be filled in */
};

/**
 * write_tensors writes a safetensors file. The data of the tensor "embeddings" is read from
 * w->rows, and that of "scales", which comes after it, is what was found on the way; theirs is
 * NULL.
 */
bool write_tensors(struct writing *w, const char *path, const struct tensor_file *file,
                   struct err *err);
