/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file examples.h
 * Labelled texts as a trainer wants them: token ids and numbers of labels, packed, and where they
 * stand. The texts themselves are kept only where that is asked for. One thread at a time; after
 * examples_finish immutable.
 */
#pragma once

#include "model/model.h"
#include "model/train/columns.h"
#include "model/train/labelled.h"

/** More different labels than this are taken for a wrong column. */
#define EXAMPLES_LABELS_MAX 65536

/** A label that is not one of the names (of rows read after examples_finish). */
#define EXAMPLES_NO_LABEL UINT32_MAX

struct example {
    uint64_t ids_at;    /* in examples.ids */
    uint64_t labels_at; /* in examples.labels */
    uint32_t n_ids, n_labels;
};

/** What was decided about a first row that may be a header (labelled_doubtful). */
enum examples_first_row {
    FIRST_ROW_PLAIN,    /* there is no such row, or other rows have its label */
    FIRST_ROW_HEADER,   /* left out: its label is nowhere else, and every other label is */
    FIRST_ROW_DOUBTFUL, /* kept: its label is nowhere else, but rows or labels are too few to say,
                           or its cells do not look like names */
};

/** What a user should know. */
struct examples_report {
    /* About the file that was read last. */
    enum examples_first_row first_row;
    struct columns_shown first_label; /* of that row */
    size_t n_headers; /* rows whose label is the name of its column: one such row, or several whose
                         text is the name of its column, too */
    uint64_t header_line; /* of the first of these */
    struct left_out left_out;

    /* About all files. */
    size_t n_empty;          /* rows without a known token */
    size_t n_duplicates;     /* rows that repeat an earlier one (repeats.h), labels too */
    size_t n_contradictory;  /* rows that repeat an earlier one with other labels */
    size_t n_unlabelled;     /* rows without a label (multi-label) */
    size_t n_unknown_labels; /* rows with a label that no training row has */
};

/** Where a row stands. */
struct example_origin {
    uint32_t file; /* of those read, from 0 */
    uint64_t row;  /* number through all files, from 1, as `embedd eval` counts them */
    uint64_t line; /* of its file, on which it begins, from 1 */
    char *text;    /* (bytes) followed by a NUL; NULL: not kept */
    size_t bytes;
};

struct label_names;

struct examples {
    struct example *items; /* (n) in the order of the file */
    size_t n;
    uint32_t *ids;                  /* of all, one after the other */
    uint32_t *labels;               /* numbers of labels, each row's ascending and each once */
    struct example_origin *origins; /* (n) all zero: not of a file */
    struct examples_report report;
    bool is_multi;    /* a row may have several labels or none */
    bool keeps_texts; /* set it after examples_begin: origins have their texts */

    /* Hands off. */
    struct label_names *names;
    bool owns_names;
    size_t cap, n_ids, cap_ids, n_labels, cap_labels;
    uint32_t n_files;
    uint64_t n_numbered; /* rows that have a number, whether they are examples or not */
    uint64_t *texts;     /* (n) repeats_key; 0: not of a file */
    uint64_t *groups;    /* (n) of labelled_row; 0: none */
};

/**
 * examples_begin, examples_read_file for each file, examples_end: read labelled files one behind
 * the other and number the labels in the order of their names (bytes). examples_read is all of it
 * for one file.
 * @param model      whose tokens; borrowed during the call
 * @param names_of   examples that were read before, whose labels these must be: other ones become
 *                   EXAMPLES_NO_LABEL; NULL: what labels there are is found in this file
 * @param about      for messages: called once with what is read (labelled_about); may be NULL
 * @param name       of all files, for messages
 * @return false with err set, `examples` then to be cleared (examples_read has done so): what
 *         labelled_open and labelled_next say; ERR_FORMAT for a file without rows, one label only,
 *         too many labels; ERR_MEMORY
 */
bool examples_begin(struct examples *examples, const struct examples *names_of, struct err *err);
bool examples_read_file(struct examples *examples, const struct model *model, const char *path,
                        const struct labelled_options *options,
                        void (*about)(void *user, const struct labelled *labelled), void *user,
                        struct err *err);
bool examples_end(struct examples *examples, const char *name, struct err *err);
bool examples_read(struct examples *examples, const struct model *model, const char *path,
                   const struct labelled_options *options, const struct examples *names_of,
                   void (*about)(void *user, const struct labelled *labelled), void *user,
                   struct err *err);

/** examples_n_names: C, and examples_names: their names (C), as long as the examples live. */
uint32_t examples_n_names(const struct examples *examples);
const char *const *examples_names(const struct examples *examples);

/**
 * examples_add appends a row made up by the caller; labels (n) are numbers. ERR_MEMORY.
 */
bool examples_add(struct examples *examples, const uint32_t *ids, size_t n_ids,
                  const uint32_t *labels, size_t n_labels, struct err *err);

/** examples_fingerprint: a hash of all rows and names. */
uint64_t examples_fingerprint(const struct examples *examples);

/** examples_clear frees; a zeroed one is fine. */
void examples_clear(struct examples *examples);
