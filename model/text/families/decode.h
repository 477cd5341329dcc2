/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file decode.h
 * Tokens back to text: a list of strings that goes through steps and is joined in the end.
 *
 * Reference: the `tokenizers` library's decoders of the same names. Immutable once read; any thread
 * may use it.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "model/text/pipeline/pipeline.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum decode_kind {
    DECODE_WORDPIECE, /* text: the prefix of what continues a word */
    DECODE_SUFFIX,    /* BPEDecoder; text: what ends a word */
    DECODE_BYTES,     /* ByteLevel */
    DECODE_METASPACE, /* text: its replacement */
    DECODE_FALLBACK,  /* ByteFallback: <0xE6> */
    DECODE_FUSE,
    DECODE_STRIP,   /* text: the character; start, stop: how many of it */
    DECODE_REPLACE, /* text or regex, by other */
    DECODE_CTC,     /* text: the pad token; other: what separates words */
};

struct decode_step {
    enum decode_kind kind;
    struct step_text text, other;
    struct regex *regex;
    bool cleanup;     /* no space before marks of punctuation */
    bool keeps_first; /* Metaspace: nothing was put before the first word */
    size_t start, stop;
};

struct decoder {
    struct decode_step *steps; /* (n) */
    size_t n;
    bool
        joins; /* there is a decoder, if one without steps; otherwise tokens are joined by spaces */
};

void decoder_clear(struct decoder *decoder);

/** The text of a token. */
struct decode_piece {
    const char *text;
    size_t bytes;
};

/**
 * decoder_run takes the texts of tokens through the steps and appends what they are together.
 * @param list (n) in out's arena; changed on the way
 */
void decoder_run(const struct decoder *decoder, struct decode_piece *list, size_t n,
                 struct buf *out);
