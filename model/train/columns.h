/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file columns.h
 * Which column is the text and which the label (the rules stand in labelled.h). Internal to
 * labelled.c, but for columns_show. Pure functions.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"
#include "model/train/labelled_types.h"
#include "model/train/look.h"

#include <stdbool.h>
#include <stddef.h>

struct columns {
    size_t text, label; /* from 0 */
    bool has_header;    /* the first record names the columns */
    bool is_doubtful;   /* it is taken for a row, but may name them */
    bool has_names;     /* its text and label look like names */
    bool is_looked;     /* what stands in the columns decided, not their names */
};

/** columns_need_look: the first record (n cells) does not say which of two columns is the label:
 * what stands in the rows may. */
bool columns_need_look(const struct labelled_options *options, const struct span *first, size_t n);

/**
 * columns_find finds both.
 * @param file   for messages
 * @param format CSV, TSV or JSONL
 * @param text   the column given, or NULL; `label` likewise
 * @param first  (n) the cells of the first record; of JSON lines the keys of the first object
 * @param look   what looking at the rows told, where columns_need_look says so
 * @return false with err set: ERR_USAGE, naming the columns there are and the arguments
 */
bool columns_find(struct columns *columns, const char *file, const struct labelled_options *options,
                  enum labelled_format format, const struct span *first, size_t n,
                  enum look_label look, struct err *err);

/** Text of the file fit for a message: whole characters, no control characters, cut if long. */
struct columns_shown {
    char text[ERR_VALUE_BYTES];
};

struct columns_shown columns_show(struct span text);
