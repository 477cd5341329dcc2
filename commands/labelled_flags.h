/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file labelled_flags.h
 * What commands that read labelled rows have in common: how --input, --input-format, --text,
 * --label, --header, --encoding, --skip-bad and --label-separator are taken. One thread.
 */
#pragma once

#include "base/err.h"
#include "base/flags.h"
#include "model/train/labelled.h"

/** How many files may be given. */
#define LABELLED_INPUTS_MAX 1000

/** All zero at the start. */
struct labelled_flags {
    const char *inputs[LABELLED_INPUTS_MAX]; /* (n_inputs, at least 1), borrowed from argv */
    size_t n_inputs;
    struct labelled_options options; /* whole after labelled_take_flags */

    /* As the flags have it. */
    const char *separator;
    int format, header, encoding, skips_bad;
};

/** The choices of --input-format, by enum labelled_format; NULL at the end. */
extern const char *const labelled_input_formats[];

/** The choices of --encoding, by enum text_encoding; NULL at the end. */
extern const char *const labelled_encodings[];

/** The choices of --header, by enum labelled_header; NULL at the end. */
extern const char *const labelled_headers[];

/** Entries of a command's list of flags. */
#define LABELLED_FLAGS(flags)                                                                      \
    {"input",                                                                                      \
     FLAG_SETTING,                                                                                 \
     .out.setting = &(flags),                                                                      \
     .read = labelled_take_input,                                                                  \
     .is_list = true,                                                                              \
     .value = "FILE|-",                                                                            \
     .help = "labelled rows: CSV, TSV, JSON lines or fastText's form, gzip or not; may be given "  \
             "several times"},                                                                     \
        {"input-format", FLAG_CHOICE, .out.choice = &(flags).format,                               \
         .choices = labelled_input_formats, .help = "of the rows (default: detected)"},            \
        {"encoding", FLAG_CHOICE, .out.choice = &(flags).encoding, .choices = labelled_encodings,  \
         .help = "of the rows (default: UTF-8, or UTF-16 where its mark says so)"},                \
        {"text", FLAG_STRING, .out.string = &(flags).options.text, .value = "COLUMN",              \
         .help =                                                                                   \
             "name, number or path (JSON: data.text) of the text's column (default: detected)"},   \
        {"label", FLAG_STRING, .out.string = &(flags).options.label, .value = "COLUMN",            \
         .help = "name, number or path of the label's column (default: detected)"},                \
        {"header", FLAG_CHOICE, .out.choice = &(flags).header, .choices = labelled_headers,        \
         .help = "whether the first line of a CSV or TSV names its columns (default: detected)"},  \
        {"skip-bad", FLAG_SWITCH, .out.is_on = &(flags).skips_bad,                                 \
         .help = "leave out rows that cannot be read, and tell how many and why"},                 \
    {                                                                                              \
        "label-separator", FLAG_STRING, .out.string = &(flags).separator, .value = "CHARACTER",    \
                                        .help = "separates several labels in a cell: "             \
                                                "multi-label"                                      \
    }

/** labelled_take_input takes one --input; as flag.read. */
bool labelled_take_input(void *flags, const char *name, const char *value, struct err *err);

/** labelled_file_name: how messages call a file: "standard input" for "-". */
const char *labelled_file_name(const char *path);

/** What messages and reports call all files together. */
struct labelled_name {
    char text[320];
};

/** labelled_name: "rows.csv", "rows.csv and 2 more". */
struct labelled_name labelled_name(const struct labelled_flags *flags);

/**
 * labelled_take_flags checks what was given and fills `options`.
 * @return false with ERR_USAGE
 */
bool labelled_take_flags(struct labelled_flags *flags, struct err *err);

/** labelled_tell_left_out writes to standard error which rows of `file` were left out, if any. */
void labelled_tell_left_out(const char *file, const struct left_out *left_out);
