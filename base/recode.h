/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file recode.h
 * Texts in other encodings made UTF-8 as they come, in bounded memory. One thread a reader.
 *
 * What is no character of the encoding becomes a byte 0xFF, which no UTF-8 holds: whoever checks
 * the lines finds where it stands, and goes on behind it.
 */
#pragma once

#include "base/byte_source.h"

enum text_encoding {
    TEXT_AUTO, /* UTF-8; UTF-16 where the text begins with its byte order mark */
    TEXT_UTF_8,
    TEXT_UTF_16, /* of which byte order its mark says */
    TEXT_UTF_16LE,
    TEXT_UTF_16BE,
    TEXT_GB18030,
};

#define TEXT_ENCODINGS 6

/** Names: "auto", "UTF-8", "UTF-16", "UTF-16LE", "UTF-16BE", "GB18030". */
extern const char *const text_encoding_names[TEXT_ENCODINGS];

struct recode;

/**
 * recode_new makes UTF-8 of what `from` gives, a byte order mark included.
 * @param encoding TEXT_UTF_16LE, TEXT_UTF_16BE or TEXT_GB18030 (by the C library)
 * @param file     borrowed, for messages
 * @return NULL with err set: ERR_MEMORY; ERR_IO where the C library does not know the encoding
 */
struct recode *recode_new(enum text_encoding encoding, struct byte_source from, const char *file,
                          struct err *err);

/** recode_read: as struct byte_source, of a struct recode. -1: what `from` says; ERR_FORMAT where
 * what comes first is UTF-8, and nothing is to be read any more. */
ssize_t recode_read(void *recode, char *out, size_t cap, struct err *err);

/** recode_free: NULL is fine. */
void recode_free(struct recode *recode);
