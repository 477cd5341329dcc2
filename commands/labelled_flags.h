/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file labelled_flags.h
 * What commands that read labelled rows have in common: how --input, --input-format, --text,
 * --label, --header and --label-separator are taken. One thread.
 */
#pragma once

#include "base/err.h"
#include "base/flags.h"
#include "model/train/labelled.h"

/** All zero at the start. */
struct labelled_flags {
    const char *input;
    struct labelled_options options; /* whole after labelled_take_flags */

    /* As the flags have it. */
    const char *separator;
    int format, header;
};

/** The choices of --input-format, by enum labelled_format; NULL at the end. */
extern const char *const labelled_input_formats[];

/** The choices of --header, by enum labelled_header; NULL at the end. */
extern const char *const labelled_headers[];

/** Entries of a command's list of flags. */
#define LABELLED_FLAGS(flags)                                                                      \
    {"input", FLAG_STRING, .out.string = &(flags).input, .value = "FILE|-",                        \
     .help = "labelled rows: CSV, TSV, JSON lines or fastText's form"},                            \
        {"input-format", FLAG_CHOICE, .out.choice = &(flags).format,                               \
         .choices = labelled_input_formats, .help = "of the rows (default: detected)"},            \
        {"text", FLAG_STRING, .out.string = &(flags).options.text, .value = "COLUMN",              \
         .help = "name or number of the text's column (default: detected)"},                       \
        {"label", FLAG_STRING, .out.string = &(flags).options.label, .value = "COLUMN",            \
         .help = "name or number of the label's column (default: detected)"},                      \
        {"header", FLAG_CHOICE, .out.choice = &(flags).header, .choices = labelled_headers,        \
         .help = "whether the first line of a CSV or TSV names its columns (default: detected)"},  \
    {                                                                                              \
        "label-separator", FLAG_STRING, .out.string = &(flags).separator, .value = "CHARACTER",    \
                                        .help = "separates several labels in a cell: "             \
                                                "multi-label"                                      \
    }

/**
 * labelled_take_flags checks what was given and fills `options`.
 * @return false with ERR_USAGE
 */
bool labelled_take_flags(struct labelled_flags *flags, struct err *err);
