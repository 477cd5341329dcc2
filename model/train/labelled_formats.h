/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file labelled_formats.h
 * What labelled.c and the files of its formats share. A format reads a record in two steps, so that
 * the first record can be looked at before it is a row: `cut` finds the parts of the record, `take`
 * makes a row of them. Internal to them. One thread at a time.
 */
#pragma once

#include "base/json.h"
#include "base/lines.h"
#include "model/train/columns.h"
#include "model/train/labelled_types.h"
#include "model/train/labels.h"
#include "model/train/left_out.h"

#include <stdbool.h>
#include <stddef.h>

struct labelled {
    struct lines records;
    enum labelled_format format;
    char label_separator;
    bool skips_bad;
    enum bad_row bad; /* why the last row could not be read, unless nothing more can */
    struct left_out left_out;
    bool is_pending; /* the first record is cut, and is a row still to be handed out */
    struct labels labels;
    char about[320];
    char packing[32]; /* for `about`: " in GB18030", " (gzip)" */

    /* labelled_doubtful */
    bool is_doubtful, recurs;
    struct labelled_row doubtful; /* its text and its one label are copies */
    struct span doubtful_label;

    /* CSV and TSV */
    struct span *cells; /* (n_cells) of the record */
    size_t n_cells;
    struct columns columns;
    size_t group_column;

    /* JSON lines */
    json_t *object; /* of the record */
    bool is_chat;   /* OpenAI's: {"messages": [...]} */

    /* The names of the columns or keys, or NULL. */
    char *text_key, *label_key;
    const char *group; /* of the options */
};

/** A sentence about the record that is being read; as err_set. */
#define LABELLED_FAIL(labelled, err, fmt, ...)                                                     \
    LINES_FAIL(&(labelled)->records, (labelled)->records.number, err, fmt, __VA_ARGS__)

/** The same of a row that may be left out, and why (enum bad_row). */
#define LABELLED_BAD(labelled, why, err, fmt, ...)                                                 \
    ((labelled)->bad = (why), LABELLED_FAIL(labelled, err, fmt, __VA_ARGS__))

/** labelled_leave_out: what went wrong is that of one row (labelled->bad): leaves it out, if it is
 * to be; otherwise makes `err` name that choice. Returns whether to go on. */
bool labelled_leave_out(struct labelled *labelled, struct err *err);

/** labelled_next_record reads the next record: as lines_next, with labelled->bad set. */
int labelled_next_record(struct labelled *labelled, struct err *err);

/** labelled_fail_memory: there is no memory for the record. Returns false. */
bool labelled_fail_memory(const struct labelled *labelled, struct err *err);

/** labelled_add adds one label to the row; false with err set if it is empty or one too many. */
bool labelled_add(struct labelled *labelled, struct span label, struct err *err);

/** labelled_add_list: as labelled_add, for what the options may want split. */
bool labelled_add_list(struct labelled *labelled, struct span list, struct err *err);

/*
 * Of each format: `_open` looks at the first record, which was just read, finds columns and
 * `about`, and sets `is_pending` if that record is a row. `_take` fills in the row's text and adds
 * its labels. All return false with err set.
 */

/* CSV and TSV: labelled_cells.c */
bool labelled_cells_open(struct labelled *labelled, const struct labelled_options *options,
                         struct err *err);
bool labelled_cells_cut(struct labelled *labelled, struct err *err);
bool labelled_cells_take(struct labelled *labelled, struct labelled_row *row, struct err *err);

/* JSON lines: labelled_objects.c */
bool labelled_objects_open(struct labelled *labelled, const struct labelled_options *options,
                           struct err *err);
bool labelled_objects_cut(struct labelled *labelled, struct err *err);
bool labelled_objects_take(struct labelled *labelled, struct labelled_row *row, struct err *err);

/* fastText: labelled_words.c; there is nothing to cut */
bool labelled_words_open(struct labelled *labelled, const struct labelled_options *options,
                         struct err *err);
bool labelled_words_take(struct labelled *labelled, struct labelled_row *row, struct err *err);

/** labelled_words_are_in: a word of the line starts with __label__. */
bool labelled_words_are_in(const char *line, size_t bytes);
