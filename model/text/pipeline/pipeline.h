/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pipeline.h
 * What happens to a text before the model sees it: normalizers, then pre-tokenizers, each a step.
 *
 * A normalizer rewrites the whole text between two added tokens. A pre-tokenizer hands on parts of
 * what it is given, one after another, some rewritten: the parts go down the steps to the model one
 * by one, so nothing is listed. Nested Sequences of the file are one flat list here. Reference: the
 * `tokenizers` library's components of the same names. Immutable once read; any thread may use it.
 * Scratch is the request's arena.
 */
#pragma once

#include "base/err.h"
#include "model/text/pipeline/character_class.h"
#include "model/text/pipeline/patterns.h"
#include "model/text/pipeline/regex.h"
#include "model/text/unicode/charsmap.h"
#include "model/text/unicode/normal_forms.h"
#include "model/text/unicode/rewrite.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** How much the steps of a tokenizer.json may be: the bytes of their texts and patterns, and so
 * many for each step by itself (a pre-tokenizer stands on the stack while those after it work). */
#define PIPELINE_BYTES_MAX ((size_t)1 << 20)
#define PIPELINE_STEP_BYTES 256
#define PIPELINE_SPLIT_BYTES 2048

/** The most steps with rules of SentencePiece; their bytes do not count above. */
#define PIPELINE_CHARSMAPS_MAX 32

/** Normalizers may make this many bytes of one, plus once all that they insert; pre-tokenizers may
 * be given this many. */
#define PIPELINE_GROWTH_MAX 256
#define PIPELINE_SPLIT_GROWTH_MAX 32

/** A text to look for, with its own memory. */
struct step_text {
    char *text;
    size_t bytes;
};

enum normalize_kind {
    NORMALIZE_CLEAN,          /* BertNormalizer's clean_text */
    NORMALIZE_CHINESE_SPACES, /* and its handle_chinese_chars */
    NORMALIZE_FORM,
    NORMALIZE_STRIP_MARKS, /* BertNormalizer's strip_accents, after NFD */
    NORMALIZE_STRIP_ACCENTS,
    NORMALIZE_LOWERCASE,
    NORMALIZE_STRIP,
    NORMALIZE_REPLACE,
    NORMALIZE_PREPEND,
    NORMALIZE_CHARSMAP,
    NORMALIZE_BYTES, /* ByteLevel */
    NORMALIZE_NMT,
};

struct normalize_step {
    enum normalize_kind kind;
    enum normal_form form;
    bool left, right;         /* Strip */
    struct step_text pattern; /* Replace by a string: where `regex` is NULL */
    struct regex *regex;
    struct step_text content; /* of Replace and Prepend */
    struct charsmap charsmap;
    char *charsmap_bytes; /* what it lies in, where that is no file */
};

enum split_kind {
    SPLIT_FLAGS,   /* at characters with one of `flags`: white space, punctuation */
    SPLIT_NUMBERS, /* Digits */
    SPLIT_CHAR,
    SPLIT_TEXT,
    SPLIT_REGEX,
    SPLIT_PATTERN,  /* a regex that patterns.h knows */
    SPLIT_UNLISTED, /* at characters that are not `listed` */
    SPLIT_WORDS,    /* Whitespace */
    SPLIT_METASPACE,
    SPLIT_BYTES, /* ByteLevel */
    SPLIT_SCRIPTS,
    SPLIT_LENGTH,
};

/** What is done with matches, as the reference's SplitDelimiterBehavior. */
enum split_behavior {
    SPLIT_REMOVED,
    SPLIT_ISOLATED,
    SPLIT_MERGED_WITH_PREVIOUS,
    SPLIT_MERGED_WITH_NEXT,
    SPLIT_CONTIGUOUS,
};

enum metaspace_prepend { METASPACE_ALWAYS, METASPACE_FIRST, METASPACE_NEVER };

struct split_step {
    enum split_kind kind;
    enum split_behavior behavior;
    bool invert;
    uint8_t flags;            /* SPLIT_FLAGS: enum unicode_flag */
    uint32_t character;       /* SPLIT_CHAR */
    struct step_text pattern; /* SPLIT_TEXT; of Metaspace: its replacement */
    struct regex *regex;
    struct character_class listed; /* SPLIT_UNLISTED */
    enum pattern_kind known;
    enum metaspace_prepend prepend;
    bool splits;       /* Metaspace's split, ByteLevel's use_regex */
    bool prefix_space; /* ByteLevel */
    bool fused;        /* ByteLevel: the model reads bytes; nothing is rewritten */
    size_t length;
};

struct pipeline {
    struct normalize_step *normalizers; /* (n_normalizers) */
    struct split_step *splits;          /* (n_splits) */
    size_t n_normalizers, n_splits;
    size_t bytes;          /* see PIPELINE_BYTES_MAX; of decoders and post-processors too */
    size_t inserted_bytes; /* of all texts that normalizers insert */
    bool needs_places;     /* a step needs the place of a part, even if nobody wants spans */
    bool has_regex;
};

/** pipeline_finish computes what every run needs, once all steps are read. */
void pipeline_finish(struct pipeline *pipeline);

void pipeline_clear(struct pipeline *pipeline);

/** One run: what the steps share. */
struct pipeline_run {
    const struct pipeline *pipeline;
    struct arena *arena;
    struct rewrite_room *rooms; /* two for the normalizers, two for each pre-tokenizer */
    struct regex_scratch *regex;
    bool places;   /* whether the lines carry them */
    size_t *given; /* (n_splits) bytes of the line that each pre-tokenizer was given so far */
    size_t given_max;
    bool gave_up; /* a regex backtracks too much on this text, or the steps let it grow too much */
    /** Takes a part that came through all steps; false stops the run. */
    bool (*take)(void *context, const struct line *part);
    void *context;
};

/**
 * pipeline_start makes room for a run; the caller has set all but rooms and regex.
 * @return false when the arena is at its cap
 */
bool pipeline_start(struct pipeline_run *run);

/** pipeline_end: call after pipeline_start, however the run went. */
void pipeline_end(struct pipeline_run *run);

/**
 * pipeline_normalize makes the normalized line of `in`, which lies in the run's rooms until the
 * next call (or is `in` itself).
 * @return false when the arena is at its cap, or with run->gave_up
 */
bool pipeline_normalize(struct pipeline_run *run, const struct line *in, struct line *out);

/** pipeline_split hands the parts of a normalized line to run->take. As above. */
bool pipeline_split(struct pipeline_run *run, const struct line *line);

/** pipeline_byte_char: the character that stands for a byte at byte level (U+0021 to U+0143). */
uint32_t pipeline_byte_char(unsigned char byte);

/** pipeline_char_byte: the other way round; -1 for any other character. */
int pipeline_char_byte(uint32_t code);

/** pipeline_slice: the bytes [start, end) of a line as a line. */
struct line pipeline_slice(const struct line *line, size_t start, size_t end);

/** text_find: the first place of `what` (not empty) in a text, or NULL. For short texts, where
 * memmem's preparations take longer than looking. */
static inline const char *text_find(const char *text, size_t bytes, const char *what,
                                    size_t what_bytes)
{
    const char *end = text + bytes, *at = text;
    while ((size_t)(end - at) >= what_bytes &&
           (at = memchr(at, what[0], (size_t)(end - at) - what_bytes + 1))) {
        if (memcmp(at, what, what_bytes) == 0) return at;
        at++;
    }
    return NULL;
}

/** rewrite_bytes writes each byte as the character that stands for it. */
void rewrite_bytes(struct rewrite *w);

/** rewrite_prepend writes all with `text` before the first character; nothing if there is none. */
void rewrite_prepend(struct rewrite *w, const char *text, size_t bytes);

/** rewrite_replace writes all with `content` for `pattern`, wherever it stands (not empty). */
void rewrite_replace(struct rewrite *w, const char *pattern, size_t pattern_bytes,
                     const char *content, size_t content_bytes);
