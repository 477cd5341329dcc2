/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file family.h
 * What a tokenizer is made of. For the files of model/text/ and for encoders with words of their
 * own; others see tokenizer.h.
 *
 * A family is a way to split a text and to join tokens again; everything else is shared. All of it
 * is immutable once tokenizer_open has returned: any thread may use it.
 */
#pragma once

#include "model/text/families/added_set.h"
#include "model/text/families/bpe.h"
#include "model/text/families/decode.h"
#include "model/text/families/short_words.h"
#include "model/text/families/unigram.h"
#include "model/text/pipeline/pipeline.h"
#include "model/text/tokens.h"
#include "model/text/unicode/bert_normalizer.h"
#include "model/text/vocab/vocab.h"

/** How much white space a token begins and ends with, which a span may leave out. */
struct trim {
    uint16_t before, after;
};

struct symbol;    /* bpe.c */
struct candidate; /* bpe.c */
struct path;      /* unigram.c */
struct tensors;

/** One encode on its way. */
struct encoding {
    const struct tokenizer *tokenizer;
    struct arena *arena;
    struct tokens *out;
    uint32_t capacity; /* of out: a token a byte of the text, and the special ones, at first */
    char *scratch;     /* for normalized text: room for scratch_bytes */
    uint32_t *places;  /* for its code points: n_places of them; NULL without spans */
    size_t scratch_bytes, n_places;
    bool needs_steps; /* of bert_family: the text holds what its walk leaves to the pipeline */
    /* Of pipelines: */
    struct pipeline_run run;
    struct trim *trims; /* (capacity) where spans are trimmed; otherwise NULL */
    struct symbol *symbols;
    struct candidate *heap;
    struct path *paths;
    size_t n_symbols, n_paths;
};

struct tokenizer_family {
    const char *name;

    /** encode appends the tokens of `text`; false when the arena is at its cap, or with
     * e->run.gave_up. */
    bool (*encode)(struct encoding *e, const char *text, size_t bytes);

    /** decode appends the text of tokens ids (n). */
    void (*decode)(const struct tokenizer *tokenizer, const uint32_t *ids, size_t n,
                   bool skip_special, struct buf *out);

    /** put appends the tokens of a part that came through the pipeline (not empty), spans in bytes
     * of it; false when the arena is at its cap. NULL: the family takes no pipeline. */
    bool (*put)(struct encoding *e, const struct line *part);

    /** For a family that keeps its words elsewhere (tokenizer->words) and only their number in
     * tokenizer->vocab: the id of a token, or TOKEN_ID_NONE; and the text of an id. NULL for all
     * others. */
    uint32_t (*find)(const struct tokenizer *tokenizer, const char *token, size_t bytes);
    struct span (*text_of)(const struct tokenizer *tokenizer, uint32_t id);
};

/** BERT's whole pipeline in one walk over the text; the others take any pipeline. */
extern const struct tokenizer_family bert_family;
extern const struct tokenizer_family dictionary_family;
extern const struct tokenizer_family wordpiece_family;
extern const struct tokenizer_family wordlevel_family;
extern const struct tokenizer_family bpe_family;
extern const struct tokenizer_family unigram_family;

/** piped_encode: the families' encode that runs the pipeline. */
bool piped_encode(struct encoding *e, const char *text, size_t bytes);

/** dictionary_mixes: whether a token holds ideographs (or wide marks) beside something else, as in
 * T恤. Reads all of the vocabulary. */
bool dictionary_mixes(const struct vocab *vocab);

/** The families' put, and the decode of those that have a decoder. */
bool wordpiece_put(struct encoding *e, const struct line *part);
bool bpe_put(struct encoding *e, const struct line *part);
bool unigram_put(struct encoding *e, const struct line *part);
void decoder_decode(const struct tokenizer *tokenizer, const uint32_t *ids, size_t n,
                    bool skip_special, struct buf *out);

struct wordpiece {
    uint64_t continuing; /* node of the trie after the prefix; 0 where no token has it */
    struct short_words short_words;
    struct step_text prefix; /* of what continues a word */
    uint32_t word_chars_max;
    bool
        unknown_alone; /* a character without a token is an unknown token by itself, not its word */
};

/** Spans that leave out the white space around a token (ByteLevel's and Roberta's trim_offsets). */
struct trimming {
    bool prefix_space; /* one space before the first token was put there: it stays */
};

#define TRIMMINGS_MAX 64

/** What normalization makes of an added token. */
struct normalized_text {
    uint32_t id;
    struct vocab_place place; /* among the vocabulary's texts */
    uint32_t is_special;      /* a special token has this very text */
};

struct tokenizer {
    const struct tokenizer_family *family;
    struct vocab vocab;
    uint32_t unknown_id;               /* or TOKEN_ID_NONE */
    struct bert_normalizer normalizer; /* of bert_family */
    struct pipeline pipeline;
    struct added_set raw;                     /* added tokens searched for in the text as it is */
    struct added_set normalized;              /* and in the normalized text */
    struct normalized_text *normalized_texts; /* of all tokens that are VOCAB_NORMALIZED */
    size_t n_normalized_texts;
    struct wordpiece wordpiece;
    struct bpe bpe;
    struct unigram unigram;
    struct decoder decoder;
    uint32_t *special; /* what the post-processor puts before the text (n_before) and after it */
    uint32_t n_before, n_after;
    struct trimming trimmings[TRIMMINGS_MAX];
    uint32_t n_trimmings;
    uint32_t truncation;          /* tokens that the file's own limit leaves; 0: it has none */
    bool truncates_left;          /* it leaves the last ones */
    char *settings;               /* tokenizer.json without its long lists */
    const struct tensors *packed; /* while it is opened: the file that its arrays lie in */
    bool is_packed;               /* its arrays lie in a file, made and finished */
    void (*detach)(struct tokenizer *); /* of a packed one: forgets these arrays */
    uint64_t fingerprint;               /* of the vocabulary; 0: not known */
    const void *words;                  /* of a family that keeps them elsewhere; borrowed */
    bool lowercases;       /* a dictionary: words that are not found are searched in lower case */
    bool mixes;            /* a dictionary: dictionary_mixes of it */
    const char *word_mark; /* what a token starts with that begins a word: "Ġ", "▁"; or NULL */
};

/** A place in a text, as a pointer and as a number of code points. */
struct cursor {
    const char *at;
    uint32_t index;
};

/** cursor_move puts the cursor at `to`, forwards or back, and returns its new index. */
uint32_t cursor_move(struct cursor *cursor, const char *to);

/** encoding_reserve makes room for `n` more tokens; false when the arena is at its cap. */
bool encoding_reserve(struct encoding *e, size_t n);

/** encoding_put appends a token that covers bytes [start, end) of the text it is read from; there
 * is room for it. */
static inline void encoding_put(struct encoding *e, uint32_t id, size_t start, size_t end)
{
    struct tokens *out = e->out;
    out->ids[out->n] = id;
    if (out->spans) out->spans[out->n] = (struct token_span){(uint32_t)start, (uint32_t)end};
    out->n++;
}

/**
 * encoding_place turns the spans of the tokens from `first` on, bytes of `text`, into code points.
 * @param places where each code point of `text` stems from, or NULL: from where it stands
 * @param origin added to all
 */
void encoding_place(struct encoding *e, uint32_t first, const char *text, const uint32_t *places,
                    uint32_t origin);

/** What the families need: call once the vocabulary is finished, and what else the file says of the
 * model (prefix, merges, scores, flags) is there. False when memory is out. */
bool wordpiece_finish(struct tokenizer *tokenizer);
bool bpe_finish(struct tokenizer *tokenizer, struct err *err);
bool unigram_finish(struct tokenizer *tokenizer);

/**
 * wordpiece_has_all: whether a WordPiece whose words end before and after each character that is
 * not `listed` is one whose words do not, but for unknown characters, which cost themselves alone
 * (unknown_alone): all that are listed are tokens, and tokens of several characters are made of
 * these. Reads all of the vocabulary.
 */
bool wordpiece_has_all(const struct tokenizer *tokenizer, const struct character_class *listed);

/** An added token as a file tells it. */
struct added_entry {
    const char *text; /* borrowed during the call */
    size_t bytes;
    struct added_token token;
    bool is_normalized;
    bool is_special;
};

/**
 * tokenizer_normalize makes the normalized form of `text`, in the arena.
 * @return false when the arena is at its cap or a regex was given up
 */
bool tokenizer_normalize(const struct tokenizer *tokenizer, struct arena *arena, const char *text,
                         size_t bytes, struct line *out);

/**
 * tokenizer_set_added makes the two sets of added tokens; call once the vocabulary is finished and
 * the normalizer known. `entries` (n) are unique.
 * @return false with ERR_FORMAT or ERR_MEMORY
 */
bool tokenizer_set_added(struct tokenizer *tokenizer, const struct added_entry *entries, size_t n,
                         const char *where, struct err *err);
