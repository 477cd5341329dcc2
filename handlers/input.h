/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file input.h
 * Every dialect's input becomes the same batch: sequences of token ids, with the limits checked and
 * everything that was cut or unknown counted. Lives in the request's arena, which one thread has at
 * a time.
 */
#pragma once

#include "handlers/exchange.h"
#include "handlers/fields.h"
#include "handlers/service.h"
#include "model/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** exchange_read_fields: fields_read of the request's body, or of x->object; notes bad JSON and
 * ignored fields in x->sample.
 * @param values one for each field of x->endpoint */
bool exchange_read_fields(struct exchange *x, struct value *values, struct err *err);

/** What a sequence was given as. */
enum input_form {
    INPUT_TEXT = 1,
    INPUT_TOKENS = 2,
    INPUT_IDS = 4,
};

/* What batch_read takes besides, as an INPUT_TEXT. */
/** With INPUT_IDS, for OpenAI's routes: ids are those of the service's openai_ids, where there are
 * any, and become the text that they stand for. */
#define INPUT_OPENAI_IDS 8
/** With INPUT_TEXT: {"text": ...} stands for its text. */
#define INPUT_TEXT_OBJECT 16

/** One sequence. Before batch_tokenize only its source is set. */
struct sequence {
    enum input_form form;
    struct text text;    /* INPUT_TEXT; behind a prompt, once that is put before it */
    size_t prompt_bytes; /* of the text, that were not sent */
    struct text joined;  /* its tokens, where a model looks at texts that it is not (whole) */
    const struct value *tokens; /* INPUT_TOKENS: n_tokens strings */
    size_t n_tokens;

    uint32_t *ids; /* n; TOKEN_ID_NONE for an unknown token where the table has no unknown row */
    uint32_t n;
    uint32_t unknown; /* how many of them are outside the vocabulary */
    uint32_t dropped; /* how many tokens were cut off in front (truncate: left) */
    uint32_t window;  /* tokens of a window at most, where there are several (truncate: window) */
    const struct text
        *sources;   /* of each token, where windows are there and a model looks at texts */
    unsigned flags; /* of model_tokenize */
    bool is_truncated;
};

/** sequence_is_whole: a text as it was sent. */
static inline bool sequence_is_whole(const struct sequence *sequence)
{
    return sequence->form == INPUT_TEXT && !sequence->is_truncated;
}

/** sequence_sent: a text as it was sent, for replies that hold it. */
static inline struct text sequence_sent(const struct sequence *sequence)
{
    const size_t before = sequence->prompt_bytes;
    return (struct text){sequence->text.data + before, sequence->text.bytes - before};
}

/** sequence_passage: what its vector is made of. */
static inline struct passage sequence_passage(const struct sequence *sequence)
{
    const struct text *text = sequence_is_whole(sequence) ? &sequence->text : &sequence->joined;
    return (struct passage){
        .ids = sequence->ids, .n = sequence->n, .text = text->data, .bytes = text->bytes};
}

/** sequence_windows: how many windows its vector is the mean of: as few as can be, of nearly equal
 * length. */
static inline uint32_t sequence_windows(const struct sequence *sequence)
{
    return sequence->window ? (sequence->n - 1) / sequence->window + 1 : 1;
}

/** sequence_window: what the vector of window `i` is made of. ERR_MEMORY. */
bool sequence_window(struct exchange *x, const struct sequence *sequence, uint32_t i,
                     struct passage *passage, struct err *err);

struct batch {
    struct sequence *items;
    size_t n;
    const struct prompt *prompt; /* its texts are put behind it; the model's own, unless another is
                                    named before batch_tokenize; NULL: none */
    const char *field;           /* of the request, that it was read from; for messages */
    bool has_ids;                /* some sequence came as ids, those that became a text included */
    uint64_t tokens;             /* of all sequences, after truncation */
    uint64_t unknown;            /* likewise */
    uint64_t truncated;          /* sequences that were cut */
    bool has_windows;            /* some sequence is taken in windows */
};

/**
 * batch_read takes `value` (the field `name`) apart into sequences: a string, a list of strings, a
 * list of integers, a list of such lists, as far as `forms` (of enum input_form) allows. With
 * INPUT_TOKENS a list of strings is one sequence of tokens, otherwise a list of texts.
 * @param is_mixed_allowed  the items of a list may have different forms
 * @return false with ERR_INVALID (naming the item), ERR_TOO_LARGE (more than inputs_max; ids that
 *         stand for more text than a body may have) or ERR_MEMORY; or deferred, as by reply_plan,
 *         where they stand for more text than is tokenized here
 */
bool batch_read(struct exchange *x, const struct value *value, const char *name, unsigned forms,
                bool is_mixed_allowed, struct batch *batch, struct err *err);

/** batch_ids_name: whose ids INPUT_OPENAI_IDS takes, or "model". Lives for ever. */
const char *batch_ids_name(const struct exchange *x);

/** How an input that is too long is treated. */
struct length_limit {
    size_t tokens_max; /* 0: the model's own limit, if it has one */
    enum truncate truncate;
    /* Somebody asked for it: it goes for the model's own limit, too, which otherwise cuts as the
       library does whose results the model gives. */
    bool is_asked;
};

/** length_limit_to: no more than `tokens` (> 0). */
void length_limit_to(struct length_limit *limit, size_t tokens);

/** length_limit_said: how many tokens a text may have, for who asks. Without a limit it has at most
 * as many as a body has bytes. */
size_t length_limit_said(const struct exchange *x, const struct model_info *info);

/** length_limit_of: what the service's options and the dialect say. */
struct length_limit length_limit_of(const struct exchange *x);

/** length_limit_read: the field `name`: false or "error": an input that is too long is an error;
 * true, "right" or "left": it is cut; "window": it is taken in windows. */
bool length_limit_read(const struct value *value, const char *name, struct length_limit *limit,
                       struct err *err);

/** length_limit_lower reads the field `name`, a whole number from 1: the most tokens of an input,
 * where that is fewer than the limit has. */
bool length_limit_lower(const struct value *value, const char *name, struct length_limit *limit,
                        struct err *err);

/**
 * batch_tokenize fills ids, n, unknown of every sequence and the counts of the batch and of
 * x->sample. Of what came as tokens or ids no script is looked at.
 * @param limit applied to each sequence; under TRUNCATE_ERROR a longer one is ERR_INVALID
 */
bool batch_tokenize(struct exchange *x, struct batch *batch, const struct length_limit *limit,
                    struct err *err);

/** What a token outside the dictionary gets. */
enum unknown_policy { UNKNOWN_UNK, UNKNOWN_SKIP, UNKNOWN_ERROR };

/** unknown_policy_read: the field `unknown`; default UNKNOWN_UNK where the model has an unknown
 * row, else UNKNOWN_ERROR. ERR_INVALID when "unk" is asked of a model without one. */
bool unknown_policy_read(const struct exchange *x, const struct value *value,
                         enum unknown_policy *policy, struct err *err);

/** count_unknown: how many of ids (n) are unknown (model_is_unknown). */
uint32_t count_unknown(const struct exchange *x, const uint32_t *ids, size_t n);

/** count_foreign notes a text, as it was sent, in x->sample where most of its letters are of
 * scripts that the model does not know. Nothing is foreign to a model that does not say what it
 * knows. */
void count_foreign(struct exchange *x, struct text text);

/**
 * sequence_apply_unknown drops unknown tokens (UNKNOWN_SKIP) or refuses them (UNKNOWN_ERROR:
 * ERR_UNPROCESSABLE naming the first and its place).
 * @param index of the sequence in its batch, for the message
 */
bool sequence_apply_unknown(struct exchange *x, struct sequence *sequence, size_t index,
                            enum unknown_policy policy, struct err *err);

/** Where the last slice of a text ended: slices taken in order cost their own length. */
struct slice_cursor {
    size_t at_bytes;
    uint32_t at_points;
};

/** slice_text: the part of `text` (valid UTF-8) that `span` (code points) means. The cursor starts
 * as zeros. */
struct text slice_text(struct text text, struct slice_cursor *cursor, struct token_span span);

/**
 * sequence_sources: each of the n tokens as it was sent: the piece of text, the token, or (for ids)
 * the vocabulary's entry. Not after sequence_apply_unknown has dropped some.
 * @param out   (n) texts in the arena
 * @param spans NULL, or set to the places (n) of the tokens of a text; NULL for tokens and ids
 * @return false with ERR_MEMORY
 */
bool sequence_sources(struct exchange *x, const struct sequence *sequence, const struct text **out,
                      const struct token_span **spans, struct err *err);

/**
 * model_name_read reads the field `model` and has the model of that name answer (serving_choose).
 * Before anything else asks for the model.
 * @param out the name to echo: the one sent, else that of the served model
 */
bool model_name_read(struct exchange *x, const struct value *value, struct text *out,
                     struct err *err);
