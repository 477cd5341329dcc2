/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file json_readers.h
 * The parts of tokenizer.json, one reader each. For the reader of the file only. All fill an empty
 * tokenizer, in the order in which they stand here, and return false with ERR_FORMAT or ERR_MEMORY.
 * One thread.
 */
#pragma once

#include "base/json.h"
#include "model/text/families/family.h"
#include "model/text/json/json_fields.h"

/** The long lists of the model, as they stand in the file; data NULL: not there. The vocabulary has
 * been read (an object's tokens, or a list's tokens and scores) and is not finished. */
struct model_lists {
    struct span vocab, merges;
};

/**
 * json_read_tokenizer fills a tokenizer from the file without its long lists, as it is parsed, and
 * keeps that as its settings. `root` is changed: what arrays hold is taken out of it.
 * @param lists NULL: the vocabulary is finished, and whatever else is long is there
 */
bool json_read_tokenizer(struct tokenizer *t, json_t *root, const struct model_lists *lists,
                         struct err *err);

/** tokenizer_read_json fills an empty tokenizer from tokenizer.json. */
bool tokenizer_read_json(struct tokenizer *tokenizer, struct span file, struct err *err);

/** tokenizer_read_words fills an empty tokenizer, a plain dictionary, from its vocabulary, which is
 * not finished. */
bool tokenizer_read_words(struct tokenizer *tokenizer, const char *where, struct err *err);

/** tokenizer_read_vocab fills an empty tokenizer from vocab.txt.
 * @param kind      "wordpiece", "dictionary", or NULL: told by the file
 * @param lowercase 0, 1, or -1: a WordPiece does, a dictionary does not
 */
bool tokenizer_read_vocab(struct tokenizer *tokenizer, struct span file, const char *kind,
                          int lowercase, struct err *err);

/** The tensor of a packed file that holds the charsmap of the normalizer with that place in the
 * pipeline. */
#define JSON_PACKED_CHARSMAP "tokenizer.charsmap.%zu"

/** json_read_model: vocabulary, merges, scores, and the family. */
bool json_read_model(struct tokenizer *t, json_t *model, const struct model_lists *lists,
                     struct err *err);

/** json_read_normalizer; is_bert: t->normalizer does the same (with bert_family). */
bool json_read_normalizer(struct tokenizer *t, json_t *part, bool *is_bert, struct err *err);

/** json_read_pre_tokenizer; is_bert: it is BertPreTokenizer. */
bool json_read_pre_tokenizer(struct tokenizer *t, json_t *part, bool *is_bert, struct err *err);

/** json_finish_model makes what the model needs, now that the steps before it are known. */
bool json_finish_model(struct tokenizer *t, struct err *err);

/** Reads one step that is not a Sequence. */
typedef bool json_read_step(struct tokenizer *t, json_t *part, const char *path, const char *type,
                            struct err *err);

/** What differs between the lists of steps. */
struct json_steps {
    struct field_types types; /* Sequence included */
    const char *items;        /* the Sequence's key */
    size_t step_bytes;        /* what a step counts for, as PIPELINE_BYTES_MAX says */
    json_read_step *read;
};

/** json_read_steps reads a step, or those of a Sequence, in which others may stand. */
bool json_read_steps(struct tokenizer *t, const struct json_steps *steps, json_t *part,
                     const char *path, struct err *err);

bool json_read_added_tokens(struct tokenizer *t, json_t *list, struct err *err);
bool json_read_post_processor(struct tokenizer *t, json_t *part, struct err *err);
bool json_read_decoder(struct tokenizer *t, json_t *part, struct err *err);
