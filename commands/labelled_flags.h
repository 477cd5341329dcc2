/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file labelled_flags.h
 * What commands that read labelled rows have in common: how --input, --input-format, --header and
 * --label-separator are taken.
 */
#pragma once

#include "base/err.h"
#include "model/train/labelled.h"

/** The choices of --input-format, by enum labelled_format; NULL at the end. */
extern const char *const labelled_input_formats[];

/** The choices of --header, by enum labelled_header; NULL at the end. */
extern const char *const labelled_headers[];

/**
 * labelled_take_flags checks what was given and fills `options`.
 * @param input     NULL: not given, which is an error
 * @param format    index into labelled_input_formats
 * @param header    index into labelled_headers
 * @param separator NULL: not given
 * @return false with ERR_USAGE
 */
bool labelled_take_flags(struct labelled_options *options, const char *input, int format,
                         int header, const char *separator, struct err *err);
